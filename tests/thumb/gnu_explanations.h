/* Where the GNU disassembler (binutils 2.40, "arm" machine, Thumb forced) and the decoder
 * differ, and why. Section numbers are those of ARM DDI 0403E unless another manual is
 * named. GNU decodes for every Arm architecture at once; this decoder for ARMv7E-M alone. */
#ifndef TESTS_THUMB_GNU_EXPLANATIONS_H
#define TESTS_THUMB_GNU_EXPLANATIONS_H

#include <stdbool.h>
#include <stdint.h>

enum difference {
    SAME,
    LENGTH,        /* another number of bytes */
    ONLY_GNU,      /* GNU has an instruction where the decoder has none */
    ONLY_DECODER,  /* and the other way about */
    UNPREDICTABLE, /* only GNU calls it unpredictable */
    FLOW,
    TARGET,
    OPERATION, /* the mnemonic is not one of the operation's */
    REGISTERS,
    LIST,
    IMMEDIATE,
    PC_USE, /* one side sees pc used as a value, the other does not */
    DIFFERENCES,
};

struct explanation {
    uint8_t size_bytes;
    uint32_t mask, value;
    enum difference difference;
    const char *mnemonic;    /* what GNU prints: a shell pattern */
    bool only_unpredictable; /* holds only where the decoder says UNPREDICTABLE */
    const char *reason;
};

enum { MAY_BE_VALID = 0, IS_UNPREDICTABLE = 1 };

