/* See arena.h. */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t used_bytes;
    size_t size_bytes;
    size_t mapped_bytes; /* from mmap(), this header included; 0: from calloc() */
    unsigned char bytes[];
};

enum { FIRST_CHUNK_BYTES = 1 << 13, CHUNK_BYTES = 1 << 18, PAGE_BYTES = 1 << 21, ALIGNMENT = 16 };

/* AddressSanitizer guards the ends of what malloc() gives: its builds map nothing. */
#if defined(__SANITIZE_ADDRESS__)
enum { MAPS = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { MAPS = 0 };
#else
enum { MAPS = 1 };
#endif
#else
enum { MAPS = 1 };
#endif

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

/* Whole large pages: an image of a MiB would take some 15,000 faults in small ones, which is
 * a fifth of the time that hardening it takes. Pages that nobody writes to cost nothing. What
 * a large piece leaves of its last page may stay empty: small ones are there. */
static struct arena_chunk *map_chunk(size_t size_bytes) {
    size_t bytes = (size_bytes + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
    unsigned char *start = mmap(NULL, bytes + PAGE_BYTES, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) return NULL;
    size_t head = -(uintptr_t)start & (PAGE_BYTES - 1);
    if (head) munmap(start, head);
    munmap(start + head + bytes, PAGE_BYTES - head);
    /* A hint: the memory is there without it. */
    madvise(start + head, size_bytes & ~(size_t)(PAGE_BYTES - 1), MADV_HUGEPAGE);
    struct arena_chunk *chunk = (struct arena_chunk *)(start + head);
    chunk->mapped_bytes = bytes;
    chunk->size_bytes = bytes - sizeof *chunk;
    return chunk;
}

static size_t room_in(const struct arena_chunk *chunk) {
    return chunk ? chunk->size_bytes - chunk->used_bytes : 0;
}

/* As much as the arena holds already: most arenas of a piece of work stay small, and what is
 * handed out is cleared. */
static size_t plain_chunk_bytes(const struct arena *arena) {
    if (arena->used_bytes < FIRST_CHUNK_BYTES) return FIRST_CHUNK_BYTES;
    return arena->used_bytes < CHUNK_BYTES ? arena->used_bytes : CHUNK_BYTES;
}

/* A chunk with room for `wanted` bytes. The one with the most room stays in front. */
static struct arena_chunk *add_chunk(struct arena *arena, size_t wanted) {
    size_t maximum = arena->maximum_bytes ? arena->maximum_bytes : ARENA_DEFAULT_MAXIMUM;
    bool maps = MAPS && arena->used_bytes + wanted > PAGE_BYTES;
    size_t least = maps ? PAGE_BYTES - sizeof(struct arena_chunk) : plain_chunk_bytes(arena);
    size_t size = wanted > least ? wanted : least;
    if (arena->used_bytes > maximum || size > maximum - arena->used_bytes) give_up(wanted);
    size_t whole = sizeof(struct arena_chunk) + size;
    struct arena_chunk *chunk = maps ? map_chunk(whole) : calloc(1, whole);
    if (!chunk) give_up(wanted);
    if (!maps) chunk->size_bytes = size;
    arena->used_bytes += chunk->size_bytes;
    if (arena->chunk && room_in(arena->chunk) > chunk->size_bytes - wanted) {
        chunk->next = arena->chunk->next;
        arena->chunk->next = chunk;
    } else {
        chunk->next = arena->chunk;
        arena->chunk = chunk;
    }
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size_bytes) {
    if (size_bytes != 0 && count > SIZE_MAX / 2 / size_bytes) give_up(SIZE_MAX);
    size_t wanted = (count * size_bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    struct arena_chunk *chunk = arena->chunk;
    if (!chunk || wanted > room_in(chunk)) chunk = add_chunk(arena, wanted);
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
    assert(format); /* else GCC sees a way here on which there is none */
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
        if (chunk->mapped_bytes) {
            munmap(chunk, chunk->mapped_bytes);
        } else {
            free(chunk);
        }
        chunk = next;
    }
    arena->chunk = NULL;
    arena->used_bytes = 0;
}

void arena_join(struct arena *into, struct arena *from) {
    bool roomier = room_in(from->chunk) > room_in(into->chunk);
    struct arena_chunk *first = roomier ? from->chunk : into->chunk;
    struct arena_chunk *second = roomier ? into->chunk : from->chunk;
    into->chunk = first ? first : second;
    into->used_bytes += from->used_bytes;
    *from = (struct arena){.maximum_bytes = from->maximum_bytes};
    if (!first) return;
    while (first->next)
        first = first->next;
    first->next = second;
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
