/* See mpu.h. */
#include "firmware/analyse/mpu.h"

#include <string.h>

#include "firmware/analyse/mpu_state.h"

#define MPU_RNR 0xe000ed98U
#define MPU_RBAR 0xe000ed9cU
#define MPU_RASR 0xe000eda0U
enum {
    RBAR_VALID = 1 << 4,
    RBAR_REGION = 15,
    RASR_ENABLE = 1,
    CALL_CLOBBERED = 0x500f, /* r0-r3, r12, lr (AAPCS32, 6.1.1) */
    CALL_KEPT = 0x100e,      /* of these, what a callee that is known may leave alone (-fipa-ra) */
    RESULT = 3,              /* r0 and r1 (AAPCS32, 6.4); a result of 16 bytes is no address */
    TAIL_MAXIMUM = 16,
    ROUNDS_MAXIMUM = 64, /* of a block, before an address that grows is given up */
};
#define RASR_XN (1U << 28)
#define VTOR 0xe000ed08U

/* The unit that is followed. */
struct follower {
    struct fw_model *model;
    const struct fw_flow *flow;
    uint32_t unit, first_block, blocks;
    uint32_t stub, stub_end;
    struct mpu_state *states; /* in front of each block */
    uint8_t *rounds;          /* how often that changed */
    uint16_t *given_up;       /* registers of it */
    uint32_t *queue;
    size_t queue_count;
    bool *queued;
    const struct mpu_state *outgoing;
    bool goes_on; /* a successor was found */
    bool lost;    /* an address of an MPU register is counted up */
};

static uint32_t mpu_registers(const struct mpu_state *state) {
    uint32_t found = 0;
    for (uint32_t rest = state->system; rest; rest &= rest - 1) {
        unsigned reg = (unsigned)__builtin_ctz(rest);
        if (mpu_may_be(state, reg)) found |= 1U << reg;
    }
    return found;
}

/* Where a load's or store's first byte may be, and how many follow it. */
static uint32_t access_range(const struct mpu_state *state, const struct thumb_insn *insn,
                             struct mpu_range *base) {
    enum { DUAL_MASK = 0xfe400000, DUAL = 0xe8400000 /* STRD (A7.7.166) */ };
    bool dual = insn->size_bytes == 4 && (insn->bits & DUAL_MASK) == (uint32_t)DUAL;
    struct mpu_range index;
    uint32_t bytes = dual ? 8 : 4, offset;
    if (insn->op == THUMB_STM || insn->op == THUMB_LDM) {
        bytes = 4U * (uint32_t)__builtin_popcount(insn->list);
        offset = insn->decrement ? 0U - bytes : 0;
        base->low += offset;
        base->high += offset;
    } else if (insn->rm == THUMB_NO_REGISTER && (insn->index || !insn->writeback)) {
        offset = insn->subtract ? 0U - insn->imm : insn->imm;
        base->low += offset;
        base->high += offset;
    } else if (mpu_is_known(state, insn->rm, &index) && insn->shift < 32) {
        base->low += index.low << insn->shift;
        base->high += index.high << insn->shift;
    }
    return bytes;
}

/* Of floating-point and other coprocessor registers, and pushes, nobody stores there by right. */
static bool stores_there(const struct mpu_state *state, const struct thumb_insn *insn) {
    unsigned reg = insn->op == THUMB_PUSH ? THUMB_SP : insn->rn;
    struct mpu_range base;
    if (!insn->stores || !mpu_is_known(state, reg, &base)) return false;
    if (!(state->system >> reg & 1)) return false;
    if (insn->coprocessor || reg == THUMB_SP) return true;
    uint32_t bytes = access_range(state, insn, &base);
    return base.low < MPU_END && base.high + bytes > MPU_FIRST;
}

static bool reads_vtor(const struct mpu_state *state, const struct thumb_insn *insn) {
    struct mpu_range base;
    if (!insn->loads || !mpu_is_known(state, insn->rn, &base)) return false;
    if (!(state->system >> insn->rn & 1)) return false;
    uint32_t bytes = access_range(state, insn, &base);
    return base.low <= VTOR && base.high + bytes > VTOR;
}

static bool is_call(const struct thumb_insn *insn) {
    return insn->flow == THUMB_FLOW_CALL || insn->flow == THUMB_FLOW_CALL_INDIRECT ||
           insn->op == THUMB_SVC;
}

