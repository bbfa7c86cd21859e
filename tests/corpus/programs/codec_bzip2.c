#include <stdio.h>
#include <stdlib.h>

#include <bzlib.h>

#include "codec.h"

const char codec_name[] = "bzip2";
const int codec_levels[] = {1, -1};

void bz_internal_error(int code);
void bz_internal_error(int code) {
    printf("bzip2: internal error %d\n", code);
    exit(3);
}

size_t codec_compress(int level, const unsigned char *in, size_t in_bytes, unsigned char *out,
                      size_t out_bytes) {
    unsigned size = (unsigned)out_bytes;
    int status = BZ2_bzBuffToBuffCompress((char *)out, &size, (char *)(size_t)in,
                                          (unsigned)in_bytes, level, 0, 30);
    return status == BZ_OK ? size : 0;
}

size_t codec_expand(const unsigned char *in, size_t in_bytes, unsigned char *out,
                    size_t out_bytes) {
    unsigned size = (unsigned)out_bytes;
    int status = BZ2_bzBuffToBuffDecompress((char *)out, &size, (char *)(size_t)in,
                                            (unsigned)in_bytes, 0, 0);
    return status == BZ_OK ? size : 0;
}
