/* See statement.h. */
#include "evidence/statement.h"

#include <stdlib.h>
#include <string.h>

#include "evidence/canonical.h"

#define STATEMENT_TYPE "https://in-toto.io/Statement/v1"

enum { NAME_MAXIMUM = 1024, TYPE_MAXIMUM = 256 };

static bool text_allowed(const char *text, size_t maximum) {
    size_t length = strnlen(text, maximum + 1);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) return false;
    }
    return length >= 1 && length <= maximum;
}

static int by_name(const void *a, const void *b) {
    const struct statement_subject *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static enum status check_subjects(const struct statement_subject *sorted, size_t count,
                                  struct error *error) {
    for (size_t i = 0; i < count; i++) {
        if (!text_allowed(sorted[i].name, NAME_MAXIMUM)) {
            return error_input(error, "a subject's name is empty, too long or has control "
                                      "characters");
        }
        if (i > 0 && strcmp(sorted[i - 1].name, sorted[i].name) == 0) {
            return error_input(error, "two subjects have the name %s", sorted[i].name);
        }
    }
    return STATUS_OK;
}

/* The subjects, sorted, as JSON. */
static enum status subjects_to_json(const struct statement *statement, json_t **out,
                                    struct error *error) {
    size_t count = statement->subject_count;
    struct statement_subject *sorted = calloc(count, sizeof *sorted);
    json_t *array = json_array();
    if (!sorted || !array) {
        free(sorted);
        json_decref(array);
        return error_environment(error, "no memory for a statement");
    }
    memcpy(sorted, statement->subjects, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_name);
    enum status status = check_subjects(sorted, count, error);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        char hex[DIGEST_HEX_BYTES];
        digest_to_hex(sorted[i].sha256, hex);
        json_t *subject =
            json_pack("{s:s, s:{s:s}}", "name", sorted[i].name, "digest", "sha256", hex);
        if (!subject || json_array_append_new(array, subject) != 0) {
            status = error_input(error, "a subject's name is not UTF-8");
        }
    }
    free(sorted);
    if (status != STATUS_OK) {
        json_decref(array);
        return status;
    }
    *out = array;
    return STATUS_OK;
}

enum status statement_write(const struct statement *statement, struct buffer *out,
                            struct error *error) {
    json_t *subjects = NULL;
    if (statement->subject_count == 0 || statement->subject_count > STATEMENT_SUBJECTS_MAXIMUM) {
        return error_input(error, "a statement has 1 to %d subjects, not %zu",
                           STATEMENT_SUBJECTS_MAXIMUM, statement->subject_count);
    }
    if (!text_allowed(statement->predicate_type, TYPE_MAXIMUM)) {
        return error_input(error, "the predicate type is not a URI");
    }
    if (!json_is_object(statement->predicate)) {
        return error_input(error, "the predicate is not a JSON object");
    }
    enum status status = subjects_to_json(statement, &subjects, error);
    if (status != STATUS_OK) return status;
    json_t *value = json_pack("{s:s, s:O, s:s, s:o}", "_type", STATEMENT_TYPE, "predicate",
                              statement->predicate, "predicateType", statement->predicate_type,
                              "subject", subjects);
    if (!value) return error_input(error, "the predicate type is not UTF-8");
    size_t before = out->size_bytes;
    status = canonical_write(value, out, error);
    json_decref(value);
    if (status == STATUS_OK && out->size_bytes - before > STATEMENT_MAXIMUM_BYTES) {
        status =
            error_input(error, "the statement is longer than %d bytes", STATEMENT_MAXIMUM_BYTES);
    }
    return status;
}

/* A member that is a string without control characters, copied into the arena. */
static const char *take_text(struct arena *arena, const json_t *object, const char *name,
                             size_t maximum) {
    const char *text = json_string_value(json_object_get(object, name));
    if (!text || !text_allowed(text, maximum)) return NULL;
    return arena_string(arena, text, strlen(text));
}

static enum status read_subjects(struct arena *arena, const json_t *array, struct statement *out,
                                 struct error *error) {
    size_t count = json_array_size(array);
    if (count == 0 || count > STATEMENT_SUBJECTS_MAXIMUM) {
        return error_input(error, "\"subject\" must be an array of 1 to %d",
                           STATEMENT_SUBJECTS_MAXIMUM);
    }
    struct statement_subject *subjects = ARENA_ARRAY(arena, struct statement_subject, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *subject = json_array_get(array, i);
        const json_t *digest = json_object_get(subject, "digest");
        const char *hex = json_string_value(json_object_get(digest, "sha256"));
        subjects[i].name = take_text(arena, subject, "name", NAME_MAXIMUM);
        if (!subjects[i].name || json_object_size(subject) != 2 || json_object_size(digest) != 1 ||
            !hex || !digest_from_hex(hex, subjects[i].sha256)) {
            return error_input(error, "subject %zu must have a name and one digest, sha256", i);
        }
        if (i > 0 && strcmp(subjects[i - 1].name, subjects[i].name) >= 0) {
            return error_input(error, "subjects must be in ascending order of names, each once");
        }
    }
    out->subjects = subjects;
    out->subject_count = count;
    return STATUS_OK;
}

static enum status read_members(struct arena *arena, const json_t *value, struct statement *out,
                                struct error *error) {
    const char *type = json_string_value(json_object_get(value, "_type"));
    if (!type || strcmp(type, STATEMENT_TYPE) != 0) {
        return error_input(error, "is not an in-toto Statement v1");
    }
    if (json_object_size(value) != 4) {
        return error_input(error, "must have the members _type, predicate, predicateType and "
                                  "subject, and no others");
    }
    out->predicate_type = take_text(arena, value, "predicateType", TYPE_MAXIMUM);
    if (!out->predicate_type) return error_input(error, "\"predicateType\" must be a URI");
    out->predicate = json_object_get(value, "predicate");
    if (!json_is_object(out->predicate))
        return error_input(error, "\"predicate\" must be an object");
    return read_subjects(arena, json_object_get(value, "subject"), out, error);
}

enum status statement_read(struct arena *arena, struct span text, struct statement *out,
                           struct error *error) {
    json_t *value = NULL;
    *out = (struct statement){0};
    if (text.size_bytes > STATEMENT_MAXIMUM_BYTES) {
        return error_input(error, "is longer than %d bytes", STATEMENT_MAXIMUM_BYTES);
    }
    enum status status = canonical_read(text, &value, error);
    if (status != STATUS_OK) return status;
    status = read_members(arena, value, out, error);
    if (status == STATUS_OK) {
        json_incref(out->predicate);
    } else {
        *out = (struct statement){0};
    }
    json_decref(value);
    return status;
}

void statement_release(struct statement *statement) {
    json_decref(statement->predicate);
    statement->predicate = NULL;
}

const struct statement_subject *statement_subject_named(const struct statement *statement,
                                                        const char *name) {
    for (size_t i = 0; i < statement->subject_count; i++) {
        if (strcmp(statement->subjects[i].name, name) == 0) return &statement->subjects[i];
    }
    return NULL;
}
