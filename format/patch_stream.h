/* The body of a patch: one description of the stream that both sides run.
 *
 * The encoder and the decoder walk the new image from its first byte to its last and keep the
 * same model of it; docs/patch.md tells the stream. What is known on one side only is asked for:
 * the decoder's `bit` reads a bit with the probability it is given, the encoder's writes the one
 * that `ask` answered. So the two cannot drift apart, and a step of the decoder reads at most
 * PM_PATCH_LOOKAHEAD bytes: a step makes at most 46 decisions of at most 11 bits each.
 *
 * Freestanding, no malloc. Nothing outside the old image is read, nothing beyond new_bytes is
 * handed out, and each step either advances or fails, whatever `bit` answers. */
#ifndef FORMAT_PATCH_STREAM_H
#define FORMAT_PATCH_STREAM_H

#include "format/patch.h"

enum {
    PM_PATCH_FRONT_BYTES = 11, /* behind the header: sizes of the tables, see docs/patch.md */
    PM_PATCH_LOOKAHEAD = 64,
    PM_PATCH_PIECE = 64, /* what is handed out at once; the last one may be shorter */
    PM_PATCH_STATE_BYTES = 672,
    PM_PATCH_IMAGE_LIMIT = 4 << 20, /* old and new image */
    PM_PATCH_SEGMENT_LIMIT = (1 << 20) - 1,
    PM_PATCH_SETS = 8,
    PM_PATCH_INPUTS = 5,
    PM_PATCH_CACHED = 4, /* recent corrections that each kind keeps */
    PM_PATCH_CLASSES = 5,
    PM_PATCH_WINDOW = 32,
    PM_PATCH_CONTEXTS_UNIT = 32,
    PM_PATCH_POOLS = 256, /* words */
    PM_PATCH_CHOICES = 16,
};

/* What a step of the old image says about the next bytes of the new one. */
enum pm_patch_kind {
    PM_PATCH_PLAIN,   /* a half-word without an address in it */
    PM_PATCH_SECOND,  /* the second half of an instruction */
    PM_PATCH_DATA,    /* a half-word where the images are an odd distance apart */
    PM_PATCH_SHORT,   /* B, B<c>, CBZ, CBNZ */
    PM_PATCH_LITERAL, /* LDR from a literal pool, ADR: 16 bits */
    PM_PATCH_LONG,    /* BL, B.W, B<c>.W */
    PM_PATCH_WIDE,    /* LDR.W and VLDR from a literal pool */
    PM_PATCH_FLASH,   /* a word that may be an address in the old image */
    PM_PATCH_RAM,     /* a word that may be an address in RAM */
    PM_PATCH_PAIR,    /* MOVW and MOVT of an address, side by side */
    PM_PATCH_KINDS,
};

/* Old bytes [old, old + size) are new bytes [new, new + size), but for corrections. The first
 * `mapped` segments are the address map, in the order of the old image; the others are copies of
 * what also went elsewhere.
 * place[0] = old << 10 | size >> 10, place[1] = new << 10 | (size & 0x3ff). */
struct pm_patch_segment {
    uint32_t place[2];
};

/* From this address on, up to the next entry's, RAM moved by delta; the last entry ends it. */
struct pm_patch_ram {
    uint32_t address;
    uint32_t delta;
};

/* What only the encoder knows. */
enum pm_patch_question {
    PM_PATCH_ASK_GAP, /* of the next segment of the map: new bytes since the last one's end, */
    PM_PATCH_ASK_SIZE,
    PM_PATCH_ASK_MOVE,   /* and how much further old is than it would be, */
    PM_PATCH_ASK_MAPPED, /* and whether addresses go through it */
    PM_PATCH_ASK_RAM_ADDRESS,
    PM_PATCH_ASK_RAM_DELTA,
    PM_PATCH_ASK_EXACT, /* are the bytes up to chunk_end as predicted? */
    PM_PATCH_ASK_VALUE, /* the new image's next unit.size bytes */
    PM_PATCH_ASK_EDIT,  /* 0 none, 1 bytes are inserted here, 2 old bytes are skipped */
    PM_PATCH_ASK_COUNT, /* of half-words */
};

