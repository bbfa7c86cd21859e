/* See liveness.h. Backward over blocks to a fixed point in each unit; between units only
 * r12 and the flags travel, and rarely, so a block that asked about another unit's entry is gone
 * over again when more is live there (live sets only grow, so this ends, and in the same place
 * however the units are shared among the cores). From a block of which more is live only those in
 * front of it are gone over again, so that the time does not depend on how they lie in memory. */
#include "firmware/analyse/liveness.h"

#include <string.h>

#include "base/parallel.h"

#define ARGUMENTS 0x000fU    /* r0-r3 */
#define CALLEE_SAVED 0x2ff0U /* r4-r11, sp */
#define SUMMARY (FW_LIVE_IP | FW_LIVE_FLAGS)
#define NAMED fw_live_named(SUMMARY)
#define COMES_OUT fw_live_comes_out(SUMMARY)
#define EVERYTHING (0x003fffffU | COMES_OUT)
#define TOLD (SUMMARY | NAMED) /* what units tell each other of their entries */
#define SOLVED 1U              /* the block was gone over; nobody tells of r0 */

enum { PIECES = 8, SWEEPS = 4 };

/* A block that ends in a call, or in a jump to another unit, looks at what is live there. */
struct ask {
    uint32_t entry; /* an item, or FW_NONE */
    uint32_t live;  /* there, when the block was solved or later */
    uint32_t next;  /* block that asks about the same entry, or FW_NONE */
};

struct edge {
    uint32_t from, next; /* from: block; next: edge to the same block, or FW_NONE */
};

/* Units next to each other, solved beside the other pieces'. */
struct piece {
    const struct solver *solver;
    uint32_t first, end; /* units */
    struct arena arena;
    struct edge *edges; /* of the units that are linked */
    size_t edge_count, edge_capacity;
};

struct solver {
    struct fw_model *model;
    const struct fw_flow *flow;
    struct fw_liveness *out;
    struct arena scratch;
    uint32_t *block_in;  /* live in front of each block */
    uint32_t *callee_in; /* what the call at each block's end was taken to use; SOLVED */
    uint32_t taken_live; /* summary of every unit whose address is taken; between rounds it grows */
    struct ask *asks;    /* by block */
    uint32_t *askers;    /* by block: the first that asks about it, or FW_NONE */
    bool *linked;        /* by unit */
    uint8_t *loads_ip;   /* by unit: does it load r12, once that was asked for */
    uint32_t *edges_to;  /* by block of a linked unit: an edge of its piece, or FW_NONE */
    uint32_t *stack;     /* room for each block; */
    bool *queued;        /* which are there */
    struct piece pieces[PIECES];
};

/* Entries are looked at by other units while theirs is solved: a value from before or after
 * serves, since whoever asked asks again when it has grown. */
static uint32_t load_live(const uint32_t *place) {
    return __atomic_load_n(place, __ATOMIC_RELAXED);
}

static void store_live(uint32_t *place, uint32_t live) {
    __atomic_store_n(place, live, __ATOMIC_RELAXED);
}

struct gather {
    const struct solver *solver;
    uint32_t block, live;
    bool loops; /* a successor is solved after the block */
};

static void add_successor(void *context, uint32_t block) {
    struct gather *gather = context;
    gather->live |= gather->solver->block_in[block];
    if (block <= gather->block) gather->loops = true;
}

/* What is live where control leaves for another unit's entry. */
static uint32_t live_at(const struct solver *solver, const struct fw_item *item) {
    if (item->target == FW_NONE) return SUMMARY | COMES_OUT; /* bytes that nobody understood */
    return load_live(&solver->out->before[item->target]) & (TOLD | COMES_OUT);
}

