/* The symbol table. The original's symbols are there in their order, at the places that
 * what they name has now; those of dropped functions are left out. Added are the
 * routines of the protection, mapping symbols of moved code, and a section's symbol. */
#include <stdlib.h>
#include <string.h>

#include "check/compare/compare.h"

static bool is_mapping(const char *name) {
    return name[0] == '$' && (name[1] == 't' || name[1] == 'd' || name[1] == 'a') &&
           (name[2] == '\0' || name[2] == '.');
}

static bool is_defined(uint16_t section) {
    return section != SHN_UNDEF && section < SHN_LORESERVE;
}

/* The item that an original symbol is at, or FW_NONE for what never moves. */
static uint32_t item_of(const struct fw_model *in, const struct fw_symbol *s) {
    unsigned type = ELF32_ST_TYPE(s->info);
    if (!is_defined(s->section) || type == STT_SECTION || type == STT_TLS) return FW_NONE;
    return fw_item_at(in, s->value & ~1U);
}

static bool may_be_dropped(const struct fw_model *in, const struct fw_symbol *s) {
    uint32_t item = item_of(in, s);
    if (item == FW_NONE) return false;
    const struct fw_unit *unit = &in->units[in->items[item].unit];
    return !unit->reachable && unit->status == FW_UNIT_ACCEPTED;
}

static bool same_symbol(const struct compare *compare, const struct fw_symbol *in, uint32_t out) {
    const Elf32_Sym *s = &compare->file.symbols[out];
    return in->info == s->st_info && strcmp(in->name, compare->file.names[out]) == 0;
}

/* Is the code at the output symbol the beginning of this function? Told apart only where
 * two functions of one file have one name. */
static bool looks_like(const struct compare *compare, const struct fw_symbol *in, uint32_t out) {
    uint32_t item = item_of(compare->in, in);
    if (item == FW_NONE || compare->in->items[item].kind != FW_ITEM_INSN) return true;
    struct thumb_insn insn;
    uint32_t address = compare->file.symbols[out].st_value & ~1U;
    struct seal seal;
    if (check_seal_at(compare->check, address, &seal)) address = seal.end;
    return check_decode(compare->check, address, &insn) &&
           insn.op == compare->in->items[item].insn->op;
}

void compare_match_symbols(struct compare *compare) {
    const struct fw_model *in = compare->in;
    const struct file_view *file = &compare->file;
    compare->symbol_map = ARENA_ARRAY(&compare->arena, uint32_t, in->symbol_count + 1);
    compare->made_symbols = ARENA_ARRAY(&compare->arena, uint32_t, file->symbol_count + 1);
    memset(compare->symbol_map, 0xff, (in->symbol_count + 1) * sizeof *compare->symbol_map);
    compare->symbol_map[0] = 0;
    uint32_t next = 1;
    for (uint32_t i = 1; i < in->symbol_count; i++) {
        const struct fw_symbol *s = &in->symbols[i];
        if (is_mapping(s->name)) continue;
        while (next < file->symbol_count &&
               (is_mapping(file->names[next]) || strncmp(file->names[next], "__pm_", 5) == 0 ||
                (ELF32_ST_BIND(s->info) != STB_LOCAL &&
                 ELF32_ST_BIND(file->symbols[next].st_info) == STB_LOCAL))) {
            compare->made_symbols[compare->made_symbol_count++] = next++;
        }
        bool there = next < file->symbol_count && same_symbol(compare, s, next);
        bool dropped = may_be_dropped(in, s);
        if (there && (!dropped || looks_like(compare, s, next))) {
            compare->symbol_map[i] = next++;
        } else if (!dropped) {
            check_find(compare->check, "symbols", s->value,
                       "the original's symbol %s is missing or altered", s->name);
            if (next < file->symbol_count && !there) next++; /* altered: go on behind it */
        }
    }
    while (next < file->symbol_count)
        compare->made_symbols[compare->made_symbol_count++] = next++;
}

/* --- fields */

