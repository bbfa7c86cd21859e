/* Groups functions that share code into units, links their items, and carries refusals
 * from functions to units. See lift.h. */
#include "firmware/lift/lifting.h"

#include "base/parallel.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

uint32_t lift_root(struct lift *lift, uint32_t function) {
    struct lift_function *functions = lift->functions;
    while (functions[function].parent != function) {
        functions[function].parent = functions[functions[function].parent].parent;
        function = functions[function].parent;
    }
    return function;
}

void lift_join(struct lift *lift, uint32_t a, uint32_t b) {
    uint32_t x = lift_root(lift, a), y = lift_root(lift, b);
    /* The lower address stays the root, so that units are numbered in address order. */
    if (x < y) lift->functions[y].parent = x;
    if (y < x) lift->functions[x].parent = y;
}

void fw_refuse(struct fw_unit *unit, const char *reason) {
    if (unit->status != FW_UNIT_ACCEPTED) return;
    unit->status = FW_UNIT_UNTOUCHED;
    unit->reason = reason;
}

/* Does a compiler's function end, at item `last`, in a semihosting call (BKPT 0xab) and what
 * takes its result (newlib's _kill_shared)? Whether that call comes back fw_flow_build() says. */
static bool ends_in_host_call(const struct lift *lift, const struct lift_function *function,
                              uint32_t last) {
    enum { RESULT_MOVES = 2 };
    if (!function->sized) return false;
    for (uint32_t i = last, moves = 0; i >= function->first_item; i--, moves++) {
        const struct fw_item *item = &lift->model->items[i];
        if (item->kind != FW_ITEM_INSN || item->insn->in_it) return false;
        if (item->insn->op == THUMB_BKPT) return thumb_is_host_call(item->insn);
        bool takes = item->insn->op == THUMB_MOV_REGISTER && !item->block_start;
        if (!takes || moves == RESULT_MOVES || i == 0) return false;
    }
    return false;
}

bool lift_falls_out(const struct lift *lift, const struct lift_function *function) {
    if (!function->item_count) return false;
    uint32_t index = function->first_item + function->item_count - 1;
    const struct fw_item *last = &lift->model->items[index];
    if (last->kind != FW_ITEM_INSN || last->alignment == 1) return false;
    const struct thumb_insn *insn = last->insn;
    if (!thumb_goes_on(insn)) return false;
    bool call = insn->flow == THUMB_FLOW_CALL || insn->flow == THUMB_FLOW_CALL_INDIRECT;
    if (call) return insn->in_it || !function->sized;
    return !ends_in_host_call(lift, function, index);
}

static bool is_tag_word(const struct lift *lift, size_t index) {
    const struct lift_function *f = &lift->functions[index];
    return f->symbol != FW_NONE && f->item_count == 1 && index + 1 < lift->function_count &&
           lift->functions[index + 1].address == f->end &&
           strcmp(lift->model->symbols[f->symbol].name, FW_TAG_SYMBOL) == 0;
}

/* The function of the lowest address not below `address`, in whatever section, or FW_NONE. */
static uint32_t function_from(const struct lift *lift, uint32_t address) {
    uint32_t found = FW_NONE;
    for (uint32_t i = 0; i < lift->function_count; i++) {
        const struct lift_function *f = &lift->functions[i];
        bool code = f->item_count || f->undecoded;
        if (!code || f->address < address) continue;
        if (found == FW_NONE || f->address < lift->functions[found].address) found = i;
    }
    return found;
}

/* Control may come out of the function's end, and into whatever code is the next in memory:
 * across filler, data, or the section's end. Both stay. */
static void keep_with_next(struct lift *lift, uint32_t index) {
    struct fw_model *model = lift->model;
    struct lift_function *function = &lift->functions[index];
    bool near = index + 1 < lift->function_count && function[1].section == function->section &&
                (function[1].item_count || function[1].undecoded);
    uint32_t next = near ? index + 1 : function_from(lift, function->end);
    if (next == FW_NONE || next == index) return;
    lift_refuse(&lift->functions[next], "control may run into it from the code in front");
    model->run_outs = arena_grow(&model->arena, model->run_outs, model->run_out_count,
                                 &model->run_out_capacity, sizeof *model->run_outs);
    model->run_outs[model->run_out_count++] =
        (struct fw_run_out){function->end, lift->functions[next].address};
}

