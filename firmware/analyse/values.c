/* See values.h. Forward over blocks to a fixed point; the lattice has two steps (a known
 * value, unknown), so each register of a block changes at most twice. A last pass over
 * the fixed point collects what is asked for. */
#include "firmware/analyse/values.h"

#include "base/parallel.h"
#include "firmware/analyse/labels.h"
#include "firmware/analyse/mpu.h"
#include "firmware/lift/lift.h"

#include <string.h>

enum kind {
    VALUE_UNKNOWN,
    VALUE_STACK,    /* entry sp + bits */
    VALUE_CONSTANT, /* bits */
    VALUE_RETURN,   /* the return address */
    VALUE_LOCAL,    /* the way back behind a local call of this unit */
    VALUE_TABLE,    /* a word loaded from the relocated table at bits */
};

struct value {
    uint32_t kind, bits;
};

enum { REGISTERS = 15 /* r0..lr */, DISTANCE_MAXIMUM = 1024 };
enum saved { SAVED_NO, SAVED_YES, SAVED_CONFLICT };

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
    bool own_mpu;         /* the MPU is stored to */
    bool stores_copy;     /* of the return address, from another register than lr */
    bool carries_copy;    /* in a register that callees save, over a call */
    size_t stack_copies;  /* stored to the stack */
    bool other_way;       /* control leaves where lr is not seen to hold the return address */
    bool goto_unfollowed; /* a computed goto leaves with what is not followed in lr */
    bool *in_table;       /* by relocation: a goto of its target's unit reads it (labels.h) */
    uint32_t *returns;    /* blocks behind the unit's local calls */
    size_t return_count;
};

static const struct value unknown = {VALUE_UNKNOWN, 0};
static const char goes_on_unfollowed[] =
    "it goes on to a function that returns to what is not followed";

static bool same(struct value a, struct value b) {
    return a.kind == b.kind && a.bits == b.bits;
}

static struct value get(const struct state *state, unsigned reg) {
    return reg < REGISTERS ? state->r[reg] : unknown;
}

static struct value plus(struct value value, uint32_t bits) {
    if (value.kind == VALUE_STACK || value.kind == VALUE_CONSTANT) {
        value.bits += bits;
        return value;
    }
    return unknown;
}

static unsigned list_bytes(uint16_t list) {
    return 4U * (unsigned)__builtin_popcount(list);
}

static uint32_t word_at(struct fw_model *model, const struct fw_item *item, bool *ok) {
    const struct fw_item *pool = &model->items[item->target];
    uint8_t *bytes = fw_bytes_at(model, pool->address + item->target_delta, 4);
    uint32_t word = 0;
    *ok = bytes && span_u32le((struct span){bytes, 4}, 0, &word);
    return word;
}

/* VPUSH and VPOP (A7.7.249, A7.7.248): bytes moved, 0 for other instructions. */
static uint32_t vector_stack_bytes(const struct thumb_insn *insn, bool *push) {
    uint32_t bits = insn->bits & 0xffbf0e00U;
    if (!insn->coprocessor || insn->size_bytes != 4) return 0;
    if (bits != 0xed2d0a00U && bits != 0xecbd0a00U) return 0;
    *push = bits == 0xed2d0a00U;
    /* FSTMX's odd count moves one word more than it names. */
    return (insn->bits & 0xff) * 4;
}

/* Address offset of a load or store with an immediate; false for register offsets. */
static bool memory_offset(const struct thumb_insn *insn, uint32_t *offset) {
    if (insn->rm != THUMB_NO_REGISTER) return false;
    *offset = !insn->index ? 0 : insn->subtract ? 0U - insn->imm : insn->imm;
    return true;
}

static struct value loaded(struct walker *walker, const struct state *state,
                           const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    struct fw_model *model = walker->model;
    if (insn->reference == THUMB_REFERENCE_LITERAL && item->target != FW_NONE) {
        bool ok;
        uint32_t word = word_at(model, item, &ok);
        return ok ? (struct value){VALUE_CONSTANT, word} : unknown;
    }
    struct value base = get(state, insn->rn);
    uint32_t offset;
    if (base.kind == VALUE_CONSTANT && memory_offset(insn, &offset)) {
        return (struct value){VALUE_TABLE, base.bits + offset};
    }
    /* [base, index, lsl #2] either way round for lsl #0 forms is not taken. */
    if (base.kind == VALUE_CONSTANT && insn->rm != THUMB_NO_REGISTER && insn->shift == 2) {
        return (struct value){VALUE_TABLE, base.bits};
    }
    return unknown;
}

