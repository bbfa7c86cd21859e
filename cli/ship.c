/* proofmark ship: from a linked firmware and its description to a folder that anyone can
 * check.
 *
 * The folder is verified by the same code as a stranger's before it is put in place, so
 * what `verify` would refuse is never handed out. */
#include "cli/ship.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/folder_verify.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/temporary.h"
#include "cli/verbs.h"
#include "evidence/log.h"
#include "firmware/read/read.h"
#include "registry/drawing.h"
#include "registry/page.h"

struct options {
    const char *description, *key, *out;
    int passphrase_fd;
    bool force, json;
};

static enum status take_descriptor(void *into, const char *value, struct error *error) {
    struct options *options = into;
    return options_descriptor(value, &options->passphrase_fd, error);
}

static const struct options_row rows[] = {
    {"key", 'k', "PATH", offsetof(struct options, key), NULL,
     "the maker's private key (default: maker.key beside product.yaml);\n"
     "`proofmark keygen` makes one"},
    {"passphrase-fd", 0, "N", 0, take_descriptor,
     "read the key's passphrase from descriptor N instead of asking"},
    {"out", 'o', "DIR", offsetof(struct options, out), NULL,
     "where products go (default out); the log is DIR/log"},
    {"force", 0, NULL, offsetof(struct options, force), NULL, "replace an existing folder"},
    {"json", 0, NULL, offsetof(struct options, json), NULL, "print what was made as JSON"},
};

static const struct options_form form = {
    .verb = "ship",
    .usage = "[--key maker.key] [--passphrase-fd N] [--out DIR] [--force]\n"
             "                      [--json] product.yaml",
    .about = "Hardens and checks the firmware that product.yaml names, runs its tests on the\n"
             "hardened image, signs what was found, appends it to the local log, and writes\n"
             "image, evidence, record, page and label to DIR/<product>/<version>/.\n",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .notes = "The seed is product.yaml's; without one, the first 16 digits of the firmware's "
             "SHA-256\n"
             "(`proofmark harden` alone takes 00). SOURCE_DATE_EPOCH, when set, is the time that "
             "the\n"
             "evidence is issued.\n",
    .exit_status = "0 done, 1 refused, 2 wrong use",
    .argument = "one product.yaml",
    .argument_offset = offsetof(struct options, description),
};

/* A bar on a terminal, nothing elsewhere. */
static void progress(unsigned done, const char *what) {
    static const char bar[] = "########........";
    enum { STEPS = 8 };
    if (!isatty(STDERR_FILENO)) return;
    if (done >= STEPS) fputs("\r\x1b[K", stderr);
    else fprintf(stderr, "\r\x1b[K[%.8s] %s", bar + STEPS - done, what);
    fflush(stderr);
}

static int64_t time_of_issue(void) {
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    char *end;
    errno = 0;
    long long value = epoch ? strtoll(epoch, &end, 10) : 0;
    if (epoch && *epoch && !*end && errno == 0 && value > 0 && value < 1LL << 40) return value;
    return (int64_t)time(NULL);
}

/* The firmware itself, where its description is expected. */
static bool is_elf(const char *path) {
    char magic[4] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool elf = fd >= 0 && read(fd, magic, sizeof magic) == sizeof magic &&
               memcmp(magic,
                      "\x7f"
                      "ELF",
                      sizeof magic) == 0;
    if (fd >= 0) close(fd);
    return elf;
}

/* A file that the description names in that line. */
static enum status read_named(struct shipping *s, const char *path, unsigned line, const char *key,
                              size_t maximum_bytes, struct span *out, struct error *error) {
    const char *from_here = product_path(s->arena, &s->product, path);
    enum status status = file_read(s->arena, from_here, maximum_bytes, out, error);
    if (status != STATUS_OK) {
        error_prefix(error, arena_format(s->arena, "%s:%u: %s", s->product.file, line, key));
    }
    return status;
}

