/* A log's signed head and whose it is: C2SP tlog-checkpoint inside a signed note with one
 * Ed25519 signature. The log (log.h) signs it, verification (verify.h) judges it. */
#ifndef EVIDENCE_CHECKPOINT_H
#define EVIDENCE_CHECKPOINT_H

#include "base/buffer.h"
#include "base/error.h"
#include "evidence/digest.h"
#include "evidence/key.h"
#include "format/checkpoint.h"

enum { LOG_ORIGIN_BYTES = 80 };

/* The origin of a local log: "proofmark.invalid/local/" and the key id's first 32 hex
 * digits; the domain is reserved never to resolve (RFC 2606). */
void log_origin(const struct public_key *key, char out[LOG_ORIGIN_BYTES]);

/* Where a checkpoint must come from. */
struct log_identity {
    const struct public_key *key;
    char origin[PM_NOTE_NAME_MAXIMUM + 1];
};

/* The log of that key under that origin; NULL: log_origin() of the key. */
enum status checkpoint_identify(const struct public_key *key, const char *origin,
                                struct log_identity *out, struct error *error);

/* That `note`, whose text is `checkpoint`, is signed by that log and by nobody else: a
 * line that no trusted key vouches for could be changed unnoticed. */
enum status checkpoint_check_note(const struct pm_note *note,
                                  const struct pm_checkpoint *checkpoint,
                                  const struct log_identity *log, struct error *error);

/* A signed checkpoint alone: STATUS_OK when it is in canonical form with exactly one
 * signature, of log_key under that origin. */
enum status evidence_verify_checkpoint(struct span note, const struct public_key *log_key,
                                       const char *origin, uint64_t *tree_size,
                                       uint8_t root[DIGEST_BYTES], struct error *error);

#endif
