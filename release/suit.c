/* See suit.h. */
#include "release/suit.h"

#include <string.h>

#include "base/arena.h"
#include "evidence/digest.h"
#include "format/cbor.h"
#include "format/suit.h"

enum { RECORD_ALL = 15, RECORD_FAILURE = 2, TARGET = 0, RUNNING = 1 };

/* A piece of encoding that will be wrapped; one that is full is seen at the end. */
static struct pm_cbor_writer piece(struct arena *arena) {
    return (struct pm_cbor_writer){.out = ARENA_ARRAY(arena, uint8_t, SUIT_ENVELOPE_MAXIMUM),
                                   .capacity_bytes = SUIT_ENVELOPE_MAXIMUM};
}

static void put_wrapped(struct pm_cbor_writer *out, const struct pm_cbor_writer *inner) {
    out->failed |= inner->failed;
    if (!out->failed) pm_cbor_put_bytes(out, inner->out, inner->size_bytes);
}

static void put_digest(struct pm_cbor_writer *out, const uint8_t sha256[PM_SHA256_BYTES]) {
    pm_cbor_put(out, PM_CBOR_ARRAY, 2);
    pm_cbor_put_int(out, PM_SUIT_SHA256);
    pm_cbor_put_bytes(out, sha256, PM_SHA256_BYTES);
}

static void put_wrapped_digest(struct pm_cbor_writer *out, const uint8_t sha256[PM_SHA256_BYTES]) {
    uint8_t bytes[64];
    struct pm_cbor_writer digest = {.out = bytes, .capacity_bytes = sizeof bytes};
    put_digest(&digest, sha256);
    put_wrapped(out, &digest);
}

static void put_command(struct pm_cbor_writer *out, enum pm_suit_command command,
                        uint64_t argument) {
    pm_cbor_put_int(out, command);
    pm_cbor_put(out, PM_CBOR_UINT, argument);
}

static void put_override(struct pm_cbor_writer *out, uint64_t pairs) {
    pm_cbor_put_int(out, PM_SUIT_OVERRIDE_PARAMETERS);
    pm_cbor_put(out, PM_CBOR_MAP, pairs);
}

/* Four items: this slot's number, and that it is the one to be written. */
static void put_slot(struct pm_cbor_writer *out, size_t slot) {
    put_override(out, 1);
    pm_cbor_put_int(out, PM_SUIT_PARAMETER_SLOT);
    pm_cbor_put(out, PM_CBOR_UINT, slot);
    put_command(out, PM_SUIT_CONDITION_SLOT, RECORD_FAILURE);
}

/* Two items. */
static void put_image(struct pm_cbor_writer *out, const uint8_t sha256[PM_SHA256_BYTES],
                      uint32_t size_bytes) {
    put_override(out, 2);
    pm_cbor_put_int(out, PM_SUIT_PARAMETER_DIGEST);
    put_wrapped_digest(out, sha256);
    pm_cbor_put_int(out, PM_SUIT_PARAMETER_SIZE);
    pm_cbor_put(out, PM_CBOR_UINT, size_bytes);
}

static struct pm_cbor_writer shared_sequence(const struct suit_release *release,
                                             struct arena *arena) {
    struct pm_cbor_writer out = piece(arena);
    pm_cbor_put(&out, PM_CBOR_ARRAY, 10);
    put_command(&out, PM_SUIT_SET_COMPONENT, TARGET);
    put_override(&out, 2);
    pm_cbor_put_int(&out, PM_SUIT_PARAMETER_VENDOR);
    pm_cbor_put_bytes(&out, release->vendor, PM_UUID_BYTES);
    pm_cbor_put_int(&out, PM_SUIT_PARAMETER_CLASS);
    pm_cbor_put_bytes(&out, release->class_id, PM_UUID_BYTES);
    put_command(&out, PM_SUIT_CONDITION_VENDOR, RECORD_ALL);
    put_command(&out, PM_SUIT_CONDITION_CLASS, RECORD_ALL);
    pm_cbor_put_int(&out, PM_SUIT_TRY_EACH);
    pm_cbor_put(&out, PM_CBOR_ARRAY, 2);
    for (size_t slot = 0; slot < 2; slot++) {
        struct pm_cbor_writer one = piece(arena);
        pm_cbor_put(&one, PM_CBOR_ARRAY, 6);
        put_slot(&one, slot);
        put_image(&one, release->slots[slot].image.sha256, release->slots[slot].image.size_bytes);
        put_wrapped(&out, &one);
    }
    return out;
}

