/* What an image says of its own health (pm/boot.h). Not in the boot stage. */
#include <string.h>

#include "pm/boot.h"

static void no_trial(struct pm_boot_record *record, enum pm_trial_end end) {
    record->trial = PM_SLOT_NONE;
    record->tries_left = 0;
    record->trial_end = (uint8_t)end;
    memset(record->trial_sha256, 0, PM_SHA256_BYTES);
}

/* An image that has not been booted cannot be well. */
static bool on_trial(const struct pm_boot_record *record) {
    return record->trial != PM_SLOT_NONE && record->tries_left < PM_TRIES;
}

bool pm_boot_confirm(const struct pm_flash *flash, const struct pm_flash_map *map) {
    struct pm_boot_record record;
    uint8_t bytes[PM_SEAL_BYTES];
    struct pm_seal seal;
    if (!pm_boot_record_load(flash, map, &record)) return false;
    if (record.trial == PM_SLOT_NONE) return true;
    if (!on_trial(&record)) return false;
    uint32_t end = map->slot_address[record.trial] + map->slot_bytes;
    if (!flash->read(flash->context, end - PM_SEAL_BYTES, bytes, sizeof bytes) ||
        !pm_seal_read(bytes, &seal) ||
        memcmp(seal.image_sha256, record.trial_sha256, PM_SHA256_BYTES) != 0) {
        return false;
    }
    record.confirmed = record.trial;
    memcpy(record.confirmed_sha256, record.trial_sha256, PM_SHA256_BYTES);
    if (seal.sequence > record.floor) record.floor = seal.sequence;
    record.root_version = record.trial_root_version;
    no_trial(&record, PM_TRIAL_CONFIRMED);
    return pm_boot_record_store(flash, map, &record);
}

bool pm_boot_withdraw(const struct pm_flash *flash, const struct pm_flash_map *map) {
    struct pm_boot_record record;
    if (!pm_boot_record_load(flash, map, &record)) return false;
    if (record.trial == PM_SLOT_NONE) return true;
    record.trial_root_version = record.root_version;
    no_trial(&record, PM_TRIAL_WITHDRAWN);
    return pm_boot_record_store(flash, map, &record);
}
