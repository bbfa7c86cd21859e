/* See slots.h. The file is edited in place: contents by relocations, then the tables that
 * describe it. release/memory_map.c has the hardener's table of MPU regions. */
#include "release/slots.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lift/lift.h"
#include "firmware/read/read.h"
#include "release/moving.h"

enum { PAIR_REACH_BYTES = 256, IMAGE_ALIGNMENT = 4, GAP = 0xff };

bool moving_in_image(const struct moving *moving, uint32_t value) {
    return value - moving->first <= moving->end - moving->first;
}

uint8_t *moving_bytes(struct moving *moving, const struct fw_section *s, uint32_t place) {
    return moving->file->data + (s->data - moving->input.data) + (place - s->address);
}

static bool is_flashed(const struct fw_section *s) {
    return (s->flags & SHF_ALLOC) && s->data && s->size_bytes;
}

/* Runs where it is flashed. */
static bool moves(const struct fw_section *s) {
    return is_flashed(s) && s->load_address == s->address;
}

static uint32_t get_u32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* From the first byte that is flashed to behind the last. */
static enum status find_image(struct moving *moving) {
    const struct fw_model *model = moving->model;
    uint32_t first = UINT32_MAX, end = 0;
    for (size_t i = 0; i < model->segment_count; i++) {
        const struct fw_segment *segment = &model->segments[i];
        if (segment->type != PT_LOAD || !segment->file_bytes) continue;
        if (segment->load_address < first) first = segment->load_address;
        uint32_t behind = segment->load_address + segment->file_bytes;
        if (behind > end) end = behind;
    }
    if (first >= end) return error_input(moving->error, "nothing in it is flashed");
    if (model->vector_table != first) {
        return error_input(moving->error,
                           "the image begins at 0x%08x and not with its vector table, from which "
                           "the boot stage starts it",
                           first);
    }
    moving->first = first;
    moving->end = end;
    return STATUS_OK;
}

/* What stays must neither lie in the image nor touch its end, where an address could mean both. */
static enum status check_room(struct moving *moving, uint32_t slot_bytes) {
    const struct fw_model *model = moving->model;
    uint32_t size = moving->end - moving->first, to = moving->first + moving->shift;
    if (size > slot_bytes) {
        return error_input(
            moving->error,
            "the slot is too small: the image has %u bytes, and %u fit with the seal", size,
            slot_bytes);
    }
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!(s->flags & SHF_ALLOC) || !s->size_bytes) continue;
        if (moves(s)) {
            if (s->alignment > 1 && moving->shift % s->alignment) {
                return error_input(moving->error,
                                   "%s is aligned to %u bytes, which the slot's address 0x%08x "
                                   "would not keep",
                                   s->name, s->alignment, to);
            }
            continue;
        }
        uint32_t last = s->address + (s->size_bytes - 1);
        bool old = s->address <= moving->end && last >= moving->first;
        bool now = s->address - to <= slot_bytes || to - s->address < s->size_bytes;
        if (old || now) {
            return error_input(moving->error,
                               "%s (0x%08x to 0x%08x) would share memory with a slot of the image",
                               s->name, s->address, last);
        }
    }
    return STATUS_OK;
}

/* VTOR holds a table only at a multiple of its size as a power of two, at least 128 bytes
 * (DDI 0403E, B3.2.5). */
static enum status check_vectors(struct moving *moving) {
    uint32_t needed = 128, to = moving->first + moving->shift;
    while (needed < moving->model->vector_table_bytes)
        needed *= 2;
    if (to % needed == 0) return STATUS_OK;
    return error_input(moving->error,
                       "the slot's address 0x%08x is no multiple of %u, where the processor wants "
                       "a vector table of %u bytes",
                       to, needed, moving->model->vector_table_bytes);
}

static bool is_listed(const char *const *names, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) return true;
    }
    return false;
}

/* The edge of something that start-up copies from the image to where it runs. */
static bool is_load_edge(const struct fw_model *model, uint32_t value) {
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!is_flashed(s) || s->load_address == s->address) continue;
        if (value == s->load_address || value == s->load_address + s->size_bytes) return true;
    }
    return false;
}

