/* See flow.h. */
#include "firmware/analyse/flow.h"

#include "base/parallel.h"
#include "firmware/analyse/host_exits.h"
#include "firmware/lift/lift.h"

#include <string.h>

enum { SYSM_PSP = 9, SYSM_CONTROL = 20, PIECES = 4 };

/* The blocks of units next to each other, made beside the other pieces'. */
struct piece {
    struct arena arena;
    size_t first_unit, end_unit;
    struct fw_block *blocks;
    size_t count, capacity;
    size_t first_block; /* of the first of them among all, once joined */
    bool uses_psp;
};

struct building {
    struct fw_model *model;
    struct fw_flow *flow;
    struct piece pieces[PIECES];
};

/* The unit that is gone over. */
struct walk {
    struct fw_model *model;
    struct fw_unit *unit;
    uint32_t lr_copies; /* copies_of_lr(), once asked for */
    bool lr_copies_known;
};

bool fw_is_orr_one(const struct thumb_insn *insn) {
    return insn->size_bytes == 4 && (insn->bits & 0xfbe08000U) == 0xf0400000U &&
           (insn->bits & 0x040070ffU) == 1;
}

unsigned fw_uses_of_lr(const struct fw_model *model, const struct fw_block *block) {
    unsigned count = 0;
    for (uint32_t i = block->first;; i = model->items[i].next) {
        const struct thumb_insn *insn = model->items[i].insn;
        count += insn->flow == THUMB_FLOW_NEXT && (insn->reads >> THUMB_LR & 1);
        if (i == block->last) return count;
    }
}

bool fw_is_open_jump(const struct fw_model *model, const struct fw_item *item) {
    const struct fw_unit *unit = &model->units[item->unit];
    if (item->kind != FW_ITEM_INSN) return false;
    if (item->insn->flow == THUMB_FLOW_TABLE) return item->target == FW_NONE;
    bool computed =
        item->insn->flow == THUMB_FLOW_JUMP_INDIRECT && item->jump == FW_JUMP_GOTO && !item->made;
    return computed && (!unit->labels || unit->open_goto);
}

/* Registers that copies of lr are copied to in turn, in whatever order the blocks run. */
static uint32_t copies_of_copies(const struct walk *walk, uint32_t copies) {
    const struct fw_model *model = walk->model;
    for (uint32_t before = 0; copies && copies != before;) {
        before = copies;
        for (uint32_t i = walk->unit->first; i != FW_NONE; i = model->items[i].next) {
            const struct fw_item *item = &model->items[i];
            if (item->kind != FW_ITEM_INSN || item->insn->op != THUMB_MOV_REGISTER) continue;
            bool copy = item->insn->rm < 16 && (copies >> item->insn->rm & 1);
            if (copy && item->insn->rd < THUMB_SP) copies |= 1U << item->insn->rd;
        }
    }
    return copies;
}

/* Registers that an entry copies lr to while it still holds the way back, and copies of those:
 * BX of one returns (hand-written assembly: `mov ip, lr; bl helper; bx ip`). Later lr may be
 * any register. */
static uint32_t copies_of_lr(struct walk *walk) {
    const struct fw_model *model = walk->model;
    uint32_t copies = 0;
    bool holds = false;
    if (walk->lr_copies_known) return walk->lr_copies;
    for (uint32_t i = walk->unit->first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        if (item->kind != FW_ITEM_INSN) continue;
        if (item->entry || item->block_start) holds = item->entry;
        bool copy = item->insn->op == THUMB_MOV_REGISTER && item->insn->rm == THUMB_LR;
        if (holds && copy && item->insn->rd < 16) copies |= 1U << item->insn->rd;
        if (item->insn->writes >> THUMB_LR & 1) holds = false;
    }
    walk->lr_copies = copies_of_copies(walk, copies);
    walk->lr_copies_known = true;
    return walk->lr_copies;
}

/* The last instruction of the block in front of `end` that writes the register, or FW_NONE. */
static uint32_t last_writer(const struct fw_model *model, uint32_t first, uint32_t end,
                            unsigned reg) {
    uint32_t writer = FW_NONE;
    for (uint32_t i = first; i != end; i = model->items[i].next) {
        if (model->items[i].insn->writes >> reg & 1) writer = i;
    }
    return writer;
}

