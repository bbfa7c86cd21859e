/* Calls: an indirect call reaches only functions whose address is taken.
 *
 * Each such function gets a tag, a word that occurs nowhere else in the code, directly in
 * front of its first instruction. `blx rN` becomes `bl` to a routine shared by all calls
 * through that register (2 bytes more a call):
 *
 *     ldr.w ip, [rN, #-5]    the word in front (bit 0 of rN is the Thumb bit)
 *     cmp.w ip, #tag
 *     bne   trap
 *     bx    rN
 *
 * CMP takes few words with half-words that trap, and an image may hold all of them (the
 * tables of AES repeat each byte four times). Then the tag is one of 255 words that no CMP
 * takes, and the routine has an instruction more:
 *
 *     sub.w ip, ip, #0xde00de00
 *     cmp.w ip, #1 to 255    the tag less that
 *
 * The address-taken set is exact, since relocations show it; what only the vector table
 * names is not in it, unless code may call through the table. An untouched function is reached
 * through a tagged thunk, to which every taken address of it is redirected.
 *
 * The flags are written in front of the callee's first instruction: liveness must show
 * that no address-taken function reads them, and a call behind which they may be read stays as
 * it is. Where ip is live into a function, or over a call, or is the target, another register is
 * pushed for the comparison. */
#include <assert.h>
#include <elf.h>
#include <string.h>

#include "base/parallel.h"
#include "firmware/lift/lift.h"
#include "harden/passes.h"

enum { BX = 0x4700, BNE = 0xd100, UDF_CALL = 0xdec1 };

/* Half-words that trap (UDF, BKPT, SVC, unallocated) where one is ever run; none is fallen
 * into. First four with each byte alike, then four with every other byte 0, then those that
 * need a subtraction: UDF with any number, UDF #0. */
enum { TAG_BYTES = 4, TAG_FORMS = 2, TAGS_COMPARED = TAG_BYTES * TAG_FORMS, TAGS_REDUCED = 255 };
static const uint8_t tag_bytes[TAG_BYTES] = {0xde, 0xbe, 0xdf, 0xb7};
#define TAG_BASE 0xde00de00U

/* What the routine subtracts before it compares; 0: nothing. */
static uint32_t subtracted_from(unsigned choice) {
    return choice < TAGS_COMPARED ? 0 : TAG_BASE;
}

static uint32_t tag_of(unsigned choice) {
    static const uint32_t repeat[TAG_FORMS] = {0x01010101U, 0x01000100U};
    if (choice < TAGS_COMPARED) return tag_bytes[choice % TAG_BYTES] * repeat[choice / TAG_BYTES];
    return TAG_BASE + 1 + (choice - TAGS_COMPARED);
}

/* How often the word stands at an even offset. */
static uint32_t count_word(struct span bytes, uint32_t word) {
    uint32_t found = 0;
    for (size_t i = 0; i + 4 <= bytes.size_bytes; i += 2) {
        const uint8_t *at = bytes.data + i;
        found += ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                  (uint32_t)at[3] << 24) == word;
    }
    return found;
}

static bool occurs(const struct fw_model *model, uint32_t tag) {
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!s->data || !(s->flags & SHF_ALLOC)) continue;
        if (count_word((struct span){s->data, s->size_bytes}, tag)) return true;
    }
    return false;
}

static bool choose_tag(struct hardening *hardening) {
    for (unsigned i = hardening->first_tag; i < TAGS_COMPARED + TAGS_REDUCED; i++) {
        hardening->tag = tag_of(i);
        hardening->tag_choice = i;
        if (!occurs(hardening->model, hardening->tag)) return true;
    }
    return false;
}

