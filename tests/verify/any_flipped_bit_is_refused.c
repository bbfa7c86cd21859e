/* One bit of a shipped folder flipped: nothing is accepted, each finding that stands on that
 * file is refused and its reason names the file, and each that does not is what it was. Every
 * byte of the files below 64 KiB, and seeded places of the firmware and of larger ones.
 *
 *     any_flipped_bit_is_refused FOLDER KEY.pub ORIGINAL.elf EVERY [SEED]
 *
 * Of the flips of the firmware one in EVERY also goes to check with the original, which finds it
 * by itself: no digest helps it. The unflipped folder is accepted, and the firmware holds, or the
 * test fails: a verifier that refuses everything proves nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "check/check.h"
#include "cli/folder_verify.h"
#include "firmware/read/read.h"
#include "registry/drawing.h"
#include "tests/thumb/random.h"

enum { SMALL_BYTES = 64 << 10, FIRMWARE_PLACES = 10000, OTHER_PLACES = 2000 };

enum { PARTS_MAXIMUM = 7 };
enum claims { NO_CLAIM, CLAIMS_OF_EVIDENCE, CLAIMS_WITH_EVIDENCE, ALL_CLAIMS };

/* What falls with a file: parts of the folder, with words that the reason must have, and the
 * claims that stand on it, whose reason must name it. Everything else stays as it was. */
struct consequence {
    const char *file;
    struct {
        const char *part, *words;
    } parts[PARTS_MAXIMUM];
    enum claims claims;
    enum record_evidence evidence; /* of CLAIMS_OF_EVIDENCE */
};

#define ON_RECORD "stands on a record that does not hold"
#define NO_RELEASE "not looked at: the release does not hold"

/* The record is shown from the statements: without one of them, or its proof, none of it can be. */
#define STATEMENT_FALLS(file)                \
    {                                        \
        file,                                \
            {{"files", file ": "},           \
             {"log", file ": "},             \
             {"record", file ": "},          \
             {"page", ON_RECORD},            \
             {"label", ON_RECORD}},          \
            ALL_CLAIMS, RECORD_EVIDENCE_NONE \
    }

/* Nothing in the folder is known to be the maker's then. */
#define RELEASE_FALLS(file, log)                                                     \
    {                                                                                \
        file, {{"release", file ": "},  {"log", log},         {"files", NO_RELEASE}, \
               {"record", NO_RELEASE},  {"page", NO_RELEASE}, {"label", NO_RELEASE}, \
               {"firmware", NO_RELEASE}},                                            \
            ALL_CLAIMS, RECORD_EVIDENCE_NONE                                         \
    }

static const struct consequence consequences[] = {
    RELEASE_FALLS("statements/release.json", NO_RELEASE),
    RELEASE_FALLS("proofs/release.tlog-proof", "proofs/release.tlog-proof: "),
    STATEMENT_FALLS("statements/hardening.json"),
    STATEMENT_FALLS("statements/build.json"),
    STATEMENT_FALLS("statements/test.json"),
    STATEMENT_FALLS("proofs/hardening.tlog-proof"),
    STATEMENT_FALLS("proofs/build.tlog-proof"),
    STATEMENT_FALLS("proofs/test.tlog-proof"),
    {"firmware.elf",
     {{"files", "firmware.elf: "}, {"firmware", "firmware.elf: "}},
     CLAIMS_WITH_EVIDENCE,
     RECORD_EVIDENCE_NONE},
    {"record.json",
     {{"files", "record.json: "},
      {"record", "record.json: "},
      {"page", ON_RECORD},
      {"label", ON_RECORD}},
     ALL_CLAIMS,
     RECORD_EVIDENCE_NONE},
    {"test.log", {{"files", "test.log: "}}, CLAIMS_OF_EVIDENCE, RECORD_EVIDENCE_TEST},
    {"index.html",
     {{"files", "index.html: "}, {"page", "index.html: "}, {"label", "the page does not hold"}},
     NO_CLAIM,
     RECORD_EVIDENCE_NONE},
    {"label.svg",
     {{"files", "label.svg: "}, {"label", "label.svg: "}, {"page", "the label does not hold"}},
     NO_CLAIM,
     RECORD_EVIDENCE_NONE},
    {"label.png",
     {{"files", "label.png: "}, {"label", "label.png: "}, {"page", "the label does not hold"}},
     NO_CLAIM,
     RECORD_EVIDENCE_NONE},
    {"scheme-1.png",
     {{"files", "scheme-1.png: "}, {"label", "scheme-1.png: "}, {"page", "scheme-1.png: "}},
     NO_CLAIM,
     RECORD_EVIDENCE_NONE},
};

