/* What an instruction does to the values that fw_values() follows: the registers it writes, and
 * the stack pointer. What it means for the frame is frames.c's. */
#include "firmware/analyse/following.h"

#include "firmware/analyse/labels.h"

static unsigned list_bytes(uint16_t list) {
    return 4U * (unsigned)__builtin_popcount(list);
}

static uint32_t word_at(struct fw_model *model, const struct fw_item *item, bool *ok) {
    const struct fw_item *pool = &model->items[item->target];
    uint8_t *bytes = fw_bytes_at(model, pool->address + item->target_delta, 4);
    uint32_t word = 0;
    *ok = bytes && span_u32le((struct span){bytes, 4}, 0, &word);
    return word;
}

/* VPUSH and VPOP (A7.7.249, A7.7.248): bytes moved, 0 for other instructions. */
static uint32_t vector_stack_bytes(const struct thumb_insn *insn, bool *push) {
    uint32_t bits = insn->bits & 0xffbf0e00U;
    if (!insn->coprocessor || insn->size_bytes != 4) return 0;
    if (bits != 0xed2d0a00U && bits != 0xecbd0a00U) return 0;
    *push = bits == 0xed2d0a00U;
    /* FSTMX's odd count moves one word more than it names. */
    return (insn->bits & 0xff) * 4;
}

struct value values_loaded(struct walker *walker, const struct state *state,
                           const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    struct fw_model *model = walker->model;
    if (insn->reference == THUMB_REFERENCE_LITERAL && item->target != FW_NONE) {
        bool ok;
        uint32_t word = word_at(model, item, &ok);
        return ok ? (struct value){VALUE_CONSTANT, word} : value_unknown;
    }
    struct value base = value_of(state, insn->rn);
    uint32_t offset = !insn->index ? 0 : insn->subtract ? 0U - insn->imm : insn->imm;
    if (base.kind == VALUE_CONSTANT && insn->rm == THUMB_NO_REGISTER) {
        return (struct value){VALUE_TABLE, base.bits + offset};
    }
    /* [base, index, lsl #2] either way round for lsl #0 forms is not taken. */
    if (base.kind == VALUE_CONSTANT && insn->rm != THUMB_NO_REGISTER && insn->shift == 2) {
        return (struct value){VALUE_TABLE, base.bits};
    }
    return value_unknown;
}

/* The value that the instruction puts into `rd`, when it is one we follow. */
static struct value result(struct walker *walker, const struct state *state,
                           const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    switch (insn->op) {
    case THUMB_MOV_REGISTER:
        return value_of(state, insn->rm);
    case THUMB_MOV_IMMEDIATE:
        return (struct value){VALUE_CONSTANT, insn->imm};
    case THUMB_MVN_IMMEDIATE:
        return (struct value){VALUE_CONSTANT, ~insn->imm};
    case THUMB_MOVT: {
        struct value low = value_of(state, insn->rd);
        if (low.kind != VALUE_CONSTANT) return value_unknown;
        return (struct value){VALUE_CONSTANT, (low.bits & 0xffff) | insn->imm << 16};
    }
    case THUMB_ADR:
        return (struct value){VALUE_CONSTANT, insn->target};
    case THUMB_ADD_IMMEDIATE:
        return value_plus(value_of(state, insn->rn), insn->imm);
    case THUMB_SUB_IMMEDIATE:
        return value_plus(value_of(state, insn->rn), 0U - insn->imm);
    case THUMB_ADD_REGISTER: {
        struct value a = value_of(state, insn->rn), b = value_of(state, insn->rm);
        if (insn->shift != 0) return value_unknown;
        if (b.kind == VALUE_CONSTANT) return value_plus(a, b.bits);
        return a.kind == VALUE_CONSTANT ? value_plus(b, a.bits) : value_unknown;
    }
    case THUMB_SUB_REGISTER: {
        struct value b = value_of(state, insn->rm);
        if (insn->shift != 0 || b.kind != VALUE_CONSTANT) return value_unknown;
        return value_plus(value_of(state, insn->rn), 0U - b.bits);
    }
    case THUMB_LDR:
        return values_loaded(walker, state, item);
    default:
        if (fw_is_orr_one(insn) && insn->rd < REGISTERS) {
            struct value table = value_of(state, insn->rn);
            return table.kind == VALUE_TABLE ? table : value_unknown;
        }
        return value_unknown;
    }
}

