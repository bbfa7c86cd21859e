/* Thumb-2 instructions of ARMv7-M and ARMv7E-M, with the single- and double-precision
 * floating point of Cortex-M4F and M7: what each one is, how long it is, where control
 * goes, which place it refers to, and which core registers and flags it reads and writes.
 *
 * Source: ARM DDI 0403E (ARMv7-M Architecture Reference Manual), chapters A5 to A7.
 * The decoder is a table, one row an encoding (decode.c); a bit pattern that no row
 * takes is THUMB_UNDEFINED and is never guessed. Encodings that are UNPREDICTABLE
 * decode as their row says but carry `unpredictable`; passes refuse them.
 *
 * Example:
 *     struct thumb_insn insn;
 *     if (!thumb_decode(bytes, available_bytes, address, &insn)) ...truncated...
 *     if (insn.flow == THUMB_FLOW_BRANCH) follow(insn.target);
 *
 * thumb_decode() knows nothing of an IT block around the instruction; the walker keeps
 * the block's state (thumb_it_*) and calls thumb_apply_it().
 */
#ifndef FIRMWARE_ARCH_THUMB_THUMB_H
#define FIRMWARE_ARCH_THUMB_THUMB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { THUMB_IP = 12, THUMB_SP = 13, THUMB_LR = 14, THUMB_PC = 15, THUMB_NO_REGISTER = 255 };

enum { /* bits of flags_read and flags_written */
       THUMB_FLAG_V = 1,
       THUMB_FLAG_C = 2,
       THUMB_FLAG_Z = 4,
       THUMB_FLAG_N = 8,
       THUMB_FLAG_Q = 16,
       THUMB_FLAG_GE = 32,
       THUMB_FLAGS_NZCV = 15,
};

enum { THUMB_COND_EQ = 0, THUMB_COND_NE = 1, THUMB_COND_AL = 14 }; /* ARM's four-bit codes */

/* Where control may go after the instruction (before any IT condition). */
enum thumb_flow {
    THUMB_FLOW_NEXT,          /* falls through; also SVC, BKPT, WFI, MSR ... */
    THUMB_FLOW_BRANCH,        /* B: to .target only */
    THUMB_FLOW_BRANCH_COND,   /* B<c>, CBZ, CBNZ: to .target or next */
    THUMB_FLOW_CALL,          /* BL: to .target, comes back */
    THUMB_FLOW_CALL_INDIRECT, /* BLX register .rm */
    THUMB_FLOW_JUMP_INDIRECT, /* BX .rm, MOV/ADD/LDR/POP/LDM writing pc */
    THUMB_FLOW_TABLE,         /* TBB, TBH: through the table */
    THUMB_FLOW_TRAP,          /* UDF and THUMB_UNDEFINED: does not come back */
};

/* The PC-relative form, if any; .target holds the absolute address it means. */
enum thumb_reference {
    THUMB_REFERENCE_NONE,
    THUMB_REFERENCE_BRANCH,  /* B, B<c>, BL, CBZ, CBNZ */
    THUMB_REFERENCE_LITERAL, /* LDR* / LDRD / VLDR / PLD / PLI (literal): target is data */
    THUMB_REFERENCE_ADR,     /* ADR and ADD/SUB Rd, pc, #imm: target is an address */
    THUMB_REFERENCE_TABLE,   /* TBB/TBH with rn = pc: target is the table's first byte */
    THUMB_REFERENCE_PC_READ, /* any other read of pc as a value: its meaning is tied to place */
};

/* The least architecture that has the encoding. */
enum thumb_architecture {
    THUMB_ARCHITECTURE_NONE,       /* THUMB_UNDEFINED */
    THUMB_ARCHITECTURE_V7M,        /* all of ARMv7-M, the ARMv6-M instructions included */
    THUMB_ARCHITECTURE_V7EM,       /* the DSP extension */
    THUMB_ARCHITECTURE_COPRO,      /* generic coprocessor instructions */
    THUMB_ARCHITECTURE_FPV4,       /* FPv4-SP: Cortex-M4F */
    THUMB_ARCHITECTURE_FPV5,       /* FPv5, single precision */
    THUMB_ARCHITECTURE_FPV5_DOUBLE /* FPv5 with doubles: Cortex-M7 */
};

/* One name for all encodings of a mnemonic the passes ask about; THUMB_OTHER for the
 * rest. Narrow and wide forms share it; .size_bytes tells them apart. */
