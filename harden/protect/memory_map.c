/* Memory map: the MPU regions of this image, within the rules of PMSAv7 (ARM DDI 0403E,
 * B3.5): a region is a power of two of at least 32 bytes, aligned to its size; from 256
 * bytes on each eighth can be switched off; of overlapping regions the highest number
 * counts; the default map (PRIVDEFENA) shows through where none does.
 *
 *   0  SRAM and external RAM: read, write, never execute
 *   1  external RAM with write-through policy: the same
 *   2  the code region: read only, never execute
 *   3  the image's code: read only, executes
 *   then, as far as the firmware has them: RAM in the code region, code in RAM, flash that
 *   the firmware writes, the key's word, the stack's guard, address 0.
 *
 * RAM in the code region is what a section there, or the initial stack, says; without the stack
 * in it the first push would fault. Scripts often give the stack no section, only its top.
 *
 * Exception vector reads use the default map (B3.5.1), so address 0 can fault even when
 * the vector table stands there. */
#include <elf.h>
#include <string.h>

#include "firmware/analyse/low_reads.h"
#include "firmware/analyse/mpu.h"
#include "harden/passes.h"

enum {
    AP_NONE = 0,
    AP_READ_WRITE = 3,
    AP_READ_ONLY = 6,
    XN = 1 << 28,
    NORMAL_WRITE_THROUGH = 1 << 17,                  /* TEX 0, C 1, B 0 */
    NORMAL_WRITE_BACK = 1 << 19 | 1 << 17 | 1 << 16, /* TEX 1, C 1, B 1 */
    REGION_VALID = 1 << 4,
    REGION_ENABLE = 1,
    MINIMUM_BYTES = 32,
    SUBREGIONS_FROM_BYTES = 256,
};
#define CODE_REGION_END 0x20000000U

static uint32_t rasr_of(uint32_t log2_size, uint32_t access, uint32_t attributes, uint32_t srd) {
    return attributes | access << 24 | srd << 8 | (log2_size - 1) << 1 | REGION_ENABLE;
}

static bool add_region(struct hardening *hardening, const char *role, uint32_t base,
                       uint32_t log2_size, uint32_t srd, uint32_t access, uint32_t attributes) {
    bool window = hardening->options->flash_window_count;
    size_t maximum = window ? FW_FLASH_WINDOW_REGION : MEMORY_REGIONS_MAXIMUM;
    if (hardening->region_count == maximum) return false;
    uint32_t number = (uint32_t)hardening->region_count;
    hardening->regions[hardening->region_count++] = (struct memory_region){
        role, base, log2_size == 32 ? 0 : 1U << log2_size, base | REGION_VALID | number,
        rasr_of(log2_size, access, attributes, srd)};
    return true;
}

/* What a region is for: pieces of memory, and the range from the first to the last. */
struct extent {
    struct fw_range *pieces;
    size_t count, capacity;
    uint32_t start, end; /* end 0: empty */
};

static void extend(struct hardening *hardening, struct extent *extent, uint32_t start,
                   uint32_t size_bytes) {
    if (!size_bytes) return;
    extent->pieces = arena_grow(&hardening->model->arena, extent->pieces, extent->count,
                                &extent->capacity, sizeof *extent->pieces);
    extent->pieces[extent->count++] = (struct fw_range){start, size_bytes, NULL};
    if (!extent->end || start < extent->start) extent->start = start;
    if (start + size_bytes > extent->end) extent->end = start + size_bytes;
}

static bool touches(const struct extent *extent, uint32_t first, uint32_t size_bytes) {
    for (size_t i = 0; i < extent->count; i++) {
        const struct fw_range *piece = &extent->pieces[i];
        if (piece->address - first < size_bytes || first - piece->address < piece->size_bytes) {
            return true;
        }
    }
    return false;
}

/* The smallest region that covers the extent, with the eighths that hold none of it
 * switched off. */
static bool add_cover(struct hardening *hardening, const char *role, const struct extent *extent,
                      uint32_t access, uint32_t attributes) {
    uint32_t log2_size = 5, base = extent->start & ~(MINIMUM_BYTES - 1U), srd = 0;
    while (log2_size < 31 && extent->end - base > 1U << log2_size) {
        log2_size++;
        base = extent->start & ~((1U << log2_size) - 1U);
    }
    uint32_t size = 1U << log2_size, eighth = size / 8;
    for (uint32_t i = 0; i < 8 && size >= SUBREGIONS_FROM_BYTES; i++) {
        if (!touches(extent, base + i * eighth, eighth)) srd |= 1U << i;
    }
    return add_region(hardening, role, base, log2_size, srd, access, attributes);
}

