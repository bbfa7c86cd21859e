/* Indirect calls: each BLX register and each tail jump through a register either goes to
 * a routine that checks for the tag in front of the target, or is counted as unchecked.
 * The tag must stand in front of functions whose address is taken, and nowhere else, and
 * every pointer to code must lead to one that has it. */
#include <elf.h>
#include <string.h>

#include "check/state.h"

static bool is_routine_item(const struct check *check, const struct fw_item *item) {
    return check_is_routine_unit(check, item->unit);
}

static bool goes_to_check(const struct check *check, const struct thumb_insn *insn) {
    const struct routine *r =
        insn->reference == THUMB_REFERENCE_BRANCH ? check_routine_at(check, insn->target) : NULL;
    return r && r->kind == ROUTINE_CALL;
}

static bool is_open(const struct fw_item *item) {
    return item->insn->flow == THUMB_FLOW_CALL_INDIRECT ||
           (item->jump == FW_JUMP_TAIL && item->insn->op == THUMB_BX);
}

/* Why a unit is one that the hardener leaves as it is, with none of its calls checked; or
 * NULL. Whether a computed goto is one that it can follow is not asked here: such a unit may
 * be left, but whole. */
static const char *why_left(const struct check *check, const struct fw_unit *unit) {
    if (unit->reason) return unit->reason;
    if (!unit->labels || !unit->computed_jump) return NULL;
    for (uint32_t i = unit->first; i != FW_NONE; i = check->model->items[i].next) {
        const struct fw_item *item = &check->model->items[i];
        if (item->kind == FW_ITEM_INSN && goes_to_check(check, item->insn)) return NULL;
    }
    return "its computed jump may be left as it is";
}

static void add_unchecked(struct check *check, const char *reason) {
    json_t *row;
    size_t i;
    json_array_foreach(check->unchecked, i, row) {
        json_t *sites = json_object_get(row, "sites");
        const char *other = json_string_value(json_object_get(row, "reason"));
        if (!other || strcmp(other, reason) != 0) continue;
        json_integer_set(sites, json_integer_value(sites) + 1);
        return;
    }
    json_array_append_new(check->unchecked,
                          json_pack("{s:s, s:i}", "reason", check_text(check, reason), "sites", 1));
}

/* Asked of the image as a whole, and only where nothing else stands against checking a call. */
struct flags {
    struct fw_liveness liveness;
    bool known;
};

/* May flags be read behind the call as they were in front of it, or as what is called leaves them?
 */
static bool keeps_flags(struct check *check, struct flags *flags, uint32_t index) {
    if (!flags->known) fw_liveness(check->model, &check->flow, &flags->liveness);
    flags->known = true;
    return fw_kept_over(check->model, &flags->liveness, index) & FW_LIVE_FLAGS;
}

/* An indirect call that goes straight to its target. */
static void count_open(struct check *check, uint32_t index, const char *left, struct flags *flags) {
    const struct fw_item *item = &check->model->items[index];
    check->counts.call_sites++;
    if (check->exempt[item->unit]) {
        check->counts.call_exempt++;
        add_unchecked(check, "it is exempt, or runs before there is a key");
    } else if (!check->has_call_routines) {
        add_unchecked(check, "no indirect call of this image is checked");
    } else if (left) {
        add_unchecked(check, left);
    } else if (item->insn->rm >= THUMB_SP) {
        add_unchecked(check, "it goes through sp, lr or pc");
    } else if (keeps_flags(check, flags, index)) {
        add_unchecked(check, "flags that the check would write are kept over it");
    } else {
        add_unchecked(check, "nothing stands against checking it");
        check_find(check, "calls", item->address, "an indirect call goes to its target unchecked");
    }
}

