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
    const char *returns = find(&f.record, "returns")->detail;
    assert_ptr_equal(strstr(returns, "In these places a function seals"), returns);
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

static bool is_on_label(struct fixture *f, const char *words) {
    const struct drawing *label = label_of(&f->arena, &f->record);
    for (size_t i = 0; i < label->count; i++) {
        const struct drawing_shape *shape = &label->shapes[i];
        if (shape->kind == DRAWING_TEXT && strcmp(shape->text, words) == 0) return true;
    }
    return false;
}

static void ram_that_executes_stands_in_the_headline(void **state) {
    (void)state;
    struct fixture f;
    struct error error;
    set_up(&f, "boot");
    assert_int_equal(make(&f, &error), STATUS_OK);
    assert_string_equal(find(&f.record, "memory-map")->sentence, "Data does not run as code.");
    assert_true(is_on_label(&f, "Data does not run as code"));
    json_t *figures = json_object_get(f.predicates[RECORD_EVIDENCE_HARDENING], "figures");
    json_t *ranges = json_pack("[{s:i,s:i},{s:i,s:i}]", "start", 0x20000ba0, "size_bytes", 32,
                               "start", 0x20001000, "size_bytes", 64);
    json_object_set_new(json_object_get(figures, "memory_map"), "executable_ram", ranges);
    assert_int_equal(make(&f, &error), STATUS_OK);
    const struct record_claim *claim = find(&f.record, "memory-map");
    assert_string_equal(claim->sentence, "Of RAM, only 96 bytes run as code.");
    assert_non_null(strstr(claim->detail, "0x20000ba0"));
    assert_non_null(strstr(page_of(&f.arena, &f.record), "Of RAM, only 96 bytes run as code."));
    assert_true(is_on_label(&f, "Of RAM, only 96 bytes run as code"));
    assert_false(is_on_label(&f, "Data does not run as code"));
    tear_down(&f);
}

static void a_protection_that_is_absent_has_its_row(void **state) {
    (void)state;
    struct fixture f;
    struct error error;
    set_up(&f, "boot");
    json_t *figures = json_object_get(f.predicates[RECORD_EVIDENCE_HARDENING], "figures");
    json_object_set_new(json_object_get(figures, "memory_map"), "applied", json_false());
    json_object_set_new(json_object_get(figures, "returns"), "sealed", json_integer(0));
    json_object_set_new(json_object_get(figures, "calls"), "checked", json_integer(0));
    assert_int_equal(make(&f, &error), STATUS_OK);
    assert_true(is_on_label(&f, "No memory map is set up"));
    assert_true(is_on_label(&f, "Return addresses: none sealed"));
    assert_true(is_on_label(&f, "Indirect calls: none checked"));
    tear_down(&f);
}

static json_t *rows_of(struct fixture *f, const char *name, const char *rest) {
    json_t *figures = json_object_get(f->predicates[RECORD_EVIDENCE_HARDENING], "figures");
    json_t *rows = json_array();
    json_object_set_new(json_object_get(figures, name), rest, rows);
    return rows;
}

static void add_row(json_t *rows, const char *function, int sites, const char *reason) {
    json_array_append_new(rows, json_pack("{s:s*, s:i, s:s}", "function", function, "sites", sites,
                                          "reason", reason));
}

static void set_figure(struct fixture *f, const char *group, const char *name, int value) {
    json_t *figures = json_object_get(f->predicates[RECORD_EVIDENCE_HARDENING], "figures");
    json_object_set_new(json_object_get(figures, group), name, json_integer(value));
}

static void functions_left_unsealed_are_named_by_reason(void **state) {
    (void)state;
    struct fixture f;
    struct error error;
    set_up(&f, "boot");
    json_t *unsealed = rows_of(&f, "returns", "unsealed");
    assert_int_equal(make(&f, &error), STATUS_OK);
    assert_null(strstr(find(&f.record, "returns")->detail, "No function is left out"));
    for (int i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof name, "open_%d", i);
        add_row(unsealed, name, 1, "it is not followed");
        assert_int_equal(make(&f, &error), STATUS_OK);
        const char *detail = find(&f.record, "returns")->detail;
        assert_non_null(strstr(detail, "because it is not followed (open_0"));
        assert_int_equal(strstr(detail, name) != NULL, i < 6);
        assert_int_equal(strstr(detail, "open_5 and 1 more)") != NULL, i == 6);
    }
    add_row(unsealed, "other", 30, "it is odd");
    assert_int_equal(make(&f, &error), STATUS_OK);
    assert_non_null(
        strstr(find(&f.record, "returns")->detail,
               " Not sealed: 30 because it is odd (other); 8 because it is not followed "
               "(open_0, open_1, open_2 and 5 more)."));
    assert_non_null(strstr(page_of(&f.arena, &f.record), "and 5 more)."));
    assert_null(strstr(find(&f.record, "calls")->detail, "open_0"));
    json_array_clear(unsealed);
    set_figure(&f, "returns", "sealed", 412);
    set_figure(&f, "returns", "exempt", 0);
    assert_int_equal(make(&f, &error), STATUS_OK);
    assert_non_null(strstr(find(&f.record, "returns")->detail, "No function is left out"));
    tear_down(&f);
}

