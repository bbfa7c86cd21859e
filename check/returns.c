/* Returns: each place where a function saves its return address, and whether what it saves
 * is sealed and what it returns to is not.
 *
 * The return address is lr at the entry. A value `KEY + SP + n + (lr ror 16)` in a stack slot is
 * sealed; a return is proven when the value that goes into pc is exactly lr. So a seal that
 * was weakened (a nop for one of its instructions, another distance) does not cancel out
 * on the way back, and is found. */
#include <string.h>

#include "check/walk.h"
#include "firmware/analyse/spread.h"

enum { UNFOLLOWED = 255 }; /* of sums_access: where a load or store of less than a word goes */

struct unit_facts {
    unsigned saves, sealed;
    const char *doubt;  /* why not every way out is proven */
    bool held;          /* code that stays reaches it with a branch too short to lengthen */
    const char *excuse; /* why it may be left unsealed, though it could be followed */
    bool saved_plain;   /* first at the stack pointer `saved_at` */
    uint32_t saved_at;
    uint32_t doubt_at;
    bool wrong; /* a finding was made */
    /* A plain copy of the return address on the stack, put there from another register than
     * lr, is data as long as nothing can return to what was read back from it. */
    unsigned copies;
    bool open;        /* a jump in it may go anywhere, into the unit too */
    bool carries;     /* a register that callees save keeps one over a call */
    bool reads_plain; /* a plain return address goes from the stack to a register */
    uint32_t reads_plain_at;
    bool other_way;    /* control leaves by what may be a copy */
    bool takes_frame;  /* returns through its caller's frame, or leaves it other than it was */
    bool goes_on_bare; /* goes on to a function with nothing of its own on the stack */
};

struct returns {
    struct check *check;
    struct unit_facts *facts;
    uint32_t unit;
};

static void doubt(struct returns *returns, uint32_t item, const char *reason) {
    struct unit_facts *facts = &returns->facts[returns->unit];
    if (facts->doubt) return;
    facts->doubt = reason;
    facts->doubt_at = returns->check->model->items[item].address;
}

static void wrong(struct returns *returns, uint32_t item, const char *what) {
    struct unit_facts *facts = &returns->facts[returns->unit];
    if (!facts->wrong) {
        check_find(returns->check, "returns", returns->check->model->items[item].address, "%s",
                   what);
    }
    facts->wrong = true;
}

/* Is the return address, as it is, on the stack already? Then what it saves now is a copy
 * that somebody else may read, as an unwinder that saves all registers does. */
static bool holds_return_address(const struct sums *state) {
    for (unsigned i = 0; i < state->slot_count; i++) {
        if (sum_is_base(state->slots[i].value, THUMB_LR)) return true;
    }
    return false;
}

/* What cannot be proven once the address is sealed, and may be left unsealed for that. */
static void stands_against(struct returns *returns, uint32_t item, struct sum saved,
                           const char *reason) {
    if (saved.base != THUMB_LR) return;
    if (sum_is_base(saved, THUMB_LR)) {
        returns->facts[returns->unit].excuse = reason;
    } else {
        doubt(returns, item, reason);
    }
}

/* Who is given the address of the slot may read or write what is in it. */
static void note_handed_out(struct returns *returns, uint32_t item, const struct sums *state,
                            uint32_t registers) {
    for (uint32_t rest = registers & 0x7fff; rest; rest &= rest - 1) {
        struct sum value = state->r[__builtin_ctz(rest)];
        if (!sum_is_stack(value)) continue;
        stands_against(returns, item, sums_saved_in(state, value.bits, 1),
                       "it hands out the address of its saved return address");
    }
}

static uint32_t stored_registers(const struct thumb_insn *insn) {
    if (insn->coprocessor) return 0;
    if (insn->list) return insn->list;
    uint32_t second = insn->op == THUMB_STORE && insn->ra < 16 ? 1U << insn->ra : 0;
    return insn->rd < 16 ? 1U << insn->rd | second : second;
}