static enum status absolute_moves(struct moving *moving, const struct fw_symbol *symbol,
                                  uint32_t value, bool *out) {
    const struct slot_options *given = moving->options;
    *out = false;
    if (!moving_in_image(moving, value) && !moving_in_image(moving, symbol->value)) {
        return STATUS_OK;
    }
    if (given && is_listed(given->numbers, given->number_count, symbol->name)) return STATUS_OK;
    bool named = given && is_listed(given->addresses, given->address_count, symbol->name);
    if (named || is_load_edge(moving->model, symbol->value)) {
        *out = true;
        return STATUS_OK;
    }
    return error_input(moving->error,
                       "the absolute symbol %s (0x%08x) may be an address in the image or a "
                       "number: name it as one of them",
                       symbol->name, symbol->value);
}

/* Does a relocated value follow the image? */
static enum status value_moves(struct moving *moving, const struct fw_relocation *relocation,
                               uint32_t value, bool *out) {
    const struct fw_symbol *symbol = &moving->model->symbols[relocation->symbol];
    bool inside = moving_in_image(moving, value);
    *out = false;
    if (symbol->section == SHN_UNDEF) {
        if (*symbol->name || !inside) return STATUS_OK; /* weak and not there: 0 */
        /* A linker's veneer: the address of a function, which no symbol names. */
        *out = relocation->target_item != FW_NONE && relocation->target_thumb &&
               moving->model->items[relocation->target_item].entry;
        if (*out) return STATUS_OK;
    } else if (symbol->section >= SHN_LORESERVE) {
        return absolute_moves(moving, symbol, value, out);
    } else if (inside == moving_in_image(moving, symbol->value)) {
        *out = inside;
        return STATUS_OK;
    }
    return error_input(moving->error,
                       "the relocated value 0x%08x at 0x%08x, of %s, leads across the image's "
                       "edge; it may be an address or a number",
                       value, relocation->place, *symbol->name ? symbol->name : "no symbol");
}

static enum status move_word(struct moving *moving, const struct fw_relocation *relocation,
                             uint8_t *at) {
    bool follows;
    uint32_t value = get_u32(at);
    enum status status = value_moves(moving, relocation, value, &follows);
    if (status != STATUS_OK || !follows) return status;
    put_u32le(at, value + moving->shift);
    moving->out->words++;
    return STATUS_OK;
}

/* A distance: one end may move without the other. In code it may count from the ADD that uses it,
 * so the symbol and not the value says what it leads to. */
static enum status move_distance(struct moving *moving, const struct fw_relocation *relocation,
                                 const struct fw_section *s, uint8_t *at) {
    const struct fw_symbol *symbol = &moving->model->symbols[relocation->symbol];
    bool there;
    enum status status = value_moves(moving,
                                     &(struct fw_relocation){.symbol = relocation->symbol,
                                                             .place = relocation->place,
                                                             .target_item = FW_NONE},
                                     symbol->value, &there);
    if (status != STATUS_OK) return status;
    uint32_t value = get_u32(at),
             add = (there ? moving->shift : 0) - (moves(s) ? moving->shift : 0);
    if (!add) return STATUS_OK;
    if (relocation->type == R_ARM_PREL31) {
        int64_t distance = ((int64_t)(value & 0x7fffffffU) ^ 0x40000000) - 0x40000000;
        int64_t sum = distance + (int32_t)add;
        if (sum < -0x40000000 || sum > 0x3fffffff) {
            return error_input(moving->error, "the distance at 0x%08x has no room for the move",
                               relocation->place);
        }
        put_u32le(at, (value & 0x80000000U) | ((uint32_t)sum & 0x7fffffffU));
    } else {
        put_u32le(at, value + add);
    }
    moving->out->words++;
    return STATUS_OK;
}

/* MOVW and MOVT, encoding T3 and T1 (A7.7.76, A7.7.79): 11110 i 10 x100 imm4, 0 imm3 Rd imm8. */
struct half {
    uint32_t imm;
    unsigned reg;
    bool high;
};

