/* See early.h. */
#include "firmware/analyse/early.h"

#include <elf.h>
#include <string.h>

#include "firmware/analyse/reach.h"

enum { ARGUMENTS = 0xf /* r0-r3 (AAPCS32, 6.5) */, RESULT = 1 };

/* Registers of r0-r3 that still hold what the caller left, on some way to the block. */
struct untouched {
    const struct fw_model *model;
    const struct fw_flow *flow;
    uint8_t *in;       /* by block of the unit */
    bool *queued;      /* by block of the unit */
    uint32_t first;    /* block of the unit */
    uint8_t state;     /* behind the instructions that were looked at */
    const char *fault; /* NULL: none yet */
};

static bool is_call(const struct thumb_insn *insn) {
    return insn->flow == THUMB_FLOW_CALL || insn->flow == THUMB_FLOW_CALL_INDIRECT;
}

/* A read that means the value: not one that only makes room on the stack, nor the mask of a
 * carry (SBC r, r, r), nor one under a condition that may be the write's, too. */
static bool is_read(const struct thumb_insn *insn, unsigned reg) {
    if (!(insn->reads >> reg & 1) || insn->in_it || insn->op == THUMB_PUSH) return false;
    return !(insn->rn == reg && insn->rm == reg);
}

static void step(struct untouched *u, const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    for (unsigned reg = 0; reg < 4; reg++) {
        bool known = (insn->flow == THUMB_FLOW_NEXT || insn->flow == THUMB_FLOW_BRANCH_COND);
        if (!known || !(u->state >> reg & 1) || !is_read(insn, reg)) continue;
        u->fault = "takes a parameter: it reads r0 to r3 before it sets them";
    }
    bool returns = insn->flow == THUMB_FLOW_JUMP_INDIRECT && item->jump == FW_JUMP_RETURN;
    if (returns && (u->state & RESULT)) {
        u->fault = "returns nothing: on some way through it r0 is never set";
    }
    if (is_call(insn)) u->state = 0; /* its result, or what it left */
    u->state &= (uint8_t) ~(insn->writes & ARGUMENTS);
}

static void flow_into(void *context, uint32_t block) {
    struct untouched *u = context;
    uint32_t local = block - u->first;
    if (!(u->state & ~u->in[local])) return;
    u->in[local] |= u->state;
    u->queued[local] = true;
}

static void follow(struct untouched *u, uint32_t blocks) {
    for (bool again = true; again && !u->fault;) {
        again = false;
        for (uint32_t b = 0; b < blocks && !u->fault; b++) {
            if (!u->queued[b]) continue;
            u->queued[b] = false;
            again = true;
            const struct fw_block *block = &u->flow->blocks[u->first + b];
            u->state = u->in[b];
            for (uint32_t i = block->first;; i = u->model->items[i].next) {
                step(u, &u->model->items[i]);
                if (i == block->last) break;
            }
            if (u->state) fw_each_successor(u->model, u->flow, u->first + b, flow_into, u);
        }
    }
}

/* The processor enters it with an exception's frame, whatever its code is like. */
static bool is_handler(const struct fw_model *model, uint32_t entry) {
    enum { RESET_OFFSET = 4 };
    for (size_t i = 0; model->vector_table != FW_NONE && i < model->relocation_count; i++) {
        const struct fw_relocation *r = &model->relocations[i];
        uint32_t offset = r->place - model->vector_table;
        bool word = offset >= RESET_OFFSET && offset < model->vector_table_bytes;
        if (word && r->target_item == entry && r->target_delta == 0) return true;
    }
    return false;
}

const char *fw_not_a_source(const struct fw_model *model, const struct fw_flow *flow,
                            uint32_t entry) {
    uint32_t unit = model->items[entry].unit, block = flow->block_of[entry];
    uint32_t blocks = flow->unit_first[unit + 1] - flow->unit_first[unit];
    if (is_handler(model, entry)) return "is an exception's handler";
    if (!model->units[unit].decoded || block == FW_NONE) return NULL;
    if (model->units[unit].noreturn) return "does not come back";
    struct arena scratch = {.chunk = NULL};
    struct untouched u = {.model = model,
                          .flow = flow,
                          .in = ARENA_ARRAY(&scratch, uint8_t, blocks + 1),
                          .queued = ARENA_ARRAY(&scratch, bool, blocks + 1),
                          .first = flow->unit_first[unit],
                          .state = ARGUMENTS};
    flow_into(&u, block);
    follow(&u, blocks);
    arena_free(&scratch);
    return u.fault;
}

