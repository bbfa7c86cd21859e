/* Root documents for the application: load one, take a new one (pm/root.h). Not in the boot stage,
 * which only reads. */
#include <string.h>

#include "pm/root.h"

bool pm_root_load(const struct pm_flash *flash, const struct pm_flash_map *map,
                  const uint8_t factory_root[PM_ROOT_BYTES], uint32_t version,
                  struct pm_root *out) {
    struct pm_root_place place;
    uint8_t bytes[PM_ROOT_BYTES];
    return pm_root_find(flash, map, factory_root, version, &place) &&
           pm_root_read_at(flash, &place, 0, bytes, sizeof bytes) && pm_root_read(bytes, out);
}

static bool same_root_keys(const struct pm_root *a, const struct pm_root *b) {
    return memcmp(a->root_keys, b->root_keys, sizeof a->root_keys) == 0;
}

/* Writes a document, padded to whole write units, and moves on. */
static bool append(const struct pm_flash *flash, uint32_t page, uint32_t *used,
                   const uint8_t document[PM_ROOT_BYTES]) {
    uint32_t partial = flash->write_bytes - 1, whole = PM_ROOT_BYTES & ~partial;
    if (*used > flash->page_bytes || flash->page_bytes - *used < PM_ROOT_BYTES) return false;
    if (!pm_flash_write(flash, page + *used, document, whole)) return false;
    if (whole < PM_ROOT_BYTES) {
        uint8_t last[32];
        if (flash->page_bytes - *used < whole + flash->write_bytes) return false;
        memset(last, 0xff, sizeof last);
        memcpy(last, document + whole, PM_ROOT_BYTES - whole);
        if (!pm_flash_write(flash, page + *used + whole, last, flash->write_bytes)) return false;
    }
    *used += PM_ROOT_STRIDE_BYTES;
    return true;
}

/* Copies from the page with the version in force what a later document is verified by: those that
 * changed the root keys. `last` is the newest of them. */
static bool copy_chain(const struct pm_flash *flash, uint32_t from, uint32_t to,
                       const struct pm_root_place *in_force, struct pm_root *last, uint32_t *used) {
    for (uint32_t at = from; !in_force->memory && at <= in_force->address;
         at += PM_ROOT_STRIDE_BYTES) {
        uint8_t bytes[PM_ROOT_BYTES];
        struct pm_root root;
        if (!flash->read(flash->context, at, bytes, sizeof bytes) || !pm_root_read(bytes, &root))
            return false;
        if (same_root_keys(&root, last)) continue;
        if (!append(flash, to, used, bytes)) return false;
        *last = root;
    }
    return true;
}

/* A chain in page `to` that is newer than in_force and that the document continues. */
static bool continues(const struct pm_flash *flash, uint32_t to, struct pm_root_place before,
                      uint32_t in_force, const uint8_t *document, uint32_t *used) {
    struct pm_root_place next = {NULL, to, 0}, new = {document, 0, 0};
    while (next.address - to <= flash->page_bytes &&
           flash->page_bytes - (next.address - to) >= PM_ROOT_STRIDE_BYTES &&
           pm_root_follows(flash, &before, &next)) {
        before = next;
        next.address += PM_ROOT_STRIDE_BYTES;
    }
    *used = next.address - to;
    return before.version > in_force && pm_root_follows(flash, &before, &new) &&
           flash->page_bytes - *used >= PM_ROOT_STRIDE_BYTES &&
           pm_flash_is_blank(flash, next.address, PM_ROOT_STRIDE_BYTES);
}

bool pm_root_store(const struct pm_flash *flash, const struct pm_flash_map *map,
                   const uint8_t factory_root[PM_ROOT_BYTES], uint32_t in_force,
                   const uint8_t document[PM_ROOT_BYTES]) {
    struct pm_root_place factory, place, found, new = {document, 0, 0};
    struct pm_root last, wanted;
    uint8_t there[PM_ROOT_BYTES];
    if (!pm_root_read(document, &wanted) || wanted.version <= in_force ||
        !pm_root_find(flash, map, factory_root, 1, &factory) ||
        !pm_root_find(flash, map, factory_root, in_force, &place) ||
        !pm_root_read(factory_root, &last)) {
        return false;
    }
    if (pm_root_find(flash, map, factory_root, wanted.version, &found) &&
        pm_root_read_at(flash, &found, 0, there, sizeof there) &&
        memcmp(there, document, sizeof there) == 0) {
        return true;
    }
    bool in_first = !place.memory && place.address - map->root_address[0] < flash->page_bytes;
    uint32_t to = map->root_address[in_first ? 1 : 0], used = 0;
    uint32_t from = map->root_address[in_first ? 0 : 1];
    if (continues(flash, to, factory, in_force, document, &used))
        return append(flash, to, &used, document);
    used = 0;
    return pm_root_follows(flash, &place, &new) && pm_flash_erase(flash, to) &&
           copy_chain(flash, from, to, &place, &last, &used) &&
           append(flash, to, &used, document) &&
           pm_root_find(flash, map, factory_root, wanted.version, &found);
}
