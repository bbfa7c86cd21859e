/* Arena: memory for one image or one pass, freed whole.
 *
 * Allocation never returns NULL: when memory ends or the arena's maximum is passed,
 * the arena calls the `exhausted` handler, which must not return (the CLI prints one
 * sentence and exits; a fuzz harness gives up the input). Every size that comes from
 * input is checked against the input's own length before it is asked for, so reaching
 * the maximum means the input is larger than the tool is built for.
 *
 * Memory handed out is zeroed, aligned to 16 bytes and borrowed: it lives until
 * arena_free(). */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunk; /* the first is the one with room */
    size_t used_bytes;         /* of all chunks */
    size_t maximum_bytes;      /* 0: ARENA_DEFAULT_MAXIMUM */
};

#define ARENA_DEFAULT_MAXIMUM ((size_t)2 << 30)

typedef void (*arena_exhausted_function)(size_t wanted_bytes);

/* Process-wide; the default writes one sentence to stderr and aborts. */
void arena_set_exhausted(arena_exhausted_function function);

void *arena_alloc(struct arena *arena, size_t count, size_t size_bytes);
char *arena_string(struct arena *arena, const char *text, size_t length_bytes);
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *arena);
/* What `from` handed out lives as long as `into` from here on; `from` is empty. */
void arena_join(struct arena *into, struct arena *from);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc((arena), (count), sizeof(type)))

/* Grow an array that lives in the arena: `items` must hold `count` elements and
 * `capacity` slots; returns an array with room for at least one more. The old array
 * stays in the arena until it is freed whole. */
void *arena_grow(struct arena *arena, void *items, size_t count, size_t *capacity,
                 size_t size_bytes);

#endif
