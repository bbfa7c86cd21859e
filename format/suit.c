/* See suit.h. */
#include "format/suit.h"

#include <string.h>

size_t pm_suit_section(int32_t label) {
    static const uint8_t labels[PM_SUIT_SECTIONS] = {PM_SUIT_PAYLOAD_FETCH, PM_SUIT_INSTALL,
                                                     PM_SUIT_TEXT,          PM_SUIT_VALIDATE,
                                                     PM_SUIT_LOAD,          PM_SUIT_INVOKE};
    size_t section = 0;
    while (section < PM_SUIT_SECTIONS && labels[section] != label)
        section++;
    return section;
}

/* A SUIT_Digest in its place. */
static const uint8_t *take_digest(struct pm_cbor *in) {
    pm_cbor_expect(in, PM_CBOR_ARRAY, 2);
    pm_cbor_expect(in, PM_CBOR_NINT, -1 - PM_SUIT_SHA256);
    return pm_cbor_take_exactly(in, PM_SHA256_BYTES);
}

const uint8_t *pm_suit_take_digest(struct pm_cbor *in) {
    struct pm_cbor inner;
    pm_cbor_unwrap(in, &inner);
    const uint8_t *sha256 = take_digest(&inner);
    if (pm_cbor_done(&inner)) return sha256;
    pm_cbor_fail(in);
    return NULL;
}

/* A byte string with its head: what digests are over. */
static void take_wrapped(struct pm_cbor *in, struct pm_bytes *out) {
    out->data = in->at;
    if (pm_cbor_peek(in) != PM_CBOR_BYTES) pm_cbor_fail(in);
    pm_cbor_skip(in);
    out->size_bytes = (size_t)(in->at - out->data);
}

static bool has_digest(const struct pm_sha256 *sha256, struct pm_bytes bytes,
                       const uint8_t *expected) {
    uint8_t digest[PM_SHA256_BYTES];
    return sha256->hash(sha256->context, &bytes, 1, digest) &&
           memcmp(digest, expected, PM_SHA256_BYTES) == 0;
}

enum pm_suit_form pm_suit_read_envelope(const struct pm_sha256 *sha256, struct pm_bytes bytes,
                                        struct pm_suit_envelope *out) {
    struct pm_cbor in, wrapper;
    *out = (struct pm_suit_envelope){0};
    pm_cbor_open(&in, bytes);
    pm_cbor_expect(&in, PM_CBOR_TAG, PM_SUIT_TAG_ENVELOPE);
    uint32_t pairs = pm_cbor_take_u32(&in, PM_CBOR_MAP, 2 + PM_SUIT_SEVERABLE);
    pm_cbor_expect(&in, PM_CBOR_UINT, PM_SUIT_AUTHENTICATION);
    pm_cbor_unwrap(&in, &wrapper);
    pm_cbor_expect(&in, PM_CBOR_UINT, PM_SUIT_MANIFEST);
    take_wrapped(&in, &out->manifest);
    for (; pairs > 2; pairs--) {
        size_t section = pm_suit_section(pm_cbor_take_int(&in));
        if (section >= PM_SUIT_SEVERABLE) return PM_SUIT_MALFORMED;
        take_wrapped(&in, &out->severed[section]);
    }
    pm_cbor_expect(&wrapper, PM_CBOR_ARRAY, 2);
    struct pm_cbor digest = wrapper;
    pm_cbor_take_bytes(&wrapper, &out->signed_digest);
    const uint8_t *expected = pm_suit_take_digest(&digest);
    struct pm_bytes signature;
    pm_cbor_take_bytes(&wrapper, &signature);
    if (!pm_cbor_done(&in) || !pm_cbor_done(&wrapper) || !expected ||
        !pm_cose_sign1_read(signature, &out->signature) || !out->signature.detached)
        return PM_SUIT_MALFORMED;
    return has_digest(sha256, out->manifest, expected) ? PM_SUIT_WELL_FORMED
                                                       : PM_SUIT_DIGEST_DIFFERS;
}

