/* Every unit of the original: found in the output by the symbols of its functions, or by
 * what refers to it, and walked (match.c). Units are independent of each other, so runs of
 * neighbours are walked on several threads; what they note is put together in their order. */
#include <string.h>

#include "base/parallel.h"
#include "check/compare/compare.h"

enum { RUNS = 32 };

static bool has_tag(const struct compare *compare, uint32_t item, uint32_t address) {
    uint32_t word;
    return compare->check->has_call_routines && compare->taken[item] &&
           check_word(compare->check, address - 4, &word) && word == compare->check->tag;
}

/* Does the unit at `start` go on to its `item` at `address`, or to the tag in front of it? A tag is
 * aligned (walk_tag() in match.c), so that filler may be in front of it. */
static bool leads_to(struct compare *compare, uint32_t unit, uint32_t start, uint32_t item,
                     uint32_t address) {
    if (!has_tag(compare, item, address)) return compare_try(compare, unit, start, item, address);
    uint32_t tag = address - 4, odd = tag - 2;
    if (compare_try(compare, unit, start, item, tag)) return true;
    return compare_is_filler(compare, odd) && compare_try(compare, unit, start, item, odd);
}

/* Where the unit starts when its `item` is at `address`: code in front of it may have
 * grown. */
static uint32_t start_from(struct compare *compare, uint32_t unit, uint32_t item,
                           uint32_t address) {
    enum { GROWTH_MAXIMUM = 512 };
    const struct fw_model *in = compare->in;
    uint32_t first = in->units[unit].first, distance = 0;
    if (item == first) return has_tag(compare, item, address) ? address - 4 : address;
    for (uint32_t i = first; i != item && i != FW_NONE; i = in->items[i].next)
        distance += in->items[i].size_bytes;
    for (uint32_t growth = 0; growth <= GROWTH_MAXIMUM; growth += 2) {
        uint32_t start = address - distance - growth;
        if (leads_to(compare, unit, start, item, address)) return start;
    }
    return FW_NONE;
}

/* Where the output has the unit, by the symbols of its functions. */
static uint32_t start_of(struct compare *compare, uint32_t unit) {
    const struct fw_model *in = compare->in;
    const struct fw_unit *u = &in->units[unit];
    for (uint32_t i = 0; i < u->function_count; i++) {
        const struct fw_function *f = &in->functions[u->function_first + i];
        uint32_t symbol = f->symbol == FW_NONE ? FW_NONE : compare->symbol_map[f->symbol];
        if (symbol == FW_NONE || f->item == FW_NONE) continue;
        return start_from(compare, unit, f->item, compare->file.symbols[symbol].st_value & ~1U);
    }
    return FW_NONE;
}

static void walk_once(struct compare *compare, uint32_t unit, uint32_t start) {
    if (compare->unit_start[unit] != FW_NONE) return;
    compare_unit(compare, unit, start);
}

/* Units that no symbol names are where what refers to them says. Walking one notes further
 * references, behind the others. A few tries for a unit: each is costly, and in an image
 * that holds the first one finds it. */
static void find_by_reference(struct compare *compare) {
    enum { TRIES_MAXIMUM = 4 };
    const struct fw_model *in = compare->in;
    uint8_t *tries = arena_alloc(&compare->arena, in->unit_count + 1, 1);
    for (size_t i = 0; i < compare->reference_count; i++) {
        struct reference r = compare->references[i];
        uint32_t unit = in->items[r.item].unit;
        if (compare->unit_start[unit] != FW_NONE || r.kind > REFERENCE_POINTER) continue;
        if (r.delta != 0 || in->items[r.item].kind != FW_ITEM_INSN) continue;
        if (tries[unit] == TRIES_MAXIMUM) continue;
        tries[unit]++;
        uint32_t start = start_from(compare, unit, r.item, r.value);
        if (start != FW_NONE) walk_once(compare, unit, start);
    }
}

struct run {
    struct compare compare;
    struct check check;
};

/* A copy for the units of one run, with lists and findings of its own. */
static void begin_run(struct run *run, const struct compare *compare, size_t index) {
    size_t units = compare->in->unit_count;
    run->check = check_part(compare->check);
    run->compare = compare_part(compare, &run->check);
    run->compare.reference_count = run->compare.reference_capacity = 0;
    run->compare.branch_count = run->compare.branch_capacity = 0;
    run->compare.tag_count = run->compare.tag_capacity = 0;
    run->compare.claimed_count = run->compare.claimed_capacity = 0;
    run->compare.first_unit = (uint32_t)(units * index / RUNS);
    run->compare.end_unit = (uint32_t)(units * (index + 1) / RUNS);
}

static void walk_run(void *context, size_t index) {
    struct compare *compare = &((struct run *)context)[index].compare;
    const struct fw_model *in = compare->in;
    for (uint32_t u = compare->first_unit; u < compare->end_unit; u++) {
        if (in->units[u].first == FW_NONE || !in->units[u].decoded) continue;
        uint32_t start = start_of(compare, u);
        if (start != FW_NONE) walk_once(compare, u, start);
    }
}

static void append(struct arena *arena, void **items, size_t *count, size_t *capacity,
                   const void *more, size_t more_count, size_t size_bytes) {
    if (more_count > *capacity - *count) {
        *capacity = 2 * (*count + more_count);
        void *grown = arena_alloc(arena, *capacity, size_bytes);
        if (*count) memcpy(grown, *items, *count * size_bytes);
        *items = grown;
    }
    if (more_count) memcpy((uint8_t *)*items + *count * size_bytes, more, more_count * size_bytes);
    *count += more_count;
}

