/* Statements, log and proofs of a release. See ship.h.
 *
 * Two checkpoints are made: one over hardening, build and tests, whose proofs then are
 * files like any other, and one over the release statement, which names those files. */
#include <string.h>
#include <time.h>

#include "cli/ship.h"
#include "cli/ship_record.h"
#include "evidence/dsse.h"
#include "evidence/log.h"
#include "evidence/predicate.h"
#include "evidence/statement.h"

int64_t ship_expiry(const struct product *product, int64_t issued_at_s) {
    time_t issued = (time_t)issued_at_s;
    struct tm end, support = {0};
    gmtime_r(&issued, &end);
    end.tm_mon += (int)product->label.evidence_valid_months;
    support.tm_year = (int)product->support.ends.year - 1900;
    support.tm_mon = (int)product->support.ends.month; /* the month after, as tm counts */
    support.tm_mday = 1;
    int64_t evidence_ends = (int64_t)timegm(&end);
    int64_t support_ends = (int64_t)timegm(&support) - 1;
    return evidence_ends < support_ends ? evidence_ends : support_ends;
}

static json_t *hex_json(struct span bytes) {
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_HEX_BYTES];
    digest_of(bytes, digest);
    digest_to_hex(digest, hex);
    return json_string(hex);
}

/* The members of every predicate. */
static json_t *new_predicate(const struct shipping *shipping) {
    return json_pack("{s:I, s:I, s:{s:s, s:s}}", "issued_at_s", (json_int_t)shipping->issued_at_s,
                     "expires_at_s", (json_int_t)shipping->expires_at_s, "tool", "name",
                     "proofmark", "version", PROOFMARK_VERSION);
}

/* What is exempt by name, and what is pinned: both are unsealed because the maker says so. */
static json_t *exempt_functions(const struct product *product) {
    json_t *exempt = json_array();
    for (size_t i = 0; i < product->harden.exempt.count; i++)
        json_array_append_new(exempt, json_string(product->harden.exempt.items[i]));
    for (size_t i = 0; i < product->harden.pin.count; i++)
        json_array_append_new(exempt, json_string(product->harden.pin.items[i]));
    return exempt;
}

static json_t *writable_flash(const struct product *product) {
    json_t *ranges = json_array();
    for (size_t i = 0; i < product->harden.writable_flash_count; i++) {
        const struct product_range *range = &product->harden.writable_flash[i];
        json_array_append_new(ranges, json_pack("{s:s, s:I, s:I}", "name", range->name, "start",
                                                (json_int_t)range->start, "size_bytes",
                                                (json_int_t)range->size_bytes));
    }
    return ranges;
}

/* NULL: there is none, and the member is left out. */
static json_t *flash_window(const struct product *product) {
    json_t *names = product->harden.flash_window.count ? json_array() : NULL;
    for (size_t i = 0; i < product->harden.flash_window.count; i++)
        json_array_append_new(names, json_string(product->harden.flash_window.items[i]));
    return names;
}

json_t *ship_declared(const struct product *product) {
    return json_pack("{s:o, s:o, s:o*, s:s*}", "exempt", exempt_functions(product),
                     "writable_flash", writable_flash(product), "flash_window",
                     flash_window(product), "stack_limit", product->harden.stack_limit);
}

/* As check found it in the image, whatever product.yaml asked for. */
static const char *key_of(const json_t *figures) {
    const char *made = json_string_value(json_object_get(json_object_get(figures, "key"), "made"));
    if (made && strcmp(made, "at boot") == 0) return "boot";
    return made && strcmp(made, "fixed key") == 0 ? "fixed" : "none";
}

static json_t *hardening_predicate(const struct shipping *shipping) {
    json_t *predicate = new_predicate(shipping);
    const struct product *product = &shipping->product;
    json_object_set_new(predicate, "profile", json_string(product->harden.profile));
    json_object_set_new(predicate, "seed", json_string(shipping->seed));
    json_object_set_new(predicate, "key", json_string(key_of(shipping->check.figures)));
    json_object_update_new(predicate, ship_declared(product));
    json_object_set_new(predicate, "original_sha256", hex_json(shipping->original));
    json_object_set(predicate, "figures", shipping->check.figures);
    return predicate;
}

