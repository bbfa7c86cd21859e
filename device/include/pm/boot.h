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
    uint32_t jump;                /* the image's address plus PM_BOOT_FLOW */
};

/* What every step of a boot that went well adds up to; the stage subtracts it from `jump`, and
 * lands somewhere else when a step was left out. */
#define PM_BOOT_FLOW 0x6e40e599U

enum pm_boot_status {
    PM_BOOT_OK =
        0x3c5aa5c3,        /* far from every other value: a skipped instruction does not make it */
    PM_BOOT_NO_IMAGE = 1,  /* neither slot holds an image that may run */
    PM_BOOT_NO_RECORD = 2, /* records are there and none is whole: no cut does that */
    PM_BOOT_FLASH = 3,     /* the flash does not take a record */
    PM_BOOT_ROOT = 4,      /* the built-in root document is none */
    PM_BOOT_DISTURBED = 5, /* the second look did not see what the first one saw: reset */
};

/* factory_root is version 1, from the boot stage's own image. */
enum pm_boot_status pm_boot_choose(const struct pm_flash *flash, const struct pm_flash_map *map,
                                   const uint8_t factory_root[PM_ROOT_BYTES],
                                   struct pm_boot_choice *out);

/* For the application, over the same flash. A record is changed by loading it, changing the copy
 * (not its number) and storing that: store() gives it the next number. It refuses a copy of an
 * older record than the one in flash, and floors or a root version that go back. The first record
 * of all, with number 0, is the boot stage's. */
bool pm_boot_record_load(const struct pm_flash *flash, const struct pm_flash_map *map,
                         struct pm_boot_record *out);
bool pm_boot_record_store(const struct pm_flash *flash, const struct pm_flash_map *map,
                          const struct pm_boot_record *record);
/* To begin a trial: trial, trial_sha256 (the image's), trial_root_version, and tries_left =
 * PM_TRIES; the boot stage counts down. */

/* The image that runs is well: it becomes the confirmed one; floor and root version move. True,
 * and nothing changes, when there is no trial; false for a trial that no boot has run. */
bool pm_boot_confirm(const struct pm_flash *flash, const struct pm_flash_map *map);
/* It is not: the next boot takes the confirmed one. */
bool pm_boot_withdraw(const struct pm_flash *flash, const struct pm_flash_map *map);

#endif
