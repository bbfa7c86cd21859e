/* What a product's maker does, for tests of the device: keys, root documents, sealed images. Keys
 * and signatures are OpenSSL's, so that what the device verifies comes from another
 * implementation. Any failure ends the program. */
#ifndef TESTS_DEVICE_MAKER_H
#define TESTS_DEVICE_MAKER_H

#include "format/root.h"

struct evp_pkey_st;

struct maker_key {
    struct evp_pkey_st *key;
    uint8_t point[PM_POINT_BYTES];
    uint8_t id[PM_SHA256_BYTES]; /* SHA-256 of the point */
};

struct maker {
    struct maker_key root[PM_ROOT_KEYS], release[2];
    struct pm_root factory;
    uint8_t factory_bytes[PM_ROOT_BYTES];
};

/* Fresh keys; version 1 of the root document has release key 0 alone. */
void maker_init(struct maker *maker);
void maker_free(struct maker *maker);
void maker_key_init(struct maker_key *key);
void maker_key_free(struct maker_key *key);
void maker_sha256(const void *data, size_t size_bytes, uint8_t out[PM_SHA256_BYTES]);
void maker_sign(const struct maker_key *key, const void *data, size_t size_bytes,
                uint8_t signature[PM_ES256_BYTES]);
void maker_sign_digest(const struct maker_key *key, const uint8_t digest[PM_SHA256_BYTES],
                       uint8_t signature[PM_ES256_BYTES]);
/* Signs `root` (signatures and signers are set) by keys 0 and 1 of `by`, and by 0 and 1 of `own`
 * when the root keys change (NULL: they do not). */
void maker_sign_root(struct pm_root *root, const struct maker_key by[PM_ROOT_KEYS],
                     const struct maker_key *own, uint8_t out[PM_ROOT_BYTES]);

/* An image of image_bytes (a multiple of 4, at least 64) at slot_address, filled from `fill`, whose
 * vectors are sane, and its seal for the maker's product. */
void maker_image(uint8_t *image, uint32_t image_bytes, uint32_t slot_address, uint8_t fill);
void maker_seal(const struct maker *maker, const struct maker_key *key, const uint8_t *image,
                uint32_t image_bytes, uint32_t slot_address, uint64_t sequence,
                uint8_t out[PM_SEAL_BYTES]);

#endif