static void add_input(json_t *inputs, const char *name, struct span bytes) {
    const char *slash = strrchr(name, '/');
    json_array_append_new(inputs, json_pack("{s:s, s:o}", "name", slash ? slash + 1 : name,
                                            "sha256", hex_json(bytes)));
}

static void add_option(json_t *options, const char *name, const char *value) {
    if (value) json_object_set_new(options, name, json_string(value));
}

static json_t *build_options(const struct shipping *shipping) {
    const struct product *product = &shipping->product;
    json_t *options = ship_declared(product);
    add_option(options, "profile", product->harden.profile);
    add_option(options, "seed", shipping->seed);
    add_option(options, "key_function", product->harden.key_function);
    add_option(options, "key_cell", product->harden.key_cell);
    add_option(options, "mpu", product->harden.mpu);
    if (product->harden.flash.size_bytes) {
        json_object_set_new(options, "flash",
                            json_pack("{s:I, s:I}", "start",
                                      (json_int_t)product->harden.flash.start, "size_bytes",
                                      (json_int_t)product->harden.flash.size_bytes));
    }
    return options;
}

static json_t *build_predicate(const struct shipping *shipping) {
    json_t *predicate = new_predicate(shipping), *inputs = json_array();
    const struct product *product = &shipping->product;
    add_input(inputs, product->file, shipping->description);
    add_input(inputs, product->firmware.file, shipping->original);
    for (size_t i = 0; i < product->schemes_count; i++)
        add_input(inputs, product->schemes[i].artwork, shipping->artwork[i]);
    json_object_set_new(predicate, "inputs", inputs);
    json_object_set_new(predicate, "options", build_options(shipping));
    return predicate;
}

static json_t *test_predicate(const struct shipping *shipping) {
    if (!shipping->tested) return NULL;
    json_t *predicate = new_predicate(shipping);
    json_object_set_new(predicate, "command", json_string(shipping->test.command));
    json_object_set_new(predicate, "exit_code", json_integer(shipping->test.exit_code));
    json_object_set_new(predicate, "log_sha256", hex_json(shipping->test.log));
    json_object_set_new(predicate, "duration_ms", json_integer(shipping->test.duration_ms));
    return predicate;
}

/* The envelope's bytes live in the arena. */
static enum status sign(struct shipping *shipping, const char *type, json_t *predicate,
                        const struct statement_subject *subjects, size_t subject_count,
                        struct span *out, struct error *error) {
    struct buffer text, envelope;
    struct statement statement = {type, predicate, subjects, subject_count};
    buffer_init(&text, STATEMENT_MAXIMUM_BYTES);
    buffer_init(&envelope, DSSE_MAXIMUM_BYTES);
    enum status status = predicate_validate(type, predicate, error);
    if (status == STATUS_OK) status = statement_write(&statement, &text, error);
    if (status == STATUS_OK) {
        status =
            dsse_sign(shipping->key, STATEMENT_PAYLOAD_TYPE, buffer_span(&text), &envelope, error);
    }
    if (status == STATUS_OK) {
        out->data = (const uint8_t *)arena_string(shipping->arena, (const char *)envelope.data,
                                                  envelope.size_bytes);
        out->size_bytes = envelope.size_bytes;
    }
    buffer_free(&text);
    buffer_free(&envelope);
    return status;
}

