/* See mpu_state.h. */
#include "firmware/analyse/mpu_state.h"

enum { FAR_SHIFT = 8 };

bool mpu_is_known(const struct mpu_state *state, unsigned reg, struct mpu_range *out) {
    if (reg >= MPU_REGISTERS || !(state->known >> reg & 1)) return false;
    *out = (struct mpu_range){state->low[reg], state->high[reg]};
    return true;
}

static bool is_one(struct mpu_range range) {
    return range.low == range.high;
}

static bool is_system(struct mpu_range range) {
    return range.low < MPU_SYSTEM_END && range.high >= MPU_SYSTEM_FIRST;
}

static bool is_mpu(struct mpu_range range) {
    return range.low < MPU_END && range.high >= MPU_FIRST;
}

bool mpu_may_be(const struct mpu_state *state, unsigned reg) {
    struct mpu_range range;
    return mpu_is_known(state, reg, &range) && (state->system >> reg & 1) && is_mpu(range);
}

void mpu_forget(struct mpu_state *state, uint32_t registers) {
    for (unsigned reg = 0; reg < MPU_REGISTERS; reg++) {
        if (!(registers >> reg & 1)) continue;
        state->low[reg] = state->high[reg] = 0;
        state->ones[reg] = state->zeros[reg] = 0;
    }
    state->known &= (uint16_t)~registers;
    state->system &= (uint16_t)~registers;
    state->spent &= (uint16_t)~registers;
}

/* Bits are told apart from the range: those of a number follow from it. */
static void learn(struct mpu_state *state, unsigned reg, struct mpu_range value) {
    uint32_t bit = 1U << reg;
    mpu_forget(state, bit);
    if (!is_system(value) && !is_one(value)) return;
    state->known |= (uint16_t)bit;
    if (is_system(value)) state->system |= (uint16_t)bit;
    state->low[reg] = value.low;
    state->high[reg] = value.high;
    if (!is_one(value)) return;
    state->ones[reg] = value.low;
    state->zeros[reg] = ~value.low;
}

static bool literal(struct fw_model *model, const struct fw_item *item, uint32_t *value) {
    if (item->insn->reference != THUMB_REFERENCE_LITERAL || item->target == FW_NONE) return false;
    const struct fw_item *pool = &model->items[item->target];
    const uint8_t *bytes = fw_bytes_at(model, pool->address + item->target_delta, 4);
    return bytes && span_u32le((struct span){bytes, 4}, 0, value);
}

static struct mpu_range number(uint32_t value) {
    return (struct mpu_range){value, value};
}

static bool sum(struct mpu_range a, struct mpu_range b, struct mpu_range *out) {
    *out = (struct mpu_range){a.low + b.low, a.high + b.high};
    return out->high - out->low == a.high - a.low + (b.high - b.low) && out->low <= out->high;
}

static bool difference(struct mpu_range a, struct mpu_range b, struct mpu_range *out) {
    return sum(a, (struct mpu_range){0U - b.high, 0U - b.low}, out);
}

/* The second operand of a register's sum: its number or range, turned left. */
static bool shifted(const struct thumb_insn *insn, struct mpu_range b, struct mpu_range *out) {
    if (insn->shift >= 32 || (insn->shift && !is_one(b))) return false;
    *out = (struct mpu_range){b.low << insn->shift, b.high << insn->shift};
    return true;
}

/* The value that the instruction makes in rd. */
static bool result(struct fw_model *model, const struct mpu_state *state,
                   const struct fw_item *item, struct mpu_range *out) {
    const struct thumb_insn *insn = item->insn;
    struct mpu_range a = number(0), b = number(0), imm = number(insn->imm);
    bool has_a = mpu_is_known(state, insn->rn, &a), has_b = mpu_is_known(state, insn->rm, &b);
    uint32_t word;
    switch (insn->op) {
    case THUMB_MOV_IMMEDIATE:
        *out = imm;
        return true;
    case THUMB_MVN_IMMEDIATE:
        *out = number(~insn->imm);
        return true;
    case THUMB_MOVT:
        if (!mpu_is_known(state, insn->rd, &a) || !is_one(a)) return false;
        *out = number((a.low & 0xffff) | insn->imm << 16);
        return true;
    case THUMB_MOV_REGISTER:
        *out = b;
        return has_b;
    case THUMB_ADD_IMMEDIATE:
        return has_a && sum(a, imm, out);
    case THUMB_SUB_IMMEDIATE:
        return has_a && difference(a, imm, out);
    case THUMB_ADD_REGISTER:
        return has_a && has_b && shifted(insn, b, &b) && sum(a, b, out);
    case THUMB_SUB_REGISTER:
        return has_a && has_b && shifted(insn, b, &b) && difference(a, b, out);
    case THUMB_LDR:
        if (!literal(model, item, &word)) return false;
        *out = number(word);
        return true;
    default:
        return false;
    }
}

