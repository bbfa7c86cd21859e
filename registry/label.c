/* See label.h. Lengths are hundredths of a millimetre. */
#include "registry/label.h"

#include <inttypes.h>
#include <string.h>

#include "registry/html.h"
#include "registry/words.h"

enum {
    WIDTH = 9000,
    QR_SIDE = 3900,
    QR_TOP = 330,
    COLUMN = 4350, /* where words begin */
    COLUMN_WIDTH = WIDTH - 300 - COLUMN,
    HEIGHT = 5300,
    FOOT = 880,
    SCHEMES_HEIGHT = 1700,
    FACTS_MAXIMUM = 4,
};

struct layout {
    struct arena *arena;
    const struct record *record;
    struct drawing *drawing;
    int y;                /* the base line of the next row of words */
    unsigned classes_met; /* one bit each: what the foot explains */
};

static struct drawing_shape *add(struct layout *layout, struct drawing_shape shape) {
    static struct drawing_shape spare;
    struct drawing *drawing = layout->drawing;
    if (drawing->count == DRAWING_SHAPES_MAXIMUM) return &spare;
    drawing->shapes[drawing->count] = shape;
    return &drawing->shapes[drawing->count++];
}

static void add_rectangle(struct layout *layout, int x, int y, int width, int height) {
    add(layout, (struct drawing_shape){
                    .kind = DRAWING_RECTANGLE, .x = x, .y = y, .width = width, .height = height});
}

static void add_text(struct layout *layout, int x, int y, int size, bool bold, const char *text) {
    add(layout,
        (struct drawing_shape){
            .kind = DRAWING_TEXT, .x = x, .y = y, .size = size, .bold = bold, .text = text});
}

/* Figures in a square of 40 by 40, drawn at x, y with that side. */
static void add_path(struct layout *layout, int x, int y, int side, struct drawing_shape shape) {
    struct drawing_point *points =
        ARENA_ARRAY(layout->arena, struct drawing_point, shape.point_count);
    for (unsigned i = 0; i < shape.point_count; i++) {
        points[i].x = x + shape.points[i].x * side / 40;
        points[i].y = y + shape.points[i].y * side / 40;
    }
    shape.kind = DRAWING_PATH;
    shape.points = points;
    shape.stroke = shape.stroke * side / 40;
    add(layout, shape);
}

#define POINTS(...)                                        \
    .points = (const struct drawing_point[]){__VA_ARGS__}, \
    .point_count =                                         \
        sizeof((const struct drawing_point[]){__VA_ARGS__}) / sizeof(struct drawing_point)

static void add_brand_mark(struct layout *layout, int x, int y, int side) {
    add_path(layout, x, y, side,
             (struct drawing_shape){.closed = true,
                                    POINTS({20, 1}, {39, 9}, {39, 22}, {35, 31}, {28, 36}, {20, 39},
                                           {12, 36}, {5, 31}, {1, 22}, {1, 9})});
    add_path(layout, x, y, side,
             (struct drawing_shape){
                 .white = true,
                 .stroke = 5,
                 POINTS({14, 32}, {14, 11}, {22, 11}, {26, 14}, {26, 20}, {22, 23}, {14, 23})});
}

/* `white`: the outlines on black ground. */
static void add_class_mark(struct layout *layout, enum record_class class, int x, int y, int side,
                           bool white) {
    layout->classes_met |= 1U << class;
    switch (class) {
    case RECORD_CLASS_TESTED: /* a punched octagon with a tick */
        add_path(layout, x, y, side,
                 (struct drawing_shape){.closed = true,
                                        POINTS({12, 1}, {28, 1}, {39, 12}, {39, 28}, {28, 39},
                                               {12, 39}, {1, 28}, {1, 12})});
        add_path(layout, x, y, side,
                 (struct drawing_shape){
                     .white = true, .stroke = 5, POINTS({10, 21}, {17, 28}, {30, 13})});
        break;
    case RECORD_CLASS_RECORDED: /* a written sheet */
        add_path(layout, x, y, side,
                 (struct drawing_shape){.closed = true,
                                        .stroke = 4,
                                        POINTS({5, 3}, {27, 3}, {35, 11}, {35, 37}, {5, 37})});
        add_path(layout, x, y, side,
                 (struct drawing_shape){.stroke = 4, POINTS({11, 16}, {29, 16})});
        add_path(layout, x, y, side,
                 (struct drawing_shape){.stroke = 4, POINTS({11, 26}, {23, 26})});
        break;
    case RECORD_CLASS_DECLARED: /* somebody's word */
        add_path(layout, x, y, side,
                 (struct drawing_shape){
                     .closed = true,
                     .white = white,
                     .stroke = 3,
                     .dashed = true,
                     POINTS({3, 5}, {37, 5}, {37, 27}, {20, 27}, {11, 36}, {11, 27}, {3, 27})});
        for (int right = 0; right <= 11; right += 11) { /* in quotation marks */
            add_path(
                layout, x, y, side,
                (struct drawing_shape){.closed = true,
                                       .white = white,
                                       POINTS({11 + right, 12}, {17 + right, 12}, {17 + right, 17},
                                              {14 + right, 22}, {11 + right, 22}, {13 + right, 17},
                                              {11 + right, 17})});
        }
        break;
    }
}

