/* Writing COSE_Sign1 (format/cose.h) with a signer that may be anywhere: a key in memory, a card,
 * or a file that somebody signs elsewhere. */
#ifndef RELEASE_COSE_H
#define RELEASE_COSE_H

#include "base/buffer.h"
#include "base/error.h"
#include "format/seal.h"

struct es256_signer {
    void *context;
    uint8_t key_id[PM_SHA256_BYTES]; /* SHA-256 of the point x || y (format/seal.h) */
    /* The signature r || s of a digest. The same digest may be asked for twice. */
    enum status (*sign)(void *context, const uint8_t digest[PM_SHA256_BYTES],
                        uint8_t signature[PM_ES256_BYTES], struct error *error);
};

/* Appends the message. The key id stands in the protected header. */
enum status cose_write_sign1(const struct es256_signer *signer, struct span payload, bool detached,
                             struct buffer *out, struct error *error);

/* The digest that such a message's signature is over, for a signer elsewhere. */
enum status cose_sign1_digest(const uint8_t key_id[PM_SHA256_BYTES], struct span payload,
                              uint8_t digest[PM_SHA256_BYTES], struct error *error);

#endif