static bool read_half(const uint8_t *at, struct half *out) {
    uint32_t first = (uint32_t)(at[0] | at[1] << 8), second = (uint32_t)(at[2] | at[3] << 8);
    uint32_t form = first & 0xfbf0;
    if ((form != 0xf240 && form != 0xf2c0) || (second & 0x8000)) return false;
    out->high = form == 0xf2c0;
    out->imm =
        (first & 15) << 12 | (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | (second & 0xff);
    out->reg = second >> 8 & 15;
    return true;
}

static void write_half(uint8_t *at, uint32_t imm) {
    uint32_t first = (uint32_t)(at[0] | at[1] << 8), second = (uint32_t)(at[2] | at[3] << 8);
    put_u16le(at, (first & 0xfbf0) | (imm >> 11 & 1) << 10 | imm >> 12);
    put_u16le(at + 2, (second & 0x8f00) | (imm >> 8 & 7) << 12 | (imm & 0xff));
}

/* The 32-bit value that the half belongs to: with the next MOVT behind a MOVW, or the last MOVW in
 * front of a MOVT, of the same symbol and register. From the input, which nobody edits. */
static bool pair_value(const struct moving *moving, size_t index, size_t *partner,
                       uint32_t *value) {
    const struct fw_model *model = moving->model;
    const struct fw_relocation *own = &model->relocations[index];
    const struct fw_section *s = &model->sections[own->section];
    struct half half, other;
    if (!read_half(s->data + (own->place - s->address), &half)) return false;
    for (size_t i = index;;) {
        if (half.high ? i == 0 : i + 1 == model->relocation_count) return false;
        i = half.high ? i - 1 : i + 1;
        const struct fw_relocation *r = &model->relocations[i];
        uint32_t distance = half.high ? own->place - r->place : r->place - own->place;
        if (r->section != own->section || distance > PAIR_REACH_BYTES) return false;
        bool wanted = r->type == (half.high ? R_ARM_THM_MOVW_ABS_NC : R_ARM_THM_MOVT_ABS);
        if (!wanted || r->symbol != own->symbol) continue;
        if (!read_half(s->data + (r->place - s->address), &other)) return false;
        if (other.reg != half.reg || other.high == half.high) continue;
        *partner = i;
        *value = half.high ? half.imm << 16 | other.imm : other.imm << 16 | half.imm;
        return true;
    }
}

static enum status move_half(struct moving *moving, size_t index, uint8_t *at) {
    const struct fw_relocation *relocation = &moving->model->relocations[index];
    bool high = relocation->type == R_ARM_THM_MOVT_ABS, follows;
    size_t partner, back;
    uint32_t value, shared;
    bool whole =
        pair_value(moving, index, &partner, &value) && pair_value(moving, partner, &back, &shared);
    if (!whole) {
        const struct fw_symbol *symbol = &moving->model->symbols[relocation->symbol];
        bool elsewhere = symbol->section != SHN_ABS && !moving_in_image(moving, symbol->value);
        if (elsewhere) return STATUS_OK; /* in RAM, or weak and not there */
        return error_input(moving->error, "half of a MOVW/MOVT pair is missing beside 0x%08x",
                           relocation->place);
    }
    enum status status = value_moves(moving, relocation, value, &follows);
    if (status != STATUS_OK || !follows) return status;
    uint32_t now = value + moving->shift;
    /* One MOVT may serve several MOVWs: all must carry the same into it. */
    if (now >> 16 != (shared + moving->shift) >> 16) {
        return error_input(moving->error,
                           "several MOVW at 0x%08x share a MOVT that cannot serve them all at the "
                           "new place: put the slots a multiple of 64 KiB apart",
                           relocation->place);
    }
    write_half(at, high ? now >> 16 : now & 0xffff);
    moving->out->pairs += high;
    return STATUS_OK;
}

/* R_ARM_TARGET2 is absolute or relative, as the linker was told; the bytes say which. */
static enum status move_target2(struct moving *moving, const struct fw_relocation *relocation,
                                const struct fw_section *s, uint8_t *at) {
    uint32_t value = get_u32(at), meant = moving->model->symbols[relocation->symbol].value;
    bool absolute = value == meant, relative = value + relocation->place == meant;
    if (!value) return STATUS_OK;
    if (absolute == relative) {
        return error_input(moving->error, "whether the word at 0x%08x is relative is not said",
                           relocation->place);
    }
    return absolute ? move_word(moving, relocation, at) : move_distance(moving, relocation, s, at);
}

static enum status move_field(struct moving *moving, size_t index) {
    const struct fw_relocation *relocation = &moving->model->relocations[index];
    const struct fw_section *s = &moving->model->sections[relocation->section];
    if (!s->data || s->type == SHT_ARM_EXIDX) return STATUS_OK; /* the index: by its contents */
    uint8_t *at = moving_bytes(moving, s, relocation->place);
    switch (relocation->type) {
    case R_ARM_ABS32:
    case R_ARM_TARGET1:
    case R_ARM_ABS32_NOI:
        return move_word(moving, relocation, at);
    case R_ARM_REL32:
    case R_ARM_PREL31:
        return move_distance(moving, relocation, s, at);
    case R_ARM_TARGET2:
        return move_target2(moving, relocation, s, at);
    case R_ARM_THM_MOVW_ABS_NC:
    case R_ARM_THM_MOVT_ABS:
        return move_half(moving, index, at);
    case R_ARM_NONE:
    case R_ARM_V4BX:
    case R_ARM_TLS_LE32:
    case R_ARM_THM_PC22: /* branches: move_nothing_across() looks at the instructions */
    case R_ARM_THM_JUMP24:
    case R_ARM_THM_JUMP19:
    case R_ARM_THM_PC11:
    case R_ARM_THM_PC9:
    case R_ARM_THM_JUMP6:
        return STATUS_OK;
    default:
        break;
    }
    bool elsewhere = !moving_in_image(moving, moving->model->symbols[relocation->symbol].value);
    bool small = relocation->type == R_ARM_ABS8 || relocation->type == R_ARM_ABS16;
    if (small && elsewhere) return STATUS_OK;
    return error_input(moving->error,
                       "relocation type %u at 0x%08x: its field cannot follow the image",
                       relocation->type, relocation->place);
}

static enum status move_contents(struct moving *moving) {
    const struct fw_model *model = moving->model;
    for (size_t i = 0; i < model->relocation_count; i++) {
        const struct fw_relocation *r = &model->relocations[i];
        bool index = model->sections[r->section].type == SHT_ARM_EXIDX; /* by its contents */
        bool twice = i && !index && model->relocations[i - 1].place == r->place &&
                     r->type != R_ARM_NONE && model->relocations[i - 1].type != R_ARM_NONE;
        if (twice) {
            return error_input(moving->error, "two relocations are about 0x%08x", r->place);
        }
        enum status status = move_field(moving, i);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* The unwind index (IHI 0038, 5): a distance to a function, and 1, inline or a distance. The
 * linker sorts it anew, so its relocations may be stale. */
static enum status move_unwind_index(struct moving *moving) {
    const struct fw_model *model = moving->model;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (s->type != SHT_ARM_EXIDX || !is_flashed(s)) continue;
        for (uint32_t at = 0; s->size_bytes - at >= 8; at += 8) {
            for (uint32_t k = 0; k < 2; k++) {
                uint32_t place = s->address + at + 4 * k, value = get_u32(s->data + at + 4 * k);
                if (k && (value == 1 || value >> 31)) continue;
                uint32_t target = place + (((value & 0x7fffffffU) ^ 0x40000000U) - 0x40000000U);
                if (moves(s) == moving_in_image(moving, target)) continue;
                return error_input(moving->error,
                                   "the unwind entry at 0x%08x leads out of the image: functions "
                                   "in RAM need no entry, compile them with -fno-unwind-tables",
                                   place);
            }
        }
    }
    return STATUS_OK;
}

/* What counts from the program counter stays true where both ends move or neither does. */
static enum status check_relative_code(struct moving *moving) {
    struct fw_model *model = moving->model;
    const struct fw_section *s = NULL;
    for (size_t i = 0; i < model->item_count; i++) {
        const struct fw_item *item = &model->items[i];
        if (item->kind != FW_ITEM_INSN || item->insn->reference == THUMB_REFERENCE_NONE ||
            item->insn->reference == THUMB_REFERENCE_TABLE ||
            item->insn->reference == THUMB_REFERENCE_PC_READ) {
            continue;
        }
        if (!s || item->address - s->address >= s->size_bytes) {
            s = fw_section_at(model, item->address);
        }
        if (!s || moves(s) == moving_in_image(moving, item->insn->target)) continue;
        return error_input(moving->error,
                           "the instruction at 0x%08x reaches 0x%08x, which does not move with it",
                           item->address, item->insn->target);
    }
    return STATUS_OK;
}

/* The processor takes each word of the table as an address. */
static enum status check_vector_words(struct moving *moving) {
    struct fw_model *model = moving->model;
    for (uint32_t at = 4; at + 4 <= model->vector_table_bytes; at += 4) {
        uint32_t place = model->vector_table + at;
        const uint8_t *word = fw_bytes_at(model, place, 4);
        if (!word || !(get_u32(word) & 1) || !moving_in_image(moving, get_u32(word))) continue;
        size_t r = fw_relocation_from(model, place);
        if (r < model->relocation_count && model->relocations[r].place == place) continue;
        return error_input(moving->error, "the vector at 0x%08x has no relocation", place);
    }
    return STATUS_OK;
}

/* Words that nobody relocated count as numbers; how many are there that could be addresses? */
static void count_look_alikes(struct moving *moving) {
    const struct fw_model *model = moving->model;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!is_flashed(s) || s->type == SHT_ARM_EXIDX) continue;
        for (uint32_t at = 0; s->size_bytes >= 4 && at <= s->size_bytes - 4; at += 4) {
            uint32_t place = s->address + at, value = get_u32(s->data + at);
            if (value == 0 || value == moving->end || !moving_in_image(moving, value)) continue;
            if (fw_is_code_section(s)) {
                uint32_t item = fw_item_at(model, place);
                if (item == FW_NONE || model->items[item].kind != FW_ITEM_DATA) continue;
            }
            size_t r = fw_relocation_from(model, place);
            if (r < model->relocation_count && model->relocations[r].place == place) continue;
            moving->out->look_alikes++;
        }
    }
}

