/* Jump buffers: what setjmp stores for longjmp is sealed, lr and the stack pointer.
 *
 * A word that an attacker writes into a jmp_buf is as good as one on the stack. So both words
 * are stored with this boot's key, and the address also with the stack pointer:
 *
 *     ror.w lr, lr, #16            rS: register that holds sp for the store
 *     sub.w lr, lr, rS
 *     mrs   rS, psp                the key
 *     add   lr, rS                 lr = ror(address, 16) - sp + key
 *     add   rS, sp, rS             rS = sp + key
 *     stmia r0!, {..., rS, lr}
 *     sub.w lr, lr, rS             setjmp itself still returns by lr
 *     add   lr, sp, lr
 *     add   lr, sp, lr
 *     ror.w lr, lr, #16
 *
 *     ldmia r0!, {..., rS, lr}
 *     mrs   rK, psp                rK: of r1-r3, not needed any more
 *     sub.w rS, rS, rK
 *     sub.w lr, lr, rK
 *     add   lr, rS
 *     ror.w lr, lr, #16
 *     mov   sp, rS
 *
 * With a stack pointer as it is, or with the seal of frames (key + sp), an attacker who writes
 * both words, or one, could have the key cancel out; here the address that comes back is
 * lr + rS - 2 * key, and the stack pointer rS - key.
 *
 * Memory cannot be followed, so all of it is sealed or nothing: the functions must bear the
 * names that the C standard keeps for them, be proven, each one with each other, to bring back
 * exactly what was there at setjmp's return, and nobody else may do alike. The proof takes
 * straight code only; anything it does not know ends it. */
#include <string.h>

#include "firmware/lift/lift.h"
#include "harden/passes.h"

enum kind {
    UNKNOWN,
    ENTRY,  /* what register `bits` held at setjmp's call */
    STACK,  /* the stack pointer there */
    BUFFER, /* the buffer's address + bits */
};

struct value {
    uint32_t kind, bits;
};

enum { REGISTERS = 15 /* r0..lr */, BUFFER_WORDS = 64 };
enum { SCRATCH = 1 << 1 | 1 << 2 | 1 << 3 | 1 << THUMB_IP /* the caller's, beside r0 */ };
#define SUB_LR_LR 0xebae0e00U /* sub.w lr, lr, rm (A7.7.175 T2) */
#define SUB_WIDE 0xeba00000U  /* sub.w rd, rn, rm */
#define ADD_LR 0x4486U        /* add lr, rm: rm in bits 6:3 (A7.7.4 T2) */
#define ADD_LR_SP_LR 0x44eeU  /* add lr, sp, lr (A7.7.6 T1) */
#define ROR_LR 0xea4f4e3eU    /* ror.w lr, lr, #16 (A7.7.116 T1) */

/* One that stores or loads a buffer, as it is followed. */
struct jump {
    struct fw_model *model;
    uint32_t unit;
    bool restores;
    struct value words[BUFFER_WORDS];
    uint32_t end_bytes;   /* behind the highest of them */
    bool floats;          /* floating-point registers follow: no core register behind them */
    uint32_t float_first; /* from which byte */
    uint32_t float_list;  /* the first of them, how many, how wide */
    uint32_t item;        /* that stores or loads lr, or FW_NONE */
    uint8_t carrier;      /* the register of sp in it */
    uint32_t moves_sp;    /* how often sp is set from the carrier behind it */
    uint32_t reads_later; /* registers that are read behind it, but for that */
    struct value r[REGISTERS];
};

static bool is(struct value value, uint32_t kind, uint32_t bits) {
    return value.kind == kind && value.bits == bits;
}

enum { FLOAT_LIST = 0x0040f1ff /* D, Vd, single or double, imm8 */ };

/* VSTM and VLDM, increment after (A7.7.255, A7.7.236). */
static bool step_floats(struct jump *jump, const struct thumb_insn *insn) {
    bool known = (insn->bits & 0xff900e00U) == (jump->restores ? 0xec900a00U : 0xec800a00U);
    if (!known || insn->rn >= REGISTERS || jump->r[insn->rn].kind != BUFFER) return false;
    if (jump->r[insn->rn].bits < jump->end_bytes) return false;
    if (jump->floats) return false;
    jump->floats = true;
    jump->float_first = jump->r[insn->rn].bits;
    jump->float_list = insn->bits & FLOAT_LIST;
    if (insn->writeback) jump->r[insn->rn].bits += 4 * (insn->bits & 0xff);
    return true;
}

