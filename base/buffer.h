/* Spans over untrusted bytes, and growable buffers that are born with a maximum.
 *
 * A span is a borrowed view. Every read from input goes through span_* functions, which
 * check by subtraction from the known-good length and never by adding attacker values.
 * Readers return false and leave *out alone when the bytes are not there. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    const uint8_t *data;
    size_t size_bytes;
};

static inline bool span_sub(struct span span, size_t offset, size_t size_bytes, struct span *out) {
    if (offset > span.size_bytes || size_bytes > span.size_bytes - offset) return false;
    out->data = span.data ? span.data + offset : span.data;
    out->size_bytes = size_bytes;
    return true;
}

static inline bool span_u16le(struct span span, size_t offset, uint16_t *out) {
    if (span.size_bytes < 2 || offset > span.size_bytes - 2) return false;
    *out = (uint16_t)(span.data[offset] | span.data[offset + 1] << 8);
    return true;
}

static inline bool span_u32le(struct span span, size_t offset, uint32_t *out) {
    if (span.size_bytes < 4 || offset > span.size_bytes - 4) return false;
    const uint8_t *p = span.data + offset;
    *out = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    return true;
}

static inline void put_u16le(uint8_t *out, uint32_t value) {
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
}

static inline void put_u32le(uint8_t *out, uint32_t value) {
    put_u16le(out, value);
    put_u16le(out + 2, value >> 16);
}

/* Growable bytes on the heap; the owner calls buffer_free(). An append that would pass
 * maximum_bytes, or for which there is no memory, sets `failed` and changes nothing
 * more, so that a caller may check once at the end. data is always NUL-terminated
 * behind size_bytes (the NUL is not counted). */
struct buffer {
    uint8_t *data;
    size_t size_bytes;
    size_t capacity_bytes;
    size_t maximum_bytes;
    bool failed;
};

void buffer_init(struct buffer *buffer, size_t maximum_bytes);
void buffer_append(struct buffer *buffer, const void *data, size_t size_bytes);
void buffer_text(struct buffer *buffer, const char *text);
void buffer_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buffer_free(struct buffer *buffer);
struct span buffer_span(const struct buffer *buffer);

#endif
