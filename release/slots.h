/* The same firmware laid out for another slot.
 *
 * A device has two slots and runs an image where it lies, so a release has one image for each.
 * Everything that is flashed moves by one constant: relocated words and MOVW/MOVT pairs that
 * mean a place in the image follow, what is relative among it stays, addresses in RAM and of
 * peripherals stay. The hardener's memory map follows where its regions allow it.
 *
 *     struct slot_layout b;
 *     status = slot_lay_out(hardened, 0x90000, 0x80000, NULL, &b, &error);
 *     ... buffer_span(&b.elf), buffer_span(&b.image) ...
 *     slot_layout_free(&b);
 *
 * Exact or refused: an absolute symbol (SHN_ABS) may be an address or a number. Where it is the
 * beginning or end of what start-up copies to RAM, as _sidata is, it is an address; any other one
 * that the image uses and whose value lies in the image is refused until the maker says which it
 * is. What has no relocation counts as a number; how many such words look like addresses of the
 * image is told. Code that needs the image at its place (branches out of it, debug sections that
 * would lie, flash of the image that it writes) is refused.
 *
 * Whether the result holds is not this module's word: check/compare/moved.c proves it anew. */
#ifndef RELEASE_SLOTS_H
#define RELEASE_SLOTS_H

#include "base/buffer.h"
#include "base/error.h"

struct slot_options {
    const char *const *addresses; /* absolute symbols that mean a place in the image */
    size_t address_count;
    const char *const *numbers; /* absolute symbols that do not */
    size_t number_count;
};

struct slot_layout {
    struct buffer elf;              /* the ELF at its new place */
    struct buffer image;            /* what is flashed there: from the vector table on, gaps 0xff, a
                                       multiple of 4 bytes */
    uint32_t from, to;              /* the image's address before and now */
    uint32_t words, pairs, regions; /* what followed: words, MOVW/MOVT pairs, MPU regions */
    uint32_t look_alikes;           /* words of data without a relocation that were left although
                                       their value lies in the image */
};

/* slot_bytes: what the image may take (the slot without its seal). options: NULL for none. The
 * address may be the one that the ELF is linked for. */
enum status slot_lay_out(struct span elf, uint32_t address, uint32_t slot_bytes,
                         const struct slot_options *options, struct slot_layout *out,
                         struct error *error);
void slot_layout_free(struct slot_layout *layout);

#endif
