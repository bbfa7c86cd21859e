/* The patch decoder: streams in, streams out, bounded memory, the old image only read.
 *
 * Feed it what stands behind the patch's header, in pieces of any size; it hands out the new
 * image in order, in pieces of PM_PATCH_PIECE (64) bytes, the last one shorter. It never reads
 * outside the old image nor writes beyond new_bytes whatever the stream says; a stream that lies
 * ends in PM_PATCH_BAD and the digest of the finished slot decides in the end.
 *
 * A checkpoint is a copy of the header->memory_bytes at `memory`, taken between two calls of
 * feed: it holds the decoder's whole state. write_new may return false to have feed return
 * behind this piece, say at a page's end; the piece counts as taken. To go on later, in the same
 * run or after a power cut: put the bytes back, at any address aligned to 8, call
 * pm_patch_resume() and feed from the byte behind the header + pm_patch_taken(). A checkpoint must
 * come back as it was: who keeps one in flash seals it. */
#ifndef PM_PATCH_H
#define PM_PATCH_H
#include "format/patch.h"

enum pm_patch_status {
    PM_PATCH_MORE,    /* all that was fed is taken */
    PM_PATCH_DONE,    /* new_bytes were handed out */
    PM_PATCH_BAD,     /* the stream is wrong, or the old image cannot be read; feed says so again */
    PM_PATCH_STOPPED, /* write_new returned false; feed on from pm_patch_taken() */
};

struct pm_patch_io {
    void *context;
    /* Bytes of the old image, by offset. */
    bool (*read_old)(void *context, uint32_t offset, void *out, uint32_t size_bytes);
    /* The next bytes of the new image, taken in any case; false stops the decoder behind them. */
    bool (*write_new)(void *context, const void *data, uint32_t size_bytes);
};

struct pm_patch; /* lives at the start of `memory` */

/* `memory` (aligned to 8) must have at least header->memory_bytes; NULL when it has not, or when
 * an image is larger than PM_PATCH_IMAGE_LIMIT. The caller has compared the header with its own
 * slots and the base digest before. `io` is borrowed. */
struct pm_patch *pm_patch_start(void *memory, uint32_t memory_bytes,
                                const struct pm_patch_header *header, const struct pm_patch_io *io);
enum pm_patch_status pm_patch_feed(struct pm_patch *patch, const void *data, uint32_t size_bytes);
/* Bytes behind the header that the state has taken in. */
uint32_t pm_patch_taken(const struct pm_patch *patch);
/* Over the bytes of a checkpoint. */
struct pm_patch *pm_patch_resume(void *memory, const struct pm_patch_io *io);
#endif