/* A loop over one of the file's tables: the entry's bytes, by index. */
static uint8_t *entry_at(struct moving *moving, uint32_t offset, uint32_t entry_bytes, size_t i) {
    return moving->file->data + offset + i * entry_bytes;
}

static void move_if_inside(const struct moving *moving, uint8_t *field) {
    uint32_t value = get_u32(field);
    if (moving_in_image(moving, value)) put_u32le(field, value + moving->shift);
}

static enum status move_symbols(struct moving *moving, const Elf32_Shdr *table,
                                const Elf32_Shdr *names) {
    size_t count = table->sh_size / sizeof(Elf32_Sym);
    for (size_t i = 1; i < count; i++) {
        uint8_t *entry = entry_at(moving, table->sh_offset, sizeof(Elf32_Sym), i);
        Elf32_Sym symbol;
        memcpy(&symbol, entry, sizeof symbol);
        if (symbol.st_shndx == SHN_UNDEF || ELF32_ST_TYPE(symbol.st_info) == STT_FILE) continue;
        bool follows = symbol.st_shndx < SHN_LORESERVE;
        if (symbol.st_shndx == SHN_ABS) {
            const char *name = (const char *)moving->file->data + names->sh_offset + symbol.st_name;
            const struct slot_options *given = moving->options;
            follows = is_load_edge(moving->model, symbol.st_value);
            if (given && is_listed(given->addresses, given->address_count, name)) follows = true;
            if (given && is_listed(given->numbers, given->number_count, name)) follows = false;
        }
        if (follows && ELF32_ST_TYPE(symbol.st_info) != STT_TLS) move_if_inside(moving, entry + 4);
    }
    return STATUS_OK;
}

