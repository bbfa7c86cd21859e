/* See mpu.h. */
#include "firmware/analyse/mpu.h"

#include <string.h>

#define MPU_FIRST 0xe000ed90U
#define MPU_END 0xe000edc0U
#define MPU_RNR 0xe000ed98U
#define MPU_RBAR 0xe000ed9cU
#define MPU_RASR 0xe000eda0U
/* The system control space, and in front of it what a store's 4,095 bytes of offset bring there. */
#define SYSTEM_FIRST 0xe000d000U
#define SYSTEM_END 0xe000f000U
enum { AHEAD_MAXIMUM = 64 };
enum { REGISTERS = 15, CALL_CLOBBERED = 0x500f /* r0-r3, r12, lr (AAPCS32, 6.1.1) */ };

struct constants {
    uint32_t known;  /* one bit a register */
    uint32_t system; /* those of them that hold an address in the system control space */
    uint32_t spent;  /* those of them that a load has used since */
    uint32_t value[REGISTERS];
};

static bool is_known(const struct constants *state, unsigned reg, uint32_t *value) {
    if (reg >= REGISTERS || !(state->known >> reg & 1)) return false;
    *value = state->value[reg];
    return true;
}

static bool is_mpu(uint32_t address) {
    return address >= MPU_FIRST && address < MPU_END;
}

static bool is_system(uint32_t address) {
    return address >= SYSTEM_FIRST && address < SYSTEM_END;
}

static void forget(struct constants *state, uint32_t registers) {
    state->known &= ~registers;
    state->system &= ~registers;
    state->spent &= ~registers;
}

static void learn(struct constants *state, unsigned reg, uint32_t value) {
    uint32_t bit = 1U << reg;
    state->known |= bit;
    state->spent &= ~bit;
    state->system = is_system(value) ? state->system | bit : state->system & ~bit;
    state->value[reg] = value;
}

/* Registers among those that the instruction reads that hold an address of this kind. */
static uint32_t reads_of(const struct constants *state, const struct thumb_insn *insn,
                         bool (*kind)(uint32_t)) {
    uint32_t found = 0;
    for (uint32_t rest = insn->reads & state->known; rest; rest &= rest - 1) {
        unsigned reg = (unsigned)__builtin_ctz(rest);
        if (kind(state->value[reg])) found |= 1U << reg;
    }
    return found;
}

static bool literal(struct fw_model *model, const struct fw_item *item, uint32_t *value) {
    if (item->insn->reference != THUMB_REFERENCE_LITERAL || item->target == FW_NONE) return false;
    const struct fw_item *pool = &model->items[item->target];
    const uint8_t *bytes = fw_bytes_at(model, pool->address + item->target_delta, 4);
    return bytes && span_u32le((struct span){bytes, 4}, 0, value);
}

/* The constant that the instruction makes in rd. */
static bool result(struct fw_model *model, const struct constants *state,
                   const struct fw_item *item, uint32_t *value) {
    const struct thumb_insn *insn = item->insn;
    uint32_t a = 0, b = 0;
    bool has_a = is_known(state, insn->rn, &a), has_b = is_known(state, insn->rm, &b);
    switch (insn->op) {
    case THUMB_MOV_IMMEDIATE:
        *value = insn->imm;
        return true;
    case THUMB_MVN_IMMEDIATE:
        *value = ~insn->imm;
        return true;
    case THUMB_MOVT:
        if (!is_known(state, insn->rd, &a)) return false;
        *value = (a & 0xffff) | insn->imm << 16;
        return true;
    case THUMB_MOV_REGISTER:
        *value = b;
        return has_b;
    case THUMB_ADD_IMMEDIATE:
        *value = a + insn->imm;
        return has_a;
    case THUMB_SUB_IMMEDIATE:
        *value = a - insn->imm;
        return has_a;
    case THUMB_ADD_REGISTER:
        *value = a + (insn->shift < 32 ? b << insn->shift : 0);
        return has_a && has_b && insn->shift < 32;
    case THUMB_SUB_REGISTER:
        *value = a - (insn->shift < 32 ? b << insn->shift : 0);
        return has_a && has_b && insn->shift < 32;
    case THUMB_LDR:
        return literal(model, item, value);
    default:
        return false;
    }
}

/* LDRD and STRD (A7.7.50, A7.7.166). */
static bool is_dual(const struct thumb_insn *insn) {
    return insn->size_bytes == 4 && (insn->bits & 0xfe400000U) == 0xe8400000U;
}

static bool stores_there(const struct constants *state, const struct thumb_insn *insn) {
    uint32_t base, index, bytes = is_dual(insn) ? 8 : 4;
    if (!insn->stores || !is_known(state, insn->rn, &base) || !is_system(base)) return false;
    if (insn->op == THUMB_STM) {
        bytes = 4U * (uint32_t)__builtin_popcount(insn->list);
        if (insn->decrement) base -= bytes;
    } else if (insn->rm == THUMB_NO_REGISTER && insn->index) {
        base += insn->subtract ? 0U - insn->imm : insn->imm;
    } else if (is_known(state, insn->rm, &index) && insn->shift < 32) {
        base += index << insn->shift;
    }
    return base < MPU_END && base + bytes > MPU_FIRST;
}

