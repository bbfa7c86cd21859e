/* See folder_check.h. */
#include "cli/folder_check.h"

#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "product/product.h"

enum { EXEMPT_MAXIMUM = 2 * PRODUCT_LIST_MAXIMUM, RANGES_MAXIMUM = 64 };

static const char *first_fault(struct arena *arena, const json_t *figures) {
    const json_t *finding = json_array_get(json_object_get(figures, "findings"), 0);
    const char *function = json_string_value(json_object_get(finding, "function"));
    const char *what = json_string_value(json_object_get(finding, "what"));
    const char *kind = json_string_value(json_object_get(finding, "kind"));
    unsigned long long address =
        (unsigned long long)json_integer_value(json_object_get(finding, "address"));
    if (!what) return "check does not hold";
    const char *of = function && *function ? function : kind ? kind : "";
    /* What is about the image as a whole is at no address. */
    if (of == kind && address == 0) return arena_format(arena, "%s: %s", of, what);
    return arena_format(arena, "%s at 0x%08llx: %s", of, address, what);
}

struct declared {
    const char *exempt[EXEMPT_MAXIMUM], *window[PRODUCT_LIST_MAXIMUM];
    struct check_range writable_flash[RANGES_MAXIMUM];
};

static bool read_exempt(const json_t *list, struct declared *declared,
                        struct check_options *options) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name || options->exempt_count == EXEMPT_MAXIMUM) return false;
        declared->exempt[options->exempt_count++] = name;
    }
    options->exempt = declared->exempt;
    return !list || json_is_array(list);
}

static bool read_window(const json_t *list, struct declared *declared,
                        struct check_options *options) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name || options->flash_window_count == PRODUCT_LIST_MAXIMUM) return false;
        declared->window[options->flash_window_count++] = name;
    }
    options->flash_window = declared->window;
    return !list || json_is_array(list);
}

static bool read_ranges(const json_t *list, struct declared *declared,
                        struct check_options *options) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *range = json_array_get(list, i), *start = json_object_get(range, "start");
        const json_t *size = json_object_get(range, "size_bytes");
        json_int_t from = json_integer_value(start), bytes = json_integer_value(size);
        if (!json_is_integer(start) || !json_is_integer(size) || i == RANGES_MAXIMUM) return false;
        if (from < 0 || from > UINT32_MAX || bytes < 1 || bytes > (json_int_t)UINT32_MAX - from) {
            return false;
        }
        declared->writable_flash[options->writable_flash_count++] =
            (struct check_range){(uint32_t)from, (uint32_t)bytes};
    }
    options->writable_flash = declared->writable_flash;
    return !list || json_is_array(list);
}

/* A number; a symbol's name says nothing that the image does not say itself. */
static bool read_stack_limit(const json_t *limit, struct check_options *options) {
    const char *text = json_string_value(limit);
    if (!text || strncmp(text, "0x", 2) != 0) return !limit || text;
    char *end;
    unsigned long value = strtoul(text, &end, 16);
    if (*end != '\0' || value == 0 || value > UINT32_MAX) return false;
    options->stack_limit = (uint32_t)value;
    return true;
}

enum status folder_check_image(struct arena *arena, struct span image, struct span original,
                               const json_t *declared, struct folder_check *out,
                               struct error *error) {
    struct declared lists;
    struct check_options options = {.exempt = NULL};
    struct check_result result;
    if (!read_exempt(json_object_get(declared, "exempt"), &lists, &options)) {
        return error_input(error, "the list of exempt functions has not the form of one");
    }
    if (!read_ranges(json_object_get(declared, "writable_flash"), &lists, &options)) {
        return error_input(error, "the list of writable flash has not the form of one");
    }
    if (!read_window(json_object_get(declared, "flash_window"), &lists, &options)) {
        return error_input(error, "the flash driver's window has not the form of a list of names");
    }
    if (!read_stack_limit(json_object_get(declared, "stack_limit"), &options)) {
        return error_input(error, "the stack's limit has not the form of one");
    }
    enum status status =
        check_image(image, original.data ? &original : NULL, &options, &result, error);
    if (status != STATUS_OK) return status;
    const json_t *of_original = json_object_get(result.figures, "original");
    *out = (struct folder_check){.figures = json_incref(result.figures), .holds = result.holds};
    out->compared = json_is_true(json_object_get(of_original, "compared"));
    if (!result.holds) out->fault = first_fault(arena, result.figures);
    check_free(&result);
    return STATUS_OK;
}

/* Without the original, check can say nothing of it: that member is left out. */
static json_t *of_image_alone(const json_t *figures) {
    json_t *copy = json_copy((json_t *)figures);
    json_object_del(copy, "original");
    return copy;
}

bool folder_check_agrees(const json_t *one, const json_t *two, bool whole) {
    if (!json_is_object(one) || !json_is_object(two)) return false;
    if (whole) return json_equal(one, two);
    json_t *first = of_image_alone(one), *second = of_image_alone(two);
    bool same = json_equal(first, second);
    json_decref(first);
    json_decref(second);
    return same;
}
