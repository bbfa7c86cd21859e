/* The memory map: the boot stub's regions, judged by the rules of PMSAv7 (ARM DDI 0403E,
 * B3.5.3): the region with the highest number that covers an address decides; from 256
 * bytes on, an eighth that is switched off does not cover; the default map (B3.1) shows
 * through where none does. What each section may then do is compared with what it is for. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "check/state.h"
#include "firmware/analyse/low_reads.h"
#include "firmware/analyse/mpu.h"

enum {
    AP_NONE = 0,
    AP_READ_WRITE = 3,
    AP_READ_ONLY = 6,
    WRITE_THROUGH = 2,  /* TEX 0, S 0, C 1, B 0 */
    WRITE_BACK = 8 | 3, /* TEX 1, S 0, C 1, B 1 */
    GUARD_BYTES = 32,
    EIGHTHS_FROM_LOG2 = 8,
    RAM_FROM = 0x20000000,
};

static uint64_t region_bytes(const struct region *region) {
    return (uint64_t)1 << region->log2_size;
}

static bool covers(const struct region *region, uint32_t address) {
    uint64_t offset = (uint64_t)address - region->base;
    if (address < region->base || offset >= region_bytes(region)) return false;
    if (region->log2_size < EIGHTHS_FROM_LOG2) return true;
    return !(region->disabled >> (offset >> (region->log2_size - 3)) & 1);
}

/* What decides at this address; NULL: the default map. */
static const struct region *deciding(const struct check *check, uint32_t address) {
    for (size_t i = check->region_count; i-- > 0;) {
        if (covers(&check->regions[i], address)) return &check->regions[i];
    }
    return NULL;
}

static bool default_executes(uint32_t address) {
    return address < 0x40000000U || (address >= 0x60000000U && address < 0xa0000000U);
}

static bool may_execute(const struct check *check, uint32_t address) {
    const struct region *r = deciding(check, address);
    return r ? r->executes : default_executes(address);
}

static bool may_write(const struct check *check, uint32_t address) {
    const struct region *r = deciding(check, address);
    return r ? r->access == AP_READ_WRITE : true;
}

static bool may_read(const struct check *check, uint32_t address) {
    const struct region *r = deciding(check, address);
    return !r || r->access != AP_NONE;
}

/* Each region has one of the forms that are understood in full. */
static void judge_forms(struct check *check) {
    for (size_t i = 0; i < check->region_count; i++) {
        const struct region *r = &check->regions[i];
        bool known_access =
            r->access == AP_NONE || r->access == AP_READ_WRITE || r->access == AP_READ_ONLY;
        bool known_type = r->access == AP_NONE
                              ? r->memory_type == 0
                              : r->memory_type == WRITE_THROUGH || r->memory_type == WRITE_BACK;
        bool aligned = r->log2_size >= 5 && (r->base & (region_bytes(r) - 1)) == 0;
        bool eighths = r->log2_size >= EIGHTHS_FROM_LOG2 || r->disabled == 0;
        bool reserved = (r->rasr & ~0x173fff3fU) == 0;
        if ((r->rasr & 1) && known_access && known_type && aligned && eighths && reserved) continue;
        check_find(check, "memory map", check->boot->address,
                   "region %zu (0x%08x, 0x%08x) is off or has no valid form", i, r->rbar, r->rasr);
    }
    for (size_t i = 0; i < check->region_count; i++) {
        const struct region *r = &check->regions[i];
        if (r->access == AP_READ_WRITE && r->executes) continue; /* judged by its contents */
        if (r->executes && r->access != AP_READ_ONLY) {
            check_find(check, "memory map", check->boot->address,
                       "region %zu executes but cannot be read", i);
        }
    }
}

enum { BOUNDARIES_MAXIMUM = 9 * REGIONS_MAXIMUM + 16 };

