/* A key function for boards without a random source, as QEMU's mps2 are: 32 bits from the
 * host's /dev/urandom over semihosting. It runs before the reset handler, so it uses the
 * stack and constants only: neither .data nor .bss is set up. When the host gives no
 * random bytes the board stops (exit code 97); it never goes on with a constant. */
#include <stdint.h>

#include "semihosting.h"

uint32_t pm_random(void);

uint32_t pm_random(void) {
    static const char path[] = "/dev/urandom";
    uint32_t value = 0;
    const uint32_t open[3] = {(uint32_t)(uintptr_t)path, SEMIHOSTING_MODE_RB, sizeof path - 1};
    int32_t file = semihosting_call(SEMIHOSTING_OPEN, open);
    if (file < 0) semihosting_exit(97);
    const uint32_t read[3] = {(uint32_t)file, (uint32_t)(uintptr_t)&value, sizeof value};
    if (semihosting_call(SEMIHOSTING_READ, read) != 0) semihosting_exit(97);
    const uint32_t close[1] = {(uint32_t)file};
    semihosting_call(SEMIHOSTING_CLOSE, close);
    return value;
}
