/* Does each reference reach, and if not, by which larger form. See layout.h. */
#include "firmware/layout/layouting.h"

#include "base/parallel.h"

static bool in_reach(uint32_t from, uint32_t to, uint32_t back, uint32_t forward) {
    uint32_t distance = to - from;
    return distance <= forward || 0U - distance <= back;
}

static uint32_t target_address(const struct fw_model *model, const struct order *order,
                               const struct fw_item *item) {
    if (item->target == FW_NONE) return item->insn->target;
    return layout_address_of(model, order, item->target) + item->target_delta;
}

/* Does a branch reach; if not, take its next larger form (A7.7.12: T1 -256..254, T2
 * -2048..2046, T3 +-1 MiB, T4 and BL +-16 MiB, from pc = address + 4). */
static enum fit fit_branch(struct fw_item *item, uint32_t address, uint32_t target) {
    const struct thumb_insn *insn = item->insn;
    uint32_t pc = address + 4;
    enum { MEBI = 1 << 20, LONG = 16 * MEBI };
    bool compare = insn->op == THUMB_CBZ || insn->op == THUMB_CBNZ;
    if (item->far) { /* over an inverted condition: the wide branch is 2 bytes on */
        return in_reach(pc + 2, target, LONG, LONG - 2) ? FIT : FIT_NEVER;
    }
    if (insn->op == THUMB_BL || (insn->op == THUMB_B && insn->size_bytes == 4) || item->wide) {
        bool cond = insn->op == THUMB_B_COND;
        if (in_reach(pc, target, cond ? MEBI : LONG, (cond ? MEBI : LONG) - 2)) return FIT;
        if (!cond) return FIT_NEVER;
    } else if (compare) {
        if (in_reach(pc, target, 0, 126)) return FIT;
    } else if (insn->op == THUMB_B_COND) {
        bool narrow = insn->size_bytes == 2;
        uint32_t reach = narrow ? 256 : MEBI;
        if (in_reach(pc, target, reach, reach - 2)) return FIT;
        if (narrow) {
            item->wide = true;
            item->size_bytes = 4;
            return FIT_GREW;
        }
    } else {
        if (in_reach(pc, target, 2048, 2046)) return FIT;
        item->wide = true;
        item->size_bytes = 4;
        return FIT_GREW;
    }
    item->far = true; /* B<!c> over, or CB(N)Z over, then B.W */
    item->wide = false;
    item->size_bytes = 6;
    return FIT_GREW;
}

static enum fit fit_pc_relative(struct fw_item *item, uint32_t address, uint32_t target) {
    const struct thumb_insn *insn = item->insn;
    uint32_t base = (address + 4) & ~3U;
    bool narrow = insn->size_bytes == 2 && !item->wide;
    bool dual =
        insn->coprocessor || (insn->op == THUMB_LOAD && (insn->bits & 0xfe500000U) == 0xe8500000U);
    if (narrow) {
        if (in_reach(base, target, 0, 1020) && (target - base) % 4 == 0) return FIT;
        item->wide = true;
        item->size_bytes = 4;
        return FIT_GREW;
    }
    uint32_t reach = dual ? 1020 : 4095;
    return in_reach(base, target, reach, reach) ? FIT : FIT_NEVER;
}

/* Table and targets are of one unit, so their distance needs no shift. */
static enum fit fit_table(const struct fw_model *model, struct fw_item *table) {
    for (uint32_t i = 0; i < table->table_count; i++) {
        const struct fw_item *target = &model->items[model->table_targets[table->table_first + i]];
        uint32_t distance = target->new_address - table->new_address;
        if (distance <= (table->table_half ? 2U * 0xffff : 2U * 0xff)) continue;
        if (table->table_half || distance > 2U * 0xffff) return FIT_NEVER;
        table->table_half = true; /* its TBB becomes a TBH */
        table->size_bytes = 2U * table->table_count;
        return FIT_GREW;
    }
    return FIT;
}

