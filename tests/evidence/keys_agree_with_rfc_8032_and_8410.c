/* Keys: RFC 8032's signatures come out bit for bit, RFC 8410's PEM examples load, what is
 * written loads again under its passphrase and under no other, and signatures with a
 * second spelling are refused. */
#include "tests/evidence/support.h"

#include <fcntl.h>
#include <sys/stat.h>

struct vector {
    const char *seed, *public_key, *message, *signature;
};

/* RFC 8032, section 7.1, tests 1 to 3. */
static const struct vector vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
};

static const struct passphrase_source none = {.fd = PASSPHRASE_NONE};

/* A source that yields `text`; the caller closes its descriptor. */
static struct passphrase_source source_of(const char *text) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    close(ends[1]);
    return (struct passphrase_source){.fd = ends[0]};
}

static void signatures_agree(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct error error;
        struct private_key key;
        uint8_t seed[32], public_key[32], message[8], want[64], got[64];
        from_hex(vectors[i].seed, seed);
        from_hex(vectors[i].public_key, public_key);
        from_hex(vectors[i].signature, want);
        struct span text = {message, from_hex(vectors[i].message, message)};
        assert_ok(key_from_seed(seed, &key, &error));
        assert_memory_equal(key.public_half.bytes, public_key, 32);
        assert_ok(key_sign(&key, text, got, &error));
        assert_memory_equal(got, want, 64);
        assert_true(key_verify(&key.public_half, text, want));
        for (size_t bit = 0; bit < 64 * 8; bit++) {
            want[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_false(key_verify(&key.public_half, text, want));
            want[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        key_wipe(&key);
        for (size_t j = 0; j < sizeof key; j++) {
            assert_int_equal(((const uint8_t *)&key)[j], 0);
        }
    }
}

/* S + L satisfies the equation too; RFC 8032 section 5.1.7 demands S < L. */
static void second_spelling_of_a_signature_is_refused(void **state) {
    (void)state;
    struct error error;
    struct public_key key;
    uint8_t bytes[32], signature[64], order[32];
    unsigned carry = 0;
    from_hex(vectors[0].public_key, bytes);
    from_hex(vectors[0].signature, signature);
    from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", order);
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)signature[32 + i] + order[i];
        signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_ok(key_public_from_bytes(bytes, &key, &error));
    assert_false(key_verify(&key, span_of(""), signature));
}

/* RFC 8410, sections 10.3 and 10.1: a pair. */
static const char rfc_private[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
    "-----END PRIVATE KEY-----\n";
static const char rfc_public[] = "-----BEGIN PUBLIC KEY-----\n"
                                 "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
                                 "-----END PUBLIC KEY-----\n";

static void pem_of_rfc_8410_loads_and_writes_back(void **state) {
    (void)state;
    struct error error;
    struct private_key key;
    struct public_key public_half;
    struct buffer pem;
    assert_ok(key_private_from_pem(span_of(rfc_private), &none, &key, &error));
    assert_ok(key_public_from_pem(span_of(rfc_public), &public_half, &error));
    assert_memory_equal(key.public_half.bytes, public_half.bytes, 32);
    assert_string_equal(key.public_half.id_hex, public_half.id_hex);
    /* openssl pkey -pubin -outform DER | sha256sum */
    assert_string_equal(public_half.id_hex,
                        "a1e9156054e04fac899ae9f275132cdc07a5dbc4ea2c2ad3a1ffc6e0d253681f");
    buffer_init(&pem, 4096);
    assert_ok(key_private_to_pem(&key, NULL, &pem, &error));
    assert_string_equal((char *)pem.data, rfc_private);
    buffer_free(&pem);
    assert_ok(key_public_to_pem(&public_half, &pem, &error));
    assert_string_equal((char *)pem.data, rfc_public);
    buffer_free(&pem);
}

static void encrypted_key_opens_under_its_passphrase_only(void **state) {
    (void)state;
    struct error error;
    struct private_key key = test_key(7), back;
    struct passphrase passphrase;
    struct buffer pem;
    struct passphrase_source right = source_of("correct horse\nnot read\n");
    assert_ok(passphrase_read(&right, &passphrase, &error));
    assert_string_equal(passphrase.text, "correct horse");
    char rest[16] = "";
    assert_int_equal(read(right.fd, rest, sizeof rest - 1), 9);
    assert_string_equal(rest, "not read\n");
    close(right.fd);
    buffer_init(&pem, 4096);
    assert_ok(key_private_to_pem(&key, &passphrase, &pem, &error));
    assert_non_null(strstr((char *)pem.data, "BEGIN ENCRYPTED PRIVATE KEY"));

    right = source_of("correct horse");
    assert_ok(key_private_from_pem(buffer_span(&pem), &right, &back, &error));
    assert_memory_equal(back.seed, key.seed, sizeof key.seed);
    close(right.fd);
    struct passphrase_source wrong = source_of("correct horsf\n");
    assert_refused(key_private_from_pem(buffer_span(&pem), &wrong, &back, &error),
                   "the passphrase is wrong");
    close(wrong.fd);
    wrong = source_of("\n");
    assert_refused(key_private_from_pem(buffer_span(&pem), &wrong, &back, &error), "is empty");
    close(wrong.fd);
    assert_refused(key_private_from_pem(buffer_span(&pem), &none, &back, &error), "is encrypted");
    buffer_free(&pem);
}

static void other_keys_are_refused(void **state) {
    (void)state;
    struct error error;
    struct private_key key;
    struct public_key public_half;
    /* The same bytes as a key of X25519 (id-X25519 is 1.3.101.110). */
    static const char x25519[] = "-----BEGIN PUBLIC KEY-----\n"
                                 "MCowBQYDK2VuAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
                                 "-----END PUBLIC KEY-----\n";
    assert_refused(key_public_from_pem(span_of(x25519), &public_half, &error),
                   "is not an Ed25519 key");
    assert_refused(key_public_from_pem(span_of(rfc_private), &public_half, &error),
                   "is not a public key");
    assert_refused(key_public_from_pem(span_of(""), &public_half, &error), "is not a public key");
    assert_refused(key_private_from_pem(span_of(rfc_public), &none, &key, &error),
                   "is not a private key");
    assert_refused(key_private_from_pem(span_of("-----BEGIN PRIVATE KEY-----\nAAAA\n"
                                                "-----END PRIVATE KEY-----\n"),
                                        &none, &key, &error),
                   "is not PKCS#8");
}

static void a_private_key_that_others_can_read_is_refused(void **state) {
    (void)state;
    struct error error;
    struct private_key key;
    char *directory = make_scratch(), path[4200];
    snprintf(path, sizeof path, "%s/maker.key", directory);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, rfc_private, sizeof rfc_private - 1), sizeof rfc_private - 1);
    close(fd);
    assert_ok(key_load_private(path, &none, &key, &error));
    static const mode_t modes[] = {0640, 0604, 0620, 0601};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        chmod(path, modes[i]);
        assert_refused(key_load_private(path, &none, &key, &error), "chmod 600");
    }
    assert_refused(key_load_private(directory, &none, &key, &error), "is not a regular file");
    unlink(path);
    assert_refused(key_load_private(path, &none, &key, &error), "cannot be opened");
    remove_scratch(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_agree),
        cmocka_unit_test(second_spelling_of_a_signature_is_refused),
        cmocka_unit_test(pem_of_rfc_8410_loads_and_writes_back),
        cmocka_unit_test(encrypted_key_opens_under_its_passphrase_only),
        cmocka_unit_test(other_keys_are_refused),
        cmocka_unit_test(a_private_key_that_others_can_read_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
