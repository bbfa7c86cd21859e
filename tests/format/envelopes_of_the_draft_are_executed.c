/* The examples of draft-ietf-suit-manifest, appendix B, with the key that is printed there.
 *
 * Examples 0 and 1 are whole envelopes. Of 2 (severed elements, text) and 3 (A/B images) the
 * manifests are the draft's, labels as in revision 34; since digest and signature depend on these,
 * they are signed here. Examples 4 and 5 use copy, which this processor refuses. */
#include "support.h"

/* The public key of appendix B, x || y. */
static const char *const draft_key =
    "8496811aae0baaabd26157189eecda26beaa8bf11b6f3fe6e2b5659c85dbc0ad"
    "3b1f2a4b6c098131c0a36dacd1d78bd381dcdfb09c052db33991db7338b4a896";

static const char *const example_0 = "d86ba2025873825824822f58206658ea560262696dd1f13b782239a064da"
                                     "7c6c5cbaf52fded428a6fc83c7e5af584ad28443a10126a0f6584056acf3"
                                     "c133338f558bbbac1e73a62bffac2a0067d0f7a2e860e20b9119a61d964a"
                                     "f04fb56c2c7618d3d74558c14f5daf7cafa8771b34ec42160f5c94250a57"
                                     "eb035871a50101020003585fa202818141000458568614a40150fa6b4a53"
                                     "d5ad5fdfbe9de663e4d41ffe02501492af1425695e48bf429b2d51f2ab45"
                                     "035824822f582000112233445566778899aabbccddeeff0123456789abcd"
                                     "effedcba98765432100e1987d0010f020f074382030f0943821702";

static const char *const example_1 =
    "d86ba2025873825824822f58201f2e7acca0dc2786f2fe4eb947f50873a6a3cfaa98866c5b02e621f42074da"
    "f2584ad28443a10126a0f6584027a3d7986eddcc1bee04e1436746408c308ed3c15ac590a1ca0cf96f85671c"
    "cac216cb9a1497fc59e21c15f33c95cf75203e25c287b31a57d6cd2ef950b27a7a035894a501010201035"
    "85fa202818141000458568614a40150fa6b4a53d5ad5fdfbe9de663e4d41ffe02501492af1425695e48bf42"
    "9b2d51f2ab45035824822f582000112233445566778899aabbccddeeff0123456789abcdeffedcba9876543"
    "2100e1987d0010f020f074382030f1458258614a115781b687474703a2f2f6578616d706c652e636f6d2f66"
    "696c652e62696e1502030f";

static const char *const manifest_2 =
    "a70101020203585fa202818141000458568614a40150fa6b4a53d5ad5fdfbe9de663e4d41ffe02501492"
    "af1425695e48bf429b2d51f2ab45035824822f5820001122334455667788"
    "99aabbccddeeff0123456789abcdeffedcba98765432100e1987d0010f02"
    "0f074382030f094382170214822f5820cfa90c5c58595e7f5119a72f803f"
    "d0370b3e6abbec6315cd38f63135281bc49817822f58202bfc4d0cc6680b"
    "e7dd9f5ca30aa2bb5d1998145de33d54101b80e2ca49faf918";

static const char *const install_2 = "583c8614a1157832687474703a2f2f657861"
                                     "6d706c652e636f6d2f766572792f6c6f6e672f706174682f746f2f66696c"
                                     "652f66696c652e62696e1502030f";

