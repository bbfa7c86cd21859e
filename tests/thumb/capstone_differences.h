/* Where Capstone 4.0.2 and the decoder differ in what an instruction accesses. Section numbers
 * are those of ARM DDI 0403E. Where the decoder is said to be right, executes_as_decoded has
 * seen it. */
#ifndef TESTS_THUMB_CAPSTONE_DIFFERENCES_H
#define TESTS_THUMB_CAPSTONE_DIFFERENCES_H

#include <stdint.h>

#ifndef DIFFERENCES_SHOWN
#define DIFFERENCES_SHOWN 100
#endif

enum access_kind { READS, WRITES, FLAGS_READ, FLAGS_WRITTEN };
enum access_side { ONLY_CAPSTONE, ONLY_DECODER };
enum { OF_RD = 1, OF_RN = 2, OF_RM = 4, OF_RA = 8, OF_LIST = 16, OF_SP = 32, OF_LR = 64 };

struct capstone_difference {
    uint8_t size_bytes;
    uint32_t mask, value;
    enum access_kind kind;
    enum access_side side;
    uint8_t registers; /* which may differ: OF_* */
    const char *reason;
};

/* clang-format off */
static const struct capstone_difference capstone_differences[] = {
    /* The decoder is right: seen in execution. */
    {4, 0xff80f080, 0xfa00f080, READS, ONLY_DECODER, OF_RM, "SXTH, UXTAB and the like, wide: Rm is read (A7.7.179 to A7.7.225)"},
    {4, 0xfff08010, 0xeac00000, READS, ONLY_DECODER, OF_RM, "PKHBT, PKHTB: Rm is read (A7.7.93)"},
    {4, 0xff508000, 0xf3000000, READS, ONLY_DECODER, OF_RN, "SSAT, USAT, SSAT16, USAT16: Rn is read (A7.7.152, A7.7.213)"},
    {4, 0xfff000f0, 0xfbc00000, READS, ONLY_DECODER, OF_RD | OF_RA, "SMLAL: the sum so far is read (A7.7.138)"},
    {4, 0xfff000f0, 0xfbe00000, READS, ONLY_DECODER, OF_RD | OF_RA, "UMLAL: the sum so far is read (A7.7.203)"},
    {4, 0xfff000f0, 0xfbe00060, READS, ONLY_DECODER, OF_RD | OF_RA, "UMAAL: both addends are read (A7.7.202)"},
    {4, 0xffe00080, 0xfbc00080, READS, ONLY_DECODER, OF_RD | OF_RA, "SMLALxy, SMLALD, SMLSLD: the sum so far is read (A7.7.139)"},
    {4, 0xffd00f00, 0xf8000e00, READS, ONLY_DECODER, OF_RD, "STRBT, STRHT: Rt is read (A7.7.162, A7.7.171)"},
    {4, 0xffd00f00, 0xf8000e00, WRITES, ONLY_CAPSTONE, OF_RD, "STRBT, STRHT: Rt is not written (A7.7.162, A7.7.171)"},
    {4, 0xffff0000, 0xe92d0000, WRITES, ONLY_CAPSTONE, OF_LIST, "PUSH.W: the list is not written (A7.7.101)"},
    {4, 0xffff0fff, 0xeee10a10, READS, ONLY_DECODER, OF_RD, "VMSR: Rt is read (A7.7.247)"},
    {4, 0xffbf0e00, 0xed2d0a00, READS, ONLY_DECODER, OF_SP, "VPUSH: sp is read (A7.7.251)"},
    {4, 0xffbf0e00, 0xed2d0a00, WRITES, ONLY_DECODER, OF_SP, "VPUSH: sp is written (A7.7.251)"},
    {4, 0xffbf0e00, 0xecbd0a00, READS, ONLY_DECODER, OF_SP, "VPOP: sp is read (A7.7.250)"},
    {4, 0xffbf0e00, 0xecbd0a00, WRITES, ONLY_DECODER, OF_SP, "VPOP: sp is written (A7.7.250)"},
    {4, 0xfffff0fe, 0xf3ef8008, READS, ONLY_DECODER, OF_SP, "MRS of MSP or PSP: one of them is sp (B5.2.2)"},
    {4, 0xfff0f0fe, 0xf3808008, READS, ONLY_DECODER, OF_SP, "MSR to MSP or PSP: the other may be sp, which then stays (B5.2.3)"},
    {4, 0xfff0f0fe, 0xf3808008, WRITES, ONLY_DECODER, OF_SP, "MSR to MSP or PSP: one of them is sp (B5.2.3)"},
    {4, 0xfff0f0ff, 0xf3808014, READS, ONLY_DECODER, OF_SP, "MSR to CONTROL: sp may stay (B5.2.3)"},
    {4, 0xfff0f0ff, 0xf3808014, WRITES, ONLY_DECODER, OF_SP, "MSR to CONTROL: another stack pointer may become sp (B5.2.3)"},
    {4, 0xfffff0fc, 0xf3ef8000, FLAGS_READ, ONLY_DECODER, 0, "MRS of APSR reads the flags (B5.2.2)"},
    {4, 0xfff0f3fc, 0xf3808000, FLAGS_WRITTEN, ONLY_DECODER, 0, "MSR to APSR_nzcvq writes the flags (B5.2.3)"},
    {4, 0xfe0070f0, 0xea000030, FLAGS_READ, ONLY_DECODER, 0, "data processing with RRX reads C (A7.4.2)"},
    {2, 0xff80, 0x4080, FLAGS_READ, ONLY_DECODER, 0, "LSL, LSR by register: C stays when the amount is 0 (A7.4.2)"},
    {2, 0xffc0, 0x4100, FLAGS_READ, ONLY_DECODER, 0, "ASR by register: C stays when the amount is 0 (A7.4.2)"},
    {2, 0xffc0, 0x41c0, FLAGS_READ, ONLY_DECODER, 0, "ROR by register: C stays when the amount is 0 (A7.4.2)"},
    {4, 0xff90f0f0, 0xfa10f000, FLAGS_READ, ONLY_DECODER, 0, "shifts by register: C stays when the amount is 0 (A7.4.2)"},
    {4, 0xfbd08000, 0xf1400000, FLAGS_WRITTEN, ONLY_CAPSTONE, 0, "ADC, SBC without S write no flags (A7.7.1, A7.7.124)"},
    {4, 0xffd08000, 0xeb400000, FLAGS_WRITTEN, ONLY_CAPSTONE, 0, "ADC, SBC without S write no flags (A7.7.2, A7.7.125)"},

    /* The decoder is right by the manual; the emulator has no coprocessors. */
    {4, 0xeff00000, 0xec400000, READS, ONLY_DECODER, OF_RD | OF_RA, "MCRR: both registers are read (A7.7.73)"},
    {4, 0xeff00000, 0xec500000, READS, ONLY_CAPSTONE, OF_RD | OF_RA, "MRRC: the registers are not read (A7.7.82)"},
    {4, 0xeff00000, 0xec500000, WRITES, ONLY_DECODER, OF_RD | OF_RA, "MRRC: both registers are written (A7.7.82)"},
    {4, 0xef100010, 0xee100010, READS, ONLY_CAPSTONE, OF_RD, "MRC: Rt is not read (A7.7.81)"},
    {4, 0xef100010, 0xee100010, WRITES, ONLY_DECODER, OF_RD, "MRC: Rt is written (A7.7.81)"},
    {4, 0xef10f010, 0xee10f010, FLAGS_READ, ONLY_CAPSTONE, 0, "MRC with Rt = 15 does not read the flags (A7.7.81)"},
    {4, 0xef10f010, 0xee10f010, FLAGS_WRITTEN, ONLY_DECODER, 0, "MRC with Rt = 15 writes the flags (A7.7.81)"},

    /* Two ways to say the same. */
    {2, 0xff00, 0xbf00, FLAGS_READ, ONLY_CAPSTONE, 0, "IT: the decoder lets the instructions of the block read the flags"},
    {4, 0xfff0f0f0, 0xfa80f040, FLAGS_WRITTEN, ONLY_CAPSTONE, 0, "UADD8 writes GE, not N, Z, C or V (A7.7.190)"},
    {2, 0xff00, 0xdf00, WRITES, ONLY_CAPSTONE, OF_LR, "SVC: Capstone lists lr, as of A profile; exception entry here stacks it (B1.5.6)"},
};
/* clang-format on */

#endif
