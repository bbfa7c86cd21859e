/* The payload into the slot that does not run: whole pages as they become full, the seal last.
 *
 * Invariants, which the power-cut tests hold against every cut:
 *   - nothing but the target slot is written, and of it the page with the seal is blanked first;
 *   - progress says no more than what was written and read back;
 *   - a seal is in flash only when the image in front of it had the digest that was signed.
 *
 * A patch is decoded from its front again after a cut; what is in the slot already is handed over
 * without being written, so that a cut costs at most one page of erasing and writing. */
#include <string.h>

#include "client.h"
#include "device/src/seeded.h"
#include "format/little_endian.h"
#include "progress.h"

enum { FEED_BYTES = 64, PARTIAL_MAXIMUM = 32 };

static uint32_t target(const struct pm_update *update) {
    return 1 - update->setup.running_slot;
}

static uint32_t target_address(const struct pm_update *update) {
    return update->setup.port->map->slot_address[target(update)];
}

static uint32_t seal_address(const struct pm_update *update) {
    return target_address(update) + update->setup.port->map->slot_bytes - PM_SEAL_BYTES;
}

/* Writing */

/* What the buffer holds goes to the slot; it ends at `position`. A page is erased even when it
 * reads blank: after an erase that was cut short that says nothing. */
static enum pm_update_error flush(struct pm_update *update) {
    const struct pm_port *port = update->setup.port;
    const struct pm_flash *flash = port->flash;
    struct pm_download *download = &update->download;
    uint32_t start = download->position - download->filled;
    uint32_t address = target_address(update) + start, padded = download->filled;
    if (start % flash->page_bytes == 0 && !pm_flash_erase(flash, address)) return PM_ERROR_FLASH;
    while (padded % flash->write_bytes != 0)
        update->setup.buffer[padded++] = 0xff;
    if (!pm_flash_write(flash, address, update->setup.buffer, padded)) return PM_ERROR_FLASH;
    download->filled = 0;
    if (download->position % flash->page_bytes != 0) return PM_ERROR_NONE;
    return pm_progress_store(flash, port->map, download->sha256, download->position)
               ? PM_ERROR_NONE
               : PM_ERROR_FLASH;
}

/* The next bytes of image and seal. */
static enum pm_update_error hand_on(struct pm_update *update, const uint8_t *data,
                                    uint32_t size_bytes) {
    struct pm_download *download = &update->download;
    if (size_bytes > download->size_bytes - download->position) return PM_ERROR_PAYLOAD_SIZE;
    while (size_bytes > 0) {
        uint32_t at = download->position, part;
        if (at < download->there_bytes) {
            part = download->there_bytes - at;
        } else if (at < download->image_bytes) {
            part = update->setup.buffer_bytes - download->filled;
            if (part > download->image_bytes - at) part = download->image_bytes - at;
        } else {
            part = download->size_bytes - at;
        }
        if (part > size_bytes) part = size_bytes;
        download->position += part;
        if (at >= download->image_bytes) {
            memcpy(download->seal + (at - download->image_bytes), data, part);
        } else if (at >= download->there_bytes) {
            memcpy(update->setup.buffer + download->filled, data, part);
            download->filled += part;
            if (download->filled == update->setup.buffer_bytes ||
                download->position == download->image_bytes) {
                enum pm_update_error error = flush(update);
                if (error) return error;
            }
        }
        data += part;
        size_bytes -= part;
    }
    return PM_ERROR_NONE;
}

static bool write_new(void *context, const void *data, uint32_t size_bytes) {
    struct pm_update *update = context;
    update->download.error = hand_on(update, data, size_bytes);
    return update->download.error == PM_ERROR_NONE;
}

static bool read_old(void *context, uint32_t offset, void *out, uint32_t size_bytes) {
    const struct pm_update *update = context;
    const struct pm_port *port = update->setup.port;
    if (offset > port->map->slot_bytes || size_bytes > port->map->slot_bytes - offset) return false;
    return port->flash->read(port->flash->context,
                             port->map->slot_address[update->setup.running_slot] + offset, out,
                             size_bytes);
}

/* Beginning */

/* From here on the target holds no image. That the last trial failed is told by its seal and by
 * the record together (update.c), so the record forgets it before the seal goes. */
static enum pm_update_error clear_target(struct pm_update *update) {
    const struct pm_port *port = update->setup.port;
    struct pm_boot_record record;
    if (!pm_boot_record_load(port->flash, port->map, &record)) return PM_ERROR_FLASH;
    if (record.trial_end > PM_TRIAL_CONFIRMED) {
        record.trial_end = PM_TRIAL_NEVER;
        if (!pm_boot_record_store(port->flash, port->map, &record)) return PM_ERROR_FLASH;
    }
    return pm_flash_erase(port->flash, seal_address(update)) ? PM_ERROR_NONE : PM_ERROR_FLASH;
}