static const char *const text_2 = "590204a20179019d2323204578616d"
                                  "706c6520323a2053696d756c74616e656f757320446f776e6c6f61642c20"
                                  "496e7374616c6c6174696f6e2c2053656375726520426f6f742c20536576"
                                  "65726564204669656c64730a0a2020202054686973206578616d706c6520"
                                  "636f766572732074686520666f6c6c6f77696e672074656d706c61746573"
                                  "3a0a202020200a202020202a20436f6d7061746962696c69747920436865"
                                  "636b20287b7b74656d706c6174652d636f6d7061746962696c6974792d63"
                                  "6865636b7d7d290a202020202a2053656375726520426f6f7420287b7b74"
                                  "656d706c6174652d7365637572652d626f6f747d7d290a202020202a2046"
                                  "69726d7761726520446f776e6c6f616420287b7b6669726d776172652d64"
                                  "6f776e6c6f61642d74656d706c6174657d7d290a202020200a2020202054"
                                  "686973206578616d706c6520616c736f2064656d6f6e7374726174657320"
                                  "736576657261626c6520656c656d656e747320287b7b6f76722d73657665"
                                  "7261626c657d7d292c20616e64207465787420287b7b6d616e6966657374"
                                  "2d6469676573742d746578747d7d292e814100a2036761726d2e636f6d05"
                                  "78525468697320636f6d706f6e656e7420697320612064656d6f6e737472"
                                  "6174696f6e2e205468652064696765737420697320612073616d706c6520"
                                  "7061747465726e2c206e6f742061207265616c206f6e652e";

static const char *const manifest_3 = "a5010102030358a4a202818141"
                                      "0004589b8814a20150fa6b4a53d5ad5fdfbe9de663e4d41ffe02501492af"
                                      "1425695e48bf429b2d51f2ab450f8258348614a10500050514a203582482"
                                      "2f582000112233445566778899aabbccddeeff0123456789abcdeffedcba"
                                      "98765432100e1987d058368614a10501050514a2035824822f5820012345"
                                      "6789abcdeffedcba987654321000112233445566778899aabbccddeeff0e"
                                      "1a00012c22010f020f074382030f14585b860f8258288614a10500050514"
                                      "a115781c687474703a2f2f6578616d706c652e636f6d2f66696c65312e62"
                                      "696e58288614a10501050514a115781c687474703a2f2f6578616d706c65"
                                      "2e636f6d2f66696c65322e62696e1502030f";

static enum pm_update_error verify_with_draft_key(void *context, struct pm_bytes key_id,
                                                  const uint8_t digest[PM_SHA256_BYTES],
                                                  const uint8_t signature[PM_ES256_BYTES]) {
    uint8_t point[PM_POINT_BYTES];
    (void)context;
    assert_int_equal(key_id.size_bytes, 0);
    assert_int_equal(unhex(draft_key, point, sizeof point), sizeof point);
    return pm_es256_verify(point, digest, signature) ? PM_ERROR_NONE : PM_ERROR_SIGNATURE;
}

static void draft_unit(struct unit *unit) {
    unit_start(unit);
    unhex("fa6b4a53d5ad5fdfbe9de663e4d41ffe", unit->vendor, sizeof unit->vendor);
    unhex("1492af1425695e48bf429b2d51f2ab45", unit->class_id, sizeof unit->class_id);
}

static void set_image(struct unit *unit) {
    unhex("00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210",
          unit->image[PM_SUIT_TARGET], PM_SHA256_BYTES);
    unit->image_bytes[PM_SUIT_TARGET] = 34768;
}

static void example_0_boots_securely(void **state) {
    (void)state;
    struct unit unit;
    uint8_t bytes[512];
    struct pm_suit_manifest manifest;
    struct pm_bytes envelope = {bytes, unhex(example_0, bytes, sizeof bytes)};
    draft_unit(&unit);
    unit.host.verify = verify_with_draft_key;
    assert_int_equal(envelope.size_bytes, 237);
    assert_int_equal(pm_suit_open(&unit.host, envelope, 0, &manifest), PM_ERROR_NONE);
    assert_int_equal(manifest.sequence, 0);
    assert_int_equal(pm_suit_open(&unit.host, envelope, 1, &manifest), PM_ERROR_SEQUENCE);
    assert_int_equal(pm_suit_run(&unit.host, &manifest, PM_SUIT_VALIDATE), PM_ERROR_PAYLOAD_DIGEST);
    set_image(&unit);
    assert_int_equal(pm_suit_run(&unit.host, &manifest, PM_SUIT_VALIDATE), PM_ERROR_NONE);
    assert_int_equal(pm_suit_run(&unit.host, &manifest, PM_SUIT_INVOKE), PM_ERROR_NONE);
    assert_string_equal(unit.log, "target! target= invoke:target ");
    /* reporting policy 15 for each condition in three runs, 2 for the invocation */
    assert_int_equal(unit.records, 2 * 3 + 2);
    unit_end(&unit);
}

