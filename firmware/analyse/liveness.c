/* See liveness.h. Backward over blocks to a fixed point in each unit; between units only
 * r12 and the flags travel, and rarely, so units are gone over again while a summary
 * still changes (summaries only grow, so this ends). */
#include "firmware/analyse/liveness.h"

#include "firmware/analyse/reach.h"

#define ARGUMENTS 0x000fU    /* r0-r3 */
#define CALLEE_SAVED 0x2ff0U /* r4-r11, sp */
#define SUMMARY (FW_LIVE_IP | FW_LIVE_FLAGS)

struct solver {
    struct fw_model *model;
    const struct fw_flow *flow;
    struct fw_liveness *out;
    uint32_t *block_in;  /* live in front of each block */
    uint32_t taken_live; /* summary of every unit whose address is taken */
    bool *keeps_ip;      /* by unit: a caller keeps r12 live across a call of it */
    bool indirect_keeps_ip;
};

struct gather {
    const struct solver *solver;
    uint32_t live;
};

static void add_successor(void *context, uint32_t block) {
    struct gather *gather = context;
    gather->live |= gather->solver->block_in[block];
}

/* What is live where control leaves for another unit's entry. */
static uint32_t live_at(const struct solver *solver, const struct fw_item *item) {
    if (item->target == FW_NONE) return SUMMARY; /* bytes that nobody understood */
    const struct fw_unit *unit = &solver->model->units[solver->model->items[item->target].unit];
    return unit->decoded ? unit->entry_live : SUMMARY;
}

static uint32_t live_out(const struct solver *solver, uint32_t block) {
    struct gather gather = {solver, 0};
    const struct fw_item *last = &solver->model->items[solver->flow->blocks[block].last];
    const struct thumb_insn *insn = &last->insn;
    fw_each_successor(solver->model, solver->flow, block, add_successor, &gather);
    uint32_t leaves = ARGUMENTS | CALLEE_SAVED;
    if (insn->flow == THUMB_FLOW_JUMP_INDIRECT && last->jump == FW_JUMP_RETURN) {
        gather.live |= leaves; /* lr only where the instruction itself reads it */
    } else if (insn->flow == THUMB_FLOW_JUMP_INDIRECT && last->jump == FW_JUMP_TAIL) {
        gather.live |= leaves | FW_LIVE_LR | solver->taken_live;
    } else if ((insn->flow == THUMB_FLOW_BRANCH || insn->flow == THUMB_FLOW_BRANCH_COND) &&
               (last->target == FW_NONE || fw_leaves_to(solver->model, last) != FW_NONE)) {
        gather.live |= leaves | FW_LIVE_LR | live_at(solver, last);
    }
    return gather.live;
}

/* A call uses the arguments and what its target takes beyond them; since a caller may
 * know that a callee leaves a register alone (-fipa-ra), it kills nothing but lr. */
static uint32_t across_call(const struct solver *solver, const struct fw_item *item,
                            uint32_t live) {
    bool direct = item->insn.flow == THUMB_FLOW_CALL;
    uint32_t used = direct ? live_at(solver, item) : solver->taken_live;
    uint32_t before = (live & ~FW_LIVE_LR) | ARGUMENTS | CALLEE_SAVED | used;
    return before | item->insn.reads;
}

static uint32_t before_item(const struct solver *solver, const struct fw_item *item,
                            uint32_t live) {
    const struct thumb_insn *insn = &item->insn;
    if (insn->flow == THUMB_FLOW_CALL || insn->flow == THUMB_FLOW_CALL_INDIRECT) {
        return across_call(solver, item, live);
    }
    uint32_t written = insn->writes | (uint32_t)insn->flags_written << FW_LIVE_FLAG_SHIFT;
    uint32_t read = insn->reads | (uint32_t)insn->flags_read << FW_LIVE_FLAG_SHIFT;
    /* SVC, BKPT and the like hand the registers to somebody else. */
    if (insn->op == THUMB_SVC || insn->op == THUMB_BKPT) read |= 0x1fffU;
    if (insn->in_it) written = 0; /* may not execute */
    return (live & ~written) | read;
}

