/* One unit of the original beside its place in the output. At each step the output holds
 * the next item of the original, unchanged or in an allowed form, perhaps with a seal in
 * front or behind; nothing else. */
#include <string.h>

#include "check/compare/compare.h"

struct walker {
    struct compare *compare;
    struct fw_model *in;
    uint32_t unit;
    uint32_t cursor; /* address in the output */
    bool shares;     /* some return goes on in another, from shared_low to shared_high */
    uint32_t shared_low, shared_high;
    bool in_data;  /* what stands in front of it is data */
    bool in_place; /* each item is where it was; what lies between stayed too */
    bool jump;     /* it is proven to fill or restore jump buffers, sealed */
    bool failed;
};

static void fail(struct walker *w, uint32_t item, const char *what) {
    if (w->failed) return;
    w->failed = true;
    if (w->compare->trying) return;
    check_find(w->compare->check, "original", w->cursor, "%s: %s (original 0x%08x)",
               check_first_function(w->in, w->unit)->name, what, w->in->items[item].address);
}

static bool decode(struct walker *w, struct thumb_insn *out) {
    return check_decode(w->compare->check, w->cursor, out);
}

/* Up to the alignment that the item had. */
static void align(struct walker *w, uint32_t item, uint32_t alignment, uint32_t remainder) {
    while ((w->cursor - remainder) & (alignment - 1)) {
        if (!compare_is_filler(w->compare, w->cursor)) {
            fail(w, item, "what stands in front of it is no filler");
            return;
        }
        /* Between data it is data. */
        compare_claim(w->compare, w->cursor, 2, w->in_data ? CLAIM_DATA : CLAIM_CODE);
        w->cursor += 2;
    }
}

static void place(struct walker *w, uint32_t item) {
    w->compare->at[item] = w->cursor;
}

static void take(struct walker *w, uint32_t bytes, enum claim claim) {
    uint8_t in_place = w->in_place ? CLAIM_IN_PLACE : 0;
    compare_claim(w->compare, w->cursor, bytes, (uint8_t)(claim | in_place));
    w->cursor += bytes;
    w->in_data = claim == CLAIM_DATA;
}

static void need_ip(struct walker *w, uint32_t item, uint32_t live) {
    if ((live & FW_LIVE_IP) || w->in->units[w->unit].ip_reserved) {
        fail(w, item, "a seal uses ip, which the original needs there");
    }
}

static void refer_from(struct walker *w, uint32_t place_of, uint32_t item, uint32_t delta,
                       uint32_t value) {
    note_reference(w->compare,
                   (struct reference){item, delta, place_of, value, REFERENCE_PLACE, false});
}

static void refer(struct walker *w, uint32_t item, uint32_t delta, uint32_t value) {
    refer_from(w, w->cursor, item, delta, value);
}

/* --- data */

/* From *r on, which stays in front of what is asked for next: places only rise. */
static const struct fw_relocation *relocation_at(const struct fw_model *in, size_t *r,
                                                 uint32_t address) {
    while (*r < in->relocation_count && in->relocations[*r].place < address)
        ++*r;
    for (size_t i = *r; i < in->relocation_count && in->relocations[i].place == address; i++) {
        if (in->relocations[i].target_item != FW_NONE) return &in->relocations[i];
    }
    return NULL;
}

static void walk_data(struct walker *w, uint32_t index) {
    const struct fw_item *item = &w->in->items[index];
    align(w, index, item->alignment, item->address);
    place(w, index);
    const uint8_t *out = compare_bytes(w->compare, w->cursor, item->size_bytes);
    const uint8_t *in = fw_bytes_at(w->in, item->address, item->size_bytes);
    if (!out || !in) {
        fail(w, index, "its data is not there");
        return;
    }
    size_t from = item->relocation == FW_NONE ? w->in->relocation_count : item->relocation;
    for (uint32_t k = 0; k < item->size_bytes; k++) {
        const struct fw_relocation *r = relocation_at(w->in, &from, item->address + k);
        uint32_t value;
        if (r && span_u32le((struct span){out, item->size_bytes}, k, &value)) {
            if ((value & 1) != r->target_thumb) fail(w, index, "a pointer changed its kind");
            uint8_t kind = r->target_thumb ? REFERENCE_POINTER : REFERENCE_PLACE;
            note_reference(w->compare, (struct reference){r->target_item, r->target_delta,
                                                          w->cursor + k, value & ~1U, kind, false});
            k += 3;
        } else if (out[k] != in[k]) {
            fail(w, index, "a byte of its data differs");
            return;
        }
    }
    take(w, item->size_bytes, CLAIM_DATA);
}

