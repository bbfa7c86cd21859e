/* Who signs for a verb of `release`: a release key in a file, or somebody elsewhere.
 *
 * Elsewhere: the verb is given the public key and a folder of signatures. What it has to have
 * signed it looks for there as DIGEST.sig (64 bytes, r || s); what is missing it leaves as
 * DIGEST.digest (32 bytes) for `proofmark release sign`, and refuses until it is there. */
#ifndef CLI_RELEASE_SIGNER_H
#define CLI_RELEASE_SIGNER_H

#include "cli/options.h"
#include "release/keys.h"
#include "release/root.h"

struct release_signer {
    struct release_key key;
    const char *folder; /* of signatures, or NULL */
    size_t waiting;     /* signatures that are not there yet */
    struct es256_signer signer;
};

/* What a verb's struct begins with, and the rows that fill it. */
struct release_key_options {
    const char *key, *signatures, *tree;
    int passphrase_fd;
};
enum status release_take_descriptor(void *into, const char *value, struct error *error);
#define RELEASE_KEY_ROWS                                                                           \
    {"tree", 't',                                                                                  \
     "DIR",  offsetof(struct release_key_options, tree),                                           \
     NULL,   "the tree of files that devices update from (default release)"},                      \
        {"key",  'k',                                                                              \
         "PATH", offsetof(struct release_key_options, key),                                        \
         NULL,   "the release key; with --signatures its public half"},                            \
        {"passphrase-fd",                                                                          \
         0,                                                                                        \
         "N",                                                                                      \
         0,                                                                                        \
         release_take_descriptor,                                                                  \
         "read the key's passphrase from descriptor N instead of asking"},                         \
    {                                                                                              \
        "signatures", 0, "DIR", offsetof(struct release_key_options, signatures), NULL,            \
            "the key is elsewhere: leave digests to sign in DIR, and take\ntheir signatures from " \
            "there"                                                                                \
    }

/* `out` must stay where it is; release_signer_close() when done. */
enum status release_signer_open(const struct release_key_options *options,
                                struct release_signer *out, struct error *error);
void release_signer_close(struct release_signer *signer);
/* Bad input while a signature is missing: before anything is written that holds one. */
enum status release_signer_settled(const struct release_signer *signer, struct error *error);
/* Is the key a release key of the root document in force? */
enum status release_signer_known(const struct release_signer *signer, const struct pm_root *root,
                                 struct error *error);

#endif