/* The value that the instruction puts into `rd`, when it is one we follow. */
static struct value result(struct walker *walker, const struct state *state,
                           const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    switch (insn->op) {
    case THUMB_MOV_REGISTER:
        return get(state, insn->rm);
    case THUMB_MOV_IMMEDIATE:
        return (struct value){VALUE_CONSTANT, insn->imm};
    case THUMB_MVN_IMMEDIATE:
        return (struct value){VALUE_CONSTANT, ~insn->imm};
    case THUMB_MOVT: {
        struct value low = get(state, insn->rd);
        if (low.kind != VALUE_CONSTANT) return unknown;
        return (struct value){VALUE_CONSTANT, (low.bits & 0xffff) | insn->imm << 16};
    }
    case THUMB_ADR:
        return (struct value){VALUE_CONSTANT, insn->target};
    case THUMB_ADD_IMMEDIATE:
        return plus(get(state, insn->rn), insn->imm);
    case THUMB_SUB_IMMEDIATE:
        return plus(get(state, insn->rn), 0U - insn->imm);
    case THUMB_ADD_REGISTER: {
        struct value a = get(state, insn->rn), b = get(state, insn->rm);
        if (insn->shift != 0) return unknown;
        if (b.kind == VALUE_CONSTANT) return plus(a, b.bits);
        return a.kind == VALUE_CONSTANT ? plus(b, a.bits) : unknown;
    }
    case THUMB_SUB_REGISTER: {
        struct value b = get(state, insn->rm);
        if (insn->shift != 0 || b.kind != VALUE_CONSTANT) return unknown;
        return plus(get(state, insn->rn), 0U - b.bits);
    }
    case THUMB_LDR:
        return loaded(walker, state, item);
    default:
        if (fw_is_orr_one(insn) && insn->rd < REGISTERS) {
            struct value table = get(state, insn->rn);
            return table.kind == VALUE_TABLE ? table : unknown;
        }
        return unknown;
    }
}

static void add_site(struct walker *walker, uint32_t item, enum fw_site_kind kind,
                     int32_t distance) {
    struct fw_frames *frames = walker->frames;
    if (!frames) return;
    frames->sites = arena_grow(walker->arena, frames->sites, frames->site_count,
                               &walker->site_capacity, sizeof *frames->sites);
    frames->sites[frames->site_count++] = (struct fw_site){item, distance, (uint8_t)kind};
    if (kind == FW_SITE_SAVE) frames->saves++;
}

static void doubt(struct walker *walker, const char *reason) {
    if (walker->frames && !walker->frames->reason) walker->frames->reason = reason;
}

/* LDRD and STRD (immediate and literal; A7.7.50, A7.7.166). */
static bool is_dual(const struct thumb_insn *insn) {
    uint32_t p_or_w = insn->bits & 0x01200000U;
    return insn->size_bytes == 4 && (insn->bits & 0xfe400000U) == 0xe8400000U && p_or_w != 0;
}

/* The registers whose values a single store writes, as a mask. Stores that are not known
 * in detail write whatever they read but the base. */
static uint32_t stored_registers(const struct thumb_insn *insn) {
    if (insn->coprocessor) return 0;
    if (is_dual(insn)) return 1U << (insn->bits >> 12 & 15) | 1U << (insn->bits >> 8 & 15);
    if (insn->op == THUMB_STR) return 1U << insn->rd;
    uint32_t base = insn->rn < 16 ? 1U << insn->rn : 0;
    return insn->reads & ~base;
}

/* Bytes that a load reads at its address, or more. */
static uint32_t loaded_bytes(const struct thumb_insn *insn) {
    if (insn->op == THUMB_POP || insn->op == THUMB_LDM) return list_bytes(insn->list);
    if (insn->coprocessor) { /* P = 1, W = 0: one register; else a list */
        return (insn->bits & 0x01200000U) == 0x01000000U ? 8 : 4 * (insn->bits & 0xff);
    }
    if (is_dual(insn)) return 8;
    return insn->op == THUMB_LDR ? 4 : 2;
}

