/* Walks one unit of the output forward over its blocks, with what registers and slots hold,
 * and reports each instruction with the state in front of it: loops are walked to a fixed
 * point first. */
#ifndef CHECK_WALK_H
#define CHECK_WALK_H

#include "check/state.h"

struct walk;

struct walk_visitor {
    void *context;
    /* Called for each reached instruction, in the order of blocks. */
    void (*instruction)(void *context, uint32_t item, const struct sums *before);
    /* May set r0 behind a call; NULL: it is unknown. */
    void (*after_call)(void *context, uint32_t item, struct sums *after);
    /* Called for what stands behind a call inside the unit when no way back to it was found,
     * so that what follows was not looked at; may be NULL. */
    void (*lost)(void *context, uint32_t item);
    /* Called for each block that no path from an entry reaches; may be NULL. */
    void (*unreached)(void *context, const struct fw_block *block);
};

/* A subroutine inside the unit that nobody else calls (hand-written assembly) is followed
 * as a jump that leaves BASE_LOCAL in lr. */
struct walk *walk_new(const struct check *check, struct arena *arena, uint32_t first,
                      uint32_t end); /* for units from `first` to `end` */
/* From `entry`, an item that begins a block; FW_NONE: from every entry, all in one. */
void walk_unit(struct walk *walk, uint32_t unit, uint32_t entry,
               const struct walk_visitor *visitor);

#endif
