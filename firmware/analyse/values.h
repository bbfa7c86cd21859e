/* What registers hold, as far as it is a constant, an offset from the stack pointer at
 * the function's entry, the return address, or a word of a relocated table.
 *
 * From that: where a return address is saved to the stack and where it comes back
 * (struct fw_site), proven path by path; which computed gotos read their target straight
 * from a relocated table (units with others are refused); and by analyse/mpu whether the
 * firmware sets up the MPU itself (model->own_mpu).
 *
 * Requires: fw_flow_build(). May run beside fw_liveness(). */
#ifndef FIRMWARE_ANALYSE_VALUES_H
#define FIRMWARE_ANALYSE_VALUES_H

#include "firmware/analyse/flow.h"

enum fw_site_kind {
    FW_SITE_SAVE,    /* lr holds the return address and goes to the stack */
    FW_SITE_RESTORE, /* it comes back into lr, by a load or by a move from where it was popped */
    FW_SITE_RETURN,  /* it goes from the stack into pc */
};

struct fw_site {
    uint32_t item;
    int32_t distance; /* RESTORE: sp in front of the save minus sp behind the restore;
                         SAVE: sp in front of it minus sp behind it */
    uint8_t kind;
};

/* Sites of one unit. The stack pointers in front of a save and behind its restore differ by
 * the site's constant distance on every path; at a return it is 0. Blocks that no path from
 * an entry reaches have no sites. */
struct fw_frames {
    struct fw_site *sites;
    size_t site_count;
    size_t saves;       /* FW_SITE_SAVE among them */
    size_t copies;      /* plain ones beside them that it may return by: on the stack, and one
                           where a register keeps it over calls: a callee may put it there */
    bool takes_frame;   /* returns through its caller's frame, or with another stack pointer than
                           it came with */
    bool goes_on_bare;  /* goes on to a function with nothing of its own on the stack */
    const char *reason; /* why the sites do not prove that sealing keeps behaviour, or NULL */
};

enum { FW_VALUES_PIECES = 4 };

struct fw_values {
    struct arena arenas[FW_VALUES_PIECES]; /* units are followed on several threads */
    struct fw_frames *frames;              /* by unit */
};

void fw_values(struct fw_model *model, const struct fw_flow *flow, struct fw_values *out);
/* Of that, for the units with computed gotos, only which of those are proven: refuses the
 * units and sets fw_unit.open_goto as fw_values() does. */
void fw_prove_gotos(struct fw_model *model, const struct fw_flow *flow);
void fw_values_free(struct fw_values *values);

#endif
