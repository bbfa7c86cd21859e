/* The maker's statement on a release: that check proved what is in both slots' images, with the
 * digests of both as subjects. In the version's folder as statement.json, a DSSE envelope. */
#ifndef CLI_RELEASE_STATEMENT_H
#define CLI_RELEASE_STATEMENT_H

#include <jansson.h>

#include "base/buffer.h"
#include "evidence/key.h"
#include "format/seal.h"

struct release_statement {
    const char *product, *version;
    struct span hardened;           /* the ELF that both were laid out from */
    struct span elfs[2], images[2]; /* of each slot */
    struct span payloads[2], envelope;
    const json_t *figures[2]; /* check's, for each slot's ELF */
    struct pm_seal seals[2];
    int64_t issued_at_s, expires_at_s;
};

/* Subjects: slot-a.bin and slot-b.bin (the payloads), slot-a.image and slot-b.image (what the seals
 * are of), slot-a.elf and slot-b.elf (what check looked at), envelope.suit. */
enum status release_statement_sign(const struct release_statement *statement,
                                   const struct private_key *key, struct buffer *out,
                                   struct error *error);

#endif