/* Nothing is protected: the octagon without its tick, as on the page. */
static void add_empty_mark(struct layout *layout, int x, int y, int side) {
    add_path(layout, x, y, side,
             (struct drawing_shape){.closed = true,
                                    .stroke = 4,
                                    POINTS({12, 3}, {28, 3}, {37, 12}, {37, 28}, {28, 37}, {12, 37},
                                           {3, 28}, {3, 12})});
    add_path(layout, x, y, side, (struct drawing_shape){.stroke = 4, POINTS({12, 20}, {28, 20})});
}

/* The longest front part of `text` that is at most `limit` wide and ends between words (or,
 * where one word is too long, between characters); its length in bytes. */
static size_t front_that_fits(struct layout *layout, const char *text, int size, bool bold,
                              int limit) {
    size_t fits = 0, between = 0, length = strlen(text);
    for (size_t i = 1; i <= length; i++) {
        if ((text[i] & 0xC0) == 0x80) continue; /* inside a character */
        const char *front = arena_string(layout->arena, text, i);
        if (drawing_text_width(front, size, bold) > limit) break;
        fits = i;
        if (text[i] == ' ' || text[i] == '\0') between = i;
    }
    return between ? between : fits;
}

/* At most `lines` rows from layout->y on, then "..."; layout->y moves on. */
static void add_wrapped(struct layout *layout, int x, int limit, int size, bool bold, int lines,
                        const char *text) {
    for (int i = 0; i < lines && *text; i++) {
        size_t length = front_that_fits(layout, text, size, bold, limit);
        const char *line = arena_string(layout->arena, text, length);
        bool cut = text[length] != '\0' && i == lines - 1;
        if (cut) {
            length = front_that_fits(layout, text, size, bold,
                                     limit - drawing_text_width("...", size, bold));
            line = arena_format(layout->arena, "%.*s...", (int)length, text);
        }
        add_text(layout, x, layout->y, size, bold, line);
        layout->y += size * 5 / 4;
        text += length;
        while (*text == ' ')
            text++;
        if (length == 0) break;
    }
}

/* Does all of it stand in so many rows? */
static bool fits_rows(struct layout *layout, const char *text, int size, bool bold, int rows) {
    while (rows-- > 0 && *text) {
        size_t length = front_that_fits(layout, text, size, bold, COLUMN_WIDTH);
        if (length == 0) break;
        text += length;
        text += strspn(text, " ");
    }
    return *text == '\0';
}

/* The product's name, as large as it can be said whole. */
static void add_name(struct layout *layout) {
    static const struct {
        int size, rows, first, behind; /* base line of the first row; room taken back behind */
    } forms[] = {{460, 1, 1250, 170}, {340, 2, 1180, 100}, {260, 2, 1150, 40}, {210, 3, 1080, 10}};
    const struct record *record = layout->record;
    const char *name = record->product.name;
    size_t form = 0, forms_count = sizeof forms / sizeof *forms;
    while (form + 1 < forms_count &&
           !fits_rows(layout, name, forms[form].size, true, forms[form].rows))
        form++;
    add_brand_mark(layout, COLUMN, 300, 420);
    add_text(layout, COLUMN + 520, 610, 270, true, word(WORD_LABEL_BRAND));
    layout->y = forms[form].first;
    add_wrapped(layout, COLUMN, COLUMN_WIDTH, forms[form].size, true, forms[form].rows, name);
    layout->y -= forms[form].behind;
    const char *model =
        WORD_FILL(layout->arena, LABEL_MODEL, record->product.model, record->product.version);
    add_wrapped(layout, COLUMN, COLUMN_WIDTH, 210, false, 1, model);
    add_wrapped(layout, COLUMN, COLUMN_WIDTH, 210, false, 1, record->manufacturer.name);
}

