/* The patch decoder: streams in, streams out, bounded memory, the old image only read.
 *
 * Feed it the patch in pieces of any size; it hands out the new image in order. It never reads
 * outside the old image nor writes beyond new_bytes whatever the stream says; a stream that lies
 * ends in PM_PATCH_BAD and the digest of the finished slot decides in the end. */
#ifndef PM_PATCH_H
#define PM_PATCH_H
#include "format/patch.h"

enum pm_patch_status { PM_PATCH_MORE, PM_PATCH_DONE, PM_PATCH_BAD, PM_PATCH_STOPPED };

struct pm_patch_io {
    void *context;
    /* Bytes of the old image, by offset. */
    bool (*read_old)(void *context, uint32_t offset, void *out, uint32_t size_bytes);
    /* The next bytes of the new image; false stops the decoder. */
    bool (*write_new)(void *context, const void *data, uint32_t size_bytes);
};

struct pm_patch; /* lives at the start of `memory` */

/* `memory` (aligned to 8) must have at least header->memory_bytes; NULL when it has not. The
 * caller has compared the header with its own slots and the base digest before. */
struct pm_patch *pm_patch_start(void *memory, uint32_t memory_bytes,
                                const struct pm_patch_header *header, const struct pm_patch_io *io);
enum pm_patch_status pm_patch_feed(struct pm_patch *patch, const void *data, uint32_t size_bytes);
#endif