/* The last six items of a way to install: where from, fetch, and see that it is right. */
static void put_fetch(struct pm_cbor_writer *out, const char *uri, uint32_t patch_bytes) {
    put_override(out, patch_bytes > 0 ? 3 : 2);
    pm_cbor_put_int(out, PM_SUIT_PARAMETER_URI);
    pm_cbor_put_text(out, uri);
    pm_cbor_put_int(out, PM_SUIT_PARAMETER_PATCH);
    if (patch_bytes > 0) {
        pm_cbor_put(out, PM_CBOR_UINT, RUNNING);
        pm_cbor_put_int(out, PM_SUIT_PARAMETER_PATCH_SIZE);
        pm_cbor_put(out, PM_CBOR_UINT, patch_bytes);
    } else {
        pm_cbor_put(out, PM_CBOR_SIMPLE, PM_CBOR_FALSE);
    }
    put_command(out, PM_SUIT_FETCH, RECORD_FAILURE);
    put_command(out, PM_SUIT_CONDITION_IMAGE_MATCH, RECORD_ALL);
}

static struct pm_cbor_writer patch_sequence(const struct suit_patch *patch, size_t slot,
                                            struct arena *arena) {
    struct pm_cbor_writer out = piece(arena);
    pm_cbor_put(&out, PM_CBOR_ARRAY, 20);
    put_command(&out, PM_SUIT_SET_COMPONENT, TARGET);
    put_slot(&out, slot);
    put_command(&out, PM_SUIT_SET_COMPONENT, RUNNING);
    put_image(&out, patch->base_sha256, patch->base_bytes);
    put_command(&out, PM_SUIT_CONDITION_IMAGE_MATCH, 0); /* another base is nothing to report */
    put_command(&out, PM_SUIT_SET_COMPONENT, TARGET);
    put_fetch(&out, patch->payload.uri, patch->payload.size_bytes);
    return out;
}

static struct pm_cbor_writer image_sequence(const struct suit_payload *image, size_t slot,
                                            struct arena *arena) {
    struct pm_cbor_writer out = piece(arena);
    pm_cbor_put(&out, PM_CBOR_ARRAY, 12);
    put_command(&out, PM_SUIT_SET_COMPONENT, TARGET);
    put_slot(&out, slot);
    put_fetch(&out, image->uri, 0);
    return out;
}

static struct pm_cbor_writer install_sequence(const struct suit_release *release,
                                              struct arena *arena) {
    const struct suit_slot *slots = release->slots;
    struct pm_cbor_writer out = piece(arena);
    pm_cbor_put(&out, PM_CBOR_ARRAY, 4);
    put_command(&out, PM_SUIT_SET_COMPONENT, TARGET);
    pm_cbor_put_int(&out, PM_SUIT_TRY_EACH);
    pm_cbor_put(&out, PM_CBOR_ARRAY, slots[0].patch_count + slots[1].patch_count + 2);
    for (size_t slot = 0; slot < 2; slot++) {
        for (size_t i = 0; i < slots[slot].patch_count; i++) {
            struct pm_cbor_writer patch = patch_sequence(&slots[slot].patches[i], slot, arena);
            put_wrapped(&out, &patch);
        }
        struct pm_cbor_writer image = image_sequence(&slots[slot].image, slot, arena);
        put_wrapped(&out, &image);
    }
    return out;
}

static struct pm_cbor_writer validate_sequence(struct arena *arena) {
    struct pm_cbor_writer out = piece(arena);
    pm_cbor_put(&out, PM_CBOR_ARRAY, 4);
    put_command(&out, PM_SUIT_SET_COMPONENT, TARGET);
    put_command(&out, PM_SUIT_CONDITION_IMAGE_MATCH, RECORD_ALL);
    return out;
}

static struct pm_cbor_writer common(const struct suit_release *release, struct arena *arena) {
    struct pm_cbor_writer out = piece(arena), shared = shared_sequence(release, arena);
    pm_cbor_put(&out, PM_CBOR_MAP, 2);
    pm_cbor_put_int(&out, PM_SUIT_COMMON_COMPONENTS);
    pm_cbor_put(&out, PM_CBOR_ARRAY, 2);
    for (int role = PM_SUIT_TARGET; role <= PM_SUIT_RUNNING; role++) {
        const uint8_t identifier = (uint8_t)role;
        pm_cbor_put(&out, PM_CBOR_ARRAY, 1);
        pm_cbor_put_bytes(&out, &identifier, 1);
    }
    pm_cbor_put_int(&out, PM_SUIT_COMMON_SHARED);
    put_wrapped(&out, &shared);
    return out;
}

/* `install` is wrapped already. */
static struct pm_cbor_writer manifest(const struct suit_release *release,
                                      const struct pm_cbor_writer *install, struct arena *arena) {
    struct pm_cbor_writer out = piece(arena), shared = common(release, arena),
                          validate = validate_sequence(arena);
    uint8_t sha256[PM_SHA256_BYTES];
    pm_cbor_put(&out, PM_CBOR_MAP, 5);
    pm_cbor_put_int(&out, PM_SUIT_VERSION);
    pm_cbor_put(&out, PM_CBOR_UINT, 1);
    pm_cbor_put_int(&out, PM_SUIT_SEQUENCE_NUMBER);
    pm_cbor_put(&out, PM_CBOR_UINT, release->sequence);
    pm_cbor_put_int(&out, PM_SUIT_COMMON);
    put_wrapped(&out, &shared);
    pm_cbor_put_int(&out, PM_SUIT_VALIDATE);
    put_wrapped(&out, &validate);
    pm_cbor_put_int(&out, PM_SUIT_INSTALL);
    if (release->sever_install) {
        digest_of((struct span){install->out, install->size_bytes}, sha256);
        put_digest(&out, sha256);
    } else {
        pm_cbor_put_raw(&out, install->out, install->size_bytes);
    }
    out.failed |= install->failed;
    return out;
}

