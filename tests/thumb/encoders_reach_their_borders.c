/* Each encoder reaches every distance of its form and none beyond; what it writes decodes to
 * what was asked for. (The decoder is held against other disassemblers elsewhere.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/arch/thumb/thumb.h"
#include "tests/thumb/random.h"

enum branch { B_NARROW, B_WIDE, COND_NARROW, COND_WIDE, BL, CBZ, CBNZ, BRANCHES };

/* Distances from pc (the instruction's address + 4): A7.7.12, A7.7.18, A7.7.21. */
static const struct {
    int32_t lowest, highest;
    uint8_t size_bytes, op;
} forms[BRANCHES] = {
    [B_NARROW] = {-2048, 2046, 2, THUMB_B},
    [B_WIDE] = {-16777216, 16777214, 4, THUMB_B},
    [COND_NARROW] = {-256, 254, 2, THUMB_B_COND},
    [COND_WIDE] = {-1048576, 1048574, 4, THUMB_B_COND},
    [BL] = {-16777216, 16777214, 4, THUMB_BL},
    [CBZ] = {0, 126, 2, THUMB_CBZ},
    [CBNZ] = {0, 126, 2, THUMB_CBNZ},
};

static size_t encode(enum branch form, uint8_t *out, unsigned extra, uint32_t address,
                     uint32_t target) {
    switch (form) {
    case B_NARROW:
        return thumb_encode_b(out, address, target, false);
    case B_WIDE:
        return thumb_encode_b(out, address, target, true);
    case COND_NARROW:
        return thumb_encode_b_cond(out, extra % 14, address, target, false);
    case COND_WIDE:
        return thumb_encode_b_cond(out, extra % 14, address, target, true);
    case BL:
        return thumb_encode_bl(out, address, target);
    default:
        return thumb_encode_cbz(out, form == CBNZ, extra % 8, address, target);
    }
}

static void check_branch(enum branch form, unsigned extra, uint32_t address, int64_t distance) {
    uint8_t bytes[4];
    struct thumb_insn insn;
    uint32_t target = address + 4 + (uint32_t)distance;
    size_t size = encode(form, bytes, extra, address, target);
    bool fits = distance >= forms[form].lowest && distance <= forms[form].highest;
    assert_int_equal(size, fits && distance % 2 == 0 ? forms[form].size_bytes : 0);
    if (size == 0) return;
    assert_true(thumb_decode(bytes, size, address, &insn));
    assert_int_equal(insn.size_bytes, size);
    assert_int_equal(insn.op, forms[form].op);
    assert_int_equal(insn.target, target);
    assert_false(insn.unpredictable);
    if (form == COND_NARROW || form == COND_WIDE) assert_int_equal(insn.cond, extra % 14);
    if (form == CBZ || form == CBNZ) assert_int_equal(insn.rn, extra % 8);
}

static const uint32_t addresses[] = {0, 2, 0x08000400, 0x20000002, 0x7ffffffe, 0xfffffffc};

/* All distances of the short forms; around both borders, powers of two and random distances
 * of the long ones. */
static void branches_reach_their_borders(void **state) {
    (void)state;
    struct random random = {1};
    for (size_t a = 0; a < sizeof addresses / sizeof addresses[0]; a++) {
        for (enum branch form = B_NARROW; form < BRANCHES; form++) {
            int64_t lowest = forms[form].lowest, highest = forms[form].highest;
            bool is_short = highest - lowest <= 8192;
            for (int64_t d = -64; d <= (is_short ? highest - lowest : 0) + 64; d++) {
                check_branch(form, (unsigned)d, addresses[a], lowest + d);
                check_branch(form, (unsigned)d, addresses[a], highest - d);
            }
            for (int bit = 1; bit < 31; bit++)
                for (int64_t d = -4; d <= 4; d++) {
                    check_branch(form, (unsigned)bit, addresses[a], (INT64_C(1) << bit) + d);
                    check_branch(form, (unsigned)bit, addresses[a], -(INT64_C(1) << bit) + d);
                }
            for (int i = 0; i < 20000; i++)
                check_branch(form, (unsigned)i, addresses[a],
                             lowest - 1000 + (int64_t)random_below(&random, 34000000));
        }
    }
}

