/* See delta.h.
 *
 * The runs that delta_match finds become a plan: segments of the map, which every address goes
 * through, and edits within a segment, which only the bytes at hand go through. Which runs are
 * worth a segment is tried out: the smallest patch that decodes to the new image wins. */
#include "release/delta.h"

#include <assert.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "format/patch_stream.h"
#include "release/delta_match.h"

enum { RAM_LIMIT = 64, NUMBER_LIMIT = 2 << 14 };

struct segment {
    uint32_t at, old, size;
    bool is_mapped;
};

/* At new offset `at`, `inserted` bytes come, then `skipped` old ones are left out. */
struct edit {
    uint32_t at, inserted, skipped;
};

struct plan {
    struct segment *segments;
    struct edit *edits;
    struct pm_patch_ram *ram;
    uint32_t segment_count, edit_count, ram_count, primes, contexts, code_end;
};

/* --- range coder: the encoder's half, with carry, and a decoder to look at the result */

struct encoder {
    struct pm_patch_stream stream;
    const struct plan *plan;
    struct delta_image old_image, new_image;
    uint64_t low;
    uint32_t range, pending, edit, next_map;
    struct edit now; /* the edit that is being told */
    uint32_t skip_at, skip_bytes;
    uint8_t held;
    bool has_held;
    struct buffer body;
};

static void shift_low(struct encoder *encoder) {
    if (encoder->low < 0xff000000u || encoder->low >> 32 != 0) {
        uint8_t carry = (uint8_t)(encoder->low >> 32), byte = (uint8_t)(encoder->held + carry);
        if (encoder->has_held) buffer_append(&encoder->body, &byte, 1);
        for (byte = (uint8_t)(0xff + carry); encoder->pending != 0; encoder->pending--)
            buffer_append(&encoder->body, &byte, 1);
        encoder->held = (uint8_t)(encoder->low >> 24);
        encoder->has_held = true;
    } else {
        encoder->pending++;
    }
    encoder->low = (encoder->low & 0x00ffffff) << 8;
}

static uint32_t encode_bit(struct pm_patch_stream *stream, uint32_t probability, uint32_t actual) {
    struct encoder *encoder = stream->context;
    uint32_t bound = (encoder->range >> 16) * probability;
    if (actual) {
        encoder->range = bound;
    } else {
        encoder->low += bound;
        encoder->range -= bound;
    }
    while (encoder->range < 1u << 24) {
        encoder->range <<= 8;
        shift_low(encoder);
    }
    return actual;
}

/* The shortest end that decodes: zeros behind it are left away, but for the first four bytes. */
static void finish_bits(struct encoder *encoder) {
    for (uint32_t zeros = 24; zeros != 0; zeros -= 8) {
        uint64_t round = ((uint64_t)1 << zeros) - 1, end = (encoder->low + round) & ~round;
        if (end - encoder->low >= encoder->range) continue;
        encoder->low = end;
        break;
    }
    for (int i = 0; i < 5; i++)
        shift_low(encoder);
    struct buffer *body = &encoder->body;
    while (body->size_bytes > 4 && body->data[body->size_bytes - 1] == 0)
        body->size_bytes--;
}

/* --- what the stream asks */

