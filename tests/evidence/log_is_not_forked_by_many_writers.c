/* Several processes append to one log at once: no index is given twice, each statement's
 * proof holds, each earlier checkpoint is a beginning of the last; what is in the log
 * already keeps its index, and a batch is all or nothing. */
#include "tests/evidence/support.h"

#include <sys/wait.h>

enum { WRITERS = 4, EACH = 12 };

static void envelope_of(const struct private_key *key, int number, struct buffer *out) {
    buffer_init(out, DSSE_MAXIMUM_BYTES);
    test_envelope(key, number, out);
}

static void writer(const char *directory, const struct private_key *key, int first, int result) {
    for (int i = 0; i < EACH; i++) {
        struct error error;
        struct log *log;
        struct log_receipt receipt;
        struct buffer text;
        if (log_open(directory, key, &log, &error) != STATUS_OK) _exit(1);
        envelope_of(key, first + i, &text);
        struct span span = buffer_span(&text);
        if (log_append(log, &key->public_half, &span, 1, &receipt, &error) != STATUS_OK) _exit(2);
        if (write(result, &receipt.index, sizeof receipt.index) < 0) _exit(3);
        buffer_free(&text);
        log_close(log);
    }
    _exit(0);
}

static void every_index_is_given_once(void **state) {
    (void)state;
    struct error error;
    struct private_key key = test_key(6);
    char *directory = make_scratch();
    int ends[2];
    bool given[WRITERS * EACH] = {false};
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < WRITERS; i++) {
        if (fork() == 0) writer(directory, &key, i * EACH, ends[1]);
    }
    close(ends[1]);
    for (int i = 0; i < WRITERS; i++) {
        int how;
        assert_true(wait(&how) > 0);
        assert_int_equal(how, 0);
    }
    size_t count = 0;
    for (uint64_t index; read(ends[0], &index, sizeof index) == sizeof index; count++) {
        assert_true(index < WRITERS * EACH);
        assert_false(given[index]);
        given[index] = true;
    }
    assert_int_equal(count, WRITERS * EACH);
    close(ends[0]);

    struct log *log;
    assert_ok(log_open(directory, &key, &log, &error));
    assert_int_equal(log_size(log), WRITERS * EACH);
    for (int i = 0; i < WRITERS * EACH; i++) {
        struct arena arena = {0};
        struct buffer text, proof;
        struct log_receipt receipt;
        struct evidence_finding finding;
        struct evidence_trust trust = {.signer = &key.public_half, .log_key = &key.public_half};
        envelope_of(&key, i, &text);
        struct span span = buffer_span(&text);
        assert_ok(log_append(log, &key.public_half, &span, 1, &receipt, &error));
        assert_int_equal(receipt.tree_size, WRITERS * EACH); /* it was there already */
        buffer_init(&proof, 1 << 16);
        assert_ok(log_prove_inclusion(log, receipt.index, &proof, &error));
        evidence_verify(&arena, &trust, span, buffer_span(&proof), &finding);
        if (!finding.accepted) fail_msg("%s", finding.reason.message);
        assert_int_equal(finding.log_index, receipt.index);
        evidence_release(&finding);
        buffer_free(&proof);
        buffer_free(&text);
        arena_free(&arena);
    }
    log_close(log);
    remove_scratch(directory);
}

