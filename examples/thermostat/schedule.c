#include "schedule.h"

#include <stddef.h>

/* The latest entry of one day that begins at or before `minute`. */
static const struct schedule_entry *latest_of_day(const struct schedule_entry *entries,
                                                  uint32_t weekday, uint32_t minute) {
    const struct schedule_entry *latest = NULL;
    for (unsigned i = 0; i < SCHEDULE_ENTRIES; i++) {
        const struct schedule_entry *entry = &entries[i];
        if (!(entry->days >> weekday & 1) || entry->minute > minute) continue;
        if (!latest || entry->minute >= latest->minute) latest = entry;
    }
    return latest;
}

int32_t schedule_target(const struct schedule_entry entries[SCHEDULE_ENTRIES], uint32_t weekday,
                        uint32_t minute, int32_t otherwise) {
    for (unsigned back = 0; back <= 7; back++) {
        uint32_t day = (weekday + 7 - back % 7) % 7;
        const struct schedule_entry *entry = latest_of_day(entries, day, back ? 24 * 60 : minute);
        if (entry) return entry->target;
    }
    return otherwise;
}
