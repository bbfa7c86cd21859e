/* Root documents (format/root.h): the first, the next, and their signatures, collected one by one
 * since two people hold the keys.
 *
 * Version 1 is built into the boot stage and carries no signature. The next one is signed by two
 * root keys of the version before and, where it changes a root key, by two of its own. */
#ifndef RELEASE_ROOT_H
#define RELEASE_ROOT_H

#include "release/keys.h"

enum { ROOT_SIGNATURES = 4, ROOT_NOBODY = 0xff };

/* Is the key one of the document's? Its index, or -1. */
int root_key_index(const struct pm_root *root, const uint8_t point[PM_POINT_BYTES]);
int root_release_index(const struct pm_root *root, const uint8_t id[PM_SHA256_BYTES]);

/* A next version without signatures. */
void root_next(const struct pm_root *before, struct pm_root *out);
enum status root_add_release(struct pm_root *root, const struct release_key *key,
                             struct error *error);
/* Refuses to take the last one away: a device could never be updated again. */
enum status root_remove_release(struct pm_root *root, const uint8_t id[PM_SHA256_BYTES],
                                struct error *error);

bool root_changes_keys(const struct pm_root *before, const struct pm_root *next);

/* Adds the key's signature wherever one by it is missing, in its place of the order. Bad input when
 * it is no root key of either, or signed already. */
enum status root_sign(const struct pm_root *before, struct pm_root *next,
                      const struct release_key *key, struct error *error);
/* How many signatures by root keys of `before`, and of its own, are missing yet. */
void root_missing(const struct pm_root *before, const struct pm_root *next, unsigned *old_missing,
                  unsigned *own_missing);
/* A document whose signatures are being collected, as pm_root_write() wrote it: format/root.h has
 * no form for half a pair, and devices refuse it. */
bool root_read_pending(const uint8_t bytes[PM_ROOT_BYTES], struct pm_root *out);
/* Is `next` complete and does every signature hold? The rule that devices follow. */
bool root_follows(const struct pm_root *before, const struct pm_root *next);

#endif
