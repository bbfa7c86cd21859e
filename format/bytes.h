/* Bytes and SHA-256 as format/ sees them.
 *
 * format/ is freestanding: it is compiled into devices as well as into the host's tools,
 * so it includes nothing of ours, allocates nothing, and keeps no state. Memory is the
 * caller's; everything handed out is borrowed from the caller's input. SHA-256 comes
 * from the caller too (OpenSSL on the host, BearSSL or a hash peripheral on a device). */
#ifndef FORMAT_BYTES_H
#define FORMAT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PM_SHA256_BYTES = 32 };

/* A borrowed view. data may be NULL only when size_bytes is 0. */
struct pm_bytes {
    const uint8_t *data;
    size_t size_bytes;
};

/* `hash` writes SHA-256 of the concatenation of `count` parts. `out` may be
 * the memory of one of the parts. It returns false when it could not (a peripheral that failed);
 * what asked for the hash then refuses. */
struct pm_sha256 {
    bool (*hash)(void *context, const struct pm_bytes *parts, size_t count,
                 uint8_t out[PM_SHA256_BYTES]);
    void *context;
};

/* Equality of two whole views, in time that depends on their lengths only. */
bool pm_bytes_equal(struct pm_bytes a, struct pm_bytes b);

#endif
