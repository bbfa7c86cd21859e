/* What `init` writes is well-formed: ship refuses it at the first value still to be filled
 * in, and takes it once they are. */
#include "tests/product/support.h"

static const char *written_for(struct arena *arena, const char *name, const char *stack_limit,
                               uint32_t stack_hint) {
    static const struct product_range flash[] = {{".text\nharden: {}", 0, 4096}};
    static const struct product_range ram[] = {{".data", 0x20000000, 64}};
    static const char *const candidates[] = {"random_seed", "trng_read"};
    static const char *const notes[] = {"no relocations: link with -Wl,--emit-relocs"};
    struct product_facts facts = {
        .firmware_file = "build/a \"b\".elf",
        .name = name,
        .entry = 0x1c1,
        .flash = flash,
        .flash_count = 1,
        .ram = ram,
        .ram_count = 1,
        .key_functions = candidates,
        .key_functions_count = 2,
        .stack_limit = stack_limit,
        .stack_hint = stack_hint,
        .stack_hint_from = "_estack less _Min_Stack_Size",
        .notes = notes,
        .notes_count = 1,
        .today = {2026, 11, 22},
    };
    struct buffer text;
    buffer_init(&text, 1 << 16);
    product_write(&text, &facts);
    assert_false(text.failed);
    const char *out = arena_string(arena, (const char *)text.data, text.size_bytes);
    buffer_free(&text);
    return out;
}

static const char *written(struct arena *arena, const char *name) {
    return written_for(arena, name, "__StackLimit", 0);
}

static const char *filled(struct arena *arena, const char *text) {
    static const char *const values[][2] = {
        {"FILL in the model's name or number", "M-1"},
        {"FILL in who makes it", "Maker"},
        {"FILL in https://...", "https://maker.example"},
        {"FILL in the last month with security fixes, such as 2031-12", "2031-12"},
        {"FILL in https://...", "https://l.example"},
        {"FILL in where holes are reported, a URL or an e-mail address", "a@maker.example"},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const char *place = strstr(text, values[i][0]);
        assert_non_null(place);
        text = arena_format(arena, "%.*s%s%s", (int)(place - text), text, values[i][1],
                            place + strlen(values[i][0]));
    }
    return text;
}

static void refused_at_the_first_gap(void **state) {
    (void)state;
    struct arena arena = {0};
    struct product product;
    struct error error;
    assert_int_equal(read_text(&arena, written(&arena, "thermostat"), &product, &error),
                     STATUS_BAD_INPUT);
    assert_non_null(strstr(error.message, "product.model is still to be filled in"));
    assert_non_null(strstr(error.message, "so are lines ")); /* all of them, at once */
    unsigned commas = 0;
    for (const char *c = strstr(error.message, "so are lines "); *c; c++)
        commas += *c == ',';
    assert_int_equal(commas, 3); /* five values more: four before the last two's "and" */
    arena_free(&arena);
}

static void taken_once_filled_in(void **state) {
    (void)state;
    static const char *const names[] = {"thermostat", "a\"b\\c", "x: y # z",
                                        "- [",        "\x01\ny", "FILLMORE thermostat"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct arena arena = {0};
        struct product product;
        struct error error;
        const char *text = filled(&arena, written(&arena, names[i]));
        enum status status = read_text(&arena, text, &product, &error);
        if (i != 3 && status != STATUS_OK) fail_msg("%s: %s", names[i], error.message);
        if (i == 3) { /* no letter to make a folder's name of: product.id is asked for */
            assert_int_equal(status, STATUS_BAD_INPUT);
        } else {
            assert_string_equal(product.firmware.file, "build/a \"b\".elf");
            assert_string_equal(product.harden.stack_limit, "__StackLimit");
            assert_int_equal(product.support.ends.year, 2031);
        }
        arena_free(&arena);
    }
}

/* A proposal only: it says nothing until the maker takes the mark of a comment away. */
static void proposes_where_the_stack_ends(void **state) {
    (void)state;
    static const char mark[] = "  # stack_limit: 0x2001fc00";
    struct arena arena = {0};
    struct product product;
    struct error error;
    const char *text = filled(&arena, written_for(&arena, "thermostat", NULL, 0x2001fc00));
    const char *place = strstr(text, mark);
    assert_non_null(place);
    assert_int_equal(read_text(&arena, text, &product, &error), STATUS_OK);
    assert_null(product.harden.stack_limit);
    text = arena_format(&arena, "%.*s  %s", (int)(place - text), text, place + 4);
    assert_int_equal(read_text(&arena, text, &product, &error), STATUS_OK);
    assert_string_equal(product.harden.stack_limit, "0x2001fc00");
    arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_at_the_first_gap),
        cmocka_unit_test(taken_once_filled_in),
        cmocka_unit_test(proposes_where_the_stack_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