/* What layout made (a jump table's entries, a branch's distance) may read like the tag. */
bool protect_tag_is_ambiguous(const struct hardening *hardening, struct span output) {
    enum { PHOFF = 28, PHNUM = 44, PHDR_BYTES = 32, OFFSET = 4, FILE_BYTES = 16 };
    uint32_t table = 0, count = 0, found = 0;
    if (hardening->tag_count == 0) return false;
    bool ok = span_u32le(output, PHOFF, &table) && span_u32le(output, PHNUM, &count);
    for (uint32_t i = 0; ok && i < (count & 0xffffU); i++) {
        uint32_t header = table + i * PHDR_BYTES, type = 0, first = 0, bytes = 0;
        ok = span_u32le(output, header, &type) && span_u32le(output, header + OFFSET, &first) &&
             span_u32le(output, header + FILE_BYTES, &bytes);
        if (!ok || type != PT_LOAD) continue;
        ok = first <= output.size_bytes && bytes <= output.size_bytes - first;
        if (ok) found += count_word((struct span){output.data + first, bytes}, hardening->tag);
    }
    return !ok || found != hardening->tag_count;
}

/* ADR cannot lead to a thunk: what it names must be able to have the tag in front. */
static bool has_untagged_entry(const struct fw_model *model) {
    for (uint32_t i = 0; model->relative_addresses && i < model->item_count; i++) {
        const struct fw_item *item = &model->items[i];
        if (!fw_takes_entry(model, item)) continue;
        uint8_t status = model->units[model->items[item->target].unit].status;
        if (status == FW_UNIT_DROPPED) continue;
        if (status != FW_UNIT_ACCEPTED || !fw_takes_word_before(model, item->target)) return true;
    }
    return false;
}

static const char *obstacle(const struct hardening *hardening) {
    const struct fw_model *model = hardening->model;
    if (model->has_trampoline) return "a nested function's template is copied to the stack";
    if (model->hidden_addresses || has_untagged_entry(model)) {
        return "code makes a function's address without a relocation";
    }
    for (size_t u = 0; u < model->unit_count; u++) {
        const struct fw_unit *unit = &model->units[u];
        if (unit->status == FW_UNIT_DROPPED || !unit->address_taken) continue;
        if (!unit->decoded) return "a function whose address is taken is not understood";
        if (unit->entry_live & FW_LIVE_FLAGS) {
            return arena_format(&hardening->model->arena,
                                "%s, whose address is taken, reads the flags of its caller",
                                model->functions[unit->function_first].name);
        }
    }
    return NULL;
}

static bool ip_live_into_taken(const struct fw_model *model) {
    for (size_t u = 0; u < model->unit_count; u++) {
        const struct fw_unit *unit = &model->units[u];
        if (!unit->address_taken || unit->status == FW_UNIT_DROPPED) continue;
        if ((unit->entry_live & FW_LIVE_IP) || unit->ip_reserved) return true;
    }
    return false;
}

/* A pointer that an indirect call may use: a Thumb address of a function's start that not
 * only the processor uses, and that is not in what is dropped. */
static bool takes_address(const struct fw_model *model, const struct fw_relocation *relocation) {
    if (relocation->target_item == FW_NONE || !relocation->target_thumb) return false;
    uint32_t at = fw_item_at(model, relocation->place);
    if (at != FW_NONE && model->units[model->items[at].unit].status == FW_UNIT_DROPPED)
        return false;
    return model->items[relocation->target_item].entry &&
           !fw_is_vector_alone(model, relocation->place);
}

static uint32_t make_thunk(struct hardening *hardening, uint32_t item) {
    struct fw_model *model = hardening->model;
    uint32_t unit = fw_add_unit(model, "__pm_thunk");
    fw_append_tag(model, unit, hardening->tag);
    /* From flash to RAM a branch may not reach: through a literal it always does. */
    uint32_t jump = fw_append(model, unit, 0xf8dff000U); /* ldr.w pc, [pc, #0] */
    uint32_t word = fw_append_word(model, unit, 0, item);
    model->items[jump].target = word;
    return jump;
}

static void tag_entries_taken_by_code(struct hardening *hardening, uint32_t *tagged) {
    struct fw_model *model = hardening->model;
    size_t items = model->item_count; /* tags are more of them */
    for (size_t i = 0; model->relative_addresses && i < items; i++) {
        uint32_t target = model->items[i].target;
        if (!fw_takes_entry(model, &model->items[i]) || tagged[target] != FW_NONE) continue;
        if (model->units[model->items[target].unit].status != FW_UNIT_ACCEPTED) continue;
        fw_put_word_before(model, target, hardening->tag);
        tagged[target] = target;
        hardening->tag_count++;
    }
}

