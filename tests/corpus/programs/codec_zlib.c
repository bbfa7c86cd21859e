#include <zlib.h>

#include "codec.h"

const char codec_name[] = "zlib";
const int codec_levels[] = {1, 6, 9, -1};

size_t codec_compress(int level, const unsigned char *in, size_t in_bytes, unsigned char *out,
                      size_t out_bytes) {
    uLongf size = out_bytes;
    return compress2(out, &size, in, in_bytes, level) == Z_OK ? size : 0;
}

size_t codec_expand(const unsigned char *in, size_t in_bytes, unsigned char *out,
                    size_t out_bytes) {
    uLongf size = out_bytes;
    return uncompress(out, &size, in, in_bytes) == Z_OK ? size : 0;
}
