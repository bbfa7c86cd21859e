/* See pm/crypto.h. BearSSL's i31 code: on a Cortex-M4 half the time of i15 for some 300 bytes. */
#include "pm/crypto.h"

#include <bearssl.h>
#include <string.h>

_Static_assert(sizeof(struct pm_hash) >= sizeof(br_sha256_context), "room for BearSSL's state");
_Static_assert(_Alignof(struct pm_hash) >= _Alignof(br_sha256_context), "and its alignment");

void pm_sha256_start(struct pm_hash *hash) {
    br_sha256_init((br_sha256_context *)(void *)hash->words);
}

void pm_sha256_add(struct pm_hash *hash, const void *data, uint32_t size_bytes) {
    br_sha256_update((br_sha256_context *)(void *)hash->words, data, size_bytes);
}

void pm_sha256_finish(struct pm_hash *hash, uint8_t out[PM_SHA256_BYTES]) {
    br_sha256_out((br_sha256_context *)(void *)hash->words, out);
}

void pm_sha256_once(const void *data, uint32_t size_bytes, uint8_t out[PM_SHA256_BYTES]) {
    struct pm_hash hash;
    pm_sha256_start(&hash);
    pm_sha256_add(&hash, data, size_bytes);
    pm_sha256_finish(&hash, out);
}

bool pm_es256_verify(const uint8_t point[PM_POINT_BYTES], const uint8_t digest[PM_SHA256_BYTES],
                     const uint8_t signature[PM_ES256_BYTES]) {
    uint8_t uncompressed[1 + PM_POINT_BYTES]; /* SEC 1, 2.3.3 */
    uncompressed[0] = 4;
    memcpy(uncompressed + 1, point, PM_POINT_BYTES);
    const br_ec_public_key key = {BR_EC_secp256r1, uncompressed, sizeof uncompressed};
    return br_ecdsa_i31_vrfy_raw(&br_ec_prime_i31, digest, PM_SHA256_BYTES, &key, signature,
                                 PM_ES256_BYTES) == 1;
}
