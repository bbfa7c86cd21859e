/* Patches from one firmware image to another, for the decoder in device/ (pm/patch.h).
 *
 * Both images are bytes as they lie in flash, at the addresses where they run; they may run at
 * different ones. The encoder decodes what it made and compares before it hands it out. The same
 * input gives the same patch. docs/patch.md tells the format. */
#ifndef RELEASE_DELTA_H
#define RELEASE_DELTA_H

#include "base/buffer.h"
#include "base/error.h"

/* What the decoder may use of RAM: the patch says how much it needs. */
enum { DELTA_MEMORY = 12 * 1024, DELTA_MEMORY_SMALL = 1536 };

struct delta_image {
    struct span bytes;
    uint32_t address;
};

/* Appends header and body to `out`. old_image: without its seal; new_image: with it. Refused:
 * images over 4 MiB, memory below DELTA_MEMORY_SMALL. */
enum status delta_encode(struct delta_image old_image, struct delta_image new_image,
                         uint32_t memory_bytes, struct buffer *out, struct error *error);

#endif
