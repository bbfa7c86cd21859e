/* From facts and signed statements to the claims of a label. See record.h.
 *
 * Order: tested, recorded, declared; within a class the order here. A claim is made only
 * when what it stands on is there: no test statement, no claim of tests. */
#include "registry/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "registry/words.h"

enum { REASONS_MAXIMUM = 6, REASON_NAMES_MAXIMUM = 6 };

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

/* One number of check's figures, such as returns.sites. */
static enum status take_number(struct making *making, const json_t *figures, const char *name,
                               const char *key, int64_t *out) {
    const json_t *value = json_object_get(json_object_get(figures, name), key);
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return error_input(making->error, "hardening statement: figures.%s.%s is not a number",
                           name, key);
    }
    *out = json_integer_value(value);
    return STATUS_OK;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* "places": sites and how many of them have it, and how many are left out on purpose. */
struct places {
    const char *id, *name, *key, *rest; /* the last: rows of what is left out */
    enum word sentence, detail;
    enum word none, none_detail;     /* where there are places and none has it */
    enum word absent, absent_detail; /* where there are no places */
    enum word left_out, all;         /* templates of the rest, and what is said without one */
    bool reasoned;                   /* the exempt ones are among the rows, too */
};

/* Names from an array of texts, or of objects that have one. */
/* Items by their name, or by the range of addresses they are. */
static const char *range_of(struct making *making, const json_t *item) {
    json_int_t start = json_integer_value(json_object_get(item, "start"));
    json_int_t size = json_integer_value(json_object_get(item, "size_bytes"));
    if (size <= 0) return NULL;
    return arena_format(making->arena, "0x%08llx–0x%08llx", (long long)start,
                        (long long)(start + size - 1));
}

static const char *names_of(struct making *making, const json_t *array) {
    const char *names = "";
    for (size_t i = 0; i < json_array_size(array); i++) {
        static const char *const keys[] = {"name", "function", "section"};
        const json_t *item = json_array_get(array, i);
        const char *name = json_string_value(item);
        for (size_t j = 0; j < sizeof keys / sizeof *keys && !name; j++)
            name = json_string_value(json_object_get(item, keys[j]));
        if (!name) name = range_of(making, item);
        if (name) names = arena_format(making->arena, "%s%s%s", names, *names ? ", " : "", name);
    }
    return names;
}

static void add_detail(struct making *making, struct record_claim *claim, const char *more) {
    claim->detail = arena_format(making->arena, "%s%s", claim->detail, more);
}

/* What is left out for one reason. */
struct reason {
    const char *text;
    int64_t sites;
    size_t rows;
    const char *names[REASON_NAMES_MAXIMUM];
    size_t names_count;
};

struct reasons {
    struct reason of[REASONS_MAXIMUM];
    size_t count;
    int64_t others; /* sites for which there is no place in the list */
};

/* The middle of a long name (a C++ one has hundreds of letters) tells the least. */
static const char *shortened(struct making *making, const char *name) {
    enum { WHOLE_BYTES = 40, HEAD_BYTES = 24, TAIL_BYTES = 12 };
    size_t bytes = strlen(name);
    if (bytes <= WHOLE_BYTES) return name;
    size_t head = HEAD_BYTES, tail = bytes - TAIL_BYTES;
    while (head > 0 && ((unsigned char)name[head] & 0xC0) == 0x80)
        head--;
    while (tail < bytes && ((unsigned char)name[tail] & 0xC0) == 0x80)
        tail++;
    return arena_format(making->arena, "%.*s…%s", (int)head, name, name + tail);
}

static void take_row(struct making *making, struct reasons *reasons, const json_t *row) {
    const char *text = text_of(row, "reason"), *name = text_of(row, "function");
    json_int_t sites = json_integer_value(json_object_get(row, "sites"));
    size_t i = 0;
    if (!*text || sites <= 0) return;
    while (i < reasons->count && strcmp(reasons->of[i].text, text) != 0)
        i++;
    if (i == REASONS_MAXIMUM) {
        reasons->others += sites;
        return;
    }
    struct reason *reason = &reasons->of[i];
    if (i == reasons->count) *reason = (struct reason){.text = text};
    if (i == reasons->count) reasons->count++;
    reason->sites += sites;
    if (!*name) return;
    reason->rows++;
    if (reason->names_count == REASON_NAMES_MAXIMUM) return;
    reason->names[reason->names_count++] = shortened(making, name);
}

