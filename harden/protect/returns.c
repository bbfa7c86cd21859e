/* Returns: a return address on the stack is useless without this boot's key.
 *
 * Where a function saves lr, the value is sealed first, with the key and the stack pointer
 * of that moment, and unsealed where it comes back, with the stack pointer at the same
 * place (or a known distance from it, which is added):
 *
 *     mrs   ip, psp                the key        mrs   ip, psp
 *     add   ip, sp, ip                            add   ip, sp, ip
 *     add.w lr, ip, lr, ror #16    sealed         sub.w lr, lr, ip
 *     push  {..., lr}                             ror.w lr, lr, #16
 *
 * The rotation puts the address's high half where an overflow that runs out early, or by
 * one byte, hits first: such a return goes far away instead of near the code.
 *
 * A return from the stack (pop {..., pc}) becomes a pop and a branch to a shared tail that
 * unseals and returns. Copies of the tail (islands) stand all over the code, so that the
 * branch is mostly a narrow one; equal returns of one function share one sequence. A wrong
 * value is not detected but diverted to a place that the attacker cannot choose without
 * the key.
 *
 * No flag is written. ip is the scratch register where liveness shows it dead; where it is
 * live, r0 is spilled for the moment. The state lives in the value, so interrupts,
 * longjmp and any number of stacks work.
 *
 * Requires: fw_values() proved for the unit that every read of the slot is a restore and
 * how far the stack pointers are apart. A unit without that proof is left as it is, counted. */
#include "firmware/lift/lift.h"
#include "harden/passes.h"

enum {
    ADD_IP_SP = 0x44ec, /* add ip, sp, ip (A7.7.6 T1) */
    POP_NARROW = 0xbc00,
    BX_LR = 0x4770,
    MOV_FROM_LR = 0x4670, /* mov rd, lr: rd in the low bits (A7.7.77 T1) */
    LR_BIT = 1 << THUMB_LR,
    PC_BIT = 1 << THUMB_PC,
    ISLAND_SPACING_BYTES = 3400, /* a narrow branch reaches 2 KiB both ways */
};
#define POP_WIDE 0xe8bd0000U      /* ldmia.w sp!, {list} */
#define ADD_LR_IP_ROR 0xeb0c4e3eU /* add.w lr, ip, lr, ror #16 (A7.7.4 T3) */
#define SUB_LR_LR_IP 0xebae0e0cU  /* sub.w lr, lr, ip (A7.7.175 T2) */
#define ROR_LR 0xea4f4e3eU        /* ror.w lr, lr, #16 (A7.7.116 T1) */
#define LDR_LR_POP 0xf85deb04U    /* ldr.w lr, [sp], #4 */

/* ADDW or SUBW rd, rd, #distance (A7.7.3 T4, A7.7.174 T4): no flags. */
static uint32_t add_distance(unsigned reg, int32_t distance) {
    uint32_t amount = (uint32_t)(distance < 0 ? -distance : distance);
    uint32_t bits = distance < 0 ? 0xf2a00000U : 0xf2000000U;
    return bits | (amount & 0x800U) << 15 | reg << 16 | (amount & 0x700U) << 4 | reg << 8 |
           (amount & 0xffU);
}

enum direction { SEAL, UNSEAL };

static size_t seal_bits(const struct hardening *hardening, enum direction direction,
                        int32_t distance, uint32_t *bits) {
    size_t count = protect_load_key(hardening, THUMB_IP, bits);
    bits[count++] = ADD_IP_SP;
    if (distance) bits[count++] = add_distance(THUMB_IP, distance);
    bits[count++] = direction == SEAL ? ADD_LR_IP_ROR : SUB_LR_LR_IP;
    if (direction == UNSEAL) bits[count++] = ROR_LR;
    return count;
}

