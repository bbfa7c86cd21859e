/* See buffer.h. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_init(struct buffer *buffer, size_t maximum_bytes) {
    *buffer = (struct buffer){.maximum_bytes = maximum_bytes};
}

static bool buffer_reserve(struct buffer *buffer, size_t more_bytes) {
    if (buffer->failed) return false;
    if (more_bytes > buffer->maximum_bytes - buffer->size_bytes) {
        buffer->failed = true;
        return false;
    }
    size_t wanted = buffer->size_bytes + more_bytes + 1;
    if (wanted <= buffer->capacity_bytes) return true;
    size_t capacity = buffer->capacity_bytes ? buffer->capacity_bytes : 256;
    while (capacity < wanted)
        capacity *= 2;
    uint8_t *grown = realloc(buffer->data, capacity);
    if (!grown) {
        buffer->failed = true;
        return false;
    }
    buffer->data = grown;
    buffer->capacity_bytes = capacity;
    return true;
}

void buffer_append(struct buffer *buffer, const void *data, size_t size_bytes) {
    if (!buffer_reserve(buffer, size_bytes)) return;
    if (size_bytes) memcpy(buffer->data + buffer->size_bytes, data, size_bytes);
    buffer->size_bytes += size_bytes;
    buffer->data[buffer->size_bytes] = 0;
}

void buffer_text(struct buffer *buffer, const char *text) {
    buffer_append(buffer, text, strlen(text));
}

void buffer_format(struct buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        buffer->failed = true;
    } else if (buffer_reserve(buffer, (size_t)length)) {
        vsnprintf((char *)buffer->data + buffer->size_bytes, (size_t)length + 1, format, again);
        buffer->size_bytes += (size_t)length;
    }
    va_end(again);
}

void buffer_free(struct buffer *buffer) {
    free(buffer->data);
    *buffer = (struct buffer){.maximum_bytes = buffer->maximum_bytes};
}

struct span buffer_span(const struct buffer *buffer) {
    return (struct span){buffer->data, buffer->size_bytes};
}
