/* The root document: who may sign what, signed by two of three root keys.
 *
 * Version 1 is built into the boot stage. Version n + 1 replaces version n when two of n's root
 * keys sign it and, where it changes a root key, two of its own as well (the rule of The Update
 * Framework, 5.3). A release key that a version leaves out is revoked by it.
 *
 *   offset size
 *        0    8  "PMROOT" 0x00 0x01
 *        8    4  version, from 1
 *       12    4  number of release keys, 1 to 4
 *       16  192  three root keys, each a point x || y on P-256
 *      208  256  release keys, zeros behind the last
 *      464   64  vendor and class identifier (16 + 16), 32 zero bytes
 *      528    4  which root keys signed, a byte each: the two of version - 1 (their index 0 to 2),
 *                then the two of this version (0xff 0xff when no root key changed); ascending
 *      532  256  the four signatures in that order (zeros where 0xff): ES256 over bytes 0 to 527
 *
 * A device keeps the chain from version 2 up, because the boot stage believes nothing but what it
 * has inside; documents that change no root key are replaced by the next one. */
#ifndef FORMAT_ROOT_H
#define FORMAT_ROOT_H

#include "format/seal.h"

enum {
    PM_ROOT_BYTES = 788,
    PM_ROOT_SIGNED_BYTES = 528,
    PM_ROOT_HEAD_BYTES = 16,
    PM_ROOT_KEYS = 3,
    PM_RELEASE_KEYS = 4,
    PM_POINT_BYTES = 64
};

struct pm_root {
    uint32_t version, release_key_count;
    uint8_t root_keys[PM_ROOT_KEYS][PM_POINT_BYTES];
    uint8_t release_keys[PM_RELEASE_KEYS][PM_POINT_BYTES];
    uint8_t vendor[PM_UUID_BYTES], class_id[PM_UUID_BYTES];
    uint8_t signers[4];
    uint8_t signatures[4][PM_ES256_BYTES];
};

void pm_root_write(const struct pm_root *root, uint8_t out[PM_ROOT_BYTES]);
/* The magic, version and number of release keys, which must be right. The boot stage reads no more
 * of a document's form: the rest is what two root keys have signed. */
bool pm_root_read_head(const uint8_t bytes[PM_ROOT_HEAD_BYTES], uint32_t *version,
                       uint32_t *release_key_count);
bool pm_root_read(const uint8_t bytes[PM_ROOT_BYTES], struct pm_root *out);

#endif
