/* Checkpoints, proofs and leaves: the examples of the C2SP documents read, what is read
 * writes back to the same bytes, and other forms are refused. */
#include "tests/evidence/support.h"

#include "format/leaf.h"
#include "format/proof.h"

#define DASH "\xe2\x80\x94"
#define SOFA_TEXT \
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
/* https://c2sp.org/tlog-checkpoint */
#define SOFA_NOTE                                       \
    SOFA_TEXT "\n" DASH " example.com/behind-the-sofa " \
              "Az3grlgtzPICa5OS8npVmf1Myq/"             \
              "5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
/* https://c2sp.org/tlog-witness */
#define WITNESS_HEAD                                 \
    "old 20852014\n"                                 \
    "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n" \
    "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n" \
    "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n" \
    "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\n"
/* https://c2sp.org/tlog-proof, whose example abbreviates its checkpoint */
#define PROOF_HEAD                                   \
    "c2sp.org/tlog-proof@v1\nindex 73894\n"          \
    "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n" \
    "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=\n\n"

static void examples_read_and_write_back(void **state) {
    (void)state;
    struct pm_note note;
    struct pm_checkpoint checkpoint;
    static struct pm_proof proof;
    char text[PM_CHECKPOINT_TEXT_MAXIMUM], head[PM_PROOF_HEAD_MAXIMUM];
    assert_true(pm_note_read(bytes_of(SOFA_NOTE), &note));
    assert_true(pm_checkpoint_read(note.text, &checkpoint));
    assert_true(pm_bytes_equal(checkpoint.origin, bytes_of("example.com/behind-the-sofa")));
    assert_int_equal(checkpoint.tree_size, 20852163);
    assert_int_equal(checkpoint.root[0], 0x0a);
    size_t length = pm_checkpoint_write(&checkpoint, text);
    assert_true(pm_bytes_equal((struct pm_bytes){(uint8_t *)text, length}, bytes_of(SOFA_TEXT)));

    assert_true(pm_proof_read_consistency(bytes_of(WITNESS_HEAD SOFA_NOTE), &proof));
    assert_int_equal(proof.index, 20852014);
    assert_int_equal(proof.path.count, 4);
    length = pm_proof_write_consistency(proof.index, &proof.path, head);
    assert_true(pm_bytes_equal((struct pm_bytes){(uint8_t *)head, length}, bytes_of(WITNESS_HEAD)));

    assert_true(pm_proof_read_inclusion(bytes_of(PROOF_HEAD SOFA_NOTE), &proof));
    assert_int_equal(proof.index, 73894);
    assert_int_equal(proof.path.count, 2);
    length = pm_proof_write_inclusion(proof.index, &proof.path, head);
    assert_true(pm_bytes_equal((struct pm_bytes){(uint8_t *)head, length}, bytes_of(PROOF_HEAD)));
}

#define ROOT_LINE "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

static void other_checkpoints_are_refused(void **state) {
    (void)state;
    static const char *const refused[] = {
        "",
        "a\n",
        "a\n1\n",
        "a\n1\n" ROOT_LINE "\n",
        "a\n1\n" ROOT_LINE "extension\n",
        "\n1\n" ROOT_LINE,
        "a b\n1\n" ROOT_LINE,
        "a+b\n1\n" ROOT_LINE,
        "a\n01\n" ROOT_LINE,
        "a\n+1\n" ROOT_LINE,
        "a\n 1\n" ROOT_LINE,
        "a\n\n" ROOT_LINE,
        "a\n-1\n" ROOT_LINE,
        "a\n1e3\n" ROOT_LINE,
        "a\n9223372036854775808\n" ROOT_LINE,
        "a\n18446744073709551616\n" ROOT_LINE,
        "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", /* bits behind the end */
        "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n",
        "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jx\n",
        "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
    };
    struct pm_checkpoint checkpoint;
    assert_true(pm_checkpoint_read(bytes_of("a\n9223372036854775807\n" ROOT_LINE), &checkpoint));
    assert_true(pm_checkpoint_read(bytes_of("a\n0\n" ROOT_LINE), &checkpoint));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (pm_checkpoint_read(bytes_of(refused[i]), &checkpoint)) {
            fail_msg("accepted: %s", refused[i]);
        }
    }
}

