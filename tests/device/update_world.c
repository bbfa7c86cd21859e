/* See update_world.h. */
#include "tests/device/update_world.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "release/channel.h"
#include "release/delta.h"
#include "release/suit.h"

enum { SLOT_PAGES_LEAST = 2, SLOT_BYTES_LEAST = 8192, PAGES_BEFORE_SLOTS = 6 };

static void need(bool condition, const char *what) {
    if (condition) return;
    fprintf(stderr, "world: %s\n", what);
    abort();
}

/* Signing */

static enum status sign_digest(void *context, const uint8_t digest[PM_SHA256_BYTES],
                               uint8_t signature[PM_ES256_BYTES], struct error *error) {
    (void)error;
    maker_sign_digest(context, digest, signature);
    return STATUS_OK;
}

static struct es256_signer signer_of(struct maker_key *key) {
    struct es256_signer signer = {.context = key, .sign = sign_digest};
    memcpy(signer.key_id, key->id, PM_SHA256_BYTES);
    return signer;
}

/* Port */

static bool give_chance(void *context, void *out, uint32_t size_bytes) {
    struct world *world = context;
    memset(out, (int)(world->chance++ * 37), size_bytes);
    return true;
}

static uint64_t give_time(void *context) {
    return ((struct world *)context)->time_s;
}
static uint32_t give_uptime(void *context) {
    return ((struct world *)context)->uptime_s;
}

static void take_event(void *context, unsigned event, unsigned detail) {
    struct world *world = context;
    need(event <= PM_EVENT_ROOT, "an unknown event");
    world->events[event]++;
    if (event != PM_EVENT_REFUSED) return;
    need(detail > 0 && detail < PM_ERRORS, "a refusal without its error");
    world->refused[detail]++;
}

/* The unit */

static void lay_out(struct world *world) {
    uint32_t page = world->geometry->page_bytes, pages = SLOT_BYTES_LEAST / page;
    if (pages < SLOT_PAGES_LEAST) pages = SLOT_PAGES_LEAST;
    uint32_t first = WORLD_BASE + PAGES_BEFORE_SLOTS * page;
    world->map = (struct pm_flash_map){
        .slot_address = {first, first + pages * page},
        .slot_bytes = pages * page,
        .record_address = {WORLD_BASE, WORLD_BASE + page},
        .root_address = {WORLD_BASE + 2 * page, WORLD_BASE + 3 * page},
        .progress_address = {WORLD_BASE + 4 * page, WORLD_BASE + 5 * page},
    };
    flash_model_init(&world->model, world->geometry, WORLD_BASE,
                     (PAGES_BEFORE_SLOTS + 2 * pages) * page);
}

void world_init(struct world *world, const struct flash_geometry *geometry) {
    memset(world, 0, sizeof *world);
    world->geometry = geometry;
    maker_init(&world->maker);
    lay_out(world);
    world->network = server_network(&world->server);
    world->port = (struct pm_port){.flash = &world->model.flash,
                                   .map = &world->map,
                                   .network = &world->network,
                                   .context = world,
                                   .random = give_chance,
                                   .time = give_time,
                                   .uptime = give_uptime,
                                   .event = take_event,
                                   .unit_id = world->unit_id,
                                   .unit_id_bytes = sizeof world->unit_id};
    world->time_s = WORLD_TIME_S;
    world->policy = (struct pm_update_policy){.poll_s = 3600, .wait_maximum_s = 7 * WORLD_DAY_S};
    world->page = malloc(geometry->page_bytes);
    need(world->page != NULL, "memory");
}

void world_free(struct world *world) {
    for (unsigned i = 0; i < WORLD_SEQUENCES; i++) {
        free(world->images[i].payload[0]);
        free(world->images[i].payload[1]);
    }
    free(world->page);
    server_free(&world->server);
    flash_model_free(&world->model);
    maker_free(&world->maker);
}

/* Publishing */

static void make_images(struct world *world, const struct world_release *release) {
    struct world_image *image = &world->images[release->sequence];
    uint64_t seal_sequence = release->seal_sequence ? release->seal_sequence : release->sequence;
    image->size_bytes = release->image_bytes + PM_SEAL_BYTES;
    for (unsigned slot = 0; slot < 2; slot++) {
        free(image->payload[slot]);
        uint8_t *bytes = image->payload[slot] = malloc(image->size_bytes);
        need(bytes != NULL, "memory");
        maker_image(bytes, release->image_bytes, world->map.slot_address[slot], release->fill);
        bytes[40] = (uint8_t)release->sequence; /* few bytes differ, as in a rebuild */
        bytes[release->image_bytes / 2] ^= (uint8_t)(release->sequence * 3);
        maker_seal(&world->maker, &world->maker.release[release->key], bytes, release->image_bytes,
                   world->map.slot_address[slot], seal_sequence, bytes + release->image_bytes);
    }
}

static struct suit_payload publish(struct world *world, char path[SERVER_PATH_BYTES],
                                   const uint8_t *data, uint32_t size_bytes) {
    struct suit_payload payload = {.uri = path, .size_bytes = size_bytes};
    server_put(&world->server, path, data, size_bytes);
    maker_sha256(data, size_bytes, payload.sha256);
    return payload;
}

