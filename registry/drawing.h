/* The printed label as a list of shapes: laid out once, then written as SVG or as PNG.
 *
 * Units are hundredths of a millimetre, whole numbers, so that the SVG's bytes depend on
 * nothing but the record. One ink: black on white, because labels are printed that way. */
#ifndef REGISTRY_DRAWING_H
#define REGISTRY_DRAWING_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "registry/qr.h"

enum { DRAWING_SHAPES_MAXIMUM = 256, DRAWING_POINTS_MAXIMUM = 12 };

enum drawing_kind { DRAWING_RECTANGLE, DRAWING_PATH, DRAWING_TEXT, DRAWING_QR, DRAWING_PICTURE };

struct drawing_point {
    int x, y;
};

struct drawing_shape {
    enum drawing_kind kind;
    int x, y, width, height; /* text: x and the base line's y */
    bool white;              /* ink, else black */
    /* DRAWING_PATH */
    const struct drawing_point *points;
    unsigned point_count;
    int stroke; /* 0: filled */
    bool closed, dashed;
    /* DRAWING_TEXT */
    const char *text;
    int size; /* the font's */
    bool bold;
    /* DRAWING_PICTURE */
    struct span png;
    const char *alt;
};

struct drawing {
    int width, height;
    const char *title;
    const struct qr *qr;
    struct drawing_shape shapes[DRAWING_SHAPES_MAXIMUM];
    size_t count;
};

/* Of a text in the label's font; for other characters than ASCII a bound from above, so
 * that text laid out by it does not run over. */
int drawing_text_width(const char *text, int size, bool bold);

void drawing_svg(const struct drawing *drawing, struct buffer *out);

/* 600 dots an inch, said in the file (pHYs). */
enum status drawing_png(const struct drawing *drawing, struct buffer *out, struct error *error);

/* What the PNG's bytes depend on beside the drawing: cairo, libpng, zlib and the font.
 * Two machines with the same answer make the same bytes. */
const char *drawing_png_engine(struct arena *arena);

/* cairo and fontconfig keep fonts for the rest of the process; this gives them back. To be
 * called when no more is drawn, so that a leak checker sees only leaks. */
void drawing_release_fonts(void);

#endif