static void walk_table(struct walker *w, uint32_t index) {
    const struct fw_item *item = &w->in->items[index];
    bool half = w->compare->half[index];
    uint32_t bytes = half ? 2U * item->table_count : (item->table_count + 1U) & ~1U;
    place(w, index);
    const uint8_t *out = compare_bytes(w->compare, w->cursor, bytes);
    if (!out) {
        fail(w, index, "its jump table is not there");
        return;
    }
    for (uint32_t k = 0; k < item->table_count; k++) {
        uint32_t entry = half ? (uint32_t)(out[2 * k] | out[2 * k + 1] << 8) : out[k];
        uint32_t target = w->in->table_targets[item->table_first + k];
        refer(w, target, 0, w->cursor + 2 * entry);
    }
    if (!half && item->table_count % 2 && out[item->table_count] != 0) {
        fail(w, index, "the byte behind its jump table is not zero");
    }
    take(w, bytes, CLAIM_DATA);
}

/* --- instructions */

static bool leaves_unit(const struct walker *w, uint32_t target) {
    return target == FW_NONE || w->in->items[target].unit != w->unit;
}

static void walk_branch(struct walker *w, uint32_t index) {
    const struct fw_item *item = &w->in->items[index];
    struct thumb_insn insn;
    uint32_t end;
    if (!compare_branch(w->compare, item, w->cursor, &insn, &end)) {
        fail(w, index, "a branch of it is missing or altered");
        return;
    }
    if (item->target == FW_NONE) {
        if (insn.target != item->insn->target) fail(w, index, "a branch goes elsewhere");
    } else {
        refer(w, item->target, 0, insn.target);
        bool relocated = item->insn->flow == THUMB_FLOW_CALL || leaves_unit(w, item->target);
        if (relocated) compare_note_branch(w->compare, end - insn.size_bytes, &insn);
    }
    take(w, end - w->cursor, CLAIM_CODE);
}

static void walk_pc_relative(struct walker *w, uint32_t index) {
    const struct fw_item *item = &w->in->items[index];
    struct thumb_insn out;
    if (!decode(w, &out) || !compare_pc_relative(item, &out)) {
        fail(w, index, "a load of a constant is missing or altered");
        return;
    }
    if (item->target == FW_NONE) {
        if (out.target != item->insn->target) fail(w, index, "a constant is read from elsewhere");
    } else {
        refer(w, item->target, item->target_delta, out.target);
    }
    take(w, out.size_bytes, CLAIM_CODE);
}

static void walk_table_branch(struct walker *w, uint32_t index) {
    const struct fw_item *item = &w->in->items[index];
    enum { HALF_WORDS = 0x10 };
    struct thumb_insn out;
    if (!decode(w, &out) || ((out.bits ^ item->insn->bits) & ~(uint32_t)HALF_WORDS) ||
        (item->insn->bits & ~out.bits & HALF_WORDS)) {
        fail(w, index, "a table branch is missing or altered");
        return;
    }
    if (item->target != FW_NONE) {
        w->compare->half[item->target] = out.bits & HALF_WORDS;
        refer(w, item->target, 0, out.target);
    }
    take(w, out.size_bytes, CLAIM_CODE);
}

/* MOVW or MOVT of a moved address: the half that it holds is checked with the other. */
static void walk_half_word(struct walker *w, uint32_t index, const struct fw_relocation *r) {
    const struct fw_item *item = &w->in->items[index];
    struct thumb_insn out;
    enum { IMMEDIATE = 0x040f70ff };
    if (!decode(w, &out) || ((out.bits ^ item->insn->bits) & ~(uint32_t)IMMEDIATE)) {
        fail(w, index, "half of an address is missing or altered");
        return;
    }
    uint8_t kind = item->insn->op == THUMB_MOVT ? REFERENCE_HIGH : REFERENCE_LOW;
    note_reference(w->compare, (struct reference){r->target_item, r->target_delta, w->cursor,
                                                  out.imm, kind, r->target_thumb});
    take(w, out.size_bytes, CLAIM_CODE);
}

static bool is_return_from_stack(const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    return item->jump == FW_JUMP_RETURN && insn->loads && insn->flow == THUMB_FLOW_JUMP_INDIRECT;
}