static bool saves_lr(const struct fw_model *model, const struct fw_unit *unit) {
    for (uint32_t i = unit->first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        if (item->kind != FW_ITEM_INSN || !item->insn->stores) continue;
        if (item->insn->reads >> THUMB_LR & 1) return true;
    }
    return false;
}

/* BX register: a return when lr is not made ready for one, and the register is popped
 * (`pop {r1}; bx r1`, as GCC ends variadic functions for ARMv6-M) or a copy of lr; a computed
 * goto when the Thumb bit was set in front of it. */
static uint8_t classify_bx(struct walk *walk, const struct fw_block *block, uint32_t jump) {
    const struct fw_model *model = walk->model;
    uint8_t target = model->items[jump].insn->rm, from = target;
    bool lr_restored = last_writer(model, block->first, jump, THUMB_LR) != FW_NONE;
    uint32_t writer = last_writer(model, block->first, jump, target), source = writer;
    /* Moves are followed back to where the value came into the block. */
    while (source != FW_NONE && model->items[source].insn->op == THUMB_MOV_REGISTER) {
        from = model->items[source].insn->rm;
        if (from == THUMB_LR) break;
        source = last_writer(model, block->first, source, from);
    }
    const struct thumb_insn *last = source == FW_NONE ? NULL : model->items[source].insn;
    bool copied = last ? from == THUMB_LR : (copies_of_lr(walk) >> from & 1) != 0;
    bool popped = last && last->op == THUMB_POP;
    if ((copied || popped) && !lr_restored) return FW_JUMP_RETURN;
    /* `ldr r1, [sp, #4]; add sp, #8; bx r1`: the saved lr, or a pointer that was kept there. */
    bool loaded = last && last->op == THUMB_LDR && last->rn == THUMB_SP;
    if (loaded && !lr_restored && saves_lr(model, walk->unit)) {
        fw_refuse(walk->unit, "an indirect jump may be a call or a return");
        return FW_JUMP_GOTO;
    }
    if (writer != FW_NONE && fw_is_orr_one(model->items[writer].insn)) return FW_JUMP_GOTO;
    if (walk->unit->labels) {
        fw_refuse(walk->unit, "an indirect jump may be a call or a computed goto");
        return FW_JUMP_GOTO;
    }
    return FW_JUMP_TAIL;
}

static uint8_t classify(struct walk *walk, const struct fw_block *block, uint32_t index) {
    const struct thumb_insn *insn = walk->model->items[index].insn;
    bool from_stack = insn->op == THUMB_POP || insn->rn == THUMB_SP;
    switch (insn->op) {
    case THUMB_BX:
        if (insn->rm == THUMB_LR) return FW_JUMP_RETURN;
        return classify_bx(walk, block, index);
    case THUMB_MOV_REGISTER:
        return insn->rm == THUMB_LR ? FW_JUMP_RETURN : FW_JUMP_GOTO;
    case THUMB_POP:
    case THUMB_LDM:
        return from_stack ? FW_JUMP_RETURN : FW_JUMP_GOTO;
    case THUMB_LDR:
        /* A veneer or thunk: its literal is a constant of the image. */
        if (insn->reference == THUMB_REFERENCE_LITERAL) return FW_JUMP_TAIL;
        return from_stack ? FW_JUMP_RETURN : FW_JUMP_GOTO;
    default:
        fw_refuse(walk->unit, "it writes the program counter in an unknown way");
        return FW_JUMP_GOTO;
    }
}

static bool writes_stack_choice(const struct thumb_insn *insn) {
    return insn->op == THUMB_MSR && (insn->imm == SYSM_PSP || insn->imm == SYSM_CONTROL);
}

static bool is_instruction(const struct fw_model *model, uint32_t item) {
    return item != FW_NONE && model->items[item].kind == FW_ITEM_INSN;
}

static bool nothing_behind(const struct fw_model *model, const struct fw_item *item) {
    return item->apart || !is_instruction(model, item->next);
}

static bool calls_host(const struct fw_model *model, const struct fw_block *block) {
    for (uint32_t i = block->first;; i = model->items[i].next) {
        if (thumb_is_host_call(model->items[i].insn)) return true;
        if (i == block->last) return false;
    }
}

