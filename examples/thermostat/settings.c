#include "settings.h"

#include <stddef.h>

#include "text.h"

struct settings_page {
    uint32_t magic;
    struct settings settings;
    uint32_t crc;
};

enum { SETTINGS_MAGIC = 0x54484d31 }; /* "THM1" */

struct settings settings;

/* On a real part a driver erases and programs this page; here it is plain memory. */
__attribute__((section(".settings"))) static volatile struct settings_page page;

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
    page.settings = settings;
    page.crc = crc32(&settings);
    page.magic = SETTINGS_MAGIC;
}

bool settings_load(void) {
    if (page.magic != SETTINGS_MAGIC) return false;
    struct settings stored = page.settings;
    if (page.crc != crc32(&stored)) return false;
    settings = stored;
    return true;
}
