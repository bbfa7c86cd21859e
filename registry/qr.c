/* See qr.h. */
#include "registry/qr.h"

#include <errno.h>
#include <qrencode.h>
#include <string.h>

enum status qr_encode(struct arena *arena, const char *text, struct qr *out, struct error *error) {
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    if (!code && errno == ENOMEM) return error_environment(error, "QR code: no memory");
    if (!code || code->version > QR_VERSION_MAXIMUM) {
        QRcode_free(code);
        return error_input(error,
                           "QR code: an address of %zu bytes does not fit version 10-M; expected 1 "
                           "to 213",
                           strlen(text));
    }
    size_t side = (size_t)code->width;
    uint8_t *modules = arena_alloc(arena, side, side);
    for (size_t i = 0; i < side * side; i++) {
        modules[i] = code->data[i] & 1; /* the other bits say what a module is for */
    }
    QRcode_free(code);
    *out = (struct qr){(unsigned)side, modules};
    return STATUS_OK;
}

static void put_tenths(struct buffer *out, int value) {
    buffer_format(out, "%s%d", value < 0 ? "-" : "", value < 0 ? -value / 10 : value / 10);
    int tenth = value < 0 ? -value % 10 : value % 10;
    if (tenth) buffer_format(out, ".%d", tenth);
}

void qr_path(const struct qr *qr, int x, int y, int module, struct buffer *out) {
    for (unsigned row = 0; row < qr->width; row++) {
        unsigned column = 0;
        while (column < qr->width) {
            const uint8_t *line = qr->modules + (size_t)row * qr->width;
            unsigned first = column;
            while (column < qr->width && line[column] == line[first])
                column++;
            if (!line[first]) continue;
            buffer_text(out, "M");
            put_tenths(out, x + (int)first * module);
            buffer_text(out, " ");
            put_tenths(out, y + (int)row * module);
            buffer_text(out, "h");
            put_tenths(out, (int)(column - first) * module);
            buffer_text(out, "v");
            put_tenths(out, module);
            buffer_text(out, "h");
            put_tenths(out, -(int)(column - first) * module);
            buffer_text(out, "z");
        }
    }
}