static void close_block(struct walk *walk, const struct fw_block *block) {
    struct fw_item *last = &walk->model->items[block->last];
    if (nothing_behind(walk->model, last) && calls_host(walk->model, block)) {
        walk->unit->host_end = true;
    }
    if (last->kind != FW_ITEM_INSN || last->insn->flow != THUMB_FLOW_JUMP_INDIRECT) return;
    last->jump = classify(walk, block, block->last);
    if (last->jump == FW_JUMP_GOTO) walk->unit->computed_jump = true;
}

static void build_unit(struct building *building, struct piece *piece, struct fw_unit *unit) {
    struct walk walk = {.model = building->model, .unit = unit};
    struct fw_block *block = NULL;
    bool fresh = true;
    for (uint32_t i = unit->first; i != FW_NONE; i = walk.model->items[i].next) {
        const struct fw_item *item = &walk.model->items[i];
        if (item->kind != FW_ITEM_INSN) {
            fresh = true;
            continue;
        }
        if (fresh || item->block_start) {
            if (block) close_block(&walk, block);
            piece->blocks = arena_grow(&piece->arena, piece->blocks, piece->count, &piece->capacity,
                                       sizeof *piece->blocks);
            block = &piece->blocks[piece->count++];
            block->first = i;
        }
        block->last = i;
        if (writes_stack_choice(item->insn)) piece->uses_psp = true;
        fresh = item->insn->flow != THUMB_FLOW_NEXT;
    }
    if (block) close_block(&walk, block);
}

static void build_piece(void *context, size_t p) {
    struct building *building = context;
    struct piece *piece = &building->pieces[p];
    for (size_t u = piece->first_unit; u < piece->end_unit; u++) {
        struct fw_unit *unit = &building->model->units[u];
        building->flow->unit_first[u] = (uint32_t)piece->count;
        build_unit(building, piece, unit);
    }
}

static void join_piece(void *context, size_t p) {
    struct building *building = context;
    struct fw_flow *flow = building->flow;
    struct piece *piece = &building->pieces[p];
    for (size_t u = piece->first_unit; u < piece->end_unit; u++)
        flow->unit_first[u] += (uint32_t)piece->first_block;
    for (size_t b = 0; b < piece->count; b++) {
        flow->blocks[piece->first_block + b] = piece->blocks[b];
        flow->block_of[piece->blocks[b].first] = (uint32_t)(piece->first_block + b);
    }
    arena_free(&piece->arena);
}

/* Pieces of about equal bytes. */
static void cut_into_pieces(struct building *building) {
    const struct fw_model *model = building->model;
    uint64_t bytes = 0, behind = 0;
    for (size_t u = 0; u < model->unit_count; u++)
        bytes += model->units[u].bytes_before;
    size_t unit = 0;
    for (size_t p = 0; p < PIECES; p++) {
        building->pieces[p].first_unit = unit;
        while (unit < model->unit_count && (p + 1 == PIECES || behind * PIECES < bytes * (p + 1)))
            behind += model->units[unit++].bytes_before;
        building->pieces[p].end_unit = unit;
    }
}

/* Several pieces may find the same target, so each marks it in one step. */
static void mark_outside(void *context, size_t p) {
    const struct building *building = context;
    const struct fw_model *model = building->model;
    size_t first = model->item_count * p / PIECES, end = model->item_count * (p + 1) / PIECES;
    for (size_t i = first; i < end; i++) {
        uint32_t target = model->items[i].target;
        if (target == FW_NONE || model->items[target].unit == model->items[i].unit) continue;
        __atomic_store_n(&building->flow->outside[target], true, __ATOMIC_RELAXED);
    }
}

static void find_outside(struct building *building) {
    const struct fw_model *model = building->model;
    bool *outside = ARENA_ARRAY(&building->flow->arena, bool, model->item_count + 1);
    building->flow->outside = outside;
    parallel_run(PIECES, mark_outside, building);
    for (size_t i = 0; i < model->function_count; i++) {
        if (model->functions[i].item != FW_NONE) outside[model->functions[i].item] = true;
    }
    for (size_t i = 0; i < model->relocation_count; i++) {
        const struct fw_relocation *r = &model->relocations[i];
        if (r->target_item != FW_NONE && r->target_thumb) outside[r->target_item] = true;
    }
}

