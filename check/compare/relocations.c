/* The relocations of the output: exactly those of the original at their new places, one
 * for each branch that leaves its unit, and those of the added routines. */
#include <stdlib.h>
#include <string.h>

#include "check/compare/compare.h"

struct list {
    struct compare *compare;
    Elf32_Rel *entries;
    size_t count, room;
};

static void add(struct list *list, uint32_t place, uint32_t symbol, uint8_t type) {
    if (list->count == list->room) return; /* no more than that are made */
    list->entries[list->count++] = (Elf32_Rel){place, ELF32_R_INFO(symbol, type)};
}

static bool is_branch_type(uint8_t type) {
    return type == R_ARM_THM_PC22 || type == R_ARM_THM_JUMP24 || type == R_ARM_THM_JUMP19 ||
           type == R_ARM_THM_PC11 || type == R_ARM_THM_PC9 || type == R_ARM_THM_JUMP6;
}

struct place_symbol {
    uint32_t address, symbol;
};

static int by_place_address(const void *a, const void *b) {
    const struct place_symbol *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

/* The output symbol of each function's first instruction, by address. */
static size_t collect_functions(struct compare *compare, struct place_symbol **out) {
    const struct fw_model *in = compare->in;
    size_t count = 0;
    *out = ARENA_ARRAY(&compare->arena, struct place_symbol,
                       in->function_count + compare->made_symbol_count + 1);
    for (size_t i = 0; i < in->function_count; i++) {
        const struct fw_function *f = &in->functions[i];
        if (f->item == FW_NONE || compare->at[f->item] == FW_NONE || f->symbol == FW_NONE) continue;
        uint32_t symbol = compare->symbol_map[f->symbol];
        if (symbol == FW_NONE) continue;
        (*out)[count++] = (struct place_symbol){compare->at[f->item], symbol};
    }
    for (size_t i = 0; i < compare->made_symbol_count; i++) {
        uint32_t index = compare->made_symbols[i];
        if (strncmp(compare->file.names[index], "__pm_", 5) != 0) continue;
        (*out)[count++] = (struct place_symbol){compare->file.symbols[index].st_value & ~1U, index};
    }
    qsort(*out, count, sizeof **out, by_place_address);
    return count;
}

static uint32_t symbol_at(const struct place_symbol *functions, size_t count, uint32_t address) {
    struct place_symbol key = {address, 0};
    const struct place_symbol *found =
        bsearch(&key, functions, count, sizeof key, by_place_address);
    return found ? found->symbol : 0;
}

static uint32_t mapped(const struct compare *compare, uint32_t symbol) {
    uint32_t out = compare->symbol_map[symbol];
    return out == FW_NONE ? 0 : out;
}

/* Where the original's relocation stands now; false: it went with its instruction. */
static bool new_place(const struct compare *compare, const struct fw_relocation *r, uint32_t *out) {
    const struct fw_model *in = compare->in;
    uint32_t index = fw_item_at(in, r->place);
    if (index == FW_NONE) {
        const struct fw_section *section = &in->sections[r->section];
        *out = r->place;
        return section->type != SHT_ARM_EXIDX;
    }
    const struct fw_item *item = &in->items[index];
    if (compare->at[index] == FW_NONE) return false;
    if (is_branch_type(r->type) && item->target != FW_NONE) return false;
    /* What has a relocation has no seal in front of it. */
    *out = compare->at[index] + (r->place - item->address);
    return true;
}

static bool is_boot_vector(const struct compare *compare, const struct fw_relocation *r) {
    return compare->check->boot && compare->in->vector_table != FW_NONE &&
           r->place == compare->in->vector_table + 4;
}

static uint32_t boot_symbol(const struct compare *compare) {
    uint32_t found = 0;
    for (size_t k = 0; k < compare->made_symbol_count; k++) {
        uint32_t made = compare->made_symbols[k];
        if (strcmp(compare->file.names[made], "__pm_boot") == 0) found = made;
    }
    return found;
}

/* Of code that went to another section its section's symbol says nothing true any more: where the
 * first function of its unit has a symbol, that one names it. */
static uint32_t symbol_now(const struct list *list, const struct place_symbol *functions,
                           size_t count, const struct fw_relocation *r) {
    const struct compare *compare = list->compare;
    const struct fw_model *in = compare->in;
    struct fw_model *out = compare->check->model;
    uint32_t symbol = mapped(compare, r->symbol);
    bool section = ELF32_ST_TYPE(in->symbols[r->symbol].info) == STT_SECTION;
    if (!section || r->target_item == FW_NONE) return symbol;
    uint32_t first = in->units[in->items[r->target_item].unit].first;
    if (compare->at[first] == FW_NONE) return symbol;
    const struct fw_section *now = fw_section_at(out, compare->at[first]);
    bool same = now && (size_t)(now - out->sections) + 1 == compare->file.symbols[symbol].st_shndx;
    uint32_t named = same ? 0 : symbol_at(functions, count, compare->at[first]);
    return named ? named : symbol;
}

static void add_original(struct list *list, const struct place_symbol *functions, size_t count) {
    struct compare *compare = list->compare;
    const struct fw_model *in = compare->in;
    uint32_t boot = boot_symbol(compare);
    for (size_t i = 0; i < in->relocation_count; i++) {
        const struct fw_relocation *r = &in->relocations[i];
        uint32_t place, symbol = symbol_now(list, functions, count, r);
        if (!(in->sections[r->section].flags & SHF_ALLOC) || !new_place(compare, r, &place))
            continue;
        if (boot && is_boot_vector(compare, r)) symbol = boot;
        add(list, place, symbol, r->type);
    }
}

/* Branches and pointers inside the added routines. */
static void add_routines(struct list *list, const struct place_symbol *functions, size_t count) {
    struct compare *compare = list->compare;
    const struct check *check = compare->check;
    for (size_t i = 0; i < check->routine_count; i++) {
        const struct routine *r = &check->routines[i];
        if (r->kind == ROUTINE_THUNK) {
            add(list, r->end - 4, symbol_at(functions, count, r->target), R_ARM_ABS32);
        }
        if (r->kind != ROUTINE_BOOT) continue;
        if (check->key_source == KEY_AT_BOOT) {
            /* It was named to the hardener: it has a symbol, and the call a relocation. */
            uint32_t symbol = symbol_at(functions, count, check->key_function);
            add(list, r->address, symbol, R_ARM_THM_PC22);
        }
        uint32_t symbol = symbol_at(functions, count, r->target);
        if (symbol) add(list, r->jump, symbol, R_ARM_THM_JUMP24);
    }
}

static int by_entry(const void *a, const void *b) {
    const Elf32_Rel *x = a, *y = b;
    if (x->r_offset != y->r_offset) return x->r_offset < y->r_offset ? -1 : 1;
    return x->r_info < y->r_info ? -1 : x->r_info > y->r_info;
}

static size_t first_from(const struct list *list, uint32_t address) {
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->entries[middle].r_offset < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void compare_section(struct compare *compare, const struct list *list, uint32_t index,
                            bool *matched) {
    const struct file_view *file = &compare->file;
    const Elf32_Shdr *header = &file->sections[index];
    const struct fw_model *out = compare->check->model;
    struct span content;
    if (header->sh_info == 0 || header->sh_info > out->section_count ||
        !span_sub(file->bytes, header->sh_offset, header->sh_size, &content)) {
        check_find(compare->check, "relocations", 0, "section %u of relocations is of no section",
                   index);
        return;
    }
    const struct fw_section *section = &out->sections[header->sh_info - 1];
    size_t count = content.size_bytes / sizeof(Elf32_Rel), at = 0;
    size_t e = first_from(list, section->address);
    for (; e < list->count && list->entries[e].r_offset - section->address < section->size_bytes;
         e++) {
        Elf32_Rel is = {0, 0};
        matched[e] = true;
        if (at < count) memcpy(&is, content.data + at * sizeof is, sizeof is);
        if (at < count && is.r_offset == list->entries[e].r_offset &&
            is.r_info == list->entries[e].r_info) {
            at++;
            continue;
        }
        check_find(compare->check, "relocations", list->entries[e].r_offset,
                   "relocation %zu of %s is (0x%08x, 0x%x) and should be (0x%08x, 0x%x)", at,
                   section->name, is.r_offset, is.r_info, list->entries[e].r_offset,
                   list->entries[e].r_info);
        return;
    }
    if (at * sizeof(Elf32_Rel) != content.size_bytes || count == 0) {
        check_find(compare->check, "relocations", section->address,
                   "%s has %zu relocations and should have %zu", section->name, count, at);
    }
}

void compare_relocations(struct compare *compare) {
    const struct file_view *file = &compare->file;
    size_t room = compare->in->relocation_count + compare->branch_count +
                  2 * compare->check->routine_count + 2;
    struct list list = {
        .compare = compare, .entries = ARENA_ARRAY(&compare->arena, Elf32_Rel, room), .room = room};
    struct place_symbol *functions;
    size_t count = collect_functions(compare, &functions);
    add_original(&list, functions, count);
    for (size_t i = 0; i < compare->branch_count; i++) {
        uint32_t symbol = symbol_at(functions, count, compare->branches[i].target);
        if (symbol) add(&list, compare->branches[i].place, symbol, compare->branches[i].type);
    }
    add_routines(&list, functions, count);
    if (list.count) qsort(list.entries, list.count, sizeof *list.entries, by_entry);
    bool *matched = ARENA_ARRAY(&compare->arena, bool, list.count + 1);
    uint32_t before = 0;
    for (uint32_t i = 1; i < file->symtab; i++) {
        if (file->sections[i].sh_type != SHT_REL) continue;
        if (file->sections[i].sh_info <= before) {
            check_find(compare->check, "relocations", 0,
                       "sections of relocations are out of order");
        }
        before = file->sections[i].sh_info;
        compare_section(compare, &list, i, matched);
    }
    for (size_t i = 0; i < list.count; i++) {
        if (matched[i]) continue;
        check_find(compare->check, "relocations", list.entries[i].r_offset,
                   "the relocation at 0x%08x is missing", list.entries[i].r_offset);
        return;
    }
}
