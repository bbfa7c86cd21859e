/* See memory_map.h. */
#include "device/boot/memory_map.h"

#define MPU_CTRL (*(volatile uint32_t *)0xe000ed94)
#define MPU_RBAR (*(volatile uint32_t *)0xe000ed9c)
#define MPU_RASR (*(volatile uint32_t *)0xe000eda0)

enum {
    RBAR_VALID = 1 << 4, /* the low bits are the region's number */
    RASR_ENABLE = 1,
    RASR_CACHED = 1 << 17, /* TEX 0, C 1, B 0: normal memory, write-through */
    RASR_READ_ONLY = 6 << 24,
    RASR_READ_WRITE = 3 << 24,
    RASR_NO_EXECUTE = 1 << 28,
    REGIONS = 8,
    CTRL_ENABLE = 1,
    CTRL_DEFAULT_MAP = 4, /* PRIVDEFENA */
};

/* SIZE: the region is 2 to the power of SIZE + 1 bytes. */
#define RASR_SIZE(power) ((uint32_t)((power)-1) << 1)

static const uint32_t regions[][2] = {
    {0x00000000, RASR_ENABLE | RASR_CACHED | RASR_READ_ONLY | RASR_SIZE(22)},
    {0x20000000, RASR_ENABLE | RASR_CACHED | RASR_READ_WRITE | RASR_NO_EXECUTE | RASR_SIZE(29)},
    {0x60000000, RASR_ENABLE | RASR_CACHED | RASR_READ_WRITE | RASR_NO_EXECUTE | RASR_SIZE(29)},
    {0x80000000, RASR_ENABLE | RASR_CACHED | RASR_READ_WRITE | RASR_NO_EXECUTE | RASR_SIZE(29)},
};

void pm_memory_map_lock(void) {
    MPU_CTRL = 0;
    for (uint32_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
        MPU_RBAR = regions[i][0] | RBAR_VALID | i;
        MPU_RASR = regions[i][1];
    }
    for (uint32_t i = sizeof regions / sizeof regions[0]; i < REGIONS; i++) {
        MPU_RBAR = RBAR_VALID | i;
        MPU_RASR = 0;
    }
    MPU_CTRL = CTRL_ENABLE | CTRL_DEFAULT_MAP;
    __asm__ volatile("dsb\n\tisb" : : : "memory");
}
