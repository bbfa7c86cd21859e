/* A patch, fed in any pieces and stopped anywhere, gives the new image; one that was changed or cut
 * gives an error or other bytes, and never reads or writes outside its images.
 *
 * Images are drawn from a printed seed: code with calls, literal pools, pointers, text; the new
 * one has parts moved, inserted, left out and changed, and may run elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/patch_stream.h"
#include "pm/patch.h"
#include "release/delta.h"
#include "tests/thumb/random.h"

enum { IMAGE = 24 * 1024 };

static uint64_t state;

static uint32_t draw(uint32_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

struct target {
    struct span old;
    uint8_t *bytes;
    uint32_t size_bytes, limit, stop_every;
};

static bool read_old(void *context, uint32_t offset, void *out, uint32_t size_bytes) {
    const struct target *target = context;
    struct span part;
    assert_true(span_sub(target->old, offset, size_bytes, &part));
    memcpy(out, part.data, size_bytes);
    return true;
}

static bool write_new(void *context, const void *data, uint32_t size_bytes) {
    struct target *target = context;
    assert_true(size_bytes <= target->limit - target->size_bytes);
    memcpy(target->bytes + target->size_bytes, data, size_bytes);
    target->size_bytes += size_bytes;
    return target->stop_every == 0 || target->size_bytes % target->stop_every != 0;
}

/* --- images */

static void append_word(struct buffer *image, uint32_t word) {
    uint8_t bytes[4];
    put_u32le(bytes, word);
    buffer_append(image, bytes, 4);
}

static void append_call(struct buffer *image, uint32_t target) {
    uint32_t offset = target - ((uint32_t)image->size_bytes + 4);
    append_word(image, 0xf000 | (offset >> 12 & 0x3ff) | (offset >> 31) << 10 |
                           (0xf800 | (offset >> 1 & 0x7ff)) << 16);
}

struct part {
    uint32_t seed, size_bytes;
    uint32_t start; /* where it came to lie */
};

/* A function: calls of others, a pool of pointers. Where the others are decides its bytes. */
static void append_part(struct buffer *image, const struct part *parts, uint32_t count,
                        const struct part *part, uint32_t address) {
    uint64_t kept = state;
    state = part->seed;
    for (uint32_t i = 0; i + 4 <= part->size_bytes; i += 4) {
        const struct part *other = &parts[draw(count)];
        uint32_t what = draw(8);
        if (what == 0) append_call(image, other->start);
        else if (what == 1) append_word(image, address + other->start + 1);
        else if (what == 2) append_word(image, 0x20000000 + draw(64) * 4 + count * 8);
        else append_word(image, 0x46004600 + draw(200) * 0x10003);
    }
    state = kept;
}

static void build(struct buffer *image, struct part *parts, uint32_t count, uint32_t address) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        parts[i].start = at;
        at += parts[i].size_bytes;
    }
    buffer_init(image, 1 << 20);
    for (uint32_t i = 0; i < count; i++)
        append_part(image, parts, count, &parts[i], address);
}

static uint32_t draw_parts(struct part *parts) {
    uint32_t count = 4 + draw(40);
    for (uint32_t i = 0; i < count; i++)
        parts[i] = (struct part){draw(1 << 30), 16 + 4 * draw(120), 0};
    return count;
}

static uint32_t change_parts(struct part *parts, uint32_t count) {
    for (uint32_t changes = draw(4); changes != 0; changes--) {
        uint32_t place = draw(count);
        switch (draw(3)) {
        case 0:
            parts[place].size_bytes += 4 * draw(10);
            break;
        case 1:
            parts[place].seed++;
            break;
        default:
            parts[count++] = (struct part){draw(1 << 30), 64, 0};
        }
    }
    return count;
}

/* --- decoding */

static enum pm_patch_status decode(const struct buffer *patch, struct target *target,
                                   uint32_t most_at_once) {
    struct pm_patch_header header;
    struct pm_patch_io io = {target, read_old, write_new};
    assert_true(pm_patch_header_read(patch->data, &header));
    uint8_t *memory = malloc(header.memory_bytes), *other = malloc(header.memory_bytes);
    struct pm_patch *decoder = pm_patch_start(memory, header.memory_bytes, &header, &io);
    assert_non_null(decoder);
    enum pm_patch_status status = PM_PATCH_MORE;
    size_t at = PM_PATCH_HEADER_BYTES;
    while (status == PM_PATCH_MORE && at < patch->size_bytes) {
        uint32_t size = 1 + draw(most_at_once);
        if (size > patch->size_bytes - at) size = (uint32_t)(patch->size_bytes - at);
        status = pm_patch_feed(decoder, patch->data + at, size);
        at = PM_PATCH_HEADER_BYTES + pm_patch_taken(decoder);
        while (status == PM_PATCH_STOPPED) { /* a power cut: the state goes on in other memory */
            memcpy(other, memory, header.memory_bytes);
            memset(memory, 0xa5, header.memory_bytes);
            uint8_t *swap = memory;
            memory = other, other = swap;
            decoder = pm_patch_resume(memory, &io);
            status = pm_patch_feed(decoder, patch->data, 0);
            at = PM_PATCH_HEADER_BYTES + pm_patch_taken(decoder);
        }
    }
    free(memory);
    free(other);
    return status;
}

