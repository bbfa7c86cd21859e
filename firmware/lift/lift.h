/* From bytes to units and items: find the functions, decode them, make every reference
 * symbolic, group what shares code, and say of each unit if it may move.
 *
 * Requires: fw_read(). Guarantees: every function symbol in a code section is in exactly
 * one unit; every item of an accepted unit is decoded, none is UNPREDICTABLE, each of its
 * references has a target; each relocation whose value is an address in a unit names the
 * item. A unit that breaks a rule is FW_UNIT_UNTOUCHED with the reason; and what bytes
 * that nobody understood might branch to is untouched too.
 *
 * A function of a known size that ends in a call, of another or of the host (semihosting), may
 * have nothing behind it: whether the call comes back is left to fw_flow_build().
 *
 * Exact or untouched: mapping symbols ($t, $d) say what is code; a table's length must
 * follow from its span and, where there is one, its bound check; nothing is inferred from
 * likelihood. */
#ifndef FIRMWARE_LIFT_LIFT_H
#define FIRMWARE_LIFT_LIFT_H

#include "firmware/model.h"

enum status fw_lift(struct fw_model *model, struct error *error);

/* Mark the unit untouched; the first reason stays. */
void fw_refuse(struct fw_unit *unit, const char *reason);

/* The instruction at `address` in the IT state `it_state`: borrowed from the model, shared by
 * equal ones, never written to. NULL when fewer bytes are available than it needs. */
const struct thumb_insn *fw_decode(struct fw_model *model, const uint8_t *bytes,
                                   size_t available_bytes, uint32_t address, uint8_t it_state);
/* What items that are no instruction have. */
extern const struct thumb_insn fw_no_insn;

/* A new item in the pool, of no instruction; may move model->items. */
uint32_t fw_new_item(struct fw_model *model);

#endif
