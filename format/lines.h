/* Lines of text formats: taken off the front of a view one by one, and written. Used by
 * note.c, checkpoint.c and proof.c; nothing outside format/ needs it. */
#ifndef FORMAT_LINES_H
#define FORMAT_LINES_H

#include "format/bytes.h"

enum {
    LINES_DECIMAL_MAXIMUM = 19, /* digits of 2^63 - 1 */
    LINES_HASH_CHARACTERS = 44, /* base64 of 32 bytes */
};

/* Takes the first line without its newline off `rest`; false when there is no newline. */
bool pm_lines_take(struct pm_bytes *rest, struct pm_bytes *line);

/* Takes `prefix` off the front of a line. */
bool pm_lines_skip(struct pm_bytes *line, const char *prefix);

/* The whole line as a decimal number of at most 2^63 - 1 without leading zeros. */
bool pm_lines_decimal(struct pm_bytes line, uint64_t *out);

/* The whole line as a base64 hash. */
bool pm_lines_hash(struct pm_bytes line, uint8_t out[PM_SHA256_BYTES]);

/* Write without NUL at `out`; return how many characters. */
size_t pm_lines_put_text(char *out, const char *text);
size_t pm_lines_put_decimal(char *out, uint64_t value);
size_t pm_lines_put_hash(char *out, const uint8_t hash[PM_SHA256_BYTES]);

#endif
