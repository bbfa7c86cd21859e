/* The forms that values of product.yaml can have: pure tests of one text each. */
#ifndef PRODUCT_FORMS_H
#define PRODUCT_FORMS_H

#include "product/product.h"

/* One line for people: well-formed UTF-8, 1 to `limit` bytes, no control characters, no
 * change of writing direction (Unicode's bidirectional controls), no line separators. */
bool form_is_text(const char *text, size_t limit);
bool form_is_url(const char *text);     /* http:// or https://, ASCII, nothing to escape */
bool form_is_email(const char *text);   /* local@host.tld, ASCII */
bool form_is_symbol(const char *text);  /* as a linker writes it */
bool form_is_id(const char *text);      /* a-z, 0-9, '-' inside: a folder's name */
bool form_is_version(const char *text); /* letters, digits, . _ + -: a folder's name */
bool form_is_seed(const char *text);    /* 2 to 64 hex digits, an even number */
bool form_number(const char *text, uint32_t *out);            /* decimal or 0x hex, 32 bits */
bool form_month(const char *text, struct product_month *out); /* 2031-12 */
bool form_date(const char *text, struct product_date *out);   /* 2026-11-22 */

/* A name as an id: lower case, everything else '-'. NULL when no letter or digit is left. */
const char *form_id_of(struct arena *arena, const char *name);

#endif