static uint32_t solve_block(struct solver *solver, uint32_t block) {
    struct fw_model *model = solver->model;
    const struct fw_block *b = &solver->flow->blocks[block];
    struct fw_liveness *out = solver->out;
    uint32_t live = live_out(solver, block);
    /* Items of the input are numbered in order, so backward is by index (passes have not
     * run yet); a filler that was left out of the list is passed over harmlessly. */
    for (uint32_t i = b->last + 1; i-- > b->first;) {
        out->after[i] = live;
        live = before_item(solver, &model->items[i], live);
        out->before[i] = live;
    }
    return live;
}

static void solve_unit(struct solver *solver, uint32_t unit) {
    uint32_t first = solver->flow->unit_first[unit], end = solver->flow->unit_first[unit + 1];
    bool changed = true;
    while (changed) {
        changed = false;
        for (uint32_t block = end; block-- > first;) {
            uint32_t live = solve_block(solver, block);
            if (live != solver->block_in[block]) changed = true;
            solver->block_in[block] = live;
        }
    }
}

static uint32_t summary_of(const struct solver *solver, uint32_t unit) {
    const struct fw_model *model = solver->model;
    uint32_t live = 0;
    for (uint32_t i = model->units[unit].first; i != FW_NONE; i = model->items[i].next) {
        if (model->items[i].entry && model->items[i].kind == FW_ITEM_INSN) {
            live |= solver->out->before[i];
        }
    }
    return live & SUMMARY;
}

static void solve_all(struct solver *solver) {
    struct fw_model *model = solver->model;
    bool changed = true, *again = ARENA_ARRAY(&solver->out->arena, bool, model->unit_count + 1);
    for (size_t u = 0; u < model->unit_count; u++) {
        again[u] = true;
        if (!model->units[u].decoded) solver->taken_live = SUMMARY;
    }
    while (changed) {
        changed = false;
        for (uint32_t u = 0; u < model->unit_count; u++) {
            if (!again[u]) continue;
            solve_unit(solver, u);
            again[u] = false;
        }
        uint32_t taken_before = solver->taken_live;
        bool grew = false;
        for (uint32_t u = 0; u < model->unit_count; u++) {
            uint32_t summary = summary_of(solver, u);
            if (model->units[u].address_taken) solver->taken_live |= summary;
            if (summary != model->units[u].entry_live) grew = true;
            model->units[u].entry_live |= summary;
        }
        if (grew || solver->taken_live != taken_before) {
            for (size_t u = 0; u < model->unit_count; u++)
                again[u] = true;
            changed = true;
        }
    }
}

static void note_kept_ip(struct solver *solver) {
    struct fw_model *model = solver->model;
    for (uint32_t b = 0; b < solver->flow->block_count; b++) {
        uint32_t last = solver->flow->blocks[b].last;
        const struct fw_item *item = &model->items[last];
        if (!(solver->out->after[last] & FW_LIVE_IP)) continue;
        if (item->insn.flow == THUMB_FLOW_CALL && item->target != FW_NONE) {
            solver->keeps_ip[model->items[item->target].unit] = true;
        } else if (item->insn.flow == THUMB_FLOW_CALL_INDIRECT) {
            solver->indirect_keeps_ip = true;
        }
    }
    bool *marked = ARENA_ARRAY(&solver->out->arena, bool, model->unit_count + 1);
    for (uint32_t u = 0; u < model->unit_count; u++) {
        bool kept =
            solver->keeps_ip[u] || (solver->indirect_keeps_ip && model->units[u].address_taken);
        if (kept) fw_reach_from(model, u, marked);
    }
    for (uint32_t u = 0; u < model->unit_count; u++)
        model->units[u].ip_reserved = marked[u];
}

void fw_liveness(struct fw_model *model, const struct fw_flow *flow, struct fw_liveness *out) {
    *out = (struct fw_liveness){.before = NULL};
    out->before = ARENA_ARRAY(&out->arena, uint32_t, model->item_count + 1);
    out->after = ARENA_ARRAY(&out->arena, uint32_t, model->item_count + 1);
    struct solver solver = {
        .model = model,
        .flow = flow,
        .out = out,
        .block_in = ARENA_ARRAY(&out->arena, uint32_t, flow->block_count + 1),
        .keeps_ip = ARENA_ARRAY(&out->arena, bool, model->unit_count + 1),
    };
    solve_all(&solver);
    note_kept_ip(&solver);
}

void fw_liveness_free(struct fw_liveness *liveness) {
    arena_free(&liveness->arena);
}
