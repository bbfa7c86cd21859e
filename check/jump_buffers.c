/* Jump buffers: code that stores its return address and stack pointer in memory of its caller,
 * sealed, and code that takes them from there, as setjmp and longjmp do.
 *
 * No store of the program is followed here. What is proven: each one that seals stores
 * KEY + SP and ror(lr, 16) + KEY - SP and neither word in another way; and each one that unseals,
 * started with what any of them has stored, leaves with that lr, that SP and its r4 to r11.
 * The only sums of the two words and the key that give both are w + v - 2 * KEY and v - KEY, so
 * that whoever writes the buffer needs the key. Where one of them does not fit another, all of
 * them are found. They are known by what they do, not by their names. */
#include <string.h>

#include "check/state.h"

enum { FLOAT_LIST = 0x0040f1ff /* D, Vd, single or double, imm8 */ };
enum { WORDS = 64, STEPS_MAXIMUM = 64, TURN = 16, MINUS_ONE = 15 /* of four bits */ };

struct jump {
    const struct check *check;
    uint32_t unit;
    bool restores;
    bool keyed; /* the key comes into a register or the buffer */
    struct sum words[WORDS];
    uint32_t end_bytes;               /* behind the highest of them */
    bool floats;                      /* floating-point registers stand behind them */
    uint32_t float_first, float_list; /* from which byte; the first of them, how many, how wide */
    bool moves_lr;                    /* it stores or loads lr */
    struct sums state;
};

/* The buffer is where r0 pointed. */
static bool is_buffer(struct sum a) {
    return a.base == 0 && a.times == 1 && a.turn == 0 && a.key == 0 && a.sp == 0 &&
           a.bits % 4 == 0 && a.bits / 4 < WORDS;
}

/* VSTM and VLDM, increment after (A7.7.255, A7.7.236), behind all other words. */
static bool takes_floats(struct jump *jump, const struct thumb_insn *insn) {
    bool list = (insn->bits & 0xffa00e00U) == 0xeca00a00U || /* with writeback */
                (insn->bits & 0xffa00e00U) == 0xec800a00U;
    if (!list || insn->rn >= SUMS_REGISTERS || !is_buffer(jump->state.r[insn->rn])) return false;
    if (jump->state.r[insn->rn].bits < jump->end_bytes) return false;
    if (jump->floats) return false; /* setjmp of no library needs two lists */
    jump->floats = true;
    jump->float_first = jump->state.r[insn->rn].bits;
    jump->float_list = insn->bits & FLOAT_LIST;
    sums_step(&jump->check->sums, &jump->state, insn);
    return true;
}

static bool store(struct jump *jump, const struct thumb_insn *insn,
                  const struct sums_access *access) {
    uint32_t word = access->address.bits / 4;
    for (unsigned i = 0; i < access->count; i++, word++) {
        unsigned reg = access->registers[i];
        if (word >= WORDS || reg >= SUMS_REGISTERS) return false;
        jump->words[word] = jump->state.r[reg];
        jump->moves_lr |= jump->words[word].base == THUMB_LR;
    }
    if (4 * word > jump->end_bytes) jump->end_bytes = 4 * word;
    sums_step(&jump->check->sums, &jump->state, insn);
    return true;
}

static bool load(struct jump *jump, const struct thumb_insn *insn,
                 const struct sums_access *access) {
    uint32_t word = access->address.bits / 4;
    struct sum base = jump->state.r[insn->rn];
    for (unsigned i = 0; i < access->count; i++) {
        if (word + i >= WORDS || access->registers[i] >= SUMS_REGISTERS ||
            access->registers[i] == insn->rn) {
            return false;
        }
    }
    sums_step(&jump->check->sums, &jump->state, insn);
    for (unsigned i = 0; i < access->count; i++) {
        jump->state.r[access->registers[i]] = jump->words[word + i];
        jump->moves_lr |= access->registers[i] == THUMB_LR;
    }
    if (insn->writeback && insn->op == THUMB_LDM) {
        base.bits += 4 * access->count;
        jump->state.r[insn->rn] = base;
    }
    if (4 * (word + access->count) > jump->end_bytes) jump->end_bytes = 4 * (word + access->count);
    return true;
}

