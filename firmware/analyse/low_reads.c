/* See low_reads.h. */
#include "firmware/analyse/low_reads.h"

#include <string.h>

enum {
    REGISTERS = 13,
    ARGUMENTS = 4,     /* AAPCS32, 6.4 */
    STEP_MAXIMUM = 32, /* what is further from the number is another address */
};

/* Where a register's number comes from: registers of one origin hold the same one, or one that
 * counts up from it; and whether it is 0. */
enum {
    UNKNOWN = 0,
    ARGUMENT = 1,                    /* and the argument's number */
    CONSTANT = ARGUMENT + ARGUMENTS, /* and the register in which it was made */
    SEVERAL = CONSTANT + REGISTERS,
    ZERO = 1 << 7,
};

struct state {
    bool reached;
    uint16_t low; /* registers of known origin, one bit each */
    uint8_t origin[REGISTERS];
};

/* Code that begins at the block with some of r0 to r3 zero. */
struct entrance {
    uint32_t block, from; /* the item that passed the first of them on */
    uint8_t arguments;
};

/* What the flags say. */
struct comparison {
    uint8_t origin;      /* of the number that was compared with 0, or UNKNOWN */
    uint16_t conditions; /* that may hold, one bit each */
};

/* What the walk over a block found, with what holds in front of it. */
struct outcome {
    uint32_t found;    /* the first read, or FW_NONE */
    uint8_t arguments; /* those that are 0 where it calls, or goes on to another unit */
};

struct reading {
    struct fw_model *model;
    const struct fw_flow *flow;
    uint32_t stub, stub_end;
    struct state *states; /* of one unit's blocks */
    struct outcome *outcomes;
    uint32_t *queue;
    bool *queued;
    size_t queue_count;
    uint16_t *entered; /* by block: one bit for each set of arguments */
    struct entrance *entrances;
    size_t entrance_count, entrance_capacity;
    struct arena arena;
    /* The block that is followed. */
    uint32_t first_block, local, from;
    struct state now;
    struct comparison compared;
    bool stack_argument; /* the word at the stack pointer was stored since the last call */
};

static uint8_t origin_of(const struct state *state, unsigned reg) {
    return reg < REGISTERS ? state->origin[reg] : UNKNOWN;
}

static void set_origin(struct state *state, unsigned reg, uint8_t origin) {
    uint16_t bit = (uint16_t)(1U << reg);
    state->origin[reg] = origin;
    state->low = origin == UNKNOWN ? (uint16_t)(state->low & ~bit) : (uint16_t)(state->low | bit);
}

static void forget(struct state *state, uint32_t registers) {
    for (uint32_t rest = state->low & registers; rest; rest &= rest - 1)
        set_origin(state, (unsigned)__builtin_ctz(rest), UNKNOWN);
}

static uint8_t meet(uint8_t a, uint8_t b) {
    if (a == UNKNOWN || b == UNKNOWN) return UNKNOWN;
    return a == b ? a : (uint8_t)(SEVERAL | (a & b & ZERO));
}

static bool is_short_step(const struct thumb_insn *insn) {
    return insn->rm == THUMB_NO_REGISTER && insn->imm < STEP_MAXIMUM;
}

static uint8_t stepped(uint8_t origin) {
    return origin & (uint8_t)~ZERO;
}

static uint8_t made_in(unsigned reg, uint32_t value) {
    if (value >= FW_LOW_BYTES) return UNKNOWN;
    return (uint8_t)((CONSTANT + reg) | (value ? 0U : ZERO));
}

/* What reads through an argument does so for whoever calls it: that a caller's 0 gets there rests
 * on conditions that are not all followed. Only where the address counts up is memory from 0 on
 * what such a 0 means, as to a copy or a checksum. */
static bool counts_up(const struct thumb_insn *insn, uint8_t base, uint8_t index) {
    return insn->writeback || base == SEVERAL || index == SEVERAL;
}