/* A store whose data may be a return address. `offset` is lr's place for list stores. */
static void store(struct walker *walker, struct state *state, uint32_t index,
                  struct value sp_after) {
    const struct thumb_insn *insn = walker->model->items[index].insn;
    struct value lr = state->r[THUMB_LR], base = get(state, insn->rn);
    bool list = insn->op == THUMB_PUSH || insn->op == THUMB_STM;
    uint32_t stored = list ? insn->list : stored_registers(insn);
    bool stores_lr = stored >> THUMB_LR & 1;
    if (insn->op == THUMB_PUSH) base = state->r[THUMB_SP];
    for (unsigned r = 0; r < THUMB_LR; r++) {
        if (!(stored >> r & 1) || state->r[r].kind != VALUE_RETURN) continue;
        walker->stores_copy = true;
        walker->stack_copies += base.kind == VALUE_STACK;
    }
    if (!stores_lr || lr.kind != VALUE_RETURN) return;
    if (base.kind != VALUE_STACK) {
        bool stack = insn->op == THUMB_PUSH || insn->rn == THUMB_SP;
        if (stack) doubt(walker, "its stack pointer is not known where it saves lr");
        return; /* a context saved elsewhere: setjmp */
    }
    uint32_t offset = 0, sp = state->r[THUMB_SP].bits;
    if (insn->op == THUMB_PUSH) {
        offset = 0U - 4; /* lr is the highest of the list */
    } else if (insn->op == THUMB_STM) {
        offset = insn->decrement ? 0U - 4 : list_bytes(insn->list) - 4;
    } else if (is_dual(insn) && memory_offset(insn, &offset)) {
        if (insn->rd != THUMB_LR) offset += 4; /* the second of STRD */
    } else if (insn->op != THUMB_STR || !memory_offset(insn, &offset)) {
        doubt(walker, "it saves lr in a way that is not followed");
        return;
    }
    if (state->r[THUMB_SP].kind != VALUE_STACK) {
        doubt(walker, "its stack pointer is not known where it saves lr");
        return;
    }
    if (insn->in_it) {
        doubt(walker, "it saves lr under a condition");
        return;
    }
    if (state->saved != SAVED_NO) {
        doubt(walker, "it saves its return address twice on one path");
        if (walker->frames) walker->frames->copies++;
        return;
    }
    state->saved = SAVED_YES;
    state->slot = base.bits + offset;
    state->mixed = sp;
    bool near = sp_after.kind == VALUE_STACK && sp - sp_after.bits <= DISTANCE_MAXIMUM;
    if (!near) doubt(walker, "its stack pointer is not known where it saves lr");
    add_site(walker, index, FW_SITE_SAVE, (int32_t)(sp - sp_after.bits));
}

/* `pop {rN}; mov lr, rN`: the end of _init and _fini (crtn.o), as for ARMv6-M. Returns the
 * move, which is where the address comes back. */
static uint32_t move_to_lr_behind(const struct walker *walker, uint32_t index) {
    const struct fw_item *pop = &walker->model->items[index];
    if (pop->insn->op != THUMB_POP || pop->insn->in_it || pop->next == FW_NONE) return FW_NONE;
    const struct fw_item *move = &walker->model->items[pop->next];
    bool moves = move->kind == FW_ITEM_INSN && move->insn->op == THUMB_MOV_REGISTER &&
                 move->insn->rd == THUMB_LR && !move->insn->in_it && !move->block_start;
    return moves && move->insn->rm <= 7 && pop->insn->list == 1U << move->insn->rm ? pop->next
                                                                                   : FW_NONE;
}

/* A load that may read the slot. sp_after: the stack pointer behind the instruction.
 * Returns the register that now holds the return address, or REGISTERS. */
