/* What registers and stack slots hold, as sums of a few unknowns:
 *
 *     times * (base ror turn) + key * KEY + sp * SP + bits      (modulo 2^32)
 *
 * base is the value that a register or a stack slot had where the walk began, KEY is this
 * boot's key, SP the stack pointer there. Sealing and unsealing of return addresses are
 * such sums, so their effect is computed rather than recognised: whatever instructions are
 * used, `KEY + SP + n + (lr ror 16)` is a sealed return address and nothing else is. */
#ifndef CHECK_SUMS_H
#define CHECK_SUMS_H

#include <string.h>

#include "firmware/model.h"

enum {                 /* bases; 0..14 are registers */
       BASE_SLOT = 16, /* + k: the word k words above the stack pointer */
       BASE_SLOTS = 200,
       BASE_OTHER = 252, /* of sp: loaded from memory, another function's */
       BASE_LOCAL = 253, /* the way back behind a call inside the unit */
       BASE_NONE = 254,  /* a sum without a base */
       BASE_UNKNOWN = 255,
};

struct sum { /* eight bytes without a gap: compared whole */
    uint8_t base;
    int8_t times;
    uint8_t key : 4, sp : 4; /* -4 to 4, modulo 16 */
    uint8_t turn;            /* the base is rotated right by so many bits first */
    uint32_t bits;
};

enum { SUMS_REGISTERS = 15, SUMS_SLOTS = 16, SUMS_NONE_LOST = INT32_MIN };

struct sums {
    struct sum r[SUMS_REGISTERS];
    struct {
        uint32_t offset; /* from SP */
        struct sum value;
    } slots[SUMS_SLOTS];
    uint8_t slot_count;
    bool read_slots; /* loads from above SP give BASE_SLOT values */
    bool lr_kept;    /* lr holds what the caller or a call put there: it may be unknown which,
                        but it was in no memory, or came back from a slot that is followed */
    bool reached;
    int32_t lost_slot; /* the highest where some paths have the return address, plain or sealed,
                          and others have not; SUMS_NONE_LOST */
};

/* Where the key is read from, and what constants literals have. */
struct sums_context {
    struct fw_model *model;
    bool key_in_psp;
    uint32_t key_cell; /* address, 0 when in PSP or unknown */
};

_Static_assert(sizeof(struct sum) == 8, "a sum has no gap");

static const struct sum sum_unknown = {BASE_UNKNOWN, 0, 0, 0, 0, 0};

static inline struct sum sum_register(unsigned reg) {
    return (struct sum){(uint8_t)reg, 1, 0, 0, 0, 0};
}
static inline struct sum sum_constant(uint32_t bits) {
    return (struct sum){BASE_NONE, 0, 0, 0, 0, bits};
}
static inline bool sum_same(struct sum a, struct sum b) {
    return memcmp(&a, &b, sizeof a) == 0;
}
static inline bool sum_is_constant(struct sum a) {
    return a.base == BASE_NONE && a.key == 0 && a.sp == 0;
}
/* SP + bits */
static inline bool sum_is_stack(struct sum a) {
    return a.base == BASE_NONE && a.key == 0 && a.sp == 1;
}
static inline bool sum_is_base(struct sum a, unsigned base) {
    return a.base == base && a.turn == 0 && a.times == 1 && a.key == 0 && a.sp == 0 && a.bits == 0;
}
/* KEY + SP + distance + the base with its halves exchanged: sealed. Without the turn an overflow
 * that runs out early would hit the half of an address that leaves it near the code. */
static inline struct sum sum_sealed(unsigned base, uint32_t distance) {
    return (struct sum){(uint8_t)base, 1, 1, 1, 16, distance};
}
static inline bool sum_is_sealed(struct sum a, unsigned base) {
    return sum_same(a, sum_sealed(base, a.bits));
}

/* Like an assignment, without slots that hold nothing. */
void sums_copy(struct sums *to, const struct sums *from);
/* Every register its own base, sp = SP. */
void sums_start(struct sums *state);
/* The instruction's effect, executed or (in an IT block) perhaps executed. Calls leave
 * r0-r3, ip and lr unknown. Jumps have no effect beyond their loads. */
void sums_step(const struct sums_context *context, struct sums *state,
               const struct thumb_insn *insn);
/* The value an indirect jump takes into pc (before sums_step()). */
struct sum sums_jump_target(const struct sums_context *context, const struct sums *state,
                            const struct thumb_insn *insn);
struct sum sums_slot(const struct sums *state, uint32_t offset);
/* The return address, plain or sealed, in a slot that the bytes touch; else sum_unknown. */
struct sum sums_saved_in(const struct sums *state, uint32_t offset, uint32_t bytes);
/* True when anything changed. */
bool sums_merge(struct sums *into, const struct sums *from);
/* ROR.W of a register, which seals may use. */
bool sums_is_rotation(const struct thumb_insn *insn);
/* Where an instruction stores or loads: address of the lowest word, how many (a byte counts as
 * one), and the register of each; false when the address is no known sum. */
enum { SUMS_ACCESS_MAXIMUM = 32 };
struct sums_access {
    struct sum address;
    unsigned count;
    uint32_t bytes; /* of all of them; where a coprocessor decides, the most */
    uint8_t registers[SUMS_ACCESS_MAXIMUM]; /* 255: not a core register, or a part of it */
};
bool sums_access_of(const struct sums *state, const struct thumb_insn *insn,
                    struct sums_access *out);

#endif
