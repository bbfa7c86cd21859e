/* One look at an image by check/, in the words that statements and folders need. */
#ifndef CLI_FOLDER_CHECK_H
#define CLI_FOLDER_CHECK_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

struct folder_check {
    json_t *figures;     /* what the hardening statement carries; the caller drops it */
    bool compared;       /* an original was given */
    bool original_kept;  /* and all of it is in the image, by check's own proof */
    const char *missing; /* else: what is not, one sentence */
};

/* original: empty when there is none. Bad input when the image cannot be checked. */
enum status folder_check_image(struct arena *arena, struct span image, struct span original,
                               struct folder_check *out, struct error *error);

#endif
