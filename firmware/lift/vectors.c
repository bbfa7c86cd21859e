/* The vector table (ARM DDI 0403E, B1.5.3): where it is, how far it goes, and whether code may
 * call through it. See lift.h.
 *
 * A handler that only the table names needs no tag, since the processor asks for none. But a
 * table of functions may stand right behind the vectors in their section, and code may read a
 * vector and call it (`vectors[15]()`, NVIC_GetVector). So the words that are the processor's
 * alone end where a symbol says that the table does, and there are none where code refers to
 * the table other than to write its address to VTOR, or reads VTOR. A table that code knows by a
 * plain number is not seen. */
#include "firmware/lift/lifting.h"

#include <elf.h>

enum {
    VECTOR_ALIGNMENT = 128, /* ARM DDI 0403E, B3.2.5 */
    VECTORS_MAXIMUM = 16 + 240,
    SYSTEM_VECTORS = 16,
    NAMED_MAXIMUM = 8, /* places that hold the table's address; with more it is called through */
};
#define VTOR 0xe000ed08U

/* What the processor would take from a vector table here: its first two words. */
static bool first_words(const struct fw_section *section, uint32_t *stack, uint32_t *reset) {
    struct span content = {section->data, section->data ? section->size_bytes : 0};
    return (section->flags & SHF_ALLOC) && span_u32le(content, 0, stack) &&
           span_u32le(content, 4, reset);
}

static bool is_vector_table(const struct fw_model *model, const struct fw_section *section) {
    uint32_t stack, reset;
    if (section->address % VECTOR_ALIGNMENT != 0 || !first_words(section, &stack, &reset) ||
        stack == 0 || stack % 4 != 0 || !(reset & 1)) {
        return false;
    }
    size_t r = fw_relocation_from(model, section->address + 4);
    return r < model->relocation_count && model->relocations[r].place == section->address + 4 &&
           model->relocations[r].type == R_ARM_ABS32;
}

/* Could the processor start by this section and not by the chosen table? Which one it reads is
 * the part's choice, mostly the lowest in flash; start-up code may set sp anew, so that in
 * front of the table the first word may be anything. Behind it, one that lies in flash belongs
 * to a structure that only looks similar. What start-up copies to RAM is no table at reset. */
static bool is_rival(struct fw_model *model, const struct fw_section *section,
                     const struct fw_section *table) {
    bool in_front = section->load_address < table->load_address;
    bool copied = section->load_address != section->address;
    uint32_t stack, reset;
    if (section == table || section->load_address % VECTOR_ALIGNMENT != 0 ||
        !first_words(section, &stack, &reset) || !(reset & 1)) {
        return false;
    }
    const struct fw_section *code = fw_section_at(model, reset & ~1U);
    if (!code || !fw_is_code_section(code)) return false;
    if (in_front) return true;
    /* In RAM that the image uses, or in the region for it (ARM DDI 0403E, B3.1). */
    const struct fw_section *below = fw_section_at(model, stack - 4);
    bool ram = below ? !below->data || fw_is_ram_section(below) : (stack - 4) >> 29 == 1;
    return !copied && stack != 0 && stack % 4 == 0 && ram;
}

static void find_rival(struct fw_model *model, const struct fw_section *table) {
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *section = &model->sections[i];
        if (!is_rival(model, section, table)) continue;
        model->rival_vector_table = section->load_address;
        return;
    }
}

/* The vector table: at the start of a section, an initial stack pointer and the reset
 * handler's address (ARM DDI 0403E, B1.5.3). Of several, the one that names the entry; that
 * there are others is told, since the processor knows no entry. */
static void find_vector_table(struct lift *lift) {
    struct fw_model *model = lift->model;
    const struct fw_section *table = NULL;
    unsigned candidates = 0;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *section = &model->sections[i];
        uint32_t stack, reset;
        if (!is_vector_table(model, section)) continue;
        table = section;
        candidates++;
        if (!first_words(section, &stack, &reset)) continue;
        if ((reset & ~1U) != (model->entry & ~1U)) continue;
        candidates = 1;
        break;
    }
    if (candidates != 1) return;
    model->vector_table = table->address;
    find_rival(model, table);
}