static void join_fall_through(struct lift *lift) {
    for (size_t i = 0; i < lift->function_count; i++) {
        struct lift_function *function = &lift->functions[i];
        if (is_tag_word(lift, i)) {
            lift_join(lift, (uint32_t)i, (uint32_t)i + 1);
            continue;
        }
        if (function->undecoded || !lift_falls_out(lift, function)) continue;
        struct lift_function *next = i + 1 < lift->function_count ? &lift->functions[i + 1] : NULL;
        bool adjacent = next && next->section == function->section &&
                        next->address == function->end && !next->undecoded && next->item_count;
        if (adjacent) {
            lift_join(lift, (uint32_t)i, (uint32_t)i + 1);
        } else {
            lift_refuse(function, "control runs out of its end");
            function->runs_out = true;
        }
    }
}

/* Instructions that data follows and that do not stop: they would execute it. Of a call there,
 * of a function or of the host, with or without alignment filler behind it, fw_flow_build() says
 * whether it comes back. */
static void refuse_running_into_data(struct lift *lift, struct lift_function *function) {
    const struct fw_item *items = lift->model->items;
    uint32_t stop = FW_NONE; /* the last instruction that is not filler */
    for (uint32_t i = 0; i < function->item_count; i++) {
        const struct fw_item *item = &items[function->first_item + i];
        bool filler =
            item->kind == FW_ITEM_INSN && item->insn->op == THUMB_NOP && !item->block_start;
        if (item->kind == FW_ITEM_INSN) {
            if (!filler || stop == FW_NONE) stop = function->first_item + i;
            continue;
        }
        const struct thumb_insn *insn = stop == FW_NONE ? NULL : items[stop].insn;
        bool call = insn && !insn->in_it &&
                    (insn->flow == THUMB_FLOW_CALL || insn->flow == THUMB_FLOW_CALL_INDIRECT);
        if (!insn || call || !thumb_goes_on(insn) || ends_in_host_call(lift, function, stop)) {
            continue;
        }
        lift_refuse(function, "control runs into data");
        function->runs_out = true;
    }
}

static int by_root(const void *a, const void *b) {
    const struct fw_function *x = a, *y = b;
    if (x->unit != y->unit) return x->unit < y->unit ? -1 : 1;
    return x->address < y->address ? -1 : x->address > y->address;
}

static void make_functions(struct lift *lift) {
    struct fw_model *model = lift->model;
    uint32_t *unit_of = ARENA_ARRAY(&lift->scratch, uint32_t, lift->function_count + 1);
    model->function_capacity = model->unit_capacity = lift->function_count + 1;
    model->functions = ARENA_ARRAY(&model->arena, struct fw_function, model->function_capacity);
    model->units = ARENA_ARRAY(&model->arena, struct fw_unit, model->unit_capacity);
    for (uint32_t i = 0; i < lift->function_count; i++) {
        uint32_t root = lift_root(lift, i);
        if (root == i) unit_of[i] = (uint32_t)model->unit_count++;
        struct lift_function *f = &lift->functions[i];
        model->functions[i] = (struct fw_function){
            .name = f->symbol == FW_NONE
                        ? arena_format(&model->arena, "(code at 0x%08x)", f->address)
                        : model->symbols[f->symbol].name,
            .symbol = f->symbol,
            .address = f->address,
            .size_bytes = f->end - f->address,
            .unit = unit_of[root],
            .item = f->item_count ? f->first_item : FW_NONE,
            .section = f->section,
        };
    }
    model->function_count = lift->function_count;
}

