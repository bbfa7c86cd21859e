/* A logged statement is accepted as it is and in no other bytes: each single bit of the
 * envelope and of the proof, flipped, has it refused with a reason; so do bytes added or
 * cut, another signer, and a folder that an attacker signed anew with his own key. */
#include "tests/evidence/support.h"

struct fixture {
    struct private_key maker, attacker;
    struct buffer envelope, proof, checkpoint, forged_envelope, forged_proof;
};

static struct fixture fixture;

/* Logs five statements and takes the third one's proof. */
static void log_five(const struct private_key *key, struct buffer *envelope, struct buffer *proof,
                     struct buffer *checkpoint) {
    struct error error;
    struct log *log;
    char *directory = make_scratch();
    assert_ok(log_open(directory, key, &log, &error));
    for (int i = 0; i < 5; i++) {
        struct buffer text;
        struct log_receipt receipt;
        buffer_init(&text, DSSE_MAXIMUM_BYTES);
        test_envelope(key, i, &text);
        struct span span = buffer_span(&text);
        assert_ok(log_append(log, &key->public_half, &span, 1, &receipt, &error));
        assert_int_equal(receipt.index, i);
        assert_int_equal(receipt.tree_size, i + 1);
        if (i == 2) buffer_append(envelope, text.data, text.size_bytes);
        buffer_free(&text);
    }
    assert_ok(log_prove_inclusion(log, 2, proof, &error));
    struct span head = log_checkpoint(log);
    buffer_append(checkpoint, head.data, head.size_bytes);
    log_close(log);
    remove_scratch(directory);
}

static int set_up(void **state) {
    struct buffer unused;
    (void)state;
    fixture.maker = test_key(1);
    fixture.attacker = test_key(2);
    buffer_init(&fixture.envelope, DSSE_MAXIMUM_BYTES);
    buffer_init(&fixture.proof, 1 << 16);
    buffer_init(&fixture.checkpoint, 1 << 16);
    buffer_init(&fixture.forged_envelope, DSSE_MAXIMUM_BYTES);
    buffer_init(&fixture.forged_proof, 1 << 16);
    buffer_init(&unused, 1 << 16);
    log_five(&fixture.maker, &fixture.envelope, &fixture.proof, &fixture.checkpoint);
    log_five(&fixture.attacker, &fixture.forged_envelope, &fixture.forged_proof, &unused);
    buffer_free(&unused);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    buffer_free(&fixture.envelope);
    buffer_free(&fixture.proof);
    buffer_free(&fixture.checkpoint);
    buffer_free(&fixture.forged_envelope);
    buffer_free(&fixture.forged_proof);
    return 0;
}

static bool accepted(const struct evidence_trust *trust, struct span envelope, struct span proof,
                     struct error *reason) {
    struct arena arena = {0};
    struct evidence_finding finding;
    evidence_verify(&arena, trust, envelope, proof, &finding);
    bool result = finding.accepted;
    *reason = finding.reason;
    if (!result && reason->message[0] == '\0') fail_msg("refused without a reason");
    evidence_release(&finding);
    arena_free(&arena);
    return result;
}

static struct evidence_trust maker_only(void) {
    return (struct evidence_trust){.signer = &fixture.maker.public_half,
                                   .log_key = &fixture.maker.public_half};
}

static void as_it_is_it_is_accepted(void **state) {
    (void)state;
    struct arena arena = {0};
    struct evidence_finding finding;
    struct evidence_trust trust = maker_only();
    evidence_verify(&arena, &trust, buffer_span(&fixture.envelope), buffer_span(&fixture.proof),
                    &finding);
    if (!finding.accepted) fail_msg("%s", finding.reason.message);
    assert_int_equal(finding.log_index, 2);
    assert_int_equal(finding.log_size, 5);
    assert_int_equal(finding.inclusion, EVIDENCE_HOLDS);
    assert_non_null(statement_subject_named(&finding.content, "firmware.elf"));
    assert_int_equal(json_integer_value(json_object_get(finding.content.predicate, "issued_at_s")),
                     1790000002);
    evidence_release(&finding);
    arena_free(&arena);
}

