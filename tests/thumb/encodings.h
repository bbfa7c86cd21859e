/* The rows of the instruction table, and random encodings that fit a row. */
#ifndef TESTS_THUMB_ENCODINGS_H
#define TESTS_THUMB_ENCODINGS_H

#include "firmware/arch/thumb/table.h"
#include "tests/thumb/random.h"

struct encodings {
    const struct thumb_row *rows[512];
    size_t count;
};

void encodings_collect(struct encodings *encodings);
size_t encodings_index(const struct encodings *encodings, const struct thumb_row *row);
bool encodings_is_wide(const struct thumb_row *row);

/* Fixed bits as the row has them, the others random: narrow in the low half. */
uint32_t encodings_draw(const struct thumb_row *row, struct random *random);

/* The same with its bytes in memory order; four bytes even when narrow. */
void encodings_bytes(uint32_t bits, bool wide, uint8_t bytes[4]);

#endif
