/* Where control may run out of a function's end, out of bytes that nobody understood, or over
 * data: no reference says where it goes on, so that nothing else would see it go elsewhere.
 * What it comes from, what it comes to and the bytes between are where they were, as they
 * were. */
#include "check/compare/compare.h"

static void find_at(struct compare *compare, const struct fw_run_out *run_out, const char *what) {
    check_find(compare->check, "original", run_out->end,
               "control may run out of %s at 0x%08x, and %s",
               check_function_at(compare->check, run_out->end - 2), run_out->end, what);
}

static bool is_in_place(const struct compare *compare, uint32_t unit) {
    const struct fw_model *in = compare->in;
    for (uint32_t i = in->units[unit].first; i != FW_NONE; i = in->items[i].next) {
        if (compare->at[i] != in->items[i].address) return false;
    }
    return true;
}

/* The unit of what covers the half-word, or FW_NONE: nobody's, or not understood, and so compared
 * byte by byte with the original. */
static uint32_t unit_over(const struct fw_model *in, uint32_t address) {
    uint32_t item = fw_item_at(in, address);
    if (item == FW_NONE) item = fw_item_at(in, address - 2); /* a wide instruction */
    return item == FW_NONE ? FW_NONE : in->items[item].unit;
}

/* Pointers in bytes that nobody understood follow what they mean. */
static bool is_relocated(const struct fw_model *in, uint32_t address) {
    size_t r = fw_relocation_from(in, address - 3);
    return r < in->relocation_count && in->relocations[r].place <= address;
}

static bool same_between(struct compare *compare, const struct fw_run_out *run_out) {
    for (uint32_t at = run_out->end; at < run_out->address; at++) {
        const uint8_t *in = fw_bytes_at(compare->in, at, 1);
        const uint8_t *out = fw_bytes_at(compare->check->model, at, 1);
        if (!in && !out) return true; /* behind the section: container.c has what is there */
        if (!in || !out || (*in != *out && !is_relocated(compare->in, at))) return false;
    }
    return true;
}

void compare_run_outs(struct compare *compare) {
    const struct fw_model *in = compare->in;
    for (size_t i = 0; i < in->run_out_count && !check_is_full(compare->check); i++) {
        const struct fw_run_out *run_out = &in->run_outs[i];
        uint32_t from = unit_over(in, run_out->end - 2), to = unit_over(in, run_out->address);
        if (from != FW_NONE && !is_in_place(compare, from)) {
            find_at(compare, run_out, "it is not where it was");
        } else if (to != FW_NONE && !is_in_place(compare, to)) {
            find_at(compare, run_out, "what it goes on to is not where it was");
        } else if (!same_between(compare, run_out)) {
            find_at(compare, run_out, "the bytes behind it are not what they were");
        }
    }
}