static void count_sites(struct check *check) {
    const struct fw_model *model = check->model;
    struct flags flags = {.known = false};
    for (uint32_t u = 0; u < model->unit_count; u++) {
        const struct fw_unit *unit = &model->units[u];
        if (unit->first == FW_NONE || is_routine_item(check, &model->items[unit->first])) continue;
        const char *left = why_left(check, unit);
        for (uint32_t i = unit->first; i != FW_NONE; i = model->items[i].next) {
            const struct fw_item *item = &model->items[i];
            if (item->kind != FW_ITEM_INSN) continue;
            bool checked = goes_to_check(check, item->insn);
            check->counts.call_checked += checked;
            check->counts.call_sites += checked;
            const char *why = left;
            bool jump = fw_is_open_jump(model, item);
            if (jump) why = "it is a computed jump, which no routine checks";
            if (jump || is_open(item)) count_open(check, i, why, &flags);
        }
    }
    fw_liveness_free(&flags.liveness);
}

static bool has_tag(const struct check *check, uint32_t address) {
    uint32_t word;
    return check->has_call_routines && check_word(check, address - 4, &word) && word == check->tag;
}

/* The function's address is taken: an indirect call may go there. */
static void judge_target(struct check *check, uint32_t index) {
    const struct fw_item *item = &check->model->items[index];
    const struct routine *routine = check_routine_at(check, item->address);
    bool tagged = has_tag(check, item->address);
    check->counts.call_targets++;
    check->counts.call_tagged += tagged;
    if (routine && routine->kind != ROUTINE_THUNK) {
        check_find(check, "calls", item->address, "a pointer leads into the protection's own code");
    } else if (check->has_call_routines && !tagged) {
        check_find(check, "calls", item->address,
                   "its address is taken, but it has no tag: every call of it would trap");
    }
}

/* The word that MOVW and the next MOVT of the same symbol and register make. */
static bool paired_word(const struct check *check, const struct fw_relocation *r, uint32_t *word) {
    enum { NEAR = 8 };
    const struct fw_model *model = check->model;
    const struct fw_relocation *end = model->relocations + model->relocation_count;
    struct thumb_insn low, high;
    if (!check_decode(check, r->place, &low)) return false;
    for (const struct fw_relocation *next = r + 1; next < end && next - r < NEAR; next++) {
        if (next->type != R_ARM_THM_MOVT_ABS || next->symbol != r->symbol) continue;
        if (!check_decode(check, next->place, &high) || high.rd != low.rd) continue;
        *word = low.imm | high.imm << 16;
        return low.op == THUMB_MOV_IMMEDIATE && high.op == THUMB_MOVT;
    }
    return false;
}

/* What a relocated field means (IHI 0044, 4.6.1); a personality routine is named by a PREL31. */
static bool field_word(const struct check *check, const struct fw_relocation *r, uint32_t *word) {
    enum { SIGN = 0x40000000 };
    if (r->type == R_ARM_THM_MOVW_ABS_NC) return paired_word(check, r, word);
    if (!check_word(check, r->place, word)) return false;
    if (r->type == R_ARM_PREL31) *word = ((*word & 0x7fffffffU) ^ SIGN) - SIGN;
    if (r->type == R_ARM_PREL31 || r->type == R_ARM_REL32) *word += r->place;
    return r->type == R_ARM_ABS32 || r->type == R_ARM_TARGET1 || r->type == R_ARM_REL32 ||
           r->type == R_ARM_PREL31;
}

/* Where a relocated word leads, by item. One whose symbol is of another section than what it leads
 * to is not bound: so is a pointer to the thunk of a function in RAM, or to code that left its
 * section. It is a pointer where a tag awaits it. */
static uint32_t pointed_item(const struct check *check, const struct fw_relocation *r) {
    uint32_t word;
    if (r->target_item != FW_NONE) return r->target_thumb ? r->target_item : FW_NONE;
    if (!field_word(check, r, &word)) return FW_NONE;
    return (word & 1) && has_tag(check, word & ~1U) ? fw_item_at(check->model, word & ~1U)
                                                    : FW_NONE;
}

