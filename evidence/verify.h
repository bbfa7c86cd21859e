/* Verification from memory alone: bytes and trusted keys in, findings out; no I/O.
 *
 *   struct evidence_finding finding;
 *   struct evidence_trust trust = {.signer = &maker, .log_key = &maker};
 *   evidence_verify(&arena, &trust, envelope_bytes, proof_bytes, &finding);
 *   if (!finding.accepted) ... finding.reason.message
 *   ... finding.statement ...
 *   evidence_release(&finding);
 *
 * Everything starts refused. Each step says whether it holds; a step that was not reached
 * stays EVIDENCE_NOT_REACHED and counts as refused. `accepted` is set in one place, when
 * all of them hold. Only canonical bytes are accepted at every step, so flipping any bit
 * of an envelope, proof or checkpoint has it refused. */
#ifndef EVIDENCE_VERIFY_H
#define EVIDENCE_VERIFY_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "evidence/checkpoint.h"
#include "evidence/dsse.h"
#include "evidence/key.h"
#include "evidence/statement.h"

enum evidence_state { EVIDENCE_NOT_REACHED, EVIDENCE_REFUSED, EVIDENCE_HOLDS };

struct evidence_trust {
    const struct public_key *signer;  /* of the statement */
    const struct public_key *log_key; /* of the checkpoint; often the signer */
    const char *log_origin;           /* NULL: log_origin() of log_key */
};

struct evidence_finding {
    enum evidence_state envelope;   /* canonical DSSE bytes */
    enum evidence_state signature;  /* made by trust->signer */
    enum evidence_state statement;  /* canonical in-toto Statement v1 */
    enum evidence_state predicate;  /* one of predicate.h with its members */
    enum evidence_state checkpoint; /* canonical proof, signed by trust->log_key */
    enum evidence_state inclusion;  /* the leaf of this envelope is in that tree */
    bool accepted;
    struct error reason; /* why the first refused step was; names the signer when unknown */

    struct dsse_envelope dsse; /* meaningful when `envelope` holds */
    struct statement content;  /* meaningful when `statement` holds */
    uint64_t log_index;        /* meaningful when `inclusion` holds */
    uint64_t log_size;
    char sha256_hex[DIGEST_HEX_BYTES]; /* of the envelope's bytes, always set */
};

void evidence_verify(struct arena *arena, const struct evidence_trust *trust, struct span envelope,
                     struct span proof, struct evidence_finding *out);
void evidence_release(struct evidence_finding *finding);

/* That the tree of `proof`'s checkpoint continues the one of `old_checkpoint`. */
enum status evidence_verify_consistency(struct span old_checkpoint, struct span proof,
                                        const struct public_key *log_key, const char *origin,
                                        struct error *error);

#endif
