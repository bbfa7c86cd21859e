#include "tests/thumb/encodings.h"

#include <stdlib.h>

static void add_group(struct encodings *encodings, const struct thumb_group *group) {
    if (group->count == 0) return;
    for (size_t i = 0; i < encodings->count; i++)
        if (encodings->rows[i] == group->rows) return;
    if (encodings->count + group->count > sizeof encodings->rows / sizeof encodings->rows[0])
        abort();
    for (size_t i = 0; i < group->count; i++)
        encodings->rows[encodings->count++] = &group->rows[i];
}

void encodings_collect(struct encodings *encodings) {
    encodings->count = 0;
    for (uint32_t bits = 0; bits < 0xe800; bits += 0x100)
        add_group(encodings, thumb_narrow_group(bits));
    for (uint32_t first = 0xe800; first <= 0xffff; first += 0x10)
        for (uint32_t second = 0; second <= 0xffff; second += 0x200)
            add_group(encodings, thumb_wide_group(first << 16 | second));
}

size_t encodings_index(const struct encodings *encodings, const struct thumb_row *row) {
    for (size_t i = 0; i < encodings->count; i++)
        if (encodings->rows[i] == row) return i;
    abort();
}

bool encodings_is_wide(const struct thumb_row *row) {
    return row->mask > 0xffff;
}

/* SYSm of MRS and MSR: APSR and its views, the stack pointers, the masks (B5.2.2). */
static const uint8_t system_registers[16] = {0, 1, 2, 3, 5, 6, 7, 8, 9, 16, 17, 18, 19, 20, 0, 8};

uint32_t encodings_draw(const struct thumb_row *row, struct random *random) {
    uint64_t choice = random_next(random);
    uint32_t fixed = row->mask | row->should;
    uint32_t free = (choice >> 60) == 0 ? 0xffffffff : (uint32_t)choice;
    uint32_t bits = (row->value & fixed) | (free & ~fixed);
    if (row->form == FORM_TWICE) /* Rm is there twice */
        bits = (bits & ~0xf0000u) | (bits & 15) << 16;
    if (row->form == FORM_MRS || row->form == FORM_MSR)
        bits = (bits & ~0xffu) | system_registers[choice >> 32 & 15];
    if (row->form == FORM_VMEMORY_LIST) /* as many registers as there may be */
        bits &= bits & 0x100 ? ~0xe1u : ~0xe0u;
    return encodings_is_wide(row) ? bits : bits & 0xffff;
}

void encodings_bytes(uint32_t bits, bool wide, uint8_t bytes[4]) {
    uint32_t first = wide ? bits >> 16 : bits, second = wide ? bits : 0xbf00;
    bytes[0] = (uint8_t)first;
    bytes[1] = (uint8_t)(first >> 8);
    bytes[2] = (uint8_t)second;
    bytes[3] = (uint8_t)(second >> 8);
}
