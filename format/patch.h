/* The patch stream: a new image told from an old one at another address.
 * (The stream's bytes are documented in docs/patch.md; this is the header every patch starts
 * with, which is all that is needed to refuse one.)
 *
 *   offset size
 *        0    4  "PMP" 0x01
 *        4    4  old address (where the old image runs)
 *        8    4  old bytes
 *       12    4  new address
 *       16    4  new bytes (a payload: with its seal)
 *       20   32  SHA-256 of the old bytes
 *       52    4  memory the decoder needs for this patch, in bytes
 *       56  ...  body
 *
 * Old image: the image in the running slot without its seal. */
#ifndef FORMAT_PATCH_H
#define FORMAT_PATCH_H
#include "format/bytes.h"
enum { PM_PATCH_HEADER_BYTES = 56 };
struct pm_patch_header {
    uint32_t old_address, old_bytes, new_address, new_bytes, memory_bytes;
    uint8_t old_sha256[PM_SHA256_BYTES];
};
void pm_patch_header_write(const struct pm_patch_header *header,
                           uint8_t out[PM_PATCH_HEADER_BYTES]);
bool pm_patch_header_read(const uint8_t bytes[PM_PATCH_HEADER_BYTES], struct pm_patch_header *out);
#endif
