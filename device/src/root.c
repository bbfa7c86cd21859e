/* See pm/root.h. A document is read from where it stands piece by piece: it is larger than the
 * stack has room for beside a signature's verification. */
#include "pm/root.h"

#include <string.h>

#include "format/little_endian.h"
#include "pm/crypto.h"

/* Offsets of format/root.h. */
enum {
    AT_VERSION = 8,
    AT_COUNT = 12,
    AT_ROOT_KEYS = 16,
    AT_RELEASE_KEYS = 208,
    AT_SIGNERS = 528,
    AT_SIGNATURES = 532,
    ROOT_KEYS_BYTES = PM_ROOT_KEYS * PM_POINT_BYTES,
    PIECE_BYTES = 64,
    NOBODY = 0xff,
};

bool pm_root_read_at(const struct pm_flash *flash, const struct pm_root_place *place,
                     uint32_t offset, void *out, uint32_t size_bytes) {
    if (!place->memory)
        return flash->read(flash->context, place->address + offset, out, size_bytes);
    memcpy(out, place->memory + offset, size_bytes);
    return true;
}

static bool read_version(const struct pm_flash *flash, struct pm_root_place *place) {
    uint8_t head[PM_ROOT_HEAD_BYTES];
    uint32_t release_key_count;
    return pm_root_read_at(flash, place, 0, head, sizeof head) &&
           pm_root_read_head(head, &place->version, &release_key_count);
}

__attribute__((noinline)) static bool digest_of(const struct pm_flash *flash,
                                                const struct pm_root_place *place,
                                                uint8_t digest[PM_SHA256_BYTES]) {
    struct pm_hash hash;
    uint8_t piece[PIECE_BYTES];
    pm_sha256_start(&hash);
    for (uint32_t at = 0; at < PM_ROOT_SIGNED_BYTES;) {
        uint32_t part = PM_ROOT_SIGNED_BYTES - at;
        if (part > PIECE_BYTES) part = PIECE_BYTES;
        if (!pm_root_read_at(flash, place, at, piece, part)) return false;
        pm_sha256_add(&hash, piece, part);
        at += part;
    }
    pm_sha256_finish(&hash, digest);
    return true;
}

__attribute__((noinline)) static bool same_bytes(const struct pm_flash *flash,
                                                 const struct pm_root_place *a,
                                                 const struct pm_root_place *b, uint32_t offset,
                                                 uint32_t size_bytes) {
    uint8_t of_a[32], of_b[32];
    for (uint32_t at = offset; at < offset + size_bytes; at += sizeof of_a) {
        if (!pm_root_read_at(flash, a, at, of_a, sizeof of_a) ||
            !pm_root_read_at(flash, b, at, of_b, sizeof of_b) ||
            memcmp(of_a, of_b, sizeof of_a) != 0) {
            return false;
        }
    }
    return true;
}

/* Two signatures, at `first` and the one behind, by two root keys of `signer`. */
static bool two_signed(const struct pm_flash *flash, const struct pm_root_place *place,
                       const struct pm_root_place *signer, const uint8_t digest[PM_SHA256_BYTES],
                       uint32_t first) {
    uint8_t index[2], point[PM_POINT_BYTES], signature[PM_ES256_BYTES];
    if (!pm_root_read_at(flash, place, AT_SIGNERS + first, index, sizeof index)) return false;
    if (index[0] >= index[1] || index[1] >= PM_ROOT_KEYS) return false;
    for (uint32_t i = 0; i < 2; i++) {
        if (!pm_root_read_at(flash, signer, AT_ROOT_KEYS + (uint32_t)index[i] * PM_POINT_BYTES,
                             point, sizeof point) ||
            !pm_root_read_at(flash, place, AT_SIGNATURES + (first + i) * PM_ES256_BYTES, signature,
                             sizeof signature) ||
            !pm_es256_verify(point, digest, signature)) {
            return false;
        }
    }
    return true;
}

bool pm_root_follows(const struct pm_flash *flash, const struct pm_root_place *before,
                     struct pm_root_place *next) {
    uint8_t digest[PM_SHA256_BYTES];
    if (!read_version(flash, next) || next->version <= before->version) return false;
    if (!same_bytes(flash, before, next, PM_ROOT_PRODUCT_OFFSET, 2 * PM_UUID_BYTES)) return false;
    if (!digest_of(flash, next, digest)) return false;
    if (!two_signed(flash, next, before, digest, 0)) return false;
    /* With the same root keys nobody else has to sign; new ones must show that they can. */
    return same_bytes(flash, before, next, AT_ROOT_KEYS, ROOT_KEYS_BYTES) ||
           two_signed(flash, next, next, digest, 2);
}

static bool factory_place(const struct pm_flash *flash, const uint8_t *factory_root,
                          struct pm_root_place *out) {
    out->memory = factory_root;
    out->address = 0;
    return read_version(flash, out) && out->version == 1;
}

static bool find_in_page(const struct pm_flash *flash, uint32_t page,
                         const struct pm_root_place *factory, uint32_t version,
                         struct pm_root_place *out) {
    struct pm_root_place before = *factory;
    for (uint32_t used = 0; flash->page_bytes - used >= PM_ROOT_BYTES;
         used += PM_ROOT_STRIDE_BYTES) {
        struct pm_root_place next = {NULL, page + used, 0};
        if (!pm_root_follows(flash, &before, &next) || next.version > version) return false;
        if (next.version == version) {
            *out = next;
            return true;
        }
        if (flash->page_bytes - used < PM_ROOT_STRIDE_BYTES) return false;
        before = next;
    }
    return false;
}

bool pm_root_find(const struct pm_flash *flash, const struct pm_flash_map *map,
                  const uint8_t factory_root[PM_ROOT_BYTES], uint32_t version,
                  struct pm_root_place *out) {
    struct pm_root_place factory;
    if (!factory_place(flash, factory_root, &factory)) return false;
    if (version == 1) {
        *out = factory;
        return true;
    }
    return find_in_page(flash, map->root_address[0], &factory, version, out) ||
           find_in_page(flash, map->root_address[1], &factory, version, out);
}

bool pm_root_release_key(const struct pm_flash *flash, const struct pm_root_place *place,
                         const uint8_t key_id[PM_SHA256_BYTES], uint8_t point[PM_POINT_BYTES]) {
    uint8_t count[4], id[PM_SHA256_BYTES];
    if (!pm_root_read_at(flash, place, AT_COUNT, count, sizeof count)) return false;
    for (uint32_t i = 0; i < pm_get_u32(count) && i < PM_RELEASE_KEYS; i++) {
        if (!pm_root_read_at(flash, place, AT_RELEASE_KEYS + i * PM_POINT_BYTES, point,
                             PM_POINT_BYTES)) {
            return false;
        }
        pm_sha256_once(point, PM_POINT_BYTES, id);
        if (memcmp(id, key_id, sizeof id) == 0) return true;
    }
    return false;
}
