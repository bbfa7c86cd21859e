/* A drawing as SVG: see drawing.h. */
#include <string.h>

#include "registry/drawing.h"
#include "registry/html.h"

/* Advance widths of DejaVu Sans in thousandths of the font's size, from ' ' to '~', regular
 * and bold: the widest of the fonts that the SVG names, so text in another is shorter. */
static const short advances[2][95] = {
    {318,  401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337,
     636,  636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531,
     1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787,
     603,  787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500,
     500,  613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612,
     635,  635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838},
    {348,  456, 521, 838, 696, 1002, 872, 306,  457, 457, 523, 838, 380, 415,  380, 365,
     696,  696, 696, 696, 696, 696,  696, 696,  696, 696, 400, 400, 838, 838,  838, 580,
     1000, 774, 762, 734, 830, 683,  683, 821,  837, 372, 372, 775, 637, 995,  837, 850,
     733,  850, 770, 720, 682, 812,  774, 1103, 771, 724, 725, 457, 365, 457,  838, 500,
     500,  675, 716, 593, 716, 678,  435, 716,  712, 343, 343, 665, 343, 1042, 712, 687,
     716,  716, 493, 595, 478, 712,  652, 924,  645, 652, 582, 712, 365, 712,  838},
};

int drawing_text_width(const char *text, int size, bool bold) {
    int64_t width = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c >= ' ' && *c <= '~') width += advances[bold][*c - ' '];
        else if (*c >= 0xE0) width += 1100; /* far scripts: a full square and more */
        else if (*c >= 0xC0) width += 900;  /* Latin, Greek, Cyrillic */
    }
    return (int)(width * size / 1000) + 1;
}

static void put_mm(struct buffer *out, int hundredths) {
    int value = hundredths < 0 ? -hundredths : hundredths;
    buffer_format(out, "%s%d", hundredths < 0 ? "-" : "", value / 100);
    if (value % 100) buffer_format(out, ".%02d", value % 100);
}

static void put_attribute(struct buffer *out, const char *name, int hundredths) {
    buffer_format(out, " %s=\"", name);
    put_mm(out, hundredths);
    buffer_text(out, "\"");
}

static void put_box(struct buffer *out, const struct drawing_shape *shape) {
    put_attribute(out, "x", shape->x);
    put_attribute(out, "y", shape->y);
    put_attribute(out, "width", shape->width);
    put_attribute(out, "height", shape->height);
}

static void put_path(struct buffer *out, const struct drawing_shape *shape) {
    const char *ink = shape->white ? "#fff" : "#000";
    buffer_text(out, "<path d=\"");
    for (unsigned i = 0; i < shape->point_count; i++) {
        buffer_text(out, i ? "L" : "M");
        put_mm(out, shape->points[i].x);
        buffer_text(out, " ");
        put_mm(out, shape->points[i].y);
    }
    buffer_text(out, shape->closed ? "z\"" : "\"");
    if (shape->stroke) {
        buffer_format(out, " fill=\"none\" stroke=\"%s\"", ink);
        put_attribute(out, "stroke-width", shape->stroke);
        if (shape->dashed) {
            buffer_text(out, " stroke-dasharray=\"");
            put_mm(out, shape->stroke * 2);
            buffer_text(out, " ");
            put_mm(out, shape->stroke);
            buffer_text(out, "\"");
        }
    } else {
        buffer_format(out, " fill=\"%s\"", ink);
    }
    buffer_text(out, "/>\n");
}

static void put_qr(const struct drawing *drawing, const struct drawing_shape *shape,
                   struct buffer *out) {
    unsigned modules = drawing->qr->width + 2 * QR_QUIET_MODULES;
    buffer_text(out, "<svg");
    put_box(out, shape);
    buffer_format(out, " viewBox=\"0 0 %u %u\"><path shape-rendering=\"crispEdges\" d=\"", modules,
                  modules);
    qr_path(drawing->qr, QR_QUIET_MODULES * 10, QR_QUIET_MODULES * 10, 10, out);
    buffer_text(out, "\"/></svg>\n");
}

static void put_text(struct buffer *out, const struct drawing_shape *shape) {
    buffer_text(out, "<text");
    put_attribute(out, "x", shape->x);
    put_attribute(out, "y", shape->y);
    put_attribute(out, "font-size", shape->size);
    if (shape->bold) buffer_text(out, " font-weight=\"700\"");
    if (shape->white) buffer_text(out, " fill=\"#fff\"");
    buffer_text(out, ">");
    html_text(out, shape->text);
    buffer_text(out, "</text>\n");
}

static void put_shape(const struct drawing *drawing, const struct drawing_shape *shape,
                      struct buffer *out) {
    switch (shape->kind) {
    case DRAWING_RECTANGLE:
        buffer_text(out, "<rect");
        put_box(out, shape);
        buffer_format(out, " fill=\"%s\"/>\n", shape->white ? "#fff" : "#000");
        break;
    case DRAWING_PATH:
        put_path(out, shape);
        break;
    case DRAWING_TEXT:
        put_text(out, shape);
        break;
    case DRAWING_QR:
        put_qr(drawing, shape, out);
        break;
    case DRAWING_PICTURE:
        buffer_text(out, "<image");
        put_box(out, shape);
        buffer_text(out, " href=\"");
        html_data(out, "image/png", shape->png);
        buffer_text(out, "\"><title>");
        html_text(out, shape->alt);
        buffer_text(out, "</title></image>\n");
        break;
    }
}

void drawing_svg(const struct drawing *drawing, struct buffer *out) {
    buffer_text(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"");
    put_mm(out, drawing->width);
    buffer_text(out, "mm\" height=\"");
    put_mm(out, drawing->height);
    buffer_text(out, "mm\" viewBox=\"0 0 ");
    put_mm(out, drawing->width);
    buffer_text(out, " ");
    put_mm(out, drawing->height);
    buffer_text(out, "\" role=\"img\" "
                     "font-family=\"'DejaVu Sans',Arial,Helvetica,'Noto Sans',sans-serif\">\n"
                     "<title>");
    html_text(out, drawing->title);
    buffer_text(out, "</title>\n");
    for (size_t i = 0; i < drawing->count; i++)
        put_shape(drawing, &drawing->shapes[i], out);
    buffer_text(out, "</svg>\n");
}
