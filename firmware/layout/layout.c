/* See layout.h. */
#include "firmware/layout/layout.h"

#include "base/parallel.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS = 4096,    /* sizes settle in a handful; a chain of borders takes one a link */
    FILLER_BYTES = 3, /* alignment between two functions */
    OVERFLOW_ALIGNMENT = 8,
};

uint64_t fw_random(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

uint32_t fw_relocated_value(const struct fw_model *model, const struct fw_relocation *relocation) {
    const struct fw_item *item = &model->items[relocation->target_item];
    uint32_t address = item->new_address + relocation->target_delta;
    return address | (relocation->target_thumb ? 1U : 0U);
}

static uint32_t earlier(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static uint32_t later(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

static bool movable(const struct fw_model *model, uint32_t unit) {
    return model->units[unit].status != FW_UNIT_UNTOUCHED;
}

static int by_address(const void *a, const void *b) {
    const struct fw_function *const *x = a, *const *y = b;
    return (*x)->address < (*y)->address ? -1 : (*x)->address > (*y)->address;
}

/* Zeros or NOPs between two movable functions are alignment and may be used. */
static bool is_filler(struct fw_model *model, uint32_t address, uint32_t size_bytes) {
    if (size_bytes > FILLER_BYTES) return false;
    const uint8_t *bytes = fw_bytes_at(model, address, size_bytes);
    if (!bytes) return size_bytes == 0;
    for (uint32_t i = 0; i + 1 < size_bytes; i += 2) {
        uint32_t half = (uint32_t)(bytes[i] | bytes[i + 1] << 8);
        if (half != 0 && half != 0xbf00 && half != 0x46c0) return false;
    }
    return size_bytes % 2 == 0 || bytes[size_bytes - 1] == 0;
}

static void find_windows(struct fw_model *model, struct fw_layout *out) {
    struct arena scratch = {0};
    const struct fw_function **order =
        ARENA_ARRAY(&scratch, const struct fw_function *, model->function_count + 1);
    for (size_t i = 0; i < model->function_count; i++)
        order[i] = &model->functions[i];
    qsort(order, model->function_count, sizeof(void *), by_address);
    out->windows = ARENA_ARRAY(&model->arena, struct fw_window, model->function_count + 1);
    for (size_t i = 0; i < model->function_count; i++) {
        const struct fw_function *f = order[i];
        if (!movable(model, f->unit)) continue;
        struct fw_window *last = out->window_count ? &out->windows[out->window_count - 1] : NULL;
        uint32_t end = last ? last->address + last->size_bytes : 0;
        if (last && last->section == f->section && f->address >= end &&
            is_filler(model, end, f->address - end)) {
            last->size_bytes = f->address + f->size_bytes - last->address;
        } else {
            out->windows[out->window_count++] =
                (struct fw_window){f->address, f->size_bytes, f->section};
        }
    }
    arena_free(&scratch);
}

static uint32_t align_item(const struct fw_item *item, uint32_t address) {
    uint32_t mask = item->alignment - 1U;
    return address + ((item->address - address) & mask);
}

/* Where each unit is while addresses settle. What a unit takes depends only on where it starts
 * within the largest alignment, so units are placed without a look at their items: those are
 * walked again only when the unit grew or starts at another remainder. Their new_address counts
 * from `base`, and apply_shifts() adds the rest at the end. */
enum { LARGEST_ALIGNMENT = 8, STARTS = LARGEST_ALIGNMENT / 2 };

struct order {
    uint32_t *units;
    size_t count;
    bool kept;          /* units follow one another as in the input, with no look back at holes */
    bool calls_reach;   /* BL from any item to any other */
    uint32_t low, high; /* the bytes of what stays */
    uint32_t *start, *base;    /* by unit; 0 for units that stay */
    uint32_t (*sizes)[STARTS]; /* by unit: its bytes from a start at 0, 2, 4, 6 */
    uint8_t *alignment;        /* by unit: the largest of its items, and of what pc counts from */
    uint32_t *growth;          /* by unit: bytes by which its items have become larger */
    bool *stale;               /* by unit: items have no address yet, or sizes changed since */
    uint32_t *unfit;           /* by unit: an item that no form of it makes reach, or FW_NONE */
    uint32_t *outer, *outer_first; /* items whose references leave the unit and may not reach */
};

static uint32_t address_of(const struct fw_model *model, const struct order *order,
                           uint32_t index) {
    const struct fw_item *item = &model->items[index];
    return item->new_address + (order->start[item->unit] - order->base[item->unit]);
}

static void measure_unit(const struct fw_model *model, struct order *order, uint32_t u) {
    enum { PC_ALIGNMENT = 4 };
    uint32_t end[STARTS];
    uint8_t alignment = PC_ALIGNMENT;
    for (uint32_t s = 0; s < STARTS; s++)
        end[s] = 2 * s;
    for (uint32_t i = model->units[u].first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        if (item->alignment > alignment) alignment = item->alignment;
        for (uint32_t s = 0; s < STARTS; s++)
            end[s] = align_item(item, end[s]) + item->size_bytes;
    }
    order->alignment[u] = alignment;
    for (uint32_t s = 0; s < STARTS; s++)
        order->sizes[u][s] = end[s] - 2 * s;
}

/* Bytes of the unit from there on. Few start at an odd address: behind data without an end. */
static uint32_t size_at(const struct fw_model *model, const struct order *order, uint32_t u,
                        uint32_t address) {
    if (address % 2 == 0) return order->sizes[u][address % LARGEST_ALIGNMENT / 2];
    uint32_t end = address;
    for (uint32_t i = model->units[u].first; i != FW_NONE; i = model->items[i].next)
        end = align_item(&model->items[i], end) + model->items[i].size_bytes;
    return end - address;
}

/* Addresses for the items, counted from where the unit starts now. */
static void place_items(struct fw_model *model, struct order *order, uint32_t u) {
    uint32_t address = order->base[u] = order->start[u];
    for (uint32_t i = model->units[u].first; i != FW_NONE; i = model->items[i].next) {
        struct fw_item *item = &model->items[i];
        address = align_item(item, address);
        item->new_address = address;
        address += item->size_bytes;
    }
    order->stale[u] = false;
}

/* Work on the units of the order, a run of them at a time. */
enum { PIECES = 8 };

struct run {
    size_t first, end;
};

static struct run run_of(size_t count, size_t piece) {
    return (struct run){count * piece / PIECES, count * (piece + 1) / PIECES};
}

struct shifting {
    struct fw_model *model;
    const struct order *order;
};

static void shift_piece(void *context, size_t piece) {
    const struct shifting *shifting = context;
    struct fw_model *model = shifting->model;
    const struct order *order = shifting->order;
    struct run run = run_of(order->count, piece);
    for (size_t k = run.first; k < run.end; k++) {
        uint32_t u = order->units[k], shift = order->start[u] - order->base[u];
        if (!shift) continue;
        for (uint32_t i = model->units[u].first; i != FW_NONE; i = model->items[i].next)
            model->items[i].new_address += shift;
    }
}

static void apply_shifts(struct fw_model *model, const struct order *order) {
    struct shifting shifting = {model, order};
    parallel_run(PIECES, shift_piece, &shifting);
}

static bool is_island(const struct fw_model *model, uint32_t unit) {
    return model->island_count && unit - model->islands[0] < model->island_count;
}

static void shuffle(struct fw_model *model, const struct fw_layout_options *options,
                    struct order *order) {
    uint64_t state = options->seed;
    order->units = ARENA_ARRAY(&model->arena, uint32_t, model->unit_count + 1);
    for (uint32_t u = 0; u < model->unit_count; u++) {
        if (model->units[u].status != FW_UNIT_ACCEPTED || is_island(model, u)) continue;
        order->units[order->count++] = u;
    }
    for (size_t i = order->count; i > 1 && !options->keep_order; i--) {
        size_t other = (size_t)(fw_random(&state) % i);
        uint32_t swap = order->units[i - 1];
        order->units[i - 1] = order->units[other];
        order->units[other] = swap;
    }
}

/* Large units first, by classes of size, each in its seeded order: what does not fit at the
 * end is small then, and so are the holes that are left. */
static void large_first(struct fw_model *model, struct order *order) {
    static const uint32_t classes[] = {4096, 1024, 256, 64, 0};
    uint32_t *sorted = ARENA_ARRAY(&model->arena, uint32_t, order->count + 1);
    uint32_t limit = UINT32_MAX;
    size_t count = 0;
    for (size_t c = 0; c < sizeof classes / sizeof *classes; c++) {
        for (size_t i = 0; i < order->count; i++) {
            uint32_t bytes = model->units[order->units[i]].bytes_after;
            if (bytes >= classes[c] && bytes < limit) sorted[count++] = order->units[i];
        }
        limit = classes[c];
    }
    order->units = sorted;
    order->count = count;
}

/* How much a unit counts when islands are spread: those with no return to serve, or too
 * large for a narrow branch to leave them, do not need one beside them. */
static uint32_t island_weight(const struct fw_unit *unit) {
    enum { OUT_OF_REACH_BYTES = 4096 };
    bool serves = unit->return_sites_sealed && unit->bytes_after < OUT_OF_REACH_BYTES;
    return serves ? unit->bytes_after : unit->bytes_after / 16;
}

/* Spread the islands over the order, each as far from the next in weight. */
static void spread_islands(struct fw_model *model, struct order *order) {
    if (!model->island_count) return;
    uint64_t total = 0, passed = 0;
    for (size_t i = 0; i < order->count; i++)
        total += island_weight(&model->units[order->units[i]]);
    uint32_t *spread = ARENA_ARRAY(&model->arena, uint32_t, order->count + model->island_count);
    size_t count = 0, island = 0;
    for (size_t i = 0; i < order->count; i++) {
        uint64_t half = island_weight(&model->units[order->units[i]]) / 2;
        /* The next island stands in the middle of its share of the bytes. */
        while (island < model->island_count &&
               (passed + half) * 2 * model->island_count >= total * (2 * island + 1)) {
            spread[count++] = model->islands[island++];
        }
        spread[count++] = order->units[i];
        passed += 2 * half;
    }
    while (island < model->island_count)
        spread[count++] = model->islands[island++];
    order->units = spread;
    order->count = count;
}

static int by_island_address(const void *a, const void *b, void *context) {
    const struct order *order = context;
    uint32_t x = order->start[*(const uint32_t *)a], y = order->start[*(const uint32_t *)b];
    return x < y ? -1 : x > y;
}

/* The island nearest to `address`, of those sorted by address. */
static uint32_t nearest_island(const struct order *order, const uint32_t *sorted, size_t count,
                               uint32_t address) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (order->start[sorted[middle]] < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == count) return sorted[low - 1];
    if (low == 0) return sorted[0];
    uint32_t above = order->start[sorted[low]] - address;
    uint32_t below = address - order->start[sorted[low - 1]];
    return sorted[above < below ? low : low - 1];
}

/* Aim a branch to an island at the nearest one. The copies are equal, so the n-th item of one
 * is the n-th of another. */
static void aim_at_island(struct fw_model *model, const struct order *order, const uint32_t *sorted,
                          uint32_t index) {
    struct fw_item *item = &model->items[index];
    uint32_t address = address_of(model, order, index);
    uint32_t from = model->units[model->items[item->target].unit].first;
    uint32_t island = nearest_island(order, sorted, model->island_count, address);
    uint32_t to = model->units[island].first;
    for (; from != item->target; from = model->items[from].next)
        to = model->items[to].next;
    item->target = to;
}

static void sort_islands(const struct fw_model *model, struct order *order, uint32_t *sorted) {
    if (!model->island_count) return;
    memcpy(sorted, model->islands, model->island_count * sizeof *sorted);
    qsort_r(sorted, model->island_count, sizeof *sorted, by_island_address, order);
}

/* A reference that leaves the unit, so that it has to be looked at whenever units move: not BL
 * to another item, which is asked for all at once (calls_reach). */
static bool is_outer(const struct fw_model *model, const struct fw_item *item) {
    uint8_t reference = item->insn->reference;
    if (reference != THUMB_REFERENCE_BRANCH && reference != THUMB_REFERENCE_LITERAL &&
        reference != THUMB_REFERENCE_ADR) {
        return false;
    }
    if (item->target == FW_NONE) return true;
    return model->items[item->target].unit != item->unit && item->insn->op != THUMB_BL;
}

/* One walk over everything: sizes, outer references, the places of what stays. */
struct survey {
    struct fw_model *model;
    struct order *order;
    struct survey_piece {
        struct arena arena;
        uint32_t *outer;
        size_t count, capacity;
        uint32_t low, high; /* of what stays */
    } pieces[PIECES];
};

static void survey_unit(struct survey *survey, struct survey_piece *piece, uint32_t u) {
    struct fw_model *model = survey->model;
    struct fw_unit *unit = &model->units[u];
    for (uint32_t i = unit->first; i != FW_NONE; i = model->items[i].next) {
        struct fw_item *item = &model->items[i];
        unit->bytes_after += item->size_bytes;
        if (unit->status == FW_UNIT_UNTOUCHED) {
            item->new_address = item->address;
            piece->low = earlier(piece->low, item->address);
            piece->high = later(piece->high, item->address + item->size_bytes);
        }
        if (unit->status != FW_UNIT_ACCEPTED || !is_outer(model, item)) continue;
        piece->outer = arena_grow(&piece->arena, piece->outer, piece->count, &piece->capacity,
                                  sizeof *piece->outer);
        piece->outer[piece->count++] = i;
    }
    if (unit->status == FW_UNIT_ACCEPTED) measure_unit(model, survey->order, u);
}

static void survey_piece(void *context, size_t i) {
    struct survey *survey = context;
    struct survey_piece *piece = &survey->pieces[i];
    struct run run = run_of(survey->model->unit_count, i);
    piece->low = UINT32_MAX;
    for (uint32_t u = (uint32_t)run.first; u < run.end; u++) {
        survey->order->outer_first[u] = (uint32_t)piece->count;
        survey_unit(survey, piece, u);
    }
}

static void survey(struct fw_model *model, struct order *order) {
    struct survey all = {.model = model, .order = order};
    size_t count = 0;
    parallel_run(PIECES, survey_piece, &all);
    for (size_t i = 0; i < PIECES; i++)
        count += all.pieces[i].count;
    order->outer = ARENA_ARRAY(&model->arena, uint32_t, count + 1);
    order->low = UINT32_MAX;
    count = 0;
    for (size_t i = 0; i < PIECES; i++) {
        struct survey_piece *piece = &all.pieces[i];
        struct run run = run_of(model->unit_count, i);
        for (size_t u = run.first; u < run.end; u++)
            order->outer_first[u] += (uint32_t)count;
        if (piece->count)
            memcpy(&order->outer[count], piece->outer, piece->count * sizeof *piece->outer);
        count += piece->count;
        order->low = earlier(order->low, piece->low);
        order->high = later(order->high, piece->high);
        arena_free(&piece->arena);
    }
    order->outer_first[model->unit_count] = (uint32_t)count;
}

/* BL reaches 16 MiB both ways (A7.7.18): all of them, where all code lies closer. */
static bool calls_reach(const struct fw_model *model, const struct order *order) {
    enum { REACH = (16 << 20) - 4 };
    uint32_t low = order->low, high = order->high;
    for (size_t k = 0; k < order->count; k++) {
        uint32_t u = order->units[k], start = order->start[u];
        low = earlier(low, start);
        high = later(high, start + size_at(model, order, u, start));
    }
    return low >= high || high - low < REACH;
}

/* What is free in the windows, so that the first with room enough is found without a look at
 * each. What a unit takes depends on where it starts, so each class of starts has a tree of its
 * own: a node holds one more than the most that a window below it has free from such a start, 0
 * where none starts there. The last class is that of odd addresses. */
enum { ODD_START = STARTS, CLASSES };

struct room {
    struct fw_window *windows;
    size_t count, leaves;
    uint32_t *used; /* by window: how far it is filled */
    uint32_t (*free)[CLASSES];
};

static unsigned class_of(uint32_t start) {
    return start % 2 ? ODD_START : start % LARGEST_ALIGNMENT / 2;
}

static void set_leaf(struct room *room, size_t w) {
    const struct fw_window *window = &room->windows[w];
    memset(room->free[room->leaves + w], 0, sizeof *room->free);
    room->free[room->leaves + w][class_of(window->address + room->used[w])] =
        window->size_bytes - room->used[w] + 1;
}

static void sum_node(struct room *room, size_t node) {
    for (unsigned c = 0; c < CLASSES; c++)
        room->free[node][c] = later(room->free[2 * node][c], room->free[2 * node + 1][c]);
}

static void empty_room(struct room *room) {
    for (size_t w = 0; w < room->count; w++) {
        room->used[w] = 0;
        set_leaf(room, w);
    }
    for (size_t node = room->leaves; --node > 0;)
        sum_node(room, node);
}

static void make_room(struct fw_model *model, const struct fw_layout *out, struct room *room) {
    *room = (struct room){.windows = out->windows, .count = out->window_count, .leaves = 1};
    while (room->leaves <= room->count) /* one behind the last is searched from as well */
        room->leaves *= 2;
    room->used = ARENA_ARRAY(&model->arena, uint32_t, room->count + 1);
    room->free = arena_alloc(&model->arena, 2 * room->leaves, sizeof *room->free);
}

/* The first window not before `from` with so many bytes free from a start of that class, or the
 * number of windows. */
static size_t first_free(const struct room *room, unsigned class, size_t from, uint32_t bytes) {
    size_t node = room->leaves + from;
    while (room->free[node][class] <= bytes) {
        while (node % 2)
            node /= 2;
        if (!node) return room->count;
        node++;
    }
    while (node < room->leaves) {
        node *= 2;
        if (room->free[node][class] <= bytes) node++;
    }
    return node - room->leaves;
}

/* The first window not before `from` that takes the unit, or the number of windows. */
static size_t first_fit(const struct fw_model *model, const struct order *order,
                        const struct room *room, uint32_t u, size_t from) {
    const struct fw_unit *unit = &model->units[u];
    uint32_t least = earlier(unit->bytes_after, unit->bytes_before);
    size_t first = room->count;
    for (unsigned c = 0; c < STARTS; c++) {
        size_t w = first_free(room, c, from, later(least, order->sizes[u][c]));
        if (w < first) first = w;
    }
    for (size_t w = from; (w = first_free(room, ODD_START, w, least)) < first; w++) {
        uint32_t start = room->windows[w].address + room->used[w];
        if (size_at(model, order, u, start) <= room->windows[w].size_bytes - room->used[w])
            return w;
    }
    return first;
}

static void fill(struct room *room, size_t w, uint32_t bytes) {
    room->used[w] += bytes;
    set_leaf(room, w);
    for (size_t node = (room->leaves + w) / 2; node > 0; node /= 2)
        sum_node(room, node);
}

/* First fit, window by window. */
static void place_all(const struct fw_model *model, struct fw_layout *out, struct order *order,
                      struct room *room) {
    uint32_t overflow = out->overflow_address;
    size_t recent = 0; /* window of the unit placed last */
    size_t open = 0;   /* windows before this one are too full for anything */
    empty_room(room);
    for (size_t i = 0; i < order->count; i++) {
        uint32_t u = order->units[i];
        while (open < room->count && room->windows[open].size_bytes - room->used[open] < 2)
            open++;
        /* An island stays with the unit in front of it; holes far off do not need it. Nor does
         * anything go back where the order is kept. */
        recent =
            first_fit(model, order, room, u, order->kept || is_island(model, u) ? recent : open);
        bool placed = recent < room->count;
        uint32_t start = placed ? room->windows[recent].address + room->used[recent] : overflow;
        uint32_t bytes = size_at(model, order, u, start);
        order->start[u] = start;
        if (placed) {
            fill(room, recent, bytes);
        } else {
            overflow += bytes;
        }
    }
    out->overflow_bytes = overflow - out->overflow_address;
    order->calls_reach = calls_reach(model, order);
}

static bool in_reach(uint32_t from, uint32_t to, uint32_t back, uint32_t forward) {
    uint32_t distance = to - from;
    return distance <= forward || 0U - distance <= back;
}

static uint32_t target_address(const struct fw_model *model, const struct order *order,
                               const struct fw_item *item) {
    if (item->target == FW_NONE) return item->insn->target;
    return address_of(model, order, item->target) + item->target_delta;
}

enum fit { FIT, FIT_GREW, FIT_NEVER };

/* Does a branch reach; if not, take its next larger form (A7.7.12: T1 -256..254, T2
 * -2048..2046, T3 +-1 MiB, T4 and BL +-16 MiB, from pc = address + 4). */
static enum fit fit_branch(struct fw_item *item, uint32_t address, uint32_t target) {
    const struct thumb_insn *insn = item->insn;
    uint32_t pc = address + 4;
    enum { MEBI = 1 << 20, LONG = 16 * MEBI };
    bool compare = insn->op == THUMB_CBZ || insn->op == THUMB_CBNZ;
    if (item->far) { /* over an inverted condition: the wide branch is 2 bytes on */
        return in_reach(pc + 2, target, LONG, LONG - 2) ? FIT : FIT_NEVER;
    }
    if (insn->op == THUMB_BL || (insn->op == THUMB_B && insn->size_bytes == 4) || item->wide) {
        bool cond = insn->op == THUMB_B_COND;
        if (in_reach(pc, target, cond ? MEBI : LONG, (cond ? MEBI : LONG) - 2)) return FIT;
        if (!cond) return FIT_NEVER;
    } else if (compare) {
        if (in_reach(pc, target, 0, 126)) return FIT;
    } else if (insn->op == THUMB_B_COND) {
        bool narrow = insn->size_bytes == 2;
        uint32_t reach = narrow ? 256 : MEBI;
        if (in_reach(pc, target, reach, reach - 2)) return FIT;
        if (narrow) {
            item->wide = true;
            item->size_bytes = 4;
            return FIT_GREW;
        }
    } else {
        if (in_reach(pc, target, 2048, 2046)) return FIT;
        item->wide = true;
        item->size_bytes = 4;
        return FIT_GREW;
    }
    item->far = true; /* B<!c> over, or CB(N)Z over, then B.W */
    item->wide = false;
    item->size_bytes = 6;
    return FIT_GREW;
}

static enum fit fit_pc_relative(struct fw_item *item, uint32_t address, uint32_t target) {
    const struct thumb_insn *insn = item->insn;
    uint32_t base = (address + 4) & ~3U;
    bool narrow = insn->size_bytes == 2 && !item->wide;
    bool dual =
        insn->coprocessor || (insn->op == THUMB_LOAD && (insn->bits & 0xfe500000U) == 0xe8500000U);
    if (narrow) {
        if (in_reach(base, target, 0, 1020) && (target - base) % 4 == 0) return FIT;
        item->wide = true;
        item->size_bytes = 4;
        return FIT_GREW;
    }
    uint32_t reach = dual ? 1020 : 4095;
    return in_reach(base, target, reach, reach) ? FIT : FIT_NEVER;
}

/* Table and targets are of one unit, so their distance needs no shift. */
static enum fit fit_table(const struct fw_model *model, struct fw_item *table) {
    for (uint32_t i = 0; i < table->table_count; i++) {
        const struct fw_item *target = &model->items[model->table_targets[table->table_first + i]];
        uint32_t distance = target->new_address - table->new_address;
        if (distance <= (table->table_half ? 2U * 0xffff : 2U * 0xff)) continue;
        if (table->table_half || distance > 2U * 0xffff) return FIT_NEVER;
        table->table_half = true; /* its TBB becomes a TBH */
        table->size_bytes = 2U * table->table_count;
        return FIT_GREW;
    }
    return FIT;
}

static enum fit fit_item(const struct fw_model *model, const struct order *order, uint32_t index) {
    struct fw_item *item = &model->items[index];
    if (item->kind == FW_ITEM_TABLE) return fit_table(model, item);
    if (item->kind != FW_ITEM_INSN) return FIT;
    switch (item->insn->reference) {
    case THUMB_REFERENCE_BRANCH:
        return fit_branch(item, address_of(model, order, index),
                          target_address(model, order, item));
    case THUMB_REFERENCE_LITERAL:
    case THUMB_REFERENCE_ADR:
        return fit_pc_relative(item, address_of(model, order, index),
                               target_address(model, order, item));
    default:
        return FIT;
    }
}

/* The units' references looked at in pieces: a unit's own items change, and nobody else looks
 * at what changes in them. Those that leave a unit come when all items have their addresses. */
struct fitting {
    struct fw_model *model;
    struct order *order;
    const uint32_t *islands; /* sorted by address */
    struct fit_piece {
        bool grew; /* an item took a larger form */
    } inner[PIECES], outer[PIECES];
};

static void note_fit(struct fw_model *model, struct order *order, uint32_t index,
                     struct fit_piece *piece) {
    struct fw_item *item = &model->items[index];
    uint32_t size_before = item->size_bytes;
    enum fit fit = fit_item(model, order, index);
    if (fit == FIT_NEVER && order->unfit[item->unit] == FW_NONE) order->unfit[item->unit] = index;
    if (fit != FIT_GREW) return;
    order->growth[item->unit] += item->size_bytes - size_before;
    order->stale[item->unit] = true;
    piece->grew = true;
}

static bool is_call(const struct fw_item *item) {
    return item->kind == FW_ITEM_INSN && item->insn->op == THUMB_BL;
}

static void fit_inner(struct fitting *fitting, struct fit_piece *piece, uint32_t u) {
    struct fw_model *model = fitting->model;
    struct order *order = fitting->order;
    if (!order->stale[u] && (order->start[u] - order->base[u]) % order->alignment[u] == 0) return;
    place_items(model, order, u);
    for (uint32_t i = model->units[u].first; i != FW_NONE; i = model->items[i].next) {
        if (is_call(&model->items[i]) || is_outer(model, &model->items[i])) continue;
        note_fit(model, order, i, piece);
    }
    if (order->stale[u]) measure_unit(model, order, u);
}

static void fit_outer(struct fitting *fitting, struct fit_piece *piece, uint32_t u) {
    struct fw_model *model = fitting->model;
    struct order *order = fitting->order;
    uint32_t growth = order->growth[u];
    for (uint32_t o = order->outer_first[u]; o < order->outer_first[u + 1]; o++) {
        uint32_t index = order->outer[o];
        if (model->items[index].island) aim_at_island(model, order, fitting->islands, index);
        note_fit(model, order, index, piece);
    }
    uint32_t i = order->calls_reach ? FW_NONE : model->units[u].first;
    for (; i != FW_NONE; i = model->items[i].next) {
        if (is_call(&model->items[i])) note_fit(model, order, i, piece);
    }
    if (order->growth[u] != growth) measure_unit(model, order, u);
}

static void fit_inner_piece(void *context, size_t i) {
    struct fitting *fitting = context;
    struct run run = run_of(fitting->order->count, i);
    fitting->inner[i].grew = false;
    for (size_t k = run.first; k < run.end; k++)
        fit_inner(fitting, &fitting->inner[i], fitting->order->units[k]);
}

static void fit_outer_piece(void *context, size_t i) {
    struct fitting *fitting = context;
    struct run run = run_of(fitting->order->count, i);
    fitting->outer[i].grew = false;
    for (size_t k = run.first; k < run.end; k++)
        fit_outer(fitting, &fitting->outer[i], fitting->order->units[k]);
}

/* Whether anything grew, so that what lies behind it moves. */
static bool fit_all(struct fitting *fitting) {
    parallel_run(PIECES, fit_inner_piece, fitting);
    parallel_run(PIECES, fit_outer_piece, fitting);
    bool grew = false;
    for (size_t i = 0; i < PIECES; i++)
        grew |= fitting->inner[i].grew || fitting->outer[i].grew;
    return grew;
}

static void must_stay(struct fw_layout *out, bool *listed, uint32_t unit) {
    if (listed[unit]) return;
    listed[unit] = true;
    out->unfit[out->unfit_count++] = unit;
}

/* Units with a reference that never fits do not hold up the others: all such units are named
 * together. */
static enum status settle(struct fw_model *model, struct fw_layout *out, struct order *order,
                          bool *listed, struct error *error) {
    struct room room;
    uint32_t *islands = ARENA_ARRAY(&model->arena, uint32_t, model->island_count + 1);
    struct fitting fitting = {.model = model, .order = order, .islands = islands};
    int round = 0;
    make_room(model, out, &room);
    do {
        if (round++ == ROUNDS) return error_environment(error, "addresses did not settle");
        place_all(model, out, order, &room);
        sort_islands(model, order, islands);
    } while (fit_all(&fitting));
    apply_shifts(model, order);
    for (size_t k = 0; k < order->count; k++) {
        uint32_t u = order->units[k];
        if (order->unfit[u] != FW_NONE) must_stay(out, listed, u);
    }
    if (!out->unfit_count) return STATUS_OK;
    uint32_t first = out->unfit[0];
    return error_input(error, "%s: a reference at 0x%08x does not reach",
                       model->functions[model->units[first].function_first].name,
                       model->items[order->unfit[first]].address);
}

/* Untouched code keeps its place and its forms; what its branches do not reach any more
 * has to stay as well. */
static enum status check_untouched(struct fw_model *model, struct fw_layout *out,
                                   struct order *order, bool *listed, struct error *error) {
    enum status status = STATUS_OK;
    memcpy(order->base, order->start, model->unit_count * sizeof *order->base); /* applied */
    for (size_t u = 0; u < model->unit_count; u++) {
        const struct fw_unit *unit = &model->units[u];
        if (unit->status != FW_UNIT_UNTOUCHED) continue;
        for (uint32_t i = unit->first; i != FW_NONE; i = model->items[i].next) {
            if (fit_item(model, order, i) == FIT) continue;
            uint32_t target = model->items[i].target;
            status = error_input(error, "%s: untouched, but what it branches to moved out of reach",
                                 model->functions[unit->function_first].name);
            if (target == FW_NONE || !movable(model, model->items[target].unit)) return status;
            must_stay(out, listed, model->items[target].unit);
        }
    }
    return status;
}

/* Wholly inside a range that the firmware itself writes: no contents of the image. */
static bool is_reserved(const struct fw_layout_options *options, const struct fw_section *section) {
    for (size_t i = 0; i < options->reserved_count; i++) {
        const struct fw_range *range = &options->reserved[i];
        uint32_t offset = section->address - range->address;
        if (section->address >= range->address && offset < range->size_bytes &&
            section->size_bytes <= range->size_bytes - offset) {
            return true;
        }
    }
    return false;
}

/* Behind memory that follows the flashed contents at once: an image that runs from RAM whole
 * has its .bss and stack there. RAM elsewhere in the region does not push code. */
static uint32_t behind_memory_at(const struct fw_model *model,
                                 const struct fw_layout_options *options, uint32_t end) {
    enum { GAP_BYTES = 4096 };
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *section = &model->sections[i];
        if (!(section->flags & SHF_ALLOC) || !section->size_bytes) continue;
        uint32_t section_end = section->address + section->size_bytes;
        if (is_reserved(options, section) || section_end <= end) continue;
        if (section->address > end && section->address - end >= GAP_BYTES) continue;
        end = section_end;
        i = SIZE_MAX; /* from the first again: each step passes a section, so this ends */
    }
    return end;
}

/* Where code may go that does not fit: behind everything that is flashed in the same
 * memory as the code (within one 512 MiB region of the architecture, B3.1). */
static uint32_t end_of_flash_contents(const struct fw_model *model,
                                      const struct fw_layout_options *options,
                                      const struct fw_layout *layout) {
    uint32_t end = 0;
    if (!layout->window_count) return 0;
    uint32_t region = layout->windows[0].address >> 29;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *section = &model->sections[i];
        if (!(section->flags & SHF_ALLOC) || !section->size_bytes || !section->data) continue;
        if (is_reserved(options, section)) continue; /* settings at the end of the flash */
        if (section->load_address >> 29 != region) continue;
        end = later(end, section->load_address + section->size_bytes);
    }
    end = behind_memory_at(model, options, end);
    return (end + OVERFLOW_ALIGNMENT - 1) & ~(OVERFLOW_ALIGNMENT - 1U);
}

