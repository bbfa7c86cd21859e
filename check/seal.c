/* The instructions that seal or unseal lr, known by their effect: KEY + SP (and a distance)
 * is mixed with the address, turned by 16 bits. Either ip is used up, or r0 is
 * pushed for the moment and comes back; no flag is written, nothing else is read or
 * written. Whether a function's seals and unseals cancel out is for returns.c to prove;
 * here they are only told from other code. */
#include "check/state.h"

enum { SEAL_MAXIMUM = 12 };

/* What a sealing sequence may be made of. */
static bool may_be_part(const struct check *check, const struct thumb_insn *insn) {
    enum { R0 = 1, IP = 1 << THUMB_IP, LR = 1 << THUMB_LR };
    if (insn->flags_written || insn->unpredictable || insn->reference != THUMB_REFERENCE_NONE) {
        return false;
    }
    switch (insn->op) {
    case THUMB_PUSH:
    case THUMB_POP:
        return insn->list == R0;
    case THUMB_LDR: /* the key's word; sums.c knows its address */
        if (check->sums.key_in_psp || insn->rm != THUMB_NO_REGISTER || insn->writeback) {
            return false;
        }
        return insn->rd == insn->rn && (insn->rd == 0 || insn->rd == THUMB_IP);
    case THUMB_MRS:
    case THUMB_MOV_IMMEDIATE:
    case THUMB_MOVT:
    case THUMB_ADD_REGISTER:
    case THUMB_ADD_IMMEDIATE:
    case THUMB_SUB_IMMEDIATE:
    case THUMB_SUB_REGISTER:
        return (insn->writes & ~(R0 | IP | LR)) == 0;
    default:
        return sums_is_rotation(insn) && insn->writes == LR;
    }
}

/* All is as it was but lr and perhaps ip. */
static bool is_restored(const struct sums *state) {
    for (unsigned r = 0; r < THUMB_IP; r++) {
        if (!sum_is_base(state->r[r], r)) return false;
    }
    return sum_is_stack(state->r[THUMB_SP]) && state->r[THUMB_SP].bits == 0;
}

/* Walk from `address` with `lr` until lr is sealed, or plain. *rest: what kept a turned
 * address from being turned back. */
static bool run(const struct check *check, uint32_t address, struct sum lr, bool unseals,
                struct seal *out, uint32_t *rest) {
    struct sums state;
    struct thumb_insn insn;
    sums_start(&state);
    state.r[THUMB_LR] = lr;
    for (unsigned i = 0; i < SEAL_MAXIMUM; i++) {
        if (!check_decode(check, address, &insn) || !may_be_part(check, &insn)) return false;
        struct sum before = state.r[THUMB_LR];
        if (sums_is_rotation(&insn) && before.base == THUMB_LR && !before.key && !before.sp) {
            *rest = before.bits;
        }
        sums_step(&check->sums, &state, &insn);
        address += insn.size_bytes;
        struct sum now = state.r[THUMB_LR];
        bool done = unseals ? now.base == THUMB_LR && now.times == 1 && now.turn == 0 &&
                                  now.key == 0 && now.sp == 0
                            : sum_is_sealed(now, THUMB_LR);
        if (!done || !is_restored(&state)) continue;
        *out = (struct seal){.end = address,
                             .distance = now.bits,
                             .lr = now,
                             .ip = state.r[THUMB_IP],
                             .clobbers_ip = !sum_is_base(state.r[THUMB_IP], THUMB_IP)};
        return true;
    }
    return false;
}

/* Does it take a seal off that was put on `distance` away? */
static bool unseals(const struct check *check, uint32_t address, struct seal *out) {
    struct sum sealed = sum_sealed(THUMB_LR, 0);
    uint32_t rest = 0;
    bool done = run(check, address, sealed, true, out, &rest);
    if (!done && rest) {
        sealed.bits = 0U - rest;
        done = run(check, address, sealed, true, out, &rest);
    }
    if (!done || !sum_is_base(out->lr, THUMB_LR)) return false;
    out->distance = sealed.bits;
    out->unseals = true;
    return true;
}

/* It begins with the key, or with the register that the key will need. */
bool check_may_start_seal(const struct check *check, const struct thumb_insn *insn) {
    bool starts = insn->op == THUMB_MRS || insn->op == THUMB_PUSH ||
                  (!check->sums.key_in_psp && insn->op == THUMB_MOV_IMMEDIATE);
    return starts && may_be_part(check, insn);
}

bool check_seal_at(const struct check *check, uint32_t address, struct seal *out) {
    struct thumb_insn insn;
    struct seal other;
    uint32_t rest;
    if (!check_decode(check, address, &insn) || !check_may_start_seal(check, &insn)) return false;
    bool puts_on = run(check, address, sum_register(THUMB_LR), false, out, &rest);
    bool takes_off = unseals(check, address, &other);
    if (takes_off && !puts_on) *out = other;
    if (puts_on) out->unseals = takes_off && other.end == out->end;
    return puts_on || takes_off;
}

/* Behind a save: lr is unsealed again with what ip still holds. */
bool check_unseal_after(const struct check *check, const struct seal *seal, uint32_t address,
                        uint32_t *end) {
    enum { UNSEAL_MAXIMUM = 3 };
    struct sums state;
    struct thumb_insn insn;
    sums_start(&state);
    state.r[THUMB_LR] = seal->lr;
    state.r[THUMB_IP] = seal->ip;
    for (unsigned i = 0; i < UNSEAL_MAXIMUM; i++) {
        if (!check_decode(check, address, &insn) || insn.flags_written) return false;
        if (insn.op != THUMB_SUB_REGISTER && !sums_is_rotation(&insn)) return false;
        if (insn.writes != 1 << THUMB_LR) return false;
        sums_step(&check->sums, &state, &insn);
        address += insn.size_bytes;
        *end = address;
        if (sum_is_base(state.r[THUMB_LR], THUMB_LR)) return true;
    }
    return false;
}
