/* The local log: an append-only Merkle log of statements in a directory.
 *
 *   leaves         records of format/leaf.h, one behind the other
 *   checkpoint     the signed head (format/checkpoint.h)
 *   envelopes/     <sha256>.json, each envelope by its digest
 *   lock           held while the log is open: one process at a time
 *
 * An append is durable before its receipt: envelopes are written and synced, then leaves
 * appended and synced, then the new checkpoint replaces the old one and the directory is
 * synced. Whatever the moment of a crash, the directory opens again: leaves that no
 * checkpoint covers were never receipted, so they are cut off; a log whose leaves do not
 * lead to its own checkpoint is refused as damaged, never repaired by guessing.
 *
 * The log is signed by a key under an origin (a name). The maker's own key signs the
 * local log under log_origin(): verifiers need no second key. When a registry's log takes
 * over, proofs made here stay valid: they are complete in themselves.
 *
 * One process cannot fork the log under another's feet, but who restores an old copy of
 * the directory and appends to it forks it: that is what a registry's witnesses are for.
 *
 * See docs/log.md. */
#ifndef EVIDENCE_LOG_H
#define EVIDENCE_LOG_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "evidence/checkpoint.h"
#include "evidence/key.h"

enum {
    LOG_LEAVES_MAXIMUM = 1 << 20, /* beyond that it is time for a registry */
    LOG_LOCK_WAIT_MS = 30000,
};

struct log;

struct log_receipt {
    uint64_t index;
    uint64_t tree_size; /* of the checkpoint that covers it */
};

/* Opens the log, creating it when the directory is absent or empty, and waits for the
 * lock. The key is borrowed until log_close(). A log of another key is bad input. */
enum status log_open(const char *directory, const struct private_key *key, struct log **out,
                     struct error *error);
void log_close(struct log *log);

/* Whose log is there, before it is opened: the origin that its checkpoint names, which is
 * not proven by that. "" where there is no log, or one that log_open() would refuse. */
void log_named_origin(const char *directory, char out[LOG_ORIGIN_BYTES]);

uint64_t log_size(const struct log *log);
/* The signed note; borrowed until the next append. */
struct span log_checkpoint(const struct log *log);

/* Appends `count` envelopes under one new checkpoint: all or none. An envelope that is
 * in the log already is not appended again: its receipt has its old index. Only
 * envelopes in canonical form whose signature by `signer` holds are taken. After a write
 * that failed midway (STATUS_ENVIRONMENT) further appends are refused until the log is
 * opened again, which cuts it back to what its checkpoint covers. */
enum status log_append(struct log *log, const struct public_key *signer,
                       const struct span *envelopes, size_t count, struct log_receipt *receipts,
                       struct error *error);

/* A proof of format/proof.h against the current checkpoint, appended to `out`. */
enum status log_prove_inclusion(struct log *log, uint64_t index, struct buffer *out,
                                struct error *error);
enum status log_prove_consistency(struct log *log, uint64_t old_size, struct buffer *out,
                                  struct error *error);

#endif
