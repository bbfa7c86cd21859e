/* The instruction table. See table.h for what a row says. */
#include "firmware/arch/thumb/table.h"

enum {
    V = THUMB_FLAG_V,
    C = THUMB_FLAG_C,
    Z = THUMB_FLAG_Z,
    N = THUMB_FLAG_N,
    Q = THUMB_FLAG_Q,
    GE = THUMB_FLAG_GE,
    NZ = N | Z,
    NZC = N | Z | C,
    NZCV = N | Z | C | V,
};

/* clang-format off */
#define ROW_FULL(mask, value, should, form, op, roles, bad, fr, fw, flow, arch) \
    {mask, value, should, (uint16_t)(roles), FORM_##form, THUMB_##op, (uint8_t)(bad), \
     (uint8_t)(fr), (uint8_t)(fw), THUMB_FLOW_##flow, THUMB_ARCHITECTURE_##arch}
/* an instruction of the base architecture that falls through */
#define ROW(mask, value, should, form, op, roles, bad, fr, fw) \
    ROW_FULL(mask, value, should, form, op, roles, bad, fr, fw, NEXT, V7M)
/* one that sends control elsewhere */
#define TO(mask, value, should, form, op, roles, bad, fr, flow) \
    ROW_FULL(mask, value, should, form, op, roles, bad, fr, 0, flow, V7M)
/* one of the DSP extension */
#define DSP(mask, value, should, form, roles, bad, fr, fw) \
    ROW_FULL(mask, value, should, form, OTHER, roles, bad, fr, fw, NEXT, V7EM)
#define COPRO(mask, value, should, form, roles, bad, fw) \
    ROW_FULL(mask, value, should, form, OTHER, roles, bad, 0, fw, NEXT, COPRO)
/* floating point: which extension has it */
#define FP(mask, value, should, form, roles, bad, fr, fw, arch) \
    ROW_FULL(mask, value, should, form, OTHER, roles, bad, fr, fw, NEXT, arch)
#define GROUP(rows) {rows, sizeof rows / sizeof rows[0], 0, 0}
#define ORDERED_GROUP(rows, shift, mask) {rows, sizeof rows / sizeof rows[0], shift, mask}

/* A5.2.1 shift (immediate), add, subtract, move, compare: 00xxxx */
static const struct thumb_row narrow_shift[] = {
    ROW(0xffc0, 0x0000, 0, N_TWO, MOV_REGISTER, W_D | R_M | OUTSIDE | NOT_IN_IT, 0, 0, NZ),
    ROW(0xf800, 0x0000, 0, N_SHIFT, OTHER, W_D | R_M | OUTSIDE, 0, 0, NZC), /* LSL */
    ROW(0xf800, 0x0800, 0, N_SHIFT, OTHER, W_D | R_M | OUTSIDE, 0, 0, NZC), /* LSR */
    ROW(0xf800, 0x1000, 0, N_SHIFT, OTHER, W_D | R_M | OUTSIDE, 0, 0, NZC), /* ASR */
    ROW(0xfe00, 0x1800, 0, N_THREE, ADD_REGISTER, W_D | R_N | R_M | OUTSIDE, 0, 0, NZCV),
    ROW(0xfe00, 0x1a00, 0, N_THREE, SUB_REGISTER, W_D | R_N | R_M | OUTSIDE, 0, 0, NZCV),
    ROW(0xfe00, 0x1c00, 0, N_THREE_IMM, ADD_IMMEDIATE, W_D | R_N | OUTSIDE, 0, 0, NZCV),
    ROW(0xfe00, 0x1e00, 0, N_THREE_IMM, SUB_IMMEDIATE, W_D | R_N | OUTSIDE, 0, 0, NZCV),
};
static const struct thumb_row narrow_imm8[] = {
    ROW(0xf800, 0x2000, 0, N_IMM8, MOV_IMMEDIATE, W_D | OUTSIDE, 0, 0, NZ),
    ROW(0xf800, 0x2800, 0, N_IMM8, CMP_IMMEDIATE, R_N, 0, 0, NZCV),
    ROW(0xf800, 0x3000, 0, N_IMM8, ADD_IMMEDIATE, W_D | R_N | OUTSIDE, 0, 0, NZCV),
    ROW(0xf800, 0x3800, 0, N_IMM8, SUB_IMMEDIATE, W_D | R_N | OUTSIDE, 0, 0, NZCV),
};
/* A5.2.2 data processing: 010000. A shift by a register that holds 0 leaves C as it was,
 * so the result reads C too. */
static const struct thumb_row narrow_alu[] = {
    ROW(0xffc0, 0x4000, 0, N_ALU, OTHER, W_D | R_N | R_M | OUTSIDE, 0, 0, NZ),   /* AND */
    ROW(0xffc0, 0x4040, 0, N_ALU, OTHER, W_D | R_N | R_M | OUTSIDE, 0, 0, NZ),   /* EOR */
    ROW(0xffc0, 0x4080, 0, N_ALU, OTHER, W_D | R_N | R_M | OUTSIDE, 0, C, NZC),  /* LSL */
    ROW(0xffc0, 0x40c0, 0, N_ALU, OTHER, W_D | R_N | R_M | OUTSIDE, 0, C, NZC),  /* LSR */
    ROW(0xffc0, 0x4100, 0, N_ALU, OTHER, W_D | R_N | R_M | OUTSIDE, 0, C, NZC),  /* ASR */
    ROW(0xffc0, 0x4140, 0, N_ALU, OTHER, W_D | R_N | R_M | OUTSIDE, 0, C, NZCV), /* ADC */
    ROW(0xffc0, 0x4180, 0, N_ALU, OTHER, W_D | R_N | R_M | OUTSIDE, 0, C, NZCV), /* SBC */
    ROW(0xffc0, 0x41c0, 0, N_ALU, OTHER, W_D | R_N | R_M | OUTSIDE, 0, C, NZC),  /* ROR */
    ROW(0xffc0, 0x4200, 0, N_ALU, OTHER, R_N | R_M, 0, 0, NZ),                   /* TST */
    ROW(0xffc0, 0x4240, 0, N_TWO, OTHER, W_D | R_M | OUTSIDE, 0, 0, NZCV),       /* RSB #0 */
    ROW(0xffc0, 0x4280, 0, N_ALU, OTHER, R_N | R_M, 0, 0, NZCV),                 /* CMP */
    ROW(0xffc0, 0x42c0, 0, N_ALU, OTHER, R_N | R_M, 0, 0, NZCV),                 /* CMN */
    ROW(0xffc0, 0x4300, 0, N_ALU, OTHER, W_D | R_N | R_M | OUTSIDE, 0, 0, NZ),   /* ORR */
    ROW(0xffc0, 0x4340, 0, N_ALU, OTHER, W_D | R_N | R_M | OUTSIDE, 0, 0, NZ),   /* MUL */
    ROW(0xffc0, 0x4380, 0, N_ALU, OTHER, W_D | R_N | R_M | OUTSIDE, 0, 0, NZ),   /* BIC */
    ROW(0xffc0, 0x43c0, 0, N_TWO, OTHER, W_D | R_M | OUTSIDE, 0, 0, NZ),         /* MVN */
};
/* A5.2.3 special data, branch and exchange: 010001 */
static const struct thumb_row narrow_high[] = {
    ROW(0xff00, 0x4400, 0, N_HIGH, ADD_REGISTER, W_D | R_N | R_M, 0, 0, 0),
    ROW(0xff00, 0x4500, 0, N_HIGH, OTHER, R_N | R_M, BAD_N15 | BAD_M15, 0, NZCV), /* CMP */
    ROW(0xff00, 0x4600, 0, N_HIGH, MOV_REGISTER, W_D | R_M, 0, 0, 0),
    TO(0xff80, 0x4700, 0x0007, N_BRANCH_REG, BX, R_M, 0, 0, JUMP_INDIRECT),
    TO(0xff80, 0x4780, 0x0007, N_BRANCH_REG, BLX_REGISTER, R_M | LINKS, BAD_M15, 0,
       CALL_INDIRECT),
};
static const struct thumb_row narrow_literal[] = {
    ROW(0xf800, 0x4800, 0, N_LITERAL, LDR, W_D | LOADS, 0, 0, 0),
};
/* A5.2.4 load and store single */
static const struct thumb_row narrow_memory_reg[] = {
    ROW(0xfe00, 0x5000, 0, N_THREE, STR, R_D | R_N | R_M | STORES, 0, 0, 0),
    ROW(0xfe00, 0x5200, 0, N_THREE, STORE, R_D | R_N | R_M | STORES, 0, 0, 0), /* STRH */
    ROW(0xfe00, 0x5400, 0, N_THREE, STORE, R_D | R_N | R_M | STORES, 0, 0, 0), /* STRB */
    ROW(0xfe00, 0x5600, 0, N_THREE, LOAD, W_D | R_N | R_M | LOADS, 0, 0, 0),   /* LDRSB */
    ROW(0xfe00, 0x5800, 0, N_THREE, LDR, W_D | R_N | R_M | LOADS, 0, 0, 0),
    ROW(0xfe00, 0x5a00, 0, N_THREE, LOAD, W_D | R_N | R_M | LOADS, 0, 0, 0),   /* LDRH */
    ROW(0xfe00, 0x5c00, 0, N_THREE, LOAD, W_D | R_N | R_M | LOADS, 0, 0, 0),   /* LDRB */
    ROW(0xfe00, 0x5e00, 0, N_THREE, LOAD, W_D | R_N | R_M | LOADS, 0, 0, 0),   /* LDRSH */
};
static const struct thumb_row narrow_memory_word[] = {
    ROW(0xf800, 0x6000, 0, N_MEMORY_WORD, STR, R_D | R_N | STORES, 0, 0, 0),
    ROW(0xf800, 0x6800, 0, N_MEMORY_WORD, LDR, W_D | R_N | LOADS, 0, 0, 0),
};
static const struct thumb_row narrow_memory_byte[] = {
    ROW(0xf800, 0x7000, 0, N_MEMORY_BYTE, STORE, R_D | R_N | STORES, 0, 0, 0),
    ROW(0xf800, 0x7800, 0, N_MEMORY_BYTE, LOAD, W_D | R_N | LOADS, 0, 0, 0),
};
static const struct thumb_row narrow_memory_half[] = {
    ROW(0xf800, 0x8000, 0, N_MEMORY_HALF, STORE, R_D | R_N | STORES, 0, 0, 0),
    ROW(0xf800, 0x8800, 0, N_MEMORY_HALF, LOAD, W_D | R_N | LOADS, 0, 0, 0),
};
static const struct thumb_row narrow_memory_sp[] = {
    ROW(0xf800, 0x9000, 0, N_MEMORY_SP, STR, R_D | R_N | STORES, 0, 0, 0),
    ROW(0xf800, 0x9800, 0, N_MEMORY_SP, LDR, W_D | R_N | LOADS, 0, 0, 0),
};
static const struct thumb_row narrow_address[] = {
    ROW(0xf800, 0xa000, 0, N_ADR, ADR, W_D, 0, 0, 0),
    ROW(0xf800, 0xa800, 0, N_ADD_SP, ADD_IMMEDIATE, W_D | R_N, 0, 0, 0),
};
/* A5.2.5 miscellaneous: 1011 */
static const struct thumb_row narrow_misc_low[] = { /* 10110 */
    ROW(0xff80, 0xb000, 0, N_ADJUST_SP, ADD_IMMEDIATE, W_D | R_N, 0, 0, 0),
    ROW(0xff80, 0xb080, 0, N_ADJUST_SP, SUB_IMMEDIATE, W_D | R_N, 0, 0, 0),
    TO(0xfd00, 0xb100, 0, N_CBZ, CBZ, R_N | NOT_IN_IT, 0, 0, BRANCH_COND),
    ROW(0xfe00, 0xb400, 0, N_PUSH, PUSH, R_N | STORES, 0, 0, 0),
    ROW(0xffc0, 0xb200, 0, N_TWO, OTHER, W_D | R_M, 0, 0, 0), /* SXTH */
    ROW(0xffc0, 0xb240, 0, N_TWO, OTHER, W_D | R_M, 0, 0, 0), /* SXTB */
    ROW(0xffc0, 0xb280, 0, N_TWO, OTHER, W_D | R_M, 0, 0, 0), /* UXTH */
    ROW(0xffc0, 0xb2c0, 0, N_TWO, OTHER, W_D | R_M, 0, 0, 0), /* UXTB */
    ROW(0xffe0, 0xb660, 0x000c, N_CPS, CPS, NOT_IN_IT, 0, 0, 0),
};
static const struct thumb_row narrow_misc_high[] = { /* 10111 */
    ROW(0xfe00, 0xbc00, 0, N_POP, POP, R_N | LOADS, 0, 0, 0),
    ROW(0xffff, 0xbf00, 0, PLAIN, NOP, 0, 0, 0, 0),
    ROW(0xff0f, 0xbf00, 0, PLAIN, OTHER, 0, 0, 0, 0), /* YIELD, WFE, WFI, SEV, unallocated */
    ROW(0xff00, 0xbf00, 0, N_IT, IT, NOT_IN_IT, 0, 0, 0),
    TO(0xfd00, 0xb900, 0, N_CBZ, CBNZ, R_N | NOT_IN_IT, 0, 0, BRANCH_COND),
    ROW(0xffc0, 0xba00, 0, N_TWO, OTHER, W_D | R_M, 0, 0, 0), /* REV */
    ROW(0xffc0, 0xba40, 0, N_TWO, OTHER, W_D | R_M, 0, 0, 0), /* REV16 */
    ROW(0xffc0, 0xbac0, 0, N_TWO, OTHER, W_D | R_M, 0, 0, 0), /* REVSH */
    ROW(0xff00, 0xbe00, 0, N_CODE8, BKPT, 0, 0, 0, 0),
};
static const struct thumb_row narrow_multiple[] = {
    ROW(0xf800, 0xc000, 0, N_STM, STM, R_N | STORES, 0, 0, 0),
    ROW(0xf800, 0xc800, 0, N_LDM, LDM, R_N | LOADS, 0, 0, 0),
};
static const struct thumb_row narrow_branch_cond[] = {
    TO(0xff00, 0xde00, 0, N_CODE8, UDF, 0, 0, 0, TRAP),
    ROW(0xff00, 0xdf00, 0, N_CODE8, SVC, 0, 0, 0, 0),
    TO(0xf000, 0xd000, 0, N_BRANCH_COND, B_COND, NOT_IN_IT, 0, 0, BRANCH_COND),
};
static const struct thumb_row narrow_branch[] = {
    TO(0xf800, 0xe000, 0, N_BRANCH, B, 0, 0, 0, BRANCH),
};

/* A5.3.5 load and store multiple: 1110100xx0 */
static const struct thumb_row wide_multiple[] = {
    ROW(0xffff0000, 0xe92d0000, 0xa000, STM, PUSH, R_N | STORES, 0, 0, 0),
    ROW(0xffff0000, 0xe8bd0000, 0x2000, LDM, POP, R_N | LOADS, 0, 0, 0),
    ROW(0xffd00000, 0xe8800000, 0xa000, STM, STM, R_N | STORES, BAD_N15, 0, 0),
    ROW(0xffd00000, 0xe8900000, 0x2000, LDM, LDM, R_N | LOADS, BAD_N15, 0, 0),
    ROW(0xffd00000, 0xe9000000, 0xa000, STM, STM, R_N | STORES, BAD_N15, 0, 0),
    ROW(0xffd00000, 0xe9100000, 0x2000, LDM, LDM, R_N | LOADS, BAD_N15, 0, 0),
};
/* A5.3.6 load and store dual or exclusive, table branch: 1110100xx1 */
static const struct thumb_row wide_dual[] = {
    ROW(0xfff00000, 0xe8400000, 0, EXCLUSIVE, STORE, R_D | W_A | R_N | STORES,
        BAD_D | BAD_A | BAD_N15, 0, 0), /* STREX */
    ROW(0xfff00000, 0xe8500f00, 0x0f00, EXCLUSIVE, LOAD, W_D | R_N | LOADS,
        BAD_D | BAD_N15, 0, 0), /* LDREX */
    ROW(0xfff000e0, 0xe8c00f40, 0x0f00, EXCLUSIVE_SMALL, STORE, R_D | W_A | R_N | STORES,
        BAD_D | BAD_A | BAD_N15, 0, 0), /* STREXB, STREXH */
    TO(0xfff000f0, 0xe8d0f000, 0xff00, TABLE, TBB, R_N | R_M | LOADS, BAD_N13 | BAD_M, 0, TABLE),
    TO(0xfff000f0, 0xe8d0f010, 0xff00, TABLE, TBH, R_N | R_M | LOADS, BAD_N13 | BAD_M, 0, TABLE),
    ROW(0xfff000e0, 0xe8d00f4f, 0x0f0f, EXCLUSIVE_SMALL, LOAD, W_D | R_N | LOADS,
        BAD_D | BAD_N15, 0, 0), /* LDREXB, LDREXH */
    /* P = W = 0 is the space above */
    ROW(0xff700000, 0xe8600000, 0, DUAL, STORE, R_D | R_A | R_N | STORES,
        BAD_D | BAD_A | BAD_N15, 0, 0), /* STRD, post-indexed */
    ROW(0xff700000, 0xe8700000, 0, DUAL, LOAD, W_D | W_A | R_N | LOADS, BAD_D | BAD_A, 0, 0),
    ROW(0xff500000, 0xe9400000, 0, DUAL, STORE, R_D | R_A | R_N | STORES,
        BAD_D | BAD_A | BAD_N15, 0, 0), /* STRD */
    ROW(0xff500000, 0xe9500000, 0, DUAL, LOAD, W_D | W_A | R_N | LOADS, BAD_D | BAD_A, 0, 0),
};
/* A5.3.11 data processing (shifted register): 1110101 */
#define SHIFTED_ROW(opcode, op, bad, fr, fw) \
    ROW(0xffe00000, 0xea000000 | (uint32_t)(opcode) << 21, 0x8000, SHIFTED, op, W_D | R_N | R_M, \
        bad, fr, fw)
static const struct thumb_row wide_shifted[] = {
    ROW(0xfff00f00, 0xea100f00, 0x8000, SHIFTED, OTHER, R_N | R_M, BAD_ALL, 0, NZC), /* TST */
    SHIFTED_ROW(0, OTHER, BAD_ALL, 0, NZC), /* AND */
    SHIFTED_ROW(1, OTHER, BAD_ALL, 0, NZC), /* BIC */
    ROW(0xffef70f0, 0xea4f0000, 0x8000, SHIFTED, MOV_REGISTER, W_D | R_M, BAD_D15 | BAD_M15,
        0, NZ), /* MOV without a shift may use sp: see shifted_unpredictable() */
    ROW(0xffef0000, 0xea4f0000, 0x8000, SHIFTED, OTHER, W_D | R_M, BAD_ALL, 0, NZC), /* shift */
    SHIFTED_ROW(2, OTHER, BAD_D | BAD_N13 | BAD_M, 0, NZC), /* ORR */
    ROW(0xffef0000, 0xea6f0000, 0x8000, SHIFTED, OTHER, W_D | R_M, BAD_ALL, 0, NZC), /* MVN */
    SHIFTED_ROW(3, OTHER, BAD_D | BAD_N13 | BAD_M, 0, NZC), /* ORN */
    ROW(0xfff00f00, 0xea900f00, 0x8000, SHIFTED, OTHER, R_N | R_M, BAD_ALL, 0, NZC), /* TEQ */
    SHIFTED_ROW(4, OTHER, BAD_ALL, 0, NZC), /* EOR */
    DSP(0xfff00010, 0xeac00000, 0x8000, FOUR, W_D | R_N | R_M, BAD_ALL, 0, 0), /* PKHBT, PKHTB */
    ROW(0xfff00f00, 0xeb100f00, 0x8000, SHIFTED, OTHER, R_N | R_M, BAD_N15 | BAD_M, 0,
        NZCV), /* CMN */
    SHIFTED_ROW(8, ADD_REGISTER, BAD_D15 | BAD_N15 | BAD_M, 0, NZCV),
    SHIFTED_ROW(10, OTHER, BAD_ALL, C, NZCV), /* ADC */
    SHIFTED_ROW(11, OTHER, BAD_ALL, C, NZCV), /* SBC */
    ROW(0xfff00f00, 0xebb00f00, 0x8000, SHIFTED, OTHER, R_N | R_M, BAD_N15 | BAD_M, 0,
        NZCV), /* CMP */
    SHIFTED_ROW(13, SUB_REGISTER, BAD_D15 | BAD_N15 | BAD_M, 0, NZCV),
    SHIFTED_ROW(14, OTHER, BAD_ALL, 0, NZCV), /* RSB */
};
/* A5.3.1 data processing (modified immediate): 11110x0, bit 15 clear */
#define MODIFIED_ROW(opcode, op, bad, fr, fw) \
    ROW(0xfbe08000, 0xf0000000 | (uint32_t)(opcode) << 21, 0, MODIFIED, op, W_D | R_N, bad, fr, fw)
static const struct thumb_row wide_modified[] = {
    ROW(0xfbf08f00, 0xf0100f00, 0, MODIFIED, OTHER, R_N, BAD_ALL, 0, NZC), /* TST */
    MODIFIED_ROW(0, OTHER, BAD_ALL, 0, NZC), /* AND */
    MODIFIED_ROW(1, OTHER, BAD_ALL, 0, NZC), /* BIC */
    ROW(0xfbef8000, 0xf04f0000, 0, MODIFIED, MOV_IMMEDIATE, W_D, BAD_ALL, 0, NZC),
    MODIFIED_ROW(2, OTHER, BAD_D | BAD_N13, 0, NZC), /* ORR */
    ROW(0xfbef8000, 0xf06f0000, 0, MODIFIED, MVN_IMMEDIATE, W_D, BAD_ALL, 0, NZC),
    MODIFIED_ROW(3, OTHER, BAD_D | BAD_N13, 0, NZC), /* ORN */
    ROW(0xfbf08f00, 0xf0900f00, 0, MODIFIED, OTHER, R_N, BAD_ALL, 0, NZC), /* TEQ */
    MODIFIED_ROW(4, OTHER, BAD_ALL, 0, NZC), /* EOR */
    ROW(0xfbf08f00, 0xf1100f00, 0, MODIFIED, OTHER, R_N, BAD_N15, 0, NZCV), /* CMN */
    MODIFIED_ROW(8, ADD_IMMEDIATE, BAD_D15 | BAD_N15, 0, NZCV),
    MODIFIED_ROW(10, OTHER, BAD_ALL, C, NZCV), /* ADC */
    MODIFIED_ROW(11, OTHER, BAD_ALL, C, NZCV), /* SBC */
    ROW(0xfbf08f00, 0xf1b00f00, 0, MODIFIED, CMP_IMMEDIATE, R_N, BAD_N15, 0, NZCV),
    MODIFIED_ROW(13, SUB_IMMEDIATE, BAD_D15 | BAD_N15, 0, NZCV),
    MODIFIED_ROW(14, OTHER, BAD_ALL, 0, NZCV), /* RSB */
};
/* A5.3.3 data processing (plain binary immediate): 11110x1, bit 15 clear. Saturation is
 * sticky: Q is written or stays, so it is read too. */
static const struct thumb_row wide_plain[] = {
    ROW(0xfbff8000, 0xf20f0000, 0, ADR, ADR, W_D, BAD_D, 0, 0),
    ROW(0xfbff8000, 0xf2af0000, 0, ADR, ADR, W_D, BAD_D, 0, 0),
    ROW(0xfbf08000, 0xf2000000, 0, IMM12, ADD_IMMEDIATE, W_D | R_N, BAD_D15, 0, 0),
    ROW(0xfbf08000, 0xf2a00000, 0, IMM12, SUB_IMMEDIATE, W_D | R_N, BAD_D15, 0, 0),
    ROW(0xfbf08000, 0xf2400000, 0, IMM16, MOV_IMMEDIATE, W_D, BAD_D, 0, 0),
    ROW(0xfbf08000, 0xf2c00000, 0, IMM16, MOVT, W_D | R_D, BAD_D, 0, 0),
    DSP(0xfbf0f0c0, 0xf3200000, 0x04000030, FOUR, W_D | R_N, BAD_ALL, Q, Q), /* SSAT16 */
    DSP(0xfbf0f0c0, 0xf3a00000, 0x04000030, FOUR, W_D | R_N, BAD_ALL, Q, Q), /* USAT16 */
    ROW(0xfbd08000, 0xf3000000, 0x04000020, FOUR, OTHER, W_D | R_N, BAD_ALL, Q, Q), /* SSAT */
    ROW(0xfbd08000, 0xf3800000, 0x04000020, FOUR, OTHER, W_D | R_N, BAD_ALL, Q, Q), /* USAT */
    ROW(0xfbf08000, 0xf3400000, 0x04000020, BITFIELD, OTHER, W_D | R_N, BAD_ALL, 0, 0), /* SBFX */
    ROW(0xfbf08000, 0xf3c00000, 0x04000020, BITFIELD, OTHER, W_D | R_N, BAD_ALL, 0, 0), /* UBFX */
    ROW(0xfbff8000, 0xf36f0000, 0x04000020, BIT_INSERT, OTHER, W_D | R_D, BAD_ALL, 0, 0), /* BFC */
    ROW(0xfbf08000, 0xf3600000, 0x04000020, BIT_INSERT, OTHER, W_D | R_D | R_N,
        BAD_D | BAD_N13, 0, 0), /* BFI */
};
/* A5.3.4 branches and miscellaneous control: 11110, bit 15 set */
static const struct thumb_row wide_control[] = {
    TO(0xf800d000, 0xf000d000, 0, BRANCH, BL, LINKS, 0, 0, CALL),
    TO(0xf800d000, 0xf0009000, 0, BRANCH, B, 0, 0, 0, BRANCH),
    ROW(0xfff0d7ff, 0xf3af8000, 0x000f2800, PLAIN, NOP, 0, 0, 0, 0),
    ROW(0xfff0d700, 0xf3af8000, 0x000f2800, PLAIN, OTHER, 0, 0, 0, 0), /* hints */
    ROW(0xfff0d0f0, 0xf3bf8f2f, 0x000f2f0f, PLAIN, OTHER, 0, 0, 0, 0), /* CLREX */
    ROW(0xfff0d0f0, 0xf3bf8f40, 0x000f2f00, PLAIN, OTHER, 0, 0, 0, 0), /* DSB */
    ROW(0xfff0d0f0, 0xf3bf8f50, 0x000f2f00, PLAIN, OTHER, 0, 0, 0, 0), /* DMB */
    ROW(0xfff0d0f0, 0xf3bf8f60, 0x000f2f00, PLAIN, OTHER, 0, 0, 0, 0), /* ISB */
    ROW(0xffe0d000, 0xf3808000, 0x00102300, MSR, MSR, R_N, BAD_N, 0, 0),
    ROW(0xffe0d000, 0xf3ef8000, 0x001f2000, MRS, MRS, W_D, BAD_D, 0, 0),
    TO(0xfff0f000, 0xf7f0a000, 0, CODE16, UDF, 0, 0, 0, TRAP),
    TO(0xfa00d000, 0xf0008000, 0, BRANCH_COND, B_COND, NOT_IN_IT, 0, 0, BRANCH_COND),
    TO(0xfb00d000, 0xf2008000, 0, BRANCH_COND, B_COND, NOT_IN_IT, 0, 0, BRANCH_COND),
    TO(0xfb80d000, 0xf3008000, 0, BRANCH_COND, B_COND, NOT_IN_IT, 0, 0, BRANCH_COND),
};
/* A5.3.10 store single: 11111000xxx0. rn = 15 is UNDEFINED (decode.c). P = 1, U = 1, W = 0
 * is the unprivileged form. */
#define STORE_ROWS(size, op, bad) \
    ROW(0xfff00000, 0xf8800000 | (size), 0, MEMORY12, op, R_D | R_N | STORES, bad, 0, 0), \
    ROW(0xfff00fc0, 0xf8000000 | (size), 0, MEMORY_REG, op, R_D | R_N | R_M | STORES, \
        (bad) | BAD_M, 0, 0), \
    ROW(0xfff00f00, 0xf8000e00 | (size), 0, MEMORY8, STORE, R_D | R_N | STORES, BAD_D, 0, 0), \
    ROW(0xfff00900, 0xf8000900 | (size), 0, MEMORY8, op, R_D | R_N | STORES, bad, 0, 0), \
    ROW(0xfff00c00, 0xf8000c00 | (size), 0, MEMORY8, op, R_D | R_N | STORES, bad, 0, 0)
static const struct thumb_row wide_store[] = {
    ROW(0xffff0fff, 0xf84d0d04, 0, MEMORY8, PUSH, R_D | R_N | STORES, BAD_D, 0, 0),
    STORE_ROWS(0x400000, STR, BAD_D15),
    STORE_ROWS(0x000000, STORE, BAD_D), /* STRB */
    STORE_ROWS(0x200000, STORE, BAD_D), /* STRH */
};
/* A5.3.7 load word: 1111100xx101 */
static const struct thumb_row wide_load_word[] = {
    ROW(0xffff0fff, 0xf85d0b04, 0, MEMORY8, POP, W_D | R_N | LOADS, BAD_D13, 0, 0),
    ROW(0xff7f0000, 0xf85f0000, 0, LITERAL, LDR, W_D | LOADS, 0, 0, 0),
    ROW(0xfff00000, 0xf8d00000, 0, MEMORY12, LDR, W_D | R_N | LOADS, 0, 0, 0),
    ROW(0xfff00fc0, 0xf8500000, 0, MEMORY_REG, LDR, W_D | R_N | R_M | LOADS, BAD_M, 0, 0),
    ROW(0xfff00f00, 0xf8500e00, 0, MEMORY8, LOAD, W_D | R_N | LOADS, BAD_D, 0, 0), /* LDRT */
    ROW(0xfff00900, 0xf8500900, 0, MEMORY8, LDR, W_D | R_N | LOADS, 0, 0, 0),
    ROW(0xfff00c00, 0xf8500c00, 0, MEMORY8, LDR, W_D | R_N | LOADS, 0, 0, 0),
};
/* A5.3.8, A5.3.9 load half-word and byte: with Rt = 15 these are hints to preload (byte) or
 * unallocated hints (half-word). */
#define LOAD_ROWS(size) \
    ROW(0xff7f0000, 0xf81f0000 | (size), 0, LITERAL, LOAD, W_D | LOADS, BAD_D, 0, 0), \
    ROW(0xfff00000, 0xf8900000 | (size), 0, MEMORY12, LOAD, W_D | R_N | LOADS, BAD_D, 0, 0), \
    ROW(0xfff00fc0, 0xf8100000 | (size), 0, MEMORY_REG, LOAD, W_D | R_N | R_M | LOADS, \
        BAD_D | BAD_M, 0, 0), \
    ROW(0xfff00900, 0xf8100900 | (size), 0, MEMORY8, LOAD, W_D | R_N | LOADS, BAD_D, 0, 0), \
    ROW(0xfff00c00, 0xf8100c00 | (size), 0, MEMORY8, LOAD, W_D | R_N | LOADS, BAD_D, 0, 0)
#define PRELOAD_ROWS(size, extra) \
    ROW(0xff7ff000, 0xf81ff000 | (size), 0, LITERAL, OTHER, extra, 0, 0, 0), \
    ROW(0xfff0f000, 0xf890f000 | (size), 0, MEMORY12, OTHER, R_N | (extra), 0, 0, 0), \
    ROW(0xfff0ffc0, 0xf810f000 | (size), 0, MEMORY_REG, OTHER, R_N | R_M | (extra), BAD_M, 0, 0), \
    ROW(0xfff0ff00, 0xf810fc00 | (size), 0, MEMORY8, OTHER, R_N | (extra), 0, 0, 0)
static const struct thumb_row wide_load_byte[] = {
    PRELOAD_ROWS(0x0000000, 0), LOAD_ROWS(0x0000000), /* PLD, LDRB */
    PRELOAD_ROWS(0x1000000, 0), LOAD_ROWS(0x1000000), /* PLI, LDRSB */
};
static const struct thumb_row wide_load_half[] = {
    PRELOAD_ROWS(0x0200000, HINT), LOAD_ROWS(0x0200000), /* LDRH */
    PRELOAD_ROWS(0x1200000, HINT), LOAD_ROWS(0x1200000), /* LDRSH */
};
/* A5.3.12 data processing (register): 11111010 */
#define EXTEND_ROWS(opcode) \
    ROW(0xfffff080, 0xfa0ff080 | (uint32_t)(opcode) << 20, 0x40, FOUR, OTHER, W_D | R_M, \
        BAD_ALL, 0, 0), \
    DSP(0xfff0f080, 0xfa00f080 | (uint32_t)(opcode) << 20, 0x40, FOUR, W_D | R_N | R_M, \
        BAD_D | BAD_N13 | BAD_M, 0, 0)
#define EXTEND16_ROWS(opcode) \
    DSP(0xfffff080, 0xfa0ff080 | (uint32_t)(opcode) << 20, 0x40, FOUR, W_D | R_M, BAD_ALL, 0, 0), \
    DSP(0xfff0f080, 0xfa00f080 | (uint32_t)(opcode) << 20, 0x40, FOUR, W_D | R_N | R_M, \
        BAD_D | BAD_N13 | BAD_M, 0, 0)
#define SHIFT_ROW(opcode) \
    ROW(0xffe0f0f0, 0xfa00f000 | (uint32_t)(opcode) << 21, 0, SHIFT_REG, OTHER, W_D | R_N | R_M, \
        BAD_ALL, C, NZC)
static const struct thumb_row wide_register[] = {
    SHIFT_ROW(0), SHIFT_ROW(1), SHIFT_ROW(2), SHIFT_ROW(3), /* LSL LSR ASR ROR */
    EXTEND_ROWS(0), EXTEND_ROWS(1),                         /* SXTH UXTH */
    EXTEND16_ROWS(2), EXTEND16_ROWS(3),                     /* SXTB16 UXTB16 */
    EXTEND_ROWS(4), EXTEND_ROWS(5),                         /* SXTB UXTB */
};
/* op1: 0 ADD8, 1 ADD16, 2 ASX, 4 SUB8, 5 SUB16, 6 SAX */
#define PARALLEL_ROWS(op1) \
    DSP(0xfff0f0b0, 0xfa80f000 | (uint32_t)(op1) << 20, 0, FOUR, W_D | R_N | R_M, BAD_ALL, 0, GE), \
    DSP(0xfff0f0b0, 0xfa80f010 | (uint32_t)(op1) << 20, 0, FOUR, W_D | R_N | R_M, BAD_ALL, 0, 0), \
    DSP(0xfff0f0b0, 0xfa80f020 | (uint32_t)(op1) << 20, 0, FOUR, W_D | R_N | R_M, BAD_ALL, 0, 0)
static const struct thumb_row wide_parallel[] = {
    ROW(0xfff0f0c0, 0xfa90f080, 0, TWICE, OTHER, W_D | R_M, BAD_ALL, 0, 0), /* REV, RBIT ... */
    ROW(0xfff0f0f0, 0xfab0f080, 0, TWICE, OTHER, W_D | R_M, BAD_ALL, 0, 0), /* CLZ */
    DSP(0xfff0f0c0, 0xfa80f080, 0, FOUR, W_D | R_N | R_M, BAD_ALL, Q, Q),   /* QADD ... */
    DSP(0xfff0f0f0, 0xfaa0f080, 0, FOUR, W_D | R_N | R_M, BAD_ALL, GE, 0),  /* SEL */
    PARALLEL_ROWS(0), PARALLEL_ROWS(1), PARALLEL_ROWS(2),
    PARALLEL_ROWS(4), PARALLEL_ROWS(5), PARALLEL_ROWS(6),
};
/* A5.3.16 multiply: 111110110. Ra = 15 is the form without an accumulator. */
#define MULTIPLY(mask, value, fr, fw) \
    DSP((mask) | 0xf000, (value) | 0xf000, 0, FOUR, W_D | R_N | R_M, BAD_ALL, 0, 0), \
    DSP(mask, value, 0, FOUR, W_D | R_N | R_M | R_A, BAD_ALL, fr, fw)
static const struct thumb_row wide_multiply[] = {
    ROW(0xfff0f0f0, 0xfb00f000, 0, FOUR, OTHER, W_D | R_N | R_M, BAD_ALL, 0, 0),        /* MUL */
    ROW(0xfff000f0, 0xfb000000, 0, FOUR, OTHER, W_D | R_N | R_M | R_A, BAD_ALL, 0, 0), /* MLA */
    ROW(0xfff000f0, 0xfb000010, 0, FOUR, OTHER, W_D | R_N | R_M | R_A, BAD_ALL, 0, 0), /* MLS */
    MULTIPLY(0xfff000c0, 0xfb100000, Q, Q), /* SMLAxy, SMULxy */
    DSP(0xfff0f0e0, 0xfb20f000, 0, FOUR, W_D | R_N | R_M, BAD_ALL, Q, Q), /* SMUAD may saturate */
    DSP(0xfff000e0, 0xfb200000, 0, FOUR, W_D | R_N | R_M | R_A, BAD_ALL, Q, Q), /* SMLAD */
    MULTIPLY(0xfff000e0, 0xfb300000, Q, Q), /* SMLAWy, SMULWy */
    DSP(0xfff0f0e0, 0xfb40f000, 0, FOUR, W_D | R_N | R_M, BAD_ALL, 0, 0), /* SMUSD */
    DSP(0xfff000e0, 0xfb400000, 0, FOUR, W_D | R_N | R_M | R_A, BAD_ALL, Q, Q), /* SMLSD */
    MULTIPLY(0xfff000e0, 0xfb500000, 0, 0), /* SMMLA, SMMUL */
    DSP(0xfff000e0, 0xfb600000, 0, FOUR, W_D | R_N | R_M | R_A, BAD_ALL, 0, 0), /* SMMLS */
    MULTIPLY(0xfff000f0, 0xfb700000, 0, 0), /* USADA8, USAD8 */
};
/* A5.3.17 long multiply, divide: 111110111 */
static const struct thumb_row wide_long[] = {
    ROW(0xfff000f0, 0xfb800000, 0, LONG, OTHER, W_D | W_A | R_N | R_M, BAD_ALL, 0, 0), /* SMULL */
    ROW(0xfff000f0, 0xfba00000, 0, LONG, OTHER, W_D | W_A | R_N | R_M, BAD_ALL, 0, 0), /* UMULL */
    ROW(0xfff000f0, 0xfb90f0f0, 0xf000, FOUR, OTHER, W_D | R_N | R_M, BAD_ALL, 0, 0),  /* SDIV */
    ROW(0xfff000f0, 0xfbb0f0f0, 0xf000, FOUR, OTHER, W_D | R_N | R_M, BAD_ALL, 0, 0),  /* UDIV */
    ROW(0xfff000f0, 0xfbc00000, 0, LONG, OTHER, R_D | R_A | W_D | W_A | R_N | R_M, BAD_ALL, 0,
        0), /* SMLAL */
    ROW(0xfff000f0, 0xfbe00000, 0, LONG, OTHER, R_D | R_A | W_D | W_A | R_N | R_M, BAD_ALL, 0,
        0), /* UMLAL */
    DSP(0xfff000f0, 0xfbe00060, 0, LONG, R_D | R_A | W_D | W_A | R_N | R_M, BAD_ALL, 0,
        0), /* UMAAL */
    DSP(0xfff000c0, 0xfbc00080, 0, LONG, R_D | R_A | W_D | W_A | R_N | R_M, BAD_ALL, 0,
        0), /* SMLALxy */
    DSP(0xfff000e0, 0xfbc000c0, 0, LONG, R_D | R_A | W_D | W_A | R_N | R_M, BAD_ALL, 0,
        0), /* SMLALD */
    DSP(0xfff000e0, 0xfbd000c0, 0, LONG, R_D | R_A | W_D | W_A | R_N | R_M, BAD_ALL, 0,
        0), /* SMLSLD */
};
/* A5.3.18 coprocessors other than 10 and 11; bit 28 is the "2" of MCR2, CDP2 ... */
static const struct thumb_row wide_coprocessor[] = {
    COPRO(0xeff00000, 0xec400000, 0, COPRO_TWO, R_D | R_A, BAD_D | BAD_A, 0), /* MCRR */
    COPRO(0xeff00000, 0xec500000, 0, COPRO_TWO, W_D | W_A, BAD_D | BAD_A, 0), /* MRRC */
    COPRO(0xef100010, 0xee000010, 0, COPRO_ONE, R_D, BAD_D, 0),               /* MCR */
    COPRO(0xef100010, 0xee100010, 0, COPRO_ONE_IN, W_D, BAD_D13, 0),          /* MRC */
    COPRO(0xef000010, 0xee000000, 0, PLAIN, 0, 0, 0),                         /* CDP */
    /* bits 24, 23 and 21 clear: the space above and UNDEFINED */
    COPRO(0xef300000, 0xec200000, 0, COPRO_MEMORY, R_N | STORES, BAD_N15, 0), /* STC */
    COPRO(0xef300000, 0xec300000, 0, COPRO_MEMORY, R_N | LOADS, 0, 0),        /* LDC */
    COPRO(0xef900000, 0xec800000, 0, COPRO_MEMORY, R_N | STORES, BAD_N15, 0),
    COPRO(0xef900000, 0xec900000, 0, COPRO_MEMORY, R_N | LOADS, 0, 0),
    COPRO(0xef100000, 0xed000000, 0, COPRO_MEMORY, R_N | STORES, BAD_N15, 0),
    COPRO(0xef100000, 0xed100000, 0, COPRO_MEMORY, R_N | LOADS, 0, 0),
};

/* A6.5, A6.7 floating-point loads, stores, 64-bit moves: 1110110, coprocessor 10 or 11.
 * These cores have the doubles D0 to D15; a field that names D16 to D31 is UNDEFINED, so
 * the masks of doubles hold bit 22 (D), 7 (N) or 5 (M) at zero. */
#define VMEMORY(mask, value, form, roles, bad) \
    FP((mask) | 0xf00, (value) | 0xa00, 0, form, roles, bad, 0, 0, FPV4), \
    FP((mask) | 0x400f00, (value) | 0xb00, 0, form, roles, bad, 0, 0, FPV4)
/* Lists that go beyond D15 are UNPREDICTABLE (decode.c), so D is free. */
#define VLIST(mask, value, roles) \
    FP((mask) | 0xe00, (value) | 0xa00, 0, VMEMORY_LIST, roles, BAD_N15, 0, 0, FPV4)
static const struct thumb_row wide_vmemory[] = {
    VMEMORY(0xff300000, 0xed100000, COPRO_MEMORY, R_N | LOADS, 0),        /* VLDR */
    VMEMORY(0xff300000, 0xed000000, COPRO_MEMORY, R_N | STORES, BAD_N15), /* VSTR */
    VLIST(0xff900000, 0xec800000, R_N | STORES), /* VSTMIA */
    VLIST(0xff900000, 0xec900000, R_N | LOADS),  /* VLDMIA */
    VLIST(0xffb00000, 0xed200000, R_N | STORES), /* VSTMDB */
    VLIST(0xffb00000, 0xed300000, R_N | LOADS),  /* VLDMDB */
    FP(0xfff00fd0, 0xec400a10, 0, VMOV_TWO, R_D | R_A, BAD_D | BAD_A, 0, 0, FPV4),
    FP(0xfff00fd0, 0xec500a10, 0, VMOV_TWO, W_D | W_A, BAD_D | BAD_A, 0, 0, FPV4),
    FP(0xfff00ff0, 0xec400b10, 0, VMOV_TWO, R_D | R_A, BAD_D | BAD_A, 0, 0, FPV4),
    FP(0xfff00ff0, 0xec500b10, 0, VMOV_TWO, W_D | W_A, BAD_D | BAD_A, 0, 0, FPV4),
};
/* A6.4, A6.6 floating-point data processing and moves: 11101110. Bits of doubles as above:
 * D = 0x400000, N = 0x80, M = 0x20. */
#define VONE(mask, value, should, arch) FP(mask, value, should, PLAIN, 0, 0, 0, 0, arch)
#define VTHREE(mask, value, arch) \
    VONE((mask) | 0xf00, (value) | 0xa00, 0, arch), \
    VONE((mask) | 0x400fa0, (value) | 0xb00, 0, FPV5_DOUBLE)
#define VTWO(mask, value, should, arch) \
    VONE((mask) | 0xf00, (value) | 0xa00, should, arch), \
    VONE((mask) | 0x400f20, (value) | 0xb00, should, FPV5_DOUBLE)
static const struct thumb_row wide_vdata[] = {
    FP(0xfff00f10, 0xee000a10, 0x6f, COPRO_ONE, R_D, BAD_D, 0, 0, FPV4), /* VMOV Sn, Rt */
    FP(0xfff00f10, 0xee100a10, 0x6f, COPRO_ONE, W_D, BAD_D, 0, 0, FPV4), /* VMOV Rt, Sn */
    FP(0xffffff10, 0xeef1fa10, 0xef, PLAIN, 0, 0, 0, NZCV, FPV4),        /* VMRS APSR_nzcv */
    FP(0xffff0f10, 0xeef10a10, 0xef, COPRO_ONE, W_D, BAD_D13, 0, 0, FPV4), /* VMRS Rt, FPSCR */
    FP(0xffff0f10, 0xeee10a10, 0xef, COPRO_ONE, R_D, BAD_D, 0, 0, FPV4),   /* VMSR FPSCR, Rt */
    FP(0xffd00ff0, 0xee000b10, 0x0f, COPRO_ONE, R_D, BAD_D, 0, 0, FPV4),   /* VMOV Dd[x], Rt */
    FP(0xffd00ff0, 0xee100b10, 0x0f, COPRO_ONE, W_D, BAD_D, 0, 0, FPV4),   /* VMOV Rt, Dn[x] */
    VTHREE(0xffb00010, 0xee300000, FPV4), /* VADD, VSUB */
    VTHREE(0xffb00010, 0xee200000, FPV4), /* VMUL, VNMUL */
    VTHREE(0xffb00010, 0xee000000, FPV4), /* VMLA, VMLS */
    VTHREE(0xffb00010, 0xee100000, FPV4), /* VNMLA, VNMLS */
    VTHREE(0xffb00050, 0xee800000, FPV4), /* VDIV */
    VTHREE(0xffb00010, 0xee900000, FPV4), /* VFNMA, VFNMS */
    VTHREE(0xffb00010, 0xeea00000, FPV4), /* VFMA, VFMS */
    VONE(0xffb00f50, 0xeeb00a00, 0xa0, FPV4), /* VMOV Sd, #imm */
    VONE(0xfff00f50, 0xeeb00b00, 0xa0, FPV5_DOUBLE),
    VTWO(0xffbf00d0, 0xeeb00040, 0, FPV4), /* VMOV */
    VTWO(0xffbf00d0, 0xeeb000c0, 0, FPV4), /* VABS */
    VTWO(0xffbf00d0, 0xeeb10040, 0, FPV4), /* VNEG */
    VTWO(0xffbf00d0, 0xeeb100c0, 0, FPV4), /* VSQRT */
    VONE(0xffbe0f50, 0xeeb20a40, 0, FPV4), /* VCVTB, VCVTT: half and single */
    VONE(0xffff0f50, 0xeeb20b40, 0, FPV5_DOUBLE), /* double from half */
    VONE(0xffbf0f70, 0xeeb30b40, 0, FPV5_DOUBLE), /* half from double */
    VTWO(0xffbf0050, 0xeeb40040, 0, FPV4),        /* VCMP, VCMPE */
    VONE(0xffbf0f50, 0xeeb50a40, 0x2f, FPV4),     /* VCMP, VCMPE with zero */
    VONE(0xffff0f50, 0xeeb50b40, 0x2f, FPV5_DOUBLE),
    VTWO(0xffbf0050, 0xeeb60040, 0, FPV5),        /* VRINTR, VRINTZ */
    VTWO(0xffbf00d0, 0xeeb70040, 0, FPV5),        /* VRINTX */
    VONE(0xffff0fd0, 0xeeb70ac0, 0, FPV5_DOUBLE), /* VCVT.F64.F32 */
    VONE(0xffbf0ff0, 0xeeb70bc0, 0, FPV5_DOUBLE), /* VCVT.F32.F64 */
    VONE(0xffbf0f50, 0xeeb80a40, 0, FPV4),        /* VCVT.F32 from integer */
    VONE(0xffff0f50, 0xeeb80b40, 0, FPV5_DOUBLE),
    FP(0xffba0f50, 0xeeba0a40, 0, VCVT_FIXED, 0, 0, 0, 0, FPV4),
    FP(0xfffa0f50, 0xeeba0b40, 0, VCVT_FIXED, 0, 0, 0, 0, FPV5_DOUBLE),
    VONE(0xffbe0f50, 0xeebc0a40, 0, FPV4), /* VCVT, VCVTR to integer */
    VONE(0xffbe0f70, 0xeebc0b40, 0, FPV5_DOUBLE),
};
/* FPv5's unconditional instructions: 11111110 */
#define VSEL_ROWS(cc, flags) \
    FP(0xffb00f50, 0xfe000a00 | (uint32_t)(cc) << 20, 0, PLAIN, NOT_IN_IT, 0, flags, \
       0, FPV5), \
    FP(0xfff00ff0, 0xfe000b00 | (uint32_t)(cc) << 20, 0, PLAIN, NOT_IN_IT, 0, flags, 0, \
       FPV5_DOUBLE)
static const struct thumb_row wide_vdata2[] = {
    VSEL_ROWS(0, Z), VSEL_ROWS(1, V), VSEL_ROWS(2, N | V), VSEL_ROWS(3, N | Z | V),
    FP(0xffb00f10, 0xfe800a00, 0, PLAIN, NOT_IN_IT, 0, 0, 0, FPV5), /* VMAXNM, VMINNM */
    FP(0xfff00fb0, 0xfe800b00, 0, PLAIN, NOT_IN_IT, 0, 0, 0, FPV5_DOUBLE),
    FP(0xffbc0fd0, 0xfeb80a40, 0, PLAIN, NOT_IN_IT, 0, 0, 0, FPV5), /* VRINTA, N, P, M */
    FP(0xfffc0ff0, 0xfeb80b40, 0, PLAIN, NOT_IN_IT, 0, 0, 0, FPV5_DOUBLE),
    FP(0xffbc0f50, 0xfebc0a40, 0, PLAIN, NOT_IN_IT, 0, 0, 0, FPV5), /* VCVTA, N, P, M */
    FP(0xffbc0f70, 0xfebc0b40, 0, PLAIN, NOT_IN_IT, 0, 0, 0, FPV5_DOUBLE),
};
/* clang-format on */

enum narrow_id {
    G_SHIFT,
    G_IMM8,
    G_ALU,
    G_HIGH,
    G_LITERAL,
    G_MEMORY_REG,
    G_WORD,
    G_BYTE,
    G_HALF,
    G_SP,
    G_ADDRESS,
    G_MISC_LOW,
    G_MISC_HIGH,
    G_MULTIPLE,
    G_BRANCH_COND,
    G_BRANCH,
};

static const struct thumb_group narrow_groups[] = {
    [G_SHIFT] = GROUP(narrow_shift),
    [G_IMM8] = ORDERED_GROUP(narrow_imm8, 11, 3),
    [G_ALU] = ORDERED_GROUP(narrow_alu, 6, 15),
    [G_HIGH] = ORDERED_GROUP(narrow_high, 8, 3),
    [G_LITERAL] = GROUP(narrow_literal),
    [G_MEMORY_REG] = ORDERED_GROUP(narrow_memory_reg, 9, 7),
    [G_WORD] = ORDERED_GROUP(narrow_memory_word, 11, 1),
    [G_BYTE] = ORDERED_GROUP(narrow_memory_byte, 11, 1),
    [G_HALF] = ORDERED_GROUP(narrow_memory_half, 11, 1),
    [G_SP] = ORDERED_GROUP(narrow_memory_sp, 11, 1),
    [G_ADDRESS] = ORDERED_GROUP(narrow_address, 11, 1),
    [G_MISC_LOW] = GROUP(narrow_misc_low),
    [G_MISC_HIGH] = GROUP(narrow_misc_high),
    [G_MULTIPLE] = ORDERED_GROUP(narrow_multiple, 11, 1),
    [G_BRANCH_COND] = GROUP(narrow_branch_cond),
    [G_BRANCH] = GROUP(narrow_branch),
};

/* By bits 15:10; 0xe8 and above is wide and does not come here. */
static const uint8_t narrow_index[64] = {
    G_SHIFT,       G_SHIFT,       G_SHIFT,      G_SHIFT,      G_SHIFT,       G_SHIFT,
    G_SHIFT,       G_SHIFT,       G_IMM8,       G_IMM8,       G_IMM8,        G_IMM8,
    G_IMM8,        G_IMM8,        G_IMM8,       G_IMM8,       G_ALU,         G_HIGH,
    G_LITERAL,     G_LITERAL,     G_MEMORY_REG, G_MEMORY_REG, G_MEMORY_REG,  G_MEMORY_REG,
    G_WORD,        G_WORD,        G_WORD,       G_WORD,       G_BYTE,        G_BYTE,
    G_BYTE,        G_BYTE,        G_HALF,       G_HALF,       G_HALF,        G_HALF,
    G_SP,          G_SP,          G_SP,         G_SP,         G_ADDRESS,     G_ADDRESS,
    G_ADDRESS,     G_ADDRESS,     G_MISC_LOW,   G_MISC_LOW,   G_MISC_HIGH,   G_MISC_HIGH,
    G_MULTIPLE,    G_MULTIPLE,    G_MULTIPLE,   G_MULTIPLE,   G_BRANCH_COND, G_BRANCH_COND,
    G_BRANCH_COND, G_BRANCH_COND, G_BRANCH,     G_BRANCH,
};

const struct thumb_group *thumb_narrow_group(uint32_t bits) {
    return &narrow_groups[narrow_index[bits >> 10]];
}

static const struct thumb_group group_none = {0, 0, 0, 0};
static const struct thumb_group group_multiple = GROUP(wide_multiple);
static const struct thumb_group group_dual = GROUP(wide_dual);
static const struct thumb_group group_shifted = GROUP(wide_shifted);
static const struct thumb_group group_modified = GROUP(wide_modified);
static const struct thumb_group group_plain = GROUP(wide_plain);
static const struct thumb_group group_control = GROUP(wide_control);
static const struct thumb_group group_store = GROUP(wide_store);
static const struct thumb_group group_load_word = GROUP(wide_load_word);
static const struct thumb_group group_load_byte = GROUP(wide_load_byte);
static const struct thumb_group group_load_half = GROUP(wide_load_half);
static const struct thumb_group group_register = GROUP(wide_register);
static const struct thumb_group group_parallel = GROUP(wide_parallel);
static const struct thumb_group group_multiply = GROUP(wide_multiply);
static const struct thumb_group group_long = GROUP(wide_long);
static const struct thumb_group group_coprocessor = GROUP(wide_coprocessor);
static const struct thumb_group group_vmemory = GROUP(wide_vmemory);
static const struct thumb_group group_vdata = GROUP(wide_vdata);
static const struct thumb_group group_vdata2 = GROUP(wide_vdata2);

/* Coprocessor space, 111x11: 10 and 11 are the floating-point unit. */
static const struct thumb_group *coprocessor_group(uint32_t bits) {
    if ((bits & 0x0e00) != 0x0a00) return &group_coprocessor;
    switch (bits >> 24) {
    case 0xec:
    case 0xed:
        return &group_vmemory;
    case 0xee:
        return &group_vdata;
    case 0xfe:
        return &group_vdata2;
    default:
        return &group_none;
    }
}

const struct thumb_group *thumb_wide_group(uint32_t bits) {
    static const struct thumb_group *const loads[4] = {&group_load_byte, &group_load_half,
                                                       &group_load_word, &group_none};
    switch (bits >> 25) {
    case 0xe8 >> 1:
        return bits & 0x00400000 ? &group_dual : &group_multiple;
    case 0xea >> 1:
        return &group_shifted;
    case 0xf0 >> 1:
    case 0xf4 >> 1:
        return bits & 0x8000 ? &group_control : &group_modified;
    case 0xf2 >> 1:
    case 0xf6 >> 1:
        return bits & 0x8000 ? &group_control : &group_plain;
    case 0xf8 >> 1:
        return bits & 0x00100000   ? loads[bits >> 21 & 3]
               : bits & 0x01000000 ? &group_none
                                   : &group_store;
    case 0xfa >> 1:
        if (bits & 0x01000000) return bits & 0x00800000 ? &group_long : &group_multiply;
        return bits & 0x00800000 ? &group_parallel : &group_register;
    default:
        return coprocessor_group(bits);
    }
}
