/* What a maker puts on a server and into a new unit, for tests of the thermostat: one to
 * three releases of one product, each laid out for both slots.
 *
 *     make_release OUT A1 B1 [A2 B2 [A3 B3]]
 *
 * OUT/root.bin       the root document; OUT/factory.bin release 1 as slot A holds it
 * OUT/tree/          payloads, patches from release n - 1, envelopes
 * OUT/channel-N.cose what the server calls channel.cose when it offers release N
 *
 * Release 3 is written as if release 2 were confirmed; keys are fresh and stay in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "release/channel.h"
#include "release/delta.h"
#include "release/suit.h"
#include "tests/device/maker.h"

enum {
    RELEASES = 3,
    SLOTS = 2,
    IMAGE_MAXIMUM = 1 << 20,
    SLOT_BYTES = 0x80000,
    YEAR_S = 366 * 86400
};

static const uint32_t slot_address[SLOTS] = {0x10000, 0x90000};

struct image {
    struct span bytes;
    struct buffer payload; /* with its seal */
};

static struct maker maker;
static struct image images[RELEASES + 1][SLOTS];
static const char *folder;
static struct arena arena;
static struct error error;

static void need(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "make_release: %s: %s\n", what, error.message);
    exit(1);
}

static void put(const char *name, struct span bytes) {
    need(file_write(arena_format(&arena, "%s/%s", folder, name), bytes, 0644, true, &error) ==
             STATUS_OK,
         name);
}

static enum status sign_digest(void *context, const uint8_t digest[PM_SHA256_BYTES],
                               uint8_t signature[PM_ES256_BYTES], struct error *out) {
    (void)out;
    maker_sign_digest(context, digest, signature);
    return STATUS_OK;
}

static struct es256_signer signer(void) {
    struct es256_signer out = {.context = &maker.release[0], .sign = sign_digest};
    memcpy(out.key_id, maker.release[0].id, sizeof out.key_id);
    return out;
}

static struct suit_payload payload(const char *uri, struct span bytes) {
    struct suit_payload out = {.uri = uri, .size_bytes = (uint32_t)bytes.size_bytes};
    maker_sha256(bytes.data, bytes.size_bytes, out.sha256);
    return out;
}

static void seal(unsigned release, unsigned slot) {
    struct image *image = &images[release][slot];
    uint8_t bytes[PM_SEAL_BYTES];
    maker_seal(&maker, &maker.release[0], image->bytes.data, (uint32_t)image->bytes.size_bytes,
               slot_address[slot], release, bytes);
    buffer_init(&image->payload, IMAGE_MAXIMUM);
    buffer_append(&image->payload, image->bytes.data, image->bytes.size_bytes);
    buffer_append(&image->payload, bytes, sizeof bytes);
}

/* From the release before, which runs in the other slot. */
static struct suit_patch patch(unsigned release, unsigned slot) {
    const struct image *old = &images[release - 1][!slot];
    struct buffer bytes;
    buffer_init(&bytes, IMAGE_MAXIMUM);
    const char *name = arena_format(&arena, "%u/delta-%c.pmp", release, "ab"[slot]);
    need(delta_encode(
             (struct delta_image){old->bytes, slot_address[!slot]},
             (struct delta_image){buffer_span(&images[release][slot].payload), slot_address[slot]},
             DELTA_MEMORY_SMALL, &bytes, &error) == STATUS_OK,
         "patch");
    put(arena_format(&arena, "tree/%s", name), buffer_span(&bytes));
    struct suit_patch out = {.payload = payload(name, buffer_span(&bytes)),
                             .base_bytes = (uint32_t)old->bytes.size_bytes};
    maker_sha256(old->bytes.data, old->bytes.size_bytes, out.base_sha256);
    printf("release %u, slot %c: image %zu bytes, delta %zu bytes\n", release, "AB"[slot],
           images[release][slot].payload.size_bytes, bytes.size_bytes);
    buffer_free(&bytes);
    return out;
}

