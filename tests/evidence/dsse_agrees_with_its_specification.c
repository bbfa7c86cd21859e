/* DSSE: the pre-authentication encoding of the specification's example, and envelopes
 * that other writers might make for the same payload refused. */
#include "tests/evidence/support.h"

/* https://github.com/secure-systems-lab/dsse/blob/master/protocol.md */
static void pae_of_the_specification(void **state) {
    (void)state;
    struct error error;
    struct buffer out;
    buffer_init(&out, 256);
    assert_ok(dsse_pae("http://example.com/HelloWorld", span_of("hello world"), &out, &error));
    assert_string_equal((char *)out.data, "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    buffer_free(&out);
}

static void empty_and_binary_payloads_come_back(void **state) {
    (void)state;
    static const uint8_t binary[] = {0, 1, 255, '"', '\\', '\n', 0};
    const struct span payloads[] = {{NULL, 0}, {binary, 1}, {binary, sizeof binary}};
    struct private_key key = test_key(3);
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        struct error error;
        struct arena arena = {0};
        struct buffer text;
        struct dsse_envelope envelope;
        buffer_init(&text, DSSE_MAXIMUM_BYTES);
        assert_ok(dsse_sign(&key, "application/x", payloads[i], &text, &error));
        assert_ok(dsse_read(&arena, buffer_span(&text), &envelope, &error));
        assert_ok(dsse_verify(&envelope, &key.public_half, &error));
        assert_string_equal(envelope.payload_type, "application/x");
        assert_int_equal(envelope.payload.size_bytes, payloads[i].size_bytes);
        if (payloads[i].size_bytes) {
            assert_memory_equal(envelope.payload.data, payloads[i].data, payloads[i].size_bytes);
        }
        buffer_free(&text);
        arena_free(&arena);
    }
}

/* The signature is judged by dsse_verify() alone, so each part it covers is changed here,
 * where no log and no digest would notice. */
static void what_the_signature_covers_cannot_change(void **state) {
    (void)state;
    struct error error;
    struct arena arena = {0};
    struct buffer text;
    struct dsse_envelope good, bad;
    struct private_key key = test_key(3), other = test_key(8);
    buffer_init(&text, DSSE_MAXIMUM_BYTES);
    assert_ok(dsse_sign(&key, "application/x", span_of("payload"), &text, &error));
    assert_ok(dsse_read(&arena, buffer_span(&text), &good, &error));
    for (size_t bit = 0; bit < KEY_SIGNATURE_BYTES * 8; bit++) {
        bad = good;
        bad.signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_refused(dsse_verify(&bad, &key.public_half, &error), "does not hold");
    }
    bad = good;
    bad.payload = span_of("payloae");
    assert_refused(dsse_verify(&bad, &key.public_half, &error), "does not hold");
    bad.payload.size_bytes = 0;
    assert_refused(dsse_verify(&bad, &key.public_half, &error), "does not hold");
    bad = good;
    bad.payload_type = "application/y";
    assert_refused(dsse_verify(&bad, &key.public_half, &error), "does not hold");
    /* another key under the maker's id */
    bad = good;
    memcpy(other.public_half.id, key.public_half.id, DIGEST_BYTES);
    assert_refused(dsse_verify(&bad, &other.public_half, &error), "does not hold");
    assert_ok(dsse_verify(&good, &key.public_half, &error));
    buffer_free(&text);
    arena_free(&arena);
}

#define ID "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SIG \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
#define SIGNATURES "\"signatures\":[{\"keyid\":\"" ID "\",\"sig\":\"" SIG "\"}]"

static void other_forms_are_refused(void **state) {
    (void)state;
    static const char *const refused[] = {
        "",
        "{}",
        "[]",
        /* the specification's own example: white space, no key id, ECDSA */
        "{\"payload\": \"aGVsbG8gd29ybGQ=\",\n \"payloadType\": "
        "\"http://example.com/HelloWorld\",\n"
        " \"signatures\": [{\"sig\": "
        "\"A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiH"
        "qJPcIAriEGAHTVeCUjW2JIZA==\"}]}",
        "{\"payloadType\":\"t\",\"payload\":\"\"," SIGNATURES "}",
        "{\"payload\":\"\",\"payloadType\":\"t\"," SIGNATURES "}\n",
        "{\"payload\":\"\",\"payloadType\":\"t\"," SIGNATURES ",\"more\":1}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"payloadType\":\"t\"," SIGNATURES "}",
        "{\"payload\":\"\",\"payloadType\":\"\"," SIGNATURES "}",
        "{\"payload\":\"\",\"payloadType\":\"a b\"," SIGNATURES "}",
        "{\"payload\":\"\",\"payloadType\":\"a\\/b\"," SIGNATURES "}",
        "{\"payload\":\"Zh==\",\"payloadType\":\"t\"," SIGNATURES "}",
        "{\"payload\":\"Zg\",\"payloadType\":\"t\"," SIGNATURES "}",
        "{\"payload\":\"_-==\",\"payloadType\":\"t\"," SIGNATURES "}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[]}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"" SIG
        "\",\"keyid\":\"" ID "\"}]}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[{\"keyid\":\"" ID
        "\",\"sig\":\"AAAA\"}]}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[{\"keyid\":\"E3\",\"sig\":\"" SIG
        "\"}]}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[{\"keyid\":\"" ID
        "\",\"sig\":\"" SIG "\"},{\"keyid\":\"" ID "\",\"sig\":\"" SIG "\"}]}",
    };
    struct error error;
    struct arena arena = {0};
    struct dsse_envelope envelope;
    assert_ok(dsse_read(&arena, span_of("{\"payload\":\"\",\"payloadType\":\"t\"," SIGNATURES "}"),
                        &envelope, &error));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (dsse_read(&arena, span_of(refused[i]), &envelope, &error) != STATUS_BAD_INPUT) {
            fail_msg("accepted: %s", refused[i]);
        }
    }
    arena_free(&arena);
}

static void payload_types_that_do_not_fit_are_not_signed(void **state) {
    (void)state;
    struct error error;
    struct private_key key = test_key(3);
    struct buffer out;
    char longest[122];
    memset(longest, 'a', 121);
    longest[121] = '\0';
    buffer_init(&out, 4096);
    assert_refused(dsse_sign(&key, "", span_of("x"), &out, &error), "payload type");
    assert_refused(dsse_sign(&key, "a\"b", span_of("x"), &out, &error), "payload type");
    assert_refused(dsse_sign(&key, longest, span_of("x"), &out, &error), "payload type");
    longest[120] = '\0';
    assert_ok(dsse_sign(&key, longest, span_of("x"), &out, &error));
    buffer_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pae_of_the_specification),
        cmocka_unit_test(empty_and_binary_payloads_come_back),
        cmocka_unit_test(what_the_signature_covers_cannot_change),
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(payload_types_that_do_not_fit_are_not_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