static void build_blocks(struct fw_model *model, struct fw_flow *flow) {
    struct building building = {.model = model, .flow = flow};
    cut_into_pieces(&building);
    parallel_run(PIECES, build_piece, &building);
    for (size_t p = 0; p < PIECES; p++) {
        building.pieces[p].first_block = flow->block_count;
        flow->block_count += building.pieces[p].count;
        if (building.pieces[p].uses_psp) model->uses_psp = true;
    }
    flow->unit_first[model->unit_count] = (uint32_t)flow->block_count;
    flow->blocks = ARENA_ARRAY(&flow->arena, struct fw_block, flow->block_count + 1);
    parallel_run(PIECES, join_piece, &building);
    find_outside(&building);
}

static void collect_labels(struct fw_model *model, struct fw_flow *flow) {
    size_t count = 0;
    for (int pass = 0; pass < 2; pass++) {
        if (pass) flow->labels = ARENA_ARRAY(&flow->arena, uint32_t, count + 1);
        count = 0;
        for (size_t u = 0; u < model->unit_count; u++) {
            if (pass) flow->label_first[u] = (uint32_t)count;
            if (!model->units[u].labels) continue;
            for (uint32_t i = model->units[u].first; i != FW_NONE; i = model->items[i].next) {
                if (!model->items[i].label) continue;
                if (pass) flow->labels[count] = i;
                count++;
            }
        }
    }
    flow->label_first[model->unit_count] = (uint32_t)count;
}

void fw_flow_free(struct fw_flow *flow) {
    arena_free(&flow->arena);
}

static void visit_item(const struct fw_model *model, const struct fw_flow *flow, uint32_t unit,
                       uint32_t item, fw_successor_function visit, void *context) {
    if (item == FW_NONE || model->items[item].unit != unit) return;
    if (flow->block_of[item] != FW_NONE) visit(context, flow->block_of[item]);
}

static bool calls_noreturn(const struct fw_model *model, const struct fw_item *call) {
    if (call->target == FW_NONE) return false;
    const struct fw_unit *callee = &model->units[model->items[call->target].unit];
    return callee->noreturn || callee->loses_lr;
}

void fw_each_successor(const struct fw_model *model, const struct fw_flow *flow, uint32_t block,
                       fw_successor_function visit, void *context) {
    const struct fw_item *last = &model->items[flow->blocks[block].last];
    const struct thumb_insn *insn = last->insn;
    uint32_t unit = last->unit;
    bool next = insn->in_it;
    switch (insn->flow) {
    case THUMB_FLOW_CALL:
        if (!calls_noreturn(model, last)) next = true;
        break;
    case THUMB_FLOW_NEXT:
    case THUMB_FLOW_CALL_INDIRECT:
        next = true;
        break;
    case THUMB_FLOW_BRANCH_COND:
        next = true; /* fall through */
    case THUMB_FLOW_BRANCH:
        visit_item(model, flow, unit, last->target, visit, context);
        break;
    case THUMB_FLOW_JUMP_INDIRECT:
        if (last->jump != FW_JUMP_GOTO) break;
        for (uint32_t i = flow->label_first[unit]; i < flow->label_first[unit + 1]; i++) {
            visit_item(model, flow, unit, flow->labels[i], visit, context);
        }
        break;
    case THUMB_FLOW_TABLE:
        if (last->target == FW_NONE) break;
        const struct fw_item *table = &model->items[last->target];
        for (uint32_t i = 0; table->kind == FW_ITEM_TABLE && i < table->table_count; i++) {
            visit_item(model, flow, unit, model->table_targets[table->table_first + i], visit,
                       context);
        }
        break;
    default:
        break;
    }
    if (next && !last->apart) visit_item(model, flow, unit, last->next, visit, context);
}

bool fw_goes_on(const struct fw_model *model, const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    if (!thumb_goes_on(insn) || item->host_exit) return false;
    return insn->flow != THUMB_FLOW_CALL || insn->in_it || !calls_noreturn(model, item);
}

bool fw_runs_out(const struct fw_model *model, const struct fw_item *item) {
    return nothing_behind(model, item) && fw_goes_on(model, item);
}

