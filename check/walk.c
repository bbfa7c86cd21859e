/* See walk.h. */
#include "check/walk.h"

#include <string.h>

enum { WORD = 64 };

struct walk {
    const struct check *check;
    struct sums *states;         /* by block of the unit */
    uint64_t *queued;            /* a bit for each block */
    uint64_t *filled;            /* a bit for each word of those that is not 0 */
    uint32_t *loop_end;          /* by block: behind the last one that goes back to it; 0: none */
    uint32_t first_block, block; /* of the unit; that is asked for what follows it */
    uint32_t behind;             /* it, counted in the unit */
    const struct sums *outgoing;
    const struct walk_visitor *visitor;
    uint32_t *returns; /* blocks behind the unit's local calls */
    size_t return_count;
};

struct walk *walk_new(const struct check *check, struct arena *arena, uint32_t first,
                      uint32_t end) {
    uint32_t blocks = 0;
    for (uint32_t u = first; u < end; u++) {
        uint32_t count = check->flow.unit_first[u + 1] - check->flow.unit_first[u];
        if (count > blocks) blocks = count;
    }
    struct walk *walk = ARENA_NEW(arena, struct walk);
    *walk = (struct walk){.check = check,
                          .states = ARENA_ARRAY(arena, struct sums, blocks + 1),
                          .queued = ARENA_ARRAY(arena, uint64_t, blocks / WORD + 1),
                          .filled = ARENA_ARRAY(arena, uint64_t, blocks / WORD / WORD + 2),
                          .loop_end = ARENA_ARRAY(arena, uint32_t, blocks + 1),
                          .returns = ARENA_ARRAY(arena, uint32_t, blocks + 1)};
    return walk;
}

static void enqueue(struct walk *walk, uint32_t local) {
    uint32_t word = local / WORD;
    walk->queued[word] |= (uint64_t)1 << local % WORD;
    walk->filled[word / WORD] |= (uint64_t)1 << word % WORD;
}

static void unqueue(struct walk *walk, uint32_t local) {
    uint32_t word = local / WORD;
    walk->queued[word] &= ~((uint64_t)1 << local % WORD);
    if (!walk->queued[word]) walk->filled[word / WORD] &= ~((uint64_t)1 << word % WORD);
}

/* The first block from `local` on that is queued, or `end`. However far apart they are, it is
 * near: control may run against the order of the code. */
static uint32_t next_queued(const struct walk *walk, uint32_t local, uint32_t end) {
    while (local < end) {
        uint64_t blocks = walk->queued[local / WORD] >> local % WORD;
        if (blocks) {
            local += (uint32_t)__builtin_ctzll(blocks);
            break;
        }
        uint32_t word = local / WORD + 1;
        uint64_t words = walk->filled[word / WORD] >> word % WORD;
        word = words ? word + (uint32_t)__builtin_ctzll(words) : (word / WORD + 1) * WORD;
        local = word * WORD;
    }
    return local < end ? local : end;
}

static void flow_into(void *context, uint32_t block) {
    struct walk *walk = context;
    uint32_t local = block - walk->first_block;
    if (sums_merge(&walk->states[local], walk->outgoing)) enqueue(walk, local);
}

static void find_loop(void *context, uint32_t block) {
    struct walk *walk = context;
    if (block <= walk->block) walk->loop_end[block - walk->first_block] = walk->behind;
}

/* What is outside of loops is run once, when all in front of it have been. A local call goes
 * to wherever the subroutine is, and back: then the whole unit is one. */
static void find_loops(struct walk *walk, uint32_t blocks, bool calls) {
    const struct check *check = walk->check;
    memset(walk->loop_end, 0, blocks * sizeof *walk->loop_end);
    if (calls) walk->loop_end[0] = blocks;
    for (uint32_t b = 0; b < blocks && !calls; b++) {
        walk->block = walk->first_block + b;
        walk->behind = b + 1;
        fw_each_successor(check->model, &check->flow, walk->block, find_loop, walk);
    }
}

static bool is_local_call(const struct walk *walk, const struct fw_item *item) {
    if (item->insn->flow != THUMB_FLOW_CALL || item->target == FW_NONE) return false;
    return walk->check->model->items[item->target].unit == item->unit &&
           !walk->check->flow.outside[item->target];
}

/* Returns whether there are local calls. */
static bool find_local_returns(struct walk *walk, uint32_t blocks) {
    const struct check *check = walk->check;
    bool calls = false;
    walk->return_count = 0;
    for (uint32_t b = 0; b < blocks; b++) {
        const struct fw_item *last =
            &check->model->items[check->flow.blocks[walk->first_block + b].last];
        if (!is_local_call(walk, last)) continue;
        calls = true;
        if (last->next == FW_NONE) continue;
        uint32_t behind = check->flow.block_of[last->next];
        if (behind != FW_NONE) walk->returns[walk->return_count++] = behind;
    }
    return calls;
}

