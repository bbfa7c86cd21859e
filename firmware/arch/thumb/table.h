/* The rows of the Thumb-2 instruction table: one row an encoding of ARM DDI 0403E,
 * chapters A5 to A7, in groups that the first half-word's top bits select (decode.c).
 *
 * A row takes an instruction when (bits & mask) == (value & mask); the first row of its
 * group that does so wins, so a special case (TST in the space of ANDS) stands before the
 * general one. `should` names the bits that the manual prints as (0) or (1): they select
 * nothing, but an instruction whose bits differ from the row's value there is UNPREDICTABLE.
 *
 * Which field of the encoding is rd, rn, rm and ra is the form's matter; the role bits
 * say which of them are read and written. A field without a role is no register.
 */
#ifndef FIRMWARE_ARCH_THUMB_TABLE_H
#define FIRMWARE_ARCH_THUMB_TABLE_H

#include "firmware/arch/thumb/thumb.h"

/* How the fields lie. T, D, N, M stand for the bits 15:12, 11:8, 19:16 and 3:0 of a wide
 * instruction. */
enum thumb_form {
    /* narrow */
    FORM_PLAIN,         /* no fields: hints, barriers, floating-point registers only */
    FORM_N_SHIFT,       /* rd 2:0, rm 5:3, imm5 */
    FORM_N_THREE,       /* rd 2:0, rn 5:3, rm 8:6 */
    FORM_N_THREE_IMM,   /* rd 2:0, rn 5:3, imm3 8:6 */
    FORM_N_IMM8,        /* rd and rn 10:8, imm8 */
    FORM_N_ALU,         /* rd and rn 2:0, rm 5:3 */
    FORM_N_TWO,         /* rd 2:0, rm 5:3 */
    FORM_N_HIGH,        /* rd and rn 7:2:0, rm 6:3 */
    FORM_N_BRANCH_REG,  /* rm 6:3 */
    FORM_N_LITERAL,     /* rd 10:8, imm8 words from pc */
    FORM_N_ADR,         /* the same, the address itself */
    FORM_N_MEMORY_WORD, /* rd 2:0, rn 5:3, imm5 words */
    FORM_N_MEMORY_HALF,
    FORM_N_MEMORY_BYTE,
    FORM_N_MEMORY_SP, /* rd 10:8, imm8 words from sp */
    FORM_N_ADD_SP,    /* rd 10:8, rn = sp, imm8 words */
    FORM_N_ADJUST_SP, /* rd = rn = sp, imm7 words */
    FORM_N_CBZ,       /* rn 2:0, distance 9:7:3 */
    FORM_N_PUSH,
    FORM_N_POP,
    FORM_N_CPS,
    FORM_N_CODE8, /* imm8: SVC, BKPT, UDF */
    FORM_N_IT,
    FORM_N_STM, /* rn 10:8, list */
    FORM_N_LDM,
    FORM_N_BRANCH_COND, /* imm8 half-words */
    FORM_N_BRANCH,      /* imm11 half-words */
    /* wide */
    FORM_SHIFTED,         /* rd D, rn N, rm M with an immediate shift; S is bit 20 */
    FORM_MODIFIED,        /* rd D, rn N, modified immediate; S is bit 20 */
    FORM_IMM12,           /* rd D, rn N, imm12 = i:imm3:imm8 */
    FORM_ADR,             /* rd D, imm12 from pc; bit 23 is "subtract" */
    FORM_IMM16,           /* rd D, imm16 = imm4:i:imm3:imm8 */
    FORM_BITFIELD,        /* rd D, rn N, lsb and width */
    FORM_BIT_INSERT,      /* rd D, rn N, lsb and msb */
    FORM_FOUR,            /* rd D, rn N, rm M, ra T */
    FORM_SHIFT_REG,       /* rd D, rn N, rm M; S is bit 20 */
    FORM_LONG,            /* rd D (high), ra T (low), rn N, rm M */
    FORM_TWICE,           /* rd D, rm in both N and M */
    FORM_MEMORY12,        /* rd T, rn N, imm12 */
    FORM_MEMORY8,         /* rd T, rn N, imm8 with P, U, W in 10:8 */
    FORM_MEMORY_REG,      /* rd T, rn N, rm M, LSL 5:4 */
    FORM_LITERAL,         /* rd T, imm12 from pc; U is bit 23 */
    FORM_DUAL,            /* rd T, ra D, rn N, imm8 words; P, U, W are 24, 23, 21 */
    FORM_EXCLUSIVE,       /* rd T, ra D (status), rn N, imm8 words */
    FORM_EXCLUSIVE_SMALL, /* rd T, ra M (status), rn N */
    FORM_TABLE,           /* rn N, rm M */
    FORM_STM,             /* rn N, list; W is bit 21, bit 24 says DB */
    FORM_LDM,
    FORM_BRANCH_COND, /* B<c>.W */
    FORM_BRANCH,      /* B.W, BL */
    FORM_CODE16,      /* UDF.W: imm4:imm12 */
    FORM_MRS,         /* rd D, imm SYSm */
    FORM_MSR,         /* rn N, imm SYSm */
    /* coprocessors */
    FORM_COPRO_MEMORY, /* rn N, imm8 words; P, U, W are 24, 23, 21 */
    FORM_COPRO_ONE,    /* rd T */
    FORM_COPRO_ONE_IN, /* rd T, or the flags when T is 15 */
    FORM_COPRO_TWO,    /* rd T, ra N */
    FORM_VMOV_TWO,     /* the same with two singles or a double */
    FORM_VMEMORY_LIST, /* rn N, imm8 words */
    FORM_VCVT_FIXED,
    FORM_VSEL,
};

