/* QR codes (ISO/IEC 18004) by libqrencode: byte mode, level M, version 10 at most. */
#ifndef REGISTRY_QR_H
#define REGISTRY_QR_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

enum { QR_VERSION_MAXIMUM = 10, QR_QUIET_MODULES = 4 };

struct qr {
    unsigned width;         /* modules a side, without the quiet zone */
    const uint8_t *modules; /* width * width, 1 is dark, row by row */
};

/* Bad input when the text is too long for version 10-M (213 bytes) or empty. */
enum status qr_encode(struct arena *arena, const char *text, struct qr *out, struct error *error);

/* The dark modules as the data of one SVG path, each row's runs as rectangles, in units of
 * `module` tenths of the drawing's unit, moved by x and y (tenths as well). */
void qr_path(const struct qr *qr, int x, int y, int module, struct buffer *out);

#endif
