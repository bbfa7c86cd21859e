/* What folder_check_image(), which ship and verify call, says of an image with a settings
 * page that may be written: it holds when that page was declared, and not when nothing,
 * another range, or one more was, or when the declaration has not the form of one.
 *
 *     undeclared_writable_flash_is_refused OUT.elf IN.elf START SIZE_BYTES */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/folder_check.h"

enum { IMAGE_MAXIMUM_BYTES = 1 << 24 };

static int failures;
static struct span image, original;

static void expect(const char *told, const char *declared, bool holds, const char *word) {
    struct arena arena = {0};
    struct folder_check check = {.holds = false};
    struct error error = {""};
    json_t *options = json_loads(declared, 0, NULL);
    enum status status = folder_check_image(&arena, image, original, options, &check, &error);
    const char *said = status != STATUS_OK ? error.message : check.fault ? check.fault : "";
    bool right = (status == STATUS_OK && check.holds) == holds && strstr(said, word);
    if (!right || !options) {
        printf("%s: holds %d, said \"%s\", wanted \"%s\"\n", told, check.holds, said, word);
        failures++;
    }
    if (status == STATUS_OK) json_decref(check.figures);
    json_decref(options);
    arena_free(&arena);
}

static const char *range(const char *more, unsigned long start, unsigned long size_bytes) {
    static char text[256];
    snprintf(text, sizeof text, "{\"writable_flash\": [%s{\"start\": %lu, \"size_bytes\": %lu}]}",
             more, start, size_bytes);
    return text;
}

int main(int argc, char **argv) {
    struct arena arena = {0};
    struct error error;
    if (argc != 5 || file_read(&arena, argv[1], IMAGE_MAXIMUM_BYTES, &image, &error) != STATUS_OK ||
        file_read(&arena, argv[2], IMAGE_MAXIMUM_BYTES, &original, &error) != STATUS_OK) {
        return 2;
    }
    unsigned long start = strtoul(argv[3], NULL, 0), size = strtoul(argv[4], NULL, 0);
    static const char undeclared[] = "is writable, and is not said to be";
    static const char form[] = "has not the form of one";
    expect("what is declared", range("", start, size), true, "");
    expect("nothing declared", "{}", false, undeclared);
    expect("an empty list", "{\"writable_flash\": []}", false, undeclared);
    expect("another page", range("", start - size, size), false, undeclared);
    expect("half of it", range("", start, size / 2), false, undeclared);
    expect("one more", range("{\"start\": 4096, \"size_bytes\": 4096}, ", start, size), false,
           "should be writable, and no region says so");
    expect("no list", "{\"writable_flash\": {}}", false, form);
    expect("no number", "{\"writable_flash\": [{\"start\": \"0\", \"size_bytes\": 32}]}", false,
           form);
    expect("past the end", range("", 0xffffff00UL, 0x100), false, form);
    arena_free(&arena);
    printf("%d failures\n", failures);
    return failures != 0;
}
