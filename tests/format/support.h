/* What several tests of the wire formats need: hex, a P-256 key made for this run, a host for the
 * manifest processor that notes what it was asked. */
#ifndef TESTS_FORMAT_SUPPORT_H
#define TESTS_FORMAT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "evidence/digest.h"
#include "format/cbor.h"
#include "format/channel.h"
#include "format/cose.h"
#include "format/suit.h"
#include "pm/crypto.h"
#include "pm/suit.h"
#include "release/channel.h"
#include "release/cose.h"
#include "release/suit.h"

#define assert_ok(call)                                                    \
    do {                                                                   \
        if ((call) != STATUS_OK) fail_msg("%s: %s", #call, error.message); \
    } while (0)

struct test_key {
    EVP_PKEY *pkey;
    uint8_t point[PM_POINT_BYTES];
};

static inline struct pm_bytes bytes_of(struct buffer buffer) {
    return (struct pm_bytes){buffer.data, buffer.size_bytes};
}

/* Hexadecimal digits into `out`; returns how many bytes. Spaces are left out. */
static inline size_t unhex(const char *hex, uint8_t *out, size_t capacity_bytes) {
    size_t count = 0;
    for (; *hex; hex++) {
        unsigned value = 0;
        if (*hex == ' ' || *hex == '\n') continue;
        assert_true(count < capacity_bytes && sscanf(hex, "%2x", &value) == 1);
        out[count++] = (uint8_t)value;
        hex++;
    }
    return count;
}

static inline void test_key_point(struct test_key *key) {
    uint8_t uncompressed[65];
    size_t size_bytes;
    assert_int_equal(EVP_PKEY_get_octet_string_param(key->pkey, "pub", uncompressed,
                                                     sizeof uncompressed, &size_bytes),
                     1);
    assert_int_equal(size_bytes, sizeof uncompressed);
    memcpy(key->point, uncompressed + 1, sizeof key->point);
}

static inline struct test_key make_key(void) {
    struct test_key key = {.pkey = EVP_EC_gen("P-256")};
    assert_non_null(key.pkey);
    test_key_point(&key);
    return key;
}

static inline enum status sign_with_test_key(void *context, const uint8_t digest[PM_SHA256_BYTES],
                                             uint8_t signature[PM_ES256_BYTES],
                                             struct error *error) {
    const struct test_key *key = context;
    uint8_t der[80];
    size_t size_bytes = sizeof der;
    const uint8_t *at = der;
    (void)error;
    EVP_PKEY_CTX *sign = EVP_PKEY_CTX_new(key->pkey, NULL);
    assert_int_equal(EVP_PKEY_sign_init(sign), 1);
    assert_int_equal(EVP_PKEY_sign(sign, der, &size_bytes, digest, PM_SHA256_BYTES), 1);
    EVP_PKEY_CTX_free(sign);
    ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &at, (long)size_bytes);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(parts), signature, 32), 32);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(parts), signature + 32, 32), 32);
    ECDSA_SIG_free(parts);
    return STATUS_OK;
}

static inline struct es256_signer signer_of(struct test_key *key) {
    struct es256_signer signer = {.context = key, .sign = sign_with_test_key};
    digest_of((struct span){key->point, sizeof key->point}, signer.key_id);
    return signer;
}

/* The unit: which images are where, and what the manifest asked of it. */
struct unit {
    struct test_key key;
    struct es256_signer signer;
    struct pm_suit_host host;
    uint8_t vendor[PM_UUID_BYTES], class_id[PM_UUID_BYTES];
    uint8_t image[PM_SUIT_COMPONENTS][PM_SHA256_BYTES];
    uint32_t image_bytes[PM_SUIT_COMPONENTS];
    bool patch_goes_wrong;
    enum pm_update_error fetch_error;
    size_t fetches, invocations, records, verified;
    char log[4096]; /* a word for each thing asked */
};

static inline void unit_log(struct unit *unit, const char *word) {
    size_t used = strlen(unit->log);
    if (used + strlen(word) + 2 < sizeof unit->log)
        snprintf(unit->log + used, sizeof unit->log - used, "%s ", word);
}

