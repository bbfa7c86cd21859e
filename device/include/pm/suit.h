/* Signed documents of the update: the channel, and the SUIT envelope whose manifest is executed.
 *
 *   struct pm_suit_manifest manifest;
 *   error = pm_suit_open(&host, envelope, floor, &manifest);
 *   if (!error) error = pm_suit_run(&host, &manifest, PM_SUIT_INSTALL);
 *   if (!error) error = pm_suit_run(&host, &manifest, PM_SUIT_VALIDATE);
 *
 * A run starts with no parameters, executes the shared sequence and then the one asked for, which
 * is no error to be missing. It keeps nothing: after a power cut, or after a fetch that is not
 * finished, run it again from the start. So `fetch` may take note of what is wanted, return an
 * error of the caller's own to leave the run, and return PM_ERROR_NONE at once when the run comes
 * by again and the payload is there.
 *
 * Bounded whatever the manifest says: PM_SUIT_COMMANDS commands, sequences PM_SUIT_NESTING deep,
 * no loops.
 *
 * A condition that does not hold ends its sequence; try-each then takes the next one. Everything
 * else that fails (a directive, a form, a command or parameter that is not known, a bound) ends
 * the run. */
#ifndef PM_SUIT_H
#define PM_SUIT_H

#include "format/channel.h"
#include "format/suit.h"
#include "pm/update.h"

enum { PM_SUIT_COMMANDS = 256, PM_SUIT_NESTING = 4, PM_SUIT_NO_PATCH = 0xff };

/* Bits of a command's reporting policy (the draft's section 8.4.7). */
enum { PM_SUIT_RECORD_SUCCESS = 1, PM_SUIT_RECORD_FAILURE = 2, PM_SUIT_POLICY_MAXIMUM = 15 };

struct pm_suit_fetch {
    enum pm_suit_role component;
    struct pm_bytes uri;
    const uint8_t *sha256; /* what the component's image must have when the fetch is done ... */
    uint32_t size_bytes;   /* ... and how many bytes it is then */
    uint8_t patch_against; /* enum pm_suit_role; PM_SUIT_NO_PATCH: the payload is the image */
    uint32_t patch_bytes;  /* of the patch; 0 when it is none */
};

struct pm_suit_host {
    void *context;
    const struct pm_sha256 *sha256;
    /* PM_ERROR_NONE, _KEY_UNKNOWN, _KEY_REVOKED or _SIGNATURE: ES256 by the key with this id
     * (format/seal.h; may be empty: any release key). */
    enum pm_update_error (*verify)(void *context, struct pm_bytes key_id,
                                   const uint8_t digest[PM_SHA256_BYTES],
                                   const uint8_t signature[PM_ES256_BYTES]);
    const uint8_t *vendor, *class_id; /* the unit's, PM_UUID_BYTES each */
    uint8_t slot[PM_SUIT_COMPONENTS]; /* which slot each component is in */
    /* The target's image is the payload: the image with its seal. The running one's is without. */
    bool (*image_match)(void *context, enum pm_suit_role component,
                        const uint8_t sha256[PM_SHA256_BYTES], uint32_t size_bytes);
    /* Anything but PM_ERROR_NONE ends the run with this error. */
    enum pm_update_error (*fetch)(void *context, const struct pm_suit_fetch *fetch);
    /* NULL: the unit has no invocation besides a reset, and the command is refused. */
    enum pm_update_error (*invoke)(void *context, enum pm_suit_role component);
    /* NULL: no records. Called where the command's policy asks for a record. */
    void (*record)(void *context, enum pm_suit_role component, int32_t command, unsigned policy,
                   enum pm_update_error result);
};

/* Signature and form of a channel document, vendor and class. Serial and times are the caller's
 * to judge. */
enum pm_update_error pm_channel_open(const struct pm_suit_host *host, struct pm_bytes bytes,
                                     struct pm_channel *out);

/* Signature, digests and form of an envelope; a sequence number below `floor` is refused. */
enum pm_update_error pm_suit_open(const struct pm_suit_host *host, struct pm_bytes bytes,
                                  uint64_t floor, struct pm_suit_manifest *out);

/* `section` is PM_SUIT_PAYLOAD_FETCH, _INSTALL, _VALIDATE, _LOAD or _INVOKE. */
enum pm_update_error pm_suit_run(const struct pm_suit_host *host,
                                 const struct pm_suit_manifest *manifest,
                                 enum pm_suit_element section);

#endif