static int by_number(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Addresses between which one rule holds: 512 MiB ranges of the architecture, regions and
 * their eighths. */
static size_t boundaries(const struct check *check, uint64_t *out) {
    size_t count = 0;
    for (uint64_t range = 0; range <= 8; range++)
        out[count++] = range << 29;
    for (size_t i = 0; i < check->region_count; i++) {
        const struct region *r = &check->regions[i];
        bool eighths = r->log2_size >= EIGHTHS_FROM_LOG2;
        uint64_t step = eighths ? region_bytes(r) / 8 : region_bytes(r);
        for (uint64_t e = 0; e <= (eighths ? 8 : 1); e++)
            out[count++] = r->base + e * step;
    }
    qsort(out, count, sizeof *out, by_number);
    return count;
}

struct contents {
    bool code, data, writable;
};

static struct contents contents_of(const struct check *check, uint32_t start, uint64_t end) {
    const struct fw_model *model = check->model;
    struct contents out = {false, false, false};
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        uint64_t section_end = (uint64_t)s->address + s->size_bytes;
        if (!(s->flags & SHF_ALLOC) || !s->size_bytes) continue;
        if (s->address >= end || section_end <= start) continue;
        if (fw_is_ram_section(s)) {
            out.writable = true;
        } else if (fw_is_code_section(s)) {
            out.code = true;
        } else {
            out.data = true;
        }
    }
    return out;
}

static bool functions_in(const struct check *check, uint32_t start, uint64_t end) {
    const struct fw_function *f = check_function_before(check, end);
    return f && (uint64_t)f->address + f->size_bytes > start;
}

/* Is no smaller region one that covers the range? */
static bool is_smallest(const struct region *r, const struct check_range *range) {
    uint64_t end = (uint64_t)range->start + range->size_bytes, bytes = region_bytes(r);
    uint64_t half = bytes / 2, start_of_half = range->start & ~(half - 1);
    bool covers_all = range->start >= r->base && end <= r->base + bytes;
    return covers_all && (r->log2_size == 5 || end > start_of_half + half);
}

/* What a region is for: from the first piece to the last, and the eighths that hold some. */
struct cover {
    uint64_t start, end;
    uint32_t used;
};

static void cover_add(struct cover *cover, const struct region *r, uint32_t start,
                      uint32_t size_bytes) {
    uint64_t end = (uint64_t)start + size_bytes, eighth = region_bytes(r) / 8;
    if (start < cover->start) cover->start = start;
    if (end > cover->end) cover->end = end;
    for (uint32_t e = 0; e < 8 && r->log2_size >= EIGHTHS_FROM_LOG2; e++) {
        uint64_t from = r->base + e * eighth;
        if (start < from + eighth && end > from) cover->used |= 1U << e;
    }
}

/* The region is the smallest around all of it, and on only where some of it is. */
static bool is_exact(const struct region *r, const struct cover *cover) {
    if (cover->end == 0 || cover->end > UINT32_MAX) return false;
    struct check_range all = {(uint32_t)cover->start, (uint32_t)(cover->end - cover->start)};
    return is_smallest(r, &all) &&
           (r->log2_size < EIGHTHS_FROM_LOG2 || (cover->used | r->disabled) == 0xff);
}

/* Writable memory executes in one region, the smallest that the functions in RAM need: a wider
 * one would let what an attacker writes beside them execute. */
static void judge_executable_ram(struct check *check, const struct region *r) {
    struct fw_model *model = check->model;
    struct cover all = {.start = UINT64_MAX};
    for (size_t i = 0; i < model->function_count; i++) {
        const struct fw_function *f = &model->functions[i];
        const struct fw_section *s = fw_section_at(model, f->address);
        if (s && fw_is_ram_section(s) && f->size_bytes) {
            cover_add(&all, r, f->address, f->size_bytes);
        }
    }
    if (is_exact(r, &all)) return;
    check_find(check, "memory map", r->base,
               "0x%08x to 0x%08x is writable and executes, and is not the smallest region around "
               "the functions there",
               r->base, (uint32_t)(r->base + region_bytes(r) - 1));
}

