/* The unwind index (.ARM.exidx; IHI 0038, section 6): pairs of a function's address and
 * what to do in it, by address, each valid up to the next. After functions have moved,
 * each has what it had; neighbours with the same word share an entry; entries that are left
 * over say "cannot unwind" behind the last. Routines of the protection have no frame and
 * functions that are never on the stack while the index is read none that counts: they say
 * "cannot unwind", or nothing at all where the table has no room for that. Where it has none
 * for what came apart and no code that can run reads it, every entry says so. */
#include <stdlib.h>
#include <string.h>

#include "check/compare/compare.h"

enum { CANNOT_UNWIND = 1 };

struct entry {
    uint32_t address, data;
    bool table; /* data is the address of a table */
};

static uint32_t relative(uint32_t place, uint32_t word) {
    return place + ((word & 0x40000000U) ? word | 0x80000000U : word & 0x7fffffffU);
}

static struct entry entry_at(const struct fw_section *s, uint32_t offset) {
    uint32_t first = 0, second = 0;
    struct span bytes = {s->data, s->size_bytes};
    (void)span_u32le(bytes, offset, &first);
    (void)span_u32le(bytes, offset + 4, &second);
    struct entry entry = {relative(s->address + offset, first), second, false};
    entry.table = second != CANNOT_UNWIND && !(second & 0x80000000U);
    if (entry.table) entry.data = relative(s->address + offset + 4, second);
    return entry;
}

static int by_address(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

/* What the original says of this address. */
static struct entry covering(const struct entry *entries, size_t count, uint32_t address) {
    struct entry found = {0, CANNOT_UNWIND, false};
    for (size_t low = 0, high = count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (entries[middle].address <= address) {
            found = entries[middle];
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return found;
}

/* Neighbours with the same word share an entry. */
static size_t merge(struct entry *entries, size_t count) {
    size_t kept = 0;
    qsort(entries, count, sizeof *entries, by_address);
    for (size_t i = 0; i < count; i++) {
        const struct entry *last = kept ? &entries[kept - 1] : NULL;
        bool equal = last && !last->table && !entries[i].table && last->data == entries[i].data;
        bool same_place = last && last->address == entries[i].address;
        if (!equal && !same_place) entries[kept++] = entries[i];
    }
    return kept;
}

/* Where functions start in the output, with what is said of each. */
static size_t collect(struct compare *compare, const struct entry *old, size_t old_count,
                      struct entry *entries, bool brief) {
    const struct fw_model *in = compare->in;
    const struct check *check = compare->check;
    size_t count = 0;
    for (size_t i = 0; i < old_count; i++) {
        if (fw_item_at(in, old[i].address) == FW_NONE) entries[count++] = old[i];
    }
    for (size_t i = 0; i < in->function_count; i++) {
        const struct fw_function *f = &in->functions[i];
        if (f->item == FW_NONE || compare->at[f->item] == FW_NONE) continue;
        struct entry entry = covering(old, old_count, f->address);
        bool frame = entry.table || entry.data != CANNOT_UNWIND;
        bool unread = frame && in->unwinder && !in->units[f->unit].unwound;
        if (unread && brief) continue;
        if (unread) entry = (struct entry){0, CANNOT_UNWIND, false};
        entries[count] = entry;
        entries[count++].address = compare->at[f->item];
    }
    for (size_t i = 0; i < check->routine_count && !brief; i++) {
        entries[count++] = (struct entry){check->routines[i].address, CANNOT_UNWIND, false};
    }
    return merge(entries, count);
}

void compare_unwind_index(struct compare *compare, const struct fw_section *in,
                          const struct fw_section *out) {
    size_t room = in->size_bytes / 8;
    if (!room) return;
    size_t most = room + compare->in->function_count + compare->check->routine_count;
    struct entry *old = ARENA_ARRAY(&compare->arena, struct entry, room);
    struct entry *entries = ARENA_ARRAY(&compare->arena, struct entry, most);
    for (size_t i = 0; i < room; i++)
        old[i] = entry_at(in, (uint32_t)i * 8);
    qsort(old, room, sizeof *old, by_address);
    size_t count = collect(compare, old, room, entries, false);
    if (count > room && compare->in->unwinder) count = collect(compare, old, room, entries, true);
    if (count > room && compare->in->unwinder) {
        check_find(compare->check, "unwind", out->address,
                   "%zu entries are needed and the unwind index has room for %zu", count, room);
        return;
    }
    if (count > room) count = 0;
    uint32_t last = count ? entries[count - 1].address : old[0].address;
    for (size_t i = 0; i < room; i++) {
        uint32_t place = out->address + (uint32_t)i * 8;
        struct entry e = {last + 2 * (uint32_t)(i - count + 1), CANNOT_UNWIND, false};
        if (i < count) e = entries[i];
        uint8_t should[8];
        put_u32le(should, (e.address - place) & 0x7fffffffU);
        put_u32le(should + 4, e.table ? (e.data - (place + 4)) & 0x7fffffffU : e.data);
        if (memcmp(out->data + i * 8, should, sizeof should) == 0) continue;
        check_find(compare->check, "unwind", place, "entry %zu of the unwind index is not %s's", i,
                   check_function_at(compare->check, e.address));
        return;
    }
}
