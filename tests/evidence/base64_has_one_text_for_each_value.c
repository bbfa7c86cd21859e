/* RFC 4648's vectors, and every other spelling of the same bytes refused. */
#include "tests/evidence/support.h"

#include "format/base64.h"

static void vectors_of_rfc_4648(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[16];
        uint8_t back[16];
        size_t size;
        pm_base64_encode(bytes_of(pairs[i][0]), text);
        assert_int_equal(PM_BASE64_CHARACTERS(strlen(pairs[i][0])), strlen(pairs[i][1]));
        assert_memory_equal(text, pairs[i][1], strlen(pairs[i][1]));
        assert_true(pm_base64_decode(bytes_of(pairs[i][1]), back, sizeof back, &size));
        assert_int_equal(size, strlen(pairs[i][0]));
        assert_memory_equal(back, pairs[i][0], size);
    }
}

static void other_spellings_are_refused(void **state) {
    (void)state;
    static const char *const refused[] = {
        "Zg",  "Zg=",  "Zg===", "Zm9v\n",   " Zm9v",   "Zm9v ", "Zh==", "Zm9=",
        "Zm8", "====", "Z===",  "Zg==Zg==", "Zm9vYg=", "-_-_",  "Zm=v", "Z\xc3\xa9==",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        uint8_t back[16];
        size_t size;
        assert_false(pm_base64_decode(bytes_of(refused[i]), back, sizeof back, &size));
        assert_false(pm_base64_decode(bytes_of(refused[i]), NULL, 0, &size));
    }
}

/* Of all four-character texts over a set that covers each class of character, those that
 * decode encode back to themselves. */
static void decoding_inverts_encoding(void **state) {
    (void)state;
    static const char set[] = "AQgw/+9z=-\n ";
    size_t accepted = 0, n = sizeof set - 1;
    for (size_t i = 0; i < n * n * n * n; i++) {
        char text[4] = {set[i % n], set[i / n % n], set[i / n / n % n], set[i / n / n / n]},
             again[4];
        uint8_t bytes[3];
        size_t size;
        if (!pm_base64_decode((struct pm_bytes){(uint8_t *)text, 4}, bytes, 3, &size)) continue;
        pm_base64_encode((struct pm_bytes){bytes, size}, again);
        assert_memory_equal(again, text, 4);
        accepted++;
    }
    /* 8 letters: 8^4 without padding; 8^2 * (last of 3: A Q g w / + 9 z with 2 zero bits:
     * A Q g w) with one; 8 * (4 zero bits: A Q g w) with two. */
    assert_int_equal(accepted, 8 * 8 * 8 * 8 + 8 * 8 * 4 + 8 * 4);
}

static void capacity_is_respected(void **state) {
    (void)state;
    uint8_t bytes[3] = {0xaa, 0xaa, 0xaa};
    size_t size;
    assert_false(pm_base64_decode(bytes_of("Zm9v"), bytes, 2, &size));
    assert_int_equal(bytes[0], 0xaa);
    assert_true(pm_base64_decode(bytes_of("Zm8="), bytes, 2, &size));
    assert_int_equal(bytes[2], 0xaa);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_rfc_4648),
        cmocka_unit_test(other_spellings_are_refused),
        cmocka_unit_test(decoding_inverts_encoding),
        cmocka_unit_test(capacity_is_respected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
