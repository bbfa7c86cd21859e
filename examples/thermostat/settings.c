#include "settings.h"

#include <stddef.h>

#include "settings_page.h"
#include "text.h"

enum { SETTINGS_MAGIC = 0x54484d31 }; /* "THM1" */

struct settings settings;

/* CRC-32 as in IEEE 802.3, bit by bit: the page is small. */
static uint32_t crc32(const struct settings *data) {
    const uint8_t *bytes = (const uint8_t *)data;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < sizeof *data; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static const struct settings factory_settings = {
    .name = "Thermostat",
    .mode = MODE_SCHEDULE,
    .target = 2000,
    .gain_proportional = 40,
    .gain_integral = 100,
    .schedule =
        {
            {SCHEDULE_WORKDAYS, 6 * 60, 2100},
            {SCHEDULE_WORKDAYS, 8 * 60 + 30, 1700},
            {SCHEDULE_WORKDAYS, 16 * 60, 2100},
            {SCHEDULE_WEEKEND, 8 * 60, 2150},
            {SCHEDULE_ALL_DAYS, 22 * 60, 1600},
        },
};

void settings_reset(void) {
    settings = factory_settings;
}

void settings_save(void) {
    struct settings_page page = {SETTINGS_MAGIC, settings, crc32(&settings)};
    settings_page_write(&page);
}

bool settings_load(void) {
    struct settings_page page;
    settings_page_read(&page);
    if (page.magic != SETTINGS_MAGIC || page.crc != crc32(&page.settings)) return false;
    settings = page.settings;
    return true;
}
