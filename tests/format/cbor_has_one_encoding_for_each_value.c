/* The examples of RFC 8949: what is in the deterministic subset is read and written back to the
 * same bytes, what is not is refused. */
#include "support.h"

/* Appendix A, in its order. Floating point numbers, undefined, other simple values and indefinite
 * lengths are not in the subset. */
static const struct {
    const char *hex;
    bool accepted;
} examples[] = {
    {"00", true},
    {"01", true},
    {"0a", true},
    {"17", true},
    {"1818", true},
    {"1819", true},
    {"1864", true},
    {"1903e8", true},
    {"1a000f4240", true},
    {"1b000000e8d4a51000", true},
    {"1bffffffffffffffff", true},
    {"c249010000000000000000", true},
    {"3bffffffffffffffff", true},
    {"c349010000000000000000", true},
    {"20", true},
    {"29", true},
    {"3863", true},
    {"3903e7", true},
    {"f90000", false},
    {"f98000", false},
    {"f93c00", false},
    {"fb3ff199999999999a", false},
    {"f93e00", false},
    {"f97bff", false},
    {"fa47c35000", false},
    {"fa7f7fffff", false},
    {"fb7e37e43c8800759c", false},
    {"f90001", false},
    {"f90400", false},
    {"f9c400", false},
    {"fbc010666666666666", false},
    {"f97c00", false},
    {"f97e00", false},
    {"f9fc00", false},
    {"fa7f800000", false},
    {"fa7fc00000", false},
    {"faff800000", false},
    {"fb7ff0000000000000", false},
    {"fb7ff8000000000000", false},
    {"fbfff0000000000000", false},
    {"f4", true},
    {"f5", true},
    {"f6", true},
    {"f7", false},
    {"f0", false},
    {"f818", false},
    {"f8ff", false},
    {"c074323031332d30332d32315432303a30343a30305a", true},
    {"c11a514b67b0", true},
    {"c1fb41d452d9ec200000", false},
    {"d74401020304", true},
    {"d818456449455446", true},
    {"d82076687474703a2f2f7777772e6578616d706c652e636f6d", true},
    {"40", true},
    {"4401020304", true},
    {"60", true},
    {"6161", true},
    {"6449455446", true},
    {"62225c", true},
    {"62c3bc", true},
    {"63e6b0b4", true},
    {"64f0908591", true},
    {"80", true},
    {"83010203", true},
    {"8301820203820405", true},
    {"98190102030405060708090a0b0c0d0e0f101112131415161718181819", true},
    {"a0", true},
    {"a201020304", true},
    {"a26161016162820203", true},
    {"826161a161626163", true},
    {"a56161614161626142616361436164614461656145", true},
    {"5f42010243030405ff", false},
    {"7f657374726561646d696e67ff", false},
    {"9fff", false},
    {"9f018202039f0405ffff", false},
    {"9f01820203820405ff", false},
    {"83018202039f0405ff", false},
    {"83019f0203ff820405", false},
    {"9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff", false},
    {"bf61610161629f0203ffff", false},
    {"826161bf61626163ff", false},
    {"bf6346756ef563416d7421ff", false},
};

/* Not well-formed (appendix F), not deterministic (section 4.2.1), or beyond our subset. */
static const char *const refused[] = {
    "",
    "18",
    "19",
    "1a",
    "1b",
    "1901",
    "1a0102",
    "1b01020304050607",
    "38",
    "58",
    "78",
    "98",
    "9a01ff00",
    "b8",
    "d8",
    "f8",
    "41",
    "61",
    "5affffffff00",
    "5bffffffffffffffff010203",
    "7affffffff00",
    "7b7fffffffffffffff010203",
    "81",
    "818181818181818181",
    "8200",
    "a1",
    "a20102",
    "a100",
    "a2000000",
    "c0",
    "9bffffffffffffffff",
    "9b800000000000000000",
    "bb8000000000000000",
    "1c",
    "1d",
    "1e",
    "3c",
    "5c",
    "7e",
    "9c",
    "bd",
    "dc",
    "fc",
    "ff",
    "1f",
    "3f",
    "df",
    "5f",
    "7f00",
    /* longer heads than need be */
    "1800",
    "1817",
    "190000",
    "1900ff",
    "1a00000000",
    "1a0000ffff",
    "1b0000000000000000",
    "1b00000000ffffffff",
    "3817",
    "5800",
    "581700",
    "5900ff",
    "7803616263",
    "9800",
    "b800",
    "d81000",
    "f814",
    "f815",
    /* something behind the item */
    "0000",
    "8000",
    "f6f6",
    /* keys: out of order, twice, and of a kind that is not ours */
    "a202000100",
    "a201000100",
    "a2200001 00",
    "a26162006161 00",
    "a2616100 6161 00",
    "a2420000 00 4100 00",
    "a1f500",
    "a18000",
    "a1a000",
    "a1c00000",
    /* nesting: eight levels hold, nine do not */
    "81818181818181818100",
    "c0c0c0c0c0c0c0c0c000",
    "a100a100a100a100a100a100a100a100a10000",
};

static struct pm_bytes exactly(const char *hex) {
    uint8_t bytes[256];
    size_t size_bytes = unhex(hex, bytes, sizeof bytes);
    uint8_t *copy = malloc(size_bytes ? size_bytes : 1);
    memcpy(copy, bytes, size_bytes);
    return (struct pm_bytes){copy, size_bytes};
}

