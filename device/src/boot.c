/* See pm/boot.h.
 *
 * Everything is looked at twice, at different times and by different computation, so that one
 * disturbed instruction (or two neighbours) cannot make a wrong image run:
 *
 *   the first look chooses: record, seal, signature, digest of the image, each with a branch;
 *   the second look starts from flash anew: record, seal, signature, floor; it compares the digest
 *   that the first look computed with the seal it has read itself.
 *
 * Each step adds a number to `flow` that depends on the values it has checked, without a branch.
 * The address to jump to is the seal's plus flow; the stage subtracts PM_BOOT_FLOW, so that it
 * meets the image only when every step ran and every value was right. */
#include "pm/boot.h"

#include <string.h>

#include "device/src/record.h"
#include "device/src/seeded.h"
#include "format/little_endian.h"
#include "pm/crypto.h"
#include "pm/root.h"

/* Added to flow; PM_BOOT_FLOW is their sum. */
enum {
    STEP_SIGNATURE = 0x1b873593,
    STEP_DIGEST = 0x2545f491,
    STEP_SIGNATURE_AGAIN = 0x0d2511f5,
    STEP_FLOOR_AGAIN = 0x11b54a33,
    STEP_DIGEST_AGAIN = 0x0e995f4d,
};
_Static_assert(PM_BOOT_FLOW == (uint32_t)STEP_SIGNATURE + STEP_DIGEST + STEP_SIGNATURE_AGAIN +
                                   STEP_FLOOR_AGAIN + STEP_DIGEST_AGAIN,
               "the stage expects each step");

enum {
    PIECE_BYTES = 64,
    /* Where the architecture has RAM that a stack may be in (ARMv7-M, B3.1: Code for
     * tightly coupled memory, SRAM). */
    RAM_FIRST = 0x10000000,
    RAM_LAST = 0x3fffffff,
    THUMB = 1,
};

struct boot {
    const struct pm_flash *flash;
    const struct pm_flash_map *map;
    const uint8_t *factory_root;
    struct pm_boot_choice *out;
    uint32_t flow;
    uint32_t refused; /* slots already found wanting, a bit each */
    uint32_t image_sha256[PM_SHA256_BYTES / 4];
};

/* A value that the compiler believes nothing about, so that a second check stays one. */
static inline uint32_t opaque(uint32_t value) {
    __asm__ volatile("" : "+r"(value) : : "memory");
    return value;
}

static uint32_t seal_address(const struct pm_flash_map *map, uint32_t slot) {
    return map->slot_address[slot] + map->slot_bytes - PM_SEAL_BYTES;
}

__attribute__((noinline)) static bool read_seal(const struct boot *boot, uint32_t slot,
                                                struct pm_seal *seal,
                                                uint8_t digest[PM_SHA256_BYTES]) {
    uint8_t bytes[PM_SEAL_BYTES];
    memset(digest, 0, PM_SHA256_BYTES);
    if (!boot->flash->read(boot->flash->context, seal_address(boot->map, slot), bytes,
                           sizeof bytes) ||
        !pm_seal_read(bytes, seal)) {
        return false;
    }
    pm_sha256_once(bytes, PM_SEAL_SIGNED_BYTES, digest);
    return seal->slot_address == boot->map->slot_address[slot] && seal->image_bytes >= 8 &&
           seal->image_bytes <= boot->map->slot_bytes - PM_SEAL_BYTES;
}

/* The release key of the root document in force that signed, for the same product. */
__attribute__((noinline)) static bool find_key(const struct boot *boot, uint32_t root_version,
                                               const struct pm_seal *seal,
                                               uint8_t point[PM_POINT_BYTES]) {
    struct pm_root_place root;
    uint8_t product[2 * PM_UUID_BYTES];
    if (!pm_root_find(boot->flash, boot->map, boot->factory_root, root_version, &root) ||
        !pm_root_read_at(boot->flash, &root, PM_ROOT_PRODUCT_OFFSET, product, sizeof product)) {
        return false;
    }
    return memcmp(product, seal->vendor, PM_UUID_BYTES) == 0 &&
           memcmp(product + PM_UUID_BYTES, seal->class_id, PM_UUID_BYTES) == 0 &&
           pm_root_release_key(boot->flash, &root, seal->key_id, point);
}

