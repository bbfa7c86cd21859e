/* See maker.h. */
#include "tests/device/maker.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/little_endian.h"

static void need(bool condition, const char *what) {
    if (condition) return;
    fprintf(stderr, "maker: %s failed\n", what);
    abort();
}

void maker_sha256(const void *data, size_t size_bytes, uint8_t out[PM_SHA256_BYTES]) {
    need(SHA256(data, size_bytes, out) != NULL, "SHA-256");
}

void maker_key_init(struct maker_key *key) {
    uint8_t encoded[1 + PM_POINT_BYTES];
    size_t size = 0;
    key->key = EVP_EC_gen("P-256");
    need(key->key != NULL, "key generation");
    need(EVP_PKEY_get_octet_string_param(key->key, OSSL_PKEY_PARAM_PUB_KEY, encoded, sizeof encoded,
                                         &size) == 1 &&
             size == sizeof encoded,
         "public key");
    memcpy(key->point, encoded + 1, PM_POINT_BYTES);
    maker_sha256(key->point, PM_POINT_BYTES, key->id);
}

void maker_key_free(struct maker_key *key) {
    EVP_PKEY_free(key->key);
    key->key = NULL;
}

void maker_sign_digest(const struct maker_key *key, const uint8_t digest[PM_SHA256_BYTES],
                       uint8_t signature[PM_ES256_BYTES]) {
    uint8_t der[80];
    size_t der_bytes = sizeof der;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->key, NULL);
    need(context && EVP_PKEY_sign_init(context) == 1 &&
             EVP_PKEY_sign(context, der, &der_bytes, digest, PM_SHA256_BYTES) == 1,
         "signing");
    EVP_PKEY_CTX_free(context);
    const uint8_t *at = der;
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &at, (long)der_bytes);
    need(parsed && BN_bn2binpad(ECDSA_SIG_get0_r(parsed), signature, 32) == 32 &&
             BN_bn2binpad(ECDSA_SIG_get0_s(parsed), signature + 32, 32) == 32,
         "reading a signature");
    ECDSA_SIG_free(parsed);
}

void maker_sign(const struct maker_key *key, const void *data, size_t size_bytes,
                uint8_t signature[PM_ES256_BYTES]) {
    uint8_t digest[PM_SHA256_BYTES];
    maker_sha256(data, size_bytes, digest);
    maker_sign_digest(key, digest, signature);
}

void maker_sign_root(struct pm_root *root, const struct maker_key by[PM_ROOT_KEYS],
                     const struct maker_key *own, uint8_t out[PM_ROOT_BYTES]) {
    static const uint8_t alone[4] = {0, 1, 0xff, 0xff}, both[4] = {0, 1, 0, 1};
    memcpy(root->signers, own ? both : alone, sizeof root->signers);
    memset(root->signatures, 0, sizeof root->signatures);
    pm_root_write(root, out);
    for (unsigned i = 0; i < 2; i++) {
        maker_sign(&by[i], out, PM_ROOT_SIGNED_BYTES, root->signatures[i]);
        if (own) maker_sign(&own[i], out, PM_ROOT_SIGNED_BYTES, root->signatures[2 + i]);
    }
    pm_root_write(root, out);
}

void maker_init(struct maker *maker) {
    memset(maker, 0, sizeof *maker);
    for (unsigned i = 0; i < PM_ROOT_KEYS; i++) {
        maker_key_init(&maker->root[i]);
        memcpy(maker->factory.root_keys[i], maker->root[i].point, PM_POINT_BYTES);
    }
    for (unsigned i = 0; i < 2; i++)
        maker_key_init(&maker->release[i]);
    maker->factory.version = 1;
    maker->factory.release_key_count = 1;
    memcpy(maker->factory.release_keys[0], maker->release[0].point, PM_POINT_BYTES);
    memset(maker->factory.vendor, 0x56, PM_UUID_BYTES);
    memset(maker->factory.class_id, 0x43, PM_UUID_BYTES);
    maker_sign_root(&maker->factory, maker->root, NULL, maker->factory_bytes);
}

void maker_free(struct maker *maker) {
    for (unsigned i = 0; i < PM_ROOT_KEYS; i++)
        maker_key_free(&maker->root[i]);
    for (unsigned i = 0; i < 2; i++)
        maker_key_free(&maker->release[i]);
}

void maker_image(uint8_t *image, uint32_t image_bytes, uint32_t slot_address, uint8_t fill) {
    need(image_bytes % 4 == 0 && image_bytes >= 64, "image size");
    for (uint32_t i = 0; i < image_bytes; i++)
        image[i] = (uint8_t)(fill + i * 7 + (i >> 8));
    pm_put_u32(image, 0x20008000);
    pm_put_u32(image + 4, slot_address + 8 + 1);
}

void maker_seal(const struct maker *maker, const struct maker_key *key, const uint8_t *image,
                uint32_t image_bytes, uint32_t slot_address, uint64_t sequence,
                uint8_t out[PM_SEAL_BYTES]) {
    struct pm_seal seal = {.slot_address = slot_address,
                           .image_bytes = image_bytes,
                           .sequence = sequence,
                           .major = 1,
                           .minor = (uint8_t)sequence};
    maker_sha256(image, image_bytes, seal.image_sha256);
    memcpy(seal.vendor, maker->factory.vendor, PM_UUID_BYTES);
    memcpy(seal.class_id, maker->factory.class_id, PM_UUID_BYTES);
    memcpy(seal.key_id, key->id, PM_SHA256_BYTES);
    pm_seal_write(&seal, out);
    maker_sign(key, out, PM_SEAL_SIGNED_BYTES, seal.signature);
    pm_seal_write(&seal, out);
}
