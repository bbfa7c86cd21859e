/* A file as flash, for tests and tools on a POSIX machine. A byte's place in the file is its
 * address less `base`; a write clears bits as flash does, and is in the file when it returns. */
#ifndef PM_PORT_POSIX_FLASH_H
#define PM_PORT_POSIX_FLASH_H

#include "pm/flash.h"

struct posix_flash {
    struct pm_flash flash; /* what the library takes; filled by posix_flash_open */
    int file;
    uint32_t base, size_bytes;
    uint32_t window, window_bytes;
};

/* Opens the file, or makes one of size_bytes erased bytes. False when the system does not let it,
 * or when the file has another size. page_bytes and write_bytes as in pm/flash.h. */
bool posix_flash_open(struct posix_flash *out, const char *path, uint32_t base, uint32_t size_bytes,
                      uint32_t page_bytes, uint32_t write_bytes);
void posix_flash_close(struct posix_flash *flash);

#endif