static void note_store(struct returns *returns, uint32_t item, const struct sums *state) {
    const struct thumb_insn *insn = returns->check->model->items[item].insn;
    struct unit_facts *facts = &returns->facts[returns->unit];
    struct sums_access access;
    bool known = sums_access_of(state, insn, &access);
    bool on_stack = known && sum_is_stack(access.address);
    note_handed_out(returns, item, state, stored_registers(insn));
    if (on_stack &&
        sum_is_base(sums_saved_in(state, access.address.bits, access.bytes), THUMB_LR)) {
        facts->excuse = "it writes over its saved return address";
    }
    if (!known) {
        bool lr = insn->reads >> THUMB_LR & 1 && sum_is_base(state->r[THUMB_LR], THUMB_LR);
        bool stack = insn->op == THUMB_PUSH || insn->rn == THUMB_SP;
        if (lr && stack) doubt(returns, item, "its stack pointer is not known where it saves lr");
        return;
    }
    for (unsigned i = 0; i < access.count; i++) {
        unsigned reg = access.registers[i];
        if (reg >= SUMS_REGISTERS || state->r[reg].base != THUMB_LR) continue;
        struct sum value = state->r[reg];
        bool sealed = sum_is_sealed(value, THUMB_LR);
        if (!sealed && !sum_is_base(value, THUMB_LR)) {
            wrong(returns, item, "saves a return address that is neither plain nor sealed");
            continue;
        }
        struct sum sp = state->r[THUMB_SP];
        if (sealed && !(sum_is_stack(sp) && sp.bits == value.bits)) {
            wrong(returns, item,
                  "seals its return address with another stack pointer than its own");
            continue;
        }
        if (!on_stack) continue; /* a context kept elsewhere: setjmp, a task switch */
        if (reg != THUMB_LR && !sealed) {
            facts->copies++;
            continue;
        }
        if (!sealed && holds_return_address(state)) {
            facts->excuse = "it saves its return address twice on one path";
        }
        if (!sealed && !facts->saved_plain) facts->saved_at = sp.bits;
        facts->saved_plain |= !sealed && sum_is_stack(sp);
        facts->saves++;
        facts->sealed += sealed;
        if (insn->in_it) doubt(returns, item, "it saves lr under a condition");
    }
}

/* Does the load take a plain return address from the stack to lr or pc? */
static bool loads_plain(const struct sums *state, const struct thumb_insn *insn) {
    struct sums_access access;
    if (!sums_access_of(state, insn, &access) || !sum_is_stack(access.address)) return false;
    for (unsigned i = 0; i < access.count; i++) {
        unsigned reg = access.registers[i];
        struct sum value = sums_slot(state, access.address.bits + 4 * i);
        if ((reg == THUMB_LR || reg == THUMB_PC) && sum_is_base(value, THUMB_LR)) return true;
    }
    return false;
}

/* It comes back at another stack pointer than it was saved at: in lr a distance can be taken off
 * with the seal, as far as a constant holds it; on the way to pc none can. */
static void note_distance(struct returns *returns, uint32_t item, const struct sums *state) {
    enum { DISTANCE_MAXIMUM = 1024 };
    const struct thumb_insn *insn = returns->check->model->items[item].insn;
    struct unit_facts *facts = &returns->facts[returns->unit];
    if (!facts->saved_plain || facts->excuse || !loads_plain(state, insn)) return;
    struct sums after;
    sums_copy(&after, state);
    sums_step(&returns->check->sums, &after, insn);
    struct sum sp = after.r[THUMB_SP];
    uint32_t most = insn->flow == THUMB_FLOW_JUMP_INDIRECT ? 0 : DISTANCE_MAXIMUM;
    if (sum_is_stack(sp) && facts->saved_at - sp.bits + most <= 2 * most) return;
    if (!insn->in_it) facts->excuse = "it returns through a stack slot that is not followed";
}

