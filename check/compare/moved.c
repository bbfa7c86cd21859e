/* Is one file another one at a new place? Proven from the two files, without the code that moved
 * it: what a reference means is its symbol, so that a value must have gone as far as its symbol
 * has, and a symbol as far as its section has; every byte that no such rule speaks of is equal.
 *
 * Two kinds of values have no symbol to follow. An absolute symbol may be an address or a number:
 * one at an edge of what start-up copies to RAM is an address, the others in the image are named,
 * for the maker to judge. The regions' addresses in the boot stub's MPU table may differ by the
 * distance: that the map is right where the image now is, check_image() proves from the moved
 * file alone. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "check/moved.h"
#include "check/state.h"
#include "firmware/lift/lift.h"
#include "firmware/read/read.h"

struct pair {
    struct fw_model before, after;
    struct span old, now;
    uint8_t *explained; /* a byte for each of the file: a rule spoke of it */
    uint32_t shift, first, end;
    struct error *error;
    const struct check_move_options *options;
    struct check_move *out;
    size_t absolute_capacity;
};

static uint32_t u32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static enum status differs(struct pair *pair, const char *what, uint32_t address) {
    return error_input(pair->error, "0x%08x: %s", address, what);
}

static bool in_image(const struct pair *pair, uint32_t value) {
    return value - pair->first <= pair->end - pair->first;
}

static uint32_t load_start(const struct fw_model *model, uint32_t *end) {
    uint32_t first = UINT32_MAX;
    *end = 0;
    for (size_t i = 0; i < model->segment_count; i++) {
        const struct fw_segment *s = &model->segments[i];
        if (s->type != PT_LOAD || !s->file_bytes) continue;
        if (s->load_address < first) first = s->load_address;
        if (s->load_address + s->file_bytes > *end) *end = s->load_address + s->file_bytes;
    }
    return first;
}

static void explain(struct pair *pair, size_t offset, size_t count) {
    memset(pair->explained + offset, 1, count);
}

/* The file offset of a place, from the section's borrowed contents. */
static size_t offset_of(const struct pair *pair, const struct fw_section *s, uint32_t place) {
    return (size_t)(s->data - pair->old.data) + (place - s->address);
}

static enum status compare_sections(struct pair *pair) {
    if (pair->before.section_count != pair->after.section_count ||
        pair->before.symbol_count != pair->after.symbol_count ||
        pair->before.segment_count != pair->after.segment_count) {
        return differs(pair, "the files do not have as many sections, segments and symbols", 0);
    }
    for (size_t i = 0; i < pair->before.section_count; i++) {
        const struct fw_section *a = &pair->before.sections[i], *b = &pair->after.sections[i];
        bool flashed = (a->flags & SHF_ALLOC) && a->data && a->size_bytes;
        bool stays = a->address != a->load_address || !in_image(pair, a->address);
        if (strcmp(a->name, b->name) != 0 || a->type != b->type || a->flags != b->flags ||
            a->size_bytes != b->size_bytes || (a->data == NULL) != (b->data == NULL)) {
            return differs(pair, "another section stands there", a->address);
        }
        if (a->data && a->data - pair->old.data != b->data - pair->now.data) {
            return differs(pair, "the section's contents are elsewhere in the file", a->address);
        }
        uint32_t moved = b->address - a->address;
        if (flashed && b->load_address - a->load_address != pair->shift) {
            return differs(pair, "the section is flashed where it should not be", a->address);
        }
        if (flashed && moved != (stays ? 0 : pair->shift)) {
            return differs(pair, "the section went as far as it should not", a->address);
        }
        if (!flashed && a->size_bytes && moved) {
            return differs(pair, "a section in RAM went elsewhere", a->address);
        }
    }
    for (size_t i = 0; i < pair->before.segment_count; i++) {
        const struct fw_segment *a = &pair->before.segments[i], *b = &pair->after.segments[i];
        bool same = a->type == b->type && a->flags == b->flags && a->file_bytes == b->file_bytes &&
                    a->memory_bytes == b->memory_bytes && a->file_offset == b->file_offset;
        if (!same) return differs(pair, "another segment stands there", a->address);
    }
    return STATUS_OK;
}

