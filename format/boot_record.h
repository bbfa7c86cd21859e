/* The boot record: which slot runs, which is on trial, and what never goes back.
 *
 * Two sectors hold one record each at their start; the valid one with the higher number counts.
 * A change is a whole new record in the other sector (erase, write, read back): no bit of a
 * record is ever changed in place, so a cut leaves the old state or the new.
 *
 *   offset size
 *        0    8  "PMBOOT" 0x00 0x01
 *        8    8  number: one more than the record it follows
 *       16    1  confirmed slot: 0, 1, or 0xff none yet
 *       17    1  slot on trial: 0, 1, or 0xff none
 *       18    1  tries left of the trial
 *       19    1  why the last trial ended: enum pm_trial_end
 *       20    4  version of the root document in force
 *       24    4  version of the root document that comes in force when the trial is confirmed;
 *                equal to the one above when none does
 *       28    4  zero
 *       32    8  floor: the least sequence number that may run
 *       40   32  SHA-256 of the image on trial; zero without one
 *       72   32  SHA-256 of the confirmed image; zero without one
 *      104    8  time floor: the latest signed time seen, seconds since 1970; 0 none
 *      112    8  channel floor: highest serial of a channel document seen
 *      120    4  zero
 *      124    4  CRC-32 (ISO-HDLC) of bytes 0 to 123 */
#ifndef FORMAT_BOOT_RECORD_H
#define FORMAT_BOOT_RECORD_H

#include "format/bytes.h"

enum { PM_BOOT_RECORD_BYTES = 128, PM_SLOT_NONE = 0xff };

enum pm_trial_end {
    PM_TRIAL_NEVER,     /* no trial yet */
    PM_TRIAL_CONFIRMED, /* the image said that it is well */
    PM_TRIAL_EXHAUSTED, /* it did not, in as many boots as it had */
    PM_TRIAL_REFUSED,   /* the boot stage could not verify it */
    PM_TRIAL_WITHDRAWN, /* it said itself that it is not well */
};

struct pm_boot_record {
    uint64_t number;
    uint8_t confirmed, trial, tries_left, trial_end;
    uint32_t root_version, trial_root_version;
    uint64_t floor;
    uint8_t trial_sha256[PM_SHA256_BYTES], confirmed_sha256[PM_SHA256_BYTES];
    uint64_t time_floor, channel_floor;
};

void pm_boot_record_write(const struct pm_boot_record *record, uint8_t out[PM_BOOT_RECORD_BYTES]);
/* False for any bytes that pm_boot_record_write() does not make. */
bool pm_boot_record_read(const uint8_t bytes[PM_BOOT_RECORD_BYTES], struct pm_boot_record *out);

#endif
