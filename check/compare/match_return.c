/* A return from the stack in its sealed form: whatever instructions do it, here and in
 * shared tails, they load the same registers from the same slots, leave the stack pointer
 * at the same place, and go to what is in the return address's slot with KEY and the
 * stack pointer taken off. */
#include <string.h>

#include "check/compare/compare.h"

enum { STEPS_MAXIMUM = 32 };

static bool may_be_part(const struct thumb_insn *insn) {
    if (insn->flags_written || insn->unpredictable) return false;
    switch (insn->op) {
    case THUMB_POP:
        return !(insn->list >> THUMB_PC & 1);
    case THUMB_PUSH:
        return insn->list == 1;
    case THUMB_LDR:
        return insn->rd != THUMB_PC && insn->reference == THUMB_REFERENCE_NONE;
    case THUMB_MRS:
    case THUMB_MOV_IMMEDIATE:
    case THUMB_MOVT:
    case THUMB_ADD_REGISTER:
    case THUMB_ADD_IMMEDIATE:
    case THUMB_SUB_REGISTER:
    case THUMB_SUB_IMMEDIATE:
        return true;
    default:
        return sums_is_rotation(insn);
    }
}

/* What the original does, but for pc. */
static void original_effect(struct sums *state, const struct thumb_insn *insn,
                            const struct sums_context *context, struct sum *pc) {
    sums_start(state);
    state->read_slots = true;
    struct thumb_insn executed = *insn;
    executed.in_it = false; /* it has its own condition in front */
    *pc = sums_jump_target(context, state, &executed);
    sums_step(context, state, &executed);
}

static bool same_state(const struct sums *a, const struct sums *b, bool *clobbers_ip) {
    for (unsigned r = 0; r < THUMB_IP; r++) {
        if (!sum_same(a->r[r], b->r[r])) return false;
    }
    *clobbers_ip = !sum_same(a->r[THUMB_IP], b->r[THUMB_IP]);
    return sum_same(a->r[THUMB_SP], b->r[THUMB_SP]);
}

/* Walk from `address` to the return with `sealed` in the return address's slot. */
static bool run(const struct check *check, uint32_t address, struct sum sealed, uint32_t offset,
                struct sums *state, uint32_t *end) {
    struct thumb_insn insn;
    bool here = true; /* still in front of the first jump */
    sums_start(state);
    state->read_slots = true;
    state->slots[0].offset = offset;
    state->slots[0].value = sealed;
    state->slot_count = 1;
    for (unsigned i = 0; i < STEPS_MAXIMUM; i++) {
        if (!check_decode(check, address, &insn)) return false;
        uint32_t next = address + insn.size_bytes;
        if (insn.op == THUMB_B || insn.op == THUMB_BX) {
            if (here) *end = next;
            here = false;
        }
        if (insn.op == THUMB_BX) return insn.rm == THUMB_LR && !insn.unpredictable;
        if (insn.op != THUMB_B) {
            if (!may_be_part(&insn)) return false;
            sums_step(&check->sums, state, &insn);
        }
        address = insn.op == THUMB_B ? insn.target : next;
    }
    return false;
}

bool compare_return(struct compare *compare, uint32_t item, uint32_t address, uint32_t *end,
                    bool *clobbers_ip) {
    const struct check *check = compare->check;
    struct sums wanted, state;
    struct sum slot;
    original_effect(&wanted, compare->in->items[item].insn, &check->sums, &slot);
    if (slot.base < BASE_SLOT || slot.base >= BASE_SLOTS || !sum_is_stack(wanted.r[THUMB_SP])) {
        return false;
    }
    uint32_t offset = 4U * (slot.base - BASE_SLOT), sp = wanted.r[THUMB_SP].bits;
    struct sum sealed = sum_sealed(slot.base, sp);
    if (!run(check, address, sealed, offset, &state, end)) return false;
    return same_state(&state, &wanted, clobbers_ip) && sum_is_base(state.r[THUMB_LR], slot.base);
}
