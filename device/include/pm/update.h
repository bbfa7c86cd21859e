/* The update client. Call pm_update_step() from the main loop; it does a bounded piece of work
 * and returns. Everything that must outlive a power cut is in flash: the boot record and the
 * download's progress pages. */
#ifndef PM_UPDATE_H
#define PM_UPDATE_H
#include "pm/boot.h"
#include "pm/port.h"

enum pm_update_state {
    PM_UPDATE_IDLE,    /* nothing newer is known */
    PM_UPDATE_WAITING, /* one is known; postponed, outside the window, or not this unit's turn */
    PM_UPDATE_FETCHING,
    PM_UPDATE_READY,    /* whole and verified in the idle slot, marked for trial: reboot */
    PM_UPDATE_ON_TRIAL, /* this boot is a trial: confirm or withdraw */
};

enum pm_freshness { PM_FRESH, PM_STALE, PM_FRESHNESS_UNKNOWN };

/* Errors; each refusal has its own, told by pm_port.event as well. (To be completed.) */
enum pm_update_error {
    PM_ERROR_NONE,
    PM_ERROR_NETWORK,
    PM_ERROR_HTTP_STATUS,
    PM_ERROR_HTTP_FORM,
    PM_ERROR_HTTP_LENGTH,
    PM_ERROR_HTTP_RANGE_IGNORED,
    PM_ERROR_STALLED,
    PM_ERROR_CHANNEL_FORM,
    PM_ERROR_CHANNEL_SIGNATURE,
    PM_ERROR_CHANNEL_ROLLBACK,
    PM_ERROR_CHANNEL_EXPIRED,
    PM_ERROR_ROOT,
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
    PM_ERROR_PATCH_BASE,
    PM_ERROR_PATCH,
    PM_ERROR_SEAL,
    PM_ERROR_FLASH,
};

struct pm_update; /* caller's memory: PM_UPDATE_BYTES, plus one page buffer */
#endif