static bool step_memory(struct jump *jump, const struct thumb_insn *insn) {
    struct sums_access access;
    if (insn->in_it) return false;
    if (insn->coprocessor) {
        return (jump->restores ? insn->loads : insn->stores) && takes_floats(jump, insn);
    }
    if (!sums_access_of(&jump->state, insn, &access)) return false;
    const struct sums_context *sums = &jump->check->sums;
    bool key = !sums->key_in_psp && sums->key_cell && sum_is_constant(access.address) &&
               access.address.bits == sums->key_cell;
    if (insn->op == THUMB_LDR && key && !insn->writeback) {
        sums_step(sums, &jump->state, insn);
        return true;
    }
    bool list = insn->op == THUMB_STM || insn->op == THUMB_LDM;
    bool word = insn->op == THUMB_STR || insn->op == THUMB_LDR;
    if (jump->floats || !is_buffer(access.address) || insn->decrement) return false;
    if (!list && (!word || insn->writeback)) return false;
    if (jump->restores) return !insn->stores && load(jump, insn, &access);
    if (insn->loads || !store(jump, insn, &access)) return false;
    if (insn->writeback) {
        struct sum base = access.address;
        base.bits += 4 * access.count;
        jump->state.r[insn->rn] = base;
    }
    return true;
}

/* One instruction; false where it is not followed. */
static bool step(struct jump *jump, const struct thumb_insn *insn) {
    if (insn->unpredictable || insn->flow != THUMB_FLOW_NEXT ||
        (insn->reference != THUMB_REFERENCE_NONE && insn->op != THUMB_LDR)) {
        return false;
    }
    bool memory = (insn->loads || insn->stores) && insn->reference == THUMB_REFERENCE_NONE;
    switch (insn->op) {
    case THUMB_MSR:
    case THUMB_CPS:
    case THUMB_SVC:
    case THUMB_BKPT:
    case THUMB_PUSH:
    case THUMB_POP:
        return false;
    default:
        break;
    }
    if (memory && !step_memory(jump, insn)) return false;
    if (!memory) sums_step(&jump->check->sums, &jump->state, insn);
    for (unsigned r = 0; r < SUMS_REGISTERS; r++)
        jump->keyed |= jump->state.r[r].base != BASE_UNKNOWN && jump->state.r[r].key != 0;
    return true;
}

/* Behind the return nothing that could run. */
static bool only_pads(const struct fw_model *model, uint32_t index) {
    for (; index != FW_NONE; index = model->items[index].next) {
        const struct fw_item *item = &model->items[index];
        if (item->kind != FW_ITEM_INSN || item->entry || item->label) return false;
        if (item->insn->op != THUMB_NOP && item->insn->flow != THUMB_FLOW_TRAP) return false;
    }
    return true;
}

/* From the entry straight to BX lr; the state there is the result. */
static bool follow(struct jump *jump) {
    const struct fw_model *model = jump->check->model;
    uint32_t first = model->units[jump->unit].first;
    unsigned steps = 0;
    for (uint32_t i = first; i != FW_NONE && steps < STEPS_MAXIMUM; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        if (item->kind == FW_ITEM_DATA && item->size_bytes == 4 && i == first) {
            first = item->next; /* its tag */
            continue;
        }
        if (item->kind != FW_ITEM_INSN) return false;
        if (i != first && (item->entry || item->label || item->block_start)) return false;
        if (item->insn->op == THUMB_BX) {
            bool returns =
                item->insn->rm == THUMB_LR && !item->insn->in_it && !item->insn->unpredictable;
            return returns && jump->moves_lr && only_pads(model, item->next);
        }
        if (!step(jump, item->insn)) return false;
        steps++;
    }
    return false;
}

/* lr, SP and what callees save are those of the beginning. */
static bool ends_as_it_began(const struct jump *jump) {
    const struct sum *r = jump->state.r;
    for (unsigned k = 4; k < THUMB_IP; k++) {
        if (!sum_is_base(r[k], k)) return false;
    }
    return sum_is_stack(r[THUMB_SP]) && r[THUMB_SP].bits == 0 && sum_is_base(r[THUMB_LR], THUMB_LR);
}

/* Does it fill a buffer with its lr? */
static bool follow_saver(const struct check *check, uint32_t unit, struct jump *out) {
    *out = (struct jump){.check = check, .unit = unit};
    sums_start(&out->state);
    for (unsigned i = 0; i < WORDS; i++)
        out->words[i] = sum_unknown;
    return follow(out);
}

/* Does it return by a buffer? With the words of `saved`, or unknown ones. Its own stack pointer
 * is none of the buffer's. */
static bool follow_restorer(const struct check *check, const struct jump *saved, uint32_t unit,
                            struct jump *out) {
    *out = (struct jump){.check = check, .unit = unit, .restores = true};
    sums_start(&out->state);
    for (unsigned r = 1; r < SUMS_REGISTERS; r++)
        out->state.r[r] = sum_unknown;
    for (unsigned i = 0; i < WORDS; i++)
        out->words[i] = saved ? saved->words[i] : sum_unknown;
    return follow(out);
}

