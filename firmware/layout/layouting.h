/* Shared by the steps of fw_layout(); no one else includes this. */
#ifndef FIRMWARE_LAYOUT_LAYOUTING_H
#define FIRMWARE_LAYOUT_LAYOUTING_H

#include "firmware/layout/layout.h"

/* Where each unit is while addresses settle. What a unit takes depends only on where it starts
 * within the largest alignment, so units are placed without a look at their items: those are
 * walked again only when the unit grew or starts at another remainder. Their new_address counts
 * from `base`, and layout_apply_shifts() adds the rest at the end. */
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

/* Work on the units of the order, a run of them at a time. */
enum { PIECES = 8 };

struct run {
    size_t first, end;
};

static inline struct run layout_run_of(size_t count, size_t piece) {
    return (struct run){count * piece / PIECES, count * (piece + 1) / PIECES};
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

enum fit { FIT, FIT_GREW, FIT_NEVER };

/* order.c: which unit comes behind which. */
void layout_shuffle(struct fw_model *model, const struct fw_layout_options *options,
                    struct order *order);
void layout_large_first(struct fw_model *model, struct order *order);
void layout_spread_islands(struct fw_model *model, struct order *order);
void layout_sort_islands(const struct fw_model *model, struct order *order, uint32_t *sorted);
void layout_aim_at_island(struct fw_model *model, const struct order *order, const uint32_t *sorted,
                          uint32_t index);
/* measure.c: what each unit takes, and its items' addresses. */
void layout_survey(struct fw_model *model, struct order *order);
void layout_measure(const struct fw_model *model, struct order *order, uint32_t u);
uint32_t layout_size_at(const struct fw_model *model, const struct order *order, uint32_t u,
                        uint32_t address);
void layout_place_items(struct fw_model *model, struct order *order, uint32_t u);
void layout_apply_shifts(struct fw_model *model, const struct order *order);
bool layout_calls_reach(const struct fw_model *model, const struct order *order);
bool layout_is_outer(const struct fw_model *model, const struct fw_item *item);
/* room.c: each unit's start. */
void layout_make_room(struct fw_model *model, const struct fw_layout *out, struct room *room);
void layout_place_all(const struct fw_model *model, struct fw_layout *out, struct order *order,
                      struct room *room);
/* fit.c: the form in which each reference reaches. */
enum fit layout_fit_item(const struct fw_model *model, const struct order *order, uint32_t index);
bool layout_fit_all(struct fitting *fitting);

static inline uint32_t layout_earlier(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static inline uint32_t layout_later(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

static inline uint32_t layout_align(const struct fw_item *item, uint32_t address) {
    uint32_t mask = item->alignment - 1U;
    return address + ((item->address - address) & mask);
}

static inline uint32_t layout_address_of(const struct fw_model *model, const struct order *order,
                                         uint32_t index) {
    const struct fw_item *item = &model->items[index];
    return item->new_address + (order->start[item->unit] - order->base[item->unit]);
}

static inline bool layout_is_island(const struct fw_model *model, uint32_t unit) {
    return model->island_count && unit - model->islands[0] < model->island_count;
}

#endif
