/* Proofs as files, each with the signed checkpoint that it leads to.
 *
 * Inclusion, https://c2sp.org/tlog-proof (file extension .tlog-proof), without its
 * optional "extra" line, which nothing authenticates:
 *
 *   c2sp.org/tlog-proof@v1
 *   index 7
 *   <base64 hash>          zero or more, from the leaf's sibling upwards
 *                          an empty line
 *   <signed checkpoint>    note.h, checkpoint.h
 *
 * Consistency, the body of add-checkpoint in https://c2sp.org/tlog-witness:
 *
 *   old 4
 *   <base64 hash>          zero or more, at most 63
 *
 *   <signed checkpoint>
 *
 * The readers take a proof apart and prove its form; the caller then checks the
 * checkpoint's signature and the hashes (merkle.h). */
#ifndef FORMAT_PROOF_H
#define FORMAT_PROOF_H

#include "format/bytes.h"
#include "format/checkpoint.h"
#include "format/merkle.h"
#include "format/note.h"

/* The head: all up to and with the empty line. */
enum { PM_PROOF_HEAD_MAXIMUM = 64 + PM_MERKLE_PATH_MAXIMUM * 45 };

struct pm_proof {
    uint64_t index; /* inclusion: of the leaf; consistency: the old size */
    struct pm_merkle_path path;
    struct pm_note note;
    struct pm_checkpoint checkpoint;
};

bool pm_proof_read_inclusion(struct pm_bytes proof, struct pm_proof *out);
bool pm_proof_read_consistency(struct pm_bytes proof, struct pm_proof *out);

/* Write the head; the signed checkpoint follows it. Return its length without NUL. */
size_t pm_proof_write_inclusion(uint64_t index, const struct pm_merkle_path *path,
                                char out[PM_PROOF_HEAD_MAXIMUM]);
size_t pm_proof_write_consistency(uint64_t old_size, const struct pm_merkle_path *path,
                                  char out[PM_PROOF_HEAD_MAXIMUM]);

#endif
