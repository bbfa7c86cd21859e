/* Boot records in flash: two sectors, a whole new record for each change (format/boot_record.h).
 *
 * A record is only ever stored over the one that does not count, and only by who has loaded the
 * one that does: a record that was made from an older one is refused, so is one whose floors are
 * lower. With no record at all (a part fresh from the factory) one sector stays blank until the
 * first record is whole: none valid and none blank is what no power cut leaves. */
#include "device/src/record.h"

#include <string.h>

#include "device/src/seeded.h"
#include "format/crc32.h"
#include "format/little_endian.h"

static bool read_sector(const struct pm_flash *flash, const struct pm_flash_map *map,
                        uint32_t sector, struct pm_boot_record *out) {
    uint8_t bytes[PM_BOOT_RECORD_BYTES];
    if (!flash->read(flash->context, map->record_address[sector], bytes, sizeof bytes))
        return false;
    if (PM_SEEDED_BUG == PM_BUG_SECOND_RECORD_UNCHECKED && sector == 1)
        pm_put_u32(bytes + 124, pm_crc32(bytes, 124));
    return pm_boot_record_read(bytes, out);
}

uint32_t pm_record_newest(const struct pm_flash *flash, const struct pm_flash_map *map,
                          struct pm_boot_record *out) {
    struct pm_boot_record second;
    bool first_valid = read_sector(flash, map, 0, out);
    bool second_valid = read_sector(flash, map, 1, &second);
    if (second_valid && (!first_valid || second.number > out->number)) {
        *out = second;
        return 1;
    }
    return first_valid ? 0 : PM_RECORD_NONE;
}

bool pm_boot_record_load(const struct pm_flash *flash, const struct pm_flash_map *map,
                         struct pm_boot_record *out) {
    return pm_record_newest(flash, map, out) != PM_RECORD_NONE;
}

bool pm_record_is_fresh(const struct pm_flash *flash, const struct pm_flash_map *map) {
    return pm_flash_is_blank(flash, map->record_address[0], flash->page_bytes) ||
           pm_flash_is_blank(flash, map->record_address[1], flash->page_bytes);
}

/* The sector that the next record goes to. */
static uint32_t free_sector(const struct pm_flash *flash, const struct pm_flash_map *map,
                            uint32_t newest) {
    if (newest != PM_RECORD_NONE) return 1 - newest;
    bool only_first_blank = pm_flash_is_blank(flash, map->record_address[0], flash->page_bytes) &&
                            !pm_flash_is_blank(flash, map->record_address[1], flash->page_bytes);
    return only_first_blank ? 1 : 0;
}

static bool follows(const struct pm_boot_record *record, const struct pm_boot_record *newest) {
    return record->number == newest->number && record->floor >= newest->floor &&
           record->root_version >= newest->root_version &&
           record->time_floor >= newest->time_floor &&
           record->channel_floor >= newest->channel_floor;
}

bool pm_boot_record_store(const struct pm_flash *flash, const struct pm_flash_map *map,
                          const struct pm_boot_record *record) {
    struct pm_boot_record next;
    uint32_t newest = pm_record_newest(flash, map, &next);
    if (newest == PM_RECORD_NONE ? record->number != 0 : !follows(record, &next)) return false;

    uint8_t bytes[PM_BOOT_RECORD_BYTES];
    next = *record;
    next.number++;
    pm_boot_record_write(&next, bytes);
    uint32_t address = map->record_address[free_sector(flash, map, newest)];
    return pm_flash_erase(flash, address) && pm_flash_write(flash, address, bytes, sizeof bytes);
}