static inline enum pm_update_error unit_verify(void *context, struct pm_bytes key_id,
                                               const uint8_t digest[PM_SHA256_BYTES],
                                               const uint8_t signature[PM_ES256_BYTES]) {
    struct unit *unit = context;
    struct pm_bytes own = {unit->signer.key_id, PM_SHA256_BYTES};
    unit->verified++;
    if (key_id.size_bytes > 0 && !pm_bytes_equal(key_id, own)) return PM_ERROR_KEY_UNKNOWN;
    return pm_es256_verify(unit->key.point, digest, signature) ? PM_ERROR_NONE : PM_ERROR_SIGNATURE;
}

static inline bool unit_image_match(void *context, enum pm_suit_role component,
                                    const uint8_t sha256[PM_SHA256_BYTES], uint32_t size_bytes) {
    struct unit *unit = context;
    bool match = unit->image_bytes[component] == size_bytes &&
                 memcmp(unit->image[component], sha256, PM_SHA256_BYTES) == 0;
    unit_log(unit, component == PM_SUIT_TARGET ? match ? "target=" : "target!"
                   : match                     ? "running="
                                               : "running!");
    return match;
}

static inline enum pm_update_error unit_fetch(void *context, const struct pm_suit_fetch *fetch) {
    struct unit *unit = context;
    char word[300];
    bool patch = fetch->patch_against != PM_SUIT_NO_PATCH;
    snprintf(word, sizeof word, "%s:%.*s", patch ? "patch" : "fetch", (int)fetch->uri.size_bytes,
             (const char *)fetch->uri.data);
    unit_log(unit, word);
    unit->fetches++;
    if (unit->fetch_error != PM_ERROR_NONE) return unit->fetch_error;
    unit->image_bytes[fetch->component] = fetch->size_bytes;
    memcpy(unit->image[fetch->component], fetch->sha256, PM_SHA256_BYTES);
    if (patch && unit->patch_goes_wrong) unit->image[fetch->component][0] ^= 1;
    return PM_ERROR_NONE;
}

static inline enum pm_update_error unit_invoke(void *context, enum pm_suit_role component) {
    struct unit *unit = context;
    unit->invocations++;
    unit_log(unit, component == PM_SUIT_TARGET ? "invoke:target" : "invoke:running");
    return PM_ERROR_NONE;
}

static inline void unit_record(void *context, enum pm_suit_role component, int32_t command,
                               unsigned policy, enum pm_update_error result) {
    (void)component, (void)command, (void)policy, (void)result;
    ((struct unit *)context)->records++;
}

/* A unit that runs from slot 1 and writes slot 0. */
static inline void unit_start(struct unit *unit) {
    *unit = (struct unit){.key = make_key()};
    unit->signer = signer_of(&unit->key);
    memset(unit->vendor, 0x11, sizeof unit->vendor);
    memset(unit->class_id, 0x22, sizeof unit->class_id);
    memset(unit->image[PM_SUIT_RUNNING], 0x77, PM_SHA256_BYTES);
    unit->image_bytes[PM_SUIT_RUNNING] = 7000;
    unit->host = (struct pm_suit_host){
        .context = unit,
        .sha256 = &digest_sha256,
        .verify = unit_verify,
        .vendor = unit->vendor,
        .class_id = unit->class_id,
        .slot = {0, 1},
        .image_match = unit_image_match,
        .fetch = unit_fetch,
        .invoke = unit_invoke,
        .record = unit_record,
    };
    unit->signer.context = &unit->key;
}

static inline void unit_end(struct unit *unit) {
    EVP_PKEY_free(unit->key.pkey);
}

/* A release with one patch for slot 0, from what unit_start() runs, and none for slot 1. */
static inline struct suit_release test_release(const struct suit_patch *patch) {
    struct suit_release release = {
        .sequence = 5,
        .slots = {{.image = {"2/slot-a.bin", 9000, {0}}, .patch_count = 1, .patches = patch},
                  {.image = {"2/slot-b.bin", 9004, {0}}}}};
    memset(release.vendor, 0x11, sizeof release.vendor);
    memset(release.class_id, 0x22, sizeof release.class_id);
    memset(release.slots[0].image.sha256, 0xa0, PM_SHA256_BYTES);
    memset(release.slots[1].image.sha256, 0xb0, PM_SHA256_BYTES);
    return release;
}

static inline struct suit_patch test_patch(void) {
    struct suit_patch patch = {.payload = {"2/delta-1-a.pmp", 800, {0}}, .base_bytes = 7000};
    memset(patch.base_sha256, 0x77, PM_SHA256_BYTES);
    return patch;
}

#endif