/* The same without a free register: the push moves sp by 4, which is set right behind. */
static size_t seal_bits_spilling(const struct hardening *hardening, enum direction direction,
                                 int32_t distance, uint32_t *bits) {
    int32_t rest = direction == SEAL ? 4 + distance : -4 - distance;
    size_t count = 0;
    bits[count++] = 0xb401; /* push {r0} */
    count += protect_load_key(hardening, 0, bits + count);
    bits[count++] = 0x4468; /* add r0, sp, r0 */
    bits[count++] = direction == SEAL
                        ? 0xeb004e3eU
                        : 0xebae0e00U; /* add.w lr, r0, lr, ror #16; sub.w lr, lr, r0 */
    if (rest) bits[count++] = add_distance(THUMB_LR, rest);
    if (direction == UNSEAL) bits[count++] = ROR_LR;
    bits[count++] = 0xbc01; /* pop {r0} */
    return count;
}

static uint32_t make_island(struct hardening *hardening) {
    struct fw_model *model = hardening->model;
    uint32_t bits[FW_EDIT_MAXIMUM];
    size_t count = seal_bits(hardening, UNSEAL, 0, bits);
    uint32_t unit = fw_add_unit(model, "__pm_return_pop");
    uint32_t first = fw_append(model, unit, LDR_LR_POP);
    fw_add_function(model, unit, "__pm_return");
    uint32_t second = fw_append(model, unit, bits[0]);
    for (size_t i = 1; i < count; i++) {
        fw_append(model, unit, bits[i]);
    }
    fw_append(model, unit, BX_LR);
    hardening->return_pop_stub = first;
    hardening->return_stub = second;
    return unit;
}

static void make_islands(struct hardening *hardening) {
    struct fw_model *model = hardening->model;
    size_t code_bytes = 0;
    for (size_t u = 0; u < model->unit_count; u++) {
        if (model->units[u].status == FW_UNIT_ACCEPTED) code_bytes += model->units[u].bytes_before;
    }
    size_t count = code_bytes / ISLAND_SPACING_BYTES + 1;
    model->islands = ARENA_ARRAY(&model->arena, uint32_t, count);
    for (size_t i = 0; i < count; i++) {
        model->islands[model->island_count++] = make_island(hardening);
    }
}

static bool ip_free(const struct hardening *hardening, uint32_t item, uint32_t live) {
    const struct fw_unit *unit = &hardening->model->units[hardening->model->items[item].unit];
    return !(live & FW_LIVE_IP) && !unit->ip_reserved;
}

/* distance: how far the save lowers the stack pointer. */
static void seal_save(struct hardening *hardening, uint32_t item, int32_t distance) {
    struct fw_model *model = hardening->model;
    uint32_t before = hardening->liveness.before[item], after = hardening->liveness.after[item];
    uint32_t bits[FW_EDIT_MAXIMUM];
    bool free = ip_free(hardening, item, before | after);
    size_t count =
        free ? seal_bits(hardening, SEAL, 0, bits) : seal_bits_spilling(hardening, SEAL, 0, bits);
    uint32_t moved = fw_insert_before(model, item, bits, count);
    if (!(after & FW_LIVE_LR)) return;
    const uint32_t unseal[] = {SUB_LR_LR_IP, ROR_LR};
    if (free) { /* ip still holds key + sp */
        fw_insert_after(model, moved, unseal, 2);
    } else {
        count = seal_bits_spilling(hardening, UNSEAL, distance, bits);
        fw_insert_after(model, moved, bits, count);
    }
}

static void unseal_restore(struct hardening *hardening, uint32_t item, int32_t distance) {
    uint32_t bits[FW_EDIT_MAXIMUM + 1];
    bool free = ip_free(hardening, item, hardening->liveness.after[item]);
    size_t count = free ? seal_bits(hardening, UNSEAL, distance, bits)
                        : seal_bits_spilling(hardening, UNSEAL, distance, bits);
    const struct thumb_insn *insn = hardening->model->items[item].insn;
    /* It came by way of a register, which is to hold it as well. */
    if (insn->op == THUMB_MOV_REGISTER) bits[count++] = MOV_FROM_LR | insn->rm;
    fw_insert_after(hardening->model, item, bits, count);
}

