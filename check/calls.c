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

/* An indirect call that goes straight to its target. */
static void count_open(struct check *check, const struct fw_item *item, const char *left) {
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
    } else {
        add_unchecked(check, "nothing stands against checking it");
        check_find(check, "calls", item->address, "an indirect call goes to its target unchecked");
    }
}

static void count_sites(struct check *check) {
    const struct fw_model *model = check->model;
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
            if (jump || is_open(item)) count_open(check, item, why);
        }
    }
}

/* The function's address is taken: an indirect call may go there. */
static void judge_target(struct check *check, uint32_t index) {
    const struct fw_item *item = &check->model->items[index];
    const struct routine *routine = check_routine_at(check, item->address);
    uint32_t word;
    bool tagged = check->has_call_routines && check_word(check, item->address - 4, &word) &&
                  word == check->tag;
    check->counts.call_targets++;
    check->counts.call_tagged += tagged;
    if (routine && routine->kind != ROUTINE_THUNK) {
        check_find(check, "calls", item->address, "a pointer leads into the protection's own code");
    } else if (check->has_call_routines && !tagged) {
        check_find(check, "calls", item->address,
                   "its address is taken, but it has no tag: every call of it would trap");
    }
}

/* Pointers to code, in data, in a pool or made by ADR, that an indirect call may use. */
static void count_targets(struct check *check) {
    struct fw_model *model = check->model;
    struct arena scratch = {0};
    bool *seen = ARENA_ARRAY(&scratch, bool, model->item_count + 1);
    for (size_t i = 0; i < model->relocation_count; i++) {
        const struct fw_relocation *r = &model->relocations[i];
        if (r->target_item == FW_NONE || !r->target_thumb || fw_is_vector_alone(model, r->place)) {
            continue;
        }
        if (!model->items[r->target_item].entry || seen[r->target_item]) continue;
        /* A thunk's own pointer is not one that calls use. */
        uint32_t from = fw_item_at(model, r->place);
        if (from != FW_NONE && is_routine_item(check, &model->items[from])) continue;
        seen[r->target_item] = true;
        judge_target(check, r->target_item);
    }
    for (size_t i = 0; model->relative_addresses && i < model->item_count; i++) {
        const struct fw_item *item = &model->items[i];
        if (!fw_takes_entry(model, item) || seen[item->target]) continue;
        seen[item->target] = true;
        judge_target(check, item->target);
    }
    arena_free(&scratch);
}

static bool tag_may_stand(struct check *check, uint32_t address) {
    struct fw_model *model = check->model;
    uint32_t item = fw_item_at(model, address + 4);
    return address % 4 == 0 && item != FW_NONE && model->items[item].kind == FW_ITEM_INSN &&
           model->items[item].entry;
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

/* The tag as a word anywhere else would be a place that a call may go to. */
static void find_stray_tags(struct check *check) {
    struct fw_model *model = check->model;
    for (size_t i = 0; check->has_call_routines && i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!s->data || !(s->flags & SHF_ALLOC)) continue;
        struct span content = {s->data, s->size_bytes};
        uint32_t word;
        for (size_t offset = 0; span_u32le(content, offset, &word); offset += 2) {
            if (word != check->tag) continue;
            uint32_t address = s->address + (uint32_t)offset;
            if (!fw_is_code_section(s) || !tag_may_stand(check, address)) {
                check_find(check, "calls", address,
                           "the tag of callable functions stands where none begins");
            }
        }
    }
}

void check_calls(struct check *check) {
    count_sites(check);
    count_targets(check);
    judge_named_tags(check);
    find_stray_tags(check);
}
