/* See delta_match.h.
 *
 * Both images are first written anew with their addresses blanked out (targets of calls, offsets
 * of literal loads, words that point into flash or RAM), so that code that only moved is equal.
 * Equal pieces of 8 and 24 bytes, and of 12 as
 * they are, propose distances; a shortest path over the new image, half-word
 * by half-word, chooses between staying at a distance, moving to another and inserting. */
#include "release/delta_match.h"

#include <stdlib.h>
#include <string.h>

enum {
    PIECES = 3,
    STATES = 28, /* kept at one place; the first is "inserted" */
    CHAIN = 12,  /* places that an equal piece proposes at most */
    TABLE_BITS = 18,
    COST_HIT = 1, /* in 1/16 bit */
    COST_MISS = 14 * 16,
    COST_INSERT = 11 * 16,
    COST_JUMP = 60 * 16,
    COST_EDIT = 44 * 16,
    COST_LEAVE = 12 * 16, /* from a copy to insertion */
    NEAR = 256,           /* bytes; a small change of distance is cheap */
};

struct state {
    uint32_t distance;
    uint32_t cost;
    uint32_t hits; /* of late: 64 when every half-word was equal */
    uint16_t from; /* state of the half-word before */
    bool is_copy;
};

struct layer {
    struct state *states;
    uint32_t count;
};

/* --- images without addresses */

static uint32_t halfword(const uint8_t *bytes, size_t at) {
    return bytes[at] | (uint32_t)bytes[at + 1] << 8;
}

static bool is_pointer(struct delta_image image, uint32_t word) {
    return (word - image.address < image.bytes.size_bytes && word - image.address >= 64) ||
           word >> 20 == 0x200;
}

static size_t blank_unit(struct delta_image image, uint8_t *out, size_t at) {
    const uint8_t *in = image.bytes.data;
    size_t left = image.bytes.size_bytes - at;
    uint32_t first = halfword(in, at), next = left < 4 ? 0 : halfword(in, at + 2);
    if (left >= 4 && at % 4 == 0 && is_pointer(image, first | next << 16)) {
        memset(out + at, first & 1 ? 0xf1 : 0xf0, 4);
        return 4;
    }
    if (first < 0xe800) {
        if (first >> 11 == 0x09) out[at] = 0;
        return 2;
    }
    if (left < 4) return 2;
    if (first >> 11 == 0x1e && (next & 0xd000) >= 0x9000) {
        put_u16le(out + at, 0xf000);
        put_u16le(out + at + 2, next & 0xd000);
    } else if ((first & 0xff7f) == 0xf85f) {
        put_u16le(out + at, 0xf8df);
        put_u16le(out + at + 2, next & 0xf000);
    }
    return 4;
}

static uint8_t *blanked(struct arena *arena, struct delta_image image) {
    size_t size = image.bytes.size_bytes;
    uint8_t *out = ARENA_ARRAY(arena, uint8_t, size + 32);
    if (size != 0) memcpy(out, image.bytes.data, size);
    for (size_t at = 0; at + 2 <= size;)
        at += blank_unit(image, out, at);
    return out;
}

/* --- equal pieces */

struct pieces {
    uint32_t size;
    uint32_t *first, *next; /* offsets + 1 */
};

static uint32_t piece_hash(const uint8_t *bytes, uint32_t size) {
    uint64_t hash = 0;
    for (uint32_t i = 0; i < size; i++)
        hash = (hash + bytes[i] + 1) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(hash >> (64 - TABLE_BITS));
}

static struct pieces pieces_of(struct arena *arena, const uint8_t *old, size_t size_bytes,
                               uint32_t size) {
    struct pieces pieces = {size, ARENA_ARRAY(arena, uint32_t, (size_t)1 << TABLE_BITS),
                            ARENA_ARRAY(arena, uint32_t, size_bytes + 1)};
    for (size_t at = size_bytes + 1; at-- > 0;) {
        if (size_bytes - at < size) continue;
        uint32_t hash = piece_hash(old + at, size);
        pieces.next[at] = pieces.first[hash];
        pieces.first[hash] = (uint32_t)at + 1;
    }
    return pieces;
}

/* --- the path */

struct path {
    const uint8_t *old[2], *new[2]; /* blanked, and as they are */
    uint32_t old_bytes, new_bytes;
    struct pieces pieces[PIECES];
    struct state work[STATES + PIECES * CHAIN + 4];
    uint32_t count;
};

static bool is_equal(const struct path *path, uint32_t at, uint32_t distance) {
    uint32_t old = at + distance;
    return old < path->old_bytes - 1 && path->old_bytes > 1 &&
           (memcmp(path->old[0] + old, path->new[0] + at, 2) == 0 ||
            memcmp(path->old[1] + old, path->new[1] + at, 2) == 0);
}

static void propose(struct path *path, uint32_t distance) {
    for (uint32_t i = 1; i < path->count; i++)
        if (path->work[i].distance == distance) return;
    path->work[path->count++] = (struct state){distance, UINT32_MAX, 16, 0, true};
}

static void propose_all(struct path *path, uint32_t at) {
    for (int i = 0; i < PIECES; i++) {
        const uint8_t *old = path->old[i == PIECES - 1], *new = path->new[i == PIECES - 1];
        const struct pieces *pieces = &path->pieces[i];
        if (path->new_bytes - at < pieces->size) continue;
        uint32_t place = pieces->first[piece_hash(new + at, pieces->size)];
        for (int n = 0; place != 0 && n < CHAIN; place = pieces->next[place - 1]) {
            if (memcmp(old + place - 1, new + at, pieces->size) != 0) continue;
            propose(path, place - 1 - at);
            n++;
        }
    }
}