static enum status read_description(struct shipping *s, const char *path, struct error *error) {
    struct tm parts;
    time_t now = (time_t)s->issued_at_s;
    gmtime_r(&now, &parts);
    struct product_date today = {(unsigned)parts.tm_year + 1900, (unsigned)parts.tm_mon + 1,
                                 (unsigned)parts.tm_mday};
    if (is_elf(path)) {
        return error_input(error,
                           "%s: is an ELF and not its description; `proofmark init %s` writes a "
                           "product.yaml, which ship takes",
                           path, path);
    }
    enum status status = file_read(s->arena, path, 1 << 20, &s->description, error);
    if (status != STATUS_OK) return status;
    status = product_read(s->arena, path, s->description, today, &s->product, error);
    if (status != STATUS_OK) return status;
    s->expires_at_s = ship_expiry(&s->product, s->issued_at_s);
    status = read_named(s, s->product.firmware.file, s->product.firmware.line, "firmware.file",
                        FW_INPUT_MAXIMUM_BYTES, &s->original, error);
    for (size_t i = 0; i < s->product.schemes_count && status == STATUS_OK; i++) {
        const struct product_scheme *scheme = &s->product.schemes[i];
        const char *key = arena_format(s->arena, "schemes[%zu].artwork", i + 1);
        status = read_named(s, scheme->artwork, scheme->line, key, ARTWORK_MAXIMUM_BYTES,
                            &s->artwork[i], error);
    }
    return status;
}

/* With --force the folder goes: what this release is made of must not go with it. */
static enum status spare_inputs(const struct shipping *s, const char *description, const char *key,
                                const char *target, struct error *error) {
    const struct product *product = &s->product;
    const char *read[3 + PRODUCT_SCHEMES_MAXIMUM] = {
        description, key, product_path(s->arena, product, product->firmware.file)};
    size_t count = 3;
    for (size_t i = 0; i < product->schemes_count; i++)
        read[count++] = product_path(s->arena, product, product->schemes[i].artwork);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = outputs_not_around(target, read[i], error);
    return status;
}

/* One log is one key's: who has another begins another. */
static enum status expect_own_log(const struct shipping *s, const struct private_key *key,
                                  struct error *error) {
    char found[LOG_ORIGIN_BYTES], own[LOG_ORIGIN_BYTES];
    log_origin(&key->public_half, own);
    log_named_origin(s->log_directory, found);
    if (!*found || strcmp(found, own) == 0) return STATUS_OK;
    return error_input(error,
                       "%s: this log belongs to another key: it is %s, and this key's is %s; sign "
                       "with the key that began it, or name another place with --out DIR",
                       s->log_directory, found, own);
}

/* Before any work is done: a place for the result, and a key to sign it with. */
static enum status prepare(struct shipping *s, const struct options *options, const char *target,
                           struct private_key *key, struct error *error) {
    const char *path = options->key;
    if (!path) path = product_path(s->arena, &s->product, "maker.key");
    struct passphrase_source source = {.fd = options->passphrase_fd, .about = path};
    struct stat facts;
    bool there = lstat(target, &facts) == 0;
    if (there && !options->force) {
        return error_input(error, "%s: exists already and is kept; use --force to replace it",
                           target);
    }
    if (there && !S_ISDIR(facts.st_mode)) {
        return error_input(error, "%s: is not a folder and is not replaced", target);
    }
    if (there) {
        enum status apart = spare_inputs(s, options->description, path, target, error);
        if (apart != STATUS_OK) return apart;
    }
    if (access(path, F_OK) != 0) {
        return error_input(error,
                           "%s: there is no key to sign with; make one with `proofmark keygen -o "
                           "%s`, or name yours with --key",
                           path, path);
    }
    enum status status = key_load_private(path, &source, key, error);
    if (status != STATUS_OK) return status;
    status = expect_own_log(s, key, error);
    if (status != STATUS_OK) key_wipe(key);
    return status;
}

