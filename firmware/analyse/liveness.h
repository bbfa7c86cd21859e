/* Liveness of r0-r12, lr and the condition flags at every instruction.
 *
 * A live set is a mask: bits 0..15 the core registers, bits 16..21 the flags
 * (THUMB_FLAG_* << FW_LIVE_FLAG_SHIFT). What is not known counts as live. The ABI is not
 * believed where code may be outside of it: r12 and flags are followed into callees, back out of
 * them, and over calls (shrink-wrapping, -fipa-ra, libgcc's comparison routines, hand-written
 * code). Back out and over only in the caller's sets: in the callee's own, neither is live in front
 * of its return because a caller reads it. Its unit's .ip_reserved and .keeps say so.
 *
 * r12 and NZCV have two bits more: fw_live_named(), where an instruction that is known reads them,
 * and not only something that might (through calls those alone live on); and fw_live_comes_out(),
 * where they may leave the unit by a return as they are, if what it calls keeps them.
 *
 * fw_liveness() fills the sets and sets fw_unit.entry_live, .ip_reserved and .keeps. Requires:
 * fw_flow_build(). */
#ifndef FIRMWARE_ANALYSE_LIVENESS_H
#define FIRMWARE_ANALYSE_LIVENESS_H

#include "firmware/analyse/flow.h"

enum { FW_LIVE_FLAG_SHIFT = 16 };
#define FW_LIVE_FLAGS ((uint32_t)THUMB_FLAGS_NZCV << FW_LIVE_FLAG_SHIFT)
#define FW_LIVE_IP (1U << THUMB_IP)
#define FW_LIVE_LR (1U << THUMB_LR)
/* Bits of r12 and NZCV to their second ones, and back; to their third ones, and back. */
static inline uint32_t fw_live_named(uint32_t bits) {
    return (bits & FW_LIVE_FLAGS) << 6 | (bits & FW_LIVE_IP) << 18;
}
static inline uint32_t fw_live_of_named(uint32_t live) {
    return (live >> 6 & FW_LIVE_FLAGS) | (live >> 18 & FW_LIVE_IP);
}
static inline uint32_t fw_live_comes_out(uint32_t bits) {
    return (bits & FW_LIVE_FLAGS) << 10 | (bits & FW_LIVE_IP) << 19;
}
static inline uint32_t fw_live_out_of(uint32_t live) {
    return (live >> 10 & FW_LIVE_FLAGS) | (live >> 19 & FW_LIVE_IP);
}

struct fw_liveness {
    struct arena arena;
    uint32_t *before; /* by item: live set in front of it */
    uint32_t *after;  /* by item: live set behind it, on any way on */
};

void fw_liveness(struct fw_model *model, const struct fw_flow *flow, struct fw_liveness *out);
/* r12 and flags that the indirect call or jump at the item must leave as they are between it and
 * what it goes to. */
uint32_t fw_kept_over(const struct fw_model *model, const struct fw_liveness *liveness,
                      uint32_t item);
void fw_liveness_free(struct fw_liveness *liveness);

#endif
