/* See dsse.h. */
#include "evidence/dsse.h"

#include <string.h>

#include "format/base64.h"

enum { SIGNATURE_CHARACTERS = PM_BASE64_CHARACTERS(KEY_SIGNATURE_BYTES) };

static bool type_allowed(const char *type, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (type[i] < 0x21 || type[i] > 0x7e || type[i] == '"' || type[i] == '\\') return false;
    }
    return length >= 1 && length <= DSSE_PAYLOAD_TYPE_MAXIMUM;
}

enum status dsse_pae(const char *payload_type, struct span payload, struct buffer *out,
                     struct error *error) {
    buffer_format(out, "DSSEv1 %zu %s %zu ", strlen(payload_type), payload_type,
                  payload.size_bytes);
    buffer_append(out, payload.data, payload.size_bytes);
    if (out->failed) return error_environment(error, "no memory for a statement to sign");
    return STATUS_OK;
}

/* The one byte form. */
static enum status write_envelope(const struct dsse_envelope *envelope, struct arena *arena,
                                  struct buffer *out, struct error *error) {
    char signature[SIGNATURE_CHARACTERS];
    size_t length = PM_BASE64_CHARACTERS(envelope->payload.size_bytes);
    char *payload = arena_alloc(arena, length + 1, 1);
    pm_base64_encode(digest_bytes(envelope->payload), payload);
    pm_base64_encode((struct pm_bytes){envelope->signature, KEY_SIGNATURE_BYTES}, signature);
    buffer_text(out, "{\"payload\":\"");
    buffer_append(out, payload, length);
    buffer_format(out, "\",\"payloadType\":\"%s\",\"signatures\":[{\"keyid\":\"%s\",\"sig\":\"",
                  envelope->payload_type, envelope->key_id_hex);
    buffer_append(out, signature, sizeof signature);
    buffer_text(out, "\"}]}");
    if (out->failed) {
        return error_input(error, "the envelope is longer than %d bytes", DSSE_MAXIMUM_BYTES);
    }
    return STATUS_OK;
}

enum status dsse_sign(const struct private_key *key, const char *payload_type, struct span payload,
                      struct buffer *out, struct error *error) {
    struct dsse_envelope envelope = {.payload_type = payload_type, .payload = payload};
    struct arena arena = {0};
    struct buffer pae, text;
    if (!type_allowed(payload_type, strlen(payload_type))) {
        return error_input(error, "the payload type must be 1 to %d printable ASCII characters",
                           DSSE_PAYLOAD_TYPE_MAXIMUM);
    }
    memcpy(envelope.key_id, key->public_half.id, DIGEST_BYTES);
    memcpy(envelope.key_id_hex, key->public_half.id_hex, DIGEST_HEX_BYTES);
    buffer_init(&pae, payload.size_bytes + DSSE_PAYLOAD_TYPE_MAXIMUM + 64);
    buffer_init(&text, DSSE_MAXIMUM_BYTES);
    enum status status = dsse_pae(payload_type, payload, &pae, error);
    if (status == STATUS_OK) status = key_sign(key, buffer_span(&pae), envelope.signature, error);
    if (status == STATUS_OK) status = write_envelope(&envelope, &arena, &text, error);
    if (status == STATUS_OK) {
        buffer_append(out, text.data, text.size_bytes);
        if (out->failed) status = error_environment(error, "no memory for an envelope");
    }
    buffer_free(&pae);
    buffer_free(&text);
    arena_free(&arena);
    return status;
}

static bool take_literal(struct span *rest, const char *literal) {
    size_t length = strlen(literal);
    if (rest->size_bytes < length || memcmp(rest->data, literal, length) != 0) return false;
    rest->data += length;
    rest->size_bytes -= length;
    return true;
}

/* Everything before the next quotation mark. */
static bool take_string(struct span *rest, struct span *out) {
    if (rest->size_bytes == 0) return false;
    const uint8_t *quote = memchr(rest->data, '"', rest->size_bytes);
    if (!quote) return false;
    size_t length = (size_t)(quote - rest->data);
    *out = (struct span){rest->data, length};
    rest->data += length;
    rest->size_bytes -= length;
    return true;
}

