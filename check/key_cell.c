/* A key that is kept in a word of memory: it must be a word that holds what the boot stub
 * wrote. Start-up copies .data and clears .bss, the stack grows down to what the image has
 * below it, and what is mapped to devices need not be memory at all (ARM DDI 0403E, B3.1). */
#include <elf.h>
#include <string.h>

#include "check/state.h"

enum { WORD_BYTES = 4 };

static bool overlaps(uint32_t cell, uint32_t start, uint32_t size_bytes) {
    return cell - start < size_bytes || (size_bytes && start - cell < WORD_BYTES);
}

static bool is_for_devices(uint32_t address) {
    return (address >= 0x40000000U && address < 0x60000000U) || address >= 0xa0000000U;
}

static bool begins_with(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

/* The linker's names for what start-up clears. */
static bool is_cleared(const struct check *check, uint32_t cell) {
    static const char *const pairs[][2] = {{"__bss_start__", "__bss_end__"},
                                           {"__bss_start", "__bss_end"},
                                           {"__bss_start", "__bss_end__"},
                                           {"__bss_start__", "_bss_end__"},
                                           {"__bss_start", "_ebss"},
                                           {"__bss_start", "__ebss"},
                                           {"_sbss", "_ebss"},
                                           {"__sbss", "__ebss"},
                                           {"_bss_start", "_bss_end"},
                                           {"_bss", "_ebss"}};
    const struct fw_model *model = check->model;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        uint32_t first = fw_symbol_named(model, pairs[i][0]);
        uint32_t last = fw_symbol_named(model, pairs[i][1]);
        if (first == FW_NONE || last == FW_NONE) continue;
        uint32_t start = model->symbols[first].value, end = model->symbols[last].value;
        if (start < end && overlaps(cell, start, end - start)) return true;
    }
    return false;
}

/* NULL: nothing of the image stands against it. */
static const char *contents_fault(const struct check *check, uint32_t cell) {
    const struct fw_model *model = check->model;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!(s->flags & SHF_ALLOC)) continue;
        bool here = overlaps(cell, s->address, s->size_bytes);
        if (s->data && (here || overlaps(cell, s->load_address, s->size_bytes))) {
            return "is among contents of the image, which are not RAM or which start-up writes";
        }
        if (here && (begins_with(s->name, ".bss") || begins_with(s->name, ".sbss"))) {
            return "is in memory that start-up clears";
        }
        if (here && !(s->flags & SHF_WRITE)) return "is not a word of RAM";
    }
    return is_cleared(check, cell) ? "is in memory that start-up clears" : NULL;
}

static bool is_object(const struct fw_model *model, uint32_t cell) {
    for (size_t i = 0; i < model->symbol_count; i++) {
        const struct fw_symbol *s = &model->symbols[i];
        if (ELF32_ST_TYPE(s->info) != STT_OBJECT || s->section == SHN_UNDEF) continue;
        if (cell - s->value < s->size_bytes) return true;
    }
    return false;
}

/* The stack: from its initial top down to its guard; without one, to the image's contents
 * below it. */
static bool is_in_stack(const struct check *check, uint32_t cell) {
    const struct fw_model *model = check->model;
    uint32_t top = 0, bottom;
    if (!check_word(check, model->vector_table, &top) || cell >= top) return false;
    bottom = (top - 1) & ~0x1fffffffU; /* no stack spans two of the architecture's ranges */
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        uint64_t end = (uint64_t)s->address + s->size_bytes;
        if (!(s->flags & SHF_ALLOC) || !s->size_bytes || s->address >= top) continue;
        if (end < top && end > bottom) bottom = (uint32_t)end;
        /* The stack is part of it, and so may be an object that the section holds besides. */
        bool around = end >= top && cell >= s->address;
        if (around && is_object(model, cell)) return false;
    }
    if (check->stack_guard && check->stack_guard_base > bottom) bottom = check->stack_guard_base;
    return cell >= bottom;
}

/* The image has RAM in this range of the architecture: a section that is written, or the stack.
 * In the lowest range flash lies too, so that there the word itself is in such a section. */
static bool is_in_ram(const struct check *check, uint32_t cell) {
    const struct fw_model *model = check->model;
    uint32_t top = 0, range = cell >> 29;
    bool stack = check_word(check, model->vector_table, &top) && top != 0;
    if (stack && range != 0 && (top - 1) >> 29 == range) return true;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        bool ram = (s->flags & SHF_ALLOC) && s->size_bytes && fw_is_ram_section(s) &&
                   !fw_is_constant_table(s);
        if (!ram || s->address >> 29 != range) continue;
        if (range != 0 || cell - s->address < s->size_bytes) return true;
    }
    return false;
}

void check_key_cell(struct check *check) {
    uint32_t cell = check->sums.key_cell;
    if (!check->boot || check->sums.key_in_psp) return;
    const char *what = contents_fault(check, cell);
    if (cell % WORD_BYTES != 0 || is_for_devices(cell)) what = "is not a word of RAM";
    if (!what && !is_in_ram(check, cell)) what = "is where the image has no RAM";
    if (!what && is_in_stack(check, cell)) what = "is where the stack grows";
    if (!what) return;
    check_find(check, "key", check->boot->address, "the key's place, 0x%08x, %s", cell, what);
}
