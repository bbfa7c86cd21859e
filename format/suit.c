/* See suit.h. */
#include "format/suit.h"

#include <string.h>

#include "format/cbor.h"

const uint8_t *pm_suit_read_digest(struct pm_bytes bytes) {
    struct pm_cbor in;
    pm_cbor_open(&in, bytes);
    if (pm_cbor_take(&in, PM_CBOR_ARRAY) != 2 || pm_cbor_take_int(&in) != PM_SUIT_SHA256)
        return NULL;
    const uint8_t *sha256 = pm_cbor_take_exactly(&in, PM_SHA256_BYTES);
    return pm_cbor_done(&in) ? sha256 : NULL;
}

/* A byte string with its head: what digests are over. */
static struct pm_bytes take_wrapped(struct pm_cbor *in) {
    if (pm_cbor_peek(in) != PM_CBOR_BYTES) pm_cbor_fail(in);
    return pm_cbor_skip(in);
}

static struct pm_bytes unwrap(struct pm_bytes wrapped) {
    struct pm_cbor in;
    pm_cbor_open(&in, wrapped);
    return pm_cbor_take_bytes(&in);
}

static bool has_digest(const struct pm_sha256 *sha256, struct pm_bytes bytes,
                       const uint8_t *expected) {
    uint8_t digest[PM_SHA256_BYTES];
    return sha256->hash(sha256->context, &bytes, 1, digest) &&
           memcmp(digest, expected, PM_SHA256_BYTES) == 0;
}

/* Where the envelope keeps a severable element; PM_SUIT_SECTIONS for any other label. */
static size_t severable(int32_t label) {
    return label == PM_SUIT_PAYLOAD_FETCH ? 0
           : label == PM_SUIT_INSTALL     ? 1
           : label == PM_SUIT_TEXT        ? 2
                                          : PM_SUIT_SECTIONS;
}

bool pm_suit_read_envelope(const struct pm_sha256 *sha256, struct pm_bytes bytes,
                           struct pm_suit_envelope *out, bool *digest_differs) {
    struct pm_cbor in, wrapper;
    *out = (struct pm_suit_envelope){0};
    *digest_differs = false;
    pm_cbor_open(&in, bytes);
    if (pm_cbor_take(&in, PM_CBOR_TAG) != PM_SUIT_TAG_ENVELOPE) return false;
    uint64_t pairs = pm_cbor_take(&in, PM_CBOR_MAP);
    if (pairs < 2 || pm_cbor_take_int(&in) != PM_SUIT_AUTHENTICATION) return false;
    pm_cbor_open(&wrapper, pm_cbor_take_bytes(&in));
    if (pm_cbor_take_int(&in) != PM_SUIT_MANIFEST) return false;
    out->manifest = take_wrapped(&in);
    while (pairs-- > 2 && !in.failed) {
        size_t place = severable(pm_cbor_take_int(&in));
        if (place == PM_SUIT_SECTIONS) return false;
        out->severed[place] = take_wrapped(&in);
    }
    if (!pm_cbor_done(&in) || pm_cbor_take(&wrapper, PM_CBOR_ARRAY) != 2) return false;
    out->signed_digest = pm_cbor_take_bytes(&wrapper);
    struct pm_bytes signature = pm_cbor_take_bytes(&wrapper);
    const uint8_t *expected = pm_suit_read_digest(out->signed_digest);
    if (!pm_cbor_done(&wrapper) || !expected || !pm_cose_sign1_read(signature, &out->signature) ||
        !out->signature.detached)
        return false;
    *digest_differs = !has_digest(sha256, out->manifest, expected);
    return !*digest_differs;
}

/* The components, each named once. */
static void read_components(struct pm_cbor *in, struct pm_suit_manifest *out) {
    uint64_t count = pm_cbor_take(in, PM_CBOR_ARRAY);
    if (count < 1 || count > PM_SUIT_COMPONENTS) pm_cbor_fail(in);
    for (size_t i = 0; i < count && !in->failed; i++) {
        if (pm_cbor_take(in, PM_CBOR_ARRAY) != 1) pm_cbor_fail(in);
        const uint8_t *role = pm_cbor_take_exactly(in, 1);
        if (!role || *role >= PM_SUIT_ROLES || (i == 1 && *role == out->roles[0])) {
            pm_cbor_fail(in);
            return;
        }
        out->roles[i] = *role;
    }
    out->component_count = (size_t)count;
}