/* No eighth executes in vain, and writable memory executes only where functions are. */
static void judge_executable(struct check *check) {
    for (size_t i = 0; i < check->region_count; i++) {
        const struct region *r = &check->regions[i];
        if (!r->executes) continue;
        if (r->access == AP_READ_WRITE) judge_executable_ram(check, r);
        bool eighths = r->log2_size >= EIGHTHS_FROM_LOG2;
        uint64_t step = eighths ? region_bytes(r) / 8 : region_bytes(r);
        for (uint32_t e = 0; e < (eighths ? 8 : 1); e++) {
            if (r->disabled >> e & 1) continue;
            uint64_t start = r->base + e * step, end = start + step;
            struct contents in = contents_of(check, (uint32_t)start, end);
            bool used = r->access == AP_READ_WRITE
                            ? in.writable && functions_in(check, (uint32_t)start, end)
                            : in.code;
            if (used && r->access != AP_READ_WRITE) continue;
            if (!used) {
                check_find(check, "memory map", (uint32_t)start,
                           "0x%08x to 0x%08x executes%s, and no code is there", (uint32_t)start,
                           (uint32_t)(end - 1),
                           r->access == AP_READ_WRITE ? " and is writable" : "");
                continue;
            }
            json_array_append_new(check->executable_ram,
                                  json_pack("{s:I, s:I}", "start", (json_int_t)start, "size_bytes",
                                            (json_int_t)step));
        }
    }
}

/* Flagged writable, but constants in flash: tables of constructors. */
static bool is_in_flash(const struct fw_section *s) {
    return s->address < RAM_FROM && fw_is_constant_table(s);
}

/* The smallest region around the key's word, which is read only once the map is on. */
static bool keeps_key(const struct check *check, const struct region *r) {
    uint32_t cell = check->sums.key_cell;
    return r && !check->sums.key_in_psp && cell && r->access == AP_READ_ONLY && r->log2_size == 5 &&
           cell - r->base < GUARD_BYTES;
}

static void judge_section(struct check *check, const struct fw_section *s, bool vectors) {
    bool writable = fw_is_ram_section(s), code = fw_is_code_section(s) && !writable;
    uint64_t end = (uint64_t)s->address + s->size_bytes;
    uint64_t all[BOUNDARIES_MAXIMUM];
    size_t count = boundaries(check, all);
    for (size_t i = 0; i < count; i++) {
        /* Each stretch of the section that one rule holds for, by its first address. */
        bool first = i + 1 == count || all[i + 1] > s->address;
        if (!first || all[i] >= end) continue;
        uint32_t address = all[i] > s->address ? (uint32_t)all[i] : s->address;
        const struct region *r = deciding(check, address);
        const char *what = NULL;
        bool guard = r && r->access == AP_NONE && r->log2_size == 5;
        if (keeps_key(check, r) && s->type == SHT_NOBITS) continue;
        if (guard && (s->type == SHT_NOBITS || (vectors && address < GUARD_BYTES))) continue;
        if (!may_read(check, address)) {
            what = "cannot be read";
        } else if (code && !may_execute(check, address)) {
            what = "holds code and does not execute";
        } else if ((!writable || is_in_flash(s)) && may_write(check, address)) {
            what = "is writable, and should not be";
        } else if (writable && !may_write(check, address) && !is_in_flash(s)) {
            what = "is not writable, and should be";
        } else if (writable && may_write(check, address) && may_execute(check, address) &&
                   !(r && functions_in(check, s->address, end))) {
            what = "is writable and executes";
        }
        if (!what) continue;
        check_find(check, "memory map", address, "%s at 0x%08x %s", s->name, address, what);
        return;
    }
}

/* A name for an address, not for a variable, a function or what bytes are ($a, $d, $t). */
static bool names_an_address(const struct fw_symbol *s) {
    unsigned type = ELF32_ST_TYPE(s->info);
    return s->section != SHN_UNDEF && s->name[0] != '$' && type != STT_FUNC && type != STT_FILE &&
           type != STT_TLS;
}

static uint32_t round_to_guard(uint32_t address) {
    return (address + GUARD_BYTES - 1) & ~(GUARD_BYTES - 1U);
}

/* A symbol, or the stack's own section, that begins where the guard was rounded up from. */
static bool is_stack_end(const struct check *check, uint32_t address) {
    const struct fw_model *model = check->model;
    for (size_t i = 0; i < model->symbol_count; i++) {
        const struct fw_symbol *s = &model->symbols[i];
        if (names_an_address(s) && address - s->value < GUARD_BYTES) return true;
    }
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        bool memory = (s->flags & SHF_ALLOC) && s->size_bytes;
        if (memory && address - s->address < GUARD_BYTES) return true;
    }
    return false;
}

/* From the guard to the stack's top there is nothing but the stack: a section without contents
 * that reaches its top, in which no variable lies but one that reaches it too; no stack
 * spans two of the architecture's ranges. */
