/* Proves the length of each jump table, once it is known where branches lead. See lift.h.
 *
 * decode.c takes for entries what the $d run holds, up to the first byte that a load in front
 * reads. That is the table where the run is all of it: then each byte is an entry that leads to
 * an instruction of the function, or filler that can be none, and nothing else reads them. Where
 * a pool follows in the run, the bound check must say as much, and it may nowhere say otherwise:
 * an unsigned comparison of the index, and a branch away on what is above it, which every way to
 * the table branch comes through. */
#include "firmware/lift/lifting.h"

enum { COND_HS = 2, COND_LO = 3, COND_HI = 8, COND_LS = 9, STEPS_MAXIMUM = 48 };

/* The instruction that alone branches to one, by item of the function. */
enum { WAY_NONE = UINT32_MAX, WAY_MANY = UINT32_MAX - 1 };

struct prover {
    struct lift *lift;
    const struct fw_item *items;
    const struct lift_function *function; /* whose `ways` they are, or NULL */
    uint32_t *ways;
    struct arena arena;
};

static void add_way(struct prover *p, uint32_t to, uint32_t from) {
    uint32_t k = to - p->function->first_item;
    if (to < p->function->first_item || k >= p->function->item_count) return;
    p->ways[k] = p->ways[k] == WAY_NONE ? from : WAY_MANY;
}

static void find_ways(struct prover *p, const struct lift_function *function) {
    if (p->function == function) return;
    arena_free(&p->arena);
    p->function = function;
    p->ways = ARENA_ARRAY(&p->arena, uint32_t, function->item_count);
    for (uint32_t k = 0; k < function->item_count; k++)
        p->ways[k] = WAY_NONE;
    for (uint32_t k = 0; k < function->item_count; k++) {
        uint32_t index = function->first_item + k;
        const struct fw_item *item = &p->items[index];
        const uint32_t *targets = &p->lift->model->table_targets[item->table_first];
        for (uint32_t e = 0; item->kind == FW_ITEM_TABLE && e < item->table_count; e++)
            add_way(p, targets[e], WAY_MANY);
        bool branch = item->kind == FW_ITEM_INSN && item->target != FW_NONE &&
                      item->insn->reference == THUMB_REFERENCE_BRANCH;
        if (branch) add_way(p, item->target, index);
    }
}

/* Does control come to the item by more than what stands in front of it? */
static bool is_start(const struct prover *p, uint32_t index) {
    const struct fw_item *item = &p->items[index];
    return item->block_start || item->entry || item->label || index == p->function->first_item;
}

static bool goes_away(const struct thumb_insn *insn) {
    return insn->flow == THUMB_FLOW_BRANCH || insn->flow == THUMB_FLOW_JUMP_INDIRECT ||
           insn->flow == THUMB_FLOW_TRAP;
}

/* Goes back over a copy of the register; false: what it holds comes from the instruction. */
static bool keeps(const struct thumb_insn *insn, unsigned *reg) {
    bool copies = insn->op == THUMB_MOV_REGISTER && !insn->in_it && insn->rd == *reg;
    if (copies) *reg = insn->rm;
    return copies || !(insn->writes >> *reg & 1);
}

/* The number of values that the register has where the condition holds that `at` asks for: LS or
 * LO behind a comparison of the register with a number. 0: nothing is known. */
static uint32_t compared(const struct prover *p, uint32_t at, unsigned cond, unsigned reg) {
    if (cond != COND_LS && cond != COND_LO) return 0;
    for (uint32_t step = 0; step < STEPS_MAXIMUM && !is_start(p, at); step++) {
        const struct fw_item *item = &p->items[--at];
        if (item->kind != FW_ITEM_INSN) return 0;
        const struct thumb_insn *insn = item->insn;
        if (insn->flow != THUMB_FLOW_NEXT && insn->flow != THUMB_FLOW_BRANCH_COND) return 0;
        if (insn->flags_written & THUMB_FLAGS_NZCV) {
            bool compares = insn->op == THUMB_CMP_IMMEDIATE && insn->rn == reg && !insn->in_it;
            return compares ? insn->imm + (cond == COND_LS) : 0;
        }
        if (!keeps(insn, &reg)) return 0;
    }
    return 0;
}