static void end_run(struct run *run, struct compare *compare) {
    struct compare *part = &run->compare;
    struct arena *arena = &compare->arena;
    append(arena, (void **)&compare->references, &compare->reference_count,
           &compare->reference_capacity, part->references, part->reference_count,
           sizeof *part->references);
    append(arena, (void **)&compare->branches, &compare->branch_count, &compare->branch_capacity,
           part->branches, part->branch_count, sizeof *part->branches);
    append(arena, (void **)&compare->tags, &compare->tag_count, &compare->tag_capacity, part->tags,
           part->tag_count, sizeof *part->tags);
    append(arena, (void **)&compare->claimed, &compare->claimed_count, &compare->claimed_capacity,
           part->claimed, part->claimed_count, sizeof *part->claimed);
    compare->uses_call_routines |= part->uses_call_routines;
    compare->call_routine_clobbers_ip |= part->call_routine_clobbers_ip;
    compare_join(compare, part);
}

static void walk_named(struct compare *compare) {
    struct arena scratch = {0};
    struct run *runs = ARENA_ARRAY(&scratch, struct run, RUNS);
    for (size_t i = 0; i < RUNS; i++)
        begin_run(&runs[i], compare, i);
    parallel_run(RUNS, walk_run, runs);
    for (size_t i = 0; i < RUNS; i++)
        end_run(&runs[i], compare);
    arena_free(&scratch);
}

/* Code of no symbol that nothing refers to either is kept where nothing is dropped. */
static bool is_without_trace(const struct compare *compare, uint32_t unit) {
    const struct fw_unit *u = &compare->in->units[unit];
    if (u->first == FW_NONE || !u->decoded || compare->unit_start[unit] != FW_NONE) return false;
    for (uint32_t i = 0; i < u->function_count; i++) {
        uint32_t symbol = compare->in->functions[u->function_first + i].symbol;
        if (symbol != FW_NONE && compare->symbol_map[symbol] != FW_NONE) return false;
    }
    return true;
}

/* A cheap look at the unit's first instruction: nothing is protected where such a unit is kept. */
static bool may_begin_at(const struct compare *compare, uint32_t unit, uint32_t address) {
    const struct fw_item *item = &compare->in->items[compare->in->units[unit].first];
    struct thumb_insn out;
    if (item->kind != FW_ITEM_INSN || item->insn->reference != THUMB_REFERENCE_NONE ||
        item->relocation != FW_NONE) {
        return true;
    }
    return check_decode(compare->check, address, &out) && out.bits == item->insn->bits;
}

/* The first of the units that is whole at the address; where it ends, or FW_NONE. */
static uint32_t place_one_of(struct compare *compare, uint32_t *units, size_t count,
                             uint32_t address) {
    for (size_t i = 0; i < count; i++) {
        if (units[i] == FW_NONE || compare->unit_start[units[i]] != FW_NONE) continue;
        if (!may_begin_at(compare, units[i], address)) continue;
        if (!compare_stands_at(compare, units[i], address)) continue;
        walk_once(compare, units[i], address);
        units[i] = FW_NONE;
        return compare->reached;
    }
    return FW_NONE;
}

/* Bytes of the section that are neither claimed, nor filler, nor as they were. What cannot be
 * placed ends the search: it will be found. */
static void search_section(struct compare *compare, size_t section, uint32_t *units, size_t count) {
    const struct fw_section *out = &compare->check->model->sections[section];
    const uint8_t *claims = compare->claims[section].bytes;
    bool old = section < compare->in->section_count;
    const uint8_t *before = old ? compare->in->sections[section].data : NULL;
    struct arena scratch = {0};
    const uint8_t *map = old ? compare_extents(compare, &scratch, section) : NULL;
    for (uint32_t k = 0; k + 2 <= out->size_bytes; k += 2) {
        uint32_t address = out->address + k;
        if (claims[k] != CLAIM_FREE || compare_is_filler(compare, address)) continue;
        bool same = before && map[k] != EXTENT_LEFT && memcmp(out->data + k, before + k, 2) == 0;
        if (same) continue;
        uint32_t end = place_one_of(compare, units, count, address);
        if (end == FW_NONE) break;
        k = end - out->address - 2;
    }
    arena_free(&scratch);
}

/* Where the rest of the original has its place, such units are in what is left. */
static void find_by_contents(struct compare *compare) {
    const struct fw_model *in = compare->in, *out = compare->check->model;
    uint32_t *units = ARENA_ARRAY(&compare->arena, uint32_t, in->unit_count + 1);
    size_t count = 0;
    for (uint32_t u = 0; u < in->unit_count; u++) {
        if (is_without_trace(compare, u)) units[count++] = u;
    }
    for (size_t i = 0; i < out->section_count && count; i++) {
        if (compare->claims[i].bytes) search_section(compare, i, units, count);
    }
}

static void find_missing(struct compare *compare) {
    const struct fw_model *in = compare->in;
    for (uint32_t u = 0; u < in->unit_count; u++) {
        const struct fw_unit *unit = &in->units[u];
        if (unit->first == FW_NONE || !unit->decoded || compare->unit_start[u] != FW_NONE) continue;
        const struct fw_function *f = check_first_function(in, u);
        if (unit->reachable || unit->status != FW_UNIT_ACCEPTED) {
            check_find(compare->check, "original", f->address,
                       "%s is not in the output, and can be reached in the original", f->name);
        }
    }
}

void compare_all_units(struct compare *compare) {
    walk_named(compare);
    compare->end_unit = (uint32_t)compare->in->unit_count;
    find_by_reference(compare);
    compare_enter_claims(compare);
    find_by_contents(compare);
    find_by_reference(compare);
    compare_enter_claims(compare);
    find_missing(compare);
}
