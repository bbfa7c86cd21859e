/* Nothing that a maker writes becomes markup, script or an address that runs, and the
 * page asks nobody for anything. */
#include "tests/label/support.h"

static const char evil[] = "<script>alert(1)</script>\"'&<img src=x onerror=y>";

/* No tag but the page's own: each '<' begins a name that the template uses. */
static void assert_own_tags_only(const char *page) {
    static const char *const tags[] = {
        "!doctype", "html", "head",       "meta", "title", "style",  "body",    "svg",
        "symbol",   "path", "circle",     "use",  "main",  "header", "p",       "h1",
        "h2",       "h3",   "dl",         "dt",   "dd",    "div",    "section", "ul",
        "li",       "span", "b",          "rect", "code",  "a",      "pre",     "footer",
        "figure",   "img",  "figcaption", "br",   "strong"};
    for (const char *c = strchr(page, '<'); c; c = strchr(c + 1, '<')) {
        const char *name = c[1] == '/' ? c + 2 : c + 1;
        size_t length = strcspn(name, " >/\n");
        bool known = false;
        for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
            known = known || (strlen(tags[i]) == length && strncmp(tags[i], name, length) == 0);
        }
        if (!known) fail_msg("a tag of another: %.40s", c);
    }
}

static void hostile_words_stay_words(void **state) {
    (void)state;
    struct arena arena = {0};
    struct record record = right_record(&arena);
    record.product.name = record.product.model = record.product.version = evil;
    record.product.description = record.manufacturer.name = evil;
    record.reports.contact = record.reports.policy = evil;
    record.fields.password_how = record.fields.data = record.fields.report = evil;
    record.claims[0].sentence = record.claims[0].detail = evil;
    record.tool = record.signer = record.product.id = evil;
    const char *page = page_of(&arena, &record);
    assert_own_tags_only(page);
    assert_null(strstr(page, "<script"));
    assert_non_null(strstr(page, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;&lt;img"));
    arena_free(&arena);
}

static void hostile_addresses_are_no_links(void **state) {
    (void)state;
    static const char *const addresses[] = {"javascript:alert(1)",
                                            "data:text/html,x",
                                            "JAVASCRIPT:alert(1)//https://x",
                                            " https://x",
                                            "vbscript:x@y",
                                            "//evil.example",
                                            "ftp://x"};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct arena arena = {0};
        struct record record = right_record(&arena);
        record.manufacturer.url = record.reports.contact = record.reports.policy = addresses[i];
        record.claims[0].link = addresses[i];
        const char *page = page_of(&arena, &record);
        const char *link = arena_format(&arena, "href=\"%s", addresses[i]);
        const char *mail = arena_format(&arena, "mailto:%s", addresses[i]);
        assert_null(strstr(page, link));
        assert_null(strstr(page, mail));
        arena_free(&arena);
    }
}

static void the_page_loads_nothing(void **state) {
    (void)state;
    struct arena arena = {0};
    struct record record = right_record(&arena);
    const char *page = page_of(&arena, &record);
    assert_null(strstr(page, "src=\"http"));
    assert_null(strstr(page, "url("));
    assert_null(strstr(page, "@import"));
    assert_null(strstr(page, "<link"));
    assert_non_null(strstr(page, "default-src 'none'"));
    arena_free(&arena);
}

/* Until when there are fixes is what the maker says, at the top of the page as further down. */
static void the_date_has_the_mark_of_the_makers_word(void **state) {
    (void)state;
    struct arena arena = {0};
    struct record record = right_record(&arena);
    const char *page = page_of(&arena, &record), *band = strstr(page, "<div class=\"until\">");
    assert_non_null(band);
    const char *mark = strstr(band, "<use href=\"#declared\"/>"), *end = strstr(band, "</div>");
    assert_true(mark && end && mark < end);
    arena_free(&arena);
}

static void a_label_keeps_hostile_words_out_of_its_markup(void **state) {
    (void)state;
    struct arena arena = {0};
    struct record record = right_record(&arena);
    struct buffer svg;
    record.product.name = record.manufacturer.name = record.reports.contact = evil;
    buffer_init(&svg, LABEL_MAXIMUM_BYTES);
    drawing_svg(label_of(&arena, &record), &svg);
    assert_null(strstr((const char *)svg.data, "<script"));
    assert_null(strstr((const char *)svg.data, "<img"));
    assert_non_null(strstr((const char *)svg.data, "&lt;script&gt;"));
    buffer_free(&svg);
    arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_words_stay_words),
        cmocka_unit_test(hostile_addresses_are_no_links),
        cmocka_unit_test(the_page_loads_nothing),
        cmocka_unit_test(the_date_has_the_mark_of_the_makers_word),
        cmocka_unit_test(a_label_keeps_hostile_words_out_of_its_markup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
