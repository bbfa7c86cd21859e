/* What several tests of evidence/ need: hex, a fixed key, a statement, a scratch
 * directory. Failures end the test. */
#ifndef TESTS_EVIDENCE_SUPPORT_H
#define TESTS_EVIDENCE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "evidence/digest.h"
#include "evidence/dsse.h"
#include "evidence/key.h"
#include "evidence/log.h"
#include "evidence/predicate.h"
#include "evidence/statement.h"
#include "evidence/verify.h"

#define assert_ok(call)                                                    \
    do {                                                                   \
        if ((call) != STATUS_OK) fail_msg("%s: %s", #call, error.message); \
    } while (0)

#define assert_refused(call, words)                                           \
    do {                                                                      \
        assert_int_equal((call), STATUS_BAD_INPUT);                           \
        if (!strstr(error.message, (words))) {                                \
            fail_msg("the message lacks \"%s\": %s", (words), error.message); \
        }                                                                     \
    } while (0)

static inline struct span span_of(const char *text) {
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static inline struct pm_bytes bytes_of(const char *text) {
    return (struct pm_bytes){(const uint8_t *)text, strlen(text)};
}

/* Decodes hex of any length; returns the size. */
static inline size_t from_hex(const char *hex, uint8_t *out) {
    size_t size = strlen(hex) / 2;
    for (size_t i = 0; i < size; i++) {
        unsigned value;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
        out[i] = (uint8_t)value;
    }
    return size;
}

/* A key whose seed is 32 times `filler`. */
static inline struct private_key test_key(uint8_t filler) {
    struct private_key key;
    struct error error;
    uint8_t seed[KEY_ED25519_BYTES];
    memset(seed, filler, sizeof seed);
    assert_ok(key_from_seed(seed, &key, &error));
    return key;
}

/* A signed test statement; different numbers give different statements. */
static inline void test_envelope(const struct private_key *key, int number, struct buffer *out) {
    struct error error;
    struct buffer text;
    struct statement_subject subject = {.name = "firmware.elf"};
    digest_of(span_of("the image"), subject.sha256);
    struct statement statement = {
        .predicate_type = PREDICATE_TEST,
        .predicate = json_pack("{s:i, s:{s:s, s:s}, s:s, s:i, s:s, s:i}", "issued_at_s",
                               1790000000 + number, "tool", "name", "proofmark", "version", "0.1.0",
                               "command", "make test", "exit_code", 0, "log_sha256",
                               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                               "duration_ms", 12),
        .subjects = &subject,
        .subject_count = 1,
    };
    assert_non_null(statement.predicate);
    buffer_init(&text, STATEMENT_MAXIMUM_BYTES);
    assert_ok(statement_write(&statement, &text, &error));
    assert_ok(dsse_sign(key, STATEMENT_PAYLOAD_TYPE, buffer_span(&text), out, &error));
    buffer_free(&text);
    json_decref(statement.predicate);
}

/* A new empty directory under TMPDIR; removed by remove_scratch(). */
static inline char *make_scratch(void) {
    const char *parent = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/evidence-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(path));
    return strdup(path);
}

static inline int remove_one(const char *path, const struct stat *facts, int type,
                             struct FTW *walk) {
    (void)facts;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void remove_scratch(char *path) {
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

#endif