static enum status authentication(const struct pm_cbor_writer *wrapped_manifest,
                                  const struct es256_signer *signer, struct pm_cbor_writer *out,
                                  struct error *error) {
    uint8_t sha256[PM_SHA256_BYTES], digest_bytes[64];
    struct pm_cbor_writer digest = {.out = digest_bytes, .capacity_bytes = sizeof digest_bytes};
    struct buffer message;
    digest_of((struct span){wrapped_manifest->out, wrapped_manifest->size_bytes}, sha256);
    put_digest(&digest, sha256);
    buffer_init(&message, SUIT_ENVELOPE_MAXIMUM);
    enum status status = cose_write_sign1(signer, (struct span){digest.out, digest.size_bytes},
                                          true, &message, error);
    pm_cbor_put(out, PM_CBOR_ARRAY, 2);
    put_wrapped(out, &digest);
    pm_cbor_put_bytes(out, message.data, message.size_bytes);
    buffer_free(&message);
    return status;
}

static enum status check_uri(const char *uri, struct error *error) {
    size_t length = strlen(uri);
    bool plain = length >= 1 && length <= 255;
    for (size_t i = 0; i < length; i++)
        plain = plain && uri[i] > ' ' && uri[i] <= '~';
    if (plain) return STATUS_OK;
    return error_input(error,
                       "\"%s\": a payload's path has 1 to 255 characters from '!' to '~'; rename "
                       "the file",
                       uri);
}

/* What a unit would refuse is refused here. */
static enum status check(const struct suit_release *release, struct error *error) {
    for (size_t slot = 0; slot < 2; slot++) {
        const struct suit_slot *at = &release->slots[slot];
        if (at->patch_count > SUIT_PATCHES_MAXIMUM)
            return error_input(error,
                               "%zu patches for slot %c: an envelope holds at most %d; leave out "
                               "the oldest",
                               at->patch_count, (int)('A' + slot), SUIT_PATCHES_MAXIMUM);
        enum status status = check_uri(at->image.uri, error);
        bool empty = at->image.size_bytes == 0;
        for (size_t i = 0; status == STATUS_OK && i < at->patch_count; i++) {
            status = check_uri(at->patches[i].payload.uri, error);
            empty |= at->patches[i].payload.size_bytes == 0 || at->patches[i].base_bytes == 0;
        }
        if (status != STATUS_OK) return status;
        if (empty)
            return error_input(error, "slot %c: a payload of 0 bytes is none", (int)('A' + slot));
    }
    return STATUS_OK;
}

enum status suit_write_envelope(const struct suit_release *release,
                                const struct es256_signer *signer, struct buffer *out,
                                struct error *error) {
    enum status status = check(release, error);
    if (status != STATUS_OK) return status;
    struct arena arena = {0};
    struct pm_cbor_writer install = piece(&arena), body = piece(&arena), wrapper = piece(&arena),
                          envelope = piece(&arena);
    struct pm_cbor_writer sequence = install_sequence(release, &arena);
    put_wrapped(&install, &sequence);
    struct pm_cbor_writer bare = manifest(release, &install, &arena);
    put_wrapped(&body, &bare);
    status = authentication(&body, signer, &wrapper, error);
    pm_cbor_put(&envelope, PM_CBOR_TAG, PM_SUIT_TAG_ENVELOPE);
    pm_cbor_put(&envelope, PM_CBOR_MAP, release->sever_install ? 3 : 2);
    pm_cbor_put_int(&envelope, PM_SUIT_AUTHENTICATION);
    put_wrapped(&envelope, &wrapper);
    pm_cbor_put_int(&envelope, PM_SUIT_MANIFEST);
    pm_cbor_put_raw(&envelope, body.out, body.size_bytes);
    if (release->sever_install) {
        pm_cbor_put_int(&envelope, PM_SUIT_INSTALL);
        pm_cbor_put_raw(&envelope, install.out, install.size_bytes);
    }
    if (status == STATUS_OK && (envelope.failed || body.failed))
        status = error_input(error, "the envelope is larger than %d bytes: give fewer patches",
                             SUIT_ENVELOPE_MAXIMUM);
    if (status == STATUS_OK) buffer_append(out, envelope.out, envelope.size_bytes);
    arena_free(&arena);
    if (status == STATUS_OK && out->failed)
        status = error_environment(error, "out of memory for an envelope");
    return status;
}
