/* See pm/flash.h. Nothing is believed written that was not read back. */
#include "pm/flash.h"

#include <string.h>

enum { CHUNK_BYTES = 64 }; /* a multiple of every write unit */

static bool reads_as(const struct pm_flash *flash, uint32_t address, const uint8_t *data,
                     uint32_t size_bytes) {
    uint8_t chunk[CHUNK_BYTES];
    for (uint32_t done = 0; done < size_bytes;) {
        uint32_t part = size_bytes - done < CHUNK_BYTES ? size_bytes - done : CHUNK_BYTES;
        if (!flash->read(flash->context, address + done, chunk, part) ||
            memcmp(chunk, data + done, part) != 0) {
            return false;
        }
        done += part;
    }
    return true;
}

bool pm_flash_write(const struct pm_flash *flash, uint32_t address, const void *data,
                    uint32_t size_bytes) {
    uint32_t partial = flash->write_bytes - 1;
    if ((address & partial) != 0 || (size_bytes & partial) != 0) return false;
    flash->open(flash->context, address, size_bytes);
    bool written = flash->write(flash->context, address, data, size_bytes);
    flash->close(flash->context);
    return written && reads_as(flash, address, data, size_bytes);
}

bool pm_flash_erase(const struct pm_flash *flash, uint32_t address) {
    uint32_t page = address & ~(flash->page_bytes - 1);
    flash->open(flash->context, page, flash->page_bytes);
    bool erased = flash->erase(flash->context, page);
    flash->close(flash->context);
    return erased && pm_flash_is_blank(flash, page, flash->page_bytes);
}

bool pm_flash_is_blank(const struct pm_flash *flash, uint32_t address, uint32_t size_bytes) {
    uint8_t chunk[CHUNK_BYTES];
    for (uint32_t done = 0; done < size_bytes;) {
        uint32_t part = size_bytes - done < CHUNK_BYTES ? size_bytes - done : CHUNK_BYTES;
        if (!flash->read(flash->context, address + done, chunk, part)) return false;
        for (uint32_t i = 0; i < part; i++) {
            if (chunk[i] != 0xff) return false;
        }
        done += part;
    }
    return true;
}