static uint32_t new_value(const struct encoder *encoder, uint32_t at) {
    uint8_t bytes[4] = {0};
    size_t left = encoder->new_image.bytes.size_bytes - at;
    memcpy(bytes, encoder->new_image.bytes.data + at, left < 4 ? left : 4);
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static uint32_t next_change(const struct encoder *encoder) {
    if (encoder->skip_bytes != 0) return encoder->skip_at;
    if (encoder->edit < encoder->plan->edit_count) return encoder->plan->edits[encoder->edit].at;
    return UINT32_MAX;
}

/* All units that begin before chunk_end are as predicted, and no edit is in them. */
static uint32_t is_exact(struct encoder *encoder) {
    struct pm_patch_stream ahead = encoder->stream, *s = &ahead;
    uint32_t at = s->at;
    while (at < s->chunk_end) {
        struct pm_patch_unit unit;
        pm_patch_predict(s, at, s->distance, s->segment_end, s->second, &unit);
        uint32_t actual = new_value(encoder, at);
        if (unit.size < 4) actual &= unit.size == 1 ? 0xff : 0xffff;
        if (actual != unit.predicted || next_change(encoder) < at + unit.size) return 0;
        pm_patch_note(s, &unit, at + s->distance);
        at += unit.size;
    }
    return 1;
}

/* An edit that is due within the unit comes in front of it. */
static uint32_t edit_here(struct encoder *encoder) {
    const struct pm_patch_stream *s = &encoder->stream;
    if (next_change(encoder) >= s->at + s->unit.size) return 0;
    if (encoder->skip_bytes != 0) {
        encoder->now = (struct edit){s->at, 0, encoder->skip_bytes};
        encoder->skip_bytes = 0;
        return 2;
    }
    struct edit edit = encoder->plan->edits[encoder->edit++];
    uint32_t early = edit.at - s->at;
    if (edit.inserted + edit.skipped == 0) return 0;
    if (edit.inserted != 0) {
        edit.inserted += early, edit.skipped += early;
        encoder->skip_at = s->at + edit.inserted;
        encoder->skip_bytes = edit.skipped;
        encoder->now = edit;
        return 1;
    }
    if (early != 0) { /* bytes in front are inserted, too */
        encoder->now = (struct edit){s->at, early, edit.skipped + early};
        encoder->skip_at = s->at + early;
        encoder->skip_bytes = edit.skipped + early;
        return 1;
    }
    encoder->now = edit;
    return 2;
}

static uint32_t ask(struct pm_patch_stream *s, enum pm_patch_question question) {
    struct encoder *encoder = s->context;
    const struct plan *plan = encoder->plan;
    const struct segment *segment = &plan->segments[s->segments_read];
    const struct pm_patch_ram *ram = &plan->ram[s->ram_read];
    switch (question) {
    case PM_PATCH_ASK_GAP:
        return segment->at - s->at;
    case PM_PATCH_ASK_SIZE:
        return segment->size;
    case PM_PATCH_ASK_MOVE:
        return segment->old - segment->at - s->distance;
    case PM_PATCH_ASK_MAPPED:
        return segment->is_mapped;
    case PM_PATCH_ASK_RAM_ADDRESS:
        return ram->address - (s->ram_read ? ram[-1].address : 0);
    case PM_PATCH_ASK_RAM_DELTA:
        return ram->delta;
    case PM_PATCH_ASK_EXACT:
        return is_exact(encoder);
    case PM_PATCH_ASK_VALUE:
        return new_value(encoder, s->at);
    case PM_PATCH_ASK_EDIT:
        return edit_here(encoder);
    default:
        return encoder->now.inserted ? encoder->now.inserted : encoder->now.skipped;
    }
}

static bool read_old(struct pm_patch_stream *stream, uint32_t offset, void *out, uint32_t size) {
    const struct encoder *encoder = stream->context;
    memcpy(out, encoder->old_image.bytes.data + offset, size);
    return true;
}

/* --- one try */

static struct pm_patch_front front_of(const struct plan *plan) {
    return (struct pm_patch_front){.segments = plan->segment_count,
                                   .ram = plan->ram_count,
                                   .primes = plan->primes,
                                   .contexts = plan->contexts,
                                   .code_end = plan->code_end};
}

static struct pm_patch_header header_of(const struct encoder *encoder) {
    return (struct pm_patch_header){
        .old_address = encoder->old_image.address,
        .old_bytes = (uint32_t)encoder->old_image.bytes.size_bytes,
        .new_address = encoder->new_image.address,
        .new_bytes = (uint32_t)encoder->new_image.bytes.size_bytes,
    };
}

/* Runs the stream; false when it comes out as anything but the new image. */
static bool run_stream(struct encoder *encoder, const struct plan *plan,
                       uint32_t (*bit)(struct pm_patch_stream *, uint32_t, uint32_t),
                       uint32_t (*answer)(struct pm_patch_stream *, enum pm_patch_question)) {
    struct pm_patch_front front = front_of(plan);
    struct pm_patch_header header = header_of(encoder);
    struct pm_patch_stream *s = &encoder->stream;
    uint8_t *memory = malloc(pm_patch_tables_bytes(&front));
    if (!memory) return false;
    pm_patch_stream_start(s, &header, &front, memory);
    s->context = encoder, s->bit = bit, s->ask = answer, s->read_old = read_old;
    uint32_t taken = 0;
    bool same = true;
    while (same && !pm_patch_stream_is_done(s)) {
        same = pm_patch_stream_step(s) &&
               (s->piece_bytes == 0 ||
                memcmp(s->piece, encoder->new_image.bytes.data + taken, s->piece_bytes) == 0);
        taken += s->piece_bytes;
        s->piece_bytes = 0;
    }
    free(memory);
    return same && taken == header.new_bytes;
}

static bool encode(struct encoder *encoder, const struct plan *plan) {
    encoder->plan = plan;
    encoder->low = 0, encoder->range = UINT32_MAX, encoder->pending = 0, encoder->edit = 0;
    encoder->has_held = false, encoder->skip_bytes = 0;
    buffer_init(&encoder->body, (size_t)64 << 20);
    bool done = run_stream(encoder, plan, encode_bit, ask);
    finish_bits(encoder);
    return done && !encoder->body.failed;
}

/* Decoding again, from the bytes alone. */
struct replay {
    struct encoder encoder;
    uint64_t at;
    uint32_t range, code;
};

static uint32_t replay_byte(struct replay *replay) {
    const struct buffer *body = &replay->encoder.body;
    return replay->at < body->size_bytes ? body->data[replay->at++] : 0;
}

static uint32_t replay_bit(struct pm_patch_stream *stream, uint32_t probability, uint32_t actual) {
    (void)actual;
    struct replay *replay = stream->context;
    uint32_t bound = (replay->range >> 16) * probability, bit = replay->code < bound;
    replay->code -= bit ? 0 : bound;
    replay->range = bit ? bound : replay->range - bound;
    while (replay->range < 1u << 24) {
        replay->range <<= 8;
        replay->code = replay->code << 8 | replay_byte(replay);
    }
    return bit;
}

static bool decodes(const struct encoder *encoder, const struct plan *plan) {
    struct replay replay = {.encoder = *encoder, .range = UINT32_MAX};
    for (int i = 0; i < 4; i++)
        replay.code = replay.code << 8 | replay_byte(&replay);
    return run_stream(&replay.encoder, plan, replay_bit, NULL);
}

/* --- the plan */

struct choice {
    uint32_t edit_below; /* runs shorter than this become edits where they can */
    uint32_t drop_below; /* and those that cannot are inserted when shorter than this */
    uint32_t segment_limit;
};

static void add_segment(struct plan *plan, const struct delta_run *run) {
    plan->segments[plan->segment_count++] =
        (struct segment){run->at, run->at + run->distance, run->end - run->at, true};
}

/* Continue the segment over an edit, when bytes inserted and skipped lead there. */
static bool add_edit(struct plan *plan, const struct delta_run *last, const struct delta_run *run) {
    struct segment *segment = &plan->segments[plan->segment_count - 1];
    uint32_t inserted = run->at - last->end, skipped = run->distance - last->distance + inserted;
    if (inserted >= NUMBER_LIMIT) return false;
    if (run->end - segment->at > PM_PATCH_SEGMENT_LIMIT) return false;
    segment->size = run->end - segment->at;
    plan->edits[plan->edit_count++] = (struct edit){last->end, inserted, skipped};
    return true;
}

/* A copy of what a larger segment holds as well is none that addresses go through. */
static void choose_mapped(struct plan *plan) {
    for (uint32_t i = 0; i < plan->segment_count; i++) {
        struct segment *one = &plan->segments[i];
        one->is_mapped = true;
        for (uint32_t j = 0; j < plan->segment_count && one->is_mapped; j++) {
            const struct segment *other = &plan->segments[j];
            uint32_t middle = one->old + one->size / 2;
            if (other->size > one->size && middle - other->old < other->size)
                one->is_mapped = false;
        }
    }
}

static bool plan_runs(struct plan *plan, const struct delta_runs *runs, struct choice choice,
                      uint32_t old_bytes) {
    const struct delta_run *last = NULL;
    plan->segment_count = plan->edit_count = 0;
    for (size_t i = 0; i < runs->count; i++) {
        struct delta_run run = runs->items[i];
        if (!run.is_copy) continue;
        uint32_t size = run.end - run.at;
        if (last && size < choice.edit_below && add_edit(plan, last, &run)) {
            last = &runs->items[i];
            continue;
        }
        if (size < choice.drop_below || run.at + run.distance >= old_bytes) continue;
        for (; run.end - run.at > PM_PATCH_SEGMENT_LIMIT; run.at += 1 << 19) {
            struct delta_run part = run;
            part.end = part.at + (1 << 19);
            add_segment(plan, &part);
        }
        add_segment(plan, &run);
        last = &runs->items[i];
        if (plan->segment_count > choice.segment_limit) return false;
    }
    choose_mapped(plan);
    return true;
}

/* --- RAM: words of old copies that look like addresses, and what became of them */

struct moved {
    uint32_t from, delta, votes;
};

static int by_address(const void *a, const void *b) {
    const struct moved *x = a, *y = b;
    if (x->from != y->from) return x->from < y->from ? -1 : 1;
    return x->delta < y->delta ? -1 : x->delta > y->delta;
}

static bool looks_like_ram(uint32_t word) {
    return word >> 20 == 0x200;
}

static size_t moved_words(struct moved *out, const struct delta_runs *runs,
                          struct delta_image old_image, struct delta_image new_image) {
    size_t count = 0;
    for (size_t i = 0; i < runs->count; i++) {
        const struct delta_run *run = &runs->items[i];
        if (!run->is_copy || (run->distance & 3)) continue;
        for (uint32_t at = (run->at + 3) & ~3u; run->end - run->at >= 4 && at <= run->end - 4;
             at += 4) {
            uint32_t from, to;
            if (!span_u32le(old_image.bytes, at + run->distance, &from) ||
                !span_u32le(new_image.bytes, at, &to))
                continue;
            if (looks_like_ram(from) && looks_like_ram(to))
                out[count++] = (struct moved){from, to - from, 1};
        }
    }
    qsort(out, count, sizeof *out, by_address);
    return count;
}

/* One entry for each address: the move with the most votes. */
static size_t by_majority(struct moved *moved, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count;) {
        struct moved best = {0};
        size_t j = i;
        while (j < count && moved[j].from == moved[i].from) {
            struct moved one = moved[j];
            one.votes = 0;
            for (; j < count && moved[j].from == one.from && moved[j].delta == one.delta; j++)
                one.votes++;
            if (one.votes > best.votes) best = one;
        }
        moved[kept++] = best;
        i = j;
    }
    return kept;
}