enum fit layout_fit_item(const struct fw_model *model, const struct order *order, uint32_t index) {
    struct fw_item *item = &model->items[index];
    if (item->kind == FW_ITEM_TABLE) return fit_table(model, item);
    if (item->kind != FW_ITEM_INSN) return FIT;
    switch (item->insn->reference) {
    case THUMB_REFERENCE_BRANCH:
        return fit_branch(item, layout_address_of(model, order, index),
                          target_address(model, order, item));
    case THUMB_REFERENCE_LITERAL:
    case THUMB_REFERENCE_ADR:
        return fit_pc_relative(item, layout_address_of(model, order, index),
                               target_address(model, order, item));
    default:
        return FIT;
    }
}

static void note_fit(struct fw_model *model, struct order *order, uint32_t index,
                     struct fit_piece *piece) {
    struct fw_item *item = &model->items[index];
    uint32_t size_before = item->size_bytes;
    enum fit fit = layout_fit_item(model, order, index);
    if (fit == FIT_NEVER && order->unfit[item->unit] == FW_NONE) order->unfit[item->unit] = index;
    if (fit != FIT_GREW) return;
    order->growth[item->unit] += item->size_bytes - size_before;
    order->stale[item->unit] = true;
    piece->grew = true;
}

static bool is_call(const struct fw_item *item) {
    return item->kind == FW_ITEM_INSN && item->insn->op == THUMB_BL;
}

static void fit_inner(struct fitting *fitting, struct fit_piece *piece, uint32_t u) {
    struct fw_model *model = fitting->model;
    struct order *order = fitting->order;
    if (!order->stale[u] && (order->start[u] - order->base[u]) % order->alignment[u] == 0) return;
    layout_place_items(model, order, u);
    for (uint32_t i = model->units[u].first; i != FW_NONE; i = model->items[i].next) {
        if (is_call(&model->items[i]) || layout_is_outer(model, &model->items[i])) continue;
        note_fit(model, order, i, piece);
    }
    if (order->stale[u]) layout_measure(model, order, u);
}

static void fit_outer(struct fitting *fitting, struct fit_piece *piece, uint32_t u) {
    struct fw_model *model = fitting->model;
    struct order *order = fitting->order;
    uint32_t growth = order->growth[u];
    for (uint32_t o = order->outer_first[u]; o < order->outer_first[u + 1]; o++) {
        uint32_t index = order->outer[o];
        if (model->items[index].island) layout_aim_at_island(model, order, fitting->islands, index);
        note_fit(model, order, index, piece);
    }
    uint32_t i = order->calls_reach ? FW_NONE : model->units[u].first;
    for (; i != FW_NONE; i = model->items[i].next) {
        if (is_call(&model->items[i])) note_fit(model, order, i, piece);
    }
    if (order->growth[u] != growth) layout_measure(model, order, u);
}

static void fit_inner_piece(void *context, size_t i) {
    struct fitting *fitting = context;
    struct run run = layout_run_of(fitting->order->count, i);
    fitting->inner[i].grew = false;
    for (size_t k = run.first; k < run.end; k++)
        fit_inner(fitting, &fitting->inner[i], fitting->order->units[k]);
}

static void fit_outer_piece(void *context, size_t i) {
    struct fitting *fitting = context;
    struct run run = layout_run_of(fitting->order->count, i);
    fitting->outer[i].grew = false;
    for (size_t k = run.first; k < run.end; k++)
        fit_outer(fitting, &fitting->outer[i], fitting->order->units[k]);
}

/* Whether anything grew, so that what lies behind it moves. */
bool layout_fit_all(struct fitting *fitting) {
    parallel_run(PIECES, fit_inner_piece, fitting);
    parallel_run(PIECES, fit_outer_piece, fitting);
    bool grew = false;
    for (size_t i = 0; i < PIECES; i++)
        grew |= fitting->inner[i].grew || fitting->outer[i].grew;
    return grew;
}