/* Where a symbol says that the table ends; 0: none does. One of its own with a size, else the
 * next one in the section. */
static uint32_t named_end(const struct fw_model *model, const struct fw_section *section) {
    uint32_t own = 0, next = 0;
    for (size_t i = 0; i < model->symbol_count; i++) {
        const struct fw_symbol *s = &model->symbols[i];
        unsigned type = ELF32_ST_TYPE(s->info);
        bool data = s->name[0] == '$' && s->name[1] == 'd';
        uint32_t offset = (s->value & ~1U) - section->address;
        if (s->section != section - model->sections + 1 || offset > section->size_bytes) continue;
        if (type == STT_SECTION || type == STT_FILE || type == STT_TLS || data) continue;
        if (offset == 0 && s->size_bytes > own) own = s->size_bytes;
        if (offset > 0 && (!next || offset < next)) next = offset;
    }
    return own ? own : next;
}

static void measure_table(struct fw_model *model) {
    const struct fw_section *section = fw_section_at(model, model->vector_table);
    struct span content = {section->data, section->size_bytes};
    uint32_t end = named_end(model, section), words = 1, word;
    for (; words < VECTORS_MAXIMUM && span_u32le(content, (size_t)words * 4, &word); words++) {
        uint32_t place = section->address + words * 4;
        size_t r = fw_relocation_from(model, place);
        bool relocated = r < model->relocation_count && model->relocations[r].place == place;
        if (end ? words * 4 >= end : words >= SYSTEM_VECTORS && word != 0 && !relocated) break;
    }
    model->vector_table_bytes = words * 4;
    model->vectors_alone_bytes = end || words < SYSTEM_VECTORS ? words * 4 : SYSTEM_VECTORS * 4;
}

static bool word_at(struct fw_model *model, uint32_t address, uint32_t *value) {
    const uint8_t *bytes = fw_bytes_at(model, address, 4);
    return bytes && span_u32le((struct span){bytes, 4}, 0, value);
}

/* The constant in `reg` behind the instruction, when it is the instruction that makes it. */
static bool constant_of(struct fw_model *model, const struct fw_item *item, unsigned reg,
                        uint32_t before, uint32_t *value) {
    const struct thumb_insn *insn = item->insn;
    if (insn->rd != reg || insn->in_it) return false;
    if (insn->op == THUMB_LDR && insn->reference == THUMB_REFERENCE_LITERAL) {
        return word_at(model, insn->target, value);
    }
    *value = insn->op == THUMB_MOVT ? (before & 0xffff) | insn->imm << 16 : insn->imm;
    return insn->op == THUMB_MOVT || insn->op == THUMB_MOV_IMMEDIATE;
}

/* What the register holds in front of the item, by what was last written there: in its block, or
 * (where it only may be) further up in the function. */
static bool constant_before(struct fw_model *model, const struct lift_function *f, uint32_t index,
                            unsigned reg, bool in_block, uint32_t *value) {
    const struct fw_item *movt = NULL;
    for (uint32_t i = index; i-- > f->first_item;) {
        const struct fw_item *item = &model->items[i];
        if (in_block && (model->items[i + 1].block_start || item->kind != FW_ITEM_INSN)) break;
        if (!(item->insn->writes >> reg & 1)) continue;
        if (item->insn->op == THUMB_MOVT && item->insn->rd == reg && !movt) {
            movt = item;
            continue;
        }
        if (item->insn->op == THUMB_MOVT || !constant_of(model, item, reg, 0, value)) break;
        return !movt || constant_of(model, movt, reg, *value, value);
    }
    return false;
}

static bool is_at_vtor(const struct thumb_insn *insn, uint32_t base) {
    bool plain = insn->rm == THUMB_NO_REGISTER && insn->index;
    return plain && base + (insn->subtract ? 0U - insn->imm : insn->imm) == VTOR;
}