/* The seed of the maker, or one that follows from the firmware. */
static const char *choose_seed(struct shipping *s) {
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_HEX_BYTES];
    if (!s->product.harden.seed) {
        digest_of(s->original, digest);
        digest_to_hex(digest, hex);
        return arena_string(s->arena, hex, 16);
    }
    char *seed = arena_string(s->arena, s->product.harden.seed, strlen(s->product.harden.seed));
    for (char *c = seed; *c; c++)
        if (*c >= 'A' && *c <= 'F') *c = (char)(*c | 0x20);
    return seed;
}

static enum status harden(struct shipping *s, struct harden_result *result, struct error *error) {
    const struct product *product = &s->product;
    size_t count = product->harden.writable_flash_count;
    struct fw_range *ranges = ARENA_ARRAY(s->arena, struct fw_range, count);
    for (size_t i = 0; i < count; i++) {
        const struct product_range *range = &product->harden.writable_flash[i];
        ranges[i] = (struct fw_range){range->start, range->size_bytes, range->name};
    }
    struct harden_options options = {
        .key_function = product->harden.key_function,
        .key_cell = product->harden.key_cell,
        .exempt = product->harden.exempt.items,
        .exempt_count = product->harden.exempt.count,
        .pin = product->harden.pin.items,
        .pin_count = product->harden.pin.count,
        .flash_window = product->harden.flash_window.items,
        .flash_window_count = product->harden.flash_window.count,
        .writable_flash = ranges,
        .writable_flash_count = count,
        .flash = {product->harden.flash.start, product->harden.flash.size_bytes, "flash"},
        .no_mpu = strcmp(product->harden.mpu, "none") == 0,
        .no_null_guard = strcmp(product->harden.null_guard, "none") == 0,
        .stack_limit = product->harden.stack_limit,
    };
    s->seed = choose_seed(s);
    if (!harden_profile_named(product->harden.profile, &options.profile) ||
        !harden_seed_from_hex(s->seed, &options.seed)) {
        return error_input(error, "%s: the hardener does not take this profile or seed",
                           product->file);
    }
    enum status status = harden_image(s->original, &options, result, error);
    if (status == STATUS_OK) s->image = buffer_span(&result->elf);
    else error_prefix(error, product_path(s->arena, product, product->firmware.file));
    return status;
}

static enum status check(struct shipping *s, struct error *error) {
    json_t *declared = ship_declared(&s->product);
    enum status status =
        folder_check_image(s->arena, s->image, s->original, declared, &s->check, error);
    json_decref(declared);
    if (status == STATUS_OK && !s->check.holds) {
        status = error_input(error, "check: the hardened image does not hold: %s", s->check.fault);
    }
    return status;
}

/* A guard where the firmware goes below what it calls its stack's limit is a fault that only
 * its tests show, and one that is hard to see from outside. */
static void name_guard(struct shipping *s, const struct harden_result *hardened,
                       struct error *error) {
    const json_t *map = json_object_get(hardened->report, "memory_map"), *region;
    const char *told = arena_format(s->arena, "%s", error->message);
    size_t i;
    json_array_foreach(json_object_get(map, "regions"), i, region) {
        const char *role = json_string_value(json_object_get(region, "role"));
        long long base = (long long)json_integer_value(json_object_get(region, "base"));
        long long bytes = (long long)json_integer_value(json_object_get(region, "size_bytes"));
        if (!role || strcmp(role, "stack guard") != 0) continue;
        error_input(error,
                    "%s; one thing to look at is the stack's guard, 0x%08llx to 0x%08llx: what "
                    "goes there now faults",
                    told, base, base + bytes - 1);
    }
}

static const char *failed_test_log(struct shipping *s, const char *target) {
    return arena_format(s->arena, "%s.test.log", target);
}

