/* The update client's main path: poll, choose, fetch, verify, mark for trial. See pm/update.h.
 *
 * Each phase ends in the next one or in fail(), which tells why, closes what is open and goes back
 * to polling, later each time. What the slot holds by then is kept: the next download of the same
 * payload goes on where this one ended. */
#include <string.h>

#include "client.h"
#include "device/src/seeded.h"
#include "schedule.h"

enum { WANTED = PM_ERRORS, BUFFER_MINIMUM = 256 };

_Static_assert(sizeof(struct pm_update) <= PM_UPDATE_BYTES, "the caller's memory holds it");

static uint32_t uptime(const struct pm_update *update) {
    return update->setup.port->uptime(update->setup.port->context);
}

static uint64_t time_now(const struct pm_update *update) {
    return update->setup.port->time(update->setup.port->context);
}

static void tell(const struct pm_update *update, enum pm_event event, uint32_t detail) {
    update->setup.port->event(update->setup.port->context, event, detail);
}

static void poll_later(struct pm_update *update) {
    uint32_t chance = 0;
    const struct pm_port *port = update->setup.port;
    if (!port->random(port->context, &chance, sizeof chance)) chance = uptime(update);
    update->next_at_s =
        uptime(update) + pm_schedule_next_s(update->setup.policy.poll_s, update->failures, chance);
    update->phase = PM_PHASE_POLL;
}

static void fail(struct pm_update *update, enum pm_update_error error) {
    pm_http_close(&update->http);
    update->download.running = false;
    update->last_error = error;
    update->failures++;
    tell(update, PM_EVENT_REFUSED, error);
    poll_later(update);
}

/* Channel */

static uint64_t running_sequence(const struct pm_update *update,
                                 const struct pm_boot_record *record) {
    struct pm_seal seal;
    if (!pm_client_read_seal(update, update->setup.running_slot, &seal)) return record->floor;
    return seal.sequence > record->floor ? seal.sequence : record->floor;
}

/* The idle slot's image was tried and did not prove its health. */
static bool has_failed(const struct pm_update *update, const struct pm_boot_record *record,
                       uint64_t sequence) {
    struct pm_seal seal;
    return record->trial_end > PM_TRIAL_CONFIRMED &&
           pm_client_read_seal(update, 1 - update->setup.running_slot, &seal) &&
           seal.sequence == sequence;
}

/* The newest entry that is for this unit. */
static void choose(struct pm_update *update, const struct pm_boot_record *record,
                   const struct pm_channel *channel) {
    const struct pm_port *port = update->setup.port;
    const struct pm_bytes unit_id = {port->unit_id, port->unit_id_bytes};
    uint64_t before = update->offer.sequence, running = running_sequence(update, record);
    update->offer.sequence = 0;
    for (size_t i = 0; i < channel->entry_count; i++) {
        struct pm_channel_entry entry;
        pm_channel_entry(channel, i, &entry);
        if (entry.sequence <= running) return;
        if (entry.minimum > running || has_failed(update, record, entry.sequence) ||
            entry.path.size_bytes > PM_PATH_BYTES ||
            !pm_channel_in_rollout(pm_client_host(update).sha256, &entry, unit_id)) {
            continue;
        }
        update->offer.sequence = entry.sequence;
        update->offer.size_bytes = entry.size_bytes;
        update->offer.path_bytes = (uint32_t)entry.path.size_bytes;
        memcpy(update->offer.path, entry.path.data, entry.path.size_bytes);
        memcpy(update->offer.sha256, entry.sha256, PM_SHA256_BYTES);
        if (entry.sequence != before) {
            update->offer.seen_s = uptime(update);
            update->offer.postponed_s = 0;
            update->full_only = false;
            tell(update, PM_EVENT_OFFERED, (uint32_t)entry.sequence);
        }
        return;
    }
}