/* CMP, CMN, TST, TEQ, CBZ, CBNZ: they make flags only. */
static bool compares(const struct thumb_insn *insn) {
    if (insn->op == THUMB_CBZ || insn->op == THUMB_CBNZ) return true;
    return !insn->writes && insn->flags_written && !insn->coprocessor && insn->op != THUMB_MSR;
}

/* A use of such an address behind which it is lost from sight. */
static bool escapes(const struct mpu_state *state, const struct thumb_insn *insn, bool followed) {
    bool index = insn->op == THUMB_ADD_REGISTER || insn->op == THUMB_SUB_REGISTER;
    bool computes = insn->writes && !insn->loads && !insn->stores && !followed;
    uint32_t mpu = mpu_registers(state);
    if (is_call(insn) && mpu) return true;
    mpu &= insn->reads;
    bool only_base = insn->loads && !insn->stores && !insn->writeback && insn->rm != insn->rn &&
                     mpu == 1U << insn->rn;
    if (mpu && !only_base && !followed && !compares(insn)) return true;
    /* The index of an interrupt's register is added to one of these bases. */
    return computes && !index && (insn->reads & state->system);
}

/* RASR.SIZE is the exponent less one. */
static void note_size(struct fw_unit *unit, uint32_t zeros) {
    uint8_t power = (uint8_t)((~zeros >> 1 & 31) + 1);
    if (power > unit->window_power) unit->window_power = power;
}

/* A word that the window's functions may write: MPU_RBAR of region 7, selected or named in the
 * word, or MPU_RASR of that region: off, or never executing. */
static bool sets_window(struct fw_unit *unit, struct mpu_state *state,
                        const struct thumb_insn *insn) {
    struct mpu_range base;
    bool plain = insn->op == THUMB_STR && insn->index && !insn->writeback &&
                 insn->rm == THUMB_NO_REGISTER && insn->rd != insn->rn && !insn->in_it &&
                 insn->rd < MPU_REGISTERS && !mpu_may_be(state, insn->rd);
    if (!unit->flash_window || !plain || !mpu_is_known(state, insn->rn, &base)) return false;
    uint32_t ones = state->ones[insn->rd], zeros = state->zeros[insn->rd];
    uint32_t place = base.low + (insn->subtract ? 0U - insn->imm : insn->imm);
    bool named = (ones & RBAR_VALID) && (ones & RBAR_REGION) == FW_FLASH_WINDOW_REGION &&
                 (zeros & RBAR_REGION) == (RBAR_REGION & ~(uint32_t)FW_FLASH_WINDOW_REGION);
    if (base.low != base.high) return false;
    switch (place) {
    case MPU_RNR:
        state->selected = ones == FW_FLASH_WINDOW_REGION && zeros == ~ones;
        return state->selected;
    case MPU_RBAR:
        state->selected = named || (state->selected && (zeros & RBAR_VALID));
        return state->selected;
    case MPU_RASR:
        if (!state->selected) return false;
        if (zeros & RASR_ENABLE) return true;
        note_size(unit, zeros);
        return (ones & RASR_XN) != 0;
    default:
        return false;
    }
}

static bool leaves_r0(const struct fw_model *model, const struct fw_item *call) {
    if (call->insn->flow != THUMB_FLOW_CALL || call->target == FW_NONE) return false;
    uint32_t i = model->units[model->items[call->target].unit].first;
    for (; i != FW_NONE; i = model->items[i].next) {
        const struct thumb_insn *insn = model->items[i].insn;
        if ((insn->writes & 1) || is_call(insn)) return false;
    }
    return true;
}

/* Numbers are lost by a call. An address may still be there, in r0 where the callee is seen to
 * leave that alone: otherwise it is the callee's result. */
static uint32_t lost_by_call(const struct fw_model *model, const struct mpu_state *state,
                             const struct fw_item *call) {
    if (call->insn->op == THUMB_SVC) return CALL_CLOBBERED & ~(uint32_t)state->system;
    uint32_t kept = leaves_r0(model, call) ? CALL_KEPT | 1 : CALL_KEPT;
    return CALL_CLOBBERED & ~(kept & state->system);
}

