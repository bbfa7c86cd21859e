/* For every tree of up to 70 leaves: each leaf's proof and each older size's proof hold,
 * and the proof of one leaf holds at no other index; the root is the recursive definition
 * of RFC 9162 section 2.1.1, written out here a second time. */
#include "tests/evidence/support.h"

#include "format/merkle.h"

enum { MOST = 70 };

static uint8_t leaves[MOST][PM_SHA256_BYTES];

/* MTH(D[n]) as the RFC writes it, over the leaf hashes. */
static void definition(size_t first, size_t count, uint8_t out[PM_SHA256_BYTES]) {
    uint8_t joined[1 + 2 * PM_SHA256_BYTES] = {0x01};
    size_t k = 1;
    if (count == 1) {
        memcpy(out, leaves[first], PM_SHA256_BYTES);
        return;
    }
    while (k * 2 < count)
        k *= 2;
    definition(first, k, joined + 1);
    definition(first + k, count - k, joined + 1 + PM_SHA256_BYTES);
    digest_of((struct span){joined, sizeof joined}, out);
}

static void fill(void) {
    for (size_t i = 0; i < MOST; i++) {
        uint8_t entry[2] = {0x00, (uint8_t)i};
        digest_of((struct span){entry, sizeof entry}, leaves[i]);
    }
}

static void every_proof_holds(void **state) {
    (void)state;
    const uint8_t(*hashes)[PM_SHA256_BYTES] = (const uint8_t(*)[PM_SHA256_BYTES])leaves;
    uint8_t root[MOST + 1][PM_SHA256_BYTES];
    struct pm_merkle_path path;
    fill();
    assert_true(pm_merkle_root(&digest_sha256, hashes, 0, root[0]));
    for (uint64_t size = 1; size <= MOST; size++) {
        uint8_t expected[PM_SHA256_BYTES];
        assert_true(pm_merkle_root(&digest_sha256, hashes, size, root[size]));
        definition(0, size, expected);
        assert_memory_equal(root[size], expected, PM_SHA256_BYTES);
        for (uint64_t index = 0; index < size; index++) {
            assert_true(pm_merkle_prove_inclusion(&digest_sha256, hashes, size, index, &path));
            for (uint64_t claimed = 0; claimed < size + 1; claimed++) {
                bool holds = pm_merkle_verify_inclusion(&digest_sha256, leaves[index], claimed,
                                                        size, &path, root[size]);
                assert_int_equal(holds, claimed == index);
            }
        }
        assert_false(pm_merkle_prove_inclusion(&digest_sha256, hashes, size, size, &path));
        for (uint64_t old = 0; old <= size; old++) {
            assert_true(pm_merkle_prove_consistency(&digest_sha256, hashes, size, old, &path));
            assert_true(pm_merkle_verify_consistency(&digest_sha256, old, root[old], size,
                                                     root[size], &path));
            if (old == 0 || old == size) continue;
            assert_false(pm_merkle_verify_consistency(&digest_sha256, old, root[old - 1], size,
                                                      root[size], &path));
            assert_false(pm_merkle_verify_consistency(&digest_sha256, old, root[old], size,
                                                      root[size - 1], &path));
        }
        assert_false(pm_merkle_prove_consistency(&digest_sha256, hashes, size, size + 1, &path));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_proof_holds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
