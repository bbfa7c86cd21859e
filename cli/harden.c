/* proofmark harden: protect one ELF. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/verbs.h"
#include "firmware/read/read.h"
#include "harden/harden.h"
#include "product/product.h"

enum { RANGES_MAXIMUM = 16 };

struct arguments {
    struct harden_options options;
    const char *output, *report, *input;
    const char *exempt[PRODUCT_LIST_MAXIMUM], *pin[PRODUCT_LIST_MAXIMUM],
        *window[PRODUCT_LIST_MAXIMUM];
    struct fw_range writable[RANGES_MAXIMUM];
    bool json, force;
};

static enum status take_profile(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    if (harden_profile_named(value, &a->options.profile)) return STATUS_OK;
    return error_input(error, "unknown profile %s", value);
}

static enum status take_seed(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    if (harden_seed_from_hex(value, &a->options.seed)) return STATUS_OK;
    return error_input(error, "not a seed: %s", value);
}

static enum status take_exempt(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    return options_append(a->exempt, &a->options.exempt_count, PRODUCT_LIST_MAXIMUM, value,
                          "exemptions", error);
}

static enum status take_pin(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    return options_append(a->pin, &a->options.pin_count, PRODUCT_LIST_MAXIMUM, value, "pins",
                          error);
}

static enum status take_window(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    return options_append(a->window, &a->options.flash_window_count, PRODUCT_LIST_MAXIMUM, value,
                          "functions of the flash driver's window", error);
}

static enum status take_writable(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    struct fw_range range = {.name = "flash the firmware writes"};
    if (a->options.writable_flash_count == RANGES_MAXIMUM) {
        return error_input(error, "too many writable ranges");
    }
    if (!options_range(value, &range.address, &range.size_bytes)) {
        return error_input(error, "not a range START:SIZE: %s", value);
    }
    a->writable[a->options.writable_flash_count++] = range;
    return STATUS_OK;
}

static enum status take_flash(void *into, const char *value, struct error *error) {
    struct fw_range *flash = &((struct arguments *)into)->options.flash;
    flash->name = "flash";
    if (options_range(value, &flash->address, &flash->size_bytes)) return STATUS_OK;
    return error_input(error, "not a range START:SIZE: %s", value);
}

static const struct options_row rows[] = {
    {"output", 'o', "FILE", offsetof(struct arguments, output), NULL,
     "where the hardened ELF goes"},
    {"profile", 0, "NAME", 0, take_profile,
     "exploit (default): seal returns, check indirect calls, set the\n"
     "memory map, drop what cannot run; null: only move functions"},
    {"seed", 0, "HEX", 0, take_seed,
     "2 to 64 hex digits; same input and seed, same bytes (default 00)"},
    {"key-function", 0, "NAME", offsetof(struct arguments, options.key_function), NULL,
     "uint32_t NAME(void), called before the reset handler for this\n"
     "boot's key; without it the key is fixed by the seed"},
    {"key-cell", 0, "PLACE", offsetof(struct arguments, options.key_cell), NULL,
     "RAM word (symbol or 0x...) for the key, where the firmware uses\n"
     "the process stack pointer itself"},
    {"exempt", 0, "NAME", 0, take_exempt,
     "leave this function's returns and calls as they are; it may move;\n"
     "may be repeated"},
    {"pin", 0, "NAME", 0, take_pin,
     "leave this function at its address, with no protection in it;\n"
     "may be repeated"},
    {"writable", 0, "START:SIZE", 0, take_writable,
     "flash that the firmware writes itself; may be repeated"},
    {"flash-window", 0, "NAME", 0, take_window,
     "a function that opens or closes the flash driver's write window\n"
     "by MPU region 7, which stays its own; may be repeated"},
    {"flash", 0, "START:SIZE", 0, take_flash,
     "the part's flash; code that does not fit there is refused"},
    {"stack-limit", 0, "PLACE", offsetof(struct arguments, options.stack_limit), NULL,
     "lowest address of the stack (symbol or 0x...)"},
    {"no-mpu", 0, NULL, offsetof(struct arguments, options.no_mpu), NULL,
     "leave the memory map alone"},
    {"no-null-guard", 0, NULL, offsetof(struct arguments, options.no_null_guard), NULL,
     "let address 0 be read, where the firmware does so unseen"},
    {"report", 0, "FILE", offsetof(struct arguments, report), NULL,
     "JSON: each function, each protection with n of N"},
    {"json", 0, NULL, offsetof(struct arguments, json), NULL, "print the report's totals as JSON"},
    {"force", 0, NULL, offsetof(struct arguments, force), NULL, "replace existing outputs"},
};

static const struct options_form form = {
    .verb = "harden",
    .usage = "[OPTIONS] -o OUT.elf IN.elf",
    .about = "IN.elf is the linker's output with relocations kept (-Wl,--emit-relocs).\n",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .exit_status = "0 done, 1 refused, 2 wrong use",
    .argument = "one input file",
    .argument_offset = offsetof(struct arguments, input),
};

void tell_left_out(const char *verb, const struct harden_result *result) {
    const json_t *reason = json_object_get(result->report, "calls_reason");
    const json_t *map = json_object_get(result->report, "memory_map");
    if (reason) {
        fprintf(stderr, "proofmark %s: no indirect call is checked: %s\n", verb,
                json_string_value(reason));
    }
    reason = json_object_get(map, "reason");
    if (reason) {
        fprintf(stderr, "proofmark %s: no memory map is set up: %s\n", verb,
                json_string_value(reason));
    }
}

static void print_summary(const struct arguments *a, const struct harden_result *result) {
    const json_t *t = json_object_get(result->report, "totals");
    if (a->json) {
        json_dumpf(t, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
        putchar('\n');
        return;
    }
#define N(name) ((long long)json_integer_value(json_object_get(t, name)))
    printf("%s: %lld of %lld functions accepted, %lld dropped; code %lld to %lld bytes, "
           "the image in flash %lld to %lld\n",
           a->output, N("functions_accepted"), N("functions_total"), N("functions_dropped"),
           N("code_bytes_before"), N("code_bytes_after"), N("flash_bytes_before"),
           N("flash_bytes_after"));
    if (a->options.profile == HARDEN_EXPLOIT) {
        printf("returns sealed %lld of %lld (%lld exempt), indirect calls checked %lld of %lld, "
               "key %s\n",
               N("return_sites_protected"), N("return_sites"), N("return_sites_exempt"),
               N("indirect_calls_protected"), N("indirect_calls"),
               a->options.key_function ? "made at boot" : "fixed");
    }
#undef N
    tell_left_out("harden", result);
}

/* Both are asked for before anything is done, so that one is not written without the other. */
static enum status keep_existing(const struct arguments *a, struct error *error) {
    const char *const paths[] = {a->output, a->report};
    enum status status = outputs_are_apart(paths, 2, &a->input, 1, error);
    for (size_t i = 0; i < 2 && status == STATUS_OK; i++) {
        if (paths[i]) status = file_may_write(paths[i], a->force, error);
    }
    return status;
}

