/* See pm/patch.h. The stream itself is format/patch_stream.h; here its bytes come in, in pieces,
 * and its bits are decoded: a range coder with 32 bits of range that is kept above 2^24. */
#include "pm/patch.h"

#include <string.h>

#include "format/patch_stream.h"

struct pm_patch {
    struct pm_patch_stream stream;
    const struct pm_patch_io *io;
    uint32_t range, code;
    uint32_t taken; /* bytes fed, the front's included */
    uint32_t total; /* that will be fed; 0 before the front is read */
    uint32_t memory_bytes;
    uint8_t input_at, input_end, is_begun, is_bad;
    uint8_t input[PM_PATCH_LOOKAHEAD + 16];
};

_Static_assert(sizeof(struct pm_patch) <= (size_t)PM_PATCH_STATE_BYTES,
               "format/patch_stream.h says how much this takes");

static uint32_t next_byte(struct pm_patch *patch) {
    if (patch->input_at < patch->input_end) return patch->input[patch->input_at++];
    if (patch->taken != patch->total) patch->is_bad = 1;
    return 0; /* zeros at the body's end are left away */
}

static uint32_t decode_bit(struct pm_patch_stream *stream, uint32_t probability, uint32_t actual) {
    (void)actual;
    struct pm_patch *patch = stream->context;
    uint32_t bound = (patch->range >> 16) * probability, bit = patch->code < bound;
    if (bit) {
        patch->range = bound;
    } else {
        patch->code -= bound;
        patch->range -= bound;
    }
    while (patch->range < 1u << 24) {
        patch->range <<= 8;
        patch->code = patch->code << 8 | next_byte(patch);
    }
    return bit;
}

static bool read_old(struct pm_patch_stream *stream, uint32_t offset, void *out, uint32_t size) {
    const struct pm_patch_io *io = ((struct pm_patch *)stream->context)->io;
    return io->read_old(io->context, offset, out, size);
}

static uint8_t *tables(struct pm_patch *patch) {
    return (uint8_t *)patch + PM_PATCH_STATE_BYTES;
}

static void connect(struct pm_patch *patch, const struct pm_patch_io *io) {
    patch->io = io;
    patch->stream.context = patch;
    patch->stream.bit = decode_bit;
    patch->stream.ask = NULL;
    patch->stream.read_old = read_old;
    patch->stream.memory = tables(patch);
}

struct pm_patch *pm_patch_start(void *memory, uint32_t memory_bytes,
                                const struct pm_patch_header *header,
                                const struct pm_patch_io *io) {
    if (memory_bytes < header->memory_bytes ||
        header->memory_bytes < PM_PATCH_STATE_BYTES + sizeof *header)
        return NULL;
    if (header->old_bytes > PM_PATCH_IMAGE_LIMIT || header->new_bytes > PM_PATCH_IMAGE_LIMIT)
        return NULL;
    struct pm_patch *patch = memory;
    memset(patch, 0, sizeof *patch);
    memcpy(tables(patch), header, sizeof *header); /* until the tables are begun */
    patch->memory_bytes = header->memory_bytes;
    connect(patch, io);
    return patch;
}

struct pm_patch *pm_patch_resume(void *memory, const struct pm_patch_io *io) {
    connect(memory, io);
    return memory;
}

uint32_t pm_patch_taken(const struct pm_patch *patch) {
    return patch->taken;
}

/* The sizes of the tables, which must fit, and the range coder's first bytes. */
static bool begin(struct pm_patch *patch) {
    struct pm_patch_front front;
    struct pm_patch_header header;
    memcpy(&header, tables(patch), sizeof header);
    if (!pm_patch_front_read(patch->input, &front)) return false;
    if (pm_patch_tables_bytes(&front) > patch->memory_bytes - PM_PATCH_STATE_BYTES) return false;
    if (front.body_bytes < 4 || front.code_end > header.old_bytes) return false;
    pm_patch_stream_start(&patch->stream, &header, &front, tables(patch));
    connect(patch, patch->io);
    patch->total = PM_PATCH_FRONT_BYTES + front.body_bytes;
    patch->input_at = PM_PATCH_FRONT_BYTES;
    patch->range = UINT32_MAX;
    for (int i = 0; i < 4; i++)
        patch->code = patch->code << 8 | next_byte(patch);
    patch->is_begun = 1;
    return true;
}

