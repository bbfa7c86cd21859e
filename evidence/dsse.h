/* DSSE v1 envelopes (https://github.com/secure-systems-lab/dsse) with one Ed25519
 * signature and one byte form:
 *
 *   {"payload":"<base64>","payloadType":"<type>","signatures":[{"keyid":"<id>","sig":"<base64>"}]}
 *
 * Members in this order, no white space, no final newline, standard base64 with padding,
 * key id of key.h, payload type of 1 to 120 printable ASCII characters without quote and
 * backslash. The signature is over PAE(type, payload):
 *
 *   "DSSEv1" SP len(type) SP type SP len(payload) SP payload
 *
 * dsse_read() reads that form and nothing else: after taking an envelope apart it puts it
 * together again and compares, so the digest of an envelope names its meaning. The key id
 * is a hint until dsse_verify() has checked it against the trusted key. */
#ifndef EVIDENCE_DSSE_H
#define EVIDENCE_DSSE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "evidence/key.h"

enum { DSSE_PAYLOAD_TYPE_MAXIMUM = 120, DSSE_MAXIMUM_BYTES = 8 << 20 };

struct dsse_envelope {
    const char *payload_type;
    struct span payload;
    char key_id_hex[DIGEST_HEX_BYTES];
    uint8_t key_id[DIGEST_BYTES];
    uint8_t signature[KEY_SIGNATURE_BYTES];
};

/* What is signed. */
enum status dsse_pae(const char *payload_type, struct span payload, struct buffer *out,
                     struct error *error);

/* Appends the envelope to `out`. */
enum status dsse_sign(const struct private_key *key, const char *payload_type, struct span payload,
                      struct buffer *out, struct error *error);

/* Strings and payload live in the arena. Proves the form, not the signature. */
enum status dsse_read(struct arena *arena, struct span envelope, struct dsse_envelope *out,
                      struct error *error);

/* STATUS_OK only when `key` signed this payload; otherwise the message says who seems to
 * have, or that the signature does not hold. */
enum status dsse_verify(const struct dsse_envelope *envelope, const struct public_key *key,
                        struct error *error);

#endif
