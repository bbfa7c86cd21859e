/* SHA-256 digests, and their text: 64 lower-case hexadecimal digits. */
#ifndef EVIDENCE_DIGEST_H
#define EVIDENCE_DIGEST_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "format/bytes.h"

enum { DIGEST_BYTES = 32, DIGEST_HEX_BYTES = 65 /* with the NUL */ };

void digest_of(struct span bytes, uint8_t out[DIGEST_BYTES]);
void digest_to_hex(const uint8_t digest[DIGEST_BYTES], char out[DIGEST_HEX_BYTES]);

/* Exactly 64 lower-case digits and a NUL, or false. */
bool digest_from_hex(const char *hex, uint8_t out[DIGEST_BYTES]);

/* OpenSSL's SHA-256 for format/. */
extern const struct pm_sha256 digest_sha256;

static inline struct pm_bytes digest_bytes(struct span span) {
    return (struct pm_bytes){span.data, span.size_bytes};
}

#endif
