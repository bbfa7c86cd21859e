/* The writer of cbor.h. A device that only reads leaves this file out. */
#include <string.h>

#include "format/cbor.h"

void pm_cbor_put_raw(struct pm_cbor_writer *writer, const void *data, size_t size_bytes) {
    size_t used = writer->size_bytes;
    writer->size_bytes += size_bytes;
    if (writer->failed || used > writer->capacity_bytes ||
        size_bytes > writer->capacity_bytes - used) {
        writer->failed = true;
    } else if (size_bytes > 0) {
        memcpy(writer->out + used, data, size_bytes);
    }
}

void pm_cbor_put(struct pm_cbor_writer *writer, enum pm_cbor_major major, uint64_t value) {
    uint8_t head[PM_CBOR_HEAD_MAXIMUM];
    pm_cbor_put_raw(writer, head, pm_cbor_put_head(head, major, value));
}

void pm_cbor_put_int(struct pm_cbor_writer *writer, int64_t value) {
    if (value < 0) {
        pm_cbor_put(writer, PM_CBOR_NINT, (uint64_t)(-1 - value));
    } else {
        pm_cbor_put(writer, PM_CBOR_UINT, (uint64_t)value);
    }
}

void pm_cbor_put_bytes(struct pm_cbor_writer *writer, const void *data, size_t size_bytes) {
    pm_cbor_put(writer, PM_CBOR_BYTES, size_bytes);
    pm_cbor_put_raw(writer, data, size_bytes);
}

void pm_cbor_put_text(struct pm_cbor_writer *writer, const char *text) {
    size_t size_bytes = strlen(text);
    pm_cbor_put(writer, PM_CBOR_TEXT, size_bytes);
    pm_cbor_put_raw(writer, text, size_bytes);
}
