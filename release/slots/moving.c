/* What an image on its way knows of its parts: what moves, and where its bytes are. */
#include "release/slots/moving.h"

#include <elf.h>
#include <string.h>

bool moving_in_image(const struct moving *moving, uint32_t value) {
    return value - moving->first <= moving->end - moving->first;
}

uint8_t *moving_bytes(struct moving *moving, const struct fw_section *s, uint32_t place) {
    return moving->file->data + (s->data - moving->input.data) + (place - s->address);
}

bool moving_is_flashed(const struct fw_section *s) {
    return (s->flags & SHF_ALLOC) && s->data && s->size_bytes;
}

/* Runs where it is flashed. */
bool moving_moves(const struct fw_section *s) {
    return moving_is_flashed(s) && s->load_address == s->address;
}

bool moving_is_listed(const char *const *names, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) return true;
    }
    return false;
}

/* The edge of something that start-up copies from the image to where it runs. */
bool moving_is_load_edge(const struct fw_model *model, uint32_t value) {
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!moving_is_flashed(s) || s->load_address == s->address) continue;
        if (value == s->load_address || value == s->load_address + s->size_bytes) return true;
    }
    return false;
}
