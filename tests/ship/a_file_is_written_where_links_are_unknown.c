/* A file is put in its place whole, and one that is there is kept, on file systems without hard
 * links (FAT) and on those that do not know RENAME_NOREPLACE (NFS).
 *
 * renameat2() and link() here stand in front of the C library's. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

static bool knows_no_replace, knows_links;
static int failures, passed;

int renameat2(int old_folder, const char *old, int new_folder, const char *new, unsigned flags) {
    if (knows_no_replace) {
        return (int)syscall(SYS_renameat2, old_folder, old, new_folder, new, flags);
    }
    errno = EINVAL;
    return -1;
}

int link(const char *old, const char *new) {
    if (knows_links) return (int)syscall(SYS_link, old, new);
    errno = EPERM;
    return -1;
}

static void expect(int condition, const char *what, int line) {
    if (condition) {
        passed++;
        return;
    }
    failures++;
    fprintf(stderr, "FAILED, line %d: %s\n", line, what);
}
#define EXPECT(condition) expect(condition, #condition, __LINE__)

static bool holds(const char *path, const char *text) {
    struct arena arena = {0};
    struct error error;
    struct span bytes;
    bool same = file_read(&arena, path, 64, &bytes, &error) == STATUS_OK &&
                bytes.size_bytes == strlen(text) && memcmp(bytes.data, text, bytes.size_bytes) == 0;
    arena_free(&arena);
    return same;
}

static enum status put(const char *path, const char *text, int replace, struct error *error) {
    return file_write(path, (struct span){(const uint8_t *)text, strlen(text)}, 0644, replace,
                      error);
}

int main(void) {
    char directory[] = "/tmp/writing.XXXXXX", path[64];
    struct error error = {.message = ""};
    if (!mkdtemp(directory)) return 2;
    snprintf(path, sizeof path, "%s/file", directory);
    for (int system = 0; system < 2; system++) {
        knows_no_replace = system == 0;
        knows_links = system == 1;
        EXPECT(put(path, "one", FILE_KEEP, &error) == STATUS_OK && holds(path, "one"));
        EXPECT(put(path, "two", FILE_KEEP, &error) == STATUS_BAD_INPUT && holds(path, "one"));
        EXPECT(strstr(error.message, "exists already and is kept") != NULL);
        EXPECT(put(path, "two", FILE_REPLACE, &error) == STATUS_OK && holds(path, "two"));
        unlink(path);
    }
    knows_links = false;
    EXPECT(put(path, "one", FILE_KEEP, &error) == STATUS_ENVIRONMENT);
    EXPECT(access(path, F_OK) != 0);
    EXPECT(rmdir(directory) == 0); /* nothing is left */
    printf("%d passed, %d failed\n", passed, failures);
    return failures != 0;
}