/* Takes one item with the typed functions and writes it again. */
static void copy_item(struct pm_cbor *in, struct pm_cbor_writer *out) {
    enum pm_cbor_major major = pm_cbor_peek(in);
    if (major == PM_CBOR_BYTES) {
        struct pm_bytes bytes;
        pm_cbor_take_bytes(in, &bytes);
        pm_cbor_put_bytes(out, bytes.data, bytes.size_bytes);
    } else if (major == PM_CBOR_TEXT) {
        const uint8_t *start = in->at;
        pm_cbor_skip(in);
        pm_cbor_put_raw(out, start, (size_t)(in->at - start));
    } else {
        uint64_t value = pm_cbor_take(in, major), items = 0;
        pm_cbor_put(out, major, value);
        if (major == PM_CBOR_ARRAY) items = value;
        if (major == PM_CBOR_MAP) items = 2 * value;
        if (major == PM_CBOR_TAG) items = 1;
        for (; items > 0; items--)
            copy_item(in, out);
    }
}

static void examples_are_read_and_written_back(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        struct pm_bytes bytes = exactly(examples[i].hex);
        struct pm_cbor in;
        uint8_t again[256];
        struct pm_cbor_writer out = {.out = again, .capacity_bytes = sizeof again};
        pm_cbor_open(&in, bytes);
        if (in.failed == examples[i].accepted) fail_msg("%s", examples[i].hex);
        if (examples[i].accepted) {
            copy_item(&in, &out);
            assert_true(pm_cbor_done(&in) && !out.failed);
            assert_int_equal(out.size_bytes, bytes.size_bytes);
            assert_memory_equal(again, bytes.data, bytes.size_bytes);
        } else {
            assert_true(in.at == in.end && !pm_cbor_done(&in));
        }
        free((void *)(uintptr_t)bytes.data);
    }
}

static void all_else_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct pm_bytes bytes = exactly(refused[i]);
        struct pm_cbor in;
        pm_cbor_open(&in, bytes);
        if (!in.failed) fail_msg("accepted: %s", refused[i]);
        free((void *)(uintptr_t)bytes.data);
    }
    struct pm_bytes deepest = exactly("818181818181818100");
    struct pm_cbor in;
    pm_cbor_open(&in, deepest);
    assert_false(in.failed);
    free((void *)(uintptr_t)deepest.data);
}

/* Every input of up to three bytes: what is accepted is the one encoding of its value. */
static void short_inputs_have_one_form(void **state) {
    (void)state;
    size_t accepted = 0;
    for (uint32_t size_bytes = 1; size_bytes <= 3; size_bytes++) {
        for (uint32_t value = 0; value < 1u << 8 * size_bytes; value++) {
            uint8_t bytes[3] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16)},
                    again[8];
            struct pm_cbor in;
            struct pm_cbor_writer out = {.out = again, .capacity_bytes = sizeof again};
            pm_cbor_open(&in, (struct pm_bytes){bytes, size_bytes});
            if (in.failed) continue;
            accepted++;
            copy_item(&in, &out);
            assert_true(pm_cbor_done(&in));
            assert_int_equal(out.size_bytes, size_bytes);
            assert_memory_equal(again, bytes, size_bytes);
        }
    }
    assert_true(accepted > 100000);
}

static void what_was_not_asked_for_fails_for_good(void **state) {
    (void)state;
    struct pm_bytes bytes = exactly("870102410361611a80000000 f5 3a80000000");
    struct pm_cbor in;
    pm_cbor_open(&in, bytes);
    assert_int_equal(pm_cbor_take(&in, PM_CBOR_ARRAY), 7);
    assert_int_equal(pm_cbor_take_int(&in), 1);
    assert_int_equal(pm_cbor_take_u32(&in, PM_CBOR_UINT, 2), 2);
    struct pm_cbor at = in;
    assert_null(pm_cbor_take_exactly(&at, 2));
    assert_true(at.failed && pm_cbor_peek(&at) == PM_CBOR_END);
    assert_int_equal(pm_cbor_take(&at, PM_CBOR_UINT), 0);
    struct pm_bytes path;
    pm_cbor_take_path(&at, &path);
    assert_int_equal(path.size_bytes, 0);
    pm_cbor_skip(&at);
    assert_true(at.at == at.end);
    assert_false(pm_cbor_done(&at));
    assert_non_null(pm_cbor_take_exactly(&in, 1));
    pm_cbor_take_path(&in, &path);
    assert_int_equal(path.size_bytes, 1);
    at = in; /* 2^31: a number, but no int */
    assert_int_equal(pm_cbor_take_int(&at), 0);
    assert_true(at.failed);
    at = in;
    assert_int_equal(pm_cbor_take_u32(&at, PM_CBOR_UINT, INT32_MAX), 0);
    assert_true(at.failed);
    assert_int_equal(pm_cbor_take_u32(&in, PM_CBOR_UINT, UINT32_MAX), 0x80000000);
    at = in;
    assert_int_equal(pm_cbor_take(&at, PM_CBOR_UINT), 0);
    assert_true(at.failed);
    assert_int_equal(pm_cbor_take(&in, PM_CBOR_SIMPLE), PM_CBOR_TRUE);
    assert_int_equal(pm_cbor_take_int(&in), 0);
    assert_true(in.failed);
    free((void *)(uintptr_t)bytes.data);
}

static void writing_beyond_the_end_is_told(void **state) {
    (void)state;
    uint8_t memory[4] = {0xee, 0xee, 0xee, 0xee};
    struct pm_cbor_writer out = {.out = memory, .capacity_bytes = 3};
    pm_cbor_put_text(&out, "ab");
    assert_false(out.failed);
    pm_cbor_put_int(&out, -1);
    assert_true(out.failed);
    assert_int_equal(out.size_bytes, 4);
    assert_int_equal(memory[3], 0xee);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_are_read_and_written_back),
        cmocka_unit_test(all_else_is_refused),
        cmocka_unit_test(short_inputs_have_one_form),
        cmocka_unit_test(what_was_not_asked_for_fails_for_good),
        cmocka_unit_test(writing_beyond_the_end_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
