/* The channel document: what a unit of this class should run now. It is the one file that a unit
 * polls; everything else is named by it.
 *
 *   COSE_Sign1 (cose.h), attached payload, signed by a release key, over
 *
 *   {1: 1,                        form of this document
 *    2: serial,                   rises with every document; a lower one is a replay
 *    3: vendor identifier,        16 bytes
 *    4: class identifier,         16 bytes
 *    5: issued,                   seconds since 1970; the unit's time floor rises to it
 *    6: expires,                  seconds since 1970, behind `issued`
 *    7: [root version, path],     the newest root document
 *    8: [entry, ...]}             0 to 8, sequence numbers falling: the newest first
 *
 *   entry = [sequence number, minimum, envelope's path, SHA-256 of the envelope, its bytes,
 *            rollout in thousandths (0 to 1000), salt of 8 bytes]
 *
 * `minimum` is the least sequence number that may run in order to take this entry; 0 for any.
 * A unit is in the rollout when the first 8 bytes of SHA-256(salt || unit's identity), as a
 * big-endian number modulo 1000, are below the thousandths. Paths are relative to the channel. */
#ifndef FORMAT_CHANNEL_H
#define FORMAT_CHANNEL_H

#include "format/seal.h"

enum { PM_CHANNEL_ENTRIES_MAXIMUM = 8, PM_CHANNEL_SALT_BYTES = 8, PM_CHANNEL_WHOLE = 1000 };

struct pm_channel_entry {
    uint64_t sequence, minimum;
    struct pm_bytes path;
    const uint8_t *sha256; /* of the envelope */
    uint32_t size_bytes;   /* of the envelope, at least 1 */
    uint32_t rollout;      /* of PM_CHANNEL_WHOLE */
    const uint8_t *salt;   /* PM_CHANNEL_SALT_BYTES */
};

struct pm_channel {
    uint64_t serial, issued_s, expires_s;
    const uint8_t *vendor, *class_id; /* PM_UUID_BYTES each */
    uint32_t root_version;
    struct pm_bytes root_path;
    size_t entry_count;
    struct pm_bytes entries; /* their encodings, proven */
};

/* The payload of the COSE_Sign1, whose signature the caller has verified. Views into `bytes`. */
bool pm_channel_read(struct pm_bytes bytes, struct pm_channel *out);
/* Entry `index`, below entry_count. */
void pm_channel_entry(const struct pm_channel *channel, size_t index, struct pm_channel_entry *out);

/* Whether a unit takes part; false as well when the hash failed. */
bool pm_channel_in_rollout(const struct pm_sha256 *sha256, const struct pm_channel_entry *entry,
                           struct pm_bytes unit_id);

#endif
