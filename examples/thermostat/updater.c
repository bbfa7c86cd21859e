/* A new version is on trial until it has confirmed that it is well: its sensor answers, its control
 * loop has run and it has reached the update server, since a version that cannot do that could
 * never be replaced. One that is not well within TRIAL_LIMIT_S says so and resets, and the boot
 * stage takes the version before. */
#include "updater.h"

#include <stdint.h>

#include "board.h"
#include "clock.h"
#include "control.h"
#include "device/port/mps2/flash.h"
#include "network.h"
#include "pm/update.h"
#include "random.h"
#include "sensor.h"
#include "text.h"

enum { TRIAL_LIMIT_S = 20, TRIAL_TICKS = 5, POLL_S = 3600, RANDOM_WORD_BYTES = 4 };

static uint64_t client_memory[PM_UPDATE_BYTES / sizeof(uint64_t)];
static uint8_t page[MPS2_FLASH_PAGE_BYTES];
static struct pm_update *client;
static enum pm_update_state state;
static uint32_t trial_start_s, first_tick_s;

/* A product has its own from the factory. */
static const uint8_t unit_id[] = {'H', 'T', '-', '1', '-', '0', '0', '0', '1'};

static const char *const state_names[] = {
    [PM_UPDATE_IDLE] = "nothing newer is known",
    [PM_UPDATE_WAITING] = "a newer version waits",
    [PM_UPDATE_FETCHING] = "fetching a newer version",
    [PM_UPDATE_READY] = "a newer version is ready to start",
    [PM_UPDATE_ON_TRIAL] = "this version is on trial",
};

static const char *const freshness_names[] = {[PM_FRESH] = "yes",
                                              [PM_STALE] = "no",
                                              [PM_FRESHNESS_UNKNOWN] =
                                                  "unknown, this board has no clock"};

static const char *const error_names[PM_ERRORS] = {
    [PM_ERROR_NONE] = "none",
    [PM_ERROR_NETWORK] = "the update server cannot be reached",
    [PM_ERROR_HTTP_STATUS] = "the server does not have the file",
    [PM_ERROR_HTTP_FORM] = "the server does not speak HTTP as it should",
    [PM_ERROR_HTTP_LENGTH] = "the server says a wrong length",
    [PM_ERROR_HTTP_RANGE_IGNORED] = "the server sends all where the rest was asked for",
    [PM_ERROR_STALLED] = "the server stopped in the middle",
    [PM_ERROR_CHANNEL_FORM] = "the channel document has a wrong form",
    [PM_ERROR_CHANNEL_SIGNATURE] = "the channel document is not signed by the maker",
    [PM_ERROR_CHANNEL_ROLLBACK] = "the channel document is older than one seen before",
    [PM_ERROR_CHANNEL_EXPIRED] = "the channel document has expired",
    [PM_ERROR_ROOT] = "the maker's new keys do not verify",
    [PM_ERROR_ENVELOPE_FORM] = "the update's envelope has a wrong form",
    [PM_ERROR_ENVELOPE_DIGEST] = "the update's envelope is not the one announced",
    [PM_ERROR_SIGNATURE] = "the update's signature does not hold",
    [PM_ERROR_KEY_UNKNOWN] = "the update is signed by an unknown key",
    [PM_ERROR_KEY_REVOKED] = "the update is signed by a revoked key",
    [PM_ERROR_VENDOR] = "the update is another maker's",
    [PM_ERROR_CLASS] = "the update is for another product",
    [PM_ERROR_SEQUENCE] = "the update is older than what runs",
    [PM_ERROR_COMMAND] = "the update's manifest asks for what this unit does not know",
    [PM_ERROR_SLOT] = "the update has no image for this unit's slot",
    [PM_ERROR_ABORT] = "the update's manifest gives up",
    [PM_ERROR_PAYLOAD_SIZE] = "the image has a wrong size",
    [PM_ERROR_PAYLOAD_DIGEST] = "the image is not the one that was signed",
    [PM_ERROR_PATCH_BASE] = "the delta is for another version",
    [PM_ERROR_PATCH] = "the delta is damaged",
    [PM_ERROR_SEAL] = "the image's seal does not hold",
    [PM_ERROR_FLASH] = "the flash does not take what is written",
};

static const char *const event_names[] = {
    [PM_EVENT_OFFERED] = "release %u is offered\n",
    [PM_EVENT_FETCHING] = "release %u is accepted, fetching\n",
    [PM_EVENT_READY] = "release %u is whole and verified, starting it on trial\n",
    [PM_EVENT_ROOT] = "the maker's keys are now of version %u\n",
};

static const char *const trial_names[] = {
    [PM_TRIAL_NEVER] = "none yet",
    [PM_TRIAL_CONFIRMED] = "the new version was well and stayed",
    [PM_TRIAL_EXHAUSTED] = "the new version never said that it is well, and went",
    [PM_TRIAL_REFUSED] = "the new version could not be verified, and went",
    [PM_TRIAL_WITHDRAWN] = "the new version was not well, and went",
};

