/* The page of flash that keeps the settings. settings_memory.c: plain memory that stays writable;
 * settings_flash.c: through the flash driver, with the rest of the flash. */
#ifndef THERMOSTAT_SETTINGS_PAGE_H
#define THERMOSTAT_SETTINGS_PAGE_H

#include "settings.h"

struct settings_page {
    uint32_t magic;
    struct settings settings;
    uint32_t crc;
};

void settings_page_read(struct settings_page *out);
void settings_page_write(const struct settings_page *page);

#endif
