/* The record: everything that stands on a product's label, in one structure, and its one
 * byte form, record.json.
 *
 * It holds what the maker says (the facts) and the claims. Claims are never written by
 * hand: record_make_claims() makes them from the facts and the signed statements, and a
 * verifier makes them again and compares. A claim's class says what stands behind it:
 *
 *   tested    a machine can check it again on the image itself
 *   recorded  a signed record says that it happened
 *   declared  the maker's word
 *
 * record.json is canonical JSON (evidence/canonical.h). record_read() accepts only bytes
 * that record_write() makes of what it read, so there is no member that nobody looks at.
 *
 *     status = record_read(&arena, bytes, &record, &error);
 *     page_write(&record, artwork, &html);
 *
 * Strings are borrowed from the arena or from whoever filled the record in. An absent
 * fact is NULL or 0. */
#ifndef REGISTRY_RECORD_H
#define REGISTRY_RECORD_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

enum {
    RECORD_MAXIMUM_BYTES = 1 << 20,
    RECORD_CLAIMS_MAXIMUM = 64,
    RECORD_SCHEMES_MAXIMUM = 4,
    RECORD_DECLARED_MAXIMUM = 16,
};

/* Statements that evidence for claims comes from; also names in statements/ and proofs/. */
enum record_evidence {
    RECORD_EVIDENCE_HARDENING,
    RECORD_EVIDENCE_BUILD,
    RECORD_EVIDENCE_TEST,
    RECORD_EVIDENCE_COUNT,
    RECORD_EVIDENCE_NONE = RECORD_EVIDENCE_COUNT, /* declared: the release statement alone */
};

const char *record_evidence_name(enum record_evidence evidence); /* "hardening" */

enum record_class { RECORD_CLASS_TESTED, RECORD_CLASS_RECORDED, RECORD_CLASS_DECLARED };

const char *record_class_name(enum record_class class); /* "tested" */

struct record_claim {
    const char *id; /* "returns", stable */
    enum record_class class;
    const char *sentence; /* for the buyer */
    const char *detail;   /* for who wants to know exactly; may be NULL */
    enum record_evidence evidence;
    bool figured; /* n of `of` places have it */
    int64_t n, of;
    const char *link; /* or NULL */
};

/* The fields of 47 CFR 8.222(b) beyond the product's own; `clause` is for the page. */
struct record_fields {
    const char *authorisation_date, *authorisation_status;  /* (b)(3) */
    const char *administrator_name, *administrator_contact; /* (b)(4) */
    const char *laboratory;                                 /* (b)(5) */
    const char *password_changeable, *password_how;         /* (b)(6) */
    const char *secure_configuration;                       /* (b)(7) */
    const char *updates_automatic, *updates_how;            /* (b)(8) */
    const char *sbom, *hbom;                                /* (b)(10) */
    const char *access_control, *data, *report;             /* (b)(11) */
};

struct record_scheme {
    const char *name, *grant;
    const char *file;   /* in the label's folder: "scheme-1.png" */
    const char *sha256; /* of the artwork */
};

struct record_declared {
    const char *text, *link;
};

struct record {
    struct {
        const char *name, *model, *version, *id, *description;
    } product;
    struct {
        const char *name, *url, *email;
    } manufacturer;
    struct {
        const char *sha256; /* of firmware.elf */
        int64_t size_bytes;
        const char *original_sha256; /* of the maker's linked ELF */
    } firmware;
    struct {
        const char *ends; /* "2031-12" */
    } support;
    struct {
        const char *contact, *policy;
    } reports;
    const char *url;    /* where this record is published; the QR code's words */
    const char *signer; /* key id, 64 hex digits */
    const char *tool;   /* "proofmark 0.1.0" */
    int64_t issued_at_s, expires_at_s;
    struct record_fields fields;
    struct record_scheme schemes[RECORD_SCHEMES_MAXIMUM];
    size_t schemes_count;
    struct record_declared declared[RECORD_DECLARED_MAXIMUM];
    size_t declared_count;
    const char *evidence_sha256[RECORD_EVIDENCE_COUNT]; /* of the envelopes; NULL: none */
    struct record_claim claims[RECORD_CLAIMS_MAXIMUM];
    size_t claims_count;
};

/* The predicates of the signed statements; NULL where there is none. */
struct record_statements {
    const json_t *predicate[RECORD_EVIDENCE_COUNT];
};

/* Fills in claims from everything else. Bad input when a predicate lacks a figure. */
enum status record_make_claims(struct arena *arena, struct record *record,
                               const struct record_statements *statements, struct error *error);

/* Whether a figured claim says that nothing has it: it gets no tick. */
static inline bool record_claim_is_empty(const struct record_claim *claim) {
    return claim->figured && claim->n == 0 && claim->of > 0;
}

enum status record_write(const struct record *record, struct buffer *out, struct error *error);
enum status record_read(struct arena *arena, struct span bytes, struct record *out,
                        struct error *error);

/* "12/2031" of "2031-12"; NULL when it is not a month. */
const char *record_support_text(struct arena *arena, const struct record *record);

#endif
