/* The symbol table of the output: values follow what moved, mapping symbols of moved code
 * are made anew, symbols of dropped functions are left out. See write.h. */
#include "firmware/write/writing.h"

#include <stdlib.h>
#include <string.h>

static bool is_mapping(const char *name) {
    return name[0] == '$' && (name[1] == 't' || name[1] == 'd' || name[1] == 'a') &&
           (name[2] == '\0' || name[2] == '.');
}

uint32_t write_section_of(const struct writer *writer, uint32_t address) {
    const struct fw_model *model = writer->model;
    for (uint32_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if ((s->flags & SHF_ALLOC) && address - s->address < s->size_bytes) return i;
    }
    return FW_NONE;
}

static uint32_t add_symbol(struct writer *writer, const char *name, Elf32_Sym symbol) {
    writer->symbols = arena_grow(&writer->scratch, writer->symbols, writer->symbol_count,
                                 &writer->symbol_capacity, sizeof *writer->symbols);
    symbol.st_name = 0;
    if (*name) {
        symbol.st_name = (Elf32_Word)writer->names.size_bytes;
        buffer_append(&writer->names, name, strlen(name) + 1);
    }
    writer->symbols[writer->symbol_count] = symbol;
    return (uint32_t)writer->symbol_count++;
}

static bool in_window(const struct writer *writer, uint32_t address) {
    const struct fw_layout *layout = writer->layout;
    size_t low = 0, high = layout->window_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct fw_window *window = &layout->windows[middle];
        if (address - window->address < window->size_bytes) return true;
        if (window->address < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

/* The function (index) of the unit that starts with this item, or FW_NONE. */
static uint32_t function_at(const struct fw_model *model, uint32_t item) {
    const struct fw_unit *unit = &model->units[model->items[item].unit];
    for (uint32_t i = 0; i < unit->function_count; i++) {
        if (model->functions[unit->function_first + i].item == item) {
            return unit->function_first + i;
        }
    }
    return FW_NONE;
}

/* Bytes from the function's first item to the end of its last, in the output. */
static uint32_t new_size(const struct writer *writer, uint32_t function) {
    const struct fw_model *model = writer->model;
    const struct fw_function *f = &model->functions[function];
    const struct fw_unit *unit = &model->units[f->unit];
    bool last = function + 1 == unit->function_first + unit->function_count;
    uint32_t start = model->items[f->item].new_address, end = start;
    if (last) return writer->layout->ends[f->unit] - start;
    uint32_t stop = model->functions[function + 1].item;
    for (uint32_t i = f->item; i != FW_NONE && i != stop; i = model->items[i].next) {
        /* The tag in front of the next function is not part of this one. */
        const struct fw_item *item = &model->items[i];
        if (item->made && item->kind == FW_ITEM_DATA && item->next == stop) break;
        end = item->new_address + item->size_bytes;
    }
    return end - start;
}

/* False: the symbol goes with its dropped function. */
static bool move_symbol(const struct writer *writer, const struct fw_symbol *symbol,
                        Elf32_Sym *out) {
    const struct fw_model *model = writer->model;
    uint32_t address = symbol->value & ~1U, thumb = symbol->value & 1U;
    bool defined = symbol->section != SHN_UNDEF && symbol->section < SHN_LORESERVE;
    if (!defined || ELF32_ST_TYPE(symbol->info) == STT_SECTION ||
        ELF32_ST_TYPE(symbol->info) == STT_TLS) {
        return true;
    }
    uint32_t item = symbol->item == FW_NONE ? fw_item_at(model, address) : symbol->item;
    if (item == FW_NONE) return true;
    const struct fw_unit *unit = &model->units[model->items[item].unit];
    if (unit->status == FW_UNIT_DROPPED) return false;
    if (unit->status == FW_UNIT_UNTOUCHED) return true;
    uint32_t function = function_at(model, item);
    /* A linker's label at a boundary ("start of text") is a place, not this function. */
    if (ELF32_ST_TYPE(symbol->info) == STT_NOTYPE && !thumb && function != FW_NONE &&
        model->functions[function].symbol != (uint32_t)(symbol - model->symbols)) {
        return true;
    }
    uint32_t delta = symbol->item == FW_NONE ? address - model->items[item].address : 0;
    out->st_value = (model->items[item].new_address + delta) | thumb;
    out->st_shndx = (Elf32_Half)(write_section_of(writer, out->st_value & ~1U) + 1);
    if (symbol->size_bytes && function != FW_NONE) out->st_size = new_size(writer, function);
    return true;
}

void write_carry_symbols(struct writer *writer, size_t i) {
    const struct fw_model *model = writer->model;
    struct write_run run = write_run(model->symbol_count, i);
    for (size_t k = run.first; k < run.end; k++) {
        const struct fw_symbol *symbol = &model->symbols[k];
        Elf32_Sym *out = &writer->carried[k];
        *out = (Elf32_Sym){.st_value = symbol->value,
                           .st_size = symbol->size_bytes,
                           .st_info = symbol->info,
                           .st_other = symbol->other,
                           .st_shndx = symbol->section};
        bool remade = is_mapping(symbol->name) && in_window(writer, symbol->value & ~1U);
        writer->left_out[k] = k == 0 || remade || !move_symbol(writer, symbol, out);
    }
}

static void add_carried(struct writer *writer, bool local) {
    const struct fw_model *model = writer->model;
    for (uint32_t i = 0; i < model->symbol_count; i++) {
        const struct fw_symbol *symbol = &model->symbols[i];
        bool is_local = ELF32_ST_BIND(symbol->info) == STB_LOCAL;
        if (is_local != local || writer->left_out[i]) continue;
        writer->symbol_map[i] = add_symbol(writer, symbol->name, writer->carried[i]);
    }
}

static void add_mapping(struct writer *writer, char kind, uint32_t address) {
    const char name[3] = {'$', kind, '\0'};
    uint32_t section = write_section_of(writer, address);
    if (section == FW_NONE) return;
    add_symbol(writer, name,
               (Elf32_Sym){.st_value = address,
                           .st_info = ELF32_ST_INFO(STB_LOCAL, STT_NOTYPE),
                           .st_shndx = (Elf32_Half)(section + 1)});
}

/* Mapping symbols of the windows: one at each window's start, where the kind changes, and
 * where filler follows data. `end` and `kind` are those of the unit in front. */
static void map_unit(struct writer *writer, const struct write_placed *placed,
                     const struct write_part *part, uint32_t *end, char *kind) {
    if (*kind == 'd' && placed->start != *end) {
        add_mapping(writer, 't', *end);
        *kind = 't';
    }
    if (placed->first_kind != *kind) add_mapping(writer, placed->first_kind, placed->start);
    for (uint32_t i = 0; i < placed->mapping_count; i++) {
        const struct write_mapping *mapping = &part->mappings[placed->mapping_first + i];
        add_mapping(writer, mapping->kind, mapping->address);
    }
    *kind = placed->last_kind;
    *end = placed->end;
}

/* The instruction that ended at this address of the input, or NULL. */
static const struct fw_item *code_ending_at(const struct fw_model *model, uint32_t address) {
    for (uint32_t size_bytes = 2; size_bytes <= 4; size_bytes += 2) {
        uint32_t index = fw_item_at(model, address - size_bytes);
        if (index == FW_NONE) continue;
        const struct fw_item *item = &model->items[index];
        bool code = item->kind == FW_ITEM_INSN && item->address + item->insn->size_bytes == address;
        return code ? item : NULL;
    }
    return NULL;
}

/* Did the accepted unit come to lie where it was? Then it is one with untouched code beside
 * it, and no mapping symbol stands between them. */
static bool stayed(const struct fw_model *model, const struct fw_unit *unit) {
    for (uint32_t i = unit->first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        if (item->made || item->new_address != item->address) return false;
    }
    return unit->status == FW_UNIT_ACCEPTED;
}

/* How far the units are mapped. */
struct mapped {
    size_t placed, part;
};

static void map_range(struct writer *writer, uint32_t address, uint32_t size_bytes,
                      struct mapped *mapped) {
    const struct fw_model *model = writer->model;
    char kind = 't';
    uint32_t end = address;
    if (!size_bytes) return;
    for (; mapped->placed < writer->placed_count; mapped->placed++) {
        const struct write_placed *placed = &writer->placed[mapped->placed];
        const struct fw_unit *unit = &model->units[placed->unit];
        while (mapped->placed >= write_run(writer->placed_count, mapped->part).end)
            mapped->part++;
        if (unit->status != FW_UNIT_ACCEPTED) continue;
        if (placed->start - address >= size_bytes) break;
        bool data_first = placed->first_kind != 't';
        bool one =
            placed->start == address && stayed(model, unit) && code_ending_at(model, address);
        if (end == address && !one && !(data_first && placed->start == address)) {
            add_mapping(writer, 't', address);
        }
        map_unit(writer, placed, &writer->parts[mapped->part], &end, &kind);
    }
    if (end == address) add_mapping(writer, 't', address); /* nothing but filler */
    if (kind == 'd' && end - address < size_bytes) add_mapping(writer, 't', end);
}

static void map_moved_code(struct writer *writer) {
    const struct fw_layout *layout = writer->layout;
    struct mapped mapped = {.placed = 0};
    for (size_t w = 0; w < layout->window_count; w++) {
        map_range(writer, layout->windows[w].address, layout->windows[w].size_bytes, &mapped);
    }
    map_range(writer, layout->overflow_address, layout->overflow_bytes, &mapped);
}

static int by_mapping(const void *a, const void *b) {
    const struct write_mapping *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

/* What stands behind a window keeps its kind, even when the symbol that said so was in
 * the window. */
static void map_behind_windows(struct writer *writer) {
    const struct fw_model *model = writer->model;
    struct write_mapping *all =
        ARENA_ARRAY(&writer->scratch, struct write_mapping, model->symbol_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < model->symbol_count; i++) {
        const struct fw_symbol *s = &model->symbols[i];
        if (!is_mapping(s->name) || s->section == 0 || s->section >= SHN_LORESERVE) continue;
        all[count++] = (struct write_mapping){s->value & ~1U, s->name[1]};
    }
    qsort(all, count, sizeof *all, by_mapping);
    for (size_t w = 0; w < writer->layout->window_count; w++) {
        const struct fw_window *window = &writer->layout->windows[w];
        uint32_t end = window->address + window->size_bytes;
        bool added = end - writer->layout->overflow_address < writer->layout->overflow_bytes;
        if (added || in_window(writer, end) || write_section_of(writer, end) == FW_NONE) continue;
        size_t low = 0, high = count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (all[middle].address <= end) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        const struct fw_item *last = code_ending_at(model, end);
        bool one =
            last && stayed(model, &model->units[last->unit]) && low && all[low - 1].kind == 't';
        bool said = low && all[low - 1].address == end;
        if (low && !said && !one) add_mapping(writer, all[low - 1].kind, end);
    }
}

enum status write_symbols(struct writer *writer) {
    struct fw_model *model = writer->model;
    buffer_append(&writer->names, "", 1);
    writer->symbol_map = ARENA_ARRAY(&writer->scratch, uint32_t, model->symbol_count + 1);
    add_symbol(writer, "", (Elf32_Sym){.st_name = 0});
    add_carried(writer, true);
    map_moved_code(writer);
    map_behind_windows(writer);
    if (writer->overflow_section != FW_NONE) {
        const struct fw_section *section = &model->sections[writer->overflow_section];
        add_symbol(writer, "",
                   (Elf32_Sym){.st_value = section->address,
                               .st_info = ELF32_ST_INFO(STB_LOCAL, STT_SECTION),
                               .st_shndx = (Elf32_Half)(writer->overflow_section + 1)});
    }
    writer->local_count = writer->symbol_count;
    add_carried(writer, false);
    if (writer->names.failed) return error_environment(writer->error, "out of memory");
    return STATUS_OK;
}