static bool reads_low(const struct reading *reading, const struct thumb_insn *insn) {
    uint8_t base = origin_of(&reading->now, insn->rn), index = origin_of(&reading->now, insn->rm);
    if (!insn->loads || base == UNKNOWN) return false;
    if (reading->from != FW_NONE && !counts_up(insn, base, index)) return false;
    if (insn->in_it && base == reading->compared.origin) return false;
    if (insn->in_it && !(reading->compared.conditions >> insn->cond & 1)) return false;
    if (insn->rm != THUMB_NO_REGISTER) return index != UNKNOWN;
    bool offset = insn->op != THUMB_LDM && (insn->index || !insn->writeback);
    return !offset || insn->subtract || insn->imm < FW_LOW_BYTES;
}

static bool literal(struct fw_model *model, const struct fw_item *item, uint32_t *value) {
    if (item->insn->reference != THUMB_REFERENCE_LITERAL || item->target == FW_NONE) return false;
    const struct fw_item *pool = &model->items[item->target];
    const uint8_t *bytes = fw_bytes_at(model, pool->address + item->target_delta, 4);
    return bytes && span_u32le((struct span){bytes, 4}, 0, value);
}

/* Of what the instruction puts into rd. */
static uint8_t result(struct reading *reading, const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    uint8_t base = origin_of(&reading->now, insn->rn);
    uint32_t word;
    switch (insn->op) {
    case THUMB_MOV_IMMEDIATE:
        return made_in(insn->rd, insn->imm);
    case THUMB_MOVT:
        return insn->imm == 0 ? origin_of(&reading->now, insn->rd) : UNKNOWN;
    case THUMB_MOV_REGISTER:
        return origin_of(&reading->now, insn->rm);
    case THUMB_ADD_IMMEDIATE:
    case THUMB_SUB_IMMEDIATE:
        if (!is_short_step(insn)) return UNKNOWN;
        return insn->imm ? stepped(base) : base;
    case THUMB_LDR:
        return literal(reading->model, item, &word) ? made_in(insn->rd, word) : UNKNOWN;
    default:
        return UNKNOWN;
    }
}

/* Conditions that hold behind CMP of 0 with 0, and with a positive number (A7.3). */
enum {
    CONDITIONS = 0x3fff,
    HOLD_WHEN_EQUAL = 1 << 0 | 1 << 2 | 1 << 5 | 1 << 7 | 1 << 9 | 1 << 10 | 1 << 13,
    HOLD_WHEN_BELOW = 1 << 1 | 1 << 3 | 1 << 4 | 1 << 7 | 1 << 9 | 1 << 11 | 1 << 13,
    HOLD_WHEN_ZERO = CONDITIONS & ~(1 << THUMB_COND_NE), /* of what other flags say nothing */
};

/* CMP, MOVS and SUBS with 0, TST of a register with itself; and what then may hold. */
static struct comparison comparison(const struct state *state, const struct thumb_insn *insn) {
    bool immediate = insn->op == THUMB_CMP_IMMEDIATE || insn->op == THUMB_SUB_IMMEDIATE;
    bool itself = insn->op == THUMB_OTHER && !insn->writes && insn->rn == insn->rm;
    bool moves = insn->op == THUMB_MOV_REGISTER;
    uint8_t origin = origin_of(state, moves ? insn->rm : insn->rn);
    uint16_t equal = immediate ? HOLD_WHEN_EQUAL : HOLD_WHEN_ZERO;
    if (insn->in_it || (!immediate && !itself && !moves)) {
        return (struct comparison){UNKNOWN, CONDITIONS};
    }
    if (immediate && insn->imm != 0) {
        bool below = (origin & ZERO) && insn->imm <= INT32_MAX;
        return (struct comparison){UNKNOWN, below ? HOLD_WHEN_BELOW : CONDITIONS};
    }
    return (struct comparison){origin, origin & ZERO ? equal : CONDITIONS};
}

