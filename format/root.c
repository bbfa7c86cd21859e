/* See root.h. */
#include "format/root.h"

#include <string.h>

#include "format/little_endian.h"

static const uint8_t magic[8] = {'P', 'M', 'R', 'O', 'O', 'T', 0, 1};

enum {
    AT_ROOT_KEYS = 16,
    AT_RELEASE_KEYS = AT_ROOT_KEYS + PM_ROOT_KEYS * PM_POINT_BYTES,
    AT_VENDOR = AT_RELEASE_KEYS + PM_RELEASE_KEYS * PM_POINT_BYTES,
    AT_CLASS = AT_VENDOR + PM_UUID_BYTES,
    AT_ZERO = AT_CLASS + PM_UUID_BYTES,
    AT_SIGNERS = PM_ROOT_SIGNED_BYTES,
    AT_SIGNATURES = AT_SIGNERS + 4,
};

void pm_root_write(const struct pm_root *root, uint8_t out[PM_ROOT_BYTES]) {
    memset(out, 0, PM_ROOT_BYTES);
    memcpy(out, magic, sizeof magic);
    pm_put_u32(out + 8, root->version);
    pm_put_u32(out + 12, root->release_key_count);
    memcpy(out + AT_ROOT_KEYS, root->root_keys, sizeof root->root_keys);
    memcpy(out + AT_RELEASE_KEYS, root->release_keys,
           (size_t)root->release_key_count * PM_POINT_BYTES);
    memcpy(out + AT_VENDOR, root->vendor, PM_UUID_BYTES);
    memcpy(out + AT_CLASS, root->class_id, PM_UUID_BYTES);
    memcpy(out + AT_SIGNERS, root->signers, sizeof root->signers);
    memcpy(out + AT_SIGNATURES, root->signatures, sizeof root->signatures);
}

static bool all_zero(const uint8_t *bytes, size_t size_bytes) {
    uint8_t any = 0;
    for (size_t i = 0; i < size_bytes; i++)
        any |= bytes[i];
    return any == 0;
}

/* Two ascending indexes, or none. */
static bool is_pair(const uint8_t *signers) {
    return (signers[0] < signers[1] && signers[1] < PM_ROOT_KEYS) ||
           (signers[0] == 0xff && signers[1] == 0xff);
}

bool pm_root_read_head(const uint8_t bytes[PM_ROOT_HEAD_BYTES], uint32_t *version,
                       uint32_t *release_key_count) {
    if (memcmp(bytes, magic, sizeof magic) != 0) return false;
    *version = pm_get_u32(bytes + 8);
    *release_key_count = pm_get_u32(bytes + 12);
    return *version != 0 && *release_key_count != 0 && *release_key_count <= PM_RELEASE_KEYS;
}

bool pm_root_read(const uint8_t bytes[PM_ROOT_BYTES], struct pm_root *out) {
    uint32_t count;
    const uint8_t *signers = bytes + AT_SIGNERS;
    if (!pm_root_read_head(bytes, &out->version, &count)) return false;
    const uint8_t *unused = bytes + AT_RELEASE_KEYS + (size_t)count * PM_POINT_BYTES;
    if (!all_zero(unused, (size_t)(PM_RELEASE_KEYS - count) * PM_POINT_BYTES) ||
        !all_zero(bytes + AT_ZERO, 32) || !is_pair(signers) || !is_pair(signers + 2)) {
        return false;
    }
    for (size_t i = 0; i < 4; i++) {
        const uint8_t *signature = bytes + AT_SIGNATURES + i * PM_ES256_BYTES;
        if (signers[i] == 0xff && !all_zero(signature, PM_ES256_BYTES)) return false;
    }
    out->release_key_count = count;
    memcpy(out->root_keys, bytes + AT_ROOT_KEYS, sizeof out->root_keys);
    memcpy(out->release_keys, bytes + AT_RELEASE_KEYS, sizeof out->release_keys);
    memcpy(out->vendor, bytes + AT_VENDOR, PM_UUID_BYTES);
    memcpy(out->class_id, bytes + AT_CLASS, PM_UUID_BYTES);
    memcpy(out->signers, signers, sizeof out->signers);
    memcpy(out->signatures, bytes + AT_SIGNATURES, sizeof out->signatures);
    return true;
}
