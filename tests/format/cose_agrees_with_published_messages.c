/* COSE_Sign1 messages of RFC 9052 and of the COSE working group's examples, verified over BearSSL;
 * and what a header may hold. */
#include "support.h"

/* The key "11" of RFC 9052, appendix C.7. */
static const char *const key_11 =
    "bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff"
    "20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e";

#define CONTENT "546869732069732074686520636f6e74656e742e"

/* Appendix C.2.1. */
#define RFC_SIGNATURE                                                  \
    "58408eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0" \
    "117e2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345ca" \
    "cb36"
#define RFC_MESSAGE "d28443a10126a10442313154" CONTENT RFC_SIGNATURE

/* sign-fail-02: the content was changed ("ChangeTag"). */
#define CHANGED_MESSAGE                                                                   \
    "d28443a10126a10442313154546869732069732074686520636f6e74656e742f"                    \
    "5840eae868ecc176883766c5dc5ba5b8dca25dab3c2e56a551ce5705b793914348e19f43d6c6ba65447" \
    "2da301b645b293c9ba939295b97c4bdb847782bff384c5794"

static bool holds(const struct pm_cose_sign1 *message, struct pm_bytes payload) {
    uint8_t point[PM_POINT_BYTES], digest[PM_SHA256_BYTES];
    assert_int_equal(unhex(key_11, point, sizeof point), sizeof point);
    assert_true(pm_cose_sign1_digest(&digest_sha256, message->protected_header, payload, digest));
    return pm_es256_verify(point, digest, message->signature);
}

static void the_example_of_the_rfc_holds(void **state) {
    (void)state;
    uint8_t bytes[256];
    struct pm_cose_sign1 message;
    size_t size_bytes = unhex(RFC_MESSAGE, bytes, sizeof bytes);
    assert_true(pm_cose_sign1_read((struct pm_bytes){bytes, size_bytes}, &message));
    assert_false(message.detached);
    assert_int_equal(message.key_id.size_bytes, 2);
    assert_memory_equal(message.key_id.data, "11", 2);
    assert_int_equal(message.payload.size_bytes, 20);
    assert_memory_equal(message.payload.data, "This is the content.", 20);
    assert_true(holds(&message, message.payload));
    assert_false(holds(&message, (struct pm_bytes){message.payload.data, 19}));
}

static void the_example_of_a_detached_payload_holds(void **state) {
    (void)state;
    uint8_t bytes[256];
    struct pm_cose_sign1 message;
    size_t size_bytes = unhex("d28443a10126a104423131f6" RFC_SIGNATURE, bytes, sizeof bytes);
    assert_true(pm_cose_sign1_read((struct pm_bytes){bytes, size_bytes}, &message));
    assert_true(message.detached);
    assert_true(holds(&message, (struct pm_bytes){(const uint8_t *)"This is the content.", 20}));
}

static void the_changed_example_does_not_hold(void **state) {
    (void)state;
    uint8_t bytes[256];
    struct pm_cose_sign1 message;
    size_t size_bytes = unhex(CHANGED_MESSAGE, bytes, sizeof bytes);
    assert_true(pm_cose_sign1_read((struct pm_bytes){bytes, size_bytes}, &message));
    assert_false(holds(&message, message.payload));
    bytes[31] = 0x2e; /* as it was signed */
    assert_true(holds(&message, message.payload));
}

static void other_forms_are_refused(void **state) {
    (void)state;
    static const char *const refused[] = {
        "8443a10126a10442313154" CONTENT RFC_SIGNATURE,       /* no tag */
        "d18443a10126a10442313154" CONTENT RFC_SIGNATURE,     /* another tag */
        "d28343a10126a10442313154" CONTENT,                   /* no signature */
        "d28440a10442313154" CONTENT RFC_SIGNATURE,           /* no algorithm: empty, */
        "d28441a0a2012604423131 54" CONTENT RFC_SIGNATURE,    /* or not protected (sign-pass-01) */
        "d28444a1013823a10442313154" CONTENT RFC_SIGNATURE,   /* ES384 */
        "d28445a201260300a10442313154" CONTENT RFC_SIGNATURE, /* content type (ecdsa-sig-01) */
        "d28446a20126028104a10442313154" CONTENT RFC_SIGNATURE,   /* crit */
        "d28447a2012604423131a10442313154" CONTENT RFC_SIGNATURE, /* key id in both */
        "d28443a10126a1044054" CONTENT RFC_SIGNATURE,             /* empty key id */
        "d28443a10126a104613154" CONTENT RFC_SIGNATURE,           /* key id that is text */
        "d28443a10126a10342313154" CONTENT RFC_SIGNATURE,         /* another parameter */
        "d28443a10126a10442313174" CONTENT RFC_SIGNATURE,         /* payload that is text */
        "d28443a10126a104423131f5" RFC_SIGNATURE,                 /* or true */
        "d28443a10126a10442313154" CONTENT "4100",                /* a short signature */
    };
    uint8_t bytes[256];
    struct pm_cose_sign1 message;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        size_t size_bytes = unhex(refused[i], bytes, sizeof bytes);
        if (pm_cose_sign1_read((struct pm_bytes){bytes, size_bytes}, &message))
            fail_msg("%s", refused[i]);
    }
    static const char *const accepted[] = {
        "d28443a10126a054" CONTENT RFC_SIGNATURE,         /* no key id */
        "d28447a2012604423131a054" CONTENT RFC_SIGNATURE, /* a protected one */
        "d28443a10126a10442313140" RFC_SIGNATURE,         /* an empty payload */
    };
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        size_t size_bytes = unhex(accepted[i], bytes, sizeof bytes);
        assert_true(pm_cose_sign1_read((struct pm_bytes){bytes, size_bytes}, &message));
        assert_false(message.detached);
    }
}

static bool cannot_hash(void *context, const struct pm_bytes *parts, size_t count,
                        uint8_t out[PM_SHA256_BYTES]) {
    (void)context, (void)parts, (void)count, (void)out;
    return false;
}

static void no_hash_is_no_digest(void **state) {
    (void)state;
    const struct pm_sha256 broken = {.hash = cannot_hash};
    uint8_t digest[PM_SHA256_BYTES];
    struct pm_bytes some = {(const uint8_t *)"x", 1};
    assert_false(pm_cose_sign1_digest(&broken, some, some, digest));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_rfc_holds),
        cmocka_unit_test(the_example_of_a_detached_payload_holds),
        cmocka_unit_test(the_changed_example_does_not_hold),
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(no_hash_is_no_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