static void plan_ram(struct plan *plan, struct moved *moved, size_t count, uint32_t limit) {
    plan->ram_count = 0;
    count = by_majority(moved, count);
    size_t first = 0, end = count;
    while (first < end && moved[first].delta == 0)
        first++;
    while (end > first && moved[end - 1].delta == 0)
        end--;
    uint32_t delta = 0;
    for (size_t i = first; i < end && plan->ram_count + 2 < limit; i++) {
        if (plan->ram_count != 0 && moved[i].delta == delta) continue;
        bool lonely = i + 1 < end && moved[i + 1].delta != moved[i].delta && moved[i].votes < 3;
        if (lonely) continue;
        delta = moved[i].delta;
        plan->ram[plan->ram_count++] = (struct pm_patch_ram){moved[i].from, delta};
    }
    if (plan->ram_count != 0)
        plan->ram[plan->ram_count++] = (struct pm_patch_ram){moved[end - 1].from + 1, delta};
}

/* --- code and constants */

/* Calls lead into the image; where words only look like calls they hardly ever do. The last call
 * with some others in the 4 KiB before it, and the pool behind it, end the code. */
static uint32_t find_code_end(struct delta_image image) {
    enum { OTHERS = 8, REACH = 4096, POOL = 256 };
    size_t size = image.bytes.size_bytes, recent[OTHERS] = {0}, count = 0, end = 0;
    for (size_t at = 0; at + 4 <= size; at += 2) {
        const uint8_t *bytes = image.bytes.data + at;
        uint32_t first = bytes[0] | (uint32_t)bytes[1] << 8,
                 next = bytes[2] | (uint32_t)bytes[3] << 8;
        if (first >> 11 != 0x1e || (next & 0xf800) != 0xf800) continue;
        uint32_t offset = (first & 0x3ff) << 12 | (next & 0x7ff) << 1;
        if (first & 0x400) offset |= 0xffc00000;
        if (at + 4 + (size_t)(int32_t)offset >= size) continue;
        if (count >= OTHERS && at - recent[count % OTHERS] < REACH) end = at;
        recent[count++ % OTHERS] = at;
    }
    if (end == 0) return (uint32_t)size & ~1u;
    return (uint32_t)(end + POOL < size ? end + POOL : size) & ~1u;
}