static void wrong_conditions_and_registers_are_refused(void **state) {
    (void)state;
    uint8_t bytes[4];
    assert_int_equal(thumb_encode_b_cond(bytes, 14, 0x100, 0x110, false), 0);
    assert_int_equal(thumb_encode_b_cond(bytes, 15, 0x100, 0x110, true), 0);
    assert_int_equal(thumb_encode_cbz(bytes, false, 8, 0x100, 0x110), 0);
    assert_int_equal(thumb_encode_b(bytes, 0x101, 0x111, false), 0);
    assert_int_equal(thumb_encode_movw(bytes, 13, 1), 0);
    assert_int_equal(thumb_encode_movw(bytes, 15, 1), 0);
    assert_int_equal(thumb_encode_movt(bytes, 0, 0x10000), 0);
}

/* One instruction of each PC-relative form, and the reach of its offset from Align(pc, 4). */
static const struct {
    uint32_t bits;
    uint8_t size_bytes;
    bool widen;
    int32_t lowest, highest, step;
} literals[] = {
    {0x4b00, 2, false, 0, 1020, 4},         /* LDR */
    {0x4b00, 2, true, -4095, 4095, 1},      /* LDR to LDR.W */
    {0xa500, 2, false, 0, 1020, 4},         /* ADR */
    {0xa500, 2, true, -4095, 4095, 1},      /* ADR to ADR.W */
    {0xf20f0c00, 4, false, -4095, 4095, 1}, /* ADR.W, as an addition */
    {0xf6af7cff, 4, false, -4095, 4095, 1}, /* ADR.W, as a subtraction */
    {0xf85fe000, 4, false, -4095, 4095, 1}, /* LDR.W */
    {0xf8dff000, 4, false, -4095, 4095, 1}, /* LDR.W pc */
    {0xf81f1000, 4, false, -4095, 4095, 1}, /* LDRB.W */
    {0xf89ff000, 4, false, -4095, 4095, 1}, /* PLD */
    {0xf91f2000, 4, false, -4095, 4095, 1}, /* LDRSB.W */
    {0xf99ff000, 4, false, -4095, 4095, 1}, /* PLI */
    {0xf83f3000, 4, false, -4095, 4095, 1}, /* LDRH.W */
    {0xf93f4000, 4, false, -4095, 4095, 1}, /* LDRSH.W */
    {0xe95f1200, 4, false, -1020, 1020, 4}, /* LDRD */
    {0xed1f1a00, 4, false, -1020, 1020, 4}, /* VLDR s2 */
    {0xed9f5b00, 4, false, -1020, 1020, 4}, /* VLDR d5 */
    {0xed1f5b00, 4, false, -1020, 1020, 4}, /* the same, subtracted */
};

static void check_literal(size_t i, uint32_t address, int32_t distance) {
    uint8_t bytes[4] = {(uint8_t)literals[i].bits, (uint8_t)(literals[i].bits >> 8)};
    struct thumb_insn insn, moved;
    if (literals[i].size_bytes == 4) {
        bytes[0] = (uint8_t)(literals[i].bits >> 16);
        bytes[1] = (uint8_t)(literals[i].bits >> 24);
        bytes[2] = (uint8_t)literals[i].bits;
        bytes[3] = (uint8_t)(literals[i].bits >> 8);
    }
    assert_true(thumb_decode(bytes, 4, 0x1000, &insn));
    assert_int_equal(insn.size_bytes, literals[i].size_bytes);
    uint32_t target = ((address + 4) & ~3u) + (uint32_t)distance;
    bool fits = distance >= literals[i].lowest && distance <= literals[i].highest &&
                distance % literals[i].step == 0;
    size_t size = thumb_encode_pc_relative(bytes, &insn, address, target, literals[i].widen);
    size_t expected = literals[i].widen ? 4 : literals[i].size_bytes;
    assert_int_equal(size, fits ? expected : 0);
    if (size == 0) return;
    assert_true(thumb_decode(bytes, size, address, &moved));
    assert_int_equal(moved.size_bytes, size);
    assert_int_equal(moved.target, target);
    assert_int_equal(moved.op, insn.op);
    assert_int_equal(moved.rd, insn.rd);
    assert_int_equal(moved.ra, insn.ra);
    assert_int_equal(moved.writes, insn.writes);
    assert_int_equal(moved.reads, insn.reads);
    assert_int_equal(moved.reference, insn.reference);
    assert_int_equal(moved.coprocessor, insn.coprocessor);
    assert_false(moved.unpredictable);
}

