/* proofmark check: prove from an image what protects it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/parallel.h"
#include "check/check.h"
#include "check/moved.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "firmware/read/read.h"
#include "product/product.h"

enum {
    EXEMPT_MAXIMUM = 2 * PRODUCT_LIST_MAXIMUM, /* what is exempt, and what is pinned */
    RANGES_MAXIMUM = 16,
    NUMBERS_MAXIMUM = PRODUCT_LIST_MAXIMUM
};

struct arguments {
    const char *image, *original, *moved_from;
    const char *exempt[EXEMPT_MAXIMUM], *window[PRODUCT_LIST_MAXIMUM], *numbers[NUMBERS_MAXIMUM];
    struct check_move_options move;
    struct check_range writable[RANGES_MAXIMUM];
    struct check_options options;
    bool json;
};

static enum status take_exempt(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    return options_append(a->exempt, &a->options.exempt_count, EXEMPT_MAXIMUM, value, "exemptions",
                          error);
}

static enum status take_window(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    return options_append(a->window, &a->options.flash_window_count, PRODUCT_LIST_MAXIMUM, value,
                          "functions of the flash driver's window", error);
}

static enum status take_number(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    return options_append(a->numbers, &a->move.number_count, NUMBERS_MAXIMUM, value, "numbers",
                          error);
}

static enum status take_limit(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    if (options_address(value, &a->options.stack_limit)) return STATUS_OK;
    return error_input(error, "not an address: %s", value);
}

static enum status take_writable(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    struct check_range *range = &a->writable[a->options.writable_flash_count];
    if (a->options.writable_flash_count == RANGES_MAXIMUM) {
        return error_input(error, "too many writable ranges");
    }
    if (!options_range(value, &range->start, &range->size_bytes)) {
        return error_input(error, "not a range START:SIZE: %s", value);
    }
    a->options.writable_flash_count++;
    return STATUS_OK;
}

static const struct options_row rows[] = {
    {"original", 0, "IN.elf", offsetof(struct arguments, original), NULL,
     "also prove that the linker's output IN.elf is still in it:\n"
     "each instruction in order, each reference with its meaning"},
    {"moved-from", 0, "HARDENED.elf", offsetof(struct arguments, moved_from), NULL,
     "also prove that OUT.elf is HARDENED.elf at another address, as\n"
     "`proofmark release` lays it out for a slot"},
    {"number", 0, "NAME", 0, take_number,
     "an absolute symbol that `proofmark release` was told is a number;\n"
     "may be repeated"},
    {"exempt", 0, "NAME", 0, take_exempt,
     "a function that the product's description leaves unsealed, by\n"
     "exempt or pin; may be repeated"},
    {"flash-window", 0, "NAME", 0, take_window,
     "a function that opens or closes the flash driver's write window;\n"
     "may be repeated"},
    {"stack-limit", 0, "ADDRESS", 0, take_limit,
     "the stack's lowest address, where the image does not say it"},
    {"writable", 0, "START:SIZE", 0, take_writable,
     "flash that the firmware writes itself: with this, no other\n"
     "flash may be writable; may be repeated"},
    {"json", 0, NULL, offsetof(struct arguments, json), NULL, "the figures as JSON"},
};

static const struct options_form form = {
    .verb = "check",
    .usage = "[OPTIONS] OUT.elf",
    .about = "Reads the image anew, counts the protections that its code proves, and says what is\n"
             "wrong with them.\n",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .exit_status = "0 holds, or nothing is protected, 1 found wanting or refused, 2 wrong use",
    .argument = "one image",
    .argument_offset = offsetof(struct arguments, image),
};

static long long number(const json_t *figures, const char *group, const char *name) {
    return (long long)json_integer_value(json_object_get(json_object_get(figures, group), name));
}

static bool is_true(const json_t *figures, const char *group, const char *name) {
    return json_is_true(json_object_get(json_object_get(figures, group), name));
}

