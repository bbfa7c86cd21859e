/* record.json by one table. See record.h. */
#include "registry/record.h"

#include <string.h>

#include "evidence/canonical.h"

static const char schema[] = "urn:proofmark:record:v1";

static const char *const evidence_names[] = {"hardening", "build", "test"};
static const char *const class_names[] = {"tested", "recorded", "declared"};

const char *record_evidence_name(enum record_evidence evidence) {
    return evidence_names[evidence];
}

const char *record_class_name(enum record_class class) {
    return class_names[class];
}

/* One scalar member: in the object `group`, or at the top where that is NULL. */
struct member {
    const char *group, *key;
    bool number, required;
    size_t offset;
};

#define AT(field) offsetof(struct record, field)

static const struct member members[] = {
    {"product", "name", false, true, AT(product.name)},
    {"product", "model", false, true, AT(product.model)},
    {"product", "version", false, true, AT(product.version)},
    {"product", "id", false, true, AT(product.id)},
    {"product", "description", false, false, AT(product.description)},
    {"manufacturer", "name", false, true, AT(manufacturer.name)},
    {"manufacturer", "url", false, true, AT(manufacturer.url)},
    {"manufacturer", "email", false, false, AT(manufacturer.email)},
    {"firmware", "sha256", false, true, AT(firmware.sha256)},
    {"firmware", "size_bytes", true, true, AT(firmware.size_bytes)},
    {"firmware", "original_sha256", false, true, AT(firmware.original_sha256)},
    {"support", "ends", false, true, AT(support.ends)},
    {"reports", "contact", false, true, AT(reports.contact)},
    {"reports", "policy", false, false, AT(reports.policy)},
    {NULL, "url", false, true, AT(url)},
    {NULL, "signer", false, true, AT(signer)},
    {NULL, "tool", false, true, AT(tool)},
    {NULL, "issued_at_s", true, true, AT(issued_at_s)},
    {NULL, "expires_at_s", true, true, AT(expires_at_s)},
    {"fields", "authorisation_date", false, false, AT(fields.authorisation_date)},
    {"fields", "authorisation_status", false, false, AT(fields.authorisation_status)},
    {"fields", "administrator_name", false, false, AT(fields.administrator_name)},
    {"fields", "administrator_contact", false, false, AT(fields.administrator_contact)},
    {"fields", "laboratory", false, false, AT(fields.laboratory)},
    {"fields", "password_changeable", false, false, AT(fields.password_changeable)},
    {"fields", "password_how", false, false, AT(fields.password_how)},
    {"fields", "secure_configuration", false, false, AT(fields.secure_configuration)},
    {"fields", "updates_automatic", false, false, AT(fields.updates_automatic)},
    {"fields", "updates_how", false, false, AT(fields.updates_how)},
    {"fields", "sbom", false, false, AT(fields.sbom)},
    {"fields", "hbom", false, false, AT(fields.hbom)},
    {"fields", "access_control", false, false, AT(fields.access_control)},
    {"fields", "data", false, false, AT(fields.data)},
    {"fields", "report", false, false, AT(fields.report)},
    {"evidence", "hardening", false, false, AT(evidence_sha256[RECORD_EVIDENCE_HARDENING])},
    {"evidence", "build", false, false, AT(evidence_sha256[RECORD_EVIDENCE_BUILD])},
    {"evidence", "test", false, false, AT(evidence_sha256[RECORD_EVIDENCE_TEST])},
};

enum { MEMBERS = sizeof members / sizeof *members };

static void put_text(json_t *object, const char *key, const char *text) {
    if (text) json_object_set_new(object, key, json_string(text));
}

static void put_members(const struct record *record, json_t *root) {
    for (size_t i = 0; i < MEMBERS; i++) {
        const struct member *member = &members[i];
        json_t *object = root;
        if (member->group) {
            object = json_object_get(root, member->group);
            if (!object) {
                object = json_object();
                json_object_set_new(root, member->group, object);
            }
        }
        const char *base = (const char *)record + member->offset;
        if (member->number) {
            int64_t value;
            memcpy(&value, base, sizeof value);
            json_object_set_new(object, member->key, json_integer(value));
        } else {
            const char *text;
            memcpy(&text, base, sizeof text);
            put_text(object, member->key, text);
        }
    }
}