/* Neither uses such a number nor makes one: most do. */
static bool is_idle(const struct state *state, const struct thumb_insn *insn) {
    return !((insn->reads | insn->writes) & state->low) && insn->op != THUMB_MOV_IMMEDIATE &&
           insn->reference != THUMB_REFERENCE_LITERAL;
}

static void follow(struct reading *reading, const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    struct state *now = &reading->now, before = *now;
    bool list = insn->op == THUMB_LDM || insn->op == THUMB_STM;
    bool moves_base = insn->writeback && insn->rn < REGISTERS && insn->rn != insn->rd &&
                      (list || is_short_step(insn));
    bool makes = insn->rd < REGISTERS && (insn->writes >> insn->rd & 1);
    uint8_t made = makes ? result(reading, item) : UNKNOWN;
    forget(now, insn->writes);
    if (moves_base) set_origin(now, insn->rn, stepped(before.origin[insn->rn]));
    if (makes) set_origin(now, insn->rd, made);
    for (unsigned reg = 0; reg < REGISTERS && insn->in_it; reg++)
        set_origin(now, reg, meet(now->origin[reg], before.origin[reg]));
}

static void step(struct reading *reading, const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    bool to_stack = insn->stores && insn->rn == THUMB_SP && insn->imm == 0;
    if (insn->flags_written & THUMB_FLAG_Z) reading->compared = comparison(&reading->now, insn);
    if (!is_idle(&reading->now, insn)) follow(reading, item);
    reading->stack_argument |= to_stack && insn->op != THUMB_PUSH;
}

/* May the block's last instruction go to where it branches, or past it? Not by what is compared
 * with 0 there. A number that is only low may be something else: behind that it is none of
 * interest. */
static bool goes(const struct reading *reading, const struct fw_item *last, bool taken,
                 struct state *out) {
    const struct thumb_insn *insn = last->insn;
    bool compares = insn->op == THUMB_CBZ || insn->op == THUMB_CBNZ;
    unsigned condition = insn->op == THUMB_CBZ    ? THUMB_COND_EQ
                         : insn->op == THUMB_CBNZ ? THUMB_COND_NE
                                                  : insn->cond;
    struct comparison made = reading->compared;
    *out = reading->now;
    if (insn->flow != THUMB_FLOW_BRANCH_COND || condition >= THUMB_COND_AL) return true;
    if (compares) {
        uint8_t origin = origin_of(out, insn->rn);
        made = (struct comparison){origin, origin & ZERO ? HOLD_WHEN_ZERO : CONDITIONS};
    }
    condition ^= taken ? 0U : 1U;
    for (unsigned reg = 0; reg < REGISTERS && condition == THUMB_COND_NE; reg++) {
        if (out->origin[reg] == made.origin) set_origin(out, reg, UNKNOWN);
    }
    return made.conditions >> condition & 1;
}

static void flow_in(struct reading *reading, uint32_t local, const struct state *in) {
    struct state *state = &reading->states[local];
    struct state before = *state;
    if (!state->reached) {
        *state = *in;
        state->reached = true;
    } else {
        for (unsigned reg = 0; reg < REGISTERS; reg++)
            set_origin(state, reg, meet(state->origin[reg], in->origin[reg]));
        if (memcmp(before.origin, state->origin, sizeof before.origin) == 0) return;
    }
    if (reading->queued[local]) return;
    reading->queued[local] = true;
    reading->queue[reading->queue_count++] = local;
}

static void flow_into(void *context, uint32_t block) {
    struct reading *reading = context;
    const struct fw_flow *flow = reading->flow;
    const struct fw_item *items = reading->model->items;
    const struct fw_item *last = &items[flow->blocks[reading->first_block + reading->local].last];
    bool taken = last->target != FW_NONE && flow->block_of[last->target] == block;
    struct state in;
    if (goes(reading, last, taken, &in)) flow_in(reading, block - reading->first_block, &in);
}

