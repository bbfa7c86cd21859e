/* One look at an image by check/, in the words that statements and folders need. */
#ifndef CLI_FOLDER_CHECK_H
#define CLI_FOLDER_CHECK_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

struct folder_check {
    json_t *figures;   /* check's, as it wrote them; the caller drops them */
    bool holds;        /* check has no finding */
    bool compared;     /* and it looked for the original in the image */
    const char *fault; /* else: the first one, a sentence */
};

/* original: empty when there is none; then the figures say that nothing was compared.
 * declared: what product.yaml says that check has to know, with the members `exempt`,
 * `writable_flash`, `flash_window` and `stack_limit` of a statement on hardening
 * (evidence/predicate.h); what is not there was not declared. Bad input when it, the image or the
 * original cannot be read. */
enum status folder_check_image(struct arena *arena, struct span image, struct span original,
                               const json_t *declared, struct folder_check *out,
                               struct error *error);

/* Whether two figures say the same of the image; `whole`: and of the original too. */
bool folder_check_agrees(const json_t *one, const json_t *two, bool whole);

#endif
