/* COSE_Sign1 (RFC 9052 section 4.2) with ES256 (RFC 9053 section 2.1) and nothing else.
 *
 *   18([ << {1: -7, ? 4: key id} >>, {? 4: key id}, payload or null, signature r || s ])
 *
 * The key id stands in one of the two headers or in none; any other header parameter is refused.
 * A null payload is detached: it is known to the verifier from elsewhere. What is signed is
 * ES256 over
 *
 *   Sig_structure = ["Signature1", protected header, external data (empty), payload]
 *
 * (section 4.4). This file reads the structure and hashes it; whoever has the key compares. */
#ifndef FORMAT_COSE_H
#define FORMAT_COSE_H

#include "format/bytes.h"

enum { PM_COSE_TAG_SIGN1 = 18, PM_COSE_ES256 = -7, PM_COSE_SIGNATURE_BYTES = 64 };
enum { PM_COSE_HEADER_ALGORITHM = 1, PM_COSE_HEADER_KEY_ID = 4 };

struct pm_cose_sign1 {
    struct pm_bytes protected_header; /* the map's encoding, without the byte string around it */
    struct pm_bytes key_id;           /* empty: none */
    struct pm_bytes payload;          /* empty when detached */
    bool detached;
    const uint8_t *signature; /* PM_COSE_SIGNATURE_BYTES */
};

/* Proves the form only. */
bool pm_cose_sign1_read(struct pm_bytes bytes, struct pm_cose_sign1 *out);

/* The digest that the signature is over. `payload` is the message's own or the detached one. */
bool pm_cose_sign1_digest(const struct pm_sha256 *sha256, struct pm_bytes protected_header,
                          struct pm_bytes payload, uint8_t out[PM_SHA256_BYTES]);

#endif