enum thumb_op {
    THUMB_UNDEFINED, /* no row: treat as trap, never move */
    THUMB_OTHER,
    THUMB_B,      /* unconditional */
    THUMB_B_COND, /* .cond */
    THUMB_BL,
    THUMB_BLX_REGISTER, /* .rm */
    THUMB_BX,           /* .rm */
    THUMB_CBZ,          /* .rn */
    THUMB_CBNZ,         /* .rn */
    THUMB_TBB,          /* .rn base, .rm index */
    THUMB_TBH,
    THUMB_IT,    /* .imm: the 8-bit firstcond:mask */
    THUMB_PUSH,  /* STMDB sp!, list: narrow, wide, and STR Rt,[sp,#-4]! (one-register
                    A7.7.101 T3); .list */
    THUMB_POP,   /* LDMIA sp!, list: narrow, wide, and LDR Rt,[sp],#4; .list */
    THUMB_STM,   /* other store multiple: .rn, .list, .writeback, .decrement */
    THUMB_LDM,   /* other load multiple */
    THUMB_LDR,   /* word load, any addressing incl. literal; .rd = Rt, .rn, .rm, .imm,
                    .shift, .index, .writeback; immediate forms have rm = none */
    THUMB_STR,   /* word store */
    THUMB_LOAD,  /* other integer loads (byte, half, dual, exclusive): .rd, .rn, .imm */
    THUMB_STORE, /* other integer stores */
    THUMB_ADR,
    THUMB_MOV_REGISTER,  /* MOV(S) Rd, Rm without a shift: .rd, .rm */
    THUMB_MOV_IMMEDIATE, /* MOV(S), MOVW: .rd, .imm (zero-extended, expanded) */
    THUMB_MOVT,          /* .rd, .imm = the 16 bits */
    THUMB_MVN_IMMEDIATE, /* .rd, .imm (the value written is ~imm) */
    THUMB_ADD_IMMEDIATE, /* ADD(S) Rd, Rn, #imm incl. SP and ADDW: .rd, .rn, .imm */
    THUMB_SUB_IMMEDIATE, /* SUB(S) Rd, Rn, #imm incl. SP and SUBW */
    THUMB_ADD_REGISTER,  /* ADD(S) Rd, Rn, Rm {,shift}: .rd, .rn, .rm, .shift = LSL amount or
                            255 for another shift */
    THUMB_SUB_REGISTER,
    THUMB_CMP_IMMEDIATE, /* .rn, .imm */
    THUMB_MRS,           /* .rd, .imm = SYSm */
    THUMB_MSR,           /* .rn, .imm = SYSm */
    THUMB_CPS,
    THUMB_SVC,  /* .imm */
    THUMB_BKPT, /* .imm */
    THUMB_UDF,  /* .imm */
    THUMB_NOP,  /* NOP and NOP.W; other hints are THUMB_OTHER */
};

struct thumb_insn {
    uint32_t bits;   /* narrow: the half-word; wide: first half-word in the high half */
    uint32_t target; /* absolute address of the PC-relative place; 0 without a reference */
    uint32_t imm;    /* see thumb_op; offsets are magnitudes, .subtract tells the sign */
    uint16_t reads;  /* core registers r0..r15 read, one bit each; r15 only where pc is
                        read as a value */
    uint16_t writes; /* core registers written */
    uint16_t list;   /* register list of PUSH/POP/LDM/STM */
    uint8_t flags_read;
    uint8_t flags_written;
    uint8_t size_bytes;   /* 2 or 4 */
    uint8_t op;           /* enum thumb_op */
    uint8_t flow;         /* enum thumb_flow */
    uint8_t reference;    /* enum thumb_reference */
    uint8_t cond;         /* of B<c>; after thumb_apply_it() of any conditional instruction;
                             else THUMB_COND_AL */
    uint8_t rd, rn, rm;   /* THUMB_NO_REGISTER when the form has none */
    uint8_t ra;           /* the fourth: accumulator, RdLo, Rt2, or the status of STREX */
    uint8_t architecture; /* enum thumb_architecture */
    uint8_t shift;
    bool subtract : 1;              /* the immediate offset is subtracted */
    bool index : 1;                 /* pre-indexed or plain offset addressing (P bit) */
    bool writeback : 1;             /* base register is written */
    bool decrement : 1;             /* LDM/STM: DB instead of IA */
    bool unpredictable : 1;         /* the manual says UNPREDICTABLE for these fields */
    bool loads : 1;                 /* reads memory */
    bool stores : 1;                /* writes memory */
    bool coprocessor : 1;           /* FP or other coprocessor space */
    bool in_it : 1;                 /* set by thumb_apply_it(): executes under .cond */
    bool it_last : 1;               /* last of its IT block */
    bool not_in_it : 1;             /* UNPREDICTABLE inside an IT block: IT, CBZ, B<c>, CPS ... */
    bool sets_flags_outside_it : 1; /* narrow ALU form whose S is "not in an IT block" */
};

