/* Patch streams: whatever they say, nothing outside the old image is read, nothing beyond the new
 * one is written, and the decoder ends. */
#include <stdlib.h>
#include <string.h>

#include "format/patch_stream.h"
#include "pm/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

enum { OLD = 5000, NEW = 20000 };

struct target {
    uint32_t written;
};

static bool read_old(void *context, uint32_t offset, void *out, uint32_t size_bytes) {
    (void)context;
    if (offset > OLD || size_bytes > OLD - offset) abort();
    for (uint32_t i = 0; i < size_bytes; i++)
        ((uint8_t *)out)[i] = (uint8_t)((offset + i) * 0x9e37u >> 4);
    return true;
}

static bool write_new(void *context, const void *data, uint32_t size_bytes) {
    struct target *target = context;
    uint8_t copy[PM_PATCH_PIECE];
    if (size_bytes > sizeof copy || size_bytes > NEW - target->written) abort();
    memcpy(copy, data, size_bytes);
    target->written += size_bytes;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    struct target target = {0};
    struct pm_patch_io io = {&target, read_old, write_new};
    struct pm_patch_header header = {
        .old_bytes = OLD, .new_address = 0x8000, .new_bytes = NEW, .memory_bytes = 12 * 1024};
    void *memory = malloc(header.memory_bytes);
    struct pm_patch *patch = pm_patch_start(memory, header.memory_bytes, &header, &io);
    if (!patch) abort();
    enum pm_patch_status status = PM_PATCH_MORE;
    for (size_t at = 0; at < size_bytes && status == PM_PATCH_MORE; at += 100)
        status = pm_patch_feed(patch, data + at,
                               (uint32_t)(size_bytes - at < 100 ? size_bytes - at : 100));
    if (status == PM_PATCH_DONE && target.written != NEW) abort();
    free(memory);
    return 0;
}
