/* Where the emulator (Unicorn 2.0.1: QEMU 5's Arm translator) and the decoder differ, and
 * why. Section numbers are those of ARM DDI 0403E. */
#ifndef TESTS_THUMB_EXECUTION_EXCEPTIONS_H
#define TESTS_THUMB_EXECUTION_EXCEPTIONS_H

#include "firmware/arch/thumb/table.h"

/* Encodings that one side refuses and the other does not. */
struct existence_exception {
    uint8_t size_bytes;
    uint32_t mask, value;
    const char *reason;
};

/* clang-format off */
static const struct existence_exception existence_exceptions[] = {
    {4, 0xff1f0000, 0xf80f0000, "stores relative to pc are UNDEFINED (A7.7.158); QEMU stores"},
    {4, 0xf800d000, 0xf000c000, "BLX to Arm state is not in the M profile (A5.3.4); QEMU goes there"},
    {4, 0xff100000, 0xf9000000, "Advanced SIMD is not in the M profile (A5.3.10); QEMU loads and stores"},
    {4, 0xef000000, 0xef000000, "Advanced SIMD is not in the M profile (A5.3.18); QEMU computes"},
    {4, 0xffe00070, 0xe8c00070, "STREXD, LDREXD, STLEXD, LDAEXD: A profile (A5.3.6); QEMU has them"},
    {4, 0xffe00080, 0xe8c00080, "LDA, STL and their exclusives: ARMv8 (A5.3.6); QEMU has them"},
    {4, 0xffe00f10, 0xeee00a10, "VMRS, VMSR of other than FPSCR are not in the M profile (A6.6); QEMU ignores the register"},
    {4, 0xfff0d7fc, 0xf3a08000, "YIELD, WFE, WFI: the engine gives up its turn, which it reports as no instruction"},
    {2, 0xffcf, 0xbf00, "YIELD, WFE, WFI: the engine gives up its turn, which it reports as no instruction"},
};
/* clang-format on */

/* Roles that no execution can show. */
struct unseen {
    uint32_t value; /* of the row */
    uint16_t roles;
    uint8_t flags_read, flags_written;
    const char *reason;
};

static const struct unseen unseen_exceptions[] = {
    {0xf890f000, R_N, 0, 0, "PLD: the address is a hint without effect"},
    {0xf810f000, R_N | R_M, 0, 0, "PLD: the address is a hint without effect"},
    {0xf810fc00, R_N, 0, 0, "PLD: the address is a hint without effect"},
    {0xf990f000, R_N, 0, 0, "PLI: the address is a hint without effect"},
    {0xf910f000, R_N | R_M, 0, 0, "PLI: the address is a hint without effect"},
    {0xf910fc00, R_N, 0, 0, "PLI: the address is a hint without effect"},
};

#endif