static const char *text(const json_t *object, const char *name) {
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

/* Names come from the image: no control character of them reaches the terminal, and none
 * ends a line. */
static void print_plain(const char *from) {
    for (const char *c = from; *c; c++)
        putchar((unsigned char)*c >= 0x20 && *c != 0x7F ? *c : '?');
}

static void print_row(const char *name, long long part, long long whole, const char *rest) {
    printf("  %-12s %6lld of %-6lld %s\n", name, part, whole, rest);
}

/* The functions of one reason, and how many there is no room for: --json has them all. */
static void print_names(const json_t *rest, const char *reason) {
    enum { SHOWN_MAXIMUM = 3 };
    const json_t *row;
    size_t i, names = 0;
    json_array_foreach(rest, i, row) {
        const char *name = text(row, "function");
        if (!*name || strcmp(text(row, "reason"), reason) != 0) continue;
        if (names++ >= SHOWN_MAXIMUM) continue;
        fputs(names == 1 ? " (" : ", ", stdout);
        print_plain(name);
    }
    if (names > SHOWN_MAXIMUM) printf(" and %zu more", names - SHOWN_MAXIMUM);
    if (names) putchar(')');
}

/* What is left as it is, by its reasons. */
static void print_rest(const char *name, const json_t *rest) {
    const json_t *row, *other;
    size_t i, k;
    json_array_foreach(rest, i, row) {
        const char *reason = text(row, "reason");
        long long sites = 0;
        bool told = false;
        json_array_foreach(rest, k, other) {
            if (strcmp(text(other, "reason"), reason) != 0) continue;
            told = told || k < i;
            sites += (long long)json_integer_value(json_object_get(other, "sites"));
        }
        if (told) continue;
        printf("  %-12s %6lld ", name, sites);
        print_plain(reason);
        print_names(rest, reason);
        putchar('\n');
    }
}

/* What the memory map leaves open, range by range. */
static void print_ranges(const char *name, const json_t *ranges, const char *what) {
    const json_t *range;
    size_t i;
    json_array_foreach(ranges, i, range) {
        json_int_t start = json_integer_value(json_object_get(range, "start"));
        json_int_t size = json_integer_value(json_object_get(range, "size_bytes"));
        printf("  %-12s 0x%08llx to 0x%08llx %s\n", name, (unsigned long long)start,
               (unsigned long long)(start + size - 1), what);
    }
}

/* What is not proven of the flash driver's window is said in the same line. */
static void print_window(const json_t *window) {
    if (!window) return;
    long long bytes = (long long)json_integer_value(json_object_get(window, "size_bytes_at_most"));
    printf("  %-12s %lld bytes at most, never executes; where is its caller's choice, not proven\n",
           "flash window", bytes);
}

static void print_protections(const json_t *figures) {
    const json_t *key = json_object_get(figures, "key");
    char exempt[64] = "return addresses sealed";
    long long left = number(figures, "returns", "exempt");
    if (left) snprintf(exempt, sizeof exempt, "return addresses sealed, %lld exempt", left);
    print_row("returns", number(figures, "returns", "sealed"), number(figures, "returns", "sites"),
              exempt);
    print_rest("unsealed", json_object_get(json_object_get(figures, "returns"), "unsealed"));
    print_row("calls", number(figures, "calls", "checked"), number(figures, "calls", "sites"),
              "indirect calls checked");
    print_rest("unchecked", json_object_get(json_object_get(figures, "calls"), "unchecked"));
    print_row("call targets", number(figures, "calls", "tagged"),
              number(figures, "calls", "targets"), "functions whose address is taken are tagged");
    bool map = is_true(figures, "memory_map", "applied");
    size_t regions =
        json_array_size(json_object_get(json_object_get(figures, "memory_map"), "regions"));
    if (map) {
        printf("  %-12s %zu regions%s%s\n", "memory map", regions,
               is_true(figures, "memory_map", "null_guard") ? ", address 0 faults" : "",
               is_true(figures, "memory_map", "stack_guard") ? ", stack guarded" : "");
        const json_t *memory = json_object_get(figures, "memory_map");
        print_ranges("RAM code", json_object_get(memory, "executable_ram"),
                     "is RAM that executes, and can be written");
        print_ranges("writable", json_object_get(memory, "writable_flash"),
                     "lies beside the code, and can be written");
    } else {
        printf("  %-12s none\n", "memory map");
    }
    print_window(json_object_get(json_object_get(figures, "memory_map"), "window"));
    printf("  %-12s %s%s", "key", text(key, "made"), *text(key, "function") ? " by " : "");
    print_plain(text(key, "function"));
    putchar('\n');
}

static void print_original(const json_t *figures) {
    if (!is_true(figures, "original", "compared")) return;
    printf("  %-12s %lld functions: %lld moved, %lld in place, %lld dropped\n", "original",
           number(figures, "original", "functions"), number(figures, "original", "moved"),
           number(figures, "original", "untouched"), number(figures, "original", "dropped"));
}

/* An image without protections has nothing wrong with it, and must not read as protected. */
static const char *verdict(const struct check_result *result) {
    const json_t *figures = result->figures;
    bool protected = number(figures, "returns", "sealed") || number(figures, "calls", "checked") ||
                     is_true(figures, "memory_map", "applied");
    if (!result->holds) return "found wanting";
    if (protected) return "holds";
    return is_true(figures, "original", "compared")
               ? "nothing is protected; the original is in it, whole"
               : "nothing is protected";
}

static void print_moved(const json_t *figures) {
    const json_t *moved = json_object_get(figures, "moved"), *symbol;
    size_t i;
    if (!moved) return;
    printf("  %-12s 0x%08llx to 0x%08llx: %lld references followed\n", "moved",
           number(figures, "moved", "from"), number(figures, "moved", "to"),
           number(figures, "moved", "references"));
    json_array_foreach(json_object_get(moved, "absolute"), i, symbol) {
        bool went = json_is_true(json_object_get(symbol, "went"));
        printf("  %-12s ", went ? "address" : "number");
        print_plain(text(symbol, "name"));
        printf(" (0x%08llx) is absolute and %s: is it %s?\n",
               (unsigned long long)json_integer_value(json_object_get(symbol, "value")),
               went ? "went along" : "stayed", went ? "an address" : "a number");
    }
}

static void print_human(const struct arguments *a, const struct check_result *result) {
    bool color = terminal_has_colours();
    const char *good = color ? "\033[32m" : "", *bad = color ? "\033[31m" : "";
    const char *plain = color ? "\033[0m" : "";
    const json_t *findings = json_object_get(result->figures, "findings"), *finding;
    size_t i;
    printf("%s: %s%s%s\n", a->image, result->holds ? good : bad, verdict(result), plain);
    print_protections(result->figures);
    print_original(result->figures);
    print_moved(result->figures);
    json_array_foreach(findings, i, finding) {
        const char *function = text(finding, "function");
        printf("%s%s%s: ", bad, text(finding, "kind"), plain);
        print_plain(function);
        unsigned long long address =
            (unsigned long long)json_integer_value(json_object_get(finding, "address"));
        /* What is about the image as a whole is at no address. */
        if (*function || address) printf("%s0x%08llx: ", *function ? " at " : "", address);
        print_plain(text(finding, "what"));
        putchar('\n');
    }
}

struct input {
    const char *path;
    struct arena arena;
    struct span bytes;
    enum status status;
    struct error error;
};

static void read_input(void *context, size_t index) {
    struct input *input = &((struct input *)context)[index];
    input->status =
        file_read(&input->arena, input->path, FW_INPUT_MAXIMUM_BYTES, &input->bytes, &input->error);
}

/* What check_moved() proved joins the figures, with what it leaves to the maker. */
static void add_move(const struct check_move *move, struct check_result *result) {
    json_t *absolutes = json_array();
    for (size_t i = 0; i < move->absolute_count; i++) {
        const struct check_absolute *symbol = &move->absolutes[i];
        json_t *row = json_pack("{s:s, s:I, s:b}", "name", symbol->name, "value",
                                (json_int_t)symbol->value, "went", symbol->went);
        if (!row) { /* no UTF-8 */
            row = json_pack("{s:s, s:I, s:b}", "name", "", "value", (json_int_t)symbol->value,
                            "went", symbol->went);
        }
        json_array_append_new(absolutes, row);
    }
    json_object_set_new(result->figures, "moved",
                        json_pack("{s:I, s:I, s:I, s:o}", "from", (json_int_t)move->from, "to",
                                  (json_int_t)move->to, "references", (json_int_t)move->references,
                                  "absolute", absolutes));
}

static enum status run(const struct arguments *a, struct check_result *result,
                       struct error *error) {
    const char *other = a->original ? a->original : a->moved_from;
    struct input inputs[2] = {{.path = a->image}, {.path = other}};
    size_t count = other ? 2 : 1;
    struct check_move move = {.from = 0};
    enum status status = STATUS_OK;
    parallel_run(count, read_input, inputs);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = inputs[i].status;
        if (status != STATUS_OK) *error = inputs[i].error;
    }
    if (status == STATUS_OK && a->moved_from) {
        status = check_moved(inputs[1].bytes, inputs[0].bytes, &a->move, &move, error);
        if (status != STATUS_OK) error_prefix(error, "not the same firmware at another address");
    }
    if (status == STATUS_OK) {
        status = check_image(inputs[0].bytes, a->original ? &inputs[1].bytes : NULL, &a->options,
                             result, error);
    }
    if (status == STATUS_OK && a->moved_from) add_move(&move, result);
    check_move_free(&move);
    arena_free(&inputs[0].arena);
    arena_free(&inputs[1].arena);
    return status;
}

int verb_check(int argc, char **argv) {
    struct arguments a = {.json = false};
    int code = 0;
    if (!options_read(&form, argc, argv, &a, &code)) return code;
    if (a.original && a.moved_from) {
        return options_wrong_use(&form, "--original and --moved-from exclude each other: the image "
                                        "is at one place or the other");
    }
    a.options.exempt = a.exempt;
    a.move.numbers = a.numbers;
    a.options.flash_window = a.window;
    if (a.options.writable_flash_count) a.options.writable_flash = a.writable;
    struct error error;
    struct check_result result = {.figures = NULL};
    enum status status = run(&a, &result, &error);
    if (status != STATUS_OK) {
        fprintf(stderr, "proofmark check: %s\n", error.message);
    } else if (a.json) {
        json_dumpf(result.figures, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
        putchar('\n');
    } else {
        print_human(&a, &result);
    }
    bool holds = status == STATUS_OK && result.holds;
    check_free(&result);
    return holds ? 0 : 1;
}