uint32_t fw_leaves_to(const struct fw_model *model, const struct fw_item *item) {
    bool branch = item->kind == FW_ITEM_INSN && item->insn->reference == THUMB_REFERENCE_BRANCH;
    if (!branch || item->target == FW_NONE) return FW_NONE;
    return model->items[item->target].unit == item->unit && item->insn->flow != THUMB_FLOW_CALL
               ? FW_NONE
               : item->target;
}

/* Straight code that takes another lr and another stack without ever having looked at its own
 * return address: whoever called it by BL waits for ever (longjmp, an unwinder's way into the
 * catching frame). What came to it by a branch did not lose its own, which it may have saved. */
static bool loses_lr(const struct fw_model *model, const struct fw_block *block) {
    const struct fw_item *last = &model->items[block->last];
    bool lost = false, other_stack = false;
    if (!model->items[block->first].entry || last->insn->in_it) return false;
    if (last->insn->flow != THUMB_FLOW_JUMP_INDIRECT || last->jump != FW_JUMP_RETURN) return false;
    for (uint32_t i = block->first;; i = model->items[i].next) {
        const struct thumb_insn *insn = model->items[i].insn;
        bool moves = insn->op == THUMB_MOV_REGISTER && !insn->in_it;
        if ((insn->reads >> THUMB_LR & 1) && !lost) return false;
        lost |= (insn->writes >> THUMB_LR & 1) && !insn->in_it;
        if (moves && insn->rd == THUMB_SP) other_stack = true;
        if (i == block->last) return lost && other_stack;
    }
}

static void find_losing(struct fw_model *model, const struct fw_flow *flow) {
    for (size_t u = 0; u < model->unit_count; u++) {
        bool one = flow->unit_first[u + 1] - flow->unit_first[u] == 1 && model->units[u].decoded;
        if (one) {
            model->units[u].loses_lr = loses_lr(model, &flow->blocks[flow->unit_first[u]]);
        }
    }
}

/* What find_noreturn() asks of a block, read once from its last instruction. */
struct way {
    uint32_t unit, callee;  /* callee: the unit that it calls or jumps to, or FW_NONE */
    uint32_t successors[2]; /* blocks, or FW_NONE */
    bool entered;           /* by a call from anywhere, or through an address that is taken */
    bool returns;           /* leaves, and may come back to the unit's caller */
    bool leaves;            /* jumps to the callee, which returns in the unit's place */
    bool gated;             /* goes on only if the callee returns */
    bool runs_out;          /* goes on behind the unit's code, as far as calls come back */
    bool many;              /* has more successors: fw_each_successor() */
};

struct noting {
    struct way *way;
    size_t count;
};

static void note_successor(void *context, uint32_t block) {
    struct noting *noting = context;
    if (noting->count < 2) {
        noting->way->successors[noting->count++] = block;
    } else {
        noting->way->many = true;
    }
}

/* Also a computed goto may return: that it stays in the unit is not proven yet, and a non-local
 * one does not. */
static struct way way_of(const struct fw_model *model, const struct fw_flow *flow, uint32_t block) {
    const struct fw_item *first = &model->items[flow->blocks[block].first];
    const struct fw_item *last = &model->items[flow->blocks[block].last];
    uint8_t kind = last->insn->flow;
    bool branches = kind == THUMB_FLOW_BRANCH || kind == THUMB_FLOW_BRANCH_COND;
    bool leads = branches || kind == THUMB_FLOW_TABLE, unknown = last->target == FW_NONE;
    uint32_t to = fw_leaves_to(model, last);
    struct way way = {.unit = last->unit,
                      .callee = to == FW_NONE ? FW_NONE : model->items[to].unit,
                      .successors = {FW_NONE, FW_NONE},
                      .entered = first->entry || first->label,
                      .returns = kind == THUMB_FLOW_JUMP_INDIRECT || (leads && unknown)};
    way.leaves = branches && way.callee != FW_NONE;
    way.gated = kind == THUMB_FLOW_CALL && way.callee != FW_NONE && !last->insn->in_it;
    way.runs_out = fw_runs_out(model, last);
    struct noting noting = {.way = &way};
    fw_each_successor(model, flow, block, note_successor, &noting);
    return way;
}

