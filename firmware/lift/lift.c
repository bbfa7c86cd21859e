/* The steps of lifting, in their order. See lift.h. */
#include "firmware/lift/lifting.h"

/* Which units have their address in data or code, and which the vector table names. */
static void mark_taken(struct fw_model *model) {
    for (size_t i = 0; i < model->relocation_count; i++) {
        const struct fw_relocation *relocation = &model->relocations[i];
        if (relocation->target_item == FW_NONE) continue;
        const struct fw_item *item = &model->items[relocation->target_item];
        struct fw_unit *unit = &model->units[item->unit];
        if (model->vector_table != FW_NONE &&
            relocation->place - model->vector_table < model->vector_table_bytes) {
            unit->vector = true;
        }
        bool taken = item->entry && relocation->target_thumb;
        if (taken && !fw_is_vector_alone(model, relocation->place)) unit->address_taken = true;
    }
}

static void mark_taken_by_code(struct fw_model *model) {
    for (size_t i = 0; model->relative_addresses && i < model->item_count; i++) {
        const struct fw_item *item = &model->items[i];
        if (!fw_takes_entry(model, item)) continue;
        model->units[model->items[item->target].unit].address_taken = true;
    }
}

enum status fw_lift(struct fw_model *model, struct error *error) {
    struct lift lift = {.model = model, .error = error};
    enum status status = lift_find_functions(&lift);
    if (status != STATUS_OK) goto out;
    lift_decode_functions(&lift);
    status = lift_resolve_references(&lift);
    if (status != STATUS_OK) goto out;
    lift_find_vectors(&lift);
    lift_form_units(&lift);
    mark_taken(model);
    mark_taken_by_code(model);
out:
    arena_free(&lift.scratch);
    return status;
}
