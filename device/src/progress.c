/* See progress.h. */
#include "progress.h"

#include <string.h>

#include "format/crc32.h"
#include "format/little_endian.h"

enum { AT_NUMBER = 4, AT_NAME = 8, AT_DONE = 20, AT_ZERO = 24, AT_CRC = 28, NAME_BYTES = 12 };

struct log {
    uint32_t page;   /* 0 or 1: of the newest entry */
    uint32_t offset; /* behind it */
    uint32_t number; /* 0: there is none */
    uint8_t entry[PM_PROGRESS_BYTES];
};

static const uint8_t magic[4] = {'P', 'M', 'P', 'G'};

static bool read_entry(const struct pm_flash *flash, uint32_t address,
                       uint8_t out[PM_PROGRESS_BYTES]) {
    return flash->read(flash->context, address, out, PM_PROGRESS_BYTES) &&
           memcmp(out, magic, sizeof magic) == 0 && pm_get_u32(out + AT_ZERO) == 0 &&
           pm_get_u32(out + AT_CRC) == pm_crc32(out, AT_CRC);
}

/* A page's entries have rising numbers; the first place that has none ends them. */
static struct log find_newest(const struct pm_flash *flash, const struct pm_flash_map *map) {
    struct log log = {0};
    for (uint32_t page = 0; page < 2; page++) {
        uint32_t offset = 0;
        uint8_t entry[PM_PROGRESS_BYTES];
        while (flash->page_bytes - offset >= PM_PROGRESS_BYTES &&
               read_entry(flash, map->progress_address[page] + offset, entry)) {
            offset += PM_PROGRESS_BYTES;
            if (pm_get_u32(entry + AT_NUMBER) <= log.number) continue;
            log.page = page;
            log.offset = offset;
            log.number = pm_get_u32(entry + AT_NUMBER);
            memcpy(log.entry, entry, sizeof entry);
        }
    }
    return log;
}

uint32_t pm_progress_load(const struct pm_flash *flash, const struct pm_flash_map *map,
                          const uint8_t sha256[PM_SHA256_BYTES]) {
    struct log log = find_newest(flash, map);
    if (log.number == 0 || memcmp(log.entry + AT_NAME, sha256, NAME_BYTES) != 0) return 0;
    return pm_get_u32(log.entry + AT_DONE);
}

bool pm_progress_store(const struct pm_flash *flash, const struct pm_flash_map *map,
                       const uint8_t sha256[PM_SHA256_BYTES], uint32_t done_bytes) {
    struct log log = find_newest(flash, map);
    uint8_t entry[PM_PROGRESS_BYTES] = {0};
    memcpy(entry, magic, sizeof magic);
    pm_put_u32(entry + AT_NUMBER, log.number + 1);
    if (sha256) memcpy(entry + AT_NAME, sha256, NAME_BYTES);
    pm_put_u32(entry + AT_DONE, done_bytes);
    pm_put_u32(entry + AT_CRC, pm_crc32(entry, AT_CRC));

    uint32_t place = map->progress_address[log.page] + log.offset;
    if (log.number > 0 && flash->page_bytes - log.offset >= PM_PROGRESS_BYTES &&
        pm_flash_is_blank(flash, place, PM_PROGRESS_BYTES) &&
        pm_flash_write(flash, place, entry, sizeof entry)) {
        return true;
    }
    uint32_t other = map->progress_address[log.number > 0 ? 1 - log.page : 0];
    return pm_flash_erase(flash, other) && pm_flash_write(flash, other, entry, sizeof entry);
}
