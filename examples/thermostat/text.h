/* Text in and out without a C library. */
#ifndef THERMOSTAT_TEXT_H
#define THERMOSTAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* printf's smaller sister. %s text, %c character, %d int, %u unsigned, %x unsigned as
 * eight hexadecimal digits, %2 unsigned with at least two digits, %h int counted in
 * hundredths ("21.50"), %% percent sign. */
void text_print(const char *format, ...);

/* Degrees, volts, ...: to the nearest hundredth, for %h. */
int32_t text_hundredths(float value);

bool text_equal(const char *left, const char *right);

/* Cuts the first word off `*rest` (writes a NUL behind it); "" when there is none. */
char *text_next_word(char **rest);

/* "21.5", "-3", "0.25"; two decimals at most, magnitude below a million. */
bool text_parse_hundredths(const char *text, int32_t *out);
bool text_parse_unsigned(const char *text, uint32_t *out);

/* Decodes pairs of hexadecimal digits into `out`, at most `maximum_bytes`; returns how
 * many bytes were written, 0 also when a digit is wrong or the text is too long. */
size_t text_decode_hex(const char *text, uint8_t *out, size_t maximum_bytes);

#endif
