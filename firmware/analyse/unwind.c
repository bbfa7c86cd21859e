/* See unwind.h. */
#include "firmware/analyse/unwind.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/analyse/reach.h"
#include "firmware/analyse/spread.h"
#include "firmware/lift/lift.h"

static uint32_t prel31(struct span content, uint32_t base, uint32_t offset) {
    uint32_t word = 0;
    (void)span_u32le(content, offset, &word);
    uint32_t relative = word & 0x40000000U ? word | 0x80000000U : word & 0x7fffffffU;
    return base + offset + relative;
}

static int by_address(const void *a, const void *b) {
    const struct fw_unwind_entry *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

struct fw_unwind_entry *fw_unwind_entries(struct arena *arena, const struct fw_section *section,
                                          size_t *count) {
    struct span content = {section->data, section->data ? section->size_bytes : 0};
    *count = content.size_bytes / FW_UNWIND_ENTRY_BYTES;
    struct fw_unwind_entry *entries = ARENA_ARRAY(arena, struct fw_unwind_entry, *count + 1);
    for (size_t i = 0; i < *count; i++) {
        uint32_t offset = (uint32_t)i * FW_UNWIND_ENTRY_BYTES, word = 0;
        (void)span_u32le(content, offset + 4, &word);
        entries[i] = (struct fw_unwind_entry){prel31(content, section->address, offset), word,
                                              word != FW_CANTUNWIND && !(word & 0x80000000U)};
        if (entries[i].table) entries[i].data = prel31(content, section->address, offset + 4);
    }
    qsort(entries, *count, sizeof *entries, by_address);
    return entries;
}

const struct fw_unwind_entry *fw_unwind_covering(const struct fw_unwind_entry *entries,
                                                 size_t count, uint32_t address) {
    const struct fw_unwind_entry *found = NULL;
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entries[middle].address <= address) {
            found = &entries[middle];
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return found;
}

/* Linker scripts define the start inside the section or in front of it. */
static bool names_index(const struct fw_model *model, const struct fw_symbol *symbol) {
    bool defined = symbol->section != SHN_UNDEF && symbol->section < SHN_LORESERVE;
    if (defined && model->sections[symbol->section - 1].type == SHT_ARM_EXIDX) return true;
    return strcmp(symbol->name, "__exidx_start") == 0;
}

static bool refers_to_index(const struct fw_model *model, const struct fw_relocation *relocation) {
    return names_index(model, &model->symbols[relocation->symbol]) &&
           model->sections[relocation->section].type != SHT_ARM_EXIDX;
}

static bool anything_refers_to_index(const struct fw_model *model) {
    for (size_t r = 0; r < model->relocation_count; r++) {
        if (refers_to_index(model, &model->relocations[r])) return true;
    }
    return false;
}

/* What may be on the stack while the index is read. */
struct unwinding {
    struct fw_model *model;
    bool *reads;     /* by unit: it may come to read the index, or what it calls may */
    bool *anything;  /* by unit: it calls through a register */
    bool everything; /* not known: every function may be on the stack */
    bool found;      /* by visit_entry() */
};

static const char *name_of(const struct fw_model *model, uint32_t unit) {
    return model->functions[model->units[unit].function_first].name;
}

static bool starts_with(const char *name, const char *prefix) {
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Units that can run and refer to the index. libgcc's unwinder has one function that does;
 * another unwinder may read the stack of code that does not call it. */
static void find_readers(struct unwinding *unwinding) {
    struct fw_model *model = unwinding->model;
    for (size_t r = 0; r < model->relocation_count; r++) {
        const struct fw_relocation *relocation = &model->relocations[r];
        if (!refers_to_index(model, relocation)) continue;
        uint32_t item = fw_item_at(model, relocation->place);
        if (item != FW_NONE && !model->units[model->items[item].unit].reachable) continue;
        model->unwinder = true;
        bool known = item != FW_NONE &&
                     starts_with(name_of(model, model->items[item].unit), "get_eit_entry");
        if (known) unwinding->reads[model->items[item].unit] = true;
        else unwinding->everything = true;
    }
}

static bool calls_anything(const struct fw_model *model, uint32_t unit) {
    for (uint32_t i = model->units[unit].first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        if (item->kind != FW_ITEM_INSN) continue;
        const struct thumb_insn *insn = item->insn;
        bool outside = insn->reference == THUMB_REFERENCE_BRANCH && item->target == FW_NONE;
        bool jump = insn->flow == THUMB_FLOW_JUMP_INDIRECT && item->jump != FW_JUMP_RETURN &&
                    insn->reference != THUMB_REFERENCE_LITERAL;
        if (outside || jump || insn->flow == THUMB_FLOW_CALL_INDIRECT) return true;
    }
    return false;
}

static bool in_vector_table(const struct fw_model *model, uint32_t place) {
    return place - model->vector_table < model->vector_table_bytes;
}

/* Calls through a register, as one more unit that whoever makes such a call refers to: it may come
 * to read the index where something that can be called so does. */
static void note_pointers(const struct unwinding *unwinding, struct fw_spread *spread,
                          uint32_t pointers) {
    const struct fw_model *model = unwinding->model;
    for (size_t r = 0; r < model->relocation_count; r++) {
        const struct fw_relocation *relocation = &model->relocations[r];
        if (relocation->target_item == FW_NONE || !relocation->target_thumb) continue;
        uint32_t from = fw_item_at(model, relocation->place);
        if (from != FW_NONE && !model->units[model->items[from].unit].reachable) continue;
        if (fw_is_vector_alone(model, relocation->place)) continue;
        fw_spread_edge(spread, model->items[relocation->target_item].unit, pointers);
    }
    for (uint32_t u = 0; u < model->unit_count; u++) {
        if (unwinding->anything[u]) fw_spread_edge(spread, pointers, u);
    }
}

struct noting {
    struct fw_spread *spread;
    uint32_t unit; /* that refers to the others */
};

static void note_reference(void *context, uint32_t unit) {
    struct noting *noting = context;
    fw_spread_edge(noting->spread, unit, noting->unit);
}

/* The least fixed point, from the readers to their callers. unwinding->reads has room for one
 * more than there are units. */
static void find_callers(struct unwinding *unwinding) {
    const struct fw_model *model = unwinding->model;
    uint32_t pointers = (uint32_t)model->unit_count;
    struct fw_spread spread;
    fw_spread_start(&spread, model->unit_count + 1);
    struct noting noting = {.spread = &spread};
    for (; noting.unit < model->unit_count; noting.unit++)
        fw_each_reference(model, noting.unit, note_reference, &noting);
    note_pointers(unwinding, &spread, pointers);
    fw_spread_run(&spread, unwinding->reads);
    fw_spread_end(&spread);
}

static void visit_entry(void *context, uint32_t unit) {
    static const char *const entries[] = {
        "__gnu_Unwind_RaiseException", "__gnu_Unwind_ForcedUnwind", "__gnu_Unwind_Resume",
        "__gnu_Unwind_Resume_or_Rethrow", "__gnu_Unwind_Backtrace"};
    struct unwinding *unwinding = context;
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        if (strcmp(name_of(unwinding->model, unit), entries[i]) == 0) unwinding->found = true;
    }
}

/* Does code of the firmware's own give the unwinder registers of its choice? */
static bool is_entered_from_outside(struct unwinding *unwinding) {
    static const char *const own[] = {"_Unwind_", "___Unwind_", "__gnu_Unwind_"};
    const struct fw_model *model = unwinding->model;
    unwinding->found = false;
    for (uint32_t u = 0; u < model->unit_count && !unwinding->found; u++) {
        bool of_unwinder = !model->units[u].reachable;
        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
            of_unwinder |= starts_with(name_of(model, u), own[i]);
        if (!of_unwinder) fw_each_reference(model, u, visit_entry, unwinding);
    }
    return unwinding->found;
}

/* An exception handler may run above any function. */
static bool handler_reads(const struct unwinding *unwinding) {
    const struct fw_model *model = unwinding->model;
    enum { RESET_OFFSET = 4 };
    for (size_t r = 0; r < model->relocation_count; r++) {
        const struct fw_relocation *relocation = &model->relocations[r];
        if (!in_vector_table(model, relocation->place)) continue;
        if (relocation->place == model->vector_table + RESET_OFFSET) continue;
        if (relocation->target_item == FW_NONE) continue;
        if (unwinding->reads[model->items[relocation->target_item].unit]) return true;
    }
    return false;
}

static void find_unwinding(struct unwinding *unwinding) {
    struct fw_model *model = unwinding->model;
    find_readers(unwinding);
    if (!model->unwinder || unwinding->everything) return;
    unwinding->everything =
        model->hidden_addresses || model->relative_addresses || model->vector_table == FW_NONE;
    for (uint32_t u = 0; u < model->unit_count; u++) {
        if (!model->units[u].decoded) unwinding->everything = true;
        unwinding->anything[u] = calls_anything(model, u);
    }
    if (unwinding->everything || is_entered_from_outside(unwinding)) {
        unwinding->everything = true;
        return;
    }
    find_callers(unwinding);
    unwinding->everything = handler_reads(unwinding);
}

static void pin_by(const struct unwinding *unwinding, const struct fw_section *section) {
    struct fw_model *model = unwinding->model;
    struct arena scratch = {0};
    size_t count;
    const struct fw_unwind_entry *entries = fw_unwind_entries(&scratch, section, &count);
    for (size_t i = 0; i < model->function_count; i++) {
        const struct fw_function *f = &model->functions[i];
        const struct fw_unwind_entry *entry = fw_unwind_covering(entries, count, f->address);
        bool code = f->item == FW_NONE || model->items[f->item].kind == FW_ITEM_INSN;
        if (!code) continue; /* a tag */
        if (!entry || (!entry->table && entry->data == FW_CANTUNWIND)) continue;
        if (!unwinding->everything && !unwinding->reads[f->unit]) continue;
        model->units[f->unit].unwound = true;
        fw_refuse(&model->units[f->unit], "the image's unwinder may read its frame");
    }
    arena_free(&scratch);
}

void fw_unwind_pin(struct fw_model *model) {
    if (!anything_refers_to_index(model)) return; /* what can run need not be known */
    struct arena scratch = {0};
    struct unwinding unwinding = {.model = model,
                                  .reads = ARENA_ARRAY(&scratch, bool, model->unit_count + 1),
                                  .anything = ARENA_ARRAY(&scratch, bool, model->unit_count + 1)};
    fw_reach(model);
    find_unwinding(&unwinding);
    for (size_t i = 0; i < model->section_count && model->unwinder; i++) {
        if (model->sections[i].type == SHT_ARM_EXIDX) pin_by(&unwinding, &model->sections[i]);
    }
    arena_free(&scratch);
}
