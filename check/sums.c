/* See sums.h. */
#include "check/sums.h"

#include <string.h>

enum { SYSM_PSP = 9 };

void sums_start(struct sums *state) {
    memset(state, 0, sizeof *state);
    for (unsigned r = 0; r < SUMS_REGISTERS; r++)
        state->r[r] = sum_register(r);
    state->r[THUMB_SP] = (struct sum){BASE_NONE, 0, 0, 1, 0, 0};
    state->lost_slot = SUMS_NONE_LOST;
    state->lr_kept = state->reached = true;
}

static struct sum get(const struct sums *state, unsigned reg) {
    return reg < SUMS_REGISTERS ? state->r[reg] : sum_unknown;
}

static struct sum plus_bits(struct sum a, uint32_t bits) {
    if (a.base != BASE_UNKNOWN) a.bits += bits;
    return a;
}

static bool small(int value) {
    return value >= -4 && value <= 4;
}

static int of_four_bits(unsigned value) {
    return (int)(value ^ 8) - 8;
}

/* a + sign * b, while at most one of them has a base. */
static struct sum combine(struct sum a, struct sum b, int sign) {
    if (a.base == BASE_UNKNOWN || b.base == BASE_UNKNOWN) return sum_unknown;
    bool both = a.base != BASE_NONE && b.base != BASE_NONE;
    if (both && (a.base != b.base || a.turn != b.turn)) return sum_unknown;
    struct sum with = a.base != BASE_NONE ? a : b, out = {.base = with.base, .turn = with.turn};
    int times = a.times + sign * b.times;
    int key = of_four_bits(a.key) + sign * of_four_bits(b.key);
    int sp = of_four_bits(a.sp) + sign * of_four_bits(b.sp);
    if (!small(times) || !small(key) || !small(sp)) return sum_unknown;
    out.times = (int8_t)times;
    out.key = (unsigned)key & 15;
    out.sp = (unsigned)sp & 15;
    out.bits = sign > 0 ? a.bits + b.bits : a.bits - b.bits;
    if (out.times == 0) {
        out.base = BASE_NONE;
        out.turn = 0;
    }
    return out;
}

/* The value rotated right; only a lone base can be followed. */
static struct sum turned(struct sum a, unsigned amount) {
    if (a.base >= BASE_NONE || a.times != 1 || a.key || a.sp || a.bits) return sum_unknown;
    a.turn = (uint8_t)((a.turn + amount) % 32);
    return a;
}

/* The rotation of a wide register form (A5.3.11, A7.4.2): 0 for none, 255 for another
 * shift. */
static unsigned rotation_of(const struct thumb_insn *insn) {
    enum { ROR = 3 };
    unsigned amount = (insn->bits >> 10 & 0x1c) | (insn->bits >> 6 & 3);
    if (insn->shift == 0) return 0;
    if (insn->size_bytes != 4 || (insn->bits >> 4 & 3) != ROR || amount == 0) return 255;
    return amount;
}

/* ADD and SUB, register. */
static struct sum added(const struct sums *state, const struct thumb_insn *insn, int sign) {
    struct sum second = get(state, insn->rm);
    unsigned amount = rotation_of(insn);
    if (amount == 255) return sum_unknown;
    if (amount) second = turned(second, amount);
    return combine(get(state, insn->rn), second, sign);
}

/* ROR.W rd, rm, #amount (A7.7.116): a MOV with a shift, without flags. */
static bool is_ror(const struct thumb_insn *insn, unsigned *amount) {
    *amount = (insn->bits >> 10 & 0x1c) | (insn->bits >> 6 & 3);
    return insn->size_bytes == 4 && (insn->bits & 0xffff8030U) == 0xea4f0030U && *amount != 0;
}

bool sums_is_rotation(const struct thumb_insn *insn) {
    unsigned amount;
    return is_ror(insn, &amount);
}

struct sum sums_slot(const struct sums *state, uint32_t offset) {
    for (unsigned i = 0; i < state->slot_count; i++) {
        if (state->slots[i].offset == offset) return state->slots[i].value;
    }
    struct sum sp = state->r[THUMB_SP]; /* what an interrupt may write keeps nothing */
    bool kept = sum_is_stack(sp) && (int32_t)(offset - sp.bits) >= 0;
    bool above =
        kept && (int32_t)offset >= 0 && offset % 4 == 0 && offset / 4 < BASE_SLOTS - BASE_SLOT;
    if (state->read_slots && above) {
        return (struct sum){(uint8_t)(BASE_SLOT + offset / 4), 1, 0, 0, 0, 0};
    }
    return sum_unknown;
}

