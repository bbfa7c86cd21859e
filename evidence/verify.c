/* See verify.h. */
#include "evidence/verify.h"

#include <string.h>

#include "evidence/checkpoint.h"
#include "evidence/predicate.h"
#include "format/leaf.h"
#include "format/proof.h"

static struct pm_bytes text_bytes(const char *text) {
    return (struct pm_bytes){(const uint8_t *)text, strlen(text)};
}

enum status evidence_verify_consistency(struct span old_checkpoint, struct span proof,
                                        const struct public_key *log_key, const char *origin,
                                        struct error *error) {
    struct log_identity log;
    struct pm_proof parsed;
    uint64_t old_size;
    uint8_t old_root[DIGEST_BYTES];
    enum status status = checkpoint_identify(log_key, origin, &log, error);
    if (status == STATUS_OK) {
        status =
            evidence_verify_checkpoint(old_checkpoint, log_key, origin, &old_size, old_root, error);
    }
    if (status != STATUS_OK) return status;
    if (!pm_proof_read_consistency(digest_bytes(proof), &parsed)) {
        return error_input(error, "is not a consistency proof in its canonical byte form");
    }
    status = checkpoint_check_note(&parsed.note, &parsed.checkpoint, &log, error);
    if (status != STATUS_OK) return status;
    if (parsed.index != old_size) {
        return error_input(error,
                           "the consistency proof starts at size %llu, the checkpoint has "
                           "%llu",
                           (unsigned long long)parsed.index, (unsigned long long)old_size);
    }
    if (!pm_merkle_verify_consistency(&digest_sha256, old_size, old_root,
                                      parsed.checkpoint.tree_size, parsed.checkpoint.root,
                                      &parsed.path)) {
        return error_input(error, "the log of size %llu does not continue the one of size %llu",
                           (unsigned long long)parsed.checkpoint.tree_size,
                           (unsigned long long)old_size);
    }
    return STATUS_OK;
}

static enum status check_statement(struct arena *arena, struct evidence_finding *out) {
    if (strcmp(out->dsse.payload_type, STATEMENT_PAYLOAD_TYPE) != 0) {
        return error_input(&out->reason, "the payload type is %s, not %s", out->dsse.payload_type,
                           STATEMENT_PAYLOAD_TYPE);
    }
    return statement_read(arena, out->dsse.payload, &out->content, &out->reason);
}

static enum status check_checkpoint(const struct evidence_trust *trust, struct span proof,
                                    struct pm_proof *parsed, struct error *error) {
    struct log_identity log;
    enum status status = checkpoint_identify(trust->log_key, trust->log_origin, &log, error);
    if (status != STATUS_OK) return status;
    if (!pm_proof_read_inclusion(digest_bytes(proof), parsed)) {
        return error_input(error, "the log proof is not in its canonical byte form");
    }
    return checkpoint_check_note(&parsed->note, &parsed->checkpoint, &log, error);
}

static enum status check_inclusion(struct span envelope, const struct pm_proof *proof,
                                   struct evidence_finding *out) {
    struct pm_leaf leaf = {.payload_type = text_bytes(out->dsse.payload_type)};
    uint8_t record[PM_LEAF_BYTES], hash[DIGEST_BYTES];
    digest_of(envelope, leaf.envelope_sha256);
    memcpy(leaf.key_id, out->dsse.key_id, DIGEST_BYTES);
    if (!pm_leaf_write(&leaf, record) ||
        !pm_merkle_hash_leaf(&digest_sha256, (struct pm_bytes){record, sizeof record}, hash) ||
        !pm_merkle_verify_inclusion(&digest_sha256, hash, proof->index, proof->checkpoint.tree_size,
                                    &proof->path, proof->checkpoint.root)) {
        return error_input(&out->reason, "the log proof does not lead from this statement to the "
                                         "checkpoint");
    }
    out->log_index = proof->index;
    out->log_size = proof->checkpoint.tree_size;
    return STATUS_OK;
}

/* Records how one step ended; true to go on. */
static bool step(enum status status, enum evidence_state *state) {
    *state = status == STATUS_OK ? EVIDENCE_HOLDS : EVIDENCE_REFUSED;
    return status == STATUS_OK;
}

void evidence_verify(struct arena *arena, const struct evidence_trust *trust, struct span envelope,
                     struct span proof, struct evidence_finding *out) {
    struct pm_proof parsed;
    struct error *reason = &out->reason;
    uint8_t digest[DIGEST_BYTES];
    memset(out, 0, sizeof *out);
    digest_of(envelope, digest);
    digest_to_hex(digest, out->sha256_hex);

    if (!step(dsse_read(arena, envelope, &out->dsse, reason), &out->envelope)) return;
    if (!step(dsse_verify(&out->dsse, trust->signer, reason), &out->signature)) return;
    if (!step(check_statement(arena, out), &out->statement)) return;
    if (!step(predicate_validate(out->content.predicate_type, out->content.predicate, reason),
              &out->predicate)) {
        return;
    }
    if (!step(check_checkpoint(trust, proof, &parsed, reason), &out->checkpoint)) return;
    if (!step(check_inclusion(envelope, &parsed, out), &out->inclusion)) return;
    out->accepted = true;
}

void evidence_release(struct evidence_finding *finding) {
    statement_release(&finding->content);
}
