/* Canonical JSON, statements and predicates: RFC 8785's example, and everything that
 * another writer might produce for the same meaning refused. */
#include "tests/evidence/support.h"

#include "evidence/canonical.h"

/* RFC 8785, section 3.2.2 and 3.2.3, without its floats, which we have none of. */
static void the_example_of_rfc_8785(void **state) {
    (void)state;
    struct error error;
    struct buffer out;
    static const char input[] =
        "{\"string\":\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
        "\"literals\":[null,true,false]}";
    static const char want[] =
        "{\"literals\":[null,true,false],\"string\":\"\xe2\x82\xac$\\u000f\\nA'B"
        "\\\"\\\\\\\\\\\"/\"}";
    json_t *value = json_loads(input, 0, NULL), *back;
    buffer_init(&out, 4096);
    assert_ok(canonical_write(value, &out, &error));
    assert_string_equal((char *)out.data, want);
    assert_ok(canonical_read(buffer_span(&out), &back, &error));
    assert_true(json_equal(value, back));
    assert_refused(canonical_read(span_of(input), &back, &error), "canonical byte form");
    json_decref(back);
    json_decref(value);
    buffer_free(&out);
}

static void other_json_is_refused(void **state) {
    (void)state;
    static const char *const refused[] = {
        "{\"b\":1,\"a\":2}",
        "{ \"a\":1}",
        "{\"a\":1}\n",
        "{\"a\":1,\"a\":1}",
        "{\"a\":1.0}",
        "{\"a\":1e3}",
        "{\"a\":-0}",
        "{\"a\":0.5}",
        "{\"a\":01}",
        "{\"a\":9007199254740992}",
        "{\"a\":1}{}",
        "{\"a\":\"\\u0041\"}",
        "{\"a\":\"\\/\"}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":\"\\u001F\"}",
        "{\"a\":\"\\u000a\"}",
        "{\"\xc3\xa9\":1}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xed\xa0\x80\"}",
        "{\"a\":\"\\ud83d\\ude00\"}",
        "",
        "[1,]",
        "nul",
        "{\"a\":9007199254740993000000}",
        "{\"\\u0062\":1}",
        "\xef\xbb\xbf{}",
        "{\"a\":+1}",
    };
    struct error error;
    json_t *value;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (canonical_read(span_of(refused[i]), &value, &error) != STATUS_BAD_INPUT) {
            fail_msg("accepted: %s", refused[i]);
        }
    }
    assert_ok(canonical_read(span_of("{\"a\":-9007199254740991,\"b\":\"\x7f\xf0\x9f\x98\x80\"}"),
                             &value, &error));
    json_decref(value);
}

static void depth_is_bounded(void **state) {
    (void)state;
    struct error error;
    json_t *value;
    char text[256];
    for (int depth = 63; depth <= 67; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        enum status status =
            canonical_read((struct span){(uint8_t *)text, (size_t)depth * 2}, &value, &error);
        assert_int_equal(status == STATUS_OK, depth <= CANONICAL_DEPTH_MAXIMUM + 1);
        if (status == STATUS_OK) json_decref(value);
    }
}

#define DIGEST                \
    "\"digest\":{\"sha256\":" \
    "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}"
#define SUBJECT(name) "{" DIGEST ",\"name\":\"" name "\"}"
#define STATEMENT(subjects)                                                                        \
    "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{},\"predicateType\":\"urn:x\"," \
    "\"subject\":[" subjects "]}"

static void subjects_are_sorted_and_found(void **state) {
    (void)state;
    struct error error;
    struct arena arena = {0};
    struct buffer out;
    struct statement_subject subjects[] = {{.name = "b"}, {.name = "a"}};
    struct statement statement = {.predicate_type = "urn:x",
                                  .subjects = subjects,
                                  .subject_count = 2,
                                  .predicate = json_object()},
                     back;
    for (size_t i = 0; i < 2; i++) {
        digest_of(span_of(""), subjects[i].sha256);
    }
    buffer_init(&out, 4096);
    assert_ok(statement_write(&statement, &out, &error));
    assert_string_equal((char *)out.data, STATEMENT(SUBJECT("a") "," SUBJECT("b")));
    assert_ok(statement_read(&arena, buffer_span(&out), &back, &error));
    assert_int_equal(back.subject_count, 2);
    assert_ptr_equal(statement_subject_named(&back, "b"), &back.subjects[1]);
    assert_null(statement_subject_named(&back, "c"));
    statement_release(&back);
    buffer_free(&out);
    subjects[1].name = "b";
    assert_refused(statement_write(&statement, &out, &error), "two subjects have the name b");
    subjects[1].name = "a\nb";
    assert_refused(statement_write(&statement, &out, &error), "control");
    statement.subject_count = 0;
    assert_refused(statement_write(&statement, &out, &error), "1 to 4096 subjects");
    buffer_free(&out);
    json_decref(statement.predicate);
    arena_free(&arena);
}

