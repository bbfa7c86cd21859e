/* Look-ups in the model; see model.h. */
#include "firmware/model.h"

#include <elf.h>
#include <string.h>

enum { SHF_ALLOC_BIT = 2, BIND_LOCAL = 0 };

static bool holds(const struct fw_section *section, uint32_t address, uint32_t size_bytes) {
    uint32_t offset = address - section->address;
    return (section->flags & SHF_ALLOC_BIT) && address >= section->address &&
           offset <= section->size_bytes && size_bytes <= section->size_bytes - offset &&
           section->size_bytes != 0;
}

struct fw_section *fw_section_at(struct fw_model *model, uint32_t address) {
    for (size_t i = 0; i < model->section_count; i++) {
        if (holds(&model->sections[i], address, 1)) return &model->sections[i];
    }
    return NULL;
}

uint8_t *fw_bytes_at(struct fw_model *model, uint32_t address, uint32_t size_bytes) {
    for (size_t i = 0; i < model->section_count; i++) {
        struct fw_section *section = &model->sections[i];
        if (section->data && holds(section, address, size_bytes)) {
            return section->data + (address - section->address);
        }
    }
    return NULL;
}

size_t fw_relocation_from(const struct fw_model *model, uint32_t address) {
    size_t low = 0, high = model->relocation_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (model->relocations[middle].place < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* IHI 0044, 4.6.1: B(S) and GOT(S) in the operation. */
const struct fw_relocation *fw_base_relative(const struct fw_model *model) {
    static const uint8_t types[] = {
        R_ARM_SBREL32,       R_ARM_GOTOFF,           R_ARM_GOTPC,         R_ARM_GOT32,
        R_ARM_SBREL31,       R_ARM_MOVW_BREL_NC,     R_ARM_MOVT_BREL,     R_ARM_MOVW_BREL,
        R_ARM_THM_MOVW_BREL, R_ARM_THM_MOVW_BREL_NC, R_ARM_THM_MOVT_BREL, R_ARM_GOT_ABS,
        R_ARM_GOT_PREL,      R_ARM_GOT_BREL12,       R_ARM_GOTOFF12,      R_ARM_THM_GOT_BREL12,
    };
    for (size_t i = 0; i < model->relocation_count; i++) {
        if (memchr(types, model->relocations[i].type, sizeof types)) return &model->relocations[i];
    }
    return NULL;
}

/* IHI 0044, table 4-8 (static data) and 4-9 (Thumb instructions). */
uint32_t fw_relocation_bytes(uint32_t type) {
    enum { THM_ALU_ABS_G0_NC = 132, THM_ALU_ABS_G3 = 135 };
    if (type >= THM_ALU_ABS_G0_NC && type <= THM_ALU_ABS_G3) return 2;
    switch (type) {
    case R_ARM_ABS8:
        return 1;
    case R_ARM_ABS16:
    case R_ARM_THM_ABS5:
    case R_ARM_THM_PC8:
    case R_ARM_THM_PC11: /* THM_JUMP11 */
    case R_ARM_THM_PC9:  /* THM_JUMP8 */
    case R_ARM_THM_JUMP6:
        return 2;
    default:
        return 4;
    }
}

uint32_t fw_symbol_named(const struct fw_model *model, const char *name) {
    uint32_t found = FW_NONE;
    for (size_t i = 0; i < model->symbol_count; i++) {
        const struct fw_symbol *symbol = &model->symbols[i];
        if (symbol->section == 0 || strcmp(symbol->name, name) != 0) continue;
        if (symbol->info >> 4 != BIND_LOCAL) return (uint32_t)i;
        if (found == FW_NONE) found = (uint32_t)i;
    }
    return found;
}

uint32_t fw_item_at(const struct fw_model *model, uint32_t address) {
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *section = &model->sections[i];
        if (!section->item_at || !holds(section, address, 1)) continue;
        return section->item_at[(address - section->address) / 2];
    }
    return FW_NONE;
}

bool fw_branches_into_data(const struct fw_model *model, const struct fw_item *item) {
    bool branch = item->kind == FW_ITEM_INSN && item->insn->reference == THUMB_REFERENCE_BRANCH;
    if (!branch || item->target != FW_NONE) return false;
    uint32_t to = fw_item_at(model, item->insn->target);
    return to != FW_NONE && model->items[to].unit == item->unit &&
           model->items[to].kind == FW_ITEM_DATA;
}

bool fw_has_branch_into_data(const struct fw_model *model, uint32_t unit) {
    for (uint32_t i = model->units[unit].first; i != FW_NONE; i = model->items[i].next) {
        if (fw_branches_into_data(model, &model->items[i])) return true;
    }
    return false;
}
