/* Routines that were put in as a whole, found where control goes and known by what their
 * code does; a name that claims to be one is held to it. */
#include <stdlib.h>
#include <string.h>

#include "check/state.h"

enum { PREFIX_BYTES = 5 /* "__pm_" */, TRAP_CODE = 0xc1 };

static const struct routine *add(struct check *check, struct routine routine) {
    struct routine *all = check->routines;
    all[check->routine_count] = routine;
    return &all[check->routine_count++];
}

/* [ldr lr, [sp], #4;] seal; bx lr */
static bool return_tail(const struct check *check, uint32_t address, struct routine *out) {
    struct thumb_insn insn;
    struct seal seal;
    *out = (struct routine){.address = address, .kind = ROUTINE_RETURN};
    if (!check_decode(check, address, &insn)) return false;
    out->pops = insn.op == THUMB_POP && insn.list == 1 << THUMB_LR;
    if (out->pops) address += insn.size_bytes;
    if (!check_seal_at(check, address, &seal) || seal.distance != 0 || !seal.unseals) return false;
    if (!check_decode(check, seal.end, &insn)) return false;
    out->end = seal.end + insn.size_bytes;
    out->clobbers = (uint16_t)(1U << THUMB_LR | (seal.clobbers_ip ? 1U << THUMB_IP : 0));
    return insn.op == THUMB_BX && insn.rm == THUMB_LR && !insn.unpredictable;
}

struct reader {
    const struct check *check;
    uint32_t address;
    struct thumb_insn insn;
    bool ok;
};

static void next(struct reader *reader) {
    reader->address += reader->insn.size_bytes;
    reader->ok = reader->ok && check_decode(reader->check, reader->address, &reader->insn) &&
                 !reader->insn.unpredictable;
}

/* [sub s, s, #n;] cmp s, #m: equal exactly where the word is n + m, whatever they are. */
static bool compares_tag(struct reader *r, uint8_t scratch, uint32_t *tag) {
    *tag = 0;
    if (r->ok && r->insn.op == THUMB_SUB_IMMEDIATE) {
        if (r->insn.rd != scratch || r->insn.rn != scratch) return false;
        *tag = r->insn.imm;
        next(r);
    }
    if (!r->ok || r->insn.op != THUMB_CMP_IMMEDIATE || r->insn.rn != scratch) return false;
    *tag += r->insn.imm;
    return true;
}

/* [push {s};] ldr s, [rN, #-5]; [sub s, s, #n;] cmp s, #tag - n; [pop {s};] bne trap; bx rN;
 * trap: udf */
static bool call_routine(const struct check *check, uint32_t address, struct routine *out) {
    struct reader r = {.check = check, .address = address, .ok = true};
    r.ok = check_decode(check, address, &r.insn);
    bool spills = r.ok && r.insn.op == THUMB_PUSH;
    uint16_t spilled = r.insn.list;
    if (spills) next(&r);
    if (!r.ok || r.insn.op != THUMB_LDR || r.insn.imm != 5 || !r.insn.subtract || !r.insn.index ||
        r.insn.writeback || r.insn.rm != THUMB_NO_REGISTER || r.insn.rn == r.insn.rd) {
        return false;
    }
    uint8_t scratch = r.insn.rd, reg = r.insn.rn;
    if (spills ? spilled != 1U << scratch || reg == THUMB_SP : scratch != THUMB_IP) return false;
    uint32_t tag;
    next(&r);
    if (!compares_tag(&r, scratch, &tag)) return false;
    *out = (struct routine){.address = address,
                            .kind = ROUTINE_CALL,
                            .reg = reg,
                            .tag = tag,
                            .clobbers_flags = true,
                            .clobbers = (uint16_t)(spills ? 0 : 1U << scratch)};
    next(&r);
    if (spills) {
        if (!r.ok || r.insn.op != THUMB_POP || r.insn.list != spilled) return false;
        next(&r);
    }
    if (!r.ok || r.insn.op != THUMB_B_COND || r.insn.cond != THUMB_COND_NE) return false;
    uint32_t trap = r.insn.target;
    next(&r);
    if (!r.ok || r.insn.op != THUMB_BX || r.insn.rm != reg) return false;
    next(&r);
    out->end = r.address + r.insn.size_bytes;
    return r.ok && r.insn.op == THUMB_UDF && r.insn.imm == TRAP_CODE && r.address == trap;
}

