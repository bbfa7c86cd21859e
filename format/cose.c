/* See cose.h. */
#include "format/cose.h"

#include "format/cbor.h"

/* A header map: the algorithm where it is wanted, and perhaps the key id. */
static void read_header(struct pm_cbor *in, uint32_t wanted, struct pm_bytes *key_id) {
    uint32_t pairs = pm_cbor_take_u32(in, PM_CBOR_MAP, wanted + 1);
    if (wanted == 1) {
        pm_cbor_expect(in, PM_CBOR_UINT, PM_COSE_HEADER_ALGORITHM);
        pm_cbor_expect(in, PM_CBOR_NINT, -1 - PM_COSE_ES256);
    }
    if (pairs <= wanted) return;
    /* A label must not be in both headers (section 3). */
    if (key_id->size_bytes > 0) pm_cbor_fail(in);
    pm_cbor_expect(in, PM_CBOR_UINT, PM_COSE_HEADER_KEY_ID);
    pm_cbor_take_bytes(in, key_id);
    if (key_id->size_bytes == 0) pm_cbor_fail(in);
}

bool pm_cose_sign1_read(struct pm_bytes bytes, struct pm_cose_sign1 *out) {
    struct pm_cbor in, header;
    *out = (struct pm_cose_sign1){0};
    pm_cbor_open(&in, bytes);
    pm_cbor_expect(&in, PM_CBOR_TAG, PM_COSE_TAG_SIGN1);
    pm_cbor_expect(&in, PM_CBOR_ARRAY, 4);
    pm_cbor_take_bytes(&in, &out->protected_header);
    pm_cbor_open(&header, out->protected_header);
    read_header(&header, 1, &out->key_id);
    read_header(&in, 0, &out->key_id);
    out->detached = pm_cbor_peek(&in) == PM_CBOR_SIMPLE;
    if (out->detached) {
        pm_cbor_expect(&in, PM_CBOR_SIMPLE, PM_CBOR_NULL);
    } else {
        pm_cbor_take_bytes(&in, &out->payload);
    }
    out->signature = pm_cbor_take_exactly(&in, PM_COSE_SIGNATURE_BYTES);
    return pm_cbor_done(&header) && pm_cbor_done(&in);
}

bool pm_cose_sign1_digest(const struct pm_sha256 *sha256, struct pm_bytes protected_header,
                          struct pm_bytes payload, uint8_t out[PM_SHA256_BYTES]) {
    static const uint8_t start[] = {0x84, 0x6a, 'S', 'i', 'g', 'n', 'a', 't', 'u', 'r', 'e', '1'};
    static const uint8_t no_external_data = 0x40;
    uint8_t head[2][PM_CBOR_HEAD_MAXIMUM];
    const struct pm_bytes parts[] = {
        {start, sizeof start},
        {head[0], pm_cbor_put_head(head[0], PM_CBOR_BYTES, protected_header.size_bytes)},
        protected_header,
        {&no_external_data, 1},
        {head[1], pm_cbor_put_head(head[1], PM_CBOR_BYTES, payload.size_bytes)},
        payload,
    };
    return sha256->hash(sha256->context, parts, sizeof parts / sizeof parts[0], out);
}
