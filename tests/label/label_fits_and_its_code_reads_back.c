/* Words stay within the label whatever the maker writes, and another program (zbarimg)
 * reads the record's address from the PNG. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/label/support.h"

static void words_stay_within_the_label(void **state) {
    (void)state;
    static const char *const names[] = {
        "W", "A name of several words that needs more than one line to be shown",
        "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
        ("\xe6\xb8\xa9\xe5\xba\xa6\xe6\xb8\xa9\xe5\xba\xa6\xe6\xb8\xa9\xe5\xba\xa6\xe6\xb8\xa9\xe5"
         "\xba\xa6\xe6\xb8\xa9\xe5\xba\xa6"),
        ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct arena arena = {0};
        struct record record = right_record(&arena);
        record.product.name = record.product.model = record.manufacturer.name = names[i];
        record.reports.contact = names[i];
        const struct drawing *label = label_of(&arena, &record);
        unsigned words = 0;
        for (size_t j = 0; j < label->count; j++) {
            const struct drawing_shape *shape = &label->shapes[j];
            if (shape->kind != DRAWING_TEXT) continue;
            words++;
            int right = shape->x + drawing_text_width(shape->text, shape->size, shape->bold);
            if (right > label->width) fail_msg("'%s' ends at %d", shape->text, right);
            assert_in_range(shape->y, 1, label->height);
        }
        assert_true(words > 8);
        arena_free(&arena);
    }
}

/* zbarimg's answer for a PNG, in `out`. */
static void read_code(struct span png, char *out, size_t capacity) {
    char path[] = "/tmp/proofmark-label-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, png.data, png.size_bytes), (ssize_t)png.size_bytes);
    close(fd);
    char command[128];
    snprintf(command, sizeof command, "zbarimg -q --raw -Sdisable -Sqrcode.enable %s 2>/dev/null",
             path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t got = fread(out, 1, capacity - 1, pipe);
    out[got] = '\0';
    assert_int_equal(pclose(pipe), 0);
    unlink(path);
}

static void another_program_reads_the_code(void **state) {
    (void)state;
    const char *tail[] = {"1.0.0/", "", NULL};
    char longest[164];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    tail[1] = longest;
    for (size_t i = 0; tail[i]; i++) {
        struct arena arena = {0};
        struct record record = right_record(&arena);
        struct error error;
        struct buffer png;
        char found[512];
        record.url =
            arena_format(&arena, "https://labels.works.example/hallway-thermostat/%s", tail[i]);
        buffer_init(&png, LABEL_MAXIMUM_BYTES);
        if (drawing_png(label_of(&arena, &record), &png, &error) != STATUS_OK) {
            fail_msg("%s", error.message);
        }
        read_code(buffer_span(&png), found, sizeof found);
        assert_string_equal(found, arena_format(&arena, "%s\n", record.url));
        buffer_free(&png);
        arena_free(&arena);
    }
}

static void an_address_beyond_version_10_is_refused(void **state) {
    (void)state;
    struct arena arena = {0};
    struct error error;
    struct qr qr;
    char text[215];
    memset(text, 'x', sizeof text);
    text[213] = '\0'; /* ISO/IEC 18004, table 7: version 10-M holds 213 bytes */
    assert_int_equal(qr_encode(&arena, text, &qr, &error), STATUS_OK);
    assert_int_equal(qr.width, 17 + 4 * 10);
    text[213] = 'x';
    text[214] = '\0';
    assert_int_equal(qr_encode(&arena, text, &qr, &error), STATUS_BAD_INPUT);
    assert_int_equal(qr_encode(&arena, "", &qr, &error), STATUS_BAD_INPUT);
    arena_free(&arena);
}

static void the_same_record_gives_the_same_bytes(void **state) {
    (void)state;
    struct arena arena = {0};
    struct record record = right_record(&arena);
    struct buffer png[2];
    struct error error;
    for (int i = 0; i < 2; i++) {
        buffer_init(&png[i], LABEL_MAXIMUM_BYTES);
        assert_int_equal(drawing_png(label_of(&arena, &record), &png[i], &error), STATUS_OK);
    }
    assert_int_equal(png[0].size_bytes, png[1].size_bytes);
    assert_memory_equal(png[0].data, png[1].data, png[0].size_bytes);
    assert_memory_equal(png[0].data + 37, "pHYs\0\0\x5c\x46\0\0\x5c\x46\1", 13); /* 600 dpi */
    buffer_free(&png[0]);
    buffer_free(&png[1]);
    arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_stay_within_the_label),
        cmocka_unit_test(another_program_reads_the_code),
        cmocka_unit_test(an_address_beyond_version_10_is_refused),
        cmocka_unit_test(the_same_record_gives_the_same_bytes),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    drawing_release_fonts();
    return failed;
}
