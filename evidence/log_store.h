/* The local log's directory: the only place that does its I/O. Used by log.c alone.
 *
 * Every function that writes returns after the bytes and the names that lead to them are
 * synced. One process at a time: log_store_open() waits for the lock. */
#ifndef EVIDENCE_LOG_STORE_H
#define EVIDENCE_LOG_STORE_H

#include "base/buffer.h"
#include "base/error.h"
#include "evidence/digest.h"

struct log_store {
    int directory_fd, envelopes_fd, lock_fd, leaves_fd;
};

/* Makes it safe to close. */
void log_store_init(struct log_store *store);
enum status log_store_open(struct log_store *store, const char *directory, struct error *error);
void log_store_close(struct log_store *store);

/* *there is false for a new log: no checkpoint and no leaves. Leaves without a checkpoint
 * are a damaged log. */
enum status log_store_read_checkpoint(const struct log_store *store, struct buffer *out,
                                      bool *there, struct error *error);
enum status log_store_replace_checkpoint(const struct log_store *store, struct span text,
                                         struct error *error);

/* The first size_bytes of the leaves; a shorter file is bad input. */
enum status log_store_read_leaves(const struct log_store *store, size_t size_bytes,
                                  struct buffer *out, struct error *error);
/* Cuts off what lies behind size_bytes, if anything. */
enum status log_store_cut_leaves(const struct log_store *store, size_t size_bytes,
                                 struct error *error);
enum status log_store_append_leaves(const struct log_store *store, struct span records,
                                    struct error *error);

enum status log_store_write_envelope(const struct log_store *store,
                                     const uint8_t digest[DIGEST_BYTES], struct span envelope,
                                     struct error *error);

#endif
