/* The unwind index (see analyse/unwind.h) after functions have moved, made anew in its old
 * place. Where an unwinder reads it, only functions that it cannot unwind have moved, and
 * their entries merge as they did; where none does and merged entries came apart, every
 * entry says "cannot unwind". */
#include "firmware/analyse/unwind.h"
#include "firmware/write/write_private.h"

#include <stdlib.h>
#include <string.h>

static int by_address(const void *a, const void *b) {
    const struct fw_unwind_entry *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

static size_t merge_equal(struct fw_unwind_entry *entries, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool equal = kept && !entries[i].table && !entries[kept - 1].table &&
                     entries[i].data == entries[kept - 1].data;
        bool same_place = kept && entries[i].address == entries[kept - 1].address;
        if (!equal && !same_place) entries[kept++] = entries[i];
    }
    return kept;
}

static void put_entry(struct fw_section *section, size_t index, struct fw_unwind_entry entry) {
    uint32_t offset = (uint32_t)index * 8, place = section->address + offset;
    uint32_t data = entry.table ? (entry.data - (place + 4)) & 0x7fffffffU : entry.data;
    put_u32le(section->data + offset, (entry.address - place) & 0x7fffffffU);
    put_u32le(section->data + offset + 4, data);
}

static enum status rewrite(struct writer *writer, struct fw_section *section) {
    struct fw_model *model = writer->model;
    size_t old_count, count = 0;
    struct fw_unwind_entry *old = fw_unwind_entries(&writer->scratch, section, &old_count);
    if (!old_count) return STATUS_OK;
    struct fw_unwind_entry *entries =
        ARENA_ARRAY(&writer->scratch, struct fw_unwind_entry, old_count + model->function_count);
    for (size_t i = 0; i < old_count; i++) {
        if (fw_item_at(model, old[i].address) == FW_NONE) entries[count++] = old[i];
    }
    for (size_t i = 0; i < model->function_count; i++) {
        const struct fw_function *f = &model->functions[i];
        const struct fw_unwind_entry *cover = fw_unwind_covering(old, old_count, f->address);
        uint32_t item = f->item;
        if (item == FW_NONE || model->units[f->unit].status == FW_UNIT_DROPPED) continue;
        /* A stub has no frame. What stands in front of it must not speak for it. */
        bool silent = !cover || model->units[f->unit].made;
        struct fw_unwind_entry entry =
            silent ? (struct fw_unwind_entry){.data = FW_CANTUNWIND} : *cover;
        entry.address = model->items[item].new_address;
        entries[count++] = entry;
    }
    qsort(entries, count, sizeof *entries, by_address);
    count = merge_equal(entries, count);
    if (count > old_count && !model->unwinder) count = 0; /* nobody reads it */
    if (count > old_count) {
        return error_input(writer->error,
                           "the unwind table has room for %zu entries and %zu are needed",
                           old_count, count);
    }
    uint32_t last = count ? entries[count - 1].address : old[0].address;
    for (size_t i = 0; i < old_count; i++) {
        /* What is left over says "cannot unwind" behind the last function. */
        struct fw_unwind_entry rest = {.address = last + 2 * (uint32_t)(i - count + 1),
                                       .data = FW_CANTUNWIND};
        put_entry(section, i, i < count ? entries[i] : rest);
    }
    return STATUS_OK;
}

enum status write_unwind_index(struct writer *writer) {
    for (size_t i = 0; i < writer->model->section_count; i++) {
        struct fw_section *section = &writer->model->sections[i];
        if (section->type != SHT_ARM_EXIDX || !section->data) continue;
        enum status status = rewrite(writer, section);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}
