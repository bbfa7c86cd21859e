/* The unwind index (.ARM.exidx; IHI 0038, section 6): pairs of a function's address
 * and what to do in it, sorted by address, each valid up to the next. After functions have
 * moved it is made anew in its old place. */
#include "firmware/write/write_private.h"

#include <stdlib.h>
#include <string.h>

enum { CANTUNWIND = 1 };

struct entry {
    uint32_t address, data; /* data: inline word, CANTUNWIND, or extab address if table */
    bool table;
};

static uint32_t prel31(const struct fw_section *section, uint32_t offset) {
    uint32_t word = 0;
    (void)span_u32le((struct span){section->data, section->size_bytes}, offset, &word);
    uint32_t relative = word & 0x40000000U ? word | 0x80000000U : word & 0x7fffffffU;
    return section->address + offset + relative;
}

static struct entry read_entry(const struct fw_section *section, uint32_t offset) {
    uint32_t word = 0;
    (void)span_u32le((struct span){section->data, section->size_bytes}, offset + 4, &word);
    struct entry entry = {.address = prel31(section, offset), .data = word};
    if (word != CANTUNWIND && !(word & 0x80000000U)) {
        entry.table = true;
        entry.data = prel31(section, offset + 4);
    }
    return entry;
}

static int by_address(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

static const struct entry *covering(const struct entry *entries, size_t count, uint32_t address) {
    const struct entry *found = NULL;
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

static size_t merge_equal(struct entry *entries, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool equal = kept && !entries[i].table && !entries[kept - 1].table &&
                     entries[i].data == entries[kept - 1].data;
        bool same_place = kept && entries[i].address == entries[kept - 1].address;
        if (!equal && !same_place) entries[kept++] = entries[i];
    }
    return kept;
}

static void put_entry(struct fw_section *section, size_t index, struct entry entry) {
    uint32_t offset = (uint32_t)index * 8, place = section->address + offset;
    uint32_t data = entry.table ? (entry.data - (place + 4)) & 0x7fffffffU : entry.data;
    put_u32le(section->data + offset, (entry.address - place) & 0x7fffffffU);
    put_u32le(section->data + offset + 4, data);
}

static enum status rewrite(struct writer *writer, struct fw_section *section) {
    struct fw_model *model = writer->model;
    size_t old_count = section->size_bytes / 8, count = 0;
    if (!old_count) return STATUS_OK;
    struct entry *old = ARENA_ARRAY(&writer->scratch, struct entry, old_count);
    struct entry *entries =
        ARENA_ARRAY(&writer->scratch, struct entry, old_count + model->function_count);
    for (size_t i = 0; i < old_count; i++)
        old[i] = read_entry(section, (uint32_t)i * 8);
    qsort(old, old_count, sizeof *old, by_address);
    for (size_t i = 0; i < old_count; i++) {
        if (fw_item_at(model, old[i].address) == FW_NONE) entries[count++] = old[i];
    }
    for (size_t i = 0; i < model->function_count; i++) {
        const struct fw_function *f = &model->functions[i];
        const struct entry *cover =
            model->units[f->unit].made ? NULL : covering(old, old_count, f->address);
        uint32_t item = f->item;
        if (item == FW_NONE || model->units[f->unit].status == FW_UNIT_DROPPED) continue;
        struct entry entry = cover ? *cover : (struct entry){.data = CANTUNWIND};
        entry.address = model->items[item].new_address;
        entries[count++] = entry;
    }
    qsort(entries, count, sizeof *entries, by_address);
    count = merge_equal(entries, count);
    if (count > old_count) {
        return error_input(writer->error,
                           "the unwind table has room for %zu entries and %zu are needed",
                           old_count, count);
    }
    uint32_t last = count ? entries[count - 1].address : 0;
    for (size_t i = 0; i < old_count; i++) {
        /* What is left over says "cannot unwind" behind the last function. */
        struct entry rest = {.address = last + 2 * (uint32_t)(i - count + 1), .data = CANTUNWIND};
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
