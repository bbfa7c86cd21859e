/* Where a unit's return address is saved and comes back, and what stands against sealing it: from
 * then on until the stack pointer is above it, nothing but a restore may read or write the save,
 * nobody else may be told where it is, and control may leave only for where nobody needs it. */
#include "firmware/analyse/following.h"
#include "firmware/analyse/spread.h"

enum { DISTANCE_MAXIMUM = 1024 };

static const char goes_on_unfollowed[] =
    "it goes on to a function that returns to what is not followed";
static const char leaves_open[] = "it goes on to a function with its return address on the stack";
static const char hands_out[] = "it hands out the address of its saved return address";
static const char sp_unknown[] = "its stack pointer is not known where it saves lr";

static void add_site(struct walker *walker, uint32_t item, enum fw_site_kind kind,
                     int32_t distance) {
    struct fw_frames *frames = walker->frames;
    if (!frames) return;
    frames->sites = arena_grow(walker->arena, frames->sites, frames->site_count,
                               &walker->site_capacity, sizeof *frames->sites);
    frames->sites[frames->site_count++] = (struct fw_site){item, distance, (uint8_t)kind};
    if (kind == FW_SITE_SAVE) frames->saves++;
}

void frame_doubt(struct walker *walker, const char *reason) {
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

/* Memory that an instruction touches, from the entry's stack pointer. */
struct touched {
    uint32_t first, bytes; /* bytes 0: not known how many */
};

/* False when it is not known to be on the stack, or where there. An index is followed as far as
 * it is constant: an array on the stack is not written or read beyond its ends. */
static bool find_touched(const struct state *state, const struct thumb_insn *insn,
                         struct touched *out) {
    bool list = insn->op == THUMB_PUSH || insn->op == THUMB_POP;
    struct value base = list ? state->r[THUMB_SP] : value_of(state, insn->rn);
    uint32_t offset = !insn->index ? 0 : insn->subtract ? 0U - insn->imm : insn->imm;
    if (base.kind != VALUE_STACK || insn->reference != THUMB_REFERENCE_NONE) return false;
    out->bytes = thumb_access_bytes(insn);
    if (insn->rm != THUMB_NO_REGISTER) {
        struct value index = value_of(state, insn->rm);
        if (index.kind != VALUE_CONSTANT) return false;
        offset = index.bits << insn->shift;
    }
    list |= insn->op == THUMB_STM || insn->op == THUMB_LDM;
    if (list) offset = insn->decrement ? 0U - out->bytes : 0;
    out->first = base.bits + offset;
    return true;
}

/* Is a word of the sealed address at `slot`? */
static bool holds_save(const struct state *state) {
    return state->saved == SAVED_YES || state->saved == SAVED_RESTORED;
}

static bool touches_save(const struct state *state, const struct touched *touched) {
    if (!holds_save(state)) return false;
    uint32_t below = state->slot - touched->first, inside = touched->first - state->slot;
    return inside < 4 || below < touched->bytes || (!touched->bytes && (int32_t)below >= 0);
}

/* Has the register the save's address, so that who gets it may read or write the save? */
static bool names_save(const struct state *state, unsigned reg) {
    struct value value = value_of(state, reg);
    return holds_save(state) && value.kind == VALUE_STACK && value.bits == state->slot;
}

void frame_drop(struct state *state) {
    struct value sp = state->r[THUMB_SP];
    bool above = sp.kind == VALUE_STACK && (int32_t)(state->slot - sp.bits) < 0;
    if (state->saved != SAVED_NO && above) state->saved = SAVED_NO;
}

bool frame_merge(struct state *into, const struct state *from) {
    uint32_t slot = into->slot;
    uint8_t saved = into->saved;
    bool same = from->slot == slot && (from->mixed == into->mixed || saved != SAVED_YES);
    if (from->saved == SAVED_NO && saved <= SAVED_RESTORED) return false;
    if (from->saved == saved && same) return false;
    bool higher = from->saved != SAVED_NO && (int32_t)(from->slot - slot) > 0;
    if (saved == SAVED_NO || higher) into->slot = from->slot;
    into->saved =
        saved == SAVED_NO && from->saved == SAVED_RESTORED ? SAVED_RESTORED : SAVED_CONFLICT;
    return into->saved != saved || into->slot != slot;
}

/* Copies of the return address in other registers than lr, and the save's own address. */
static void note_stored(struct walker *walker, const struct state *state, uint32_t stored,
                        bool on_stack) {
    for (unsigned r = 0; r < THUMB_LR; r++) {
        if (!(stored >> r & 1)) continue;
        if (names_save(state, r)) frame_doubt(walker, hands_out);
        if (state->r[r].kind != VALUE_RETURN) continue;
        walker->stores_copy = true;
        walker->stack_copies += on_stack;
    }
}

/* Where the instruction stores lr, from the entry's stack pointer. */
static bool find_slot(const struct thumb_insn *insn, const struct touched *touched,
                      uint32_t *slot) {
    bool list = insn->op == THUMB_PUSH || insn->op == THUMB_STM, dual = is_dual(insn);
    if (!list && !dual && insn->op != THUMB_STR) return false;
    bool first = dual && insn->rd == THUMB_LR;
    /* lr is the highest of a list, or the second of STRD */
    *slot = touched->first + (first ? 0 : touched->bytes - 4);
    return true;
}

/* lr holds the return address and goes to the stack. */
static void save(struct walker *walker, struct state *state, uint32_t index,
                 const struct touched *touched, struct value sp_after) {
    const struct thumb_insn *insn = walker->model->items[index].insn;
    struct value sp = state->r[THUMB_SP];
    uint32_t slot;
    if (!touched || !find_slot(insn, touched, &slot)) {
        frame_doubt(walker, "it saves lr in a way that is not followed");
    } else if (sp.kind != VALUE_STACK) {
        frame_doubt(walker, sp_unknown);
    } else if (insn->in_it) {
        frame_doubt(walker, "it saves lr under a condition");
    } else if (state->saved > SAVED_RESTORED) {
        frame_doubt(walker, "it saves its return address twice on one path");
        if (walker->frames) walker->frames->copies++;
    } else {
        state->saved = SAVED_YES;
        state->slot = slot;
        state->mixed = sp.bits;
        uint32_t lowered = sp.bits - sp_after.bits;
        bool near = sp_after.kind == VALUE_STACK && lowered <= DISTANCE_MAXIMUM;
        if (!near) frame_doubt(walker, sp_unknown);
        add_site(walker, index, FW_SITE_SAVE, (int32_t)lowered);
    }
}

void frame_store(struct walker *walker, struct state *state, uint32_t index,
                 struct value sp_after) {
    const struct thumb_insn *insn = walker->model->items[index].insn;
    bool push = insn->op == THUMB_PUSH;
    uint32_t stored = push || insn->op == THUMB_STM ? insn->list : stored_registers(insn);
    struct value base = push ? state->r[THUMB_SP] : value_of(state, insn->rn);
    struct touched touched;
    bool known = find_touched(state, insn, &touched);
    note_stored(walker, state, stored, base.kind == VALUE_STACK);
    if (stored >> THUMB_LR & 1 && state->r[THUMB_LR].kind == VALUE_RETURN) {
        bool stack = push || insn->rn == THUMB_SP;
        if (base.kind == VALUE_STACK) {
            save(walker, state, index, known ? &touched : NULL, sp_after);
        } else if (stack) {
            frame_doubt(walker, sp_unknown);
        } /* else a context saved elsewhere: setjmp */
    } else if (known && touches_save(state, &touched)) {
        if (state->saved == SAVED_YES)
            frame_doubt(walker, "it writes over its saved return address");
        state->saved = state->saved == SAVED_YES ? SAVED_CONFLICT : SAVED_NO;
    }
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

/* What a load gives to lr or pc, the return address where `match`. */
static unsigned come_back(struct walker *walker, struct state *state, uint32_t index, bool match,
                          const struct touched *touched, int32_t distance) {
    const struct thumb_insn *insn = walker->model->items[index].insn;
    bool to_pc = insn->flow == THUMB_FLOW_JUMP_INDIRECT;
    if (match) {
        add_site(walker, index, to_pc ? FW_SITE_RETURN : FW_SITE_RESTORE, distance);
        /* Under a condition the other path still has it saved. */
        if (!to_pc && insn->in_it) frame_doubt(walker, "it restores lr under a condition");
        if (!insn->in_it) state->saved = SAVED_RESTORED;
        return to_pc ? REGISTERS : THUMB_LR;
    }
    if (to_pc) {
        frame_doubt(walker, "it returns through a stack slot that is not followed");
        bool above = touched && (int32_t)(touched->first + touched->bytes - 4) >= 0;
        if (above && walker->frames) walker->frames->takes_frame = true;
    } else if (!touched || state->saved != SAVED_YES || touches_save(state, touched)) {
        frame_doubt(walker, "it loads lr from a stack slot that is not followed");
    }
    return REGISTERS;
}

/* Does the instruction load lr? LDRD may have it first of two; else the highest of a list is, or
 * the second. */
static bool loads_lr(const struct thumb_insn *insn, bool *first) {
    bool list = insn->op == THUMB_POP || insn->op == THUMB_LDM;
    *first = is_dual(insn) && (insn->bits >> 12 & 15) == THUMB_LR;
    bool second = is_dual(insn) && (insn->bits >> 8 & 15) == THUMB_LR;
    bool alone = insn->op == THUMB_LDR && insn->rd == THUMB_LR;
    return *first || second || alone || (list && insn->list >> THUMB_LR & 1);
}

unsigned frame_load(struct walker *walker, struct state *state, uint32_t index,
                    struct value sp_after) {
    const struct thumb_insn *insn = walker->model->items[index].insn;
    bool pop = insn->op == THUMB_POP, list = pop || insn->op == THUMB_LDM;
    bool first, to_lr = loads_lr(insn, &first);
    bool to_pc = insn->flow == THUMB_FLOW_JUMP_INDIRECT && insn->op != THUMB_BX;
    struct touched touched;
    bool known = find_touched(state, insn, &touched);
    bool stack = pop || insn->rn == THUMB_SP;
    if ((!known && !stack) || insn->reference != THUMB_REFERENCE_NONE) return REGISTERS;
    bool indexed = !list && insn->rm != THUMB_NO_REGISTER;
    if (!known && indexed) return REGISTERS; /* an array on the stack */
    int32_t distance = (int32_t)(state->mixed - sp_after.bits);
    bool match = known && state->saved == SAVED_YES && sp_after.kind == VALUE_STACK &&
                 touched.first + (first ? 0 : touched.bytes - 4) == state->slot &&
                 touched.bytes >= 4;
    if (to_pc && distance != 0) match = false;
    if (distance > DISTANCE_MAXIMUM || distance < -DISTANCE_MAXIMUM) match = false;
    if (to_lr || to_pc) {
        return come_back(walker, state, index, match, known ? &touched : NULL, distance);
    }
    uint32_t move = move_to_lr_behind(walker, index);
    if (match && move != FW_NONE) {
        add_site(walker, move, FW_SITE_RESTORE, distance);
        state->saved = SAVED_RESTORED;
        return walker->model->items[move].insn->rm;
    }
    if (known && touches_save(state, &touched)) {
        frame_doubt(walker, "it reads its saved return address");
    }
    return REGISTERS;
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

/* May the save still be where a function that control goes on to would look for its own? Not where
 * that one never returns, nor where a non-local goto has taken that one's stack pointer. */
static bool leaves_save(const struct walker *walker, const struct state *state,
                        const struct fw_item *item) {
    uint32_t to = fw_leaves_to(walker->model, item);
    if (state->saved == SAVED_NO) return false;
    if (state->r[THUMB_SP].kind == VALUE_OTHER && fw_is_open_jump(walker->model, item))
        return false;
    return to == FW_NONE || !walker->model->units[walker->model->items[to].unit].noreturn;
}

static void note_onward(struct walker *walker, const struct state *state,
                        const struct fw_item *item) {
    const char *reason = NULL;
    if (leaves_save(walker, state, item)) reason = leaves_open;
    if (!state->lr_kept) reason = goes_on_unfollowed;
    if (!reason) return;
    if (goes_on(walker, item)) frame_doubt(walker, reason);
    if (item->jump == FW_JUMP_GOTO) walker->goto_unfollowed = reason;
}

void frame_run_out(struct walker *walker, const struct state *state, const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    enum { FRAME = 1 << THUMB_LR | 1 << THUMB_SP };
    bool data = item->next != FW_NONE && !item->apart;
    bool plain = (insn->flow == THUMB_FLOW_NEXT || insn->flow == THUMB_FLOW_BRANCH_COND) &&
                 !insn->in_it && !(insn->writes & FRAME);
    bool bare = state->r[THUMB_SP].kind == VALUE_STACK && state->r[THUMB_SP].bits == 0;
    bool as_it_came = plain && bare && state->r[THUMB_LR].kind == VALUE_RETURN;
    if (data) frame_doubt(walker, "control may run into data in it");
    if (!as_it_came) frame_doubt(walker, "control may run out of its end");
}

void frame_leave(struct walker *walker, const struct state *state, const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    struct value sp = state->r[THUMB_SP];
    if (insn->flow == THUMB_FLOW_NEXT) return;
    if (item->jump == FW_JUMP_RETURN && !insn->loads) {
        enum kind to = value_of(state, insn->rm).kind;
        if (to != VALUE_RETURN && to != VALUE_LOCAL) {
            frame_doubt(walker, "it returns to an address that is not followed");
        }
        bool moved = sp.kind == VALUE_STACK && sp.bits != 0;
        if (moved && to != VALUE_LOCAL) walker->frames->takes_frame = true;
    }
    bool bare = sp.kind == VALUE_STACK && sp.bits == 0;
    if (bare && goes_on(walker, item)) walker->frames->goes_on_bare = true;
    if (!returns_by_lr(walker, state, item)) walker->other_way = true;
    note_onward(walker, state, item);
}

void frame_call(struct walker *walker, const struct state *state) {
    note_carried(walker, state);
    for (unsigned r = 0; r < 4; r++) {
        if (names_save(state, r)) frame_doubt(walker, hands_out);
    }
}

/* A copy of the return address is data as long as control leaves only by the one that lr
 * held all along, or that was saved from it. */
void frame_settle_copies(struct walker *walker) {
    if (!walker->other_way) return;
    if (walker->stores_copy) frame_doubt(walker, "it stores a copy of its return address");
    if (walker->carries_copy) {
        frame_doubt(walker, "it keeps its return address in a register over a call");
    }
    walker->frames->copies += walker->stack_copies + walker->carries_copy;
}

/* The other unit that the item leaves to, or FW_NONE. */
static uint32_t other_unit(const struct fw_model *model, const struct fw_item *item) {
    uint32_t to = fw_leaves_to(model, item);
    if (to == FW_NONE || model->items[to].unit == item->unit) return FW_NONE;
    return model->items[to].unit;
}

/* Who goes on, with nothing of its own on the stack, to what takes its caller's frame takes it. */
static void spread_taking(const struct fw_model *model, struct fw_frames *frames) {
    struct fw_spread spread;
    fw_spread_start(&spread, model->unit_count);
    bool *takes = ARENA_ARRAY(&spread.arena, bool, model->unit_count + 1);
    for (uint32_t i = 0; i < model->item_count; i++) {
        const struct fw_item *item = &model->items[i];
        uint32_t to = other_unit(model, item);
        if (to == FW_NONE || item->insn->flow == THUMB_FLOW_CALL) continue;
        if (frames[item->unit].goes_on_bare) fw_spread_edge(&spread, to, item->unit);
    }
    for (uint32_t u = 0; u < model->unit_count; u++)
        takes[u] = frames[u].takes_frame;
    fw_spread_run(&spread, takes);
    for (uint32_t u = 0; u < model->unit_count; u++)
        frames[u].takes_frame = takes[u];
    fw_spread_end(&spread);
}

void frames_settle_takers(const struct fw_model *model, struct fw_frames *frames) {
    bool any = false;
    for (uint32_t u = 0; u < model->unit_count; u++)
        any |= frames[u].takes_frame;
    if (!any) return;
    spread_taking(model, frames);
    for (uint32_t i = 0; i < model->item_count; i++) {
        const struct fw_item *item = &model->items[i];
        uint32_t to = other_unit(model, item);
        if (to == FW_NONE || !frames[to].takes_frame || item->insn->flow != THUMB_FLOW_CALL)
            continue;
        struct fw_frames *from = &frames[item->unit];
        if (from->saves && !from->reason) from->reason = "it calls what takes its frame";
    }
}
