/* Instructions and words of the output, read from its bytes. */
#include "check/check_private.h"

static const struct fw_section *section_at(const struct check *check, uint32_t address) {
    const struct fw_model *model = check->model;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        bool memory = s->data && (s->flags & 2 /* SHF_ALLOC */);
        if (memory && address >= s->address && address - s->address < s->size_bytes) return s;
    }
    return NULL;
}

bool check_decode(const struct check *check, uint32_t address, struct thumb_insn *out) {
    const struct fw_section *s = section_at(check, address);
    if (!s || !fw_is_code_section(s) || address % 2 != 0) return false;
    uint32_t offset = address - s->address;
    return thumb_decode(s->data + offset, s->size_bytes - offset, address, out);
}

bool check_word(const struct check *check, uint32_t address, uint32_t *out) {
    const struct fw_section *s = section_at(check, address);
    if (!s) return false;
    return span_u32le((struct span){s->data, s->size_bytes}, address - s->address, out);
}