/* Start-up copies it, or clears it. */
static const struct fw_section *set_later(const struct fw_model *model, uint32_t address) {
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        bool cleared = s->type == SHT_NOBITS &&
                       (strncmp(s->name, ".bss", 4) == 0 || strncmp(s->name, ".sbss", 5) == 0);
        bool copied = s->data && s->load_address != s->address;
        if (!(s->flags & SHF_ALLOC) || address - s->address >= s->size_bytes) continue;
        if (cleared || copied) return s;
    }
    return NULL;
}

/* The data address that the relocated field holds; the linker's result counts, of a MOVW with
 * its symbol's upper half. */
static bool field_of(struct fw_model *model, const struct fw_relocation *r,
                     const struct fw_item *item, uint32_t *value) {
    const uint8_t *bytes = fw_bytes_at(model, r->place, 4);
    if (r->target_item != FW_NONE || !bytes) return false;
    if (r->type == R_ARM_ABS32 || r->type == R_ARM_TARGET1) {
        return span_u32le((struct span){bytes, 4}, 0, value);
    }
    if (r->type != R_ARM_THM_MOVW_ABS_NC || item->kind != FW_ITEM_INSN) return false;
    const struct fw_symbol *symbol = &model->symbols[r->symbol];
    *value = (symbol->value & 0xffff0000U) | item->insn->imm;
    if (*value < symbol->value && ELF32_ST_TYPE(symbol->info) == STT_SECTION) *value += 0x10000;
    return true;
}

static const char *object_at(const struct fw_model *model, uint32_t address) {
    for (size_t i = 0; i < model->symbol_count; i++) {
        const struct fw_symbol *s = &model->symbols[i];
        unsigned type = ELF32_ST_TYPE(s->info);
        bool thing = type == STT_OBJECT || type == STT_FUNC || type == STT_NOTYPE;
        if (!thing || s->section == SHN_UNDEF || s->section >= SHN_LORESERVE) continue;
        if (address - (s->value & ~1U) < s->size_bytes) return s->name;
    }
    return NULL;
}

struct early {
    struct fw_model *model;
    bool *marked;
    uint32_t *work;
    size_t count;
};

static void push(void *context, uint32_t unit) {
    struct early *early = context;
    if (early->marked[unit] || early->model->units[unit].noreturn) return;
    early->marked[unit] = true;
    early->work[early->count++] = unit;
}

static bool found(struct fw_model *model, uint32_t unit, uint32_t address,
                  struct fw_early_use *out) {
    const struct fw_section *section = set_later(model, address);
    if (!section) return false;
    *out = (struct fw_early_use){unit, address, section->name, object_at(model, address)};
    return true;
}

static bool unit_uses(struct fw_model *model, uint32_t unit, struct fw_early_use *out) {
    const struct fw_unit *u = &model->units[unit];
    const struct fw_function *f = &model->functions[u->function_first];
    if (u->function_count && found(model, unit, f->address, out)) return true;
    for (uint32_t i = u->first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        for (size_t r = item->relocation; r < model->relocation_count; r++) {
            const struct fw_relocation *relocation = &model->relocations[r];
            uint32_t value;
            if (relocation->place - item->address >= item->size_bytes) break;
            if (field_of(model, relocation, item, &value) && found(model, unit, value, out))
                return true;
        }
    }
    return false;
}

bool fw_early_use(struct fw_model *model, uint32_t unit, struct fw_early_use *out) {
    struct arena scratch = {.chunk = NULL};
    struct early early = {.model = model,
                          .marked = ARENA_ARRAY(&scratch, bool, model->unit_count + 1),
                          .work = ARENA_ARRAY(&scratch, uint32_t, model->unit_count + 1)};
    bool uses = false;
    push(&early, unit);
    while (early.count && !uses) {
        uint32_t next = early.work[--early.count];
        uses = unit_uses(model, next, out);
        fw_each_reference(model, next, push, &early);
    }
    arena_free(&scratch);
    return uses;
}
