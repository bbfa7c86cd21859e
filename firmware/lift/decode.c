/* Items of one function: instructions where the mapping symbols say code, tables behind
 * TBB and TBH, data for the rest. See lift.h.
 *
 * The extent grows while it decodes: literal pools may stand behind st_size, and a pool
 * is known only by the loads that use it. */
#include "firmware/lift/lifting.h"

#include <assert.h>

struct cursor {
    struct lift_part *part;
    struct lift_function *function;
    uint32_t address;
    uint32_t pool_end;   /* highest end of what a literal load of this function reads */
    uint32_t pool_first; /* lowest start of it */
    uint8_t it_state;
};

static struct fw_item *empty_item(struct fw_item *item) {
    *item = (struct fw_item){.insn = &fw_no_insn,
                             .next = FW_NONE,
                             .unit = FW_NONE,
                             .target = FW_NONE,
                             .relocation = FW_NONE,
                             .alignment = 2};
    return item;
}

uint32_t fw_new_item(struct fw_model *model) {
    model->items = arena_grow(&model->arena, model->items, model->item_count, &model->item_capacity,
                              sizeof *model->items);
    empty_item(&model->items[model->item_count]);
    return (uint32_t)model->item_count++;
}

static struct fw_item *add_item(struct cursor *cursor, enum fw_item_kind kind,
                                uint32_t size_bytes) {
    struct lift_function *function = cursor->function;
    struct lift_part *part = cursor->part;
    assert(part->item_count < part->item_room);
    struct fw_item *item = empty_item(&part->items[part->item_count++]);
    item->kind = (uint8_t)kind;
    item->address = cursor->address;
    item->size_bytes = size_bytes;
    item->unit = (uint32_t)(function - part->lift->functions); /* until units are formed */
    function->item_count++;
    return item;
}

static void undecoded(struct lift_function *function, const char *reason) {
    lift_refuse(function, reason);
    function->undecoded = true;
}

/* Bytes that a literal load reads. */
static uint32_t literal_bytes(const struct thumb_insn *insn) {
    bool dual = insn->coprocessor || insn->op == THUMB_LOAD;
    return dual ? 8 : 4;
}

static void note_literal(struct cursor *cursor, const struct thumb_insn *insn) {
    struct lift_function *function = cursor->function;
    if (insn->reference != THUMB_REFERENCE_LITERAL && insn->reference != THUMB_REFERENCE_ADR) {
        return;
    }
    if (insn->target < cursor->pool_first && insn->target > function->address) {
        cursor->pool_first = insn->target;
    }
    if (insn->reference != THUMB_REFERENCE_LITERAL) return;
    uint32_t end = insn->target + literal_bytes(insn);
    if (insn->target < function->address || insn->target >= function->limit) return;
    if (end > function->limit) end = insn->target + 4;
    if (end > function->limit) return;
    if (end > cursor->pool_end) cursor->pool_end = end;
}

static bool ends_flow(const struct thumb_insn *insn) {
    return insn->flow == THUMB_FLOW_TABLE || !thumb_goes_on(insn);
}

/* lld fills the gap behind a function with what reads as branches. Where no size says how long
 * the function is, that is not its code; references.c looks at whether control comes there. */
static bool is_gap(const struct cursor *cursor, const struct fw_section *section, uint32_t stop) {
    uint32_t bits;
    return !cursor->function->sized && stop == cursor->function->end &&
           thumb_fetch(section->data + (cursor->address - section->address), stop - cursor->address,
                       &bits) &&
           bits == THUMB_FILLER_OF_LLD && lift_is_filler(section, cursor->address, stop);
}

static void decode_code(struct cursor *cursor, uint32_t stop) {
    struct lift_function *function = cursor->function;
    struct lift_part *part = cursor->part;
    const struct fw_section *section = &part->lift->model->sections[function->section];
    bool after_barrier = false;
    while (cursor->address < stop) {
        if (after_barrier && is_gap(cursor, section, stop)) {
            function->end = cursor->address;
            return;
        }
        const uint8_t *bytes = section->data + (cursor->address - section->address);
        const struct thumb_insn *insn =
            lift_form(part->forms, part->arena, bytes, stop - cursor->address, cursor->address,
                      cursor->it_state);
        if (!insn) {
            undecoded(function, "an instruction is cut off by the end of the code");
            cursor->address = stop;
            return;
        }
        /* Asked of the bytes, so that the processor need not wait for the form, which is seldom
         * in its cache, to begin with the next one. */
        uint32_t size_bytes = bytes[1] >= 0xe8 ? 4 : 2;
        if (insn->op == THUMB_UNDEFINED) {
            undecoded(function, "an instruction is not of ARMv7-M");
            cursor->address = stop;
            return;
        }
        if (insn->unpredictable) lift_refuse(function, "an instruction is UNPREDICTABLE");
        struct fw_item *item = add_item(cursor, FW_ITEM_INSN, size_bytes);
        item->insn = insn;
        item->it_state = cursor->it_state;
        /* Alignment filler: marked here, left out where nothing branches to it. */
        bool filler = insn->op == THUMB_NOP || insn->bits == 0;
        item->alignment = filler && after_barrier ? 1 : 2;
        note_literal(cursor, insn);
        after_barrier = ends_flow(insn) || (after_barrier && filler);
        cursor->it_state =
            insn->op == THUMB_IT ? thumb_it_start(insn->imm) : thumb_it_advance(cursor->it_state);
        cursor->address += size_bytes;
        if (insn->flow == THUMB_FLOW_TABLE) return;
    }
}