/* tag; ldr.w pc, [pc]; address */
static bool thunk(const struct check *check, uint32_t address, struct routine *out) {
    struct thumb_insn insn;
    uint32_t tag, target;
    if (!check_decode(check, address, &insn) || insn.op != THUMB_LDR ||
        insn.reference != THUMB_REFERENCE_LITERAL || insn.flow != THUMB_FLOW_JUMP_INDIRECT ||
        insn.target != address + 4 || !check_word(check, address + 4, &target) ||
        !check_word(check, address - 4, &tag) || !(target & 1)) {
        return false;
    }
    *out = (struct routine){.address = address,
                            .end = address + 8,
                            .kind = ROUTINE_THUNK,
                            .tag = tag,
                            .target = target & ~1U};
    return true;
}

static int by_address(const void *a, const void *b) {
    const struct routine *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

const struct routine *check_routine_at(const struct check *check, uint32_t address) {
    struct routine key = {.address = address};
    return bsearch(&key, check->routines, check->routine_count, sizeof key, by_address);
}

/* A function that claims by its name to be of the protection. */
static void hold_to_name(struct check *check, const struct fw_function *f) {
    struct routine routine;
    if (check->boot && f->address == check->boot->address) return;
    if (strcmp(f->name, FW_TAG_SYMBOL) == 0) return; /* calls.c looks at tags */
    if (return_tail(check, f->address, &routine) || call_routine(check, f->address, &routine) ||
        thunk(check, f->address, &routine)) {
        add(check, routine);
        return;
    }
    check_find(check, "routine", f->address,
               "%s does not do what its name says: a check or a seal in it is missing or altered",
               f->name);
}

/* Two routines for calls that want different tags cannot both be right. */
static void settle_tag(struct check *check) {
    for (size_t i = 0; i < check->routine_count; i++) {
        const struct routine *r = &check->routines[i];
        if (r->kind != ROUTINE_CALL) continue;
        if (check->has_call_routines && r->tag != check->tag) {
            check_find(check, "calls", r->address, "checks for another tag than the others");
        }
        if (!check->has_call_routines) check->tag = r->tag;
        check->has_call_routines = true;
    }
}

const struct routine *check_routine_around(const struct check *check, uint32_t address) {
    size_t low = 0, high = check->routine_count;
    while (low < high) { /* first routine behind `address` */
        size_t middle = low + (high - low) / 2;
        if (check->routines[middle].address <= address) low = middle + 1;
        else high = middle;
    }
    const struct routine *found = low ? &check->routines[low - 1] : NULL;
    return found && address < found->end ? found : NULL;
}

/* The first code of the unit that is no routine's: it shares a unit with one by a branch into
 * its inside, or runs into it. FW_NONE: there is none. */
static uint32_t beside_routines(const struct check *check, uint32_t unit) {
    const struct fw_model *model = check->model;
    for (uint32_t i = model->units[unit].first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        if (item->kind == FW_ITEM_INSN && !check_routine_around(check, item->address))
            return item->address;
    }
    return FW_NONE;
}

static void judge_alone(struct check *check) {
    const struct fw_model *model = check->model;
    for (size_t i = 0; i < check->routine_count && !check_is_full(check); i++) {
        uint32_t item = fw_item_at(model, check->routines[i].address);
        if (item == FW_NONE) continue;
        uint32_t beside = beside_routines(check, model->items[item].unit);
        if (beside == FW_NONE) continue;
        check_find(check, "routine", beside, "shares the protection's own code at 0x%08x",
                   check->routines[i].address);
    }
}

void check_find_routines(struct check *check) {
    const struct fw_model *model = check->model;
    struct routine boot = {0};
    bool has_boot = check->boot != NULL;
    if (has_boot) boot = *check->boot;
    check->routines = ARENA_ARRAY(&check->arena, struct routine, model->function_count + 2);
    if (has_boot) check->boot = add(check, boot);
    for (size_t i = 0; i < model->function_count; i++) {
        const struct fw_function *f = &model->functions[i];
        if (strncmp(f->name, "__pm_", PREFIX_BYTES) == 0) hold_to_name(check, f);
    }
    qsort(check->routines, check->routine_count, sizeof *check->routines, by_address);
    if (has_boot) check->boot = check_routine_at(check, boot.address);
    settle_tag(check);
    judge_alone(check);
}

bool check_is_routine_unit(const struct check *check, uint32_t unit) {
    const struct fw_function *first = check_first_function(check->model, unit);
    return check_routine_at(check, first->address) && beside_routines(check, unit) == FW_NONE;
}