/* Serial and times that are signed move the floors, whatever becomes of the offer. */
static enum pm_update_error raise_floors(struct pm_update *update, struct pm_boot_record *record,
                                         const struct pm_channel *channel) {
    const struct pm_port *port = update->setup.port;
    if (channel->serial < record->channel_floor) return PM_ERROR_CHANNEL_ROLLBACK;
    bool newer = channel->serial > record->channel_floor;
    bool later = channel->issued_s > record->time_floor;
    record->channel_floor = channel->serial;
    if (later) record->time_floor = channel->issued_s;
    if (!newer && !later) return PM_ERROR_NONE;
    if (!pm_boot_record_store(port->flash, port->map, record) ||
        !pm_boot_record_load(port->flash, port->map, record)) {
        return PM_ERROR_FLASH;
    }
    return PM_ERROR_NONE;
}

/* The latest time that it is at least: what the port says, but never before the floor. */
static uint64_t at_least(const struct pm_update *update) {
    uint64_t now = time_now(update);
    return now != PM_TIME_UNKNOWN && now > update->time_floor ? now : update->time_floor;
}

/* A document whose key this unit does not know may be signed by one of a root document that it
 * does not have yet. That one carries its own signatures, so an unverified hint where it is does
 * no harm. */
static bool root_hint(struct pm_bytes bytes, struct pm_channel *out) {
    struct pm_cose_sign1 message;
    return pm_cose_sign1_read(bytes, &message) && !message.detached &&
           pm_channel_read(message.payload, out);
}

static enum pm_update_error open_channel(struct pm_update *update,
                                         const struct pm_boot_record *record, struct pm_bytes bytes,
                                         struct pm_channel *out) {
    const struct pm_suit_host host = pm_client_host(update);
    update->root_version = record->root_version;
    enum pm_update_error error = pm_channel_open(&host, bytes, out);
    if (error == PM_ERROR_KEY_UNKNOWN || error == PM_ERROR_KEY_REVOKED) {
        if (!root_hint(bytes, out) || out->root_version <= record->root_version) return error;
    } else if (error || out->root_version <= record->root_version) {
        return error;
    }
    error = pm_client_take_root(update, record, out->root_version, out->root_path);
    return error ? error : pm_channel_open(&host, bytes, out);
}

static enum pm_update_error poll(struct pm_update *update, struct pm_boot_record *record) {
    static const uint8_t name[] = "channel.cose";
    struct pm_channel channel;
    uint32_t size_bytes;
    enum pm_update_error error =
        pm_client_fetch(update, (struct pm_bytes){name, sizeof name - 1}, update->document,
                        sizeof update->document, &size_bytes);
    if (error) return error == PM_ERROR_PAYLOAD_SIZE ? PM_ERROR_CHANNEL_FORM : error;
    error = open_channel(update, record, (struct pm_bytes){update->document, size_bytes}, &channel);
    if (!error) error = raise_floors(update, record, &channel);
    if (error) return error;
    update->expires_s = channel.expires_s;
    update->time_floor = record->time_floor;
    if (channel.expires_s <= at_least(update)) return PM_ERROR_CHANNEL_EXPIRED;
    choose(update, record, &channel);
    return PM_ERROR_NONE;
}

/* Envelope */

static bool image_match(void *context, enum pm_suit_role component,
                        const uint8_t sha256[PM_SHA256_BYTES], uint32_t size_bytes) {
    const struct pm_update *update = context;
    struct pm_hash hash;
    uint8_t digest[PM_SHA256_BYTES];
    if (component == PM_SUIT_TARGET) {
        return update->download.whole && update->download.size_bytes == size_bytes &&
               memcmp(update->download.sha256, sha256, PM_SHA256_BYTES) == 0;
    }
    if (update->full_only) return false;
    if (PM_SEEDED_BUG == PM_BUG_BASE_UNHASHED) return true;
    if (!pm_client_hash_slot(update, update->setup.running_slot, size_bytes, &hash)) return false;
    pm_sha256_finish(&hash, digest);
    return memcmp(digest, sha256, sizeof digest) == 0;
}

