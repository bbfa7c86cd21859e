/* Beside the boot records, below the slots (docs/boot.md): an update leaves the settings as they
 * are. A cut between erase and write leaves none, and the factory's apply. */
#include <string.h>

#include "device/port/mps2/flash.h"
#include "settings_page.h"

enum { SETTINGS_ADDRESS = 0xa000 };

void settings_page_read(struct settings_page *out) {
    memcpy(out, (const void *)SETTINGS_ADDRESS, sizeof *out);
}

void settings_page_write(const struct settings_page *page) {
    enum { UNITS = (sizeof *page + MPS2_FLASH_WRITE_BYTES - 1) / MPS2_FLASH_WRITE_BYTES };
    uint8_t padded[UNITS * MPS2_FLASH_WRITE_BYTES];
    memset(padded, 0xff, sizeof padded);
    memcpy(padded, page, sizeof *page);
    if (pm_flash_erase(&mps2_flash, SETTINGS_ADDRESS))
        pm_flash_write(&mps2_flash, SETTINGS_ADDRESS, padded, sizeof padded);
}
