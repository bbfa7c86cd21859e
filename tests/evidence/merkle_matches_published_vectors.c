/* The Merkle functions agree with the vectors of github.com/transparency-dev/merkle
 * (rfc6962/rfc6962_test.go, proof/verify_test.go), which Certificate Transparency's logs
 * use, and refuse each changed bit, hash, index and size. */
#include "tests/evidence/support.h"

#include "format/merkle.h"

enum { LEAVES = 8 };

static const char *const leaf_data[LEAVES] = {
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
};

static const char *const roots[LEAVES] = {
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

struct vector {
    uint64_t first, size; /* inclusion: index (from 0); consistency: old size */
    const char *proof[4];
};

static const struct vector inclusions[] = {
    {0, 1, {NULL}},
    {0,
     8,
     {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
    {5,
     8,
     {"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
    {2, 3, {"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
    {1,
     5,
     {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
};

static const struct vector consistencies[] = {
    {1, 1, {NULL}},
    {1,
     8,
     {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
    {6,
     8,
     {"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
    {2,
     5,
     {"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
    {6,
     7,
     {"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
};

static void hash_leaves(uint8_t out[LEAVES][PM_SHA256_BYTES]) {
    for (size_t i = 0; i < LEAVES; i++) {
        uint8_t data[16];
        size_t size = from_hex(leaf_data[i], data);
        assert_true(pm_merkle_hash_leaf(&digest_sha256, (struct pm_bytes){data, size}, out[i]));
    }
}

static void take_path(const struct vector *vector, struct pm_merkle_path *out) {
    out->count = 0;
    while (vector->proof[out->count]) {
        from_hex(vector->proof[out->count], out->hashes[out->count]);
        out->count++;
    }
}

static void assert_path(const struct pm_merkle_path *got, const struct pm_merkle_path *want) {
    assert_int_equal(got->count, want->count);
    assert_memory_equal(got->hashes, want->hashes, want->count * PM_SHA256_BYTES);
}

static void hashes_agree(void **state) {
    (void)state;
    uint8_t got[PM_SHA256_BYTES], want[PM_SHA256_BYTES], leaves[LEAVES][PM_SHA256_BYTES];
    assert_true(pm_merkle_hash_leaf(&digest_sha256, bytes_of("L123456"), got));
    from_hex("395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56", want);
    assert_memory_equal(got, want, sizeof want);
    assert_true(pm_merkle_root(&digest_sha256, NULL, 0, got));
    from_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", want);
    assert_memory_equal(got, want, sizeof want);
    hash_leaves(leaves);
    for (size_t i = 0; i < LEAVES; i++) {
        assert_true(
            pm_merkle_root(&digest_sha256, (const uint8_t(*)[PM_SHA256_BYTES])leaves, i + 1, got));
        from_hex(roots[i], want);
        assert_memory_equal(got, want, sizeof want);
    }
}

static void proofs_agree(void **state) {
    (void)state;
    uint8_t leaves[LEAVES][PM_SHA256_BYTES], root[PM_SHA256_BYTES], old_root[PM_SHA256_BYTES];
    const uint8_t(*hashes)[PM_SHA256_BYTES] = (const uint8_t(*)[PM_SHA256_BYTES])leaves;
    struct pm_merkle_path want, got;
    hash_leaves(leaves);
    for (size_t i = 0; i < sizeof inclusions / sizeof *inclusions; i++) {
        const struct vector *v = &inclusions[i];
        take_path(v, &want);
        from_hex(roots[v->size - 1], root);
        assert_true(pm_merkle_verify_inclusion(&digest_sha256, leaves[v->first], v->first, v->size,
                                               &want, root));
        assert_true(pm_merkle_prove_inclusion(&digest_sha256, hashes, v->size, v->first, &got));
        assert_path(&got, &want);
    }
    for (size_t i = 0; i < sizeof consistencies / sizeof *consistencies; i++) {
        const struct vector *v = &consistencies[i];
        take_path(v, &want);
        from_hex(roots[v->size - 1], root);
        from_hex(roots[v->first - 1], old_root);
        assert_true(
            pm_merkle_verify_consistency(&digest_sha256, v->first, old_root, v->size, root, &want));
        assert_true(pm_merkle_prove_consistency(&digest_sha256, hashes, v->size, v->first, &got));
        assert_path(&got, &want);
    }
}

/* Every index but the right one, sizes of another height (sizes of one shape agree: it is
 * the checkpoint's signature that binds the size), every flipped bit, and proofs that are
 * one hash longer or shorter. */
static void changed_proofs_are_refused(void **state) {
    (void)state;
    uint8_t leaves[LEAVES][PM_SHA256_BYTES], root[PM_SHA256_BYTES];
    hash_leaves(leaves);
    for (size_t i = 1; i < sizeof inclusions / sizeof *inclusions; i++) {
        const struct vector *v = &inclusions[i];
        struct pm_merkle_path path;
        take_path(v, &path);
        from_hex(roots[v->size - 1], root);
        for (uint64_t index = 0; index < 20; index++) {
            bool holds = pm_merkle_verify_inclusion(&digest_sha256, leaves[v->first], index,
                                                    v->size, &path, root);
            assert_int_equal(holds, index == v->first);
        }
        const uint64_t sizes[] = {0, 1, v->size / 2, v->size * 2, UINT64_MAX};
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            assert_false(pm_merkle_verify_inclusion(&digest_sha256, leaves[v->first], v->first,
                                                    sizes[j], &path, root));
        }
        for (size_t bit = 0; bit < path.count * PM_SHA256_BYTES * 8; bit++) {
            uint8_t *byte = &path.hashes[0][0] + bit / 8;
            *byte ^= (uint8_t)(1 << bit % 8);
            assert_false(pm_merkle_verify_inclusion(&digest_sha256, leaves[v->first], v->first,
                                                    v->size, &path, root));
            *byte ^= (uint8_t)(1 << bit % 8);
        }
        memcpy(path.hashes[path.count++], root, PM_SHA256_BYTES);
        assert_false(pm_merkle_verify_inclusion(&digest_sha256, leaves[v->first], v->first, v->size,
                                                &path, root));
        path.count -= 2;
        assert_false(pm_merkle_verify_inclusion(&digest_sha256, leaves[v->first], v->first, v->size,
                                                &path, root));
    }
}

static void changed_consistency_is_refused(void **state) {
    (void)state;
    uint8_t root[PM_SHA256_BYTES], old_root[PM_SHA256_BYTES];
    for (size_t i = 1; i < sizeof consistencies / sizeof *consistencies; i++) {
        const struct vector *v = &consistencies[i];
        struct pm_merkle_path path;
        take_path(v, &path);
        from_hex(roots[v->size - 1], root);
        from_hex(roots[v->first - 1], old_root);
        for (size_t bit = 0; bit < path.count * PM_SHA256_BYTES * 8; bit++) {
            uint8_t *byte = &path.hashes[0][0] + bit / 8;
            *byte ^= (uint8_t)(1 << bit % 8);
            assert_false(pm_merkle_verify_consistency(&digest_sha256, v->first, old_root, v->size,
                                                      root, &path));
            *byte ^= (uint8_t)(1 << bit % 8);
        }
        assert_false(
            pm_merkle_verify_consistency(&digest_sha256, v->first, root, v->size, old_root, &path));
        path.count--;
        assert_false(
            pm_merkle_verify_consistency(&digest_sha256, v->first, old_root, v->size, root, &path));
    }
}

/* Proofs between the empty tree, equal trees and shrinking trees. */
static void edges_of_consistency(void **state) {
    (void)state;
    uint8_t empty[PM_SHA256_BYTES], root[PM_SHA256_BYTES], other[PM_SHA256_BYTES];
    struct pm_merkle_path none = {.count = 0}, one = {.count = 1};
    from_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", empty);
    from_hex(roots[0], root);
    from_hex(roots[1], other);
    assert_true(pm_merkle_verify_consistency(&digest_sha256, 0, empty, 0, empty, &none));
    assert_true(pm_merkle_verify_consistency(&digest_sha256, 0, empty, 1, root, &none));
    assert_true(pm_merkle_verify_consistency(&digest_sha256, 1, root, 1, root, &none));
    assert_false(pm_merkle_verify_consistency(&digest_sha256, 0, root, 1, root, &none));
    assert_false(pm_merkle_verify_consistency(&digest_sha256, 1, root, 1, other, &none));
    assert_false(pm_merkle_verify_consistency(&digest_sha256, 1, root, 0, empty, &none));
    assert_false(pm_merkle_verify_consistency(&digest_sha256, 2, other, 1, root, &none));
    assert_false(pm_merkle_verify_consistency(&digest_sha256, 1, root, 2, other, &none));
    assert_false(pm_merkle_verify_consistency(&digest_sha256, 0, empty, 1, root, &one));
    assert_false(pm_merkle_verify_consistency(&digest_sha256, 1, root, 1, root, &one));
}

static bool broken_hash(void *context, const struct pm_bytes *parts, size_t count,
                        uint8_t out[PM_SHA256_BYTES]) {
    (void)context;
    (void)parts;
    (void)count;
    (void)out;
    return false;
}

/* A hash that fails (a peripheral) never leads to acceptance. */
static void failing_hash_is_refused(void **state) {
    (void)state;
    const struct pm_sha256 broken = {.hash = broken_hash};
    uint8_t leaves[LEAVES][PM_SHA256_BYTES], root[PM_SHA256_BYTES];
    struct pm_merkle_path path;
    hash_leaves(leaves);
    take_path(&inclusions[1], &path);
    from_hex(roots[7], root);
    assert_false(pm_merkle_verify_inclusion(&broken, leaves[0], 0, 8, &path, root));
    assert_false(pm_merkle_verify_consistency(&broken, 6, root, 8, root, &path));
    assert_false(pm_merkle_root(&broken, (const uint8_t(*)[PM_SHA256_BYTES])leaves, 8, root));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_agree),
        cmocka_unit_test(proofs_agree),
        cmocka_unit_test(changed_proofs_are_refused),
        cmocka_unit_test(changed_consistency_is_refused),
        cmocka_unit_test(edges_of_consistency),
        cmocka_unit_test(failing_hash_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
