/* COSE_Sign1 and the channel document in it; what is read is inside the input. */
#include <stdlib.h>
#include <string.h>

#include "evidence/digest.h"
#include "format/cbor.h"
#include "format/channel.h"
#include "format/cose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void inside(struct pm_bytes input, const uint8_t *data, size_t size_bytes) {
    size_t offset = (size_t)(data - input.data);
    if (data < input.data || offset > input.size_bytes || size_bytes > input.size_bytes - offset)
        abort();
}

static void check_document(struct pm_bytes input, struct pm_bytes payload) {
    struct pm_channel channel;
    struct pm_channel_entry entry;
    uint64_t before = 0;
    if (!pm_channel_read(payload, &channel)) return;
    inside(input, channel.vendor, PM_UUID_BYTES);
    inside(input, channel.class_id, PM_UUID_BYTES);
    inside(input, channel.root_path.data, channel.root_path.size_bytes);
    if (channel.entry_count > PM_CHANNEL_ENTRIES_MAXIMUM || channel.issued_s >= channel.expires_s)
        abort();
    for (size_t i = 0; i < channel.entry_count; i++) {
        pm_channel_entry(&channel, i, &entry);
        inside(input, entry.path.data, entry.path.size_bytes);
        inside(input, entry.sha256, PM_SHA256_BYTES);
        inside(input, entry.salt, PM_CHANNEL_SALT_BYTES);
        if (entry.rollout > PM_CHANNEL_WHOLE || entry.size_bytes == 0) abort();
        if (i > 0 && entry.sequence >= before) abort();
        before = entry.sequence;
        if (pm_channel_in_rollout(&digest_sha256, &entry, input) && entry.rollout == 0) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    struct pm_bytes input = {data, size_bytes};
    struct pm_cose_sign1 message;
    uint8_t digest[PM_SHA256_BYTES];
    if (pm_cose_sign1_read(input, &message)) {
        inside(input, message.signature, PM_COSE_SIGNATURE_BYTES);
        inside(input, message.protected_header.data, message.protected_header.size_bytes);
        if (message.key_id.size_bytes > 0)
            inside(input, message.key_id.data, message.key_id.size_bytes);
        if (message.detached != (message.payload.data == NULL)) abort();
        if (!pm_cose_sign1_digest(&digest_sha256, message.protected_header, message.payload,
                                  digest))
            abort();
        check_document(input, message.payload);
    }
    check_document(input, input);
    return 0;
}