static uint32_t live_out(const struct solver *solver, uint32_t block, bool *loops) {
    struct gather gather = {.solver = solver, .block = block};
    const struct fw_item *last = &solver->model->items[solver->flow->blocks[block].last];
    const struct thumb_insn *insn = last->insn;
    fw_each_successor(solver->model, solver->flow, block, add_successor, &gather);
    uint32_t leaves = ARGUMENTS | CALLEE_SAVED;
    if (insn->flow == THUMB_FLOW_JUMP_INDIRECT && last->jump == FW_JUMP_RETURN) {
        gather.live |= leaves | COMES_OUT; /* lr only where the instruction itself reads it */
    } else if (insn->flow == THUMB_FLOW_JUMP_INDIRECT && last->jump == FW_JUMP_TAIL) {
        gather.live |= leaves | FW_LIVE_LR | solver->taken_live | COMES_OUT;
    } else if (last->jump == FW_JUMP_GOTO && !solver->model->units[last->unit].labels) {
        /* Out of the unit. BX of an address whose Thumb bit was just set is a compiler's, and
         * goes to a function or to a label that asks for no more than a function does. */
        uint32_t entered = leaves | FW_LIVE_LR | solver->taken_live | COMES_OUT;
        gather.live |= insn->op == THUMB_BX ? entered : EVERYTHING;
    } else if ((insn->flow == THUMB_FLOW_BRANCH || insn->flow == THUMB_FLOW_BRANCH_COND) &&
               (last->target == FW_NONE || fw_leaves_to(solver->model, last) != FW_NONE)) {
        gather.live |= leaves | FW_LIVE_LR | live_at(solver, last) | COMES_OUT;
    }
    if (fw_runs_out(solver->model, last)) gather.live |= EVERYTHING;
    *loops |= gather.loops;
    return gather.live;
}

/* Of a callee through which r12 or flags would have to come, also what comes out of it. */
static uint32_t used_by_callee(const struct solver *solver, const struct fw_item *item,
                               uint32_t live) {
    uint32_t wanted = live & NAMED ? TOLD | COMES_OUT : TOLD;
    if (item->insn->flow == THUMB_FLOW_CALL) return live_at(solver, item) & wanted;
    if (item->insn->flow != THUMB_FLOW_CALL_INDIRECT) return 0;
    return (solver->taken_live | COMES_OUT) & wanted;
}

/* A call uses the arguments and what its target takes beyond them. r0-r3 live on through
 * it, since a caller may know that a callee leaves one alone (-fipa-ra). r12 and the flags do
 * where an instruction behind the call names them. By the AAPCS nobody does, as a linker may put
 * a veneer that writes r12 into any call between units (AAPCS32 6.1.1), and the flags are nobody's
 * across a public interface; but this image is linked, and hand-written code may know that there is
 * no veneer: through a register there never is one. What only may be read (by a supervisor, by code
 * that nobody understood) does not live through it, but for local subroutines, within one unit. */
static uint32_t across_call(const struct solver *solver, const struct fw_item *item,
                            uint32_t live) {
    bool direct = item->insn->flow == THUMB_FLOW_CALL;
    bool local =
        direct && item->target != FW_NONE && solver->model->items[item->target].unit == item->unit;
    uint32_t used = used_by_callee(solver, item, live);
    uint32_t named = fw_live_of_named(live);
    if (!item->insn->in_it) named &= fw_live_out_of(used);
    uint32_t killed = FW_LIVE_LR | NAMED | (local ? 0 : SUMMARY);
    return (live & ~killed) | named | fw_live_named(named) | ARGUMENTS | CALLEE_SAVED |
           (used & TOLD) | item->insn->reads;
}

/* Does the instruction only compute registers and flags that nobody asks for? Then what
 * it reads need not be anything. */
static bool is_idle(const struct thumb_insn *insn, uint32_t written, uint32_t live) {
    enum { SPECIAL = 1 << THUMB_SP | 1 << THUMB_PC };
    if (written & live || !insn->writes || insn->writes & SPECIAL) return false; /* most of them */
    return insn->flow == THUMB_FLOW_NEXT && !insn->loads && !insn->stores && !insn->coprocessor &&
           insn->op != THUMB_SVC && insn->op != THUMB_BKPT && insn->op != THUMB_MSR &&
           insn->op != THUMB_MRS && insn->op != THUMB_IT;
}

/* LSLS, LSRS, ASRS, RORS by a register that may hold 0: then C stays as it was. That is no
 * use of C; it is alive in front of them only where it is alive behind. */