/* The stack pointer behind the instruction. */
static struct value stack_after(const struct state *state, const struct thumb_insn *insn,
                                struct value computed) {
    struct value sp = state->r[THUMB_SP];
    bool push = false;
    uint32_t vector = vector_stack_bytes(insn, &push);
    if (!(insn->writes >> THUMB_SP & 1)) return sp;
    if (vector) return value_plus(sp, push ? 0U - vector : vector);
    switch (insn->op) {
    case THUMB_PUSH:
        return value_plus(sp, 0U - list_bytes(insn->list));
    case THUMB_POP:
        return value_plus(sp, list_bytes(insn->list));
    case THUMB_STM:
    case THUMB_LDM:
        if (insn->rn != THUMB_SP) return value_unknown;
        return value_plus(sp,
                          insn->decrement ? 0U - list_bytes(insn->list) : list_bytes(insn->list));
    case THUMB_LDR:
        if (insn->rd == THUMB_SP) {
            bool own = value_of(state, insn->rn).kind == VALUE_STACK;
            return own ? value_unknown : (struct value){VALUE_OTHER, 0};
        } /* fall through */
    case THUMB_STR:
    case THUMB_LOAD:
    case THUMB_STORE:
        if (insn->rn != THUMB_SP || !insn->writeback || insn->rm != THUMB_NO_REGISTER) {
            return value_unknown;
        }
        return value_plus(sp, insn->subtract ? 0U - insn->imm : insn->imm);
    default:
        return insn->rd == THUMB_SP ? computed : value_unknown;
    }
}

/* A computed goto is exact when its target comes straight from a table whose first word
 * a relocation ties to a label of this unit. */
static void check_goto(struct walker *walker, const struct state *state,
                       const struct fw_item *item) {
    struct fw_model *model = walker->model;
    const struct thumb_insn *insn = item->insn;
    struct value target = value_unknown;
    /* No address of a place inside it exists: it leaves, as a non-local goto does. */
    if (!model->units[item->unit].labels) return;
    if (insn->op == THUMB_BX || insn->op == THUMB_MOV_REGISTER) target = value_of(state, insn->rm);
    if (insn->op == THUMB_LDR) target = values_loaded(walker, state, item);
    if (target.kind == VALUE_TABLE) {
        size_t r = fw_relocation_from(model, target.bits);
        if (r < model->relocation_count && model->relocations[r].place == target.bits &&
            model->relocations[r].target_item != FW_NONE) {
            const struct fw_item *label = &model->items[model->relocations[r].target_item];
            if (label->unit == item->unit && label->label) {
                fw_labels_mark_table(model, item->unit, r, walker->in_table);
                return;
            }
        }
    }
    walker->any_unknown_goto = true;
}

static bool reads_stack_address(const struct state *state, const struct thumb_insn *insn) {
    for (uint32_t rest = insn->reads & 0x1fffU; rest; rest &= rest - 1) {
        if (state->r[__builtin_ctz(rest)].kind == VALUE_STACK) return true;
    }
    return false;
}

/* Most instructions touch neither a frame nor the way of control. */
static bool is_plain(const struct state *state, const struct thumb_insn *insn) {
    enum { FRAME = 1 << THUMB_SP | 1 << THUMB_LR | 1 << THUMB_PC };
    if (insn->in_it || insn->flow != THUMB_FLOW_NEXT || (insn->writes & FRAME)) return false;
    if (insn->loads || insn->stores) {
        bool from_frame = insn->rn == THUMB_SP || value_of(state, insn->rn).kind == VALUE_STACK;
        if (from_frame || insn->op == THUMB_PUSH || insn->op == THUMB_POP) return false;
    }
    if (!insn->stores) return true;
    return !state->copies && !(insn->reads >> THUMB_LR & 1) && !reads_stack_address(state, insn);
}