static json_t *claim_json(const struct record *record, const struct record_claim *claim) {
    json_t *object = json_object();
    put_text(object, "id", claim->id);
    put_text(object, "class", class_names[claim->class]);
    put_text(object, "sentence", claim->sentence);
    put_text(object, "detail", claim->detail);
    put_text(object, "link", claim->link);
    if (claim->figured) {
        json_object_set_new(object, "n", json_integer(claim->n));
        json_object_set_new(object, "of", json_integer(claim->of));
    }
    if (claim->evidence != RECORD_EVIDENCE_NONE) {
        put_text(object, "statement", evidence_names[claim->evidence]);
        put_text(object, "evidence_sha256", record->evidence_sha256[claim->evidence]);
    }
    json_object_set_new(object, "issued_at_s", json_integer(record->issued_at_s));
    json_object_set_new(object, "expires_at_s", json_integer(record->expires_at_s));
    return object;
}

static void put_lists(const struct record *record, json_t *root) {
    json_t *claims = json_array(), *schemes = json_array(), *declared = json_array();
    for (size_t i = 0; i < record->claims_count; i++) {
        json_array_append_new(claims, claim_json(record, &record->claims[i]));
    }
    for (size_t i = 0; i < record->schemes_count; i++) {
        const struct record_scheme *scheme = &record->schemes[i];
        json_t *object = json_object();
        put_text(object, "name", scheme->name);
        put_text(object, "grant", scheme->grant);
        put_text(object, "file", scheme->file);
        put_text(object, "sha256", scheme->sha256);
        json_array_append_new(schemes, object);
    }
    for (size_t i = 0; i < record->declared_count; i++) {
        json_t *object = json_object();
        put_text(object, "text", record->declared[i].text);
        put_text(object, "link", record->declared[i].link);
        json_array_append_new(declared, object);
    }
    json_object_set_new(root, "claims", claims);
    json_object_set_new(root, "schemes", schemes);
    json_object_set_new(root, "declared", declared);
}

enum status record_write(const struct record *record, struct buffer *out, struct error *error) {
    json_t *root = json_object();
    put_text(root, "schema", schema);
    put_members(record, root);
    put_lists(record, root);
    enum status status = canonical_write(root, out, error);
    json_decref(root);
    return status;
}

/* jansson's strings live as long as their value; the record's live in the arena. */
static const char *take_text(struct arena *arena, const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value)) return NULL;
    return arena_string(arena, json_string_value(value), json_string_length(value));
}

static enum status take_members(struct arena *arena, const json_t *root, struct record *out,
                                struct error *error) {
    for (size_t i = 0; i < MEMBERS; i++) {
        const struct member *member = &members[i];
        const json_t *object = member->group ? json_object_get(root, member->group) : root;
        const json_t *value = json_object_get(object, member->key);
        char *base = (char *)out + member->offset;
        bool good = member->number ? json_is_integer(value) : json_is_string(value);
        if (good && member->number) {
            int64_t number = json_integer_value(value);
            memcpy(base, &number, sizeof number);
        } else if (good) {
            const char *text = take_text(arena, object, member->key);
            memcpy(base, &text, sizeof text);
        } else if (value || member->required) {
            return error_input(error, "record: %s%s%s is missing or of the wrong type",
                               member->group ? member->group : "", member->group ? "." : "",
                               member->key);
        }
    }
    return STATUS_OK;
}

static bool index_of(const char *const *names, size_t count, const char *name, unsigned *out) {
    for (size_t i = 0; name && i < count; i++) {
        if (strcmp(names[i], name) != 0) continue;
        *out = (unsigned)i;
        return true;
    }
    return false;
}

