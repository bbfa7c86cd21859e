/* The steps of lifting, in their order. See lift.h. */
#include "firmware/lift/lifting.h"

/* Which units have their address in data or code, and which the vector table names. */
static void mark_taken(struct fw_model *model) {
    for (size_t i = 0; i < model->relocation_count; i++) {
        const struct fw_relocation *relocation = &model->relocations[i];
        if (relocation->target_item == FW_NONE) continue;
        const struct fw_item *item = &model->items[relocation->target_item];
        struct fw_unit *unit = &model->units[item->unit];
        bool vector = model->vector_table != FW_NONE &&
                      relocation->place - model->vector_table < model->vector_table_bytes;
        if (vector) {
            unit->vector = true;
        } else if (item->entry && relocation->target_thumb) {
            unit->address_taken = true;
        }
    }
}

enum status fw_lift(struct fw_model *model, struct error *error) {
    struct lift lift = {.model = model, .error = error};
    enum status status = lift_find_functions(&lift);
    if (status != STATUS_OK) goto out;
    /* About one item for every three bytes of code; grown when that is wrong. */
    size_t code_bytes = 0;
    for (size_t i = 0; i < model->section_count; i++) {
        if (fw_is_code_section(&model->sections[i])) code_bytes += model->sections[i].size_bytes;
    }
    model->item_capacity = code_bytes / 2 + code_bytes / 8 + 64;
    model->items = ARENA_ARRAY(&model->arena, struct fw_item, model->item_capacity);
    for (size_t i = 0; i < lift.function_count; i++) {
        lift_decode_function(&lift, &lift.functions[i]);
    }
    status = lift_resolve_references(&lift);
    if (status != STATUS_OK) goto out;
    lift_form_units(&lift);
    mark_taken(model);
out:
    arena_free(&lift.scratch);
    return status;
}
