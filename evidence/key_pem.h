/* Private and public keys of any kind as PEM files, in the forms that key.h describes: for keys
 * other than the maker's Ed25519 one. */
#ifndef EVIDENCE_KEY_PEM_H
#define EVIDENCE_KEY_PEM_H

#include <openssl/evp.h>

#include "evidence/key.h"

/* passphrase NULL: not encrypted. The caller wipes and frees `pem`. pkey NULL is an error. */
enum status key_pem_write_private(EVP_PKEY *pkey, const struct passphrase *passphrase,
                                  struct buffer *pem, struct error *error);
enum status key_pem_write_public(EVP_PKEY *pkey, struct buffer *pem, struct error *error);

/* The caller frees *out (EVP_PKEY_free), which is NULL on error. Refuses a private key that others
 * may read. */
enum status key_pem_read_private(const char *path, const struct passphrase_source *source,
                                 EVP_PKEY **out, struct error *error);
enum status key_pem_read_public(const char *path, EVP_PKEY **out, struct error *error);

#endif