/* The unit's functions stand in the order of their addresses. */
static uint32_t function_with(const struct fw_model *in, uint32_t item) {
    const struct fw_unit *unit = &in->units[in->items[item].unit];
    uint32_t low = unit->function_first, high = low + unit->function_count, end = high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (in->functions[middle].address < in->items[item].address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < end && in->functions[low].item == item ? low : FW_NONE;
}

/* Bytes from the function's first item to the end of its last; many symbols may ask. */
static uint32_t size_of(const struct compare *compare, uint32_t function) {
    const struct fw_model *in = compare->in;
    const struct fw_function *f = &in->functions[function];
    const struct fw_unit *unit = &in->units[f->unit];
    bool last = function + 1 == unit->function_first + unit->function_count;
    uint32_t stop = last ? FW_NONE : in->functions[function + 1].item;
    uint32_t end = compare->at[f->item];
    if (compare->sizes[function] != FW_NONE) return compare->sizes[function];
    for (uint32_t i = f->item; i != FW_NONE && i != stop; i = in->items[i].next)
        end = compare->end[i];
    compare->sizes[function] = end - compare->at[f->item];
    return compare->sizes[function];
}

static uint16_t section_index(const struct compare *compare, uint32_t address) {
    const struct fw_model *out = compare->check->model;
    for (size_t i = 0; i < out->section_count; i++) {
        const struct fw_section *s = &out->sections[i];
        if ((s->flags & SHF_ALLOC) && address - s->address < s->size_bytes)
            return (uint16_t)(i + 1);
    }
    return 0;
}

static bool is_in_place(const struct compare *compare, uint32_t unit) {
    const struct fw_model *in = compare->in;
    return in->units[unit].first != FW_NONE &&
           compare->at[in->units[unit].first] == in->items[in->units[unit].first].address;
}

/* The symbol as it should be in the output, but for its name. */
static Elf32_Sym expected_symbol(const struct compare *compare, uint32_t index,
                                 const Elf32_Sym *is) {
    const struct fw_model *in = compare->in;
    const struct fw_symbol *s = &in->symbols[index];
    Elf32_Sym out = {.st_value = s->value,
                     .st_size = s->size_bytes,
                     .st_info = s->info,
                     .st_other = s->other,
                     .st_shndx = s->section};
    uint32_t item = item_of(in, s);
    if (item == FW_NONE || compare->at[item] == FW_NONE) return out;
    const struct fw_unit *unit = &in->units[in->items[item].unit];
    if (unit->status == FW_UNIT_UNTOUCHED) return out;
    uint32_t function = function_with(in, item), thumb = s->value & 1U;
    /* A linker's label at a boundary is a place, not the function there. */
    if (ELF32_ST_TYPE(s->info) == STT_NOTYPE && !thumb && function != FW_NONE &&
        in->functions[function].symbol != index) {
        return out;
    }
    bool pinned = is_in_place(compare, in->items[item].unit) && is->st_size == s->size_bytes &&
                  is->st_value == s->value;
    uint32_t delta = (s->value & ~1U) - in->items[item].address;
    out.st_value = (compare->at[item] + delta) | thumb;
    out.st_shndx = section_index(compare, compare->at[item] + delta);
    if (s->size_bytes && function != FW_NONE && !pinned) out.st_size = size_of(compare, function);
    return out;
}

static void compare_fields(struct compare *compare, uint32_t index, const Elf32_Sym *should) {
    const Elf32_Sym *is = &compare->file.symbols[index];
    if (is->st_value == should->st_value && is->st_size == should->st_size &&
        is->st_info == should->st_info && is->st_other == should->st_other &&
        is->st_shndx == should->st_shndx) {
        return;
    }
    check_find(compare->check, "symbols", is->st_value & ~1U,
               "symbol %s is (0x%x, size %u, info %u, other %u, section %u) and should be "
               "(0x%x, size %u, info %u, other %u, section %u)",
               compare->file.names[index], is->st_value, is->st_size, is->st_info, is->st_other,
               is->st_shndx, should->st_value, should->st_size, should->st_info, should->st_other,
               should->st_shndx);
}

/* Names lie in the table in the order of the symbols, each once. */
static void compare_name_offsets(struct compare *compare) {
    const struct file_view *file = &compare->file;
    struct span table;
    uint32_t offset = 1;
    if (!span_sub(file->bytes, file->sections[file->strtab].sh_offset,
                  file->sections[file->strtab].sh_size, &table) ||
        !table.size_bytes || table.data[0] != 0) {
        check_find(compare->check, "symbols", 0,
                   "the table of names does not begin with an empty one");
        return;
    }
    for (size_t i = 0; i < file->symbol_count; i++) {
        size_t length = strlen(file->names[i]);
        uint32_t should = length ? offset : 0;
        if (file->symbols[i].st_name != should) {
            check_find(compare->check, "symbols", file->symbols[i].st_value,
                       "the name of symbol %zu (%s) is not where it should be", i, file->names[i]);
            return;
        }
        if (length) offset += (uint32_t)length + 1;
    }
}

/* --- mapping symbols */

struct mapping {
    uint32_t address, symbol;
    char kind;
};

static int by_address(const void *a, const void *b) {
    const struct mapping *x = a, *y = b;
    if (x->address != y->address) return x->address < y->address ? -1 : 1;
    return x->symbol < y->symbol ? -1 : x->symbol > y->symbol;
}

static size_t collect_mappings(struct compare *compare, struct mapping **out) {
    const struct file_view *file = &compare->file;
    size_t count = 0;
    *out = ARENA_ARRAY(&compare->arena, struct mapping, file->symbol_count + 1);
    for (uint32_t i = 0; i < file->symbol_count; i++) {
        if (!is_mapping(file->names[i])) continue;
        (*out)[count++] = (struct mapping){file->symbols[i].st_value & ~1U, i, file->names[i][1]};
    }
    qsort(*out, count, sizeof **out, by_address);
    return count;
}

static char kind_of(const struct mapping *mappings, size_t count, uint32_t address) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mappings[middle].address <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low ? mappings[low - 1].kind : 't';
}

