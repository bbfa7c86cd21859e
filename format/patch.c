/* See patch.h. */
#include "format/patch.h"

#include <string.h>

#include "format/little_endian.h"

static const uint8_t magic[4] = {'P', 'M', 'P', 1};

void pm_patch_header_write(const struct pm_patch_header *header,
                           uint8_t out[PM_PATCH_HEADER_BYTES]) {
    memcpy(out, magic, sizeof magic);
    pm_put_u32(out + 4, header->old_address);
    pm_put_u32(out + 8, header->old_bytes);
    pm_put_u32(out + 12, header->new_address);
    pm_put_u32(out + 16, header->new_bytes);
    memcpy(out + 20, header->old_sha256, PM_SHA256_BYTES);
    pm_put_u32(out + 52, header->memory_bytes);
}

bool pm_patch_header_read(const uint8_t bytes[PM_PATCH_HEADER_BYTES], struct pm_patch_header *out) {
    if (memcmp(bytes, magic, sizeof magic) != 0) return false;
    out->old_address = pm_get_u32(bytes + 4);
    out->old_bytes = pm_get_u32(bytes + 8);
    out->new_address = pm_get_u32(bytes + 12);
    out->new_bytes = pm_get_u32(bytes + 16);
    memcpy(out->old_sha256, bytes + 20, PM_SHA256_BYTES);
    out->memory_bytes = pm_get_u32(bytes + 52);
    return true;
}
