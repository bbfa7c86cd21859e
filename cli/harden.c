/* proofmark harden: protect one ELF. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/verbs.h"
#include "firmware/read/read.h"
#include "harden/harden.h"

enum { EXEMPT_MAXIMUM = 64, RANGES_MAXIMUM = 16 };

static const char usage[] =
    "usage: proofmark harden [OPTIONS] -o OUT.elf IN.elf\n"
    "\n"
    "IN.elf is the linker's output with relocations kept (-Wl,--emit-relocs).\n"
    "\n"
    "  -o, --output FILE        where the hardened ELF goes\n"
    "      --profile NAME       exploit (default): seal returns, check indirect calls, set the\n"
    "                           memory map, drop what cannot run; null: only move functions\n"
    "      --seed HEX           2 to 64 hex digits; same input and seed, same bytes (default 00)\n"
    "      --key-function NAME  uint32_t NAME(void), called before the reset handler for this\n"
    "                           boot's key; without it the key is fixed by the seed\n"
    "      --key-cell PLACE     RAM word (symbol or 0x...) for the key, where the firmware uses\n"
    "                           the process stack pointer itself\n"
    "      --exempt NAME        leave this function's returns as they are; may be repeated\n"
    "      --writable START:SIZE  flash that the firmware writes itself; may be repeated\n"
    "      --flash START:SIZE   the part's flash; code that does not fit there is refused\n"
    "      --stack-limit PLACE  lowest address of the stack (symbol or 0x...)\n"
    "      --no-mpu             leave the memory map alone\n"
    "      --report FILE        JSON: each function, each protection with n of N\n"
    "      --json               print the report's totals as JSON\n"
    "      --force              replace existing outputs\n";

struct arguments {
    struct harden_options options;
    const char *output, *report, *input;
    const char *exempt[EXEMPT_MAXIMUM];
    struct fw_range writable[RANGES_MAXIMUM];
    bool json;
    int replace;
};

static int wrong_use(const char *message, const char *what) {
    fprintf(stderr, "proofmark harden: %s%s; see proofmark harden --help\n", message, what);
    return 2;
}

static bool parse_range(const char *text, const char *name, struct fw_range *out) {
    char *end;
    unsigned long start = strtoul(text, &end, 0);
    if (end == text || *end != ':') return false;
    const char *second = end + 1;
    unsigned long size = strtoul(second, &end, 0);
    if (end == second || *end != '\0' || start > UINT32_MAX || size == 0 ||
        size > UINT32_MAX - start) {
        return false;
    }
    *out = (struct fw_range){(uint32_t)start, (uint32_t)size, name};
    return true;
}

/* 0: go on; otherwise the exit code plus one. */
static int take_option(int option, struct arguments *a) {
    struct harden_options *o = &a->options;
    switch (option) {
    case 'o':
        a->output = optarg;
        return 0;
    case 'p':
        if (!harden_profile_named(optarg, &o->profile)) {
            return 1 + wrong_use("unknown profile ", optarg);
        }
        return 0;
    case 's':
        if (!harden_seed_from_hex(optarg, &o->seed)) return 1 + wrong_use("not a seed: ", optarg);
        return 0;
    case 'k':
        o->key_function = optarg;
        return 0;
    case 'c':
        o->key_cell = optarg;
        return 0;
    case 'x':
        if (o->exempt_count == EXEMPT_MAXIMUM) return 1 + wrong_use("too many exemptions", "");
        a->exempt[o->exempt_count++] = optarg;
        return 0;
    case 'w':
        if (o->writable_flash_count == RANGES_MAXIMUM ||
            !parse_range(optarg, "flash the firmware writes",
                         &a->writable[o->writable_flash_count++])) {
            return 1 + wrong_use("not a range START:SIZE: ", optarg);
        }
        return 0;
    case 'f':
        if (!parse_range(optarg, "flash", &o->flash)) {
            return 1 + wrong_use("not a range START:SIZE: ", optarg);
        }
        return 0;
    case 'l':
        o->stack_limit = optarg;
        return 0;
    case 'm':
        o->no_mpu = true;
        return 0;
    case 'r':
        a->report = optarg;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case 'F':
        a->replace = FILE_REPLACE;
        return 0;
    case 'h':
        fputs(usage, stdout);
        return 1;
    default:
        return 1 + 2;
    }
}

static int parse(int argc, char **argv, struct arguments *a) {
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"profile", required_argument, NULL, 'p'},
        {"seed", required_argument, NULL, 's'},
        {"key-function", required_argument, NULL, 'k'},
        {"key-cell", required_argument, NULL, 'c'},
        {"exempt", required_argument, NULL, 'x'},
        {"writable", required_argument, NULL, 'w'},
        {"flash", required_argument, NULL, 'f'},
        {"stack-limit", required_argument, NULL, 'l'},
        {"no-mpu", no_argument, NULL, 'm'},
        {"report", required_argument, NULL, 'r'},
        {"json", no_argument, NULL, 'j'},
        {"force", no_argument, NULL, 'F'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "o:h", options, NULL)) != -1;) {
        int stop = take_option(option, a);
        if (stop) return stop;
    }
    if (argc - optind != 1) return 1 + wrong_use("one input file is needed", "");
    if (!a->output) return 1 + wrong_use("-o OUT.elf is needed", "");
    a->input = argv[optind];
    a->options.exempt = a->exempt;
    a->options.writable_flash = a->writable;
    return 0;
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
    const json_t *reason = json_object_get(result->report, "calls_reason");
    const json_t *map = json_object_get(result->report, "memory_map");
    if (reason)
        fprintf(stderr, "proofmark harden: no indirect call is checked: %s\n",
                json_string_value(reason));
    reason = json_object_get(map, "reason");
    if (reason)
        fprintf(stderr, "proofmark harden: no memory map is set up: %s\n",
                json_string_value(reason));
}

/* Both are asked for before anything is done, so that one is not written without the other. */
static enum status keep_existing(const struct arguments *a, struct error *error) {
    const char *const paths[] = {a->output, a->report};
    for (size_t i = 0; i < 2 && !a->replace; i++) {
        if (!paths[i] || access(paths[i], F_OK) != 0) continue;
        return error_input(error, "%s: exists already and is kept; use --force to replace it",
                           paths[i]);
    }
    return STATUS_OK;
}

static enum status write_outputs(const struct arguments *a, const struct harden_result *result,
                                 struct error *error) {
    enum status status = STATUS_OK;
    if (a->report) {
        char *text = json_dumps(result->report, JSON_SORT_KEYS | JSON_INDENT(1));
        if (!text) return error_environment(error, "out of memory");
        struct span bytes = {(const uint8_t *)text, strlen(text)};
        status = file_write(a->report, bytes, 0644, a->replace, error);
        free(text);
    }
    if (status != STATUS_OK) return status;
    status = file_write(a->output, buffer_span(&result->elf), 0644, a->replace, error);
    if (status != STATUS_OK && a->report && !a->replace) unlink(a->report); /* ours, of no use */
    return status;
}

int verb_harden(int argc, char **argv) {
    struct arguments a = {.options = {.profile = HARDEN_EXPLOIT}};
    int stop = parse(argc, argv, &a);
    if (stop) return stop - 1;
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
