/* The relocations of the output: those of the input at their new places, and one for each
 * branch or call that now crosses units. See write.h. */
#include "firmware/write/write_private.h"

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

/* The output symbol of the function whose first item is `item`, or 0. */
static uint32_t symbol_of_entry(const struct writer *writer, uint32_t item) {
    const struct fw_model *model = writer->model;
    const struct fw_unit *unit = &model->units[model->items[item].unit];
    for (uint32_t i = 0; i < unit->function_count; i++) {
        const struct fw_function *f = &model->functions[unit->function_first + i];
        if (f->item == item && f->symbol != FW_NONE) return writer->symbol_map[f->symbol];
    }
    return 0;
}

static void add_branch(struct list *list, const struct fw_item *item) {
    const struct fw_model *model = list->writer->model;
    if (item->insn->reference != THUMB_REFERENCE_BRANCH || item->target == FW_NONE) return;
    if (item->insn->flow != THUMB_FLOW_CALL && model->items[item->target].unit == item->unit) {
        return;
    }
    uint32_t symbol = symbol_of_entry(list->writer, item->target);
    if (!symbol) return;
    bool wide = item->insn->size_bytes == 4 || item->wide;
    if (item->far) {
        add(list, item->new_address + 2, symbol, R_ARM_THM_JUMP24);
    } else if (item->insn->op == THUMB_BL) {
        add(list, item->new_address, symbol, R_ARM_THM_PC22);
    } else if (wide) {
        bool cond = item->insn->op == THUMB_B_COND;
        add(list, item->new_address, symbol, cond ? R_ARM_THM_JUMP19 : R_ARM_THM_JUMP24);
    } else if (item->insn->op == THUMB_B) {
        add(list, item->new_address, symbol, R_ARM_THM_PC11);
    } else if (item->insn->op == THUMB_B_COND) {
        add(list, item->new_address, symbol, R_ARM_THM_PC9);
    }
}

static void add_item(struct list *list, const struct fw_item *item) {
    const struct writer *writer = list->writer;
    const struct fw_model *model = writer->model;
    if (item->kind == FW_ITEM_INSN) add_branch(list, item);
    if (item->made && item->kind == FW_ITEM_DATA && item->target != FW_NONE) {
        add(list, item->new_address, symbol_of_entry(writer, item->target), R_ARM_ABS32);
    }
    if (item->relocation == FW_NONE || (item->made && item->kind == FW_ITEM_INSN)) return;
    for (size_t r = item->relocation; r < model->relocation_count; r++) {
        const struct fw_relocation *relocation = &model->relocations[r];
        uint32_t offset = relocation->place - item->address;
        if (offset >= item->size_bytes) break;
        if (is_branch_type(relocation->type) && item->target != FW_NONE) continue;
        add(list, item->new_address + offset, writer->symbol_map[relocation->symbol],
            relocation->type);
    }
}

static int by_place(const void *a, const void *b) {
    const Elf32_Rel *x = a, *y = b;
    if (x->r_offset != y->r_offset) return x->r_offset < y->r_offset ? -1 : 1;
    return x->r_info < y->r_info ? -1 : x->r_info > y->r_info;
}

static void sort_by_place(Elf32_Rel *entries, size_t count) {
    for (size_t i = 1; i < count; i++) {
        if (by_place(&entries[i - 1], &entries[i]) <= 0) continue;
        qsort(entries, count, sizeof *entries, by_place);
        break;
    }
}

void write_collect_relocations(struct writer *writer) {
    const struct fw_model *model = writer->model;
    size_t room = model->relocation_count + model->item_count / 2 + 1024;
    struct list list = {.writer = writer, .room = room};
    list.out = ARENA_ARRAY(&writer->scratch, Elf32_Rel, room);
    for (size_t u = 0; u < model->unit_count; u++) {
        const struct fw_unit *unit = &model->units[u];
        if (unit->status == FW_UNIT_DROPPED) continue;
        for (uint32_t i = unit->first; i != FW_NONE; i = model->items[i].next)
            add_item(&list, &model->items[i]);
    }
    if (list.count <= room) sort_by_place(list.out, list.count);
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
        add(&list, relocation->place, writer->symbol_map[relocation->symbol], relocation->type);
    }
    if (fw_is_code_section(s)) add_items(&list, s);
    if (list.count <= room) sort_by_place(out, list.count);
    return list.count;
}
