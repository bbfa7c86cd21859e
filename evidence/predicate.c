/* See predicate.h. */
#include "evidence/predicate.h"

#include <string.h>

#include "evidence/digest.h"

enum kind { KIND_TEXT, KIND_HEX, KIND_SHA256, KIND_INTEGER, KIND_OBJECT, KIND_ARTIFACTS };

static const char *const kind_names[] = {
    [KIND_TEXT] = "a string that is not empty",
    [KIND_HEX] = "a string of lower-case hexadecimal digits",
    [KIND_SHA256] = "a sha256 of 64 lower-case hexadecimal digits",
    [KIND_INTEGER] = "an integer",
    [KIND_OBJECT] = "an object",
    [KIND_ARTIFACTS] = "an array of {name, sha256}",
};

struct member {
    const char *type; /* NULL: of every predicate */
    const char *name;
    enum kind kind;
};

static const struct member members[] = {
    {NULL, "issued_at_s", KIND_INTEGER},
    {NULL, "tool", KIND_OBJECT},
    {PREDICATE_HARDENING, "profile", KIND_TEXT},
    {PREDICATE_HARDENING, "seed", KIND_HEX},
    {PREDICATE_HARDENING, "key", KIND_TEXT},
    {PREDICATE_HARDENING, "original_sha256", KIND_SHA256},
    {PREDICATE_HARDENING, "figures", KIND_OBJECT},
    {PREDICATE_BUILD, "inputs", KIND_ARTIFACTS},
    {PREDICATE_BUILD, "options", KIND_OBJECT},
    {PREDICATE_TEST, "command", KIND_TEXT},
    {PREDICATE_TEST, "exit_code", KIND_INTEGER},
    {PREDICATE_TEST, "log_sha256", KIND_SHA256},
    {PREDICATE_TEST, "duration_ms", KIND_INTEGER},
    {PREDICATE_RELEASE, "product", KIND_TEXT},
    {PREDICATE_RELEASE, "version", KIND_TEXT},
};

enum { CLOCK_ERROR_S = 3600 };

static bool is_text(const json_t *value) {
    return json_is_string(value) && json_string_length(value) > 0;
}

static bool is_sha256(const json_t *value) {
    uint8_t digest[DIGEST_BYTES];
    return json_is_string(value) && digest_from_hex(json_string_value(value), digest);
}

static bool is_hex(const json_t *value) {
    return is_text(value) &&
           strspn(json_string_value(value), "0123456789abcdef") == json_string_length(value);
}

static bool are_artifacts(const json_t *value) {
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *artifact = json_array_get(value, i);
        if (!is_text(json_object_get(artifact, "name"))) return false;
        if (!is_sha256(json_object_get(artifact, "sha256"))) return false;
    }
    return json_is_array(value);
}

static bool is_of_kind(const json_t *value, enum kind kind) {
    switch (kind) {
    case KIND_TEXT:
        return is_text(value);
    case KIND_HEX:
        return is_hex(value);
    case KIND_SHA256:
        return is_sha256(value);
    case KIND_INTEGER:
        return json_is_integer(value);
    case KIND_OBJECT:
        return json_is_object(value);
    case KIND_ARTIFACTS:
        return are_artifacts(value);
    }
    return false;
}

/* The label takes its words from "key", and check is run anew for "figures" only: what the
 * two say must be one thing. */
static bool key_is_as_found(const json_t *predicate) {
    static const char *const words[][2] = {
        {"boot", "at boot"}, {"fixed", "fixed key"}, {"none", "none"}};
    const json_t *key = json_object_get(json_object_get(predicate, "figures"), "key");
    const char *made = json_string_value(json_object_get(key, "made"));
    const char *said = json_string_value(json_object_get(predicate, "key"));
    for (size_t i = 0; made && i < sizeof words / sizeof *words; i++) {
        if (strcmp(made, words[i][1]) == 0) return strcmp(said, words[i][0]) == 0;
    }
    return false;
}

/* What the table cannot say. */
static enum status check_rest(const char *type, const json_t *predicate, struct error *error) {
    const json_t *tool = json_object_get(predicate, "tool");
    const json_t *expires = json_object_get(predicate, "expires_at_s");
    if (!is_text(json_object_get(tool, "name")) || !is_text(json_object_get(tool, "version"))) {
        return error_input(error, "the predicate's \"tool\" must have a name and a version");
    }
    if (expires && !json_is_integer(expires)) {
        return error_input(error, "the predicate's \"expires_at_s\" must be an integer");
    }
    if (strcmp(type, PREDICATE_HARDENING) == 0) {
        const char *key = json_string_value(json_object_get(predicate, "key"));
        if (strcmp(key, "boot") != 0 && strcmp(key, "fixed") != 0 && strcmp(key, "none") != 0) {
            return error_input(error,
                               "the predicate's \"key\" must be \"boot\", \"fixed\" or \"none\"");
        }
        if (!key_is_as_found(predicate)) {
            return error_input(error, "the predicate's \"key\" must be what its \"figures\" found");
        }
    }
    return STATUS_OK;
}

enum status predicate_validate(const char *type, const json_t *predicate, struct error *error) {
    bool known = false;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const struct member *member = &members[i];
        bool ours = member->type && strcmp(member->type, type) == 0;
        if (member->type && !ours) continue;
        known = known || ours;
        if (!is_of_kind(json_object_get(predicate, member->name), member->kind)) {
            return error_input(error, "the predicate's \"%s\" must be %s", member->name,
                               kind_names[member->kind]);
        }
    }
    if (!known) return error_input(error, "the predicate type %s is not known", type);
    return check_rest(type, predicate, error);
}

enum predicate_age predicate_age_at(const json_t *predicate, int64_t now_s) {
    const json_t *expires = json_object_get(predicate, "expires_at_s");
    int64_t issued_s = json_integer_value(json_object_get(predicate, "issued_at_s"));
    if (expires && now_s >= json_integer_value(expires)) return PREDICATE_EXPIRED;
    /* Canonical integers are below 2^53, so this does not overflow. */
    if (now_s + CLOCK_ERROR_S < issued_s) return PREDICATE_NOT_YET;
    return PREDICATE_CURRENT;
}
