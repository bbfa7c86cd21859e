/* See slots.h. The file is edited in place: contents by relocations, then the tables that
 * describe it. */
#include "release/slots.h"

#include <elf.h>
#include <string.h>

#include "firmware/lift/lift.h"
#include "firmware/read/read.h"
#include "release/slots/moving.h"

enum { IMAGE_ALIGNMENT = 4, GAP = 0xff };

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
    enum status status = moving_check_room(moving, slot_bytes);
    if (status == STATUS_OK) status = moving_check_vectors(moving);
    if (status == STATUS_OK && moving->shift) {
        status = moving_check_vector_words(moving);
        if (status == STATUS_OK) status = moving_check_relative_code(moving);
        if (status == STATUS_OK) status = moving_check_unwind_index(moving);
        if (status == STATUS_OK) status = moving_contents(moving);
        if (status == STATUS_OK) status = moving_memory_map(moving);
        if (status == STATUS_OK) moving_count_look_alikes(moving);
        if (status == STATUS_OK) status = moving_tables(moving);
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
    if (status == STATUS_OK) status = moving_find_image(&moving);
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
