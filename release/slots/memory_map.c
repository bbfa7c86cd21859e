/* The hardener's table of MPU regions, behind its boot stub (harden/protect/boot.c): pairs of
 * RBAR and RASR (DDI 0403E, B3.5). What covers the image's code follows it, which needs a move
 * by a multiple of the region's size; what covers both places, and RAM, stays. */
#include <elf.h>

#include "format/little_endian.h"
#include "release/slots/moving.h"

enum { RBAR_VALID = 1 << 4, RBAR_NUMBER = 15, RASR_ENABLE = 1, AP_NONE = 0, AP_READ_ONLY = 6 };

struct region {
    uint32_t base, size_bytes; /* size 0: 4 GiB */
    uint32_t access, eighths_off;
    bool executes;
};

static bool read_region(uint32_t rbar, uint32_t rasr, struct region *out) {
    uint32_t log2_size = (rasr >> 1 & 31) + 1;
    if (!(rbar & RBAR_VALID) || (rbar & RBAR_NUMBER) > 7) return false;
    if (!(rasr & RASR_ENABLE) || log2_size < 5) return false;
    out->size_bytes = log2_size == 32 ? 0 : 1U << log2_size;
    out->base = rbar & ~31U;
    out->access = rasr >> 24 & 7;
    out->eighths_off = rasr >> 8 & 0xff;
    out->executes = !(rasr >> 28 & 1);
    return (out->base & (out->size_bytes - 1)) == 0;
}

/* Does the region apply to any of the `count` bytes at `address`? */
static bool applies(const struct region *region, uint32_t address, uint32_t count) {
    uint64_t size = region->size_bytes ? region->size_bytes : UINT64_C(1) << 32;
    uint64_t parts = size >= 256 ? 8 : 1;
    for (uint64_t i = 0; i < parts; i++) {
        uint64_t start = region->base + i * (size / parts), end = start + size / parts;
        if (parts == 8 && (region->eighths_off >> i & 1)) continue;
        if (start < (uint64_t)address + count && address < end) return true;
    }
    return false;
}

/* The word behind the stub's code that its ADR names; its end is the function's. */
static bool find_table(const struct fw_model *model, uint32_t *start, uint32_t *end) {
    uint32_t named = fw_symbol_named(model, "__pm_boot");
    if (named == FW_NONE) return false;
    const struct fw_symbol *symbol = &model->symbols[named];
    uint32_t address = symbol->value & ~1U;
    *end = address + symbol->size_bytes;
    for (uint32_t at = address; at < *end; at += 2) {
        uint32_t index = fw_item_at(model, at);
        if (index == FW_NONE) continue;
        const struct fw_item *item = &model->items[index];
        if (item->kind != FW_ITEM_INSN || item->address != at) continue;
        if (item->insn->reference != THUMB_REFERENCE_ADR) continue;
        *start = item->insn->target;
        return *start > at && *start < *end && (*end - *start) % 8 == 0;
    }
    return false;
}

static enum status move_region(struct moving *moving, const struct region *region, uint8_t *rbar) {
    uint32_t size = moving->end - moving->first, to = moving->first + moving->shift;
    bool old = applies(region, moving->first, size), now = applies(region, to, size);
    bool own = region->executes && region->access == AP_READ_ONLY;
    if (own) {
        if (!old || !region->size_bytes || moving->shift % region->size_bytes) {
            return error_input(moving->error,
                               "the MPU region of the code has %u bytes, and the slots' distance "
                               "is no multiple of that: put the slots further apart, or make the "
                               "image smaller",
                               region->size_bytes);
        }
        pm_put_u32(rbar, pm_get_u32(rbar) + moving->shift);
        moving->out->regions++;
        return STATUS_OK;
    }
    /* RAM below, address 0, flash that the firmware writes: never in the image's way. */
    if (region->access == AP_READ_ONLY) {
        if (old == now) return STATUS_OK;
        return error_input(moving->error, "the MPU region at 0x%08x does not reach both slots",
                           region->base);
    }
    if (!now && (!old || region->access == AP_NONE)) return STATUS_OK;
    return error_input(moving->error,
                       "the MPU region at 0x%08x, %s, reaches into a slot of the image",
                       region->base, region->access == AP_NONE ? "no access" : "writable");
}

enum status moving_memory_map(struct moving *moving) {
    struct fw_model *model = moving->model;
    uint32_t start, end;
    if (!find_table(model, &start, &end)) return STATUS_OK; /* none: nothing to follow */
    for (uint32_t at = start; at < end; at += 8) {
        const struct fw_section *s = fw_section_at(model, at);
        const uint8_t *words = fw_bytes_at(model, at, 8);
        struct region region;
        if (!s || !words || !read_region(pm_get_u32(words), pm_get_u32(words + 4), &region)) {
            return error_input(moving->error,
                               "the boot stub's table at 0x%08x is none of MPU regions", at);
        }
        enum status status = move_region(moving, &region, moving_bytes(moving, s, at));
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}
