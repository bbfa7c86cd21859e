/* Liveness of r0-r12, lr and the condition flags at every instruction.
 *
 * A live set is a mask: bits 0..15 the core registers, bits 16..21 the flags
 * (THUMB_FLAG_* << FW_LIVE_FLAG_SHIFT). What is not known counts as live. The ABI is not
 * believed where code may be outside of it: r12 and flags are followed into callees and
 * back out of them (shrink-wrapping, -fipa-ra, libgcc's comparison routines). Back out only
 * in the caller's sets: in the callee's own, neither is live in front of its return because a
 * caller reads it. For r12 its unit's .ip_reserved says so; for flags nothing does, and who
 * would change flags there has to look at `after` of the calls.
 *
 * fw_liveness() fills the sets and sets fw_unit.entry_live and .ip_reserved. Requires:
 * fw_flow_build(). */
#ifndef FIRMWARE_ANALYSE_LIVENESS_H
#define FIRMWARE_ANALYSE_LIVENESS_H

#include "firmware/analyse/flow.h"

enum { FW_LIVE_FLAG_SHIFT = 16 };
#define FW_LIVE_FLAGS ((uint32_t)THUMB_FLAGS_NZCV << FW_LIVE_FLAG_SHIFT)
#define FW_LIVE_IP (1U << THUMB_IP)
#define FW_LIVE_LR (1U << THUMB_LR)

struct fw_liveness {
    struct arena arena;
    uint32_t *before; /* by item: live set in front of it */
    uint32_t *after;  /* by item: live set behind it, on any way on */
};

void fw_liveness(struct fw_model *model, const struct fw_flow *flow, struct fw_liveness *out);
void fw_liveness_free(struct fw_liveness *liveness);

#endif
