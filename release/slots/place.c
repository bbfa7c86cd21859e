/* Can the image lie there: room, alignment, and nothing that needs it at its old place. */
#include <elf.h>

#include "format/little_endian.h"
#include "release/slots/moving.h"

/* From the first byte that is flashed to behind the last. */
enum status moving_find_image(struct moving *moving) {
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
enum status moving_check_room(struct moving *moving, uint32_t slot_bytes) {
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
        if (moving_moves(s)) {
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
enum status moving_check_vectors(struct moving *moving) {
    uint32_t needed = 128, to = moving->first + moving->shift;
    while (needed < moving->model->vector_table_bytes)
        needed *= 2;
    if (to % needed == 0) return STATUS_OK;
    return error_input(moving->error,
                       "the slot's address 0x%08x is no multiple of %u, where the processor wants "
                       "a vector table of %u bytes",
                       to, needed, moving->model->vector_table_bytes);
}

/* What counts from the program counter stays true where both ends move or neither does. */
enum status moving_check_relative_code(struct moving *moving) {
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
        if (!s || moving_moves(s) == moving_in_image(moving, item->insn->target)) continue;
        return error_input(moving->error,
                           "the instruction at 0x%08x reaches 0x%08x, which does not move with it",
                           item->address, item->insn->target);
    }
    return STATUS_OK;
}

/* The processor takes each word of the table as an address. */
enum status moving_check_vector_words(struct moving *moving) {
    struct fw_model *model = moving->model;
    for (uint32_t at = 4; at + 4 <= model->vector_table_bytes; at += 4) {
        uint32_t place = model->vector_table + at;
        const uint8_t *word = fw_bytes_at(model, place, 4);
        if (!word || !(pm_get_u32(word) & 1) || !moving_in_image(moving, pm_get_u32(word)))
            continue;
        size_t r = fw_relocation_from(model, place);
        if (r < model->relocation_count && model->relocations[r].place == place) continue;
        return error_input(moving->error, "the vector at 0x%08x has no relocation", place);
    }
    return STATUS_OK;
}

/* The unwind index (IHI 0038, 5): a distance to a function, and 1, inline or a distance. The
 * linker sorts it anew, so its relocations may be stale. */
enum status moving_check_unwind_index(struct moving *moving) {
    const struct fw_model *model = moving->model;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (s->type != SHT_ARM_EXIDX || !moving_is_flashed(s)) continue;
        for (uint32_t at = 0; s->size_bytes - at >= 8; at += 8) {
            for (uint32_t k = 0; k < 2; k++) {
                uint32_t place = s->address + at + 4 * k, value = pm_get_u32(s->data + at + 4 * k);
                if (k && (value == 1 || value >> 31)) continue;
                uint32_t target = place + (((value & 0x7fffffffU) ^ 0x40000000U) - 0x40000000U);
                if (moving_moves(s) == moving_in_image(moving, target)) continue;
                return error_input(moving->error,
                                   "the unwind entry at 0x%08x leads out of the image: functions "
                                   "in RAM need no entry, compile them with -fno-unwind-tables",
                                   place);
            }
        }
    }
    return STATUS_OK;
}