static void a_batch_is_all_or_nothing(void **state) {
    (void)state;
    struct error error;
    struct private_key key = test_key(6), other = test_key(7);
    struct log *log;
    struct log_receipt receipts[4];
    struct buffer texts[3];
    char *directory = make_scratch();
    assert_ok(log_open(directory, &key, &log, &error));
    envelope_of(&key, 1, &texts[0]);
    envelope_of(&key, 2, &texts[1]);
    envelope_of(&other, 3, &texts[2]);
    struct span spans[] = {buffer_span(&texts[0]), buffer_span(&texts[1]), buffer_span(&texts[0]),
                           buffer_span(&texts[2])};
    assert_refused(log_append(log, &key.public_half, spans, 4, receipts, &error),
                   other.public_half.id_hex);
    assert_int_equal(log_size(log), 0);
    assert_ok(log_append(log, &key.public_half, spans, 3, receipts, &error));
    assert_int_equal(log_size(log), 2);
    assert_int_equal(receipts[0].index, 0);
    assert_int_equal(receipts[1].index, 1);
    assert_int_equal(receipts[2].index, 0);
    assert_int_equal(receipts[2].tree_size, 2);
    spans[0] = span_of("not an envelope");
    assert_refused(log_append(log, &key.public_half, spans, 1, receipts, &error),
                   "is not a DSSE envelope");
    for (size_t i = 0; i < 3; i++) {
        buffer_free(&texts[i]);
    }
    log_close(log);
    remove_scratch(directory);
}

/* A log of the statements from first on, its checkpoints before and after the last two. */
static void grow(const struct private_key *key, int first, struct buffer *old,
                 struct buffer *proof) {
    struct error error;
    struct log *log;
    char *directory = make_scratch();
    assert_ok(log_open(directory, key, &log, &error));
    for (int i = 0; i < 6; i++) {
        struct log_receipt receipt;
        struct buffer text;
        envelope_of(key, first + i, &text);
        struct span span = buffer_span(&text);
        assert_ok(log_append(log, &key->public_half, &span, 1, &receipt, &error));
        buffer_free(&text);
        struct span head = log_checkpoint(log);
        if (i == 2) buffer_append(old, head.data, head.size_bytes);
    }
    assert_ok(log_prove_consistency(log, 3, proof, &error));
    log_close(log);
    remove_scratch(directory);
}

/* What follows from an older checkpoint is accepted; a fork is not, nor is a proof that
 * says another size than the checkpoint it is held against. */
static void a_fork_is_seen(void **state) {
    (void)state;
    struct error error;
    struct private_key key = test_key(6);
    struct buffer old[2], proof[2];
    for (size_t i = 0; i < 2; i++) {
        buffer_init(&old[i], 1 << 16);
        buffer_init(&proof[i], 1 << 16);
        grow(&key, (int)i, &old[i], &proof[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        struct span head = buffer_span(&old[i]);
        assert_ok(evidence_verify_consistency(head, buffer_span(&proof[i]), &key.public_half, NULL,
                                              &error));
        assert_refused(evidence_verify_consistency(head, buffer_span(&proof[1 - i]),
                                                   &key.public_half, NULL, &error),
                       "does not continue");
        for (size_t bit = 0; bit < proof[i].size_bytes * 8; bit++) {
            proof[i].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(evidence_verify_consistency(head, buffer_span(&proof[i]),
                                                         &key.public_half, NULL, &error),
                             STATUS_BAD_INPUT);
            proof[i].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        buffer_free(&old[i]);
        buffer_free(&proof[i]);
    }
}

static void proofs_beyond_the_log_are_refused(void **state) {
    (void)state;
    struct error error;
    struct private_key key = test_key(6);
    struct log *log;
    struct buffer proof;
    char *directory = make_scratch();
    assert_ok(log_open(directory, &key, &log, &error));
    buffer_init(&proof, 1 << 16);
    assert_refused(log_prove_inclusion(log, 0, &proof, &error), "there is no leaf 0");
    assert_refused(log_prove_consistency(log, 1, &proof, &error), "never had 1");
    assert_ok(log_prove_consistency(log, 0, &proof, &error));
    assert_ok(evidence_verify_consistency(log_checkpoint(log), buffer_span(&proof),
                                          &key.public_half, NULL, &error));
    buffer_free(&proof);
    log_close(log);
    remove_scratch(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_index_is_given_once),
        cmocka_unit_test(a_batch_is_all_or_nothing),
        cmocka_unit_test(a_fork_is_seen),
        cmocka_unit_test(proofs_beyond_the_log_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