/* How far this payload is in the slot already. The page with the seal never counts. */
static enum pm_update_error take_up(struct pm_update *update) {
    const struct pm_port *port = update->setup.port;
    struct pm_download *download = &update->download;
    uint32_t there_bytes = pm_progress_load(port->flash, port->map, download->sha256);
    uint32_t seal_page = (port->map->slot_bytes - PM_SEAL_BYTES) & ~(port->flash->page_bytes - 1);
    if (there_bytes % port->flash->page_bytes != 0 || there_bytes > download->image_bytes ||
        there_bytes > seal_page) {
        there_bytes = 0;
    }
    download->there_bytes = there_bytes;
    if (there_bytes == 0 && !pm_progress_store(port->flash, port->map, download->sha256, 0))
        return PM_ERROR_FLASH;
    return clear_target(update);
}

static enum pm_update_error read_exactly(struct pm_update *update, uint8_t *out,
                                         uint32_t size_bytes) {
    while (size_bytes > 0) {
        uint32_t got_bytes;
        enum pm_update_error error = pm_http_read(&update->http, out, size_bytes, &got_bytes);
        if (error) return error;
        out += got_bytes;
        size_bytes -= got_bytes;
    }
    return PM_ERROR_NONE;
}

/* Is the patch one from exactly what runs here to exactly what the manifest wants? */
static bool fits(const struct pm_update *update, const struct pm_patch_header *header) {
    const struct pm_flash_map *map = update->setup.port->map;
    struct pm_hash hash;
    uint8_t digest[PM_SHA256_BYTES];
    if (header->old_address != map->slot_address[update->setup.running_slot] ||
        header->new_address != target_address(update) ||
        header->new_bytes != update->download.size_bytes) {
        return false;
    }
    if (PM_SEEDED_BUG == PM_BUG_BASE_UNHASHED) return true;
    if (!pm_client_hash_slot(update, update->setup.running_slot, header->old_bytes, &hash))
        return false;
    pm_sha256_finish(&hash, digest);
    return memcmp(digest, header->old_sha256, sizeof digest) == 0;
}

static enum pm_update_error begin_patch(struct pm_update *update) {
    uint8_t bytes[PM_PATCH_HEADER_BYTES];
    struct pm_patch_header header;
    if (update->http.remaining_bytes < sizeof bytes) return PM_ERROR_PATCH;
    enum pm_update_error error = read_exactly(update, bytes, sizeof bytes);
    if (error) return error;
    if (!pm_patch_header_read(bytes, &header)) return PM_ERROR_PATCH;
    if (!fits(update, &header)) return PM_ERROR_PATCH_BASE;
    update->download.io = (struct pm_patch_io){update, read_old, write_new};
    update->download.patch = pm_patch_start(update->patch_memory, sizeof update->patch_memory,
                                            &header, &update->download.io);
    if (!update->download.patch) return PM_ERROR_PATCH;
    return take_up(update);
}

#if PM_SEEDED_BUG
/* The bug of writing the magic first, for a test that must find it (seeded.h). */
static void seal_first(struct pm_update *update) {
    struct pm_download *download = &update->download;
    const struct pm_bytes path = {download->path, download->path_bytes};
    uint32_t remaining_bytes;
    if (PM_SEEDED_BUG != PM_BUG_SEAL_FIRST) return;
    if (pm_http_get(&update->http, update->setup.port, path, download->image_bytes,
                    &remaining_bytes) == PM_ERROR_NONE &&
        remaining_bytes == PM_SEAL_BYTES &&
        read_exactly(update, download->seal, PM_SEAL_BYTES) == PM_ERROR_NONE) {
        pm_download_seal(update);
    }
    pm_http_close(&update->http);
}
#endif

static enum pm_update_error begin_image(struct pm_update *update) {
    struct pm_download *download = &update->download;
    const struct pm_bytes path = {download->path, download->path_bytes};
    uint32_t remaining_bytes;
    enum pm_update_error error = take_up(update);
    if (error) return error;
#if PM_SEEDED_BUG
    seal_first(update);
#endif
    download->position = download->there_bytes;
    error = pm_http_get(&update->http, update->setup.port, path, download->there_bytes,
                        &remaining_bytes);
    if (!error && remaining_bytes != download->size_bytes - download->there_bytes)
        error = PM_ERROR_PAYLOAD_SIZE;
    return error;
}

static enum pm_update_error begin(struct pm_update *update) {
    struct pm_download *download = &update->download;
    const struct pm_port *port = update->setup.port;
    uint32_t remaining_bytes;
    enum pm_update_error error;
    if (download->size_bytes <= PM_SEAL_BYTES || download->size_bytes > port->map->slot_bytes ||
        download->size_bytes % 4 != 0) {
        return PM_ERROR_PAYLOAD_SIZE;
    }
    download->image_bytes = download->size_bytes - PM_SEAL_BYTES;
    download->position = download->there_bytes = download->filled = 0;
    download->error = PM_ERROR_NONE;
    download->patch = NULL;
    if (download->patch_bytes == 0) {
        error = begin_image(update);
    } else {
        const struct pm_bytes path = {download->path, download->path_bytes};
        error = pm_http_get(&update->http, port, path, 0, &remaining_bytes);
        if (!error && remaining_bytes != download->patch_bytes) error = PM_ERROR_PAYLOAD_SIZE;
        if (!error) error = begin_patch(update);
    }
    download->running = error == PM_ERROR_NONE;
    return error;
}