static enum status test(struct shipping *s, const char *target, struct error *error) {
    if (s->product.test.command.count == 0) return STATUS_OK;
    const char *relative = arena_format(s->arena, "%s/%s", temporary_path(), FOLDER_FIRMWARE);
    char *firmware = realpath(relative, NULL);
    if (!firmware) return error_environment(error, "%s: %s", relative, strerror(errno));
    enum status status = run_test(s->arena, &s->product, firmware, &s->test, error);
    free(firmware);
    if (status != STATUS_OK) return status;
    if (s->test.exit_code != 0) {
        /* The log outlives the folder: without it nobody could tell what failed. */
        const char *log = failed_test_log(s, target);
        struct error ignored;
        bool kept = file_write(log, s->test.log, 0644, FILE_REPLACE, &ignored) == STATUS_OK;
        return error_input(error, "the tests failed on the hardened image with exit code %d%s%s",
                           s->test.exit_code, kept ? "; their output is in " : "", kept ? log : "");
    }
    s->tested = true;
    return folder_add(&s->folder, FOLDER_TEST_LOG, s->test.log, error);
}

static enum status label(struct shipping *s, struct error *error) {
    struct folder_pictures pictures;
    struct buffer record;
    buffer_init(&record, RECORD_MAXIMUM_BYTES);
    enum status status = record_write(&s->record, &record, error);
    const char *kept = arena_string(s->arena, (const char *)record.data, record.size_bytes);
    struct span record_bytes = {(const uint8_t *)kept, record.size_bytes};
    buffer_free(&record);
    if (status == STATUS_OK) {
        status = folder_render(s->arena, &s->record, s->artwork, &pictures, error);
    }
    if (status != STATUS_OK) return status;
    const struct folder_file files[] = {{FOLDER_RECORD, record_bytes},
                                        {FOLDER_PAGE, pictures.page},
                                        {FOLDER_LABEL_SVG, pictures.svg},
                                        {FOLDER_LABEL_PNG, pictures.png}};
    for (size_t i = 0; i < sizeof files / sizeof *files && status == STATUS_OK; i++)
        status = folder_add(&s->folder, files[i].name, files[i].bytes, error);
    for (size_t i = 0; i < s->record.schemes_count && status == STATUS_OK; i++)
        status = folder_add(&s->folder, s->record.schemes[i].file, s->artwork[i], error);
    return status;
}

/* As a stranger would, with nothing but the public key. */
static enum status verify_own(struct shipping *s, struct error *error) {
    struct folder_trust trust = {.maker = &s->key->public_half, .now_s = s->issued_at_s};
    if (s->check.compared) trust.original = s->original;
    struct folder_report *report = ARENA_NEW(s->arena, struct folder_report);
    folder_verify(s->arena, &s->folder, &trust, report);
    if (report->accepted) return STATUS_OK;
    for (size_t i = 0; i < report->count; i++) {
        const struct folder_finding *finding = &report->findings[i];
        if (finding->state > FOLDER_STATE_UNKNOWN) continue;
        return error_input(error, "the folder would not stand up to verify: %s: %s", finding->id,
                           finding->reason);
    }
    return error_input(error, "the folder would not stand up to verify");
}

/* The image is there already: the tests needed it. */
static enum status write_files(struct shipping *s, struct error *error) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < s->folder.count && status == STATUS_OK; i++) {
        const struct folder_file *file = &s->folder.files[i];
        if (strcmp(file->name, FOLDER_FIRMWARE) == 0) continue;
        status = temporary_write(file->name, file->bytes, error);
    }
    return status;
}