/* STM and LDM, increment after. */
static bool step_list(struct jump *jump, uint32_t index) {
    const struct thumb_insn *insn = jump->model->items[index].insn;
    struct value base = insn->rn < REGISTERS ? jump->r[insn->rn] : (struct value){UNKNOWN, 0};
    uint32_t word = base.bits / 4;
    bool has_lr = insn->list >> THUMB_LR & 1;
    if (insn->decrement || base.kind != BUFFER || jump->floats || (insn->list >> insn->rn & 1)) {
        return false;
    }
    if (has_lr && jump->item != FW_NONE) return false;
    for (unsigned r = 0; r < REGISTERS; r++) {
        if (!(insn->list >> r & 1)) continue;
        if (word >= BUFFER_WORDS || r == THUMB_SP) return false;
        if (jump->restores) {
            jump->r[r] = jump->words[word++];
        } else {
            jump->words[word++] = jump->r[r];
        }
        if (jump->r[r].kind == STACK && has_lr) jump->carrier = (uint8_t)r;
    }
    if (4 * word > jump->end_bytes) jump->end_bytes = 4 * word;
    if (insn->writeback) jump->r[insn->rn].bits = 4 * word;
    if (has_lr) {
        jump->item = index;
        jump->reads_later = 0;
    }
    return true;
}

/* Registers only, and neither lr nor the flow of control. */
static bool step_registers(struct jump *jump, const struct thumb_insn *insn) {
    uint32_t special = 1U << THUMB_SP | 1U << THUMB_LR | 1U << THUMB_PC;
    if (insn->op == THUMB_MOV_REGISTER && !insn->in_it && insn->rd < REGISTERS &&
        insn->rm < REGISTERS && insn->rd != THUMB_LR && insn->rm != THUMB_LR) {
        jump->r[insn->rd] = jump->r[insn->rm];
        return insn->rd != THUMB_SP || jump->restores;
    }
    switch (insn->op) {
    case THUMB_IT:
    case THUMB_NOP:
    case THUMB_CMP_IMMEDIATE:
    case THUMB_MOV_REGISTER:
    case THUMB_MOV_IMMEDIATE:
    case THUMB_ADD_IMMEDIATE:
    case THUMB_SUB_IMMEDIATE:
        break;
    default:
        return false;
    }
    if ((insn->reads | insn->writes) & special) return false;
    for (unsigned r = 0; r < THUMB_SP; r++) {
        if (insn->writes >> r & 1) jump->r[r] = (struct value){UNKNOWN, 0};
    }
    return true;
}

static void note_reads(struct jump *jump, const struct thumb_insn *insn) {
    bool moves = insn->op == THUMB_MOV_REGISTER && insn->rd == THUMB_SP &&
                 insn->rm == jump->carrier && jump->item != FW_NONE;
    jump->moves_sp += moves;
    jump->reads_later |= moves ? 0 : insn->reads;
}

static bool step(struct jump *jump, uint32_t index) {
    const struct fw_item *item = &jump->model->items[index];
    const struct thumb_insn *insn = item->insn;
    if (item->kind != FW_ITEM_INSN || insn->unpredictable || insn->flow != THUMB_FLOW_NEXT ||
        insn->reference != THUMB_REFERENCE_NONE || item->relocation != FW_NONE) {
        return false;
    }
    note_reads(jump, insn);
    if (!insn->loads && !insn->stores) return step_registers(jump, insn);
    if (insn->in_it || (jump->restores ? insn->stores : insn->loads)) return false;
    if (insn->coprocessor) return step_floats(jump, insn);
    return (insn->op == THUMB_STM || insn->op == THUMB_LDM) && step_list(jump, index);
}

/* Behind the return only what pads. */
static bool only_pads(const struct fw_model *model, uint32_t item) {
    for (; item != FW_NONE; item = model->items[item].next) {
        if (model->items[item].entry || model->items[item].label) return false;
        if (model->items[item].insn->op != THUMB_NOP) return false;
    }
    return true;
}

static bool ends_as_it_began(const struct jump *jump) {
    for (unsigned r = 4; r < THUMB_IP; r++) {
        if (!is(jump->r[r], ENTRY, r)) return false;
    }
    return is(jump->r[THUMB_SP], STACK, 0) && is(jump->r[THUMB_LR], ENTRY, THUMB_LR);
}