/* Few reasons leave room for more names of each. */
static const char *names_for(struct making *making, const struct reason *reason, size_t reasons) {
    size_t shown = REASON_NAMES_MAXIMUM / reasons;
    if (shown == 0) shown = 1;
    if (shown > reason->names_count) shown = reason->names_count;
    const char *names = "";
    for (size_t i = 0; i < shown; i++) {
        const char *comma = i ? ", " : "";
        names = arena_format(making->arena, "%s%s%s", names, comma, reason->names[i]);
    }
    if (reason->rows == shown) return names;
    return WORD_FILL(making->arena, AND_MORE, names,
                     number(making, (int64_t)(reason->rows - shown)));
}

static int by_sites(const void *a, const void *b) {
    const struct reason *x = a, *y = b;
    return x->sites != y->sites ? (x->sites < y->sites ? 1 : -1) : strcmp(x->text, y->text);
}

/* "655 because the image's unwinder may read its frame (main, open and 9 more); ..." */
static const char *reasons_of(struct making *making, const json_t *rows) {
    struct reasons *reasons = ARENA_NEW(making->arena, struct reasons);
    const char *out = "";
    for (size_t i = 0; i < json_array_size(rows); i++)
        take_row(making, reasons, json_array_get(rows, i));
    qsort(reasons->of, reasons->count, sizeof *reasons->of, by_sites);
    for (size_t i = 0; i < reasons->count; i++) {
        const struct reason *reason = &reasons->of[i];
        const char *names = names_for(making, reason, reasons->count);
        const char *sites = number(making, reason->sites);
        const char *one = *names
                              ? WORD_FILL(making->arena, REASON_NAMES, sites, reason->text, names)
                              : WORD_FILL(making->arena, REASON, sites, reason->text);
        out = arena_format(making->arena, "%s%s%s", out, i ? "; " : "", one);
    }
    if (reasons->others == 0) return out;
    const char *others = WORD_FILL(making->arena, OTHER_REASONS, number(making, reasons->others));
    return arena_format(making->arena, "%s; %s", out, others);
}

/* What is left out, and why; or that nothing is. */
static void tell_rest(struct making *making, const json_t *figures, const struct places *places,
                      struct record_claim *claim) {
    const json_t *rows = json_object_get(json_object_get(figures, places->name), places->rest);
    const char *why = reasons_of(making, rows);
    if (*why) {
        const char *values[4] = {why};
        add_detail(making, claim, word_fill(making->arena, places->left_out, values));
    } else if (claim->n == claim->of && places->all != WORD_COUNT) {
        add_detail(making, claim, word(places->all));
    }
}

static enum status claim_places(struct making *making, const json_t *figures,
                                const struct places *places) {
    int64_t n = 0, of = 0, exempt = 0;
    enum status status = take_number(making, figures, places->name, places->key, &n);
    if (status == STATUS_OK) status = take_number(making, figures, places->name, "sites", &of);
    if (status == STATUS_OK) {
        status = take_number(making, figures, places->name, "exempt", &exempt);
    }
    if (status != STATUS_OK) return status;
    struct record_claim *claim =
        add(making, places->id, RECORD_CLASS_TESTED, RECORD_EVIDENCE_HARDENING);
    const char *values[4] = {number(making, n), number(making, of)};
    claim->figured = true;
    claim->n = n;
    claim->of = of;
    /* What nothing has is never told in the words of what it would do. */
    bool none = n == 0 && of > 0;
    enum word sentence = none ? places->none : of == 0 ? places->absent : places->sentence;
    enum word detail = none      ? places->none_detail
                       : of == 0 ? places->absent_detail
                                 : places->detail;
    claim->sentence = word_fill(making->arena, sentence, values);
    claim->detail = word(detail);
    if (none || of == 0) return STATUS_OK;
    if (exempt > 0 && !places->reasoned) {
        const char *but = WORD_FILL(making->arena, EXEMPT, number(making, exempt));
        claim->detail = arena_format(making->arena, "%s%s", claim->detail, but);
    }
    tell_rest(making, figures, places, claim);
    return STATUS_OK;
}

/* Bytes of the ranges; 0: there are none, or not all say. */
static int64_t bytes_of(const json_t *ranges) {
    int64_t bytes = 0;
    for (size_t i = 0; i < json_array_size(ranges); i++) {
        json_int_t size =
            json_integer_value(json_object_get(json_array_get(ranges, i), "size_bytes"));
        if (size <= 0) return 0;
        bytes += size;
    }
    return bytes;
}