static enum status write_outputs(const struct arguments *a, const struct harden_result *result,
                                 struct error *error) {
    int replace = a->force ? FILE_REPLACE : FILE_KEEP;
    enum status status = STATUS_OK;
    if (a->report) {
        char *text = json_dumps(result->report, JSON_SORT_KEYS | JSON_INDENT(1));
        if (!text) return error_environment(error, "out of memory");
        struct span bytes = {(const uint8_t *)text, strlen(text)};
        status = file_write(a->report, bytes, 0644, replace, error);
        free(text);
    }
    if (status != STATUS_OK) return status;
    status = file_write(a->output, buffer_span(&result->elf), 0644, replace, error);
    if (status != STATUS_OK && a->report && !a->force)
        file_discard(a->report); /* ours, of no use */
    return status;
}

int verb_harden(int argc, char **argv) {
    struct arguments a = {.options = {.profile = HARDEN_EXPLOIT}};
    int code = 0;
    if (!options_read(&form, argc, argv, &a, &code)) return code;
    if (!a.output) return options_wrong_use(&form, "-o OUT.elf is needed");
    a.options.exempt = a.exempt;
    a.options.pin = a.pin;
    a.options.flash_window = a.window;
    a.options.report_functions = a.report != NULL;
    a.options.writable_flash = a.writable;
    struct arena arena = {0};
    struct error error;
    struct span input;
    struct harden_result result = {.report = NULL};
    enum status status = keep_existing(&a, &error);
    if (status == STATUS_OK) {
        status = file_read(&arena, a.input, FW_INPUT_MAXIMUM_BYTES, &input, &error);
    }
    if (status == STATUS_OK) {
        status = harden_image(input, &a.options, &result, &error);
        if (status != STATUS_OK) error_prefix(&error, a.input);
    }
    if (status == STATUS_OK) status = write_outputs(&a, &result, &error);
    if (status == STATUS_OK) print_summary(&a, &result);
    if (status != STATUS_OK) fprintf(stderr, "proofmark harden: %s\n", error.message);
    harden_free(&result);
    arena_free(&arena);
    return status == STATUS_OK ? 0 : 1;
}
