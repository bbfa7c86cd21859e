/* See verify.h. */
#include "evidence/verify.h"

#include <string.h>

#include "evidence/log.h"
#include "evidence/predicate.h"
#include "format/leaf.h"
#include "format/proof.h"

/* Where a checkpoint must come from. */
struct log_identity {
    const struct public_key *key;
    char origin[PM_NOTE_NAME_MAXIMUM + 1];
};

static enum status identify(const struct public_key *key, const char *origin,
                            struct log_identity *out, struct error *error) {
    char derived[LOG_ORIGIN_BYTES];
    out->key = key;
    log_origin(key, derived);
    const char *name = origin ? origin : derived;
    size_t length = strlen(name);
    if (length >= sizeof out->origin) return error_input(error, "the log's origin is too long");
    memcpy(out->origin, name, length + 1);
    return STATUS_OK;
}

static struct pm_bytes text_bytes(const char *text) {
    return (struct pm_bytes){(const uint8_t *)text, strlen(text)};
}

/* That `note`, whose text is `checkpoint`, is signed by that log and by nobody else: a
 * line that no trusted key vouches for could be changed unnoticed. */
static enum status check_note(const struct pm_note *note, const struct pm_checkpoint *checkpoint,
                              const struct log_identity *log, struct error *error) {
    struct pm_bytes origin = text_bytes(log->origin);
    const struct pm_note_signature *signature = &note->signatures[0];
    uint32_t key_id;
    if (!pm_bytes_equal(checkpoint->origin, origin)) {
        return error_input(error, "the checkpoint is of the log %.*s, not of %s",
                           (int)checkpoint->origin.size_bytes,
                           (const char *)checkpoint->origin.data, log->origin);
    }
    if (note->signature_count != 1) {
        return error_input(error,
                           "the checkpoint has %zu signatures; exactly the log's is expected",
                           note->signature_count);
    }
    if (!pm_note_key_id_ed25519(&digest_sha256, origin, log->key->bytes, &key_id)) {
        return error_environment(error, "OpenSSL could not hash");
    }
    if (!pm_bytes_equal(signature->name, origin) || signature->key_id != key_id ||
        signature->signature_size_bytes != PM_NOTE_ED25519_BYTES) {
        return error_input(error, "the checkpoint is not signed by the log's key %s",
                           log->key->id_hex);
    }
    if (!key_verify(log->key, (struct span){note->text.data, note->text.size_bytes},
                    signature->signature)) {
        return error_input(error, "the checkpoint's signature by key %s does not hold",
                           log->key->id_hex);
    }
    return STATUS_OK;
}

enum status evidence_verify_checkpoint(struct span note, const struct public_key *log_key,
                                       const char *origin, uint64_t *tree_size,
                                       uint8_t root[DIGEST_BYTES], struct error *error) {
    struct log_identity log;
    struct pm_note parsed;
    struct pm_checkpoint checkpoint;
    enum status status = identify(log_key, origin, &log, error);
    if (status != STATUS_OK) return status;
    if (!pm_note_read(digest_bytes(note), &parsed) ||
        !pm_checkpoint_read(parsed.text, &checkpoint)) {
        return error_input(error, "is not a signed checkpoint in its canonical byte form");
    }
    status = check_note(&parsed, &checkpoint, &log, error);
    if (status != STATUS_OK) return status;
    *tree_size = checkpoint.tree_size;
    memcpy(root, checkpoint.root, DIGEST_BYTES);
    return STATUS_OK;
}

enum status evidence_verify_consistency(struct span old_checkpoint, struct span proof,
                                        const struct public_key *log_key, const char *origin,
                                        struct error *error) {
    struct log_identity log;
    struct pm_proof parsed;
    uint64_t old_size;
    uint8_t old_root[DIGEST_BYTES];
    enum status status = identify(log_key, origin, &log, error);
    if (status == STATUS_OK) {
        status =
            evidence_verify_checkpoint(old_checkpoint, log_key, origin, &old_size, old_root, error);
    }
    if (status != STATUS_OK) return status;
    if (!pm_proof_read_consistency(digest_bytes(proof), &parsed)) {
        return error_input(error, "is not a consistency proof in its canonical byte form");
    }
    status = check_note(&parsed.note, &parsed.checkpoint, &log, error);
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
    enum status status = identify(trust->log_key, trust->log_origin, &log, error);
    if (status != STATUS_OK) return status;
    if (!pm_proof_read_inclusion(digest_bytes(proof), parsed)) {
        return error_input(error, "the log proof is not in its canonical byte form");
    }
    return check_note(&parsed->note, &parsed->checkpoint, &log, error);
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