/* Reads the slot's seal to `seal` and adds `step` to flow when its signature holds. */
__attribute__((noinline)) static bool seal_holds(struct boot *boot, uint32_t slot,
                                                 uint32_t root_version, struct pm_seal *seal,
                                                 uint32_t step) {
    uint8_t digest[PM_SHA256_BYTES], point[PM_POINT_BYTES];
    if (!read_seal(boot, slot, seal, digest)) return false;
    if (!find_key(boot, root_version, seal, point)) return false;
    uint32_t holds = pm_es256_verify(point, digest, seal->signature);
    boot->flow += opaque(holds) * step;
    return holds == 1;
}

/* Once a boot for each slot that is looked at. The digest stays for the second look. */
__attribute__((noinline)) static bool hash_image(struct boot *boot, uint32_t slot,
                                                 const struct pm_seal *seal) {
    struct pm_hash hash;
    uint8_t piece[PIECE_BYTES];
    uint32_t address = boot->map->slot_address[slot];
    memset(boot->image_sha256, 0, sizeof boot->image_sha256);
    pm_sha256_start(&hash);
    for (uint32_t at = 0; at < seal->image_bytes;) {
        uint32_t part = seal->image_bytes - at;
        if (part > PIECE_BYTES) part = PIECE_BYTES;
        if (!boot->flash->read(boot->flash->context, address + at, piece, part)) return false;
        pm_sha256_add(&hash, piece, part);
        at += part;
    }
    pm_sha256_finish(&hash, (uint8_t *)boot->image_sha256);
    return memcmp(boot->image_sha256, seal->image_sha256, PM_SHA256_BYTES) == 0;
}

static bool vectors_are_sane(const struct boot *boot, const struct pm_seal *seal) {
    uint8_t vectors[8];
    if (!boot->flash->read(boot->flash->context, seal->slot_address, vectors, sizeof vectors))
        return false;
    uint32_t stack = pm_get_u32(vectors), reset = pm_get_u32(vectors + 4);
    return stack % 8 == 0 && stack > RAM_FIRST && stack <= RAM_LAST && (reset & THUMB) != 0 &&
           reset - seal->slot_address >= 8 && reset - seal->slot_address < seal->image_bytes;
}

/* Zero when the image is the one that `seal` speaks of; by words, not by memcmp. */
static uint32_t digest_difference(const struct boot *boot, const struct pm_seal *seal) {
    uint32_t difference = 0;
    for (uint32_t i = 0; i < PM_SHA256_BYTES / 4; i++) {
        uint8_t computed[4];
        memcpy(computed, &boot->image_sha256[i], sizeof computed);
        difference |= pm_get_u32(computed) ^ pm_get_u32(seal->image_sha256 + (size_t)4 * i);
    }
    return difference;
}

/* The first look: may what is in this slot run? */
static bool may_run(struct boot *boot, uint32_t slot, uint32_t root_version) {
    struct pm_seal *seal = &boot->out->seal;
    if ((boot->refused >> slot & 1) != 0) return false;
    boot->refused |= 1U << slot;
    boot->flow = 0;
    if (!seal_holds(boot, slot, root_version, seal, STEP_SIGNATURE)) return false;
    if (seal->sequence < boot->out->record.floor) return false;
    if (!hash_image(boot, slot, seal) || !vectors_are_sane(boot, seal)) return false;
    boot->flow += STEP_DIGEST ^ opaque(digest_difference(boot, seal));
    boot->out->slot = slot;
    return true;
}

/* The second look, from flash anew; makes the address. */
__attribute__((noinline)) static bool still_may_run(struct boot *boot) {
    struct pm_boot_choice *out = boot->out;
    uint32_t slot = opaque(out->slot);
    if (!pm_boot_record_load(boot->flash, boot->map, &out->record)) return false;
    uint32_t root_version =
        slot == out->record.trial ? out->record.trial_root_version : out->record.root_version;
    if (!seal_holds(boot, slot, root_version, &out->seal, STEP_SIGNATURE_AGAIN)) return false;
    /* The borrow of sequence - floor, by halves. */
    uint32_t low = (uint32_t)out->seal.sequence, high = (uint32_t)(out->seal.sequence >> 32);
    uint32_t low_floor = opaque((uint32_t)out->record.floor);
    uint32_t high_floor = opaque((uint32_t)(out->record.floor >> 32));
    uint32_t borrow = high < high_floor || (high == high_floor && low < low_floor);
    uint32_t difference = opaque(digest_difference(boot, &out->seal));
    boot->flow += (1 - borrow) * STEP_FLOOR_AGAIN;
    boot->flow += STEP_DIGEST_AGAIN ^ difference;
    out->jump = out->seal.slot_address + boot->flow;
    return difference == 0 && borrow == 0 && boot->flow == PM_BOOT_FLOW;
}

