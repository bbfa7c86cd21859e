/* See reach.h. */
#include "firmware/analyse/reach.h"

#include "base/parallel.h"

void fw_each_reference(const struct fw_model *model, uint32_t unit,
                       void (*visit)(void *context, uint32_t unit), void *context) {
    for (uint32_t i = model->units[unit].first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        if (item->target != FW_NONE && model->items[item->target].unit != unit) {
            visit(context, model->items[item->target].unit);
        }
        if (item->relocation == FW_NONE) continue;
        for (size_t r = item->relocation; r < model->relocation_count; r++) {
            const struct fw_relocation *relocation = &model->relocations[r];
            if (relocation->place - item->address >= item->size_bytes) break;
            if (relocation->target_item == FW_NONE) continue;
            uint32_t other = model->items[relocation->target_item].unit;
            if (other != unit) visit(context, other);
        }
    }
}

struct walk {
    uint32_t *stack;
    size_t depth;
    bool *marked;
};

static void push(void *context, uint32_t unit) {
    struct walk *walk = context;
    if (walk->marked[unit]) return;
    walk->marked[unit] = true;
    walk->stack[walk->depth++] = unit;
}

void fw_reach_from(const struct fw_model *model, uint32_t unit, bool *marked) {
    struct arena scratch = {0};
    struct walk walk = {.stack = ARENA_ARRAY(&scratch, uint32_t, model->unit_count + 1),
                        .marked = marked};
    push(&walk, unit);
    while (walk.depth)
        fw_each_reference(model, walk.stack[--walk.depth], push, &walk);
    arena_free(&scratch);
}

enum { PIECES = 8 };

/* What units next to each other refer to: of unit u, to[first[u]] up to to[end[u]]. */
struct piece {
    const struct fw_model *model;
    struct arena arena;
    size_t first_unit, end_unit;
    uint32_t *first, *end; /* by unit of the whole model; each piece writes its own */
    uint32_t *to;
    size_t count, capacity;
};

static void note_reference(void *context, uint32_t unit) {
    struct piece *piece = context;
    piece->to =
        arena_grow(&piece->arena, piece->to, piece->count, &piece->capacity, sizeof *piece->to);
    piece->to[piece->count++] = unit;
}

static void collect_piece(void *context, size_t p) {
    struct piece *piece = &((struct piece *)context)[p];
    for (size_t u = piece->first_unit; u < piece->end_unit; u++) {
        piece->first[u] = (uint32_t)piece->count;
        fw_each_reference(piece->model, (uint32_t)u, note_reference, piece);
        piece->end[u] = (uint32_t)piece->count;
    }
}

/* Reading every item is the long part: all cores share it. */
static void collect_references(const struct fw_model *model, struct piece *pieces,
                               struct arena *scratch) {
    uint32_t *first = ARENA_ARRAY(scratch, uint32_t, model->unit_count + 1);
    uint32_t *end = ARENA_ARRAY(scratch, uint32_t, model->unit_count + 1);
    for (size_t p = 0; p < PIECES; p++) {
        pieces[p] = (struct piece){.model = model,
                                   .first_unit = model->unit_count * p / PIECES,
                                   .end_unit = model->unit_count * (p + 1) / PIECES,
                                   .first = first,
                                   .end = end};
    }
    parallel_run(PIECES, collect_piece, pieces);
}

static void follow(const struct piece *pieces, struct walk *walk) {
    while (walk->depth) {
        uint32_t unit = walk->stack[--walk->depth];
        const struct piece *piece = pieces;
        while (unit >= piece->end_unit)
            piece++;
        for (uint32_t i = piece->first[unit]; i < piece->end[unit]; i++)
            push(walk, piece->to[i]);
    }
}

void fw_reach(struct fw_model *model) {
    struct arena scratch = {0};
    struct walk walk = {.stack = ARENA_ARRAY(&scratch, uint32_t, model->unit_count + 1),
                        .marked = ARENA_ARRAY(&scratch, bool, model->unit_count + 1)};
    struct piece pieces[PIECES];
    collect_references(model, pieces, &scratch);
    uint32_t entry = fw_item_at(model, model->entry & ~1U);
    if (entry != FW_NONE) push(&walk, model->items[entry].unit);
    for (uint32_t u = 0; u < model->unit_count; u++) {
        if (model->units[u].status == FW_UNIT_UNTOUCHED) push(&walk, u);
    }
    for (size_t i = 0; i < model->relocation_count; i++) {
        const struct fw_relocation *relocation = &model->relocations[i];
        if (relocation->target_item == FW_NONE) continue;
        if (fw_item_at(model, relocation->place) == FW_NONE) {
            push(&walk, model->items[relocation->target_item].unit);
        }
    }
    follow(pieces, &walk);
    for (size_t p = 0; p < PIECES; p++)
        arena_free(&pieces[p].arena);
    for (uint32_t u = 0; u < model->unit_count; u++)
        model->units[u].reachable = walk.marked[u];
    arena_free(&scratch);
}
