/* The text of a log's checkpoint: https://c2sp.org/tlog-checkpoint
 *
 *   origin            the log's name; the same as the name of the key that signs it
 *   tree size         decimal, no leading zeros
 *   root hash         base64
 *   extension lines   allowed by the specification, not by us (it discourages them): a
 *                     checkpoint of ours has one byte form
 *
 * The text is signed as a note (note.h). */
#ifndef FORMAT_CHECKPOINT_H
#define FORMAT_CHECKPOINT_H

#include "format/bytes.h"
#include "format/note.h"

enum { PM_CHECKPOINT_TEXT_MAXIMUM = PM_NOTE_NAME_MAXIMUM + 80 };

struct pm_checkpoint {
    struct pm_bytes origin; /* borrowed */
    uint64_t tree_size;     /* at most 2^63 - 1 */
    uint8_t root[PM_SHA256_BYTES];
};

bool pm_checkpoint_read(struct pm_bytes text, struct pm_checkpoint *out);

/* Writes the text with its last newline and no NUL; returns its length, 0 when the origin
 * is not a valid key name or the size too large. */
size_t pm_checkpoint_write(const struct pm_checkpoint *checkpoint,
                           char out[PM_CHECKPOINT_TEXT_MAXIMUM]);

#endif
