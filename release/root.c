/* See root.h. While signatures are collected, a document holds one signer where there will be
 * two: the first of a pair is set and the second is ROOT_NOBODY. */
#include "release/root.h"

#include <string.h>

#include "evidence/digest.h"

int root_key_index(const struct pm_root *root, const uint8_t point[PM_POINT_BYTES]) {
    for (int i = 0; i < PM_ROOT_KEYS; i++) {
        if (memcmp(root->root_keys[i], point, PM_POINT_BYTES) == 0) return i;
    }
    return -1;
}

int root_release_index(const struct pm_root *root, const uint8_t id[PM_SHA256_BYTES]) {
    for (uint32_t i = 0; i < root->release_key_count; i++) {
        uint8_t own[PM_SHA256_BYTES];
        digest_of((struct span){root->release_keys[i], PM_POINT_BYTES}, own);
        if (memcmp(own, id, sizeof own) == 0) return (int)i;
    }
    return -1;
}

void root_next(const struct pm_root *before, struct pm_root *out) {
    *out = *before;
    out->version = before->version + 1;
    memset(out->signers, ROOT_NOBODY, sizeof out->signers);
    memset(out->signatures, 0, sizeof out->signatures);
}

enum status root_add_release(struct pm_root *root, const struct release_key *key,
                             struct error *error) {
    if (root_release_index(root, key->id) >= 0) {
        return error_input(error, "the release key %s is in the root document already",
                           key->id_hex);
    }
    if (root_key_index(root, key->point) >= 0) {
        return error_input(error, "the key %s is a root key and cannot be a release key",
                           key->id_hex);
    }
    if (root->release_key_count == PM_RELEASE_KEYS) {
        return error_input(error, "a root document holds at most %d release keys: revoke one",
                           PM_RELEASE_KEYS);
    }
    memcpy(root->release_keys[root->release_key_count++], key->point, PM_POINT_BYTES);
    return STATUS_OK;
}

enum status root_remove_release(struct pm_root *root, const uint8_t id[PM_SHA256_BYTES],
                                struct error *error) {
    int found = root_release_index(root, id);
    if (found < 0) {
        return error_input(error, "no release key with this id is in root document %u",
                           root->version - 1);
    }
    if (root->release_key_count == 1) {
        return error_input(error, "it is the only release key, and without one no update could "
                                  "ever be signed: add another with --release");
    }
    size_t behind = root->release_key_count - (size_t)found - 1;
    memmove(root->release_keys[found], root->release_keys[found + 1], behind * PM_POINT_BYTES);
    root->release_key_count--;
    memset(root->release_keys[root->release_key_count], 0, PM_POINT_BYTES);
    return STATUS_OK;
}

bool root_changes_keys(const struct pm_root *before, const struct pm_root *next) {
    return memcmp(before->root_keys, next->root_keys, sizeof before->root_keys) != 0;
}

static void digest_of_root(const struct pm_root *root, uint8_t out[PM_SHA256_BYTES]) {
    uint8_t bytes[PM_ROOT_BYTES];
    pm_root_write(root, bytes);
    digest_of((struct span){bytes, PM_ROOT_SIGNED_BYTES}, out);
}

/* Into the pair of signers that begins at `first`, ascending. True: it was missing there. */
static bool insert(struct pm_root *root, unsigned first, int index,
                   const uint8_t signature[PM_ES256_BYTES]) {
    uint8_t *signers = root->signers + first;
    if (signers[0] == index || signers[1] == index || signers[1] != ROOT_NOBODY) return false;
    unsigned at = 0;
    if (signers[0] != ROOT_NOBODY) {
        at = signers[0] < index;
        if (!at) {
            signers[1] = signers[0];
            memcpy(root->signatures[first + 1], root->signatures[first], PM_ES256_BYTES);
        }
    }
    signers[at] = (uint8_t)index;
    memcpy(root->signatures[first + at], signature, PM_ES256_BYTES);
    return true;
}

enum status root_sign(const struct pm_root *before, struct pm_root *next,
                      const struct release_key *key, struct error *error) {
    uint8_t digest[PM_SHA256_BYTES], signature[PM_ES256_BYTES];
    int old = root_key_index(before, key->point);
    int own = root_changes_keys(before, next) ? root_key_index(next, key->point) : -1;
    if (old < 0 && own < 0) {
        return error_input(error, "the key %s is no root key of version %u or %u", key->id_hex,
                           before->version, next->version);
    }
    digest_of_root(next, digest);
    enum status status = release_key_sign(key, digest, signature, error);
    if (status != STATUS_OK) return status;
    bool any = old >= 0 && insert(next, 0, old, signature);
    if (own >= 0 && insert(next, 2, own, signature)) any = true;
    if (any) return STATUS_OK;
    return error_input(error, "the signature of key %s is not needed: it, or two others, signed",
                       key->id_hex);
}

static unsigned count_missing(const uint8_t signers[2]) {
    return (unsigned)(signers[0] == ROOT_NOBODY) + (unsigned)(signers[1] == ROOT_NOBODY);
}

void root_missing(const struct pm_root *before, const struct pm_root *next, unsigned *old_missing,
                  unsigned *own_missing) {
    *old_missing = count_missing(next->signers);
    *own_missing = root_changes_keys(before, next) ? count_missing(next->signers + 2) : 0;
}

bool root_read_pending(const uint8_t bytes[PM_ROOT_BYTES], struct pm_root *out) {
    uint8_t unsigned_bytes[PM_ROOT_BYTES];
    const uint8_t *signers = bytes + PM_ROOT_SIGNED_BYTES, *signatures = signers + ROOT_SIGNATURES;
    memcpy(unsigned_bytes, bytes, PM_ROOT_SIGNED_BYTES);
    memset(unsigned_bytes + PM_ROOT_SIGNED_BYTES, 0, PM_ROOT_BYTES - PM_ROOT_SIGNED_BYTES);
    memset(unsigned_bytes + PM_ROOT_SIGNED_BYTES, ROOT_NOBODY, ROOT_SIGNATURES);
    for (unsigned i = 0; i < ROOT_SIGNATURES; i++) {
        bool second = i % 2, nobody = signers[i] == ROOT_NOBODY;
        if (!nobody && signers[i] >= PM_ROOT_KEYS) return false;
        if (second && !nobody && signers[i - 1] >= signers[i]) return false;
    }
    if (!pm_root_read(unsigned_bytes, out)) return false;
    memcpy(out->signers, signers, sizeof out->signers);
    memcpy(out->signatures, signatures, sizeof out->signatures);
    return true;
}

static bool two_signed(const struct pm_root *signed_by, const struct pm_root *next, unsigned first,
                       const uint8_t digest[PM_SHA256_BYTES]) {
    const uint8_t *signers = next->signers + first;
    if (signers[0] >= signers[1] || signers[1] >= PM_ROOT_KEYS) return false;
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *point = signed_by->root_keys[signers[i]];
        if (!release_key_verify(point, digest, next->signatures[first + i])) return false;
    }
    return true;
}

bool root_follows(const struct pm_root *before, const struct pm_root *next) {
    uint8_t digest[PM_SHA256_BYTES];
    if (next->version <= before->version || memcmp(before->vendor, next->vendor, 16) != 0 ||
        memcmp(before->class_id, next->class_id, 16) != 0) {
        return false;
    }
    digest_of_root(next, digest);
    if (!two_signed(before, next, 0, digest)) return false;
    return !root_changes_keys(before, next) || two_signed(next, next, 2, digest);
}
