/* See layout.h. */
#include "firmware/layout/layouting.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS = 4096,    /* sizes settle in a handful; a chain of borders takes one a link */
    FILLER_BYTES = 3, /* alignment between two functions */
    OVERFLOW_ALIGNMENT = 8,
};

uint32_t fw_relocated_value(const struct fw_model *model, const struct fw_relocation *relocation) {
    const struct fw_item *item = &model->items[relocation->target_item];
    uint32_t address = item->new_address + relocation->target_delta;
    return address | (relocation->target_thumb ? 1U : 0U);
}

static bool movable(const struct fw_model *model, uint32_t unit) {
    return model->units[unit].status != FW_UNIT_UNTOUCHED;
}

static int by_address(const void *a, const void *b) {
    const struct fw_function *const *x = a, *const *y = b;
    return (*x)->address < (*y)->address ? -1 : (*x)->address > (*y)->address;
}

/* Filler between two movable functions, and no other's, is alignment and may be used. */
static bool is_alignment(struct fw_model *model, uint32_t address, uint32_t size_bytes) {
    if (size_bytes == 0) return true;
    if (size_bytes > FILLER_BYTES) return false;
    const uint8_t *bytes = fw_bytes_at(model, address, size_bytes);
    return bytes && thumb_is_filler(bytes, size_bytes);
}

static void find_windows(struct fw_model *model, struct fw_layout *out) {
    struct arena scratch = {0};
    const struct fw_function **order =
        ARENA_ARRAY(&scratch, const struct fw_function *, model->function_count + 1);
    for (size_t i = 0; i < model->function_count; i++)
        order[i] = &model->functions[i];
    qsort(order, model->function_count, sizeof(void *), by_address);
    out->windows = ARENA_ARRAY(&model->arena, struct fw_window, model->function_count + 1);
    for (size_t i = 0; i < model->function_count; i++) {
        const struct fw_function *f = order[i];
        if (!movable(model, f->unit)) continue;
        struct fw_window *last = out->window_count ? &out->windows[out->window_count - 1] : NULL;
        uint32_t end = last ? last->address + last->size_bytes : 0;
        bool beside = i && movable(model, order[i - 1]->unit);
        if (last && beside && last->section == f->section && f->address >= end &&
            is_alignment(model, end, f->address - end)) {
            last->size_bytes = f->address + f->size_bytes - last->address;
        } else {
            out->windows[out->window_count++] =
                (struct fw_window){f->address, f->size_bytes, f->section};
        }
    }
    arena_free(&scratch);
}

static void must_stay(struct fw_layout *out, bool *listed, uint32_t unit) {
    if (listed[unit]) return;
    listed[unit] = true;
    out->unfit[out->unfit_count++] = unit;
}

/* Units with a reference that never fits do not hold up the others: all such units are named
 * together. */
static enum status settle(struct fw_model *model, struct fw_layout *out, struct order *order,
                          bool *listed, struct error *error) {
    struct room room;
    uint32_t *islands = ARENA_ARRAY(&model->arena, uint32_t, model->island_count + 1);
    struct fitting fitting = {.model = model, .order = order, .islands = islands};
    int round = 0;
    layout_make_room(model, out, &room);
    do {
        if (round++ == ROUNDS) return error_environment(error, "addresses did not settle");
        layout_place_all(model, out, order, &room);
        layout_sort_islands(model, order, islands);
    } while (layout_fit_all(&fitting));
    layout_apply_shifts(model, order);
    for (size_t k = 0; k < order->count; k++) {
        uint32_t u = order->units[k];
        if (order->unfit[u] != FW_NONE) must_stay(out, listed, u);
    }
    if (!out->unfit_count) return STATUS_OK;
    uint32_t first = out->unfit[0];
    return error_input(error, "%s: a reference at 0x%08x does not reach",
                       model->functions[model->units[first].function_first].name,
                       model->items[order->unfit[first]].address);
}

/* Untouched code keeps its place and its forms; what its branches do not reach any more
 * has to stay as well. */
static enum status check_untouched(struct fw_model *model, struct fw_layout *out,
                                   struct order *order, bool *listed, struct error *error) {
    enum status status = STATUS_OK;
    memcpy(order->base, order->start, model->unit_count * sizeof *order->base); /* applied */
    for (size_t u = 0; u < model->unit_count; u++) {
        const struct fw_unit *unit = &model->units[u];
        if (unit->status != FW_UNIT_UNTOUCHED) continue;
        for (uint32_t i = unit->first; i != FW_NONE; i = model->items[i].next) {
            if (layout_fit_item(model, order, i) == FIT) continue;
            uint32_t target = model->items[i].target;
            status = error_input(error, "%s: untouched, but what it branches to moved out of reach",
                                 model->functions[unit->function_first].name);
            if (target == FW_NONE || !movable(model, model->items[target].unit)) return status;
            must_stay(out, listed, model->items[target].unit);
        }
    }
    return status;
}

/* Wholly inside a range that the firmware itself writes: no contents of the image. */
static bool is_reserved(const struct fw_layout_options *options, const struct fw_section *section) {
    for (size_t i = 0; i < options->reserved_count; i++) {
        const struct fw_range *range = &options->reserved[i];
        uint32_t offset = section->address - range->address;
        if (section->address >= range->address && offset < range->size_bytes &&
            section->size_bytes <= range->size_bytes - offset) {
            return true;
        }
    }
    return false;
}

static int by_start(const void *a, const void *b) {
    const struct fw_section *const *x = a, *const *y = b;
    return (*x)->address < (*y)->address ? -1 : (*x)->address > (*y)->address;
}

