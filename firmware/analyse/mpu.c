/* See mpu.h. */
#include "firmware/analyse/mpu.h"

#define MPU_FIRST 0xe000ed90U
#define MPU_END 0xe000edc0U
enum { REGISTERS = 15, CALL_CLOBBERED = 0x500f /* r0-r3, r12, lr (AAPCS32, 6.1.1) */ };

struct constants {
    uint32_t known; /* one bit a register */
    uint32_t value[REGISTERS];
};

static bool is_known(const struct constants *state, unsigned reg, uint32_t *value) {
    if (reg >= REGISTERS || !(state->known >> reg & 1)) return false;
    *value = state->value[reg];
    return true;
}

static bool is_mpu(uint32_t address) {
    return address >= MPU_FIRST && address < MPU_END;
}

static bool is_system(uint32_t address) {
    return address >> 12 == 0xe000e;
}

/* Registers among those that the instruction reads that hold an address of this kind. */
static uint32_t reads_of(const struct constants *state, const struct thumb_insn *insn,
                         bool (*kind)(uint32_t)) {
    uint32_t found = 0;
    for (uint32_t rest = insn->reads & state->known; rest; rest &= rest - 1) {
        unsigned reg = (unsigned)__builtin_ctz(rest);
        if (kind(state->value[reg])) found |= 1U << reg;
    }
    return found;
}

static bool literal(struct fw_model *model, const struct fw_item *item, uint32_t *value) {
    if (item->insn->reference != THUMB_REFERENCE_LITERAL || item->target == FW_NONE) return false;
    const struct fw_item *pool = &model->items[item->target];
    const uint8_t *bytes = fw_bytes_at(model, pool->address + item->target_delta, 4);
    return bytes && span_u32le((struct span){bytes, 4}, 0, value);
}

/* The constant that the instruction makes in rd. */
static bool result(struct fw_model *model, const struct constants *state,
                   const struct fw_item *item, uint32_t *value) {
    const struct thumb_insn *insn = item->insn;
    uint32_t a = 0, b = 0;
    bool has_a = is_known(state, insn->rn, &a), has_b = is_known(state, insn->rm, &b);
    switch (insn->op) {
    case THUMB_MOV_IMMEDIATE:
        *value = insn->imm;
        return true;
    case THUMB_MVN_IMMEDIATE:
        *value = ~insn->imm;
        return true;
    case THUMB_MOVT:
        if (!is_known(state, insn->rd, &a)) return false;
        *value = (a & 0xffff) | insn->imm << 16;
        return true;
    case THUMB_MOV_REGISTER:
        *value = b;
        return has_b;
    case THUMB_ADD_IMMEDIATE:
        *value = a + insn->imm;
        return has_a;
    case THUMB_SUB_IMMEDIATE:
        *value = a - insn->imm;
        return has_a;
    case THUMB_ADD_REGISTER:
        *value = a + (insn->shift < 32 ? b << insn->shift : 0);
        return has_a && has_b && insn->shift < 32;
    case THUMB_SUB_REGISTER:
        *value = a - (insn->shift < 32 ? b << insn->shift : 0);
        return has_a && has_b && insn->shift < 32;
    case THUMB_LDR:
        return literal(model, item, value);
    default:
        return false;
    }
}

/* LDRD and STRD (A7.7.50, A7.7.166). */
static bool is_dual(const struct thumb_insn *insn) {
    return insn->size_bytes == 4 && (insn->bits & 0xfe400000U) == 0xe8400000U;
}

static bool stores_there(const struct constants *state, const struct thumb_insn *insn) {
    uint32_t base, bytes = is_dual(insn) ? 8 : 4;
    if (!insn->stores || !is_known(state, insn->rn, &base) || !is_system(base)) return false;
    if (insn->op == THUMB_STM) {
        bytes = 4U * (uint32_t)__builtin_popcount(insn->list);
        if (insn->decrement) base -= bytes;
    } else if (insn->rm == THUMB_NO_REGISTER && insn->index) {
        base += insn->subtract ? 0U - insn->imm : insn->imm;
    }
    return base < MPU_END && base + bytes > MPU_FIRST;
}

/* A use of such an address behind which it is lost from sight. */
static bool escapes(const struct constants *state, const struct thumb_insn *insn, bool followed) {
    bool computes = insn->writes && !insn->loads && !insn->stores && !followed;
    bool index = insn->op == THUMB_ADD_REGISTER || insn->op == THUMB_SUB_REGISTER;
    uint32_t mpu = reads_of(state, insn, is_mpu);
    bool only_base = insn->loads && !insn->stores && !insn->writeback && mpu == 1U << insn->rn;
    if (insn->flow == THUMB_FLOW_CALL || insn->flow == THUMB_FLOW_CALL_INDIRECT) {
        return (state->known & 1) && is_mpu(state->value[0]);
    }
    if (mpu && !only_base && (insn->stores || insn->loads || computes)) return true;
    /* The index of an interrupt's register is added to one of these bases. */
    return computes && !index && reads_of(state, insn, is_system);
}

static bool step(struct fw_model *model, struct constants *state, const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    uint32_t value = 0;
    bool followed = result(model, state, item, &value);
    if (stores_there(state, insn) || escapes(state, insn, followed)) return true;
    state->known &= ~(uint32_t)insn->writes;
    if (insn->flow == THUMB_FLOW_CALL || insn->flow == THUMB_FLOW_CALL_INDIRECT) {
        state->known &= ~(uint32_t)CALL_CLOBBERED;
    }
    if (followed && insn->rd < REGISTERS) {
        state->known |= 1U << insn->rd;
        state->value[insn->rd] = value;
    }
    return false;
}

uint32_t fw_mpu_use(struct fw_model *model, uint32_t unit, uint32_t stub, uint32_t stub_end) {
    struct constants state = {.known = 0};
    if (!model->units[unit].decoded) return FW_NONE;
    for (uint32_t i = model->units[unit].first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        if (item->kind != FW_ITEM_INSN) continue;
        bool known = item->address - stub < stub_end - stub;
        if (item->entry || known) state.known = 0;
        if (known) continue;
        if (step(model, &state, item)) return i;
    }
    return FW_NONE;
}
