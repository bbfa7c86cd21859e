/* See boot_record.h. */
#include "format/boot_record.h"

#include <string.h>

#include "format/crc32.h"
#include "format/little_endian.h"

static const uint8_t magic[8] = {'P', 'M', 'B', 'O', 'O', 'T', 0, 1};

void pm_boot_record_write(const struct pm_boot_record *record, uint8_t out[PM_BOOT_RECORD_BYTES]) {
    memset(out, 0, PM_BOOT_RECORD_BYTES);
    memcpy(out, magic, sizeof magic);
    pm_put_u64(out + 8, record->number);
    out[16] = record->confirmed;
    out[17] = record->trial;
    out[18] = record->tries_left;
    out[19] = record->trial_end;
    pm_put_u32(out + 20, record->root_version);
    pm_put_u32(out + 24, record->trial_root_version);
    pm_put_u64(out + 32, record->floor);
    memcpy(out + 40, record->trial_sha256, PM_SHA256_BYTES);
    memcpy(out + 72, record->confirmed_sha256, PM_SHA256_BYTES);
    pm_put_u64(out + 104, record->time_floor);
    pm_put_u64(out + 112, record->channel_floor);
    pm_put_u32(out + 124, pm_crc32(out, 124));
}

static bool is_slot(uint8_t slot) {
    return slot == 0 || slot == 1 || slot == PM_SLOT_NONE;
}

bool pm_boot_record_read(const uint8_t bytes[PM_BOOT_RECORD_BYTES], struct pm_boot_record *out) {
    if (memcmp(bytes, magic, sizeof magic) != 0 ||
        pm_get_u32(bytes + 124) != pm_crc32(bytes, 124)) {
        return false;
    }
    if (!is_slot(bytes[16]) || !is_slot(bytes[17]) || bytes[19] > PM_TRIAL_WITHDRAWN) return false;
    if (pm_get_u32(bytes + 28) != 0 || pm_get_u32(bytes + 120) != 0) return false;
    out->number = pm_get_u64(bytes + 8);
    out->confirmed = bytes[16];
    out->trial = bytes[17];
    out->tries_left = bytes[18];
    out->trial_end = bytes[19];
    out->root_version = pm_get_u32(bytes + 20);
    out->trial_root_version = pm_get_u32(bytes + 24);
    out->floor = pm_get_u64(bytes + 32);
    memcpy(out->trial_sha256, bytes + 40, PM_SHA256_BYTES);
    memcpy(out->confirmed_sha256, bytes + 72, PM_SHA256_BYTES);
    out->time_floor = pm_get_u64(bytes + 104);
    out->channel_floor = pm_get_u64(bytes + 112);
    return true;
}
