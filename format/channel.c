/* See channel.h. */
#include "format/channel.h"

#include "format/cbor.h"

enum { FORM = 1, PAIRS = 8, ENTRY_ITEMS = 7 };

/* Keys of the map, in their order. */
enum {
    KEY_FORM = 1,
    KEY_SERIAL,
    KEY_VENDOR,
    KEY_CLASS,
    KEY_ISSUED,
    KEY_EXPIRES,
    KEY_ROOT,
    KEY_ENTRIES
};

static uint64_t take_number(struct pm_cbor *in, uint32_t key) {
    pm_cbor_expect(in, PM_CBOR_UINT, key);
    return pm_cbor_take(in, PM_CBOR_UINT);
}

static const uint8_t *take_id(struct pm_cbor *in, uint32_t key) {
    pm_cbor_expect(in, PM_CBOR_UINT, key);
    return pm_cbor_take_exactly(in, PM_UUID_BYTES);
}

static void read_entry(struct pm_cbor *in, struct pm_channel_entry *out) {
    pm_cbor_expect(in, PM_CBOR_ARRAY, ENTRY_ITEMS);
    out->sequence = pm_cbor_take(in, PM_CBOR_UINT);
    out->minimum = pm_cbor_take(in, PM_CBOR_UINT);
    pm_cbor_take_path(in, &out->path);
    out->sha256 = pm_cbor_take_exactly(in, PM_SHA256_BYTES);
    out->size_bytes = pm_cbor_take_u32(in, PM_CBOR_UINT, UINT32_MAX);
    out->rollout = pm_cbor_take_u32(in, PM_CBOR_UINT, PM_CHANNEL_WHOLE);
    out->salt = pm_cbor_take_exactly(in, PM_CHANNEL_SALT_BYTES);
    if (out->size_bytes == 0) pm_cbor_fail(in);
}

static void read_entries(struct pm_cbor *in, struct pm_channel *out) {
    struct pm_channel_entry entry;
    uint64_t before = 0;
    out->entry_count = pm_cbor_take_u32(in, PM_CBOR_ARRAY, PM_CHANNEL_ENTRIES_MAXIMUM);
    out->entries = (struct pm_bytes){in->at, (size_t)(in->end - in->at)};
    for (size_t i = 0; i < out->entry_count; i++) {
        read_entry(in, &entry);
        if (i > 0 && entry.sequence >= before) pm_cbor_fail(in);
        before = entry.sequence;
    }
}

bool pm_channel_read(struct pm_bytes bytes, struct pm_channel *out) {
    struct pm_cbor in;
    *out = (struct pm_channel){0};
    pm_cbor_open(&in, bytes);
    pm_cbor_expect(&in, PM_CBOR_MAP, PAIRS);
    pm_cbor_expect(&in, PM_CBOR_UINT, KEY_FORM);
    pm_cbor_expect(&in, PM_CBOR_UINT, FORM);
    out->serial = take_number(&in, KEY_SERIAL);
    out->vendor = take_id(&in, KEY_VENDOR);
    out->class_id = take_id(&in, KEY_CLASS);
    out->issued_s = take_number(&in, KEY_ISSUED);
    out->expires_s = take_number(&in, KEY_EXPIRES);
    pm_cbor_expect(&in, PM_CBOR_UINT, KEY_ROOT);
    pm_cbor_expect(&in, PM_CBOR_ARRAY, 2);
    out->root_version = pm_cbor_take_u32(&in, PM_CBOR_UINT, UINT32_MAX);
    pm_cbor_take_path(&in, &out->root_path);
    pm_cbor_expect(&in, PM_CBOR_UINT, KEY_ENTRIES);
    read_entries(&in, out);
    return pm_cbor_done(&in) && out->issued_s < out->expires_s && out->root_version > 0;
}

void pm_channel_entry(const struct pm_channel *channel, size_t index,
                      struct pm_channel_entry *out) {
    const uint8_t *start = channel->entries.data;
    struct pm_cbor in = {start, start + channel->entries.size_bytes, false};
    while (index-- > 0)
        pm_cbor_skip(&in);
    read_entry(&in, out);
}

bool pm_channel_in_rollout(const struct pm_sha256 *sha256, const struct pm_channel_entry *entry,
                           struct pm_bytes unit_id) {
    uint8_t digest[PM_SHA256_BYTES];
    const struct pm_bytes parts[] = {{entry->salt, PM_CHANNEL_SALT_BYTES}, unit_id};
    uint32_t remainder = 0;
    if (!sha256->hash(sha256->context, parts, 2, digest)) return false;
    for (size_t i = 0; i < 8; i++) /* 64 bits, so that no thousandth is larger than others */
        remainder = (remainder << 8 | digest[i]) % PM_CHANNEL_WHOLE;
    return remainder < entry->rollout;
}
