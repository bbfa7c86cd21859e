/* See leaf.h. */
#include "format/leaf.h"

#include <string.h>

static const uint8_t magic[8] = {'P', 'M', 'L', 'E', 'A', 'F', 0, 1};

enum { AT_DIGEST = 8, AT_KEY_ID = 40, AT_TYPE = 72 };

static bool printable(struct pm_bytes text) {
    for (size_t i = 0; i < text.size_bytes; i++) {
        if (text.data[i] < 0x21 || text.data[i] > 0x7e) return false;
    }
    return text.size_bytes >= 1 && text.size_bytes <= PM_LEAF_PAYLOAD_TYPE_MAXIMUM;
}

bool pm_leaf_write(const struct pm_leaf *leaf, uint8_t out[PM_LEAF_BYTES]) {
    if (!printable(leaf->payload_type)) return false;
    memset(out, 0, PM_LEAF_BYTES);
    memcpy(out, magic, sizeof magic);
    memcpy(out + AT_DIGEST, leaf->envelope_sha256, PM_SHA256_BYTES);
    memcpy(out + AT_KEY_ID, leaf->key_id, PM_SHA256_BYTES);
    memcpy(out + AT_TYPE, leaf->payload_type.data, leaf->payload_type.size_bytes);
    return true;
}

bool pm_leaf_read(struct pm_bytes record, struct pm_leaf *out) {
    if (record.size_bytes != PM_LEAF_BYTES) return false;
    if (memcmp(record.data, magic, sizeof magic) != 0) return false;
    const uint8_t *type = record.data + AT_TYPE;
    size_t length = PM_LEAF_PAYLOAD_TYPE_MAXIMUM;
    while (length > 0 && type[length - 1] == 0) {
        length--;
    }
    if (!printable((struct pm_bytes){type, length})) return false;
    memcpy(out->envelope_sha256, record.data + AT_DIGEST, PM_SHA256_BYTES);
    memcpy(out->key_id, record.data + AT_KEY_ID, PM_SHA256_BYTES);
    out->payload_type = (struct pm_bytes){type, length};
    return true;
}