static bool contains_vectors(const struct fw_model *model, const struct fw_section *s) {
    return model->vector_table != FW_NONE && model->vector_table - s->address < s->size_bytes;
}

/* Written by the firmware, as far as the ELF says. */
static bool is_written(const struct fw_section *s) {
    return fw_is_ram_section(s) && !fw_is_constant_table(s);
}

/* By a section's symbol: what the field holds says where to. */
static bool field_points_low(struct fw_model *model, const struct fw_relocation *r) {
    uint32_t item = fw_item_at(model, r->place), word;
    if (r->type == R_ARM_THM_MOVW_ABS_NC) {
        return item != FW_NONE && model->items[item].insn->op == THUMB_MOV_IMMEDIATE &&
               model->items[item].insn->imm < MINIMUM_BYTES;
    }
    const uint8_t *bytes = fw_bytes_at(model, r->place, 4);
    return (r->type == R_ARM_ABS32 || r->type == R_ARM_TARGET1) && bytes &&
           span_u32le((struct span){bytes, 4}, 0, &word) && (word & ~1U) < MINIMUM_BYTES;
}

/* Does anything in the image point into [0, 32)? */
static bool low_memory_is_referred_to(struct fw_model *model) {
    for (size_t i = 0; i < model->relocation_count; i++) {
        const struct fw_relocation *r = &model->relocations[i];
        const struct fw_symbol *symbol = &model->symbols[r->symbol];
        if (symbol->item != FW_NONE) continue; /* made by a pass: no value before the layout */
        bool defined = symbol->section != SHN_UNDEF && symbol->section < SHN_LORESERVE;
        bool section = ELF32_ST_TYPE(symbol->info) == STT_SECTION;
        if (ELF32_ST_TYPE(symbol->info) == STT_TLS) continue; /* its value is no address */
        if (!defined || (symbol->value & ~1U) >= MINIMUM_BYTES) continue;
        if (!section || field_points_low(model, r)) return true;
    }
    return false;
}

/* Why code that runs reads the guarded bytes, or may ask for their address, or NULL. Requires the
 * analyses of the input. */
static const char *why_low_memory_is_read(struct hardening *hardening) {
    struct fw_model *model = hardening->model;
    for (uint32_t u = 0; u < model->unit_count; u++) {
        const struct fw_unit *unit = &model->units[u];
        if (!unit->reads_vtor || unit->status == FW_UNIT_DROPPED) continue;
        return arena_format(&model->arena,
                            "%s asks the processor where its vector table is (VTOR), which may be "
                            "at address 0",
                            model->functions[unit->function_first].name);
    }
    uint32_t at = fw_low_read(model, &hardening->flow, 0, 0);
    if (at == FW_NONE) return NULL;
    const struct fw_unit *unit = &model->units[model->items[at].unit];
    return arena_format(&model->arena, "%s reads address 0 as data, or passes it to what does",
                        model->functions[unit->function_first].name);
}

static void plan_null_guard(struct hardening *hardening, bool before_layout) {
    struct fw_model *model = hardening->model;
    if (hardening->null_guard_reason) return;
    if (hardening->options->no_null_guard) {
        hardening->null_guard_reason = "the product's description says so";
        return;
    }
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!(s->flags & SHF_ALLOC) || !s->size_bytes || s->address >= MINIMUM_BYTES) continue;
        if (!contains_vectors(model, s) || model->vector_table_bytes < MINIMUM_BYTES) {
            hardening->null_guard_reason = "the image has contents at address 0";
            return;
        }
        if (is_written(s)) {
            hardening->null_guard_reason = "the vector table at address 0 is flagged writable, and "
                                           "code may write it: declare it "
                                           "const, or name it nowhere";
            return;
        }
    }
    const struct fw_section *table =
        model->vector_table == 0 ? fw_section_at(hardening->model, 0) : NULL;
    if (table && !table->vectors_alone && low_memory_is_referred_to(model)) {
        hardening->null_guard_reason = "the firmware reads its vector table at address 0";
        return;
    }
    if (before_layout) hardening->null_guard_reason = why_low_memory_is_read(hardening);
    if (hardening->null_guard_reason) return;
    if (!add_region(hardening, "address 0", 0, 5, 0, AP_NONE, XN)) {
        hardening->null_guard_reason = "the MPU has no region left";
    }
}