static void publish(unsigned release) {
    struct suit_release envelope = {.sequence = release};
    struct suit_patch patches[SLOTS];
    struct es256_signer by = signer();
    memcpy(envelope.vendor, maker.factory.vendor, PM_UUID_BYTES);
    memcpy(envelope.class_id, maker.factory.class_id, PM_UUID_BYTES);
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        const char *name = arena_format(&arena, "%u/slot-%c.bin", release, "ab"[slot]);
        struct span bytes = buffer_span(&images[release][slot].payload);
        put(arena_format(&arena, "tree/%s", name), bytes);
        patches[slot] = patch(release, slot);
        envelope.slots[slot] = (struct suit_slot){payload(name, bytes), 1, &patches[slot]};
    }
    struct buffer out, document;
    buffer_init(&out, SUIT_ENVELOPE_MAXIMUM);
    buffer_init(&document, CHANNEL_DOCUMENT_MAXIMUM);
    need(suit_write_envelope(&envelope, &by, &out, &error) == STATUS_OK, "envelope");
    const char *path = arena_format(&arena, "%u/envelope.suit", release);
    put(arena_format(&arena, "tree/%s", path), buffer_span(&out));

    struct channel_entry entry = {.sequence = release,
                                  .path = path,
                                  .size_bytes = (uint32_t)out.size_bytes,
                                  .rollout = PM_CHANNEL_WHOLE};
    maker_sha256(out.data, out.size_bytes, entry.sha256);
    struct channel_document channel = {.serial = release,
                                       .issued_s = 1700000000 + release,
                                       .expires_s = 1700000000 + YEAR_S,
                                       .root_version = 1,
                                       .root_path = "root/1.bin",
                                       .entry_count = 1,
                                       .entries = &entry};
    memcpy(channel.vendor, maker.factory.vendor, PM_UUID_BYTES);
    memcpy(channel.class_id, maker.factory.class_id, PM_UUID_BYTES);
    need(channel_write(&channel, &by, &document, &error) == STATUS_OK, "channel");
    put(arena_format(&arena, "channel-%u.cose", release), buffer_span(&document));
    buffer_free(&out);
    buffer_free(&document);
}

/* As a factory flashes slot A: the image, the seal in the slot's last bytes. */
static void make_unit(void) {
    static uint8_t slot[SLOT_BYTES];
    const struct buffer *first = &images[1][0].payload;
    memset(slot, 0xff, sizeof slot);
    memcpy(slot, images[1][0].bytes.data, images[1][0].bytes.size_bytes);
    memcpy(slot + SLOT_BYTES - PM_SEAL_BYTES, first->data + first->size_bytes - PM_SEAL_BYTES,
           PM_SEAL_BYTES);
    put("factory.bin", (struct span){slot, sizeof slot});
    put("root.bin", (struct span){maker.factory_bytes, sizeof maker.factory_bytes});
}

static void make_folder(const char *name) {
    mkdir(arena_format(&arena, "%s/%s", folder, name), 0755);
}

int main(int argc, char **argv) {
    unsigned releases = argc > 2 ? (unsigned)(argc - 2) / SLOTS : 0;
    if (releases < 1 || releases > RELEASES || argc != (int)(2 + releases * SLOTS)) return 2;
    folder = argv[1];
    maker_init(&maker);
    make_folder("");
    make_folder("tree");
    for (unsigned release = 1; release <= releases; release++) {
        make_folder(arena_format(&arena, "tree/%u", release));
        for (unsigned slot = 0; slot < SLOTS; slot++) {
            const char *path = argv[2 + (release - 1) * SLOTS + slot];
            need(file_read(&arena, path, IMAGE_MAXIMUM, &images[release][slot].bytes, &error) ==
                     STATUS_OK,
                 path);
            seal(release, slot);
        }
        if (release > 1) publish(release);
    }
    make_unit();
    for (unsigned i = 0; i < releases * SLOTS; i++)
        buffer_free(&images[1 + i / SLOTS][i % SLOTS].payload);
    arena_free(&arena);
    maker_free(&maker);
    return 0;
}
