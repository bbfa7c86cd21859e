/* See seal.h. */
#include "release/seal.h"

#include <string.h>

#include "evidence/digest.h"
#include "release/keys.h"

static void digest_of_seal(const struct pm_seal *seal, uint8_t out[PM_SHA256_BYTES]) {
    uint8_t bytes[PM_SEAL_BYTES];
    pm_seal_write(seal, bytes);
    digest_of((struct span){bytes, PM_SEAL_SIGNED_BYTES}, out);
}

enum status seal_image(struct span image, struct pm_seal *seal, const struct es256_signer *signer,
                       struct buffer *out, struct error *error) {
    uint8_t digest[PM_SHA256_BYTES], bytes[PM_SEAL_BYTES];
    if (image.size_bytes % 4 || image.size_bytes > UINT32_MAX) {
        return error_input(error,
                           "an image of %zu bytes cannot be sealed: its size is no multiple "
                           "of 4",
                           image.size_bytes);
    }
    seal->image_bytes = (uint32_t)image.size_bytes;
    digest_of(image, seal->image_sha256);
    memcpy(seal->key_id, signer->key_id, sizeof seal->key_id);
    digest_of_seal(seal, digest);
    enum status status = signer->sign(signer->context, digest, seal->signature, error);
    if (status != STATUS_OK) return status;
    pm_seal_write(seal, bytes);
    buffer_append(out, image.data, image.size_bytes);
    buffer_append(out, bytes, sizeof bytes);
    return out->failed ? error_environment(error, "no memory for a payload") : STATUS_OK;
}

enum status seal_of_payload(struct span payload, struct pm_seal *out, struct error *error) {
    uint8_t digest[PM_SHA256_BYTES];
    struct span image, seal;
    if (payload.size_bytes < PM_SEAL_BYTES ||
        !span_sub(payload, payload.size_bytes - PM_SEAL_BYTES, PM_SEAL_BYTES, &seal) ||
        !span_sub(payload, 0, payload.size_bytes - PM_SEAL_BYTES, &image) ||
        !pm_seal_read(seal.data, out)) {
        return error_input(error, "is no payload: it does not end with a seal");
    }
    digest_of(image, digest);
    if (out->image_bytes != image.size_bytes ||
        memcmp(digest, out->image_sha256, sizeof digest) != 0) {
        return error_input(error, "is not what its seal is of: it was changed or cut");
    }
    return STATUS_OK;
}

bool seal_holds(const struct pm_seal *seal, const uint8_t point[64]) {
    uint8_t digest[PM_SHA256_BYTES];
    digest_of_seal(seal, digest);
    return release_key_verify(point, digest, seal->signature);
}
