/* The SUIT envelope of a release (format/suit.h), as device/src/suit.c executes it.
 *
 * Two components: [h'00'], the slot to be written, and [h'01'], the slot that runs.
 *
 *   shared    vendor and class; then by slot: digest and size of the target's payload
 *   install   by slot: each patch whose base runs there, else the full image; each is followed by
 *             image-match, so that a patch that went wrong leads to the full image
 *   validate  image-match
 *
 * A payload is the image with its seal; a patch's base is the running image without it. The same
 * release gives the same bytes but for the signature. */
#ifndef RELEASE_SUIT_H
#define RELEASE_SUIT_H

#include "release/cose.h"

enum { SUIT_PATCHES_MAXIMUM = 8, SUIT_ENVELOPE_MAXIMUM = 1 << 14 };

struct suit_payload {
    const char *uri; /* relative to the channel's folder; 1 to 255 characters '!' to '~' */
    uint32_t size_bytes;
    uint8_t sha256[PM_SHA256_BYTES]; /* of image || seal; unused in a patch */
};

/* A patch from what runs in the other slot. */
struct suit_patch {
    struct suit_payload payload;
    uint32_t base_bytes;
    uint8_t base_sha256[PM_SHA256_BYTES];
};

struct suit_slot {
    struct suit_payload image;
    size_t patch_count;
    const struct suit_patch *patches; /* tried in this order */
};

struct suit_release {
    uint64_t sequence;
    uint8_t vendor[PM_UUID_BYTES], class_id[PM_UUID_BYTES];
    struct suit_slot slots[2];
    bool sever_install; /* keep the install sequence beside the manifest, by its digest */
};

enum status suit_write_envelope(const struct suit_release *release,
                                const struct es256_signer *signer, struct buffer *out,
                                struct error *error);

#endif
