/* See log.h. Appending and proving; log_store.c has the directory and its durability.
 *
 * Invariant of an open log: leaves, hashes and checkpoint agree in memory and on disk, and
 * the checkpoint is signed by our key. An append works out the new tree in memory, then
 * writes in the order that makes every crash harmless; if writing fails midway the log is
 * `broken` and must be opened again, which cuts it back to its checkpoint. */
#include "evidence/log.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "evidence/checkpoint.h"
#include "evidence/dsse.h"
#include "evidence/log_store.h"
#include "format/leaf.h"
#include "format/proof.h"

struct log {
    const struct private_key *key;
    char origin[LOG_ORIGIN_BYTES];
    struct log_store store;
    uint64_t count;
    size_t capacity;
    uint8_t (*leaf_hashes)[DIGEST_BYTES];
    uint8_t (*envelope_digests)[DIGEST_BYTES];
    struct buffer checkpoint;
    bool broken;
};

static enum status no_memory(struct error *error) {
    return error_environment(error, "no memory for the log");
}

static enum status reserve(struct log *log, size_t more, struct error *error) {
    size_t wanted = (size_t)log->count + more;
    if (wanted > LOG_LEAVES_MAXIMUM) {
        return error_input(error, "a local log holds at most %d statements", LOG_LEAVES_MAXIMUM);
    }
    if (wanted <= log->capacity) return STATUS_OK;
    size_t capacity = log->capacity ? log->capacity : 64;
    while (capacity < wanted)
        capacity *= 2;
    void *hashes = realloc(log->leaf_hashes, capacity * DIGEST_BYTES);
    if (!hashes) return no_memory(error);
    log->leaf_hashes = hashes;
    void *digests = realloc(log->envelope_digests, capacity * DIGEST_BYTES);
    if (!digests) return no_memory(error);
    log->envelope_digests = digests;
    log->capacity = capacity;
    return STATUS_OK;
}

/* Puts a leaf record behind the first `at` ones, in memory. Room is reserved. */
static enum status take_leaf(struct log *log, uint64_t at, const uint8_t record[PM_LEAF_BYTES],
                             struct error *error) {
    struct pm_leaf leaf;
    struct pm_bytes bytes = {record, PM_LEAF_BYTES};
    if (!pm_leaf_read(bytes, &leaf)) {
        return error_input(error, "leaf %llu of the log is damaged", (unsigned long long)at);
    }
    if (!pm_merkle_hash_leaf(&digest_sha256, bytes, log->leaf_hashes[at])) return no_memory(error);
    memcpy(log->envelope_digests[at], leaf.envelope_sha256, DIGEST_BYTES);
    return STATUS_OK;
}

/* The signed note for the tree over the first `count` leaves. */
static enum status sign_checkpoint(struct log *log, uint64_t count, struct buffer *out,
                                   struct error *error) {
    char text[PM_CHECKPOINT_TEXT_MAXIMUM], line[PM_NOTE_LINE_MAXIMUM];
    uint8_t signature[KEY_SIGNATURE_BYTES];
    uint32_t key_id;
    struct pm_bytes origin = {(const uint8_t *)log->origin, strlen(log->origin)};
    struct pm_checkpoint checkpoint = {.origin = origin, .tree_size = count};
    if (!pm_merkle_root(&digest_sha256, (const uint8_t(*)[DIGEST_BYTES])log->leaf_hashes, count,
                        checkpoint.root) ||
        !pm_note_key_id_ed25519(&digest_sha256, origin, log->key->public_half.bytes, &key_id)) {
        return error_environment(error, "OpenSSL could not hash");
    }
    size_t length = pm_checkpoint_write(&checkpoint, text);
    struct span span = {(const uint8_t *)text, length};
    enum status status = key_sign(log->key, span, signature, error);
    if (status != STATUS_OK) return status;
    buffer_append(out, text, length);
    buffer_text(out, "\n");
    buffer_append(out, line, pm_note_write_signature(origin, key_id, signature, line));
    return out->failed ? no_memory(error) : STATUS_OK;
}

/* Writes a checkpoint over what is there and takes it over. */
static enum status publish(struct log *log, uint64_t count, struct error *error) {
    struct buffer next;
    buffer_init(&next, PM_NOTE_MAXIMUM_BYTES);
    enum status status = sign_checkpoint(log, count, &next, error);
    if (status == STATUS_OK) {
        status = log_store_replace_checkpoint(&log->store, buffer_span(&next), error);
    }
    if (status != STATUS_OK) {
        buffer_free(&next);
        return status;
    }
    buffer_free(&log->checkpoint);
    log->checkpoint = next;
    log->count = count;
    return STATUS_OK;
}