/* Does all that the block goes on to trap? Several share one UDF. */
static bool ends_in_trap(const struct fw_model *model, const struct fw_item *last) {
    uint32_t next = last->insn->flow == THUMB_FLOW_BRANCH ? last->target
                    : last->insn->flow == THUMB_FLOW_NEXT ? last->next
                                                          : FW_NONE;
    if (last->insn->flow == THUMB_FLOW_TRAP) return true;
    return next != FW_NONE && model->items[next].kind == FW_ITEM_INSN && !last->insn->in_it &&
           model->items[next].insn->flow == THUMB_FLOW_TRAP;
}

/* From the front of the block to behind its last instruction; the first read, or FW_NONE. */
static uint32_t walk_block(struct reading *reading, uint32_t local) {
    const struct fw_item *items = reading->model->items;
    const struct fw_block *block = &reading->flow->blocks[reading->first_block + local];
    bool traps = ends_in_trap(reading->model, &items[block->last]);
    uint32_t found = FW_NONE;
    reading->local = local;
    reading->now = reading->states[local];
    reading->compared = (struct comparison){UNKNOWN, CONDITIONS};
    reading->stack_argument = false;
    for (uint32_t i = block->first;; i = items[i].next) {
        bool known = items[i].address - reading->stub < reading->stub_end - reading->stub;
        bool reads = !known && !traps && reads_low(reading, items[i].insn);
        if (reads && found == FW_NONE) found = i;
        step(reading, &items[i]);
        if (known) forget(&reading->now, UINT16_MAX);
        if (i == block->last) return found;
    }
}

static uint8_t zero_arguments(const struct state *state) {
    unsigned arguments = 0;
    for (unsigned reg = 0; reg < ARGUMENTS; reg++)
        arguments |= (state->origin[reg] & ZERO ? 1U : 0U) << reg;
    return (uint8_t)arguments;
}

static void follow_block(struct reading *reading, uint32_t local) {
    enum { CALL_CLOBBERED = 0x100f /* r0-r3, r12 (AAPCS32, 6.1.1) */ };
    const struct fw_flow *flow = reading->flow;
    const struct fw_item *items = reading->model->items;
    const struct fw_item *last = &items[flow->blocks[reading->first_block + local].last];
    struct outcome *out = &reading->outcomes[local];
    struct state passed;
    *out = (struct outcome){.found = walk_block(reading, local)};
    bool leaves =
        fw_leaves_to(reading->model, last) != FW_NONE && goes(reading, last, true, &passed);
    /* With one on the stack, what decides may be there. */
    if (leaves && !reading->stack_argument) out->arguments = zero_arguments(&passed);
    bool calls =
        last->insn->flow == THUMB_FLOW_CALL || last->insn->flow == THUMB_FLOW_CALL_INDIRECT;
    if (calls) forget(&reading->now, CALL_CLOBBERED);
    fw_each_successor(reading->model, flow, reading->first_block + local, flow_into, reading);
}

static void follow_queue(struct reading *reading) {
    while (reading->queue_count) {
        uint32_t local = reading->queue[--reading->queue_count];
        reading->queued[local] = false;
        follow_block(reading, local);
    }
}

static void enter(struct reading *reading, uint32_t at, uint8_t arguments) {
    uint32_t to = fw_leaves_to(reading->model, &reading->model->items[at]);
    uint32_t block = reading->flow->block_of[to];
    if (block == FW_NONE || (reading->entered[block] >> arguments & 1)) return;
    reading->entered[block] |= (uint16_t)(1U << arguments);
    reading->entrances = arena_grow(&reading->arena, reading->entrances, reading->entrance_count,
                                    &reading->entrance_capacity, sizeof *reading->entrances);
    uint32_t from = reading->from == FW_NONE ? at : reading->from;
    reading->entrances[reading->entrance_count++] = (struct entrance){block, from, arguments};
}

/* Once it is known what holds in front of each block: the first read in one that is reached, or
 * FW_NONE; and what it calls or goes on to. */