static size_t first_at(const struct mapping *mappings, size_t count, uint32_t address) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mappings[middle].address < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static enum claim claim_at(const struct compare *compare, uint32_t address) {
    uint32_t room;
    const uint8_t *claim = compare_claims_at(compare, address, &room);
    return claim ? *claim : CLAIM_FREE;
}

/* One that stands as it stood in the original, in contents that stayed. */
static bool is_carried(struct compare *compare, const struct mapping *m,
                       const struct mapping *original, size_t original_count) {
    const Elf32_Sym *is = &compare->file.symbols[m->symbol];
    enum claim here = claim_at(compare, m->address);
    if (here == CLAIM_CODE || here == CLAIM_DATA) return false;
    for (size_t i = first_at(original, original_count, m->address);
         i < original_count && original[i].address == m->address; i++) {
        const struct fw_symbol *s = &compare->in->symbols[original[i].symbol];
        if (compare->mapping_used[original[i].symbol] || s->value != is->st_value ||
            s->size_bytes != is->st_size || s->info != is->st_info || s->other != is->st_other ||
            s->section != is->st_shndx || strcmp(s->name, compare->file.names[m->symbol]) != 0) {
            continue;
        }
        compare->mapping_used[original[i].symbol] = true;
        return true;
    }
    return false;
}

/* Each mapping symbol has one form and stands once, where the kind of the contents changes
 * or moved code or a section begins or ends. */
static void compare_mapping_symbol(struct compare *compare, const struct mapping *m,
                                   const struct mapping *before, const struct mapping *after,
                                   const struct mapping *original, size_t original_count) {
    const Elf32_Sym *is = &compare->file.symbols[m->symbol];
    if (is_carried(compare, m, original, original_count)) return;
    Elf32_Sym should = *is;
    should.st_size = 0;
    should.st_info = ELF32_ST_INFO(STB_LOCAL, STT_NOTYPE);
    should.st_other = 0;
    should.st_value = m->address;
    should.st_shndx = section_index(compare, m->address);
    compare_fields(compare, m->symbol, &should);
    enum claim here = claim_at(compare, m->address), last = claim_at(compare, m->address - 1);
    uint8_t kind_here = here & CLAIM_KIND;
    char kind = kind_here == CLAIM_CODE ? 't' : kind_here == CLAIM_DATA ? 'd' : m->kind;
    bool twice = before && before->address == m->address && before->kind == m->kind;
    /* At one place the last counts; one in front of it closes data behind which data begins. */
    bool closes = m->kind == 't' && (last & CLAIM_KIND) == CLAIM_DATA && after &&
                  after->address == m->address && after->kind == 'd';
    bool fits = kind == m->kind || closes;
    /* A section says for itself what it begins with. */
    bool begins = section_index(compare, m->address) != section_index(compare, m->address - 1);
    if (fits && (here != last || closes || begins) && !twice) return;
    check_find(compare->check, "symbols", m->address, "mapping symbol %s does not belong at 0x%08x",
               compare->file.names[m->symbol], m->address);
}

