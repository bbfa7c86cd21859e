/* What roundtrip.c wants from a compression library. */
#ifndef CORPUS_CODEC_H
#define CORPUS_CODEC_H

#include <stddef.h>

extern const char codec_name[];
extern const int codec_levels[]; /* ends with -1 */

/* Both return the number of bytes written to `out`, or 0 when the library refused. */
size_t codec_compress(int level, const unsigned char *in, size_t in_bytes, unsigned char *out,
                      size_t out_bytes);
size_t codec_expand(const unsigned char *in, size_t in_bytes, unsigned char *out, size_t out_bytes);

#endif