/* Follow the unit to its BX lr. */
static bool follow(struct jump *jump) {
    const struct fw_model *model = jump->model;
    uint32_t first = model->units[jump->unit].first;
    if (model->items[first].kind == FW_ITEM_DATA && model->items[first].made)
        first = model->items[first].next; /* its tag */
    jump->item = FW_NONE;
    jump->carrier = THUMB_NO_REGISTER;
    for (uint32_t i = first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        if (i != first && (item->entry || item->label || item->block_start)) return false;
        bool returns = item->kind == FW_ITEM_INSN && item->insn->op == THUMB_BX &&
                       item->insn->rm == THUMB_LR && !item->insn->in_it;
        if (!returns && !step(jump, i)) return false;
        if (returns) return jump->item != FW_NONE && only_pads(model, item->next);
    }
    return false;
}

static bool follow_setjmp(struct fw_model *model, uint32_t unit, struct jump *out) {
    *out = (struct jump){.model = model, .unit = unit};
    for (unsigned r = 0; r < REGISTERS; r++)
        out->r[r] = (struct value){ENTRY, r};
    out->r[0] = (struct value){BUFFER, 0};
    out->r[THUMB_SP] = (struct value){STACK, 0};
    return follow(out) && ends_as_it_began(out);
}

/* With what `saved` left in the buffer. */
static bool follow_longjmp(const struct jump *saved, uint32_t unit, struct jump *out) {
    *out = (struct jump){.model = saved->model, .unit = unit, .restores = true};
    memcpy(out->words, saved->words, sizeof out->words);
    out->r[0] = (struct value){BUFFER, 0};
    return follow(out);
}

/* sp travels in one register of the caller's that nothing else asks for. */
static bool has_carrier(const struct jump *jump) {
    if (jump->carrier >= REGISTERS || !(SCRATCH >> jump->carrier & 1)) return false;
    const struct thumb_insn *insn = jump->model->items[jump->item].insn;
    unsigned stack_words = 0;
    for (unsigned i = 0; i < BUFFER_WORDS; i++)
        stack_words += jump->words[i].kind == STACK;
    return stack_words == 1 && insn->rn != jump->carrier &&
           !(jump->reads_later >> jump->carrier & 1) && jump->moves_sp == jump->restores;
}

/* A register for the key behind longjmp's load, or THUMB_NO_REGISTER. */
static unsigned key_register(const struct jump *jump) {
    const struct thumb_insn *insn = jump->model->items[jump->item].insn;
    for (unsigned r = 3; r > 0; r--) {
        bool used = (jump->reads_later | insn->list) >> r & 1;
        if (!used && r != jump->carrier && r != insn->rn) return r;
    }
    return THUMB_NO_REGISTER;
}

static void seal_setjmp(const struct hardening *hardening, const struct jump *jump) {
    uint32_t bits[FW_EDIT_MAXIMUM], carrier = jump->carrier;
    uint32_t add_sp = carrier == THUMB_IP ? 0x44ecU : 0x4468U | carrier; /* add rS, sp, rS */
    const uint32_t back[] = {SUB_LR_LR | carrier, ADD_LR_SP_LR, ADD_LR_SP_LR, ROR_LR};
    size_t count = 0;
    bits[count++] = ROR_LR;
    bits[count++] = SUB_LR_LR | carrier;
    count += protect_load_key(hardening, carrier, bits + count);
    bits[count++] = ADD_LR | carrier << 3;
    bits[count++] = add_sp;
    uint32_t moved = fw_insert_before(hardening->model, jump->item, bits, count);
    fw_insert_after(hardening->model, moved, back, sizeof back / sizeof *back);
}

static void unseal_longjmp(const struct hardening *hardening, const struct jump *jump) {
    uint32_t bits[FW_EDIT_MAXIMUM], carrier = jump->carrier, key = key_register(jump);
    size_t count = protect_load_key(hardening, key, bits);
    bits[count++] = SUB_WIDE | carrier << 16 | carrier << 8 | key;
    bits[count++] = SUB_LR_LR | key;
    bits[count++] = ADD_LR | carrier << 3;
    bits[count++] = ROR_LR;
    fw_insert_after(hardening->model, jump->item, bits, count);
}

static bool is_named(const struct fw_model *model, uint32_t unit, const char *name) {
    const struct fw_unit *u = &model->units[unit];
    for (uint32_t f = u->function_first; f < u->function_first + u->function_count; f++) {
        const char *own = model->functions[f].name;
        if (strcmp(own + (*own == '_'), name) == 0) return true;
    }
    return false;
}

/* The functions of one image that work on jump buffers, by unit. */
struct jumps {
    struct hardening *hardening;
    uint32_t *savers, *restorers;
    size_t saver_count, restorer_count;
};

