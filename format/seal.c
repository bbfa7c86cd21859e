/* See seal.h. */
#include "format/seal.h"

#include <string.h>

#include "format/little_endian.h"

static const uint8_t magic[8] = {'P', 'M', 'S', 'E', 'A', 'L', 0, 1};

void pm_seal_write(const struct pm_seal *seal, uint8_t out[PM_SEAL_BYTES]) {
    memcpy(out, magic, sizeof magic);
    pm_put_u32(out + 8, seal->slot_address);
    pm_put_u32(out + 12, seal->image_bytes);
    pm_put_u64(out + 16, seal->sequence);
    out[24] = seal->major;
    out[25] = seal->minor;
    pm_put_u16(out + 26, seal->patch);
    pm_put_u32(out + 28, 0);
    memcpy(out + 32, seal->image_sha256, PM_SHA256_BYTES);
    memcpy(out + 64, seal->vendor, PM_UUID_BYTES);
    memcpy(out + 80, seal->class_id, PM_UUID_BYTES);
    memcpy(out + 96, seal->key_id, PM_SHA256_BYTES);
    memcpy(out + PM_SEAL_SIGNED_BYTES, seal->signature, PM_ES256_BYTES);
}

bool pm_seal_read(const uint8_t bytes[PM_SEAL_BYTES], struct pm_seal *out) {
    if (memcmp(bytes, magic, sizeof magic) != 0 || pm_get_u32(bytes + 28) != 0) return false;
    out->slot_address = pm_get_u32(bytes + 8);
    out->image_bytes = pm_get_u32(bytes + 12);
    if (out->image_bytes % 4 != 0) return false;
    out->sequence = pm_get_u64(bytes + 16);
    out->major = bytes[24];
    out->minor = bytes[25];
    out->patch = pm_get_u16(bytes + 26);
    memcpy(out->image_sha256, bytes + 32, PM_SHA256_BYTES);
    memcpy(out->vendor, bytes + 64, PM_UUID_BYTES);
    memcpy(out->class_id, bytes + 80, PM_UUID_BYTES);
    memcpy(out->key_id, bytes + 96, PM_SHA256_BYTES);
    memcpy(out->signature, bytes + PM_SEAL_SIGNED_BYTES, PM_ES256_BYTES);
    return true;
}