/* Is the table's address that the item puts into a register only written to VTOR, and then
 * gone, all within one block? */
static bool only_sets_vtor(struct lift *lift, uint32_t index) {
    struct fw_model *model = lift->model;
    const struct lift_function *f = &lift->functions[model->items[index].unit];
    unsigned reg = model->items[index].insn->rd;
    if (model->items[index].insn->in_it || reg >= THUMB_SP) return false;
    for (uint32_t i = index + 1; i < f->first_item + f->item_count; i++) {
        const struct fw_item *item = &model->items[i];
        const struct thumb_insn *insn = item->insn;
        if (item->kind != FW_ITEM_INSN || item->block_start || insn->in_it) return false;
        uint32_t base = 0;
        bool sets = insn->op == THUMB_STR && insn->rd == reg && insn->rn != reg &&
                    !insn->writeback && constant_before(model, f, i, insn->rn, true, &base) &&
                    is_at_vtor(insn, base);
        bool half = insn->op == THUMB_MOVT && insn->rd == reg;
        if ((insn->reads >> reg & 1) && !sets && !half) return false;
        if ((insn->writes >> reg & 1) && !half) return true;
        if (insn->flow != THUMB_FLOW_NEXT) return false;
    }
    return false;
}

bool lift_reads_vtor(const struct lift *lift, uint32_t index) {
    struct fw_model *model = lift->model;
    const struct fw_item *item = &model->items[index];
    const struct thumb_insn *insn = item->insn;
    const struct lift_function *f = &lift->functions[item->unit];
    uint32_t value = 0;
    bool literal = insn->op == THUMB_LDR && insn->reference == THUMB_REFERENCE_LITERAL;
    if (!literal && insn->op != THUMB_MOVT && insn->op != THUMB_MOV_IMMEDIATE) return false;
    if (insn->op == THUMB_MOVT) {
        if (insn->imm != VTOR >> 16) return false;
        if (!constant_before(model, f, index, insn->rd, false, &value)) return false;
    }
    if (!constant_of(model, item, insn->rd, value, &value) || value >> 12 != VTOR >> 12) {
        return false;
    }
    for (uint32_t i = index + 1; i < f->first_item + f->item_count; i++) {
        const struct thumb_insn *next = model->items[i].insn;
        if (model->items[i].kind != FW_ITEM_INSN) continue;
        if (next->loads && next->rn == insn->rd && is_at_vtor(next, value)) return true;
        if (next->writes >> insn->rd & 1) return false;
    }
    return false;
}

static bool is_branch(uint8_t type) {
    return type == R_ARM_THM_PC22 || type == R_ARM_THM_JUMP24 || type == R_ARM_THM_JUMP19 ||
           type == R_ARM_THM_PC11 || type == R_ARM_THM_PC9 || type == R_ARM_THM_JUMP6;
}

/* Does the relocated value name a place in the table? Of an absolute symbol nobody knows
 * whether it is a number or an address: with `numbers` it counts. */
static bool names_table(struct fw_model *model, const struct fw_relocation *r, bool numbers) {
    const struct fw_symbol *symbol = &model->symbols[r->symbol];
    const struct fw_section *section = fw_section_at(model, model->vector_table);
    bool here = symbol->section == section - model->sections + 1;
    uint32_t value = symbol->value;
    if (!here && !(numbers && symbol->section == SHN_ABS)) return false;
    if (r->place - model->vector_table < model->vector_table_bytes || is_branch(r->type))
        return false;
    if (r->type == R_ARM_ABS32 || r->type == R_ARM_TARGET1) (void)word_at(model, r->place, &value);
    if (r->target_item != FW_NONE) {
        value = model->items[r->target_item].address + r->target_delta;
    }
    return value - model->vector_table < model->vector_table_bytes;
}