static bool may_keep_carry(const struct thumb_insn *insn) {
    if (!(insn->flags_read & insn->flags_written & THUMB_FLAG_C)) return false;
    if (insn->size_bytes == 4) return (insn->bits & 0xff80f0f0U) == 0xfa00f000U;
    uint32_t opcode = insn->bits >> 6;
    return opcode == 0x102 || opcode == 0x103 || opcode == 0x104 || opcode == 0x107;
}

enum { NOT_KNOWN, LOADS_NONE, LOADS_SOME };

static bool loads_ip(const struct solver *solver, uint32_t unit) {
    const struct fw_model *model = solver->model;
    uint8_t *known = &solver->loads_ip[unit];
    uint32_t i = *known == NOT_KNOWN ? model->units[unit].first : FW_NONE;
    if (*known == NOT_KNOWN) *known = LOADS_NONE;
    for (; i != FW_NONE; i = model->items[i].next) {
        const struct thumb_insn *insn = model->items[i].insn;
        if (insn->loads && (insn->writes >> THUMB_IP & 1)) *known = LOADS_SOME;
    }
    return *known == LOADS_SOME;
}

/* A save that stores r12 beside lr, in a unit that never loads it, keeps the stack aligned
 * (libgcc's divisions): it is no use of what r12 held. */
static bool fills_frame(const struct solver *solver, const struct fw_item *item) {
    enum { BOTH = 1 << THUMB_IP | 1 << THUMB_LR };
    const struct thumb_insn *insn = item->insn;
    bool save = insn->stores && (insn->reads & BOTH) == BOTH && (insn->writes >> THUMB_SP & 1);
    return save && !loads_ip(solver, item->unit);
}

static uint32_t before_item(const struct solver *solver, const struct fw_item *item,
                            uint32_t live) {
    const struct thumb_insn *insn = item->insn;
    if (insn->flow == THUMB_FLOW_CALL || insn->flow == THUMB_FLOW_CALL_INDIRECT) {
        return across_call(solver, item, live);
    }
    uint32_t written = insn->writes | (uint32_t)insn->flags_written << FW_LIVE_FLAG_SHIFT;
    uint32_t read = insn->reads | (uint32_t)insn->flags_read << FW_LIVE_FLAG_SHIFT;
    bool idle = is_idle(insn, written, live);
    if (may_keep_carry(insn)) {
        written &= ~((uint32_t)THUMB_FLAG_C << FW_LIVE_FLAG_SHIFT);
        read &= ~((uint32_t)THUMB_FLAG_C << FW_LIVE_FLAG_SHIFT);
    }
    if (idle) return live & ~fw_live_comes_out(written);
    bool plain = !((written | read) & SUMMARY); /* most of them */
    if (plain && insn->op != THUMB_SVC && insn->op != THUMB_BKPT) return (live & ~written) | read;
    uint32_t named = read & SUMMARY;
    if ((named & FW_LIVE_IP) && fills_frame(solver, item)) named &= ~FW_LIVE_IP;
    /* A supervisor may look at any stacked register; semihosting takes r0 and r1. */
    if (insn->op == THUMB_SVC) read |= 0x1fffU;
    if (insn->op == THUMB_BKPT) read |= ARGUMENTS;
    written |= fw_live_named(written) | fw_live_comes_out(written);
    return (live & ~written) | read | fw_live_named(named);
}

/* Live sets for each outcome of the condition that IT blocks ask about, as long as the
 * flags stay what they are: what is written under both outcomes is written (`ite eq; moveq
 * ip, #1; movne ip, #0`), and what one block writes another of the same condition reads. */
struct outcomes {
    uint32_t live[2];  /* by bit 0 of the condition */
    uint8_t condition; /* without bit 0 */
    bool active;
};

