/* See values.h. Forward over blocks to a fixed point; the lattice has two steps (a known
 * value, unknown), so each register of a block changes at most twice. A last pass over
 * the fixed point collects what is asked for. */
#include "firmware/analyse/following.h"

#include "base/parallel.h"
#include "firmware/analyse/labels.h"
#include "firmware/analyse/mpu.h"
#include "firmware/lift/lift.h"

#include <string.h>

static bool merge(struct state *into, const struct state *from) {
    if (!into->reached) {
        *into = *from;
        into->reached = true;
        return true;
    }
    bool changed = (from->copies && !into->copies) || (into->lr_kept && !from->lr_kept);
    into->copies |= from->copies;
    into->lr_kept &= from->lr_kept;
    for (unsigned r = 0; r < REGISTERS; r++) {
        if (into->r[r].kind != VALUE_UNKNOWN && !value_same(into->r[r], from->r[r])) {
            into->r[r] = value_unknown;
            changed = true;
        }
    }
    changed |= frame_merge(into, from);
    return changed;
}

static void enqueue(struct walker *walker, uint32_t block) {
    if (walker->queued[block]) return;
    walker->queued[block] = true;
    walker->queue[walker->queue_count++] = block;
}

static void flow_into(void *context, uint32_t block) {
    struct walker *walker = context;
    uint32_t local = block - walker->first_block;
    if (merge(&walker->states[local], walker->outgoing)) enqueue(walker, local);
}

static void run_block(struct walker *walker, uint32_t local, struct state *state) {
    const struct fw_block *block = &walker->flow->blocks[walker->first_block + local];
    for (uint32_t i = block->first;; i = walker->model->items[i].next) {
        const struct fw_item *item = &walker->model->items[i];
        bool runs_out = walker->frames && i == block->last && fw_runs_out(walker->model, item);
        if (runs_out) frame_run_out(walker, state, item);
        values_step(walker, state, i);
        if (i == block->last) break;
    }
}

static void start_at_entries(struct walker *walker, uint32_t blocks) {
    struct state entry = {.lr_kept = true, .reached = true};
    entry.r[THUMB_SP] = (struct value){VALUE_STACK, 0};
    entry.r[THUMB_LR] = (struct value){VALUE_RETURN, 0};
    walker->outgoing = &entry;
    for (uint32_t b = 0; b < blocks; b++) {
        const struct fw_block *block = &walker->flow->blocks[walker->first_block + b];
        if (walker->model->items[block->first].entry && walker->flow->outside[block->first]) {
            flow_into(walker, walker->first_block + b);
        }
    }
    walker->outgoing = NULL;
}

static void flow_on(struct walker *walker, uint32_t block, struct state *state) {
    const struct fw_item *last = &walker->model->items[walker->flow->blocks[block].last];
    bool back = last->insn->op == THUMB_BX && last->jump == FW_JUMP_RETURN &&
                state->r[THUMB_LR].kind == VALUE_LOCAL;
    struct state other = *state;
    walker->outgoing = &other;
    if (values_is_local_call(walker, last)) {
        other.r[THUMB_LR] = (struct value){VALUE_LOCAL, 0};
        other.lr_kept = true;
        flow_into(walker, walker->flow->block_of[last->target]);
        if (!last->insn->in_it) {
            walker->outgoing = NULL;
            return;
        }
        other = *state; /* where it was not called */
    }
    for (size_t i = 0; back && i < walker->return_count; i++) {
        other.r[THUMB_LR] = value_unknown;
        other.lr_kept = true;
        flow_into(walker, walker->returns[i]);
    }
    other = *state;
    fw_each_successor(walker->model, walker->flow, block, flow_into, walker);
    walker->outgoing = NULL;
}

static void find_local_returns(struct walker *walker, uint32_t blocks) {
    walker->return_count = 0;
    for (uint32_t b = 0; b < blocks; b++) {
        const struct fw_item *last =
            &walker->model->items[walker->flow->blocks[walker->first_block + b].last];
        if (!values_is_local_call(walker, last) || last->next == FW_NONE) continue;
        uint32_t behind = walker->flow->block_of[last->next];
        if (behind != FW_NONE) walker->returns[walker->return_count++] = behind;
    }
}

static void solve_unit(struct walker *walker, uint32_t blocks) {
    find_local_returns(walker, blocks);
    start_at_entries(walker, blocks);
    while (walker->queue_count) {
        uint32_t local = walker->queue[--walker->queue_count];
        walker->queued[local] = false;
        struct state state = walker->states[local];
        run_block(walker, local, &state);
        flow_on(walker, walker->first_block + local, &state);
    }
}

