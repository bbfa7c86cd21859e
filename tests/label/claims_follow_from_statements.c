/* A claim is on the label when a statement carries it, in the words that its figures
 * allow, and not otherwise. */
#include "tests/label/support.h"

static const struct record_claim *find(const struct record *record, const char *id) {
    for (size_t i = 0; i < record->claims_count; i++)
        if (strcmp(record->claims[i].id, id) == 0) return &record->claims[i];
    return NULL;
}

struct fixture {
    struct arena arena;
    struct record record;
    json_t *predicates[RECORD_EVIDENCE_COUNT];
    struct record_statements statements;
};

static void set_up(struct fixture *f, const char *key) {
    *f = (struct fixture){.record = sample_facts()};
    sample_statements(f->predicates, key);
    for (int i = 0; i < RECORD_EVIDENCE_COUNT; i++)
        f->statements.predicate[i] = f->predicates[i];
}

static enum status make(struct fixture *f, struct error *error) {
    return record_make_claims(&f->arena, &f->record, &f->statements, error);
}

static void tear_down(struct fixture *f) {
    for (int i = 0; i < RECORD_EVIDENCE_COUNT; i++)
        json_decref(f->predicates[i]);
    arena_free(&f->arena);
}

static void figures_stand_in_the_sentence(void **state) {
    (void)state;
    struct fixture f;
    struct error error;
    set_up(&f, "boot");
    assert_int_equal(make(&f, &error), STATUS_OK);
    const struct record_claim *calls = find(&f.record, "calls");
    assert_non_null(calls);
    assert_string_equal(calls->sentence, "Indirect calls are checked in 37 of 38 places.");
    assert_int_equal(calls->class, RECORD_CLASS_TESTED);
    assert_int_equal(find(&f.record, "support")->class, RECORD_CLASS_DECLARED);
    assert_string_equal(find(&f.record, "support")->sentence, "Security fixes until 12/2031.");
    tear_down(&f);
}

static void a_fixed_key_is_called_one(void **state) {
    (void)state;
    struct fixture f;
    struct error error;
    set_up(&f, "fixed");
    assert_int_equal(make(&f, &error), STATUS_OK);
    assert_non_null(strstr(find(&f.record, "returns")->sentence, "fixed key"));
    const char *page = page_of(&f.arena, &f.record);
    assert_non_null(strstr(page, "sealed with a fixed key in 408 of 412"));
    struct drawing *label = label_of(&f.arena, &f.record);
    bool told = false;
    for (size_t i = 0; i < label->count; i++) {
        const struct drawing_shape *shape = &label->shapes[i];
        told = told || (shape->kind == DRAWING_TEXT && strstr(shape->text, "fixed key"));
    }
    assert_true(told);
    tear_down(&f);
}

static void functions_left_unsealed_are_named(void **state) {
    (void)state;
    struct fixture f;
    struct error error;
    set_up(&f, "boot");
    json_t *figures = json_object_get(f.predicates[RECORD_EVIDENCE_HARDENING], "figures");
    json_t *returns = json_object_get(figures, "returns"), *unsealed = json_array();
    json_object_set_new(returns, "unsealed", unsealed);
    assert_int_equal(make(&f, &error), STATUS_OK);
    assert_null(strstr(find(&f.record, "returns")->detail, "No function is left out"));
    for (int i = 0; i < 13; i++) {
        char name[16];
        snprintf(name, sizeof name, "open_%d", i);
        json_array_append_new(unsealed, json_pack("{s:s, s:i, s:s}", "function", name, "sites", 1,
                                                  "reason", "it is not followed"));
        assert_int_equal(make(&f, &error), STATUS_OK);
        const char *detail = find(&f.record, "returns")->detail;
        assert_non_null(strstr(detail, "open_0"));
        assert_int_equal(strstr(detail, name) != NULL, i < 12);
        assert_int_equal(strstr(detail, "and 1 more") != NULL, i == 12);
    }
    assert_non_null(strstr(page_of(&f.arena, &f.record), "open_11"));
    assert_null(strstr(find(&f.record, "calls")->detail, "open_0"));
    json_array_clear(unsealed);
    json_object_set_new(returns, "sealed", json_integer(412));
    json_object_set_new(returns, "exempt", json_integer(0));
    assert_int_equal(make(&f, &error), STATUS_OK);
    assert_non_null(strstr(find(&f.record, "returns")->detail, "No function is left out"));
    tear_down(&f);
}

static void without_a_passed_test_there_is_no_claim_of_one(void **state) {
    (void)state;
    struct fixture f;
    struct error error;
    set_up(&f, "boot");
    json_object_set_new(f.predicates[RECORD_EVIDENCE_TEST], "exit_code", json_integer(1));
    assert_int_equal(make(&f, &error), STATUS_OK);
    assert_null(find(&f.record, "test"));
    f.statements.predicate[RECORD_EVIDENCE_TEST] = NULL;
    assert_int_equal(make(&f, &error), STATUS_OK);
    assert_null(find(&f.record, "test"));
    f.statements.predicate[RECORD_EVIDENCE_HARDENING] = NULL;
    assert_int_equal(make(&f, &error), STATUS_OK);
    assert_null(find(&f.record, "returns"));
    tear_down(&f);
}

static void a_missing_figure_is_refused(void **state) {
    (void)state;
    struct fixture f;
    struct error error;
    set_up(&f, "boot");
    json_t *figures = json_object_get(f.predicates[RECORD_EVIDENCE_HARDENING], "figures");
    json_object_del(figures, "calls");
    assert_int_equal(make(&f, &error), STATUS_BAD_INPUT);
    assert_non_null(strstr(error.message, "figures.calls"));
    tear_down(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_stand_in_the_sentence),
        cmocka_unit_test(a_fixed_key_is_called_one),
        cmocka_unit_test(functions_left_unsealed_are_named),
        cmocka_unit_test(without_a_passed_test_there_is_no_claim_of_one),
        cmocka_unit_test(a_missing_figure_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
