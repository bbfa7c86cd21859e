/* Decodes the functions on all cores: parts of neighbours, each with items, tables and forms
 * of its own, then joined in the order of the addresses, so that the model is the same
 * however many parts there were. See lift.h. */
#include "firmware/lift/lifting.h"

#include "base/parallel.h"

#include <string.h>

/* Less code than this is not worth a thread. */
enum { PART_BYTES_LEAST = 16384 };

/* Parts of about equal bytes. */
static void cut_into_parts(struct lift *lift) {
    uint64_t bytes = 0, behind = 0;
    for (size_t i = 0; i < lift->function_count; i++)
        bytes += lift->functions[i].limit - lift->functions[i].address;
    size_t most = (size_t)(bytes / PART_BYTES_LEAST) + 1, cores = parallel_cores();
    size_t count = cores < most ? cores : most, function = 0;
    lift->parts = ARENA_ARRAY(&lift->scratch, struct lift_part, count);
    lift->part_count = count;
    for (size_t i = 0; i < count; i++) {
        struct lift_part *part = &lift->parts[i];
        *part = (struct lift_part){.lift = lift, .first_function = function};
        while (function < lift->function_count &&
               (i + 1 == count || behind * count < bytes * (i + 1))) {
            behind += lift->functions[function].limit - lift->functions[function].address;
            function++;
        }
        part->end_function = function;
        part->forms = lift_new_forms(i ? &lift->scratch : &lift->model->arena);
        part->arena = i ? &part->own : &lift->model->arena; /* one thread at most uses that */
    }
}

static void bound_part(void *context, size_t i) {
    struct lift_part *part = &((struct lift *)context)->parts[i];
    for (size_t f = part->first_function; f < part->end_function; f++)
        part->item_room += lift_items_at_most(part->lift, &part->lift->functions[f]);
}

static void decode_part(void *context, size_t i) {
    struct lift_part *part = &((struct lift *)context)->parts[i];
    for (size_t f = part->first_function; f < part->end_function; f++)
        lift_decode_function(part, &part->lift->functions[f]);
}

/* Indexes within the part still: resolving adds the part's first to them. */
static void join_parts(struct lift *lift) {
    struct fw_model *model = lift->model;
    for (size_t i = 0; i < lift->part_count; i++)
        model->table_target_count += lift->parts[i].table_target_count;
    model->table_target_capacity = model->table_target_count;
    model->table_targets = ARENA_ARRAY(&model->arena, uint32_t, model->table_target_count);
    size_t tables = 0;
    for (size_t i = 0; i < lift->part_count; i++) {
        struct lift_part *part = &lift->parts[i];
        part->first_item = (uint32_t)model->item_count;
        memmove(&model->items[model->item_count], part->items,
                part->item_count * sizeof *part->items);
        part->items = &model->items[model->item_count];
        model->item_count += part->item_count;
        part->first_table_target = (uint32_t)tables;
        if (part->table_target_count) {
            memcpy(&model->table_targets[tables], part->table_targets,
                   part->table_target_count * sizeof *part->table_targets);
        }
        tables += part->table_target_count;
        arena_join(&model->arena, &part->own);
    }
}

void lift_decode_functions(struct lift *lift) {
    struct fw_model *model = lift->model;
    cut_into_parts(lift);
    model->forms = lift->parts[0].forms;
    parallel_run(lift->part_count, bound_part, lift);
    size_t room = 0;
    for (size_t i = 0; i < lift->part_count; i++)
        room += lift->parts[i].item_room;
    /* A quarter more for what passes put in. */
    model->item_capacity = room + room / 4 + 64;
    model->items = ARENA_ARRAY(&model->arena, struct fw_item, model->item_capacity);
    room = 0;
    for (size_t i = 0; i < lift->part_count; i++) {
        lift->parts[i].items = &model->items[room];
        room += lift->parts[i].item_room;
    }
    parallel_run(lift->part_count, decode_part, lift);
    join_parts(lift);
}