static unsigned load(struct walker *walker, struct state *state, uint32_t index,
                     struct value sp_after) {
    const struct thumb_insn *insn = walker->model->items[index].insn;
    bool pop = insn->op == THUMB_POP, list = pop || insn->op == THUMB_LDM;
    struct value base = pop ? state->r[THUMB_SP] : get(state, insn->rn);
    bool to_lr = list ? insn->list >> THUMB_LR & 1 : insn->op == THUMB_LDR && insn->rd == THUMB_LR;
    bool to_pc = insn->flow == THUMB_FLOW_JUMP_INDIRECT && insn->op != THUMB_BX;
    bool from_stack = pop || insn->rn == THUMB_SP || base.kind == VALUE_STACK;
    if (!from_stack || insn->reference != THUMB_REFERENCE_NONE) return REGISTERS;
    uint32_t first, bytes = loaded_bytes(insn);
    uint32_t offset = 0;
    if (!list && !memory_offset(insn, &offset)) return REGISTERS; /* an array on the stack */
    if (insn->op == THUMB_LDM && insn->decrement) offset = 0U - bytes;
    first = base.bits + offset;
    uint32_t top = first + bytes - 4;
    bool known = base.kind == VALUE_STACK;
    bool match =
        known && state->saved == SAVED_YES && top == state->slot && sp_after.kind == VALUE_STACK;
    int32_t distance = (int32_t)(state->mixed - sp_after.bits);
    if (to_pc && distance != 0) match = false;
    if (distance > DISTANCE_MAXIMUM || distance < -DISTANCE_MAXIMUM) match = false;
    if (to_lr || to_pc) {
        if (match) {
            add_site(walker, index, to_pc ? FW_SITE_RETURN : FW_SITE_RESTORE, distance);
            /* Under a condition the other path still has it saved. */
            if (to_lr && insn->in_it) doubt(walker, "it restores lr under a condition");
            if (!insn->in_it) state->saved = SAVED_NO;
            return to_lr ? THUMB_LR : REGISTERS;
        }
        if (to_pc) doubt(walker, "it returns through a stack slot that is not followed");
        if (to_lr && !(known && state->saved == SAVED_YES && state->slot - first > top - first)) {
            doubt(walker, "it loads lr from a stack slot that is not followed");
        }
        return REGISTERS;
    }
    uint32_t move = move_to_lr_behind(walker, index);
    if (match && move != FW_NONE) {
        add_site(walker, move, FW_SITE_RESTORE, distance);
        state->saved = SAVED_NO;
        return walker->model->items[move].insn->rm;
    }
    if (known && state->saved == SAVED_YES && state->slot - first < bytes) {
        doubt(walker, "it reads its saved return address");
    }
    return REGISTERS;
}

/* The stack pointer behind the instruction. */
static struct value stack_after(const struct state *state, const struct thumb_insn *insn,
                                struct value computed) {
    struct value sp = state->r[THUMB_SP];
    bool push = false;
    uint32_t vector = vector_stack_bytes(insn, &push);
    if (!(insn->writes >> THUMB_SP & 1)) return sp;
    if (vector) return plus(sp, push ? 0U - vector : vector);
    switch (insn->op) {
    case THUMB_PUSH:
        return plus(sp, 0U - list_bytes(insn->list));
    case THUMB_POP:
        return plus(sp, list_bytes(insn->list));
    case THUMB_STM:
    case THUMB_LDM:
        if (insn->rn != THUMB_SP) return unknown;
        return plus(sp, insn->decrement ? 0U - list_bytes(insn->list) : list_bytes(insn->list));
    case THUMB_LDR:
    case THUMB_STR:
    case THUMB_LOAD:
    case THUMB_STORE:
        if (insn->rn != THUMB_SP || !insn->writeback || insn->rm != THUMB_NO_REGISTER) {
            return unknown;
        }
        return plus(sp, insn->subtract ? 0U - insn->imm : insn->imm);
    default:
        return insn->rd == THUMB_SP ? computed : unknown;
    }
}

/* A computed goto is exact when its target comes straight from a table whose first word
 * a relocation ties to a label of this unit. */
static void check_goto(struct walker *walker, const struct state *state,
                       const struct fw_item *item) {
    struct fw_model *model = walker->model;
    const struct thumb_insn *insn = item->insn;
    struct value target = unknown;
    /* No address of a place inside it exists: it leaves, as a non-local goto does. */
    if (!model->units[item->unit].labels) return;
    if (insn->op == THUMB_BX || insn->op == THUMB_MOV_REGISTER) target = get(state, insn->rm);
    if (insn->op == THUMB_LDR) target = loaded(walker, state, item);
    if (target.kind == VALUE_TABLE) {
        size_t r = fw_relocation_from(model, target.bits);
        if (r < model->relocation_count && model->relocations[r].place == target.bits &&
            model->relocations[r].target_item != FW_NONE) {
            const struct fw_item *label = &model->items[model->relocations[r].target_item];
            if (label->unit == item->unit && label->label) {
                fw_labels_mark_table(model, item->unit, r, walker->in_table);
                return;
            }
        }
    }
    walker->any_unknown_goto = true;
}

/* A call of a subroutine inside the unit that nobody else calls: hand-written assembly,
 * which may leave through its caller's frame (libgcc's __aeabi_dmul). It is followed like a
 * jump that leaves a way back in lr. */