static bool read_common(struct pm_bytes bytes, struct pm_suit_manifest *out) {
    struct pm_cbor in;
    pm_cbor_open(&in, bytes);
    uint64_t pairs = pm_cbor_take(&in, PM_CBOR_MAP);
    if (pm_cbor_take_int(&in) != PM_SUIT_COMMON_COMPONENTS) return false;
    read_components(&in, out);
    if (pairs == 2) {
        if (pm_cbor_take_int(&in) != PM_SUIT_COMMON_SHARED) return false;
        out->shared = pm_cbor_take_bytes(&in);
    }
    return pm_cbor_done(&in);
}

/* An element that may be in its place or severed from it. */
static struct pm_bytes take_severable(struct pm_cbor *in, const struct pm_sha256 *sha256,
                                      struct pm_bytes severed, bool *digest_differs) {
    if (pm_cbor_peek(in) == PM_CBOR_BYTES) {
        if (severed.size_bytes > 0) pm_cbor_fail(in); /* it would be there twice */
        return pm_cbor_take_bytes(in);
    }
    const uint8_t *expected = pm_suit_read_digest(pm_cbor_skip(in));
    if (expected && has_digest(sha256, severed, expected)) return unwrap(severed);
    *digest_differs = expected != NULL;
    pm_cbor_fail(in);
    return (struct pm_bytes){NULL, 0};
}

/* One element behind the common part; `taken` has a bit for each severed one that was named. */
static void read_element(struct pm_cbor *in, const struct pm_sha256 *sha256,
                         const struct pm_suit_envelope *envelope, struct pm_suit_manifest *out,
                         bool *digest_differs, unsigned *taken) {
    int32_t label = pm_cbor_take_int(in);
    size_t place = severable(label);
    struct pm_bytes element;
    if (place != PM_SUIT_SECTIONS) {
        element = take_severable(in, sha256, envelope->severed[place], digest_differs);
        *taken |= 1u << place;
    } else if (label == PM_SUIT_REFERENCE_URI) {
        pm_cbor_take_path(in);
        return;
    } else {
        element = pm_cbor_take_bytes(in);
    }
    if (label == PM_SUIT_PAYLOAD_FETCH) out->payload_fetch = element;
    else if (label == PM_SUIT_INSTALL) out->install = element;
    else if (label == PM_SUIT_VALIDATE) out->validate = element;
    else if (label == PM_SUIT_LOAD) out->load = element;
    else if (label == PM_SUIT_INVOKE) out->invoke = element;
    else if (label != PM_SUIT_TEXT) pm_cbor_fail(in);
}

bool pm_suit_read_manifest(const struct pm_sha256 *sha256, const struct pm_suit_envelope *envelope,
                           struct pm_suit_manifest *out, bool *digest_differs) {
    struct pm_cbor in;
    unsigned taken = 0;
    *out = (struct pm_suit_manifest){0};
    *digest_differs = false;
    pm_cbor_open(&in, unwrap(envelope->manifest));
    uint64_t pairs = pm_cbor_take(&in, PM_CBOR_MAP);
    if (pm_cbor_take_int(&in) != PM_SUIT_VERSION || pm_cbor_take(&in, PM_CBOR_UINT) != 1 ||
        pm_cbor_take_int(&in) != PM_SUIT_SEQUENCE_NUMBER)
        return false;
    out->sequence = pm_cbor_take(&in, PM_CBOR_UINT);
    if (pm_cbor_take_int(&in) != PM_SUIT_COMMON || !read_common(pm_cbor_take_bytes(&in), out))
        return false;
    for (; pairs > 3 && !in.failed; pairs--)
        read_element(&in, sha256, envelope, out, digest_differs, &taken);
    for (size_t i = 0; i < PM_SUIT_SECTIONS; i++) {
        if (envelope->severed[i].size_bytes > 0 && (taken >> i & 1) == 0) return false;
    }
    return pm_cbor_done(&in);
}
