/* The image's words and MOVW/MOVT pairs, by their relocations. */
#include <elf.h>

#include "format/little_endian.h"
#include "release/slots/moving.h"

enum { PAIR_REACH_BYTES = 256 };

static enum status absolute_moves(struct moving *moving, const struct fw_symbol *symbol,
                                  uint32_t value, bool *out) {
    const struct slot_options *given = moving->options;
    *out = false;
    if (!moving_in_image(moving, value) && !moving_in_image(moving, symbol->value)) {
        return STATUS_OK;
    }
    if (given && moving_is_listed(given->numbers, given->number_count, symbol->name))
        return STATUS_OK;
    bool named = given && moving_is_listed(given->addresses, given->address_count, symbol->name);
    if (named || moving_is_load_edge(moving->model, symbol->value)) {
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
    uint32_t value = pm_get_u32(at);
    enum status status = value_moves(moving, relocation, value, &follows);
    if (status != STATUS_OK || !follows) return status;
    pm_put_u32(at, value + moving->shift);
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
    uint32_t value = pm_get_u32(at),
             add = (there ? moving->shift : 0) - (moving_moves(s) ? moving->shift : 0);
    if (!add) return STATUS_OK;
    if (relocation->type == R_ARM_PREL31) {
        int64_t distance = ((int64_t)(value & 0x7fffffffU) ^ 0x40000000) - 0x40000000;
        int64_t sum = distance + (int32_t)add;
        if (sum < -0x40000000 || sum > 0x3fffffff) {
            return error_input(moving->error, "the distance at 0x%08x has no room for the move",
                               relocation->place);
        }
        pm_put_u32(at, (value & 0x80000000U) | ((uint32_t)sum & 0x7fffffffU));
    } else {
        pm_put_u32(at, value + add);
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
    pm_put_u16(at, (uint16_t)((first & 0xfbf0) | (imm >> 11 & 1) << 10 | imm >> 12));
    pm_put_u16(at + 2, (uint16_t)((second & 0x8f00) | (imm >> 8 & 7) << 12 | (imm & 0xff)));
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
    uint32_t value = pm_get_u32(at), meant = moving->model->symbols[relocation->symbol].value;
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

enum status moving_contents(struct moving *moving) {
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

/* Words that nobody relocated count as numbers; how many are there that could be addresses? */
void moving_count_look_alikes(struct moving *moving) {
    const struct fw_model *model = moving->model;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!moving_is_flashed(s) || s->type == SHT_ARM_EXIDX) continue;
        for (uint32_t at = 0; s->size_bytes >= 4 && at <= s->size_bytes - 4; at += 4) {
            uint32_t place = s->address + at, value = pm_get_u32(s->data + at);
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
