/* The forms that a PC-relative instruction may take at another place: a wider one, or a
 * condition turned round over a wide branch. Everything but the distance stays. */
#include "check/compare/compare.h"

/* B<!c> or CB(N)Z turned round, over the next instruction: B.W, which is in *second then. */
static bool is_far(const struct compare *compare, const struct thumb_insn *first, uint32_t address,
                   struct thumb_insn *second) {
    if (first->size_bytes != 2 || first->target != address + 6) return false;
    if (!check_decode(compare->check, address + 2, second)) return false;
    return second->op == THUMB_B && second->size_bytes == 4;
}

static bool is_compare_branch(uint8_t op) {
    return op == THUMB_CBZ || op == THUMB_CBNZ;
}

bool compare_branch(struct compare *compare, const struct fw_item *item, uint32_t address,
                    struct thumb_insn *branch, uint32_t *end) {
    const struct thumb_insn *in = item->insn;
    struct thumb_insn out;
    if (!check_decode(compare->check, address, &out)) return false;
    if (out.reference != THUMB_REFERENCE_BRANCH) return false;
    bool compares = is_compare_branch(in->op);
    uint8_t cond = in->op == THUMB_B_COND ? in->cond : THUMB_COND_AL;
    bool same = out.op == in->op && (in->op != THUMB_B_COND || out.cond == cond) &&
                (!compares || out.rn == in->rn);
    *end = address + out.size_bytes;
    *branch = out;
    if (same) return out.size_bytes >= in->size_bytes;
    *end = address + 6;
    if (in->op == THUMB_B_COND) {
        return out.op == THUMB_B_COND && out.cond == (cond ^ 1) &&
               is_far(compare, &out, address, branch);
    }
    return compares && is_compare_branch(out.op) && out.rn == in->rn &&
           is_far(compare, &out, address, branch);
}

/* Words from pc, or bytes: what the offset field is (A6.7, A7.7). */
static uint32_t offset_field(const struct thumb_insn *insn) {
    bool dual = insn->coprocessor || (insn->op == THUMB_LOAD && (insn->bits >> 25) == 0x74);
    return dual ? 0xffU : 0xfffU;
}

static bool compare_adr(const struct thumb_insn *in, const struct thumb_insn *out, bool subtracts) {
    if (out->op != THUMB_ADR || out->rd != in->rd || out->size_bytes < in->size_bytes) return false;
    if (out->size_bytes == 2) return (out->bits & 0xff00U) == (in->bits & 0xff00U);
    uint32_t opcode = out->bits & 0xfbff8000U;
    return opcode == (subtracts ? 0xf2af0000U : 0xf20f0000U);
}

bool compare_pc_relative(const struct fw_item *item, const struct thumb_insn *out) {
    const struct thumb_insn *in = item->insn;
    if (out->reference != in->reference) return false;
    bool subtracts = out->size_bytes == 4 && out->subtract;
    if (in->reference == THUMB_REFERENCE_ADR) {
        subtracts = (out->bits & 0x00a00000U) == 0x00a00000U && out->size_bytes == 4;
        return compare_adr(in, out, subtracts);
    }
    if (out->size_bytes < in->size_bytes || out->op != in->op) return false;
    if (out->size_bytes == 2) return (out->bits & 0xff00U) == (in->bits & 0xff00U);
    uint32_t add = 1U << 23, imm = out->bits & offset_field(out);
    if (in->size_bytes == 2) {
        if ((out->bits & 0xff7ff000U) != (0xf85f0000U | (uint32_t)in->rd << 12)) return false;
    } else if ((out->bits ^ in->bits) & ~(add | offset_field(in))) {
        return false;
    }
    /* A distance of zero has two spellings. */
    return imm != 0 || (out->bits & add) != 0 || (in->bits & add) == 0;
}

void compare_note_branch(struct compare *compare, uint32_t place, const struct thumb_insn *branch) {
    uint8_t type;
    bool wide = branch->size_bytes == 4;
    switch (branch->op) {
    case THUMB_BL:
        type = R_ARM_THM_PC22;
        break;
    case THUMB_B:
        type = wide ? R_ARM_THM_JUMP24 : R_ARM_THM_PC11;
        break;
    case THUMB_B_COND:
        type = wide ? R_ARM_THM_JUMP19 : R_ARM_THM_PC9;
        break;
    default:
        return;
    }
    note_branch(compare, place, branch->target, type);
}
