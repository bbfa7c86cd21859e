/* How much memory an instruction touches. */
#include "firmware/arch/thumb/thumb.h"

static uint32_t narrow_bytes(uint32_t bits) {
    enum { REGISTER_OFFSET = 5, BYTE = 7, HALF = 8 };
    static const uint8_t by_opcode[8] = {4, 2, 1, 1, 4, 2, 1, 2}; /* A5.2.4, opB of 0101 */
    uint32_t kind = bits >> 12;
    if (kind == REGISTER_OFFSET) return by_opcode[bits >> 9 & 7];
    return kind == BYTE ? 1 : kind == HALF ? 2 : 4;
}

/* A5.3.6: LDREX and STREX, LDREXB to STREXH, LDRD and STRD. */
static uint32_t dual_bytes(uint32_t bits) {
    if ((bits & 0xffe00000U) == 0xe8400000U) return 4;
    if ((bits & 0xffe00000U) != 0xe8c00000U) return 8;
    return bits >> 4 & 1 ? 2 : 1;
}

/* Lists and single registers of the floating-point unit (A6.5); one row has P = 1 and W = 0. */
static uint32_t coprocessor_bytes(uint32_t bits) {
    bool floating = (bits & 0xe00) == 0xa00, single = (bits & 0x01200000U) == 0x01000000U;
    if (!floating) return 0;
    if (single) return bits & 0x100 ? 8 : 4;
    return 4 * (bits & 0xff);
}

uint32_t thumb_access_bytes(const struct thumb_insn *insn) {
    uint32_t bits = insn->bits;
    if (!insn->loads && !insn->stores) return 0;
    if (insn->list) return 4U * (uint32_t)__builtin_popcount(insn->list);
    if (insn->coprocessor) return coprocessor_bytes(bits);
    if (insn->size_bytes == 2) return narrow_bytes(bits);
    if (insn->flow == THUMB_FLOW_TABLE) return bits & 0x10 ? 2 : 1;
    if ((bits & 0xfe400000U) == 0xe8400000U) return dual_bytes(bits);
    return 1U << (bits >> 21 & 3); /* A5.3.7 to A5.3.10: byte, half-word, word */
}