static bool is_local_call(const struct walker *walker, const struct fw_item *item) {
    if (item->insn->flow != THUMB_FLOW_CALL || item->target == FW_NONE) return false;
    return walker->model->items[item->target].unit == item->unit &&
           !walker->flow->outside[item->target];
}

/* A value in r4-r11 is on the stack of whatever callee uses the register. */
static void note_carried(struct walker *walker, const struct state *state) {
    enum { FIRST = 4, LAST = 11 };
    for (unsigned r = FIRST; r <= LAST; r++)
        walker->carries_copy |= state->r[r].kind == VALUE_RETURN;
}

/* Control that leaves the unit for the caller, or for a function that returns to it, finds
 * the return address in lr. Returns from the stack have sites of their own. */
static bool returns_by_lr(const struct walker *walker, const struct state *state,
                          const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    bool jump = insn->flow == THUMB_FLOW_JUMP_INDIRECT;
    bool branch = insn->flow == THUMB_FLOW_BRANCH || insn->flow == THUMB_FLOW_BRANCH_COND;
    if (!jump && !branch) return true;
    if (branch && item->target != FW_NONE && fw_leaves_to(walker->model, item) == FW_NONE) {
        return true;
    }
    if (item->jump == FW_JUMP_GOTO && jump && fw_is_open_jump(walker->model, item)) return false;
    if (item->jump == FW_JUMP_RETURN && insn->loads) return true;
    if (item->jump == FW_JUMP_RETURN && insn->rm != THUMB_LR) return false;
    return state->r[THUMB_LR].kind == VALUE_RETURN;
}

/* Control goes on to another function, which will return to lr. Of a computed goto in a unit
 * with labels it is known only when all are looked at: collect(). */
static bool goes_on(const struct walker *walker, const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    bool branch = insn->flow == THUMB_FLOW_BRANCH || insn->flow == THUMB_FLOW_BRANCH_COND;
    if (branch) return item->target == FW_NONE || fw_leaves_to(walker->model, item) != FW_NONE;
    bool tail = insn->flow == THUMB_FLOW_JUMP_INDIRECT && item->jump == FW_JUMP_TAIL;
    return tail || fw_is_open_jump(walker->model, item);
}

static void note_onward(struct walker *walker, const struct state *state,
                        const struct fw_item *item) {
    if (state->lr_kept) return;
    if (goes_on(walker, item)) doubt(walker, goes_on_unfollowed);
    walker->goto_unfollowed |= item->jump == FW_JUMP_GOTO;
}

/* Most instructions touch neither a frame nor the way of control. */
static bool is_plain(const struct state *state, const struct thumb_insn *insn) {
    enum { FRAME = 1 << THUMB_SP | 1 << THUMB_LR | 1 << THUMB_PC };
    if (insn->in_it || insn->flow != THUMB_FLOW_NEXT || (insn->writes & FRAME)) return false;
    if (insn->loads || insn->stores) {
        bool from_frame = insn->rn == THUMB_SP || get(state, insn->rn).kind == VALUE_STACK;
        if (from_frame || insn->op == THUMB_PUSH || insn->op == THUMB_POP) return false;
    }
    return !insn->stores || (!state->copies && !(insn->reads >> THUMB_LR & 1));
}