/* The load address of what start-up copies elsewhere, or its end. */
static bool is_load_edge(const struct fw_model *model, uint32_t value) {
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        bool copied =
            (s->flags & SHF_ALLOC) && s->data && s->size_bytes && s->load_address != s->address;
        if (!copied) continue;
        if (value == s->load_address || value == s->load_address + s->size_bytes) return true;
    }
    return false;
}

static bool is_told_number(const struct pair *pair, const char *name) {
    const struct check_move_options *options = pair->options;
    for (size_t i = 0; options && i < options->number_count; i++) {
        if (strcmp(options->numbers[i], name) == 0) return true;
    }
    return false;
}

static enum status compare_absolute(struct pair *pair, const struct fw_symbol *symbol, bool went) {
    struct check_move *out = pair->out;
    bool number = is_told_number(pair, symbol->name);
    if (!in_image(pair, symbol->value) || !pair->shift) return STATUS_OK;
    if (number && went) return differs(pair, "a number went as an address", symbol->value);
    if (number) return STATUS_OK;
    if (is_load_edge(&pair->before, symbol->value)) {
        if (went) return STATUS_OK;
        return error_input(pair->error,
                           "0x%08x: the absolute symbol %s is where data that start-up copies is "
                           "flashed, and stayed behind: name it as a number if it is one",
                           symbol->value, symbol->name);
    }
    out->absolutes = arena_grow(&out->arena, out->absolutes, out->absolute_count,
                                &pair->absolute_capacity, sizeof *out->absolutes);
    out->absolutes[out->absolute_count++] = (struct check_absolute){
        arena_string(&out->arena, symbol->name, strlen(symbol->name)), symbol->value, went};
    return STATUS_OK;
}

/* Of a symbol in a section: the section's distance, or the image's for what lies in flash though
 * its section runs in RAM (the load address), or behind its section's end. */
static enum status compare_symbols(struct pair *pair) {
    for (size_t i = 1; i < pair->before.symbol_count; i++) {
        const struct fw_symbol *a = &pair->before.symbols[i], *b = &pair->after.symbols[i];
        uint32_t moved = b->value - a->value;
        if (strcmp(a->name, b->name) != 0 || a->section != b->section || a->info != b->info ||
            a->other != b->other || a->size_bytes != b->size_bytes) {
            return differs(pair, "another symbol stands there", a->value);
        }
        if (moved && (moved != pair->shift || !in_image(pair, a->value))) {
            return differs(pair, "a symbol went where it should not", a->value);
        }
        if (a->section == SHN_ABS && ELF32_ST_TYPE(a->info) != STT_FILE) {
            enum status status = compare_absolute(pair, a, moved != 0);
            if (status != STATUS_OK) return status;
        } else if (a->section && a->section < SHN_LORESERVE && !moved && pair->shift &&
                   in_image(pair, a->value) && ELF32_ST_TYPE(a->info) != STT_TLS) {
            return differs(pair, "a symbol stayed behind", a->value);
        }
    }
    return STATUS_OK;
}

/* How far the symbol went. A veneer's literal has none: it goes with the image, as the function
 * does that it is the address of. */
static uint32_t symbol_went(const struct pair *pair, const struct fw_relocation *r) {
    if (r->symbol == 0) {
        bool known = r->target_item != FW_NONE;
        return known && in_image(pair, pair->before.items[r->target_item].address) ? pair->shift
                                                                                   : 0;
    }
    return pair->after.symbols[r->symbol].value - pair->before.symbols[r->symbol].value;
}

static bool half_of(const uint8_t *p, uint32_t *imm, unsigned *reg, bool *high) {
    uint32_t first = (uint32_t)(p[0] | p[1] << 8), second = (uint32_t)(p[2] | p[3] << 8);
    if (((first & 0xfbf0) != 0xf240 && (first & 0xfbf0) != 0xf2c0) || second >> 15) return false;
    *imm = (first & 15) << 12 | (first & 0x400) << 1 | (second & 0x7000) >> 4 | (second & 0xff);
    *reg = second >> 8 & 15;
    *high = (first & 0x80) != 0;
    return true;
}

