/* From facts and signed statements to the claims of a label. See record.h.
 *
 * Order: tested, recorded, declared; within a class the order here. A claim is made only
 * when what it stands on is there: no test statement, no claim of tests. */
#include "registry/record.h"

#include <inttypes.h>
#include <string.h>

#include "registry/words.h"

struct making {
    struct arena *arena;
    struct record *record;
    struct error *error;
};

static struct record_claim *add(struct making *making, const char *id, enum record_class class,
                                enum record_evidence evidence) {
    struct record *record = making->record;
    if (record->claims_count == RECORD_CLAIMS_MAXIMUM) return NULL;
    struct record_claim *claim = &record->claims[record->claims_count++];
    *claim = (struct record_claim){.id = id, .class = class, .evidence = evidence};
    return claim;
}

static const char *number(struct making *making, int64_t value) {
    return arena_format(making->arena, "%" PRId64, value);
}

/* Two integers of one object in check's figures. */
static enum status take_figures(struct making *making, const json_t *figures, const char *name,
                                const char *const keys[2], int64_t out[2]) {
    const json_t *object = json_object_get(figures, name);
    for (int i = 0; i < 2; i++) {
        const json_t *value = json_object_get(object, keys[i]);
        if (!json_is_integer(value) || json_integer_value(value) < 0) {
            return error_input(making->error,
                               "hardening statement: figures.%s.%s is not a number of places", name,
                               keys[i]);
        }
        out[i] = json_integer_value(value);
    }
    return STATUS_OK;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static enum status claim_count(struct making *making, const json_t *figures, const char *id,
                               const char *name, enum word sentence, enum word detail) {
    static const char *const keys[] = {"protected", "needed"};
    int64_t value[2];
    enum status status = take_figures(making, figures, name, keys, value);
    if (status != STATUS_OK) return status;
    struct record_claim *claim = add(making, id, RECORD_CLASS_TESTED, RECORD_EVIDENCE_HARDENING);
    claim->figured = true;
    claim->n = value[0];
    claim->of = value[1];
    const char *values[4] = {number(making, value[0]), number(making, value[1])};
    claim->sentence = word_fill(making->arena, sentence, values);
    claim->detail = word(detail);
    return STATUS_OK;
}

static enum status claim_memory(struct making *making, const json_t *figures) {
    static const char *const keys[] = {"regions", "executable_ram_bytes"};
    int64_t value[2];
    enum status status = take_figures(making, figures, "memory_map", keys, value);
    if (status != STATUS_OK) return status;
    struct record_claim *claim =
        add(making, "memory-map", RECORD_CLASS_TESTED, RECORD_EVIDENCE_HARDENING);
    if (value[0] == 0) {
        claim->sentence = word(WORD_MEMORY_NONE);
        claim->detail = word(WORD_MEMORY_NONE_DETAIL);
        claim->figured = true;
        claim->of = 1;
        return STATUS_OK;
    }
    claim->sentence = word(WORD_MEMORY);
    claim->detail = word(WORD_MEMORY_DETAIL);
    if (value[1] > 0) {
        const char *but = WORD_FILL(making->arena, MEMORY_RAM_CODE, number(making, value[1]));
        claim->detail = arena_format(making->arena, "%s%s", claim->detail, but);
    }
    return STATUS_OK;
}

static enum status claim_hardening(struct making *making, const json_t *predicate) {
    const json_t *figures = json_object_get(predicate, "figures");
    bool boot = strcmp(text_of(predicate, "key"), "boot") == 0;
    enum status status = claim_count(making, figures, "returns", "returns",
                                     boot ? WORD_RETURNS : WORD_RETURNS_FIXED_KEY,
                                     boot ? WORD_RETURNS_BOOT : WORD_RETURNS_FIXED);
    if (status == STATUS_OK) {
        status = claim_count(making, figures, "calls", "calls", WORD_CALLS, WORD_CALLS_DETAIL);
    }
    return status == STATUS_OK ? claim_memory(making, figures) : status;
}

static void claim_recorded(struct making *making, const struct record_statements *statements) {
    const json_t *build = statements->predicate[RECORD_EVIDENCE_BUILD];
    const json_t *test = statements->predicate[RECORD_EVIDENCE_TEST];
    if (build) {
        struct record_claim *claim =
            add(making, "build", RECORD_CLASS_RECORDED, RECORD_EVIDENCE_BUILD);
        const json_t *options = json_object_get(build, "options");
        claim->sentence = word(WORD_BUILD);
        claim->detail = WORD_FILL(
            making->arena, BUILD_DETAIL, making->record->tool, text_of(options, "profile"),
            arena_format(making->arena, "%.16s…", making->record->firmware.original_sha256));
    }
    /* A failed test is on record as well, but it is no claim. */
    const json_t *exit_code = json_object_get(test, "exit_code");
    if (test && json_is_integer(exit_code) && json_integer_value(exit_code) == 0) {
        struct record_claim *claim =
            add(making, "test", RECORD_CLASS_RECORDED, RECORD_EVIDENCE_TEST);
        claim->sentence = word(WORD_TEST);
        claim->detail = WORD_FILL(making->arena, TEST_DETAIL, text_of(test, "command"));
    }
}

static enum status claim_declared(struct making *making) {
    struct record *record = making->record;
    const char *until = record_support_text(making->arena, record);
    if (!until) return error_input(making->error, "record: support.ends is not a month");
    struct record_claim *claim =
        add(making, "support", RECORD_CLASS_DECLARED, RECORD_EVIDENCE_NONE);
    claim->sentence = WORD_FILL(making->arena, SUPPORT, until);
    claim->detail = WORD_FILL(making->arena, SUPPORT_DETAIL, record->manufacturer.name);
    for (size_t i = 0; i < record->declared_count; i++) {
        claim = add(making, arena_format(making->arena, "declared-%zu", i + 1),
                    RECORD_CLASS_DECLARED, RECORD_EVIDENCE_NONE);
        claim->sentence = record->declared[i].text;
        claim->link = record->declared[i].link;
    }
    return STATUS_OK;
}

enum status record_make_claims(struct arena *arena, struct record *record,
                               const struct record_statements *statements, struct error *error) {
    struct making making = {arena, record, error};
    const json_t *hardening = statements->predicate[RECORD_EVIDENCE_HARDENING];
    record->claims_count = 0;
    if (hardening) {
        enum status status = claim_hardening(&making, hardening);
        if (status != STATUS_OK) return status;
    }
    claim_recorded(&making, statements);
    return claim_declared(&making);
}
