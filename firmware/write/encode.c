/* Items to bytes. See write.h. */
#include "firmware/lift/lift.h"
#include "firmware/write/writing.h"

#include <string.h>

static uint32_t target_of(const struct fw_model *model, const struct fw_item *item) {
    if (item->target == FW_NONE) return item->insn->target;
    return model->items[item->target].new_address + item->target_delta;
}

static size_t put_bits(uint8_t *out, const struct thumb_insn *insn) {
    if (insn->size_bytes == 2) {
        put_u16le(out, insn->bits);
    } else {
        put_u16le(out, insn->bits >> 16);
        put_u16le(out + 2, insn->bits);
    }
    return insn->size_bytes;
}

static size_t put_far(uint8_t *out, const struct fw_item *item, uint32_t target) {
    const struct thumb_insn *insn = item->insn;
    uint32_t address = item->new_address;
    size_t first =
        insn->op == THUMB_B_COND
            ? thumb_encode_b_cond(out, insn->cond ^ 1U, address, address + 6, false)
            : thumb_encode_cbz(out, insn->op == THUMB_CBZ, insn->rn, address, address + 6);
    size_t second = thumb_encode_b(out + 2, address + 2, target, true);
    return first && second ? first + second : 0;
}

static size_t put_branch(const struct fw_model *model, const struct fw_item *item, uint8_t *out) {
    const struct thumb_insn *insn = item->insn;
    uint32_t target = target_of(model, item), address = item->new_address;
    bool wide = item->wide || insn->size_bytes == 4;
    bool grew = item->size_bytes != insn->size_bytes;
    if (address == item->address && target == insn->target && !item->made && !grew) {
        return put_bits(out, insn);
    }
    if (item->far) return put_far(out, item, target);
    switch (insn->op) {
    case THUMB_BL:
        return thumb_encode_bl(out, address, target);
    case THUMB_B:
        return thumb_encode_b(out, address, target, wide);
    case THUMB_B_COND:
        return thumb_encode_b_cond(out, insn->cond, address, target, wide);
    default:
        return thumb_encode_cbz(out, insn->op == THUMB_CBNZ, insn->rn, address, target);
    }
}

static size_t put_insn(const struct fw_model *model, const struct fw_item *item, uint8_t *out) {
    const struct thumb_insn *insn = item->insn;
    switch (insn->reference) {
    case THUMB_REFERENCE_BRANCH:
        return put_branch(model, item, out);
    case THUMB_REFERENCE_LITERAL:
    case THUMB_REFERENCE_ADR:
        if (target_of(model, item) == insn->target && item->address == item->new_address &&
            !item->wide) {
            return put_bits(out, insn);
        }
        return thumb_encode_pc_relative(out, insn, item->new_address, target_of(model, item),
                                        item->wide);
    case THUMB_REFERENCE_TABLE: {
        struct thumb_insn copy = *insn;
        /* Without a table that was understood the unit stands where it was. */
        if (item->target == FW_NONE) return put_bits(out, insn);
        bool half = model->items[item->target].table_half;
        copy.bits = (insn->bits & ~0x10U) | (half ? 0x10U : 0); /* H bit (A7.7.185) */
        return put_bits(out, &copy);
    }
    default:
        break;
    }
    if (item->relocation != FW_NONE && !item->made) {
        const struct fw_relocation *relocation = &model->relocations[item->relocation];
        if (relocation->target_item != FW_NONE) {
            uint32_t value = fw_relocated_value(model, relocation);
            if (relocation->type == R_ARM_THM_MOVW_ABS_NC) {
                return thumb_encode_movw(out, insn->rd, value & 0xffff);
            }
            if (relocation->type == R_ARM_THM_MOVT_ABS) {
                return thumb_encode_movt(out, insn->rd, value >> 16);
            }
        }
    }
    return put_bits(out, insn);
}

static size_t put_table(const struct fw_model *model, const struct fw_item *item, uint8_t *out) {
    memset(out, 0, item->size_bytes);
    for (uint32_t i = 0; i < item->table_count; i++) {
        const struct fw_item *target = &model->items[model->table_targets[item->table_first + i]];
        uint32_t entry = (target->new_address - item->new_address) / 2;
        if (item->table_half) {
            put_u16le(out + 2 * i, entry);
        } else {
            out[i] = (uint8_t)entry;
        }
    }
    return item->size_bytes;
}

