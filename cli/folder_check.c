/* See folder_check.h. */
#include "cli/folder_check.h"

#include <string.h>

#include "check/check.h"

enum { EXEMPT_MAXIMUM = 64 };

static const char *first_fault(struct arena *arena, const json_t *figures) {
    const json_t *finding = json_array_get(json_object_get(figures, "findings"), 0);
    const char *function = json_string_value(json_object_get(finding, "function"));
    const char *what = json_string_value(json_object_get(finding, "what"));
    const json_t *address = json_object_get(finding, "address");
    if (!what) return "check does not hold";
    if (json_is_integer(address)) {
        return arena_format(arena, "%s at 0x%08llx: %s", function && *function ? function : "code",
                            (unsigned long long)json_integer_value(address), what);
    }
    return arena_format(arena, "%s%s%s", function ? function : "", function ? ": " : "", what);
}

enum status folder_check_image(struct arena *arena, struct span image, struct span original,
                               const json_t *exempt, struct folder_check *out,
                               struct error *error) {
    const char *names[EXEMPT_MAXIMUM];
    struct check_options options = {.exempt = names};
    struct check_result result;
    for (size_t i = 0; i < json_array_size(exempt); i++) {
        const char *name = json_string_value(json_array_get(exempt, i));
        if (!name || options.exempt_count == EXEMPT_MAXIMUM) {
            return error_input(error, "the list of exempt functions has not the form of one");
        }
        names[options.exempt_count++] = name;
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
