/* Proof files of both kinds: the head that is written for what was read, and the signed
 * checkpoint behind it, are the whole input; and verifying what it claims does no harm. */
#include <stdlib.h>
#include <string.h>

#include "evidence/digest.h"
#include "format/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static struct pm_proof proof;

static void check(const char *head, size_t length, struct pm_bytes input) {
    if (length > input.size_bytes || memcmp(head, input.data, length) != 0) abort();
    if (proof.note.text.data != input.data + length) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    static const uint8_t leaf[PM_SHA256_BYTES];
    char head[PM_PROOF_HEAD_MAXIMUM];
    struct pm_bytes input = {data, size_bytes};
    const struct pm_checkpoint *checkpoint = &proof.checkpoint;
    if (pm_proof_read_inclusion(input, &proof)) {
        check(head, pm_proof_write_inclusion(proof.index, &proof.path, head), input);
        /* a tree of one leaf is that leaf */
        if (pm_merkle_verify_inclusion(&digest_sha256, leaf, proof.index, checkpoint->tree_size,
                                       &proof.path, checkpoint->root) &&
            memcmp(checkpoint->root, leaf, sizeof leaf) != 0 && checkpoint->tree_size == 1) {
            abort();
        }
    }
    if (pm_proof_read_consistency(input, &proof)) {
        check(head, pm_proof_write_consistency(proof.index, &proof.path, head), input);
        pm_merkle_verify_consistency(&digest_sha256, proof.index, leaf, checkpoint->tree_size,
                                     checkpoint->root, &proof.path);
    }
    return 0;
}
