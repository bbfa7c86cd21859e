/* Shared by the steps of fw_values(); no one else includes this. */
#ifndef FIRMWARE_ANALYSE_FOLLOWING_H
#define FIRMWARE_ANALYSE_FOLLOWING_H

#include "firmware/analyse/values.h"

enum kind {
    VALUE_UNKNOWN,
    VALUE_STACK,    /* entry sp + bits */
    VALUE_CONSTANT, /* bits */
    VALUE_RETURN,   /* the return address */
    VALUE_LOCAL,    /* the way back behind a local call of this unit */
    VALUE_TABLE,    /* a word loaded from the relocated table at bits */
    VALUE_OTHER,    /* of sp: loaded from memory, another function's (__builtin_longjmp) */
};

struct value {
    uint32_t kind, bits;
};

enum { REGISTERS = 15 /* r0..lr */ };

/* A save is gone once the stack pointer is above it. */
enum saved {
    SAVED_NO,
    SAVED_RESTORED, /* it came back; what was saved is still at `slot` */
    SAVED_YES,
    SAVED_CONFLICT, /* not the same on every path; at `slot` or below */
};

struct state {
    struct value r[REGISTERS];
    uint32_t slot;  /* where the return address is, relative to entry sp */
    uint32_t mixed; /* sp in front of the save */
    uint8_t saved;  /* enum saved */
    bool copies;    /* some register but lr may hold the return address */
    bool lr_kept;   /* lr holds what the caller or a call put there, or the saved address again */
    bool reached;
};

struct walker {
    struct fw_model *model;
    const struct fw_flow *flow;
    struct state *states; /* by block of the unit */
    uint32_t *queue;
    size_t queue_count;
    bool *queued;
    uint32_t first_block;
    struct fw_frames *frames; /* set in the collecting pass */
    struct arena *arena;
    size_t site_capacity;
    const struct state *outgoing;
    bool any_unknown_goto;
    bool own_mpu;        /* the MPU is stored to */
    bool stores_copy;    /* of the return address, from another register than lr */
    bool carries_copy;   /* in a register that callees save, over a call */
    size_t stack_copies; /* stored to the stack */
    bool other_way;      /* control leaves where lr is not seen to hold the return address */
    const char *goto_unfollowed; /* a computed goto leaves with what would stand against it */
    bool *in_table;    /* by relocation: a goto of its target's unit reads it (labels.h) */
    uint32_t *returns; /* blocks behind the unit's local calls */
    size_t return_count;
};

static const struct value value_unknown = {VALUE_UNKNOWN, 0};

static inline struct value value_of(const struct state *state, unsigned reg) {
    return reg < REGISTERS ? state->r[reg] : value_unknown;
}

static inline bool value_same(struct value a, struct value b) {
    return a.kind == b.kind && a.bits == b.bits;
}

static inline struct value value_plus(struct value value, uint32_t bits) {
    if (value.kind == VALUE_STACK || value.kind == VALUE_CONSTANT) {
        value.bits += bits;
        return value;
    }
    return value_unknown;
}

/* A call of a subroutine inside the unit that nobody else calls: hand-written assembly,
 * which may leave through its caller's frame (libgcc's __aeabi_dmul). It is followed like a
 * jump that leaves a way back in lr. */
static inline bool values_is_local_call(const struct walker *walker, const struct fw_item *item) {
    if (item->insn->flow != THUMB_FLOW_CALL || item->target == FW_NONE) return false;
    return walker->model->items[item->target].unit == item->unit &&
           !walker->flow->outside[item->target];
}

/* effects.c: the instruction's effect on what is followed; collects where `frames` is set. */
void values_step(struct walker *walker, struct state *state, uint32_t index);
struct value values_loaded(struct walker *walker, const struct state *state,
                           const struct fw_item *item);

/* frames.c: what an instruction means for the frame, from the state in front of it. */
/* Requires: the stack pointer is the one behind the instruction. */
void frame_drop(struct state *state);
bool frame_merge(struct state *into, const struct state *from);
void frame_doubt(struct walker *walker, const char *reason);
void frame_store(struct walker *walker, struct state *state, uint32_t index, struct value sp_after);
/* Returns the register that now holds the return address, or REGISTERS. */
unsigned frame_load(struct walker *walker, struct state *state, uint32_t index,
                    struct value sp_after);
void frame_call(struct walker *walker, const struct state *state);
/* A jump or branch, in the collecting pass. */
void frame_leave(struct walker *walker, const struct state *state, const struct fw_item *item);
/* A block's last instruction where fw_runs_out() says so, in the collecting pass: as good as a
 * jump to what lies behind, where it leaves as it came. */
void frame_run_out(struct walker *walker, const struct state *state, const struct fw_item *item);
void frame_settle_copies(struct walker *walker);
/* When all units have been followed: who calls a unit that takes its caller's frame. */
void frames_settle_takers(const struct fw_model *model, struct fw_frames *frames);

#endif