/* Blocks that an entry reaches, as far as calls are known to come back. A block that ends in a
 * call or jump to a unit not known to return waits for it. */
struct search {
    struct fw_model *model;
    const struct fw_flow *flow;
    struct way *ways; /* by block of the whole model */
    uint32_t *stack;
    size_t depth;
    bool *seen;         /* by block */
    bool *noreturn;     /* by unit */
    uint32_t *waiting;  /* by unit: first block that waits for it, or FW_NONE */
    uint32_t *waits_on; /* by block: next one that waits for the same unit */
};

static void find_ways(void *context, size_t p) {
    struct search *search = context;
    size_t blocks = search->flow->block_count;
    for (size_t b = blocks * p / PIECES; b < blocks * (p + 1) / PIECES; b++)
        search->ways[b] = way_of(search->model, search->flow, (uint32_t)b);
}

static void search_push(void *context, uint32_t block) {
    struct search *search = context;
    if (search->seen[block]) return;
    search->seen[block] = true;
    search->stack[search->depth++] = block;
}

/* The unit returns: what waits for it goes on, at most once a block. */
static void returns(struct search *search, uint32_t unit) {
    search->noreturn[unit] = false;
    for (uint32_t b = search->waiting[unit]; b != FW_NONE; b = search->waits_on[b])
        search->stack[search->depth++] = b;
    search->waiting[unit] = FW_NONE;
}

static void follow_way(struct search *search, uint32_t block) {
    const struct way *way = &search->ways[block];
    bool waits = way->callee != FW_NONE && search->noreturn[way->callee];
    if (way->returns || (way->leaves && !waits)) {
        returns(search, way->unit);
        return;
    }
    if (waits) {
        search->waits_on[block] = search->waiting[way->callee];
        search->waiting[way->callee] = block;
        if (way->gated) return;
    }
    if (way->runs_out) { /* into code that may return in the unit's place */
        returns(search, way->unit);
        return;
    }
    if (way->many) {
        fw_each_successor(search->model, search->flow, block, search_push, search);
        return;
    }
    for (size_t i = 0; i < 2 && way->successors[i] != FW_NONE; i++)
        search_push(search, way->successors[i]);
}

/* The greatest fixed point: all are noreturn until a path that returns is found. `open`, by unit:
 * a block of it has nothing behind it, if all that it calls comes back. */
static void find_noreturn(struct fw_model *model, struct fw_flow *flow, bool *open) {
    struct arena scratch = {0};
    struct search search = {.model = model,
                            .flow = flow,
                            .ways = ARENA_ARRAY(&scratch, struct way, flow->block_count + 1),
                            .stack = ARENA_ARRAY(&scratch, uint32_t, 2 * flow->block_count + 1),
                            .seen = ARENA_ARRAY(&scratch, bool, flow->block_count + 1),
                            .noreturn = ARENA_ARRAY(&scratch, bool, model->unit_count + 1),
                            .waiting = ARENA_ARRAY(&scratch, uint32_t, model->unit_count + 1),
                            .waits_on = ARENA_ARRAY(&scratch, uint32_t, flow->block_count + 1)};
    memset(search.waiting, 0xff, (model->unit_count + 1) * sizeof *search.waiting);
    for (size_t u = 0; u < model->unit_count; u++)
        search.noreturn[u] = model->units[u].decoded && model->units[u].first != FW_NONE &&
                             !model->units[u].runs_out;
    parallel_run(PIECES, find_ways, &search); /* while every call is taken to return */
    for (uint32_t b = 0; b < flow->block_count; b++) {
        if (search.ways[b].entered) search_push(&search, b);
        if (search.ways[b].runs_out) open[search.ways[b].unit] = true;
    }
    while (search.depth) {
        uint32_t block = search.stack[--search.depth];
        if (search.noreturn[search.ways[block].unit]) follow_way(&search, block);
    }
    for (size_t u = 0; u < model->unit_count; u++)
        model->units[u].noreturn = search.noreturn[u];
    arena_free(&scratch);
}