static bool is_stack_alone(const struct check *check, uint32_t address, uint32_t top) {
    const struct fw_model *model = check->model;
    if (address >> 29 != (top - 1) >> 29) return false;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        uint64_t end = (uint64_t)s->address + s->size_bytes;
        if (!(s->flags & SHF_ALLOC) || !s->size_bytes) continue;
        if (s->address >= top || end <= address) continue;
        if (s->type != SHT_NOBITS || end < top) return false;
    }
    for (size_t i = 0; i < model->symbol_count; i++) {
        const struct fw_symbol *s = &model->symbols[i];
        uint64_t end = (uint64_t)s->value + s->size_bytes;
        if (ELF32_ST_TYPE(s->info) != STT_OBJECT || s->section == SHN_UNDEF) continue;
        if (s->value < top && end > address && end < top) return false;
    }
    return true;
}

/* Nothing of the image lies between the guard and the stack's top. Where the stack has a section
 * of its own, that says where it ends (is_stack_end). */
static bool is_free_to_top(const struct check *check, uint32_t address, uint32_t top) {
    const struct fw_model *model = check->model;
    if (address >> 29 != (top - 1) >> 29) return false;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!(s->flags & SHF_ALLOC) || !s->size_bytes) continue;
        if (s->address < top && s->address + s->size_bytes > address) return false;
    }
    return true;
}

static bool is_stack_guard(const struct check *check, const struct region *r, uint32_t top) {
    uint32_t told = check->options ? check->options->stack_limit : 0;
    if (r->log2_size != 5 || r->executes || r->base >= top || top - r->base <= GUARD_BYTES) {
        return false;
    }
    if (told) return r->base - told < GUARD_BYTES;
    if (is_stack_end(check, r->base) && is_stack_alone(check, r->base, top)) return true;
    return is_free_to_top(check, r->base, top);
}

/* The vector table's first word; 0: there is none. */
static uint32_t initial_stack(const struct check *check) {
    uint32_t top = 0;
    return check_word(check, check->model->vector_table, &top) ? top : 0;
}

static void find_guards(struct check *check) {
    uint32_t top = initial_stack(check);
    for (size_t i = 0; i < check->region_count; i++) {
        const struct region *r = &check->regions[i];
        if (r->access != AP_NONE) continue;
        if (r->base == 0 && r->log2_size == 5 && !r->executes) {
            check->null_guard = true;
        } else if (is_stack_guard(check, r, top)) {
            check->stack_guard = true;
            check->stack_guard_base = r->base;
        } else {
            check_find(check, "memory map", r->base,
                       "no access at 0x%08x, which is neither address 0 nor the stack's end",
                       r->base);
        }
    }
}

/* The same, with the eighths outside the range off. */
static bool is_cover(const struct region *r, const struct check_range *range) {
    uint64_t end = (uint64_t)range->start + range->size_bytes, bytes = region_bytes(r);
    uint32_t disabled = 0;
    for (uint32_t e = 0; e < 8 && r->log2_size >= EIGHTHS_FROM_LOG2; e++) {
        uint64_t from = r->base + e * (bytes / 8);
        if (from >= end || from + bytes / 8 <= range->start) disabled |= 1U << e;
    }
    return is_smallest(r, range) && r->disabled == disabled;
}

static bool is_declared(const struct check_options *options, const struct fw_section *s) {
    for (size_t i = 0; i < options->writable_flash_count; i++) {
        const struct check_range *range = &options->writable_flash[i];
        uint32_t offset = s->address - range->start;
        if (offset < range->size_bytes && s->size_bytes <= range->size_bytes - offset) return true;
    }
    return false;
}

/* RAM among the code's memory: a section there that is written and is no declared flash. */
static bool is_low_ram(const struct check *check, const struct fw_section *s) {
    return (s->flags & SHF_ALLOC) && s->size_bytes && fw_is_ram_section(s) &&
           s->address < RAM_FROM && !is_in_flash(s) && !is_declared(check->options, s);
}

/* The section in memory that begins below `address` and last of those; NULL: none does. */
static const struct fw_section *last_below(const struct check *check, uint32_t address) {
    const struct fw_model *model = check->model;
    const struct fw_section *found = NULL;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!(s->flags & SHF_ALLOC) || !s->size_bytes || s->address >= address) continue;
        if (!found || s->address > found->address) found = s;
    }
    return found;
}

