/* Signed notes: https://c2sp.org/signed-note
 *
 *   text, one or more lines, each ended by "\n"
 *   an empty line
 *   one or more lines: em dash, space, key name, space, base64(key id || signature)
 *
 * The reader takes the note apart and proves its form: valid UTF-8, no control characters
 * but newline, key names without spaces and plus, base64 in its one form, nothing after
 * the last line. It checks no signature: the caller finds the line of a key it trusts and
 * verifies `signature` over `text` with its own Ed25519. Until then the text is an
 * attacker's. */
#ifndef FORMAT_NOTE_H
#define FORMAT_NOTE_H

#include "format/bytes.h"

enum {
    PM_NOTE_MAXIMUM_BYTES = 1 << 17,
    PM_NOTE_SIGNATURES_MAXIMUM = 16, /* the least that the specification asks for */
    PM_NOTE_NAME_MAXIMUM = 255,
    PM_NOTE_ED25519_BYTES = 64,
    PM_NOTE_LINE_MAXIMUM = PM_NOTE_NAME_MAXIMUM + 128, /* an Ed25519 signature line */
};

struct pm_note_signature {
    struct pm_bytes name;
    uint32_t key_id;
    /* Only signatures of Ed25519's length are decoded; of others the key id alone. */
    size_t signature_size_bytes;
    uint8_t signature[PM_NOTE_ED25519_BYTES];
};

struct pm_note {
    struct pm_bytes text; /* what is signed: with its last newline */
    size_t signature_count;
    struct pm_note_signature signatures[PM_NOTE_SIGNATURES_MAXIMUM];
};

bool pm_note_read(struct pm_bytes note, struct pm_note *out);

bool pm_note_name_valid(struct pm_bytes name);

/* First four bytes, big-endian, of SHA-256(name || 0x0a || 0x01 || public key). */
bool pm_note_key_id_ed25519(const struct pm_sha256 *sha256, struct pm_bytes name,
                            const uint8_t public_key[32], uint32_t *out);

/* Writes the signature's line with its newline and no NUL; returns its length, 0 when the
 * name is not valid. A note is: text, "\n", lines. */
size_t pm_note_write_signature(struct pm_bytes name, uint32_t key_id,
                               const uint8_t signature[PM_NOTE_ED25519_BYTES],
                               char out[PM_NOTE_LINE_MAXIMUM]);

#endif
