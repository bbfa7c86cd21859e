/* See cose.h. */
#include "release/cose.h"

#include "evidence/digest.h"
#include "format/cbor.h"
#include "format/cose.h"

enum { HEADER_MAXIMUM = 64 };

static struct pm_bytes write_header(const uint8_t key_id[PM_SHA256_BYTES],
                                    uint8_t out[HEADER_MAXIMUM]) {
    struct pm_cbor_writer writer = {.out = out, .capacity_bytes = HEADER_MAXIMUM};
    pm_cbor_put(&writer, PM_CBOR_MAP, 2);
    pm_cbor_put_int(&writer, PM_COSE_HEADER_ALGORITHM);
    pm_cbor_put_int(&writer, PM_COSE_ES256);
    pm_cbor_put_int(&writer, PM_COSE_HEADER_KEY_ID);
    pm_cbor_put_bytes(&writer, key_id, PM_SHA256_BYTES);
    return (struct pm_bytes){out, writer.size_bytes};
}

static enum status digest_of_message(struct pm_bytes header, struct span payload,
                                     uint8_t digest[PM_SHA256_BYTES], struct error *error) {
    if (pm_cose_sign1_digest(&digest_sha256, header, digest_bytes(payload), digest))
        return STATUS_OK;
    return error_environment(error, "OpenSSL could not hash; is its installation complete?");
}

enum status cose_sign1_digest(const uint8_t key_id[PM_SHA256_BYTES], struct span payload,
                              uint8_t digest[PM_SHA256_BYTES], struct error *error) {
    uint8_t header[HEADER_MAXIMUM];
    return digest_of_message(write_header(key_id, header), payload, digest, error);
}

enum status cose_write_sign1(const struct es256_signer *signer, struct span payload, bool detached,
                             struct buffer *out, struct error *error) {
    uint8_t header_bytes[HEADER_MAXIMUM], digest[PM_SHA256_BYTES], signature[PM_ES256_BYTES];
    uint8_t around[HEADER_MAXIMUM + 64];
    struct pm_bytes header = write_header(signer->key_id, header_bytes);
    enum status status = digest_of_message(header, payload, digest, error);
    if (status == STATUS_OK) status = signer->sign(signer->context, digest, signature, error);
    if (status != STATUS_OK) return status;

    struct pm_cbor_writer writer = {.out = around, .capacity_bytes = sizeof around};
    pm_cbor_put(&writer, PM_CBOR_TAG, PM_COSE_TAG_SIGN1);
    pm_cbor_put(&writer, PM_CBOR_ARRAY, 4);
    pm_cbor_put_bytes(&writer, header.data, header.size_bytes);
    pm_cbor_put(&writer, PM_CBOR_MAP, 0);
    if (detached) {
        pm_cbor_put(&writer, PM_CBOR_SIMPLE, PM_CBOR_NULL);
    } else {
        pm_cbor_put(&writer, PM_CBOR_BYTES, payload.size_bytes);
    }
    buffer_append(out, around, writer.size_bytes);
    if (!detached) buffer_append(out, payload.data, payload.size_bytes);
    writer.size_bytes = 0;
    pm_cbor_put_bytes(&writer, signature, sizeof signature);
    buffer_append(out, around, writer.size_bytes);
    if (out->failed) return error_environment(error, "out of memory for a signed message");
    return STATUS_OK;
}