static void other_proofs_are_refused(void **state) {
    (void)state;
    static const char *const refused[] = {
        SOFA_NOTE,
        "c2sp.org/tlog-proof@v1\nindex 0\n" SOFA_NOTE,
        "c2sp.org/tlog-proof@v1\nindex 00\n\n" SOFA_NOTE,
        "c2sp.org/tlog-proof@v1\nindex -5\n\n" SOFA_NOTE,
        "c2sp.org/tlog-proof@v1\nindex \n\n" SOFA_NOTE,
        "c2sp.org/tlog-proof@v1\nIndex 0\n\n" SOFA_NOTE,
        "c2sp.org/tlog-proof@v2\nindex 0\n\n" SOFA_NOTE,
        "c2sp.org/tlog-proof@v1 \nindex 0\n\n" SOFA_NOTE,
        "c2sp.org/tlog-proof@v1\n\n" SOFA_NOTE,
        "c2sp.org/tlog-proof@v1\nindex 0\n!!notbase64!!\n\n" SOFA_NOTE,
        "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n" SOFA_NOTE,
        "c2sp.org/tlog-proof@v1\nextra AAAA\nindex 0\n\n" SOFA_NOTE, /* not authenticated */
        "c2sp.org/tlog-proof@v1\nindex 0\n\n" SOFA_TEXT,
        "c2sp.org/tlog-proof@v1\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\r\nindex 0\r\n\r\n" SOFA_NOTE,
    };
    static struct pm_proof proof;
    assert_true(
        pm_proof_read_inclusion(bytes_of("c2sp.org/tlog-proof@v1\nindex 0\n\n" SOFA_NOTE), &proof));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (pm_proof_read_inclusion(bytes_of(refused[i]), &proof)) fail_msg("%s", refused[i]);
    }
    assert_false(pm_proof_read_consistency(bytes_of(PROOF_HEAD SOFA_NOTE), &proof));
    assert_false(pm_proof_read_inclusion(bytes_of(WITNESS_HEAD SOFA_NOTE), &proof));
}

/* 64 hashes in an inclusion proof, 63 in a consistency proof, and not one more. */
static void paths_are_bounded(void **state) {
    (void)state;
    static struct pm_proof proof;
    for (size_t count = 62; count <= 66; count++) {
        for (int inclusion = 0; inclusion < 2; inclusion++) {
            struct buffer text;
            buffer_init(&text, 1 << 16);
            buffer_text(&text, inclusion ? "c2sp.org/tlog-proof@v1\nindex 1\n" : "old 1\n");
            for (size_t i = 0; i < count; i++) {
                buffer_text(&text, ROOT_LINE);
            }
            buffer_text(&text, "\n" SOFA_NOTE);
            struct pm_bytes bytes = digest_bytes(buffer_span(&text));
            bool read = inclusion ? pm_proof_read_inclusion(bytes, &proof)
                                  : pm_proof_read_consistency(bytes, &proof);
            assert_int_equal(read, count <= (inclusion ? 64 : 63));
            buffer_free(&text);
        }
    }
}

static void leaves_write_back_or_are_refused(void **state) {
    (void)state;
    struct pm_leaf leaf = {.payload_type = bytes_of(STATEMENT_PAYLOAD_TYPE)}, back;
    uint8_t record[PM_LEAF_BYTES], again[PM_LEAF_BYTES];
    memset(leaf.envelope_sha256, 0x5a, PM_SHA256_BYTES);
    memset(leaf.key_id, 0xa5, PM_SHA256_BYTES);
    assert_true(pm_leaf_write(&leaf, record));
    assert_memory_equal(record, "PMLEAF\0\1", 8);
    size_t refused = 0;
    for (size_t bit = 0; bit < PM_LEAF_BYTES * 8; bit++) {
        record[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (pm_leaf_read((struct pm_bytes){record, sizeof record}, &back)) {
            assert_true(pm_leaf_write(&back, again));
            assert_memory_equal(again, record, sizeof record);
            assert_true(bit >= 64);
        } else {
            refused++;
        }
        record[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(refused >= 64 + 92 * 8); /* the magic and the padding, at least */
    assert_false(pm_leaf_read((struct pm_bytes){record, PM_LEAF_BYTES - 1}, &back));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_read_and_write_back),
        cmocka_unit_test(other_checkpoints_are_refused),
        cmocka_unit_test(other_proofs_are_refused),
        cmocka_unit_test(paths_are_bounded),
        cmocka_unit_test(leaves_write_back_or_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