static size_t original_mappings(struct compare *compare, struct mapping **out) {
    const struct fw_model *in = compare->in;
    size_t count = 0;
    *out = ARENA_ARRAY(&compare->arena, struct mapping, in->symbol_count + 1);
    for (uint32_t i = 0; i < in->symbol_count; i++) {
        if (!is_mapping(in->symbols[i].name) || !is_defined(in->symbols[i].section)) continue;
        (*out)[count++] = (struct mapping){in->symbols[i].value & ~1U, i, in->symbols[i].name[1]};
    }
    qsort(*out, count, sizeof **out, by_address);
    return count;
}

void compare_mappings(struct compare *compare) {
    const struct fw_model *out = compare->check->model;
    struct mapping *mappings, *original;
    size_t count = collect_mappings(compare, &mappings);
    size_t original_count = original_mappings(compare, &original);
    compare->mapping_used = ARENA_ARRAY(&compare->arena, bool, compare->in->symbol_count + 1);
    for (size_t i = 0; i < count; i++) {
        compare_mapping_symbol(compare, &mappings[i], i ? &mappings[i - 1] : NULL,
                               i + 1 < count ? &mappings[i + 1] : NULL, original, original_count);
    }
    for (size_t i = 0; i < original_count; i++) {
        uint16_t section = compare->in->symbols[original[i].symbol].section;
        bool contents = fw_is_code_section(&compare->in->sections[section - 1]);
        if (contents || compare->mapping_used[original[i].symbol]) continue;
        check_find(compare->check, "symbols", original[i].address,
                   "the mapping symbol at 0x%08x is missing", original[i].address);
    }
    for (size_t s = 0; s < out->section_count; s++) {
        const struct fw_section *section = &out->sections[s];
        const uint8_t *claims = compare->claims[s].bytes;
        uint32_t size_bytes = claims ? section->size_bytes : 0;
        for (uint32_t k = 0; k < size_bytes; k++) {
            if (k && claims[k] == claims[k - 1]) continue;
            uint8_t claim = claims[k] & CLAIM_KIND;
            bool first = k == 0 || (claims[k - 1] & CLAIM_KIND) != claim;
            if (!first || claim == CLAIM_FREE) continue;
            uint32_t address = section->address + k;
            char is = kind_of(mappings, count, address);
            char should = claim == CLAIM_CODE   ? 't'
                          : claim == CLAIM_DATA ? 'd'
                                                : kind_of(original, original_count, address);
            if (!fw_is_code_section(section) || is == should) continue;
            check_find(compare->check, "symbols", address,
                       "the mapping symbols say %c and the contents are %c", is, should);
        }
    }
}

/* --- what was added */

static bool is_routine_symbol(struct compare *compare, uint32_t index, Elf32_Sym *should) {
    const struct check *check = compare->check;
    uint32_t address = compare->file.symbols[index].st_value & ~1U;
    const struct routine *r = check_routine_at(check, address);
    if (!r || strncmp(compare->file.names[index], "__pm_", 5) != 0) return false;
    /* A routine that runs into the next one has its symbol up to there. */
    bool last = r + 1 == check->routines + check->routine_count;
    uint32_t end = !last && r[1].address < r->end ? r[1].address : r->end;
    *should = (Elf32_Sym){.st_value = address | 1,
                          .st_size = end - address,
                          .st_info = ELF32_ST_INFO(STB_LOCAL, STT_FUNC),
                          .st_shndx = section_index(compare, address)};
    return true;
}

static const char *routine_name(const struct routine *r, char *text, size_t size_bytes) {
    static const char *const registers[] = {"r0", "r1", "r2",  "r3",  "r4", "r5", "r6", "r7",
                                            "r8", "r9", "r10", "r11", "ip", "sp", "lr", "pc"};
    switch (r->kind) {
    case ROUTINE_CALL:
        snprintf(text, size_bytes, "__pm_call_%s", registers[r->reg & 15]);
        return text;
    case ROUTINE_THUNK:
        return "__pm_thunk";
    case ROUTINE_BOOT:
        return "__pm_boot";
    default:
        return r->pops ? "__pm_return_pop" : "__pm_return";
    }
}

