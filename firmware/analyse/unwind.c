/* See unwind.h. */
#include "firmware/analyse/unwind.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/analyse/reach.h"
#include "firmware/lift/lift.h"

static uint32_t prel31(struct span content, uint32_t base, uint32_t offset) {
    uint32_t word = 0;
    (void)span_u32le(content, offset, &word);
    uint32_t relative = word & 0x40000000U ? word | 0x80000000U : word & 0x7fffffffU;
    return base + offset + relative;
}

static int by_address(const void *a, const void *b) {
    const struct fw_unwind_entry *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

struct fw_unwind_entry *fw_unwind_entries(struct arena *arena, const struct fw_section *section,
                                          size_t *count) {
    struct span content = {section->data, section->data ? section->size_bytes : 0};
    *count = content.size_bytes / FW_UNWIND_ENTRY_BYTES;
    struct fw_unwind_entry *entries = ARENA_ARRAY(arena, struct fw_unwind_entry, *count + 1);
    for (size_t i = 0; i < *count; i++) {
        uint32_t offset = (uint32_t)i * FW_UNWIND_ENTRY_BYTES, word = 0;
        (void)span_u32le(content, offset + 4, &word);
        entries[i] = (struct fw_unwind_entry){prel31(content, section->address, offset), word,
                                              word != FW_CANTUNWIND && !(word & 0x80000000U)};
        if (entries[i].table) entries[i].data = prel31(content, section->address, offset + 4);
    }
    qsort(entries, *count, sizeof *entries, by_address);
    return entries;
}

const struct fw_unwind_entry *fw_unwind_covering(const struct fw_unwind_entry *entries,
                                                 size_t count, uint32_t address) {
    const struct fw_unwind_entry *found = NULL;
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entries[middle].address <= address) {
            found = &entries[middle];
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return found;
}

/* Linker scripts define the start inside the section or in front of it. */
static bool names_index(const struct fw_model *model, const struct fw_symbol *symbol) {
    bool defined = symbol->section != SHN_UNDEF && symbol->section < SHN_LORESERVE;
    if (defined && model->sections[symbol->section - 1].type == SHT_ARM_EXIDX) return true;
    return strcmp(symbol->name, "__exidx_start") == 0;
}

static bool has_unwinder(const struct fw_model *model) {
    for (size_t r = 0; r < model->relocation_count; r++) {
        const struct fw_relocation *relocation = &model->relocations[r];
        if (!names_index(model, &model->symbols[relocation->symbol])) continue;
        if (model->sections[relocation->section].type == SHT_ARM_EXIDX) continue;
        uint32_t item = fw_item_at(model, relocation->place);
        if (item == FW_NONE || model->units[model->items[item].unit].reachable) return true;
    }
    return false;
}

static void pin_by(struct fw_model *model, const struct fw_section *section) {
    struct arena scratch = {0};
    size_t count;
    const struct fw_unwind_entry *entries = fw_unwind_entries(&scratch, section, &count);
    for (size_t i = 0; i < model->function_count; i++) {
        const struct fw_function *f = &model->functions[i];
        const struct fw_unwind_entry *entry = fw_unwind_covering(entries, count, f->address);
        bool code = f->item == FW_NONE || model->items[f->item].kind == FW_ITEM_INSN;
        if (!code) continue; /* a tag */
        if (!entry || (!entry->table && entry->data == FW_CANTUNWIND)) continue;
        model->units[f->unit].unwound = true;
        fw_refuse(&model->units[f->unit], "the image's unwinder may read its frame");
    }
    arena_free(&scratch);
}

void fw_unwind_pin(struct fw_model *model) {
    fw_reach(model);
    model->unwinder = has_unwinder(model);
    for (size_t i = 0; i < model->section_count && model->unwinder; i++) {
        if (model->sections[i].type == SHT_ARM_EXIDX) pin_by(model, &model->sections[i]);
    }
}
