/* A right product.yaml gives the values that stand in it, and defaults for the rest. */
#include "tests/product/support.h"

static void values_are_read(void **state) {
    (void)state;
    struct arena arena = {0};
    struct product product;
    struct error error;
    assert_int_equal(read_text(&arena, right, &product, &error), STATUS_OK);
    assert_string_equal(product.product.name, "Hallway Thermostat");
    assert_string_equal(product.product.id, "hallway-thermostat");
    assert_string_equal(product.harden.key_function, "random_seed");
    assert_int_equal(product.harden.exempt.count, 2);
    assert_string_equal(product.harden.exempt.items[1], "dump");
    assert_int_equal(product.harden.writable_flash_count, 1);
    assert_int_equal(product.harden.writable_flash[0].start, 0x3f0000);
    assert_int_equal(product.harden.writable_flash[0].size_bytes, 4096);
    assert_int_equal(product.test.command.count, 2);
    assert_string_equal(product.test.command.items[0], "./run-tests");
    assert_int_equal(product.support.ends.year, 2031);
    assert_int_equal(product.support.ends.month, 12);
    arena_free(&arena);
}

static void pinned_functions_are_read(void **state) {
    (void)state;
    struct arena arena = {0};
    struct product product;
    struct error error;
    const char *text = changed(&arena, "  profile: exploit\n", "  pin: [checksum, boot]\n");
    assert_int_equal(read_text(&arena, text, &product, &error), STATUS_OK);
    assert_int_equal(product.harden.pin.count, 2);
    assert_string_equal(product.harden.pin.items[0], "checksum");
    arena_free(&arena);
}

static void what_is_unsaid_has_its_default(void **state) {
    (void)state;
    struct arena arena = {0};
    struct product product;
    struct error error;
    const char *text = changed(&arena, "  profile: exploit\n", "");
    assert_int_equal(read_text(&arena, text, &product, &error), STATUS_OK);
    assert_string_equal(product.harden.profile, "exploit");
    assert_string_equal(product.harden.mpu, "auto");
    assert_string_equal(product.harden.null_guard, "auto");
    assert_null(product.harden.seed);
    assert_int_equal(product.label.evidence_valid_months, 24);
    assert_int_equal(product.test.timeout_s, 600);
    assert_int_equal(product.registry.sbom, PRODUCT_UNSAID);
    arena_free(&arena);
}

static void a_command_line_is_the_shells(void **state) {
    (void)state;
    struct arena arena = {0};
    struct product product;
    struct error error;
    const char *text = changed(&arena, "[./run-tests, \"{firmware}\"]", "make test && echo good");
    assert_int_equal(read_text(&arena, text, &product, &error), STATUS_OK);
    assert_int_equal(product.test.command.count, 3);
    assert_string_equal(product.test.command.items[0], "/bin/sh");
    assert_string_equal(product.test.command.items[2], "make test && echo good");
    arena_free(&arena);
}

static void paths_are_relative_to_the_description(void **state) {
    (void)state;
    struct arena arena = {0};
    struct product product;
    struct error error;
    assert_int_equal(read_text(&arena, right, &product, &error), STATUS_OK);
    assert_string_equal(product_path(&arena, &product, product.firmware.file),
                        "shop/build/thermostat.elf");
    assert_int_equal(product.firmware.line, 9);
    assert_string_equal(product_path(&arena, &product, "/abs.elf"), "/abs.elf");
    assert_string_equal(product_record_url(&arena, &product),
                        "https://labels.works.example/hallway-thermostat/1.0.0/");
    arena_free(&arena);
}

static void every_field_of_the_rule_is_read(void **state) {
    (void)state;
    struct arena arena = {0};
    struct product product;
    struct error error;
    const char *fields =
        "registry:\n"
        "  authorised: {date: 2026-02-28, status: active}\n"
        "  administrator: {name: A Lab, contact: https://lab.example}\n"
        "  laboratory: B Lab\n"
        "  default_password: {changeable: no, how: There is none}\n"
        "  secure_configuration: https://works.example/secure\n"
        "  access_control: A key switch\n"
        "  updates: {automatic: yes, how: At night}\n"
        "  sbom: yes\n  hbom: no\n  data: None\n  report: https://lab.example/r\n"
        "schemes:\n  - {name: A Scheme, artwork: mark.png, grant: G-1}\n"
        "declared:\n  - {text: No account is needed, link: https://works.example/a}\n";
    const char *text = arena_format(&arena, "%s%s", right, fields);
    if (read_text(&arena, text, &product, &error) != STATUS_OK) fail_msg("%s", error.message);
    assert_int_equal(product.registry.authorised.date.day, 28);
    assert_string_equal(product.registry.administrator.contact, "https://lab.example");
    assert_int_equal(product.registry.default_password.changeable, PRODUCT_NO);
    assert_int_equal(product.registry.updates.automatic, PRODUCT_YES);
    assert_int_equal(product.registry.hbom, PRODUCT_NO);
    assert_int_equal(product.schemes_count, 1);
    assert_string_equal(product.schemes[0].grant, "G-1");
    assert_string_equal(product.declared[0].link, "https://works.example/a");
    arena_free(&arena);
}

/* Accents are left out and umlauts written out, as their readers do; what this does not know
 * is asked for (faults_are_named_with_file_and_line). */
static void the_folder_follows_from_the_name(void **state) {
    (void)state;
    static const char *const names[][2] = {{"Gr\\u00F6\\u00DFe", "groesse"},
                                           {"\\u00C4ther \\u2013 \\u00C9t\\u00E9", "aether-ete"},
                                           {"\\u00D8re & \\u00C5s 2\\u2122", "oere-as-2"},
                                           {"\\u00A1Ni\\u00F1o!", "nino"},
                                           {"--A  b--", "a-b"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct arena arena = {0};
        struct product product;
        struct error error;
        const char *line = arena_format(&arena, "name: \"%s\"", names[i][0]);
        const char *text = changed(&arena, "name: Hallway Thermostat", line);
        if (read_text(&arena, text, &product, &error) != STATUS_OK) fail_msg("%s", error.message);
        assert_string_equal(product.product.id, names[i][1]);
        arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(pinned_functions_are_read),
        cmocka_unit_test(what_is_unsaid_has_its_default),
        cmocka_unit_test(a_command_line_is_the_shells),
        cmocka_unit_test(paths_are_relative_to_the_description),
        cmocka_unit_test(every_field_of_the_rule_is_read),
        cmocka_unit_test(the_folder_follows_from_the_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