static void many_reasons_and_long_names_stay_short(void **state) {
    (void)state;
    struct fixture f;
    struct error error;
    set_up(&f, "boot");
    json_t *unsealed = rows_of(&f, "returns", "unsealed");
    add_row(unsealed,
            "_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE10_M_replaceEjjPKcjüü_ended_here",
            9, "it is long");
    for (int i = 0; i < 7; i++) {
        char reason[16];
        snprintf(reason, sizeof reason, "reason %d", i);
        add_row(unsealed, "short", 1, reason);
    }
    assert_int_equal(make(&f, &error), STATUS_OK);
    const char *detail = find(&f.record, "returns")->detail;
    assert_non_null(strstr(detail, "(_ZNSt7__cxx1112basic_str…_ended_here)"));
    assert_non_null(strstr(detail, "reason 4"));
    assert_null(strstr(detail, "reason 5"));
    assert_non_null(strstr(detail, "; 2 for other reasons."));
    tear_down(&f);
}

static void calls_that_are_not_checked_are_told(void **state) {
    (void)state;
    struct fixture f;
    struct error error;
    set_up(&f, "boot");
    json_t *unchecked = rows_of(&f, "calls", "unchecked");
    add_row(unchecked, NULL, 1, "it goes through sp, lr or pc");
    assert_int_equal(make(&f, &error), STATUS_OK);
    const char *detail = find(&f.record, "calls")->detail;
    assert_ptr_equal(strstr(detail, "In these places a call through a pointer reaches only"),
                     detail);
    assert_non_null(strstr(detail, " Not checked: 1 because it goes through sp, lr or pc."));
    set_figure(&f, "calls", "checked", 0);
    assert_int_equal(make(&f, &error), STATUS_OK);
    const struct record_claim *calls = find(&f.record, "calls");
    assert_string_equal(calls->sentence, "No indirect call is checked: 0 of 38 places.");
    assert_null(strstr(calls->detail, "reaches only"));
    assert_null(strstr(page_of(&f.arena, &f.record), "reaches only"));
    set_figure(&f, "returns", "sealed", 0);
    assert_int_equal(make(&f, &error), STATUS_OK);
    assert_string_equal(find(&f.record, "returns")->sentence,
                        "No return address is sealed: 0 of 412 places.");
    assert_null(strstr(find(&f.record, "returns")->detail, "seals"));
    set_figure(&f, "calls", "sites", 0);
    assert_int_equal(make(&f, &error), STATUS_OK);
    assert_string_equal(find(&f.record, "calls")->sentence, "There is no indirect call to check.");
    assert_null(strstr(find(&f.record, "calls")->detail, "reaches only"));
    tear_down(&f);
}

static void digests_are_short_and_end_no_sentence(void **state) {
    (void)state;
    struct fixture f;
    struct error error;
    set_up(&f, "boot");
    assert_int_equal(make(&f, &error), STATUS_OK);
    const char *page = page_of(&f.arena, &f.record);
    assert_null(strstr(page, "…."));
    assert_null(strstr(page, SAMPLE_DIGEST));
    assert_non_null(strstr(page, "statements/hardening.json</code> <code>9f86d081884c7d65</code>"));
    assert_non_null(strstr(page, "whose SHA-256 begins 9f86d081884c7d65."));
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
        cmocka_unit_test(ram_that_executes_stands_in_the_headline),
        cmocka_unit_test(a_protection_that_is_absent_has_its_row),
        cmocka_unit_test(functions_left_unsealed_are_named_by_reason),
        cmocka_unit_test(many_reasons_and_long_names_stay_short),
        cmocka_unit_test(calls_that_are_not_checked_are_told),
        cmocka_unit_test(digests_are_short_and_end_no_sentence),
        cmocka_unit_test(without_a_passed_test_there_is_no_claim_of_one),
        cmocka_unit_test(a_missing_figure_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
