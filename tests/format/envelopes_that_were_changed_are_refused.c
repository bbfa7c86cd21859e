/* Each way to lie with an envelope has its own error, and no change of a single bit is accepted. */
#include "support.h"

struct made {
    struct unit unit;
    struct buffer envelope;
};

static int make(void **state) {
    struct made *made = calloc(1, sizeof *made);
    struct suit_patch patch = test_patch();
    struct suit_release release = test_release(&patch);
    struct error error;
    assert_non_null(made);
    unit_start(&made->unit);
    made->unit.signer.context = &made->unit.key;
    made->unit.host.context = &made->unit;
    made->unit.host.vendor = made->unit.vendor;
    made->unit.host.class_id = made->unit.class_id;
    release.sever_install = true;
    buffer_init(&made->envelope, SUIT_ENVELOPE_MAXIMUM);
    assert_ok(suit_write_envelope(&release, &made->unit.signer, &made->envelope, &error));
    *state = made;
    return 0;
}

static int unmake(void **state) {
    struct made *made = *state;
    unit_end(&made->unit);
    buffer_free(&made->envelope);
    free(made);
    return 0;
}

static enum pm_update_error open_bytes(struct made *made, const uint8_t *data, size_t size_bytes) {
    struct pm_suit_manifest manifest;
    return pm_suit_open(&made->unit.host, (struct pm_bytes){data, size_bytes}, 5, &manifest);
}

static void the_unchanged_one_is_accepted(void **state) {
    struct made *made = *state;
    assert_int_equal(open_bytes(made, made->envelope.data, made->envelope.size_bytes),
                     PM_ERROR_NONE);
}

