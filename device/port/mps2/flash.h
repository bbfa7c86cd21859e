/* Flash of the MPS2 board (AN386) under QEMU: the 4 MiB SSRAM at 0 stands for it, and the file
 * flash.bin in the emulator's working folder keeps what is above the boot stage's code over the
 * end of the run. A byte's place in the file is its address.
 *
 * A write goes to the SSRAM and then to the file; what a killed emulator had not written yet is
 * what a power cut leaves unwritten. open() sets MPU region 7 to the smallest region that holds
 * what is written: keep a write inside one page, then it opens that page at most. */
#ifndef PM_PORT_MPS2_FLASH_H
#define PM_PORT_MPS2_FLASH_H

#include "pm/flash.h"

enum {
    MPS2_ROOT_ADDRESS = 0x3c00, /* the maker's root document, version 1 */
    MPS2_FLASH_END = 0x110000,  /* end of slot B, and of the file */
    MPS2_FLASH_PAGE_BYTES = 4096,
    MPS2_FLASH_WRITE_BYTES = 8,
    MPS2_WINDOW_REGION = 7,
};

extern const struct pm_flash mps2_flash;
/* Stage 0x0, root 0x3c00, records 0x4000 and 0x5000, root chain 0x6000 and 0x7000, progress 0x8000
 * and 0x9000, settings 0xa000 to 0xbfff, slot A 0x10000, slot B 0x90000 (512 KiB each). */
extern const struct pm_flash_map mps2_flash_map;

/* Once after reset, by the boot stage: what is in the file from MPS2_ROOT_ADDRESS on comes to the
 * SSRAM. False when there is no such file. */
bool mps2_flash_load(void);
/* Resets the board (SYSRESETREQ). */
_Noreturn void mps2_reset(void);
/* Ends the emulator with this exit code. */
_Noreturn void mps2_exit(uint32_t code);

#endif