static void collect(struct walker *walker, struct fw_unit *unit, uint32_t blocks,
                    struct fw_frames *frames) {
    walker->frames = frames;
    walker->site_capacity = 0;
    walker->any_unknown_goto = false;
    walker->goto_unfollowed = NULL;
    walker->stores_copy = walker->carries_copy = false;
    walker->stack_copies = 0;
    walker->other_way = walker->return_count != 0; /* its subroutines return by lr too */
    for (uint32_t b = 0; b < blocks; b++) {
        struct state state = walker->states[b];
        const struct fw_block *block = &walker->flow->blocks[walker->first_block + b];
        if (!state.reached) {
            const struct fw_item *last = &walker->model->items[block->last];
            if (unit->labels && last->jump == FW_JUMP_GOTO) walker->any_unknown_goto = true;
            unsigned uses = fw_uses_of_lr(walker->model, block);
            frames->copies += uses;
            if (uses) frame_doubt(walker, "code in it that no known way reaches uses lr");
            continue;
        }
        run_block(walker, b, &state);
    }
    for (size_t i = 0; i < walker->return_count; i++) {
        /* It came back in another way than by BX lr, or not at all. */
        if (walker->states[walker->returns[i] - walker->first_block].reached) continue;
        frame_doubt(walker, "a subroutine in it comes back in a way that is not followed");
    }
    frame_settle_copies(walker);
    if (walker->any_unknown_goto) {
        if (walker->goto_unfollowed) frame_doubt(walker, walker->goto_unfollowed);
        unit->open_goto = true;
        fw_refuse(unit, "a computed jump does not read its target straight from a table");
    }
    walker->frames = NULL;
}

/* What the pieces of fw_values() share; each takes its own units. */
struct work {
    struct fw_model *model;
    const struct fw_flow *flow;
    struct fw_values *out;
    bool *in_table;                       /* each unit marks words that lead into itself only */
    uint32_t first[FW_VALUES_PIECES + 1]; /* units; about as many blocks in each piece */
    bool own_mpu[FW_VALUES_PIECES];
};

/* A walker with room for any unit from `first` to `end`. */
static struct walker make_walker(struct fw_model *model, const struct fw_flow *flow,
                                 struct arena *scratch, uint32_t first, uint32_t end) {
    uint32_t largest = 0;
    for (uint32_t u = first; u < end; u++) {
        uint32_t blocks = flow->unit_first[u + 1] - flow->unit_first[u];
        if (blocks > largest) largest = blocks;
    }
    return (struct walker){
        .model = model,
        .flow = flow,
        .arena = scratch,
        .states = ARENA_ARRAY(scratch, struct state, largest + 1),
        .queue = ARENA_ARRAY(scratch, uint32_t, largest + 1),
        .queued = ARENA_ARRAY(scratch, bool, largest + 1),
        .returns = ARENA_ARRAY(scratch, uint32_t, largest + 1),
    };
}

static void follow_unit(struct walker *walker, uint32_t u, struct fw_frames *frames) {
    const struct fw_flow *flow = walker->flow;
    uint32_t blocks = flow->unit_first[u + 1] - flow->unit_first[u];
    walker->first_block = flow->unit_first[u];
    memset(walker->states, 0, blocks * sizeof *walker->states);
    solve_unit(walker, blocks);
    collect(walker, &walker->model->units[u], blocks, frames);
}

static void follow_units(void *context, size_t piece) {
    struct work *work = context;
    struct arena scratch = {0};
    uint32_t first = work->first[piece], end = work->first[piece + 1];
    struct walker walker = make_walker(work->model, work->flow, &scratch, first, end);
    walker.arena = &work->out->arenas[piece]; /* sites stay */
    walker.in_table = work->in_table;
    for (uint32_t u = first; u < end; u++) {
        follow_unit(&walker, u, &work->out->frames[u]);
        walker.own_mpu |= fw_mpu_use(work->model, work->flow, u, 0, 0) != FW_NONE;
    }
    work->own_mpu[piece] = walker.own_mpu;
    arena_free(&scratch);
}

void fw_values(struct fw_model *model, const struct fw_flow *flow, struct fw_values *out) {
    struct arena scratch = {0};
    *out = (struct fw_values){.frames = NULL};
    out->frames = ARENA_ARRAY(&out->arenas[0], struct fw_frames, model->unit_count + 1);
    struct work work = {.model = model,
                        .flow = flow,
                        .out = out,
                        .in_table = ARENA_ARRAY(&scratch, bool, model->relocation_count + 1)};
    size_t piece = 0;
    for (uint32_t u = 0; u < model->unit_count; u++) {
        while (piece < FW_VALUES_PIECES &&
               flow->unit_first[u] >= flow->block_count * piece / FW_VALUES_PIECES) {
            work.first[piece++] = u;
        }
    }
    while (piece <= FW_VALUES_PIECES)
        work.first[piece++] = (uint32_t)model->unit_count;
    parallel_run(FW_VALUES_PIECES, follow_units, &work);
    for (size_t i = 0; i < FW_VALUES_PIECES; i++)
        model->own_mpu |= work.own_mpu[i];
    frames_settle_takers(model, out->frames);
    fw_labels_refuse_open(model, work.in_table);
    arena_free(&scratch);
}

void fw_prove_gotos(struct fw_model *model, const struct fw_flow *flow) {
    struct arena scratch = {0};
    bool *in_table = NULL;
    for (uint32_t u = 0; u < model->unit_count; u++) {
        struct fw_unit *unit = &model->units[u];
        if (!unit->computed_jump || !unit->labels) continue;
        if (!in_table) in_table = ARENA_ARRAY(&scratch, bool, model->relocation_count + 1);
        struct arena own = {0};
        struct walker walker = make_walker(model, flow, &own, u, u + 1);
        walker.in_table = in_table;
        struct fw_frames frames = {.sites = NULL};
        follow_unit(&walker, u, &frames);
        arena_free(&own);
    }
    if (in_table) fw_labels_refuse_open(model, in_table);
    arena_free(&scratch);
}

void fw_values_free(struct fw_values *values) {
    for (size_t i = 0; i < FW_VALUES_PIECES; i++)
        arena_free(&values->arenas[i]);
}