static size_t put_data(struct fw_model *model, const struct fw_item *item, uint8_t *out) {
    if (item->made) {
        uint32_t word = item->word;
        if (item->target != FW_NONE) word = model->items[item->target].new_address | 1U;
        put_u32le(out, word);
        return 4;
    }
    for (size_t r = item->relocation; item->relocation != FW_NONE && r < model->relocation_count;
         r++) {
        const struct fw_relocation *relocation = &model->relocations[r];
        uint32_t offset = relocation->place - item->address;
        if (offset >= item->size_bytes) break;
        if (relocation->target_item == FW_NONE || item->size_bytes - offset < 4) continue;
        put_u32le(out + offset, fw_relocated_value(model, relocation));
    }
    return item->size_bytes;
}

/* Of the copy that write_prepare() made. */
static const uint8_t *original_bytes(const struct writer *writer, uint32_t address) {
    const struct fw_model *model = writer->model;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (writer->original[i] && address - s->address < s->size_bytes) {
            return writer->original[i] + (address - s->address);
        }
    }
    return NULL;
}

/* fw_bytes_at(), with a look at the section of the item before first. */
static uint8_t *bytes_for(struct fw_model *model, struct write_part *part,
                          const struct fw_item *item) {
    uint32_t address = item->new_address, size_bytes = item->size_bytes;
    if (!part->near || address - part->near->address >= part->near->size_bytes) {
        part->near = fw_section_at(model, address);
        if (part->near && !part->near->data) part->near = NULL;
    }
    if (!part->near) return fw_bytes_at(model, address, size_bytes);
    uint32_t offset = address - part->near->address;
    return size_bytes <= part->near->size_bytes - offset ? part->near->data + offset : NULL;
}

enum status write_item(const struct writer *writer, struct write_part *part,
                       const struct fw_item *item) {
    struct fw_model *model = writer->model;
    uint8_t *out = bytes_for(model, part, item);
    size_t put = 0;
    if (out && item->kind == FW_ITEM_INSN) put = put_insn(model, item, out);
    if (out && item->kind == FW_ITEM_TABLE) put = put_table(model, item, out);
    if (out && item->kind == FW_ITEM_DATA) {
        const uint8_t *from = item->made ? NULL : original_bytes(writer, item->address);
        if (from) memcpy(out, from, item->size_bytes);
        put = put_data(model, item, out);
    }
    if (put == item->size_bytes) return STATUS_OK;
    return error_environment(&part->error, "internal: the item of 0x%08x does not encode at 0x%08x",
                             item->address, item->new_address);
}

static void fill(struct fw_model *model, uint32_t address, uint32_t size_bytes) {
    uint8_t *out = fw_bytes_at(model, address, size_bytes);
    for (uint32_t i = 0; out && i + 2 <= size_bytes; i += 2)
        put_u16le(out + i, FW_FILLER_HALF);
}

static void fill_windows(struct writer *writer) {
    for (size_t w = 0; w < writer->layout->window_count; w++) {
        fill(writer->model, writer->layout->windows[w].address,
             writer->layout->windows[w].size_bytes);
    }
    fill(writer->model, writer->layout->overflow_address, writer->layout->overflow_bytes);
}

/* Pointers in data, and in code that nobody decoded. */
void write_data_references(struct fw_model *model) {
    for (size_t r = 0; r < model->relocation_count; r++) {
        const struct fw_relocation *relocation = &model->relocations[r];
        if (relocation->target_item == FW_NONE) continue;
        if (fw_item_at(model, relocation->place) != FW_NONE) continue;
        uint8_t *out = fw_bytes_at(model, relocation->place, 4);
        uint32_t value = fw_relocated_value(model, relocation), old;
        if (!out || !span_u32le((struct span){out, 4}, 0, &old)) continue;
        if (relocation->type == R_ARM_REL32) value -= relocation->place;
        if (relocation->type == R_ARM_PREL31) {
            value = ((value - relocation->place) & 0x7fffffffU) | (old & 0x80000000U);
        }
        put_u32le(out, value);
    }
}

/* The windows' bytes as they were are kept: items are written from there, since a unit may land
 * on bytes that another one has yet to be read from. */
void write_prepare(struct writer *writer) {
    struct fw_model *model = writer->model;
    writer->original = ARENA_ARRAY(&writer->originals, uint8_t *, model->section_count);
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *section = &model->sections[i];
        if (!fw_is_code_section(section) || i == writer->overflow_section) continue;
        writer->original[i] = arena_alloc(&writer->originals, section->size_bytes + 1, 1);
        memcpy(writer->original[i], section->data, section->size_bytes);
    }
    fill_windows(writer);
}