/* `pop {rN}; mov lr, rN` */
static bool moves_to_lr_next(const struct check *check, uint32_t item, unsigned reg) {
    const struct fw_item *pop = &check->model->items[item];
    if (pop->insn->op != THUMB_POP || pop->insn->list != 1U << reg || pop->insn->in_it)
        return false;
    if (pop->next == FW_NONE) return false;
    const struct fw_item *move = &check->model->items[pop->next];
    return move->kind == FW_ITEM_INSN && move->insn->op == THUMB_MOV_REGISTER &&
           move->insn->rd == THUMB_LR && move->insn->rm == reg && !move->insn->in_it &&
           !move->block_start;
}

static void note_load(struct returns *returns, uint32_t item, const struct sums *state) {
    const struct thumb_insn *insn = returns->check->model->items[item].insn;
    struct unit_facts *facts = &returns->facts[returns->unit];
    struct sums_access access;
    if (!sums_access_of(state, insn, &access) || !sum_is_stack(access.address)) return;
    for (unsigned i = 0; i < access.count; i++) {
        uint32_t offset = access.address.bits + 4 * i, bytes = access.count == 1 ? access.bytes : 4;
        unsigned reg = access.registers[i];
        bool part = reg == UNFOLLOWED;
        struct sum value = part ? sums_saved_in(state, offset, bytes) : sums_slot(state, offset);
        if (value.base != THUMB_LR) continue;
        bool plain = sum_is_base(value, THUMB_LR);
        if (reg != THUMB_LR && reg != THUMB_PC) {
            if (moves_to_lr_next(returns->check, item, reg)) continue;
            if (!plain) doubt(returns, item, "it reads its saved return address");
            if (plain && !facts->reads_plain) {
                facts->reads_plain_at = returns->check->model->items[item].address;
            }
            facts->reads_plain |= plain;
            continue;
        }
        facts->other_way |= plain;
        if (reg == THUMB_LR && insn->in_it) {
            doubt(returns, item, "it restores lr under a condition");
        }
    }
}

/* Control leaves for the caller: `value` goes into pc. */
static void judge_return(struct returns *returns, uint32_t item, struct sum value) {
    if (sum_is_base(value, THUMB_LR) || sum_is_base(value, BASE_LOCAL)) return;
    if (sum_is_sealed(value, THUMB_LR)) {
        wrong(returns, item,
              "returns to an address that is still sealed, or sealed on this way only");
    } else if (value.base == THUMB_LR) {
        wrong(returns, item, "returns to an address that is unsealed in another way than sealed");
    } else {
        doubt(returns, item, "it returns through a stack slot that is not followed");
    }
}

/* Does a return use the frame of whoever called? BX leaves the stack pointer as it is. */
static void note_taken(struct returns *returns, uint32_t item, const struct sums *state,
                       struct sum value) {
    const struct thumb_insn *insn = returns->check->model->items[item].insn;
    struct unit_facts *facts = &returns->facts[returns->unit];
    struct sum sp = state->r[THUMB_SP];
    struct sums_access access;
    if (sum_is_base(value, BASE_LOCAL)) return;
    if (!insn->loads) {
        facts->takes_frame |= sum_is_stack(sp) && sp.bits != 0;
    } else if (sums_access_of(state, insn, &access) && sum_is_stack(access.address)) {
        uint32_t top = access.address.bits + 4 * access.count - 4;
        facts->takes_frame |= (int32_t)top >= 0;
    }
}

/* Run the shared tail in this function's state: it ends in BX lr. */
static void judge_tail(struct returns *returns, uint32_t item, const struct sums *state,
                       const struct routine *tail) {
    enum { TAIL_MAXIMUM = 16 };
    struct sums now = *state;
    struct thumb_insn insn;
    uint32_t address = tail->address;
    for (unsigned i = 0; i < TAIL_MAXIMUM && check_decode(returns->check, address, &insn); i++) {
        if (insn.op == THUMB_BX) {
            struct sum value = sums_jump_target(&returns->check->sums, &now, &insn);
            judge_return(returns, item, value);
            if (value.base == BASE_UNKNOWN) {
                wrong(returns, item,
                      "unseals a return address that it is not proven to have sealed");
            }
            return;
        }
        sums_step(&returns->check->sums, &now, &insn);
        address += insn.size_bytes;
    }
}