static uint32_t before_any(const struct solver *solver, const struct fw_item *item,
                           struct outcomes *o, uint32_t live) {
    const struct thumb_insn *insn = item->insn;
    bool calls = insn->flow == THUMB_FLOW_CALL || insn->flow == THUMB_FLOW_CALL_INDIRECT;
    if (!insn->in_it) {
        if (insn->flags_written || calls) o->active = false; /* other flags in front of it */
        if (!o->active) return before_item(solver, item, live);
        o->live[0] = before_item(solver, item, o->live[0]);
        o->live[1] = before_item(solver, item, o->live[1]);
        return o->live[0] | o->live[1];
    }
    uint8_t condition = insn->cond & 0xeU;
    if (!o->active || o->condition != condition) {
        *o = (struct outcomes){{live, live}, condition, true};
    }
    /* Where it executes it may change the outcome; where not, the outcome stays. */
    uint32_t *mine = &o->live[insn->cond & 1];
    bool changes = insn->flags_written || calls;
    *mine = before_item(solver, item, changes ? o->live[0] | o->live[1] : *mine);
    uint32_t flags = (uint32_t)insn->flags_read << FW_LIVE_FLAG_SHIFT;
    flags |= fw_live_named(flags);
    o->live[0] |= flags;
    o->live[1] |= flags;
    return o->live[0] | o->live[1];
}

/* What comes out of a callee matters only where r12 or flags are named behind the call. */
static uint32_t wanted_at(const struct solver *solver, uint32_t block) {
    uint32_t after = solver->out->after[solver->flow->blocks[block].last];
    return after & NAMED ? TOLD | COMES_OUT : TOLD;
}

/* In front of all use of the answer, so that none is older than what is noted. */
static void note_ask(const struct solver *solver, uint32_t block) {
    const struct fw_item *last = &solver->model->items[solver->flow->blocks[block].last];
    bool asks = last->insn->flow == THUMB_FLOW_CALL || fw_leaves_to(solver->model, last) != FW_NONE;
    uint32_t entry = asks ? last->target : FW_NONE;
    uint32_t live = entry == FW_NONE ? 0 : live_at(solver, last) & wanted_at(solver, block);
    solver->asks[block] = (struct ask){entry, live, FW_NONE};
}

/* What is live behind a block and what its call uses, which ends it, say all about it: a
 * block for which both are as they were is not gone over again. */
static uint32_t solve_block(const struct solver *solver, uint32_t block, bool *loops) {
    struct fw_model *model = solver->model;
    const struct fw_block *b = &solver->flow->blocks[block];
    struct fw_liveness *out = solver->out;
    struct outcomes outcomes = {.active = false};
    if (!solver->callee_in[block]) note_ask(solver, block);
    uint32_t live = live_out(solver, block, loops);
    uint32_t used = used_by_callee(solver, &model->items[b->last], live) | SOLVED;
    if (used == solver->callee_in[block] && live == out->after[b->last]) {
        return solver->block_in[block];
    }
    solver->callee_in[block] = used;
    /* Items of the input are numbered in order, so backward is by index (passes have not
     * run yet); a filler that was left out of the list is passed over harmlessly. */
    for (uint32_t i = b->last + 1; i-- > b->first;) {
        out->after[i] = live;
        live = before_any(solver, &model->items[i], &outcomes, live);
        store_live(&out->before[i], live);
    }
    return live;
}

/* Blocks to go over. */
struct todo {
    uint32_t *blocks;
    size_t count;
};

static void push(const struct solver *solver, struct todo *todo, uint32_t block) {
    if (solver->queued[block]) return;
    solver->queued[block] = true;
    todo->blocks[todo->count++] = block;
}

struct linking {
    struct piece *piece;
    uint32_t block;
};

static void add_edge(void *context, uint32_t to) {
    const struct linking *linking = context;
    struct piece *piece = linking->piece;
    uint32_t *edges_to = piece->solver->edges_to;
    piece->edges = arena_grow(&piece->arena, piece->edges, piece->edge_count, &piece->edge_capacity,
                              sizeof *piece->edges);
    piece->edges[piece->edge_count] = (struct edge){linking->block, edges_to[to]};
    edges_to[to] = (uint32_t)piece->edge_count++;
}