/* The way of one product, from its linked firmware to its folder. */
static enum status ship(struct shipping *s, const struct options *options, const char *target,
                        struct harden_result *hardened, struct error *error) {
    progress(0, "hardening the firmware");
    enum status status = harden(s, hardened, error);
    if (status == STATUS_OK) {
        progress(8, "");
        tell_left_out("ship", hardened);
        progress(1, "checking the output");
        status = check(s, error);
    }
    if (status == STATUS_OK) status = temporary_begin(target, error);
    if (status == STATUS_OK) status = temporary_write(FOLDER_FIRMWARE, s->image, error);
    if (status == STATUS_OK) status = folder_add(&s->folder, FOLDER_FIRMWARE, s->image, error);
    if (status == STATUS_OK) {
        progress(2, "running the tests on the hardened image");
        status = test(s, target, error);
        if (s->test.late || s->test.exit_code != 0) name_guard(s, hardened, error);
    }
    if (status == STATUS_OK) {
        progress(3, "signing the evidence");
        status = ship_statements(s, error);
    }
    if (status == STATUS_OK) {
        progress(4, "drawing page and label");
        status = label(s, error);
    }
    if (status == STATUS_OK) {
        progress(5, "signing the release"); /* from here on no file is added but its own */
        status = ship_release(s, error);
    }
    if (status == STATUS_OK) {
        progress(6, "verifying the folder");
        status = verify_own(s, error);
    }
    if (status == STATUS_OK) {
        progress(7, "putting the folder in place");
        status = write_files(s, error);
    }
    if (status == STATUS_OK) status = temporary_place(options->force, error);
    if (status == STATUS_OK) unlink(failed_test_log(s, target)); /* of a run before this one */
    temporary_end();
    progress(8, "");
    return status;
}

static int print_json(const struct shipping *s, const char *target) {
    json_t *claims = json_array();
    for (size_t i = 0; i < s->record.claims_count; i++) {
        const struct record_claim *claim = &s->record.claims[i];
        json_array_append_new(claims, json_pack("{s:s, s:s, s:s}", "id", claim->id, "class",
                                                record_class_name(claim->class), "sentence",
                                                claim->sentence));
    }
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "folder", target, "firmware_sha256",
                  s->record.firmware.sha256, "original_sha256", s->record.firmware.original_sha256,
                  "signer", s->record.signer, "url", s->record.url, "claims", claims);
    int failed = !root || json_dumpf(root, stdout, JSON_INDENT(2) | JSON_SORT_KEYS) != 0;
    json_decref(root);
    return failed || putchar('\n') == EOF || fflush(stdout) != 0;
}

static int print_text(const struct shipping *s, const char *target) {
    printf("%s %s: %zu files in %s\n", s->product.product.name, s->product.product.version,
           s->folder.count, target);
    for (size_t i = 0; i < s->record.claims_count; i++) {
        const struct record_claim *claim = &s->record.claims[i];
        printf("  %-9s %s\n", record_class_name(claim->class), claim->sentence);
    }
    printf("page   %s/%s\nlabel  %s/%s, %s\n", target, FOLDER_PAGE, target, FOLDER_LABEL_SVG,
           FOLDER_LABEL_PNG);
    printf("signed by %s\ncheck it: proofmark verify %s --key maker.pub\n", s->record.signer,
           target);
    return fflush(stdout) != 0;
}

int verb_ship(int argc, char **argv) {
    struct options options = {.out = "out", .passphrase_fd = PASSPHRASE_PROMPT};
    int code = 0;
    if (!options_read(&form, argc, argv, &options, &code)) return code;
    struct arena arena = {0};
    struct error error;
    struct private_key key;
    struct harden_result hardened = {0};
    struct shipping *s = ARENA_NEW(&arena, struct shipping);
    const char *target = "";
    bool loaded = false;
    s->arena = &arena;
    s->issued_at_s = time_of_issue();
    enum status status = read_description(s, options.description, &error);
    if (status == STATUS_OK) {
        s->log_directory = arena_format(&arena, "%s/log", options.out);
        target = arena_format(&arena, "%s/%s/%s", options.out, s->product.product.id,
                              s->product.product.version);
        status = prepare(s, &options, target, &key, &error);
        loaded = status == STATUS_OK;
    }
    s->key = &key;
    if (status == STATUS_OK) status = ship(s, &options, target, &hardened, &error);
    if (loaded) key_wipe(&key);
    if (status == STATUS_OK) code = options.json ? print_json(s, target) : print_text(s, target);
    else fprintf(stderr, "proofmark ship: %s\n", error.message);
    json_decref(s->check.figures);
    harden_free(&hardened);
    drawing_release_fonts();
    arena_free(&arena);
    return status == STATUS_OK ? code : 1;
}