struct parts {
    struct span payload, type, key_id, signature;
};

static bool take_apart(struct span text, struct parts *out) {
    return take_literal(&text, "{\"payload\":\"") && take_string(&text, &out->payload) &&
           take_literal(&text, "\",\"payloadType\":\"") && take_string(&text, &out->type) &&
           take_literal(&text, "\",\"signatures\":[{\"keyid\":\"") &&
           take_string(&text, &out->key_id) && take_literal(&text, "\",\"sig\":\"") &&
           take_string(&text, &out->signature) && take_literal(&text, "\"}]}") &&
           text.size_bytes == 0;
}

static enum status decode_parts(struct arena *arena, const struct parts *parts,
                                struct dsse_envelope *out, struct error *error) {
    size_t size;
    if (!type_allowed((const char *)parts->type.data, parts->type.size_bytes)) {
        return error_input(error, "the envelope's payload type is not 1 to %d printable characters",
                           DSSE_PAYLOAD_TYPE_MAXIMUM);
    }
    out->payload_type = arena_string(arena, (const char *)parts->type.data, parts->type.size_bytes);
    size_t capacity = PM_BASE64_BYTES(parts->payload.size_bytes);
    uint8_t *payload = arena_alloc(arena, capacity + 1, 1);
    if (!pm_base64_decode(digest_bytes(parts->payload), payload, capacity, &size)) {
        return error_input(error, "the envelope's payload is not canonical base64");
    }
    out->payload = (struct span){payload, size};
    const char *key_id =
        arena_string(arena, (const char *)parts->key_id.data, parts->key_id.size_bytes);
    if (strlen(key_id) != parts->key_id.size_bytes || !digest_from_hex(key_id, out->key_id)) {
        return error_input(error, "the envelope's key id is not 64 hexadecimal digits");
    }
    digest_to_hex(out->key_id, out->key_id_hex);
    if (!pm_base64_decode(digest_bytes(parts->signature), out->signature, KEY_SIGNATURE_BYTES,
                          &size) ||
        size != KEY_SIGNATURE_BYTES) {
        return error_input(error, "the envelope's signature is not %d bytes of canonical base64",
                           KEY_SIGNATURE_BYTES);
    }
    return STATUS_OK;
}

enum status dsse_read(struct arena *arena, struct span envelope, struct dsse_envelope *out,
                      struct error *error) {
    struct parts parts;
    struct buffer again;
    *out = (struct dsse_envelope){0};
    if (envelope.size_bytes > DSSE_MAXIMUM_BYTES) {
        return error_input(error, "the envelope is longer than %d bytes", DSSE_MAXIMUM_BYTES);
    }
    if (!take_apart(envelope, &parts)) {
        return error_input(error, "is not a DSSE envelope in its canonical byte form");
    }
    enum status status = decode_parts(arena, &parts, out, error);
    if (status != STATUS_OK) return status;
    buffer_init(&again, DSSE_MAXIMUM_BYTES);
    status = write_envelope(out, arena, &again, error);
    if (status == STATUS_OK && (again.size_bytes != envelope.size_bytes ||
                                memcmp(again.data, envelope.data, again.size_bytes) != 0)) {
        status = error_input(error, "is not a DSSE envelope in its canonical byte form");
    }
    buffer_free(&again);
    return status;
}

enum status dsse_verify(const struct dsse_envelope *envelope, const struct public_key *key,
                        struct error *error) {
    struct buffer pae;
    if (memcmp(envelope->key_id, key->id, DIGEST_BYTES) != 0) {
        return error_input(error, "signed by key %s, which is not the trusted key %s",
                           envelope->key_id_hex, key->id_hex);
    }
    buffer_init(&pae, envelope->payload.size_bytes + DSSE_PAYLOAD_TYPE_MAXIMUM + 64);
    enum status status = dsse_pae(envelope->payload_type, envelope->payload, &pae, error);
    bool holds = status == STATUS_OK && key_verify(key, buffer_span(&pae), envelope->signature);
    buffer_free(&pae);
    if (status != STATUS_OK) return status;
    if (!holds) {
        return error_input(error, "the signature of key %s does not hold", key->id_hex);
    }
    return STATUS_OK;
}