/* --- trying */

struct trial {
    struct encoder *encoder;
    struct plan plan, best_plan;
    struct buffer best;
    uint32_t memory_bytes;
};

static void try_plan(struct trial *trial) {
    struct plan *plan = &trial->plan;
    struct pm_patch_front front = front_of(plan);
    front.contexts = 255 * PM_PATCH_CONTEXTS_UNIT;
    while (front.contexts > PM_PATCH_CONTEXTS_UNIT &&
           PM_PATCH_STATE_BYTES + pm_patch_tables_bytes(&front) > trial->memory_bytes)
        front.contexts -= PM_PATCH_CONTEXTS_UNIT;
    if (PM_PATCH_STATE_BYTES + pm_patch_tables_bytes(&front) > trial->memory_bytes) return;
    plan->contexts = front.contexts;
    bool done = encode(trial->encoder, plan) && decodes(trial->encoder, plan);
    struct buffer *body = &trial->encoder->body;
    assert(done);
    if (trial->best.data == NULL || body->size_bytes < trial->best.size_bytes) {
        buffer_free(&trial->best);
        trial->best = *body;
        trial->best_plan = *plan;
    } else {
        buffer_free(body);
    }
}

static void write_patch(const struct trial *trial, struct buffer *out) {
    struct pm_patch_front front = front_of(&trial->best_plan);
    struct pm_patch_header header = header_of(trial->encoder);
    header.memory_bytes = PM_PATCH_STATE_BYTES + pm_patch_tables_bytes(&front);
    front.body_bytes = (uint32_t)trial->best.size_bytes;
    SHA256(trial->encoder->old_image.bytes.data, header.old_bytes, header.old_sha256);
    uint8_t head[PM_PATCH_HEADER_BYTES + PM_PATCH_FRONT_BYTES];
    pm_patch_header_write(&header, head);
    pm_patch_front_write(&front, head + PM_PATCH_HEADER_BYTES);
    buffer_append(out, head, sizeof head);
    buffer_append(out, trial->best.data, trial->best.size_bytes);
}

