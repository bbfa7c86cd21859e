/* Makes every reference symbolic: PC-relative forms to items, relocated values to items.
 * See lift.h. Also finds templates that are copied to the stack. */
#include "firmware/lift/lifting.h"

#include "base/parallel.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

static struct lift_function *function_of(struct lift *lift, uint32_t item) {
    return &lift->functions[lift->model->items[item].unit];
}

static void make_maps(struct fw_model *model) {
    for (size_t i = 0; i < model->section_count; i++) {
        struct fw_section *section = &model->sections[i];
        if (!fw_is_code_section(section)) continue;
        size_t count = section->size_bytes / 2 + 1;
        section->item_at = ARENA_ARRAY(&model->arena, uint32_t, count);
        memset(section->item_at, 0xff, count * sizeof *section->item_at);
    }
}

/* Indexes within the part become the model's, and the sections know its items. */
static void map_part(void *context, size_t p) {
    struct lift *lift = context;
    struct lift_part *part = &lift->parts[p];
    for (size_t f = part->first_function; f < part->end_function; f++)
        lift->functions[f].first_item += part->first_item;
    for (uint32_t i = 0; i < part->item_count; i++) {
        struct fw_item *item = &part->items[i];
        struct fw_section *section = &lift->model->sections[lift->functions[item->unit].section];
        uint32_t first = (item->address - section->address) / 2;
        uint32_t count = item->kind == FW_ITEM_INSN ? 1 : (item->size_bytes + 1) / 2;
        for (uint32_t k = 0; k < count; k++)
            section->item_at[first + k] = part->first_item + i;
        if (item->target != FW_NONE) item->target += part->first_item; /* a branch's table */
        if (item->kind == FW_ITEM_TABLE) item->table_first += part->first_table_target;
    }
}

