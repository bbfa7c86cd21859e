/* Keys: Ed25519 (RFC 8032), the only kind of maker key.
 *
 * A key's id is the SHA-256 of its public half as SubjectPublicKeyInfo in DER (RFC 8410),
 * written as 64 lower-case hexadecimal digits. It is what statements, leaves and messages
 * name a key by.
 *
 * On disk the private key is PKCS#8 in PEM, encrypted (PBES2 with scrypt N=2^14 r=8 p=5
 * and AES-256-CBC) unless the user asks for none, in a file of mode 0600; the public key
 * is SubjectPublicKeyInfo in PEM. `openssl pkey` reads both.
 *
 *   struct private_key key;
 *   struct passphrase_source source = {.fd = PASSPHRASE_PROMPT};
 *   if (key_load_private("maker.key", &source, &key, &error) != STATUS_OK) ...
 *   ...
 *   key_wipe(&key);
 *
 * A struct private_key holds the secret itself: its owner calls key_wipe(). */
#ifndef EVIDENCE_KEY_H
#define EVIDENCE_KEY_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "evidence/digest.h"

enum {
    KEY_ED25519_BYTES = 32,
    KEY_SIGNATURE_BYTES = 64,
    KEY_FILE_MAXIMUM = 1 << 14,
    PASSPHRASE_MAXIMUM = 1024,
};

struct public_key {
    uint8_t bytes[KEY_ED25519_BYTES];
    uint8_t id[DIGEST_BYTES];
    char id_hex[DIGEST_HEX_BYTES];
};

struct private_key {
    uint8_t seed[KEY_ED25519_BYTES];
    struct public_key public_half;
};

/* Where a passphrase comes from. A descriptor is read up to its end or first newline.
 * The prompt needs a terminal (/dev/tty) and turns its echo off. */
enum { PASSPHRASE_PROMPT = -1, PASSPHRASE_NONE = -2 };

struct passphrase_source {
    int fd;            /* a descriptor, PASSPHRASE_PROMPT or PASSPHRASE_NONE */
    const char *about; /* what the prompt names, e.g. the key's path; may be NULL */
    bool twice;        /* prompt again and compare: for a new key */
};

struct passphrase {
    size_t size_bytes;
    char text[PASSPHRASE_MAXIMUM];
};

enum status passphrase_read(const struct passphrase_source *source, struct passphrase *out,
                            struct error *error);
void passphrase_wipe(struct passphrase *passphrase);

enum status key_generate(struct private_key *out, struct error *error);
enum status key_from_seed(const uint8_t seed[KEY_ED25519_BYTES], struct private_key *out,
                          struct error *error);
void key_wipe(struct private_key *key);

enum status key_public_from_bytes(const uint8_t bytes[KEY_ED25519_BYTES], struct public_key *out,
                                  struct error *error);
enum status key_public_from_pem(struct span pem, struct public_key *out, struct error *error);
enum status key_public_to_pem(const struct public_key *key, struct buffer *pem,
                              struct error *error);

/* passphrase NULL: not encrypted. The caller wipes and frees `pem`. */
enum status key_private_to_pem(const struct private_key *key, const struct passphrase *passphrase,
                               struct buffer *pem, struct error *error);
/* The passphrase is asked for only when the key is encrypted. */
enum status key_private_from_pem(struct span pem, const struct passphrase_source *source,
                                 struct private_key *out, struct error *error);

/* Refuses a file that others may read (any permission for group or others). */
enum status key_load_private(const char *path, const struct passphrase_source *source,
                             struct private_key *out, struct error *error);
enum status key_load_public(const char *path, struct public_key *out, struct error *error);

enum status key_sign(const struct private_key *key, struct span message,
                     uint8_t signature[KEY_SIGNATURE_BYTES], struct error *error);
/* True only when the signature holds. */
bool key_verify(const struct public_key *key, struct span message,
                const uint8_t signature[KEY_SIGNATURE_BYTES]);

#endif
