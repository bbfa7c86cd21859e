/* Addresses for every item: units are placed in a seeded order into the bytes that the
 * movable functions had, what does not fit goes behind the end of the flashed contents.
 * Everything else keeps its address.
 *
 * Sizes only grow while addresses settle (narrow branch to wide, conditional branch over
 * a wide one, TBB to TBH, narrow literal load to wide), so it ends.
 *
 * Requires: fw_lift(), passes done. Guarantees: new_address of every item that is in a
 * unit's list and not dropped; every reference fits its form. When units' references cannot
 * be made to fit, all of them are named in `unfit` and STATUS_BAD_INPUT returned: the caller
 * starts over with those units untouched. */
#ifndef FIRMWARE_LAYOUT_LAYOUT_H
#define FIRMWARE_LAYOUT_LAYOUT_H

#include "firmware/model.h"

struct fw_range {
    uint32_t address, size_bytes;
    const char *name;
};

struct fw_layout_options {
    uint64_t seed;
    bool keep_order; /* no shuffle: units in address order */
    /* Flash that may be used behind the image; size 0: as much as is needed. */
    struct fw_range flash;
    const struct fw_range *reserved; /* never placed into: update slots, settings */
    size_t reserved_count;
};

struct fw_layout {
    struct fw_window *windows; /* in address order; arena of the model */
    size_t window_count;
    uint32_t overflow_address, overflow_bytes; /* code behind the image; 0 bytes: none */
    uint32_t *ends;  /* by unit that moves: behind its last item; arena of the model */
    uint32_t *unfit; /* units that cannot move, each once; arena of the model */
    size_t unfit_count;
};

enum status fw_layout(struct fw_model *model, const struct fw_layout_options *options,
                      struct fw_layout *out, struct error *error);

/* Value of the place that a relocation refers to, after layout. */
uint32_t fw_relocated_value(const struct fw_model *model, const struct fw_relocation *relocation);

/* A small seeded generator (SplitMix64), so that same seed means same order. */
uint64_t fw_random(uint64_t *state);

#endif
