/* Encoders of the PC-relative forms and of MOVW and MOVT: the inverse of decode.c for what
 * layout and the protections write. Section numbers are those of ARM DDI 0403E. */
#include "firmware/arch/thumb/thumb.h"

static size_t put_narrow(uint8_t *out, uint32_t bits) {
    out[0] = (uint8_t)bits;
    out[1] = (uint8_t)(bits >> 8);
    return 2;
}

static size_t put_wide(uint8_t *out, uint32_t bits) {
    put_narrow(out, bits >> 16);
    put_narrow(out + 2, bits & 0xffff);
    return 4;
}

/* The distance from pc, in `*distance`; false unless it is even and a `bits`-bit signed
 * number. The difference is taken modulo 2^32, as the processor does. */
static bool branch_distance(uint32_t address, uint32_t target, unsigned bits, uint32_t *distance) {
    uint32_t limit = 1u << (bits - 1);
    *distance = target - (address + 4);
    return (*distance & 1) == 0 && (address & 1) == 0 && *distance + limit < 2 * limit;
}

/* A7.7.12 T4 and A7.7.18 T1 share the fields: S, J1, J2 = NOT(I ^ S). */
static uint32_t long_branch_fields(uint32_t distance) {
    uint32_t s = distance >> 24 & 1;
    uint32_t j1 = (distance >> 23 & 1) ^ s ^ 1, j2 = (distance >> 22 & 1) ^ s ^ 1;
    return s << 26 | (distance >> 12 & 0x3ff) << 16 | j1 << 13 | j2 << 11 | (distance >> 1 & 0x7ff);
}

size_t thumb_encode_b(uint8_t *out, uint32_t address, uint32_t target, bool wide) {
    uint32_t distance;
    if (!branch_distance(address, target, wide ? 25 : 12, &distance)) return 0;
    if (wide) return put_wide(out, 0xf0009000 | long_branch_fields(distance));
    return put_narrow(out, 0xe000 | (distance >> 1 & 0x7ff));
}

size_t thumb_encode_b_cond(uint8_t *out, unsigned cond, uint32_t address, uint32_t target,
                           bool wide) {
    uint32_t distance;
    if (cond >= THUMB_COND_AL || !branch_distance(address, target, wide ? 21 : 9, &distance))
        return 0;
    if (!wide) return put_narrow(out, 0xd000 | cond << 8 | (distance >> 1 & 0xff));
    uint32_t s = distance >> 20 & 1, j2 = distance >> 19 & 1, j1 = distance >> 18 & 1;
    return put_wide(out, 0xf0008000 | s << 26 | cond << 22 | (distance >> 12 & 0x3f) << 16 |
                             j1 << 13 | j2 << 11 | (distance >> 1 & 0x7ff));
}

size_t thumb_encode_bl(uint8_t *out, uint32_t address, uint32_t target) {
    uint32_t distance;
    if (!branch_distance(address, target, 25, &distance)) return 0;
    return put_wide(out, 0xf000d000 | long_branch_fields(distance));
}

size_t thumb_encode_cbz(uint8_t *out, bool nonzero, unsigned rn, uint32_t address,
                        uint32_t target) {
    uint32_t distance = target - (address + 4);
    if (rn > 7 || (address & 1) != 0 || (distance & 1) != 0 || distance > 126) return 0;
    uint32_t bits = nonzero ? 0xb900 : 0xb100;
    return put_narrow(out, bits | (distance >> 6) << 9 | (distance >> 1 & 31) << 3 | rn);
}

/* A signed distance as magnitude and "add" bit; zero is an addition. */
struct offset {
    uint32_t magnitude;
    uint32_t add;
};

static struct offset offset_from_pc(uint32_t address, uint32_t target) {
    uint32_t distance = target - ((address + 4) & ~3u);
    bool negative = distance >> 31 != 0;
    return (struct offset){negative ? 0 - distance : distance, negative ? 0 : 1};
}

