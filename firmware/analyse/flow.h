/* Basic blocks and what follows them.
 *
 * fw_flow_build() also says of every indirect jump what it is (fw_item.jump), as far as
 * the instructions in front of it show; a unit with a jump that cannot be told apart is
 * refused. Computed gotos (FW_JUMP_GOTO) still have to be proven by fw_values(). Units
 * from which no path returns are marked noreturn, and a call of one has no successor.
 *
 * Requires: fw_lift(). Valid until a pass edits the unit. */
#ifndef FIRMWARE_ANALYSE_FLOW_H
#define FIRMWARE_ANALYSE_FLOW_H

#include "firmware/model.h"

struct fw_block {
    uint32_t first, last; /* items; last is reached from first by .next */
};

struct fw_flow {
    struct arena arena;
    struct fw_block *blocks;
    size_t block_count;
    uint32_t *unit_first;  /* first block of each unit; unit_count + 1 entries */
    uint32_t *block_of;    /* by item: block that starts there, or FW_NONE */
    uint32_t *labels;      /* items whose address is taken, by unit */
    uint32_t *label_first; /* unit_count + 1 entries */
    bool *outside;         /* by item: entered from outside its unit: function starts, targets
                              of other units' references, Thumb addresses that are taken */
};

void fw_flow_build(struct fw_model *model, struct fw_flow *flow);
void fw_flow_free(struct fw_flow *flow);

/* Calls visit(context, block) for each block that may follow `block` in its unit. */
typedef void (*fw_successor_function)(void *context, uint32_t block);
void fw_each_successor(const struct fw_model *model, const struct fw_flow *flow, uint32_t block,
                       fw_successor_function visit, void *context);

/* May control go on behind the instruction, as far as calls are known not to come back? */
bool fw_goes_on(const struct fw_model *model, const struct fw_item *item);

/* May control go on behind the instruction, which a block ends in, where none of its unit is:
 * out of a function's end, or into data? Where that can be reached, the unit and what lies behind
 * it are refused (fw_model.run_outs). */
bool fw_runs_out(const struct fw_model *model, const struct fw_item *item);

/* How many instructions of the block read lr for something else than a return by it. */
unsigned fw_uses_of_lr(const struct fw_model *model, const struct fw_block *block);

/* ORR.W Rd, Rn, #1: GCC's Thumb-2 computed goto sets the Thumb bit so before BX. */
bool fw_is_orr_one(const struct thumb_insn *insn);

/* A jump that may go anywhere: computed, and not proven to reach a label of its own unit (by
 * fw_values() or fw_prove_gotos() where the unit has labels). Nothing checks where it goes; it
 * counts as an indirect call that is not protected. */
bool fw_is_open_jump(const struct fw_model *model, const struct fw_item *item);

/* The item where a direct branch or call of this instruction leaves the unit (another
 * unit's item), or FW_NONE. */
uint32_t fw_leaves_to(const struct fw_model *model, const struct fw_item *item);

#endif