/* Most units settle without ever being asked what is in front of a block. */
static void link_unit(struct piece *piece, uint32_t unit) {
    const struct solver *solver = piece->solver;
    const struct fw_flow *flow = solver->flow;
    uint32_t first = flow->unit_first[unit], end = flow->unit_first[unit + 1];
    if (solver->linked[unit]) return;
    solver->linked[unit] = true;
    for (uint32_t block = first; block < end; block++)
        solver->edges_to[block] = FW_NONE;
    struct linking linking = {piece, first};
    for (; linking.block < end; linking.block++)
        fw_each_successor(solver->model, flow, linking.block, add_edge, &linking);
}

/* More is live in front of the block. */
static void push_those_in_front(struct piece *piece, struct todo *todo, uint32_t block) {
    const struct solver *solver = piece->solver;
    uint32_t item = solver->flow->blocks[block].first;
    link_unit(piece, solver->model->items[item].unit);
    uint32_t edge = solver->edges_to[block];
    for (; edge != FW_NONE; edge = piece->edges[edge].next)
        push(solver, todo, piece->edges[edge].from);
}

/* Within units: what others asked them about is looked at later. */
static uint32_t grow_block(struct piece *piece, struct todo *todo) {
    const struct solver *solver = piece->solver;
    uint32_t block = todo->blocks[--todo->count];
    bool loops = false;
    solver->queued[block] = false;
    uint32_t live = solve_block(solver, block, &loops), before = solver->block_in[block];
    solver->block_in[block] = live;
    if (live != before) push_those_in_front(piece, todo, block);
    return live & ~before;
}

static void solve_unit(struct piece *piece, uint32_t unit) {
    const struct solver *solver = piece->solver;
    uint32_t first = solver->flow->unit_first[unit], end = solver->flow->unit_first[unit + 1];
    bool changed = true, loops = true;
    for (int i = 0; i < SWEEPS && changed && loops; i++) { /* without a way back, once */
        changed = loops = false;
        for (uint32_t block = end; block-- > first;) {
            uint32_t live = solve_block(solver, block, &loops);
            if (live != solver->block_in[block]) changed = true;
            solver->block_in[block] = live;
        }
    }
    if (!changed || !loops) return;
    struct todo todo = {&solver->stack[first], 0};
    for (uint32_t block = first; block < end; block++)
        push(solver, &todo, block);
    while (todo.count)
        (void)grow_block(piece, &todo);
}

/* What is live into functions whose address is taken: any of them may be called where one
 * is called through a register. */
static void note_taken(struct solver *solver) {
    struct fw_model *model = solver->model;
    for (size_t i = 0; i < model->relocation_count; i++) {
        const struct fw_relocation *relocation = &model->relocations[i];
        if (relocation->target_item == FW_NONE || !relocation->target_thumb) continue;
        const struct fw_item *item = &model->items[relocation->target_item];
        if (!item->entry || !model->units[item->unit].address_taken) continue;
        uint32_t live = solver->out->before[relocation->target_item] & TOLD;
        model->units[item->unit].entry_live |= live & SUMMARY;
        solver->taken_live |= live;
    }
}

static void solve_piece(void *context, size_t p) {
    struct solver *solver = context;
    for (uint32_t u = solver->pieces[p].first; u < solver->pieces[p].end; u++)
        solve_unit(&solver->pieces[p], u);
}

/* Blocks that asked about an entry of which more is live now. */
static void find_outdated(struct solver *solver, struct todo *todo) {
    for (uint32_t b = 0; b < solver->flow->block_count; b++) {
        struct ask *ask = &solver->asks[b];
        if (ask->entry == FW_NONE) continue;
        uint32_t live = solver->out->before[ask->entry] & wanted_at(solver, b);
        if (live == ask->live) continue;
        ask->live = live;
        push(solver, todo, b);
    }
}

static void list_askers(struct solver *solver) {
    const struct fw_flow *flow = solver->flow;
    if (solver->askers) return;
    solver->askers = ARENA_ARRAY(&solver->scratch, uint32_t, flow->block_count + 1);
    memset(solver->askers, 0xff, (flow->block_count + 1) * sizeof *solver->askers); /* FW_NONE */
    for (uint32_t b = 0; b < flow->block_count; b++) {
        uint32_t entry = solver->asks[b].entry;
        uint32_t asked = entry == FW_NONE ? FW_NONE : flow->block_of[entry];
        if (asked == FW_NONE) continue; /* what is no code has nothing live in front of it */
        solver->asks[b].next = solver->askers[asked];
        solver->askers[asked] = b;
    }
}