/* The region is for the low RAM's sections and a stack from `start`, or from the variables that
 * are the next thing below it: what is between is theirs. */
static bool serves_low_ram_from(const struct check *check, const struct region *r, uint32_t start,
                                uint32_t top) {
    const struct fw_model *model = check->model;
    struct cover all = {.start = UINT64_MAX};
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (is_low_ram(check, s)) cover_add(&all, r, s->address, s->size_bytes);
    }
    const struct fw_section *below = last_below(check, start);
    if (below && is_low_ram(check, below)) start = below->address + below->size_bytes;
    if (start < top) cover_add(&all, r, start, top - start);
    return is_exact(r, &all);
}

static bool serves_low_ram(const struct check *check, const struct region *r) {
    const struct fw_model *model = check->model;
    uint32_t top = initial_stack(check), told = check->options->stack_limit;
    if (top == 0 || top - 1 >= RAM_FROM) return serves_low_ram_from(check, r, 0, 0);
    const struct fw_section *own = last_below(check, top);
    if (own && top - own->address <= own->size_bytes) {
        return serves_low_ram_from(check, r, own->address, top);
    }
    if (told) return serves_low_ram_from(check, r, round_to_guard(told), top);
    if (check->stack_guard) return serves_low_ram_from(check, r, check->stack_guard_base, top);
    if (serves_low_ram_from(check, r, top, top)) return true;
    /* Without a guard the stack's end may be any that the image names, in this eighth or that. */
    uint32_t eighth = (uint32_t)(region_bytes(r) / 8);
    for (uint32_t start = r->base, e = 0; e < 8; e++, start += eighth) {
        if (start >= top || !serves_low_ram_from(check, r, start, top)) continue;
        for (size_t i = 0; i < model->symbol_count; i++) {
            const struct fw_symbol *s = &model->symbols[i];
            uint32_t end = round_to_guard(s->value);
            if (names_an_address(s) && end - start < eighth && end < top) return true;
        }
    }
    return false;
}

/* The reset handler's first push must not fault: the initial stack is RAM, and stays it from the
 * guard, where there is one, to its top. */
static void judge_stack(struct check *check) {
    uint32_t top = initial_stack(check);
    if (top < 4) return; /* no table, or none that a processor starts by: vectors.c */
    uint32_t start = check->stack_guard ? check->stack_guard_base + GUARD_BYTES : top - 4;
    uint64_t all[BOUNDARIES_MAXIMUM];
    size_t count = boundaries(check, all);
    for (size_t i = 0; i < count; i++) {
        uint32_t address = all[i] > start ? (uint32_t)all[i] : start;
        bool last = i + 1 == count || all[i + 1] > address;
        if (all[i] >= top || !last || may_write(check, address)) continue;
        check_find(check, "memory map", address,
                   "the initial stack (down from 0x%08x) cannot be written at 0x%08x", top,
                   address);
        return;
    }
}

/* A region is writable for one of the ranges that the description asks for. */
static bool serves_declared(const struct check_options *options, const struct region *r,
                            bool *used) {
    for (size_t i = 0; i < options->writable_flash_count; i++) {
        if (used[i] || !is_cover(r, &options->writable_flash[i])) continue;
        used[i] = true;
        return true;
    }
    return false;
}

/* Regions among the code's memory that may be written, and declared flash elsewhere: told.
 * When ranges are declared (or it is said that there are none), those and the image's own
 * RAM are all that may be there. */
static void find_writable_flash(struct check *check) {
    const struct check_options *options = check->options;
    bool judged = options && options->writable_flash;
    size_t count = judged ? options->writable_flash_count : 0;
    bool *used = ARENA_ARRAY(&check->arena, bool, count + 1);
    for (size_t i = 0; i < check->region_count; i++) {
        const struct region *r = &check->regions[i];
        bool among_code = r->base >> 29 == 0;
        if (r->access != AP_READ_WRITE || r->log2_size >= 29) continue;
        bool declared = judged && serves_declared(options, r, used);
        if (!among_code && !declared) continue;
        json_array_append_new(check->writable_flash,
                              json_pack("{s:I, s:I}", "start", (json_int_t)r->base, "size_bytes",
                                        (json_int_t)region_bytes(r)));
        if (!judged || declared || serves_low_ram(check, r)) continue;
        check_find(check, "memory map", r->base,
                   "flash at 0x%08x is writable, and is not said to be", r->base);
    }
    for (size_t i = 0; i < count; i++) {
        if (used[i]) continue;
        check_find(check, "memory map", options->writable_flash[i].start,
                   "flash at 0x%08x should be writable, and no region says so",
                   options->writable_flash[i].start);
    }
}

