/* What is loaded is what was looked at: a loader goes by the program headers, everything else
 * here by the sections. The contents of every section are loaded, and nothing else is. */
#include <elf.h>

#include "check/state.h"

static bool is_loaded(const struct fw_model *model, const struct fw_section *section) {
    for (size_t i = 0; i < model->segment_count; i++) {
        const struct fw_segment *s = &model->segments[i];
        uint32_t offset = section->address - s->address;
        if (s->type != PT_LOAD || section->address < s->address) continue;
        if (offset < s->file_bytes && section->size_bytes <= s->file_bytes - offset) return true;
    }
    return false;
}

/* The next section with contents that begins at the address or behind it, or NULL. */
static const struct fw_section *contents_from(const struct check *check, uint32_t address) {
    for (size_t i = 0; i < check->contents_count; i++) {
        if (check->contents[i]->address >= address) return check->contents[i];
    }
    return NULL;
}

/* Between the sections only zeros are loaded: the writer's padding. */
static void judge_segment(struct check *check, const struct fw_segment *segment,
                          struct span bytes) {
    uint32_t offset = 0;
    if (!bytes.data) return; /* an empty segment */
    while (offset < segment->file_bytes) {
        uint32_t address = segment->address + offset;
        const struct fw_section *here = check_contents_at(check, address);
        if (here) {
            offset = here->address + here->size_bytes - segment->address;
            continue;
        }
        const struct fw_section *next = contents_from(check, address);
        uint32_t end = next ? next->address - segment->address : segment->file_bytes;
        if (end > segment->file_bytes) end = segment->file_bytes;
        for (; offset < end; offset++) {
            if (!bytes.data[offset]) continue;
            check_find(check, "segments", segment->address + offset,
                       "a byte is loaded at 0x%08x that belongs to no section",
                       segment->load_address + offset);
            return;
        }
    }
}

void check_segments(struct check *check, struct span file) {
    const struct fw_model *model = check->model;
    if (!check->boot) return;
    for (size_t i = 0; i < model->segment_count; i++) {
        const struct fw_segment *s = &model->segments[i];
        struct span bytes;
        if (s->type != PT_LOAD || !span_sub(file, s->file_offset, s->file_bytes, &bytes)) continue;
        judge_segment(check, s, bytes);
    }
    for (size_t i = 0; i < check->contents_count; i++) {
        const struct fw_section *s = check->contents[i];
        if (is_loaded(model, s)) continue;
        check_find(check, "segments", s->address, "%s is in no segment, so nothing loads it",
                   check_text(check, s->name));
    }
}