/* Reads a log that is there: its checkpoint is ours, and its leaves lead to it. Whatever
 * lies behind the leaves it covers was never receipted and is cut off. */
static enum status load(struct log *log, struct error *error) {
    uint8_t root[DIGEST_BYTES], signed_root[DIGEST_BYTES];
    uint64_t size;
    struct buffer leaves;
    enum status status =
        evidence_verify_checkpoint(buffer_span(&log->checkpoint), &log->key->public_half,
                                   log->origin, &size, signed_root, error);
    if (status != STATUS_OK) return status;
    if (size > LOG_LEAVES_MAXIMUM) {
        return error_input(error, "a local log holds at most %d statements", LOG_LEAVES_MAXIMUM);
    }
    status = reserve(log, (size_t)size, error);
    if (status != STATUS_OK) return status;
    buffer_init(&leaves, (size_t)size * PM_LEAF_BYTES + 1);
    status = log_store_read_leaves(&log->store, (size_t)size * PM_LEAF_BYTES, &leaves, error);
    for (uint64_t i = 0; i < size && status == STATUS_OK; i++) {
        status = take_leaf(log, i, leaves.data + i * PM_LEAF_BYTES, error);
    }
    buffer_free(&leaves);
    if (status != STATUS_OK) return status;
    if (!pm_merkle_root(&digest_sha256, (const uint8_t(*)[DIGEST_BYTES])log->leaf_hashes, size,
                        root)) {
        return error_environment(error, "OpenSSL could not hash");
    }
    if (memcmp(root, signed_root, DIGEST_BYTES) != 0) {
        return error_input(error, "the log is damaged: its leaves do not lead to its checkpoint; "
                                  "restore it from a copy");
    }
    log->count = size;
    return log_store_cut_leaves(&log->store, (size_t)size * PM_LEAF_BYTES, error);
}

enum status log_open(const char *directory, const struct private_key *key, struct log **out,
                     struct error *error) {
    bool there = false;
    struct log *log = calloc(1, sizeof *log);
    if (!log) return no_memory(error);
    log->key = key;
    log_origin(&key->public_half, log->origin);
    log_store_init(&log->store);
    buffer_init(&log->checkpoint, PM_NOTE_MAXIMUM_BYTES);
    enum status status = log_store_open(&log->store, directory, error);
    if (status == STATUS_OK) {
        status = log_store_read_checkpoint(&log->store, &log->checkpoint, &there, error);
    }
    if (status == STATUS_OK) status = there ? load(log, error) : publish(log, 0, error);
    if (status != STATUS_OK) {
        error_prefix(error, directory);
        log_close(log);
        return status;
    }
    *out = log;
    return STATUS_OK;
}

void log_named_origin(const char *directory, char out[LOG_ORIGIN_BYTES]) {
    struct arena arena = {0};
    struct error ignored;
    struct span note;
    struct pm_note parsed;
    struct pm_checkpoint checkpoint;
    const char *path = arena_format(&arena, "%s/checkpoint", directory);
    out[0] = '\0';
    if (file_read(&arena, path, PM_NOTE_MAXIMUM_BYTES, &note, &ignored) == STATUS_OK &&
        pm_note_read(digest_bytes(note), &parsed) && pm_checkpoint_read(parsed.text, &checkpoint) &&
        checkpoint.origin.size_bytes < LOG_ORIGIN_BYTES) {
        memcpy(out, checkpoint.origin.data, checkpoint.origin.size_bytes);
        out[checkpoint.origin.size_bytes] = '\0';
    }
    arena_free(&arena);
}

void log_close(struct log *log) {
    if (!log) return;
    log_store_close(&log->store);
    free(log->leaf_hashes);
    free(log->envelope_digests);
    buffer_free(&log->checkpoint);
    free(log);
}

uint64_t log_size(const struct log *log) {
    return log->count;
}

struct span log_checkpoint(const struct log *log) {
    return buffer_span(&log->checkpoint);
}

