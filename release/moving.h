/* What the files of the move share: one image on its way to another address. See slots.h. */
#ifndef RELEASE_MOVING_H
#define RELEASE_MOVING_H

#include "firmware/model.h"
#include "release/slots.h"

struct moving {
    struct fw_model *model;
    struct span input;   /* the file that the model borrows its contents from */
    struct buffer *file; /* the copy that is edited */
    const struct slot_options *options;
    struct slot_layout *out;
    struct error *error;
    uint32_t first, end; /* load addresses: of the first flashed byte, behind the last */
    uint32_t shift;
};

/* Is it an address in the image, or the one right behind it? */
bool moving_in_image(const struct moving *moving, uint32_t value);
/* The place's bytes in the copy. */
uint8_t *moving_bytes(struct moving *moving, const struct fw_section *s, uint32_t place);
/* memory_map.c: the hardener's regions follow, where there are any. */
enum status moving_memory_map(struct moving *moving);

#endif