/* Section headers; then what they lead to that holds addresses. fw_read() has checked bounds. */
static enum status move_tables(struct moving *moving) {
    Elf32_Ehdr header;
    memcpy(&header, moving->file->data, sizeof header);
    move_if_inside(moving, moving->file->data + offsetof(Elf32_Ehdr, e_entry));
    for (size_t i = 0; i < header.e_phnum; i++) {
        uint8_t *entry = entry_at(moving, header.e_phoff, header.e_phentsize, i);
        move_if_inside(moving, entry + offsetof(Elf32_Phdr, p_vaddr));
        move_if_inside(moving, entry + offsetof(Elf32_Phdr, p_paddr));
    }
    for (size_t i = 1; i < header.e_shnum; i++) {
        uint8_t *entry = entry_at(moving, header.e_shoff, header.e_shentsize, i);
        Elf32_Shdr s, other;
        memcpy(&s, entry, sizeof s);
        if ((s.sh_flags & SHF_ALLOC) && moving_in_image(moving, s.sh_addr)) {
            put_u32le(entry + offsetof(Elf32_Shdr, sh_addr), s.sh_addr + moving->shift);
        }
        bool table = s.sh_type == SHT_SYMTAB || s.sh_type == SHT_REL;
        uint32_t link = s.sh_type == SHT_REL ? s.sh_info : s.sh_link;
        if (!table || link >= header.e_shnum) continue;
        memcpy(&other, entry_at(moving, header.e_shoff, header.e_shentsize, link), sizeof other);
        if (s.sh_type == SHT_SYMTAB) {
            enum status status = move_symbols(moving, &s, &other);
            if (status != STATUS_OK) return status;
            continue;
        }
        if (!(other.sh_flags & SHF_ALLOC)) {
            return error_input(moving->error,
                               "it has debug sections, which would be wrong at the new place: "
                               "harden it, or strip them");
        }
        for (size_t r = 0; r < s.sh_size / sizeof(Elf32_Rel); r++)
            move_if_inside(moving, entry_at(moving, s.sh_offset, sizeof(Elf32_Rel), r));
    }
    return STATUS_OK;
}

