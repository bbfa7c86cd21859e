/* See channel.h. */
#include "release/channel.h"

#include "format/cbor.h"

static void put_entry(struct pm_cbor_writer *out, const struct channel_entry *entry) {
    pm_cbor_put(out, PM_CBOR_ARRAY, 7);
    pm_cbor_put(out, PM_CBOR_UINT, entry->sequence);
    pm_cbor_put(out, PM_CBOR_UINT, entry->minimum);
    pm_cbor_put_text(out, entry->path);
    pm_cbor_put_bytes(out, entry->sha256, PM_SHA256_BYTES);
    pm_cbor_put(out, PM_CBOR_UINT, entry->size_bytes);
    pm_cbor_put(out, PM_CBOR_UINT, entry->rollout);
    pm_cbor_put_bytes(out, entry->salt, PM_CHANNEL_SALT_BYTES);
}

static void put_number(struct pm_cbor_writer *out, int64_t key, uint64_t value) {
    pm_cbor_put_int(out, key);
    pm_cbor_put(out, PM_CBOR_UINT, value);
}

static void put_document(struct pm_cbor_writer *out, const struct channel_document *document) {
    pm_cbor_put(out, PM_CBOR_MAP, 8);
    put_number(out, 1, 1);
    put_number(out, 2, document->serial);
    pm_cbor_put_int(out, 3);
    pm_cbor_put_bytes(out, document->vendor, PM_UUID_BYTES);
    pm_cbor_put_int(out, 4);
    pm_cbor_put_bytes(out, document->class_id, PM_UUID_BYTES);
    put_number(out, 5, document->issued_s);
    put_number(out, 6, document->expires_s);
    pm_cbor_put_int(out, 7);
    pm_cbor_put(out, PM_CBOR_ARRAY, 2);
    pm_cbor_put(out, PM_CBOR_UINT, document->root_version);
    pm_cbor_put_text(out, document->root_path);
    pm_cbor_put_int(out, 8);
    pm_cbor_put(out, PM_CBOR_ARRAY, document->entry_count);
    for (size_t i = 0; i < document->entry_count; i++)
        put_entry(out, &document->entries[i]);
}

enum status channel_write(const struct channel_document *document,
                          const struct es256_signer *signer, struct buffer *out,
                          struct error *error) {
    uint8_t bytes[CHANNEL_DOCUMENT_MAXIMUM];
    struct pm_cbor_writer writer = {.out = bytes, .capacity_bytes = sizeof bytes};
    struct pm_channel read_back;
    if (document->expires_s <= document->issued_s)
        return error_input(error, "the channel would expire before it is issued; give a later "
                                  "expiry");
    put_document(&writer, document);
    if (writer.failed || !pm_channel_read((struct pm_bytes){bytes, writer.size_bytes}, &read_back))
        return error_input(error,
                           "the channel's entries do not fit: at most %d, newest first, paths of 1 "
                           "to 255 plain characters, rollout of at most %d",
                           PM_CHANNEL_ENTRIES_MAXIMUM, PM_CHANNEL_WHOLE);
    return cose_write_sign1(signer, (struct span){bytes, writer.size_bytes}, false, out, error);
}
