/* With the original: it is still in the output, whole, and nothing else is but what the
 * protections need. */
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "check/compare/compare.h"
#include "firmware/analyse/reach.h"
#include "firmware/analyse/unwind.h"
#include "firmware/lift/lift.h"
#include "firmware/read/read.h"

static bool same_sections(struct compare *compare) {
    const struct fw_model *in = compare->in, *out = compare->check->model;
    size_t count = in->section_count;
    bool same = out->section_count == count ||
                (out->section_count == count + 1 && fw_is_code_section(&out->sections[count]));
    for (size_t i = 0; same && i < in->section_count; i++) {
        const struct fw_section *a = &in->sections[i], *b = &out->sections[i];
        same = a->address == b->address && a->size_bytes == b->size_bytes && !a->data == !b->data &&
               a->type == b->type && a->flags == b->flags;
    }
    if (!same) {
        check_find(compare->check, "file", 0, "its sections are not those of the original");
    }
    return same;
}

static void prepare(struct compare *compare) {
    struct fw_model *in = compare->in;
    const struct fw_model *out = compare->check->model;
    size_t items = in->item_count + 1;
    uint32_t **arrays[] = {&compare->at, &compare->end};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        *arrays[i] = ARENA_ARRAY(&compare->arena, uint32_t, items);
        memset(*arrays[i], 0xff, items * sizeof **arrays[i]);
    }
    compare->half = ARENA_ARRAY(&compare->arena, bool, items);
    compare->taken = ARENA_ARRAY(&compare->arena, bool, items);
    for (size_t i = 0; i < in->relocation_count; i++) {
        const struct fw_relocation *r = &in->relocations[i];
        bool vector = fw_is_vector_alone(in, r->place);
        if (r->target_item == FW_NONE || !r->target_thumb || vector) continue;
        compare->taken[r->target_item] = in->items[r->target_item].entry;
    }
    for (uint32_t i = 0; in->relative_addresses && i < in->item_count; i++) {
        if (fw_takes_entry(in, &in->items[i])) compare->taken[in->items[i].target] = true;
    }
    compare->unit_start = ARENA_ARRAY(&compare->arena, uint32_t, in->unit_count + 1);
    memset(compare->unit_start, 0xff, (in->unit_count + 1) * sizeof *compare->unit_start);
    compare->sizes = ARENA_ARRAY(&compare->arena, uint32_t, in->function_count + 1);
    memset(compare->sizes, 0xff, (in->function_count + 1) * sizeof *compare->sizes);
    compare->claims = ARENA_ARRAY(&compare->arena, struct section_claims, out->section_count + 1);
    for (size_t i = 0; i < out->section_count; i++) {
        const struct fw_section *s = &out->sections[i];
        if (!fw_is_code_section(s)) continue;
        compare->claims[i].bytes = arena_alloc(&compare->arena, s->size_bytes + 1, 1);
    }
}

/* --- references */

static uint32_t mapped(const struct compare *compare, const struct reference *r) {
    return compare->at[r->item] == FW_NONE ? FW_NONE : compare->at[r->item] + r->delta;
}

static int by_target(const void *a, const void *b) {
    const struct routine *x = *(const struct routine *const *)a;
    const struct routine *y = *(const struct routine *const *)b;
    return x->target < y->target ? -1 : x->target > y->target;
}

struct thunks {
    const struct routine **by_target;
    size_t count;
};

static struct thunks collect_thunks(struct compare *compare) {
    const struct check *check = compare->check;
    struct thunks out = {.by_target = ARENA_ARRAY(&compare->arena, const struct routine *,
                                                  check->routine_count + 1)};
    for (size_t i = 0; i < check->routine_count; i++) {
        if (check->routines[i].kind == ROUTINE_THUNK)
            out.by_target[out.count++] = &check->routines[i];
    }
    if (out.count) qsort(out.by_target, out.count, sizeof *out.by_target, by_target);
    return out;
}

/* Where both halves of a function's address lead: to its thunk where it has one, so that the
 * halves are of one address. Of several thunks none is right. */
