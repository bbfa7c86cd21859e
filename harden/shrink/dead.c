/* Drops functions that cannot run: not reached from the entry point, the vector table,
 * any pointer in data, or anything untouched. Data is never dropped.
 *
 * Requires: fw_lift(). Guarantees: no kept unit refers to a dropped one. */
#include "firmware/analyse/reach.h"
#include "harden/passes.h"

void shrink_dead(struct hardening *hardening) {
    struct fw_model *model = hardening->model;
    bool *kept = ARENA_ARRAY(&model->arena, bool, model->unit_count + 1);
    fw_reach(model);
    if (hardening->key_unit != FW_NONE) fw_reach_from(model, hardening->key_unit, kept);
    for (size_t u = 0; u < model->unit_count; u++) {
        struct fw_unit *unit = &model->units[u];
        if (unit->status != FW_UNIT_ACCEPTED || unit->reachable || kept[u]) continue;
        unit->status = FW_UNIT_DROPPED;
        unit->reason = "nothing reaches it";
    }
}