static void tag_targets(struct hardening *hardening) {
    struct fw_model *model = hardening->model;
    struct arena scratch = {0};
    uint32_t *tagged = ARENA_ARRAY(&scratch, uint32_t, model->item_count + 1);
    memset(tagged, 0xff, (model->item_count + 1) * sizeof *tagged);
    tag_entries_taken_by_code(hardening, tagged);
    for (size_t r = 0; r < model->relocation_count; r++) {
        struct fw_relocation *relocation = &model->relocations[r];
        if (!takes_address(model, relocation)) continue;
        uint32_t item = relocation->target_item;
        uint8_t status = model->units[model->items[item].unit].status;
        if (status == FW_UNIT_DROPPED) continue;
        if (tagged[item] == FW_NONE) {
            bool moves = status == FW_UNIT_ACCEPTED;
            uint32_t word = moves ? fw_put_word_before(model, item, hardening->tag) : FW_NONE;
            tagged[item] = word != FW_NONE ? item : make_thunk(hardening, item);
            hardening->tag_count++;
        }
        relocation->target_item = tagged[item];
    }
    arena_free(&scratch);
}

static uint32_t modified_immediate_of(uint32_t value) {
    uint32_t imm12 = 0;
    bool holds = thumb_modified_immediate(value, &imm12);
    assert(holds); /* each tag is chosen to be one; else calls would compare with 0 */
    return (imm12 & 0x800U) << 15 | (imm12 & 0x700U) << 4 | (imm12 & 0xffU);
}

static void make_stub(struct hardening *hardening, unsigned reg, bool ip_busy) {
    static const char *const names[16] = {
        "__pm_call_r0", "__pm_call_r1", "__pm_call_r2",  "__pm_call_r3",
        "__pm_call_r4", "__pm_call_r5", "__pm_call_r6",  "__pm_call_r7",
        "__pm_call_r8", "__pm_call_r9", "__pm_call_r10", "__pm_call_r11",
        "__pm_call_ip", "__pm_call_sp", "__pm_call_lr",  "__pm_call_pc"};
    struct fw_model *model = hardening->model;
    bool spill = ip_busy || reg == THUMB_IP;
    unsigned scratch = !spill ? THUMB_IP : reg == 0 ? 1 : 0;
    uint32_t unit = fw_add_unit(model, names[reg]);
    uint32_t load = 0xf8500c05U | reg << 16 | scratch << 12; /* ldr.w scratch, [reg, #-5] */
    uint32_t base = subtracted_from(hardening->tag_choice);
    uint32_t subtract = 0xf1a00000U | scratch << 16 | scratch << 8 | modified_immediate_of(base);
    uint32_t compare = 0xf1b00f00U | scratch << 16 | modified_immediate_of(hardening->tag - base);
    uint32_t first = spill ? fw_append(model, unit, 0xb400U | 1U << scratch) : FW_NONE;
    uint32_t loaded = fw_append(model, unit, load);
    if (base) fw_append(model, unit, subtract);
    fw_append(model, unit, compare);
    if (spill) fw_append(model, unit, 0xbc00U | 1U << scratch);
    uint32_t branch = fw_append(model, unit, BNE);
    fw_append(model, unit, BX | reg << 3);
    uint32_t trap = fw_append(model, unit, UDF_CALL);
    fw_replace_branch(model, branch, THUMB_B_COND, THUMB_COND_NE, trap);
    hardening->call_stubs[reg] = spill ? first : loaded;
}

/* An indirect call, or a jump of hand-written code that is one; those keep their form:
 * `mov pc, rN` takes an address without the Thumb bit too, and a tag is read below that. */
static bool is_checkable(const struct fw_item *item) {
    if (item->kind != FW_ITEM_INSN || item->made) return false;
    if (item->insn->flow == THUMB_FLOW_CALL_INDIRECT) return true;
    return item->jump == FW_JUMP_TAIL && item->insn->op == THUMB_BX;
}

/* No veneer comes between such a call and what is called: hand-written code may count on the flags
 * behind it, its own or its caller's. */
static bool keeps_flags(const struct hardening *hardening, uint32_t index) {
    return fw_kept_over(hardening->model, &hardening->liveness, index) & FW_LIVE_FLAGS;
}

