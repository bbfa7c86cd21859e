/* Where the processor starts and what it calls by itself: the ELF's entry and the words of
 * the vector table (ARM DDI 0403E, B1.5.2 and B1.5.3). Judged where there is a boot stub: it
 * makes the key only if every way in is one that the image knows. */
#include <elf.h>

#include "check/state.h"

enum { VECTORS_MAXIMUM = 16 + 496 }; /* DDI 0403E, B1.5.2 and B3.4 */

/* Words that the architecture reserves: vendors keep checksums and flags there. */
static bool is_reserved(uint32_t index) {
    return (index >= 7 && index <= 10) || index == 13;
}

static bool begins_in_unit(const struct fw_model *model, uint32_t unit, uint32_t address) {
    const struct fw_unit *u = &model->units[unit];
    for (uint32_t i = 0; i < u->function_count; i++) {
        const struct fw_function *f = &model->functions[u->function_first + i];
        /* Of code that no symbol names it is not known where its functions begin. */
        bool inside = f->symbol == FW_NONE && address - f->address < f->size_bytes;
        if (f->address == address || inside) return true;
    }
    return false;
}

static bool is_function(const struct fw_model *model, uint32_t address) {
    uint32_t item = fw_item_at(model, address);
    if (item != FW_NONE) {
        return model->items[item].kind == FW_ITEM_INSN && model->items[item].address == address &&
               begins_in_unit(model, model->items[item].unit, address);
    }
    for (size_t i = 0; i < model->function_count; i++) {
        const struct fw_function *f = &model->functions[i];
        if (f->address == address && !model->units[f->unit].decoded) return true;
    }
    return false;
}

/* Something that has a name begins here, or lies around it: a vector has none. */
static bool is_named(const struct fw_model *model, uint32_t place) {
    for (size_t i = 1; i < model->symbol_count; i++) {
        const struct fw_symbol *s = &model->symbols[i];
        uint32_t start = ELF32_ST_TYPE(s->info) == STT_FUNC ? s->value & ~1U : s->value;
        bool in_memory = s->section && s->section < SHN_LORESERVE && *s->name && *s->name != '$' &&
                         ELF32_ST_TYPE(s->info) != STT_SECTION;
        if (in_memory && (start == place || place - start < s->size_bytes)) return true;
    }
    return false;
}

/* Behind the words that the table's symbol covers, up to what has another name: the processor goes
 * by the table's address and an interrupt's number alone. There a word may be anything, so only one
 * that would lead into code is judged. */
static void judge_behind(struct check *check) {
    struct fw_model *model = check->model;
    const struct fw_section *table = fw_section_at(model, model->vector_table);
    uint32_t end = model->vector_table + 4 * VECTORS_MAXIMUM, word;
    if (!table) return;
    if (table->size_bytes < end - table->address) end = table->address + table->size_bytes;
    for (uint32_t at = model->vector_table + (model->vector_table_bytes & ~3U);
         end - at >= 4 && at < end; at += 4) {
        uint32_t item = fw_item_at(model, at);
        if (item != FW_NONE && model->items[item].kind == FW_ITEM_INSN) return;
        if (is_named(model, at) || !check_word(check, at, &word)) return;
        const struct fw_section *to = fw_section_at(model, word & ~1U);
        bool leads = (word & 1) && to && fw_is_code_section(to);
        if (!leads || is_function(model, word & ~1U)) continue;
        check_find(check, "vectors", at,
                   "the word behind the vectors is 0x%08x, in code where no function begins", word);
    }
}

void check_vectors(struct check *check) {
    const struct fw_model *model = check->model;
    if (!check->boot) return;
    if (model->rival_vector_table != FW_NONE) {
        check_find(check, "boot", model->rival_vector_table,
                   "another vector table may be at 0x%08x, beside the one at 0x%08x: a processor "
                   "that starts there goes round the boot stub",
                   model->rival_vector_table, model->vector_table);
    }
    if ((model->entry & ~1U) != check->boot->address) {
        check_find(check, "boot", model->entry & ~1U,
                   "the file's entry is 0x%08x, and the reset vector leads to 0x%08x", model->entry,
                   check->boot->address);
    }
    for (uint32_t index = 2; index < model->vector_table_bytes / 4; index++) {
        uint32_t place = model->vector_table + 4 * index, word = 0;
        if (is_reserved(index) || !check_word(check, place, &word) || word == 0) continue;
        if ((word & 1) && is_function(model, word & ~1U)) continue;
        check_find(check, "vectors", place, "vector %u is 0x%08x, where no function begins", index,
                   word);
    }
    judge_behind(check);
}