/* clang-format off */
static const struct explanation explanations[] = {
    /* Other architectures' instructions in ARMv7-M's UNDEFINED space. */
    {2, 0xffc0, 0xba80, ONLY_GNU, "hlt", MAY_BE_VALID, "HLT is ARMv8; A5.2.5 has nothing here"},
    {2, 0xfff7, 0xb610, ONLY_GNU, "setpan", MAY_BE_VALID, "SETPAN is ARMv8.1-A"},
    {2, 0xfff7, 0xb650, ONLY_GNU, "setend", MAY_BE_VALID, "SETEND is not in the M profile (A5.2.5)"},
    {4, 0xef000000, 0xef000000, ONLY_GNU, "*", MAY_BE_VALID, "Advanced SIMD: A and R profiles (A5.3.18)"},
    {4, 0xff100000, 0xf9000000, ONLY_GNU, "v*", MAY_BE_VALID, "Advanced SIMD load, store: A and R profiles (A5.3.10)"},
    {4, 0xf800d001, 0xf000c000, ONLY_GNU, "blx", MAY_BE_VALID, "BLX to Arm state: not in the M profile (A5.3.4)"},
    {4, 0xf800d001, 0xf000c001, ONLY_GNU, "*", MAY_BE_VALID, "BF, LE, WLS, DLS, LCTP: ARMv8.1-M"},
    {4, 0xfff0f000, 0xf7f08000, ONLY_GNU, "smc", MAY_BE_VALID, "SMC: A profile (A5.3.4)"},
    {4, 0xfff0f000, 0xf7e08000, ONLY_GNU, "hvc", MAY_BE_VALID, "HVC: A profile (A5.3.4)"},
    {4, 0xffd00000, 0xe8000000, ONLY_GNU, "srs*", MAY_BE_VALID, "SRS: A and R profiles (A5.3.5)"},
    {4, 0xffd00000, 0xe9800000, ONLY_GNU, "srs*", MAY_BE_VALID, "SRS: A and R profiles (A5.3.5)"},
    {4, 0xffd00000, 0xe8100000, ONLY_GNU, "rfe*", MAY_BE_VALID, "RFE: A and R profiles (A5.3.5)"},
    {4, 0xffd00000, 0xe9900000, ONLY_GNU, "rfe*", MAY_BE_VALID, "RFE: A and R profiles (A5.3.5)"},
    {4, 0xffe000f0, 0xe8c00070, ONLY_GNU, "*exd", MAY_BE_VALID, "LDREXD, STREXD: A and R profiles (A5.3.6)"},
    {4, 0xffe00080, 0xe8c00080, ONLY_GNU, "*", MAY_BE_VALID, "LDA, STL and their exclusives: ARMv8"},

    /* GNU reads fixed zeros of the register-offset forms loosely. */
    {4, 0xff900800, 0xf8000000, ONLY_GNU, "str*", MAY_BE_VALID, "STR (register) has bits 10:6 zero (A7.7.159)"},
    {4, 0xfe900800, 0xf8100000, ONLY_GNU, "ldr*", MAY_BE_VALID, "LDR (register) has bits 10:6 zero (A5.3.7 to A5.3.9)"},
    {4, 0xfe900800, 0xf8100000, ONLY_GNU, "pl*", MAY_BE_VALID, "PLD (register) has bits 10:6 zero (A5.3.9)"},
    {4, 0xff1f0000, 0xf80f0000, ONLY_GNU, "str*", MAY_BE_VALID, "a store relative to pc is UNDEFINED (A7.7.158)"},

    /* (0) and (1) bits: GNU takes them for fixed. */
    {2, 0xff00, 0x4700, ONLY_DECODER, "", IS_UNPREDICTABLE, "BX, BLX: bits 2:0 are (0) (A7.7.19, A7.7.20)"},
    {4, 0xfe008000, 0xea008000, ONLY_DECODER, "", IS_UNPREDICTABLE, "data processing (shifted): bit 15 is (0) (A5.3.11)"},
    {4, 0xff008000, 0xf7000000, ONLY_DECODER, "", IS_UNPREDICTABLE, "saturate, bit field: bit 26 is (0) (A7.7.14, A7.7.152)"},
    {4, 0xff008020, 0xf3000020, ONLY_DECODER, "", IS_UNPREDICTABLE, "saturate, bit field: bit 5 is (0) (A7.7.14, A7.7.152)"},
    {4, 0xff80d000, 0xf3808000, ONLY_DECODER, "*", IS_UNPREDICTABLE, "MSR, MRS, hints, barriers: (0) and (1) bits (A5.3.4)"},
    {4, 0xfff00000, 0xe8500000, ONLY_DECODER, "", IS_UNPREDICTABLE, "LDREX: bits 11:8 are (1) (A7.7.52)"},
    {4, 0xffe00080, 0xe8c00000, ONLY_DECODER, "", IS_UNPREDICTABLE, "TBB, exclusives: bits 11:8 and 3:0 are (1) or (0) (A5.3.6)"},
    {4, 0xffd000f0, 0xfb9000f0, ONLY_DECODER, "", IS_UNPREDICTABLE, "SDIV, UDIV: bits 15:12 are (1) (A7.7.127)"},
    {4, 0xff80f0c0, 0xfa00f0c0, ONLY_DECODER, "", IS_UNPREDICTABLE, "extend: bit 6 is (0) (A7.7.181)"},
    {4, 0xff000e10, 0xee000a10, ONLY_DECODER, "", IS_UNPREDICTABLE, "VMOV, VMRS, VMSR: bits 6:5, 3:0 are (0) (A6.6)"},
    {4, 0xffb00e50, 0xeeb00a00, ONLY_DECODER, "", IS_UNPREDICTABLE, "VMOV (immediate): bits 7, 5 are (0) (A7.7.239)"},
    {4, 0xffbf0e50, 0xeeb50a40, ONLY_DECODER, "", IS_UNPREDICTABLE, "VCMP with zero: bits 5, 3:0 are (0) (A7.7.223)"},

    /* Coprocessors. */
    {4, 0xec000f00, 0xec000900, ONLY_DECODER, "", MAY_BE_VALID, "coprocessor 9: GNU keeps it for half precision; here as any other (A5.3.18)"},
    {4, 0xfc000f00, 0xfc000900, UNPREDICTABLE, "*2*", MAY_BE_VALID, "coprocessor 9: GNU keeps it for half precision; here as any other (A5.3.18)"},
    {4, 0xfc000e00, 0xfc000a00, ONLY_GNU, "*2*", MAY_BE_VALID, "coprocessors 10, 11 have no LDC2, STC2, MCR2, CDP2 (A6.4 to A6.7)"},
    {4, 0xffe00e00, 0xec400a00, ONLY_GNU, "m[cr]r*", MAY_BE_VALID, "coprocessors 10, 11 have VMOV only (A6.7)"},
    {4, 0xefe00000, 0xec000000, ONLY_GNU, "*", MAY_BE_VALID, "LDC, STC with P, U, D, W clear is UNDEFINED (A5.3.18)"},
    {4, 0xef400f00, 0xed400b00, ONLY_GNU, "v*", MAY_BE_VALID, "VLDR, VSTR of D16 to D31: these cores have 16 doubles (A2.5.1)"},
    {4, 0xef400f00, 0xee400b00, ONLY_GNU, "v*.f64*", MAY_BE_VALID, "D16 to D31 as destination (A2.5.1)"},
    {4, 0xef000f80, 0xee000b80, ONLY_GNU, "v*.f64*", MAY_BE_VALID, "D16 to D31 as first operand (A2.5.1)"},
    {4, 0xef000f20, 0xee000b20, ONLY_GNU, "v*.f64*", MAY_BE_VALID, "D16 to D31 as second operand (A2.5.1)"},
    {4, 0xfff00ff0, 0xec400b30, ONLY_GNU, "vmov", MAY_BE_VALID, "VMOV of D16 to D31 and two core registers (A2.5.1)"},
    {4, 0xfff00ff0, 0xec500b30, ONLY_GNU, "vmov", MAY_BE_VALID, "VMOV of D16 to D31 and two core registers (A2.5.1)"},
    {4, 0xff000f10, 0xee000b10, ONLY_GNU, "vmov.*", MAY_BE_VALID, "VMOV of 8 and 16 bits, of D16 to D31: Advanced SIMD (A6.6)"},
    {4, 0xff900f50, 0xee800b10, ONLY_GNU, "vdup.*", MAY_BE_VALID, "VDUP: Advanced SIMD (A6.6)"},
    {4, 0xffe00f10, 0xeee00a10, ONLY_GNU, "vm[rs]*", MAY_BE_VALID, "VMRS, VMSR of other than FPSCR: not in the M profile (A6.6)"},

    /* pc where it is UNPREDICTABLE: the decoder calls it a jump or a read of pc. */
    {4, 0xfe5f0000, 0xe84f0000, FLOW, "strd", IS_UNPREDICTABLE, "STRD with write-back to pc (A7.7.163)"},
    {4, 0xfe500000, 0xe8500000, FLOW, "ldrd", IS_UNPREDICTABLE, "LDRD to pc, or with write-back to it (A7.7.50)"},
    {4, 0xfff00f00, 0xe8400f00, FLOW, "strex", IS_UNPREDICTABLE, "STREX with its status in pc (A7.7.167)"},
    {4, 0xfe6f0000, 0xe82f0000, FLOW, "stm*", IS_UNPREDICTABLE, "STM with write-back to pc (A7.7.159)"},
    {4, 0xec2f0000, 0xec2f0000, FLOW, "*", IS_UNPREDICTABLE, "LDC, STC, VLDM, VSTM with write-back to pc (A7.7.39)"},
    {4, 0xeff00000, 0xec500000, FLOW, "*", IS_UNPREDICTABLE, "MRRC to pc (A7.7.82)"},
    {4, 0xfe10f000, 0xf810f000, FLOW, "*", IS_UNPREDICTABLE, "LDRB, LDRH with write-back to pc, where GNU prints a hint (A7.7.46)"},
    {4, 0xff800000, 0xfb800000, FLOW, "*", IS_UNPREDICTABLE, "a long multiplication's lower half to pc (A7.7.149)"},
    {4, 0xfe0f0000, 0xe80f0000, TARGET, "str*", IS_UNPREDICTABLE, "STRD, STREX relative to pc: no place that code may name (A7.7.163)"},
    {4, 0xfe1f0000, 0xe81f0000, TARGET, "ldr*", IS_UNPREDICTABLE, "LDREX, LDRD with write-back relative to pc (A7.7.50)"},
    {4, 0xec0f0000, 0xec0f0000, TARGET, "*", IS_UNPREDICTABLE, "STC, VSTR, unindexed LDC relative to pc (A7.7.40)"},
    {2, 0xff07, 0x4704, FLOW, "b*xns", IS_UNPREDICTABLE, "BXNS, BLXNS are ARMv8-M; here BX, BLX with a (0) bit set (A7.7.19)"},
    {4, 0xfe6f0000, 0xe83f0000, FLOW, "ldm*", IS_UNPREDICTABLE, "LDM with write-back to pc (A7.7.41)"},
    {4, 0xfff0f000, 0xe8c0f000, FLOW, "strex*", IS_UNPREDICTABLE, "STREXB, STREXH of pc (A7.7.168)"},
    {4, 0xfff000ef, 0xe8c0004f, FLOW, "strex*", IS_UNPREDICTABLE, "STREXB, STREXH with their status in pc (A7.7.168)"},
    {4, 0xff000f10, 0xee000b10, FLOW, "vmov*", IS_UNPREDICTABLE, "VMOV of a scalar to pc (A7.7.243)"},
    {4, 0xfff0ff10, 0xee10fa10, FLOW, "mrc", IS_UNPREDICTABLE, "VMOV of a single to pc, which GNU prints as MRC (A7.7.240)"},
    {4, 0xfff0ff10, 0xee10fa10, FLOW, "vmov", IS_UNPREDICTABLE, "VMOV of a single to pc (A7.7.240)"},
    {4, 0xfe0f0e00, 0xec0f0a00, FLOW, "f*x", IS_UNPREDICTABLE, "FSTMX, FLDMX relative to pc (A7.7.248)"},

    /* Other architectures' instructions where ARMv7-M has a row. */
    {4, 0xffff0000, 0xe89f0000, FLOW, "clrm", IS_UNPREDICTABLE, "CLRM is ARMv8.1-M; here LDM relative to pc (A7.7.41)"},
    {4, 0xffff0000, 0xe89f0000, PC_USE, "clrm", IS_UNPREDICTABLE, "CLRM is ARMv8.1-M; here LDM relative to pc (A7.7.41)"},
    {4, 0xffbf0e00, 0xec9f0a00, PC_USE, "vscclrm", IS_UNPREDICTABLE, "VSCCLRM is ARMv8.1-M; here VLDM relative to pc (A7.7.248)"},
    {4, 0xfff0f0f0, 0xfb60f000, PC_USE, "pacg", IS_UNPREDICTABLE, "PACG is ARMv8.1-M; here SMMLS with Ra = 15 (A7.7.141)"},
    {4, 0xfff00f00, 0xfb500f00, FLOW, "*aut*", IS_UNPREDICTABLE, "AUTG, BXAUT are ARMv8.1-M; here SMMLA with Rd = 15 (A7.7.140)"},
    {4, 0xfff0f03f, 0xe840f000, PC_USE, "tt*", IS_UNPREDICTABLE, "TT is ARMv8-M; here STREX of pc (A7.7.167)"},
    {4, 0xfff000c0, 0xfac00080, ONLY_GNU, "crc32*", MAY_BE_VALID, "CRC32 is ARMv8 (A5.3.12)"},
    {4, 0xfff000c0, 0xfad00080, ONLY_GNU, "crc32*", MAY_BE_VALID, "CRC32 is ARMv8 (A5.3.12)"},
    {4, 0xfff0d000, 0xf3c08000, ONLY_GNU, "bxj", MAY_BE_VALID, "BXJ: A and R profiles (A5.3.4)"},
    {4, 0xffffffff, 0xe97fe97f, FLOW, "sg", IS_UNPREDICTABLE, "SG is ARMv8-M; here LDRD with write-back to pc (A7.7.50)"},
    {4, 0xfff0d000, 0xf3d08000, ONLY_GNU, "subs", MAY_BE_VALID, "SUBS pc, lr: A and R profiles (A5.3.4)"},
    {4, 0xffe00f00, 0xec200a00, ONLY_GNU, "vll*", MAY_BE_VALID, "VLLDM is ARMv8-M (A6.5)"},
    {4, 0xffe00f00, 0xec200a00, ONLY_GNU, "vls*", MAY_BE_VALID, "VLSTM is ARMv8-M (A6.5)"},
    {4, 0xff3f0f80, 0xed1f0f80, TARGET, "vldr", MAY_BE_VALID, "VLDR of a system register is ARMv8.1-M; here LDC (A5.3.18)"},
    {4, 0xfe7f00ff, 0xe85f0000, TARGET, "ldrd", MAY_BE_VALID, "GNU names no place when the offset is 0"},
    {4, 0xfff0f03f, 0xe840f000, OPERATION, "tt*", IS_UNPREDICTABLE, "TT is ARMv8-M; here STREX of pc (A7.7.167)"},
    {4, 0xfff0d000, 0xf3a08000, ONLY_GNU, "cps*", MAY_BE_VALID, "CPS.W: A and R profiles (A5.3.4)"},
    {4, 0xffff0f50, 0xfeb00a40, ONLY_GNU, "vins*", MAY_BE_VALID, "VINS is ARMv8.2"},
    {4, 0xffbf0fd0, 0xfeb00a40, ONLY_GNU, "vmovx*", MAY_BE_VALID, "VMOVX is ARMv8.2"},
    {4, 0xffbf0fd0, 0xfeb00ac0, ONLY_GNU, "vins*", MAY_BE_VALID, "VINS is ARMv8.2"},
    {4, 0xffff0fd0, 0xeef70ac0, ONLY_GNU, "vcvt.f64.f32", MAY_BE_VALID, "D16 to D31 as destination (A2.5.1)"},
    {4, 0xff00fe10, 0xee00fa10, ONLY_GNU, "mrc", MAY_BE_VALID, "coprocessors 10, 11 have no MRC but VMOV, VMRS (A6.6)"},
    {4, 0xec000a00, 0xec000800, TARGET, "v*", MAY_BE_VALID, "coprocessors 8, 9, 12, 13: ARMv8's floating point and SIMD; here as any other (A5.3.18)"},
    {4, 0xec000a00, 0xec000800, PC_USE, "v*", MAY_BE_VALID, "coprocessors 8, 9, 12, 13: ARMv8's floating point and SIMD; here as any other (A5.3.18)"},
    {4, 0xec000800, 0xec000000, PC_USE, "[acmst]*", MAY_BE_VALID, "coprocessors 0 to 7: FPA, Maverick, XScale; here as any other (A5.3.18)"},
    {4, 0xff100f10, 0xee100410, FLOW, "cf*", MAY_BE_VALID, "Maverick; here MRC to the flags (A7.7.81)"},
    {4, 0xff10ff10, 0xee10f110, FLOW, "[fr]*", MAY_BE_VALID, "FPA; here MRC to the flags (A7.7.81)"},
    {4, 0xff100f10, 0xee100510, FLOW, "cf*", MAY_BE_VALID, "Maverick; here MRC to the flags (A7.7.81)"},

    /* Ways of printing. */
    {4, 0xff7f0f00, 0xf85f0e00, OPERATION, "ldrt", MAY_BE_VALID, "with Rn = 15 this is LDR (literal) (A7.7.67)"},
    {2, 0xffff, 0x46c0, REGISTERS, "nop*", MAY_BE_VALID, "MOV r8, r8, which GNU prints as a no-op"},
    {2, 0xffe8, 0xb668, ONLY_DECODER, "", IS_UNPREDICTABLE, "CPS: bit 3 is (0) (B5.2.1)"},
    {4, 0xffd0f0c0, 0xfa90f080, PC_USE, "*", IS_UNPREDICTABLE, "REV, RBIT, CLZ: Rm is encoded twice and GNU prints one of them (A7.7.111)"},
    {4, 0xff10f010, 0xfe10f010, PC_USE, "mrc2*", MAY_BE_VALID, "MRC2 to r15 writes the flags, not pc (A7.7.81)"},
};
/* clang-format on */

#endif