/* Index of the first function behind `address` in the section's order. */
static size_t function_behind(const struct lift *lift, uint16_t section, uint32_t address) {
    size_t low = 0, high = lift->function_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct lift_function *f = &lift->functions[middle];
        if (f->section < section || (f->section == section && f->address <= address)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The function whose extent covers the address, or NULL. */
static struct lift_function *covering(struct lift *lift, uint32_t address) {
    const struct fw_section *section = fw_section_at(lift->model, address);
    if (!section) return NULL;
    uint16_t index = (uint16_t)(section - lift->model->sections);
    size_t behind = function_behind(lift, index, address);
    if (!behind) return NULL;
    struct lift_function *f = &lift->functions[behind - 1];
    return f->section == index && address >= f->address && address < f->end ? f : NULL;
}

/* The same, where the item at the address is known: it says so at once. */
static struct lift_function *covering_item(struct lift *lift, uint32_t item, uint32_t address) {
    return item == FW_NONE ? covering(lift, address) : function_of(lift, item);
}

static uint32_t next_function(const struct lift *lift, uint16_t section, uint32_t address,
                              uint32_t limit) {
    if (!lift->functions) return limit;
    size_t behind = function_behind(lift, section, address);
    bool there = behind < lift->function_count && lift->functions[behind].section == section;
    return there ? lift->functions[behind].address : limit;
}

/* Bytes that are code but nobody's, or not understood, may refer to anything that their
 * half-words could mean: that stays where it is. */
static void refuse_targets_of_bytes(struct lift *lift, const struct fw_section *section,
                                    uint32_t address, uint32_t end) {
    for (; address + 2 <= end; address += 2) {
        struct thumb_insn insn;
        if (!thumb_decode(section->data + (address - section->address), end - address, address,
                          &insn) ||
            insn.reference == THUMB_REFERENCE_NONE) {
            continue;
        }
        struct lift_function *to = covering(lift, insn.target);
        if (!to) continue;
        lift_refuse(to, "bytes that are not understood may refer to it");
        bool starts = insn.reference == THUMB_REFERENCE_ADR && !to->undecoded;
        if (starts && insn.target == (to->address | 1)) lift->model->hidden_addresses = true;
    }
}

/* Control comes to the bytes between two functions: they are code, whatever they look like, and
 * lead into the function behind. False where no code is. */
static bool follow_filler(struct lift *lift, uint32_t address) {
    const struct fw_section *section = fw_section_at(lift->model, address);
    if (!section || !fw_is_code_section(section)) return false;
    uint16_t index = (uint16_t)(section - lift->model->sections);
    uint32_t end = section->address + section->size_bytes;
    refuse_targets_of_bytes(lift, section, address, next_function(lift, index, address, end));
    size_t behind = function_behind(lift, index, address);
    if (behind < lift->function_count && lift->functions[behind].section == index)
        lift_refuse(&lift->functions[behind], "control runs into it from bytes in front");
    return true;
}

/* What resolving a part finds out about what another part may work on, too. Done when all
 * parts are resolved, in the order of the items, so that a function's first reason is the same
 * however many parts there are. */
enum finding_kind {
    FINDING_REFUSED,
    FINDING_JOINED,
    FINDING_BLOCK,
    FINDING_ENTRY,
    FINDING_VENEER,
    FINDING_FILLER,
    FINDING_TABLE,
};

struct finding {
    uint8_t kind;
    uint32_t subject; /* a function; of BLOCK, ENTRY, VENEER and TABLE an item; of FILLER an
                         address */
    union {
        const char *reason; /* REFUSED */
        uint32_t other;     /* JOINED: a function */
    };
};

static void note(struct lift_part *part, struct finding finding) {
    part->findings = arena_grow(&part->scratch, part->findings, part->finding_count,
                                &part->finding_capacity, sizeof *part->findings);
    part->findings[part->finding_count++] = finding;
}

static void note_refused(struct lift_part *part, const struct lift_function *function,
                         const char *reason) {
    uint32_t subject = (uint32_t)(function - part->lift->functions);
    note(part, (struct finding){.kind = FINDING_REFUSED, .subject = subject, .reason = reason});
}

static void note_joined(struct lift_part *part, uint32_t function, uint32_t other) {
    note(part, (struct finding){.kind = FINDING_JOINED, .subject = function, .other = other});
}

/* Control comes to the item from elsewhere than the one in front. */
static void mark_start(struct lift_part *part, uint32_t index, bool entry) {
    if (index - part->first_item >= part->item_count) {
        note(part,
             (struct finding){.kind = entry ? FINDING_ENTRY : FINDING_BLOCK, .subject = index});
        return;
    }
    struct fw_item *item = &part->items[index - part->first_item];
    item->block_start = true;
    if (entry) item->entry = true;
}

static void apply_findings(struct lift *lift, const struct lift_part *part) {
    struct fw_item *items = lift->model->items;
    for (size_t i = 0; i < part->finding_count; i++) {
        const struct finding *finding = &part->findings[i];
        switch (finding->kind) {
        case FINDING_REFUSED:
            lift_refuse(&lift->functions[finding->subject], finding->reason);
            break;
        case FINDING_JOINED:
            lift->functions[finding->subject].shares_code = true;
            lift->functions[finding->other].shares_code = true;
            lift_join(lift, finding->subject, finding->other);
            break;
        case FINDING_VENEER:
            lift->veneers = arena_grow(&lift->scratch, lift->veneers, lift->veneer_count,
                                       &lift->veneer_capacity, sizeof *lift->veneers);
            lift->veneers[lift->veneer_count++] = finding->subject;
            break;
        case FINDING_TABLE:
            lift->tables = arena_grow(&lift->scratch, lift->tables, lift->table_count,
                                      &lift->table_capacity, sizeof *lift->tables);
            lift->tables[lift->table_count++] = finding->subject;
            break;
        case FINDING_FILLER:
            (void)follow_filler(lift, finding->subject);
            break;
        case FINDING_ENTRY:
            items[finding->subject].entry = true;
            items[finding->subject].block_start = true;
            break;
        default:
            items[finding->subject].block_start = true;
            break;
        }
    }
    if (part->hidden_addresses) lift->model->hidden_addresses = true;
    if (part->relative_addresses) lift->model->relative_addresses = true;
    if (part->reads_vtor) lift->reads_vtor = true;
}

static void resolve_branch(struct lift_part *part, uint32_t index) {
    struct lift *lift = part->lift;
    struct fw_item *items = lift->model->items;
    uint32_t address = items[index].insn->target;
    uint32_t target = fw_item_at(lift->model, address);
    const struct lift_function *from = function_of(lift, index);
    if (target == FW_NONE || items[target].kind != FW_ITEM_INSN) {
        const struct lift_function *to = covering(lift, address);
        if (to && !to->undecoded) {
            note_refused(part, to, "a branch goes between its instructions");
            note_refused(part, from, "it branches between instructions");
        }
        /* Else bytes that stay where they are; the address is absolute. */
        if (!to) note(part, (struct finding){.kind = FINDING_FILLER, .subject = address});
        return;
    }
    items[index].target = target;
    const struct lift_function *to = function_of(lift, target);
    bool call = items[index].insn->flow == THUMB_FLOW_CALL;
    bool inside = to != from && items[target].address != to->address;
    mark_start(part, target, call || (to != from && !inside));
    if (!call && inside) note_joined(part, items[index].unit, items[target].unit);
}

/* ADR of a function's entry with the Thumb bit: the function moves with the code that refers to
 * it, and is one whose address is taken. */
static bool takes_entry(const struct lift *lift, const struct fw_item *item,
                        const struct fw_item *target, const struct lift_function *from,
                        const struct lift_function *to) {
    return item->insn->reference == THUMB_REFERENCE_ADR && target->kind == FW_ITEM_INSN &&
           item->insn->target == (to->address | 1) && !to->undecoded && !from->undecoded &&
           to->section == from->section && target == &lift->model->items[to->first_item];
}

static void resolve_data_reference(struct lift_part *part, uint32_t index) {
    struct lift *lift = part->lift;
    struct fw_item *item = &lift->model->items[index];
    const struct lift_function *from = function_of(lift, index);
    uint32_t target = fw_item_at(lift->model, item->insn->target);
    if (target == FW_NONE) {
        note_refused(part, from, "a PC-relative load or ADR reaches outside the functions");
        return;
    }
    const struct fw_item *data = &lift->model->items[target];
    const struct lift_function *to = function_of(lift, target);
    if (takes_entry(lift, item, data, from, to)) {
        part->relative_addresses = true;
        item->target = target;
        item->target_delta = 1;
        mark_start(part, target, true);
        if (to != from) note_joined(part, item->unit, data->unit);
        return;
    }
    if (data->kind != FW_ITEM_DATA) {
        if (item->insn->reference == THUMB_REFERENCE_ADR) part->hidden_addresses = true;
        note_refused(part, from, "it reads code as data");
        note_refused(part, to, "its code is read as data");
        return;
    }
    item->target = target;
    item->target_delta = item->insn->target - data->address;
    bool veneer = item->insn->op == THUMB_LDR && item->insn->flow == THUMB_FLOW_JUMP_INDIRECT;
    if (veneer) note(part, (struct finding){.kind = FINDING_VENEER, .subject = index});
    if (to != from) note_joined(part, item->unit, data->unit);
}

static void resolve_table(struct lift_part *part, uint32_t index) {
    struct lift *lift = part->lift;
    struct fw_model *model = lift->model;
    const struct fw_item *table = &model->items[index];
    const struct lift_function *from = function_of(lift, index);
    for (uint32_t i = 0; i < table->table_count; i++) {
        uint32_t *slot = &model->table_targets[table->table_first + i];
        uint32_t target = fw_item_at(model, *slot);
        if (target == FW_NONE || model->items[target].kind != FW_ITEM_INSN ||
            function_of(lift, target) != from) {
            target = FW_NONE; /* tables.c refuses it */
        }
        *slot = target;
        if (target != FW_NONE) mark_start(part, target, false);
    }
    note(part, (struct finding){.kind = FINDING_TABLE, .subject = index});
}

static void resolve_item(struct lift_part *part, uint32_t index) {
    const struct fw_item *item = &part->lift->model->items[index];
    const struct lift_function *function = function_of(part->lift, index);
    if (item->kind == FW_ITEM_TABLE) resolve_table(part, index);
    if (item->kind != FW_ITEM_INSN) return;
    if (lift_reads_vtor(part->lift, index)) part->reads_vtor = true;
    switch (item->insn->reference) {
    case THUMB_REFERENCE_BRANCH:
        resolve_branch(part, index);
        break;
    case THUMB_REFERENCE_LITERAL:
    case THUMB_REFERENCE_ADR:
        resolve_data_reference(part, index);
        break;
    case THUMB_REFERENCE_TABLE:
        if (item->target == FW_NONE) {
            note_refused(part, function, "a table branch has no table behind it");
        }
        break;
    case THUMB_REFERENCE_PC_READ:
        note_refused(part, function, "it computes with the program counter");
        break;
    default:
        if (item->insn->op == THUMB_TBB || item->insn->op == THUMB_TBH) {
            note_refused(part, function, "a table branch has its table elsewhere");
        }
        break;
    }
}

static void resolve_part(void *context, size_t p) {
    struct lift_part *part = &((struct lift *)context)->parts[p];
    for (uint32_t i = 0; i < part->item_count; i++)
        resolve_item(part, part->first_item + i);
}

static void resolve_items(struct lift *lift) {
    make_maps(lift->model);
    parallel_run(lift->part_count, map_part, lift);
    parallel_run(lift->part_count, resolve_part, lift);
    for (size_t p = 0; p < lift->part_count; p++) {
        apply_findings(lift, &lift->parts[p]);
        arena_free(&lift->parts[p].scratch);
    }
}

/* The 32-bit value that a MOVW/MOVT pair makes; false when the other half is not found. */
static bool pair_value(struct lift *lift, const struct fw_relocation *relocation, uint32_t index,
                       uint32_t *value) {
    struct fw_model *model = lift->model;
    const struct lift_function *function = function_of(lift, index);
    const struct fw_item *item = &model->items[index];
    bool low = relocation->type == R_ARM_THM_MOVW_ABS_NC;
    if (item->insn->op != (low ? THUMB_MOV_IMMEDIATE : THUMB_MOVT)) return false;
    uint32_t first = function->first_item, end = first + function->item_count;
    for (uint32_t distance = 1; distance <= 32; distance++) {
        uint32_t other = low ? index + distance : index - distance;
        if (other < first || other >= end) return false;
        const struct fw_item *partner = &model->items[other];
        uint8_t wanted = low ? THUMB_MOVT : THUMB_MOV_IMMEDIATE;
        if (partner->kind != FW_ITEM_INSN || partner->insn->op != wanted ||
            partner->insn->rd != item->insn->rd || partner->insn->size_bytes != 4) {
            continue;
        }
        size_t r = fw_relocation_from(model, partner->address);
        if (r == model->relocation_count || model->relocations[r].place != partner->address ||
            model->relocations[r].symbol != relocation->symbol) {
            continue;
        }
        *value = low ? partner->insn->imm << 16 | item->insn->imm
                     : item->insn->imm << 16 | partner->insn->imm;
        return true;
    }
    return false;
}

enum field { FIELD_OTHER, FIELD_WORD, FIELD_RELATIVE, FIELD_HALF_PAIR, FIELD_BRANCH, FIELD_PIC };

static enum field field_of(uint8_t type) {
    switch (type) {
    case R_ARM_ABS32:
    case R_ARM_TARGET1:
        return FIELD_WORD;
    case R_ARM_REL32:
    case R_ARM_PREL31:
        return FIELD_RELATIVE;
    case R_ARM_THM_MOVW_ABS_NC:
    case R_ARM_THM_MOVT_ABS:
        return FIELD_HALF_PAIR;
    case R_ARM_THM_PC22: /* THM_CALL */
    case R_ARM_THM_JUMP24:
    case R_ARM_THM_JUMP19:
    case R_ARM_THM_PC11: /* THM_JUMP11 */
    case R_ARM_THM_PC9:  /* THM_JUMP8 */
    case R_ARM_THM_JUMP6:
        return FIELD_BRANCH;
    case R_ARM_ABS8:
    case R_ARM_ABS16:
    case R_ARM_TLS_LE32:
    case R_ARM_TARGET2:
    case R_ARM_ABS32_NOI:
        return FIELD_OTHER;
    default:
        return FIELD_PIC;
    }
}

/* The address of a function that no relocated word or MOVW/MOVT pair holds alone: it stays
 * true only where the function stays, and no tag can stand for it. */
static void pin_hidden(struct lift *lift, struct lift_function *to, const char *reason) {
    lift_refuse(to, reason);
    lift->model->hidden_addresses = true;
}

/* One past the end of something in the section before. */
static bool is_elsewhere(const struct fw_symbol *symbol, const struct lift_function *to) {
    return symbol->section != SHN_UNDEF && symbol->section < SHN_LORESERVE &&
           symbol->section != to->section + 1;
}

/* The symbol is the maker's to change: its name comes from the image, and goes to a terminal. */
static const char *may_be_meant(struct fw_model *model, const struct fw_symbol *symbol) {
    char *reason = arena_format(&model->arena,
                                "the absolute symbol %.80s, a number or an address, may mean it",
                                symbol->name);
    for (char *c = reason; *c; c++)
        if (*c < ' ' || *c > '~') *c = '?';
    return reason;
}

/* A relocated value that is an address in a unit's code section: name the item. */
static void bind(struct lift *lift, struct fw_relocation *relocation, uint32_t value,
                 struct lift_function *from) {
    struct fw_model *model = lift->model;
    uint32_t address = value & ~1U, target = fw_item_at(model, address);
    struct lift_function *to = covering_item(lift, target, address);
    const struct fw_symbol *symbol = &model->symbols[relocation->symbol];
    if (!to && (value & 1) && symbol->section != SHN_ABS && follow_filler(lift, address))
        model->hidden_addresses = true; /* no tag can stand in front of it */
    if (!to) return;
    if (symbol->section == SHN_ABS) { /* never relocated; the function is not moved from under it */
        if (!to->reason) lift_refuse(to, may_be_meant(model, symbol));
        if (value & 1) model->hidden_addresses = true; /* nothing can be called by an even one */
        return;
    }
    if (is_elsewhere(symbol, to)) return;
    if (to->undecoded) return; /* stays where it is */
    if (target == FW_NONE) {
        lift_refuse(to, "its address is taken between instructions");
        return;
    }
    struct fw_item *item = &model->items[target];
    if (item->kind != FW_ITEM_INSN) {
        if (from != to) lift_refuse(to, "its pool is referred to from elsewhere");
    } else if ((value & 1) && address == to->address) {
        item->entry = true;
    } else if (ELF32_ST_TYPE(symbol->info) == STT_FUNC && (value & 1) == 0 &&
               address == to->address) {
        lift_refuse(to, "its address is taken as data");
    } else {
        item->label = true;
    }
    item->block_start = true;
    relocation->target_item = target;
    relocation->target_delta = address - item->address;
    relocation->target_thumb = value & 1;
}

/* In code a difference counts from the ADD that uses it, not from its own place, so that
 * its value names no item: it may mean the symbol's function, or what lies nearby. */
static void pin_difference(struct lift *lift, const struct fw_relocation *relocation,
                           uint32_t value, struct lift_function *from) {
    static const char reason[] = "a difference of addresses refers to it";
    struct lift_function *named =
        covering(lift, lift->model->symbols[relocation->symbol].value & ~1U);
    struct lift_function *near = covering(lift, value & ~1U);
    lift_refuse(from, "it holds a difference of addresses");
    if (named) pin_hidden(lift, named, reason);
    if (near) pin_hidden(lift, near, reason);
}

static int by_place(const void *a, const void *b) {
    const struct fw_relocation *x = a, *y = b;
    return x->place < y->place ? -1 : x->place > y->place;
}

/* A linker's veneer (`ldr.w pc, [pc]` and an address) has no relocation at its literal,
 * but a word that is loaded straight into pc is the address of code. */
static void relocate_veneers(struct lift *lift) {
    struct fw_model *model = lift->model;
    size_t count = model->relocation_count, capacity = count;
    for (size_t i = 0; i < lift->veneer_count; i++) {
        const struct fw_item *item = &model->items[lift->veneers[i]];
        size_t r = fw_relocation_from(model, item->insn->target);
        if (r < model->relocation_count && model->relocations[r].place == item->insn->target) {
            continue;
        }
        model->relocations = arena_grow(&model->arena, model->relocations, count, &capacity,
                                        sizeof *model->relocations);
        model->relocations[count++] =
            (struct fw_relocation){.place = item->insn->target,
                                   .section = function_of(lift, lift->veneers[i])->section,
                                   .type = R_ARM_ABS32,
                                   .target_item = FW_NONE};
    }
    if (count == model->relocation_count) return;
    model->relocation_count = count;
    qsort(model->relocations, count, sizeof *model->relocations, by_place);
}

/* Bytes that the linker patched lie whole in one item: they move with it. */
static bool fits_its_item(const struct fw_model *model, const struct fw_relocation *relocation,
                          uint32_t index) {
    uint32_t width = fw_relocation_bytes(relocation->type);
    if (index == FW_NONE) return false;
    const struct fw_item *item = &model->items[index];
    uint32_t offset = relocation->place - item->address;
    return item->size_bytes >= width && offset <= item->size_bytes - width;
}

/* A field that may hold an address and that layout does not write anew, a byte or half-word
 * among them: what it means stays. */
static void pin_field(struct lift *lift, const struct fw_relocation *relocation) {
    static const char reason[] = "a field that cannot follow it holds its address";
    struct fw_model *model = lift->model;
    const struct fw_symbol *symbol = &model->symbols[relocation->symbol];
    uint32_t width = fw_relocation_bytes(relocation->type), value = 0;
    const uint8_t *bytes = fw_bytes_at(model, relocation->place, width);
    if (relocation->type == R_ARM_TLS_LE32) return; /* an offset, no address */
    for (uint32_t i = 0; bytes && i < width; i++)
        value |= (uint32_t)bytes[i] << 8 * i;
    bool section = ELF32_ST_TYPE(symbol->info) == STT_SECTION;
    struct lift_function *named = section ? NULL : covering(lift, symbol->value & ~1U);
    struct lift_function *meant[] = {named, covering(lift, value & ~1U),
                                     covering(lift, (value + relocation->place) & ~1U)};
    size_t count = relocation->type == R_ARM_TARGET2 ? 3 : 2; /* it may be relative */
    for (size_t i = 0; i < count; i++) {
        if (meant[i] && !is_elsewhere(symbol, meant[i])) pin_hidden(lift, meant[i], reason);
    }
}

/* Code that computes addresses from its own place: it stays, and what it names does. */
static enum status refuse_pic(struct lift *lift, const struct fw_relocation *relocation,
                              struct lift_function *from) {
    struct fw_model *model = lift->model;
    const struct fw_symbol *symbol = &model->symbols[relocation->symbol];
    bool section = ELF32_ST_TYPE(symbol->info) == STT_SECTION && symbol->section != SHN_UNDEF &&
                   symbol->section <= model->section_count;
    bool any = section && fw_is_code_section(&model->sections[symbol->section - 1]);
    if (!from || any) {
        return error_input(lift->error,
                           "relocation type %u at 0x%08x: position-independent or "
                           "unknown; link without -fPIC, -fpie and --pic-veneer",
                           relocation->type, relocation->place);
    }
    lift_refuse(from, "it is position-independent");
    struct lift_function *named = covering(lift, symbol->value & ~1U);
    if (named && symbol->section != SHN_UNDEF) {
        pin_hidden(lift, named, "position-independent code refers to it");
    }
    return STATUS_OK;
}

/* In bytes that are not understood what is named stays, as it does where half is missing. */
static bool half_pair_value(struct lift *lift, const struct fw_relocation *relocation,
                            uint32_t index, struct lift_function *from, uint32_t *value) {
    uint32_t named = lift->model->symbols[relocation->symbol].value & ~1U;
    if (index == FW_NONE) {
        struct lift_function *to = covering(lift, named);
        if (to) pin_hidden(lift, to, "bytes that are not understood refer to it");
        return false;
    }
    if (pair_value(lift, relocation, index, value)) return true;
    if (covering(lift, named)) lift_refuse(from, "half of a MOVW/MOVT pair is missing");
    return false;
}

static bool word_value(struct lift *lift, const struct fw_relocation *relocation,
                       struct lift_function *from, uint32_t *value) {
    const struct fw_section *section = &lift->model->sections[relocation->section];
    struct span content = {section->data, section->data ? section->size_bytes : 0};
    if (!span_u32le(content, relocation->place - section->address, value)) return false;
    if (field_of(relocation->type) != FIELD_RELATIVE) return true;
    if (relocation->type == R_ARM_PREL31) {
        *value = ((*value & 0x7fffffffU) ^ 0x40000000U) - 0x40000000U;
    }
    *value += relocation->place;
    if (from) pin_difference(lift, relocation, *value, from);
    return !from;
}

/* What a relocation that is bound to its target says there; else what it means is dealt with. */
static bool named_value(struct lift *lift, const struct fw_relocation *relocation, uint32_t index,
                        struct lift_function *from, uint32_t *value) {
    switch (field_of(relocation->type)) {
    case FIELD_HALF_PAIR:
        return half_pair_value(lift, relocation, index, from, value);
    case FIELD_WORD:
    case FIELD_RELATIVE:
        return word_value(lift, relocation, from, value);
    case FIELD_OTHER:
        pin_field(lift, relocation);
        return false;
    default:
        return false;
    }
}

static enum status resolve_relocations(struct lift *lift) {
    struct fw_model *model = lift->model;
    relocate_veneers(lift);
    for (size_t i = 0; i < model->relocation_count; i++) {
        struct fw_relocation *relocation = &model->relocations[i];
        struct fw_section *section = &model->sections[relocation->section];
        uint32_t index = fw_item_at(model, relocation->place), value = 0;
        struct lift_function *from =
            fw_is_code_section(section) ? covering_item(lift, index, relocation->place) : NULL;
        if (index != FW_NONE && model->items[index].relocation == FW_NONE) {
            model->items[index].relocation = (uint32_t)i;
        }
        if (field_of(relocation->type) == FIELD_PIC) {
            enum status status = refuse_pic(lift, relocation, from);
            if (status != STATUS_OK) return status;
            continue;
        }
        if (from && !from->undecoded && !fits_its_item(model, relocation, index)) {
            lift_refuse(from, "a relocation does not fit where it is");
        }
        if (section->type == SHT_ARM_EXIDX) continue; /* read as a table by write/exidx */
        if (named_value(lift, relocation, index, from, &value)) bind(lift, relocation, value, from);
    }
    return STATUS_OK;
}

/* `ldr.w ip, [pc, #4]; ldr.w pc, [pc, #4]; .word 0; .word 0`: what GCC copies to the stack
 * to call a nested function (gcc/config/arm, arm_asm_trampoline_template). */
static void find_trampolines(struct lift *lift) {
    static const uint8_t template[16] = {0xdf, 0xf8, 0x04, 0xc0, 0xdf, 0xf8, 0x04, 0xf0};
    struct fw_model *model = lift->model;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *section = &model->sections[i];
        if (!section->data || section->size_bytes < sizeof template) continue;
        if (memmem(section->data, section->size_bytes, template, sizeof template)) {
            model->has_trampoline = true;
        }
    }
}

static void refuse_around_unknown_bytes(struct lift *lift) {
    struct fw_model *model = lift->model;
    for (size_t s = 0; s < model->section_count; s++) {
        const struct fw_section *section = &model->sections[s];
        if (!fw_is_code_section(section)) continue;
        const struct lift_function *in_front = NULL;
        uint32_t address = section->address, end = section->address + section->size_bytes;
        while (address < end) {
            struct lift_function *f = covering(lift, address);
            if (f) {
                if (f->undecoded) refuse_targets_of_bytes(lift, section, f->address, f->end);
                address = f->end;
                in_front = f;
                continue;
            }
            uint32_t stop, following = next_function(lift, (uint16_t)s, address, end);
            char kind = lift_kind_at(lift, (uint16_t)s, address, following, &stop);
            bool filler = kind == 't' && lift_is_filler(section, address, stop);
            if (filler && in_front && (in_front->undecoded || lift_falls_out(lift, in_front)))
                (void)follow_filler(lift, address);
            if (kind != 'd' && !filler) refuse_targets_of_bytes(lift, section, address, stop);
            in_front = NULL;
            address = stop > address ? stop : address + 2;
        }
    }
}

enum status lift_resolve_references(struct lift *lift) {
    resolve_items(lift);
    find_trampolines(lift);
    refuse_around_unknown_bytes(lift);
    enum status status = resolve_relocations(lift);
    if (status == STATUS_OK) lift_prove_tables(lift);
    return status;
}
