/* Proof that an image is another one, laid out for another slot: the same firmware, in which
 * each reference means what it meant. The protections of the moved image are check_image()'s to
 * prove; the two together say of a slot's image what check says of the hardened one.
 *
 *     struct check_move move;
 *     status = check_moved(hardened, slot_b, NULL, &move, &error);  (STATUS_OK: it is)
 *     check_move_free(&move); */
#ifndef CHECK_MOVED_H
#define CHECK_MOVED_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

/* An absolute symbol whose value lies in the image: an address, or a number by chance. */
struct check_absolute {
    const char *name; /* as the file has it */
    uint32_t value;   /* before */
    bool went;
};

struct check_move {
    struct arena arena;  /* check_move_free() */
    uint32_t from, to;   /* the first flashed address, before and after */
    uint32_t references; /* each went as far as what it names */
    /* Those that no rule decides, for the maker to judge. The address or the end of what start-up
     * copies to RAM is none of them: it goes, unless `numbers` names it. */
    struct check_absolute *absolutes;
    size_t absolute_count;
};

struct check_move_options {
    const char *const *numbers; /* absolute symbols that stay, as the maker told the layout */
    size_t number_count;
};

/* options: NULL for none. STATUS_BAD_INPUT with one sentence: where the two differ otherwise, or
 * which cannot be read. */
enum status check_moved(struct span before, struct span after,
                        const struct check_move_options *options, struct check_move *out,
                        struct error *error);
void check_move_free(struct check_move *move);

#endif
