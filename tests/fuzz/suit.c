/* SUIT envelopes: with no signature asked for, whatever the manifest says ends, within its bounds,
 * and asks only for what its parameters say. Input that is no envelope is run as one sequence. The
 * hash gives the same digest for everything, which the seeds hold, so that changed manifests are
 * not all refused for their digest. */
#include <stdlib.h>
#include <string.h>

#include "format/cbor.h"
#include "pm/suit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

struct run {
    struct pm_bytes input;
    size_t asked;
    uint8_t answers; /* taken bit by bit */
};

static const uint8_t vendor[] = "\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11";
static const uint8_t class_id[] =
    "\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22";

static bool hash(void *context, const struct pm_bytes *parts, size_t count,
                 uint8_t out[PM_SHA256_BYTES]) {
    (void)context, (void)parts, (void)count;
    memset(out, 0x5a, PM_SHA256_BYTES);
    return true;
}

static const struct pm_sha256 one_digest = {.hash = hash};

static void inside(const struct run *run, const uint8_t *data, size_t size_bytes) {
    size_t offset = (size_t)(data - run->input.data);
    if (data < run->input.data || offset > run->input.size_bytes ||
        size_bytes > run->input.size_bytes - offset)
        abort();
}

static bool answer(struct run *run) {
    if (++run->asked > 2 * PM_SUIT_COMMANDS) abort();
    run->answers = (uint8_t)(run->answers << 1 | run->answers >> 7);
    return run->answers & 1;
}

static enum pm_update_error verify(void *context, struct pm_bytes key_id, const uint8_t *digest,
                                   const uint8_t *signature) {
    (void)digest;
    if (key_id.size_bytes > 0) inside(context, key_id.data, key_id.size_bytes);
    inside(context, signature, PM_ES256_BYTES);
    return PM_ERROR_NONE;
}

static bool image_match(void *context, enum pm_suit_role component, const uint8_t *sha256,
                        uint32_t size_bytes) {
    inside(context, sha256, PM_SHA256_BYTES);
    if (component >= PM_SUIT_COMPONENTS || size_bytes == 0) abort();
    return answer(context);
}

static enum pm_update_error fetch(void *context, const struct pm_suit_fetch *fetch) {
    inside(context, fetch->sha256, PM_SHA256_BYTES);
    inside(context, fetch->uri.data, fetch->uri.size_bytes);
    bool patch = fetch->patch_against != PM_SUIT_NO_PATCH;
    if (fetch->component != PM_SUIT_TARGET || fetch->size_bytes == 0 ||
        (fetch->patch_bytes > 0) != patch || (patch && fetch->patch_against >= PM_SUIT_COMPONENTS))
        abort();
    for (size_t i = 0; i < fetch->uri.size_bytes; i++)
        if (fetch->uri.data[i] <= ' ' || fetch->uri.data[i] > '~') abort();
    return answer(context) ? PM_ERROR_NONE : PM_ERROR_NETWORK;
}

static enum pm_update_error invoke(void *context, enum pm_suit_role component) {
    if (component >= PM_SUIT_COMPONENTS) abort();
    return answer(context) ? PM_ERROR_NONE : PM_ERROR_COMMAND;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    static const enum pm_suit_element sections[] = {PM_SUIT_PAYLOAD_FETCH, PM_SUIT_INSTALL,
                                                    PM_SUIT_VALIDATE, PM_SUIT_LOAD, PM_SUIT_INVOKE};
    struct run run = {.input = {data, size_bytes}};
    const struct pm_suit_host host = {&run,   &one_digest, verify, vendor, class_id,
                                      {0, 1}, image_match, fetch,  invoke, NULL};
    struct pm_suit_manifest manifest;
    if (size_bytes > 0) run.answers = data[size_bytes - 1];
    if (pm_suit_open(&host, run.input, 0, &manifest) == PM_ERROR_NONE) {
        for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
            run.asked = 0;
            pm_suit_run(&host, &manifest, sections[i]);
        }
    }
    uint8_t *wrapped = malloc(size_bytes + PM_CBOR_HEAD_MAXIMUM);
    size_t head = pm_cbor_put_head(wrapped, PM_CBOR_BYTES, size_bytes);
    if (size_bytes > 0) memcpy(wrapped + head, data, size_bytes);
    run.input = (struct pm_bytes){wrapped, head + size_bytes};
    manifest = (struct pm_suit_manifest){.component_count = 1 + size_bytes % 2,
                                         .sections = {[1] = run.input}};
    run.asked = 0;
    pm_suit_run(&host, &manifest, PM_SUIT_INSTALL);
    free(wrapped);
    return 0;
}
