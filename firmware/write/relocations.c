/* The relocations of the output: those of the input at their new places, and one for each
 * branch or call that now crosses units. See write.h. */
#include "firmware/write/writing.h"

#include <stdlib.h>

struct list {
    struct writer *writer;
    Elf32_Rel *out;
    size_t count, room;
};

static void add(struct list *list, uint32_t place, uint32_t symbol, uint8_t type) {
    if (list->count < list->room) {
        list->out[list->count] = (Elf32_Rel){place, ELF32_R_INFO(symbol, type)};
    }
    list->count++;
}

static bool is_branch_type(uint8_t type) {
    return type == R_ARM_THM_PC22 || type == R_ARM_THM_JUMP24 || type == R_ARM_THM_JUMP19 ||
           type == R_ARM_THM_PC11 || type == R_ARM_THM_PC9 || type == R_ARM_THM_JUMP6;
}

/* The symbol of the function whose first item is `item`, or 0. */
static uint32_t symbol_of_entry(const struct fw_model *model, uint32_t item) {
    const struct fw_unit *unit = &model->units[model->items[item].unit];
    for (uint32_t i = 0; i < unit->function_count; i++) {
        const struct fw_function *f = &model->functions[unit->function_first + i];
        if (f->item == item && f->symbol != FW_NONE) return f->symbol;
    }
    return 0;
}

/* The unit's first item that a pass did not put there: behind the tag. */
static uint32_t first_of_input(const struct fw_model *model, uint32_t unit) {
    const struct fw_unit *u = &model->units[unit];
    for (uint32_t i = 0; i < u->function_count; i++) {
        uint32_t item = model->functions[u->function_first + i].item;
        if (item != FW_NONE) return item;
    }
    return FW_NONE;
}

/* A thunk is a jump through the word behind it, which holds the function's place. */
static const struct fw_item *behind_thunk(const struct fw_model *model,
                                          const struct fw_item *target) {
    for (unsigned step = 0; step < 2 && target->target != FW_NONE; step++) {
        if (model->units[target->unit].made) target = &model->items[target->target];
    }
    return target;
}

/* A section's symbol says nothing true of code that went to another section: its function's does,
 * where it has one. */
static uint32_t symbol_of_target(const struct writer *writer,
                                 const struct fw_relocation *relocation) {
    const struct fw_model *model = writer->model;
    const struct fw_symbol *symbol = &model->symbols[relocation->symbol];
    if (relocation->target_item == FW_NONE || ELF32_ST_TYPE(symbol->info) != STT_SECTION) {
        return relocation->symbol;
    }
    const struct fw_item *target = behind_thunk(model, &model->items[relocation->target_item]);
    uint32_t first = first_of_input(model, target->unit);
    if (first == FW_NONE) return relocation->symbol;
    if (write_section_of(writer, model->items[first].new_address) + 1 == symbol->section)
        return relocation->symbol;
    uint32_t named = symbol_of_entry(model, first);
    return named ? named : relocation->symbol;
}

static void note(struct write_part *part, struct write_reference reference) {
    part->references = arena_grow(&part->arena, part->references, part->reference_count,
                                  &part->reference_capacity, sizeof *part->references);
    part->references[part->reference_count++] = reference;
}

static void note_branch(const struct fw_model *model, struct write_part *part,
                        const struct fw_item *item) {
    if (item->insn->reference != THUMB_REFERENCE_BRANCH || item->target == FW_NONE) return;
    if (item->insn->flow != THUMB_FLOW_CALL && model->items[item->target].unit == item->unit) {
        return;
    }
    struct write_reference reference = {.place = item->new_address, .branch = true};
    bool wide = item->insn->size_bytes == 4 || item->wide;
    bool cond = item->insn->op == THUMB_B_COND;
    if (item->far) {
        reference.place += 2;
        reference.type = R_ARM_THM_JUMP24;
    } else if (item->insn->op == THUMB_BL) {
        reference.type = R_ARM_THM_PC22;
    } else if (wide) {
        reference.type = cond ? R_ARM_THM_JUMP19 : R_ARM_THM_JUMP24;
    } else if (item->insn->op == THUMB_B || cond) {
        reference.type = cond ? R_ARM_THM_PC9 : R_ARM_THM_PC11;
    } else {
        return;
    }
    reference.symbol = symbol_of_entry(model, item->target);
    if (reference.symbol) note(part, reference);
}

