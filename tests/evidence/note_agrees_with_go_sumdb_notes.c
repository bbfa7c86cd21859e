/* Signed notes agree with Go's golang.org/x/mod/sumdb/note (note_test.go), the reference
 * for https://c2sp.org/signed-note: the same key ids, the same bytes when signing, the
 * same malformed notes refused. The keys are that test's published ones. */
#include "tests/evidence/support.h"

#include "format/base64.h"
#include "format/note.h"

#define TEXT                                                     \
    "If you think cryptography is the answer to your problem,\n" \
    "then you don't know what your problem is.\n"
#define DASH "\xe2\x80\x94"
#define PETER_BASE64 \
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
#define PETER DASH " PeterNeumann " PETER_BASE64 "\n"
#define ENOCH                                                                                      \
    DASH                                                                                           \
        " EnochRoot "                                                                              \
        "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc" \
        "+QQ=\n"

/* Go's key text: base64 of the algorithm byte 1 and 32 bytes. */
static void key_bytes(const char *base64, uint8_t out[KEY_ED25519_BYTES]) {
    uint8_t bytes[33];
    size_t size;
    assert_true(pm_base64_decode(bytes_of(base64), bytes, sizeof bytes, &size));
    assert_int_equal(size, 33);
    assert_int_equal(bytes[0], 1);
    memcpy(out, bytes + 1, KEY_ED25519_BYTES);
}

static const char peter_private[] = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
static const char peter_public[] = "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
static const char enoch_public[] = "ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";

static void key_ids_agree(void **state) {
    (void)state;
    uint8_t key[KEY_ED25519_BYTES];
    uint32_t id;
    key_bytes(peter_public, key);
    assert_true(pm_note_key_id_ed25519(&digest_sha256, bytes_of("PeterNeumann"), key, &id));
    assert_int_equal(id, 0xc74f20a3);
    key_bytes(enoch_public, key);
    assert_true(pm_note_key_id_ed25519(&digest_sha256, bytes_of("EnochRoot"), key, &id));
    assert_int_equal(id, 0xaf0cfe78);
}

static void signing_gives_the_same_line(void **state) {
    (void)state;
    struct error error;
    struct private_key key;
    uint8_t seed[KEY_ED25519_BYTES], signature[KEY_SIGNATURE_BYTES];
    char line[PM_NOTE_LINE_MAXIMUM];
    key_bytes(peter_private, seed);
    assert_ok(key_from_seed(seed, &key, &error));
    key_bytes(peter_public, seed);
    assert_memory_equal(key.public_half.bytes, seed, sizeof seed);
    assert_ok(key_sign(&key, span_of(TEXT), signature, &error));
    size_t length = pm_note_write_signature(bytes_of("PeterNeumann"), 0xc74f20a3, signature, line);
    assert_int_equal(length, strlen(PETER));
    assert_memory_equal(line, PETER, length);
    assert_int_equal(pm_note_write_signature(bytes_of("a+b"), 1, signature, line), 0);
    assert_int_equal(pm_note_write_signature(bytes_of(""), 1, signature, line), 0);
}

static void reading_gives_text_and_signatures(void **state) {
    (void)state;
    struct error error;
    struct pm_note note;
    struct public_key key;
    uint8_t bytes[KEY_ED25519_BYTES];
    assert_true(pm_note_read(bytes_of(TEXT "\n" PETER ENOCH), &note));
    assert_true(pm_bytes_equal(note.text, bytes_of(TEXT)));
    assert_int_equal(note.signature_count, 2);
    assert_true(pm_bytes_equal(note.signatures[0].name, bytes_of("PeterNeumann")));
    assert_true(pm_bytes_equal(note.signatures[1].name, bytes_of("EnochRoot")));
    assert_int_equal(note.signatures[1].key_id, 0xaf0cfe78);
    struct span text = {note.text.data, note.text.size_bytes};
    key_bytes(peter_public, bytes);
    assert_ok(key_public_from_bytes(bytes, &key, &error));
    assert_true(key_verify(&key, text, note.signatures[0].signature));
    assert_false(key_verify(&key, text, note.signatures[1].signature));
    key_bytes(enoch_public, bytes);
    assert_ok(key_public_from_bytes(bytes, &key, &error));
    assert_true(key_verify(&key, text, note.signatures[1].signature));
}