/* From the image in the other slot. */
static void make_patch(struct world *world, const struct world_release *release, unsigned slot,
                       char path[SERVER_PATH_BYTES], struct suit_patch *patch) {
    const struct world_image *from = &world->images[release->patch_from];
    const struct world_image *to = &world->images[release->sequence];
    struct error error;
    struct buffer bytes;
    uint8_t *old_bytes = malloc(from->size_bytes);
    need(from->size_bytes > 0 && old_bytes, "a patch from nothing");
    memcpy(old_bytes, from->payload[1 - slot], from->size_bytes);
    patch->base_bytes = from->size_bytes - PM_SEAL_BYTES;
    maker_sha256(old_bytes, patch->base_bytes, patch->base_sha256);
    if (release->patch_base_lies) old_bytes[100] ^= 1;
    buffer_init(&bytes, 1 << 20);
    struct delta_image old_image = {{old_bytes, patch->base_bytes},
                                    world->map.slot_address[1 - slot]};
    struct delta_image new_image = {{to->payload[slot], to->size_bytes},
                                    world->map.slot_address[slot]};
    need(delta_encode(old_image, new_image, DELTA_MEMORY_SMALL, &bytes, &error) == STATUS_OK,
         "a patch cannot be made");
    patch->payload = publish(world, path, bytes.data, (uint32_t)bytes.size_bytes);
    buffer_free(&bytes);
    free(old_bytes);
}

void world_release(struct world *world, const struct world_release *release) {
    char image_path[2][SERVER_PATH_BYTES], patch_path[2][SERVER_PATH_BYTES], path[64];
    struct suit_patch patches[2];
    struct suit_release suit = {.sequence = release->envelope_sequence ? release->envelope_sequence
                                                                       : release->sequence};
    const struct maker *maker = &world->maker;
    unsigned long number = (unsigned long)release->sequence;
    make_images(world, release);
    memcpy(suit.vendor, release->vendor ? release->vendor : maker->factory.vendor, PM_UUID_BYTES);
    memcpy(suit.class_id, release->class_id ? release->class_id : maker->factory.class_id,
           PM_UUID_BYTES);
    for (unsigned slot = 0; slot < 2; slot++) {
        const struct world_image *image = &world->images[release->sequence];
        snprintf(image_path[slot], sizeof *image_path, "%lu/slot-%u.bin", number, slot);
        snprintf(patch_path[slot], sizeof *patch_path, "%lu/delta-%u.pmp", number, slot);
        suit.slots[slot].image =
            publish(world, image_path[slot], image->payload[slot], image->size_bytes);
        if (release->patch_from == 0) continue;
        make_patch(world, release, slot, patch_path[slot], &patches[slot]);
        suit.slots[slot].patch_count = 1;
        suit.slots[slot].patches = &patches[slot];
    }
    struct buffer envelope;
    struct error error;
    struct es256_signer signer = signer_of(&world->maker.release[release->key]);
    buffer_init(&envelope, SUIT_ENVELOPE_MAXIMUM);
    need(suit_write_envelope(&suit, &signer, &envelope, &error) == STATUS_OK, error.message);
    snprintf(path, sizeof path, "%lu/envelope.suit", number);
    server_put(&world->server, path, envelope.data, (uint32_t)envelope.size_bytes);
    buffer_free(&envelope);
}

void world_channel(struct world *world, const struct world_channel *channel) {
    char path[64];
    struct channel_entry entry = {.sequence = channel->sequence,
                                  .minimum = channel->minimum,
                                  .path = path,
                                  .rollout =
                                      channel->rollout ? channel->rollout - 1 : PM_CHANNEL_WHOLE};
    struct channel_document document = {
        .serial = channel->serial,
        .issued_s = channel->issued_s ? channel->issued_s : WORLD_TIME_S,
        .root_version = channel->root_version ? channel->root_version : 1,
        .entries = &entry,
        .entry_count = channel->sequence ? 1 : 0};
    char root_path[32];
    snprintf(root_path, sizeof root_path, "root/%u.bin", document.root_version);
    document.root_path = root_path;
    document.expires_s = channel->expires_s ? channel->expires_s : WORLD_TIME_S + WORLD_DAY_S;
    memcpy(document.vendor, world->maker.factory.vendor, PM_UUID_BYTES);
    memcpy(document.class_id, channel->class_id ? channel->class_id : world->maker.factory.class_id,
           PM_UUID_BYTES);
    if (channel->sequence) {
        snprintf(path, sizeof path, "%lu/envelope.suit", (unsigned long)channel->sequence);
        const struct server_file *file = server_find(&world->server, path);
        need(file != NULL, "an entry without its envelope");
        entry.size_bytes = file->size_bytes;
        maker_sha256(file->data, file->size_bytes, entry.sha256);
    }
    struct buffer bytes;
    struct error error;
    struct es256_signer signer = signer_of(&world->maker.release[channel->key]);
    buffer_init(&bytes, CHANNEL_DOCUMENT_MAXIMUM);
    need(channel_write(&document, &signer, &bytes, &error) == STATUS_OK, error.message);
    server_put(&world->server, "channel.cose", bytes.data, (uint32_t)bytes.size_bytes);
    buffer_free(&bytes);
}