/* May control leave the unit at the block's end, other than by a call that comes back? */
static bool may_leave(const struct fw_model *model, const struct fw_item *last) {
    bool inside = last->target != FW_NONE && model->items[last->target].unit == last->unit;
    bool behind = last->next != FW_NONE && model->items[last->next].kind == FW_ITEM_INSN;
    switch (last->insn->flow) {
    case THUMB_FLOW_BRANCH:
        return !inside || (last->insn->in_it && !behind);
    case THUMB_FLOW_BRANCH_COND:
        return !inside || !behind;
    case THUMB_FLOW_CALL: /* not of a subroutine, which has a frame in common with its caller */
        return inside || (!calls_noreturn(model, last) && !behind);
    case THUMB_FLOW_NEXT:
    case THUMB_FLOW_CALL_INDIRECT:
        return !behind;
    case THUMB_FLOW_TABLE:
        return last->target == FW_NONE;
    case THUMB_FLOW_TRAP:
        return false;
    default:
        return true;
    }
}

/* Does the block leave to the unit's caller, or use lr or the way back on the stack? */
static bool uses_way_back(const struct fw_model *model, const struct fw_block *block) {
    enum { WAY = 1 << THUMB_LR | 1 << THUMB_PC };
    for (uint32_t i = block->first;; i = model->items[i].next) {
        const struct thumb_insn *insn = model->items[i].insn;
        bool call = insn->flow == THUMB_FLOW_CALL || insn->flow == THUMB_FLOW_CALL_INDIRECT;
        bool loads_all = insn->loads && (insn->writes & WAY);
        if (loads_all || (insn->reads >> THUMB_LR & 1)) return true;
        if (!call && (insn->writes >> THUMB_LR & 1)) return true;
        if (i == block->last) return may_leave(model, &model->items[i]);
    }
}

/* What jumps to a label from elsewhere comes with a frame that nobody followed. That is of no
 * matter where no way from any label leads to a return, or to anything that touches the return
 * address: an error's way out by exit(), from a nested function or by __builtin_longjmp. */
static bool labels_lead_nowhere(struct search *search, uint32_t unit) {
    const struct fw_flow *flow = search->flow;
    bool nowhere = true;
    search->depth = 0;
    for (uint32_t i = flow->label_first[unit]; i < flow->label_first[unit + 1]; i++) {
        uint32_t block = flow->block_of[flow->labels[i]];
        if (block == FW_NONE) return false; /* data, or the inside of an instruction */
        search_push(search, block);
    }
    while (search->depth) {
        uint32_t block = search->stack[--search->depth];
        if (uses_way_back(search->model, &flow->blocks[block])) nowhere = false;
        fw_each_successor(search->model, flow, block, search_push, search);
    }
    return nowhere;
}

/* Labels that no computed jump of their unit goes to. Requires that it is known who returns. */
static void refuse_entered(struct fw_model *model, struct fw_flow *flow) {
    struct arena scratch = {0};
    struct search search = {.model = model, .flow = flow};
    for (uint32_t u = 0; u < model->unit_count; u++) {
        struct fw_unit *unit = &model->units[u];
        if (!unit->labels || unit->computed_jump) continue;
        if (!search.stack) {
            search.stack = ARENA_ARRAY(&scratch, uint32_t, flow->block_count + 1);
            search.seen = ARENA_ARRAY(&scratch, bool, flow->block_count + 1);
        }
        if (labels_lead_nowhere(&search, u)) continue;
        fw_refuse(unit, "its inside is referred to as data or jumped to from elsewhere");
    }
    arena_free(&scratch);
}

/* The first item in memory from *end on that is not of the unit, or FW_NONE; *end is then where
 * the unit ends in front of it. */
static uint32_t item_from(const struct fw_model *model, uint32_t unit, uint32_t *end) {
    for (uint32_t address = *end;;) {
        const struct fw_section *next = NULL; /* that ends behind the address */
        for (size_t s = 0; s < model->section_count; s++) {
            const struct fw_section *section = &model->sections[s];
            if (!section->item_at || section->address + section->size_bytes <= address) continue;
            if (!next || section->address < next->address) next = section;
        }
        if (!next) return FW_NONE;
        uint32_t offset = next->address > address ? 0 : address - next->address;
        for (; offset + 2 <= next->size_bytes; offset += 2) {
            uint32_t item = next->item_at[offset / 2];
            if (item == FW_NONE) continue;
            if (model->items[item].unit != unit) return item;
            *end = model->items[item].address + model->items[item].size_bytes;
        }
        address = next->address + next->size_bytes;
    }
}

