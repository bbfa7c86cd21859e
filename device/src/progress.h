/* How far a download is, in flash, so that a power cut costs at most one page of it.
 *
 * Two pages hold a log each: entries one behind the other, in whole write units and at least 32
 * bytes apart, written once and never changed. The valid entry with the highest number is the one
 * that counts; when its page is full, or a cut tore something behind it, the other page is erased
 * and goes on. So a page is erased once in about page_bytes / 16 pages of download.
 *
 *   offset size
 *        0    4  "PMPG"
 *        4    4  number, one more than the entry before
 *        8   12  the first bytes of the SHA-256 of what is downloaded (the image and its seal)
 *       20    4  bytes, from the front, that are in the slot: whole pages, or the whole image
 *       24    4  zero
 *       28    4  CRC-32 (ISO-HDLC) of bytes 0 to 27
 *
 * Nothing here is trusted: a wrong entry costs a download whose digest does not hold. */
#ifndef PM_PROGRESS_H
#define PM_PROGRESS_H

#include "pm/flash.h"

enum { PM_PROGRESS_BYTES = 32 };

/* Bytes of this download that are in the slot; 0 when the newest entry is about another one. */
uint32_t pm_progress_load(const struct pm_flash *flash, const struct pm_flash_map *map,
                          const uint8_t sha256[PM_SHA256_BYTES]);
/* Nothing is remembered of any download when `sha256` is NULL. */
bool pm_progress_store(const struct pm_flash *flash, const struct pm_flash_map *map,
                       const uint8_t sha256[PM_SHA256_BYTES], uint32_t done_bytes);

#endif
