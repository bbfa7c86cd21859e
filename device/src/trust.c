/* Whom the update client believes: release keys of the newest root document that verifies, which
 * is the one in force or one that waits for the next image's health confirmation. See client.h. */
#include <string.h>

#include "client.h"

enum { PIECE_BYTES = 128 };

static bool hash_parts(void *context, const struct pm_bytes *parts, size_t count,
                       uint8_t out[PM_SHA256_BYTES]) {
    struct pm_hash hash;
    (void)context;
    pm_sha256_start(&hash);
    for (size_t i = 0; i < count; i++)
        pm_sha256_add(&hash, parts[i].data, (uint32_t)parts[i].size_bytes);
    pm_sha256_finish(&hash, out);
    return true;
}

static const struct pm_sha256 sha256 = {hash_parts, NULL};

static bool key_of(const struct pm_update *update, uint32_t version, const uint8_t *key_id,
                   uint8_t point[PM_POINT_BYTES]) {
    const struct pm_port *port = update->setup.port;
    struct pm_root_place root;
    return pm_root_find(port->flash, port->map, update->setup.factory_root, version, &root) &&
           pm_root_release_key(port->flash, &root, key_id, point);
}

/* A key that an older document had and this one has not was revoked. */
static enum pm_update_error missing(const struct pm_update *update, const uint8_t *key_id) {
    const struct pm_port *port = update->setup.port;
    struct pm_boot_record record;
    uint8_t point[PM_POINT_BYTES];
    if (key_of(update, 1, key_id, point)) return PM_ERROR_KEY_REVOKED;
    if (pm_boot_record_load(port->flash, port->map, &record) &&
        record.root_version != update->root_version &&
        key_of(update, record.root_version, key_id, point)) {
        return PM_ERROR_KEY_REVOKED;
    }
    return PM_ERROR_KEY_UNKNOWN;
}

enum pm_update_error pm_client_verify(void *context, struct pm_bytes key_id,
                                      const uint8_t digest[PM_SHA256_BYTES],
                                      const uint8_t signature[PM_ES256_BYTES]) {
    const struct pm_update *update = context;
    uint8_t point[PM_POINT_BYTES];
    if (key_id.size_bytes != PM_SHA256_BYTES) return PM_ERROR_KEY_UNKNOWN;
    if (!key_of(update, update->root_version, key_id.data, point))
        return missing(update, key_id.data);
    return pm_es256_verify(point, digest, signature) ? PM_ERROR_NONE : PM_ERROR_SIGNATURE;
}

struct pm_suit_host pm_client_host(struct pm_update *update) {
    return (struct pm_suit_host){
        .context = update,
        .sha256 = &sha256,
        .verify = pm_client_verify,
        .vendor = update->vendor,
        .class_id = update->class_id,
        .slot = {(uint8_t)(1 - update->setup.running_slot), (uint8_t)update->setup.running_slot}};
}

enum pm_update_error pm_client_fetch(struct pm_update *update, struct pm_bytes path, void *out,
                                     uint32_t capacity_bytes, uint32_t *size_bytes) {
    uint32_t remaining_bytes, got_bytes;
    uint8_t *at = out;
    enum pm_update_error error =
        pm_http_get(&update->http, update->setup.port, path, 0, &remaining_bytes);
    if (!error && remaining_bytes > capacity_bytes) error = PM_ERROR_PAYLOAD_SIZE;
    *size_bytes = remaining_bytes;
    while (!error && remaining_bytes > 0) {
        error = pm_http_read(&update->http, at, remaining_bytes, &got_bytes);
        at += got_bytes;
        remaining_bytes -= got_bytes;
    }
    pm_http_close(&update->http);
    return error;
}

enum pm_update_error pm_client_take_root(struct pm_update *update,
                                         const struct pm_boot_record *record, uint32_t version,
                                         struct pm_bytes path) {
    const struct pm_port *port = update->setup.port;
    const uint8_t *factory_root = update->setup.factory_root;
    struct pm_root_place there;
    if (!pm_root_find(port->flash, port->map, factory_root, version, &there)) {
        uint8_t *document = (uint8_t *)update->patch_memory; /* no patch while documents come */
        uint32_t size_bytes;
        enum pm_update_error error =
            pm_client_fetch(update, path, document, sizeof update->patch_memory, &size_bytes);
        if (error) return error == PM_ERROR_PAYLOAD_SIZE ? PM_ERROR_ROOT : error;
        if (size_bytes != PM_ROOT_BYTES ||
            !pm_root_store(port->flash, port->map, factory_root, record->root_version, document) ||
            !pm_root_find(port->flash, port->map, factory_root, version, &there)) {
            return PM_ERROR_ROOT;
        }
        port->event(port->context, PM_EVENT_ROOT, version);
    }
    update->root_version = version;
    return PM_ERROR_NONE;
}

bool pm_client_hash_slot(const struct pm_update *update, uint32_t slot, uint32_t size_bytes,
                         struct pm_hash *hash) {
    const struct pm_port *port = update->setup.port;
    uint8_t piece[PIECE_BYTES];
    if (size_bytes > port->map->slot_bytes - PM_SEAL_BYTES) return false;
    pm_sha256_start(hash);
    for (uint32_t at = 0; at < size_bytes;) {
        uint32_t part = size_bytes - at < PIECE_BYTES ? size_bytes - at : PIECE_BYTES;
        if (!port->flash->read(port->flash->context, port->map->slot_address[slot] + at, piece,
                               part)) {
            return false;
        }
        pm_sha256_add(hash, piece, part);
        at += part;
    }
    return true;
}

bool pm_client_read_seal(const struct pm_update *update, uint32_t slot, struct pm_seal *out) {
    const struct pm_port *port = update->setup.port;
    uint8_t bytes[PM_SEAL_BYTES];
    uint32_t end = port->map->slot_address[slot] + port->map->slot_bytes;
    return port->flash->read(port->flash->context, end - PM_SEAL_BYTES, bytes, sizeof bytes) &&
           pm_seal_read(bytes, out);
}
