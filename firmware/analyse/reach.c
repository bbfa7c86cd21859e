/* See reach.h. */
#include "firmware/analyse/reach.h"

#include <elf.h>

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

static void follow(const struct fw_model *model, struct walk *walk) {
    while (walk->depth)
        fw_each_reference(model, walk->stack[--walk->depth], push, walk);
}

void fw_reach_from(const struct fw_model *model, uint32_t unit, bool *marked) {
    struct arena scratch = {0};
    struct walk walk = {.stack = ARENA_ARRAY(&scratch, uint32_t, model->unit_count + 1),
                        .marked = marked};
    push(&walk, unit);
    follow(model, &walk);
    arena_free(&scratch);
}

void fw_reach(struct fw_model *model) {
    struct arena scratch = {0};
    struct walk walk = {.stack = ARENA_ARRAY(&scratch, uint32_t, model->unit_count + 1),
                        .marked = ARENA_ARRAY(&scratch, bool, model->unit_count + 1)};
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
    follow(model, &walk);
    for (uint32_t u = 0; u < model->unit_count; u++)
        model->units[u].reachable = walk.marked[u];
    arena_free(&scratch);
}
