/* Decoded instructions, kept once where they are equal: what an instruction is follows from
 * its bits and the IT block around it, unless it refers to a place. Of an image's
 * instructions nine in ten need no decoding, and an item holds a pointer.
 *
 * The cache of known forms forgets: two equal forms may both be kept. */
#include "firmware/lift/lifting.h"

enum { KNOWN_BITS = 15, POOL_COUNT = 1024 };

struct fw_forms {
    struct thumb_insn *pool; /* the newest POOL_COUNT places */
    size_t used;
    const struct thumb_insn *known[1 << KNOWN_BITS];
};

const struct thumb_insn fw_no_insn = {.op = THUMB_UNDEFINED};

static bool is_form(const struct thumb_insn *known, uint32_t bits, uint8_t it_state) {
    if (!known || known->bits != bits || known->in_it != thumb_it_active(it_state)) return false;
    return !known->in_it ||
           (known->cond == thumb_it_cond(it_state) && known->it_last == thumb_it_is_last(it_state));
}

struct fw_forms *lift_new_forms(struct arena *arena) {
    return ARENA_NEW(arena, struct fw_forms);
}

const struct thumb_insn *lift_form(struct fw_forms *forms, struct arena *arena,
                                   const uint8_t *bytes, size_t available_bytes, uint32_t address,
                                   uint8_t it_state) {
    uint32_t bits;
    if (!thumb_fetch(bytes, available_bytes, &bits)) return NULL;
    uint32_t hash = (bits ^ it_state) * 0x9e3779b1U >> (32 - KNOWN_BITS);
    if (is_form(forms->known[hash], bits, it_state)) return forms->known[hash];
    if (forms->used % POOL_COUNT == 0) {
        forms->pool = ARENA_ARRAY(arena, struct thumb_insn, POOL_COUNT);
    }
    struct thumb_insn *form = &forms->pool[forms->used++ % POOL_COUNT];
    thumb_decode(bytes, available_bytes, address, form);
    thumb_apply_it(form, it_state);
    if (form->reference == THUMB_REFERENCE_NONE) forms->known[hash] = form;
    return form;
}

const struct thumb_insn *fw_decode(struct fw_model *model, const uint8_t *bytes,
                                   size_t available_bytes, uint32_t address, uint8_t it_state) {
    return lift_form(model->forms, &model->arena, bytes, available_bytes, address, it_state);
}