static uint32_t address_in_halves(const struct thunks *thunks, uint32_t function) {
    const struct routine key = {.target = function}, *wanted = &key;
    const struct routine **found =
        thunks->count ? bsearch(&wanted, thunks->by_target, thunks->count, sizeof wanted, by_target)
                      : NULL;
    if (!found) return function;
    size_t i = (size_t)(found - thunks->by_target);
    bool several = (i > 0 && thunks->by_target[i - 1]->target == function) ||
                   (i + 1 < thunks->count && thunks->by_target[i + 1]->target == function);
    return several ? function : (*found)->address;
}

static void compare_half(struct compare *compare, const struct thunks *thunks,
                         const struct reference *r, uint32_t should, const char *name) {
    bool function = r->thumb && r->delta == 0;
    uint32_t to = (function ? address_in_halves(thunks, should) : should) | r->thumb;
    uint32_t half = r->kind == REFERENCE_HIGH ? to >> 16 : to & 0xffffU;
    if (r->value == half) return;
    check_find(compare->check, "original", r->place,
               "it should have 0x%04x of the address of %s, 0x%08x, and has 0x%04x", half, name, to,
               r->value);
}

static void compare_reference(struct compare *compare, const struct thunks *thunks,
                              const struct reference *r) {
    const struct fw_model *in = compare->in;
    uint32_t should = mapped(compare, r);
    const char *name = check_first_function(in, in->items[r->item].unit)->name;
    if (should == FW_NONE) {
        check_find(compare->check, "original", r->place,
                   "it refers to %s, which is not in the output", name);
        return;
    }
    if (r->kind > REFERENCE_POINTER) {
        compare_half(compare, thunks, r, should, name);
        return;
    }
    if (r->value == should) return;
    const struct routine *routine = check_routine_at(compare->check, r->value);
    if (routine && routine->kind == ROUTINE_THUNK && r->kind == REFERENCE_POINTER &&
        routine->target == should) {
        return;
    }
    check_find(compare->check, "original", r->place,
               "it should refer to %s at 0x%08x, and refers to %s at 0x%08x", name, should,
               check_function_at(compare->check, r->value), r->value);
}

static void compare_references(struct compare *compare) {
    struct thunks thunks = collect_thunks(compare);
    for (size_t i = 0; i < compare->reference_count && !check_is_full(compare->check); i++)
        compare_reference(compare, &thunks, &compare->references[i]);
}

/* --- bytes that are nobody's, and data */

static bool is_in_place(const struct compare *compare, uint32_t unit) {
    const struct fw_unit *u = &compare->in->units[unit];
    if (!u->decoded || u->first == FW_NONE) return true;
    return compare->at[u->first] == compare->in->items[u->first].address;
}

uint8_t *compare_extents(const struct compare *compare, struct arena *scratch, size_t section) {
    const struct fw_model *in = compare->in;
    const struct fw_section *s = &in->sections[section];
    uint8_t *map = arena_alloc(scratch, s->size_bytes + 1, 1);
    for (size_t i = 0; i < in->function_count; i++) {
        const struct fw_function *f = &in->functions[i];
        if (f->section != section || f->address - s->address > s->size_bytes) continue;
        uint8_t kind = is_in_place(compare, f->unit) ? EXTENT_STAYED : EXTENT_LEFT;
        memset(map + (f->address - s->address), kind, f->size_bytes);
    }
    return map;
}

/* Free bytes of a code section: filler where code was or is, else as in the original. */
static void compare_free_bytes(struct compare *compare, size_t section, const uint8_t *original) {
    struct fw_section *s = &compare->check->model->sections[section];
    uint8_t *claims = compare->claims[section].bytes;
    struct arena scratch = {0};
    const uint8_t *map = original ? compare_extents(compare, &scratch, section) : NULL;
    for (uint32_t k = 0; k < s->size_bytes; k++) {
        const uint8_t *next = memchr(claims + k, CLAIM_FREE, s->size_bytes - k);
        if (!next) break;
        k = (uint32_t)(next - claims);
        uint8_t filler = (uint8_t)(((s->address + k) & 1) ? FILLER >> 8 : FILLER & 0xff);
        bool filled = s->data[k] == filler;
        bool same = original && map[k] != EXTENT_LEFT && s->data[k] == original[k];
        if (same && !filled) claims[k] = CLAIM_SAME;
        if (filled && !same) claims[k] = CLAIM_CODE;
        if (filled && same) claims[k] = CLAIM_SAME;
        if (filled || same) continue;
        check_find(compare->check, "original", s->address + k,
                   "0x%02x at 0x%08x is of no part of the original and no filler", s->data[k],
                   s->address + k);
        break;
    }
    arena_free(&scratch);
}