static void literals_reach_their_borders(void **state) {
    (void)state;
    for (size_t a = 0; a < sizeof addresses / sizeof addresses[0]; a++)
        for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++)
            for (int32_t distance = -4200; distance <= 4200; distance++)
                check_literal(i, addresses[a], distance);
}

/* Everything but the offset stays: the coprocessor register of VLDR is not a field of the
 * decoded instruction. */
static void a_literal_load_keeps_its_register(void **state) {
    (void)state;
    const uint8_t vldr[4] = {0xdf, 0xed, 0x01, 0x7a}; /* VLDR s15, [pc, #4] */
    uint8_t bytes[4];
    struct thumb_insn insn;
    assert_true(thumb_decode(vldr, 4, 0x1000, &insn));
    assert_int_equal(thumb_encode_pc_relative(bytes, &insn, 0x1000, 0x1004 - 8, false), 4);
    const uint8_t expected[4] = {0x5f, 0xed, 0x02, 0x7a};
    assert_memory_equal(bytes, expected, 4);
}

static void moves_take_every_16_bit_value(void **state) {
    (void)state;
    uint8_t bytes[4];
    struct thumb_insn insn;
    for (uint32_t value = 0; value <= 0xffff; value++) {
        unsigned rd = value % 13;
        assert_int_equal(thumb_encode_movw(bytes, rd, value), 4);
        assert_true(thumb_decode(bytes, 4, 0, &insn));
        assert_int_equal(insn.op, THUMB_MOV_IMMEDIATE);
        assert_int_equal(insn.imm, value);
        assert_int_equal(insn.rd, rd);
        assert_int_equal(thumb_encode_movt(bytes, rd, value), 4);
        assert_true(thumb_decode(bytes, 4, 0, &insn));
        assert_int_equal(insn.op, THUMB_MOVT);
        assert_int_equal(insn.imm, value);
        assert_int_equal(insn.rd, rd);
    }
}

/* MOV.W r0, #imm with these fields, through the decoder. */
static uint32_t expanded(uint32_t imm12, bool *unpredictable) {
    uint32_t first = 0xf04f | (imm12 >> 11) << 10;
    uint32_t second = (imm12 >> 8 & 7) << 12 | (imm12 & 0xff);
    const uint8_t bytes[4] = {(uint8_t)first, (uint8_t)(first >> 8), (uint8_t)second,
                              (uint8_t)(second >> 8)};
    struct thumb_insn insn;
    assert_true(thumb_decode(bytes, 4, 0, &insn));
    assert_int_equal(insn.op, THUMB_MOV_IMMEDIATE);
    *unpredictable = insn.unpredictable;
    return insn.imm;
}

/* All values that the 4,096 fields can mean are found, and their neighbours and random values
 * exactly when they are among them. */
static void modified_immediates_are_found(void **state) {
    (void)state;
    static uint32_t values[4096];
    struct random random = {7};
    bool unpredictable;
    uint32_t imm12;
    for (uint32_t i = 0; i < 4096; i++)
        values[i] = expanded(i, &unpredictable);
    for (uint32_t i = 0; i < 4096 * 4; i++) {
        uint32_t value = i < 4096    ? values[i]
                         : i < 8192  ? values[i - 4096] + 1
                         : i < 12288 ? values[i - 8192] ^ 0x10000
                                     : (uint32_t)random_next(&random);
        bool possible = false;
        for (int k = 0; k < 4096; k++)
            possible |= values[k] == value;
        assert_int_equal(thumb_modified_immediate(value, &imm12), possible);
        if (!possible) continue;
        assert_int_equal(expanded(imm12, &unpredictable), value);
        assert_false(unpredictable);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(branches_reach_their_borders),
        cmocka_unit_test(wrong_conditions_and_registers_are_refused),
        cmocka_unit_test(literals_reach_their_borders),
        cmocka_unit_test(a_literal_load_keeps_its_register),
        cmocka_unit_test(moves_take_every_16_bit_value),
        cmocka_unit_test(modified_immediates_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
