/* Edits that passes make: new instructions, new units. Items are named by index; an index
 * that others refer to keeps being the place they refer to.
 *
 * Requires: analyses are done; they say nothing about what an edit made. */
#ifndef FIRMWARE_EDIT_EDIT_H
#define FIRMWARE_EDIT_EDIT_H

#include "firmware/model.h"

/* Bits as in thumb_insn.bits: narrow when below 0xe800, else first half-word high. */
#define FW_EDIT_MAXIMUM 12

/* Put instructions in front of `item`: whoever refers to `item` now reaches the first of
 * them. Returns the index that `item`'s own instruction has from now on. The item must
 * hold no relocation and stand outside an IT block. */
uint32_t fw_insert_before(struct fw_model *model, uint32_t item, const uint32_t *bits,
                          size_t count);

/* Put instructions behind `item`; returns the last one's index. */
uint32_t fw_insert_after(struct fw_model *model, uint32_t item, const uint32_t *bits, size_t count);

/* Replace the instruction in place; its role (entry, label) stays. */
void fw_replace(struct fw_model *model, uint32_t item, uint32_t bits);

/* Replace by a branch (THUMB_B wide, THUMB_BL) or conditional branch to another item. */
void fw_replace_branch(struct fw_model *model, uint32_t item, enum thumb_op op, unsigned cond,
                       uint32_t target);

/* Replace by a narrow THUMB_B; layout makes it wide where it does not reach. */
void fw_replace_branch_narrow(struct fw_model *model, uint32_t item, uint32_t target);

/* A new unit of one local function symbol; empty until items are appended. */
uint32_t fw_add_unit(struct fw_model *model, const char *name);
/* Another function symbol of the (last added) unit, at the item appended next. */
void fw_add_function(struct fw_model *model, uint32_t unit, const char *name);
uint32_t fw_append(struct fw_model *model, uint32_t unit, uint32_t bits);
uint32_t fw_append_branch(struct fw_model *model, uint32_t unit, enum thumb_op op, unsigned cond,
                          uint32_t target);
/* A data word, aligned to 4; with a target, the Thumb address of that item. */
uint32_t fw_append_word(struct fw_model *model, uint32_t unit, uint32_t word, uint32_t target);
/* The tag of the function that is appended next. */
uint32_t fw_append_tag(struct fw_model *model, uint32_t unit, uint32_t word);
/* A data word aligned to 4 directly in front of `item`, which is aligned to 4 as well.
 * References to `item` do not see it. Returns FW_NONE when the instruction in front would
 * run into it: fw_takes_word_before() tells. */
bool fw_takes_word_before(const struct fw_model *model, uint32_t item);
uint32_t fw_put_word_before(struct fw_model *model, uint32_t item, uint32_t word);

#endif