/* The specification's own example: accents in the text, an empty line in it. */
static void the_specifications_example_reads(void **state) {
    (void)state;
    struct pm_note note;
    static const char text[] =
        "Ognuno sta solo sul cuor della terra\n"
        "trafitto da un raggio di sole:\n\n"
        "ed \xc3\xa8 subito sera.\n\n" DASH " quasimodo.example/salvatore NnugSzTjtVAewIS+Z/"
        "iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekR"
        "wNtIc=\n";
    assert_true(pm_note_read(bytes_of(text), &note));
    assert_int_equal(note.signature_count, 1);
    assert_true(pm_bytes_equal(note.signatures[0].name, bytes_of("quasimodo.example/salvatore")));
    assert_int_equal(note.signatures[0].key_id, 0x367ba04b);
    assert_int_equal(note.text.data[note.text.size_bytes - 2], '.');
}

static void malformed_notes_are_refused(void **state) {
    (void)state;
    static const char *const refused[] = {
        TEXT,
        TEXT "\n",
        TEXT "\n" DASH " PeterNeumann " PETER_BASE64, /* no last newline */
        "\x01" TEXT "\n" PETER,
        "\xff" TEXT "\n" PETER,
        "\xc0\xaf" TEXT "\n" PETER,         /* overlong */
        "\xed\xa0\x80" TEXT "\n" PETER,     /* surrogate */
        "\xf4\x90\x80\x80" TEXT "\n" PETER, /* beyond U+10FFFF */
        "\xe2\x80",
        TEXT "\n" DASH " Bad Name " PETER_BASE64 "\n",
        TEXT "\n" DASH " Bad+Name " PETER_BASE64 "\n",
        TEXT "\n" DASH " Bad\xc2\xa0Name " PETER_BASE64 "\n",
        TEXT "\n" DASH "  " PETER_BASE64 "\n",
        TEXT "\n" DASH " PeterNeumann  " PETER_BASE64 "\n",
        TEXT "\n" DASH " PeterNeumann\n",
        TEXT "\n" DASH " PeterNeumann x08g\n", /* no signature behind the key id */
        TEXT "\n- PeterNeumann " PETER_BASE64 "\n",
        TEXT "\n" PETER "Unexpected line.\n",
        TEXT "\n" PETER "\n",
        "",
        "\n",
        "\n\n",
    };
    struct pm_note note;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (pm_note_read(bytes_of(refused[i]), &note)) fail_msg("accepted: %s", refused[i]);
    }
}

/* The specification asks for at least 16; there is a limit. */
static void sixteen_signatures_and_no_more(void **state) {
    (void)state;
    struct buffer text;
    struct pm_note note;
    buffer_init(&text, 1 << 16);
    buffer_text(&text, TEXT "\n");
    for (int i = 0; i < 16; i++) {
        buffer_text(&text, PETER);
    }
    assert_true(pm_note_read(digest_bytes(buffer_span(&text)), &note));
    assert_int_equal(note.signature_count, 16);
    buffer_text(&text, PETER);
    assert_false(pm_note_read(digest_bytes(buffer_span(&text)), &note));
    buffer_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_ids_agree),
        cmocka_unit_test(signing_gives_the_same_line),
        cmocka_unit_test(reading_gives_text_and_signatures),
        cmocka_unit_test(the_specifications_example_reads),
        cmocka_unit_test(malformed_notes_are_refused),
        cmocka_unit_test(sixteen_signatures_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