/* Takes note of what is wanted and leaves the run, until it is there. */
static enum pm_update_error fetch(void *context, const struct pm_suit_fetch *fetch) {
    struct pm_update *update = context;
    struct pm_download *download = &update->download;
    if (image_match(update, PM_SUIT_TARGET, fetch->sha256, fetch->size_bytes)) return PM_ERROR_NONE;
    if (fetch->uri.size_bytes > PM_PATH_BYTES) return PM_ERROR_COMMAND;
    download->running = download->whole = false;
    memcpy(download->sha256, fetch->sha256, PM_SHA256_BYTES);
    download->size_bytes = fetch->size_bytes;
    download->patch_bytes = fetch->patch_against == PM_SUIT_NO_PATCH ? 0 : fetch->patch_bytes;
    download->path_bytes = (uint32_t)fetch->uri.size_bytes;
    memcpy(download->path, fetch->uri.data, fetch->uri.size_bytes);
    return (enum pm_update_error)WANTED;
}

static struct pm_suit_host processor(struct pm_update *update) {
    struct pm_suit_host host = pm_client_host(update);
    host.image_match = image_match;
    host.fetch = fetch;
    return host;
}

/* Runs what fetches. WANTED: there is something to download. */
static enum pm_update_error run_install(struct pm_update *update) {
    const struct pm_suit_host host = processor(update);
    enum pm_update_error error = pm_suit_run(&host, &update->manifest, PM_SUIT_PAYLOAD_FETCH);
    return error ? error : pm_suit_run(&host, &update->manifest, PM_SUIT_INSTALL);
}

static enum pm_update_error take_envelope(struct pm_update *update) {
    const struct pm_suit_host host = processor(update);
    const struct pm_bytes path = {update->offer.path, update->offer.path_bytes};
    uint8_t digest[PM_SHA256_BYTES];
    uint32_t size_bytes;
    if (update->offer.size_bytes > sizeof update->document) return PM_ERROR_ENVELOPE_FORM;
    enum pm_update_error error =
        pm_client_fetch(update, path, update->document, update->offer.size_bytes, &size_bytes);
    if (error) return error == PM_ERROR_PAYLOAD_SIZE ? PM_ERROR_ENVELOPE_DIGEST : error;
    pm_sha256_once(update->document, size_bytes, digest);
    if (memcmp(digest, update->offer.sha256, sizeof digest) != 0) return PM_ERROR_ENVELOPE_DIGEST;
    error = pm_suit_open(&host, (struct pm_bytes){update->document, size_bytes},
                         update->offer.sequence, &update->manifest);
    if (!error && update->manifest.sequence != update->offer.sequence) error = PM_ERROR_SEQUENCE;
    if (error) return error;
    tell(update, PM_EVENT_FETCHING, (uint32_t)update->offer.sequence);
    update->download.whole = false;
    return run_install(update);
}

/* Payload */

static enum pm_update_error mark(struct pm_update *update) {
    const struct pm_port *port = update->setup.port;
    struct pm_boot_record record;
    struct pm_seal seal;
    if (!pm_seal_read(update->download.seal, &seal)) return PM_ERROR_SEAL;
    if (!pm_download_seal(update)) return PM_ERROR_FLASH;
    if (!pm_boot_record_load(port->flash, port->map, &record)) return PM_ERROR_FLASH;
    record.trial = (uint8_t)(1 - update->setup.running_slot);
    record.tries_left = PM_TRIES;
    record.trial_root_version = update->root_version;
    memcpy(record.trial_sha256, seal.image_sha256, PM_SHA256_BYTES);
    if (PM_SEEDED_BUG == PM_BUG_FLOOR_EARLY) record.floor = seal.sequence;
    return pm_boot_record_store(port->flash, port->map, &record) ? PM_ERROR_NONE : PM_ERROR_FLASH;
}