static void claim_memory(struct making *making, const json_t *figures) {
    const json_t *map = json_object_get(figures, "memory_map");
    struct record_claim *claim =
        add(making, "memory-map", RECORD_CLASS_TESTED, RECORD_EVIDENCE_HARDENING);
    if (!json_is_true(json_object_get(map, "applied"))) {
        claim->sentence = word(WORD_MEMORY_NONE);
        claim->detail = word(WORD_MEMORY_NONE_DETAIL);
        claim->figured = true;
        claim->of = 1;
        return;
    }
    const char *code = names_of(making, json_object_get(map, "executable_ram"));
    const char *flash = names_of(making, json_object_get(map, "writable_flash"));
    const json_t *ranges = json_object_get(map, "executable_ram");
    claim->sentence = word(WORD_MEMORY);
    if (json_array_size(ranges)) {
        int64_t bytes = bytes_of(ranges);
        const char *few = bytes ? number(making, bytes) : word(WORD_SOME);
        claim->sentence = WORD_FILL(making->arena, MEMORY_BUT, few);
    }
    claim->detail = word(WORD_MEMORY_DETAIL);
    if (json_is_true(json_object_get(map, "stack_guard"))) {
        add_detail(making, claim, word(WORD_MEMORY_STACK_GUARD));
    }
    if (json_is_true(json_object_get(map, "null_guard"))) {
        add_detail(making, claim, word(WORD_MEMORY_NULL_GUARD));
    }
    if (*flash) add_detail(making, claim, WORD_FILL(making->arena, MEMORY_WRITABLE, flash));
    if (*code) add_detail(making, claim, WORD_FILL(making->arena, MEMORY_RAM_CODE, code));
}

/* Only what was compared is claimed. */
static enum status claim_original(struct making *making, const json_t *figures) {
    static const char *const keys[] = {"functions", "moved", "untouched", "dropped"};
    const char *values[4];
    const json_t *original = json_object_get(figures, "original");
    if (!json_is_true(json_object_get(original, "compared"))) return STATUS_OK;
    for (int i = 0; i < 4; i++) {
        int64_t value = 0;
        enum status status = take_number(making, figures, "original", keys[i], &value);
        if (status != STATUS_OK) return status;
        values[i] = number(making, value);
    }
    struct record_claim *claim =
        add(making, "original", RECORD_CLASS_TESTED, RECORD_EVIDENCE_HARDENING);
    claim->sentence = word(WORD_ORIGINAL);
    claim->detail = word_fill(making->arena, WORD_ORIGINAL_DETAIL, values);
    return STATUS_OK;
}

static enum status claim_hardening(struct making *making, const json_t *predicate) {
    const json_t *figures = json_object_get(predicate, "figures");
    const char *key = text_of(predicate, "key");
    struct places returns = {.id = "returns",
                             .name = "returns",
                             .key = "sealed",
                             .rest = "unsealed",
                             .sentence = WORD_RETURNS,
                             .detail = WORD_RETURNS_NONE,
                             .none = WORD_RETURNS_ZERO,
                             .none_detail = WORD_RETURNS_NONE,
                             .absent = WORD_RETURNS_ABSENT,
                             .absent_detail = WORD_RETURNS_ABSENT_DETAIL,
                             .left_out = WORD_UNSEALED,
                             .all = WORD_UNSEALED_NONE};
    static const struct places calls = {.id = "calls",
                                        .name = "calls",
                                        .key = "checked",
                                        .rest = "unchecked",
                                        .sentence = WORD_CALLS,
                                        .detail = WORD_CALLS_DETAIL,
                                        .none = WORD_CALLS_ZERO,
                                        .none_detail = WORD_CALLS_NONE,
                                        .absent = WORD_CALLS_ABSENT,
                                        .absent_detail = WORD_CALLS_ABSENT_DETAIL,
                                        .left_out = WORD_UNCHECKED,
                                        .all = WORD_COUNT,
                                        .reasoned = true};
    if (strcmp(key, "boot") == 0) returns.detail = WORD_RETURNS_BOOT;
    if (strcmp(key, "fixed") == 0) {
        returns.sentence = WORD_RETURNS_FIXED_KEY;
        returns.detail = WORD_RETURNS_FIXED;
    }
    enum status status = claim_places(making, figures, &returns);
    if (status == STATUS_OK) status = claim_places(making, figures, &calls);
    if (status != STATUS_OK) return status;
    claim_memory(making, figures);
    return claim_original(making, figures);
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
            arena_format(making->arena, "%.16s", making->record->firmware.original_sha256));
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