static void forget_slot(struct sums *state, unsigned index) {
    state->slots[index] = state->slots[--state->slot_count];
}

static bool touches_slot(const struct sums *state, unsigned index, uint32_t offset,
                         uint32_t bytes) {
    uint32_t distance = state->slots[index].offset - offset;
    return distance < bytes || 0U - distance < 4;
}

struct sum sums_saved_in(const struct sums *state, uint32_t offset, uint32_t bytes) {
    for (unsigned i = 0; i < state->slot_count; i++) {
        bool saved = state->slots[i].value.base == THUMB_LR;
        if (saved && touches_slot(state, i, offset, bytes)) return state->slots[i].value;
    }
    return sum_unknown;
}

/* The bytes at `offset`, a word or a part of one, now hold `value`; what overlapped is forgotten.
 */
static void put_slot(struct sums *state, uint32_t offset, uint32_t bytes, struct sum value) {
    for (unsigned i = 0; i < state->slot_count;) {
        if (touches_slot(state, i, offset, bytes)) {
            forget_slot(state, i);
        } else {
            i++;
        }
    }
    bool kept = value.base == THUMB_LR || (value.base < SUMS_REGISTERS && value.times == 1);
    /* A slot that is not held in `slots` would read as it was at first. */
    if (state->read_slots) kept = offset % 4 == 0;
    if (state->read_slots && (!kept || state->slot_count == SUMS_SLOTS)) state->read_slots = false;
    if (!kept) return;
    if (state->slot_count == SUMS_SLOTS) {
        if (value.base != THUMB_LR) return;
        unsigned victim = 0; /* the return address matters most */
        while (victim + 1 < SUMS_SLOTS && state->slots[victim].value.base == THUMB_LR)
            victim++;
        forget_slot(state, victim);
    }
    state->slots[state->slot_count].offset = offset;
    state->slots[state->slot_count++].value = value;
}

/* Below the stack pointer nothing is kept. */
static void drop_below(struct sums *state) {
    struct sum sp = state->r[THUMB_SP];
    if (!sum_is_stack(sp)) return;
    if (state->lost_slot < (int32_t)sp.bits) state->lost_slot = SUMS_NONE_LOST;
    for (unsigned i = 0; i < state->slot_count;) {
        if ((int32_t)(state->slots[i].offset - sp.bits) < 0) {
            forget_slot(state, i);
        } else {
            i++;
        }
    }
}

static unsigned fill_list(uint16_t list, uint8_t *registers) {
    unsigned count = 0;
    for (unsigned r = 0; r < 16; r++) {
        if (list >> r & 1) registers[count++] = (uint8_t)r;
    }
    return count;
}

/* LDRD and STRD, immediate (A7.7.50, A7.7.166). */
static bool is_dual(const struct thumb_insn *insn) {
    return insn->size_bytes == 4 && (insn->bits & 0xfe400000U) == 0xe8400000U &&
           (insn->bits & 0x01200000U) != 0;
}

/* VPUSH and VPOP (A7.7.249, A7.7.248): bytes, 0 for other instructions. */
static uint32_t vector_bytes(const struct thumb_insn *insn) {
    uint32_t bits = insn->bits & 0xffbf0e00U;
    if (!insn->coprocessor || insn->size_bytes != 4) return 0;
    if (bits == 0xed2d0a00U) return 0U - (insn->bits & 0xff) * 4;
    return bits == 0xecbd0a00U ? (insn->bits & 0xff) * 4 : 0;
}

/* VLDR, VSTR and the lists of floating-point registers: no value in them is followed. */
static void fill_unfollowed(struct sums_access *out) {
    uint32_t most = 4 * SUMS_ACCESS_MAXIMUM;
    if (!out->bytes || out->bytes > most) out->bytes = most;
    out->count = (out->bytes + 3) / 4;
    memset(out->registers, 255, sizeof out->registers);
}

