/* ES256 results are remembered for the power-cut harness, which boots the same few images a
 * million times: the linker's --wrap puts this in front of pm_es256_verify(). The key is all that
 * is verified, whole; every 4096th hit is verified for real, and must agree. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pm/crypto.h"

enum { SLOTS = 1024, KEY_BYTES = PM_POINT_BYTES + PM_SHA256_BYTES + PM_ES256_BYTES, EVERY = 4096 };

bool __real_pm_es256_verify(const uint8_t point[PM_POINT_BYTES],
                            const uint8_t digest[PM_SHA256_BYTES],
                            const uint8_t signature[PM_ES256_BYTES]);
bool __wrap_pm_es256_verify(const uint8_t point[PM_POINT_BYTES],
                            const uint8_t digest[PM_SHA256_BYTES],
                            const uint8_t signature[PM_ES256_BYTES]);

static struct {
    uint8_t key[KEY_BYTES];
    bool used, holds;
} memo[SLOTS];
static unsigned long hits;

bool __wrap_pm_es256_verify(const uint8_t point[PM_POINT_BYTES],
                            const uint8_t digest[PM_SHA256_BYTES],
                            const uint8_t signature[PM_ES256_BYTES]) {
    uint8_t key[KEY_BYTES];
    uint32_t hash;
    memcpy(key, point, PM_POINT_BYTES);
    memcpy(key + PM_POINT_BYTES, digest, PM_SHA256_BYTES);
    memcpy(key + PM_POINT_BYTES + PM_SHA256_BYTES, signature, PM_ES256_BYTES);
    memcpy(&hash, digest, sizeof hash);
    hash ^= signature[0] ^ (uint32_t)point[0] << 5;
    if (memo[hash % SLOTS].used && memcmp(memo[hash % SLOTS].key, key, KEY_BYTES) == 0) {
        bool holds = memo[hash % SLOTS].holds;
        if (++hits % EVERY == 0 && __real_pm_es256_verify(point, digest, signature) != holds) {
            fprintf(stderr, "cut: a remembered signature is another one\n");
            abort();
        }
        return holds;
    }
    memcpy(memo[hash % SLOTS].key, key, KEY_BYTES);
    memo[hash % SLOTS].used = true;
    return memo[hash % SLOTS].holds = __real_pm_es256_verify(point, digest, signature);
}