enum { ARGUMENTS = 4 };

static bool is_call(const struct thumb_insn *insn) {
    return insn->flow == THUMB_FLOW_CALL || insn->flow == THUMB_FLOW_CALL_INDIRECT;
}

/* Control goes to the caller or to another function. A sealed return does so by a branch to its
 * tail: what r0 to r3 then hold is looked at in the same way as where it returns itself. */
static bool leaves(const struct fw_model *model, const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    if (insn->flow == THUMB_FLOW_JUMP_INDIRECT) return true;
    if (insn->flow != THUMB_FLOW_BRANCH && insn->flow != THUMB_FLOW_BRANCH_COND) return false;
    return item->target == FW_NONE || model->items[item->target].unit != item->unit;
}

/* Does one of r0 to r3 hand such an address on? */
static bool hands_on(const struct constants *state, bool calls) {
    for (unsigned reg = 0; reg < ARGUMENTS; reg++) {
        uint32_t value;
        bool spent = (state->spent >> reg & 1) && !(calls && reg == 0);
        if (!spent && is_known(state, reg, &value) && is_mpu(value)) return true;
    }
    return false;
}

/* A use of such an address behind which it is lost from sight. */
static bool escapes(const struct constants *state, const struct thumb_insn *insn, bool followed) {
    bool computes = insn->writes && !insn->loads && !insn->stores && !followed;
    bool index = insn->op == THUMB_ADD_REGISTER || insn->op == THUMB_SUB_REGISTER;
    uint32_t mpu = reads_of(state, insn, is_mpu);
    bool only_base = insn->loads && !insn->stores && !insn->writeback && mpu == 1U << insn->rn;
    if (is_call(insn)) return hands_on(state, true);
    if (mpu && !only_base && (insn->stores || insn->loads || computes)) return true;
    /* The index of an interrupt's register is added to one of these bases. */
    return computes && !index && reads_of(state, insn, is_system);
}

/* One word to the region that the flash driver's window is: where it begins, its size and rights;
 * which one it is by its number alone. */
static bool sets_window(const struct constants *state, const struct thumb_insn *insn) {
    uint32_t base, value;
    bool plain = insn->op == THUMB_STR && insn->index && !insn->writeback && !is_dual(insn) &&
                 insn->rm == THUMB_NO_REGISTER && insn->rd != insn->rn;
    if (!plain || !is_known(state, insn->rn, &base)) return false;
    base += insn->subtract ? 0U - insn->imm : insn->imm;
    bool has_value = is_known(state, insn->rd, &value);
    if (has_value && is_mpu(value)) return false;
    if (base == MPU_RNR) return has_value && value == FW_FLASH_WINDOW_REGION;
    return base == MPU_RBAR || base == MPU_RASR;
}

static bool step(struct fw_model *model, struct constants *state, const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    bool calls = is_call(insn);
    uint32_t value = 0, given = insn->reads | (calls ? (1U << ARGUMENTS) - 1 : 0);
    bool followed = result(model, state, item, &value);
    bool allowed = model->units[item->unit].flash_window && sets_window(state, insn);
    if (!allowed && (state->system & given) &&
        (stores_there(state, insn) || escapes(state, insn, followed))) {
        return true;
    }
    if (state->system && leaves(model, item) && hands_on(state, false)) return true;
    bool base_used = insn->loads || allowed;
    if (base_used && insn->rn < REGISTERS) state->spent |= state->known & 1U << insn->rn;
    forget(state, insn->writes | (calls ? CALL_CLOBBERED : 0U));
    if (followed && insn->rd < REGISTERS) learn(state, insn->rd, value);
    return false;
}

/* What is known where a branch further down leads. */
struct ahead {
    uint32_t target;
    struct constants state;
};

struct follower {
    struct fw_model *model;
    struct constants state;
    struct ahead ahead[AHEAD_MAXIMUM]; /* branches beyond are taken to know nothing */
    size_t ahead_count;
    struct ahead back[AHEAD_MAXIMUM]; /* branches up that bring addresses, for another round */
    size_t back_count;
    bool falls_through; /* control comes from the instruction in front */
};

/* A loop that is entered at its end is reached by its branch up alone. */
static void note_branch_up(struct follower *f, uint32_t target) {
    if (!f->state.system || f->back_count == AHEAD_MAXIMUM) return;
    for (size_t i = 0; i < f->back_count; i++) {
        const struct ahead *known = &f->back[i];
        if (known->target == target && !(f->state.system & ~known->state.system)) return;
    }
    f->back[f->back_count++] = (struct ahead){target, f->state};
}

static void note_branch(struct follower *f, const struct fw_item *item) {
    bool branch =
        item->insn->flow == THUMB_FLOW_BRANCH || item->insn->flow == THUMB_FLOW_BRANCH_COND;
    if (!branch || item->target == FW_NONE) return;
    if (f->model->items[item->target].unit != item->unit) return;
    if (f->model->items[item->target].address <= item->address) {
        note_branch_up(f, item->target);
        return;
    }
    if (f->ahead_count == AHEAD_MAXIMUM) return;
    f->ahead[f->ahead_count++] = (struct ahead){item->target, f->state};
}

