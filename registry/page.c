/* See page.h. */
#include "registry/page.h"

#include <inttypes.h>
#include <string.h>

#include "registry/html.h"
#include "registry/page_style.h"
#include "registry/qr.h"
#include "registry/words.h"

/* The marks of the three classes, told apart by outline alone: a punched octagon with a
 * tick (with a dash when the test found nothing), a sheet with a seal, a speech bubble. And the
 * brand's own: a hallmark's punch. */
static const char marks[] =
    "<svg width=\"0\" height=\"0\" style=\"position:absolute\" aria-hidden=\"true\">"
    "<symbol id=\"tested\" viewBox=\"0 0 40 40\">"
    "<path fill=\"#0b4a35\" d=\"M12 1h16l11 11v16L28 39H12L1 28V12z\"/>"
    "<path fill=\"none\" stroke=\"#fff\" stroke-width=\"5\" d=\"M10 21l7 7 13-15\"/></symbol>"
    "<symbol id=\"empty\" viewBox=\"0 0 40 40\">"
    "<path fill=\"#fff\" stroke=\"#0b4a35\" stroke-width=\"3\" "
    "d=\"M12.5 2.5h15l10 10v15l-10 10h-15l-10-10v-15z\"/>"
    "<path fill=\"none\" stroke=\"#0b4a35\" stroke-width=\"5\" d=\"M11 20h18\"/></symbol>"
    "<symbol id=\"recorded\" viewBox=\"0 0 40 40\">"
    "<path fill=\"#fff\" stroke=\"#123c7c\" stroke-width=\"3\" d=\"M5 2.5h22l8 8v27H5z\"/>"
    "<path fill=\"none\" stroke=\"#123c7c\" stroke-width=\"3\" d=\"M11 12h11M11 19h18M11 26h7\"/>"
    "<circle cx=\"27\" cy=\"29\" r=\"5\" fill=\"#123c7c\"/></symbol>"
    "<symbol id=\"declared\" viewBox=\"0 0 40 40\">"
    "<path fill=\"#fff\" stroke=\"#4d4538\" stroke-width=\"3\" stroke-dasharray=\"5 3\" "
    "d=\"M3 5h34v22H20l-9 9v-9H3z\"/>"
    "<path fill=\"#4d4538\" d=\"M11 12h6v5l-3 5h-3l2-5h-2zm11 0h6v5l-3 5h-3l2-5h-2z\"/></symbol>"
    "<symbol id=\"brand\" viewBox=\"0 0 40 40\">"
    "<path fill=\"#14171a\" d=\"M20 1l19 8v13c0 9-8 15-19 17C9 37 1 31 1 22V9z\"/>"
    "<path fill=\"none\" stroke=\"#fff\" stroke-width=\"4.5\" "
    "d=\"M14 31V11h7a6 6 0 0 1 0 12h-7\"/></symbol></svg>";

struct page {
    struct arena *arena;
    const struct record *record;
    const struct span *artwork;
    struct buffer *out;
};

static void put(struct page *page, const char *html) {
    buffer_text(page->out, html);
}

static void put_text(struct page *page, const char *text) {
    html_text(page->out, text);
}

static void put_word(struct page *page, enum word which) {
    html_text(page->out, word(which));
}

static void put_head(struct page *page) {
    const struct record *record = page->record;
    put(page, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
              "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
              "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">"
              "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
              "<meta name=\"referrer\" content=\"no-referrer\"><title>");
    put_text(page, WORD_FILL(page->arena, TITLE, record->product.name, record->product.version));
    put(page, "</title><style>");
    put(page, page_style);
    put(page, "</style></head><body>");
    put(page, marks);
    put(page, "<main class=\"card\">\n");
}

static void put_fact(struct page *page, enum word title, const char *address, const char *text) {
    put(page, "<div><dt>");
    put_word(page, title);
    put(page, "</dt><dd>");
    html_link(page->out, address, text);
    put(page, "</dd></div>");
}