static uint32_t look_for_reads(struct reading *reading, uint32_t unit) {
    const struct fw_flow *flow = reading->flow;
    uint32_t blocks = flow->unit_first[unit + 1] - reading->first_block;
    for (uint32_t local = 0; local < blocks; local++) {
        const struct outcome *out = &reading->outcomes[local];
        if (!reading->states[local].reached) continue;
        if (out->found != FW_NONE) return out->found;
        uint32_t at = flow->blocks[reading->first_block + local].last;
        if (out->arguments) enter(reading, at, out->arguments);
    }
    return FW_NONE;
}

static void begin(struct reading *reading, uint32_t unit, uint32_t from) {
    uint32_t first = reading->flow->unit_first[unit];
    uint32_t blocks = reading->flow->unit_first[unit + 1] - first;
    memset(reading->states, 0, blocks * sizeof *reading->states);
    reading->first_block = first;
    reading->from = from;
}

/* From the unit's entries, with nothing known; then what no way from there reached. */
static uint32_t follow_unit(struct reading *reading, uint32_t unit) {
    const struct fw_flow *flow = reading->flow;
    const struct state nothing = {.reached = true};
    begin(reading, unit, FW_NONE);
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t b = reading->first_block; b < flow->unit_first[unit + 1]; b++) {
            uint32_t item = flow->blocks[b].first;
            const struct fw_item *first = &reading->model->items[item];
            bool entered = first->entry || first->label || flow->outside[item];
            if (pass ? reading->states[b - reading->first_block].reached : !entered) continue;
            flow_in(reading, b - reading->first_block, &nothing);
            follow_queue(reading);
        }
    }
    return look_for_reads(reading, unit);
}

static uint32_t follow_entrance(struct reading *reading, const struct entrance *entrance) {
    const struct fw_item *items = reading->model->items;
    uint32_t unit = items[reading->flow->blocks[entrance->block].first].unit;
    struct state state = {.reached = true};
    begin(reading, unit, entrance->from);
    for (unsigned reg = 0; reg < ARGUMENTS; reg++) {
        if (entrance->arguments >> reg & 1)
            set_origin(&state, reg, (uint8_t)((ARGUMENT + reg) | ZERO));
    }
    flow_in(reading, entrance->block - reading->first_block, &state);
    follow_queue(reading);
    return look_for_reads(reading, unit) == FW_NONE ? FW_NONE : entrance->from;
}

static uint32_t follow_all(struct reading *reading) {
    const struct fw_model *model = reading->model;
    uint32_t found = FW_NONE;
    for (uint32_t u = 0; u < model->unit_count && found == FW_NONE; u++) {
        const struct fw_unit *unit = &model->units[u];
        if (unit->decoded && unit->status != FW_UNIT_DROPPED) found = follow_unit(reading, u);
    }
    for (size_t i = 0; i < reading->entrance_count && found == FW_NONE; i++) {
        struct entrance entrance = reading->entrances[i]; /* more may come, elsewhere */
        found = follow_entrance(reading, &entrance);
    }
    return found;
}

uint32_t fw_low_read(struct fw_model *model, const struct fw_flow *flow, uint32_t stub,
                     uint32_t stub_end) {
    uint32_t blocks = 0;
    for (uint32_t u = 0; u < model->unit_count; u++) {
        uint32_t own = flow->unit_first[u + 1] - flow->unit_first[u];
        if (own > blocks) blocks = own;
    }
    struct reading reading = {.model = model, .flow = flow, .stub = stub, .stub_end = stub_end};
    reading.states = ARENA_ARRAY(&reading.arena, struct state, blocks + 1);
    reading.outcomes = ARENA_ARRAY(&reading.arena, struct outcome, blocks + 1);
    reading.queue = ARENA_ARRAY(&reading.arena, uint32_t, blocks + 1);
    reading.queued = ARENA_ARRAY(&reading.arena, bool, blocks + 1);
    reading.entered = ARENA_ARRAY(&reading.arena, uint16_t, flow->block_count + 1);
    uint32_t found = follow_all(&reading);
    arena_free(&reading.arena);
    return found;
}
