/* Where functions start and end, from the symbol table. See lift.h.
 *
 * A start is a function symbol, an untyped symbol in code that no sized function covers
 * (hand-written assembly), or the entry point. A function ends after st_size, or where
 * the next symbol begins when it has none. */
#include "firmware/lift/lifting.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

static int compare_mappings(const void *a, const void *b) {
    const struct mapping *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

static bool is_mapping(const char *name) {
    return name[0] == '$' && (name[1] == 't' || name[1] == 'd' || name[1] == 'a') &&
           (name[2] == '\0' || name[2] == '.');
}

static const struct fw_section *section_of(const struct fw_model *model,
                                           const struct fw_symbol *symbol) {
    if (symbol->section == SHN_UNDEF || symbol->section >= SHN_LORESERVE) return NULL;
    const struct fw_section *section = &model->sections[symbol->section - 1];
    uint32_t offset = (symbol->value & ~1U) - section->address;
    bool inside = (symbol->value & ~1U) >= section->address && offset <= section->size_bytes;
    return inside ? section : NULL;
}

static void collect_mappings(struct lift *lift) {
    struct fw_model *model = lift->model;
    size_t sections = model->section_count;
    lift->mappings = ARENA_ARRAY(&lift->scratch, struct mapping *, sections + 1);
    lift->mapping_counts = ARENA_ARRAY(&lift->scratch, size_t, sections + 1);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < model->symbol_count; i++) {
            const struct fw_symbol *symbol = &model->symbols[i];
            const struct fw_section *section = section_of(model, symbol);
            if (!section || !fw_is_code_section(section) || !is_mapping(symbol->name)) continue;
            size_t s = (size_t)(section - model->sections);
            if (pass) {
                lift->mappings[s][lift->mapping_counts[s]] =
                    (struct mapping){symbol->value & ~1U, symbol->name[1]};
            }
            lift->mapping_counts[s]++;
        }
        for (size_t s = 0; s < sections && pass == 0; s++) {
            lift->mappings[s] =
                ARENA_ARRAY(&lift->scratch, struct mapping, lift->mapping_counts[s] + 1);
            lift->mapping_counts[s] = 0;
        }
    }
    for (size_t s = 0; s < sections; s++) {
        qsort(lift->mappings[s], lift->mapping_counts[s], sizeof **lift->mappings,
              compare_mappings);
    }
}