/* The address that the word of a pointer means. */
static uint32_t address_in(const struct fw_relocation *r, uint32_t word) {
    if (r->type == R_ARM_REL32) return r->place + word;
    if (r->type != R_ARM_PREL31) return word;
    return r->place + (word & 0x40000000U ? word | 0x80000000U : word & 0x7fffffffU);
}

/* Pointers in data, and in code that nobody decoded: the expected words. */
static void expect_pointers(struct compare *compare, size_t section, uint8_t *expected) {
    const struct fw_model *in = compare->in;
    const struct fw_section *s = &in->sections[section];
    const struct check *check = compare->check;
    for (size_t i = fw_relocation_from(in, s->address); i < in->relocation_count; i++) {
        const struct fw_relocation *r = &in->relocations[i];
        uint32_t offset = r->place - s->address, old, is;
        if (r->section != section || offset > s->size_bytes - 4) break;
        if (r->target_item == FW_NONE || fw_item_at(in, r->place) != FW_NONE) continue;
        if (!span_u32le((struct span){s->data, s->size_bytes}, offset, &old)) continue;
        (void)check_word(check, r->place, &is);
        is = address_in(r, is);
        uint32_t at = compare->at[r->target_item];
        if (at == FW_NONE) {
            check_find(compare->check, "original", r->place,
                       "a pointer leads to a function that is not in the output");
            continue;
        }
        uint32_t value = (at + r->target_delta) | r->target_thumb;
        const struct routine *routine = check_routine_at(check, is & ~1U);
        bool vector = in->vector_table != FW_NONE && r->place == in->vector_table + 4;
        if (routine && routine->target == at && r->target_thumb &&
            (routine->kind == ROUTINE_THUNK || (routine->kind == ROUTINE_BOOT && vector))) {
            value = routine->address | 1;
        }
        if (r->type == R_ARM_REL32) value -= r->place;
        if (r->type == R_ARM_PREL31) value = ((value - r->place) & 0x7fffffffU) | (old & 1U << 31);
        put_u32le(expected + offset, value);
    }
}

static void compare_section(struct compare *compare, size_t index) {
    const struct fw_section *a = &compare->in->sections[index];
    const struct fw_section *b = &compare->check->model->sections[index];
    struct arena scratch = {0};
    uint8_t *expected = arena_alloc(&scratch, a->size_bytes + 4, 1);
    memcpy(expected, a->data, a->size_bytes);
    expect_pointers(compare, index, expected);
    if (compare->claims[index].bytes) {
        compare_free_bytes(compare, index, expected);
    } else if (memcmp(b->data, expected, a->size_bytes) != 0) {
        uint32_t k = 0;
        while (b->data[k] == expected[k])
            k++;
        check_find(compare->check, "original", b->address + k,
                   "%s at 0x%08x is 0x%02x and should be 0x%02x", b->name, b->address + k,
                   b->data[k], expected[k]);
    }
    arena_free(&scratch);
}

static void compare_contents(struct compare *compare) {
    const struct fw_model *in = compare->in, *out = compare->check->model;
    for (size_t i = 0; i < out->section_count; i++) {
        if (!out->sections[i].data) continue;
        if (i >= in->section_count) {
            compare_free_bytes(compare, i, NULL);
        } else if (in->sections[i].type == SHT_ARM_EXIDX) {
            compare_unwind_index(compare, &in->sections[i], &out->sections[i]);
        } else {
            compare_section(compare, i);
        }
    }
}

/* The checking routine writes flags, and perhaps ip, in front of what it calls. */
static void judge_call_routines(struct compare *compare) {
    const struct fw_model *in = compare->in;
    for (uint32_t u = 0; compare->uses_call_routines && u < in->unit_count; u++) {
        const struct fw_unit *unit = &in->units[u];
        if (!unit->address_taken || compare->unit_start[u] == FW_NONE) continue;
        bool ip = compare->call_routine_clobbers_ip &&
                  ((unit->entry_live & FW_LIVE_IP) || unit->ip_reserved);
        if (!(unit->entry_live & FW_LIVE_FLAGS) && !ip) continue;
        check_find(compare->check, "calls", compare->unit_start[u],
                   "its address is taken and it needs flags or ip that the check destroys");
    }
}