/* Roles of the fields and other facts of a row. */
enum {
    R_D = 1 << 0,
    W_D = 1 << 1,
    R_N = 1 << 2,
    R_M = 1 << 3,
    R_A = 1 << 4,
    W_A = 1 << 5,
    LOADS = 1 << 6,
    STORES = 1 << 7,
    OUTSIDE = 1 << 8,   /* sets its flags only outside an IT block */
    NOT_IN_IT = 1 << 9, /* UNPREDICTABLE inside an IT block */
    LINKS = 1 << 10,    /* writes lr */
    HINT = 1 << 11,     /* an unallocated memory hint: a no-op that software must not use */
};

/* Registers that make a row UNPREDICTABLE: bit 0-3 when rd, rn, rm, ra is pc; bit 4-7
 * when it is sp. */
enum {
    BAD_D15 = 1,
    BAD_N15 = 2,
    BAD_M15 = 4,
    BAD_A15 = 8,
    BAD_D13 = 16,
    BAD_N13 = 32,
    BAD_M13 = 64,
    BAD_A13 = 128,
    BAD_D = BAD_D15 | BAD_D13,
    BAD_N = BAD_N15 | BAD_N13,
    BAD_M = BAD_M15 | BAD_M13,
    BAD_A = BAD_A15 | BAD_A13,
    BAD_ALL = 255,
};

struct thumb_row {
    uint32_t mask, value; /* narrow instructions in the low half */
    uint32_t should;
    uint16_t roles;
    uint8_t form; /* enum thumb_form */
    uint8_t op;   /* enum thumb_op */
    uint8_t bad;
    uint8_t flags_read, flags_written; /* written: by S = 1 where the form has an S bit */
    uint8_t flow;
    uint8_t architecture;
};

/* Rows before rows[(bits >> first_shift) & first_mask] cannot take the instruction: where
 * the rows stand in the order of an opcode field, the search begins at the right one. */
struct thumb_group {
    const struct thumb_row *rows;
    size_t count;
    uint8_t first_shift, first_mask;
};

/* The group that a narrow instruction, or a wide one (first half-word in the high half),
 * belongs to. */
const struct thumb_group *thumb_narrow_group(uint32_t bits);
const struct thumb_group *thumb_wide_group(uint32_t bits);

/* The row that takes the instruction, NULL when it is UNDEFINED. */
const struct thumb_row *thumb_find_row(uint32_t bits, bool wide);

#endif