char lift_kind_at(const struct lift *lift, uint16_t section, uint32_t address, uint32_t limit,
                  uint32_t *next) {
    const struct mapping *mappings = lift->mappings[section];
    size_t low = 0, high = lift->mapping_counts[section];
    while (low < high) { /* first mapping behind `address` */
        size_t middle = low + (high - low) / 2;
        if (mappings[middle].address <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *next = limit;
    for (size_t i = low; i < lift->mapping_counts[section] && mappings[i].address < limit; i++) {
        /* Runs of one kind from several objects are one run. */
        char before = low ? mappings[low - 1].kind : 't';
        if (mappings[i].kind == before) continue;
        *next = mappings[i].address;
        break;
    }
    return low ? mappings[low - 1].kind : 't';
}

/* A word that a pass put in front of a function and that must stay there. */
static bool is_tag(const struct fw_symbol *symbol) {
    return ELF32_ST_TYPE(symbol->info) == STT_OBJECT && symbol->size_bytes == 4 &&
           strcmp(symbol->name, FW_TAG_SYMBOL) == 0;
}

struct start {
    uint32_t address, size_bytes, symbol;
    uint16_t section;
    uint8_t rank; /* 0 function symbol, 1 untyped, 2 other: only ends an unsized one */
};

static int compare_starts(const void *a, const void *b) {
    const struct start *x = a, *y = b;
    if (x->section != y->section) return x->section < y->section ? -1 : 1;
    if (x->address != y->address) return x->address < y->address ? -1 : 1;
    if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
    if (x->size_bytes != y->size_bytes) return x->size_bytes > y->size_bytes ? -1 : 1;
    return x->symbol < y->symbol ? -1 : x->symbol > y->symbol;
}

static size_t collect_starts(struct lift *lift, struct start *starts) {
    struct fw_model *model = lift->model;
    size_t count = 0;
    for (size_t i = 0; i < model->symbol_count; i++) {
        const struct fw_symbol *symbol = &model->symbols[i];
        const struct fw_section *section = section_of(model, symbol);
        uint32_t address = symbol->value & ~1U, next;
        unsigned type = ELF32_ST_TYPE(symbol->info);
        if (!section || !fw_is_code_section(section) || is_mapping(symbol->name)) continue;
        if (type == STT_SECTION || type == STT_FILE || type == STT_TLS) continue;
        uint16_t s = (uint16_t)(section - model->sections);
        bool ends = address - section->address >= section->size_bytes;
        uint8_t rank = type == STT_FUNC || is_tag(symbol) ? 0 : type == STT_NOTYPE ? 1 : 2;
        if (ends) continue;
        if (rank == 1 && lift_kind_at(lift, s, address, address, &next) != 't') rank = 2;
        starts[count++] = (struct start){address, symbol->size_bytes, (uint32_t)i, s, rank};
    }
    qsort(starts, count, sizeof *starts, compare_starts);
    return count;
}

bool lift_is_filler(const struct fw_section *section, uint32_t address, uint32_t end) {
    return thumb_is_filler(section->data + (address - section->address),
                           (end - address) & ~(size_t)1);
}

/* Each run of code in [next, limit) that is no filler, as a function without a name. */
static size_t unnamed_between(const struct lift *lift, uint16_t section, uint32_t next,
                              uint32_t limit, struct lift_function *out) {
    size_t count = 0;
    while (next < limit) {
        uint32_t start = next;
        char kind = lift_kind_at(lift, section, start, limit, &next);
        if (kind == 'd' || lift_is_filler(&lift->model->sections[section], start, next)) continue;
        out[count++] = (struct lift_function){.address = start,
                                              .end = next,
                                              .limit = next,
                                              .symbol = FW_NONE,
                                              .section = section,
                                              .sized = true};
    }
    return count;
}

/* The functions of one section from `first`, and between them what no symbol names. */
static size_t functions_of(const struct lift *lift, uint16_t s, size_t first, size_t *count,
                           struct lift_function *all) {
    const struct fw_section *section = &lift->model->sections[s];
    uint32_t next = section->address, end = section->address + section->size_bytes;
    size_t i = first;
    for (; i < lift->function_count && lift->functions[i].section == s; i++) {
        const struct lift_function *f = &lift->functions[i];
        *count += unnamed_between(lift, s, next, f->address, &all[*count]);
        all[(*count)++] = *f;
        next = f->sized ? f->end : end;
        bool last = i + 1 == lift->function_count || lift->functions[i + 1].section != s;
        if (!f->sized && !last) next = lift->functions[i + 1].address;
    }
    *count += unnamed_between(lift, s, next, end, &all[*count]);
    return i;
}

/* Code that no symbol names: a function without a name, in front of, between and behind those
 * that have one (hand-written assembly puts exits in front of its entry), or all of a section's
 * code. */
static void find_unnamed_code(struct lift *lift) {
    const struct fw_model *model = lift->model;
    size_t named = lift->function_count, count = 0, room = 3 * named + 1;
    for (size_t s = 0; s < model->section_count; s++)
        room += lift->mapping_counts[s] + 1;
    struct lift_function *all = ARENA_ARRAY(&lift->scratch, struct lift_function, room);
    size_t next = 0;
    for (uint16_t s = 0; s < model->section_count; s++) {
        if (fw_is_code_section(&model->sections[s]))
            next = functions_of(lift, s, next, &count, all);
    }
    for (size_t i = 0; i < count; i++) {
        all[i].parent = (uint32_t)i;
        if (i + 1 < count && all[i + 1].section == all[i].section)
            all[i].limit = all[i + 1].address;
    }
    lift->functions = all;
    lift->function_count = count;
}

enum status lift_find_functions(struct lift *lift) {
    struct fw_model *model = lift->model;
    collect_mappings(lift);
    struct start *starts = ARENA_ARRAY(&lift->scratch, struct start, model->symbol_count + 1);
    size_t count = collect_starts(lift, starts);
    lift->functions = ARENA_ARRAY(&lift->scratch, struct lift_function, count + 1);
    uint32_t covered_until = 0;
    uint16_t covered_section = UINT16_MAX;
    for (size_t i = 0; i < count; i++) {
        const struct start *start = &starts[i];
        bool same =
            i && starts[i - 1].section == start->section && starts[i - 1].address == start->address;
        bool covered = covered_section == start->section && start->address < covered_until;
        struct lift_function *last =
            lift->function_count ? &lift->functions[lift->function_count - 1] : NULL;
        if (last && last->section == start->section && last->address != start->address &&
            last->limit > start->address && (!covered || start->rank == 0)) {
            last->limit = start->address;
            if (last->end > last->limit) last->end = last->limit;
        }
        if (same || start->rank == 2 || (start->rank == 1 && covered)) continue;
        const struct fw_section *section = &model->sections[start->section];
        uint32_t section_end = section->address + section->size_bytes;
        struct lift_function *function = &lift->functions[lift->function_count];
        *function = (struct lift_function){.address = start->address,
                                           .limit = section_end,
                                           .symbol = start->symbol,
                                           .section = start->section,
                                           .parent = (uint32_t)lift->function_count};
        lift->function_count++;
        function->sized = start->size_bytes != 0;
        uint32_t room = section_end - start->address;
        function->end = function->sized && start->size_bytes < room
                            ? start->address + start->size_bytes
                            : section_end;
        if (function->sized && start->size_bytes % 2) function->end += 1;
        if (function->end > section_end) function->end = section_end;
        if (function->sized) {
            covered_until = function->end;
            covered_section = start->section;
        }
    }
    find_unnamed_code(lift);
    return STATUS_OK;
}