/* The manifest has the last word, with the payload there; then the seal, then the record. */
static enum pm_update_error conclude(struct pm_update *update) {
    const struct pm_suit_host host = processor(update);
    enum pm_update_error error = run_install(update);
    if (!error) error = pm_suit_run(&host, &update->manifest, PM_SUIT_VALIDATE);
    if (error) return error;
    if (!update->download.whole) return PM_ERROR_COMMAND; /* it fetched nothing */
    error = mark(update);
    if (!error) tell(update, PM_EVENT_READY, (uint32_t)update->offer.sequence);
    return error;
}

static void payload(struct pm_update *update) {
    enum pm_update_error error = pm_download_step(update);
    bool of_the_patch = error == PM_ERROR_PATCH_BASE || error == PM_ERROR_PATCH ||
                        error == PM_ERROR_PAYLOAD_DIGEST || error == PM_ERROR_PAYLOAD_SIZE ||
                        error == PM_ERROR_SEAL || error == PM_ERROR_HTTP_STATUS;
    if (of_the_patch && update->download.patch_bytes > 0) {
        tell(update, PM_EVENT_REFUSED, error);
        pm_http_close(&update->http);
        update->full_only = true;
        error = run_install(update);
        if (error == (enum pm_update_error)WANTED && update->download.patch_bytes == 0) return;
        if (error == PM_ERROR_NONE || error == (enum pm_update_error)WANTED) error = PM_ERROR_PATCH;
    } else if (!error && update->download.whole) {
        error = conclude(update);
        if (error == (enum pm_update_error)WANTED) error = PM_ERROR_COMMAND;
        if (!error) {
            update->ready = true;
            update->last_error = PM_ERROR_NONE;
            update->failures = 0;
            update->phase = PM_PHASE_POLL;
        }
    }
    if (error) fail(update, error);
}

/* Steps */

static void step_poll(struct pm_update *update, struct pm_boot_record *record) {
    if ((int32_t)(uptime(update) - update->next_at_s) < 0) return;
    enum pm_update_error error = poll(update, record);
    if (error) {
        fail(update, error);
        return;
    }
    update->polls++;
    if (update->offer.sequence == 0) {
        update->last_error = PM_ERROR_NONE;
        update->failures = 0;
        poll_later(update);
    } else {
        update->phase = PM_PHASE_OFFER;
        update->next_at_s = uptime(update) + update->setup.policy.poll_s;
    }
}

/* A trial's health may rest on reaching the server; what it offers then waits for the next poll. */
static void step_trial(struct pm_update *update, struct pm_boot_record *record) {
    step_poll(update, record);
    if (update->phase == PM_PHASE_POLL) return;
    update->phase = PM_PHASE_POLL;
    update->last_error = PM_ERROR_NONE;
    update->failures = 0;
    poll_later(update);
}

static void step_offer(struct pm_update *update) {
    uint32_t waited_s = uptime(update) - update->offer.seen_s;
    if (!pm_schedule_may_begin(&update->setup.policy, waited_s, update->offer.postponed_s,
                               time_now(update))) {
        if ((int32_t)(uptime(update) - update->next_at_s) >= 0) update->phase = PM_PHASE_POLL;
        return;
    }
    enum pm_update_error error = take_envelope(update);
    if (error == (enum pm_update_error)WANTED) {
        update->phase = PM_PHASE_PAYLOAD;
        return;
    }
    fail(update, error ? error : PM_ERROR_COMMAND); /* nothing is there that needed no fetch */
}

enum pm_update_state pm_update_step(struct pm_update *update) {
    const struct pm_port *port = update->setup.port;
    struct pm_boot_record record;
    if (!pm_boot_record_load(port->flash, port->map, &record)) {
        if (update->last_error != PM_ERROR_FLASH) fail(update, PM_ERROR_FLASH);
        return PM_UPDATE_IDLE;
    }
    update->on_trial = record.trial == update->setup.running_slot;
    update->ready = !update->on_trial && record.trial != PM_SLOT_NONE;
    if (update->time_floor < record.time_floor) update->time_floor = record.time_floor;
    if (update->on_trial) {
        step_trial(update, &record);
    } else if (!update->ready) {
        if (update->phase == PM_PHASE_POLL) {
            step_poll(update, &record);
        } else if (update->phase == PM_PHASE_OFFER) {
            step_offer(update);
        } else {
            payload(update);
        }
    }
    struct pm_update_status status;
    pm_update_status(update, &status);
    return status.state;
}