static uint32_t change_cost(const struct state *from, const struct state *to) {
    if (!to->is_copy) return COST_LEAVE;
    if (!from->is_copy) return COST_EDIT;
    return from->distance - to->distance + NEAR < 2 * NEAR ? COST_EDIT : COST_JUMP;
}

/* Each state may be entered from any other at this place. */
static void relax(struct path *path) {
    struct state before[STATES + PIECES * CHAIN + 4];
    memcpy(before, path->work, path->count * sizeof *before);
    for (uint32_t to = 0; to < path->count; to++)
        for (uint32_t from = 0; from < path->count; from++) {
            if (from == to || before[from].cost == UINT32_MAX) continue;
            uint32_t cost = before[from].cost + change_cost(&before[from], &before[to]);
            if (cost >= path->work[to].cost) continue;
            path->work[to].cost = cost;
            path->work[to].from = before[from].from;
        }
}

/* A state that may be entered anew at its cost tells nothing but what it matched of late. */
static int by_worth(const void *a, const void *b) {
    const struct state *x = a, *y = b;
    if (x->hits != y->hits) return x->hits > y->hits ? -1 : 1;
    if (x->cost != y->cost) return x->cost < y->cost ? -1 : 1;
    return x->distance < y->distance ? -1 : x->distance > y->distance;
}

static void keep_best(struct path *path) {
    uint32_t best = path->work[0].cost, kept = 1;
    for (uint32_t i = 1; i < path->count; i++)
        if (path->work[i].cost < best) best = path->work[i].cost;
    for (uint32_t i = 1; i < path->count; i++) {
        struct state state = path->work[i];
        if (state.hits >= 8 || state.cost < best + COST_EDIT) path->work[kept++] = state;
    }
    path->count = kept;
    if (kept <= STATES) return;
    for (uint32_t i = 1; i < kept; i++)
        path->work[i].hits += path->work[i].cost < best + COST_EDIT ? 128 : 0;
    qsort(path->work + 1, kept - 1, sizeof *path->work, by_worth);
    for (uint32_t i = 1; i < kept; i++)
        path->work[i].hits &= 127;
    path->count = STATES;
}

static struct layer step(struct arena *arena, struct path *path, uint32_t at) {
    propose_all(path, at);
    relax(path);
    keep_best(path);
    struct layer layer = {ARENA_ARRAY(arena, struct state, path->count), path->count};
    memcpy(layer.states, path->work, path->count * sizeof *path->work);
    for (uint32_t i = 0; i < path->count; i++) {
        struct state *state = &path->work[i];
        state->from = (uint16_t)i;
        bool hit = state->is_copy && is_equal(path, at, state->distance);
        state->hits = state->hits * 7 / 8 + (hit ? 8 : 0);
        state->cost += !state->is_copy ? COST_INSERT : hit ? COST_HIT : COST_MISS;
    }
    return layer;
}

static struct delta_runs runs_of(struct arena *arena, const struct path *path,
                                 const struct layer *layers, uint32_t layer_count) {
    struct delta_run *runs = ARENA_ARRAY(arena, struct delta_run, layer_count + 1);
    size_t count = 0, place = layer_count + 1;
    uint32_t best = 0;
    for (uint32_t i = 1; i < path->count; i++)
        if (path->work[i].cost < path->work[best].cost) best = i;
    uint32_t from = path->work[best].from;
    for (uint32_t i = layer_count; i-- > 0;) {
        const struct state *state = &layers[i].states[from];
        if (count == 0 || runs[place].is_copy != state->is_copy ||
            (state->is_copy && runs[place].distance != state->distance)) {
            runs[--place] = (struct delta_run){2 * i, 2 * i + 2, state->distance, state->is_copy};
            count++;
        }
        runs[place].at = 2 * i;
        from = state->from;
    }
    if (count != 0 && !runs[layer_count].is_copy) runs[layer_count].end = path->new_bytes;
    return (struct delta_runs){runs + place, count};
}

struct delta_runs delta_match(struct arena *arena, struct delta_image old_image,
                              struct delta_image new_image) {
    struct path *path = ARENA_NEW(arena, struct path);
    path->old[0] = blanked(arena, old_image), path->new[0] = blanked(arena, new_image);
    path->old[1] = old_image.bytes.data, path->new[1] = new_image.bytes.data;
    path->old_bytes = (uint32_t)old_image.bytes.size_bytes;
    path->new_bytes = (uint32_t)new_image.bytes.size_bytes;
    path->pieces[0] = pieces_of(arena, path->old[0], path->old_bytes, 8);
    path->pieces[1] = pieces_of(arena, path->old[0], path->old_bytes, 24);
    path->pieces[2] = pieces_of(arena, path->old[1], path->old_bytes, 12);
    path->work[0] = (struct state){0, 0, 0, 0, false};
    path->count = 1;
    uint32_t layer_count = path->new_bytes / 2;
    struct layer *layers = ARENA_ARRAY(arena, struct layer, layer_count + 1);
    for (uint32_t i = 0; i < layer_count; i++)
        layers[i] = step(arena, path, 2 * i);
    return runs_of(arena, path, layers, layer_count);
}
