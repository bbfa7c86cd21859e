/* First fit, window by window. See layout.h. */
#include "firmware/layout/layouting.h"

#include <string.h>

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
        room->free[node][c] = layout_later(room->free[2 * node][c], room->free[2 * node + 1][c]);
}

static void empty_room(struct room *room) {
    for (size_t w = 0; w < room->count; w++) {
        room->used[w] = 0;
        set_leaf(room, w);
    }
    for (size_t node = room->leaves; --node > 0;)
        sum_node(room, node);
}

void layout_make_room(struct fw_model *model, const struct fw_layout *out, struct room *room) {
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
    uint32_t least = layout_earlier(unit->bytes_after, unit->bytes_before);
    size_t first = room->count;
    for (unsigned c = 0; c < STARTS; c++) {
        size_t w = first_free(room, c, from, layout_later(least, order->sizes[u][c]));
        if (w < first) first = w;
    }
    for (size_t w = from; (w = first_free(room, ODD_START, w, least)) < first; w++) {
        uint32_t start = room->windows[w].address + room->used[w];
        if (layout_size_at(model, order, u, start) <= room->windows[w].size_bytes - room->used[w])
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
void layout_place_all(const struct fw_model *model, struct fw_layout *out, struct order *order,
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
        recent = first_fit(model, order, room, u,
                           order->kept || layout_is_island(model, u) ? recent : open);
        bool placed = recent < room->count;
        uint32_t start = placed ? room->windows[recent].address + room->used[recent] : overflow;
        uint32_t bytes = layout_size_at(model, order, u, start);
        order->start[u] = start;
        if (placed) {
            fill(room, recent, bytes);
        } else {
            overflow += bytes;
        }
    }
    out->overflow_bytes = overflow - out->overflow_address;
    order->calls_reach = layout_calls_reach(model, order);
}
