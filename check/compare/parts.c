/* Parts of the comparison that run on threads: copies with findings and memory of their own. */
#include "check/compare/compare.h"

struct compare compare_part(const struct compare *compare, struct check *part) {
    struct compare out = *compare;
    out.check = part;
    out.arena = (struct arena){.chunk = NULL};
    return out;
}

void compare_join(struct compare *compare, struct compare *part) {
    check_join(compare->check, part->check);
    arena_free(&part->arena);
}
