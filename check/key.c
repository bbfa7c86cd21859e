/* The key: is what the key function returns a constant, which functions run before there
 * is a key, and does anything else write where the key lives. */
#include <elf.h>
#include <string.h>

#include "check/walk.h"
#include "firmware/analyse/early.h"
#include "firmware/analyse/reach.h"

enum { DEPTH_MAXIMUM = 16, SYSM_PSP = 9, SYSM_CONTROL = 20 };

/* What is known of the result of what begins at an entry. One that is being looked at is
 * recursive, and taken for no constant. */
struct answer {
    enum { NOT_ASKED, NO_CONSTANT, CONSTANT } is;
    uint32_t value;
};

/* Each entry is walked once, whoever calls it; walks[] are by depth, made when needed. Entries
 * of one unit are kept apart: one that returns a constant is not hidden by another that does
 * not. */
struct search {
    struct check *check;
    struct arena arena;
    struct answer *answers; /* by block */
    struct walk *walks[DEPTH_MAXIMUM];
};

struct result {
    struct search *search;
    unsigned depth;
    bool returns, constant;
    uint32_t value;
};

static bool constant_result(struct search *search, uint32_t entry, unsigned depth, uint32_t *value);

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
               constant_result(search, it->target, result->depth + 1, &value)) {
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
    if (constant_result(search, target, result->depth + 1, &value)) {
        after->r[0] = sum_constant(value);
    }
}

/* Does every way out of what begins at the item `entry` return the same constant? */
static bool constant_result(struct search *search, uint32_t entry, unsigned depth,
                            uint32_t *value) {
    struct check *check = search->check;
    uint32_t unit = check->model->items[entry].unit, block = check->flow.block_of[entry];
    if (depth == DEPTH_MAXIMUM || !check->model->units[unit].decoded || block == FW_NONE)
        return false;
    struct answer *answer = &search->answers[block];
    if (answer->is == NOT_ASKED) {
        struct result result = {.search = search, .depth = depth};
        struct walk_visitor visitor = {
            .context = &result, .instruction = visit, .after_call = after_call};
        answer->is = NO_CONSTANT; /* when it is asked for from within */
        uint32_t units = (uint32_t)check->model->unit_count;
        if (!search->walks[depth]) search->walks[depth] = walk_new(check, &search->arena, 0, units);
        walk_unit(search->walks[depth], unit, entry, &visitor);
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

/* A function begins there, which a symbol names: an entry alone is no proof, since the boot
 * stub's own call makes one wherever it leads. */
static bool is_named_function(const struct check *check, uint32_t address) {
    const struct fw_model *model = check->model;
    uint32_t item = fw_item_at(model, address);
    if (item == FW_NONE || model->items[item].address != address) return false;
    if (check_routine_at(check, address)) return false;
    const struct fw_unit *unit = &model->units[model->items[item].unit];
    for (uint32_t i = 0; i < unit->function_count; i++) {
        const struct fw_function *f = &model->functions[unit->function_first + i];
        if (f->address == address && f->symbol != FW_NONE && f->item == item) return true;
    }
    return false;
}

/* The relocation of the stub's call says the same as the call. */
static bool is_relocated_call(const struct check *check) {
    const struct fw_model *model = check->model;
    uint32_t place = check->boot->address;
    for (size_t i = fw_relocation_from(model, place); i < model->relocation_count; i++) {
        const struct fw_relocation *r = &model->relocations[i];
        const struct fw_symbol *symbol = &model->symbols[r->symbol];
        if (r->place != place) break;
        if (r->type != R_ARM_THM_PC22 || symbol->section == SHN_UNDEF) continue;
        if ((symbol->value & ~1U) == check->key_function) return true;
    }
    return false;
}

/* It runs before start-up, and gives the key: does its code show that it cannot? */
static void judge_source(struct check *check, uint32_t item) {
    struct fw_model *model = check->model;
    struct fw_early_use use;
    const char *fault = fw_not_a_source(model, &check->flow, item);
    if (fault) {
        check_find(check, "key", check->key_function,
                   "the key function is not uint32_t f(void): it %s", fault);
    }
    if (!fw_early_use(model, model->items[item].unit, &use)) return;
    const struct fw_unit *unit = &model->units[use.unit];
    check_find(check, "key", check->key_function,
               "the key function runs before start-up sets variables, and %s uses %s, at "
               "0x%08x%s%s",
               check_text(check, model->functions[unit->function_first].name),
               check_text(check, use.section), use.address,
               use.object ? ": it is, or is near, " : "",
               use.object ? check_text(check, use.object) : "");
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
    if (!is_named_function(check, check->key_function)) {
        check_find(check, "key", check->boot->address,
                   "the boot stub's key function is no function");
        return;
    }
    if (!is_relocated_call(check)) {
        check_find(check, "key", check->boot->address,
                   "no relocation says which function the boot stub asks for the key");
    }
    fw_reach_from(model, model->items[item].unit, check->exempt);
    judge_source(check, item);
    struct search search = {.check = check};
    search.answers = ARENA_ARRAY(&search.arena, struct answer, check->flow.block_count + 1);
    if (constant_result(&search, item, 0, &value)) {
        check_find(check, "key", check->key_function,
                   "the key that the boot stub asks for is the constant 0x%08x", value);
    }
    arena_free(&search.arena);
}