static bool overlaps(uint32_t first, uint32_t end, uint32_t address, uint32_t size_bytes) {
    return size_bytes && address < end && address + size_bytes > first;
}

/* The key's word is written before the MPU is switched on, and never after. */
static void plan_key(struct hardening *hardening) {
    const struct fw_model *model = hardening->model;
    uint32_t base = hardening->key_cell & ~(MINIMUM_BYTES - 1U), end = base + MINIMUM_BYTES;
    if (hardening->key_in_psp) return;
    for (size_t i = 0; i < model->symbol_count; i++) {
        const struct fw_symbol *symbol = &model->symbols[i];
        bool object = ELF32_ST_TYPE(symbol->info) == STT_OBJECT && symbol->size_bytes;
        bool own = symbol->value == hardening->key_cell;
        if (object && !own && overlaps(base, end, symbol->value, symbol->size_bytes)) {
            hardening->memory_reason =
                "the key's word shares its 32 bytes with other data, which would be read only: "
                "align it to 32 bytes and give it all of them";
        }
    }
    if (!add_region(hardening, "key", base, 5, 0, AP_READ_ONLY, XN | NORMAL_WRITE_BACK)) {
        hardening->memory_reason = "the MPU has too few regions for this image";
    }
}

static void plan_stack_guard(struct hardening *hardening) {
    if (!hardening->has_stack_limit) {
        hardening->stack_guard_reason =
            "the ELF does not say where the stack ends: name the symbol or the address";
        return;
    }
    hardening->stack_guard = (hardening->stack_limit + MINIMUM_BYTES - 1) & ~(MINIMUM_BYTES - 1U);
    if (!add_region(hardening, "stack guard", hardening->stack_guard, 5, 0, AP_NONE, XN)) {
        hardening->stack_guard_reason = "the MPU has no region left";
        hardening->stack_guard = 0;
    }
}

/* Inside a range that the product's description names as written by the firmware. */
static bool is_named(const struct hardening *hardening, const struct fw_section *s) {
    for (size_t i = 0; i < hardening->options->writable_flash_count; i++) {
        const struct fw_range *r = &hardening->options->writable_flash[i];
        uint32_t offset = s->address - r->address;
        if (offset < r->size_bytes && s->size_bytes <= r->size_bytes - offset) return true;
    }
    return false;
}

/* A writable region of the code's memory must leave what stands in flash as it is. */
static void refuse_writable_contents(struct hardening *hardening, size_t number,
                                     const struct extent *extent) {
    const struct fw_model *model = hardening->model;
    if (hardening->region_count <= number || hardening->memory_fault) return;
    const struct memory_region *r = &hardening->regions[number];
    uint32_t srd = r->rasr >> 8 & 0xff, eighth = r->size_bytes / 8;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        bool flash = (s->flags & SHF_ALLOC) && s->size_bytes && !is_written(s);
        if (!flash || is_named(hardening, s)) continue;
        for (uint32_t e = 0; e < 8; e++) {
            uint32_t start = r->base + e * eighth;
            if ((srd >> e & 1) || !overlaps(start, start + eighth, s->address, s->size_bytes)) {
                continue;
            }
            hardening->memory_fault = arena_format(
                &hardening->model->arena,
                "%s (0x%08x to 0x%08x) has no MPU region that leaves %s read only: align it to a "
                "power of two that holds all of it, or to an eighth of one, or set no memory map",
                r->role, extent->start, extent->end - 1, s->name);
            return;
        }
    }
}