/* Where control goes on, another function may take what is on the stack for its own: there it
 * must not find a return address that only this one would unseal. */
static void judge_frame_left(struct returns *returns, uint32_t item, const struct sums *state) {
    static const char reason[] = "it goes on to a function with its return address on the stack";
    const struct fw_model *model = returns->check->model;
    uint32_t to = fw_leaves_to(model, &model->items[item]);
    /* A non-local goto that has taken the other's stack pointer. */
    bool other = state->r[THUMB_SP].base == BASE_OTHER;
    if (other && fw_is_open_jump(model, &model->items[item])) return;
    if (to != FW_NONE && model->units[model->items[to].unit].noreturn) return;
    for (unsigned i = 0; i < state->slot_count; i++)
        stands_against(returns, item, state->slots[i].value, reason);
    if (state->lost_slot != SUMS_NONE_LOST) doubt(returns, item, reason);
}

/* Control goes on to another function, which will return to lr. */
static void judge_onward(struct returns *returns, uint32_t item, const struct sums *state) {
    struct sum lr = state->r[THUMB_LR], sp = state->r[THUMB_SP];
    if (sum_is_stack(sp) && sp.bits == 0) returns->facts[returns->unit].goes_on_bare = true;
    judge_frame_left(returns, item, state);
    if (lr.base == THUMB_LR && !sum_is_base(lr, THUMB_LR)) {
        wrong(returns, item, "goes on to another function with a return address still sealed");
    } else if (!state->lr_kept) {
        doubt(returns, item, "it goes on to a function that returns to what is not followed");
    }
}

/* Control goes on behind the unit's code, to what was not followed with it: as good as a jump
 * where it leaves as it came, and does not come into data. */
static void judge_run_out(struct returns *returns, uint32_t item, const struct sums *state) {
    const struct fw_model *model = returns->check->model;
    const struct fw_item *it = &model->items[item];
    bool data = it->next != FW_NONE && !it->apart;
    struct sum sp = state->r[THUMB_SP];
    bool as_it_came = sum_is_base(state->r[THUMB_LR], THUMB_LR) && sum_is_stack(sp) && sp.bits == 0;
    if (it->insn->flow != THUMB_FLOW_BRANCH_COND && it->insn->flow != THUMB_FLOW_NEXT) {
        as_it_came = false; /* a call's lr; what runs under a condition */
    }
    if (it->insn->in_it || (it->insn->writes & (1U << THUMB_LR | 1U << THUMB_SP))) {
        as_it_came = false;
    }
    if (data) doubt(returns, item, "control may run into data in it");
    if (!as_it_came) doubt(returns, item, "control may run out of its end");
}

/* Does the instruction change lr by other means than a copy: it held the return address, as it
 * is or sealed, and is computed with what is none? Then so seals are put on and taken off. */
static bool keeps_own_lr(const struct sums *state, const struct thumb_insn *insn) {
    if (!(insn->reads >> THUMB_LR & 1) || state->r[THUMB_LR].base != THUMB_LR) return false;
    for (unsigned r = 0; r < THUMB_LR; r++) {
        if ((insn->reads >> r & 1) && state->r[r].base == THUMB_LR) return false;
    }
    return true;
}

