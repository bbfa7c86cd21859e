/* The instructions that seal or unseal lr, known by their effect: KEY + SP is added, or
 * subtracted, or lr is subtracted from it. Whether a function's seals and unseals cancel
 * out is for returns.c to prove; here they are only told from other code. Either ip is used up, or
 * r0 is pushed for the moment and comes back; no flag is written, nothing else is read or written.
 */
#include "check/check_private.h"

enum { SEAL_MAXIMUM = 10 };

/* What a sealing sequence may be made of. */
static bool may_be_part(const struct check *check, const struct thumb_insn *insn) {
    enum { R0 = 1, IP = 1 << THUMB_IP, SP = 1 << THUMB_SP, LR = 1 << THUMB_LR };
    if (insn->flags_written || insn->unpredictable || insn->reference != THUMB_REFERENCE_NONE) {
        return false;
    }
    switch (insn->op) {
    case THUMB_PUSH:
    case THUMB_POP:
        return insn->list == R0;
    case THUMB_LDR: /* the key's word; sums.c knows its address */
        if (check->sums.key_in_psp || insn->rm != THUMB_NO_REGISTER || insn->writeback)
            return false;
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
        return false;
    }
}

/* The state after a whole sequence: only lr, and perhaps ip, differ. */
static bool is_sealed_state(const struct sums *state) {
    for (unsigned r = 0; r < THUMB_IP; r++) {
        if (!sum_is_base(state->r[r], r)) return false;
    }
    struct sum sp = state->r[THUMB_SP], lr = state->r[THUMB_LR];
    bool taken_off = lr.base == THUMB_LR && lr.times == 1 && lr.key == -1 && lr.sp == -1;
    return sum_is_stack(sp) && sp.bits == 0 && (taken_off || sum_is_sealed(lr, THUMB_LR));
}

bool check_seal_at(const struct check *check, uint32_t address, struct seal *out) {
    struct sums state;
    struct thumb_insn insn;
    if (!check_decode(check, address, &insn) || !may_be_part(check, &insn)) return false;
    /* It begins with the key, or with the register that the key will need. */
    bool starts = insn.op == THUMB_MRS || insn.op == THUMB_PUSH ||
                  (!check->sums.key_in_psp && insn.op == THUMB_MOV_IMMEDIATE);
    if (!starts) return false;
    sums_start(&state);
    for (unsigned i = 0; i < SEAL_MAXIMUM; i++) {
        if (!check_decode(check, address, &insn) || !may_be_part(check, &insn)) return false;
        sums_step(&check->sums, &state, &insn);
        address += insn.size_bytes;
        if (!is_sealed_state(&state)) continue;
        *out = (struct seal){.end = address,
                             .distance = state.r[THUMB_LR].bits,
                             .unseals = state.r[THUMB_LR].times * state.r[THUMB_LR].key < 0,
                             .clobbers_ip = !sum_is_base(state.r[THUMB_IP], THUMB_IP)};
        return true;
    }
    return false;
}