static void transfer(struct walker *walker, struct state *state, uint32_t index) {
    const struct fw_item *item = &walker->model->items[index];
    const struct thumb_insn *insn = item->insn;
    if (is_plain(state, insn)) {
        bool sets = insn->rd < REGISTERS && (insn->writes >> insn->rd & 1) &&
                    (insn->loads ? insn->op == THUMB_LDR : !insn->stores);
        struct value plain = sets ? result(walker, state, item) : unknown;
        for (uint32_t rest = insn->writes & 0x7fffU; rest; rest &= rest - 1) {
            state->r[__builtin_ctz(rest)] = unknown;
        }
        if (sets) state->r[insn->rd] = plain;
        if (plain.kind == VALUE_RETURN) state->copies = true;
        return;
    }
    struct state old = *state;
    if (is_local_call(walker, item)) return;
    if (insn->flow == THUMB_FLOW_CALL || insn->flow == THUMB_FLOW_CALL_INDIRECT) {
        note_carried(walker, state);
        for (unsigned r = 0; r < 4; r++)
            state->r[r] = unknown;
        state->r[THUMB_IP] = state->r[THUMB_LR] = unknown;
        state->lr_kept = true;
        return;
    }
    struct value value = insn->rd < REGISTERS ? result(walker, state, item) : unknown;
    struct value sp = stack_after(state, insn, value);
    if (walker->frames && item->jump == FW_JUMP_GOTO) check_goto(walker, state, item);
    if (insn->stores) store(walker, state, index, sp);
    if (walker->frames && item->jump == FW_JUMP_RETURN && !insn->loads) {
        enum kind to = get(state, insn->rm).kind;
        if (to != VALUE_RETURN && to != VALUE_LOCAL) {
            doubt(walker, "it returns to an address that is not followed");
        }
    }
    if (walker->frames && !returns_by_lr(walker, state, item)) walker->other_way = true;
    if (walker->frames) note_onward(walker, state, item);
    for (unsigned r = 0; r < REGISTERS; r++) {
        if (insn->writes >> r & 1) state->r[r] = unknown;
    }
    bool simple = insn->op != THUMB_STR && insn->op != THUMB_STORE && insn->op != THUMB_PUSH &&
                  insn->op != THUMB_STM && insn->op != THUMB_POP && insn->op != THUMB_LDM;
    if (simple && insn->rd < REGISTERS && (insn->writes >> insn->rd & 1)) {
        state->r[insn->rd] = value;
        if (value.kind == VALUE_RETURN) state->copies = true;
        if (value.kind == VALUE_RETURN && insn->rd == THUMB_LR) walker->other_way = true;
    }
    struct state base = old; /* loads look at the registers in front of the instruction */
    if (insn->loads) {
        base.saved = state->saved;
        unsigned restored = load(walker, &base, index, sp);
        state->saved = base.saved;
        if (restored < REGISTERS) state->r[restored] = (struct value){VALUE_RETURN, 0};
        if (restored < THUMB_LR) state->copies = true;
    }
    state->r[THUMB_SP] = sp;
    if (insn->writes >> THUMB_LR & 1) {
        enum kind lr = state->r[THUMB_LR].kind;
        state->lr_kept = (lr == VALUE_RETURN || lr == VALUE_LOCAL) && (!insn->in_it || old.lr_kept);
    }
    if (!insn->in_it) return;
    if (insn->flow == THUMB_FLOW_JUMP_INDIRECT) {
        *state = old; /* whoever goes on did not return */
        return;
    }
    for (unsigned r = 0; r < REGISTERS; r++) { /* may not have executed */
        if (!same(state->r[r], old.r[r])) state->r[r] = unknown;
    }
}

static bool merge(struct state *into, const struct state *from) {
    if (!into->reached) {
        *into = *from;
        into->reached = true;
        return true;
    }
    bool changed = (from->copies && !into->copies) || (into->lr_kept && !from->lr_kept);
    into->copies |= from->copies;
    into->lr_kept &= from->lr_kept;
    for (unsigned r = 0; r < REGISTERS; r++) {
        if (into->r[r].kind != VALUE_UNKNOWN && !same(into->r[r], from->r[r])) {
            into->r[r] = unknown;
            changed = true;
        }
    }
    bool differs =
        into->saved != from->saved ||
        (into->saved == SAVED_YES && (into->slot != from->slot || into->mixed != from->mixed));
    if (differs && into->saved != SAVED_CONFLICT) {
        into->saved = SAVED_CONFLICT;
        changed = true;
    }
    return changed;
}

static void enqueue(struct walker *walker, uint32_t block) {
    if (walker->queued[block]) return;
    walker->queued[block] = true;
    walker->queue[walker->queue_count++] = block;
}

static void flow_into(void *context, uint32_t block) {
    struct walker *walker = context;
    uint32_t local = block - walker->first_block;
    if (merge(&walker->states[local], walker->outgoing)) enqueue(walker, local);
}

static void run_block(struct walker *walker, uint32_t local, struct state *state) {
    const struct fw_block *block = &walker->flow->blocks[walker->first_block + local];
    for (uint32_t i = block->first;; i = walker->model->items[i].next) {
        transfer(walker, state, i);
        if (i == block->last) break;
    }
}

static void start_at_entries(struct walker *walker, uint32_t blocks) {
    struct state entry = {.lr_kept = true, .reached = true};
    entry.r[THUMB_SP] = (struct value){VALUE_STACK, 0};
    entry.r[THUMB_LR] = (struct value){VALUE_RETURN, 0};
    walker->outgoing = &entry;
    for (uint32_t b = 0; b < blocks; b++) {
        const struct fw_block *block = &walker->flow->blocks[walker->first_block + b];
        if (walker->model->items[block->first].entry && walker->flow->outside[block->first]) {
            flow_into(walker, walker->first_block + b);
        }
    }
    walker->outgoing = NULL;
}