static struct buffer encoded(const struct buffer *before, uint32_t old_address,
                             const struct buffer *after, uint32_t new_address, uint32_t memory) {
    struct buffer patch;
    struct error error;
    buffer_init(&patch, 1 << 20);
    enum status status =
        delta_encode((struct delta_image){buffer_span(before), old_address},
                     (struct delta_image){buffer_span(after), new_address}, memory, &patch, &error);
    assert_int_equal(status, STATUS_OK);
    return patch;
}

static void expect_same(const struct buffer *before, const struct buffer *after,
                        const struct buffer *patch, uint32_t stop_every, uint32_t pieces) {
    struct target target = {buffer_span(before), malloc(after->size_bytes + 1), 0,
                            (uint32_t)after->size_bytes, stop_every};
    assert_int_equal(decode(patch, &target, pieces), PM_PATCH_DONE);
    assert_int_equal(target.size_bytes, after->size_bytes);
    if (target.size_bytes != 0) assert_memory_equal(target.bytes, after->data, after->size_bytes);
    free(target.bytes);
}

/* A flipped bit or a cut: refused, or other bytes, or (behind the last one that counts) the same.
 */
static void expect_no_harm(const struct buffer *before, const struct buffer *after,
                           struct buffer *patch) {
    struct target target = {buffer_span(before), malloc(after->size_bytes + 1), 0,
                            (uint32_t)after->size_bytes, 0};
    size_t at = PM_PATCH_HEADER_BYTES + draw((uint32_t)patch->size_bytes - PM_PATCH_HEADER_BYTES);
    uint8_t flip = (uint8_t)(1u << draw(8));
    patch->data[at] ^= flip;
    (void)decode(patch, &target, 300);
    patch->data[at] ^= flip;
    size_t whole = patch->size_bytes;
    patch->size_bytes = at;
    target.size_bytes = 0;
    enum pm_patch_status status = decode(patch, &target, 300);
    assert_true(status == PM_PATCH_MORE || status == PM_PATCH_BAD);
    patch->size_bytes = whole;
    free(target.bytes);
}

static void one_pair(uint32_t memory, uint32_t old_address, uint32_t new_address) {
    struct part parts[64];
    struct buffer before, after;
    uint32_t count = draw_parts(parts);
    build(&before, parts, count, old_address);
    count = change_parts(parts, count);
    build(&after, parts, count, new_address);
    if (draw(2)) buffer_append(&after, "odd", draw(4));
    struct buffer patch = encoded(&before, old_address, &after, new_address, memory);
    struct pm_patch_header header;
    assert_true(pm_patch_header_read(patch.data, &header));
    assert_true(header.memory_bytes <= memory);
    expect_same(&before, &after, &patch, 0, 1);
    expect_same(&before, &after, &patch, 0, 4000);
    expect_same(&before, &after, &patch, 256, 90);
    for (int i = 0; i < 20; i++)
        expect_no_harm(&before, &after, &patch);
    buffer_free(&patch);
    buffer_free(&before);
    buffer_free(&after);
}

static void drawn_pairs(void **unused) {
    (void)unused;
    for (int i = 0; i < 6; i++)
        for (int small = 0; small < 2; small++) {
            uint32_t address = draw(3) * 0x4000000, other = draw(2) * 0x80000;
            one_pair(small ? DELTA_MEMORY_SMALL : DELTA_MEMORY, address, address + other);
        }
}

/* Nothing in common, nothing at all, random bytes. */
static void edges(void **unused) {
    (void)unused;
    struct buffer empty, noise[2];
    buffer_init(&empty, 1);
    for (int i = 0; i < 2; i++) {
        buffer_init(&noise[i], 1 << 20);
        for (uint32_t n = 0; n < 3001; n++)
            buffer_append(&noise[i], &(uint8_t){(uint8_t)draw(256)}, 1);
    }
    const struct buffer *pairs[][2] = {{&empty, &empty},
                                       {&empty, &noise[0]},
                                       {&noise[0], &empty},
                                       {&noise[0], &noise[1]},
                                       {&noise[0], &noise[0]}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct buffer patch = encoded(pairs[i][0], 0, pairs[i][1], 64, DELTA_MEMORY_SMALL);
        expect_same(pairs[i][0], pairs[i][1], &patch, 0, 50);
        buffer_free(&patch);
    }
    buffer_free(&noise[0]);
    buffer_free(&noise[1]);
}

static void too_little_memory(void **unused) {
    (void)unused;
    struct pm_patch_header header = {.memory_bytes = 1500};
    struct pm_patch_io io = {0};
    uint64_t memory[1504 / 8];
    assert_null(pm_patch_start(memory, 1499, &header, &io));
    assert_non_null(pm_patch_start(memory, 1500, &header, &io));
    header.memory_bytes = PM_PATCH_STATE_BYTES;
    assert_null(pm_patch_start(memory, sizeof memory, &header, &io));
    header = (struct pm_patch_header){.memory_bytes = 1500, .new_bytes = PM_PATCH_IMAGE_LIMIT + 1};
    assert_null(pm_patch_start(memory, sizeof memory, &header, &io));
}

int main(void) {
    state = random_seed();
    printf("seed %llu\n", (unsigned long long)state);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drawn_pairs),
        cmocka_unit_test(edges),
        cmocka_unit_test(too_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