/* A half is right when all halves that make values with it are: each MOVT with every MOVW of its
 * symbol and register before the next such MOVT. Seen from each MOVW: to the next MOVT. */
static enum status compare_half(struct pair *pair, size_t index) {
    const struct fw_model *model = &pair->before;
    const struct fw_relocation *r = &model->relocations[index];
    const struct fw_section *s = &model->sections[r->section];
    size_t at = offset_of(pair, s, r->place);
    uint32_t old, now, other_old, other_now;
    unsigned reg, reg_now, other_reg;
    bool high, high_now, other_high, any = false;
    if (!half_of(pair->old.data + at, &old, &reg, &high) ||
        !half_of(pair->now.data + at, &now, &reg_now, &high_now) || reg != reg_now ||
        high != high_now) {
        return differs(pair, "no MOVW or MOVT of that register any more", r->place);
    }
    for (size_t i = index; high ? i-- > 0 : ++i < model->relocation_count;) {
        const struct fw_relocation *o = &model->relocations[i];
        if (o->section != r->section) break;
        if (o->symbol != r->symbol ||
            (o->type != R_ARM_THM_MOVW_ABS_NC && o->type != R_ARM_THM_MOVT_ABS)) {
            continue;
        }
        size_t there = offset_of(pair, s, o->place);
        if (!half_of(pair->old.data + there, &other_old, &other_reg, &other_high)) break;
        half_of(pair->now.data + there, &other_now, &other_reg, &other_high);
        if (other_reg != reg || other_high == high) continue;
        uint32_t before = high ? old << 16 | other_old : other_old << 16 | old;
        uint32_t after = high ? now << 16 | other_now : other_now << 16 | now;
        if (after - before != symbol_went(pair, r)) {
            return differs(pair, "a MOVW/MOVT pair did not go with its symbol", r->place);
        }
        any = true;
        break;
    }
    if (!any && old != now) return differs(pair, "half a pair changed", r->place);
    explain(pair, at, 4);
    pair->out->references++;
    return STATUS_OK;
}

static enum status compare_word(struct pair *pair, const struct fw_relocation *r, bool relative) {
    const struct fw_section *s = &pair->before.sections[r->section];
    size_t at = offset_of(pair, s, r->place);
    uint32_t wanted = symbol_went(pair, r), old = u32(pair->old.data + at);
    uint32_t now = u32(pair->now.data + at), mask = 0xffffffff;
    if (relative) wanted -= pair->after.sections[r->section].address - s->address;
    if (r->type == R_ARM_PREL31) mask = 0x7fffffff;
    if (((now - old) & mask) != (wanted & mask) || (now & ~mask) != (old & ~mask)) {
        return differs(pair, "a reference did not go with its symbol", r->place);
    }
    explain(pair, at, 4);
    pair->out->references++;
    return STATUS_OK;
}

/* Branches (compare_relative_code() looks at what they reach) and what has no address. */
static bool has_no_address(uint32_t type) {
    switch (type) {
    case R_ARM_NONE:
    case R_ARM_V4BX:
    case R_ARM_TLS_LE32:
    case R_ARM_THM_PC22:
    case R_ARM_THM_JUMP24:
    case R_ARM_THM_JUMP19:
    case R_ARM_THM_PC11:
    case R_ARM_THM_PC9:
    case R_ARM_THM_JUMP6:
        return true;
    default:
        return false;
    }
}

/* A field that no rule speaks of has to be equal, so what it names may not have gone. */
static enum status compare_other(struct pair *pair, const struct fw_relocation *r) {
    if (has_no_address(r->type) || symbol_went(pair, r) == 0) return STATUS_OK;
    return error_input(pair->error,
                       "0x%08x: relocation type %u: its field cannot follow what it names",
                       r->place, r->type);
}

