/* See merkle.h. Section numbers are RFC 9162's. */
#include "format/merkle.h"

#include <string.h>

enum { HASH = PM_SHA256_BYTES };

bool pm_merkle_hash_leaf(const struct pm_sha256 *sha256, struct pm_bytes entry,
                         uint8_t out[PM_SHA256_BYTES]) {
    static const uint8_t prefix = 0x00;
    struct pm_bytes parts[] = {{&prefix, 1}, entry};
    return sha256->hash(sha256->context, parts, 2, out);
}

bool pm_merkle_hash_node(const struct pm_sha256 *sha256, const uint8_t left[PM_SHA256_BYTES],
                         const uint8_t right[PM_SHA256_BYTES], uint8_t out[PM_SHA256_BYTES]) {
    static const uint8_t prefix = 0x01;
    struct pm_bytes parts[] = {{&prefix, 1}, {left, HASH}, {right, HASH}};
    return sha256->hash(sha256->context, parts, 3, out);
}

/* The stack holds the roots of the complete subtrees that the leaves so far fall into,
 * the largest first: one for each bit set in `done`, so 64 are enough. */
bool pm_merkle_root(const struct pm_sha256 *sha256, const uint8_t (*leaf_hashes)[PM_SHA256_BYTES],
                    uint64_t count, uint8_t out[PM_SHA256_BYTES]) {
    uint8_t stack[64][HASH];
    size_t depth = 0;
    if (count == 0) return sha256->hash(sha256->context, NULL, 0, out);
    for (uint64_t done = 0; done < count; done++) {
        memcpy(stack[depth++], leaf_hashes[done], HASH);
        for (uint64_t carry = done; carry & 1; carry >>= 1) {
            depth--;
            if (!pm_merkle_hash_node(sha256, stack[depth - 1], stack[depth], stack[depth - 1])) {
                return false;
            }
        }
    }
    while (depth > 1) {
        depth--;
        if (!pm_merkle_hash_node(sha256, stack[depth - 1], stack[depth], stack[depth - 1])) {
            return false;
        }
    }
    memcpy(out, stack[0], HASH);
    return true;
}

/* The largest power of two below count, which is at least 2. */
static uint64_t split(uint64_t count) {
    uint64_t k = 1;
    while (k < count - k) {
        k <<= 1;
    }
    return k;
}

static void reverse(struct pm_merkle_path *path) {
    for (size_t i = 0; i < path->count / 2; i++) {
        uint8_t swap[HASH];
        size_t j = path->count - 1 - i;
        memcpy(swap, path->hashes[i], HASH);
        memcpy(path->hashes[i], path->hashes[j], HASH);
        memcpy(path->hashes[j], swap, HASH);
    }
}

/* Appends the root over leaves [first, first + count). A walk halves its range at each
 * step, so with at most 2^63 leaves the path does not run over; the test is the proof. */
static bool append_root(const struct pm_sha256 *sha256,
                        const uint8_t (*leaf_hashes)[PM_SHA256_BYTES], uint64_t first,
                        uint64_t count, struct pm_merkle_path *path) {
    if (path->count >= PM_MERKLE_PATH_MAXIMUM) return false;
    return pm_merkle_root(sha256, leaf_hashes + first, count, path->hashes[path->count++]);
}

bool pm_merkle_prove_inclusion(const struct pm_sha256 *sha256,
                               const uint8_t (*leaf_hashes)[PM_SHA256_BYTES], uint64_t count,
                               uint64_t index, struct pm_merkle_path *out) {
    out->count = 0;
    if (index >= count) return false;
    uint64_t first = 0;
    while (count > 1) {
        uint64_t k = split(count);
        bool left = index - first < k;
        if (!append_root(sha256, leaf_hashes, left ? first + k : first, left ? count - k : k,
                         out)) {
            return false;
        }
        first += left ? 0 : k;
        count = left ? k : count - k;
    }
    reverse(out);
    return true;
}

/* SUBPROOF of 2.1.4.1 as a loop; `whole` is its b: the old tree is the subtree at hand,
 * whose root the verifier knows. */