static int by_number(const void *a, const void *b) {
    const uint32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static int by_value(const void *a, const void *b, void *context) {
    const Elf32_Sym *symbols = context;
    uint32_t x = symbols[*(const uint32_t *)a].st_value, y = symbols[*(const uint32_t *)b].st_value;
    return x < y ? -1 : x > y;
}

/* Tags and their symbols, both by address. */
void compare_sort_made(struct compare *compare) {
    qsort_r(compare->made_symbols, compare->made_symbol_count, sizeof *compare->made_symbols,
            by_value, compare->file.symbols);
    if (compare->tag_count)
        qsort(compare->tags, compare->tag_count, sizeof *compare->tags, by_number);
}

/* What was found among the symbols that the original has not. */
struct made {
    struct compare *compare;
    bool *named; /* by routine */
    unsigned sections;
    size_t tags;
};

/* A routine's symbol has the name that says what it does, once. */
static void judge_routine_name(struct made *made, uint32_t index) {
    const struct check *check = made->compare->check;
    const struct routine *r =
        check_routine_at(check, made->compare->file.symbols[index].st_value & ~1U);
    const char *name = made->compare->file.names[index];
    char text[32];
    bool twice = made->named[r - check->routines];
    made->named[r - check->routines] = true;
    if (twice || strcmp(name, routine_name(r, text, sizeof text)) != 0) {
        check_find(made->compare->check, "symbols", r->address, "%s is not this routine's name",
                   name);
    }
}

static void compare_made_symbol(struct made *made, uint32_t index) {
    struct compare *compare = made->compare;
    const struct fw_model *in = compare->in, *out = compare->check->model;
    const char *name = compare->file.names[index];
    Elf32_Sym should;
    if (is_mapping(name)) return;
    if (*name == '\0' && made->sections == 0 && out->section_count > in->section_count) {
        made->sections++;
        should = (Elf32_Sym){.st_value = out->sections[in->section_count].address,
                             .st_info = ELF32_ST_INFO(STB_LOCAL, STT_SECTION),
                             .st_shndx = (Elf32_Half)(in->section_count + 1)};
    } else if (strcmp(name, FW_TAG_SYMBOL) == 0) {
        uint32_t at = made->tags < compare->tag_count ? compare->tags[made->tags] : FW_NONE;
        made->tags++;
        should = (Elf32_Sym){.st_value = at,
                             .st_size = 4,
                             .st_info = ELF32_ST_INFO(STB_LOCAL, STT_OBJECT),
                             .st_shndx = section_index(compare, at)};
    } else if (is_routine_symbol(compare, index, &should)) {
        judge_routine_name(made, index);
    } else {
        check_find(compare->check, "symbols", compare->file.symbols[index].st_value,
                   "symbol %s is not of the original and names no routine", name);
        return;
    }
    compare_fields(compare, index, &should);
}

static void compare_made(struct compare *compare) {
    struct made made = {.compare = compare};
    made.named = ARENA_ARRAY(&compare->arena, bool, compare->check->routine_count + 1);
    for (size_t i = 0; i < compare->made_symbol_count; i++)
        compare_made_symbol(&made, compare->made_symbols[i]);
    if (made.tags != compare->tag_count) {
        check_find(compare->check, "symbols", 0, "%zu tags have %zu symbols", compare->tag_count,
                   made.tags);
    }
    for (size_t i = 0; i < compare->check->routine_count; i++) {
        if (made.named[i]) continue;
        check_find(compare->check, "symbols", compare->check->routines[i].address,
                   "a routine of the protection has no symbol");
    }
}

void compare_symbols(struct compare *compare) {
    const struct file_view *file = &compare->file;
    compare_name_offsets(compare);
    Elf32_Sym none = {.st_name = 0};
    if (file->symbol_count) compare_fields(compare, 0, &none);
    for (uint32_t i = 1; i < compare->in->symbol_count; i++) {
        uint32_t index = compare->symbol_map[i];
        if (index == FW_NONE) continue;
        Elf32_Sym should = expected_symbol(compare, i, &file->symbols[index]);
        compare_fields(compare, index, &should);
    }
    compare_made(compare);
}