struct sabotage {
    struct arena arena;
    struct folder folder;
    struct public_key key;
    struct folder_cache cache;
    struct folder_trust trust;
    struct folder_report report, whole; /* of the flipped folder; of the one that nobody changed */
    struct record record;               /* of the whole one */
    size_t parts;                       /* findings of it that are no claims */
    struct span original;
    unsigned long every;
    uint64_t seed;
    unsigned flips, checked, missed;
};

static uint64_t next_random(uint64_t *state) { /* SplitMix64 */
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static const struct consequence *consequence_of(const char *file) {
    for (size_t i = 0; i < sizeof consequences / sizeof *consequences; i++)
        if (strcmp(consequences[i].file, file) == 0) return &consequences[i];
    return NULL;
}

/* Of the whole folder: what the evidence of a claim is. */
static const struct record_claim *claim_named(const struct sabotage *s, const char *id) {
    for (size_t i = 0; i < s->record.claims_count; i++)
        if (strcmp(s->record.claims[i].id, id) == 0) return &s->record.claims[i];
    return NULL;
}

/* The words of the reason that this finding must have; NULL where it must stay as it was. */
static const char *words_for(const struct sabotage *s, const struct consequence *of,
                             const struct folder_finding *finding) {
    for (size_t i = 0; i < PARTS_MAXIMUM && of->parts[i].part && !finding->is_claim; i++)
        if (strcmp(of->parts[i].part, finding->id) == 0) return of->parts[i].words;
    if (!finding->is_claim || of->claims == NO_CLAIM) return NULL;
    if (of->claims == ALL_CLAIMS) return of->file;
    const struct record_claim *claim = claim_named(s, finding->id);
    bool stands =
        claim && (of->claims == CLAIMS_OF_EVIDENCE ? claim->evidence == of->evidence
                                                   : claim->evidence != RECORD_EVIDENCE_NONE);
    return stands ? of->file : NULL;
}

/* NULL, or the finding that says something else than it must. */
static const char *wrong_finding(const struct sabotage *s, const struct consequence *of) {
    size_t parts = 0, claims = 0;
    for (size_t i = 0; i < s->report.count; i++) {
        const struct folder_finding *finding = &s->report.findings[i];
        const char *words = words_for(s, of, finding);
        *(finding->is_claim ? &claims : &parts) += 1;
        if (words) {
            bool named = finding->reason && strstr(finding->reason, words);
            if (finding->state != FOLDER_STATE_REFUSED || !named) return finding->id;
            continue;
        }
        if (i >= s->whole.count || strcmp(s->whole.findings[i].id, finding->id) != 0 ||
            finding->state != s->whole.findings[i].state) {
            return finding->id;
        }
    }
    if (parts != s->parts) return "a part is missing";
    bool unread = strcmp(of->file, FOLDER_RECORD) == 0; /* may be no record at all now */
    return claims == s->record.claims_count || unread ? NULL : "a claim is missing";
}

static bool check_holds(struct span firmware, const struct span *original) {
    struct check_result result;
    struct error error;
    enum status status = check_image(firmware, original, NULL, &result, &error);
    bool holds = status == STATUS_OK && result.holds;
    bool broken = status != STATUS_OK && status != STATUS_BAD_INPUT; /* it never looked */
    check_free(&result);
    return holds || broken;
}

static void flip(struct sabotage *s, const struct folder_file *file, const struct consequence *of,
                 size_t place, unsigned bit) {
    uint8_t *byte = (uint8_t *)file->bytes.data + place; /* our own copy, read by folder_load() */
    struct arena arena = {0};
    *byte ^= (uint8_t)(1u << bit);
    folder_verify(&arena, &s->folder, &s->trust, &s->report);
    bool firmware = strcmp(file->name, FOLDER_FIRMWARE) == 0;
    bool checked = firmware && s->flips % s->every == 0;
    bool unseen = checked && check_holds(file->bytes, &s->original);
    *byte ^= (uint8_t)(1u << bit);
    s->flips++;
    s->checked += checked;
    const char *wrong = s->report.accepted ? "accepted" : wrong_finding(s, of);
    if (unseen) wrong = "check found nothing";
    if (wrong) {
        s->missed++;
        printf("missed: bit %u of byte %zu of %s: %s (seed %" PRIu64 ")\n", bit, place, file->name,
               wrong, s->seed);
    }
    arena_free(&arena);
}

static void sabotage_file(struct sabotage *s, const struct folder_file *file, uint64_t *random) {
    size_t size = file->bytes.size_bytes;
    const struct consequence *of = consequence_of(file->name);
    if (!of) {
        printf("missed: nothing is said of %s\n", file->name);
        s->missed++;
        return;
    }
    bool firmware = strcmp(file->name, FOLDER_FIRMWARE) == 0;
    bool small = size <= SMALL_BYTES && !firmware;
    size_t places = small ? size : firmware ? FIRMWARE_PLACES : OTHER_PLACES;
    for (size_t i = 0; i < places && s->missed < 10; i++) {
        uint64_t value = next_random(random);
        flip(s, file, of, small ? i : (size_t)(value >> 8) % size, (unsigned)(value & 7));
    }
    printf("%-28s %7zu bytes, %6zu flips\n", file->name, size, places);
}

static enum status set_up(struct sabotage *s, char **argv, struct error *error) {
    enum status status = folder_load(&s->arena, argv[1], &s->folder, error);
    s->every = strtoul(argv[4], NULL, 0);
    if (s->every == 0) return error_input(error, "EVERY is a number from 1 on");
    if (status == STATUS_OK) {
        status = file_read(&s->arena, argv[3], FW_INPUT_MAXIMUM_BYTES, &s->original, error);
    }
    if (status == STATUS_OK) status = key_load_public(argv[2], &s->key, error);
    s->trust.maker = &s->key;
    s->trust.now_s = (int64_t)time(NULL);
    s->trust.cache = &s->cache;
    return status;
}

/* The unflipped folder, with its record and what is found in it. */
static bool verify_whole(struct sabotage *s) {
    struct error error;
    const struct folder_file *record = folder_find(&s->folder, FOLDER_RECORD);
    folder_verify(&s->arena, &s->folder, &s->trust, &s->whole);
    const struct folder_file *firmware = folder_find(&s->folder, FOLDER_FIRMWARE);
    bool whole = firmware && check_holds(firmware->bytes, &s->original) && s->whole.accepted &&
                 s->whole.count > 0 && record &&
                 record_read(&s->arena, record->bytes, &s->record, &error) == STATUS_OK;
    for (size_t i = 0; i < s->whole.count; i++) {
        whole = whole && s->whole.findings[i].state > FOLDER_STATE_UNKNOWN;
        s->parts += !s->whole.findings[i].is_claim;
    }
    return whole && s->folder.count == sizeof consequences / sizeof *consequences;
}

int main(int argc, char **argv) {
    static struct sabotage sabotage;
    struct sabotage *s = &sabotage;
    struct error error;
    if (argc < 5 || set_up(s, argv, &error) != STATUS_OK) {
        printf("any_flipped_bit_is_refused: %s\n", argc < 5 ? "wrong use" : error.message);
        return 1;
    }
    s->seed = argc > 5 ? strtoull(argv[5], NULL, 0) : random_seed();
    uint64_t random = s->seed;
    bool whole = verify_whole(s);
    printf("seed %" PRIu64 "; the whole folder is %s\n", s->seed, whole ? "accepted" : "REFUSED");
    for (size_t i = 0; i < s->folder.count && whole; i++)
        sabotage_file(s, &s->folder.files[i], &random);
    printf("%u flips, %u of them checked, %u missed\n", s->flips, s->checked, s->missed);
    folder_cache_free(&s->cache);
    drawing_release_fonts();
    arena_free(&s->arena);
    return whole && s->missed == 0 && s->flips > FIRMWARE_PLACES &&
                   s->checked >= FIRMWARE_PLACES / s->every
               ? 0
               : 1;
}
