/* Proof that an image is another one, laid out for another slot: the same firmware, in which
 * each reference means what it meant. The protections of the moved image are check_image()'s to
 * prove; the two together say of a slot's image what check says of the hardened one.
 *
 *     struct check_move move;
 *     status = check_moved(hardened, slot_b, &move, &error);  (STATUS_OK: it is) */
#ifndef CHECK_MOVED_H
#define CHECK_MOVED_H

#include "base/buffer.h"
#include "base/error.h"

struct check_move {
    uint32_t from, to;   /* the first flashed address, before and after */
    uint32_t references; /* each went as far as what it names */
    uint32_t absolute;   /* absolute symbols that went along, as addresses */
};

/* STATUS_BAD_INPUT with one sentence: where the two differ otherwise, or which cannot be read. */
enum status check_moved(struct span before, struct span after, struct check_move *out,
                        struct error *error);

#endif
