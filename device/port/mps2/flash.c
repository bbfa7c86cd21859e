/* See flash.h. The file is opened for each access: the driver has no memory of its own, so that
 * stage and application can share it. */
#include "device/port/mps2/flash.h"

#include <string.h>

#include "device/port/mps2/semihosting.h"

#define MPU_RBAR (*(volatile uint32_t *)0xe000ed9c)
#define MPU_RASR (*(volatile uint32_t *)0xe000eda0)
#define AIRCR (*(volatile uint32_t *)0xe000ed0c)

enum {
    RBAR_VALID = 1 << 4,
    RASR_ENABLE = 1,
    /* Normal memory, written by privileged code only, never executed. */
    RASR_WINDOW = 1 << 28 | 1 << 24 | 1 << 17,
    RASR_SIZE_SHIFT = 1,
    REGION_POWER_MIN = 5,
    REGION_POWER_MAX = 22,
    AIRCR_RESET = 0x05fa0004,
};

static bool in_flash(uint32_t address, uint32_t size_bytes) {
    return address >= MPS2_ROOT_ADDRESS && address <= MPS2_FLASH_END &&
           size_bytes <= MPS2_FLASH_END - address;
}

/* Moves bytes between file and memory, at the same place in both. */
static bool transfer(uint32_t operation, uint32_t address, uint32_t size_bytes) {
    static const char name[] = "flash.bin";
    const uint32_t open[3] = {(uint32_t)name, SEMIHOSTING_MODE_READ_WRITE_BINARY, sizeof name - 1};
    int32_t handle = semihosting_call(SEMIHOSTING_OPEN, open);
    if (handle == -1) return false;
    const uint32_t block[3] = {(uint32_t)handle, address, size_bytes};
    bool moved =
        semihosting_call(SEMIHOSTING_SEEK, block) == 0 && semihosting_call(operation, block) == 0;
    semihosting_call(SEMIHOSTING_CLOSE, block);
    return moved;
}

bool mps2_flash_load(void) {
    return transfer(SEMIHOSTING_READ, MPS2_ROOT_ADDRESS, MPS2_FLASH_END - MPS2_ROOT_ADDRESS);
}

static bool flash_read(void *context, uint32_t address, void *out, uint32_t size_bytes) {
    (void)context;
    if (!in_flash(address, size_bytes)) return false;
    memcpy(out, (const void *)address, size_bytes);
    return true;
}

static bool flash_write(void *context, uint32_t address, const void *data, uint32_t size_bytes) {
    (void)context;
    if (!in_flash(address, size_bytes)) return false;
    uint8_t *to = (uint8_t *)address;
    for (uint32_t i = 0; i < size_bytes; i++)
        to[i] &= ((const uint8_t *)data)[i];
    return transfer(SEMIHOSTING_WRITE, address, size_bytes);
}

static bool flash_erase(void *context, uint32_t address) {
    (void)context;
    if (!in_flash(address, MPS2_FLASH_PAGE_BYTES)) return false;
    memset((void *)address, 0xff, MPS2_FLASH_PAGE_BYTES);
    return transfer(SEMIHOSTING_WRITE, address, MPS2_FLASH_PAGE_BYTES);
}

static void set_window(uint32_t base, uint32_t attributes) {
    __asm__ volatile("dsb" : : : "memory");
    uint32_t number = base >> REGION_POWER_MIN; /* no bit of the address names a region */
    MPU_RBAR = number << REGION_POWER_MIN | RBAR_VALID | MPS2_WINDOW_REGION;
    MPU_RASR = attributes;
    __asm__ volatile("dsb\n\tisb" : : : "memory");
}

static void flash_open(void *context, uint32_t address, uint32_t size_bytes) {
    (void)context;
    uint32_t power = REGION_POWER_MIN;
    while (power < REGION_POWER_MAX && (address >> power) != ((address + size_bytes - 1) >> power))
        power++;
    set_window(address >> power << power,
               RASR_WINDOW | (power - 1) << RASR_SIZE_SHIFT | RASR_ENABLE);
}

static void flash_close(void *context) {
    (void)context;
    set_window(0, 0);
}

const struct pm_flash mps2_flash = {
    .page_bytes = MPS2_FLASH_PAGE_BYTES,
    .write_bytes = MPS2_FLASH_WRITE_BYTES,
    .read = flash_read,
    .write = flash_write,
    .erase = flash_erase,
    .open = flash_open,
    .close = flash_close,
};

const struct pm_flash_map mps2_flash_map = {
    .slot_address = {0x10000, 0x90000},
    .slot_bytes = 0x80000,
    .record_address = {0x4000, 0x5000},
    .root_address = {0x6000, 0x7000},
    .progress_address = {0x8000, 0x9000},
};

_Noreturn void mps2_reset(void) {
    __asm__ volatile("dsb" : : : "memory");
    AIRCR = AIRCR_RESET;
    for (;;)
        __asm__ volatile("dsb" : : : "memory");
}

_Noreturn void mps2_exit(uint32_t code) {
    const uint32_t block[2] = {SEMIHOSTING_APPLICATION_EXIT, code};
    for (;;)
        semihosting_call(SEMIHOSTING_EXIT_EXTENDED, block);
}
