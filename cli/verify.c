/* proofmark verify: what of a shipped folder holds, line by line.
 *
 * The folder is read into memory once and then looked at, so that nothing can change
 * between the look and the word. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "cli/folder_verify.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "firmware/read/read.h"
#include "registry/drawing.h"

struct options {
    const char *folder, *key, *firmware, *original;
    int64_t now_s;
    bool json;
};

/* Noon, so that a day is that day in every time zone's reading of it. */
static enum status take_day(void *into, const char *value, struct error *error) {
    struct options *options = into;
    struct tm parts = {.tm_hour = 12};
    const char *end = strptime(value, "%Y-%m-%d", &parts);
    if (!end || *end) return error_input(error, "--at takes YYYY-MM-DD");
    options->now_s = (int64_t)timegm(&parts);
    return STATUS_OK;
}

static const struct options_row rows[] = {
    {"key", 'k', "PATH", offsetof(struct options, key), NULL, "the maker's public key (PEM)"},
    {"firmware", 0, "PATH", offsetof(struct options, firmware), NULL,
     "the image, when the folder is without it or to compare"},
    {"original", 0, "PATH", offsetof(struct options, original), NULL,
     "the linked ELF that was hardened: proves that all of it is there"},
    {"at", 0, "YYYY-MM-DD", 0, take_day, "judge the evidence's age on this day instead of today"},
    {"json", 0, NULL, offsetof(struct options, json), NULL, "print the findings as JSON"},
};

static const struct options_form form = {
    .verb = "verify",
    .usage = "DIR --key maker.pub [--firmware IMAGE.elf] [--original IN.elf]\n"
             "                        [--at YYYY-MM-DD] [--json]",
    .about = "Verifies a shipped folder: the maker's signatures, the log's proofs, the digest of\n"
             "every file, page and label drawn again, and the image checked anew. Nothing in the\n"
             "folder is trusted; bring the key from a source that you trust.\n",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .notes = "Each claim reads \"holds\", \"declared\", \"signed, not re-checked\" (no firmware to "
             "look\n"
             "at), \"unknown\" (its evidence is past its date) or \"refused\".\n",
    .exit_status = "0 nothing is refused or unknown, 1 something is, 2 wrong use",
    .argument = "one folder",
    .argument_offset = offsetof(struct options, folder),
};

struct reading {
    struct folder folder;
    struct public_key key;
    struct folder_trust trust;
};

/* A product's folder, or the one of all products, where a version's is needed. */
static enum status expect_release(struct arena *arena, const char *folder, struct error *error) {
    size_t count;
    const char *below = folder_release_below(arena, folder, &count);
    if (!below) return STATUS_OK;
    return error_input(error, "%s: is not a release, but holds %zu; give %s%s", folder, count,
                       count > 1 ? "one of them, such as " : "", below);
}

static enum status read_all(struct arena *arena, const struct options *options, struct reading *out,
                            struct error *error) {
    enum status status = STATUS_OK;
    out->trust.now_s = options->now_s;
    if (options->key) {
        status = key_load_public(options->key, &out->key, error);
        out->trust.maker = &out->key;
    }
    if (status == STATUS_OK && options->firmware) {
        status = file_read(arena, options->firmware, FW_INPUT_MAXIMUM_BYTES, &out->trust.firmware,
                           error);
    }
    if (status == STATUS_OK && options->original) {
        status = file_read(arena, options->original, FW_INPUT_MAXIMUM_BYTES, &out->trust.original,
                           error);
    }
    if (status == STATUS_OK) status = expect_release(arena, options->folder, error);
    if (status == STATUS_OK) status = folder_load(arena, options->folder, &out->folder, error);
    return status;
}

static const char *colour_of(enum folder_state state) {
    switch (state) {
    case FOLDER_STATE_REFUSED:
        return "\x1b[1;31m";
    case FOLDER_STATE_UNKNOWN:
        return "\x1b[1;33m";
    case FOLDER_STATE_HOLDS:
        return "\x1b[32m";
    case FOLDER_STATE_SIGNED:
    case FOLDER_STATE_WORD:
        break;
    }
    return "";
}

/* What came out of the folder may hold anything until it is known to be the maker's: no
 * control characters reach the terminal. */
