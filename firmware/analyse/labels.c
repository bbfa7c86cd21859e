/* See labels.h. */
#include "firmware/analyse/labels.h"

#include <elf.h>

#include "firmware/lift/lift.h"

static bool is_label_word(const struct fw_model *model, size_t relocation, uint32_t unit) {
    const struct fw_relocation *r = &model->relocations[relocation];
    if (r->target_item == FW_NONE || (r->type != R_ARM_ABS32 && r->type != R_ARM_TARGET1)) {
        return false;
    }
    const struct fw_item *item = &model->items[r->target_item];
    return item->label && item->unit == unit;
}

void fw_labels_mark_table(const struct fw_model *model, uint32_t unit, size_t relocation,
                          bool *in_table) {
    const struct fw_relocation *r = model->relocations;
    if (in_table[relocation] || !is_label_word(model, relocation, unit)) return;
    in_table[relocation] = true;
    /* An index may count from either end, or from the middle. */
    for (size_t i = relocation; i > 0 && r[i - 1].place + 4 == r[i].place; i--) {
        if (!is_label_word(model, i - 1, unit)) break;
        in_table[i - 1] = true;
    }
    for (size_t i = relocation + 1; i < model->relocation_count; i++) {
        if (r[i].place != r[i - 1].place + 4 || !is_label_word(model, i, unit)) break;
        in_table[i] = true;
    }
}

/* Words that code loads by their own address are constants, whatever table they lie in. Those
 * that can be loaded so lie in code, and few tables do. */
enum { REACH = 4096 + 8 }; /* of a literal load, from its own address */

static void unmark_constants(const struct fw_model *model, bool *in_table) {
    uint32_t first = UINT32_MAX, last = 0;
    for (size_t r = 0; r < model->relocation_count; r++) {
        const struct fw_relocation *relocation = &model->relocations[r];
        if (!in_table[r] || !fw_is_code_section(&model->sections[relocation->section])) continue;
        if (relocation->place < first) first = relocation->place;
        if (relocation->place > last) last = relocation->place;
    }
    for (size_t i = 0; first <= last && i < model->item_count; i++) {
        const struct fw_item *item = &model->items[i];
        bool near = item->address + REACH >= first && item->address <= last + REACH;
        if (!near || item->kind != FW_ITEM_INSN || item->target == FW_NONE ||
            item->insn->reference != THUMB_REFERENCE_LITERAL || item->insn->target < first ||
            item->insn->target > last) {
            continue;
        }
        size_t r = fw_relocation_from(model, item->insn->target);
        if (r < model->relocation_count && model->relocations[r].place == item->insn->target) {
            in_table[r] = false;
        }
    }
}

void fw_labels_refuse_open(struct fw_model *model, bool *in_table) {
    bool any = false;
    for (size_t u = 0; u < model->unit_count && !any; u++)
        any = model->units[u].labels && model->units[u].computed_jump;
    if (!any) return;
    unmark_constants(model, in_table);
    for (size_t i = 0; i < model->relocation_count; i++) {
        uint32_t target = model->relocations[i].target_item;
        if (in_table[i] || target == FW_NONE || !model->items[target].label) continue;
        struct fw_unit *unit = &model->units[model->items[target].unit];
        if (unit->computed_jump) fw_refuse(unit, "a label in it may be jumped to from elsewhere");
    }
}