/* What control comes from to the item, and under which condition; FW_NONE: from several. */
static uint32_t way_to(struct prover *p, uint32_t index, unsigned *cond) {
    const struct fw_item *item = &p->items[index], *front = item - 1;
    *cond = THUMB_COND_AL;
    if (index == p->function->first_item || front->kind != FW_ITEM_INSN) return FW_NONE;
    const struct thumb_insn *insn = front->insn;
    if (is_start(p, index)) {
        uint32_t from = p->ways[index - p->function->first_item];
        bool runs_in = insn->in_it || !goes_away(insn);
        if (from >= WAY_MANY || runs_in || item->entry || item->label) return FW_NONE;
        if (p->function->shares_code) return FW_NONE;
        insn = p->items[from].insn;
        if (insn->op == THUMB_B_COND || insn->in_it) *cond = insn->cond;
        return from;
    }
    if (insn->op == THUMB_B_COND || (insn->in_it && goes_away(insn))) *cond = insn->cond ^ 1U;
    bool goes_on = insn->flow == THUMB_FLOW_NEXT || insn->flow == THUMB_FLOW_BRANCH_COND ||
                   (insn->in_it && goes_away(insn));
    return goes_on ? index - 1 : FW_NONE;
}

/* The number of entries that the bound check in front of the table branch allows; 0: none. */
static uint32_t bound_of(struct prover *p, uint32_t branch) {
    unsigned index = p->items[branch].insn->rm, cond;
    uint32_t at = branch;
    for (uint32_t step = 0; step < STEPS_MAXIMUM; step++) {
        at = way_to(p, at, &cond);
        if (at == FW_NONE) return 0;
        uint32_t bound = compared(p, at, cond, index);
        if (bound) return bound;
        const struct thumb_insn *insn = p->items[at].insn;
        bool left_out = insn->in_it && goes_away(insn); /* its writes are not on this way */
        if (!left_out && !keeps(insn, &index)) return 0;
    }
    return 0;
}

/* Is all of the run the table, but for filler? Code of the function must follow. */
static bool is_whole_run(const struct prover *p, const struct fw_item *table) {
    const struct lift_function *f = p->function;
    const struct fw_section *section = &p->lift->model->sections[f->section];
    uint32_t stop, end = table->address + table->size_bytes;
    (void)lift_kind_at(p->lift, f->section, table->address, f->end, &stop);
    if (stop >= f->end || stop < end || stop - end > 2) return false;
    for (uint32_t at = end; at < stop; at++)
        if (section->data[at - section->address] != 0) return false;
    return true;
}

static const char *fault_of(struct prover *p, uint32_t index) {
    const struct fw_item *table = &p->items[index];
    const uint32_t *targets = &p->lift->model->table_targets[table->table_first];
    for (uint32_t i = 0; i < table->table_count; i++)
        if (targets[i] == FW_NONE)
            return "a jump table's entry is not an instruction of its function";
    if (is_start(p, index)) return "a jump table is referred to from elsewhere";
    uint32_t bound = bound_of(p, index - 1);
    if (bound ? bound == table->table_count : is_whole_run(p, table)) return NULL;
    return "a jump table's length does not follow from its bound check";
}

void lift_prove_tables(struct lift *lift) {
    struct fw_model *model = lift->model;
    struct prover p = {.lift = lift, .items = model->items};
    for (size_t i = 0; i < lift->table_count; i++) {
        struct fw_item *table = &model->items[lift->tables[i]];
        struct lift_function *function = &lift->functions[table->unit];
        find_ways(&p, function);
        const char *fault = fault_of(&p, lift->tables[i]);
        if (!fault) continue;
        lift_refuse(function, fault);
        /* Where the branch leads is not known, and the bytes are what they are. */
        table[-1].target = FW_NONE;
        table->kind = FW_ITEM_DATA;
        table->alignment = 4;
        table->table_first = table->table_count = 0;
    }
    arena_free(&p.arena);
}