static bool overlap(uint32_t a, uint32_t a_bytes, uint32_t b, uint32_t b_bytes) {
    return a < b ? b - a < a_bytes : a - b < b_bytes;
}

static enum status check_overflow(const struct fw_model *model,
                                  const struct fw_layout_options *options,
                                  const struct fw_layout *out, struct error *error) {
    uint32_t start = out->overflow_address, size = out->overflow_bytes;
    if (!size) return STATUS_OK;
    const struct fw_range *flash = &options->flash;
    uint32_t offset = start - flash->address;
    if (flash->size_bytes && (start < flash->address || offset > flash->size_bytes ||
                              size > flash->size_bytes - offset)) {
        return error_input(error,
                           "the hardened code needs %u bytes at 0x%08x, which is outside "
                           "the flash 0x%08x+0x%x",
                           size, start, flash->address, flash->size_bytes);
    }
    for (size_t i = 0; i < options->reserved_count; i++) {
        const struct fw_range *r = &options->reserved[i];
        if (!overlap(r->address, r->size_bytes, start, size)) continue;
        return error_input(error, "the hardened code needs %u bytes at 0x%08x, where %s is", size,
                           start, r->name);
    }
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!(s->flags & SHF_ALLOC) || !overlap(s->address, s->size_bytes, start, size)) continue;
        return error_input(error, "the hardened code needs %u bytes at 0x%08x, where %s is", size,
                           start, s->name);
    }
    return STATUS_OK;
}

