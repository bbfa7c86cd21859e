/* The Merkle tree of RFC 9162 section 2.1 (the same hashing as RFC 6962) over SHA-256.
 *
 *   leaf hash  = SHA-256(0x00 || entry)
 *   node hash  = SHA-256(0x01 || left || right)
 *   empty tree = SHA-256("")
 *
 * The tree over n leaves is split at the largest power of two below n. Proofs are lists
 * of hashes from the leaf's sibling upwards. A proof has exactly one length for its index
 * and sizes; a longer or shorter one is refused, so no proof has two forms.
 *
 * Everything starts refused: the verify functions return true in one place, after the
 * computed roots were compared with the ones the caller trusts (whose signature the
 * caller has checked: see checkpoint.h). */
#ifndef FORMAT_MERKLE_H
#define FORMAT_MERKLE_H

#include "format/bytes.h"

/* A path from a leaf to the root of a tree of at most 2^63 leaves; a consistency proof
 * has at most one hash more. */
enum { PM_MERKLE_PATH_MAXIMUM = 64 };

struct pm_merkle_path {
    size_t count;
    uint8_t hashes[PM_MERKLE_PATH_MAXIMUM][PM_SHA256_BYTES];
};

bool pm_merkle_hash_leaf(const struct pm_sha256 *sha256, struct pm_bytes entry,
                         uint8_t out[PM_SHA256_BYTES]);
bool pm_merkle_hash_node(const struct pm_sha256 *sha256, const uint8_t left[PM_SHA256_BYTES],
                         const uint8_t right[PM_SHA256_BYTES], uint8_t out[PM_SHA256_BYTES]);

/* Root of the tree over `count` leaf hashes. */
bool pm_merkle_root(const struct pm_sha256 *sha256, const uint8_t (*leaf_hashes)[PM_SHA256_BYTES],
                    uint64_t count, uint8_t out[PM_SHA256_BYTES]);

/* Section 2.1.3.1: proof that leaf `index` is in the tree over `count` leaf hashes;
 * false when index is not below count. Costs one hash per leaf. */
bool pm_merkle_prove_inclusion(const struct pm_sha256 *sha256,
                               const uint8_t (*leaf_hashes)[PM_SHA256_BYTES], uint64_t count,
                               uint64_t index, struct pm_merkle_path *out);

/* Section 2.1.4.1: proof that the tree over the first old_count leaves is a beginning of
 * the tree over count; the proof from 0 or from count itself is empty. */
bool pm_merkle_prove_consistency(const struct pm_sha256 *sha256,
                                 const uint8_t (*leaf_hashes)[PM_SHA256_BYTES], uint64_t count,
                                 uint64_t old_count, struct pm_merkle_path *out);

/* Section 2.1.3.2. */
bool pm_merkle_verify_inclusion(const struct pm_sha256 *sha256,
                                const uint8_t leaf_hash[PM_SHA256_BYTES], uint64_t index,
                                uint64_t count, const struct pm_merkle_path *path,
                                const uint8_t root[PM_SHA256_BYTES]);

/* Section 2.1.4.2, and: from size 0 to any size the proof is empty and old_root is the
 * empty tree's; between equal sizes it is empty and the roots are equal. */
bool pm_merkle_verify_consistency(const struct pm_sha256 *sha256, uint64_t old_count,
                                  const uint8_t old_root[PM_SHA256_BYTES], uint64_t count,
                                  const uint8_t root[PM_SHA256_BYTES],
                                  const struct pm_merkle_path *path);

#endif