/* The bytes of the segments, as they lie in flash. */
static enum status cut_image(struct moving *moving) {
    const struct fw_model *model = moving->model;
    struct buffer *image = &moving->out->image;
    uint32_t size = moving->end - moving->first;
    uint8_t gap[IMAGE_ALIGNMENT];
    memset(gap, GAP, sizeof gap);
    for (uint32_t at = 0; at < size; at += sizeof gap)
        buffer_append(image, gap, sizeof gap);
    if (image->failed) return error_environment(moving->error, "no memory for the image");
    for (size_t i = 0; i < model->segment_count; i++) {
        const struct fw_segment *segment = &model->segments[i];
        if (segment->type != PT_LOAD || !segment->file_bytes) continue;
        memcpy(image->data + (segment->load_address - moving->first),
               moving->file->data + segment->file_offset, segment->file_bytes);
    }
    return STATUS_OK;
}

static enum status move_all(struct moving *moving, uint32_t slot_bytes) {
    enum status status = check_room(moving, slot_bytes);
    if (status == STATUS_OK) status = check_vectors(moving);
    if (status == STATUS_OK && moving->shift) {
        status = check_vector_words(moving);
        if (status == STATUS_OK) status = check_relative_code(moving);
        if (status == STATUS_OK) status = move_unwind_index(moving);
        if (status == STATUS_OK) status = move_contents(moving);
        if (status == STATUS_OK) status = moving_memory_map(moving);
        if (status == STATUS_OK) count_look_alikes(moving);
        if (status == STATUS_OK) status = move_tables(moving);
    }
    return status == STATUS_OK ? cut_image(moving) : status;
}

enum status slot_lay_out(struct span elf, uint32_t address, uint32_t slot_bytes,
                         const struct slot_options *options, struct slot_layout *out,
                         struct error *error) {
    struct fw_model model = {.entry = 0};
    struct moving moving = {.model = &model,
                            .input = elf,
                            .file = &out->elf,
                            .options = options,
                            .out = out,
                            .error = error};
    *out = (struct slot_layout){.to = address};
    buffer_init(&out->elf, FW_INPUT_MAXIMUM_BYTES);
    buffer_init(&out->image, FW_INPUT_MAXIMUM_BYTES);
    enum status status = fw_read_borrowing(&model, elf, true, error);
    if (status == STATUS_OK) status = fw_lift(&model, error);
    if (status == STATUS_OK) status = find_image(&moving);
    if (status == STATUS_OK) {
        buffer_append(&out->elf, elf.data, elf.size_bytes);
        if (out->elf.failed) status = error_environment(error, "no memory for the image");
    }
    if (status == STATUS_OK) {
        out->from = moving.first;
        moving.shift = address - moving.first;
        status = move_all(&moving, slot_bytes);
    }
    arena_free(&model.arena);
    return status;
}

void slot_layout_free(struct slot_layout *layout) {
    buffer_free(&layout->elf);
    buffer_free(&layout->image);
}
