/* Prints what the encoders write for a list of instructions, one a line: bytes as objcopy
 * would lay them out, a tab, the same instruction in GNU assembly. For
 * encodes_as_gnu_assembler.py. */
#include "firmware/arch/thumb/thumb.h"
#include "tests/thumb/random.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ADDRESS = 0x10000000 };

static void print_line(const uint8_t *bytes, size_t size, const char *format, ...) {
    va_list arguments;
    if (size == 0) abort();
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
    printf("\t");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

static void print_branches(struct random *random) {
    static const char conditions[14][3] = {"eq", "ne", "cs", "cc", "mi", "pl", "vs",
                                           "vc", "hi", "ls", "ge", "lt", "gt", "le"};
    uint8_t bytes[4];
    for (int i = 0; i < 500; i++) {
        unsigned cond = (unsigned)i % 14, rn = (unsigned)i % 8;
        int far = (int)random_below(random, 0x1000000) * 2 - 0x1000000;
        int near = far / 16 & ~1, short_far = far >> 13 & ~1, shorter = far >> 16 & ~1;
        int ahead = (int)random_below(random, 64) * 2;
        uint32_t pc = ADDRESS + 4;
        size_t size = thumb_encode_b(bytes, ADDRESS, pc + (uint32_t)far, true);
        print_line(bytes, size, "b.w .+4+(%d)", far);
        size = thumb_encode_b(bytes, ADDRESS, pc + (uint32_t)short_far, false);
        print_line(bytes, size, "b.n .+4+(%d)", short_far);
        size = thumb_encode_b_cond(bytes, cond, ADDRESS, pc + (uint32_t)near, true);
        print_line(bytes, size, "b%s.w .+4+(%d)", conditions[cond], near);
        size = thumb_encode_b_cond(bytes, cond, ADDRESS, pc + (uint32_t)shorter, false);
        print_line(bytes, size, "b%s.n .+4+(%d)", conditions[cond], shorter);
        size = thumb_encode_cbz(bytes, i & 1, rn, ADDRESS, pc + (uint32_t)ahead);
        print_line(bytes, size, "%s r%u, .+4+(%d)", i & 1 ? "cbnz" : "cbz", rn, ahead);
    }
}

static void print_literals(struct random *random) {
    static const struct {
        uint32_t bits;
        int reach;
        const char *text;
    } forms[] = {
        {0xf85f3000, 4095, "ldr.w r3, [pc, #%d]"},   {0xf81f1000, 4095, "ldrb.w r1, [pc, #%d]"},
        {0xf83f2000, 4095, "ldrh.w r2, [pc, #%d]"},  {0xf91f4000, 4095, "ldrsb.w r4, [pc, #%d]"},
        {0xf93f5000, 4095, "ldrsh.w r5, [pc, #%d]"}, {0xf81ff000, 4095, "pld [pc, #%d]"},
        {0xe95f1200, 255, "ldrd r1, r2, [pc, #%d]"}, {0xed1f1a00, 255, "vldr s2, [pc, #%d]"},
        {0xed1f5b00, 255, "vldr d5, [pc, #%d]"},
    };
    uint8_t bytes[4];
    struct thumb_insn insn;
    for (int i = 0; i < 500; i++) {
        size_t form = (size_t)i % (sizeof forms / sizeof forms[0]);
        uint32_t bits = forms[form].bits;
        int reach = forms[form].reach, step = reach == 255 ? 4 : 1;
        int offset = ((int)random_below(random, (uint32_t)reach * 2 + 1) - reach) * step;
        const uint8_t old[4] = {(uint8_t)(bits >> 16), (uint8_t)(bits >> 24), (uint8_t)bits,
                                (uint8_t)(bits >> 8)};
        if (!thumb_decode(old, 4, ADDRESS, &insn)) abort();
        size_t size =
            thumb_encode_pc_relative(bytes, &insn, ADDRESS, ADDRESS + 4 + (uint32_t)offset, false);
        print_line(bytes, size, forms[form].text, offset);
    }
}

static void print_immediates(struct random *random) {
    uint8_t bytes[4];
    uint32_t imm12;
    for (int i = 0; i < 500; i++) {
        uint32_t value = random_below(random, 0x10000), rd = (uint32_t)i % 13;
        print_line(bytes, thumb_encode_movw(bytes, rd, value), "movw r%u, #%u", rd, value);
        print_line(bytes, thumb_encode_movt(bytes, rd, value), "movt r%u, #%u", rd, value);
        uint32_t byte = random_below(random, 255) + 1;
        uint32_t pattern = i % 5 == 0   ? byte
                           : i % 5 == 1 ? byte * 0x00010001u
                           : i % 5 == 2 ? byte * 0x01000100u
                           : i % 5 == 3 ? byte * 0x01010101u
                                        : byte << random_below(random, 24);
        if (!thumb_modified_immediate(pattern, &imm12)) abort();
        uint32_t first = 0xf080 | (imm12 >> 11) << 10 | rd;
        uint32_t second = (imm12 >> 8 & 7) << 12 | rd << 8 | (imm12 & 0xff);
        bytes[0] = (uint8_t)first;
        bytes[1] = (uint8_t)(first >> 8);
        bytes[2] = (uint8_t)second;
        bytes[3] = (uint8_t)(second >> 8);
        print_line(bytes, 4, "eor.w r%u, r%u, #%u", rd, rd, pattern);
    }
}

int main(void) {
    struct random random = {11};
    print_branches(&random);
    print_literals(&random);
    print_immediates(&random);
    return 0;
}