static bool step(struct follower *f, struct mpu_state *state, const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    struct mpu_state after = *state;
    bool calls = is_call(insn), lost;
    bool followed = mpu_follow(f->model, &after, item, &lost);
    if (reads_vtor(state, insn)) f->model->units[f->unit].reads_vtor = true;
    bool allowed = sets_window(&f->model->units[f->unit], state, insn);
    if (lost || (!allowed && stores_there(state, insn)) ||
        (!allowed && escapes(state, insn, followed))) {
        return true;
    }
    if (after.system >> THUMB_SP & 1) return true; /* whatever is pushed goes there */
    after.selected = state->selected && !calls;
    if ((insn->loads || allowed) && insn->rn < MPU_REGISTERS) {
        after.spent |= (uint16_t)(after.known & 1U << insn->rn);
    }
    if (calls) mpu_forget(&after, lost_by_call(f->model, &after, item));
    if (insn->in_it) { /* it may not have run */
        mpu_meet(state, &after);
    } else {
        *state = after;
    }
    return false;
}

/* Does the caller get such an address? What it gets is r0 and r1; what a load has used last may
 * be left over in any other register, and in those no caller of C looks. */
static bool hands_back(const struct mpu_state *state) {
    uint32_t mpu = mpu_registers(state);
    return mpu & (RESULT | ~(uint32_t)state->spent);
}

/* Straight code from the target to a return that reads none of these registers: the shared end
 * of a function, as sealed returns have it. */
static bool only_returns(const struct fw_model *model, uint32_t target, uint32_t registers) {
    for (unsigned n = 0; target != FW_NONE && n < TAIL_MAXIMUM; n++) {
        const struct fw_item *item = &model->items[target];
        const struct thumb_insn *insn = item->insn;
        if (item->kind != FW_ITEM_INSN || insn->in_it || (insn->reads & registers)) return false;
        if (insn->flow == THUMB_FLOW_JUMP_INDIRECT) return item->jump == FW_JUMP_RETURN;
        if (insn->flow != THUMB_FLOW_NEXT || insn->op == THUMB_SVC) return false;
        registers &= ~(uint32_t)insn->writes;
        target = item->next;
    }
    return false;
}

/* Control leaves the unit, and such an address goes along. */
static bool takes_along(const struct follower *f, const struct fw_item *last,
                        const struct mpu_state *state) {
    const struct thumb_insn *insn = last->insn;
    uint32_t mpu = mpu_registers(state);
    if (!mpu) return false;
    switch (insn->flow) {
    case THUMB_FLOW_TRAP:
        return false;
    case THUMB_FLOW_JUMP_INDIRECT:
        if (last->jump == FW_JUMP_RETURN) return hands_back(state);
        return last->jump != FW_JUMP_GOTO || fw_is_open_jump(f->model, last);
    case THUMB_FLOW_BRANCH:
    case THUMB_FLOW_BRANCH_COND:
        if (last->target != FW_NONE && f->model->items[last->target].unit == f->unit) return false;
        return hands_back(state) || !only_returns(f->model, last->target, mpu);
    default:
        return !f->goes_on; /* out of the end, or to where nobody knows */
    }
}

/* An address that grows with every round is one that the program counts up: it is not followed. */
static void give_up(struct follower *f, uint32_t local) {
    const struct mpu_state *state = &f->states[local];
    if (f->rounds[local] < ROUNDS_MAXIMUM) {
        f->rounds[local]++;
        return;
    }
    for (unsigned reg = 0; reg < MPU_REGISTERS; reg++) {
        bool grows = (state->system >> reg & 1) && state->low[reg] != state->high[reg];
        if (grows) f->given_up[local] |= (uint16_t)(1U << reg);
        f->lost |= grows && mpu_may_be(state, reg);
    }
}

static void flow_into(void *context, uint32_t block) {
    struct follower *f = context;
    uint32_t local = block - f->first_block;
    struct mpu_state in = *f->outgoing;
    f->goes_on = true;
    mpu_forget(&in, f->given_up[local]);
    if (!mpu_meet(&f->states[local], &in)) return;
    give_up(f, local);
    mpu_forget(&f->states[local], f->given_up[local]);
    if (f->queued[local]) return;
    f->queued[local] = true;
    f->queue[f->queue_count++] = local;
}

