/* What update.c (what to fetch, and whether), download.c (the payload into the slot) and trust.c
 * (keys, root documents) share. */
#ifndef PM_CLIENT_H
#define PM_CLIENT_H

#include "http.h"
#include "pm/crypto.h"
#include "pm/patch.h"
#include "pm/root.h"
#include "pm/suit.h"

enum pm_client_phase { PM_PHASE_POLL, PM_PHASE_OFFER, PM_PHASE_PAYLOAD };

enum { PM_PATH_BYTES = 255 };

/* The download: what a fetch of the manifest asked for, and how far it is. */
struct pm_download {
    uint8_t sha256[PM_SHA256_BYTES]; /* of the image and its seal */
    uint32_t size_bytes, image_bytes;
    uint32_t patch_bytes; /* 0: the payload is the image itself */
    uint32_t position;    /* bytes handed on, from the front */
    uint32_t there_bytes; /* in the slot before this start: handed on and not written */
    uint32_t filled;      /* of the buffer */
    uint32_t path_bytes;
    uint8_t path[PM_PATH_BYTES];
    bool running;               /* begun, and the connection is open */
    bool whole;                 /* in the slot, but for the seal, and verified: set in one place */
    enum pm_update_error error; /* why write_new() stopped the decoder */
    uint8_t seal[PM_SEAL_BYTES];
    struct pm_patch *patch;
    struct pm_patch_io io;
};

struct pm_offer {
    uint64_t sequence; /* 0: none */
    uint32_t seen_s, postponed_s;
    uint32_t size_bytes, path_bytes;
    uint8_t sha256[PM_SHA256_BYTES];
    uint8_t path[PM_PATH_BYTES];
};

struct pm_update {
    struct pm_update_setup setup;
    enum pm_client_phase phase;
    enum pm_update_error last_error;
    uint32_t failures, polls, next_at_s, root_version;
    uint64_t expires_s, time_floor; /* of the newest channel document; 0: none yet */
    bool full_only;                 /* a patch turned out to be no use */
    bool on_trial, ready;
    struct pm_offer offer;
    struct pm_download download;
    struct pm_suit_manifest manifest; /* views into document */
    uint8_t vendor[PM_UUID_BYTES], class_id[PM_UUID_BYTES];
    struct pm_http http;
    uint8_t document[PM_UPDATE_DOCUMENT_BYTES];
    uint64_t patch_memory[PM_UPDATE_PATCH_BYTES / 8];
};

/* trust.c */

/* Names this unit's release keys and hashes to the manifest processor. */
struct pm_suit_host pm_client_host(struct pm_update *update);
/* The same as the host's verify(). */
enum pm_update_error pm_client_verify(void *context, struct pm_bytes key_id,
                                      const uint8_t digest[PM_SHA256_BYTES],
                                      const uint8_t signature[PM_ES256_BYTES]);
/* Fetches, verifies and keeps the root document of this version, unless it is there. */
enum pm_update_error pm_client_take_root(struct pm_update *update,
                                         const struct pm_boot_record *record, uint32_t version,
                                         struct pm_bytes path);
/* A whole file of at most capacity_bytes to `out`. */
enum pm_update_error pm_client_fetch(struct pm_update *update, struct pm_bytes path, void *out,
                                     uint32_t capacity_bytes, uint32_t *size_bytes);
bool pm_client_hash_slot(const struct pm_update *update, uint32_t slot, uint32_t size_bytes,
                         struct pm_hash *hash);
bool pm_client_read_seal(const struct pm_update *update, uint32_t slot, struct pm_seal *out);

/* download.c: the target is the slot that does not run. */

/* Begins where `running` is not set. About a page; `whole` is set when it was the last. */
enum pm_update_error pm_download_step(struct pm_update *update);
/* The seal, last of all. */
bool pm_download_seal(struct pm_update *update);

#endif
