/* Statements: in-toto Statement v1
 * (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md) as canonical
 * JSON (canonical.h):
 *
 *   {"_type":"https://in-toto.io/Statement/v1","predicate":{...},"predicateType":"...",
 *    "subject":[{"digest":{"sha256":"..."},"name":"..."},...]}
 *
 * Each subject has a name and exactly one digest, sha256. Subjects stand in ascending
 * order of their names' bytes, no name twice. Members beyond these are refused.
 *
 * The predicate is free of floats; what it holds for our types is in predicate.h. */
#ifndef EVIDENCE_STATEMENT_H
#define EVIDENCE_STATEMENT_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "evidence/digest.h"

#define STATEMENT_PAYLOAD_TYPE "application/vnd.in-toto+json"

enum { STATEMENT_MAXIMUM_BYTES = 4 << 20, STATEMENT_SUBJECTS_MAXIMUM = 4096 };

struct statement_subject {
    const char *name; /* UTF-8, 1 to 1024 bytes, no control characters */
    uint8_t sha256[DIGEST_BYTES];
};

struct statement {
    const char *predicate_type; /* a URI */
    json_t *predicate;          /* an object */
    const struct statement_subject *subjects;
    size_t subject_count; /* at least 1 */
};

/* Subjects may come in any order; they are sorted. Nothing is taken over. */
enum status statement_write(const struct statement *statement, struct buffer *out,
                            struct error *error);

/* Strings and subjects live in the arena; *predicate is owned by the statement:
 * statement_release() when done. */
enum status statement_read(struct arena *arena, struct span text, struct statement *out,
                           struct error *error);
void statement_release(struct statement *statement);

/* The subject of that name; NULL when there is none. */
const struct statement_subject *statement_subject_named(const struct statement *statement,
                                                        const char *name);

#endif
