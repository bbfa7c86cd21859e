/* The update client. Call pm_update_step() from the main loop: it does a bounded piece of work (a
 * document fetched and verified, or about a page of the payload) and returns.
 *
 *   static uint64_t memory[PM_UPDATE_BYTES / 8];
 *   static uint8_t page[PAGE_BYTES];
 *   struct pm_update *update = pm_update_start(memory, &setup);
 *   for (;;) {
 *       if (pm_update_step(update) == PM_UPDATE_READY) reboot();
 *       ...
 *   }
 *
 * Everything that must outlive a power cut is in flash: the boot record and the download's
 * progress pages. After a reset the client begins with a poll and takes the download up where it
 * was. It never writes to the slot that runs.
 *
 * What is believed, and why: the channel and the envelope by a release key of the root document in
 * force, or of a newer one that two of its three root keys signed; the payload by the digest in
 * the envelope; nothing of what the server says besides. Serial numbers and signed times that were
 * seen are floors that never fall. The sequence floor and the root document move only when the new
 * image confirms its health (pm/boot.h). */
#ifndef PM_UPDATE_H
#define PM_UPDATE_H
#include "pm/boot.h"
#include "pm/port.h"

enum pm_update_state {
    PM_UPDATE_IDLE,    /* nothing newer is known */
    PM_UPDATE_WAITING, /* one is known; postponed, or outside the window */
    PM_UPDATE_FETCHING,
    PM_UPDATE_READY,    /* whole and verified in the idle slot, marked for trial: reboot */
    PM_UPDATE_ON_TRIAL, /* this boot is a trial: confirm or withdraw. Polls, fetches nothing */
};

/* Whether the newest channel document is within its time. Unknown as long as there is none since
 * the start, or the time is unknown; stale as well when only the floor says so. */
enum pm_freshness { PM_FRESH, PM_STALE, PM_FRESHNESS_UNKNOWN };

/* Errors; each refusal has its own, told by pm_port.event as well. */
enum pm_update_error {
    PM_ERROR_NONE,
    PM_ERROR_NETWORK,            /* no connection, or it did not take the request */
    PM_ERROR_HTTP_STATUS,        /* neither 200 nor 206 */
    PM_ERROR_HTTP_FORM,          /* no HTTP/1.x response, or codings that nobody asked for */
    PM_ERROR_HTTP_LENGTH,        /* no length, a range that was not asked for, or less than said */
    PM_ERROR_HTTP_RANGE_IGNORED, /* 200 to a request for the rest */
    PM_ERROR_STALLED,            /* nothing came within the time limit */
    PM_ERROR_CHANNEL_FORM,
    PM_ERROR_CHANNEL_SIGNATURE,
    PM_ERROR_CHANNEL_ROLLBACK, /* a serial number below one that was seen */
    PM_ERROR_CHANNEL_EXPIRED,
    PM_ERROR_ROOT, /* the channel names a root document that cannot be had or does not verify */
    PM_ERROR_ENVELOPE_FORM,
    PM_ERROR_ENVELOPE_DIGEST,
    PM_ERROR_SIGNATURE,
    PM_ERROR_KEY_UNKNOWN,
    PM_ERROR_KEY_REVOKED,
    PM_ERROR_VENDOR,
    PM_ERROR_CLASS,
    PM_ERROR_SEQUENCE,
    PM_ERROR_COMMAND, /* the manifest: form, unknown command or parameter, a bound */
    PM_ERROR_SLOT,    /* nothing in the manifest is for this unit's slot */
    PM_ERROR_ABORT,   /* the manifest's own condition-abort */
    PM_ERROR_PAYLOAD_SIZE,
    PM_ERROR_PAYLOAD_DIGEST,
    PM_ERROR_PATCH_BASE, /* the patch is for another image: the full one is fetched */
    PM_ERROR_PATCH,
    PM_ERROR_SEAL, /* the payload is what the envelope says, and no boot stage would run it */
    PM_ERROR_FLASH,
    PM_ERRORS,
};

enum pm_event {
    PM_EVENT_NONE,
    PM_EVENT_REFUSED,  /* detail: enum pm_update_error */
    PM_EVENT_OFFERED,  /* detail: the sequence number's low 32 bits; so for the next two */
    PM_EVENT_FETCHING, /* the envelope was accepted */
    PM_EVENT_READY,
    PM_EVENT_ROOT, /* a newer root document was verified and stored; detail: its version */
};

/* Seconds. The owner's to choose, within what the maker allows. */
struct pm_update_policy {
    uint32_t poll_s; /* between polls, a quarter more or less; at least PM_UPDATE_POLL_MINIMUM_S */
    uint32_t wait_maximum_s;  /* neither postponing nor the window holds an update back longer */
    uint32_t window_start_s;  /* of the day, UTC */
    uint32_t window_length_s; /* 0: at any time */
};

enum { PM_UPDATE_POLL_MINIMUM_S = 60, PM_UPDATE_WAIT_MAXIMUM_S = 30 * 86400 };

enum {
    PM_UPDATE_BYTES = 5632,
    PM_UPDATE_DOCUMENT_BYTES = 2048, /* a channel document or an envelope is no larger */
    PM_UPDATE_PATCH_BYTES = 1536,    /* the decoder's memory; other patches are not taken */
};

struct pm_update_setup {
    const struct pm_port *port;
    const uint8_t *factory_root; /* PM_ROOT_BYTES, version 1; the boot stage has the same */
    uint32_t running_slot;       /* the one that this code is in */
    uint8_t *buffer;             /* buffer_bytes: a page, or a power-of-two part of one that is */
    uint32_t buffer_bytes;       /* at least 256 */
    struct pm_update_policy policy;
};

struct pm_update_status {
    enum pm_update_state state;
    enum pm_freshness freshness;
    enum pm_update_error last_error; /* of the last poll that ended; PM_ERROR_NONE: it was well */
    uint64_t running_sequence, offered_sequence; /* 0: nothing is offered */
    uint32_t done_bytes, size_bytes;             /* of the download */
    uint32_t next_s;                             /* until the next poll */
    uint32_t polls;                              /* that went well since the start */
};

struct pm_update;

/* `memory` is PM_UPDATE_BYTES, aligned to 8, the caller's, and the client's alone from now on; so
 * are what setup points to and the buffer. NULL when the setup cannot be. */
struct pm_update *pm_update_start(void *memory, const struct pm_update_setup *setup);
enum pm_update_state pm_update_step(struct pm_update *update);
void pm_update_status(const struct pm_update *update, struct pm_update_status *out);
/* The owner's: not before so many seconds after it was offered, at most wait_maximum_s. */
void pm_update_postpone(struct pm_update *update, uint32_t seconds);
/* The owner's: poll at the next step; and begin what waits. */
void pm_update_now(struct pm_update *update);

#endif