static bool take_claim(struct arena *arena, const json_t *object, struct record_claim *out) {
    unsigned class, evidence = RECORD_EVIDENCE_NONE;
    const char *statement = take_text(arena, object, "statement");
    if (!index_of(class_names, 3, take_text(arena, object, "class"), &class)) return false;
    if (statement && !index_of(evidence_names, RECORD_EVIDENCE_COUNT, statement, &evidence)) {
        return false;
    }
    out->class = (enum record_class) class;
    out->evidence = (enum record_evidence)evidence;
    out->id = take_text(arena, object, "id");
    out->sentence = take_text(arena, object, "sentence");
    out->detail = take_text(arena, object, "detail");
    out->link = take_text(arena, object, "link");
    const json_t *n = json_object_get(object, "n"), *of = json_object_get(object, "of");
    out->figured = json_is_integer(n) && json_is_integer(of);
    out->n = json_integer_value(n);
    out->of = json_integer_value(of);
    return out->id && out->sentence;
}

static enum status take_lists(struct arena *arena, const json_t *root, struct record *out,
                              struct error *error) {
    const json_t *claims = json_object_get(root, "claims");
    const json_t *schemes = json_object_get(root, "schemes");
    const json_t *declared = json_object_get(root, "declared");
    out->claims_count = json_array_size(claims);
    out->schemes_count = json_array_size(schemes);
    out->declared_count = json_array_size(declared);
    if (out->claims_count > RECORD_CLAIMS_MAXIMUM || out->schemes_count > RECORD_SCHEMES_MAXIMUM ||
        out->declared_count > RECORD_DECLARED_MAXIMUM) {
        return error_input(error, "record: a list is longer than a record's can be");
    }
    for (size_t i = 0; i < out->claims_count; i++) {
        if (take_claim(arena, json_array_get(claims, i), &out->claims[i])) continue;
        return error_input(error, "record: claim %zu has not the form of a claim", i + 1);
    }
    for (size_t i = 0; i < out->schemes_count; i++) {
        const json_t *object = json_array_get(schemes, i);
        struct record_scheme *scheme = &out->schemes[i];
        scheme->name = take_text(arena, object, "name");
        scheme->grant = take_text(arena, object, "grant");
        scheme->file = take_text(arena, object, "file");
        scheme->sha256 = take_text(arena, object, "sha256");
        if (scheme->name && scheme->grant && scheme->file && scheme->sha256) continue;
        return error_input(error, "record: scheme %zu has not the form of one", i + 1);
    }
    for (size_t i = 0; i < out->declared_count; i++) {
        const json_t *object = json_array_get(declared, i);
        out->declared[i].text = take_text(arena, object, "text");
        out->declared[i].link = take_text(arena, object, "link");
        if (!out->declared[i].text) {
            return error_input(error, "record: declared statement %zu has no text", i + 1);
        }
    }
    return STATUS_OK;
}

/* What was not read is not written, so any member that nobody knows shows here. */
static enum status compare_again(const struct record *record, struct span bytes,
                                 struct error *error) {
    struct buffer again;
    buffer_init(&again, RECORD_MAXIMUM_BYTES);
    enum status status = record_write(record, &again, error);
    if (status == STATUS_OK && (again.failed || again.size_bytes != bytes.size_bytes ||
                                memcmp(again.data, bytes.data, bytes.size_bytes) != 0)) {
        status = error_input(error, "record: has members that no record has");
    }
    buffer_free(&again);
    return status;
}

enum status record_read(struct arena *arena, struct span bytes, struct record *out,
                        struct error *error) {
    json_t *root = NULL;
    *out = (struct record){0};
    if (bytes.size_bytes > RECORD_MAXIMUM_BYTES) {
        return error_input(error, "record: is longer than %d bytes", RECORD_MAXIMUM_BYTES);
    }
    enum status status = canonical_read(bytes, &root, error);
    if (status != STATUS_OK) {
        error_prefix(error, "record");
        return status;
    }
    const char *named = take_text(arena, root, "schema");
    if (!named || strcmp(named, schema) != 0) {
        status = error_input(error, "record: expected schema %s", schema);
    }
    if (status == STATUS_OK) status = take_members(arena, root, out, error);
    if (status == STATUS_OK) status = take_lists(arena, root, out, error);
    json_decref(root);
    return status == STATUS_OK ? compare_again(out, bytes, error) : status;
}

const char *record_support_text(struct arena *arena, const struct record *record) {
    const char *ends = record->support.ends;
    if (!ends || strlen(ends) != 7 || ends[4] != '-') return NULL;
    return arena_format(arena, "%.2s/%.4s", ends + 5, ends);
}