/* White on black: the line that a buyer should see first. */
static void add_support(struct layout *layout) {
    const char *until = record_support_text(layout->arena, layout->record);
    int top = layout->y - 110;
    add_rectangle(layout, COLUMN, top, COLUMN_WIDTH, 620);
    add_class_mark(layout, RECORD_CLASS_DECLARED, COLUMN + 150, top + 170, 300, true);
    struct drawing_shape text = {.kind = DRAWING_TEXT,
                                 .white = true,
                                 .x = COLUMN + 540,
                                 .y = top + 385,
                                 .size = 185,
                                 .text = word(WORD_SUPPORT_UNTIL)};
    add(layout, text);
    text.bold = true;
    text.size = 400;
    text.text = until ? until : "";
    text.x = COLUMN + COLUMN_WIDTH - 150 - drawing_text_width(text.text, 400, true);
    text.y = top + 455;
    add(layout, text);
    layout->y = top + 620 + 380;
}

static const char *short_words(struct layout *layout, const struct record_claim *claim) {
    const char *n = arena_format(layout->arena, "%" PRId64, claim->n);
    const char *of = arena_format(layout->arena, "%" PRId64, claim->of);
    const char *known = word(WORD_RETURNS_FIXED);
    bool fixed = claim->detail && strncmp(claim->detail, known, strlen(known)) == 0;
    if (fixed) return WORD_FILL(layout->arena, SHORT_RETURNS_FIXED, n, of);
    if (strcmp(claim->id, "returns") == 0) return WORD_FILL(layout->arena, SHORT_RETURNS, n, of);
    if (strcmp(claim->id, "calls") == 0) return WORD_FILL(layout->arena, SHORT_CALLS, n, of);
    if (strcmp(claim->id, "test") == 0) return word(WORD_SHORT_TEST);
    bool mapped = strcmp(claim->sentence, word(WORD_MEMORY)) == 0;
    if (mapped) return word(WORD_SHORT_MEMORY);
    /* With an exception: as it is, but for the full stop. */
    size_t length = strlen(claim->sentence);
    return arena_string(layout->arena, claim->sentence, length ? length - 1 : 0);
}

/* What is lost is told like what is there: a label without the row would be silent about it. */
static const char *empty_words(const struct record_claim *claim) {
    if (strcmp(claim->id, "returns") == 0) return word(WORD_SHORT_RETURNS_ZERO);
    if (strcmp(claim->id, "calls") == 0) return word(WORD_SHORT_CALLS_ZERO);
    return word(WORD_SHORT_MEMORY_NONE);
}

static void add_facts(struct layout *layout) {
    const struct record *record = layout->record;
    static const char *const shown[FACTS_MAXIMUM] = {"returns", "calls", "memory-map", "test"};
    for (size_t i = 0; i < record->claims_count; i++) {
        const struct record_claim *claim = &record->claims[i];
        bool show = false;
        for (size_t j = 0; j < FACTS_MAXIMUM; j++)
            show = show || strcmp(claim->id, shown[j]) == 0;
        if (!show || layout->y > HEIGHT - FOOT - 60) continue;
        bool empty = record_claim_is_empty(claim);
        if (empty) {
            add_empty_mark(layout, COLUMN, layout->y - 235, 280);
        } else {
            add_class_mark(layout, claim->class, COLUMN, layout->y - 235, 280, false);
        }
        const char *text = empty ? empty_words(claim) : short_words(layout, claim);
        int size = drawing_text_width(text, 210, false) <= COLUMN_WIDTH - 400 ? 210 : 185;
        add_wrapped(layout, COLUMN + 400, COLUMN_WIDTH - 400, size, false, 1, text);
        layout->y += 370 - size * 5 / 4;
    }
}

