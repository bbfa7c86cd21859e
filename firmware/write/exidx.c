/* The unwind index (see analyse/unwind.h) after functions have moved, made anew in its old
 * place. Where an unwinder reads it, only functions whose entry it never asks for have moved:
 * they say "cannot unwind", and where that takes more room than there is, nothing. Where none
 * does and merged entries came apart, every entry says "cannot unwind". */
#include "firmware/analyse/unwind.h"
#include "firmware/write/writing.h"

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

struct index {
    const struct fw_unwind_entry *old;
    size_t old_count;
    struct fw_unwind_entry *entries;
};

/* Entries of the new index. What has no frame (a stub), or none that is ever read, says
 * "cannot unwind"; with `brief` it says nothing, and takes no room. */
static size_t collect(const struct fw_model *model, const struct index *index, bool brief) {
    size_t count = 0;
    for (size_t i = 0; i < index->old_count; i++) {
        bool outside = fw_item_at(model, index->old[i].address) == FW_NONE;
        if (outside) index->entries[count++] = index->old[i];
    }
    for (size_t i = 0; i < model->function_count; i++) {
        const struct fw_function *f = &model->functions[i];
        const struct fw_unit *unit = &model->units[f->unit];
        if (f->item == FW_NONE || unit->status == FW_UNIT_DROPPED) continue;
        const struct fw_unwind_entry *cover =
            fw_unwind_covering(index->old, index->old_count, f->address);
        bool frame = cover && (cover->table || cover->data != FW_CANTUNWIND);
        bool unread = unit->made || (frame && model->unwinder && !unit->unwound);
        if (unread && brief) continue;
        struct fw_unwind_entry entry =
            unread || !cover ? (struct fw_unwind_entry){.data = FW_CANTUNWIND} : *cover;
        entry.address = model->items[f->item].new_address;
        index->entries[count++] = entry;
    }
    qsort(index->entries, count, sizeof *index->entries, by_address);
    return merge_equal(index->entries, count);
}

static enum status rewrite(struct writer *writer, struct fw_section *section) {
    struct fw_model *model = writer->model;
    size_t old_count;
    struct fw_unwind_entry *old = fw_unwind_entries(&writer->scratch, section, &old_count);
    if (!old_count) return STATUS_OK;
    struct fw_unwind_entry *entries =
        ARENA_ARRAY(&writer->scratch, struct fw_unwind_entry, old_count + model->function_count);
    struct index index = {old, old_count, entries};
    size_t count = collect(model, &index, false);
    if (count > old_count && model->unwinder) count = collect(model, &index, true);
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
