/* The weekly schedule: a short list of switch-over times. */
#ifndef THERMOSTAT_SCHEDULE_H
#define THERMOSTAT_SCHEDULE_H

#include <stdint.h>

enum {
    SCHEDULE_ENTRIES = 8,
    SCHEDULE_WORKDAYS = 0x1f, /* bit 0 is Monday */
    SCHEDULE_WEEKEND = 0x60,
    SCHEDULE_ALL_DAYS = 0x7f,
};

struct schedule_entry {
    uint8_t days;    /* 0: the entry is free */
    uint16_t minute; /* of the day */
    int16_t target;  /* hundredths of a degree */
};

/* The target of the entry that was switched to last, looking back up to a week;
 * `otherwise` when the list is empty. */
int32_t schedule_target(const struct schedule_entry entries[SCHEDULE_ENTRIES], uint32_t weekday,
                        uint32_t minute, int32_t otherwise);

#endif
