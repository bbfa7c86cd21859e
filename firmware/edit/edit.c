/* See edit.h. */
#include "firmware/edit/edit.h"

#include "firmware/lift/lift.h"

#include <assert.h>
#include <elf.h>
#include <string.h>

static void set_bits(struct fw_model *model, struct fw_item *item, uint32_t bits) {
    uint8_t bytes[4];
    if (bits >> 16) {
        put_u16le(bytes, bits >> 16);
        put_u16le(bytes + 2, bits);
    } else {
        put_u16le(bytes, bits);
    }
    item->insn = fw_decode(model, bytes, sizeof bytes, 0, 0);
    assert(item->insn && item->insn->op != THUMB_UNDEFINED && !item->insn->unpredictable);
    item->kind = FW_ITEM_INSN;
    item->size_bytes = item->insn->size_bytes;
    item->target = FW_NONE;
    item->target_delta = 0;
    item->wide = item->far = false;
    item->it_state = 0;
}

static uint32_t new_insn(struct fw_model *model, uint32_t unit, uint32_t bits) {
    uint32_t index = fw_new_item(model);
    struct fw_item *item = &model->items[index];
    item->unit = unit;
    item->made = true;
    set_bits(model, item, bits);
    return index;
}

uint32_t fw_insert_after(struct fw_model *model, uint32_t item, const uint32_t *bits,
                         size_t count) {
    uint32_t unit = model->items[item].unit;
    for (size_t i = 0; i < count; i++) {
        uint32_t made = new_insn(model, unit, bits[i]);
        model->items[made].next = model->items[item].next;
        model->items[item].next = made;
        item = made;
    }
    return item;
}

uint32_t fw_insert_before(struct fw_model *model, uint32_t item, const uint32_t *bits,
                          size_t count) {
    assert(count > 0 && model->items[item].relocation == FW_NONE);
    uint32_t moved = fw_new_item(model);
    model->items[moved] = model->items[item];
    struct fw_item *first = &model->items[item], *rest = &model->items[moved];
    rest->entry = rest->label = rest->block_start = false;
    first->made = true;
    first->jump = FW_JUMP_NONE;
    set_bits(model, first, bits[0]);
    first->next = moved;
    if (count > 1) fw_insert_after(model, item, bits + 1, count - 1);
    return moved;
}

void fw_replace(struct fw_model *model, uint32_t item, uint32_t bits) {
    model->items[item].made = true;
    set_bits(model, &model->items[item], bits);
}

static void set_branch(struct fw_model *model, uint32_t index, uint32_t bits, uint32_t target) {
    struct fw_item *item = &model->items[index];
    const struct thumb_insn *before = item->insn;
    item->made = true;
    item->jump = FW_JUMP_NONE;
    set_bits(model, item, bits);
    item->target = target;
    if (before->in_it) {
        struct thumb_insn *own = ARENA_NEW(&model->arena, struct thumb_insn);
        *own = *item->insn;
        own->in_it = true;
        own->cond = before->cond;
        item->insn = own;
    }
}

static uint32_t branch_bits(enum thumb_op op, unsigned cond) {
    static const uint32_t wide_b = 0xf0009000U, bl = 0xf000d000U;
    return op == THUMB_BL ? bl : op == THUMB_B ? wide_b : 0xd000U | cond << 8;
}

void fw_replace_branch(struct fw_model *model, uint32_t item, enum thumb_op op, unsigned cond,
                       uint32_t target) {
    set_branch(model, item, branch_bits(op, cond), target);
}

void fw_replace_branch_narrow(struct fw_model *model, uint32_t item, uint32_t target) {
    enum { NARROW_B = 0xe000 };
    set_branch(model, item, NARROW_B, target);
}

static void link_last(struct fw_model *model, uint32_t unit, uint32_t index) {
    struct fw_unit *u = &model->units[unit];
    model->items[index].unit = unit;
    uint32_t *link = &u->first;
    while (*link != FW_NONE)
        link = &model->items[*link].next;
    *link = index;
    /* The item appended behind a function's start carries that function. */
    struct fw_function *f = &model->functions[u->function_first + u->function_count - 1];
    if (f->item != FW_NONE || model->items[index].kind != FW_ITEM_INSN) return;
    f->item = model->symbols[f->symbol].item = index;
    model->items[index].entry = true;
}

static void add_symbol(struct fw_model *model, struct fw_symbol symbol) {
    model->symbols = arena_grow(&model->arena, model->symbols, model->symbol_count,
                                &model->symbol_capacity, sizeof *model->symbols);
    model->symbols[model->symbol_count++] = symbol;
}