static void flow_on(struct walker *walker, uint32_t block, struct state *state) {
    const struct fw_item *last = &walker->model->items[walker->flow->blocks[block].last];
    bool back = last->insn->op == THUMB_BX && last->jump == FW_JUMP_RETURN &&
                state->r[THUMB_LR].kind == VALUE_LOCAL;
    struct state other = *state;
    walker->outgoing = &other;
    if (is_local_call(walker, last)) {
        other.r[THUMB_LR] = (struct value){VALUE_LOCAL, 0};
        other.lr_kept = true;
        flow_into(walker, walker->flow->block_of[last->target]);
        if (!last->insn->in_it) {
            walker->outgoing = NULL;
            return;
        }
        other = *state; /* where it was not called */
    }
    for (size_t i = 0; back && i < walker->return_count; i++) {
        other.r[THUMB_LR] = unknown;
        other.lr_kept = true;
        flow_into(walker, walker->returns[i]);
    }
    other = *state;
    fw_each_successor(walker->model, walker->flow, block, flow_into, walker);
    walker->outgoing = NULL;
}

static void find_local_returns(struct walker *walker, uint32_t blocks) {
    walker->return_count = 0;
    for (uint32_t b = 0; b < blocks; b++) {
        const struct fw_item *last =
            &walker->model->items[walker->flow->blocks[walker->first_block + b].last];
        if (!is_local_call(walker, last) || last->next == FW_NONE) continue;
        uint32_t behind = walker->flow->block_of[last->next];
        if (behind != FW_NONE) walker->returns[walker->return_count++] = behind;
    }
}

static void solve_unit(struct walker *walker, uint32_t blocks) {
    find_local_returns(walker, blocks);
    start_at_entries(walker, blocks);
    while (walker->queue_count) {
        uint32_t local = walker->queue[--walker->queue_count];
        walker->queued[local] = false;
        struct state state = walker->states[local];
        run_block(walker, local, &state);
        flow_on(walker, walker->first_block + local, &state);
    }
}

/* A copy of the return address is data as long as control leaves only by the one that lr
 * held all along, or that was saved from it. */
static void settle_copies(struct walker *walker) {
    if (!walker->other_way) return;
    if (walker->stores_copy) doubt(walker, "it stores a copy of its return address");
    if (walker->carries_copy)
        doubt(walker, "it keeps its return address in a register over a call");
    walker->frames->copies += walker->stack_copies + walker->carries_copy;
}

static void collect(struct walker *walker, struct fw_unit *unit, uint32_t blocks,
                    struct fw_frames *frames) {
    walker->frames = frames;
    walker->site_capacity = 0;
    walker->any_unknown_goto = walker->goto_unfollowed = false;
    walker->stores_copy = walker->carries_copy = false;
    walker->stack_copies = 0;
    walker->other_way = walker->return_count != 0; /* its subroutines return by lr too */
    for (uint32_t b = 0; b < blocks; b++) {
        struct state state = walker->states[b];
        const struct fw_block *block = &walker->flow->blocks[walker->first_block + b];
        if (!state.reached) {
            const struct fw_item *last = &walker->model->items[block->last];
            if (unit->labels && last->jump == FW_JUMP_GOTO) walker->any_unknown_goto = true;
            unsigned uses = fw_uses_of_lr(walker->model, block);
            frames->copies += uses;
            if (uses) doubt(walker, "code in it that no known way reaches uses lr");
            continue;
        }
        run_block(walker, b, &state);
    }
    for (size_t i = 0; i < walker->return_count; i++) {
        /* It came back in another way than by BX lr, or not at all. */
        if (walker->states[walker->returns[i] - walker->first_block].reached) continue;
        doubt(walker, "a subroutine in it comes back in a way that is not followed");
    }
    settle_copies(walker);
    if (walker->any_unknown_goto) {
        if (walker->goto_unfollowed) doubt(walker, goes_on_unfollowed);
        unit->open_goto = true;
        fw_refuse(unit, "a computed jump does not read its target straight from a table");
    }
    walker->frames = NULL;
}

