/* See words.h. */
#include "registry/words.h"

#include <string.h>

#include "base/buffer.h"

static const char *const english[] = {
#define WORD(name, text) [WORD_##name] = text,
    WORDS(WORD)
#undef WORD
};

const char *word(enum word word) {
    return english[word];
}

const char *word_fill(struct arena *arena, enum word word, const char *const values[4]) {
    struct buffer text;
    buffer_init(&text, 4 << 20);
    for (const char *c = english[word]; *c; c++) {
        if (c[0] == '{' && c[1] >= '0' && c[1] <= '3' && c[2] == '}') {
            const char *value = values[c[1] - '0'];
            if (value) buffer_text(&text, value);
            c += 2;
        } else {
            buffer_append(&text, c, 1);
        }
    }
    const char *out =
        text.failed ? english[word] : arena_string(arena, (const char *)text.data, text.size_bytes);
    buffer_free(&text);
    return out;
}