/* Behind memory that follows the flashed contents at once: an image that runs from RAM whole
 * has its .bss and stack there. RAM elsewhere in the region does not push code. */
static uint32_t behind_memory_at(const struct fw_model *model,
                                 const struct fw_layout_options *options, uint32_t end) {
    enum { GAP_BYTES = 4096 };
    struct arena scratch = {0};
    const struct fw_section **order =
        ARENA_ARRAY(&scratch, const struct fw_section *, model->section_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *section = &model->sections[i];
        bool memory = (section->flags & SHF_ALLOC) && section->size_bytes;
        if (memory && !is_reserved(options, section)) order[count++] = section;
    }
    qsort(order, count, sizeof(void *), by_start);
    for (size_t i = 0; i < count; i++) { /* what is too far stays so: the next is farther */
        uint32_t start = order[i]->address, section_end = start + order[i]->size_bytes;
        if (start > end && start - end >= GAP_BYTES) break;
        if (section_end > end) end = section_end;
    }
    arena_free(&scratch);
    return end;
}

/* Where code may go that does not fit: behind everything that is flashed in the same
 * memory as the code (within one 512 MiB region of the architecture, B3.1). */
static uint32_t end_of_flash_contents(const struct fw_model *model,
                                      const struct fw_layout_options *options,
                                      const struct fw_layout *layout) {
    uint32_t end = 0;
    if (!layout->window_count) return 0;
    uint32_t region = layout->windows[0].address >> 29;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *section = &model->sections[i];
        if (!(section->flags & SHF_ALLOC) || !section->size_bytes || !section->data) continue;
        if (is_reserved(options, section)) continue; /* settings at the end of the flash */
        if (section->load_address >> 29 != region) continue;
        end = layout_later(end, section->load_address + section->size_bytes);
    }
    end = behind_memory_at(model, options, end);
    return (end + OVERFLOW_ALIGNMENT - 1) & ~(OVERFLOW_ALIGNMENT - 1U);
}

static bool overlap(uint32_t a, uint32_t a_bytes, uint32_t b, uint32_t b_bytes) {
    return a < b ? b - a < a_bytes : a - b < b_bytes;
}

static enum status check_overflow(const struct fw_model *model,
                                  const struct fw_layout_options *options,
                                  const struct fw_layout *out, struct error *error) {
    uint32_t start = out->overflow_address, size = out->overflow_bytes;
    if (!size) return STATUS_OK;
    const struct fw_range *flash = &options->flash;
    uint32_t offset = start - flash->address;
    if (flash->size_bytes && (start < flash->address || offset > flash->size_bytes ||
                              size > flash->size_bytes - offset)) {
        return error_input(error,
                           "the hardened code needs %u bytes at 0x%08x, which is outside "
                           "the flash 0x%08x+0x%x",
                           size, start, flash->address, flash->size_bytes);
    }
    for (size_t i = 0; i < options->reserved_count; i++) {
        const struct fw_range *r = &options->reserved[i];
        if (!overlap(r->address, r->size_bytes, start, size)) continue;
        return error_input(error, "the hardened code needs %u bytes at 0x%08x, where %s is", size,
                           start, r->name);
    }
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!(s->flags & SHF_ALLOC) || !s->size_bytes) continue; /* an empty one is nowhere */
        if (!overlap(s->address, s->size_bytes, start, size)) continue;
        return error_input(error, "the hardened code needs %u bytes at 0x%08x, where %s is", size,
                           start, s->name);
    }
    return STATUS_OK;
}

enum status fw_layout(struct fw_model *model, const struct fw_layout_options *options,
                      struct fw_layout *out, struct error *error) {
    struct order order = {.count = 0};
    size_t units = model->unit_count + 1;
    order.start = ARENA_ARRAY(&model->arena, uint32_t, units);
    order.base = ARENA_ARRAY(&model->arena, uint32_t, units);
    order.sizes = arena_alloc(&model->arena, units, sizeof *order.sizes);
    order.alignment = ARENA_ARRAY(&model->arena, uint8_t, units);
    order.outer_first = ARENA_ARRAY(&model->arena, uint32_t, units);
    order.growth = ARENA_ARRAY(&model->arena, uint32_t, units);
    order.stale = ARENA_ARRAY(&model->arena, bool, units);
    memset(order.stale, true, units * sizeof *order.stale);
    order.unfit = ARENA_ARRAY(&model->arena, uint32_t, units);
    memset(order.unfit, 0xff, units * sizeof *order.unfit);
    bool *listed = ARENA_ARRAY(&model->arena, bool, units);
    *out = (struct fw_layout){.windows = NULL};
    out->unfit = ARENA_ARRAY(&model->arena, uint32_t, units);
    find_windows(model, out);
    out->overflow_address = end_of_flash_contents(model, options, out);
    layout_shuffle(model, options, &order);
    layout_survey(model, &order);
    order.kept = options->keep_order;
    if (!order.kept) layout_large_first(model, &order);
    layout_spread_islands(model, &order);
    enum status settled = settle(model, out, &order, listed, error);
    if (settled != STATUS_OK && !out->unfit_count) return settled;
    out->ends = ARENA_ARRAY(&model->arena, uint32_t, units);
    for (size_t k = 0; k < order.count; k++) {
        uint32_t u = order.units[k], start = order.start[u];
        model->units[u].bytes_after += order.growth[u];
        out->ends[u] = start + layout_size_at(model, &order, u, start);
    }
    enum status status = check_untouched(model, out, &order, listed, error);
    if (status == STATUS_OK) status = settled;
    return status == STATUS_OK ? check_overflow(model, options, out, error) : status;
}
