/* Root and release keys: ECDSA on P-256 with SHA-256 (ES256; FIPS 186-5), the keys that a device
 * believes. Files as in evidence/key.h: PKCS#8 in PEM, encrypted, mode 0600, beside NAME.pub.
 *
 * A key's id is the SHA-256 of its point x || y (format/seal.h).
 *
 *     struct release_key key;
 *     struct passphrase_source source = {.fd = PASSPHRASE_PROMPT};
 *     status = release_key_load("release-2026.key", &source, &key, &error);
 *     ...
 *     release_key_free(&key); */
#ifndef RELEASE_KEYS_H
#define RELEASE_KEYS_H

#include "evidence/key.h"
#include "format/root.h"
#include "release/cose.h"

struct release_key {
    struct evp_pkey_st *pkey; /* owned */
    bool is_private;
    uint8_t point[PM_POINT_BYTES];
    uint8_t id[PM_SHA256_BYTES];
    char id_hex[DIGEST_HEX_BYTES];
};

enum status release_key_generate(struct release_key *out, struct error *error);
enum status release_key_load(const char *path, const struct passphrase_source *source,
                             struct release_key *out, struct error *error);
enum status release_key_load_public(const char *path, struct release_key *out, struct error *error);
void release_key_free(struct release_key *key);

/* The id of a point, as text too. */
void release_key_id(const uint8_t point[PM_POINT_BYTES], uint8_t id[PM_SHA256_BYTES],
                    char hex[DIGEST_HEX_BYTES]);

/* r || s over a digest. The nonce is random: signing twice gives two signatures. */
enum status release_key_sign(const struct release_key *key, const uint8_t digest[PM_SHA256_BYTES],
                             uint8_t signature[PM_ES256_BYTES], struct error *error);
/* True only when the signature holds. A point that is not on the curve verifies nothing. */
bool release_key_verify(const uint8_t point[PM_POINT_BYTES], const uint8_t digest[PM_SHA256_BYTES],
                        const uint8_t signature[PM_ES256_BYTES]);

/* A signer for cose.h that signs with a key in memory, which must outlive it. */
struct es256_signer release_key_signer(struct release_key *key);

#endif