/* On the heap at its exact size, so that a read beyond its end is seen. */
static void every_flipped_bit_is_refused(void **state) {
    struct made *made = *state;
    size_t size_bytes = made->envelope.size_bytes, form = 0, digest = 0, signature = 0, key = 0;
    uint8_t *copy = malloc(size_bytes);
    memcpy(copy, made->envelope.data, size_bytes);
    for (size_t bit = 0; bit < 8 * size_bytes; bit++) {
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        switch (open_bytes(made, copy, size_bytes)) {
        case PM_ERROR_ENVELOPE_FORM:
            form++;
            break;
        case PM_ERROR_ENVELOPE_DIGEST:
            digest++;
            break;
        case PM_ERROR_SIGNATURE:
            signature++;
            break;
        case PM_ERROR_KEY_UNKNOWN:
            key++;
            break;
        default:
            fail_msg("bit %zu is accepted or has no error of its own", bit);
        }
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(copy);
    assert_true(form > 0 && digest > 0 && signature >= 8 * PM_ES256_BYTES);
    assert_int_equal(key, 8 * PM_SHA256_BYTES);
}

static void every_beginning_and_every_longer_one_is_refused(void **state) {
    struct made *made = *state;
    for (size_t size_bytes = 0; size_bytes < made->envelope.size_bytes; size_bytes++) {
        uint8_t *copy = malloc(size_bytes + 1);
        memcpy(copy, made->envelope.data, size_bytes);
        assert_int_equal(open_bytes(made, copy, size_bytes), PM_ERROR_ENVELOPE_FORM);
        free(copy);
    }
    buffer_append(&made->envelope, "\0", 1);
    assert_int_equal(open_bytes(made, made->envelope.data, made->envelope.size_bytes),
                     PM_ERROR_ENVELOPE_FORM);
}

static void a_wrong_key_and_a_wrong_signature_differ(void **state) {
    struct made *made = *state;
    struct test_key right = made->unit.key, other = make_key();
    made->unit.key = other; /* its id is still the right one's */
    assert_int_equal(open_bytes(made, made->envelope.data, made->envelope.size_bytes),
                     PM_ERROR_SIGNATURE);
    made->unit.signer.key_id[0] ^= 1;
    assert_int_equal(open_bytes(made, made->envelope.data, made->envelope.size_bytes),
                     PM_ERROR_KEY_UNKNOWN);
    made->unit.key = right;
    EVP_PKEY_free(other.pkey);
}

static void an_older_sequence_number_is_refused(void **state) {
    struct made *made = *state;
    struct pm_suit_manifest manifest;
    struct pm_bytes bytes = bytes_of(made->envelope);
    assert_int_equal(pm_suit_open(&made->unit.host, bytes, 6, &manifest), PM_ERROR_SEQUENCE);
    assert_int_equal(pm_suit_open(&made->unit.host, bytes, UINT64_MAX, &manifest),
                     PM_ERROR_SEQUENCE);
    assert_int_equal(pm_suit_open(&made->unit.host, bytes, 0, &manifest), PM_ERROR_NONE);
}

/* The signature would hold: it is over the digest only. */
static void a_manifest_of_another_envelope_is_refused(void **state) {
    struct made *made = *state;
    struct suit_patch patch = test_patch();
    struct suit_release release = test_release(&patch);
    struct pm_suit_envelope envelope;
    struct buffer other;
    struct error error;
    release.sever_install = true;
    release.slots[0].image.sha256[0] ^= 1;
    buffer_init(&other, SUIT_ENVELOPE_MAXIMUM);
    assert_ok(suit_write_envelope(&release, &made->unit.signer, &other, &error));
    assert_int_equal(other.size_bytes, made->envelope.size_bytes);
    assert_int_equal(pm_suit_read_envelope(&digest_sha256, bytes_of(made->envelope), &envelope),
                     PM_SUIT_WELL_FORMED);
    size_t start = (size_t)(envelope.manifest.data - made->envelope.data);
    memcpy(made->envelope.data + start, other.data + start, other.size_bytes - start);
    assert_int_equal(open_bytes(made, made->envelope.data, made->envelope.size_bytes),
                     PM_ERROR_ENVELOPE_DIGEST);
    buffer_free(&other);
}

/* Not only the digest's beginning counts. */
static void every_bit_of_the_digest_is_compared(void **state) {
    struct made *made = *state;
    struct pm_suit_envelope envelope;
    assert_int_equal(pm_suit_read_envelope(&digest_sha256, bytes_of(made->envelope), &envelope),
                     PM_SUIT_WELL_FORMED);
    size_t digest = (size_t)(envelope.signed_digest.data - made->envelope.data) + 4;
    for (size_t bit = 0; bit < 8 * PM_SHA256_BYTES; bit++) {
        made->envelope.data[digest + bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(open_bytes(made, made->envelope.data, made->envelope.size_bytes),
                         PM_ERROR_ENVELOPE_DIGEST);
        made->envelope.data[digest + bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* Cut off what was severed, with the map's count as it is then. */
static void a_severed_element_has_to_be_there(void **state) {
    struct made *made = *state;
    struct pm_suit_envelope envelope;
    assert_int_equal(pm_suit_read_envelope(&digest_sha256, bytes_of(made->envelope), &envelope),
                     PM_SUIT_WELL_FORMED);
    size_t size_bytes = made->envelope.size_bytes - envelope.severed[1].size_bytes - 1;
    assert_int_equal(made->envelope.data[2], 0xa3);
    made->envelope.data[2] = 0xa2;
    assert_int_equal(open_bytes(made, made->envelope.data, size_bytes), PM_ERROR_ENVELOPE_DIGEST);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_unchanged_one_is_accepted, make, unmake),
        cmocka_unit_test_setup_teardown(every_flipped_bit_is_refused, make, unmake),
        cmocka_unit_test_setup_teardown(every_beginning_and_every_longer_one_is_refused, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(a_wrong_key_and_a_wrong_signature_differ, make, unmake),
        cmocka_unit_test_setup_teardown(an_older_sequence_number_is_refused, make, unmake),
        cmocka_unit_test_setup_teardown(a_manifest_of_another_envelope_is_refused, make, unmake),
        cmocka_unit_test_setup_teardown(every_bit_of_the_digest_is_compared, make, unmake),
        cmocka_unit_test_setup_teardown(a_severed_element_has_to_be_there, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