/* The index of that envelope among the first `count` leaves. */
static bool find(const struct log *log, uint64_t count, const uint8_t digest[DIGEST_BYTES],
                 uint64_t *index) {
    for (uint64_t i = 0; i < count; i++) {
        if (memcmp(log->envelope_digests[i], digest, DIGEST_BYTES) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

/* Refuses an envelope that a verifier would refuse; makes its leaf. */
static enum status make_leaf(const struct public_key *signer, struct span envelope,
                             uint8_t record[PM_LEAF_BYTES], struct error *error) {
    struct arena arena = {0};
    struct dsse_envelope parsed;
    enum status status = dsse_read(&arena, envelope, &parsed, error);
    if (status == STATUS_OK) status = dsse_verify(&parsed, signer, error);
    if (status == STATUS_OK) {
        struct pm_leaf leaf = {
            .payload_type = {(const uint8_t *)parsed.payload_type, strlen(parsed.payload_type)}};
        digest_of(envelope, leaf.envelope_sha256);
        memcpy(leaf.key_id, parsed.key_id, DIGEST_BYTES);
        if (!pm_leaf_write(&leaf, record)) {
            status = error_input(error, "the envelope's payload type does not fit a leaf");
        }
    }
    arena_free(&arena);
    return status;
}

/* Adds one envelope to the batch: in memory, and its own file on disk. */
static enum status stage(struct log *log, const struct public_key *signer, struct span envelope,
                         uint64_t *count, struct buffer *records, uint64_t *index,
                         struct error *error) {
    uint8_t record[PM_LEAF_BYTES], digest[DIGEST_BYTES];
    enum status status = make_leaf(signer, envelope, record, error);
    if (status != STATUS_OK) return status;
    digest_of(envelope, digest);
    if (find(log, *count, digest, index)) return STATUS_OK;
    status = log_store_write_envelope(&log->store, digest, envelope, error);
    if (status == STATUS_OK) status = take_leaf(log, *count, record, error);
    if (status != STATUS_OK) return status;
    buffer_append(records, record, sizeof record);
    if (records->failed) return no_memory(error);
    *index = (*count)++;
    return STATUS_OK;
}

enum status log_append(struct log *log, const struct public_key *signer,
                       const struct span *envelopes, size_t count, struct log_receipt *receipts,
                       struct error *error) {
    uint64_t size = log->count;
    struct buffer records;
    if (log->broken) {
        return error_environment(error, "an earlier write to the log failed; open it again");
    }
    enum status status = reserve(log, count, error);
    if (status != STATUS_OK) return status;
    buffer_init(&records, count * PM_LEAF_BYTES);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = stage(log, signer, envelopes[i], &size, &records, &receipts[i].index, error);
    }
    if (status == STATUS_OK && size > log->count) {
        /* From here on the disk holds leaves that no checkpoint covers. */
        status = log_store_append_leaves(&log->store, buffer_span(&records), error);
        if (status == STATUS_OK) status = publish(log, size, error);
        log->broken = status != STATUS_OK;
    }
    buffer_free(&records);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        receipts[i].tree_size = log->count;
    }
    return status;
}

static enum status put_proof(const struct log *log, const char *head, size_t length,
                             struct buffer *out, struct error *error) {
    buffer_append(out, head, length);
    buffer_append(out, log->checkpoint.data, log->checkpoint.size_bytes);
    return out->failed ? no_memory(error) : STATUS_OK;
}

enum status log_prove_inclusion(struct log *log, uint64_t index, struct buffer *out,
                                struct error *error) {
    char head[PM_PROOF_HEAD_MAXIMUM];
    struct pm_merkle_path path;
    if (index >= log->count) {
        return error_input(error, "the log has %llu leaves; there is no leaf %llu",
                           (unsigned long long)log->count, (unsigned long long)index);
    }
    if (!pm_merkle_prove_inclusion(&digest_sha256, (const uint8_t(*)[DIGEST_BYTES])log->leaf_hashes,
                                   log->count, index, &path)) {
        return error_environment(error, "OpenSSL could not hash");
    }
    return put_proof(log, head, pm_proof_write_inclusion(index, &path, head), out, error);
}

enum status log_prove_consistency(struct log *log, uint64_t old_size, struct buffer *out,
                                  struct error *error) {
    char head[PM_PROOF_HEAD_MAXIMUM];
    struct pm_merkle_path path;
    if (old_size > log->count) {
        return error_input(error, "the log has %llu leaves; it never had %llu before",
                           (unsigned long long)log->count, (unsigned long long)old_size);
    }
    if (!pm_merkle_prove_consistency(&digest_sha256,
                                     (const uint8_t(*)[DIGEST_BYTES])log->leaf_hashes, log->count,
                                     old_size, &path)) {
        return error_environment(error, "OpenSSL could not hash");
    }
    return put_proof(log, head, pm_proof_write_consistency(old_size, &path, head), out, error);
}
