/* A description that is right, and a way to change one line of it. */
#ifndef TESTS_PRODUCT_SUPPORT_H
#define TESTS_PRODUCT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "product/product.h"

static const char right[] = "product:\n"                                            /* 1 */
                            "  name: Hallway Thermostat\n"                          /* 2 */
                            "  model: HT-1\n"                                       /* 3 */
                            "  version: 1.0.0\n"                                    /* 4 */
                            "manufacturer:\n"                                       /* 5 */
                            "  name: Example Works\n"                               /* 6 */
                            "  url: https://works.example\n"                        /* 7 */
                            "firmware:\n"                                           /* 8 */
                            "  file: build/thermostat.elf\n"                        /* 9 */
                            "harden:\n"                                             /* 10 */
                            "  profile: exploit\n"                                  /* 11 */
                            "  key_function: random_seed\n"                         /* 12 */
                            "  exempt: [fault_handler, dump]\n"                     /* 13 */
                            "  writable_flash:\n"                                   /* 14 */
                            "    - {name: settings, start: 0x3f0000, size: 4096}\n" /* 15 */
                            "test:\n"                                               /* 16 */
                            "  command: [./run-tests, \"{firmware}\"]\n"            /* 17 */
                            "support:\n"                                            /* 18 */
                            "  ends: 2031-12\n"                                     /* 19 */
                            "label:\n"                                              /* 20 */
                            "  url: https://labels.works.example/\n"                /* 21 */
                            "reports:\n"                                            /* 22 */
                            "  contact: security@works.example\n";                  /* 23 */

static const struct product_date today = {2026, 11, 22};

static inline enum status read_text(struct arena *arena, const char *text, struct product *out,
                                    struct error *error) {
    struct span span = {(const uint8_t *)text, strlen(text)};
    return product_read(arena, "shop/product.yaml", span, today, out, error);
}

/* `right` with its first `old` replaced. */
static inline const char *changed(struct arena *arena, const char *old, const char *new) {
    const char *place = strstr(right, old);
    assert_non_null(place);
    return arena_format(arena, "%.*s%s%s", (int)(place - right), right, new, place + strlen(old));
}

#endif
