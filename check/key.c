/* The key: is what the key function returns a constant, which functions run before there
 * is a key, and does anything else write where the key lives. */
#include <string.h>

#include "check/walk.h"
#include "firmware/analyse/reach.h"

enum { DEPTH_MAXIMUM = 16, SYSM_PSP = 9, SYSM_CONTROL = 20 };

/* What is known of a unit's result. One that is being looked at is recursive, and taken
 * for no constant. */
struct answer {
    enum { NOT_ASKED, NO_CONSTANT, CONSTANT } is;
    uint32_t value;
};

/* Each unit is walked once, whoever calls it; walks[] are by depth, made when needed. */
struct search {
    struct check *check;
    struct arena arena;
    struct answer *answers; /* by unit */
    struct walk *walks[DEPTH_MAXIMUM];
};

struct result {
    struct search *search;
    unsigned depth;
    bool returns, constant;
    uint32_t value;
};

static bool constant_result(struct search *search, uint32_t unit, unsigned depth, uint32_t *value);

static void exit_with(struct result *result, struct sum r0) {
    bool constant = sum_is_constant(r0);
    if (result->returns && (!constant || r0.bits != result->value)) result->constant = false;
    if (!result->returns) {
        result->constant = constant;
        result->value = r0.bits;
    }
    result->returns = true;
}

static void visit(void *context, uint32_t item, const struct sums *state) {
    struct result *result = context;
    struct search *search = result->search;
    const struct fw_model *model = search->check->model;
    const struct fw_item *it = &model->items[item];
    if (it->insn->flow == THUMB_FLOW_JUMP_INDIRECT && it->jump != FW_JUMP_GOTO) {
        exit_with(result, it->jump == FW_JUMP_RETURN ? state->r[0] : sum_unknown);
    }
    if (it->insn->flow != THUMB_FLOW_BRANCH && it->insn->flow != THUMB_FLOW_BRANCH_COND) return;
    if (it->target != FW_NONE && model->items[it->target].unit == it->unit) return;
    uint32_t value;
    const struct routine *routine = check_routine_at(search->check, it->insn->target);
    if (routine && routine->kind == ROUTINE_RETURN) {
        exit_with(result, state->r[0]);
    } else if (it->target != FW_NONE &&
               constant_result(search, model->items[it->target].unit, result->depth + 1, &value)) {
        exit_with(result, sum_constant(value));
    } else {
        exit_with(result, sum_unknown);
    }
}

static void after_call(void *context, uint32_t item, struct sums *after) {
    struct result *result = context;
    struct search *search = result->search;
    const struct fw_model *model = search->check->model;
    uint32_t target = model->items[item].target, value;
    if (target == FW_NONE) return;
    if (constant_result(search, model->items[target].unit, result->depth + 1, &value)) {
        after->r[0] = sum_constant(value);
    }
}

/* Does every way out of the unit return the same constant? */
static bool constant_result(struct search *search, uint32_t unit, unsigned depth, uint32_t *value) {
    struct answer *answer = &search->answers[unit];
    if (depth == DEPTH_MAXIMUM || !search->check->model->units[unit].decoded) return false;
    if (answer->is == NOT_ASKED) {
        struct result result = {.search = search, .depth = depth};
        struct walk_visitor visitor = {
            .context = &result, .instruction = visit, .after_call = after_call};
        answer->is = NO_CONSTANT; /* when it is asked for from within */
        uint32_t units = (uint32_t)search->check->model->unit_count;
        if (!search->walks[depth])
            search->walks[depth] = walk_new(search->check, &search->arena, 0, units);
        walk_unit(search->walks[depth], unit, &visitor);
        answer->value = result.value;
        if (result.returns && result.constant) answer->is = CONSTANT;
    }
    *value = answer->value;
    return answer->is == CONSTANT;
}

static void exempt_named(struct check *check) {
    const struct fw_model *model = check->model;
    if (!check->options) return;
    for (size_t i = 0; i < model->function_count; i++) {
        for (size_t k = 0; k < check->options->exempt_count; k++) {
            if (strcmp(model->functions[i].name, check->options->exempt[k]) != 0) continue;
            check->exempt[model->functions[i].unit] = true;
        }
    }
}

/* Only the boot stub writes the place of the key. */
static void find_other_writers(struct check *check) {
    const struct fw_model *model = check->model;
    for (uint32_t i = 0; check->sums.key_in_psp && i < model->item_count; i++) {
        const struct fw_item *item = &model->items[i];
        if (item->kind != FW_ITEM_INSN || item->insn->op != THUMB_MSR) continue;
        if (item->insn->imm != SYSM_PSP && item->insn->imm != SYSM_CONTROL) continue;
        if (item->address - check->boot->address < check->boot->end - check->boot->address)
            continue;
        check_find(check, "key", item->address,
                   "writes the process stack pointer or CONTROL, where the key lives");
    }
}

void check_key(struct check *check) {
    struct fw_model *model = check->model;
    check->exempt = ARENA_ARRAY(&check->arena, bool, model->unit_count + 1);
    exempt_named(check);
    if (!check->boot) return;
    find_other_writers(check);
    if (check->key_source == KEY_FIXED && check->sums.key_in_psp && check->key_value % 4 != 0) {
        check_find(check, "key", check->boot->address,
                   "the fixed key has bits that the process stack pointer does not keep");
    }
    if (check->key_source != KEY_AT_BOOT) return;
    uint32_t item = fw_item_at(model, check->key_function), value;
    if (item == FW_NONE || !model->items[item].entry) {
        check_find(check, "key", check->boot->address,
                   "the boot stub's key function is no function");
        return;
    }
    fw_reach_from(model, model->items[item].unit, check->exempt);
    struct search search = {.check = check};
    search.answers = ARENA_ARRAY(&search.arena, struct answer, model->unit_count + 1);
    if (constant_result(&search, model->items[item].unit, 0, &value)) {
        check_find(check, "key", check->key_function,
                   "the key that the boot stub asks for is the constant 0x%08x", value);
    }
    arena_free(&search.arena);
}