static void check_site(struct hardening *hardening, uint32_t index, bool ip_busy) {
    struct fw_model *model = hardening->model;
    unsigned reg = model->items[index].insn->rm;
    bool call = model->items[index].insn->flow == THUMB_FLOW_CALL_INDIRECT;
    if (reg == THUMB_SP || reg == THUMB_LR || reg == THUMB_PC) return;
    if (keeps_flags(hardening, index)) {
        model->units[model->items[index].unit].calls_reason =
            "flags that the check would write are kept over a call in it";
        return;
    }
    if (hardening->call_stubs[reg] == FW_NONE) make_stub(hardening, reg, ip_busy);
    fw_replace_branch(model, index, call ? THUMB_BL : THUMB_B, 0, hardening->call_stubs[reg]);
    model->units[model->items[index].unit].call_sites_checked++;
}

/* The calls of all units, found by ranges of them, beside the search for a tag. */
enum { SITE_PIECES = 8 };

struct sites {
    struct hardening *hardening;
    bool tag_found;
    struct site_piece {
        struct arena arena;
        uint32_t *items;
        size_t count, capacity;
    } pieces[SITE_PIECES];
};

static void find_sites(struct fw_model *model, struct site_piece *piece, uint32_t u) {
    struct fw_unit *unit = &model->units[u];
    if (unit->status == FW_UNIT_DROPPED) return;
    for (uint32_t i = unit->first; i != FW_NONE; i = model->items[i].next) {
        bool checkable = is_checkable(&model->items[i]);
        unit->call_sites += checkable || fw_is_open_jump(model, &model->items[i]);
        if (!checkable || unit->status != FW_UNIT_ACCEPTED || unit->calls_exempt) continue;
        piece->items = arena_grow(&piece->arena, piece->items, piece->count, &piece->capacity,
                                  sizeof *piece->items);
        piece->items[piece->count++] = i;
    }
}

static void find_sites_and_tag(void *context, size_t i) {
    struct sites *sites = context;
    struct fw_model *model = sites->hardening->model;
    if (i == 0) { /* the longest */
        bool wanted = !sites->hardening->calls_reason;
        sites->tag_found = wanted && choose_tag(sites->hardening);
        return;
    }
    size_t end = model->unit_count * i / SITE_PIECES;
    for (size_t u = model->unit_count * (i - 1) / SITE_PIECES; u < end; u++)
        find_sites(model, &sites->pieces[i - 1], (uint32_t)u);
}

/* Whether any call does not stay as it is: check_site(). *ip_busy: r12 is kept over one. */
static bool has_checkable(const struct sites *sites, bool *ip_busy) {
    const struct hardening *hardening = sites->hardening;
    bool any = false;
    for (size_t i = 0; i < SITE_PIECES; i++) {
        for (size_t k = 0; k < sites->pieces[i].count; k++) {
            uint32_t site = sites->pieces[i].items[k];
            uint32_t kept = fw_kept_over(hardening->model, &hardening->liveness, site);
            if (kept & FW_LIVE_IP) *ip_busy = true;
            any |= hardening->model->items[site].insn->rm < THUMB_SP && !(kept & FW_LIVE_FLAGS);
        }
    }
    return any;
}

void protect_calls(struct hardening *hardening) {
    struct sites sites = {.hardening = hardening};
    hardening->calls_reason = obstacle(hardening);
    parallel_run(SITE_PIECES + 1, find_sites_and_tag, &sites);
    if (!hardening->calls_reason && !sites.tag_found) {
        hardening->calls_reason = "every tag occurs in the image";
    }
    bool ip_busy = ip_live_into_taken(hardening->model);
    /* Else nothing would ask for a tag. */
    bool asks = has_checkable(&sites, &ip_busy) && !hardening->calls_reason;
    if (asks) tag_targets(hardening);
    for (size_t i = 0; i < SITE_PIECES; i++) {
        for (size_t k = 0; k < sites.pieces[i].count && !hardening->calls_reason; k++)
            check_site(hardening, sites.pieces[i].items[k], ip_busy);
        arena_free(&sites.pieces[i].arena);
    }
}