/* LDR and ADR in their narrow forms reach 255 words ahead. */
static size_t encode_narrow_relative(uint8_t *out, uint32_t bits, struct offset offset) {
    if (!offset.add || offset.magnitude > 1020 || offset.magnitude % 4 != 0) return 0;
    return put_narrow(out, (bits & 0xff00) | offset.magnitude >> 2);
}

static size_t encode_literal12(uint8_t *out, uint32_t bits, struct offset offset) {
    if (offset.magnitude > 4095) return 0;
    return put_wide(out, (bits & 0xff7ff000) | offset.add << 23 | offset.magnitude);
}

/* LDRD, VLDR, LDC: words, U in bit 23. */
static size_t encode_literal_words(uint8_t *out, uint32_t bits, struct offset offset) {
    if (offset.magnitude > 1020 || offset.magnitude % 4 != 0) return 0;
    return put_wide(out, (bits & 0xff7fff00) | offset.add << 23 | offset.magnitude >> 2);
}

/* A7.7.7 T2 (SUB) and T3 (ADD). */
static size_t encode_wide_adr(uint8_t *out, unsigned rd, struct offset offset) {
    uint32_t m = offset.magnitude;
    if (m > 4095) return 0;
    return put_wide(out, (offset.add ? 0xf20f0000 : 0xf2af0000) | (m >> 11) << 26 |
                             (m >> 8 & 7) << 12 | (uint32_t)rd << 8 | (m & 0xff));
}

size_t thumb_encode_pc_relative(uint8_t *out, const struct thumb_insn *insn, uint32_t address,
                                uint32_t target, bool wide) {
    struct offset offset = offset_from_pc(address, target);
    bool adr = insn->reference == THUMB_REFERENCE_ADR;
    if ((!adr && insn->reference != THUMB_REFERENCE_LITERAL) || (address & 1) != 0) return 0;
    if (insn->size_bytes == 2 && !wide) return encode_narrow_relative(out, insn->bits, offset);
    if (adr) return encode_wide_adr(out, insn->rd, offset);
    if (insn->size_bytes == 2)
        return encode_literal12(out, 0xf85f0000 | (uint32_t)insn->rd << 12, offset);
    if (insn->bits >> 25 == 0xf8 >> 1) return encode_literal12(out, insn->bits, offset);
    return encode_literal_words(out, insn->bits, offset);
}

/* A7.7.76 T3 and A7.7.79 T1. */
static size_t encode_move16(uint8_t *out, uint32_t bits, unsigned rd, uint32_t imm16) {
    if (rd >= THUMB_PC || rd == THUMB_SP || imm16 > 0xffff) return 0;
    return put_wide(out, bits | (imm16 >> 12) << 16 | (imm16 >> 11 & 1) << 26 |
                             (imm16 >> 8 & 7) << 12 | (uint32_t)rd << 8 | (imm16 & 0xff));
}

size_t thumb_encode_movw(uint8_t *out, unsigned rd, uint32_t imm16) {
    return encode_move16(out, 0xf2400000, rd, imm16);
}

size_t thumb_encode_movt(uint8_t *out, unsigned rd, uint32_t imm16) {
    return encode_move16(out, 0xf2c00000, rd, imm16);
}

bool thumb_modified_immediate(uint32_t imm, uint32_t *imm12) {
    uint32_t low = imm & 0xff, second = imm >> 8 & 0xff;
    if (imm == low) {
        *imm12 = low;
    } else if (imm == (low << 16 | low)) {
        *imm12 = 0x100 | low;
    } else if (imm == (second << 24 | second << 8)) {
        *imm12 = 0x200 | second;
    } else if (imm == low * 0x01010101u) {
        *imm12 = 0x300 | low;
    } else {
        /* A byte with its top bit set, rotated right by 8 to 31. */
        for (uint32_t rotation = 8; rotation < 32; rotation++) {
            uint32_t byte = imm << rotation | imm >> (32 - rotation);
            if (byte >= 0x80 && byte <= 0xff) {
                *imm12 = rotation << 7 | (byte & 0x7f);
                return true;
            }
        }
        return false;
    }
    return true;
}