static bool read_common(struct pm_cbor *outer, struct pm_suit_manifest *out) {
    struct pm_cbor in;
    pm_cbor_unwrap(outer, &in);
    uint32_t pairs = pm_cbor_take_u32(&in, PM_CBOR_MAP, 2);
    pm_cbor_expect(&in, PM_CBOR_UINT, PM_SUIT_COMMON_COMPONENTS);
    out->component_count = pm_cbor_take_u32(&in, PM_CBOR_ARRAY, PM_SUIT_COMPONENTS);
    if (out->component_count == 0) pm_cbor_fail(&in);
    for (size_t i = 0; i < out->component_count; i++) {
        pm_cbor_expect(&in, PM_CBOR_ARRAY, 1);
        const uint8_t *role = pm_cbor_take_exactly(&in, 1);
        if (role && *role != i) pm_cbor_fail(&in);
    }
    if (pairs == 2) {
        pm_cbor_expect(&in, PM_CBOR_UINT, PM_SUIT_COMMON_SHARED);
        take_wrapped(&in, &out->shared);
    }
    return pm_cbor_done(&in);
}

/* An element behind the common part; what was severed leaves its digest in `severed`. */
static void read_element(struct pm_cbor *in, struct pm_suit_manifest *out,
                         const uint8_t *severed[PM_SUIT_SEVERABLE]) {
    int32_t label = pm_cbor_take_int(in);
    size_t section = pm_suit_section(label);
    struct pm_bytes reference;
    if (label == PM_SUIT_REFERENCE_URI) {
        pm_cbor_take_path(in, &reference);
    } else if (section == PM_SUIT_SECTIONS) {
        pm_cbor_fail(in);
    } else if (section < PM_SUIT_SEVERABLE && pm_cbor_peek(in) == PM_CBOR_ARRAY) {
        severed[section] = take_digest(in);
    } else {
        take_wrapped(in, &out->sections[section]);
    }
}

enum pm_suit_form pm_suit_read_manifest(const struct pm_sha256 *sha256,
                                        const struct pm_suit_envelope *envelope,
                                        struct pm_suit_manifest *out) {
    struct pm_cbor in, wrapped;
    const uint8_t *severed[PM_SUIT_SEVERABLE] = {NULL};
    *out = (struct pm_suit_manifest){0};
    pm_cbor_open(&wrapped, envelope->manifest);
    pm_cbor_unwrap(&wrapped, &in);
    uint32_t pairs = pm_cbor_take_u32(&in, PM_CBOR_MAP, 4 + PM_SUIT_SECTIONS);
    pm_cbor_expect(&in, PM_CBOR_UINT, PM_SUIT_VERSION);
    pm_cbor_expect(&in, PM_CBOR_UINT, 1);
    pm_cbor_expect(&in, PM_CBOR_UINT, PM_SUIT_SEQUENCE_NUMBER);
    out->sequence = pm_cbor_take(&in, PM_CBOR_UINT);
    pm_cbor_expect(&in, PM_CBOR_UINT, PM_SUIT_COMMON);
    if (!read_common(&in, out)) return PM_SUIT_MALFORMED;
    for (; pairs > 3; pairs--)
        read_element(&in, out, severed);
    if (!pm_cbor_done(&in)) return PM_SUIT_MALFORMED;
    for (size_t i = 0; i < PM_SUIT_SEVERABLE; i++) {
        struct pm_bytes element = envelope->severed[i];
        if (severed[i] == NULL && element.size_bytes > 0) return PM_SUIT_MALFORMED;
        if (severed[i] == NULL) continue;
        if (!has_digest(sha256, element, severed[i])) return PM_SUIT_DIGEST_DIFFERS;
        out->sections[i] = element;
    }
    return PM_SUIT_WELL_FORMED;
}