/* Does the region decide anywhere in this part of it? */
static bool decides(const struct check *check, const struct region *region, uint64_t start,
                    uint64_t end) {
    uint64_t all[BOUNDARIES_MAXIMUM];
    size_t count = boundaries(check, all);
    for (size_t i = 0; i < count; i++) {
        bool inside = all[i] >= start && all[i] < end;
        if (inside && deciding(check, (uint32_t)all[i]) == region) return true;
    }
    return false;
}

/* A part of a region that others hide has no meaning, so it has one form: off. */
static void judge_hidden(struct check *check) {
    for (size_t i = 0; i < check->region_count; i++) {
        const struct region *r = &check->regions[i];
        bool eighths = r->log2_size >= EIGHTHS_FROM_LOG2;
        uint64_t step = eighths ? region_bytes(r) / 8 : region_bytes(r);
        for (uint32_t e = 0; e < (eighths ? 8 : 1); e++) {
            uint64_t start = r->base + e * step;
            if ((r->disabled >> e & 1) || decides(check, r, start, start + step)) continue;
            check_find(check, "memory map", (uint32_t)start,
                       "region %zu is on at 0x%08x, where others hide it", i, (uint32_t)start);
        }
    }
}

/* Code is what the region's eighth around the address is on for: where others hide none of it. */
static bool decides_for_code(const struct check *check, const struct region *r, uint32_t address) {
    uint64_t all[BOUNDARIES_MAXIMUM];
    size_t count = boundaries(check, all);
    uint64_t step = region_bytes(r) / (r->log2_size >= EIGHTHS_FROM_LOG2 ? 8 : 1);
    uint64_t first = r->base + (address - r->base) / step * step;
    for (size_t i = 0; i + 1 < count; i++) {
        bool inside = all[i] >= first && all[i] < first + step && all[i] < all[i + 1];
        if (!inside || deciding(check, (uint32_t)all[i]) != r) continue;
        if (contents_of(check, (uint32_t)all[i], all[i + 1]).code) return true;
    }
    return false;
}

/* Memory without contents of the image: it does not execute, flash is not writable, and
 * what is mapped to devices keeps the default map. */
static void judge_rest(struct check *check) {
    uint64_t all[BOUNDARIES_MAXIMUM];
    size_t count = boundaries(check, all);
    for (size_t i = 0; i + 1 < count && all[i] < (uint64_t)1 << 32; i++) {
        uint32_t start = (uint32_t)all[i], range = start >> 29;
        if (all[i] == all[i + 1]) continue;
        const struct region *r = deciding(check, start);
        struct contents in = contents_of(check, start, all[i + 1]);
        const char *what = NULL;
        if (keeps_key(check, r)) {
            what = NULL;
        } else if (range == 2 || range >= 5) {
            what = r ? "is for devices, and the memory map changes it" : NULL;
        } else if (!r) {
            what = "is left to the default map";
        } else if (r->executes && !in.code && !in.writable && !decides_for_code(check, r, start)) {
            what = "executes, and no code is there";
        } else if (range == 0 && r->access == AP_READ_WRITE && r->log2_size >= 29) {
            what = "is flash that can be written";
        } else if (range != 0 && r->access == AP_READ_ONLY && !in.code && !in.data) {
            what = "is RAM that cannot be written";
        }
        if (!what) continue;
        check_find(check, "memory map", start, "0x%08x to 0x%08x %s", start,
                   (uint32_t)(all[i + 1] - 1), what);
    }
}