/* Ends the trial. When the flash does not take that, the confirmed image runs all the same, and
 * the next boot tries to store it again. */
static void end_trial(struct boot *boot, enum pm_trial_end end) {
    struct pm_boot_record *record = &boot->out->record;
    record->trial = PM_SLOT_NONE;
    record->tries_left = 0;
    record->trial_end = (uint8_t)end;
    record->trial_root_version = record->root_version;
    memset(record->trial_sha256, 0, PM_SHA256_BYTES);
    if (pm_boot_record_store(boot->flash, boot->map, record)) record->number++;
}

/* A trial runs once its try is counted in flash; else it would have tries without end. */
static bool trial_runs(struct boot *boot) {
    struct pm_boot_record *record = &boot->out->record;
    if (record->trial == PM_SLOT_NONE) return false;
    if (record->tries_left == 0) {
        end_trial(boot, PM_TRIAL_EXHAUSTED);
        return false;
    }
    if (!may_run(boot, record->trial, record->trial_root_version) ||
        memcmp(boot->image_sha256, record->trial_sha256, PM_SHA256_BYTES) != 0) {
        end_trial(boot, PM_TRIAL_REFUSED);
        return false;
    }
    record->tries_left--;
    if (PM_SEEDED_BUG == PM_BUG_FLOOR_EARLY) record->floor = boot->out->seal.sequence;
    return pm_boot_record_store(boot->flash, boot->map, record);
}

/* Both slots, the better one first: by the sequence numbers that their seals claim. */
static bool better_one_runs(struct boot *boot, uint32_t root_version) {
    uint8_t digest[PM_SHA256_BYTES];
    uint64_t sequence[2] = {0, 0};
    for (uint32_t slot = 0; slot < 2; slot++) {
        if (read_seal(boot, slot, &boot->out->seal, digest))
            sequence[slot] = boot->out->seal.sequence;
    }
    uint32_t first = sequence[1] > sequence[0];
    return may_run(boot, first, root_version) || may_run(boot, 1 - first, root_version);
}

/* The part is fresh from the factory: the first record confirms what runs. */
static enum pm_boot_status first_boot(struct boot *boot) {
    struct pm_boot_record *record = &boot->out->record;
    memset(record, 0, sizeof *record);
    record->root_version = record->trial_root_version = 1;
    record->trial = PM_SLOT_NONE;
    if (!better_one_runs(boot, 1)) return PM_BOOT_NO_IMAGE;
    record->confirmed = (uint8_t)boot->out->slot;
    record->floor = boot->out->seal.sequence;
    memcpy(record->confirmed_sha256, boot->image_sha256, PM_SHA256_BYTES);
    if (!pm_boot_record_store(boot->flash, boot->map, record)) return PM_BOOT_FLASH;
    return PM_BOOT_OK;
}

static enum pm_boot_status choose(struct boot *boot) {
    struct pm_boot_record *record = &boot->out->record;
    if (!pm_boot_record_load(boot->flash, boot->map, record)) {
        if (!pm_record_is_fresh(boot->flash, boot->map)) return PM_BOOT_NO_RECORD;
        return first_boot(boot);
    }
    if (trial_runs(boot)) return PM_BOOT_OK;
    if (record->confirmed != PM_SLOT_NONE && may_run(boot, record->confirmed, record->root_version))
        return PM_BOOT_OK;
    return better_one_runs(boot, record->root_version) ? PM_BOOT_OK : PM_BOOT_NO_IMAGE;
}

enum pm_boot_status pm_boot_choose(const struct pm_flash *flash, const struct pm_flash_map *map,
                                   const uint8_t factory_root[PM_ROOT_BYTES],
                                   struct pm_boot_choice *out) {
    struct boot boot = {flash, map, factory_root, out, 0, 0, {0}};
    struct pm_root_place root;
    memset(out, 0, sizeof *out);
    if (!pm_root_find(flash, map, factory_root, 1, &root)) return PM_BOOT_ROOT;
    enum pm_boot_status status = choose(&boot);
    if (status != PM_BOOT_OK) return status;
    if (!still_may_run(&boot)) return PM_BOOT_DISTURBED;
    return PM_BOOT_OK;
}
