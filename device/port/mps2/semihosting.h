/* Arm semihosting on M-profile: the operation in r0, its argument block in r1, BKPT 0xAB (Arm,
 * "Semihosting for AArch32 and AArch64"). */
#ifndef PM_PORT_MPS2_SEMIHOSTING_H
#define PM_PORT_MPS2_SEMIHOSTING_H

#include <stdint.h>

enum {
    SEMIHOSTING_OPEN = 0x01,
    SEMIHOSTING_CLOSE = 0x02,
    SEMIHOSTING_WRITE = 0x05, /* gives the bytes not written */
    SEMIHOSTING_READ = 0x06,  /* gives the bytes not read */
    SEMIHOSTING_SEEK = 0x0a,
    SEMIHOSTING_EXIT_EXTENDED = 0x20,
    SEMIHOSTING_MODE_READ_WRITE_BINARY = 3,
    SEMIHOSTING_APPLICATION_EXIT = 0x20026,
};

static inline int32_t semihosting_call(uint32_t operation, const void *block) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return (int32_t)r0;
}

#endif
