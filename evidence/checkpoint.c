/* See checkpoint.h. */
#include "evidence/checkpoint.h"

#include <string.h>

#include "format/note.h"

void log_origin(const struct public_key *key, char out[LOG_ORIGIN_BYTES]) {
    static const char prefix[] = "proofmark.invalid/local/";
    memset(out, 0, LOG_ORIGIN_BYTES);
    memcpy(out, prefix, sizeof prefix - 1);
    memcpy(out + sizeof prefix - 1, key->id_hex, 32);
}

enum status checkpoint_identify(const struct public_key *key, const char *origin,
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

enum status checkpoint_check_note(const struct pm_note *note,
                                  const struct pm_checkpoint *checkpoint,
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
    enum status status = checkpoint_identify(log_key, origin, &log, error);
    if (status != STATUS_OK) return status;
    if (!pm_note_read(digest_bytes(note), &parsed) ||
        !pm_checkpoint_read(parsed.text, &checkpoint)) {
        return error_input(error, "is not a signed checkpoint in its canonical byte form");
    }
    status = checkpoint_check_note(&parsed, &checkpoint, &log, error);
    if (status != STATUS_OK) return status;
    *tree_size = checkpoint.tree_size;
    memcpy(root, checkpoint.root, DIGEST_BYTES);
    return STATUS_OK;
}