static void put_product(struct page *page) {
    const struct record *record = page->record;
    put(page, "<header><p class=\"brand\"><svg aria-hidden=\"true\"><use href=\"#brand\"/></svg>");
    put_word(page, WORD_BRAND);
    put(page, "</p><h1>");
    put_text(page, record->product.name);
    put(page, "</h1>");
    if (record->product.description) {
        put(page, "<p class=\"about\">");
        put_text(page, record->product.description);
        put(page, "</p>");
    }
    put(page, "<dl class=\"facts\">");
    put_fact(page, WORD_MODEL, NULL, record->product.model);
    put_fact(page, WORD_FIRMWARE, NULL, record->product.version);
    put_fact(page, WORD_MADE_BY, record->manufacturer.url, record->manufacturer.name);
    put(page, "</dl></header>\n<div class=\"until\"><svg class=\"mark\" aria-hidden=\"true\">"
              "<use href=\"#declared\"/></svg><p>");
    put_word(page, WORD_SUPPORT_UNTIL);
    put(page, "<span>");
    put_word(page, WORD_LABEL_DECLARED);
    put(page, "</span></p><strong>");
    put_text(page, record_support_text(page->arena, record));
    put(page, "</strong></div>\n");
}

static const char *date_text(struct arena *arena, int64_t time_s) {
    struct buffer text;
    buffer_init(&text, 64);
    html_date(&text, time_s);
    const char *out = arena_string(arena, (const char *)text.data, text.size_bytes);
    buffer_free(&text);
    return out;
}

static void put_key_row(struct page *page, const char *mark, enum word name, enum word means) {
    buffer_format(page->out,
                  "<li><svg class=\"mark\" aria-hidden=\"true\"><use href=\"#%s\"/></svg>"
                  "<span><b>",
                  mark);
    put_word(page, name);
    put(page, "</b>");
    put_word(page, means);
    put(page, "</span></li>");
}

static void put_key(struct page *page) {
    put(page, "<div class=\"valid\"><p>");
    put_text(page,
             WORD_FILL(page->arena, VALID, date_text(page->arena, page->record->expires_at_s)));
    put(page, "</p></div>\n<section class=\"soft\"><h2>");
    put_word(page, WORD_KINDS);
    put(page, "</h2><ul class=\"key\">");
    put_key_row(page, "tested", WORD_TESTED, WORD_TESTED_MEANS);
    put_key_row(page, "recorded", WORD_RECORDED, WORD_RECORDED_MEANS);
    put_key_row(page, "declared", WORD_DECLARED, WORD_DECLARED_MEANS);
    put(page, "</ul></section>\n");
}

/* A bar of 1,000 parts. A place that is missing is never rounded away. */
static void put_tally(struct page *page, const struct record_claim *claim) {
    int64_t parts = claim->of > 0 ? claim->n * 1000 / claim->of : 0;
    if (parts < 0) parts = 0;
    if (parts > 1000) parts = 1000;
    if (claim->n < claim->of && parts > 990) parts = 990;
    put(page, "<div class=\"tally wide\"><svg viewBox=\"0 0 1000 20\" preserveAspectRatio=\"none\" "
              "aria-hidden=\"true\">");
    buffer_format(page->out,
                  "<rect x=\"1\" y=\"1\" width=\"998\" height=\"18\" fill=\"#fff\" "
                  "stroke=\"#14171a\" stroke-width=\"2\" vector-effect=\"non-scaling-stroke\"/>"
                  "<rect width=\"%" PRId64 "\" height=\"20\" fill=\"#0b4a35\"/></svg><b>",
                  parts);
    const char *n = arena_format(page->arena, "%" PRId64, claim->n);
    const char *of = arena_format(page->arena, "%" PRId64, claim->of);
    put_text(page, WORD_FILL(page->arena, N_OF, n, of));
    put(page, "</b></div>");
}

static void put_claim(struct page *page, const struct record_claim *claim, enum word class_word) {
    buffer_format(page->out,
                  "<li class=\"claim\"><svg class=\"mark\" aria-hidden=\"true\">"
                  "<use href=\"#%s\"/></svg><div><p class=\"class\">",
                  record_claim_is_empty(claim) ? "empty" : record_class_name(claim->class));
    put_word(page, class_word);
    put(page, "</p><h3>");
    html_link(page->out, claim->link, claim->sentence);
    put(page, "</h3></div>");
    if (claim->figured) put_tally(page, claim);
    put(page, "<div class=\"wide\">");
    if (claim->detail) {
        put(page, "<p class=\"detail\">");
        put_text(page, claim->detail);
        put(page, "</p>");
    }
    if (claim->evidence != RECORD_EVIDENCE_NONE) {
        put(page, "<p class=\"proof\">");
        put_word(page, WORD_EVIDENCE);
        buffer_format(page->out, " <code>statements/%s.json</code> ",
                      record_evidence_name(claim->evidence));
        put(page, "<code>");
        put_text(page, arena_format(page->arena, "%.16s",
                                    page->record->evidence_sha256[claim->evidence]));
        put(page, "</code></p>");
    }
    put(page, "</div></li>");
}