/* A return that goes on in an equal one: of this unit, as is seen when its end is known. */
static void note_shared(struct walker *w, uint32_t target) {
    if (!w->shares || target < w->shared_low) w->shared_low = target;
    if (!w->shares || target > w->shared_high) w->shared_high = target;
    w->shares = true;
}

/* The branches of a return's sequence leave the unit or not; those that do have
 * relocations. */
static void note_tail_branch(struct walker *w, uint32_t start, uint32_t end) {
    struct thumb_insn insn;
    for (uint32_t at = start; at < end && check_decode(w->compare->check, at, &insn);
         at += insn.size_bytes) {
        if (insn.op != THUMB_B) continue;
        if (check_routine_at(w->compare->check, insn.target)) {
            compare_note_branch(w->compare, at, &insn);
        } else {
            note_shared(w, insn.target);
        }
    }
}

/* At the cursor: a sequence that returns and unseals. */
static bool take_sealed_return(struct walker *w, uint32_t index) {
    uint32_t end;
    bool clobbers_ip = false;
    if (!compare_return(w->compare, index, w->cursor, &end, &clobbers_ip)) return false;
    if (clobbers_ip && w->in->units[w->unit].ip_reserved) {
        fail(w, index, "a seal uses ip, which a caller of it needs");
    }
    note_tail_branch(w, w->cursor, end);
    take(w, end - w->cursor, CLAIM_CODE);
    return true;
}

/* The routine in between writes flags, and perhaps ip. */
static void need_flags_and_ip(struct walker *w, uint32_t index, const struct routine *r) {
    uint32_t kept = fw_kept_over(w->in, w->compare->liveness, index);
    if (r->clobbers_flags && (kept & FW_LIVE_FLAGS)) {
        fail(w, index, "the check of a call writes flags that the original needs behind it");
    } else if ((r->clobbers >> THUMB_IP & 1) && (kept & FW_LIVE_IP)) {
        fail(w, index, "the check of a call writes ip, which the original needs behind it");
    }
}

/* blx rN: bl to the routine that checks; bx rN: b to it. */
static bool take_checked_call(struct walker *w, uint32_t index) {
    const struct fw_item *item = &w->in->items[index];
    struct thumb_insn out;
    bool call = item->insn->flow == THUMB_FLOW_CALL_INDIRECT;
    if (!decode(w, &out) || out.op != (call ? THUMB_BL : THUMB_B)) return false;
    const struct routine *r = check_routine_at(w->compare->check, out.target);
    if (!r || r->kind != ROUTINE_CALL || r->reg != item->insn->rm) return false;
    need_flags_and_ip(w, index, r);
    if (!w->compare->trying) {
        w->compare->uses_call_routines = true;
        if (r->clobbers >> THUMB_IP & 1) w->compare->call_routine_clobbers_ip = true;
    }
    compare_note_branch(w->compare, w->cursor, &out);
    take(w, out.size_bytes, CLAIM_CODE);
    return true;
}

static bool is_checkable(const struct fw_item *item) {
    if (item->insn->flow == THUMB_FLOW_CALL_INDIRECT) return true;
    return item->jump == FW_JUMP_TAIL && item->insn->op == THUMB_BX;
}

static bool saves_lr(const struct thumb_insn *insn) {
    return insn->stores && (insn->reads >> THUMB_LR & 1);
}

static bool restores_lr(const struct thumb_insn *insn) {
    return insn->loads && (insn->writes >> THUMB_LR & 1);
}

/* A seal in front of the instruction that saves lr. */
static bool take_seal_before(struct walker *w, uint32_t index, struct seal *seal) {
    const struct fw_item *item = &w->in->items[index];
    if (item->insn->in_it || !saves_lr(item->insn)) return false;
    if (!check_seal_at(w->compare->check, w->cursor, seal) || seal->distance != 0) return false;
    if (seal->clobbers_ip) need_ip(w, index, w->compare->liveness->before[index]);
    take(w, seal->end - w->cursor, CLAIM_CODE);
    return true;
}

/* By how much a save lowers the stack pointer. */
static uint32_t lowers_stack(const struct walker *w, uint32_t index) {
    struct sums state;
    sums_start(&state);
    sums_step(&w->compare->check->sums, &state, w->in->items[index].insn);
    return sum_is_stack(state.r[THUMB_SP]) ? 0U - state.r[THUMB_SP].bits : UINT32_MAX;
}