/* What stands against sealing, or NULL. */
static const char *find_jumps(struct jumps *jumps) {
    struct fw_model *model = jumps->hardening->model;
    const char *reason = NULL;
    for (uint32_t u = 0; u < model->unit_count; u++) {
        const struct fw_unit *unit = &model->units[u];
        if (unit->made || unit->status == FW_UNIT_DROPPED) continue;
        bool saver = is_named(model, u, "setjmp"), restorer = is_named(model, u, "longjmp");
        if (saver) jumps->savers[jumps->saver_count++] = u;
        if (restorer) jumps->restorers[jumps->restorer_count++] = u;
        if (!saver && !restorer) continue;
        if (unit->exempt) reason = "setjmp or longjmp is exempt";
        if (unit->status != FW_UNIT_ACCEPTED || unit->computed_jump || unit->labels)
            reason = "setjmp or longjmp stays as it is";
    }
    if (!reason && !jumps->saver_count) reason = "no setjmp fills the buffer that it reads";
    return reason;
}

/* Somebody else who fills a buffer as setjmp does, or takes one as longjmp does, or may: then
 * which is filled by whom is not known. */
static bool has_others(const struct jumps *jumps, const struct jump *saved) {
    struct fw_model *model = jumps->hardening->model;
    struct jump other;
    for (uint32_t u = 0; u < model->unit_count; u++) {
        const struct fw_unit *unit = &model->units[u];
        if (unit->made || unit->status == FW_UNIT_DROPPED) continue;
        if (is_named(model, u, "setjmp") || is_named(model, u, "longjmp")) continue;
        if (!unit->decoded || unit->first == FW_NONE) return true;
        bool restores = follow_longjmp(saved, u, &other) && ends_as_it_began(&other);
        if (restores || follow_setjmp(model, u, &other)) return true;
    }
    return false;
}

/* What comes back is what was stored: the same registers from the same place. */
static bool same_floats(const struct jump *saved, const struct jump *restored) {
    return saved->floats == restored->floats && saved->float_first == restored->float_first &&
           saved->float_list == restored->float_list;
}

static const char *prove(const struct jumps *jumps) {
    struct jump saved, restored;
    for (size_t s = 0; s < jumps->saver_count; s++) {
        if (!follow_setjmp(jumps->hardening->model, jumps->savers[s], &saved) ||
            !has_carrier(&saved)) {
            return "what setjmp stores is not followed";
        }
        for (size_t r = 0; r < jumps->restorer_count; r++) {
            bool proven = follow_longjmp(&saved, jumps->restorers[r], &restored) &&
                          ends_as_it_began(&restored) && has_carrier(&restored) &&
                          same_floats(&saved, &restored) &&
                          key_register(&restored) != THUMB_NO_REGISTER;
            if (!proven) return "it is not proven to restore what setjmp stores";
        }
        if (has_others(jumps, &saved)) return "other code may use the buffers of setjmp";
    }
    return NULL;
}

static void seal_all(const struct jumps *jumps) {
    struct fw_model *model = jumps->hardening->model;
    struct jump saved, restored;
    follow_setjmp(model, jumps->savers[0], &saved);
    for (size_t r = 0; r < jumps->restorer_count; r++) {
        struct fw_unit *unit = &model->units[jumps->restorers[r]];
        follow_longjmp(&saved, jumps->restorers[r], &restored);
        unseal_longjmp(jumps->hardening, &restored);
        unit->return_sites_sealed = unit->return_sites;
        unit->returns_reason = NULL;
    }
    for (size_t s = 0; s < jumps->saver_count; s++) {
        follow_setjmp(model, jumps->savers[s], &saved);
        seal_setjmp(jumps->hardening, &saved);
    }
}

void protect_jump_buffers(struct hardening *hardening) {
    struct fw_model *model = hardening->model;
    struct arena scratch = {0};
    struct jumps jumps = {.hardening = hardening,
                          .savers = ARENA_ARRAY(&scratch, uint32_t, model->unit_count + 1),
                          .restorers = ARENA_ARRAY(&scratch, uint32_t, model->unit_count + 1)};
    const char *reason = find_jumps(&jumps);
    if (jumps.restorer_count && !reason) reason = prove(&jumps);
    if (jumps.restorer_count && !reason) seal_all(&jumps);
    for (size_t r = 0; reason && r < jumps.restorer_count; r++) {
        struct fw_unit *unit = &model->units[jumps.restorers[r]];
        if (!unit->exempt && unit->return_sites) unit->returns_reason = reason;
    }
    arena_free(&scratch);
}