static void tell_event(void *context, unsigned event, unsigned detail) {
    (void)context;
    if (event == PM_EVENT_REFUSED && detail < PM_ERRORS) {
        text_print("\nupdate: refused: %s\n", error_names[detail]);
    } else if (event < sizeof event_names / sizeof event_names[0] && event_names[event]) {
        text_print("\nupdate: ");
        text_print(event_names[event], detail);
    }
}

static bool take_random(void *context, void *out, uint32_t size_bytes) {
    (void)context;
    uint8_t *to = out;
    for (uint32_t i = 0, word = 0; i < size_bytes; i++, word >>= 8) {
        if (i % RANDOM_WORD_BYTES == 0) word = random_seed();
        to[i] = (uint8_t)word;
    }
    return true;
}

static uint64_t tell_time(void *context) {
    (void)context;
    return PM_TIME_UNKNOWN;
}

static uint32_t tell_uptime(void *context) {
    (void)context;
    return BOARD_FPGAIO_100HZ / 100;
}

static const struct pm_port port = {
    .flash = &mps2_flash,
    .map = &mps2_flash_map,
    .network = &network,
    .random = take_random,
    .time = tell_time,
    .uptime = tell_uptime,
    .event = tell_event,
    .unit_id = unit_id,
    .unit_id_bytes = sizeof unit_id,
};

/* `proofmark release` has moved this very function to the slot that runs. */
static uint32_t running_slot(void) {
    return (uint32_t)running_slot >= mps2_flash_map.slot_address[1] ? 1 : 0;
}

static void start_client(void) {
    struct pm_update_setup setup = {
        .port = &port,
        .factory_root = (const uint8_t *)MPS2_ROOT_ADDRESS,
        .running_slot = running_slot(),
        .buffer = page,
        .buffer_bytes = sizeof page,
        .policy = {.poll_s = POLL_S, .wait_maximum_s = 7 * CLOCK_DAY_S},
    };
    client = pm_update_start(client_memory, &setup);
    if (!client) text_print("update: the client does not start\n");
}

void updater_start(void) {
    text_print("\nversion %s in slot %c%s\n", VERSION, running_slot() ? 'B' : 'A',
               network_start() ? "" : ", without network");
    clock_set_live(true);
    first_tick_s = clock_now_s();
    trial_start_s = tell_uptime(NULL);
    start_client();
}

static const char *what_is_not_well(void) {
    float celsius;
    struct pm_update_status status;
    pm_update_status(client, &status);
    if (!sensor_temperature(&celsius)) return "the sensor does not answer";
    if (clock_now_s() - first_tick_s < TRIAL_TICKS || control_current() == CONTROL_FAULT)
        return "the control loop does not run";
    if (!status.polls) return error_names[PM_ERROR_NETWORK];
    return NULL;
}

static void judge_trial(void) {
    const char *fault = what_is_not_well();
    if (!fault) {
        if (!pm_boot_confirm(&mps2_flash, &mps2_flash_map)) return;
        text_print("\nupdate: version %s is well and stays\n", VERSION);
        start_client(); /* which finds no trial any more */
        return;
    }
    if (tell_uptime(NULL) - trial_start_s < TRIAL_LIMIT_S) return;
    text_print("\nupdate: version %s is not well: %s; back to the version before\n", VERSION,
               fault);
    pm_boot_withdraw(&mps2_flash, &mps2_flash_map);
    mps2_reset();
}

void updater_step(void) {
    network_poll();
    if (!client) return;
    state = pm_update_step(client);
    if (state == PM_UPDATE_READY) mps2_reset();
    if (state == PM_UPDATE_ON_TRIAL) judge_trial();
}

bool updater_is_busy(void) {
    return state == PM_UPDATE_FETCHING;
}

bool updater_command(const char *word, char *rest) {
    if (!text_equal(word, "update") || !client) return false;
    if (text_equal(text_next_word(&rest), "now")) pm_update_now(client);
    struct pm_update_status status;
    struct pm_boot_record record = {.trial_end = PM_TRIAL_NEVER};
    pm_update_status(client, &status);
    pm_boot_record_load(&mps2_flash, &mps2_flash_map, &record);
    text_print("version %s, release %u, slot %c\n", VERSION, (uint32_t)status.running_sequence,
               running_slot() ? 'B' : 'A');
    text_print("  state       %s\n", state_names[status.state]);
    text_print("  up to date  %s\n", freshness_names[status.freshness]);
    text_print("  last trial  %s\n", trial_names[record.trial_end]);
    text_print("  last error  %s\n", error_names[status.last_error]);
    if (status.size_bytes)
        text_print("  fetched     %u of %u bytes\n", status.done_bytes, status.size_bytes);
    return true;
}