/* Behind a sealed save whose function still uses lr: ip still holds KEY + SP, or both are
 * taken anew. */
static void take_unseal_after_save(struct walker *w, uint32_t index, const struct seal *seal) {
    uint32_t end;
    struct seal other;
    bool live = w->compare->liveness->after[index] & FW_LIVE_LR;
    bool anew = live && !seal->clobbers_ip && !w->failed &&
                check_seal_at(w->compare->check, w->cursor, &other) && other.unseals &&
                !other.clobbers_ip && other.distance == lowers_stack(w, index);
    if (anew) {
        take(w, other.end - w->cursor, CLAIM_CODE);
        return;
    }
    if (seal->clobbers_ip && check_unseal_after(w->compare->check, seal, w->cursor, &end)) {
        need_ip(w, index, w->compare->liveness->after[index]);
        take(w, end - w->cursor, CLAIM_CODE);
    } else if (live) {
        fail(w, index, "its return address is used while it is sealed");
    }
}

static void take_unseal_after_restore(struct walker *w, uint32_t index) {
    struct seal seal;
    if (!check_seal_at(w->compare->check, w->cursor, &seal) || !seal.unseals) return;
    if (seal.clobbers_ip) need_ip(w, index, w->compare->liveness->after[index]);
    take(w, seal.end - w->cursor, CLAIM_CODE);
}

/* `mov lr, rN` right behind `pop {rN}`: lr is unsealed, and rN holds the same. */
static void take_unseal_after_move(struct walker *w, uint32_t previous, uint32_t index) {
    const struct thumb_insn *move = w->in->items[index].insn;
    const struct thumb_insn *pop = previous == FW_NONE ? NULL : w->in->items[previous].insn;
    struct thumb_insn back;
    bool restores = move->op == THUMB_MOV_REGISTER && move->rd == THUMB_LR && !move->in_it && pop &&
                    w->in->items[previous].kind == FW_ITEM_INSN && pop->op == THUMB_POP &&
                    pop->list == 1U << move->rm && !w->in->items[index].block_start;
    if (!restores || w->failed) return;
    uint32_t before = w->cursor;
    take_unseal_after_restore(w, index);
    if (w->cursor == before || w->failed) return;
    if (!decode(w, &back) || back.op != THUMB_MOV_REGISTER || back.size_bytes != 2 ||
        back.rd != move->rm || back.rm != THUMB_LR) {
        fail(w, index, "the register that its return address comes back in stays sealed");
        return;
    }
    take(w, back.size_bytes, CLAIM_CODE);
}

/* Is the value that the register has behind `index` of use? In setjmp and longjmp, which are
 * straight code, all that the caller does not expect to be kept is free at the end. What is
 * stored as the stack pointer, or becomes it, is proven already. */
static bool needs_register(const struct walker *w, uint32_t index, unsigned reg) {
    bool is_stack = false;
    for (uint32_t i = w->in->units[w->unit].first; i != index; i = w->in->items[i].next) {
        const struct thumb_insn *insn = w->in->items[i].insn;
        if (!(insn->writes >> reg & 1)) continue;
        is_stack = insn->op == THUMB_MOV_REGISTER && insn->rm == THUMB_SP && !insn->in_it;
    }
    for (uint32_t i = index; i != FW_NONE; i = w->in->items[i].next) {
        const struct thumb_insn *insn = w->in->items[i].insn;
        bool saves = is_stack && i == index && saves_lr(insn) && insn->rn != reg;
        bool moves = insn->op == THUMB_MOV_REGISTER && insn->rd == THUMB_SP && !insn->in_it;
        if ((insn->reads >> reg & 1) && !saves && !moves) return true;
        if ((insn->writes >> reg & 1) && !insn->in_it) return false;
        if (insn->flow == THUMB_FLOW_JUMP_INDIRECT) return false;
    }
    return true;
}