static json_t *comparison_figures(const struct compare *compare) {
    const struct fw_model *in = compare->in;
    int moved = 0, dropped = 0, untouched = 0;
    for (size_t i = 0; i < in->function_count; i++) {
        const struct fw_function *f = &in->functions[i];
        bool gone =
            in->units[f->unit].decoded && f->item != FW_NONE && compare->at[f->item] == FW_NONE;
        bool stays =
            !in->units[f->unit].decoded || f->item == FW_NONE || compare->at[f->item] == f->address;
        dropped += gone;
        untouched += stays && !gone;
        moved += !stays && !gone;
    }
    return json_pack("{s:b, s:i, s:i, s:i, s:i}", "compared", 1, "functions",
                     (int)in->function_count, "moved", moved, "dropped", dropped, "untouched",
                     untouched);
}

/* What is left when every unit has its place, in the order in which it is told. */
enum { REFERENCES, CONTENTS, SYMBOLS, MAPPINGS, RELOCATIONS, CONTAINER, REST };

struct rest {
    struct compare parts[REST];
    struct check checks[REST];
};

/* Tasks need nothing of each other; the longest come first. */
static void do_rest(void *context, size_t task) {
    static const uint8_t order[] = {CONTENTS, RELOCATIONS, REFERENCES, SYMBOLS, CONTAINER};
    struct compare *parts = ((struct rest *)context)->parts;
    switch (order[task]) {
    case REFERENCES:
        compare_references(&parts[REFERENCES]);
        compare_run_outs(&parts[REFERENCES]);
        compare_tables(&parts[REFERENCES]);
        break;
    case CONTENTS:
        compare_contents(&parts[CONTENTS]);
        judge_call_routines(&parts[CONTENTS]);
        /* They are held to the claims, which the contents settle. */
        compare_mappings(&parts[MAPPINGS]);
        break;
    case SYMBOLS:
        compare_symbols(&parts[SYMBOLS]);
        break;
    case RELOCATIONS:
        compare_relocations(&parts[RELOCATIONS]);
        break;
    default:
        compare_container(&parts[CONTAINER]);
    }
}

static void compare_rest(struct compare *compare) {
    struct rest *rest = ARENA_NEW(&compare->arena, struct rest);
    for (size_t i = 0; i < REST; i++) {
        rest->checks[i] = check_part(compare->check);
        rest->parts[i] = compare_part(compare, &rest->checks[i]);
    }
    parallel_run(REST - 1, do_rest, rest); /* two are one task */
    for (size_t i = 0; i < REST; i++)
        compare_join(compare, &rest->parts[i]);
}

static void compare_all(struct compare *compare, struct span file) {
    struct check *check = compare->check;
    if (!same_sections(compare)) return;
    if (!compare_open_file(compare, file)) {
        check_find(check, "file", 0, "its section headers or symbols are not where they should be");
        return;
    }
    prepare(compare);
    compare_claim_routines(compare);
    compare_match_symbols(compare);
    compare_all_units(compare);
    compare_sort_made(compare);
    /* From here on every place is known. */
    compare_rest(compare);
    check->original = comparison_figures(compare);
}

static enum status of_original(enum status status, struct error *error) {
    if (status != STATUS_OK) error_prefix(error, "the original");
    return status;
}

enum status check_read_original(struct original *original, struct span file, struct error *error) {
    return of_original(fw_read_borrowing(&original->model, file, true, error), error);
}

enum status check_take_apart(struct original *original, struct error *error) {
    struct fw_flow flow;
    enum status status = of_original(fw_lift(&original->model, error), error);
    if (status != STATUS_OK) return status;
    fw_flow_build(&original->model, &flow);
    fw_unwind_pin(&original->model);
    fw_liveness(&original->model, &flow, &original->liveness);
    fw_flow_free(&flow);
    fw_reach(&original->model);
    return STATUS_OK;
}

void check_free_original(struct original *original) {
    fw_liveness_free(&original->liveness);
    arena_free(&original->model.arena);
}

void check_original(struct check *check, struct span file, struct original *original) {
    struct compare compare = {
        .check = check, .in = &original->model, .liveness = &original->liveness};
    compare_all(&compare, file);
    arena_free(&compare.arena);
}
