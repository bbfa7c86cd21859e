/* See walk.h. */
#include "check/walk.h"

#include <string.h>

struct walk {
    const struct check *check;
    struct sums *states; /* by block of the unit */
    uint32_t *queue;
    size_t queue_count;
    bool *queued;
    uint32_t first_block;
    const struct sums *outgoing;
    const struct walk_visitor *visitor;
};

struct walk *walk_new(const struct check *check, struct arena *arena) {
    uint32_t largest = 0;
    for (size_t u = 0; u < check->model->unit_count; u++) {
        uint32_t blocks = check->flow.unit_first[u + 1] - check->flow.unit_first[u];
        if (blocks > largest) largest = blocks;
    }
    struct walk *walk = ARENA_NEW(arena, struct walk);
    *walk = (struct walk){.check = check,
                          .states = ARENA_ARRAY(arena, struct sums, largest + 1),
                          .queue = ARENA_ARRAY(arena, uint32_t, largest + 1),
                          .queued = ARENA_ARRAY(arena, bool, largest + 1)};
    return walk;
}

static void flow_into(void *context, uint32_t block) {
    struct walk *walk = context;
    uint32_t local = block - walk->first_block;
    if (!sums_merge(&walk->states[local], walk->outgoing) || walk->queued[local]) return;
    walk->queued[local] = true;
    walk->queue[walk->queue_count++] = local;
}

static void run_block(struct walk *walk, uint32_t local, struct sums *state, bool report) {
    const struct check *check = walk->check;
    const struct fw_block *block = &check->flow.blocks[walk->first_block + local];
    const struct walk_visitor *visitor = walk->visitor;
    for (uint32_t i = block->first;; i = check->model->items[i].next) {
        const struct thumb_insn *insn = &check->model->items[i].insn;
        if (report) visitor->instruction(visitor->context, i, state);
        sums_step(&check->sums, state, insn);
        if (insn->flow == THUMB_FLOW_CALL && visitor->after_call) {
            visitor->after_call(visitor->context, i, state);
        }
        if (i == block->last) break;
    }
}

void walk_unit(struct walk *walk, uint32_t unit, const struct walk_visitor *visitor) {
    const struct check *check = walk->check;
    uint32_t blocks = check->flow.unit_first[unit + 1] - check->flow.unit_first[unit];
    struct sums state;
    walk->visitor = visitor;
    walk->first_block = check->flow.unit_first[unit];
    for (uint32_t b = 0; b < blocks; b++)
        walk->states[b].reached = false;
    sums_start(&state);
    walk->outgoing = &state;
    for (uint32_t b = 0; b < blocks; b++) {
        const struct fw_block *block = &check->flow.blocks[walk->first_block + b];
        if (check->model->items[block->first].entry) flow_into(walk, walk->first_block + b);
    }
    while (walk->queue_count) {
        uint32_t local = walk->queue[--walk->queue_count];
        walk->queued[local] = false;
        state = walk->states[local];
        run_block(walk, local, &state, false);
        walk->outgoing = &state;
        fw_each_successor(check->model, &check->flow, walk->first_block + local, flow_into, walk);
    }
    walk->outgoing = NULL;
    for (uint32_t b = 0; b < blocks; b++) {
        if (!walk->states[b].reached) continue;
        state = walk->states[b];
        run_block(walk, b, &state, true);
    }
}
