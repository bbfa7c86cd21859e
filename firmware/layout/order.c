/* The seeded order of the units, and the islands between them. See layout.h. */
#include "firmware/layout/layouting.h"

#include <stdlib.h>
#include <string.h>

uint64_t fw_random(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

void layout_shuffle(struct fw_model *model, const struct fw_layout_options *options,
                    struct order *order) {
    uint64_t state = options->seed;
    order->units = ARENA_ARRAY(&model->arena, uint32_t, model->unit_count + 1);
    for (uint32_t u = 0; u < model->unit_count; u++) {
        if (model->units[u].status != FW_UNIT_ACCEPTED || layout_is_island(model, u)) continue;
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
void layout_large_first(struct fw_model *model, struct order *order) {
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
void layout_spread_islands(struct fw_model *model, struct order *order) {
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
void layout_aim_at_island(struct fw_model *model, const struct order *order, const uint32_t *sorted,
                          uint32_t index) {
    struct fw_item *item = &model->items[index];
    uint32_t address = layout_address_of(model, order, index);
    uint32_t from = model->units[model->items[item->target].unit].first;
    uint32_t island = nearest_island(order, sorted, model->island_count, address);
    uint32_t to = model->units[island].first;
    for (; from != item->target; from = model->items[from].next)
        to = model->items[to].next;
    item->target = to;
}

void layout_sort_islands(const struct fw_model *model, struct order *order, uint32_t *sorted) {
    if (!model->island_count) return;
    memcpy(sorted, model->islands, model->island_count * sizeof *sorted);
    qsort_r(sorted, model->island_count, sizeof *sorted, by_island_address, order);
}