struct bits {
    uint32_t ones, zeros;
};

static struct bits bits_of(const struct mpu_state *state, unsigned reg) {
    struct bits out = {0, 0};
    if (reg < MPU_REGISTERS) out = (struct bits){state->ones[reg], state->zeros[reg]};
    return out;
}

static struct bits turned_left(struct bits a, uint32_t amount) {
    if (amount >= 32) return (struct bits){0, 0};
    return (struct bits){a.ones << amount, a.zeros << amount | ((1U << amount) - 1)};
}

static struct bits turned_right(struct bits a, uint32_t amount) {
    if (amount == 0 || amount >= 32) return (struct bits){0, 0};
    return (struct bits){a.ones >> amount, a.zeros >> amount | ~(0xffffffffU >> amount)};
}

enum logic { LOGIC_AND = 0, LOGIC_BIC = 1, LOGIC_ORR = 2 }; /* A5.3.1, A5.3.11 */

static struct bits combined(enum logic logic, struct bits a, struct bits b) {
    if (logic == LOGIC_ORR) return (struct bits){a.ones | b.ones, a.zeros & b.zeros};
    if (logic == LOGIC_BIC) b = (struct bits){b.zeros, b.ones};
    return (struct bits){a.ones & b.ones, a.zeros | b.zeros};
}

/* AND, BIC and ORR of registers or an immediate, shifts by an immediate, wide (A7.7.8, A7.7.15,
 * A7.7.68, A7.7.70, A7.7.91). */
static struct bits wide_bits(const struct mpu_state *state, const struct thumb_insn *insn) {
    struct bits a = bits_of(state, insn->rn), b = {insn->imm, ~insn->imm};
    uint32_t logic = insn->bits >> 21 & 15, type = insn->bits >> 4 & 3;
    bool immediate = (insn->bits & 0xfa008000U) == 0xf0000000U;
    bool registers = (insn->bits & 0xfe000000U) == 0xea000000U;
    if ((!immediate && !registers) || logic > LOGIC_ORR) return (struct bits){0, 0};
    if (registers) {
        b = bits_of(state, insn->rm);
        b = type == 0   ? turned_left(b, insn->imm)
            : type == 1 ? turned_right(b, insn->imm)
                        : (struct bits){0, 0};
    }
    if (logic == LOGIC_ORR && insn->rn == THUMB_PC) return b; /* a move */
    return combined((enum logic)logic, a, b);
}

/* BFC and BFI (A7.7.13, A7.7.14). */
static bool inserted(const struct mpu_state *state, const struct thumb_insn *insn,
                     struct bits *out) {
    uint32_t low = (insn->bits >> 12 & 7) << 2 | (insn->bits >> 6 & 3), high = insn->bits & 31;
    if ((insn->bits & 0xfbf08000U) != 0xf3600000U || high < low) return false;
    uint32_t mask = (0xffffffffU >> (31 - high)) & ~((1U << low) - 1);
    struct bits a = bits_of(state, insn->rd), b = bits_of(state, insn->rn);
    if ((insn->bits >> 16 & 15) == THUMB_PC) b = (struct bits){0, 0xffffffffU};
    *out = (struct bits){(a.ones & ~mask) | (b.ones << low & mask),
                         (a.zeros & ~mask) | (b.zeros << low & mask)};
    return true;
}

