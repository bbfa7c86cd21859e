/* What each unit takes from each start, its outer references, its items' addresses. See
 * layout.h. */
#include "firmware/layout/layouting.h"

#include "base/parallel.h"

#include <string.h>

void layout_measure(const struct fw_model *model, struct order *order, uint32_t u) {
    enum { PC_ALIGNMENT = 4 };
    uint32_t end[STARTS];
    uint8_t alignment = PC_ALIGNMENT;
    for (uint32_t s = 0; s < STARTS; s++)
        end[s] = 2 * s;
    for (uint32_t i = model->units[u].first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        if (item->alignment > alignment) alignment = item->alignment;
        for (uint32_t s = 0; s < STARTS; s++)
            end[s] = layout_align(item, end[s]) + item->size_bytes;
    }
    order->alignment[u] = alignment;
    for (uint32_t s = 0; s < STARTS; s++)
        order->sizes[u][s] = end[s] - 2 * s;
}

/* Bytes of the unit from there on. Few start at an odd address: behind data without an end. */
uint32_t layout_size_at(const struct fw_model *model, const struct order *order, uint32_t u,
                        uint32_t address) {
    if (address % 2 == 0) return order->sizes[u][address % LARGEST_ALIGNMENT / 2];
    uint32_t end = address;
    for (uint32_t i = model->units[u].first; i != FW_NONE; i = model->items[i].next)
        end = layout_align(&model->items[i], end) + model->items[i].size_bytes;
    return end - address;
}

/* Addresses for the items, counted from where the unit starts now. */
void layout_place_items(struct fw_model *model, struct order *order, uint32_t u) {
    uint32_t address = order->base[u] = order->start[u];
    for (uint32_t i = model->units[u].first; i != FW_NONE; i = model->items[i].next) {
        struct fw_item *item = &model->items[i];
        address = layout_align(item, address);
        item->new_address = address;
        address += item->size_bytes;
    }
    order->stale[u] = false;
}

struct shifting {
    struct fw_model *model;
    const struct order *order;
};

static void shift_piece(void *context, size_t piece) {
    const struct shifting *shifting = context;
    struct fw_model *model = shifting->model;
    const struct order *order = shifting->order;
    struct run run = layout_run_of(order->count, piece);
    for (size_t k = run.first; k < run.end; k++) {
        uint32_t u = order->units[k], shift = order->start[u] - order->base[u];
        if (!shift) continue;
        for (uint32_t i = model->units[u].first; i != FW_NONE; i = model->items[i].next)
            model->items[i].new_address += shift;
    }
}

void layout_apply_shifts(struct fw_model *model, const struct order *order) {
    struct shifting shifting = {model, order};
    parallel_run(PIECES, shift_piece, &shifting);
}

/* A reference that leaves the unit, so that it has to be looked at whenever units move: not BL
 * to another item, which is asked for all at once (calls_reach). */
bool layout_is_outer(const struct fw_model *model, const struct fw_item *item) {
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
            piece->low = layout_earlier(piece->low, item->address);
            piece->high = layout_later(piece->high, item->address + item->size_bytes);
        }
        if (unit->status != FW_UNIT_ACCEPTED || !layout_is_outer(model, item)) continue;
        piece->outer = arena_grow(&piece->arena, piece->outer, piece->count, &piece->capacity,
                                  sizeof *piece->outer);
        piece->outer[piece->count++] = i;
    }
    if (unit->status == FW_UNIT_ACCEPTED) layout_measure(model, survey->order, u);
}

static void survey_piece(void *context, size_t i) {
    struct survey *survey = context;
    struct survey_piece *piece = &survey->pieces[i];
    struct run run = layout_run_of(survey->model->unit_count, i);
    piece->low = UINT32_MAX;
    for (uint32_t u = (uint32_t)run.first; u < run.end; u++) {
        survey->order->outer_first[u] = (uint32_t)piece->count;
        survey_unit(survey, piece, u);
    }
}

void layout_survey(struct fw_model *model, struct order *order) {
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
        struct run run = layout_run_of(model->unit_count, i);
        for (size_t u = run.first; u < run.end; u++)
            order->outer_first[u] += (uint32_t)count;
        if (piece->count)
            memcpy(&order->outer[count], piece->outer, piece->count * sizeof *piece->outer);
        count += piece->count;
        order->low = layout_earlier(order->low, piece->low);
        order->high = layout_later(order->high, piece->high);
        arena_free(&piece->arena);
    }
    order->outer_first[model->unit_count] = (uint32_t)count;
}

/* BL reaches 16 MiB both ways (A7.7.18): all of them, where all code lies closer. */
bool layout_calls_reach(const struct fw_model *model, const struct order *order) {
    enum { REACH = (16 << 20) - 4 };
    uint32_t low = order->low, high = order->high;
    for (size_t k = 0; k < order->count; k++) {
        uint32_t u = order->units[k], start = order->start[u];
        low = layout_earlier(low, start);
        high = layout_later(high, start + layout_size_at(model, order, u, start));
    }
    return low >= high || high - low < REACH;
}