/* Links the items of one function, and says in each which unit it is of. */
static void link_function(struct lift *lift, struct lift_function *function, uint32_t unit) {
    struct fw_model *model = lift->model;
    bool starts = true;
    function->first_linked = function->last_linked = FW_NONE;
    for (uint32_t k = 0; k < function->item_count; k++) {
        uint32_t index = function->first_item + k;
        struct fw_item *item = &model->items[index];
        item->unit = unit;
        bool filler = item->kind == FW_ITEM_INSN && item->alignment == 1;
        if (filler && !item->block_start && !item->label && !item->entry) continue;
        if (item->kind == FW_ITEM_INSN) item->alignment = 2;
        if (starts || k == 0) item->block_start = true;
        if (k == 0) item->entry = true;
        starts = item->kind != FW_ITEM_INSN || item->insn->flow != THUMB_FLOW_NEXT;
        if (item->label) function->labels = true;
        if (function->first_linked == FW_NONE) {
            function->first_linked = index;
        } else {
            struct fw_item *last = &model->items[function->last_linked];
            last->next = index;
            last->apart = last->address + last->size_bytes != item->address;
        }
        function->last_linked = index;
    }
}

static void link_part(void *context, size_t p) {
    struct lift *lift = context;
    const struct lift_part *part = &lift->parts[p];
    for (size_t f = part->first_function; f < part->end_function; f++) {
        refuse_running_into_data(lift, &lift->functions[f]);
        link_function(lift, &lift->functions[f], lift->model->functions[f].unit);
    }
}

/* The function's items behind those that the unit has; *tail is the last of them. */
static void add_to_unit(struct fw_model *model, const struct lift_function *function,
                        struct fw_unit *unit, uint32_t *tail) {
    if (function->labels) unit->labels = true;
    if (function->first_linked == FW_NONE) return;
    if (*tail == FW_NONE) {
        unit->first = function->first_linked;
    } else {
        struct fw_item *last = &model->items[*tail];
        last->next = function->first_linked;
        last->apart = last->address + last->size_bytes != model->items[last->next].address;
    }
    *tail = function->last_linked;
}

void lift_form_units(struct lift *lift) {
    struct fw_model *model = lift->model;
    join_fall_through(lift);
    make_functions(lift);
    uint32_t *tails = ARENA_ARRAY(&lift->scratch, uint32_t, model->unit_count + 1);
    memset(tails, 0xff, (model->unit_count + 1) * sizeof *tails);
    for (size_t u = 0; u < model->unit_count; u++) {
        model->units[u] =
            (struct fw_unit){.first = FW_NONE, .function_first = FW_NONE, .decoded = true};
    }
    parallel_run(lift->part_count, link_part, lift);
    for (uint32_t i = 0; i < lift->function_count; i++) {
        /* Whether bytes that are not understood run on, nobody knows. */
        bool runs_on = lift->functions[i].runs_out || lift->functions[i].undecoded;
        if (runs_on) keep_with_next(lift, i);
    }
    for (size_t i = 0; i < lift->function_count; i++) {
        struct lift_function *f = &lift->functions[i];
        uint32_t index = model->functions[i].unit;
        struct fw_unit *unit = &model->units[index];
        add_to_unit(model, f, unit, &tails[index]);
        unit->function_count++;
        unit->bytes_before += f->end - f->address;
        if (f->undecoded) unit->decoded = false;
        if (f->runs_out) unit->runs_out = true;
        if (f->reason) fw_refuse(unit, f->reason);
        if (fw_is_ram_section(&model->sections[f->section])) fw_refuse(unit, "it runs from RAM");
        /* It must not trade places with code that makes its memory ready. */
        if (model->sections[f->section].address >> 29 != model->entry >> 29) {
            fw_refuse(unit, "it is in another memory than the start");
        }
        if (!f->item_count && !f->undecoded) fw_refuse(unit, "it is empty");
    }
    qsort(model->functions, model->function_count, sizeof *model->functions, by_root);
    for (size_t i = 0; i < model->function_count; i++) {
        struct fw_unit *unit = &model->units[model->functions[i].unit];
        if (unit->function_first == FW_NONE) unit->function_first = (uint32_t)i;
    }
}