bool sums_access_of(const struct sums *state, const struct thumb_insn *insn,
                    struct sums_access *out) {
    out->bytes = thumb_access_bytes(insn);
    bool push = insn->op == THUMB_PUSH, pop = insn->op == THUMB_POP;
    if (push || pop || insn->op == THUMB_STM || insn->op == THUMB_LDM) {
        out->count = fill_list(insn->list, out->registers);
        out->address = push || pop ? state->r[THUMB_SP] : get(state, insn->rn);
        bool down = push || (!pop && insn->decrement);
        if (down) out->address = plus_bits(out->address, 0U - 4 * out->count);
        return out->address.base != BASE_UNKNOWN;
    }
    bool word = insn->op == THUMB_LDR || insn->op == THUMB_STR;
    bool other = insn->op == THUMB_LOAD || insn->op == THUMB_STORE;
    bool vector = insn->coprocessor && (insn->loads || insn->stores);
    if (!word && !other && !vector) return false;
    if (insn->reference != THUMB_REFERENCE_NONE) return false;
    uint32_t offset = !insn->index ? 0 : insn->subtract ? 0U - insn->imm : insn->imm;
    if (insn->rm != THUMB_NO_REGISTER) {
        struct sum index = get(state, insn->rm);
        if (!sum_is_constant(index)) return false;
        offset = index.bits << insn->shift;
    }
    out->address = plus_bits(get(state, insn->rn), offset);
    out->count = 1;
    out->registers[0] = word ? insn->rd : 255;
    if (vector) {
        fill_unfollowed(out);
    } else if (is_dual(insn)) {
        out->count = 2;
        out->registers[0] = (uint8_t)(insn->bits >> 12 & 15);
        out->registers[1] = (uint8_t)(insn->bits >> 8 & 15);
    }
    return out->address.base != BASE_UNKNOWN;
}

/* The word at a constant address that nothing writes. */
static struct sum constant_word(const struct sums_context *context, uint32_t address) {
    if (!context->key_in_psp && context->key_cell && address == context->key_cell) {
        return (struct sum){BASE_NONE, 0, 1, 0, 0, 0};
    }
    const struct fw_section *section = fw_section_at(context->model, address);
    enum { WRITABLE = 1 };
    if (!section || !section->data || (section->flags & WRITABLE)) return sum_unknown;
    uint32_t word;
    struct span bytes = {section->data, section->size_bytes};
    if (!span_u32le(bytes, address - section->address, &word)) return sum_unknown;
    return sum_constant(word);
}

static struct sum loaded_word(const struct sums_context *context, const struct sums *state,
                              struct sum address) {
    if (sum_is_stack(address)) return sums_slot(state, address.bits);
    if (sum_is_constant(address)) return constant_word(context, address.bits);
    return sum_unknown;
}

static struct sum load_result(const struct sums_context *context, const struct sums *state,
                              const struct thumb_insn *insn) {
    struct sums_access access;
    if (insn->reference == THUMB_REFERENCE_LITERAL) return constant_word(context, insn->target);
    if (!sums_access_of(state, insn, &access)) return sum_unknown;
    return loaded_word(context, state, access.address);
}

static struct sum result(const struct sums_context *context, const struct sums *state,
                         const struct thumb_insn *insn) {
    switch (insn->op) {
    case THUMB_MOV_REGISTER:
        return get(state, insn->rm);
    case THUMB_MOV_IMMEDIATE:
        return sum_constant(insn->imm);
    case THUMB_MVN_IMMEDIATE:
        return sum_constant(~insn->imm);
    case THUMB_MOVT: {
        struct sum low = get(state, insn->rd);
        return sum_is_constant(low) ? sum_constant((low.bits & 0xffff) | insn->imm << 16)
                                    : sum_unknown;
    }
    case THUMB_ADR:
        return sum_constant(insn->target);
    case THUMB_ADD_IMMEDIATE:
        return plus_bits(get(state, insn->rn), insn->imm);
    case THUMB_SUB_IMMEDIATE:
        return plus_bits(get(state, insn->rn), 0U - insn->imm);
    case THUMB_ADD_REGISTER:
        return added(state, insn, 1);
    case THUMB_SUB_REGISTER:
        return added(state, insn, -1);
    case THUMB_MRS:
        if (insn->imm != SYSM_PSP || !context->key_in_psp) return sum_unknown;
        return (struct sum){BASE_NONE, 0, 1, 0, 0, 0};
    case THUMB_LDR:
        return load_result(context, state, insn);
    default: {
        unsigned amount;
        return is_ror(insn, &amount) ? turned(get(state, insn->bits & 15), amount) : sum_unknown;
    }
    }
}