/* Pointers to code, in data, in a pool or made by ADR, that an indirect call may use. Marks in
 * `seen` where each leads, by item. */
static void count_targets(struct check *check, bool *seen) {
    struct fw_model *model = check->model;
    for (size_t i = 0; i < model->relocation_count; i++) {
        const struct fw_relocation *r = &model->relocations[i];
        uint32_t target = pointed_item(check, r);
        if (target == FW_NONE || fw_is_vector_alone(model, r->place)) continue;
        if (!model->items[target].entry || seen[target]) continue;
        /* A thunk's own pointer is not one that calls use. */
        uint32_t from = fw_item_at(model, r->place);
        if (from != FW_NONE && is_routine_item(check, &model->items[from])) continue;
        seen[target] = true;
        judge_target(check, target);
    }
    for (size_t i = 0; model->relative_addresses && i < model->item_count; i++) {
        const struct fw_item *item = &model->items[i];
        if (!fw_takes_entry(model, item) || seen[item->target]) continue;
        seen[item->target] = true;
        judge_target(check, item->target);
    }
}

static bool tag_may_stand(struct check *check, const bool *seen, uint32_t address) {
    struct fw_model *model = check->model;
    const struct fw_section *section = check_contents_at(check, address);
    uint32_t item = fw_item_at(model, address + 4);
    return address % 4 == 0 && section && fw_is_code_section(section) && item != FW_NONE &&
           seen[item];
}

/* What is named a tag is one. */
static void judge_named_tags(struct check *check) {
    const struct fw_model *model = check->model;
    for (size_t i = 0; i < model->symbol_count; i++) {
        const struct fw_symbol *s = &model->symbols[i];
        uint32_t word;
        if (strcmp(s->name, FW_TAG_SYMBOL) != 0) continue;
        bool good =
            check->has_call_routines && check_word(check, s->value, &word) && word == check->tag;
        if (!good) check_find(check, "calls", s->value, "a tag in front of a function is altered");
    }
}

/* Like check_word(), wherever sections meet; what is in none reads as filler does. */
static uint32_t word_across(const struct check *check, uint32_t address) {
    uint32_t word = 0;
    for (uint32_t i = 0; i < 4; i++) {
        const struct fw_section *s = check_contents_at(check, address + i);
        if (s) word |= (uint32_t)s->data[address + i - s->address] << 8 * i;
    }
    return word;
}

static void judge_tag(struct check *check, const bool *seen, uint32_t address, uint32_t word) {
    if (word != check->tag || tag_may_stand(check, seen, address)) return;
    check_find(check, "calls", address,
               "the tag of callable functions stands where none begins whose address is taken");
}

/* The tag as a word anywhere else would be a place that a call may go to. A call goes to an odd
 * address and looks at the word five bytes below. */
static void find_stray_tags(struct check *check, const bool *seen) {
    enum { BEYOND = 3 }; /* bytes of a word that may be in the section beside it */
    for (size_t i = 0; check->has_call_routines && i < check->contents_count; i++) {
        const struct fw_section *s = check->contents[i];
        struct span content = {s->data, s->size_bytes};
        uint32_t word, address = (s->address - BEYOND + 1) & ~1U;
        for (; s->address - address - 1 < BEYOND; address += 2)
            judge_tag(check, seen, address, word_across(check, address));
        for (; span_u32le(content, address - s->address, &word); address += 2)
            judge_tag(check, seen, address, word);
        for (; address - s->address < s->size_bytes; address += 2)
            judge_tag(check, seen, address, word_across(check, address));
    }
}

void check_calls(struct check *check) {
    struct arena scratch = {0};
    bool *seen = ARENA_ARRAY(&scratch, bool, check->model->item_count + 1);
    count_sites(check);
    count_targets(check, seen);
    judge_named_tags(check);
    find_stray_tags(check, seen);
    arena_free(&scratch);
}