/* The IT instruction that covers `item`: input items are numbered in order. */
static uint32_t it_of(const struct fw_model *model, uint32_t item, unsigned *distance) {
    for (unsigned k = 1; k <= 4; k++) {
        if (model->items[item - k].insn->op == THUMB_IT) {
            *distance = k;
            return item - k;
        }
    }
    return FW_NONE;
}

/* A return in an IT block becomes a branch around an unconditional one: the block loses
 * its last place, where the branch now asks for the same condition. Returns the item that now holds
 * the return. */
static uint32_t leave_it_block(struct hardening *hardening, uint32_t item) {
    struct fw_model *model = hardening->model;
    unsigned distance = 0, inverse = model->items[item].insn->cond ^ 1U;
    uint32_t it = it_of(model, item, &distance), around = model->items[item].next;
    uint32_t bits[4] = {model->items[item].insn->bits};
    if (distance == 1) {
        fw_replace_branch(model, it, THUMB_B_COND, inverse, around);
        fw_replace(model, item, bits[0]);
        return item;
    }
    uint32_t firstcond_mask = model->items[it].insn->imm;
    uint32_t stop = 1U << (5 - distance); /* where the shorter block's end bit stands */
    uint32_t mask = (firstcond_mask & 15U & ~(2 * stop - 1)) | stop;
    /* `stop` keeps the then/else bits above it. */
    fw_replace(model, it, 0xbf00U | (firstcond_mask & 0xf0U) | mask);
    fw_replace(model, item, bits[0]);
    bits[0] = 0xd000U | inverse << 8;
    uint32_t moved = fw_insert_before(model, item, bits, 1);
    fw_replace_branch(model, item, THUMB_B_COND, inverse, around);
    return moved;
}

/* Return sequences of the unit under work that others may branch to. */
struct shared_return {
    uint32_t key;  /* register list, or the load's bits */
    uint32_t item; /* first of the sequence */
};

enum { SHARED_MAXIMUM = 16 };

struct shared_returns {
    struct shared_return entries[SHARED_MAXIMUM];
    size_t count;
};

static void branch_to_tail(struct fw_model *model, uint32_t item, uint32_t stub) {
    fw_replace_branch_narrow(model, item, stub); /* wide where no island is near */
    model->items[item].island = true;
}

/* Replace the return by a branch to an equal one of this unit; a lone conditional return
 * becomes a conditional branch. */
static void share_return(struct fw_model *model, uint32_t item, uint32_t target) {
    struct thumb_insn insn = *model->items[item].insn;
    unsigned distance = 0;
    uint32_t it = insn.in_it ? it_of(model, item, &distance) : FW_NONE;
    if (it != FW_NONE && distance == 1) {
        model->items[it].next = model->items[item].next;
        fw_replace_branch(model, it, THUMB_B_COND, insn.cond, target);
        return;
    }
    fw_replace_branch_narrow(model, item, target);
}

/* One that stays under its IT block keeps the condition there: nothing to renew. */
static bool try_share(struct hardening *hardening, struct shared_returns *shared, uint32_t item,
                      uint32_t key) {
    struct fw_model *model = hardening->model;
    for (size_t i = 0; i < shared->count; i++) {
        if (shared->entries[i].key != key) continue;
        share_return(model, item, shared->entries[i].item);
        return true;
    }
    return false;
}

