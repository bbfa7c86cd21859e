/* record.json is read back as it was written, and no other bytes are a record: what one
 * bit away is read at all, is another record with exactly those bytes. */
#include "tests/label/support.h"

static void bytes_of(const struct record *record, struct buffer *out) {
    struct error error;
    buffer_init(out, RECORD_MAXIMUM_BYTES);
    if (record_write(record, out, &error) != STATUS_OK) fail_msg("%s", error.message);
    assert_false(out->failed);
}

static void what_was_written_is_read(void **state) {
    (void)state;
    struct arena arena = {0};
    struct record record = right_record(&arena), again;
    struct buffer bytes, second;
    struct error error;
    bytes_of(&record, &bytes);
    if (record_read(&arena, buffer_span(&bytes), &again, &error) != STATUS_OK) {
        fail_msg("%s", error.message);
    }
    assert_string_equal(again.product.name, "Hallway Thermostat");
    assert_int_equal(again.claims_count, record.claims_count);
    assert_int_equal(again.claims[1].n, 37);
    assert_int_equal(again.claims[1].of, 38);
    assert_string_equal(again.fields.password_how, "Console, command password");
    bytes_of(&again, &second);
    assert_int_equal(bytes.size_bytes, second.size_bytes);
    assert_memory_equal(bytes.data, second.data, bytes.size_bytes);
    buffer_free(&bytes);
    buffer_free(&second);
    arena_free(&arena);
}

static void a_flipped_bit_is_refused_or_another_record(void **state) {
    (void)state;
    struct arena arena = {0};
    struct record record = right_record(&arena);
    struct buffer bytes;
    struct error error;
    unsigned refused = 0;
    bytes_of(&record, &bytes);
    for (size_t i = 0; i < bytes.size_bytes * 8; i += 7) {
        struct arena inner = {0};
        struct record found;
        bytes.data[i / 8] ^= (uint8_t)(1u << i % 8);
        if (record_read(&inner, buffer_span(&bytes), &found, &error) == STATUS_OK) {
            struct buffer again;
            bytes_of(&found, &again);
            assert_int_equal(again.size_bytes, bytes.size_bytes);
            assert_memory_equal(again.data, bytes.data, bytes.size_bytes);
            buffer_free(&again);
        } else {
            refused++;
        }
        bytes.data[i / 8] ^= (uint8_t)(1u << i % 8);
        arena_free(&inner);
    }
    /* A top bit makes UTF-8 that is none, and every 8th of these is one. */
    assert_true(refused >= bytes.size_bytes / 7);
    buffer_free(&bytes);
    arena_free(&arena);
}

static void members_that_no_record_has_are_refused(void **state) {
    (void)state;
    struct arena arena = {0};
    struct record record = right_record(&arena), found;
    struct buffer bytes;
    struct error error;
    bytes_of(&record, &bytes);
    char *text = (char *)bytes.data;
    char *place = strstr(text, "\"schema\"");
    assert_non_null(place);
    const char *more =
        arena_format(&arena, "%.*s\"safe\":true,%s", (int)(place - text), text, place);
    struct span span = {(const uint8_t *)more, strlen(more)};
    assert_int_equal(record_read(&arena, span, &found, &error), STATUS_BAD_INPUT);
    buffer_free(&bytes);
    arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_flipped_bit_is_refused_or_another_record),
        cmocka_unit_test(members_that_no_record_has_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