/* Envelope `names[i]` and its proof become files of the folder. */
static enum status log_and_add(struct shipping *shipping, const char *const *names,
                               const struct span *envelopes, size_t count, struct error *error) {
    struct log *log;
    struct log_receipt receipts[RECORD_EVIDENCE_COUNT];
    enum status status = log_open(shipping->log_directory, shipping->key, &log, error);
    if (status != STATUS_OK) return status;
    status = log_append(log, &shipping->key->public_half, envelopes, count, receipts, error);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        struct buffer proof;
        buffer_init(&proof, 1 << 16);
        status = log_prove_inclusion(log, receipts[i].index, &proof, error);
        const char *kept =
            arena_string(shipping->arena, (const char *)proof.data, proof.size_bytes);
        struct span bytes = {(const uint8_t *)kept, proof.size_bytes};
        buffer_free(&proof);
        if (status == STATUS_OK) {
            status = folder_add(&shipping->folder, folder_statement_name(shipping->arena, names[i]),
                                envelopes[i], error);
        }
        if (status == STATUS_OK) {
            status = folder_add(&shipping->folder, folder_proof_name(shipping->arena, names[i]),
                                bytes, error);
        }
    }
    log_close(log);
    return status;
}

static enum status fill_record(struct shipping *shipping, json_t *const *predicates,
                               const struct span *envelopes, struct error *error) {
    struct record_statements statements = {{NULL}};
    ship_record_facts(shipping);
    for (size_t i = 0, next = 0; i < RECORD_EVIDENCE_COUNT; i++) {
        uint8_t digest[DIGEST_BYTES];
        char hex[DIGEST_HEX_BYTES];
        if (!predicates[i]) continue;
        digest_of(envelopes[next++], digest);
        digest_to_hex(digest, hex);
        statements.predicate[i] = predicates[i];
        shipping->record.evidence_sha256[i] =
            arena_string(shipping->arena, hex, DIGEST_HEX_BYTES - 1);
    }
    return record_make_claims(shipping->arena, &shipping->record, &statements, error);
}

enum status ship_statements(struct shipping *shipping, struct error *error) {
    static const char *const types[] = {PREDICATE_HARDENING, PREDICATE_BUILD, PREDICATE_TEST};
    json_t *predicates[] = {hardening_predicate(shipping), build_predicate(shipping),
                            test_predicate(shipping)};
    struct span envelopes[RECORD_EVIDENCE_COUNT];
    const char *names[RECORD_EVIDENCE_COUNT];
    size_t count = 0;
    struct statement_subject image = {.name = FOLDER_FIRMWARE};
    enum status status = STATUS_OK;
    digest_of(shipping->image, image.sha256);
    for (unsigned i = 0; i < RECORD_EVIDENCE_COUNT && status == STATUS_OK; i++) {
        if (!predicates[i]) continue;
        names[count] = record_evidence_name((enum record_evidence)i);
        status = sign(shipping, types[i], predicates[i], &image, 1, &envelopes[count++], error);
    }
    if (status == STATUS_OK) status = log_and_add(shipping, names, envelopes, count, error);
    if (status == STATUS_OK) status = fill_record(shipping, predicates, envelopes, error);
    for (size_t i = 0; i < RECORD_EVIDENCE_COUNT; i++)
        json_decref(predicates[i]);
    return status;
}

enum status ship_release(struct shipping *shipping, struct error *error) {
    static const char *const names[] = {FOLDER_RELEASE};
    struct statement_subject subjects[FOLDER_FILES_MAXIMUM];
    struct span envelope;
    const struct folder *folder = &shipping->folder;
    for (size_t i = 0; i < folder->count; i++) {
        subjects[i].name = folder->files[i].name;
        digest_of(folder->files[i].bytes, subjects[i].sha256);
    }
    json_t *predicate = new_predicate(shipping);
    json_object_set_new(predicate, "product", json_string(shipping->product.product.name));
    json_object_set_new(predicate, "version", json_string(shipping->product.product.version));
    json_object_set_new(predicate, "renderer", folder_renderer(shipping->arena));
    enum status status =
        sign(shipping, PREDICATE_RELEASE, predicate, subjects, folder->count, &envelope, error);
    json_decref(predicate);
    return status == STATUS_OK ? log_and_add(shipping, names, &envelope, 1, error) : status;
}