/* Of registers only, and of those that a function's caller leaves to it, r0 not. */
static bool may_seal_jump(const struct walker *w, const struct thumb_insn *insn) {
    enum { FREE = 1 << 1 | 1 << 2 | 1 << 3 | 1 << THUMB_IP | 1 << THUMB_LR, SYSM_PSP = 9 };
    bool key_in_psp = w->compare->check->sums.key_in_psp;
    if (insn->flags_written || insn->unpredictable || insn->stores || insn->in_it ||
        insn->reference != THUMB_REFERENCE_NONE || !insn->writes || (insn->writes & ~FREE)) {
        return false;
    }
    switch (insn->op) {
    case THUMB_MRS:
        return key_in_psp && insn->imm == SYSM_PSP;
    case THUMB_LDR: /* the key's word, as the proof has seen */
        return !key_in_psp && insn->rd == insn->rn && !insn->writeback;
    case THUMB_MOV_IMMEDIATE:
    case THUMB_MOVT:
        return !key_in_psp;
    case THUMB_ADD_REGISTER:
    case THUMB_SUB_REGISTER:
        return true;
    default:
        return sums_is_rotation(insn);
    }
}

/* In front of an item of setjmp or longjmp: what seals or unseals. That it does is proven of
 * the output as a whole; here, that it takes no register that the original needs. */
static void take_jump_seal(struct walker *w, uint32_t index) {
    struct thumb_insn out;
    while (!w->failed && decode(w, &out) && out.bits != w->in->items[index].insn->bits &&
           may_seal_jump(w, &out)) {
        uint32_t written = out.writes & ~(1U << THUMB_LR);
        if (written && needs_register(w, index, (unsigned)__builtin_ctz(written))) {
            fail(w, index, "a seal uses a register that the original needs there");
        }
        take(w, out.size_bytes, CLAIM_CODE);
    }
}

/* `same`: the same bits are at the cursor. */
static void walk_plain(struct walker *w, uint32_t index, bool same) {
    if (!same) {
        fail(w, index, "an instruction of it is missing or altered");
        return;
    }
    take(w, w->in->items[index].insn->size_bytes, CLAIM_CODE);
}

/* No reference, no way of control, nothing to do with lr. */
static bool is_ordinary(const struct fw_item *item) {
    const struct thumb_insn *insn = item->insn;
    return insn->reference == THUMB_REFERENCE_NONE && insn->flow == THUMB_FLOW_NEXT &&
           item->relocation == FW_NONE && !((insn->reads | insn->writes) >> THUMB_LR & 1);
}

static bool same_bytes(const struct walker *w, const struct fw_item *item) {
    const uint8_t *out = compare_bytes(w->compare, w->cursor, item->size_bytes);
    uint8_t in[4];
    if (item->size_bytes == 2) {
        put_u16le(in, item->insn->bits);
    } else {
        put_u16le(in, item->insn->bits >> 16);
        put_u16le(in + 2, item->insn->bits);
    }
    return out && memcmp(out, in, item->size_bytes) == 0;
}

static void walk_instruction(struct walker *w, uint32_t previous, uint32_t index) {
    const struct fw_item *item = &w->in->items[index];
    const struct fw_relocation *r =
        item->relocation == FW_NONE ? NULL : &w->in->relocations[item->relocation];
    struct thumb_insn out;
    struct seal seal;
    place(w, index);
    if (w->jump) take_jump_seal(w, index);
    if (is_ordinary(item) && same_bytes(w, item)) {
        take(w, item->size_bytes, CLAIM_CODE);
        return;
    }
    bool sealed = take_seal_before(w, index, &seal);
    switch (item->insn->reference) {
    case THUMB_REFERENCE_BRANCH:
        walk_branch(w, index);
        return;
    case THUMB_REFERENCE_LITERAL:
    case THUMB_REFERENCE_ADR:
        walk_pc_relative(w, index);
        return;
    case THUMB_REFERENCE_TABLE:
        walk_table_branch(w, index);
        return;
    default:
        break;
    }
    bool same = decode(w, &out) && out.bits == item->insn->bits;
    if (r && r->target_item != FW_NONE &&
        (r->type == R_ARM_THM_MOVW_ABS_NC || r->type == R_ARM_THM_MOVT_ABS)) {
        walk_half_word(w, index, r);
        return;
    }
    /* Under a condition it can only be one branch. */
    bool fits = !item->insn->in_it || out.op == THUMB_B;
    if (!same && fits && is_return_from_stack(item) && take_sealed_return(w, index)) return;
    if (!same && is_checkable(item) && take_checked_call(w, index)) return;
    walk_plain(w, index, same);
    if (sealed) take_unseal_after_save(w, index, &seal);
    if (!sealed && restores_lr(item->insn) && !w->failed) take_unseal_after_restore(w, index);
    take_unseal_after_move(w, previous, index);
}