/* Could what leaves here, or comes into lr, have been read back from a copy? */
static bool is_other_way(const struct check *check, uint32_t item, const struct sums *state) {
    const struct fw_item *it = &check->model->items[item];
    const struct thumb_insn *insn = it->insn;
    bool sets_lr = insn->writes >> THUMB_LR & 1;
    switch (insn->flow) {
    case THUMB_FLOW_NEXT:
        return sets_lr && !insn->loads && !keeps_own_lr(state, insn);
    case THUMB_FLOW_CALL:
        return it->target != FW_NONE && check->model->items[it->target].unit == it->unit;
    case THUMB_FLOW_JUMP_INDIRECT:
        if (fw_is_open_jump(check->model, it)) return true;
        if (it->jump == FW_JUMP_RETURN && insn->loads) return false; /* note_load() looks */
        if (it->jump == FW_JUMP_RETURN && insn->rm != THUMB_LR) return true;
        return state->r[THUMB_LR].base != THUMB_LR;
    case THUMB_FLOW_BRANCH:
    case THUMB_FLOW_BRANCH_COND:
        if (it->target != FW_NONE && check->model->items[it->target].unit == it->unit) return false;
        /* A shared tail is run by judge_tail(). */
        return !check_routine_at(check, insn->target) && state->r[THUMB_LR].base != THUMB_LR;
    default:
        return false;
    }
}

/* A seal is only taken off what was sealed here: anything else is a value of the program's own
 * that it would alter. */
static void judge_unseal(struct returns *returns, uint32_t item, const struct sums *state) {
    struct seal seal;
    uint32_t address = returns->check->model->items[item].address;
    if (state->r[THUMB_LR].base == THUMB_LR) return; /* the return address, however it is */
    if (!check_seal_at(returns->check, address, &seal) || !seal.unseals) return;
    wrong(returns, item, "unseals a value that it is not proven to have sealed");
}

/* A value in r4-r11 is on the stack of whatever callee uses the register. */
static void note_carried(struct unit_facts *facts, const struct sums *state) {
    enum { FIRST = 4, LAST = 11 };
    for (unsigned r = FIRST; r <= LAST; r++)
        facts->carries |= sum_is_base(state->r[r], THUMB_LR);
}

static void visit(void *context, uint32_t item, const struct sums *state) {
    enum { ARGUMENTS = 0xf }; /* r0-r3 */
    struct returns *returns = context;
    const struct check *check = returns->check;
    const struct fw_item *it = &check->model->items[item];
    const struct thumb_insn *insn = it->insn;
    if (check_may_start_seal(check, insn)) judge_unseal(returns, item, state);
    if (insn->stores) note_store(returns, item, state);
    if (insn->loads) note_load(returns, item, state);
    if (insn->loads) note_distance(returns, item, state);
    if (insn->flow == THUMB_FLOW_CALL || insn->flow == THUMB_FLOW_CALL_INDIRECT) {
        note_carried(&returns->facts[returns->unit], state);
        note_handed_out(returns, item, state, ARGUMENTS);
    }
    if (fw_runs_out(check->model, it)) judge_run_out(returns, item, state);
    if (is_other_way(check, item, state)) returns->facts[returns->unit].other_way = true;
    if (insn->flow == THUMB_FLOW_JUMP_INDIRECT && it->jump == FW_JUMP_RETURN) {
        struct sum value = sums_jump_target(&check->sums, state, insn);
        /* BX lr where lr was never saved and never known: an exception's own business. */
        judge_return(returns, item, value);
        note_taken(returns, item, state, value);
        return;
    }
    bool open = fw_is_open_jump(check->model, it);
    bool table = insn->flow == THUMB_FLOW_TABLE;
    if (open && (table || check->model->units[it->unit].labels)) {
        returns->facts[returns->unit].open = true;
    }
    if (insn->flow == THUMB_FLOW_JUMP_INDIRECT && it->jump == FW_JUMP_GOTO) {
        returns->facts[returns->unit].excuse = "it has a computed jump";
    }
    if ((insn->flow == THUMB_FLOW_JUMP_INDIRECT && it->jump == FW_JUMP_TAIL) || open) {
        judge_onward(returns, item, state);
        return;
    }
    if (insn->flow != THUMB_FLOW_BRANCH && insn->flow != THUMB_FLOW_BRANCH_COND) return;
    bool inside = it->target != FW_NONE && check->model->items[it->target].unit == it->unit;
    if (inside) return;
    const struct routine *routine = check_routine_at(check, insn->target);
    if (routine && routine->kind == ROUTINE_RETURN) {
        judge_tail(returns, item, state, routine);
    } else {
        judge_onward(returns, item, state);
    }
}

