/* The page that a label's code leads to: one HTML file that stands alone.
 *
 * No script, no network, no fonts, no images from elsewhere; a Content-Security-Policy in
 * the page forbids them too. The bytes depend on the record and the artwork only, so a
 * verifier makes the page again and compares. Since the page cannot know today's date, it
 * says in words until when it may be believed. */
#ifndef REGISTRY_PAGE_H
#define REGISTRY_PAGE_H

#include "registry/record.h"

/* Raised with every change of the bytes that a record leads to; signed with the release. */
enum { PAGE_TEMPLATE = 3 };

enum { PAGE_MAXIMUM_BYTES = 8 << 20, ARTWORK_MAXIMUM_BYTES = 512 << 10 };

/* artwork[i] is the PNG of record->schemes[i]. */
enum status page_write(struct arena *arena, const struct record *record,
                       const struct span artwork[RECORD_SCHEMES_MAXIMUM], struct buffer *out,
                       struct error *error);

#endif
