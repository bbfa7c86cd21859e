/* Boot: choose a slot, verify it, lock the memory, jump.
 *
 * What happens is a function of flash alone: two boot records, the chain of root documents, two
 * slots. A trial that did not confirm is counted before it runs; with no try left the confirmed
 * slot runs again. Each image is hashed once a boot. */
#ifndef PM_BOOT_H
#define PM_BOOT_H

#include "format/boot_record.h"
#include "format/root.h"
#include "pm/flash.h"

enum { PM_TRIES = 3 };

struct pm_boot_choice {
    uint32_t slot; /* 0 or 1 */
    struct pm_seal seal;
    struct pm_boot_record record; /* as it stands in flash after the choice */
};

enum pm_boot_status {
    PM_BOOT_OK =
        0x3c5aa5c3,        /* far from every other value: a skipped instruction does not make it */
    PM_BOOT_NO_IMAGE = 1,  /* neither slot holds an image that may run */
    PM_BOOT_NO_RECORD = 2, /* records are there and none is whole: no cut does that */
    PM_BOOT_FLASH = 3,     /* the flash does not take a record */
    PM_BOOT_ROOT = 4,      /* the chain of root documents does not hold */
};

/* factory_root is version 1, from the boot stage's own image. */
enum pm_boot_status pm_boot_choose(const struct pm_flash *flash, const struct pm_flash_map *map,
                                   const uint8_t factory_root[PM_ROOT_BYTES],
                                   struct pm_boot_choice *out);

/* For the application, over the same flash. */
bool pm_boot_record_load(const struct pm_flash *flash, const struct pm_flash_map *map,
                         struct pm_boot_record *out);
bool pm_boot_record_store(const struct pm_flash *flash, const struct pm_flash_map *map,
                          const struct pm_boot_record *record);
/* The image that runs is well: it becomes the confirmed one; floor and root version move. */
bool pm_boot_confirm(const struct pm_flash *flash, const struct pm_flash_map *map);
/* It is not: the next boot takes the confirmed one. */
bool pm_boot_withdraw(const struct pm_flash *flash, const struct pm_flash_map *map);

#endif