static void seal_return(struct hardening *hardening, struct shared_returns *shared, uint32_t item) {
    struct fw_model *model = hardening->model;
    struct thumb_insn insn = *model->items[item].insn;
    bool spill = model->units[model->items[item].unit].ip_reserved;
    uint32_t list = insn.list & ~(uint32_t)PC_BIT, stub = hardening->return_stub;
    bool single = insn.op == THUMB_LDR || (insn.op == THUMB_POP && list == 0);
    uint32_t key = insn.op == THUMB_LDR ? insn.bits : list;
    bool lone = single && insn.op == THUMB_POP && !spill;
    if (!lone && try_share(hardening, shared, item, key)) return;
    if (insn.in_it) item = leave_it_block(hardening, item);
    if (lone) {
        branch_to_tail(model, item, hardening->return_pop_stub);
        return;
    }
    if (shared->count < SHARED_MAXIMUM) {
        shared->entries[shared->count++] = (struct shared_return){key, item};
    }
    if (single) { /* ldr pc, [sp], #n: the same into lr */
        uint32_t load = insn.op == THUMB_LDR ? (insn.bits & ~0xf000U) | 0xe000U : LDR_LR_POP;
        fw_replace(model, item, load);
    } else if ((list & ~0xffU) == 0 && !spill) {
        fw_replace(model, item, POP_NARROW | list);
        stub = hardening->return_pop_stub;
    } else {
        fw_replace(model, item, POP_WIDE | list | LR_BIT);
    }
    uint32_t bits[FW_EDIT_MAXIMUM + 1];
    if (spill) {
        size_t count = seal_bits_spilling(hardening, UNSEAL, 0, bits);
        bits[count++] = BX_LR;
        fw_insert_after(model, item, bits, count);
        return;
    }
    bits[0] = 0xf0009000U;
    branch_to_tail(model, fw_insert_after(model, item, bits, 1), stub);
}

/* What sealing cannot do in this unit, or NULL. */
static const char *obstacle(const struct hardening *hardening, uint32_t unit) {
    const struct fw_model *model = hardening->model;
    const struct fw_frames *frames = &hardening->values.frames[unit];
    if (model->units[unit].exempt) return model->units[unit].returns_reason;
    if (frames->reason) return frames->reason;
    if (model->units[unit].status == FW_UNIT_UNTOUCHED) return model->units[unit].reason;
    for (size_t i = 0; i < frames->site_count; i++) {
        uint32_t item = frames->sites[i].item;
        const struct thumb_insn *insn = model->items[item].insn;
        if (model->items[item].relocation != FW_NONE) return "a relocation is at its save";
        if (frames->sites[i].kind != FW_SITE_RETURN) continue;
        if (insn->op != THUMB_POP &&
            (insn->op != THUMB_LDR || insn->rn != THUMB_SP || insn->size_bytes != 4)) {
            return "it returns in a way that has no sealed form";
        }
        unsigned distance = 0;
        if (!insn->in_it) continue;
        uint32_t it = it_of(model, item, &distance);
        if (it == FW_NONE || model->items[item].next == FW_NONE) return "an IT block is not whole";
    }
    return NULL;
}

void protect_returns(struct hardening *hardening) {
    struct fw_model *model = hardening->model;
    size_t units = model->unit_count;
    make_islands(hardening);
    for (uint32_t u = 0; u < units; u++) {
        struct fw_unit *unit = &model->units[u];
        if (unit->made || unit->status == FW_UNIT_DROPPED) continue;
        const struct fw_frames *frames = &hardening->values.frames[u];
        unit->return_sites = (uint32_t)(frames->saves + frames->copies);
        bool unknown = unit->status == FW_UNIT_UNTOUCHED && fw_has_branch_into_data(model, u);
        if ((frames->reason || unknown) && !unit->return_sites) unit->return_sites = 1;
        unit->returns_reason = obstacle(hardening, u);
        if (unit->returns_reason || !frames->saves) continue;
        struct shared_returns shared = {.count = 0};
        for (size_t i = 0; i < frames->site_count; i++) {
            uint32_t item = frames->sites[i].item;
            switch (frames->sites[i].kind) {
            case FW_SITE_SAVE:
                seal_save(hardening, item, frames->sites[i].distance);
                break;
            case FW_SITE_RESTORE:
                unseal_restore(hardening, item, frames->sites[i].distance);
                break;
            default:
                seal_return(hardening, &shared, item);
                break;
            }
        }
        unit->return_sites_sealed = unit->return_sites;
    }
}
