/* Verification of a shipped folder from memory: no I/O, nothing trusted but the key.
 *
 *   holds          shown again, here and now
 *   signed         under the maker's signature, not re-checked (no firmware to look at, no
 *                  original to compare with, or another font than the label was drawn with)
 *   word           declared: the maker's signature is on it, and no more can be shown
 *   unknown        its evidence is past its date, or not yet valid
 *   refused        does not hold; the reason says why
 *
 * Everything starts refused. A finding is about one claim of the label (its id) or about
 * one part of the folder ("release", "log", "files", "record", "page", "label").
 * A fault in a part takes with it the claims that stand on that part. */
#ifndef CLI_FOLDER_VERIFY_H
#define CLI_FOLDER_VERIFY_H

#include "cli/folder.h"
#include "cli/folder_check.h"
#include "evidence/verify.h"

enum folder_state {
    FOLDER_STATE_REFUSED,
    FOLDER_STATE_UNKNOWN,
    FOLDER_STATE_WORD,
    FOLDER_STATE_SIGNED,
    FOLDER_STATE_HOLDS,
};

const char *folder_state_name(enum folder_state state); /* "signed, not re-checked" */

struct folder_finding {
    const char *id;
    bool is_claim;
    enum record_class class; /* of a claim */
    const char *sentence;    /* of a claim */
    enum folder_state state;
    const char *reason; /* NULL when it holds and there is no more to say */
};

enum { FOLDER_FINDINGS_MAXIMUM = RECORD_CLAIMS_MAXIMUM + 16 };

struct folder_report {
    struct folder_finding findings[FOLDER_FINDINGS_MAXIMUM];
    size_t count;
    bool accepted;                     /* no finding is refused or unknown */
    char signer_hex[DIGEST_HEX_BYTES]; /* whom the release names, trusted or not; may be "" */
    const char *product, *version;     /* when the record could be read and is signed */
};

/* What was drawn, checked and verified for one key, kept from one call to the next by the digests
 * of what it depends on: for who verifies many folders that are nearly the same. Zero it before the
 * first call; folder_cache_free() after the last. */
struct folder_cache {
    struct arena arena;
    bool drawn, checked, verified[RECORD_EVIDENCE_COUNT];
    uint8_t drawn_from[DIGEST_BYTES], checked_from[DIGEST_BYTES];
    struct folder_pictures pictures;
    struct folder_check check;
    uint8_t verified_from[RECORD_EVIDENCE_COUNT][2 * DIGEST_BYTES]; /* envelope, proof */
    struct evidence_finding evidence[RECORD_EVIDENCE_COUNT];
};
void folder_cache_free(struct folder_cache *cache);

struct folder_trust {
    const struct public_key *maker; /* NULL: nobody is trusted, everything is refused */
    struct span firmware;           /* given beside the folder; empty: none */
    struct span original;           /* the linked ELF before; empty: none */
    int64_t now_s;
    struct folder_cache *cache; /* or NULL */
};

void folder_verify(struct arena *arena, const struct folder *folder,
                   const struct folder_trust *trust, struct folder_report *out);

#endif