/* The first use in the block, or FW_NONE. */
static uint32_t follow_block(struct follower *f, uint32_t local) {
    const struct fw_block *block = &f->flow->blocks[f->first_block + local];
    struct mpu_state state = f->states[local];
    for (uint32_t i = block->first;; i = f->model->items[i].next) {
        const struct fw_item *item = &f->model->items[i];
        bool known = item->address - f->stub < f->stub_end - f->stub;
        if (known) {
            mpu_forget(&state, UINT16_MAX);
        } else if (step(f, &state, item)) {
            return i;
        }
        if (i == block->last) break;
    }
    f->outgoing = &state;
    f->goes_on = false;
    fw_each_successor(f->model, f->flow, f->first_block + local, flow_into, f);
    f->outgoing = NULL;
    bool along = takes_along(f, &f->model->items[block->last], &state);
    return along || f->lost ? block->last : FW_NONE;
}

static uint32_t follow_queue(struct follower *f) {
    while (f->queue_count) {
        uint32_t local = f->queue[--f->queue_count];
        f->queued[local] = false;
        uint32_t found = follow_block(f, local);
        if (found != FW_NONE) return found;
    }
    return FW_NONE;
}

/* Entries first, with nothing known; then what no way from there reached. */
static uint32_t follow_unit(struct follower *f) {
    const struct mpu_state nothing = {.reached = true};
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t b = 0; b < f->blocks; b++) {
            const struct fw_block *block = &f->flow->blocks[f->first_block + b];
            const struct fw_item *first = &f->model->items[block->first];
            bool entered = first->entry || first->label || f->flow->outside[block->first];
            if (pass ? f->states[b].reached : !entered) continue;
            f->outgoing = &nothing;
            flow_into(f, f->first_block + b);
            f->outgoing = NULL;
            uint32_t found = follow_queue(f);
            if (found != FW_NONE) return found;
        }
    }
    return FW_NONE;
}

uint32_t fw_mpu_use(struct fw_model *model, const struct fw_flow *flow, uint32_t unit,
                    uint32_t stub, uint32_t stub_end) {
    if (!model->units[unit].decoded || !mpu_may_reach(model, unit)) return FW_NONE;
    struct arena scratch = {0};
    uint32_t first = flow->unit_first[unit], blocks = flow->unit_first[unit + 1] - first;
    struct follower f = {.model = model,
                         .flow = flow,
                         .unit = unit,
                         .first_block = first,
                         .blocks = blocks,
                         .stub = stub,
                         .stub_end = stub_end,
                         .states = ARENA_ARRAY(&scratch, struct mpu_state, blocks + 1),
                         .rounds = ARENA_ARRAY(&scratch, uint8_t, blocks + 1),
                         .given_up = ARENA_ARRAY(&scratch, uint16_t, blocks + 1),
                         .queue = ARENA_ARRAY(&scratch, uint32_t, blocks + 1),
                         .queued = ARENA_ARRAY(&scratch, bool, blocks + 1)};
    uint32_t found = follow_unit(&f);
    arena_free(&scratch);
    return found;
}

uint32_t fw_faultmask_use(const struct fw_model *model, uint32_t unit) {
    enum { SYSM_FAULTMASK = 19, CPSID_F = 0xb671, CPSID_BITS = 0xfff1 /* A7.7.29; or CPSID if */ };
    for (uint32_t i = model->units[unit].first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        const struct thumb_insn *insn = item->insn;
        if (item->kind != FW_ITEM_INSN) continue;
        if (insn->op == THUMB_CPS && (insn->bits & CPSID_BITS) == CPSID_F) return i;
        if (insn->op == THUMB_MSR && insn->imm == SYSM_FAULTMASK) return i;
    }
    return FW_NONE;
}

/* Functions of the unit; the tag in front of one has a symbol, too. */
static uint32_t functions_of(const struct fw_model *model, const struct fw_unit *unit) {
    const struct fw_function *first = &model->functions[unit->function_first];
    bool tag = unit->function_count > 1 && strcmp(first->name, FW_TAG_SYMBOL) == 0;
    return unit->function_count - tag;
}

const char *fw_mark_flash_window(struct fw_model *model, const char *const *names, size_t count) {
    for (size_t k = 0; k < count; k++) {
        size_t found = 0;
        for (size_t i = 0; i < model->function_count; i++) {
            const struct fw_function *f = &model->functions[i];
            struct fw_unit *unit = &model->units[f->unit];
            if (strcmp(f->name, names[k]) != 0) continue;
            if (functions_of(model, unit) != 1 || !unit->decoded) return names[k];
            unit->flash_window = true;
            found++;
        }
        if (found != 1) return names[k];
    }
    return NULL;
}