/* Fill the input; what does not fit is not taken. */
static uint32_t refill(struct pm_patch *patch, const uint8_t *data, uint32_t size_bytes) {
    uint32_t held = (uint32_t)patch->input_end - patch->input_at;
    if (patch->total != 0 && size_bytes > patch->total - patch->taken)
        size_bytes = patch->total - patch->taken;
    if (size_bytes > sizeof patch->input - held) size_bytes = (uint32_t)sizeof patch->input - held;
    memmove(patch->input, patch->input + patch->input_at, held);
    if (size_bytes != 0) memcpy(patch->input + held, data, size_bytes);
    patch->input_at = 0;
    patch->input_end = (uint8_t)(held + size_bytes);
    patch->taken += size_bytes;
    return size_bytes;
}

/* Hand out what a step made; the decoder may be stopped behind each piece. */
static bool hand_out(struct pm_patch *patch, uint32_t least) {
    struct pm_patch_stream *stream = &patch->stream;
    if (stream->piece_bytes < least) return true;
    uint32_t size = stream->piece_bytes < PM_PATCH_PIECE ? stream->piece_bytes : PM_PATCH_PIECE;
    uint8_t piece[PM_PATCH_PIECE];
    memcpy(piece, stream->piece, size);
    stream->piece_bytes -= size;
    memmove(stream->piece, stream->piece + size, stream->piece_bytes);
    return patch->io->write_new(patch->io->context, piece, size);
}

static bool has_enough(const struct pm_patch *patch) {
    uint32_t held = (uint32_t)patch->input_end - patch->input_at;
    return held >= PM_PATCH_LOOKAHEAD || patch->taken == patch->total;
}

/* Steps as long as no step can run out of bytes. */
static enum pm_patch_status run(struct pm_patch *patch) {
    struct pm_patch_stream *stream = &patch->stream;
    while (has_enough(patch)) {
        if (pm_patch_stream_is_done(stream)) {
            if (stream->piece_bytes == 0) return PM_PATCH_DONE;
            if (!hand_out(patch, 1)) return PM_PATCH_STOPPED;
            continue;
        }
        if (!pm_patch_stream_step(stream) || patch->is_bad) return PM_PATCH_BAD;
        if (!hand_out(patch, PM_PATCH_PIECE)) return PM_PATCH_STOPPED;
    }
    return PM_PATCH_MORE;
}

enum pm_patch_status pm_patch_feed(struct pm_patch *patch, const void *data, uint32_t size_bytes) {
    const uint8_t *bytes = data;
    enum pm_patch_status status = PM_PATCH_MORE;
    while (status == PM_PATCH_MORE && !patch->is_bad) {
        uint32_t taken = refill(patch, bytes, size_bytes);
        bytes = size_bytes == 0 ? bytes : bytes + taken;
        size_bytes -= taken;
        uint32_t least = PM_PATCH_FRONT_BYTES + 4;
        if (!patch->is_begun && patch->input_end < least) return PM_PATCH_MORE;
        if (!patch->is_begun && !begin(patch)) patch->is_bad = 1;
        if (patch->is_bad) break;
        /* the front may have said that fewer bytes follow than were fed with it */
        if (patch->taken > patch->total) patch->is_bad = 1;
        status = patch->is_bad ? PM_PATCH_BAD : run(patch);
        if (taken == 0) break;
    }
    if (patch->is_bad) status = PM_PATCH_BAD;
    if (status == PM_PATCH_BAD) patch->is_bad = 1;
    return status;
}
