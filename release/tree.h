/* The tree of plain files that any web server can carry:
 *
 *   channel.cose              what units poll (format/channel.h)
 *   root/N.bin                root document N (format/root.h)
 *   root/N.pending            one whose signatures are being collected
 *   VERSION/envelope.suit     the manifest (format/suit.h)
 *   VERSION/slot-a.bin        payload for slot A: image and seal
 *   VERSION/slot-b.bin        payload for slot B
 *   VERSION/statement.json    the maker's statement on it (cli/release_statement.h), if any
 *   VERSION/delta-S-OLD.pmp   patch that makes slot S's payload from what OLD runs in the other one
 *
 * Paths in documents are relative to the tree. Everything that the tools need to know of a version
 * stands in its seals; nothing else is kept. */
#ifndef RELEASE_TREE_H
#define RELEASE_TREE_H

#include "base/arena.h"
#include "format/root.h"
#include "release/suit.h"

enum {
    TREE_VERSIONS_MAXIMUM = 4096,
    TREE_PAYLOAD_MAXIMUM = 64 << 20,
    TREE_DOCUMENT_MAXIMUM = 2048, /* a unit reads no larger envelope or channel document */
};

struct tree_version {
    const char *name;
    struct span payloads[2];
    struct pm_seal seals[2];
};

const char *tree_path(struct arena *arena, const char *tree, const char *name);

/* Names of the folders that hold a slot-a.bin, in no order. A tree that is not there is empty. */
enum status tree_versions(struct arena *arena, const char *tree, const char ***names, size_t *count,
                          struct error *error);
/* Refuses a name that is a path, and payloads that do not belong together. */
enum status tree_read_version(struct arena *arena, const char *tree, const char *name,
                              struct tree_version *out, struct error *error);
/* The last root document; version 0: there is none. Each is proven to follow the one before. */
enum status tree_newest_root(struct arena *arena, const char *tree, struct pm_root *out,
                             struct error *error);
enum status tree_read_root(struct arena *arena, const char *path, struct pm_root *out,
                           struct error *error);

/* What the envelope of a version says of its slots: payloads and the patches that are there. */
enum status tree_describe(struct arena *arena, const char *tree, const struct tree_version *version,
                          struct suit_release *out, struct error *error);
/* The envelope of what is in the version's folder, appended to `out` (SUIT_ENVELOPE_MAXIMUM).
 * Refuses one that units could not read: it has too many patches. */
enum status tree_make_envelope(struct arena *arena, const char *tree,
                               const struct tree_version *version,
                               const struct es256_signer *signer, struct buffer *out,
                               struct error *error);

#endif