/* Region 7 is left to the functions that are said to open and close the flash driver's window. */
void check_flash_window(struct check *check) {
    const struct check_options *options = check->options;
    if (!options || !options->flash_window_count) return;
    const char *unknown =
        fw_mark_flash_window(check->model, options->flash_window, options->flash_window_count);
    check->window_named = true;
    if (unknown) {
        check_find(check, "memory map", 0,
                   "%s should open the flash driver's window, and is no function of its own",
                   unknown);
    }
    if (check->region_count > FW_FLASH_WINDOW_REGION) {
        check_find(check, "memory map", check->boot->address,
                   "the map uses region 7, which is the flash driver's window");
    }
}

void check_low_reads(struct check *part) {
    bool guarded = false;
    for (size_t i = 0; i < part->region_count; i++)
        guarded |= part->regions[i].access == AP_NONE && part->regions[i].base == 0;
    if (!part->map_applied || !guarded) return;
    uint32_t at = fw_low_read(part->model, &part->flow, part->boot->address, part->boot->end);
    if (at == FW_NONE) return;
    check_find(part, "memory map", part->model->items[at].address,
               "it reads address 0 as data, or passes it to what does, and that faults");
}

void check_other_maps(struct check *part, size_t piece) {
    struct fw_model *model = part->model;
    uint32_t end = check_piece_first(part, piece + 1);
    for (uint32_t u = check_piece_first(part, piece); part->map_applied && u < end; u++) {
        uint32_t mask = part->map_in_faults ? FW_NONE : fw_faultmask_use(model, u);
        if (mask != FW_NONE) {
            check_find(part, "memory map", model->items[mask].address,
                       "it may set FAULTMASK, under which the memory map is off");
        }
        uint32_t use = fw_mpu_use(model, &part->flow, u, part->boot->address, part->boot->end);
        if (use == FW_NONE) continue;
        bool window = model->units[u].flash_window;
        check_find(part, "memory map", model->items[use].address,
                   window ? "it may change the MPU's registers, and not only by a region 7 that "
                            "never executes"
                          : "it may change the MPU's registers");
    }
}

/* What fw_mpu_use() has proven of the window is its region and that it never executes. Where it
 * opens comes from arguments; its size is the largest that the code can write. */
static void measure_window(struct check *check) {
    const struct fw_model *model = check->model;
    for (uint32_t u = 0; u < model->unit_count; u++) {
        uint8_t power = model->units[u].window_power;
        if (power > check->window_power) check->window_power = power;
    }
}

/* The map holds for the handlers of hard faults and NMIs where FAULTMASK asks for it, and only
 * there: they may run on a stack that ran into its guard. */
static void judge_control(struct check *check) {
    const struct fw_model *model = check->model;
    bool asked = !check->map_in_faults; /* otherwise check_other_maps() looks */
    for (uint32_t u = 0; u < model->unit_count && !asked; u++)
        asked = fw_faultmask_use(model, u) != FW_NONE;
    if (asked) return;
    check_find(check, "memory map", check->boot->address,
               "the map holds for hard faults and NMIs too, and nothing asks for it");
}

/* May the firmware look for its vector table at address 0? Requires check_other_maps(). */
static void judge_null_guard(struct check *check) {
    const struct fw_model *model = check->model;
    for (uint32_t u = 0; u < model->unit_count && check->null_guard; u++) {
        if (!model->units[u].reads_vtor) continue;
        check_find(
            check, "memory map", model->functions[model->units[u].function_first].address,
            "it asks the processor where its vector table is, which may be at address 0, and "
            "that faults");
    }
}

void check_memory_map(struct check *check) {
    const struct fw_model *model = check->model;
    if (!check->map_applied) return;
    judge_forms(check);
    judge_executable(check);
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        bool vectors = model->vector_table - s->address < s->size_bytes;
        bool tbss = (s->flags & SHF_TLS) && s->type == SHT_NOBITS;
        if ((s->flags & SHF_ALLOC) && s->size_bytes && !tbss) judge_section(check, s, vectors);
    }
    find_guards(check);
    judge_null_guard(check);
    judge_stack(check);
    judge_control(check);
    bool in_memory = !check->sums.key_in_psp && check->sums.key_cell;
    if (in_memory && may_write(check, check->sums.key_cell)) {
        check_find(check, "memory map", check->sums.key_cell, "the key's word can be written");
    }
    find_writable_flash(check);
    measure_window(check);
    judge_rest(check);
    judge_hidden(check);
}