static struct sum stack_after(const struct sums *state, const struct thumb_insn *insn,
                              struct sum computed) {
    struct sum sp = state->r[THUMB_SP];
    uint32_t list_bytes = 4U * (unsigned)__builtin_popcount(insn->list);
    if (!(insn->writes >> THUMB_SP & 1)) return sp;
    if (vector_bytes(insn)) return plus_bits(sp, vector_bytes(insn));
    switch (insn->op) {
    case THUMB_PUSH:
        return plus_bits(sp, 0U - list_bytes);
    case THUMB_POP:
        return plus_bits(sp, list_bytes);
    case THUMB_STM:
    case THUMB_LDM:
        if (insn->rn != THUMB_SP) return sum_unknown;
        return plus_bits(sp, insn->decrement ? 0U - list_bytes : list_bytes);
    case THUMB_LDR:
        if (insn->rd == THUMB_SP) {
            bool own = sum_is_stack(get(state, insn->rn));
            return own ? sum_unknown : (struct sum){BASE_OTHER, 1, 0, 0, 0, 0};
        } /* fall through */
    case THUMB_STR:
    case THUMB_LOAD:
    case THUMB_STORE:
        if (insn->rn != THUMB_SP || !insn->writeback || insn->rm != THUMB_NO_REGISTER) {
            return sum_unknown;
        }
        return plus_bits(sp, insn->subtract ? 0U - insn->imm : insn->imm);
    default:
        return insn->rd == THUMB_SP ? computed : sum_unknown;
    }
}

/* Words that a store puts on the stack. */
static void store(struct sums *state, const struct thumb_insn *insn) {
    struct sums_access access;
    if (!sums_access_of(state, insn, &access) || !sum_is_stack(access.address)) return;
    for (unsigned i = 0; i < access.count; i++) {
        uint32_t offset = access.address.bits + 4 * i;
        struct sum value =
            access.registers[i] == 255 ? sum_unknown : get(state, access.registers[i]);
        /* Perhaps: known only if it was so before. */
        if (insn->in_it && !sum_same(sums_slot(state, offset), value)) value = sum_unknown;
        put_slot(state, offset, access.count == 1 ? access.bytes : 4, value);
    }
}

/* What a load of several words gives; count 0: nothing that is known. */
struct loaded {
    unsigned count;
    uint8_t registers[16];
    struct sum values[16];
};

static void load_list(const struct sums_context *context, const struct sums *state,
                      const struct thumb_insn *insn, struct loaded *out) {
    struct sums_access access;
    out->count = 0;
    if (!sums_access_of(state, insn, &access)) return;
    for (unsigned i = 0; i < access.count; i++) {
        unsigned reg = access.registers[i];
        if (reg >= SUMS_REGISTERS || reg == THUMB_SP) continue;
        out->registers[out->count] = (uint8_t)reg;
        out->values[out->count++] = loaded_word(context, state, plus_bits(access.address, 4 * i));
    }
}

struct sum sums_jump_target(const struct sums_context *context, const struct sums *state,
                            const struct thumb_insn *insn) {
    struct sums_access access;
    if (insn->op == THUMB_BX || insn->op == THUMB_MOV_REGISTER) return get(state, insn->rm);
    if (insn->op == THUMB_LDR) return load_result(context, state, insn);
    if (insn->op != THUMB_POP && insn->op != THUMB_LDM) return sum_unknown;
    if (!sums_access_of(state, insn, &access)) return sum_unknown;
    return loaded_word(context, state, plus_bits(access.address, 4 * access.count - 4));
}

static void forget_written(struct sums *state, uint32_t writes) {
    for (uint32_t rest = writes & 0x7fffU; rest; rest &= rest - 1)
        state->r[__builtin_ctz(rest)] = sum_unknown;
}

static void step(const struct sums_context *context, struct sums *state,
                 const struct thumb_insn *insn) {
    struct loaded loaded;
    bool sets = !insn->stores && insn->rd < SUMS_REGISTERS && (insn->writes >> insn->rd & 1);
    bool list =
        insn->op == THUMB_POP || insn->op == THUMB_LDM || (insn->op == THUMB_LOAD && is_dual(insn));
    struct sum value = sets && !list ? result(context, state, insn) : sum_unknown;
    struct sum sp = stack_after(state, insn, value);
    loaded.count = 0; /* the rest is written where it is used: this runs for every instruction */
    if (list) load_list(context, state, insn, &loaded);
    if (insn->stores) store(state, insn);
    forget_written(state, insn->writes);
    if (sets && !list) state->r[insn->rd] = value;
    for (unsigned i = 0; i < loaded.count; i++)
        state->r[loaded.registers[i]] = loaded.values[i];
    if (!(insn->writes >> THUMB_SP & 1)) return;
    state->r[THUMB_SP] = sp;
}

