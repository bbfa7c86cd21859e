/* Which units can run: reached from the entry point, the vector table, pointers in data
 * and everything untouched, over direct branches and taken addresses. Sets
 * fw_unit.reachable. Requires: fw_lift(). */
#ifndef FIRMWARE_ANALYSE_REACH_H
#define FIRMWARE_ANALYSE_REACH_H

#include "firmware/model.h"

void fw_reach(struct fw_model *model);

/* Mark `unit` and everything its code refers to, in a caller-owned array of unit_count
 * flags: the closure that fw_reach() follows, from one start. */
void fw_reach_from(const struct fw_model *model, uint32_t unit, bool *marked);

/* Calls visit(context, unit) for each other unit that the unit's code refers to. */
void fw_each_reference(const struct fw_model *model, uint32_t unit,
                       void (*visit)(void *context, uint32_t unit), void *context);

#endif
