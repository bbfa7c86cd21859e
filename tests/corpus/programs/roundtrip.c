/* Compress and expand several inputs at every level of one library; print sizes and
 * checksums. Damaged streams must not be taken for good ones by accident of a rewrite, so
 * each stream is expanded once more with one byte changed, and what comes out is printed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

extern const unsigned char text_start[], text_end[];

enum { INPUT_BYTES = 48 * 1024, OUTPUT_BYTES = 2 * INPUT_BYTES };

static unsigned char input[INPUT_BYTES], packed[OUTPUT_BYTES], unpacked[OUTPUT_BYTES];

static uint32_t random_state;

static uint32_t random_next(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static uint32_t checksum(const unsigned char *data, size_t size) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ data[i]) * 16777619u;
    return hash;
}

static size_t fill_text(void) {
    size_t size = (size_t)(text_end - text_start);
    if (size > INPUT_BYTES) size = INPUT_BYTES;
    memcpy(input, text_start, size);
    return size;
}

static size_t fill_noise(void) {
    for (size_t i = 0; i < 8192; i++)
        input[i] = (unsigned char)random_next();
    return 8192;
}

static size_t fill_runs(void) {
    size_t size = 0;
    while (size < INPUT_BYTES) {
        size_t run = 1 + random_next() % 300;
        unsigned char value = (unsigned char)random_next();
        while (run-- > 0 && size < INPUT_BYTES)
            input[size++] = value;
    }
    return size;
}

static size_t fill_words(void) {
    static const char *const words[] = {"sensor ", "valve ", "open ",  "closed ", "at ",
                                        "42 ",     "21.5 ",  "error ", "\n",      "ok "};
    size_t size = 0;
    for (;;) {
        const char *word = words[random_next() % (sizeof words / sizeof words[0])];
        size_t length = strlen(word);
        if (size + length > INPUT_BYTES / 2) return size;
        memcpy(input + size, word, length);
        size += length;
    }
}

static size_t fill_nothing(void) {
    return 0;
}

static const struct {
    const char *name;
    size_t (*fill)(void);
} inputs[] = {{"text", fill_text},
              {"noise", fill_noise},
              {"runs", fill_runs},
              {"words", fill_words},
              {"nothing", fill_nothing}};

static int roundtrip(const char *name, size_t size, int level) {
    size_t packed_size = codec_compress(level, input, size, packed, sizeof packed);
    size_t back = codec_expand(packed, packed_size, unpacked, sizeof unpacked);
    int good = packed_size > 0 && back == size && memcmp(input, unpacked, size) == 0;
    printf("%s %s level %d: %u -> %u, %08x, %s\n", codec_name, name, level, (unsigned)size,
           (unsigned)packed_size, (unsigned)checksum(packed, packed_size),
           good ? "same" : "DIFFERENT");
    if (packed_size > 20) {
        packed[packed_size / 2] ^= 0x10;
        back = codec_expand(packed, packed_size, unpacked, sizeof unpacked);
        printf("  damaged: %u\n", (unsigned)back);
    }
    return good;
}

int main(void) {
    int failures = 0;
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        random_state = 2463534242u;
        size_t size = inputs[i].fill();
        for (const int *level = codec_levels; *level >= 0; level++)
            failures += !roundtrip(inputs[i].name, size, *level);
    }
    printf("%s: %d failures\n", codec_name, failures);
    return failures ? 1 : 0;
}
