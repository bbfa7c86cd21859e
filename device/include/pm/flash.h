/* Flash as the device sees it. A port gives one of these; nothing else touches the flash.
 *
 * Addresses are absolute. Erased bytes read 0xff. A write covers whole write units, and each unit
 * is written at most once between two erases (program-once parts and parts with ECC need it;
 * nothing here relies on clearing bits twice). read() fails on an ECC error, which a unit that was
 * torn by a power cut may give: it is treated as bytes that are not valid.
 *
 * open() makes [address, address + size_bytes) writable for the CPU, close() takes it back: on a
 * part with an MPU flash is read-only outside this window. The functions of pm/flash.h are the
 * only ones that call write and erase, and they open exactly what they write. */
#ifndef PM_FLASH_H
#define PM_FLASH_H

#include "format/bytes.h"

struct pm_flash {
    void *context;
    uint32_t page_bytes;  /* what one erase clears; a power of two */
    uint32_t write_bytes; /* the write unit: 1 to 32, a power of two */
    bool (*read)(void *context, uint32_t address, void *out, uint32_t size_bytes);
    bool (*write)(void *context, uint32_t address, const void *data, uint32_t size_bytes);
    bool (*erase)(void *context, uint32_t address); /* the page there */
    void (*open)(void *context, uint32_t address, uint32_t size_bytes);
    void (*close)(void *context);
};

/* Where things are. Every range is whole pages; ranges do not overlap. */
struct pm_flash_map {
    uint32_t slot_address[2], slot_bytes; /* the seal is in a slot's last PM_SEAL_BYTES */
    uint32_t record_address[2];           /* a page each */
    uint32_t root_address[2];             /* a page each: the chain of root documents */
    uint32_t progress_address[2];         /* a page each: how far a download is */
};

/* Write and read back; false when it does not read as written. address and size_bytes are
 * multiples of the write unit. */
bool pm_flash_write(const struct pm_flash *flash, uint32_t address, const void *data,
                    uint32_t size_bytes);
/* Erase the page and see that it is blank. */
bool pm_flash_erase(const struct pm_flash *flash, uint32_t address);
bool pm_flash_is_blank(const struct pm_flash *flash, uint32_t address, uint32_t size_bytes);

#endif