/* A leaf: it never touches lr but to return by it, and calls nobody. */
static bool is_leaf(const struct check *check, uint32_t unit) {
    const struct fw_model *model = check->model;
    for (uint32_t i = model->units[unit].first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        const struct thumb_insn *insn = item->insn;
        if (item->kind != FW_ITEM_INSN) continue;
        if (insn->writes >> THUMB_LR & 1) return false;
        if (fw_runs_out(model, item)) return false;
        if ((insn->reads >> THUMB_LR & 1) && insn->op != THUMB_BX) return false;
        bool back = insn->op == THUMB_BX && insn->rm == THUMB_LR;
        if (insn->flow == THUMB_FLOW_JUMP_INDIRECT && !back) return false;
        if (insn->reference != THUMB_REFERENCE_BRANCH) continue;
        if (check_routine_at(check, insn->target)) return false;
    }
    return true;
}

static void lost(void *context, uint32_t item) {
    doubt(context, item, "a subroutine in it comes back in a way that is not followed");
}

/* What enters there is not known, nor what it returns to. */
static void unreached(void *context, const struct fw_block *block) {
    struct returns *returns = context;
    struct unit_facts *facts = &returns->facts[returns->unit];
    unsigned count = fw_uses_of_lr(returns->check->model, block);
    if (!count) return;
    facts->saves += count;
    doubt(returns, block->first, "code in it that no known way reaches uses lr");
}

static void add_unsealed(struct check *check, uint32_t unit, unsigned sites, const char *reason) {
    const char *name = check_first_function(check->model, unit)->name;
    json_array_append_new(check->unsealed,
                          json_pack("{s:s, s:i, s:s}", "function", check_text(check, name), "sites",
                                    (int)sites, "reason", check_text(check, reason)));
}

/* Copies count as return addresses that are saved where one may come back. */
static void settle_copies(struct unit_facts *facts) {
    bool plain_saves = facts->saves > facts->sealed;
    unsigned copies = facts->copies + facts->carries;
    bool data = copies && !facts->other_way && !facts->doubt;
    if (copies && !data) {
        facts->saves += copies;
        facts->excuse = facts->copies ? "it stores a copy of its return address"
                                      : "it keeps its return address in a register over a call";
    }
    if (facts->reads_plain && (!data || plain_saves) && !facts->doubt) {
        facts->doubt = "it reads its saved return address";
        facts->doubt_at = facts->reads_plain_at;
    }
}

/* The functions that the unit reaches with narrow branches: held where it stays, else once it is
 * held itself and not sealed. */
static void hold_from(const struct fw_model *model, uint32_t unit, bool *held,
                      struct fw_spread *spread) {
    for (uint32_t i = model->units[unit].first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        bool narrow = item->kind == FW_ITEM_INSN && item->insn->size_bytes == 2 &&
                      item->insn->reference == THUMB_REFERENCE_BRANCH;
        if (!narrow || item->target == FW_NONE) continue;
        uint32_t to = model->items[item->target].unit;
        if (to == unit) continue;
        if (model->units[unit].reason) held[to] = true;
        else fw_spread_edge(spread, unit, to);
    }
}

/* What stays keeps its branches as they are, and so what they reach from growing or moving
 * far; where that stays too, so does what it reaches in turn. */