/* The two sealed words, once each, and nothing else of lr, SP or the key. */
static bool stores_sealed(const struct jump *jump) {
    const struct sum address = {THUMB_LR, 1, 1, MINUS_ONE, TURN, 0};
    const struct sum stack = {BASE_NONE, 0, 1, 1, 0, 0};
    unsigned addresses = 0, stacks = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        struct sum word = jump->words[i];
        bool is_address = sum_same(word, address), is_stack = sum_same(word, stack);
        addresses += is_address;
        stacks += is_stack;
        /* r0 has another meaning where the words are read. */
        bool other = word.base == THUMB_LR || word.base == 0 || word.key != 0 || word.sp != 0;
        if (word.base != BASE_UNKNOWN && other && !is_address && !is_stack) return false;
    }
    return addresses == 1 && stacks == 1;
}

/* Cheap: may the unit be one of them? All else is not followed. */
static bool may_be(const struct check *check, uint32_t unit, bool *saver) {
    const struct fw_model *model = check->model;
    unsigned steps = 0;
    for (uint32_t i = model->units[unit].first; i != FW_NONE && steps < STEPS_MAXIMUM;
         i = model->items[i].next, steps++) {
        const struct thumb_insn *insn = model->items[i].insn;
        if (model->items[i].kind != FW_ITEM_INSN) continue;
        if (insn->flow != THUMB_FLOW_NEXT || insn->op == THUMB_PUSH) return false;
        *saver = insn->stores && (insn->reads >> THUMB_LR & 1);
        if (*saver || (insn->loads && (insn->writes >> THUMB_LR & 1))) return true;
    }
    return false;
}

struct found {
    uint32_t *units;
    size_t count;
};

/* Those that use the key. */
static void find_keyed(const struct check *check, struct found *savers, struct found *restorers) {
    struct jump jump;
    bool saver;
    for (uint32_t u = 0; u < check->model->unit_count; u++) {
        if (!check->model->units[u].decoded || check_is_routine_unit(check, u)) continue;
        if (!may_be(check, u, &saver)) continue;
        struct found *list = saver ? savers : restorers;
        bool is = saver ? follow_saver(check, u, &jump) : follow_restorer(check, NULL, u, &jump);
        if (is && jump.keyed) list->units[list->count++] = u;
    }
}

/* What comes back is what was stored: the same registers from the same place. */
static bool same_floats(const struct jump *saved, const struct jump *restored) {
    return saved->floats == restored->floats && saved->float_first == restored->float_first &&
           saved->float_list == restored->float_list;
}

static bool fits(const struct check *check, const struct found *savers,
                 const struct found *restorers) {
    struct jump saved, restored;
    for (size_t s = 0; s < savers->count; s++) {
        if (!follow_saver(check, savers->units[s], &saved)) return false;
        if (!ends_as_it_began(&saved) || !stores_sealed(&saved)) return false;
        for (size_t r = 0; r < restorers->count; r++) {
            if (!follow_restorer(check, &saved, restorers->units[r], &restored)) return false;
            if (!ends_as_it_began(&restored) || !same_floats(&saved, &restored)) return false;
        }
    }
    return savers->count && restorers->count;
}

static void keep(struct check *check, const struct found *found, enum jump_kind kind) {
    for (size_t i = 0; i < found->count; i++) {
        check->jump_of[found->units[i]] = (uint8_t)kind;
        check->jumps[check->jump_count++] =
            check_first_function(check->model, found->units[i])->address;
    }
}

void check_jump_buffers(struct check *check) {
    struct arena scratch = {0};
    size_t units = check->model->unit_count;
    struct found savers = {.units = ARENA_ARRAY(&scratch, uint32_t, units + 1)};
    struct found restorers = {.units = ARENA_ARRAY(&scratch, uint32_t, units + 1)};
    check->jump_of = ARENA_ARRAY(&check->model->arena, uint8_t, units + 1);
    find_keyed(check, &savers, &restorers);
    check->jumps = ARENA_ARRAY(&check->arena, uint32_t, savers.count + restorers.count + 1);
    if (fits(check, &savers, &restorers)) {
        keep(check, &savers, JUMP_SAVES);
        keep(check, &restorers, JUMP_RESTORES);
    } else {
        const struct found *all[] = {&savers, &restorers};
        for (size_t k = 0; k < 2; k++) {
            for (size_t i = 0; i < all[k]->count; i++) {
                check_find(check, "returns",
                           check_first_function(check->model, all[k]->units[i])->address,
                           "seals or unseals a jump buffer, but not as what it goes with");
            }
        }
    }
    arena_free(&scratch);
}

bool check_is_jump(const struct check *check, uint32_t address) {
    for (size_t i = 0; i < check->jump_count; i++) {
        if (check->jumps[i] == address) return true;
    }
    return false;
}