/* Two ways meet: an address in the system control space may come by either, other constants
 * are known where both agree. */
static void meet(struct constants *state, const struct constants *other) {
    for (unsigned reg = 0; reg < REGISTERS; reg++) {
        uint32_t here = 0, there = 0;
        bool has_here = is_known(state, reg, &here), has_there = is_known(other, reg, &there);
        if (has_there) state->spent &= other->spent | ~(1U << reg);
        if (has_here && (is_system(here) || (has_there && here == there))) continue;
        if (has_there && is_system(there)) {
            learn(state, reg, there);
        } else {
            forget(state, 1U << reg);
        }
    }
}

static void join(struct follower *f, const struct constants *state, bool *any) {
    if (*any) {
        meet(&f->state, state);
    } else {
        f->state = *state;
    }
    *any = true;
}

/* In front of an instruction: what the code above left, and what branches from above bring. */
static void arrive(struct follower *f, uint32_t index) {
    bool any = f->falls_through;
    if (!any) forget(&f->state, UINT32_MAX);
    if (!f->model->items[index].block_start) return; /* no branch leads here */
    for (size_t i = 0; i < f->back_count; i++) {
        if (f->back[i].target == index) join(f, &f->back[i].state, &any);
    }
    for (size_t i = 0; i < f->ahead_count;) {
        if (f->ahead[i].target != index) {
            i++;
            continue;
        }
        join(f, &f->ahead[i].state, &any);
        f->ahead[i] = f->ahead[--f->ahead_count];
    }
}

static bool falls_through(const struct thumb_insn *insn) {
    if (insn->in_it) return true;
    return insn->flow != THUMB_FLOW_BRANCH && insn->flow != THUMB_FLOW_JUMP_INDIRECT &&
           insn->flow != THUMB_FLOW_TABLE && insn->flow != THUMB_FLOW_TRAP;
}

/* One round over the unit. */
static uint32_t follow(struct follower *f, uint32_t unit, uint32_t stub, uint32_t stub_end) {
    struct fw_model *model = f->model;
    f->state.known = f->state.system = f->state.spent = 0;
    f->ahead_count = 0;
    f->falls_through = false;
    for (uint32_t i = model->units[unit].first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        if (item->kind != FW_ITEM_INSN) {
            f->falls_through = false;
            continue;
        }
        bool known = item->address - stub < stub_end - stub;
        arrive(f, i);
        if (item->entry || known) forget(&f->state, UINT32_MAX);
        if (!known && step(model, &f->state, item)) return i;
        note_branch(f, item);
        f->falls_through = falls_through(item->insn);
    }
    return FW_NONE;
}

uint32_t fw_mpu_use(struct fw_model *model, uint32_t unit, uint32_t stub, uint32_t stub_end) {
    struct follower f; /* not cleared whole: most units have few branches */
    size_t known;
    uint32_t found;
    f.model = model;
    f.back_count = 0;
    if (!model->units[unit].decoded) return FW_NONE;
    do { /* ends: each round but the last fills a place of `back` */
        known = f.back_count;
        found = follow(&f, unit, stub, stub_end);
    } while (found == FW_NONE && f.back_count > known);
    return found;
}

uint32_t fw_faultmask_use(const struct fw_model *model, uint32_t unit) {
    enum { SYSM_FAULTMASK = 19, CPSID_F = 0xb671, CPSID_BITS = 0xfff1 /* A7.7.29; or CPSID if */ };
    for (uint32_t i = model->units[unit].first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        const struct thumb_insn *insn = item->insn;
        if (item->kind != FW_ITEM_INSN) continue;
        if (insn->op == THUMB_CPS && (insn->bits & CPSID_BITS) == CPSID_F) return i;
        if (insn->op == THUMB_MSR && insn->imm == SYSM_FAULTMASK) return i;
    }
    return FW_NONE;
}

/* Functions of the unit; the tag in front of one has a symbol, too. */
static uint32_t functions_of(const struct fw_model *model, const struct fw_unit *unit) {
    const struct fw_function *first = &model->functions[unit->function_first];
    bool tag = unit->function_count > 1 && strcmp(first->name, FW_TAG_SYMBOL) == 0;
    return unit->function_count - tag;
}

const char *fw_mark_flash_window(struct fw_model *model, const char *const *names, size_t count) {
    for (size_t k = 0; k < count; k++) {
        size_t found = 0;
        for (size_t i = 0; i < model->function_count; i++) {
            const struct fw_function *f = &model->functions[i];
            struct fw_unit *unit = &model->units[f->unit];
            if (strcmp(f->name, names[k]) != 0) continue;
            if (functions_of(model, unit) != 1 || !unit->decoded) return names[k];
            unit->flash_window = true;
            found++;
        }
        if (found != 1) return names[k];
    }
    return NULL;
}