void write_note_references(const struct writer *writer, struct write_part *part,
                           const struct fw_item *item) {
    const struct fw_model *model = writer->model;
    if (item->kind == FW_ITEM_INSN) note_branch(model, part, item);
    if (item->made && item->kind == FW_ITEM_DATA && item->target != FW_NONE) {
        note(part, (struct write_reference){.place = item->new_address,
                                            .symbol = symbol_of_entry(model, item->target),
                                            .type = R_ARM_ABS32});
    }
    if (item->relocation == FW_NONE || (item->made && item->kind == FW_ITEM_INSN)) return;
    for (size_t r = item->relocation; r < model->relocation_count; r++) {
        const struct fw_relocation *relocation = &model->relocations[r];
        uint32_t offset = relocation->place - item->address;
        if (offset >= item->size_bytes) break;
        if (is_branch_type(relocation->type) && item->target != FW_NONE) continue;
        note(part, (struct write_reference){.place = item->new_address + offset,
                                            .symbol = symbol_of_target(writer, relocation),
                                            .type = relocation->type});
    }
}

static int by_place(const void *a, const void *b) {
    const Elf32_Rel *x = a, *y = b;
    if (x->r_offset != y->r_offset) return x->r_offset < y->r_offset ? -1 : 1;
    return x->r_info < y->r_info ? -1 : x->r_info > y->r_info;
}

/* They come in order but for a few neighbours, of one place; else all are sorted. */
static void sort_by_place(Elf32_Rel *entries, size_t count) {
    enum { NEIGHBOURS = 4 };
    for (size_t i = 1; i < count; i++) {
        Elf32_Rel entry = entries[i];
        size_t to = i;
        for (; to && i - to < NEIGHBOURS && by_place(&entries[to - 1], &entry) > 0; to--)
            entries[to] = entries[to - 1];
        entries[to] = entry;
        if (to == 0 || by_place(&entries[to - 1], &entry) <= 0) continue;
        qsort(entries, count, sizeof *entries, by_place);
        break;
    }
}

void write_resolve_references(struct writer *writer) {
    size_t room = writer->model->relocation_count + 1;
    for (size_t i = 0; i < WRITE_PARTS; i++)
        room += writer->parts[i].reference_count;
    struct list list = {.writer = writer, .room = room};
    list.out = ARENA_ARRAY(&writer->scratch, Elf32_Rel, room);
    for (size_t i = 0; i < WRITE_PARTS; i++) {
        const struct write_part *part = &writer->parts[i];
        for (size_t r = 0; r < part->reference_count; r++) {
            const struct write_reference *reference = &part->references[r];
            uint32_t symbol = writer->symbol_map[reference->symbol];
            if (symbol || !reference->branch) add(&list, reference->place, symbol, reference->type);
        }
    }
    sort_by_place(list.out, list.count);
    writer->item_relocations = list.out;
    writer->item_relocation_count = list.count;
    writer->relocation_room = room;
}

/* Those of the items that now stand in the section. */
static void add_items(struct list *list, const struct fw_section *s) {
    const struct writer *writer = list->writer;
    size_t low = 0, high = writer->item_relocation_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (writer->item_relocations[middle].r_offset < s->address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < writer->item_relocation_count; low++) {
        const Elf32_Rel *entry = &writer->item_relocations[low];
        if (entry->r_offset - s->address >= s->size_bytes) break;
        if (list->count < list->room) list->out[list->count] = *entry;
        list->count++;
    }
}

size_t write_relocations(struct writer *writer, uint32_t section, Elf32_Rel *out, size_t room) {
    const struct fw_model *model = writer->model;
    const struct fw_section *s = &model->sections[section];
    struct list list = {.writer = writer, .out = out, .room = room};
    for (size_t r = fw_relocation_from(model, s->address); r < model->relocation_count; r++) {
        const struct fw_relocation *relocation = &model->relocations[r];
        if (relocation->section != section) break;
        if (fw_item_at(model, relocation->place) != FW_NONE) continue;
        /* A stale entry of the unwind index describes nothing any more. */
        if (s->type == SHT_ARM_EXIDX) continue;
        uint32_t symbol = symbol_of_target(writer, relocation);
        add(&list, relocation->place, writer->symbol_map[symbol], relocation->type);
    }
    if (fw_is_code_section(s)) add_items(&list, s);
    if (list.count <= room) sort_by_place(out, list.count);
    return list.count;
}
