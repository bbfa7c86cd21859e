/* See keys.h. */
#include "release/keys.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <string.h>

#include "evidence/digest.h"
#include "evidence/key_pem.h"

enum {
    COORDINATE_BYTES = 32,
    OCTETS_BYTES = 1 + PM_POINT_BYTES,
    UNCOMPRESSED = 4,
    DER_MAXIMUM = 80
};

static const char no_crypto[] = "OpenSSL could not use a P-256 key; is its installation complete?";

void release_key_id(const uint8_t point[PM_POINT_BYTES], uint8_t id[PM_SHA256_BYTES],
                    char hex[DIGEST_HEX_BYTES]) {
    digest_of((struct span){point, PM_POINT_BYTES}, id);
    digest_to_hex(id, hex);
}

/* Takes the pkey over. */
static enum status take(EVP_PKEY *pkey, bool is_private, struct release_key *out,
                        struct error *error) {
    uint8_t octets[OCTETS_BYTES];
    char group[32] = "";
    size_t size = 0;
    bool fits = EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC &&
                EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group,
                                               sizeof group, NULL) == 1 &&
                strcmp(group, "prime256v1") == 0 &&
                EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, octets,
                                                sizeof octets, &size) == 1 &&
                size == sizeof octets && octets[0] == UNCOMPRESSED;
    *out = (struct release_key){.pkey = fits ? pkey : NULL, .is_private = is_private};
    if (!fits) {
        EVP_PKEY_free(pkey);
        return error_input(error, "is not a P-256 key; make one with proofmark release keygen");
    }
    memcpy(out->point, octets + 1, PM_POINT_BYTES);
    release_key_id(out->point, out->id, out->id_hex);
    return STATUS_OK;
}

enum status release_key_generate(struct release_key *out, struct error *error) {
    *out = (struct release_key){.pkey = NULL};
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    if (!pkey) return error_environment(error, "%s", no_crypto);
    return take(pkey, true, out, error);
}

enum status release_key_load(const char *path, const struct passphrase_source *source,
                             struct release_key *out, struct error *error) {
    EVP_PKEY *pkey;
    *out = (struct release_key){.pkey = NULL};
    enum status status = key_pem_read_private(path, source, &pkey, error);
    if (status != STATUS_OK) return status;
    status = take(pkey, true, out, error);
    if (status != STATUS_OK) error_prefix(error, path);
    return status;
}

enum status release_key_load_public(const char *path, struct release_key *out,
                                    struct error *error) {
    EVP_PKEY *pkey;
    *out = (struct release_key){.pkey = NULL};
    enum status status = key_pem_read_public(path, &pkey, error);
    if (status != STATUS_OK) return status;
    status = take(pkey, false, out, error);
    if (status != STATUS_OK) error_prefix(error, path);
    return status;
}

void release_key_free(struct release_key *key) {
    EVP_PKEY_free(key->pkey);
    *key = (struct release_key){.pkey = NULL};
}

/* OpenSSL writes SEQUENCE { r, s } in DER. */
static bool signature_from_der(const uint8_t *der, size_t size, uint8_t out[PM_ES256_BYTES]) {
    ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &der, (long)size);
    bool done = parts && BN_bn2binpad(ECDSA_SIG_get0_r(parts), out, COORDINATE_BYTES) > 0 &&
                BN_bn2binpad(ECDSA_SIG_get0_s(parts), out + COORDINATE_BYTES, COORDINATE_BYTES) > 0;
    ECDSA_SIG_free(parts);
    return done;
}

enum status release_key_sign(const struct release_key *key, const uint8_t digest[PM_SHA256_BYTES],
                             uint8_t signature[PM_ES256_BYTES], struct error *error) {
    uint8_t der[DER_MAXIMUM];
    size_t size = sizeof der;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->pkey, NULL);
    bool done = context && key->is_private && EVP_PKEY_sign_init(context) == 1 &&
                EVP_PKEY_sign(context, der, &size, digest, PM_SHA256_BYTES) == 1 &&
                signature_from_der(der, size, signature);
    EVP_PKEY_CTX_free(context);
    return done ? STATUS_OK : error_environment(error, "%s", no_crypto);
}

/* A public key from its point; OpenSSL refuses one that is not on the curve. */
static EVP_PKEY *from_point(const uint8_t point[PM_POINT_BYTES]) {
    uint8_t octets[OCTETS_BYTES] = {UNCOMPRESSED};
    char group[] = "prime256v1";
    memcpy(octets + 1, point, PM_POINT_BYTES);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof octets),
        OSSL_PARAM_construct_end()};
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (!context || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(context);
    return pkey;
}

bool release_key_verify(const uint8_t point[PM_POINT_BYTES], const uint8_t digest[PM_SHA256_BYTES],
                        const uint8_t signature[PM_ES256_BYTES]) {
    unsigned char *der = NULL;
    int size = -1;
    ECDSA_SIG *parts = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, COORDINATE_BYTES, NULL);
    BIGNUM *s = BN_bin2bn(signature + COORDINATE_BYTES, COORDINATE_BYTES, NULL);
    if (parts && r && s && ECDSA_SIG_set0(parts, r, s) == 1) {
        size = i2d_ECDSA_SIG(parts, &der);
    } else {
        BN_free(r);
        BN_free(s);
    }
    EVP_PKEY *pkey = from_point(point);
    EVP_PKEY_CTX *context = pkey ? EVP_PKEY_CTX_new(pkey, NULL) : NULL;
    bool holds = size > 0 && context && EVP_PKEY_verify_init(context) == 1 &&
                 EVP_PKEY_verify(context, der, (size_t)size, digest, PM_SHA256_BYTES) == 1;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(pkey);
    OPENSSL_free(der);
    ECDSA_SIG_free(parts);
    return holds;
}

static enum status sign_digest(void *context, const uint8_t digest[PM_SHA256_BYTES],
                               uint8_t signature[PM_ES256_BYTES], struct error *error) {
    return release_key_sign(context, digest, signature, error);
}

struct es256_signer release_key_signer(struct release_key *key) {
    struct es256_signer signer = {.context = key, .sign = sign_digest};
    memcpy(signer.key_id, key->id, sizeof signer.key_id);
    return signer;
}