/* What the marks on this label mean, in a row. */
static void add_key(struct layout *layout, int y) {
    static const enum word means[] = {WORD_LABEL_TESTED, WORD_LABEL_RECORDED, WORD_LABEL_DECLARED};
    int x = 300;
    for (unsigned class = 0, met = layout->classes_met; class < 3; class ++) {
        if (!(met >> class & 1)) continue;
        const char *text = word(means[class]);
        add_class_mark(layout, (enum record_class) class, x, y - 175, 210, false);
        add_text(layout, x + 290, y, 170, false, text);
        x += 290 + drawing_text_width(text, 170, false) + 300;
    }
}

static const char *date_text(struct arena *arena, int64_t time_s) {
    struct buffer text;
    buffer_init(&text, 64);
    html_date(&text, time_s);
    const char *out = arena_string(arena, (const char *)text.data, text.size_bytes);
    buffer_free(&text);
    return out;
}

static void add_foot(struct layout *layout) {
    const struct record *record = layout->record;
    add_rectangle(layout, 300, HEIGHT - FOOT, WIDTH - 600, 15);
    add_key(layout, HEIGHT - FOOT + 260);
    layout->y = HEIGHT - FOOT + 520;
    const char *report = WORD_FILL(layout->arena, LABEL_REPORT, record->reports.contact);
    add_wrapped(layout, 300, WIDTH - 600, 190, true, 1, report);
    layout->y = HEIGHT - FOOT + 750;
    const char *line =
        WORD_FILL(layout->arena, LABEL_FOOT, date_text(layout->arena, record->expires_at_s),
                  arena_format(layout->arena, "%.16s", record->firmware.sha256),
                  arena_format(layout->arena, "%.16s", record->signer));
    add_wrapped(layout, 300, WIDTH - 600, 160, false, 1, line);
}

/* A strip below, only when there is something to put in. */
static void add_schemes(struct layout *layout, const struct span *artwork) {
    const struct record *record = layout->record;
    if (record->schemes_count == 0) return;
    int each = (WIDTH - 600) / (int)record->schemes_count;
    add_rectangle(layout, 300, HEIGHT, WIDTH - 600, 15);
    for (size_t i = 0; i < record->schemes_count; i++) {
        const struct record_scheme *scheme = &record->schemes[i];
        int x = 300 + (int)i * each;
        add(layout, (struct drawing_shape){.kind = DRAWING_PICTURE,
                                           .x = x,
                                           .y = HEIGHT + 200,
                                           .width = 1300,
                                           .height = 1300,
                                           .png = artwork[i],
                                           .alt = scheme->name});
        layout->y = HEIGHT + 600;
        add_wrapped(layout, x + 1400, each - 1500, 190, true, 3, scheme->name);
        const char *grant = WORD_FILL(layout->arena, GRANT, scheme->grant);
        add_wrapped(layout, x + 1400, each - 1500, 170, false, 2, grant);
    }
    layout->drawing->height += SCHEMES_HEIGHT;
}

enum status label_lay_out(struct arena *arena, const struct record *record,
                          const struct span artwork[RECORD_SCHEMES_MAXIMUM], struct drawing *out,
                          struct error *error) {
    struct layout layout = {.arena = arena, .record = record, .drawing = out};
    struct qr *qr = ARENA_NEW(arena, struct qr);
    enum status status = qr_encode(arena, record->url, qr, error);
    if (status != STATUS_OK) return status;
    *out = (struct drawing){.width = WIDTH, .height = HEIGHT, .qr = qr};
    out->title = WORD_FILL(arena, TITLE, record->product.name, record->product.version);
    struct drawing_shape *paper = add(
        &layout, (struct drawing_shape){.kind = DRAWING_RECTANGLE, .white = true, .width = WIDTH});
    add(&layout,
        (struct drawing_shape){
            .kind = DRAWING_QR, .x = 150, .y = QR_TOP - 180, .width = QR_SIDE, .height = QR_SIDE});
    const char *scan = word(WORD_SCAN);
    int width = drawing_text_width(scan, 210, true);
    add_text(&layout, 150 + (QR_SIDE - width) / 2, QR_TOP + QR_SIDE - 130, 210, true, scan);
    add_name(&layout);
    add_support(&layout);
    add_facts(&layout);
    add_foot(&layout);
    add_schemes(&layout, artwork);
    paper->height = out->height;
    return STATUS_OK;
}