/* Does the region let data of the image execute that is not in the extent it is for? */
static bool shares_with_data(const struct hardening *hardening, const struct extent *extent,
                             size_t number) {
    const struct fw_model *model = hardening->model;
    if (!extent->end || number >= hardening->region_count) return false;
    const struct memory_region *r = &hardening->regions[number];
    uint32_t srd = r->rasr >> 8 & 0xff, first = r->base + r->size_bytes, last = r->base;
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t eighth = r->size_bytes / 8, start = r->base + i * eighth;
        if (srd >> i & 1) continue;
        if (start < first) first = start;
        if (start + eighth > last) last = start + eighth;
    }
    /* Objects beside the code in its own section, and other sections. */
    for (size_t i = 0; i < model->symbol_count; i++) {
        const struct fw_symbol *symbol = &model->symbols[i];
        bool object = ELF32_ST_TYPE(symbol->info) == STT_OBJECT && symbol->size_bytes;
        if (object && overlaps(first, last, symbol->value, symbol->size_bytes)) return true;
    }
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        bool holds_code = extent->start - s->address < s->size_bytes;
        if (!(s->flags & SHF_ALLOC) || holds_code) continue;
        if (overlaps(first, last, s->address, s->size_bytes)) return true;
    }
    return false;
}

static bool is_flash(const struct hardening *hardening, const struct fw_section *s) {
    return !is_written(s) || is_named(hardening, s);
}

/* The section in memory that begins below `address` and last of those; NULL: none does. */
static const struct fw_section *last_below(const struct fw_model *model, uint32_t address) {
    const struct fw_section *found = NULL;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!(s->flags & SHF_ALLOC) || !s->size_bytes || s->address >= address) continue;
        if (!found || s->address > found->address) found = s;
    }
    return found;
}

/* A stack among the code's memory must stay writable from its end to its top. Where variables
 * are the next thing below it, all between is RAM: the heap, and room that the stack may take.
 * With neither that nor a known end nobody can say where the RAM begins. */
static void add_low_stack(struct hardening *hardening, struct extent *low_ram) {
    const struct fw_model *model = hardening->model;
    uint32_t top = 0;
    if (!protect_stack_top(hardening->model, &top) || top - 1 >= CODE_REGION_END) return;
    const struct fw_section *own = last_below(model, top);
    if (own && top - own->address > own->size_bytes) own = NULL;
    if (own && is_flash(hardening, own)) {
        hardening->memory_reason = "the initial stack lies in contents of the image";
        return;
    }
    uint32_t limit = (hardening->stack_limit + MINIMUM_BYTES - 1) & ~(MINIMUM_BYTES - 1U);
    uint32_t start = own ? own->address : hardening->has_stack_limit ? limit : top;
    const struct fw_section *below = last_below(model, start);
    if (below && !is_flash(hardening, below)) start = below->address + below->size_bytes;
    if (start >= top) {
        hardening->memory_reason =
            "the stack is among the code's memory, and the ELF does not say where it ends: name "
            "the symbol or the address";
        return;
    }
    extend(hardening, low_ram, start, top - start);
}

/* What the image's own sections ask of the map. */
struct extents {
    struct extent code, low_ram, ram_code;
};

static struct extents find_extents(struct hardening *hardening, const struct fw_layout *layout) {
    const struct fw_model *model = hardening->model;
    struct extents found = {.code = {.count = 0}};
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!(s->flags & SHF_ALLOC) || !s->size_bytes) continue;
        if (fw_is_ram_section(s)) {
            if (s->address < CODE_REGION_END && !is_flash(hardening, s)) {
                extend(hardening, &found.low_ram, s->address, s->size_bytes);
            }
        } else if (fw_is_code_section(s)) {
            extend(hardening, &found.code, s->address, s->size_bytes);
        }
    }
    for (size_t i = 0; i < model->function_count; i++) {
        const struct fw_function *f = &model->functions[i];
        if (f->section == UINT16_MAX || model->units[f->unit].made) continue;
        if (fw_is_ram_section(&model->sections[f->section])) {
            extend(hardening, &found.ram_code, f->address, f->size_bytes);
        }
    }
    add_low_stack(hardening, &found.low_ram);
    if (layout) extend(hardening, &found.code, layout->overflow_address, layout->overflow_bytes);
    return found;
}

static bool plan_writable_flash(struct hardening *hardening) {
    bool fits = true;
    for (size_t i = 0; i < hardening->options->writable_flash_count; i++) {
        const struct fw_range *r = &hardening->options->writable_flash[i];
        struct extent flash = {.count = 0};
        extend(hardening, &flash, r->address, r->size_bytes);
        size_t at = hardening->region_count;
        fits &= add_cover(hardening, r->name, &flash, AP_READ_WRITE, XN | NORMAL_WRITE_THROUGH);
        refuse_writable_contents(hardening, at, &flash);
    }
    return fits;
}