static void print_plain(const char *text) {
    for (const char *c = text; *c; c++)
        putchar((unsigned char)*c >= 0x20 && *c != 0x7F ? *c : '?');
}

/* A reason that stands above already is not said again. */
static void print_finding(const struct folder_finding *finding, bool colours, const char *above) {
    const char *colour = colours ? colour_of(finding->state) : "";
    printf("  %s%-22s%s  ", colour, folder_state_name(finding->state), *colour ? "\x1b[0m" : "");
    if (finding->is_claim) {
        printf("%-8s  ", record_class_name(finding->class));
        print_plain(finding->sentence);
    } else {
        printf("folder    ");
        print_plain(finding->id);
    }
    if (finding->reason && (!above || strcmp(finding->reason, above) != 0)) {
        printf("\n%26sbecause ", "");
        print_plain(finding->reason);
    }
    putchar('\n');
}

static void print_text(const struct options *options, const struct folder_report *report) {
    bool colours = terminal_has_colours();
    if (report->product) {
        print_plain(report->product);
        printf(" ");
        print_plain(report->version);
        printf(", ");
    }
    print_plain(options->folder);
    if (*report->signer_hex) printf(", signed by %s", report->signer_hex);
    putchar('\n');
    const char *above = NULL;
    for (int claims = 1; claims >= 0; claims--) { /* first what the buyer reads */
        for (size_t i = 0; i < report->count; i++) {
            const struct folder_finding *finding = &report->findings[i];
            if (finding->is_claim != claims) continue;
            print_finding(finding, colours, above);
            above = finding->reason;
        }
    }
}

static void set_text(json_t *object, const char *name, const char *text) {
    json_object_set_new(object, name, text ? json_string(text) : json_null());
}

static void print_json(const struct folder_report *report) {
    json_t *findings = json_array();
    for (size_t i = 0; i < report->count; i++) {
        const struct folder_finding *finding = &report->findings[i];
        json_t *object = json_object();
        set_text(object, "id", finding->id);
        set_text(object, "class", finding->is_claim ? record_class_name(finding->class) : NULL);
        set_text(object, "sentence", finding->sentence);
        set_text(object, "state", folder_state_name(finding->state));
        set_text(object, "reason", finding->reason);
        json_array_append_new(findings, object);
    }
    json_t *root = json_object();
    json_object_set_new(root, "accepted", json_boolean(report->accepted));
    set_text(root, "product", report->product);
    set_text(root, "version", report->version);
    set_text(root, "signer", *report->signer_hex ? report->signer_hex : NULL);
    json_object_set_new(root, "findings", findings);
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

/* One sentence on standard error: the first thing that does not hold. */
static void print_refusal(const struct options *options, const struct folder_report *report) {
    size_t wanting = 0;
    const struct folder_finding *first = NULL;
    for (size_t i = 0; i < report->count; i++) {
        if (report->findings[i].state > FOLDER_STATE_UNKNOWN) continue;
        wanting++;
        if (!first) first = &report->findings[i];
    }
    fflush(stdout);
    if (!first) {
        fprintf(stderr, "proofmark verify: %s: there is nothing that could hold\n",
                options->folder);
        return;
    }
    fprintf(stderr, "proofmark verify: %s: %s is %s: %s (%zu of %zu findings do not hold)\n",
            options->folder, first->id, folder_state_name(first->state), first->reason, wanting,
            report->count);
}

int verb_verify(int argc, char **argv) {
    struct options options = {.now_s = (int64_t)time(NULL)};
    int code = 0;
    if (!options_read(&form, argc, argv, &options, &code)) return code;
    struct arena arena = {0};
    struct error error;
    struct reading *reading = ARENA_NEW(&arena, struct reading);
    struct folder_report *report = ARENA_NEW(&arena, struct folder_report);
    enum status status = read_all(&arena, &options, reading, &error);
    if (status == STATUS_OK) {
        folder_verify(&arena, &reading->folder, &reading->trust, report);
        if (options.json) print_json(report);
        else print_text(&options, report);
        if (!report->accepted) print_refusal(&options, report);
        code = report->accepted && fflush(stdout) == 0 ? 0 : 1;
    } else {
        fprintf(stderr, "proofmark verify: %s\n", error.message);
        code = 1;
    }
    drawing_release_fonts();
    arena_free(&arena);
    return code;
}