/* Finishing */

static bool seal_is_right(struct pm_update *update, struct pm_hash *image) {
    const struct pm_download *download = &update->download;
    struct pm_seal seal;
    uint8_t digest[PM_SHA256_BYTES];
    if (!pm_seal_read(download->seal, &seal)) return false;
    pm_sha256_finish(image, digest);
    if (memcmp(digest, seal.image_sha256, sizeof digest) != 0 ||
        seal.image_bytes != download->image_bytes || seal.slot_address != target_address(update) ||
        seal.sequence != update->offer.sequence ||
        memcmp(seal.vendor, update->vendor, PM_UUID_BYTES) != 0 ||
        memcmp(seal.class_id, update->class_id, PM_UUID_BYTES) != 0) {
        return false;
    }
    pm_sha256_once(download->seal, PM_SEAL_SIGNED_BYTES, digest);
    const struct pm_bytes key_id = {seal.key_id, PM_SHA256_BYTES};
    return pm_client_verify(update, key_id, digest, seal.signature) == PM_ERROR_NONE;
}

/* The slot as it reads now, and the seal that is not yet in it. */
static enum pm_update_error verify_whole(struct pm_update *update) {
    struct pm_download *download = &update->download;
    struct pm_hash image, payload;
    uint8_t digest[PM_SHA256_BYTES];
    if (!pm_client_hash_slot(update, target(update), download->image_bytes, &image))
        return PM_ERROR_FLASH;
    payload = image;
    pm_sha256_add(&payload, download->seal, PM_SEAL_BYTES);
    pm_sha256_finish(&payload, digest);
    if (memcmp(digest, download->sha256, sizeof digest) != 0) return PM_ERROR_PAYLOAD_DIGEST;
    if (!seal_is_right(update, &image)) return PM_ERROR_SEAL;
    download->whole = true;
    return PM_ERROR_NONE;
}

/* What is in the slot was looked at and is not it: the next download starts at its front. */
static enum pm_update_error finish(struct pm_update *update) {
    const struct pm_port *port = update->setup.port;
    pm_http_close(&update->http);
    update->download.running = false;
    enum pm_update_error error = verify_whole(update);
    if (error == PM_ERROR_NONE || error == PM_ERROR_FLASH) return error;
    return pm_progress_store(port->flash, port->map, NULL, 0) ? error : PM_ERROR_FLASH;
}

static enum pm_update_error feed(struct pm_update *update, const uint8_t *data,
                                 uint32_t size_bytes) {
    struct pm_download *download = &update->download;
    if (download->patch_bytes == 0) return hand_on(update, data, size_bytes);
    enum pm_patch_status status = pm_patch_feed(download->patch, data, size_bytes);
    if (status == PM_PATCH_STOPPED) return download->error;
    if (status == PM_PATCH_BAD) return PM_ERROR_PATCH;
    return PM_ERROR_NONE;
}

/* Up to the end of the page that the download is in. */
static enum pm_update_error run_page(struct pm_update *update) {
    struct pm_download *download = &update->download;
    uint32_t page_bytes = update->setup.port->flash->page_bytes;
    uint32_t page = download->position / page_bytes;
    enum pm_update_error error = PM_ERROR_NONE;
    while (!error && download->position < download->size_bytes &&
           download->position / page_bytes == page) {
        uint8_t bytes[FEED_BYTES];
        uint32_t got_bytes;
        if (update->http.remaining_bytes == 0) return PM_ERROR_PATCH; /* it ended too early */
        error = pm_http_read(&update->http, bytes, sizeof bytes, &got_bytes);
        if (!error) error = feed(update, bytes, got_bytes);
    }
    return error;
}

enum pm_update_error pm_download_step(struct pm_update *update) {
    const struct pm_port *port = update->setup.port;
    struct pm_download *download = &update->download;
    enum pm_update_error error = PM_ERROR_NONE;
    if (!download->running) error = begin(update);
    /* A server that does not know ranges sends the whole next time. */
    if (error == PM_ERROR_HTTP_RANGE_IGNORED &&
        !pm_progress_store(port->flash, port->map, NULL, 0)) {
        return PM_ERROR_FLASH;
    }
    if (!error) error = run_page(update);
    return !error && download->position == download->size_bytes ? finish(update) : error;
}

bool pm_download_seal(struct pm_update *update) {
    const struct pm_flash *flash = update->setup.port->flash;
    if (PM_SEEDED_BUG == PM_BUG_SEAL_FIRST &&
        !pm_flash_is_blank(flash, seal_address(update), PM_SEAL_BYTES)) {
        return true;
    }
    return pm_flash_write(flash, seal_address(update), update->download.seal, PM_SEAL_BYTES);
}