static void each_bit_of_envelope_and_proof(void **state) {
    (void)state;
    struct error reason;
    struct evidence_trust trust = maker_only();
    struct buffer *parts[] = {&fixture.envelope, &fixture.proof};
    for (size_t i = 0; i < 2; i++) {
        for (size_t bit = 0; bit < parts[i]->size_bytes * 8; bit++) {
            parts[i]->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (accepted(&trust, buffer_span(&fixture.envelope), buffer_span(&fixture.proof),
                         &reason)) {
                fail_msg("bit %zu of part %zu made no difference", bit, i);
            }
            parts[i]->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

static void each_bit_of_a_checkpoint(void **state) {
    (void)state;
    struct error error;
    uint64_t size = 0;
    uint8_t root[DIGEST_BYTES];
    struct buffer *note = &fixture.checkpoint;
    const struct public_key *key = &fixture.maker.public_half;
    assert_ok(evidence_verify_checkpoint(buffer_span(note), key, NULL, &size, root, &error));
    assert_int_equal(size, 5);
    for (size_t bit = 0; bit < note->size_bytes * 8; bit++) {
        note->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(
            evidence_verify_checkpoint(buffer_span(note), key, NULL, &size, root, &error),
            STATUS_BAD_INPUT);
        note->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* Each length shorter, and a byte more in front or behind. */
static void cut_and_lengthened(void **state) {
    (void)state;
    struct error reason;
    struct evidence_trust trust = maker_only();
    struct span envelope = buffer_span(&fixture.envelope), proof = buffer_span(&fixture.proof);
    for (size_t size = 0; size < envelope.size_bytes; size++) {
        assert_false(accepted(&trust, (struct span){envelope.data, size}, proof, &reason));
    }
    for (size_t size = 0; size < proof.size_bytes; size++) {
        assert_false(accepted(&trust, envelope, (struct span){proof.data, size}, &reason));
    }
    static const char extra[] = {'\n', ' ', '\0', '}', 'A'};
    for (size_t i = 0; i < sizeof extra; i++) {
        for (int front = 0; front < 2; front++) {
            for (int part = 0; part < 2; part++) {
                struct span old = part ? proof : envelope;
                struct buffer text;
                buffer_init(&text, DSSE_MAXIMUM_BYTES);
                if (front) buffer_append(&text, &extra[i], 1);
                buffer_append(&text, old.data, old.size_bytes);
                if (!front) buffer_append(&text, &extra[i], 1);
                struct span now = buffer_span(&text);
                assert_false(accepted(&trust, part ? envelope : now, part ? now : proof, &reason));
                buffer_free(&text);
            }
        }
    }
}

static void another_signer_is_named_and_refused(void **state) {
    (void)state;
    struct error reason;
    struct evidence_trust trust = maker_only();
    struct span envelope = buffer_span(&fixture.forged_envelope);
    struct span proof = buffer_span(&fixture.forged_proof);
    assert_false(accepted(&trust, envelope, proof, &reason));
    assert_non_null(strstr(reason.message, fixture.attacker.public_half.id_hex));
    /* with the attacker's key both hold: it is the trust that refuses them */
    trust.signer = trust.log_key = &fixture.attacker.public_half;
    assert_true(accepted(&trust, envelope, proof, &reason));
    /* nor does his log vouch for the maker's statement, nor the maker's proof for his */
    trust.signer = &fixture.maker.public_half;
    assert_false(accepted(&trust, buffer_span(&fixture.envelope), proof, &reason));
    trust = maker_only();
    assert_false(accepted(&trust, envelope, buffer_span(&fixture.proof), &reason));
}

static void a_statement_not_in_the_log_is_refused(void **state) {
    (void)state;
    struct error reason;
    struct buffer other;
    struct evidence_trust trust = maker_only();
    buffer_init(&other, DSSE_MAXIMUM_BYTES);
    test_envelope(&fixture.maker, 99, &other);
    assert_false(accepted(&trust, buffer_span(&other), buffer_span(&fixture.proof), &reason));
    assert_non_null(strstr(reason.message, "does not lead"));
    buffer_free(&other);
}

/* The specification has verifiers ignore lines of unknown keys; here such a line could be
 * changed unnoticed, so a checkpoint with one is refused. */
static void a_further_signature_line_is_refused(void **state) {
    (void)state;
    struct error reason;
    struct buffer proof;
    struct evidence_trust trust = maker_only();
    struct span old = buffer_span(&fixture.proof);
    const uint8_t *line = memmem(old.data, old.size_bytes, "\xe2\x80\x94", 3);
    assert_non_null(line);
    buffer_init(&proof, 1 << 16);
    buffer_append(&proof, old.data, old.size_bytes);
    buffer_append(&proof, line, old.size_bytes - (size_t)(line - old.data));
    assert_false(accepted(&trust, buffer_span(&fixture.envelope), buffer_span(&proof), &reason));
    assert_non_null(strstr(reason.message, "2 signatures"));
    buffer_free(&proof);
}

/* Signed and logged by the maker, and still not a statement: another payload type, a
 * payload in another form, a predicate without its members. Each ends at its own step. */
static void what_the_maker_signed_must_be_a_statement(void **state) {
    (void)state;
    static const char bare[] =
        "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{},\"predicateType\":"
        "\"" PREDICATE_TEST "\",\"subject\":[{\"digest\":{\"sha256\":"
        "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"},\"name\":\"a\"}]}";
    static const struct {
        const char *type, *payload, *words;
        enum evidence_state statement, predicate;
    } cases[] = {
        {"application/json", bare, "payload type", EVIDENCE_REFUSED, EVIDENCE_NOT_REACHED},
        {STATEMENT_PAYLOAD_TYPE, "{ }", "canonical", EVIDENCE_REFUSED, EVIDENCE_NOT_REACHED},
        {STATEMENT_PAYLOAD_TYPE, bare, "issued_at_s", EVIDENCE_HOLDS, EVIDENCE_REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error;
        struct arena arena = {0};
        struct buffer text, proof;
        struct log *log;
        struct log_receipt receipt;
        struct evidence_finding finding;
        struct evidence_trust trust = maker_only();
        char *directory = make_scratch();
        buffer_init(&text, DSSE_MAXIMUM_BYTES);
        buffer_init(&proof, 1 << 16);
        assert_ok(
            dsse_sign(&fixture.maker, cases[i].type, span_of(cases[i].payload), &text, &error));
        struct span span = buffer_span(&text);
        assert_ok(log_open(directory, &fixture.maker, &log, &error));
        assert_ok(log_append(log, &fixture.maker.public_half, &span, 1, &receipt, &error));
        assert_ok(log_prove_inclusion(log, 0, &proof, &error));
        evidence_verify(&arena, &trust, span, buffer_span(&proof), &finding);
        assert_false(finding.accepted);
        assert_int_equal(finding.signature, EVIDENCE_HOLDS);
        assert_int_equal(finding.statement, cases[i].statement);
        assert_int_equal(finding.predicate, cases[i].predicate);
        assert_int_equal(finding.inclusion, EVIDENCE_NOT_REACHED);
        assert_non_null(strstr(finding.reason.message, cases[i].words));
        evidence_release(&finding);
        log_close(log);
        remove_scratch(directory);
        buffer_free(&text);
        buffer_free(&proof);
        arena_free(&arena);
    }
}

static void another_origin_is_refused(void **state) {
    (void)state;
    struct error reason;
    struct evidence_trust trust = maker_only();
    trust.log_origin = "registry.example/log";
    assert_false(
        accepted(&trust, buffer_span(&fixture.envelope), buffer_span(&fixture.proof), &reason));
    assert_non_null(strstr(reason.message, "registry.example/log"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_it_is_it_is_accepted),
        cmocka_unit_test(each_bit_of_envelope_and_proof),
        cmocka_unit_test(each_bit_of_a_checkpoint),
        cmocka_unit_test(cut_and_lengthened),
        cmocka_unit_test(another_signer_is_named_and_refused),
        cmocka_unit_test(a_statement_not_in_the_log_is_refused),
        cmocka_unit_test(a_further_signature_line_is_refused),
        cmocka_unit_test(what_the_maker_signed_must_be_a_statement),
        cmocka_unit_test(another_origin_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