static void step_plain(struct walker *walker, struct state *state, const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    bool sets = insn->rd < REGISTERS && (insn->writes >> insn->rd & 1) &&
                (insn->loads ? insn->op == THUMB_LDR : !insn->stores);
    struct value plain = sets ? result(walker, state, item) : value_unknown;
    for (uint32_t rest = insn->writes & 0x7fffU; rest; rest &= rest - 1) {
        state->r[__builtin_ctz(rest)] = value_unknown;
    }
    if (sets) state->r[insn->rd] = plain;
    if (plain.kind == VALUE_RETURN) state->copies = true;
}

static void step_call(struct walker *walker, struct state *state, bool conditional) {
    if (walker->frames) frame_call(walker, state);
    for (unsigned r = 0; r < 4; r++)
        state->r[r] = value_unknown;
    state->r[THUMB_IP] = state->r[THUMB_LR] = value_unknown;
    state->lr_kept |= !conditional; /* else it may not have been executed */
}

/* `value` is the result in rd, `restored` what a load gives back the return address to. */
static void write_registers(struct walker *walker, struct state *state,
                            const struct thumb_insn *insn, struct value value, unsigned restored) {
    bool simple = insn->op != THUMB_STR && insn->op != THUMB_STORE && insn->op != THUMB_PUSH &&
                  insn->op != THUMB_STM && insn->op != THUMB_POP && insn->op != THUMB_LDM;
    for (unsigned r = 0; r < REGISTERS; r++) {
        if (insn->writes >> r & 1) state->r[r] = value_unknown;
    }
    if (simple && insn->rd < REGISTERS && (insn->writes >> insn->rd & 1)) {
        state->r[insn->rd] = value;
        if (value.kind == VALUE_RETURN) state->copies = true;
        if (value.kind == VALUE_RETURN && insn->rd == THUMB_LR) walker->other_way = true;
    }
    if (restored < REGISTERS) state->r[restored] = (struct value){VALUE_RETURN, 0};
    if (restored < THUMB_LR) state->copies = true;
    if (!(insn->writes >> THUMB_LR & 1)) return;
    enum kind lr = state->r[THUMB_LR].kind;
    bool kept = lr == VALUE_RETURN || lr == VALUE_LOCAL;
    state->lr_kept = kept && (!insn->in_it || state->lr_kept);
}

/* Under a condition, it may not have executed. */
static void perhaps(struct state *state, const struct state *old, const struct thumb_insn *insn) {
    if (insn->flow == THUMB_FLOW_JUMP_INDIRECT) {
        *state = *old; /* whoever goes on did not return */
        return;
    }
    for (unsigned r = 0; r < REGISTERS; r++) {
        if (!value_same(state->r[r], old->r[r])) state->r[r] = value_unknown;
    }
}

void values_step(struct walker *walker, struct state *state, uint32_t index) {
    const struct fw_item *item = &walker->model->items[index];
    const struct thumb_insn *insn = item->insn;
    if (is_plain(state, insn)) {
        step_plain(walker, state, item);
        return;
    }
    if (values_is_local_call(walker, item)) return;
    if (insn->flow == THUMB_FLOW_CALL || insn->flow == THUMB_FLOW_CALL_INDIRECT) {
        step_call(walker, state, insn->in_it);
        return;
    }
    struct state old;
    if (insn->in_it) old = *state;
    struct value value = insn->rd < REGISTERS ? result(walker, state, item) : value_unknown;
    struct value sp = stack_after(state, insn, value);
    unsigned restored = REGISTERS;
    if (walker->frames && item->jump == FW_JUMP_GOTO) check_goto(walker, state, item);
    if (insn->stores) frame_store(walker, state, index, sp);
    if (walker->frames) frame_leave(walker, state, item);
    if (insn->loads) restored = frame_load(walker, state, index, sp);
    write_registers(walker, state, insn, value, restored);
    state->r[THUMB_SP] = sp;
    if (insn->in_it) {
        perhaps(state, &old, insn);
    } else if (insn->writes >> THUMB_SP & 1) {
        frame_drop(state);
    }
}
