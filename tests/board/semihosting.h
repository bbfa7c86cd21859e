/* Arm semihosting on M-profile: the operation in r0, its argument block in r1, BKPT 0xAB.
 * Operation numbers and argument blocks: Arm "Semihosting for AArch32 and AArch64".
 * QEMU answers when started with -semihosting-config enable=on. */
#ifndef BOARD_SEMIHOSTING_H
#define BOARD_SEMIHOSTING_H

#include <stdint.h>

enum {
    SEMIHOSTING_OPEN = 0x01,
    SEMIHOSTING_CLOSE = 0x02,
    SEMIHOSTING_WRITE = 0x05,
    SEMIHOSTING_READ = 0x06,
    SEMIHOSTING_EXIT_EXTENDED = 0x20,
};

enum { SEMIHOSTING_MODE_RB = 1, SEMIHOSTING_MODE_W = 4 };

static inline int32_t semihosting_call(uint32_t operation, const void *block) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return (int32_t)r0;
}

__attribute__((noreturn)) static inline void semihosting_exit(uint32_t code) {
    const uint32_t block[2] = {0x20026 /* ADP_Stopped_ApplicationExit */, code};
    for (;;)
        semihosting_call(SEMIHOSTING_EXIT_EXTENDED, block);
}

#endif