static void put_claims(struct page *page) {
    static const enum word titles[] = {WORD_TESTED, WORD_RECORDED, WORD_DECLARED};
    const struct record *record = page->record;
    for (unsigned class = 0; class < 3; class ++) {
        bool any = false;
        for (size_t i = 0; i < record->claims_count; i++) {
            const struct record_claim *claim = &record->claims[i];
            if (claim->class != (enum record_class) class) continue;
            if (!any) {
                buffer_format(page->out, "<section class=\"%s\"><h2>",
                              record_class_name(claim->class));
                put_word(page, titles[class]);
                put(page, "</h2><ul class=\"claims\">");
            }
            any = true;
            put_claim(page, claim, titles[class]);
        }
        if (any) put(page, "</ul></section>\n");
    }
}

static void put_row(struct page *page, enum word title, const char *text) {
    if (text) put_fact(page, title, text, text);
}

/* Who and how to reach them, or when and what came of it, in one row. */
static void put_pair(struct page *page, enum word title, const char *first, const char *second) {
    if (!first && !second) return;
    put(page, "<div><dt>");
    put_word(page, title);
    put(page, "</dt><dd>");
    put_text(page, first);
    if (first && second) put(page, ", ");
    html_link(page->out, second, second);
    put(page, "</dd></div>");
}

static void put_answer(struct page *page, enum word title, const char *answer, const char *how,
                       enum word yes, enum word no) {
    if (!answer) return;
    const char *const values[4] = {how ? how : ""};
    const char *text = word_fill(page->arena, strcmp(answer, "yes") == 0 ? yes : no, values);
    put_fact(page, title, NULL, text);
}

static void put_fields(struct page *page) {
    static const struct record_fields none;
    const struct record_fields *fields = &page->record->fields;
    if (memcmp(fields, &none, sizeof none) == 0) return;
    put(page, "<section><h2>");
    put_word(page, WORD_FIELDS);
    put(page, "</h2><dl class=\"table\">");
    put_answer(page, WORD_FIELD_PASSWORD, fields->password_changeable, fields->password_how,
               WORD_FIELD_PASSWORD_YES, WORD_FIELD_PASSWORD_NO);
    put_row(page, WORD_FIELD_CONFIGURATION, fields->secure_configuration);
    put_row(page, WORD_FIELD_ACCESS, fields->access_control);
    put_answer(page, WORD_FIELD_UPDATES, fields->updates_automatic, fields->updates_how,
               WORD_FIELD_UPDATES_YES, WORD_FIELD_UPDATES_NO);
    put_row(page, WORD_FIELD_DATA, fields->data);
    put_answer(page, WORD_FIELD_SBOM, fields->sbom, NULL, WORD_MAINTAINED, WORD_NOT_MAINTAINED);
    put_answer(page, WORD_FIELD_HBOM, fields->hbom, NULL, WORD_MAINTAINED, WORD_NOT_MAINTAINED);
    put_pair(page, WORD_FIELD_AUTHORISATION, fields->authorisation_date,
             fields->authorisation_status);
    put_pair(page, WORD_FIELD_ADMINISTRATOR, fields->administrator_name,
             fields->administrator_contact);
    put_row(page, WORD_FIELD_LABORATORY, fields->laboratory);
    put_row(page, WORD_FIELD_REPORT, fields->report);
    put(page, "</dl></section>\n");
}

