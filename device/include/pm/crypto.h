/* SHA-256 and ES256 as the device has them: over BearSSL, no heap, no state of its own.
 *
 *   struct pm_hash hash;
 *   pm_sha256_start(&hash);
 *   pm_sha256_add(&hash, data, size_bytes);      as often as there is data
 *   pm_sha256_finish(&hash, digest);
 *
 * SHA-256: FIPS 180-4. ES256: ECDSA on P-256 with SHA-256, FIPS 186-5; the signature is r || s as
 * RFC 9053, 2.1 has it, the key the point x || y. Verification handles no secret. */
#ifndef PM_CRYPTO_H
#define PM_CRYPTO_H

#include "format/root.h"

struct pm_hash {
    uint64_t words[14];
};

void pm_sha256_start(struct pm_hash *hash);
void pm_sha256_add(struct pm_hash *hash, const void *data, uint32_t size_bytes);
/* `hash` is used up. */
void pm_sha256_finish(struct pm_hash *hash, uint8_t out[PM_SHA256_BYTES]);
void pm_sha256_once(const void *data, uint32_t size_bytes, uint8_t out[PM_SHA256_BYTES]);

/* False for a signature that does not hold and for bytes that are no point of the curve. */
bool pm_es256_verify(const uint8_t point[PM_POINT_BYTES], const uint8_t digest[PM_SHA256_BYTES],
                     const uint8_t signature[PM_ES256_BYTES]);

#endif
