/* See arena.h. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t used_bytes;
    size_t size_bytes;
    size_t padding; /* keeps `bytes` aligned to 16 */
    unsigned char bytes[];
};

enum { CHUNK_BYTES = 1 << 18, ALIGNMENT = 16 };

static void exhausted_default(size_t wanted_bytes) {
    fprintf(stderr, "proofmark: out of memory (%zu bytes wanted)\n", wanted_bytes);
    abort();
}

static arena_exhausted_function exhausted = exhausted_default;

void arena_set_exhausted(arena_exhausted_function function) {
    exhausted = function ? function : exhausted_default;
}

static void give_up(size_t wanted_bytes) {
    exhausted(wanted_bytes);
    abort();
}

void *arena_alloc(struct arena *arena, size_t count, size_t size_bytes) {
    if (size_bytes != 0 && count > SIZE_MAX / 2 / size_bytes) give_up(SIZE_MAX);
    size_t wanted = (count * size_bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    struct arena_chunk *chunk = arena->chunk;
    if (!chunk || wanted > chunk->size_bytes - chunk->used_bytes) {
        size_t maximum = arena->maximum_bytes ? arena->maximum_bytes : ARENA_DEFAULT_MAXIMUM;
        size_t size = wanted > CHUNK_BYTES ? wanted : CHUNK_BYTES;
        if (arena->used_bytes > maximum || size > maximum - arena->used_bytes) give_up(wanted);
        chunk = calloc(1, sizeof *chunk + size);
        if (!chunk) give_up(wanted);
        chunk->size_bytes = size;
        arena->used_bytes += size;
        if (arena->chunk && wanted > CHUNK_BYTES / 4) {
            /* A large block gets a chunk of its own; the open one stays in front. */
            chunk->next = arena->chunk->next;
            arena->chunk->next = chunk;
        } else {
            chunk->next = arena->chunk;
            arena->chunk = chunk;
        }
    }
    void *result = chunk->bytes + chunk->used_bytes;
    chunk->used_bytes += wanted;
    return result;
}

char *arena_string(struct arena *arena, const char *text, size_t length_bytes) {
    char *copy = arena_alloc(arena, length_bytes + 1, 1);
    if (length_bytes) memcpy(copy, text, length_bytes);
    return copy;
}

char *arena_format(struct arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) give_up(0);
    char *text = arena_alloc(arena, (size_t)length + 1, 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

void arena_free(struct arena *arena) {
    for (struct arena_chunk *chunk = arena->chunk; chunk;) {
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    arena->chunk = NULL;
    arena->used_bytes = 0;
}

void *arena_grow(struct arena *arena, void *items, size_t count, size_t *capacity,
                 size_t size_bytes) {
    if (count < *capacity) return items;
    size_t wanted = *capacity ? *capacity * 2 : 16;
    void *grown = arena_alloc(arena, wanted, size_bytes);
    if (count) memcpy(grown, items, count * size_bytes);
    *capacity = wanted;
    return grown;
}
