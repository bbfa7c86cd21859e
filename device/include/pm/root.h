/* The chain of root documents in flash (format/root.h says what a document is).
 *
 * Two pages hold a chain each: documents one behind the other, each at a multiple of
 * PM_ROOT_STRIDE_BYTES, from the lowest version to the highest. The first is signed by the root
 * keys of version 1, which is built in, each next one by those of the document before it. What
 * does not verify ends the chain, so a page that a power cut left half-written holds a shorter
 * chain and never a false one. A version is in force when the boot record says so; the page that
 * holds it is not written, the other one is. */
#ifndef PM_ROOT_CHAIN_H
#define PM_ROOT_CHAIN_H

#include "format/root.h"
#include "pm/flash.h"

enum {
    PM_ROOT_STRIDE_BYTES = 800,   /* PM_ROOT_BYTES in whole write units of up to 32 bytes */
    PM_ROOT_PRODUCT_OFFSET = 464, /* vendor and class identifier in a document */
};

/* Where a verified document stands: in flash, or (memory != NULL) built in. */
struct pm_root_place {
    const uint8_t *memory;
    uint32_t address;
    uint32_t version;
};

/* Finds the document of this version and verifies every signature that leads to it. */
bool pm_root_find(const struct pm_flash *flash, const struct pm_flash_map *map,
                  const uint8_t factory_root[PM_ROOT_BYTES], uint32_t version,
                  struct pm_root_place *out);
/* May `next` stand behind `before`, which is verified? Sets next->version. */
bool pm_root_follows(const struct pm_flash *flash, const struct pm_root_place *before,
                     struct pm_root_place *next);
/* The release key with this id (SHA-256 of its point), when the document has it. */
bool pm_root_release_key(const struct pm_flash *flash, const struct pm_root_place *place,
                         const uint8_t key_id[PM_SHA256_BYTES], uint8_t point[PM_POINT_BYTES]);
bool pm_root_read_at(const struct pm_flash *flash, const struct pm_root_place *place,
                     uint32_t offset, void *out, uint32_t size_bytes);

/* The whole document of this version, for who verifies channels and manifests. */
bool pm_root_load(const struct pm_flash *flash, const struct pm_flash_map *map,
                  const uint8_t factory_root[PM_ROOT_BYTES], uint32_t version, struct pm_root *out);
/* Takes a new document that follows the one in force, or the one stored last before: writes the
 * chain that leads to it to the page that version in_force does not need. It comes in force with
 * the boot record that names its version (trial_root_version). What does not verify is refused
 * before anything is erased; a document that is there already stays as it is. False as well when
 * the chain is longer than a page: keys of the root may change page_bytes / 800 times, less one
 * for the newest document. */
bool pm_root_store(const struct pm_flash *flash, const struct pm_flash_map *map,
                   const uint8_t factory_root[PM_ROOT_BYTES], uint32_t in_force,
                   const uint8_t document[PM_ROOT_BYTES]);

#endif
