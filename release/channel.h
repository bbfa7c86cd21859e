/* The channel document (format/channel.h), written and signed. */
#ifndef RELEASE_CHANNEL_H
#define RELEASE_CHANNEL_H

#include "format/channel.h"
#include "release/cose.h"

enum { CHANNEL_DOCUMENT_MAXIMUM = 1 << 13 };

struct channel_entry {
    uint64_t sequence, minimum;
    const char *path; /* of the envelope, relative to the channel */
    uint8_t sha256[PM_SHA256_BYTES];
    uint32_t size_bytes;
    uint32_t rollout; /* of PM_CHANNEL_WHOLE */
    uint8_t salt[PM_CHANNEL_SALT_BYTES];
};

struct channel_document {
    uint64_t serial, issued_s, expires_s;
    uint8_t vendor[PM_UUID_BYTES], class_id[PM_UUID_BYTES];
    uint32_t root_version;
    const char *root_path;
    size_t entry_count;
    const struct channel_entry *entries; /* sequence numbers falling */
};

/* Refuses what pm_channel_read() would refuse. */
enum status channel_write(const struct channel_document *document,
                          const struct es256_signer *signer, struct buffer *out,
                          struct error *error);

#endif