void world_root_revokes(struct world *world) {
    struct pm_root next = world->maker.factory;
    uint8_t bytes[PM_ROOT_BYTES];
    next.version = 2;
    memcpy(next.release_keys[0], world->maker.release[1].point, PM_POINT_BYTES);
    maker_sign_root(&next, world->maker.root, NULL, bytes);
    server_put(&world->server, "root/2.bin", bytes, sizeof bytes);
}

void world_root_rotates(struct world *world) {
    struct pm_root next = world->maker.factory;
    struct maker_key fresh[PM_ROOT_KEYS];
    uint8_t bytes[PM_ROOT_BYTES];
    next.version = 2;
    for (unsigned i = 0; i < PM_ROOT_KEYS; i++) {
        maker_key_init(&fresh[i]);
        memcpy(next.root_keys[i], fresh[i].point, PM_POINT_BYTES);
    }
    maker_sign_root(&next, world->maker.root, fresh, bytes);
    server_put(&world->server, "root/2.bin", bytes, sizeof bytes);
    for (unsigned i = 0; i < PM_ROOT_KEYS; i++)
        maker_key_free(&fresh[i]);
}

/* Living */

void world_factory(struct world *world, uint32_t image_bytes) {
    make_images(world, &(struct world_release){.sequence = 1, .image_bytes = image_bytes});
    const uint8_t *payload = world->images[1].payload[0];
    flash_model_put(&world->model, world->map.slot_address[0], payload, image_bytes);
    uint32_t in_page = world->map.slot_bytes - PM_SEAL_BYTES;
    uint8_t *page = calloc(1, world->geometry->page_bytes);
    need(page != NULL, "memory");
    uint32_t first = in_page & ~(world->geometry->page_bytes - 1);
    memset(page, 0xff, world->geometry->page_bytes);
    if (image_bytes > first) memcpy(page, payload + first, image_bytes - first);
    memcpy(page + (in_page - first), payload + image_bytes, PM_SEAL_BYTES);
    flash_model_put(&world->model, world->map.slot_address[0] + first, page,
                    world->geometry->page_bytes);
    free(page);
}

uint64_t world_sequence(const struct world *world, uint32_t slot) {
    const uint8_t *bytes = world->model.bytes + (world->map.slot_address[slot] - world->model.base);
    for (uint64_t sequence = 1; sequence < WORLD_SEQUENCES; sequence++) {
        const struct world_image *image = &world->images[sequence];
        if (image->size_bytes == 0) continue;
        uint32_t image_bytes = image->size_bytes - PM_SEAL_BYTES;
        if (memcmp(bytes, image->payload[slot], image_bytes) == 0 &&
            memcmp(bytes + world->map.slot_bytes - PM_SEAL_BYTES,
                   image->payload[slot] + image_bytes, PM_SEAL_BYTES) == 0) {
            return sequence;
        }
    }
    return 0;
}

enum pm_boot_status world_boot(struct world *world) {
    struct pm_boot_choice choice;
    if (world->server.connected) world->network.close(world->network.context);
    enum pm_boot_status status =
        pm_boot_choose(&world->model.flash, &world->map, world->maker.factory_bytes, &choice);
    if (status != PM_BOOT_OK) return status;
    need(choice.jump - PM_BOOT_FLOW == world->map.slot_address[choice.slot], "the jump's address");
    world->running = choice.slot;
    const struct pm_update_setup setup = {.port = &world->port,
                                          .factory_root = world->maker.factory_bytes,
                                          .running_slot = choice.slot,
                                          .buffer = world->page,
                                          .buffer_bytes = world->geometry->page_bytes,
                                          .policy = world->policy};
    world->update = pm_update_start(world->memory, &setup);
    need(world->update != NULL, "the client does not start");
    return status;
}

enum pm_update_state world_update(struct world *world, uint32_t polls_that_fail) {
    uint32_t failed_before = world->events[PM_EVENT_REFUSED];
    for (uint32_t steps = 0; steps < 10000; steps++) {
        struct pm_update_status status;
        enum pm_update_state state = pm_update_step(world->update);
        pm_update_status(world->update, &status);
        if (state == PM_UPDATE_READY || state == PM_UPDATE_ON_TRIAL) return state;
        if (state == PM_UPDATE_IDLE && status.polls > 0 && status.last_error == PM_ERROR_NONE)
            return state;
        if (world->events[PM_EVENT_REFUSED] - failed_before >= polls_that_fail) return state;
        if (state == PM_UPDATE_IDLE || state == PM_UPDATE_WAITING) {
            world->uptime_s += 300;
            if (world->time_s != PM_TIME_UNKNOWN) world->time_s += 1;
        }
    }
    need(false, "the client goes round without an end");
    return PM_UPDATE_IDLE;
}

struct pm_boot_record world_record(const struct world *world) {
    struct pm_boot_record record = {0};
    need(pm_boot_record_load(&world->model.flash, &world->map, &record), "no boot record");
    return record;
}