static void example_1_downloads(void **state) {
    (void)state;
    struct unit unit;
    uint8_t bytes[512];
    struct pm_suit_manifest manifest;
    struct pm_bytes envelope = {bytes, unhex(example_1, bytes, sizeof bytes)};
    draft_unit(&unit);
    unit.host.verify = verify_with_draft_key;
    assert_int_equal(pm_suit_open(&unit.host, envelope, 1, &manifest), PM_ERROR_NONE);
    assert_int_equal(pm_suit_run(&unit.host, &manifest, PM_SUIT_INSTALL), PM_ERROR_NONE);
    assert_int_equal(pm_suit_run(&unit.host, &manifest, PM_SUIT_VALIDATE), PM_ERROR_NONE);
    assert_string_equal(unit.log, "fetch:http://example.com/file.bin target= target= ");
    unit.class_id[0] ^= 1;
    assert_int_equal(pm_suit_run(&unit.host, &manifest, PM_SUIT_INSTALL), PM_ERROR_CLASS);
    for (size_t bit = 0; bit < 8 * envelope.size_bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(pm_suit_open(&unit.host, envelope, 1, &manifest), PM_ERROR_NONE);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    unit_end(&unit);
}

/* Envelope around a manifest, signed by the unit's key. */
static struct buffer sign_manifest(struct unit *unit, const char *manifest_hex,
                                   const char *install_hex, const char *text_hex) {
    uint8_t raw[1024], all[2048], digest_bytes[64], wrapper_bytes[512], sha256[PM_SHA256_BYTES];
    struct pm_cbor_writer body = {.out = all, .capacity_bytes = sizeof all},
                          digest = {.out = digest_bytes, .capacity_bytes = sizeof digest_bytes},
                          wrapper = {.out = wrapper_bytes, .capacity_bytes = sizeof wrapper_bytes};
    struct buffer message, out;
    struct error error;
    pm_cbor_put_bytes(&body, raw, unhex(manifest_hex, raw, sizeof raw));
    digest_of((struct span){all, body.size_bytes}, sha256);
    pm_cbor_put(&digest, PM_CBOR_ARRAY, 2);
    pm_cbor_put_int(&digest, PM_SUIT_SHA256);
    pm_cbor_put_bytes(&digest, sha256, sizeof sha256);
    buffer_init(&message, 1024);
    assert_ok(cose_write_sign1(&unit->signer, (struct span){digest.out, digest.size_bytes}, true,
                               &message, &error));
    pm_cbor_put(&wrapper, PM_CBOR_ARRAY, 2);
    pm_cbor_put_bytes(&wrapper, digest.out, digest.size_bytes);
    pm_cbor_put_bytes(&wrapper, message.data, message.size_bytes);
    size_t manifest_bytes = body.size_bytes;
    uint8_t manifest[1024];
    memcpy(manifest, all, manifest_bytes);

    body.size_bytes = 0;
    pm_cbor_put(&body, PM_CBOR_TAG, PM_SUIT_TAG_ENVELOPE);
    pm_cbor_put(&body, PM_CBOR_MAP, 2u + (install_hex != NULL) + (text_hex != NULL));
    pm_cbor_put_int(&body, PM_SUIT_AUTHENTICATION);
    pm_cbor_put_bytes(&body, wrapper.out, wrapper.size_bytes);
    pm_cbor_put_int(&body, PM_SUIT_MANIFEST);
    pm_cbor_put_raw(&body, manifest, manifest_bytes);
    if (install_hex) pm_cbor_put_int(&body, PM_SUIT_INSTALL);
    if (install_hex) pm_cbor_put_raw(&body, raw, unhex(install_hex, raw, sizeof raw));
    if (text_hex) pm_cbor_put_int(&body, PM_SUIT_TEXT);
    if (text_hex) pm_cbor_put_raw(&body, raw, unhex(text_hex, raw, sizeof raw));
    assert_false(body.failed || wrapper.failed || digest.failed);
    buffer_init(&out, sizeof all);
    buffer_append(&out, all, body.size_bytes);
    buffer_free(&message);
    return out;
}

static void example_2_brings_its_severed_elements(void **state) {
    (void)state;
    struct unit unit;
    struct pm_suit_manifest manifest;
    draft_unit(&unit);
    struct buffer envelope = sign_manifest(&unit, manifest_2, install_2, text_2);
    assert_int_equal(pm_suit_open(&unit.host, bytes_of(envelope), 2, &manifest), PM_ERROR_NONE);
    assert_int_equal(pm_suit_run(&unit.host, &manifest, PM_SUIT_INSTALL), PM_ERROR_NONE);
    assert_int_equal(pm_suit_run(&unit.host, &manifest, PM_SUIT_INVOKE), PM_ERROR_NONE);
    assert_string_equal(unit.log,
                        "fetch:http://example.com/very/long/path/to/file/file.bin target= "
                        "invoke:target ");
    /* The digests of install and text are the draft's own: one changed bit in either is seen. */
    for (size_t offset = 1; offset < 500; offset += 13) {
        envelope.data[envelope.size_bytes - offset] ^= 1;
        assert_int_equal(pm_suit_open(&unit.host, bytes_of(envelope), 2, &manifest),
                         PM_ERROR_ENVELOPE_DIGEST);
        envelope.data[envelope.size_bytes - offset] ^= 1;
    }
    buffer_free(&envelope);
    envelope = sign_manifest(&unit, manifest_2, install_2, NULL);
    assert_int_equal(pm_suit_open(&unit.host, bytes_of(envelope), 2, &manifest),
                     PM_ERROR_ENVELOPE_DIGEST);
    buffer_free(&envelope);
    /* What the manifest does not name may not be there. */
    envelope = sign_manifest(&unit, manifest_3, NULL, text_2);
    assert_int_equal(pm_suit_open(&unit.host, bytes_of(envelope), 2, &manifest),
                     PM_ERROR_ENVELOPE_FORM);
    buffer_free(&envelope);
    unit_end(&unit);
}

static void example_3_selects_by_slot(void **state) {
    (void)state;
    for (uint8_t slot = 0; slot < 3; slot++) {
        struct unit unit;
        struct pm_suit_manifest manifest;
        draft_unit(&unit);
        unit.host.slot[PM_SUIT_TARGET] = slot;
        struct buffer envelope = sign_manifest(&unit, manifest_3, NULL, NULL);
        assert_int_equal(pm_suit_open(&unit.host, bytes_of(envelope), 3, &manifest), PM_ERROR_NONE);
        enum pm_update_error error = pm_suit_run(&unit.host, &manifest, PM_SUIT_INSTALL);
        assert_int_equal(error, slot < 2 ? PM_ERROR_NONE : PM_ERROR_SLOT);
        assert_string_equal(unit.log, slot == 0   ? "fetch:http://example.com/file1.bin target= "
                                      : slot == 1 ? "fetch:http://example.com/file2.bin target= "
                                                  : "");
        if (slot < 2) assert_int_equal(unit.image_bytes[PM_SUIT_TARGET], slot ? 76834 : 34768);
        buffer_free(&envelope);
        unit_end(&unit);
    }
}

/* Signed, and yet refused. */
static void other_versions_and_components_are_refused(void **state) {
    (void)state;
    struct unit unit;
    struct pm_suit_manifest manifest;
    char changed[1024];
    static const size_t digits[] = {5, 27}; /* of the version, of the component's identifier */
    draft_unit(&unit);
    for (size_t i = 0; i < 2; i++) {
        snprintf(changed, sizeof changed, "%s", manifest_3);
        changed[digits[i]]++;
        struct buffer envelope = sign_manifest(&unit, changed, NULL, NULL);
        assert_int_equal(pm_suit_open(&unit.host, bytes_of(envelope), 3, &manifest),
                         PM_ERROR_ENVELOPE_FORM);
        buffer_free(&envelope);
    }
    unit_end(&unit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(example_0_boots_securely),
        cmocka_unit_test(example_1_downloads),
        cmocka_unit_test(example_2_brings_its_severed_elements),
        cmocka_unit_test(example_3_selects_by_slot),
        cmocka_unit_test(other_versions_and_components_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
