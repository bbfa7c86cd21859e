/* Instructions and words of the output, read from its bytes. */
#include <elf.h>
#include <stdlib.h>

#include "check/state.h"

static int by_section_address(const void *a, const void *b) {
    const struct fw_section *x = *(const struct fw_section *const *)a;
    const struct fw_section *y = *(const struct fw_section *const *)b;
    return x->address < y->address ? -1 : x->address > y->address;
}

static int by_function_address(const void *a, const void *b) {
    const struct fw_function *x = *(const struct fw_function *const *)a;
    const struct fw_function *y = *(const struct fw_function *const *)b;
    return x->address < y->address ? -1 : x->address > y->address;
}

/* Neither sections nor functions overlap: fw_read() and fw_lift() see to that. */
void check_prepare_places(struct check *check) {
    const struct fw_model *model = check->model;
    check->contents_count = 0;
    check->contents =
        ARENA_ARRAY(&check->arena, const struct fw_section *, model->section_count + 1);
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        bool memory = s->data && (s->flags & SHF_ALLOC) && s->size_bytes;
        if (memory) check->contents[check->contents_count++] = s;
    }
    qsort(check->contents, check->contents_count, sizeof(void *), by_section_address);
    check->by_address =
        ARENA_ARRAY(&check->arena, const struct fw_function *, model->function_count + 1);
    for (size_t i = 0; i < model->function_count; i++)
        check->by_address[i] = &model->functions[i];
    qsort(check->by_address, model->function_count, sizeof(void *), by_function_address);
}

const struct fw_section *check_contents_at(const struct check *check, uint32_t address) {
    size_t low = 0, high = check->contents_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (check->contents[middle]->address <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const struct fw_section *s = low ? check->contents[low - 1] : NULL;
    return s && address - s->address < s->size_bytes ? s : NULL;
}

const struct fw_function *check_function_before(const struct check *check, uint64_t end) {
    size_t low = 0, high = check->model->function_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (check->by_address[middle]->address < end) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low ? check->by_address[low - 1] : NULL;
}

/* What lifting made of the place, while the output is lifted: NULL where that may be something
 * else than what the bytes say alone. */
static const struct thumb_insn *lifted_at(const struct check *check, const struct fw_section *s,
                                          uint32_t address) {
    uint32_t i = s->item_at ? s->item_at[(address - s->address) / 2] : FW_NONE;
    const struct fw_item *item = i == FW_NONE ? NULL : &check->model->items[i];
    bool here = item && item->kind == FW_ITEM_INSN && item->address == address;
    return here && !item->insn->in_it ? item->insn : NULL;
}

bool check_decode(const struct check *check, uint32_t address, struct thumb_insn *out) {
    const struct fw_section *s = check_contents_at(check, address);
    if (!s || !fw_is_code_section(s) || address % 2 != 0) return false;
    uint32_t offset = address - s->address;
    const struct thumb_insn *lifted = lifted_at(check, s, address);
    if (lifted) {
        *out = *lifted;
        return true;
    }
    return thumb_decode(s->data + offset, s->size_bytes - offset, address, out);
}

bool check_word(const struct check *check, uint32_t address, uint32_t *out) {
    const struct fw_section *s = check_contents_at(check, address);
    if (!s) return false;
    return span_u32le((struct span){s->data, s->size_bytes}, address - s->address, out);
}