void fw_add_function(struct fw_model *model, uint32_t unit, const char *name) {
    struct fw_unit *u = &model->units[unit];
    assert(u->function_count == 0 ||
           u->function_first + u->function_count == model->function_count);
    if (u->function_count == 0) u->function_first = (uint32_t)model->function_count;
    u->function_count++;
    model->functions = arena_grow(&model->arena, model->functions, model->function_count,
                                  &model->function_capacity, sizeof *model->functions);
    model->functions[model->function_count++] =
        (struct fw_function){.name = name,
                             .symbol = (uint32_t)model->symbol_count,
                             .item = FW_NONE,
                             .unit = unit,
                             .section = UINT16_MAX};
    add_symbol(model, (struct fw_symbol){.name = name,
                                         .value = 1,
                                         .size_bytes = 1,
                                         .item = FW_NONE,
                                         .info = ELF32_ST_INFO(STB_LOCAL, STT_FUNC),
                                         .section = 1}); /* set with its address by write/ */
}

uint32_t fw_add_unit(struct fw_model *model, const char *name) {
    uint32_t unit = (uint32_t)model->unit_count++;
    model->units =
        arena_grow(&model->arena, model->units, unit, &model->unit_capacity, sizeof *model->units);
    model->units[unit] =
        (struct fw_unit){.first = FW_NONE, .decoded = true, .reachable = true, .made = true};
    fw_add_function(model, unit, name);
    return unit;
}

uint32_t fw_append(struct fw_model *model, uint32_t unit, uint32_t bits) {
    uint32_t index = new_insn(model, unit, bits);
    link_last(model, unit, index);
    return index;
}

uint32_t fw_append_branch(struct fw_model *model, uint32_t unit, enum thumb_op op, unsigned cond,
                          uint32_t target) {
    uint32_t index = fw_new_item(model);
    set_branch(model, index, branch_bits(op, cond), target);
    link_last(model, unit, index);
    return index;
}

static uint32_t new_word(struct fw_model *model, uint32_t unit, uint32_t word, uint32_t target) {
    uint32_t index = fw_new_item(model);
    struct fw_item *item = &model->items[index];
    item->kind = FW_ITEM_DATA;
    item->size_bytes = 4;
    item->alignment = 4;
    item->made = true;
    item->unit = unit;
    item->word = word;
    item->target = target;
    return index;
}

/* A tag is found again by its symbol, so that it moves with its function. */
static void name_tag(struct fw_model *model, uint32_t item) {
    add_symbol(model, (struct fw_symbol){.name = FW_TAG_SYMBOL,
                                         .size_bytes = 4,
                                         .info = ELF32_ST_INFO(STB_LOCAL, STT_OBJECT),
                                         .section = 1,
                                         .item = item});
}

uint32_t fw_append_tag(struct fw_model *model, uint32_t unit, uint32_t word) {
    uint32_t index = fw_append_word(model, unit, word, FW_NONE);
    name_tag(model, index);
    return index;
}

uint32_t fw_append_word(struct fw_model *model, uint32_t unit, uint32_t word, uint32_t target) {
    uint32_t index = new_word(model, unit, word, target);
    link_last(model, unit, index);
    return index;
}

static bool stops(const struct fw_item *item) {
    if (item->kind != FW_ITEM_INSN) return true;
    return !item->insn->in_it &&
           (item->insn->flow == THUMB_FLOW_BRANCH || item->insn->flow == THUMB_FLOW_JUMP_INDIRECT ||
            item->insn->flow == THUMB_FLOW_TRAP);
}

static uint32_t item_before(const struct fw_model *model, uint32_t item) {
    uint32_t before = FW_NONE;
    for (uint32_t i = model->units[model->items[item].unit].first; i != item;
         i = model->items[i].next) {
        before = i;
    }
    return before;
}

bool fw_takes_word_before(const struct fw_model *model, uint32_t item) {
    uint32_t before = item_before(model, item);
    return before == FW_NONE || stops(&model->items[before]);
}

uint32_t fw_put_word_before(struct fw_model *model, uint32_t item, uint32_t word) {
    uint32_t unit = model->items[item].unit, before = item_before(model, item);
    if (before != FW_NONE && !stops(&model->items[before])) return FW_NONE;
    uint32_t index = new_word(model, unit, word, FW_NONE);
    name_tag(model, index);
    model->items[index].next = item;
    if (before == FW_NONE) {
        model->units[unit].first = index;
    } else {
        model->items[before].next = index;
    }
    return index;
}