/* Bits that the instruction makes in rd. */
static struct bits made_bits(const struct mpu_state *state, const struct thumb_insn *insn) {
    struct bits out = {0, 0}, a = bits_of(state, insn->rn), b = bits_of(state, insn->rm);
    if (insn->op == THUMB_MOV_REGISTER) return b;
    if (insn->op == THUMB_ADD_IMMEDIATE && (insn->imm & ~a.zeros) == 0) /* no carry */
        return combined(LOGIC_ORR, a, (struct bits){insn->imm, ~insn->imm});
    if (insn->op != THUMB_OTHER || insn->loads || insn->coprocessor) return out;
    if (insn->size_bytes == 4) return inserted(state, insn, &out) ? out : wide_bits(state, insn);
    if (insn->bits >> 11 == 0) return turned_left(b, insn->imm);
    if (insn->bits >> 11 == 1) return turned_right(b, insn->imm);
    if (insn->bits >> 6 == 0x4000 >> 6) return combined(LOGIC_AND, a, b);
    if (insn->bits >> 6 == 0x4300 >> 6) return combined(LOGIC_ORR, a, b);
    if (insn->bits >> 6 == 0x4380 >> 6) return combined(LOGIC_BIC, a, b);
    return out;
}

bool mpu_follow(struct fw_model *model, struct mpu_state *state, const struct fw_item *item,
                bool *lost) {
    const struct thumb_insn *insn = item->insn;
    struct mpu_range value;
    bool followed = result(model, state, item, &value), any = false;
    struct bits bits = made_bits(state, insn);
    for (unsigned reg = 0; reg < MPU_REGISTERS; reg++)
        any |= (insn->reads >> reg & 1) && mpu_may_be(state, reg);
    *lost = any && followed && !is_system(value);
    mpu_forget(state, insn->writes);
    if (insn->rd >= MPU_REGISTERS || !(insn->writes >> insn->rd & 1)) return followed;
    if (followed) {
        learn(state, insn->rd, value);
    } else {
        state->ones[insn->rd] = bits.ones;
        state->zeros[insn->rd] = bits.zeros;
    }
    return followed;
}

/* One register where two ways meet. */
static void meet_register(struct mpu_state *state, const struct mpu_state *other, unsigned reg) {
    uint16_t bit = (uint16_t)(1U << reg);
    bool here = state->system & bit, there = other->system & bit;
    struct mpu_range a, b;
    bool has_a = mpu_is_known(state, reg, &a), has_b = mpu_is_known(other, reg, &b);
    uint32_t ones = state->ones[reg] & other->ones[reg];
    uint32_t zeros = state->zeros[reg] & other->zeros[reg];
    bool spent = (!here || (state->spent & bit)) && (!there || (other->spent & bit));
    if (here && there) {
        state->low[reg] = a.low < b.low ? a.low : b.low;
        state->high[reg] = a.high > b.high ? a.high : b.high;
    } else if (there) {
        learn(state, reg, b);
    } else if (!here && !(has_a && has_b && a.low == b.low)) {
        mpu_forget(state, bit);
    }
    state->ones[reg] = ones;
    state->zeros[reg] = zeros;
    if (here || there) {
        state->spent = spent ? state->spent | bit : (uint16_t)(state->spent & ~bit);
    }
}

bool mpu_meet(struct mpu_state *state, const struct mpu_state *other) {
    struct mpu_state before = *state;
    if (!state->reached) {
        *state = *other;
        return true;
    }
    for (unsigned reg = 0; reg < MPU_REGISTERS; reg++)
        meet_register(state, other, reg);
    state->selected &= other->selected;
    bool same = before.selected == state->selected && before.known == state->known &&
                before.system == state->system && before.spent == state->spent;
    return !same || memcmp(before.low, state->low, sizeof before.low) != 0 ||
           memcmp(before.high, state->high, sizeof before.high) != 0 ||
           memcmp(before.ones, state->ones, sizeof before.ones) != 0 ||
           memcmp(before.zeros, state->zeros, sizeof before.zeros) != 0;
}

static bool is_near(uint32_t value) {
    return value >= 0xd0000000U && value < 0xf0000000U;
}

bool mpu_may_reach(struct fw_model *model, uint32_t unit) {
    for (uint32_t i = model->units[unit].first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        const struct thumb_insn *insn = item->insn;
        uint32_t word;
        switch (insn->op) {
        case THUMB_MOV_IMMEDIATE:
            if (is_near(insn->imm)) return true;
            break;
        case THUMB_MVN_IMMEDIATE:
            if (is_near(~insn->imm)) return true;
            break;
        case THUMB_MOVT:
            if (is_near(insn->imm << 16)) return true;
            break;
        case THUMB_ADD_REGISTER:
        case THUMB_SUB_REGISTER:
            if (insn->shift >= FAR_SHIFT && insn->shift < 32) return true;
            break;
        case THUMB_LDR:
            if (literal(model, item, &word) && is_near(word)) return true;
            break;
        default:
            break;
        }
    }
    return false;
}