/* What lies between is code then: filler of lld's reads as a branch. What it means stays. */
static void keep_targets_between(struct fw_model *model, uint32_t address, uint32_t end) {
    for (; address < end; address += 2) {
        struct thumb_insn insn;
        const struct fw_section *section = fw_section_at(model, address);
        if (!section || !section->item_at) return;
        uint32_t offset = address - section->address;
        bool there =
            thumb_decode(section->data + offset, section->size_bytes - offset, address, &insn) &&
            insn.reference == THUMB_REFERENCE_BRANCH;
        uint32_t item = there ? fw_item_at(model, insn.target) : FW_NONE;
        if (item == FW_NONE) continue;
        fw_refuse(&model->units[model->items[item].unit],
                  "bytes that are not understood may refer to it");
    }
}

/* Both stay: what the block runs out of, and what it runs into. */
static void keep_run_out(struct fw_model *model, uint32_t last) {
    const struct fw_item *from = &model->items[last];
    bool data = from->next != FW_NONE && !from->apart;
    fw_refuse(&model->units[from->unit],
              data ? "control may run into data" : "control may run out of its end");
    uint32_t end = from->address + from->size_bytes, to = item_from(model, from->unit, &end);
    if (to == FW_NONE) return;
    fw_refuse(&model->units[model->items[to].unit],
              "control may run into it from the code in front");
    keep_targets_between(model, end, model->items[to].address);
    model->run_outs = arena_grow(&model->arena, model->run_outs, model->run_out_count,
                                 &model->run_out_capacity, sizeof *model->run_outs);
    model->run_outs[model->run_out_count++] = (struct fw_run_out){end, model->items[to].address};
}

/* Of a unit some of whose blocks have nothing behind them: can they be reached? */
static void search_unit(struct search *search, uint32_t unit) {
    const struct fw_flow *flow = search->flow;
    for (uint32_t b = flow->unit_first[unit]; b < flow->unit_first[unit + 1]; b++) {
        const struct fw_item *first = &search->model->items[flow->blocks[b].first];
        if (first->entry || first->label) search_push(search, b);
    }
    while (search->depth)
        fw_each_successor(search->model, flow, search->stack[--search->depth], search_push, search);
    for (uint32_t b = flow->unit_first[unit]; b < flow->unit_first[unit + 1]; b++) {
        uint32_t last = flow->blocks[b].last;
        if (search->seen[b] && fw_runs_out(search->model, &search->model->items[last])) {
            keep_run_out(search->model, last);
        }
    }
}

/* Requires that it is known who returns. */
static void refuse_running_out(struct fw_model *model, struct fw_flow *flow, const bool *open) {
    struct arena scratch = {0};
    struct search search = {.model = model, .flow = flow};
    for (uint32_t u = 0; u < model->unit_count; u++) {
        if (!open[u]) continue;
        if (!search.stack) {
            search.stack = ARENA_ARRAY(&scratch, uint32_t, flow->block_count + 1);
            search.seen = ARENA_ARRAY(&scratch, bool, flow->block_count + 1);
        }
        search_unit(&search, u);
    }
    arena_free(&scratch);
}

void fw_flow_build(struct fw_model *model, struct fw_flow *flow) {
    *flow = (struct fw_flow){.block_count = 0};
    flow->unit_first = ARENA_ARRAY(&flow->arena, uint32_t, model->unit_count + 1);
    flow->label_first = ARENA_ARRAY(&flow->arena, uint32_t, model->unit_count + 1);
    flow->block_of = ARENA_ARRAY(&flow->arena, uint32_t, model->item_count + 1);
    memset(flow->block_of, 0xff, (model->item_count + 1) * sizeof *flow->block_of);
    build_blocks(model, flow);
    collect_labels(model, flow);
    fw_find_host_exits(model, flow); /* while every call is taken to return */
    find_losing(model, flow);
    struct arena scratch = {0};
    bool *open = ARENA_ARRAY(&scratch, bool, model->unit_count + 1);
    find_noreturn(model, flow, open);
    refuse_running_out(model, flow, open);
    arena_free(&scratch);
    refuse_entered(model, flow);
}
