/* See release_statement.h. */
#include "cli/release_statement.h"

#include "evidence/digest.h"
#include "evidence/dsse.h"
#include "evidence/predicate.h"
#include "evidence/statement.h"

static json_t *slot_json(const struct release_statement *s, size_t slot) {
    const struct pm_seal *seal = &s->seals[slot];
    return json_pack("{s:s, s:I, s:I, s:O}", "slot", slot ? "b" : "a", "address",
                     (json_int_t)seal->slot_address, "image_bytes", (json_int_t)seal->image_bytes,
                     "figures", s->figures[slot]);
}

static json_t *predicate_of(const struct release_statement *s) {
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_HEX_BYTES];
    digest_of(s->hardened, digest);
    digest_to_hex(digest, hex);
    return json_pack("{s:I, s:I, s:{s:s, s:s}, s:s, s:s, s:I, s:s, s:[o, o]}", "issued_at_s",
                     (json_int_t)s->issued_at_s, "expires_at_s", (json_int_t)s->expires_at_s,
                     "tool", "name", "proofmark", "version", PROOFMARK_VERSION, "product",
                     s->product, "version", s->version, "sequence",
                     (json_int_t)s->seals[0].sequence, "hardened_sha256", hex, "slots",
                     slot_json(s, 0), slot_json(s, 1));
}

enum status release_statement_sign(const struct release_statement *s, const struct private_key *key,
                                   struct buffer *out, struct error *error) {
    const struct {
        const char *name;
        struct span bytes;
    } files[] = {{"envelope.suit", s->envelope}, {"slot-a.bin", s->payloads[0]},
                 {"slot-a.elf", s->elfs[0]},     {"slot-a.image", s->images[0]},
                 {"slot-b.bin", s->payloads[1]}, {"slot-b.elf", s->elfs[1]},
                 {"slot-b.image", s->images[1]}};
    enum { COUNT = sizeof files / sizeof *files };
    struct statement_subject subjects[COUNT];
    struct buffer text;
    json_t *predicate = predicate_of(s);
    for (size_t i = 0; i < COUNT; i++) {
        subjects[i].name = files[i].name;
        digest_of(files[i].bytes, subjects[i].sha256);
    }
    if (!predicate) return error_environment(error, "out of memory for a statement");
    buffer_init(&text, STATEMENT_MAXIMUM_BYTES);
    struct statement statement = {PREDICATE_RELEASE, predicate, subjects, COUNT};
    enum status status = predicate_validate(PREDICATE_RELEASE, predicate, error);
    if (status == STATUS_OK) status = statement_write(&statement, &text, error);
    if (status == STATUS_OK) {
        status = dsse_sign(key, STATEMENT_PAYLOAD_TYPE, buffer_span(&text), out, error);
    }
    buffer_free(&text);
    json_decref(predicate);
    return status;
}
