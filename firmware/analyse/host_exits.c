/* See host_exits.h. Forward over the unit's blocks: in front of each, the registers that hold an
 * exit operation on every way there. The sets only shrink, so this ends. */
#include "firmware/analyse/host_exits.h"

enum {
    SYS_EXIT = 0x18,
    SYS_EXIT_EXTENDED = 0x20,
    ALL = 0xffff,
    CALLEE_SAVED = 0x0ff0, /* r4-r11 */
};

struct proof {
    const struct fw_model *model;
    const struct fw_flow *flow;
    uint32_t unit;
    uint16_t *in;  /* by block of the unit: registers that hold one in front of it */
    bool *reached; /* by block of the unit */
    uint16_t out;  /* behind the block that is gone over */
    bool changed;
};

static uint16_t step(const struct proof *proof, const struct fw_item *item, uint16_t held) {
    const struct thumb_insn *insn = item->insn;
    uint16_t others = (uint16_t)(held & ~insn->writes);
    bool call = insn->flow == THUMB_FLOW_CALL || insn->flow == THUMB_FLOW_CALL_INDIRECT;
    bool inside = insn->flow == THUMB_FLOW_CALL && item->target != FW_NONE &&
                  proof->model->items[item->target].unit == proof->unit;
    bool holds = false;
    if (inside) return 0; /* a subroutine keeps what it likes */
    if (call || insn->op == THUMB_SVC || insn->op == THUMB_BKPT) return others & CALLEE_SAVED;
    if (insn->op == THUMB_MOV_REGISTER) holds = insn->rm < 16 && (held >> insn->rm & 1);
    if (insn->op == THUMB_MOV_IMMEDIATE)
        holds = insn->imm == SYS_EXIT || insn->imm == SYS_EXIT_EXTENDED;
    return (uint16_t)(insn->rd < 16 && holds ? others | 1U << insn->rd : others);
}

/* False where the block ends in a call that does not come back. In an IT block both outcomes of
 * its condition are followed apart: `ite eq; moveq r4, #0x18; movne r4, #0x20`. */
static bool goes_through(const struct proof *proof, const struct fw_block *block, uint16_t *held) {
    uint16_t by[2] = {*held, *held};
    for (uint32_t i = block->first;; i = proof->model->items[i].next) {
        const struct fw_item *item = &proof->model->items[i];
        const struct thumb_insn *insn = item->insn;
        bool apart = insn->in_it && insn->op != THUMB_BKPT; /* which always executes (A7.7.17) */
        if (!apart) by[0] = by[1] = by[0] & by[1];
        if (thumb_is_host_call(insn) && (by[0] & 1)) return false;
        if (apart) {
            by[insn->cond & 1] = step(proof, item, by[insn->cond & 1]);
            if (insn->flags_written) by[0] = by[1] = by[0] & by[1]; /* other outcomes */
        } else {
            by[0] = by[1] = step(proof, item, by[0]);
        }
        if (i == block->last) break;
    }
    *held = by[0] & by[1];
    return true;
}

static void flow_into(void *context, uint32_t block) {
    struct proof *proof = context;
    uint32_t local = block - proof->flow->unit_first[proof->unit];
    uint16_t in = proof->in[local] & proof->out;
    if (proof->reached[local] && in == proof->in[local]) return;
    proof->in[local] = in;
    proof->reached[local] = proof->changed = true;
}

static void prove_unit(struct proof *proof, struct arena *scratch) {
    uint32_t first = proof->flow->unit_first[proof->unit];
    uint32_t blocks = proof->flow->unit_first[proof->unit + 1] - first;
    proof->in = ARENA_ARRAY(scratch, uint16_t, blocks + 1);
    proof->reached = ARENA_ARRAY(scratch, bool, blocks + 1);
    for (uint32_t b = 0; b < blocks; b++) {
        uint32_t item = proof->flow->blocks[first + b].first;
        const struct fw_item *start = &proof->model->items[item];
        proof->reached[b] = start->entry || start->label || proof->flow->outside[item];
        proof->in[b] = proof->reached[b] ? 0 : ALL;
    }
    for (proof->changed = true; proof->changed;) {
        proof->changed = false;
        for (uint32_t b = 0; b < blocks; b++) {
            proof->out = proof->in[b];
            if (!proof->reached[b]) continue;
            if (!goes_through(proof, &proof->flow->blocks[first + b], &proof->out)) continue;
            fw_each_successor(proof->model, proof->flow, first + b, flow_into, proof);
        }
    }
}

void fw_find_host_exits(struct fw_model *model, const struct fw_flow *flow) {
    for (uint32_t u = 0; u < model->unit_count; u++) {
        if (!model->units[u].host_end) continue;
        struct arena scratch = {0};
        struct proof proof = {.model = model, .flow = flow, .unit = u};
        prove_unit(&proof, &scratch);
        for (uint32_t b = flow->unit_first[u]; b < flow->unit_first[u + 1]; b++) {
            const struct fw_block *block = &flow->blocks[b];
            uint32_t local = b - flow->unit_first[u];
            bool exits = proof.reached[local] && !goes_through(&proof, block, &proof.in[local]);
            model->items[block->last].host_exit = exits;
        }
        arena_free(&scratch);
    }
}
