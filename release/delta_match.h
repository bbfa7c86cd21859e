/* Which bytes of the new image come from where in the old one. */
#ifndef RELEASE_DELTA_MATCH_H
#define RELEASE_DELTA_MATCH_H

#include "base/arena.h"
#include "release/delta.h"

/* New bytes [at, end): a copy from at + distance, or not in the old image. */
struct delta_run {
    uint32_t at, end, distance;
    bool is_copy;
};

struct delta_runs {
    struct delta_run *items;
    size_t count;
};

/* Finds the runs that cost least, in an estimate of bits: they cover the new image in order. */
struct delta_runs delta_match(struct arena *arena, struct delta_image old_image,
                              struct delta_image new_image);

#endif