/* Places that hold the table's address, or more of them than are kept. */
static size_t find_names(struct fw_model *model, bool numbers, uint32_t places[NAMED_MAXIMUM]) {
    size_t count = 0;
    for (size_t r = 0; r < model->relocation_count && count <= NAMED_MAXIMUM; r++) {
        if (!names_table(model, &model->relocations[r], numbers)) continue;
        if (count < NAMED_MAXIMUM) places[count] = model->relocations[r].place;
        count++;
    }
    return count;
}

/* All code that uses one of the places does no more than set VTOR. */
static bool all_set_vtor(struct lift *lift, const uint32_t *places, size_t count) {
    struct fw_model *model = lift->model;
    bool used[NAMED_MAXIMUM] = {false};
    for (uint32_t i = 0; i < model->item_count; i++) {
        const struct fw_item *item = &model->items[i];
        if (item->kind != FW_ITEM_INSN) continue;
        for (size_t p = 0; p < count; p++) {
            bool pool = item->insn->reference == THUMB_REFERENCE_LITERAL ||
                        item->insn->reference == THUMB_REFERENCE_ADR;
            bool same =
                pool && item->target != FW_NONE && item->target == fw_item_at(model, places[p]);
            bool reads = pool && item->insn->op == THUMB_LDR && item->insn->target == places[p];
            if (item->address != places[p] && !reads) {
                if (same && item->insn->op != THUMB_LDR) return false;
                continue;
            }
            used[p] = true;
            if (!only_sets_vtor(lift, i)) return false;
        }
    }
    for (size_t p = 0; p < count; p++) {
        if (!used[p]) return false;
    }
    return true;
}

/* Code beside the table reaches it without a relocation. */
static bool is_reached_by_distance(struct fw_model *model) {
    const struct fw_section *section = fw_section_at(model, model->vector_table);
    for (uint32_t i = 0; fw_is_code_section(section) && i < model->item_count; i++) {
        const struct thumb_insn *insn = model->items[i].insn;
        bool data =
            insn->reference == THUMB_REFERENCE_LITERAL || insn->reference == THUMB_REFERENCE_ADR;
        if (model->items[i].kind != FW_ITEM_INSN || !data) continue;
        if (insn->target - model->vector_table < model->vector_table_bytes) return true;
    }
    return false;
}

/* Nothing but the table, and what pads it to the next section. */
static bool holds_only_table(const struct fw_model *model, const struct fw_section *section) {
    enum { PADDING_MAXIMUM = 64 };
    uint32_t bytes = model->vector_table_bytes;
    if (fw_is_code_section(section) || section->size_bytes - bytes > PADDING_MAXIMUM) return false;
    for (uint32_t i = bytes; i < section->size_bytes; i++) {
        if (section->data[i] != 0) return false;
    }
    for (size_t i = 0; i < model->symbol_count; i++) {
        const struct fw_symbol *s = &model->symbols[i];
        bool here = s->section == section - model->sections + 1 && s->size_bytes;
        if (here && s->value - section->address >= bytes) return false;
    }
    return true;
}

/* Code may have an address in the table. */
static bool is_known_to_code(struct lift *lift, bool numbers) {
    uint32_t places[NAMED_MAXIMUM];
    size_t names = find_names(lift->model, numbers, places);
    return lift->reads_vtor || names > NAMED_MAXIMUM || is_reached_by_distance(lift->model) ||
           (names && !all_set_vtor(lift, places, names));
}

void lift_find_vectors(struct lift *lift) {
    struct fw_model *model = lift->model;
    find_vector_table(lift);
    if (model->vector_table == FW_NONE) return;
    measure_table(model);
    struct fw_section *section = fw_section_at(model, model->vector_table);
    bool called = is_known_to_code(lift, true);
    if (called) model->vectors_alone_bytes = 0;
    /* To write there takes an address, and a number that happens to be one is none. */
    section->vectors_alone =
        (!called || !is_known_to_code(lift, false)) && holds_only_table(model, section);
}
