/* Each fault in a product.yaml gives one sentence with the file, the line, the key and
 * what is expected. */
#include "tests/product/support.h"

struct fault {
    const char *old, *new; /* in the right text */
    const char *message;   /* all of it, or its beginning when it ends in "..." */
};

#define EIGHT "a, a, a, a, a, a, a, a, "

static const struct fault faults[] = {
    {"  model: HT-1\n", "",
     "shop/product.yaml:1: product.model is missing; expected the model's name or number"},
    {"  model: HT-1\n", "  modell: HT-1\n",
     "shop/product.yaml:3: product.modell: unknown key; expected one of name, model, version, id, "
     "description"},
    {"  model: HT-1\n", "  model: the longest of all names that a model ever had\n",
     "shop/product.yaml:3: product.model: is 46 bytes long; expected at most 40"},
    {"harden:\n", "hardening:\n",
     "shop/product.yaml:10: hardening: unknown key; expected one of product, manufacturer, ..."},
    {"  ends: 2031-12\n", "  ends: 2026-10\n",
     "shop/product.yaml:19: support.ends: 2026-10 is in the past; expected a month from 2026-11 "
     "on"},
    {"  ends: 2031-12\n", "  ends: 2031-13\n",
     "shop/product.yaml:19: support.ends: '2031-13' is not the last month with security fixes, "
     "YYYY-MM"},
    {"  ends: 2031-12\n", "  ends: FILL in the month\n",
     "shop/product.yaml:19: support.ends is still to be filled in; expected the last month with "
     "security fixes, YYYY-MM"},
    {"  contact: security@works.example\n", "  contact: FILL in\n  policy: FILL in\n",
     "shop/product.yaml:23: reports.contact is still to be filled in; expected a URL (https://...) "
     "or an e-mail address; so is line 24"},
    {"  model: HT-1\n  version: 1.0.0\n", "  model: FILL\n  version: FILL\n  id: FILL\n",
     "shop/product.yaml:3: product.model is still to be filled in; expected the model's name or "
     "number; so are lines 4 and 5"},
    {"  profile: exploit\n", "  profile: fast\n",
     "shop/product.yaml:11: harden.profile: 'fast' is not exploit or null"},
    {"  profile: exploit\n", "  profile: [exploit]\n",
     "shop/product.yaml:11: harden.profile: found a list; expected exploit or null"},
    {"  profile: exploit\n", "  profile:\n",
     "shop/product.yaml:11: harden.profile has no value; expected exploit or null"},
    {"  profile: exploit\n", "  profile: exploit\n  profile: null\n",
     "shop/product.yaml:12: profile is given twice; it stands in line 11 already"},
    {"  profile: exploit\n", "  seed: 0g\n",
     "shop/product.yaml:11: harden.seed: '0g' is not 2 to 64 hex digits, an even number"},
    {"random_seed", "random seed",
     "shop/product.yaml:12: harden.key_function: 'random seed' is not the symbol of ..."},
    {"[fault_handler, dump]", "[fault_handler, {a: b}]",
     "shop/product.yaml:13: harden.exempt: found a mapping; expected a list of at most 64 "
     "symbols"},
    {"  profile: exploit\n",
     "  flash_window: [" EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT "a]\n",
     "shop/product.yaml:11: harden.flash_window: found a list; expected a list of at most 64 "
     "symbols"},
    {"start: 0x3f0000", "start: -1",
     "shop/product.yaml:15: harden.writable_flash[1].start: '-1' is not an address ..."},
    {"start: 0x3f0000", "start: 0x100000000",
     "shop/product.yaml:15: harden.writable_flash[1].start: '0x100000000' is not ..."},
    {"start: 0x3f0000", "start: 0xfffff001",
     "shop/product.yaml: harden.writable_flash[1] (settings): expected a size of at least 1 ..."},
    {"size: 4096", "length: 4096",
     "shop/product.yaml:15: harden.writable_flash[1].length: unknown key; expected one of name, "
     "start, size"},
    {"https://works.example\n", "javascript:alert(1)\n",
     "shop/product.yaml:7: manufacturer.url: 'javascript:alert(1)' is not a URL (https://...)"},
    {"security@works.example", "nobody",
     "shop/product.yaml:23: reports.contact: 'nobody' is not a URL (https://...) or an e-mail "
     "address"},
    {"version: 1.0.0", "version: ../1",
     "shop/product.yaml:4: product.version: '../1' is not the firmware's version: ..."},
    {"name: Hallway Thermostat", "name: \"\\u202Eevil\"", "shop/product.yaml:2: product.name: ..."},
    {"name: Hallway Thermostat", "name: \"two\\nlines\"", "shop/product.yaml:2: product.name: ..."},
    {"name: Hallway Thermostat", "name: \"\\u6E29\\u5EA6\"",
     "shop/product.yaml:2: product.name: no folder's name follows from it; ..."},
    {"name: Hallway Thermostat", "name: &a Hallway",
     "shop/product.yaml:2: anchors, aliases and tags are not used here; write the value"},
    {"name: Hallway Thermostat", "name: *a",
     "shop/product.yaml:2: anchors, aliases and tags are not used here; write the value"},
    {"name: Hallway Thermostat", "name: !!str Hallway",
     "shop/product.yaml:2: anchors, aliases and tags are not used here; write the value"},
    {"name: Hallway Thermostat", "name: [[[[[[[[[[1]]]]]]]]]]",
     "shop/product.yaml:2: nested deeper than 8 levels"},
    {"  name: Hallway Thermostat\n", "  name: Hallway\n\tmodel: x\n", "shop/product.yaml:3: ..."},
    {"  name: Hallway Thermostat\n", "  name: \"\\xff\\0\"\n",
     "shop/product.yaml:2: a NUL character stands in a value"},
    {"https://labels.works.example/",
     "https://labels.works.example/"
     "0123456789012345678901234567890123456789012345678901234567890123456789"
     "0123456789012345678901234567890123456789012345678901234567890123456789"
     "0123456789012345678901234567890123456789012345678901234567890123456789",
     "shop/product.yaml: the record's address ..."},
    {"contact: security@works.example\n", "contact: security@works.example\n---\na: b\n",
     "shop/product.yaml:24: a second document begins; expected one"},
};

static void each_fault_has_its_sentence(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct arena arena = {0};
        struct product product;
        struct error error;
        const char *text = changed(&arena, faults[i].old, faults[i].new);
        assert_int_equal(read_text(&arena, text, &product, &error), STATUS_BAD_INPUT);
        const char *expected = faults[i].message;
        size_t length = strlen(expected);
        bool front = strcmp(expected + length - 3, "...") == 0;
        if (front ? strncmp(error.message, expected, length - 3) != 0
                  : strcmp(error.message, expected) != 0) {
            fail_msg("got '%s', expected '%s'", error.message, expected);
        }
        arena_free(&arena);
    }
}

static void what_is_no_description_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"",  "just words", "- a\n- list\n",  "\xff\xfe",
                                        "{", "\"",         "---\n...\n---\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct arena arena = {0};
        struct product product;
        struct error error;
        assert_int_equal(read_text(&arena, texts[i], &product, &error), STATUS_BAD_INPUT);
        assert_int_equal(strncmp(error.message, "shop/product.yaml:", 18), 0);
        arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_has_its_sentence),
        cmocka_unit_test(what_is_no_description_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