bool pm_merkle_prove_consistency(const struct pm_sha256 *sha256,
                                 const uint8_t (*leaf_hashes)[PM_SHA256_BYTES], uint64_t count,
                                 uint64_t old_count, struct pm_merkle_path *out) {
    out->count = 0;
    if (old_count > count) return false;
    if (old_count == 0) return true;
    uint64_t first = 0;
    bool whole = true;
    while (old_count != count) {
        uint64_t k = split(count);
        bool left = old_count <= k;
        if (!append_root(sha256, leaf_hashes, left ? first + k : first, left ? count - k : k,
                         out)) {
            return false;
        }
        if (!left) {
            first += k;
            old_count -= k;
            whole = false;
        }
        count = left ? k : count - k;
    }
    if (!whole && !append_root(sha256, leaf_hashes, first, count, out)) return false;
    reverse(out);
    return true;
}

static bool same(const uint8_t a[PM_SHA256_BYTES], const uint8_t b[PM_SHA256_BYTES]) {
    return pm_bytes_equal((struct pm_bytes){a, HASH}, (struct pm_bytes){b, HASH});
}

/* 2.1.3.2, with its names: fn is the index, sn the last index, of the node at hand in its
 * level of the tree. */
bool pm_merkle_verify_inclusion(const struct pm_sha256 *sha256,
                                const uint8_t leaf_hash[PM_SHA256_BYTES], uint64_t index,
                                uint64_t count, const struct pm_merkle_path *path,
                                const uint8_t root[PM_SHA256_BYTES]) {
    uint8_t r[HASH];
    if (index >= count || path->count > PM_MERKLE_PATH_MAXIMUM) return false;
    uint64_t fn = index, sn = count - 1;
    memcpy(r, leaf_hash, HASH);
    for (size_t i = 0; i < path->count; i++) {
        if (sn == 0) return false;
        bool right = (fn & 1) || fn == sn;
        const uint8_t *p = path->hashes[i];
        if (!pm_merkle_hash_node(sha256, right ? p : r, right ? r : p, r)) return false;
        /* A last node without a sibling on its level rises until it is a right child. */
        while (right && !(fn & 1) && fn != 0) {
            fn >>= 1;
            sn >>= 1;
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && same(r, root);
}

/* The loop of 2.1.4.2: fr and sr start as `start` and become the two roots. */
static bool climb(const struct pm_sha256 *sha256, uint64_t fn, uint64_t sn,
                  const struct pm_merkle_path *path, size_t next, uint8_t fr[PM_SHA256_BYTES],
                  uint8_t sr[PM_SHA256_BYTES]) {
    for (; next < path->count; next++) {
        const uint8_t *c = path->hashes[next];
        if (sn == 0) return false;
        if ((fn & 1) || fn == sn) {
            if (!pm_merkle_hash_node(sha256, c, fr, fr)) return false;
            if (!pm_merkle_hash_node(sha256, c, sr, sr)) return false;
            while (!(fn & 1) && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else if (!pm_merkle_hash_node(sha256, sr, c, sr)) {
            return false;
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0;
}

bool pm_merkle_verify_consistency(const struct pm_sha256 *sha256, uint64_t old_count,
                                  const uint8_t old_root[PM_SHA256_BYTES], uint64_t count,
                                  const uint8_t root[PM_SHA256_BYTES],
                                  const struct pm_merkle_path *path) {
    uint8_t fr[HASH], sr[HASH];
    if (old_count > count || path->count > PM_MERKLE_PATH_MAXIMUM) return false;
    if (old_count == count) return path->count == 0 && same(old_root, root);
    if (old_count == 0) {
        uint8_t empty[HASH];
        return path->count == 0 && sha256->hash(sha256->context, NULL, 0, empty) &&
               same(old_root, empty);
    }
    if (path->count == 0) return false;
    uint64_t fn = old_count - 1, sn = count - 1;
    while (fn & 1) {
        fn >>= 1;
        sn >>= 1;
    }
    /* A complete old tree is itself the first node of the path. */
    bool complete = (old_count & (old_count - 1)) == 0;
    memcpy(fr, complete ? old_root : path->hashes[0], HASH);
    memcpy(sr, fr, HASH);
    if (!climb(sha256, fn, sn, path, complete ? 0 : 1, fr, sr)) return false;
    return same(fr, old_root) && same(sr, root);
}
