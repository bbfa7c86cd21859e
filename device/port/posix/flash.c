/* See flash.h. */
#include "device/port/posix/flash.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_BYTES = 256 };

static bool within(uint32_t address, uint32_t size_bytes, uint32_t base, uint32_t base_bytes) {
    return address - base <= base_bytes && size_bytes <= base_bytes - (address - base);
}

static bool flash_read(void *context, uint32_t address, void *out, uint32_t size_bytes) {
    const struct posix_flash *flash = context;
    return within(address, size_bytes, flash->base, flash->size_bytes) &&
           pread(flash->file, out, size_bytes, (off_t)(address - flash->base)) ==
               (ssize_t)size_bytes;
}

static bool put(const struct posix_flash *flash, uint32_t address, const uint8_t *data,
                uint32_t size_bytes) {
    return pwrite(flash->file, data, size_bytes, (off_t)(address - flash->base)) ==
           (ssize_t)size_bytes;
}

static bool flash_write(void *context, uint32_t address, const void *data, uint32_t size_bytes) {
    const struct posix_flash *flash = context;
    uint8_t piece[PIECE_BYTES];
    if (!within(address, size_bytes, flash->window, flash->window_bytes)) return false;
    for (uint32_t done = 0; done < size_bytes;) {
        uint32_t part = size_bytes - done < PIECE_BYTES ? size_bytes - done : PIECE_BYTES;
        if (!flash_read(context, address + done, piece, part)) return false;
        for (uint32_t i = 0; i < part; i++)
            piece[i] &= ((const uint8_t *)data)[done + i];
        if (!put(flash, address + done, piece, part)) return false;
        done += part;
    }
    return true;
}

static bool erase_range(const struct posix_flash *flash, uint32_t address, uint32_t size_bytes) {
    uint8_t blank[PIECE_BYTES];
    memset(blank, 0xff, sizeof blank);
    for (uint32_t done = 0; done < size_bytes;) {
        uint32_t part = size_bytes - done < PIECE_BYTES ? size_bytes - done : PIECE_BYTES;
        if (!put(flash, address + done, blank, part)) return false;
        done += part;
    }
    return true;
}

static bool flash_erase(void *context, uint32_t address) {
    const struct posix_flash *flash = context;
    return within(address, flash->flash.page_bytes, flash->window, flash->window_bytes) &&
           erase_range(flash, address, flash->flash.page_bytes);
}

static void flash_open(void *context, uint32_t address, uint32_t size_bytes) {
    struct posix_flash *flash = context;
    bool inside = within(address, size_bytes, flash->base, flash->size_bytes);
    flash->window = address;
    flash->window_bytes = inside ? size_bytes : 0;
}

static void flash_close(void *context) {
    struct posix_flash *flash = context;
    flash->window_bytes = 0;
}

bool posix_flash_open(struct posix_flash *out, const char *path, uint32_t base, uint32_t size_bytes,
                      uint32_t page_bytes, uint32_t write_bytes) {
    struct stat found;
    *out = (struct posix_flash){
        .flash = {.context = out,
                  .page_bytes = page_bytes,
                  .write_bytes = write_bytes,
                  .read = flash_read,
                  .write = flash_write,
                  .erase = flash_erase,
                  .open = flash_open,
                  .close = flash_close},
        .file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666),
        .base = base,
        .size_bytes = size_bytes,
    };
    if (out->file < 0) return false;
    if (fstat(out->file, &found) == 0 &&
        (found.st_size == (off_t)size_bytes ||
         (found.st_size == 0 && erase_range(out, base, size_bytes)))) {
        return true;
    }
    posix_flash_close(out);
    return false;
}

void posix_flash_close(struct posix_flash *flash) {
    if (flash->file >= 0) close(flash->file);
    flash->file = -1;
}