enum status fw_layout(struct fw_model *model, const struct fw_layout_options *options,
                      struct fw_layout *out, struct error *error) {
    struct order order = {.count = 0};
    size_t units = model->unit_count + 1;
    order.start = ARENA_ARRAY(&model->arena, uint32_t, units);
    order.base = ARENA_ARRAY(&model->arena, uint32_t, units);
    order.sizes = arena_alloc(&model->arena, units, sizeof *order.sizes);
    order.alignment = ARENA_ARRAY(&model->arena, uint8_t, units);
    order.outer_first = ARENA_ARRAY(&model->arena, uint32_t, units);
    order.growth = ARENA_ARRAY(&model->arena, uint32_t, units);
    order.stale = ARENA_ARRAY(&model->arena, bool, units);
    memset(order.stale, true, units * sizeof *order.stale);
    order.unfit = ARENA_ARRAY(&model->arena, uint32_t, units);
    memset(order.unfit, 0xff, units * sizeof *order.unfit);
    bool *listed = ARENA_ARRAY(&model->arena, bool, units);
    *out = (struct fw_layout){.windows = NULL};
    out->unfit = ARENA_ARRAY(&model->arena, uint32_t, units);
    find_windows(model, out);
    out->overflow_address = end_of_flash_contents(model, options, out);
    shuffle(model, options, &order);
    survey(model, &order);
    order.kept = options->keep_order;
    if (!order.kept) large_first(model, &order);
    spread_islands(model, &order);
    enum status settled = settle(model, out, &order, listed, error);
    if (settled != STATUS_OK && !out->unfit_count) return settled;
    out->ends = ARENA_ARRAY(&model->arena, uint32_t, units);
    for (size_t k = 0; k < order.count; k++) {
        uint32_t u = order.units[k], start = order.start[u];
        model->units[u].bytes_after += order.growth[u];
        out->ends[u] = start + size_at(model, &order, u, start);
    }
    enum status status = check_untouched(model, out, &order, listed, error);
    if (status == STATUS_OK) status = settled;
    return status == STATUS_OK ? check_overflow(model, options, out, error) : status;
}