static struct choice choice_of(uint32_t size, uint32_t limit) {
    return (struct choice){size, size < 24 ? 0 : size < 96 ? size : 96, limit};
}

static void search(struct trial *trial, const struct delta_runs *runs, uint32_t old_bytes) {
    static const uint32_t sizes[] = {0, 24, 48, 96, 192, 384, 1024, 4096};
    struct choice best = choice_of(0, (trial->memory_bytes - PM_PATCH_STATE_BYTES) / 8);
    size_t best_size = SIZE_MAX;
    for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct choice choice = choice_of(sizes[i], best.segment_limit);
        if (!plan_runs(&trial->plan, runs, choice, old_bytes)) continue;
        try_plan(trial);
        if (trial->best.data && trial->best.size_bytes < best_size)
            best = choice, best_size = trial->best.size_bytes;
    }
    /* little memory: fewer and fewer copies that are not told as edits */
    while (!trial->best.data && best.drop_below <= old_bytes) {
        best.edit_below = 1 << 20;
        best.drop_below = best.drop_below < 96 ? 96 : best.drop_below * 2;
        if (plan_runs(&trial->plan, runs, best, old_bytes)) try_plan(trial);
    }
    if (!plan_runs(&trial->plan, runs, best, old_bytes)) return;
    for (uint32_t primes = 15; primes <= 255 && primes <= trial->plan.code_end / 256;
         primes = primes * 4 + 3) {
        trial->plan.primes = primes;
        try_plan(trial);
    }
}

enum status delta_encode(struct delta_image old_image, struct delta_image new_image,
                         uint32_t memory_bytes, struct buffer *out, struct error *error) {
    if (old_image.bytes.size_bytes > PM_PATCH_IMAGE_LIMIT ||
        new_image.bytes.size_bytes > PM_PATCH_IMAGE_LIMIT)
        return error_input(error, "a patch is between images of at most %d bytes",
                           PM_PATCH_IMAGE_LIMIT);
    if (memory_bytes < DELTA_MEMORY_SMALL)
        return error_input(error, "a decoder has at least %d bytes of memory", DELTA_MEMORY_SMALL);
    struct arena arena = {0};
    struct delta_runs runs = delta_match(&arena, old_image, new_image);
    struct encoder *encoder = ARENA_NEW(&arena, struct encoder);
    encoder->old_image = old_image, encoder->new_image = new_image;
    struct trial trial = {.encoder = encoder, .memory_bytes = memory_bytes};
    trial.plan.segments = ARENA_ARRAY(&arena, struct segment, runs.count + 64);
    trial.plan.edits = ARENA_ARRAY(&arena, struct edit, runs.count + 1);
    trial.plan.ram = ARENA_ARRAY(&arena, struct pm_patch_ram, RAM_LIMIT + 1);
    struct moved *moved = ARENA_ARRAY(&arena, struct moved, new_image.bytes.size_bytes / 4 + 1);
    trial.plan.code_end = find_code_end(old_image);
    size_t moved_count = moved_words(moved, &runs, old_image, new_image);
    plan_ram(&trial.plan, moved, moved_count, memory_bytes < 4096 ? 8 : RAM_LIMIT);
    search(&trial, &runs, (uint32_t)old_image.bytes.size_bytes);
    if (trial.best.data) write_patch(&trial, out);
    bool made = trial.best.data != NULL && !out->failed;
    buffer_free(&trial.best);
    arena_free(&arena);
    return made ? STATUS_OK : error_environment(error, "no memory for the patch");
}
