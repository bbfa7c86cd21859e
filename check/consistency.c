/* What the output says of itself: its relocations fit its instructions. A hardened image
 * describes itself so that it can be laid out again, so a branch whose relocation means
 * another function, or a relocation where no branch is, shows that code was altered. */
#include <elf.h>

#include "check/state.h"

/* The form that a relocation's type belongs to (IHI 0044, 4.6.1). */
static bool fits_type(const struct thumb_insn *insn, uint8_t type) {
    switch (type) {
    case R_ARM_THM_PC22:
        return insn->op == THUMB_BL;
    case R_ARM_THM_JUMP24:
        return insn->op == THUMB_B && insn->size_bytes == 4;
    case R_ARM_THM_JUMP19:
        return insn->op == THUMB_B_COND && insn->size_bytes == 4;
    case R_ARM_THM_PC11:
        return insn->op == THUMB_B && insn->size_bytes == 2;
    case R_ARM_THM_PC9:
        return insn->op == THUMB_B_COND && insn->size_bytes == 2;
    default:
        return true;
    }
}

static bool is_branch_type(uint8_t type) {
    return type == R_ARM_THM_PC22 || type == R_ARM_THM_JUMP24 || type == R_ARM_THM_JUMP19 ||
           type == R_ARM_THM_PC11 || type == R_ARM_THM_PC9;
}

/* Is the address in a function whose bytes are not understood? It counts as unsealed. */
static bool in_unknown_function(const struct check *check, uint32_t address) {
    const struct fw_function *f = check_function_before(check, (uint64_t)address + 1);
    return f && address - f->address < f->size_bytes && !check->model->units[f->unit].decoded;
}

/* The routines of the protection are entered where they begin: behind the compare, or at what
 * writes the key, they would protect nothing. The stub is for the reset vector alone. */
static bool is_way_into_routine(const struct check *check, uint32_t to) {
    const struct routine *begins = check_routine_at(check, to);
    return begins ? begins->kind == ROUTINE_BOOT : check_routine_around(check, to) != NULL;
}

static void find_way_into(struct check *check, uint32_t place, uint32_t to) {
    const struct routine *from = check_routine_around(check, place);
    bool inside = from && to - from->address < from->end - from->address;
    if (inside || !is_way_into_routine(check, to)) return;
    check_find(check, "routine", place, "leads into the protection's own code at 0x%08x", to);
}

/* The word that the instruction loads into pc. */
static bool loads_pc(const struct check *check, const struct thumb_insn *insn, uint32_t *to) {
    bool veneer =
        insn->reference == THUMB_REFERENCE_LITERAL && insn->flow == THUMB_FLOW_JUMP_INDIRECT;
    if (!veneer || !check_word(check, insn->target, to)) return false;
    *to &= ~1U;
    return true;
}

static void find_ways_of_pointers(struct check *check) {
    const struct fw_model *model = check->model;
    for (size_t i = 0; i < model->relocation_count && !check_is_full(check); i++) {
        const struct fw_relocation *r = &model->relocations[i];
        const struct fw_section *section = &model->sections[r->section];
        bool reset = model->vector_table != FW_NONE && r->place == model->vector_table + 4;
        if (r->target_item == FW_NONE || !r->target_thumb || reset) continue;
        if (!(section->flags & SHF_ALLOC) || section->type == SHT_ARM_EXIDX) continue;
        find_way_into(check, r->place, model->items[r->target_item].address + r->target_delta);
    }
}

/* Where the instruction goes, when it is a branch or loads a constant into pc. */
static bool goes_to(const struct check *check, const struct fw_item *item, uint32_t *to) {
    const struct thumb_insn *insn = item->insn;
    if (item->kind != FW_ITEM_INSN) return false;
    if (insn->reference == THUMB_REFERENCE_BRANCH) {
        *to = insn->target;
        return item->target == FW_NONE;
    }
    if (!loads_pc(check, insn, to)) return false;
    uint32_t there = fw_item_at(check->model, *to);
    return there == FW_NONE || check->model->items[there].kind != FW_ITEM_INSN ||
           check->model->items[there].address != *to;
}

/* A function that is made to look like data drops out of every count; a branch to it shows
 * that it is code. One into data of its own unit, as compilers leave behind what cannot be reached,
 * has the unit count as unsealed. */
static void find_hidden_code(struct check *check, const struct fw_item *item) {
    uint32_t to;
    if (!goes_to(check, item, &to) || fw_branches_into_data(check->model, item)) return;
    const struct fw_section *section = fw_section_at(check->model, to);
    if (!section || in_unknown_function(check, to)) return;
    check_find(check, "code", item->address,
               "a branch goes to 0x%08x in %s, which is not known as code", to, section->name);
}

static void find_ways_of_code(struct check *check) {
    const struct fw_model *model = check->model;
    for (size_t i = 0; i < model->item_count && !check_is_full(check); i++) {
        const struct fw_item *item = &model->items[i];
        const struct thumb_insn *insn = item->insn;
        uint32_t to = insn->target;
        if (item->kind != FW_ITEM_INSN || insn->reference == THUMB_REFERENCE_NONE) continue;
        bool leads = insn->reference == THUMB_REFERENCE_BRANCH ||
                     insn->reference == THUMB_REFERENCE_ADR || loads_pc(check, insn, &to);
        if (leads) find_way_into(check, item->address, to & ~1U);
        if (check->boot) find_hidden_code(check, item);
    }
}

void check_consistency(struct check *check) {
    const struct fw_model *model = check->model;
    find_ways_of_code(check);
    find_ways_of_pointers(check);
    if (!check->boot) return;
    for (size_t i = 0; i < model->relocation_count && !check_is_full(check); i++) {
        const struct fw_relocation *r = &model->relocations[i];
        const struct fw_symbol *symbol = &model->symbols[r->symbol];
        struct thumb_insn insn;
        if (!is_branch_type(r->type) || !check_decode(check, r->place, &insn)) continue;
        bool undefined = symbol->section == SHN_UNDEF;
        /* The linker leaves NOP.W for the call of a weak function that is not there. */
        if (undefined && insn.op == THUMB_NOP) continue;
        if (!fits_type(&insn, r->type)) {
            check_find(check, "relocations", r->place,
                       "a relocation says that a branch to %s is here, and there is none",
                       symbol->name);
            continue;
        }
        bool function = !undefined && ELF32_ST_TYPE(symbol->info) == STT_FUNC;
        if (!function || insn.target == (symbol->value & ~1U)) continue;
        check_find(check, "relocations", r->place, "a branch should go to %s and goes to %s",
                   symbol->name, check_function_at(check, insn.target));
    }
}