/* Who asked about an entry of which more is live now asks again, and so on. */
static void ask_again(struct solver *solver) {
    struct todo todo = {solver->stack, 0};
    find_outdated(solver, &todo);
    if (todo.count) list_askers(solver);
    while (todo.count) {
        uint32_t block = todo.blocks[todo.count - 1];
        uint32_t unit = solver->model->items[solver->flow->blocks[block].first].unit;
        struct piece *piece = solver->pieces;
        while (unit >= piece->end)
            piece++;
        if (!(grow_block(piece, &todo) & (TOLD | COMES_OUT))) continue;
        for (uint32_t b = solver->askers[block]; b != FW_NONE; b = solver->asks[b].next)
            push(solver, &todo, b);
    }
}

static void cut_into_pieces(struct solver *solver) {
    const struct fw_flow *flow = solver->flow;
    uint32_t units = (uint32_t)solver->model->unit_count, unit = 0;
    for (size_t p = 0; p < PIECES; p++) {
        struct piece *piece = &solver->pieces[p];
        *piece = (struct piece){.solver = solver, .first = unit};
        while (unit < units && flow->unit_first[unit] < flow->block_count * (p + 1) / PIECES)
            unit++;
        if (p + 1 == PIECES) unit = units;
        piece->end = unit;
    }
}

static void solve_all(struct solver *solver) {
    const struct fw_model *model = solver->model;
    uint32_t taken_before;
    for (size_t u = 0; u < model->unit_count; u++) {
        if (!model->units[u].decoded) solver->taken_live = SUMMARY;
    }
    do {
        taken_before = solver->taken_live;
        parallel_run(PIECES, solve_piece, solver);
        ask_again(solver);
        note_taken(solver);
    } while (solver->taken_live != taken_before);
    for (size_t p = 0; p < PIECES; p++)
        arena_free(&solver->pieces[p].arena);
}

/* What units must bring back as they found it, or as they made it, beyond what the AAPCS asks:
 * r12 and flags that a caller names behind a call; RETURNS_IP where r12 only may be read there,
 * so that what is called on the way does not keep it. */
enum { RETURNS_IP = 1 };

struct keeping {
    const struct solver *solver;
    uint32_t *units; /* by unit */
    uint32_t taken;  /* every unit whose address is taken */
    uint32_t *stack; /* units of which more was found out; */
    size_t depth;
    bool *queued; /* which are there */
};

static void keep(struct keeping *keeping, uint32_t unit, uint32_t kept) {
    if (!(kept & ~keeping->units[unit])) return;
    keeping->units[unit] |= kept;
    if (!keeping->queued[unit]) keeping->stack[keeping->depth++] = unit;
    keeping->queued[unit] = true;
}

static void keep_taken(struct keeping *keeping, uint32_t kept) {
    const struct fw_model *model = keeping->solver->model;
    if (!(kept & ~keeping->taken)) return;
    keeping->taken |= kept;
    for (uint32_t u = 0; u < model->unit_count; u++) {
        if (model->units[u].address_taken) keep(keeping, u, kept);
    }
}

/* From the unit of a block's end to where it calls or leaves: what goes on in its place brings back
 * as much, and what it calls as much of that as comes out from there. */