static void find_held(const struct fw_model *model, struct unit_facts *facts) {
    struct fw_spread spread;
    fw_spread_start(&spread, model->unit_count);
    bool *held = ARENA_ARRAY(&spread.arena, bool, model->unit_count + 1);
    for (uint32_t u = 0; u < model->unit_count; u++) {
        if (model->units[u].reason || !facts[u].sealed) hold_from(model, u, held, &spread);
    }
    fw_spread_run(&spread, held);
    for (uint32_t u = 0; u < model->unit_count; u++)
        facts[u].held = held[u];
    fw_spread_end(&spread);
}

/* The other unit that the item leaves to, or FW_NONE. */
static uint32_t other_unit(const struct fw_model *model, const struct fw_item *item) {
    uint32_t to = fw_leaves_to(model, item);
    if (to == FW_NONE || model->items[to].unit == item->unit) return FW_NONE;
    return model->items[to].unit;
}

/* Who goes on, with nothing of its own on the stack, to what takes its caller's frame takes it. */
static void spread_taking(const struct fw_model *model, struct unit_facts *facts) {
    struct fw_spread spread;
    fw_spread_start(&spread, model->unit_count);
    bool *takes = ARENA_ARRAY(&spread.arena, bool, model->unit_count + 1);
    for (uint32_t i = 0; i < model->item_count; i++) {
        const struct fw_item *item = &model->items[i];
        uint32_t to = other_unit(model, item);
        if (to == FW_NONE || item->insn->flow == THUMB_FLOW_CALL) continue;
        if (facts[item->unit].goes_on_bare) fw_spread_edge(&spread, to, item->unit);
    }
    for (uint32_t u = 0; u < model->unit_count; u++)
        takes[u] = facts[u].takes_frame;
    fw_spread_run(&spread, takes);
    for (uint32_t u = 0; u < model->unit_count; u++)
        facts[u].takes_frame = takes[u];
    fw_spread_end(&spread);
}

static void find_takers(const struct fw_model *model, struct unit_facts *facts) {
    bool any = false;
    for (uint32_t u = 0; u < model->unit_count; u++)
        any |= facts[u].takes_frame;
    if (!any) return;
    spread_taking(model, facts);
    for (uint32_t i = 0; i < model->item_count; i++) {
        const struct fw_item *item = &model->items[i];
        uint32_t to = other_unit(model, item);
        if (to == FW_NONE || !facts[to].takes_frame || item->insn->flow != THUMB_FLOW_CALL)
            continue;
        struct unit_facts *from = &facts[item->unit];
        if (!from->saves || from->doubt) continue;
        from->doubt = "it calls what takes its frame";
        from->doubt_at = item->address;
    }
}

/* Bytes that sealing may put between an instruction of the unit and what it refers to. */
static uint32_t growth_of(const struct fw_model *model, uint32_t unit) {
    enum { GROWTH_BYTES = 16 }; /* of one save, return or checked call at the most */
    uint32_t places = 0;
    for (uint32_t i = model->units[unit].first; i != FW_NONE; i = model->items[i].next) {
        const struct thumb_insn *insn = model->items[i].insn;
        if (model->items[i].kind != FW_ITEM_INSN) continue;
        bool saves = insn->stores && (insn->reads >> THUMB_LR & 1);
        places += saves || insn->flow == THUMB_FLOW_JUMP_INDIRECT ||
                  insn->flow == THUMB_FLOW_CALL_INDIRECT;
    }
    return places * GROWTH_BYTES;
}

/* Would a load of a literal, or an ADR, not reach any more if the unit grew? */
static bool is_at_its_reach(const struct fw_model *model, uint32_t unit) {
    uint32_t growth = growth_of(model, unit);
    uint8_t bytes[4];
    for (uint32_t i = model->units[unit].first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        if (item->kind != FW_ITEM_INSN) continue;
        if (item->insn->reference != THUMB_REFERENCE_LITERAL &&
            item->insn->reference != THUMB_REFERENCE_ADR) {
            continue;
        }
        uint32_t target = item->insn->target;
        uint32_t beyond = target > item->address ? target + growth : target - growth;
        if (!thumb_encode_pc_relative(bytes, item->insn, item->address, beyond, true)) return true;
    }
    return false;
}