/* `state` is used up. */
static void flow_on(struct walk *walk, uint32_t block, struct sums *state) {
    const struct check *check = walk->check;
    const struct fw_item *last = &check->model->items[check->flow.blocks[block].last];
    bool back = last->insn->op == THUMB_BX && last->jump == FW_JUMP_RETURN &&
                state->r[THUMB_LR].base == BASE_LOCAL;
    bool call = is_local_call(walk, last);
    struct sum lr = state->r[THUMB_LR];
    bool kept = state->lr_kept;
    walk->outgoing = state;
    if (call || back) state->lr_kept = true;
    if (call) {
        state->r[THUMB_LR] = (struct sum){BASE_LOCAL, 1, 0, 0, 0, 0};
        flow_into(walk, check->flow.block_of[last->target]);
    }
    for (size_t i = 0; back && i < walk->return_count; i++) {
        state->r[THUMB_LR] = sum_unknown;
        flow_into(walk, walk->returns[i]);
    }
    state->r[THUMB_LR] = lr; /* where it was not called */
    state->lr_kept = kept;
    if (!call || last->insn->in_it) {
        fw_each_successor(check->model, &check->flow, block, flow_into, walk);
    }
    walk->outgoing = NULL;
}

static void run_block(struct walk *walk, uint32_t local, struct sums *state, bool report) {
    const struct check *check = walk->check;
    const struct fw_block *block = &check->flow.blocks[walk->first_block + local];
    const struct walk_visitor *visitor = walk->visitor;
    for (uint32_t i = block->first;; i = check->model->items[i].next) {
        const struct thumb_insn *insn = check->model->items[i].insn;
        if (report) visitor->instruction(visitor->context, i, state);
        bool inside = is_local_call(walk, &check->model->items[i]);
        if (!inside) sums_step(&check->sums, state, insn);
        if (insn->flow == THUMB_FLOW_CALL && !inside && visitor->after_call) {
            visitor->after_call(visitor->context, i, state);
        }
        if (i == block->last) break;
    }
}

/* The blocks from `first` to in front of `end` go back to none in front of them, and none
 * behind them goes back to one of them. */
static void run_loop(struct walk *walk, uint32_t first, uint32_t end) {
    struct sums state;
    for (bool again = true; again;) {
        again = false;
        /* In the order of the code, which is mostly that of control. */
        for (uint32_t b = first; (b = next_queued(walk, b, end)) < end; b++) {
            unqueue(walk, b);
            again = true;
            sums_copy(&state, &walk->states[b]);
            run_block(walk, b, &state, false);
            flow_on(walk, walk->first_block + b, &state);
        }
    }
    for (uint32_t b = first; b < end; b++) {
        if (walk->states[b].reached) run_block(walk, b, &walk->states[b], true);
    }
}

static void run_blocks(struct walk *walk, uint32_t blocks) {
    for (uint32_t b = 0, end; b < blocks; b = end) {
        end = b + 1;
        if (walk->loop_end[b]) {
            for (uint32_t k = b; k < end; k++) {
                if (walk->loop_end[k] > end) end = walk->loop_end[k];
            }
            run_loop(walk, b, end);
        } else if (walk->states[b].reached) {
            unqueue(walk, b);
            run_block(walk, b, &walk->states[b], true);
            flow_on(walk, walk->first_block + b, &walk->states[b]);
        }
    }
}

void walk_unit(struct walk *walk, uint32_t unit, uint32_t entry,
               const struct walk_visitor *visitor) {
    const struct check *check = walk->check;
    uint32_t blocks = check->flow.unit_first[unit + 1] - check->flow.unit_first[unit];
    struct sums state;
    if (!blocks) return;
    walk->visitor = visitor;
    walk->first_block = check->flow.unit_first[unit];
    for (uint32_t b = 0; b < blocks; b++)
        walk->states[b].reached = false;
    sums_start(&state);
    walk->outgoing = &state;
    for (uint32_t b = 0; b < blocks; b++) {
        const struct fw_block *block = &check->flow.blocks[walk->first_block + b];
        bool any = check->model->items[block->first].entry && check->flow.outside[block->first];
        if (entry == FW_NONE ? any : block->first == entry) flow_into(walk, walk->first_block + b);
    }
    walk->outgoing = NULL;
    find_loops(walk, blocks, find_local_returns(walk, blocks));
    run_blocks(walk, blocks);
    for (uint32_t b = 0; b < blocks && visitor->unreached; b++) {
        if (walk->states[b].reached) continue;
        visitor->unreached(visitor->context, &check->flow.blocks[walk->first_block + b]);
    }
    for (size_t i = 0; visitor->lost && i < walk->return_count; i++) {
        uint32_t block = walk->returns[i];
        if (walk->states[block - walk->first_block].reached) continue;
        visitor->lost(visitor->context, check->flow.blocks[block].first);
    }
}
