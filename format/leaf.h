/* The log's leaf: what the Merkle log holds for one statement.
 *
 * A record of exactly 192 bytes, so that a file of leaves is an array and a torn tail is
 * seen by its length. All fields are fixed; there is one byte form.
 *
 *   offset size
 *        0    8  "PMLEAF" 0x00 0x01         (name and version)
 *        8   32  SHA-256 of the envelope in its canonical byte form
 *       40   32  key id: SHA-256 of the signer's SubjectPublicKeyInfo (DER)
 *       72  120  payload type, printable ASCII, padded with zero bytes
 *
 * The leaf names an envelope and does not hold it: statements may be large, or be
 * withheld, while the log stays small and complete. */
#ifndef FORMAT_LEAF_H
#define FORMAT_LEAF_H

#include "format/bytes.h"

enum { PM_LEAF_BYTES = 192, PM_LEAF_PAYLOAD_TYPE_MAXIMUM = 120 };

struct pm_leaf {
    uint8_t envelope_sha256[PM_SHA256_BYTES];
    uint8_t key_id[PM_SHA256_BYTES];
    struct pm_bytes payload_type; /* 1 to 120 characters, 0x21 to 0x7e, borrowed */
};

/* False when the payload type does not fit. */
bool pm_leaf_write(const struct pm_leaf *leaf, uint8_t out[PM_LEAF_BYTES]);

/* False for any bytes that pm_leaf_write() does not make. */
bool pm_leaf_read(struct pm_bytes record, struct pm_leaf *out);

#endif
