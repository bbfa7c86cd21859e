/* CBOR (RFC 8949) in its core deterministic encoding (section 4.2.1), and of that the part that
 * our formats need: integers, byte and text strings, arrays, maps, tags, false, true and null.
 *
 * There is one encoding for each value: shortest heads, definite lengths, map keys in the order of
 * their encoded bytes and never twice. Anything else is refused, and so are floating point
 * numbers, other simple values, keys that are neither integers nor strings, and nesting deeper
 * than PM_CBOR_DEPTH (what a byte string wraps is opened for itself and counts for itself).
 *
 * Reading: pm_cbor_open() proves the form of the whole input first; then values are taken one
 * after another. What does not fit what was asked for sets `failed`, from where on every function
 * gives zero or an empty view, so that one look at the end is enough:
 *
 *   struct pm_cbor in;
 *   pm_cbor_open(&in, bytes);
 *   pm_cbor_expect(&in, PM_CBOR_MAP, 1);
 *   pm_cbor_expect(&in, PM_CBOR_UINT, 7);
 *   uint32_t value = pm_cbor_take_u32(&in, PM_CBOR_UINT, 1000);
 *   if (!pm_cbor_done(&in)) return false;
 *
 * Views point into the input. Nothing is copied and nothing recurses. */
#ifndef FORMAT_CBOR_H
#define FORMAT_CBOR_H

#include "format/bytes.h"

/* The kind of an item: its major type (RFC 8949 section 3.1). */
enum pm_cbor_major {
    PM_CBOR_UINT,
    PM_CBOR_NINT, /* taken as n, it stands for -1 - n */
    PM_CBOR_BYTES,
    PM_CBOR_TEXT,
    PM_CBOR_ARRAY,
    PM_CBOR_MAP,
    PM_CBOR_TAG,
    PM_CBOR_SIMPLE,
    PM_CBOR_END, /* nothing follows */
};

enum { PM_CBOR_FALSE = 20, PM_CBOR_TRUE = 21, PM_CBOR_NULL = 22 };
enum { PM_CBOR_DEPTH = 8, PM_CBOR_HEAD_MAXIMUM = 9 };

struct pm_cbor {
    const uint8_t *at, *end;
    bool failed;
};

/* The whole of `bytes` is one item in the form above, or `failed`. */
void pm_cbor_open(struct pm_cbor *in, struct pm_bytes bytes);

/* What comes next. */
enum pm_cbor_major pm_cbor_peek(const struct pm_cbor *in);

/* The head of an item of this kind: an integer's value, a tag's number, how many items an array
 * or pairs a map has, which simple value. Not for strings. */
uint64_t pm_cbor_take(struct pm_cbor *in, enum pm_cbor_major major);
/* The same, of at most `maximum`. */
uint32_t pm_cbor_take_u32(struct pm_cbor *in, enum pm_cbor_major major, uint32_t maximum);
/* The same, and it is `value`: a key, a count, a tag. */
void pm_cbor_expect(struct pm_cbor *in, enum pm_cbor_major major, uint32_t value);
/* An integer of either sign from -2^31 to 2^31 - 1: keys, labels and algorithms are such. */
int32_t pm_cbor_take_int(struct pm_cbor *in);
/* A byte string. */
void pm_cbor_take_bytes(struct pm_cbor *in, struct pm_bytes *out);
/* A byte string that wraps an encoding, which is opened. */
void pm_cbor_unwrap(struct pm_cbor *in, struct pm_cbor *inner);
/* A byte string of exactly this many bytes; NULL when it is not. */
const uint8_t *pm_cbor_take_exactly(struct pm_cbor *in, size_t size_bytes);
/* A text string that may stand in a line of HTTP: 1 to 255 characters from '!' to '~'. */
void pm_cbor_take_path(struct pm_cbor *in, struct pm_bytes *out);
/* Any one item with all that is in it. */
void pm_cbor_skip(struct pm_cbor *in);

void pm_cbor_fail(struct pm_cbor *in);
/* Nothing failed and nothing is left. */
bool pm_cbor_done(const struct pm_cbor *in);

/* Writes the head of an item; returns its length. */
size_t pm_cbor_put_head(uint8_t out[PM_CBOR_HEAD_MAXIMUM], enum pm_cbor_major major,
                        uint64_t value);

/* Writing into the caller's memory. An item that does not fit sets `failed`; size_bytes counts on,
 * so that a first run with capacity 0 measures. The order of keys is the caller's duty:
 * pm_cbor_open() of the result proves it. */
struct pm_cbor_writer {
    uint8_t *out;
    size_t capacity_bytes, size_bytes;
    bool failed;
};

void pm_cbor_put(struct pm_cbor_writer *writer, enum pm_cbor_major major, uint64_t value);
void pm_cbor_put_int(struct pm_cbor_writer *writer, int64_t value);
void pm_cbor_put_bytes(struct pm_cbor_writer *writer, const void *data, size_t size_bytes);
void pm_cbor_put_text(struct pm_cbor_writer *writer, const char *text);
/* Bytes that are CBOR already. */
void pm_cbor_put_raw(struct pm_cbor_writer *writer, const void *data, size_t size_bytes);

#endif