static enum status compare_reference(struct pair *pair, size_t index) {
    const struct fw_relocation *r = &pair->before.relocations[index];
    const struct fw_relocation *o = &pair->after.relocations[index];
    const struct fw_section *s = &pair->before.sections[r->section];
    uint32_t moved = pair->after.sections[r->section].address - s->address;
    if (r->type != o->type || r->symbol != o->symbol || r->section != o->section ||
        o->place - r->place != moved) {
        return differs(pair, "another relocation stands there", r->place);
    }
    if (!s->data || s->type == SHT_ARM_EXIDX) return STATUS_OK;
    switch (r->type) {
    case R_ARM_ABS32:
    case R_ARM_ABS32_NOI:
    case R_ARM_TARGET1:
        return compare_word(pair, r, false);
    case R_ARM_REL32:
    case R_ARM_PREL31:
        return compare_word(pair, r, true);
    case R_ARM_TARGET2: {
        size_t at = offset_of(pair, s, r->place);
        uint32_t value = u32(pair->old.data + at), meant = pair->before.symbols[r->symbol].value;
        return value ? compare_word(pair, r, value != meant) : STATUS_OK;
    }
    case R_ARM_THM_MOVW_ABS_NC:
    case R_ARM_THM_MOVT_ABS:
        return compare_half(pair, index);
    default:
        return compare_other(pair, r);
    }
}

/* What counts from the program counter keeps its meaning where its target went with it. */
static enum status compare_relative_code(struct pair *pair) {
    struct fw_model *model = &pair->before;
    for (size_t i = 0; i < model->item_count; i++) {
        const struct fw_item *item = &model->items[i];
        bool relative =
            item->kind == FW_ITEM_INSN && (item->insn->reference == THUMB_REFERENCE_BRANCH ||
                                           item->insn->reference == THUMB_REFERENCE_LITERAL ||
                                           item->insn->reference == THUMB_REFERENCE_ADR);
        if (!relative) continue;
        const struct fw_section *s = fw_section_at(model, item->address);
        uint32_t moved = s ? pair->after.sections[s - model->sections].address - s->address : 0;
        if (moved == (in_image(pair, item->insn->target) ? pair->shift : 0)) continue;
        return differs(pair, "an instruction reaches what did not move with it", item->address);
    }
    return STATUS_OK;
}

static enum status compare_unwinding(struct pair *pair) {
    for (size_t i = 0; i < pair->before.section_count; i++) {
        const struct fw_section *s = &pair->before.sections[i];
        if (s->type != SHT_ARM_EXIDX || !s->data) continue;
        for (uint32_t at = 0; s->size_bytes - at >= 8; at += 8) {
            uint32_t word = u32(s->data + at), place = s->address + at;
            uint32_t target = place + (((word & 0x7fffffffU) ^ 0x40000000U) - 0x40000000U);
            if (in_image(pair, target)) continue;
            return differs(pair, "an unwind entry leads out of the image", place);
        }
    }
    return STATUS_OK;
}

/* The addresses of the regions in the boot stub's MPU table, where the stub's own code says that
 * it is: each stays, or goes as far as the image. */
static void explain_boot_stub(struct pair *pair) {
    struct check check = {.model = &pair->before};
    check_prepare_places(&check);
    check_boot(&check);
    const struct routine *boot = check.boot;
    for (uint32_t at = boot ? boot->table : 0; at && at < boot->end; at += 8) {
        const struct fw_section *s = fw_section_at(&pair->before, at);
        if (!s || !s->data || s->size_bytes - (at - s->address) < 4) break;
        size_t offset = offset_of(pair, s, at);
        uint32_t moved = u32(pair->now.data + offset) - u32(pair->old.data + offset);
        if (moved == pair->shift) explain(pair, offset, 4);
    }
    arena_free(&check.arena);
}

/* A field of a table that holds an address of the image may have gone as far as the image. */
static void explain_field(struct pair *pair, size_t offset) {
    uint32_t old = u32(pair->old.data + offset), now = u32(pair->now.data + offset);
    if (in_image(pair, old) && now - old == pair->shift) explain(pair, offset, 4);
}