static bool keeps_way_back(struct sum lr) {
    return sum_is_base(lr, THUMB_LR) || sum_is_base(lr, BASE_LOCAL);
}

void sums_step(const struct sums_context *context, struct sums *state,
               const struct thumb_insn *insn) {
    enum { CALL_CLOBBERS = 0xf | 1 << THUMB_IP | 1 << THUMB_LR };
    /* Most of them: comparisons, branches. */
    bool call = insn->flow == THUMB_FLOW_CALL || insn->flow == THUMB_FLOW_CALL_INDIRECT;
    if (!insn->writes && !insn->stores && !call) return;
    if (call) {
        forget_written(state, CALL_CLOBBERS);
        state->lr_kept |= !insn->in_it; /* else it may not have been executed */
        return;
    }
    if (!insn->in_it) {
        step(context, state, insn);
        if (insn->writes >> THUMB_LR & 1) state->lr_kept = keeps_way_back(state->r[THUMB_LR]);
        if (insn->writes >> THUMB_SP & 1) drop_below(state);
        return;
    }
    struct sum old[SUMS_REGISTERS];
    memcpy(old, state->r, sizeof old);
    step(context, state, insn);
    if (insn->writes >> THUMB_LR & 1) state->lr_kept &= keeps_way_back(state->r[THUMB_LR]);
    for (unsigned r = 0; r < SUMS_REGISTERS; r++) { /* perhaps it was not executed */
        if (!sum_same(state->r[r], old[r])) state->r[r] = sum_unknown;
    }
}

void sums_copy(struct sums *to, const struct sums *from) {
    memcpy(to->r, from->r, sizeof to->r);
    for (unsigned i = 0; i < from->slot_count; i++)
        to->slots[i] = from->slots[i];
    to->slot_count = from->slot_count;
    to->read_slots = from->read_slots;
    to->lost_slot = from->lost_slot;
    to->lr_kept = from->lr_kept;
    to->reached = from->reached;
}

/* Registers that differ are unknown from here on. Without a branch: this runs for every way
 * from block to block, and what differs is no rule. */
static bool merge_registers(struct sums *into, const struct sums *from) {
    uint64_t a[SUMS_REGISTERS], b[SUMS_REGISTERS], unknown, changed = 0;
    memcpy(a, into->r, sizeof a);
    memcpy(b, from->r, sizeof b);
    memcpy(&unknown, &sum_unknown, sizeof unknown);
    for (unsigned r = 0; r < SUMS_REGISTERS; r++) {
        uint64_t merged = a[r] == b[r] ? a[r] : unknown;
        changed |= merged ^ a[r];
        a[r] = merged;
    }
    memcpy(into->r, a, sizeof a);
    return changed != 0;
}

static bool lose_slot(struct sums *state, int32_t offset) {
    if (offset <= state->lost_slot) return false;
    state->lost_slot = offset;
    return true;
}

/* Return addresses that `into` has not. */
static bool lose_missing(struct sums *into, const struct sums *from) {
    bool changed = false;
    for (unsigned i = 0; i < from->slot_count; i++) {
        uint32_t offset = from->slots[i].offset;
        if (from->slots[i].value.base != THUMB_LR) continue;
        if (sums_slot(into, offset).base == BASE_UNKNOWN) {
            changed |= lose_slot(into, (int32_t)offset);
        }
    }
    return changed;
}

bool sums_merge(struct sums *into, const struct sums *from) {
    if (!into->reached) {
        sums_copy(into, from);
        into->reached = true;
        return true;
    }
    bool changed = merge_registers(into, from);
    changed |= into->lr_kept && !from->lr_kept;
    into->lr_kept &= from->lr_kept;
    changed |= lose_slot(into, from->lost_slot);
    for (unsigned i = 0; i < into->slot_count;) {
        bool beside = i < from->slot_count && from->slots[i].offset == into->slots[i].offset;
        struct sum other = beside ? from->slots[i].value : sums_slot(from, into->slots[i].offset);
        if (sum_same(into->slots[i].value, other)) {
            i++;
            continue;
        }
        if (into->slots[i].value.base == THUMB_LR) {
            lose_slot(into, (int32_t)into->slots[i].offset);
        }
        forget_slot(into, i);
        changed = true;
    }
    if (into->slot_count < from->slot_count) changed |= lose_missing(into, from);
    return changed;
}
