/* Labels that a computed goto of their own unit jumps to, and those that other code may jump
 * to as well.
 *
 * A goto that reads its target from a relocated table is followed to every label of its unit.
 * That says nothing of what comes in from elsewhere: a nested function's goto out of it, or
 * assembly, with a frame that nobody followed. Such code has the label's address from a word or
 * a MOVW/MOVT pair outside the gotos' tables, or loads a word of a table as a constant. */
#ifndef FIRMWARE_ANALYSE_LABELS_H
#define FIRMWARE_ANALYSE_LABELS_H

#include "firmware/model.h"

/* The relocation is a word of a table that a goto of the unit reads: with its neighbours that
 * are labels of the unit too, it is marked in `in_table` (by relocation). */
void fw_labels_mark_table(const struct fw_model *model, uint32_t unit, size_t relocation,
                          bool *in_table);

/* Refuses units with computed gotos into which something else may jump. */
void fw_labels_refuse_open(struct fw_model *model, bool *in_table);

#endif