/* What the pieces of fw_values() share; each takes its own units. */
struct work {
    struct fw_model *model;
    const struct fw_flow *flow;
    struct fw_values *out;
    bool *in_table;                       /* each unit marks words that lead into itself only */
    uint32_t first[FW_VALUES_PIECES + 1]; /* units; about as many blocks in each piece */
    bool own_mpu[FW_VALUES_PIECES];
};

/* A walker with room for any unit from `first` to `end`. */
static struct walker make_walker(struct fw_model *model, const struct fw_flow *flow,
                                 struct arena *scratch, uint32_t first, uint32_t end) {
    uint32_t largest = 0;
    for (uint32_t u = first; u < end; u++) {
        uint32_t blocks = flow->unit_first[u + 1] - flow->unit_first[u];
        if (blocks > largest) largest = blocks;
    }
    return (struct walker){
        .model = model,
        .flow = flow,
        .arena = scratch,
        .states = ARENA_ARRAY(scratch, struct state, largest + 1),
        .queue = ARENA_ARRAY(scratch, uint32_t, largest + 1),
        .queued = ARENA_ARRAY(scratch, bool, largest + 1),
        .returns = ARENA_ARRAY(scratch, uint32_t, largest + 1),
    };
}

static void follow_unit(struct walker *walker, uint32_t u, struct fw_frames *frames) {
    const struct fw_flow *flow = walker->flow;
    uint32_t blocks = flow->unit_first[u + 1] - flow->unit_first[u];
    walker->first_block = flow->unit_first[u];
    memset(walker->states, 0, blocks * sizeof *walker->states);
    solve_unit(walker, blocks);
    collect(walker, &walker->model->units[u], blocks, frames);
}

static void follow_units(void *context, size_t piece) {
    struct work *work = context;
    struct arena scratch = {0};
    uint32_t first = work->first[piece], end = work->first[piece + 1];
    struct walker walker = make_walker(work->model, work->flow, &scratch, first, end);
    walker.arena = &work->out->arenas[piece]; /* sites stay */
    walker.in_table = work->in_table;
    for (uint32_t u = first; u < end; u++) {
        follow_unit(&walker, u, &work->out->frames[u]);
        walker.own_mpu |= fw_mpu_use(work->model, work->flow, u, 0, 0) != FW_NONE;
    }
    work->own_mpu[piece] = walker.own_mpu;
    arena_free(&scratch);
}

void fw_values(struct fw_model *model, const struct fw_flow *flow, struct fw_values *out) {
    struct arena scratch = {0};
    *out = (struct fw_values){.frames = NULL};
    out->frames = ARENA_ARRAY(&out->arenas[0], struct fw_frames, model->unit_count + 1);
    struct work work = {.model = model,
                        .flow = flow,
                        .out = out,
                        .in_table = ARENA_ARRAY(&scratch, bool, model->relocation_count + 1)};
    size_t piece = 0;
    for (uint32_t u = 0; u < model->unit_count; u++) {
        while (piece < FW_VALUES_PIECES &&
               flow->unit_first[u] >= flow->block_count * piece / FW_VALUES_PIECES) {
            work.first[piece++] = u;
        }
    }
    while (piece <= FW_VALUES_PIECES)
        work.first[piece++] = (uint32_t)model->unit_count;
    parallel_run(FW_VALUES_PIECES, follow_units, &work);
    for (size_t i = 0; i < FW_VALUES_PIECES; i++)
        model->own_mpu |= work.own_mpu[i];
    fw_labels_refuse_open(model, work.in_table);
    arena_free(&scratch);
}

void fw_prove_gotos(struct fw_model *model, const struct fw_flow *flow) {
    struct arena scratch = {0};
    bool *in_table = NULL;
    for (uint32_t u = 0; u < model->unit_count; u++) {
        struct fw_unit *unit = &model->units[u];
        if (!unit->computed_jump || !unit->labels) continue;
        if (!in_table) in_table = ARENA_ARRAY(&scratch, bool, model->relocation_count + 1);
        struct arena own = {0};
        struct walker walker = make_walker(model, flow, &own, u, u + 1);
        walker.in_table = in_table;
        struct fw_frames frames = {.sites = NULL};
        follow_unit(&walker, u, &frames);
        arena_free(&own);
    }
    if (in_table) fw_labels_refuse_open(model, in_table);
    arena_free(&scratch);
}

void fw_values_free(struct fw_values *values) {
    for (size_t i = 0; i < FW_VALUES_PIECES; i++)
        arena_free(&values->arenas[i]);
}
