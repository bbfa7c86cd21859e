/* What the owner has set. The working copy is in RAM; save and load go to the last page
 * of the flash, which therefore stays writable. */
#ifndef THERMOSTAT_SETTINGS_H
#define THERMOSTAT_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "schedule.h"

enum { SETTINGS_NAME_BYTES = 16 };

enum settings_mode { MODE_OFF, MODE_MANUAL, MODE_SCHEDULE };

struct settings {
    char name[SETTINGS_NAME_BYTES + 1];
    uint8_t mode;              /* enum settings_mode */
    int32_t target;            /* hundredths of a degree, in manual mode */
    int32_t gain_proportional; /* hundredths of full power for one degree */
    int32_t gain_integral;     /* millionths of full power for one degree and second */
    struct schedule_entry schedule[SCHEDULE_ENTRIES];
};

extern struct settings settings;

enum { SETTINGS_TARGET_MINIMUM = 500, SETTINGS_TARGET_MAXIMUM = 3000 };

void settings_reset(void);
void settings_save(void);

/* False, and nothing changed, when the page holds no settings or damaged ones. */
bool settings_load(void);

#endif