/* Headers, symbols and relocations; which of them had to go was compared above. */
static void explain_tables(struct pair *pair) {
    Elf32_Ehdr header;
    memcpy(&header, pair->old.data, sizeof header);
    explain_field(pair, offsetof(Elf32_Ehdr, e_entry));
    for (size_t i = 0; i < header.e_phnum; i++) {
        size_t at = header.e_phoff + i * sizeof(Elf32_Phdr);
        explain_field(pair, at + offsetof(Elf32_Phdr, p_vaddr));
        explain_field(pair, at + offsetof(Elf32_Phdr, p_paddr));
    }
    for (size_t i = 0; i < header.e_shnum; i++) {
        Elf32_Shdr s;
        size_t at = header.e_shoff + i * sizeof s;
        memcpy(&s, pair->old.data + at, sizeof s);
        explain_field(pair, at + offsetof(Elf32_Shdr, sh_addr));
        size_t entry = s.sh_type == SHT_SYMTAB ? sizeof(Elf32_Sym)
                       : s.sh_type == SHT_REL  ? sizeof(Elf32_Rel)
                                               : 0;
        size_t field = s.sh_type == SHT_SYMTAB ? offsetof(Elf32_Sym, st_value) : 0;
        for (size_t k = 0; entry && k < s.sh_size / entry; k++)
            explain_field(pair, s.sh_offset + k * entry + field);
    }
}

static enum status compare_rest(struct pair *pair) {
    explain_boot_stub(pair);
    explain_tables(pair);
    for (size_t i = 0; i < pair->old.size_bytes; i++) {
        if (pair->explained[i] || pair->old.data[i] == pair->now.data[i]) continue;
        return error_input(pair->error, "byte 0x%zx of the file differs, and nothing explains it",
                           i);
    }
    uint32_t entry = pair->after.entry - pair->before.entry;
    if (entry != pair->shift) return differs(pair, "the entry is another", pair->before.entry);
    return STATUS_OK;
}

static enum status compare(struct pair *pair) {
    uint32_t end;
    enum status status = fw_read_borrowing(&pair->before, pair->old, true, pair->error);
    if (status == STATUS_OK) {
        status = fw_read_borrowing(&pair->after, pair->now, true, pair->error);
    }
    if (status != STATUS_OK) return status;
    pair->first = load_start(&pair->before, &pair->end);
    pair->shift = load_start(&pair->after, &end) - pair->first;
    pair->out->from = pair->first;
    pair->out->to = pair->first + pair->shift;
    if (pair->old.size_bytes != pair->now.size_bytes) {
        return differs(pair, "the files are not equally long", 0);
    }
    status = compare_sections(pair);
    if (status == STATUS_OK) status = compare_symbols(pair);
    /* Lifting gives veneers' literals relocations of their own, on both sides. */
    if (status == STATUS_OK) status = fw_lift(&pair->before, pair->error);
    if (status == STATUS_OK) status = fw_lift(&pair->after, pair->error);
    if (status == STATUS_OK && pair->before.relocation_count != pair->after.relocation_count) {
        status = differs(pair, "the files do not have as many relocations", 0);
    }
    for (size_t i = 0; status == STATUS_OK && i < pair->before.relocation_count; i++)
        status = compare_reference(pair, i);
    if (status == STATUS_OK) status = compare_relative_code(pair);
    if (status == STATUS_OK) status = compare_unwinding(pair);
    return status == STATUS_OK ? compare_rest(pair) : status;
}

enum status check_moved(struct span before, struct span after,
                        const struct check_move_options *options, struct check_move *out,
                        struct error *error) {
    struct pair pair = {
        .old = before, .now = after, .options = options, .out = out, .error = error};
    *out = (struct check_move){.from = 0};
    pair.explained = calloc(before.size_bytes + 1, 1);
    if (!pair.explained) return error_environment(error, "out of memory");
    enum status status = compare(&pair);
    free(pair.explained);
    arena_free(&pair.before.arena);
    arena_free(&pair.after.arena);
    if (status != STATUS_OK) check_move_free(out);
    return status;
}

void check_move_free(struct check_move *move) {
    arena_free(&move->arena);
    *move = (struct check_move){.from = 0};
}
