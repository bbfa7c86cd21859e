/* The patch stream: a new image told from an old one at another address.
 * (The stream's bytes are documented in docs/patch.md; this is the header every patch starts
 * with, which is all that is needed to refuse one.)
 *
 *   offset size
 *        0    8  "PMPATCH" 0x01
 *        8    4  old address (where the old image runs)      12   4  old bytes
 *       16    4  new address                                 20   4  new bytes (a payload: with its
 * seal) 24   32  SHA-256 of the old bytes 56    4  decoder memory this patch needs, in bytes    60
 * 4  zero 64  ...  range-coded body
 *
 * Old image: the image in the running slot without its seal. */
#ifndef FORMAT_PATCH_H
#define FORMAT_PATCH_H
#include "format/bytes.h"
enum { PM_PATCH_HEADER_BYTES = 64 };
struct pm_patch_header {
    uint32_t old_address, old_bytes, new_address, new_bytes, memory_bytes;
    uint8_t old_sha256[PM_SHA256_BYTES];
};
void pm_patch_header_write(const struct pm_patch_header *header,
                           uint8_t out[PM_PATCH_HEADER_BYTES]);
bool pm_patch_header_read(const uint8_t bytes[PM_PATCH_HEADER_BYTES], struct pm_patch_header *out);
#endif
