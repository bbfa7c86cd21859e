/* See key.h. Signing and verifying; key_file.c has the files, passphrase.c the prompt. */
#include "evidence/key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <string.h>

static enum status no_crypto(struct error *error, const char *what) {
    return error_environment(error, "OpenSSL could not %s; is its installation complete?", what);
}

enum status key_public_from_bytes(const uint8_t bytes[KEY_ED25519_BYTES], struct public_key *out,
                                  struct error *error) {
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, KEY_ED25519_BYTES);
    unsigned char *der = NULL;
    int size = pkey ? i2d_PUBKEY(pkey, &der) : -1;
    EVP_PKEY_free(pkey);
    if (size <= 0) return no_crypto(error, "encode an Ed25519 public key");
    memcpy(out->bytes, bytes, KEY_ED25519_BYTES);
    digest_of((struct span){der, (size_t)size}, out->id);
    digest_to_hex(out->id, out->id_hex);
    OPENSSL_free(der);
    return STATUS_OK;
}

enum status key_from_seed(const uint8_t seed[KEY_ED25519_BYTES], struct private_key *out,
                          struct error *error) {
    uint8_t public_bytes[KEY_ED25519_BYTES];
    size_t size = sizeof public_bytes;
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, KEY_ED25519_BYTES);
    bool done = pkey && EVP_PKEY_get_raw_public_key(pkey, public_bytes, &size) == 1 &&
                size == sizeof public_bytes;
    EVP_PKEY_free(pkey);
    if (!done) return no_crypto(error, "derive an Ed25519 public key");
    memcpy(out->seed, seed, KEY_ED25519_BYTES);
    return key_public_from_bytes(public_bytes, &out->public_half, error);
}

enum status key_generate(struct private_key *out, struct error *error) {
    uint8_t seed[KEY_ED25519_BYTES];
    if (RAND_priv_bytes(seed, sizeof seed) != 1) return no_crypto(error, "make random numbers");
    enum status status = key_from_seed(seed, out, error);
    OPENSSL_cleanse(seed, sizeof seed);
    return status;
}

void key_wipe(struct private_key *key) {
    OPENSSL_cleanse(key, sizeof *key);
}

enum status key_sign(const struct private_key *key, struct span message,
                     uint8_t signature[KEY_SIGNATURE_BYTES], struct error *error) {
    size_t size = KEY_SIGNATURE_BYTES;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key->seed, KEY_ED25519_BYTES);
    bool done = context && pkey && EVP_DigestSignInit(context, NULL, NULL, NULL, pkey) == 1 &&
                EVP_DigestSign(context, signature, &size, message.data, message.size_bytes) == 1 &&
                size == KEY_SIGNATURE_BYTES;
    EVP_PKEY_free(pkey);
    EVP_MD_CTX_free(context);
    return done ? STATUS_OK : no_crypto(error, "sign");
}

bool key_verify(const struct public_key *key, struct span message,
                const uint8_t signature[KEY_SIGNATURE_BYTES]) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, KEY_ED25519_BYTES);
    bool holds = context && pkey && EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
                 EVP_DigestVerify(context, signature, KEY_SIGNATURE_BYTES, message.data,
                                  message.size_bytes) == 1;
    EVP_PKEY_free(pkey);
    EVP_MD_CTX_free(context);
    return holds;
}