static void keep_on(struct keeping *keeping, uint32_t last) {
    const struct fw_model *model = keeping->solver->model;
    const struct fw_item *item = &model->items[last];
    const struct thumb_insn *insn = item->insn;
    if (insn->flow == THUMB_FLOW_NEXT) return;
    bool indirect = insn->flow == THUMB_FLOW_CALL_INDIRECT;
    bool jump = insn->flow == THUMB_FLOW_JUMP_INDIRECT && item->jump != FW_JUMP_RETURN &&
                (item->jump == FW_JUMP_TAIL || !model->units[item->unit].labels);
    uint32_t kept = keeping->units[item->unit];
    if (indirect || insn->flow == THUMB_FLOW_CALL) {
        uint32_t after = keeping->solver->out->after[last];
        kept = (kept & fw_live_out_of(after)) | fw_live_of_named(after);
        if (after & FW_LIVE_IP) kept |= RETURNS_IP;
    }
    if (!kept) return;
    uint32_t to = fw_leaves_to(model, item);
    if (indirect || jump) {
        keep_taken(keeping, kept & SUMMARY);
    } else if (to != FW_NONE) {
        keep(keeping, model->items[to].unit, kept);
    }
}

/* A caller that reads r12 or flags behind a call takes them from the callee, or from in front
 * of the call (hand-written assembly): whatever runs in between must leave them as they are. A
 * unit is gone over again when more is asked of it, for each of six bits at most. */
static void note_kept(struct solver *solver) {
    struct fw_model *model = solver->model;
    const struct fw_flow *flow = solver->flow;
    struct keeping keeping = {.solver = solver};
    keeping.units = ARENA_ARRAY(&solver->scratch, uint32_t, model->unit_count + 1);
    keeping.stack = ARENA_ARRAY(&solver->scratch, uint32_t, model->unit_count + 1);
    keeping.queued = ARENA_ARRAY(&solver->scratch, bool, model->unit_count + 1);
    for (uint32_t b = 0; b < flow->block_count; b++)
        keep_on(&keeping, flow->blocks[b].last);
    while (keeping.depth) {
        uint32_t unit = keeping.stack[--keeping.depth];
        keeping.queued[unit] = false;
        for (uint32_t b = flow->unit_first[unit]; b < flow->unit_first[unit + 1]; b++)
            keep_on(&keeping, flow->blocks[b].last);
    }
    for (size_t u = 0; u < model->unit_count; u++) {
        model->units[u].ip_reserved = keeping.units[u] & (FW_LIVE_IP | RETURNS_IP);
        model->units[u].keeps = keeping.units[u] & SUMMARY;
    }
}

uint32_t fw_kept_over(const struct fw_model *model, const struct fw_liveness *liveness,
                      uint32_t item) {
    const struct fw_item *at = &model->items[item];
    uint32_t kept = model->units[at->unit].keeps, after = liveness->after[item];
    if (at->insn->flow != THUMB_FLOW_CALL_INDIRECT) return kept;
    return (kept & fw_live_out_of(after)) | fw_live_of_named(after) | (after & FW_LIVE_FLAGS);
}

void fw_liveness(struct fw_model *model, const struct fw_flow *flow, struct fw_liveness *out) {
    *out = (struct fw_liveness){.before = NULL};
    out->before = ARENA_ARRAY(&out->arena, uint32_t, model->item_count + 1);
    out->after = ARENA_ARRAY(&out->arena, uint32_t, model->item_count + 1);
    struct solver solver = {
        .model = model,
        .flow = flow,
        .out = out,
    };
    solver.block_in = ARENA_ARRAY(&solver.scratch, uint32_t, flow->block_count + 1);
    solver.callee_in = ARENA_ARRAY(&solver.scratch, uint32_t, flow->block_count + 1);
    solver.asks = ARENA_ARRAY(&solver.scratch, struct ask, flow->block_count + 1);
    solver.loads_ip = ARENA_ARRAY(&solver.scratch, uint8_t, model->unit_count + 1);
    solver.linked = ARENA_ARRAY(&solver.scratch, bool, model->unit_count + 1);
    solver.edges_to = ARENA_ARRAY(&solver.scratch, uint32_t, flow->block_count + 1);
    solver.stack = ARENA_ARRAY(&solver.scratch, uint32_t, flow->block_count + 1);
    solver.queued = ARENA_ARRAY(&solver.scratch, bool, flow->block_count + 1);
    cut_into_pieces(&solver);
    solve_all(&solver);
    note_kept(&solver);
    arena_free(&solver.scratch);
}

void fw_liveness_free(struct fw_liveness *liveness) {
    arena_free(&liveness->arena);
}
