/* Base64 of RFC 4648 section 4: the standard alphabet, with padding.
 *
 * There is one text for each byte string: the decoder refuses missing or excess padding,
 * white space, the URL alphabet, and non-zero bits behind the last byte (section 3.5). */
#ifndef FORMAT_BASE64_H
#define FORMAT_BASE64_H

#include "format/bytes.h"

/* Characters that size_bytes encode to, and the most bytes that `characters` decode to. */
#define PM_BASE64_CHARACTERS(size_bytes) (((size_bytes) + 2) / 3 * 4)
#define PM_BASE64_BYTES(characters) ((characters) / 4 * 3)

/* Writes PM_BASE64_CHARACTERS(bytes.size_bytes) characters and no NUL. */
void pm_base64_encode(struct pm_bytes bytes, char *out);

/* Decodes all of `text` into out (NULL: only proves the form); false and nothing promised about out
 * when the text is not the one encoding of some bytes, or when they are more than capacity_bytes.
 */
bool pm_base64_decode(struct pm_bytes text, uint8_t *out, size_t capacity_bytes,
                      size_t *size_bytes);

#endif
