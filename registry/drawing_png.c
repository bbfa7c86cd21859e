/* A drawing as PNG by cairo: see drawing.h. */
#include <cairo-ft.h>
#include <cairo.h>
#include <fontconfig/fontconfig.h>
#include <ft2build.h>
#include FT_TRUETYPE_TABLES_H
#include <math.h>
#include <png.h>
#include <string.h>
#include <zlib.h>

#include "evidence/digest.h"
#include "registry/drawing.h"

enum { DOTS_AN_INCH = 600, PIXELS_A_METRE = 23622, FONT_MAXIMUM_BYTES = 64 << 20 };

static const char family[] = "DejaVu Sans";

/* Neither the user's settings nor the screen may change the bytes. */
static cairo_font_options_t *font_options(void) {
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    return options;
}

static void put_path(cairo_t *cairo, const struct drawing_shape *shape) {
    for (unsigned i = 0; i < shape->point_count; i++) {
        cairo_line_to(cairo, shape->points[i].x, shape->points[i].y);
    }
    if (shape->closed) cairo_close_path(cairo);
    if (!shape->stroke) {
        cairo_fill(cairo);
        return;
    }
    double dashes[] = {shape->stroke * 2.0, shape->stroke};
    cairo_set_dash(cairo, dashes, shape->dashed ? 2 : 0, 0);
    cairo_set_line_width(cairo, shape->stroke);
    cairo_stroke(cairo);
}

static void put_qr(cairo_t *cairo, const struct drawing_shape *shape, const struct qr *qr) {
    double module = (double)shape->width / (qr->width + 2 * QR_QUIET_MODULES);
    cairo_save(cairo);
    cairo_set_antialias(cairo, CAIRO_ANTIALIAS_NONE);
    cairo_translate(cairo, shape->x + QR_QUIET_MODULES * module,
                    shape->y + QR_QUIET_MODULES * module);
    for (unsigned i = 0; i < qr->width * qr->width; i++) {
        if (!qr->modules[i]) continue;
        unsigned column = i % qr->width, row = i / qr->width;
        cairo_rectangle(cairo, column * module, row * module, module, module);
    }
    cairo_fill(cairo);
    cairo_restore(cairo);
}

struct reader {
    struct span rest;
};

static cairo_status_t read_bytes(void *closure, unsigned char *data, unsigned length) {
    struct reader *reader = closure;
    struct span part;
    if (!span_sub(reader->rest, 0, length, &part)) return CAIRO_STATUS_READ_ERROR;
    memcpy(data, part.data, length);
    reader->rest.data += length;
    reader->rest.size_bytes -= length;
    return CAIRO_STATUS_SUCCESS;
}

static bool put_picture(cairo_t *cairo, const struct drawing_shape *shape) {
    struct reader reader = {shape->png};
    cairo_surface_t *picture = cairo_image_surface_create_from_png_stream(read_bytes, &reader);
    bool good = cairo_surface_status(picture) == CAIRO_STATUS_SUCCESS;
    double width = cairo_image_surface_get_width(picture);
    double height = cairo_image_surface_get_height(picture);
    if (good && width > 0 && height > 0) {
        double scale = fmin(shape->width / width, shape->height / height);
        cairo_save(cairo);
        cairo_translate(cairo, shape->x + (shape->width - width * scale) / 2,
                        shape->y + (shape->height - height * scale) / 2);
        cairo_scale(cairo, scale, scale);
        cairo_set_source_surface(cairo, picture, 0, 0);
        cairo_paint(cairo);
        cairo_restore(cairo);
    }
    cairo_surface_destroy(picture);
    return good;
}