/* --- returns in IT blocks */

struct it_block {
    uint32_t items[4];
    unsigned count;
};

static struct it_block block_of(const struct walker *w, uint32_t it) {
    struct it_block block = {.count = 0};
    uint32_t mask = w->in->items[it].insn->imm & 15U;
    unsigned length = 4 - (unsigned)__builtin_ctz(mask ? mask : 8);
    uint32_t i = w->in->items[it].next;
    for (; i != FW_NONE && block.count < length; i = w->in->items[i].next)
        block.items[block.count++] = i;
    return block;
}

/* A branch of the output over a condition to `around`, or to a return; claims it. */
static bool take_condition(struct walker *w, unsigned cond, uint32_t *target) {
    struct thumb_insn out;
    if (!decode(w, &out) || out.op != THUMB_B_COND) return false;
    if (out.cond == cond) {
        *target = out.target;
        take(w, out.size_bytes, CLAIM_CODE);
        return true;
    }
    struct thumb_insn far;
    bool is_far = out.cond == (cond ^ 1) && out.size_bytes == 2 && out.target == w->cursor + 6 &&
                  check_decode(w->compare->check, w->cursor + 2, &far) && far.op == THUMB_B &&
                  far.size_bytes == 4;
    if (!is_far) return false;
    *target = far.target;
    take(w, 6, CLAIM_CODE);
    return true;
}

/* b<!c> around; the return, now without a condition */
static bool take_return_behind_branch(struct walker *w, uint32_t index) {
    uint32_t target, at = w->cursor, around = w->in->items[index].next;
    if (!take_condition(w, w->in->items[index].insn->cond ^ 1U, &target)) return false;
    if (around == FW_NONE) return false;
    refer_from(w, at, around, 0, target);
    return take_sealed_return(w, index);
}

/* The lone return of an IT block: b<c> to an equal return of this unit. */
static bool take_shared_return(struct walker *w, uint32_t index) {
    struct walker saved = *w;
    uint32_t target, end;
    bool clobbers_ip;
    struct thumb_insn out;
    if (!decode(w, &out) || out.op != THUMB_B_COND) return false;
    bool direct = out.cond == w->in->items[index].insn->cond &&
                  compare_return(w->compare, index, out.target, &end, &clobbers_ip);
    bool far = false;
    if (!direct && out.size_bytes == 2 && out.target == w->cursor + 6 &&
        out.cond == (w->in->items[index].insn->cond ^ 1U)) {
        struct thumb_insn second;
        far = check_decode(w->compare->check, w->cursor + 2, &second) && second.op == THUMB_B &&
              second.size_bytes == 4 && !check_routine_at(w->compare->check, second.target) &&
              compare_return(w->compare, index, second.target, &end, &clobbers_ip);
    }
    if (!direct && !far) return false;
    if (!take_condition(w, w->in->items[index].insn->cond, &target)) {
        *w = saved;
        return false;
    }
    if (clobbers_ip && w->in->units[w->unit].ip_reserved) {
        fail(w, index, "a seal uses ip, which a caller of it needs");
    }
    note_shared(w, target);
    return true;
}

/* IT blocks whose last instruction is a sealed return are renewed. Returns the last item
 * that was dealt with, or `it` when the block is as it was. */
static uint32_t walk_it(struct walker *w, uint32_t it) {
    const struct fw_item *item = &w->in->items[it];
    struct it_block block = block_of(w, it);
    struct thumb_insn out;
    if (!block.count || !decode(w, &out) || out.bits == item->insn->bits) return it;
    uint32_t last = block.items[block.count - 1];
    if (!is_return_from_stack(&w->in->items[last])) return it;
    place(w, it);
    if (block.count == 1) {
        place(w, last);
        if (take_shared_return(w, last)) {
            w->compare->end[it] = w->compare->end[last] = w->cursor;
            return last;
        }
        if (!take_return_behind_branch(w, last))
            fail(w, last, "a return of it is missing or altered");
        w->compare->end[it] = w->cursor;
        return last;
    }
    uint32_t stop = 1U << (5 - block.count);
    uint32_t mask = (item->insn->imm & 15U & ~(2 * stop - 1)) | stop;
    if (out.op != THUMB_IT || out.imm != ((item->insn->imm & 0xf0U) | mask)) {
        fail(w, it, "an IT block of it is altered");
        return last;
    }
    take(w, out.size_bytes, CLAIM_CODE);
    w->compare->end[it] = w->cursor;
    for (unsigned i = 0; i + 1 < block.count && !w->failed; i++) {
        walk_instruction(w, FW_NONE, block.items[i]);
        w->compare->end[block.items[i]] = w->cursor;
    }
    place(w, last);
    if (!w->failed && !take_return_behind_branch(w, last)) {
        fail(w, last, "a return of it is missing or altered");
    }
    return last;
}