static void other_statements_are_refused(void **state) {
    (void)state;
    static const char *const refused[] = {
        "{}",
        "[]",
        "null",
        STATEMENT(""),
        STATEMENT(SUBJECT("b") "," SUBJECT("a")),
        STATEMENT(SUBJECT("a") "," SUBJECT("a")),
        STATEMENT(SUBJECT("")),
        STATEMENT("{" DIGEST "}"),
        STATEMENT("{" DIGEST ",\"name\":\"a\",\"uri\":\"b\"}"),
        STATEMENT("{\"digest\":{\"sha1\":\"00\"},\"name\":\"a\"}"),
        STATEMENT("{\"digest\":{\"sha256\":\"E3\"},\"name\":\"a\"}"),
        STATEMENT("{\"digest\":{},\"name\":\"a\"}"),
        STATEMENT("1"),
        /* an older version, another predicate, a member more */
        "{\"_type\":\"https://in-toto.io/Statement/v0.1\",\"predicate\":{},\"predicateType\":"
        "\"urn:x\",\"subject\":[" SUBJECT("a") "]}",
        "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":[],\"predicateType\":"
        "\"urn:x\",\"subject\":[" SUBJECT("a") "]}",
        "{\"_type\":\"https://in-toto.io/Statement/v1\",\"more\":1,\"predicate\":{},"
        "\"predicateType\":\"urn:x\",\"subject\":[" SUBJECT("a") "]}",
        "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{},\"predicateType\":"
        "\"\",\"subject\":[" SUBJECT("a") "]}",
    };
    struct error error;
    struct arena arena = {0};
    struct statement statement;
    assert_ok(statement_read(&arena, span_of(STATEMENT(SUBJECT("a"))), &statement, &error));
    statement_release(&statement);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (statement_read(&arena, span_of(refused[i]), &statement, &error) != STATUS_BAD_INPUT) {
            fail_msg("accepted: %s", refused[i]);
        }
    }
    arena_free(&arena);
}

/* Each member of each predicate: taken away, it is named; of another type, it is named. */
static void predicates_name_what_is_missing(void **state) {
    (void)state;
    static const char common[] =
        "\"issued_at_s\":1000000,\"tool\":{\"name\":\"p\",\"version\":\"1\"}";
    static const char hash[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    static const char *const types[][2] = {
        {PREDICATE_HARDENING,
         "\"profile\":\"exploit\",\"seed\":\"00ff\",\"key\":\"boot\","
         "\"original_sha256\":\"%s\",\"figures\":{\"key\":{\"made\":\"at boot\"}}"},
        {PREDICATE_BUILD, "\"inputs\":[{\"name\":\"a\",\"sha256\":\"%s\"}],\"options\":{}"},
        {PREDICATE_TEST,
         "\"command\":\"make\",\"exit_code\":0,\"duration_ms\":1,\"log_sha256\":\"%s\""},
        {PREDICATE_RELEASE, "\"product\":\"a\",\"version\":\"1.0\""},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct error error;
        struct buffer text;
        buffer_init(&text, 4096);
        buffer_format(&text, "{%s,", common);
        /* one digest at most in each */
        const char *mark = strstr(types[i][1], "%s");
        size_t before = mark ? (size_t)(mark - types[i][1]) : strlen(types[i][1]);
        buffer_append(&text, types[i][1], before);
        if (mark) buffer_format(&text, "%s%s", hash, mark + 2);
        buffer_text(&text, "}");
        json_t *whole = json_loads((char *)text.data, 0, NULL);
        assert_non_null(whole);
        assert_ok(predicate_validate(types[i][0], whole, &error));
        const char *name;
        json_t *member;
        json_object_foreach(whole, name, member) {
            json_t *part = json_copy(whole);
            json_object_del(part, name);
            assert_refused(predicate_validate(types[i][0], part, &error), name);
            json_object_set_new(part, name, json_true());
            assert_refused(predicate_validate(types[i][0], part, &error), name);
            json_decref(part);
        }
        json_object_set_new(whole, "more", json_true());
        assert_ok(predicate_validate(types[i][0], whole, &error));
        json_object_set_new(whole, "expires_at_s", json_string("soon"));
        assert_refused(predicate_validate(types[i][0], whole, &error), "expires_at_s");
        assert_refused(predicate_validate("urn:other", whole, &error), "is not known");
        json_decref(whole);
        buffer_free(&text);
    }
}

static void age_has_exact_edges(void **state) {
    (void)state;
    json_t *value = json_pack("{s:i}", "issued_at_s", 1000000);
    assert_int_equal(predicate_age_at(value, 1000000 - 3601), PREDICATE_NOT_YET);
    assert_int_equal(predicate_age_at(value, 1000000 - 3600), PREDICATE_CURRENT);
    assert_int_equal(predicate_age_at(value, INT64_C(99999999999)), PREDICATE_CURRENT);
    json_object_set_new(value, "expires_at_s", json_integer(2000000));
    assert_int_equal(predicate_age_at(value, 1999999), PREDICATE_CURRENT);
    assert_int_equal(predicate_age_at(value, 2000000), PREDICATE_EXPIRED);
    json_decref(value);
}

/* The label's words come from "key": it cannot be other than what check found. */
static void the_key_is_the_one_in_the_figures(void **state) {
    (void)state;
    static const char *const said[] = {"boot", "fixed", "none"};
    static const char *const found[] = {"at boot", "fixed key", "none", "", NULL};
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 5; j++) {
            struct error error;
            json_t *figures =
                found[j] ? json_pack("{s:{s:s}}", "key", "made", found[j]) : json_object();
            json_t *predicate =
                json_pack("{s:i, s:{s:s, s:s}, s:s, s:s, s:s, s:s, s:o}", "issued_at_s", 1000000,
                          "tool", "name", "p", "version", "1", "profile", "exploit", "seed", "00",
                          "key", said[i], "original_sha256",
                          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                          "figures", figures);
            assert_non_null(predicate);
            enum status status = predicate_validate(PREDICATE_HARDENING, predicate, &error);
            if (i == j) {
                assert_ok(status);
            } else {
                assert_refused(status, "figures");
            }
            json_decref(predicate);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_rfc_8785),
        cmocka_unit_test(other_json_is_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(subjects_are_sorted_and_found),
        cmocka_unit_test(other_statements_are_refused),
        cmocka_unit_test(predicates_name_what_is_missing),
        cmocka_unit_test(the_key_is_the_one_in_the_figures),
        cmocka_unit_test(age_has_exact_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
