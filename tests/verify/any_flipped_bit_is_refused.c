/* One bit of a shipped folder flipped: nothing is accepted, and a finding says what does
 * not hold. Every byte of the files below 64 KiB, and seeded places of the larger ones.
 *
 *     any_flipped_bit_is_refused FOLDER KEY.pub [SEED]
 *
 * The unflipped folder is accepted, or the test fails: a verifier that refuses everything
 * proves nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/folder_verify.h"
#include "registry/drawing.h"

enum { SMALL_BYTES = 64 << 10, FIRMWARE_PLACES = 10000, OTHER_PLACES = 2000 };

struct sabotage {
    struct arena arena;
    struct folder folder;
    struct public_key key;
    struct folder_cache cache;
    struct folder_trust trust;
    struct folder_report report;
    uint64_t seed;
    unsigned flips, missed;
};

static uint64_t next_random(uint64_t *state) { /* SplitMix64 */
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void verify(struct sabotage *s) {
    struct arena arena = {0};
    folder_verify(&arena, &s->folder, &s->trust, &s->report);
    bool named = false;
    for (size_t i = 0; i < s->report.count; i++) {
        const struct folder_finding *finding = &s->report.findings[i];
        if (finding->state == FOLDER_STATE_REFUSED) {
            named = finding->reason && *finding->reason && *finding->id;
            if (!named) break;
        }
    }
    if (s->report.accepted || !named) s->missed++;
    s->report.accepted = s->report.accepted || !named; /* for the message of who called */
    arena_free(&arena);
}

static void flip(struct sabotage *s, const struct folder_file *file, size_t place, unsigned bit) {
    uint8_t *byte = (uint8_t *)file->bytes.data + place; /* our own copy, read by folder_load() */
    *byte ^= (uint8_t)(1u << bit);
    verify(s);
    *byte ^= (uint8_t)(1u << bit);
    s->flips++;
    if (s->report.accepted) {
        printf("missed: bit %u of byte %zu of %s (seed %" PRIu64 ")\n", bit, place, file->name,
               s->seed);
    }
}

static void sabotage_file(struct sabotage *s, const struct folder_file *file, uint64_t *random) {
    size_t size = file->bytes.size_bytes;
    bool firmware = strcmp(file->name, FOLDER_FIRMWARE) == 0;
    bool small = size <= SMALL_BYTES && !firmware;
    size_t places = small ? size : firmware ? FIRMWARE_PLACES : OTHER_PLACES;
    for (size_t i = 0; i < places && s->missed < 10; i++) {
        uint64_t value = next_random(random);
        flip(s, file, small ? i : (size_t)(value >> 8) % size, (unsigned)(value & 7));
    }
    printf("%-28s %7zu bytes, %6zu flips\n", file->name, size, places);
}

static enum status set_up(struct sabotage *s, char **argv, struct error *error) {
    enum status status = folder_load(&s->arena, argv[1], &s->folder, error);
    if (status == STATUS_OK) status = key_load_public(argv[2], &s->key, error);
    s->trust.maker = &s->key;
    s->trust.now_s = (int64_t)time(NULL);
    s->trust.cache = &s->cache;
    return status;
}

int main(int argc, char **argv) {
    static struct sabotage sabotage;
    struct sabotage *s = &sabotage;
    struct error error;
    if (argc < 3 || set_up(s, argv, &error) != STATUS_OK) {
        printf("any_flipped_bit_is_refused: %s\n", argc < 3 ? "wrong use" : error.message);
        return 1;
    }
    s->seed = argc > 3 ? strtoull(argv[3], NULL, 0) : (uint64_t)time(NULL);
    uint64_t random = s->seed;
    verify(s);
    bool whole = s->report.accepted && s->report.count > 0;
    for (size_t i = 0; i < s->report.count; i++)
        whole = whole && s->report.findings[i].state > FOLDER_STATE_UNKNOWN;
    printf("seed %" PRIu64 "; the whole folder is %s\n", s->seed, whole ? "accepted" : "REFUSED");
    s->missed = 0;
    for (size_t i = 0; i < s->folder.count && whole; i++)
        sabotage_file(s, &s->folder.files[i], &random);
    printf("%u flips, %u missed\n", s->flips, s->missed);
    folder_cache_free(&s->cache);
    drawing_release_fonts();
    arena_free(&s->arena);
    return whole && s->missed == 0 && s->flips > FIRMWARE_PLACES ? 0 : 1;
}