struct pm_patch_unit {
    uint32_t kind, size;
    uint32_t raw;       /* as it stands in the old image */
    uint32_t predicted; /* with its address moved */
    uint32_t value;     /* the address in the prediction; kinds with one */
    uint32_t place;     /* new offset that a relative address counts from */
    uint32_t choice;    /* kind of evidence that the word is an address */
};

/* The sizes of the tables, from the front. */
struct pm_patch_front {
    uint32_t body_bytes; /* range-coded bytes behind the front, below 16 MiB */
    uint32_t segments;   /* below 65536 */
    uint32_t ram;        /* below 256 */
    uint32_t primes;     /* blocks of old code to learn from first; below 256 */
    uint32_t code_end;   /* even: old bytes from here on are no instructions */
    uint32_t contexts;   /* hashed ones: a multiple of PM_PATCH_CONTEXTS_UNIT, up to 255 of it */
};

struct pm_patch_stream {
    void *context; /* of the three functions */
    uint32_t (*bit)(struct pm_patch_stream *stream, uint32_t probability, uint32_t actual);
    uint32_t (*ask)(struct pm_patch_stream *stream, enum pm_patch_question question); /* or NULL */
    bool (*read_old)(struct pm_patch_stream *stream, uint32_t offset, void *out, uint32_t size);

    uint8_t *memory; /* tables: segments, RAM, probabilities, counts */
    uint32_t old_address, old_bytes, new_address, new_bytes, code_end;
    uint16_t segment_count, ram_count, prime_count;
    uint16_t context_count, recent_mask;
    uint16_t segments_read, mapped, ram_read, primes_done;
    uint8_t failed, second, pending, odd_end, history, exact_history, state;
    uint32_t at;           /* new offset */
    uint32_t distance;     /* old offset = at + distance (mod 2^32) */
    uint32_t segment_end;  /* new offset; 0: between segments */
    uint32_t next_segment; /* new offset where the next one begins */
    uint32_t chunk_end;    /* up to here all is as predicted, when `exact` */
    uint32_t exact;
    uint32_t inserting;   /* bytes left to insert */
    uint32_t edited_from; /* old offset where the distance was last changed by an edit */
    uint32_t previous[2]; /* half-words before */
    uint32_t window_at, recent_at;
    uint32_t pools[PM_PATCH_POOLS / 32]; /* words ahead that code loads, by old offset */
    uint32_t piece_bytes;
    uint32_t cache[PM_PATCH_CLASSES][PM_PATCH_CACHED];
    int32_t weights[PM_PATCH_SETS][PM_PATCH_INPUTS];
    struct pm_patch_unit unit;
    uint8_t window[PM_PATCH_WINDOW];
    uint8_t choices[PM_PATCH_CHOICES]; /* over 3: a word like this is an address */
    uint8_t piece[PM_PATCH_PIECE + 4];
};

void pm_patch_front_write(const struct pm_patch_front *front, uint8_t out[PM_PATCH_FRONT_BYTES]);
bool pm_patch_front_read(const uint8_t bytes[PM_PATCH_FRONT_BYTES], struct pm_patch_front *out);
/* Bytes of the tables. */
uint32_t pm_patch_tables_bytes(const struct pm_patch_front *front);

/* `memory`, aligned to 8, has pm_patch_tables_bytes(); the functions are the caller's to set. */
void pm_patch_stream_start(struct pm_patch_stream *stream, const struct pm_patch_header *header,
                           const struct pm_patch_front *front, uint8_t *memory);
bool pm_patch_stream_is_done(const struct pm_patch_stream *stream);
/* One step; false when the stream is wrong. At most PM_PATCH_PIECE + 4 bytes are in `piece` then:
 * the caller takes them when at least PM_PATCH_PIECE are there, and at the end. */
bool pm_patch_stream_step(struct pm_patch_stream *stream);

/* For the encoder: the unit that a step at this new offset would predict. */
void pm_patch_predict(struct pm_patch_stream *stream, uint32_t at, uint32_t distance,
                      uint32_t segment_end, uint32_t second, struct pm_patch_unit *out);
/* The unit became the next bytes: what code says of the words ahead. */
void pm_patch_note(struct pm_patch_stream *stream, const struct pm_patch_unit *unit, uint32_t old);
/* The value that stands in a unit of this kind: false when `bits` is of another form. */
bool pm_patch_value(const struct pm_patch_unit *unit, uint32_t bits, uint32_t *value);

#endif
