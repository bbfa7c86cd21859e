#include <lz4.h>
#include <lz4frame.h>
#include <lz4hc.h>

#include "codec.h"

const char codec_name[] = "lz4";
const int codec_levels[] = {0, 3, 9, 12, -1};

/* Frames, so that the header, the block splitter and xxHash run too. */
size_t codec_compress(int level, const unsigned char *in, size_t in_bytes, unsigned char *out,
                      size_t out_bytes) {
    LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
    preferences.compressionLevel = level;
    preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    preferences.frameInfo.blockSizeID = LZ4F_max64KB;
    size_t size = LZ4F_compressFrame(out, out_bytes, in, in_bytes, &preferences);
    return LZ4F_isError(size) ? 0 : size;
}

size_t codec_expand(const unsigned char *in, size_t in_bytes, unsigned char *out,
                    size_t out_bytes) {
    LZ4F_dctx *context;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) return 0;
    size_t done = 0, taken = 0, hint = 1;
    while (hint != 0 && taken < in_bytes) {
        size_t produced = out_bytes - done, consumed = in_bytes - taken;
        hint = LZ4F_decompress(context, out + done, &produced, in + taken, &consumed, 0);
        if (LZ4F_isError(hint)) break;
        done += produced;
        taken += consumed;
    }
    LZ4F_freeDecompressionContext(context);
    return hint == 0 ? done : 0;
}