/* The bytes of `span` that can be entries. One that is zero would lead to the table itself: it is
 * what fills up to code or a pool, as traps are that layout put in front of a pool. */
static uint32_t bytes_of_entries(const uint8_t *entries, uint32_t span, uint32_t width, bool pool) {
    uint32_t bytes = span & ~1U;
    for (unsigned i = 0; i < 1U + pool && bytes; i++) {
        const uint8_t *last = entries + bytes - 2;
        bool zero = last[0] == 0 && last[1] == 0, trap = last[0] == 0xff && last[1] == 0xde;
        if (!zero && !(pool && trap)) break;
        bytes -= 2;
    }
    return width == 1 && bytes && entries[bytes - 1] == 0 ? bytes - 1 : bytes;
}

/* The table of the TBB or TBH that is the function's newest item; it starts at the
 * cursor, and its $d run ends at `stop`. tables.c proves that it is as long as it is taken for
 * here. */
static void decode_table(struct cursor *cursor, uint32_t stop) {
    struct lift_part *part = cursor->part;
    struct lift_function *function = cursor->function;
    struct fw_item *branch_item = &part->items[part->item_count - 1];
    const struct thumb_insn *branch = branch_item->insn;
    const struct fw_section *section = &part->lift->model->sections[function->section];
    uint32_t width = branch->op == THUMB_TBH ? 2 : 1, table = cursor->address;
    const uint8_t *entries = section->data + (table - section->address);
    bool pool = cursor->pool_first > table && cursor->pool_first < stop;
    uint32_t span = (pool ? cursor->pool_first : stop) - table;
    uint32_t count = bytes_of_entries(entries, span, width, pool) / width;
    uint32_t bytes = (count * width + 1) & ~1U;
    if (branch->rn != THUMB_PC || count == 0 || count > UINT16_MAX || span % 2) {
        lift_refuse(function, "a jump table's length does not follow from its bound check");
        return;
    }
    uint32_t first = (uint32_t)part->table_target_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t entry =
            width == 2 ? (uint32_t)(entries[2 * i] | entries[2 * i + 1] << 8) : entries[i];
        part->table_targets =
            arena_grow(&part->scratch, part->table_targets, part->table_target_count,
                       &part->table_target_capacity, sizeof *part->table_targets);
        part->table_targets[part->table_target_count++] = table + 2 * entry;
    }
    struct fw_item *item = add_item(cursor, FW_ITEM_TABLE, bytes);
    item->table_first = first;
    item->table_count = (uint16_t)count;
    item->table_half = width == 2;
    branch_item->target = part->item_count - 1;
    cursor->address += bytes;
}

static void decode_data(struct cursor *cursor, uint32_t stop) {
    struct lift_part *part = cursor->part;
    if (cursor->function->item_count) {
        const struct fw_item *last = &part->items[part->item_count - 1];
        if (last->kind == FW_ITEM_INSN && last->insn->flow == THUMB_FLOW_TABLE) {
            decode_table(cursor, stop);
        }
    }
    if (cursor->address >= stop) return;
    struct fw_item *item = add_item(cursor, FW_ITEM_DATA, stop - cursor->address);
    item->alignment = 4;
    item->relocation = FW_NONE;
    cursor->address = stop;
}

void lift_decode_function(struct lift_part *part, struct lift_function *function) {
    struct cursor cursor = {.part = part,
                            .function = function,
                            .address = function->address,
                            .pool_end = function->address,
                            .pool_first = UINT32_MAX};
    function->first_item = part->item_count;
    for (;;) {
        if (cursor.pool_end > function->end) function->end = cursor.pool_end;
        if (cursor.address >= function->end) break;
        uint32_t next;
        char kind =
            lift_kind_at(part->lift, function->section, cursor.address, function->end, &next);
        if (kind == 'a') {
            undecoded(function, "ARM-state code");
            break;
        }
        if (kind == 't') {
            decode_code(&cursor, next);
            if (function->undecoded) break;
            continue;
        }
        if (!function->sized && next == function->end && cursor.pool_end < next) {
            /* Data behind an unsized function is its own only as far as it loads it. */
            function->end = cursor.pool_end > cursor.address ? cursor.pool_end : cursor.address;
            if (cursor.address >= function->end) break;
            next = function->end;
        }
        decode_data(&cursor, next);
    }
    if (thumb_it_active(cursor.it_state)) undecoded(function, "an IT block is cut off");
    if (function->undecoded) {
        part->item_count = function->first_item;
        function->item_count = 0;
    }
}

/* Of a run of code, as many as instructions start in it, wherever the extent ends: where one
 * is cut off, decoding ends. Of a run of data two, a table and what is behind it: only code
 * moves the extent's end. */
uint32_t lift_items_at_most(const struct lift *lift, const struct lift_function *function) {
    const struct fw_section *section = &lift->model->sections[function->section];
    uint32_t count = 1, next;
    for (uint32_t address = function->address; address < function->limit; address = next) {
        char kind = lift_kind_at(lift, function->section, address, function->limit, &next);
        count += 2;
        if (kind != 't') continue;
        const uint8_t *run = section->data + (address - section->address);
        uint32_t bytes = next - address;
        for (uint32_t i = 0; i + 2 <= bytes; count++)
            i += run[i + 1] >= 0xe8 ? 4 : 2;
    }
    return count;
}