/* For the owner */

static enum pm_update_state state_of(const struct pm_update *update) {
    if (update->on_trial) return PM_UPDATE_ON_TRIAL;
    if (update->ready) return PM_UPDATE_READY;
    if (update->phase == PM_PHASE_PAYLOAD) return PM_UPDATE_FETCHING;
    return update->offer.sequence == 0 ? PM_UPDATE_IDLE : PM_UPDATE_WAITING;
}

static enum pm_freshness freshness_of(const struct pm_update *update) {
    if (update->expires_s == 0) return PM_FRESHNESS_UNKNOWN;
    if (update->expires_s <= at_least(update)) return PM_STALE;
    return time_now(update) == PM_TIME_UNKNOWN ? PM_FRESHNESS_UNKNOWN : PM_FRESH;
}

void pm_update_status(const struct pm_update *update, struct pm_update_status *out) {
    const struct pm_port *port = update->setup.port;
    struct pm_boot_record record;
    int32_t next_s = (int32_t)(update->next_at_s - uptime(update));
    *out = (struct pm_update_status){.state = state_of(update),
                                     .freshness = freshness_of(update),
                                     .last_error = update->last_error,
                                     .offered_sequence = update->offer.sequence,
                                     .next_s = next_s > 0 ? (uint32_t)next_s : 0,
                                     .polls = update->polls};
    if (pm_boot_record_load(port->flash, port->map, &record))
        out->running_sequence = running_sequence(update, &record);
    if (out->state == PM_UPDATE_FETCHING) {
        out->done_bytes = update->download.position;
        out->size_bytes = update->download.size_bytes;
    }
}

void pm_update_postpone(struct pm_update *update, uint32_t seconds) {
    uint32_t maximum_s = update->setup.policy.wait_maximum_s;
    update->offer.postponed_s = seconds < maximum_s ? seconds : maximum_s;
}

void pm_update_now(struct pm_update *update) {
    update->next_at_s = uptime(update);
    if (update->offer.sequence != 0)
        update->offer.seen_s = uptime(update) - update->setup.policy.wait_maximum_s;
}

static bool can_be(const struct pm_update_setup *setup, struct pm_root *root) {
    const struct pm_flash *flash = setup->port->flash;
    uint32_t buffer_bytes = setup->buffer_bytes;
    return setup->running_slot < 2 && buffer_bytes >= BUFFER_MINIMUM &&
           (buffer_bytes & (buffer_bytes - 1)) == 0 && buffer_bytes <= flash->page_bytes &&
           flash->page_bytes % flash->write_bytes == 0 &&
           setup->port->map->slot_bytes % flash->page_bytes == 0 &&
           pm_root_read(setup->factory_root, root);
}

struct pm_update *pm_update_start(void *memory, const struct pm_update_setup *setup) {
    struct pm_update *update = memory;
    struct pm_root root;
    if (!can_be(setup, &root)) return NULL;
    memset(update, 0, sizeof *update);
    update->setup = *setup;
    struct pm_update_policy *policy = &update->setup.policy;
    if (policy->poll_s < PM_UPDATE_POLL_MINIMUM_S) policy->poll_s = PM_UPDATE_POLL_MINIMUM_S;
    if (policy->wait_maximum_s > PM_UPDATE_WAIT_MAXIMUM_S)
        policy->wait_maximum_s = PM_UPDATE_WAIT_MAXIMUM_S;
    memcpy(update->vendor, root.vendor, PM_UUID_BYTES);
    memcpy(update->class_id, root.class_id, PM_UUID_BYTES);
    update->next_at_s = uptime(update);
    return update;
}
