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

static void expect_key(struct pm_cbor *in, int32_t key) {
    if (pm_cbor_take_int(in) != key) pm_cbor_fail(in);
}

static uint64_t take_number(struct pm_cbor *in, int32_t key) {
    expect_key(in, key);
    return pm_cbor_take(in, PM_CBOR_UINT);
}

static void read_entry(struct pm_cbor *in, struct pm_channel_entry *out) {
    if (pm_cbor_take(in, PM_CBOR_ARRAY) != ENTRY_ITEMS) pm_cbor_fail(in);
    out->sequence = pm_cbor_take(in, PM_CBOR_UINT);
    out->minimum = pm_cbor_take(in, PM_CBOR_UINT);
    out->path = pm_cbor_take_path(in);
    out->sha256 = pm_cbor_take_exactly(in, PM_SHA256_BYTES);
    out->size_bytes = pm_cbor_take_u32(in, UINT32_MAX);
    out->rollout = pm_cbor_take_u32(in, PM_CHANNEL_WHOLE);
    out->salt = pm_cbor_take_exactly(in, PM_CHANNEL_SALT_BYTES);
    if (out->size_bytes == 0) pm_cbor_fail(in);
}

static void read_entries(struct pm_cbor *in, struct pm_channel *out) {
    struct pm_channel_entry entry;
    uint64_t count = pm_cbor_take(in, PM_CBOR_ARRAY), before = 0;
    if (count > PM_CHANNEL_ENTRIES_MAXIMUM) pm_cbor_fail(in);
    out->entries = (struct pm_bytes){in->at, (size_t)(in->end - in->at)};
    for (size_t i = 0; i < count && !in->failed; i++) {
        read_entry(in, &entry);
        if (i > 0 && entry.sequence >= before) pm_cbor_fail(in);
        before = entry.sequence;
    }
    out->entry_count = (size_t)count;
}

bool pm_channel_read(struct pm_bytes bytes, struct pm_channel *out) {
    struct pm_cbor in;
    *out = (struct pm_channel){0};
    pm_cbor_open(&in, bytes);
    if (pm_cbor_take(&in, PM_CBOR_MAP) != PAIRS || take_number(&in, KEY_FORM) != FORM) return false;
    out->serial = take_number(&in, KEY_SERIAL);
    expect_key(&in, KEY_VENDOR);
    out->vendor = pm_cbor_take_exactly(&in, PM_UUID_BYTES);
    expect_key(&in, KEY_CLASS);
    out->class_id = pm_cbor_take_exactly(&in, PM_UUID_BYTES);
    out->issued_s = take_number(&in, KEY_ISSUED);
    out->expires_s = take_number(&in, KEY_EXPIRES);
    expect_key(&in, KEY_ROOT);
    if (pm_cbor_take(&in, PM_CBOR_ARRAY) != 2) pm_cbor_fail(&in);
    out->root_version = pm_cbor_take_u32(&in, UINT32_MAX);
    out->root_path = pm_cbor_take_path(&in);
    expect_key(&in, KEY_ENTRIES);
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