static void count_unit(struct check *check, struct unit_facts *facts, uint32_t unit,
                       bool image_seals) {
    settle_copies(facts);
    const struct fw_unit *u = &check->model->units[unit];
    uint32_t address = check_first_function(check->model, unit)->address;
    /* Code that is not understood counts as one place that is not sealed. */
    bool unknown = !u->decoded || (u->reason && fw_has_branch_into_data(check->model, unit));
    unsigned sites = facts->saves ? facts->saves : facts->doubt != NULL || unknown;
    check->counts.return_sites += sites;
    if (facts->sealed && facts->open) {
        check_find(check, "returns", address,
                   "it seals its return address, but a computed jump in it may go anywhere");
        return;
    }
    if (facts->sealed && facts->doubt) {
        check_find(check, "returns", facts->doubt_at,
                   "it seals its return address, but not every way out is proven: %s",
                   facts->doubt);
        return;
    }
    if (facts->sealed && u->labels && !u->computed_jump && u->reason) {
        check_find(check, "returns", address,
                   "it seals its return address, but a label in it leads to a way out with a frame "
                   "that is not followed");
        return;
    }
    if (facts->sealed && u->unwound) {
        check_find(check, "returns", address,
                   "it seals its return address, which the image's unwinder reads");
        return;
    }
    if (!facts->wrong) check->counts.return_sealed += facts->sealed;
    unsigned rest = sites - facts->sealed;
    const char *reason = facts->doubt ? facts->doubt : u->reason ? u->reason : facts->excuse;
    if (!reason && facts->held) reason = "code that stays reaches it with a short branch";
    if (!rest || !image_seals) return;
    if (!reason && is_at_its_reach(check->model, unit)) {
        reason = "a reference in it would not reach if it grew";
    }
    if (check->exempt[unit]) {
        check->counts.return_exempt += rest;
    } else if (reason) {
        add_unsealed(check, unit, rest, reason);
    } else if (!facts->wrong) {
        check_find(check, "returns", address,
                   "saves its return address unsealed, and nothing stands against sealing it");
    }
}

struct unit_facts *check_new_facts(const struct check *check, struct arena *arena) {
    return ARENA_ARRAY(arena, struct unit_facts, check->model->unit_count + 1);
}

void check_follow(struct check *part, size_t piece, struct unit_facts *facts) {
    struct arena scratch = {0};
    struct returns returns = {.check = part, .facts = facts};
    struct walk_visitor visitor = {
        .context = &returns, .instruction = visit, .lost = lost, .unreached = unreached};
    uint32_t from = check_piece_first(part, piece), end = check_piece_first(part, piece + 1);
    struct walk *walk = walk_new(part, &scratch, from, end);
    for (uint32_t u = from; u < end; u++) {
        if (check_is_routine_unit(part, u) || is_leaf(part, u)) continue;
        if (part->jump_of[u] != JUMP_NONE) { /* proven, together; one site where it comes back */
            facts[u].saves = facts[u].sealed = part->jump_of[u] == JUMP_RESTORES;
            continue;
        }
        returns.unit = u;
        walk_unit(walk, u, FW_NONE, &visitor);
    }
    arena_free(&scratch);
}

void check_returns(struct check *check, struct unit_facts *facts) {
    const struct fw_model *model = check->model;
    bool image_seals = false;
    find_held(model, facts);
    find_takers(model, facts);
    for (uint32_t u = 0; u < model->unit_count; u++)
        image_seals |= facts[u].sealed != 0;
    for (uint32_t u = 0; u < model->unit_count; u++)
        count_unit(check, &facts[u], u, image_seals);
    if (image_seals && check->key_source == KEY_NONE) {
        check_find(check, "key", 0, "return addresses are sealed, but nothing makes a key before");
    }
}