static void plan_sections(struct hardening *hardening, const struct fw_layout *layout) {
    struct extents found = find_extents(hardening, layout);
    bool fits = add_cover(hardening, "code", &found.code, AP_READ_ONLY, NORMAL_WRITE_THROUGH);
    size_t number = hardening->region_count;
    if (found.low_ram.end) {
        fits &= add_cover(hardening, "RAM in the code region", &found.low_ram, AP_READ_WRITE,
                          XN | NORMAL_WRITE_THROUGH);
        refuse_writable_contents(hardening, number, &found.low_ram);
    }
    number = hardening->region_count;
    if (found.ram_code.end) {
        fits &=
            add_cover(hardening, "code in RAM", &found.ram_code, AP_READ_WRITE, NORMAL_WRITE_BACK);
    }
    fits &= plan_writable_flash(hardening);
    if (!fits) hardening->memory_reason = "the MPU has too few regions for this image";
    if (shares_with_data(hardening, &found.ram_code, number)) {
        hardening->memory_reason = arena_format(
            &hardening->model->arena,
            "code in RAM (0x%08x to 0x%08x) shares its MPU region with data: align it at both ends "
            "in the linker script, to 32 bytes or to an eighth of the region that covers it",
            found.ram_code.start, found.ram_code.end);
    }
    if (found.code.end && found.code.start >> 29 != (found.code.end - 1) >> 29) {
        hardening->memory_reason = "its code is in several memories";
    }
}

static bool is_hidden(const struct hardening *hardening, size_t region, uint32_t address) {
    for (size_t i = region + 1; i < hardening->region_count; i++) {
        const struct memory_region *r = &hardening->regions[i];
        uint32_t offset = address - r->base;
        if (r->size_bytes && offset >= r->size_bytes) continue;
        bool eighths = r->size_bytes == 0 || r->size_bytes >= SUBREGIONS_FROM_BYTES;
        uint32_t eighth = r->size_bytes ? r->size_bytes / 8 : 1U << 29;
        if (!eighths || !(r->rasr >> 8 >> (offset / eighth) & 1)) return true;
    }
    return false;
}

/* An eighth that regions of higher numbers hide whole has no meaning, so it is off. Only those
 * of small regions can be: a guard or the key's word is of 32 bytes. */
static void switch_hidden_off(struct hardening *hardening) {
    for (size_t i = 0; i < hardening->region_count; i++) {
        struct memory_region *r = &hardening->regions[i];
        uint32_t eighth = r->size_bytes / 8;
        if (r->size_bytes != SUBREGIONS_FROM_BYTES) continue;
        for (uint32_t e = 0; e < 8; e++) {
            if (is_hidden(hardening, i, r->base + e * eighth)) r->rasr |= 1U << (8 + e);
        }
    }
}

void protect_plan_memory(struct hardening *hardening, const struct fw_layout *layout) {
    const struct fw_model *model = hardening->model;
    hardening->region_count = 0;
    if (hardening->options->no_mpu) hardening->memory_reason = "the product's description says so";
    if (model->own_mpu) hardening->memory_reason = "the firmware sets up the MPU itself";
    if (model->has_trampoline) hardening->memory_reason = "the firmware runs code on its stack";
    if (model->vector_table == FW_NONE) {
        hardening->memory_reason = "no vector table was found to start before";
    }
    if (model->uses_psp) {
        hardening->memory_reason = "the firmware may run unprivileged code of its own";
    }
    if (hardening->memory_reason) return;
    enum { ALL_BUT_1_AND_3 = 0xf5, BITS_4G = 32, BITS_512M = 29 };
    add_region(hardening, "RAM", 0, BITS_4G, ALL_BUT_1_AND_3, AP_READ_WRITE,
               XN | NORMAL_WRITE_BACK);
    add_region(hardening, "external RAM", 0x80000000U, BITS_512M, 0, AP_READ_WRITE,
               XN | NORMAL_WRITE_THROUGH);
    add_region(hardening, "code region", 0, BITS_512M, 0, AP_READ_ONLY, XN | NORMAL_WRITE_THROUGH);
    plan_sections(hardening, layout);
    plan_key(hardening);
    if (hardening->memory_reason) {
        hardening->region_count = 0;
        return;
    }
    plan_stack_guard(hardening);
    plan_null_guard(hardening, layout == NULL);
    switch_hidden_off(hardening);
}
