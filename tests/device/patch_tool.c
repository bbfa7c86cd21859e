/* patch_tool encode OLD OLD_ADDRESS NEW NEW_ADDRESS MEMORY PATCH: make a patch, decode it with the
 * device's decoder in pieces of 1 byte, and compare; prints the patch's size. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "pm/patch.h"
#include "release/delta.h"

struct target {
    struct span old;
    uint8_t *bytes;
    uint32_t size, limit;
};

static bool read_old(void *context, uint32_t offset, void *out, uint32_t size_bytes) {
    const struct target *target = context;
    struct span part;
    if (!span_sub(target->old, offset, size_bytes, &part)) abort();
    memcpy(out, part.data, size_bytes);
    return true;
}

static bool write_new(void *context, const void *data, uint32_t size_bytes) {
    struct target *target = context;
    if (size_bytes > target->limit - target->size) abort();
    memcpy(target->bytes + target->size, data, size_bytes);
    target->size += size_bytes;
    return true;
}

static struct span load(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) exit(2);
    uint8_t *bytes = malloc(8 << 20);
    size_t size = fread(bytes, 1, 8 << 20, file);
    fclose(file);
    return (struct span){bytes, size};
}

int main(int argc, char **argv) {
    if (argc != 8 || strcmp(argv[1], "encode") != 0) return 2;
    struct delta_image before = {load(argv[2]), (uint32_t)strtoul(argv[3], NULL, 0)};
    struct delta_image after = {load(argv[4]), (uint32_t)strtoul(argv[5], NULL, 0)};
    struct buffer patch;
    struct error error;
    buffer_init(&patch, 64 << 20);
    if (delta_encode(before, after, (uint32_t)strtoul(argv[6], NULL, 0), &patch, &error) !=
        STATUS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    struct pm_patch_header header;
    if (!pm_patch_header_read(patch.data, &header)) return 1;
    struct target target = {before.bytes, malloc(header.new_bytes + 1), 0, header.new_bytes};
    struct pm_patch_io io = {&target, read_old, write_new};
    void *memory = malloc(header.memory_bytes);
    struct pm_patch *state = pm_patch_start(memory, header.memory_bytes, &header, &io);
    enum pm_patch_status status = state ? PM_PATCH_MORE : PM_PATCH_BAD;
    for (size_t i = PM_PATCH_HEADER_BYTES; i < patch.size_bytes && status == PM_PATCH_MORE; i++)
        status = pm_patch_feed(state, patch.data + i, 1);
    bool same = status == PM_PATCH_DONE && target.size == after.bytes.size_bytes &&
                memcmp(target.bytes, after.bytes.data, target.size) == 0;
    FILE *out = fopen(argv[7], "wb");
    if (!out || fwrite(patch.data, 1, patch.size_bytes, out) != patch.size_bytes ||
        fclose(out) != 0)
        return 2;
    printf("%zu bytes, memory %u, %s\n", patch.size_bytes, header.memory_bytes,
           same ? "same" : "DIFFERENT");
    return same ? 0 : 1;
}