/* Decode the instruction at `address` from `bytes`. Returns false only when fewer bytes
 * are available than the encoding needs. */
bool thumb_decode(const uint8_t *bytes, size_t available_bytes, uint32_t address,
                  struct thumb_insn *out);

/* Bytes of memory that a load or store touches, from its address on (lists that go down: up to
 * it); 0 for others, and where the coprocessor decides. */
uint32_t thumb_access_bytes(const struct thumb_insn *insn);

/* The bits that thumb_decode() will decode; false as there. */
bool thumb_fetch(const uint8_t *bytes, size_t available_bytes, uint32_t *bits);

/* lld's trapInstr (lld/ELF/Arch/ARM.cpp): a branch, were it ever executed. */
enum { THUMB_FILLER_OF_LLD = 0xd4d4 };

/* Nothing but what assemblers and linkers put between functions: zeros, NOPs of each width
 * (`mov r8, r8` where there is none), what lld puts there, and the traps (UDF #255) that a
 * hardened image has where code was. The bytes do not tell whether control comes to them: the
 * caller looks at what is in front, and at what branches. */
bool thumb_is_filler(const uint8_t *bytes, size_t size_bytes);

/* May control go on behind the instruction, where what it calls comes back? */
static inline bool thumb_goes_on(const struct thumb_insn *insn) {
    bool leaves = insn->flow == THUMB_FLOW_BRANCH || insn->flow >= THUMB_FLOW_JUMP_INDIRECT;
    return insn->in_it || !leaves;
}
/* BKPT 0xab: the debugger or emulator does what r0 asks for (semihosting). */
static inline bool thumb_is_host_call(const struct thumb_insn *insn) {
    return insn->op == THUMB_BKPT && insn->imm == 0xab;
}

/* IT state as in ITSTATE (A7.3.3): 0 outside a block. */
static inline uint8_t thumb_it_start(uint32_t firstcond_mask) {
    return (uint8_t)firstcond_mask;
}
static inline bool thumb_it_active(uint8_t state) {
    return (state & 15) != 0;
}
static inline uint8_t thumb_it_cond(uint8_t state) {
    return (uint8_t)(state >> 4);
}
static inline bool thumb_it_is_last(uint8_t state) {
    return (state & 15) == 8;
}
static inline uint8_t thumb_it_advance(uint8_t state) {
    return (uint8_t)((state & 7) == 0 ? 0 : (state & 0xe0) | (state << 1 & 0x1f));
}

/* Amend a decoded instruction for the IT block around it: condition, flags read by the
 * condition, narrow ALU forms that set no flags inside a block; an instruction that is
 * UNPREDICTABLE at this place in a block gets `unpredictable`. A no-op when the state
 * is not active. Writes become may-writes: the caller treats in_it instructions so. */
void thumb_apply_it(struct thumb_insn *insn, uint8_t state);

/* Encoders for the PC-relative forms and what protections emit. Each returns the number
 * of bytes written (2 or 4), or 0 when the distance or register does not fit that form.
 * `address` is where the instruction will stand, `target` what it shall reach (bit 0
 * clear). Branch forms outside an IT block unless said. */
size_t thumb_encode_b(uint8_t *out, uint32_t address, uint32_t target, bool wide);
size_t thumb_encode_b_cond(uint8_t *out, unsigned cond, uint32_t address, uint32_t target,
                           bool wide);
size_t thumb_encode_bl(uint8_t *out, uint32_t address, uint32_t target);
size_t thumb_encode_cbz(uint8_t *out, bool nonzero, unsigned rn, uint32_t address, uint32_t target);
/* Re-aim a literal load (LDR, LDRB, LDRH, LDRSB, LDRSH, LDRD, VLDR, PLD ... literal) or ADR:
 * takes the instruction's bits, keeps everything but the offset. `wide` asks for the wide
 * form of a narrow LDR literal or ADR. */
size_t thumb_encode_pc_relative(uint8_t *out, const struct thumb_insn *insn, uint32_t address,
                                uint32_t target, bool wide);
size_t thumb_encode_movw(uint8_t *out, unsigned rd, uint32_t imm16);
size_t thumb_encode_movt(uint8_t *out, unsigned rd, uint32_t imm16);
/* imm must be a modified immediate (A5.3.2); *imm12 gets the i:imm3:imm8 fields. */
bool thumb_modified_immediate(uint32_t imm, uint32_t *imm12);

#endif
