/* What cmocka needs, the sample record, and texts of it. */
#ifndef TESTS_LABEL_SUPPORT_H
#define TESTS_LABEL_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "registry/label.h"
#include "registry/page.h"
#include "tests/label/sample.h"

static inline struct record right_record(struct arena *arena) {
    struct record record;
    struct error error;
    if (sample_record(arena, &record, &error) != STATUS_OK) fail_msg("%s", error.message);
    return record;
}

static inline const char *page_of(struct arena *arena, const struct record *record) {
    static const struct span no_artwork[RECORD_SCHEMES_MAXIMUM];
    struct buffer page;
    struct error error;
    buffer_init(&page, PAGE_MAXIMUM_BYTES);
    if (page_write(arena, record, no_artwork, &page, &error) != STATUS_OK) {
        fail_msg("%s", error.message);
    }
    const char *out = arena_string(arena, (const char *)page.data, page.size_bytes);
    buffer_free(&page);
    return out;
}

static inline struct drawing *label_of(struct arena *arena, const struct record *record) {
    static const struct span no_artwork[RECORD_SCHEMES_MAXIMUM];
    struct drawing *drawing = ARENA_NEW(arena, struct drawing);
    struct error error;
    if (label_lay_out(arena, record, no_artwork, drawing, &error) != STATUS_OK) {
        fail_msg("%s", error.message);
    }
    return drawing;
}

#endif