static void put_schemes(struct page *page) {
    const struct record *record = page->record;
    if (record->schemes_count == 0) return;
    put(page, "<section><h2>");
    put_word(page, WORD_SCHEMES);
    put(page, "</h2><div class=\"schemes\">");
    for (size_t i = 0; i < record->schemes_count; i++) {
        const struct record_scheme *scheme = &record->schemes[i];
        put(page, "<figure><img alt=\"");
        put_text(page, scheme->name);
        put(page, "\" src=\"");
        html_data(page->out, "image/png", page->artwork[i]);
        put(page, "\"><figcaption><b>");
        put_text(page, scheme->name);
        put(page, "</b><br>");
        put_text(page, WORD_FILL(page->arena, GRANT, scheme->grant));
        put(page, "</figcaption></figure>");
    }
    put(page, "</div></section>\n");
}

static void put_report_and_limits(struct page *page) {
    static const enum word limits[] = {WORD_LIMIT_1, WORD_LIMIT_2, WORD_LIMIT_3};
    const struct record *record = page->record;
    put(page, "<section><h2>");
    put_word(page, WORD_REPORT);
    put(page, "</h2><p class=\"button\">");
    html_link(page->out, record->reports.contact, record->reports.contact);
    put(page, "</p>");
    if (record->reports.policy) {
        put(page, "<p>");
        html_link(page->out, record->reports.policy, word(WORD_REPORT_POLICY));
        put(page, "</p>");
    }
    put(page, "</section>\n<section class=\"soft\"><h2>");
    put_word(page, WORD_LIMITS);
    put(page, "</h2><ul class=\"limits\">");
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        put(page, "<li>");
        put_word(page, limits[i]);
        put(page, "</li>");
    }
    put(page, "</ul></section>\n");
}

/* A long digest in groups of eight, so that people can compare it. */
static void put_digest(struct page *page, enum word title, const char *hex) {
    put(page, "<div><dt>");
    put_word(page, title);
    put(page, "</dt><dd><code>");
    for (size_t i = 0; hex[i]; i++) {
        if (i && i % 8 == 0) put(page, " ");
        char one[2] = {hex[i]};
        put_text(page, one);
    }
    put(page, "</code></dd></div>");
}

static enum status put_check(struct page *page, struct error *error) {
    const struct record *record = page->record;
    struct qr qr;
    enum status status = qr_encode(page->arena, record->url, &qr, error);
    if (status != STATUS_OK) return status;
    put(page, "<section><h2>");
    put_word(page, WORD_CHECK);
    put(page, "</h2><p>");
    put_word(page, WORD_CHECK_HOW);
    put(page, "</p><pre>proofmark verify ");
    put_text(page, record->product.id);
    put(page, "/");
    put_text(page, record->product.version);
    put(page, " --key maker.pub</pre></section>\n<footer><div class=\"end\">");
    unsigned side = qr.width + 2 * QR_QUIET_MODULES;
    buffer_format(page->out, "<svg viewBox=\"0 0 %u %u\" role=\"img\" aria-label=\"", side, side);
    put_text(page, WORD_FILL(page->arena, QR_ALT, record->url));
    put(page, "\"><path fill=\"#fff\" d=\"M0 0h999v999H0z\"/><path shape-rendering=\"crispEdges\" "
              "d=\"");
    qr_path(&qr, QR_QUIET_MODULES * 10, QR_QUIET_MODULES * 10, 10, page->out);
    put(page, "\"/></svg><dl>");
    put_digest(page, WORD_SIGNED_BY, record->signer);
    put_digest(page, WORD_IMAGE_SHA, record->firmware.sha256);
    put(page, "<div><dd>");
    put_text(page, WORD_FILL(page->arena, ISSUED, date_text(page->arena, record->issued_at_s)));
    put(page, " · ");
    put_text(page, record->tool);
    put(page, "</dd></div></dl></div></footer>\n</main></body></html>\n");
    return STATUS_OK;
}

enum status page_write(struct arena *arena, const struct record *record,
                       const struct span artwork[RECORD_SCHEMES_MAXIMUM], struct buffer *out,
                       struct error *error) {
    struct page page = {arena, record, artwork, out};
    put_head(&page);
    put_product(&page);
    put_key(&page);
    put_claims(&page);
    put_fields(&page);
    put_schemes(&page);
    put_report_and_limits(&page);
    enum status status = put_check(&page, error);
    if (status == STATUS_OK && out->failed) {
        status = error_environment(error, "page: no memory for it");
    }
    return status;
}
