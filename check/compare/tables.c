/* Jump tables of the original: is each entry among those that moved with the code? The bytes
 * are asked, not the lifter that both sides share. In the $d run behind a table branch, up to
 * the run's end or to the first byte that code reads, there are entries and zeros alone (an
 * entry of zero would lead to itself), and no code reads an entry as data. */
#include <stdlib.h>

#include "check/compare/compare.h"

struct run_start {
    uint32_t address;
    bool data;
};

struct tables {
    struct compare *compare;
    struct run_start *starts;
    size_t start_count;
    uint32_t *read_from; /* by item: the first of its bytes that code reads; FW_NONE: none */
    uint32_t asked;      /* the last unit of which it was asked if it is in place */
    bool in_place;
};

static int by_address(const void *a, const void *b) {
    const struct run_start *x = a, *y = b;
    if (x->address != y->address) return x->address < y->address ? -1 : 1;
    return x->data - y->data;
}

static void find_runs(struct tables *t) {
    const struct fw_model *in = t->compare->in;
    t->starts = ARENA_ARRAY(&t->compare->arena, struct run_start, in->symbol_count + 1);
    for (size_t i = 0; i < in->symbol_count; i++) {
        const struct fw_symbol *s = &in->symbols[i];
        const char *name = s->name;
        bool kind = name[0] == '$' && name[1] && (!name[2] || name[2] == '.');
        if (!kind || s->section == SHN_UNDEF || s->section >= SHN_LORESERVE) continue;
        bool data = name[1] == 'd';
        if (!data && name[1] != 't' && name[1] != 'a') continue;
        t->starts[t->start_count++] = (struct run_start){s->value & ~1U, data};
    }
    if (t->start_count) qsort(t->starts, t->start_count, sizeof *t->starts, by_address);
}

/* Where the run of data that the address is in ends: at code, or with the section. */
static uint32_t run_end(const struct tables *t, uint32_t address) {
    const struct fw_section *s = fw_section_at(t->compare->in, address);
    uint32_t end = s ? s->address + s->size_bytes : address;
    size_t low = 0, high = t->start_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->starts[middle].address <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < t->start_count && t->starts[low].address < end; low++)
        if (!t->starts[low].data) return t->starts[low].address;
    return end;
}

static void note_read(struct tables *t, uint32_t item, uint32_t offset) {
    if (offset < t->read_from[item]) t->read_from[item] = offset;
}

static void find_reads(struct tables *t) {
    struct fw_model *in = t->compare->in;
    t->read_from = ARENA_ARRAY(&t->compare->arena, uint32_t, in->item_count + 1);
    memset(t->read_from, 0xff, (in->item_count + 1) * sizeof *t->read_from);
    for (size_t i = 0; i < in->item_count; i++) {
        const struct fw_item *item = &in->items[i];
        uint8_t kind = item->insn->reference;
        if (kind != THUMB_REFERENCE_LITERAL && kind != THUMB_REFERENCE_ADR) continue;
        uint32_t at = fw_item_at(in, item->insn->target);
        if (at != FW_NONE) note_read(t, at, item->insn->target - in->items[at].address);
    }
    for (size_t i = 0; i < in->relocation_count; i++) {
        const struct fw_relocation *r = &in->relocations[i];
        if (r->target_item != FW_NONE) note_read(t, r->target_item, r->target_delta);
    }
}

/* How many bytes of the run behind the entries are no table's: up to what is read. */
static uint32_t first_read_behind(const struct tables *t, uint32_t from, uint32_t stop) {
    const struct fw_model *in = t->compare->in;
    for (uint32_t at = from; at < stop;) {
        uint32_t index = fw_item_at(in, at);
        if (index == FW_NONE) return stop;
        const struct fw_item *item = &in->items[index];
        uint32_t read = t->read_from[index], end = item->address + item->size_bytes;
        if (read != FW_NONE && item->address + read >= from) return item->address + read;
        if (end <= at) return stop;
        at = end;
    }
    return stop;
}

/* What is where it was, with all that it leads to, says the same however long it is. */
static bool is_in_place(struct tables *t, uint32_t unit) {
    const struct fw_model *in = t->compare->in;
    if (t->asked == unit) return t->in_place;
    t->asked = unit;
    t->in_place = true;
    for (uint32_t i = in->units[unit].first; i != FW_NONE && t->in_place; i = in->items[i].next)
        t->in_place = t->compare->at[i] == in->items[i].address;
    return t->in_place;
}

static const char *fault_of(const struct tables *t, uint32_t index) {
    struct fw_model *in = t->compare->in;
    const struct fw_item *table = &in->items[index];
    const struct fw_item *branch = table - 1;
    uint32_t width = branch->insn->op == THUMB_TBH ? 2 : 1, count = table->table_count;
    uint32_t stop = run_end(t, table->address), end = table->address + count * width;
    const uint8_t *bytes = fw_bytes_at(in, table->address, stop - table->address);
    if (!bytes || end > stop) return "is longer than the data there";
    if (t->read_from[index] != FW_NONE) return "is read as data";
    for (uint32_t i = 0; i < count; i++) {
        uint32_t entry = width == 1 ? bytes[i] : (uint32_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);
        uint32_t target = in->table_targets[table->table_first + i];
        if (in->items[target].address != table->address + 2 * entry) return "has another entry";
    }
    uint32_t behind = first_read_behind(t, (end + 1) & ~1U, stop);
    for (uint32_t at = end; at < behind; at++)
        if (bytes[at - table->address] != 0) return "has more entries than moved with the code";
    return NULL;
}

void compare_tables(struct compare *compare) {
    const struct fw_model *in = compare->in;
    struct tables t = {.compare = compare, .asked = FW_NONE};
    for (uint32_t i = 1; i < in->item_count && !check_is_full(compare->check); i++) {
        const struct fw_item *table = &in->items[i];
        if (table->kind != FW_ITEM_TABLE || compare->at[i] == FW_NONE) continue;
        if (is_in_place(&t, table->unit)) continue;
        if (!t.read_from) {
            find_runs(&t);
            find_reads(&t);
        }
        const char *fault = fault_of(&t, i);
        if (!fault) continue;
        check_find(compare->check, "original", compare->at[i],
                   "%s: its jump table %s (original 0x%08x)",
                   check_first_function(in, table->unit)->name, fault, table->address);
    }
}