/* The tag in front of a function whose address is taken, into which nothing may run. */
static void walk_tag(struct walker *w, uint32_t previous, uint32_t index) {
    const struct check *check = w->compare->check;
    const struct fw_item *before = previous == FW_NONE ? NULL : &w->in->items[previous];
    if (before && before->kind == FW_ITEM_INSN && fw_goes_on(w->in, before)) return;
    uint32_t aligned = (w->cursor + 3) & ~3U, word;
    if (!check->has_call_routines || !w->compare->taken[index]) return;
    if (!check_word(check, aligned, &word) || word != check->tag) return;
    align(w, index, 4, 0);
    compare_note_tag(w->compare, w->cursor);
    take(w, 4, CLAIM_DATA);
}

static bool walk(struct compare *compare, uint32_t unit, uint32_t start, uint32_t stop,
                 bool in_place) {
    struct walker w = {
        .compare = compare, .in = compare->in, .unit = unit, .cursor = start, .in_place = in_place};
    uint32_t previous = FW_NONE;
    for (uint32_t i = w.in->units[unit].first; i != FW_NONE && i != stop && !w.failed;
         i = w.in->items[i].next) {
        const struct fw_item *item = &w.in->items[i];
        if (in_place && w.cursor > item->address) fail(&w, i, "it does not fit where it was");
        if (in_place) w.cursor = item->address;
        if (item->kind == FW_ITEM_DATA) {
            walk_data(&w, i);
        } else if (item->kind == FW_ITEM_TABLE) {
            walk_table(&w, i);
        } else {
            walk_tag(&w, previous, i);
            if (item->entry) w.jump = check_is_jump(compare->check, w.cursor);
            uint32_t last = item->insn->op == THUMB_IT ? walk_it(&w, i) : i;
            if (last == i && !w.failed) walk_instruction(&w, previous, i);
            i = last;
        }
        previous = i;
        compare->end[i] = w.cursor;
    }
    bool inside = w.shared_low >= start && w.shared_high < w.cursor;
    if (w.shares && stop == FW_NONE && !inside) {
        fail(&w, w.in->units[unit].first, "a return goes on in another function");
    }
    compare->reached = w.cursor;
    return !w.failed;
}

/* A walk that leaves no trace but where it stopped: `reached` is its answer. */
static bool attempt(struct compare *compare, uint32_t unit, uint32_t start, uint32_t stop,
                    bool in_place) {
    compare->trying = true;
    bool there = walk(compare, unit, start, stop, in_place);
    compare->trying = false;
    for (uint32_t i = compare->in->units[unit].first; i != FW_NONE;
         i = compare->in->items[i].next) {
        compare->at[i] = compare->end[i] = FW_NONE;
        compare->half[i] = false;
    }
    return there;
}

/* Drops what the unit refers to further on in it, now that this has its place. */
static void settle(struct compare *compare, size_t from) {
    size_t kept = from;
    for (size_t i = from; i < compare->reference_count; i++) {
        struct reference r = compare->references[i];
        if (!is_settled(compare, &r)) compare->references[kept++] = r;
    }
    compare->reference_count = kept;
}

bool compare_unit(struct compare *compare, uint32_t unit, uint32_t start) {
    const struct fw_item *first = &compare->in->items[compare->in->units[unit].first];
    size_t noted = compare->reference_count;
    compare->unit_start[unit] = start;
    bool in_place = start == first->address && attempt(compare, unit, start, FW_NONE, true);
    bool there = walk(compare, unit, start, FW_NONE, in_place);
    settle(compare, noted);
    return there;
}

bool compare_try(struct compare *compare, uint32_t unit, uint32_t start, uint32_t item,
                 uint32_t address) {
    return attempt(compare, unit, start, item, false) && compare->reached == address;
}

bool compare_stands_at(struct compare *compare, uint32_t unit, uint32_t start) {
    return attempt(compare, unit, start, FW_NONE, false);
}