static bool put_shape(cairo_t *cairo, const struct drawing *drawing,
                      const struct drawing_shape *shape) {
    double ink = shape->white ? 1 : 0;
    cairo_set_source_rgb(cairo, ink, ink, ink);
    switch (shape->kind) {
    case DRAWING_RECTANGLE:
        cairo_rectangle(cairo, shape->x, shape->y, shape->width, shape->height);
        cairo_fill(cairo);
        return true;
    case DRAWING_PATH:
        put_path(cairo, shape);
        return true;
    case DRAWING_TEXT:
        cairo_select_font_face(cairo, family, CAIRO_FONT_SLANT_NORMAL,
                               shape->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
        cairo_set_font_size(cairo, shape->size);
        cairo_move_to(cairo, shape->x, shape->y);
        cairo_show_text(cairo, shape->text);
        cairo_new_path(cairo);
        return true;
    case DRAWING_QR:
        put_qr(cairo, shape, drawing->qr);
        return true;
    case DRAWING_PICTURE:
        return put_picture(cairo, shape);
    }
    return false;
}

static cairo_status_t append_bytes(void *closure, const unsigned char *data, unsigned length) {
    buffer_append(closure, data, length);
    return CAIRO_STATUS_SUCCESS;
}

/* The physical size (PNG, 11.3.4.3) stands between IHDR, which is first and always 25
 * bytes behind the 8 of the signature, and the image data. */
static void put_with_size(struct span png, struct buffer *out) {
    enum { HEAD_BYTES = 8 + 25 };
    uint8_t chunk[21] = {0, 0, 0, 9, 'p', 'H', 'Y', 's'};
    for (int i = 0; i < 4; i++) {
        chunk[8 + i] = chunk[12 + i] = (uint8_t)((uint32_t)PIXELS_A_METRE >> (24 - 8 * i));
    }
    chunk[16] = 1; /* metres */
    uint32_t sum = (uint32_t)crc32(0, chunk + 4, 13);
    for (int i = 0; i < 4; i++)
        chunk[17 + i] = (uint8_t)(sum >> (24 - 8 * i));
    buffer_append(out, png.data, HEAD_BYTES);
    buffer_append(out, chunk, sizeof chunk);
    buffer_append(out, png.data + HEAD_BYTES, png.size_bytes - HEAD_BYTES);
}

static enum status draw(const struct drawing *drawing, cairo_t *cairo, struct error *error) {
    double scale = DOTS_AN_INCH / 2540.0;
    cairo_font_options_t *options = font_options();
    cairo_set_font_options(cairo, options);
    cairo_font_options_destroy(options);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    cairo_scale(cairo, scale, scale);
    for (size_t i = 0; i < drawing->count; i++) {
        if (put_shape(cairo, drawing, &drawing->shapes[i])) continue;
        return error_input(error, "label: a scheme's artwork is not a PNG that can be read");
    }
    return STATUS_OK;
}

enum status drawing_png(const struct drawing *drawing, struct buffer *out, struct error *error) {
    double scale = DOTS_AN_INCH / 2540.0;
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)lround(drawing->width * scale),
                                   (int)lround(drawing->height * scale));
    cairo_t *cairo = cairo_create(surface);
    struct buffer png;
    buffer_init(&png, out->maximum_bytes);
    enum status status = draw(drawing, cairo, error);
    if (status == STATUS_OK) {
        cairo_status_t done = cairo_status(cairo);
        if (done == CAIRO_STATUS_SUCCESS) {
            done = cairo_surface_write_to_png_stream(surface, append_bytes, &png);
        }
        if (done != CAIRO_STATUS_SUCCESS || png.failed) {
            status = error_environment(error, "label: cannot be drawn: %s",
                                       cairo_status_to_string(done));
        }
    }
    if (status == STATUS_OK) put_with_size(buffer_span(&png), out);
    buffer_free(&png);
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
    return status;
}

/* The digest of the font file that the name leads to here, or what cairo says of it. */
static const char *font_name(struct arena *arena, cairo_t *cairo) {
    const char *name = "no outline font";
    cairo_scaled_font_t *font = cairo_get_scaled_font(cairo);
    if (cairo_scaled_font_get_type(font) != CAIRO_FONT_TYPE_FT) return name;
    FT_Face face = cairo_ft_scaled_font_lock_face(font);
    if (!face) return name;
    FT_ULong length = 0;
    if (FT_Load_Sfnt_Table(face, 0, 0, NULL, &length) == 0 && length <= FONT_MAXIMUM_BYTES) {
        FT_Byte *data = arena_alloc(arena, length + 1, 1);
        uint8_t digest[DIGEST_BYTES];
        char hex[DIGEST_HEX_BYTES];
        if (FT_Load_Sfnt_Table(face, 0, 0, data, &length) == 0) {
            digest_of((struct span){data, length}, digest);
            digest_to_hex(digest, hex);
            name = arena_format(arena, "%s %.16s", face->family_name, hex);
        }
    }
    cairo_ft_scaled_font_unlock_face(font);
    return name;
}

const char *drawing_png_engine(struct arena *arena) {
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
    cairo_t *cairo = cairo_create(surface);
    const char *names[2];
    for (int bold = 0; bold < 2; bold++) {
        cairo_select_font_face(cairo, family, CAIRO_FONT_SLANT_NORMAL,
                               bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
        names[bold] = font_name(arena, cairo);
    }
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
    return arena_format(arena, "cairo %s, libpng %s, zlib %s, %s, %s", cairo_version_string(),
                        png_get_libpng_ver(NULL), zlibVersion(), names[0], names[1]);
}

void drawing_release_fonts(void) {
    cairo_debug_reset_static_data();
    FcFini();
}
