/* See canonical.h. */
#include "evidence/canonical.h"

#include <stdlib.h>
#include <string.h>

/* 2^53 - 1: integers up to it mean the same to every JSON reader (RFC 8259, section 6). */
static const json_int_t integer_maximum = 9007199254740991;

static void write_string(const char *text, size_t length, struct buffer *out) {
    buffer_text(out, "\"");
    for (size_t i = 0; i < length; i++) {
        static const char escaped[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
        char character = text[i];
        const char *found = character ? strchr(escaped, character) : NULL;
        if (found) {
            buffer_append(out, (char[]){'\\', letters[found - escaped]}, 2);
        } else if ((unsigned char)character < 0x20) {
            buffer_format(out, "\\u%04x", (unsigned)character);
        } else {
            buffer_append(out, &character, 1);
        }
    }
    buffer_text(out, "\"");
}

static enum status write_value(const json_t *value, int depth, struct buffer *out,
                               struct error *error);

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool name_allowed(const char *name) {
    for (; *name; name++) {
        if (*name < 0x20 || *name > 0x7e) return false;
    }
    return true;
}

static enum status write_object(const json_t *object, int depth, struct buffer *out,
                                struct error *error) {
    size_t count = json_object_size(object), at = 0;
    const char **names = calloc(count + 1, sizeof *names);
    if (!names) return error_environment(error, "no memory for JSON");
    enum status status = STATUS_OK;
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)object, name, member) {
        if (!name_allowed(name)) status = error_input(error, "a JSON name is not printable ASCII");
        names[at++] = name;
    }
    qsort(names, count, sizeof *names, by_name);
    buffer_text(out, "{");
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (i > 0) buffer_text(out, ",");
        write_string(names[i], strlen(names[i]), out);
        buffer_text(out, ":");
        status = write_value(json_object_get(object, names[i]), depth + 1, out, error);
    }
    buffer_text(out, "}");
    free(names);
    return status;
}

static enum status write_array(const json_t *array, int depth, struct buffer *out,
                               struct error *error) {
    enum status status = STATUS_OK;
    buffer_text(out, "[");
    for (size_t i = 0; i < json_array_size(array) && status == STATUS_OK; i++) {
        if (i > 0) buffer_text(out, ",");
        status = write_value(json_array_get(array, i), depth + 1, out, error);
    }
    buffer_text(out, "]");
    return status;
}

static enum status write_value(const json_t *value, int depth, struct buffer *out,
                               struct error *error) {
    if (!value) return error_input(error, "a JSON value is missing");
    if (depth > CANONICAL_DEPTH_MAXIMUM) {
        return error_input(error, "JSON is nested deeper than %d", CANONICAL_DEPTH_MAXIMUM);
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return write_object(value, depth, out, error);
    case JSON_ARRAY:
        return write_array(value, depth, out, error);
    case JSON_STRING:
        if (memchr(json_string_value(value), '\0', json_string_length(value))) {
            return error_input(error, "a JSON string holds U+0000");
        }
        write_string(json_string_value(value), json_string_length(value), out);
        break;
    case JSON_INTEGER: {
        json_int_t number = json_integer_value(value);
        if (number > integer_maximum || number < -integer_maximum) {
            return error_input(error, "a JSON number is beyond 2^53 - 1");
        }
        buffer_format(out, "%" JSON_INTEGER_FORMAT, number);
        break;
    }
    case JSON_REAL:
        return error_input(error, "a JSON number is not an integer");
    case JSON_TRUE:
        buffer_text(out, "true");
        break;
    case JSON_FALSE:
        buffer_text(out, "false");
        break;
    case JSON_NULL:
        buffer_text(out, "null");
        break;
    }
    return STATUS_OK;
}

enum status canonical_write(const json_t *value, struct buffer *out, struct error *error) {
    enum status status = write_value(value, 0, out, error);
    if (status != STATUS_OK) return status;
    if (out->failed) return error_input(error, "JSON is too long");
    return STATUS_OK;
}

enum status canonical_read(struct span text, json_t **out, struct error *error) {
    json_error_t fault;
    struct buffer again;
    json_t *value = json_loadb((const char *)text.data, text.size_bytes,
                               JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
    if (!value) return error_input(error, "is not JSON: %s", fault.text);
    buffer_init(&again, text.size_bytes + 1);
    enum status status = canonical_write(value, &again, error);
    bool longer = again.failed;
    bool same = !longer && again.size_bytes == text.size_bytes &&
                memcmp(again.data, text.data, text.size_bytes) == 0;
    buffer_free(&again);
    if (status == STATUS_OK && same) {
        *out = value;
        return STATUS_OK;
    }
    json_decref(value);
    if (status == STATUS_ENVIRONMENT) return status;
    if (status == STATUS_OK || longer) {
        error_input(error, "is JSON, but not in its canonical byte form");
    }
    return STATUS_BAD_INPUT;
}
