/* Can a function be the source of the key, uint32_t f(void), that runs before start-up has set
 * any variable?
 *
 * Both questions are answered by what is certain: a register that is read before anything wrote
 * it, a return to which no instruction nor call has given a result, a word whose address the code
 * holds. What cannot be followed (calls through pointers, undecoded code) is no reason.
 *
 * Requires: fw_flow_build(). */
#ifndef FIRMWARE_ANALYSE_EARLY_H
#define FIRMWARE_ANALYSE_EARLY_H

#include "firmware/analyse/flow.h"

/* Why what begins at the item is not uint32_t f(void), as the end of "the key function ...", or
 * NULL. */
const char *fw_not_a_source(const struct fw_model *model, const struct fw_flow *flow,
                            uint32_t entry);

/* What the code that runs with the unit refers to, and start-up sets only later: its functions,
 * those that they refer to, and so on; those that do not come back left out, as of a failed
 * assertion. */
struct fw_early_use {
    uint32_t unit;       /* whose code it is */
    uint32_t address;    /* that the code holds: of a variable or one near it, as compilers reach
                            several from one, or of code that runs from RAM */
    const char *section; /* where that is */
    const char *object;  /* what is at the address, or NULL */
};
bool fw_early_use(struct fw_model *model, uint32_t unit, struct fw_early_use *out);

#endif
