/* Where the file system cannot exchange two names, a folder that replaces another one does it in
 * two steps. If the second one fails, the old folder is in its place again, and nothing stands
 * beside it; if the way back fails too, the message says where it is.
 *
 * renameat2() and rename() here stand in front of the C library's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/temporary.h"
#include "tests/ship/entries.h"

static int renames, fails_at, fails_also_at;

int renameat2(int old_folder, const char *old, int new_folder, const char *new, unsigned flags) {
    (void)old_folder, (void)old, (void)new_folder, (void)new, (void)flags;
    errno = EINVAL;
    return -1;
}

int rename(const char *old, const char *new) {
    renames++;
    if (renames == fails_at || renames == fails_also_at) {
        errno = EACCES;
        return -1;
    }
    return (int)syscall(SYS_rename, old, new);
}

static int failures, passed;

static void expect(int condition, const char *what, int line) {
    if (condition) {
        passed++;
        return;
    }
    failures++;
    fprintf(stderr, "FAILED, line %d: %s\n", line, what);
}
#define EXPECT(condition) expect(condition, #condition, __LINE__)

static int there(const char *folder, const char *name) {
    char path[2 * TEMPORARY_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* A folder with `name` in it, put at the target with the planned failures. */
static enum status place(const char *target, const char *name, int first, int second,
                         struct error *error) {
    struct span bytes = {(const uint8_t *)"whole", 5};
    enum status status = temporary_begin(target, error);
    if (status == STATUS_OK) status = temporary_write(name, bytes, error);
    renames = 0;
    fails_at = first;
    fails_also_at = second;
    if (status == STATUS_OK) status = temporary_place(true, error);
    int seen = renames;
    temporary_end();
    EXPECT(seen >= first && seen >= second); /* what was planned came to pass */
    return status;
}

int main(void) {
    char directory[] = "/tmp/replacing.XXXXXX", target[TEMPORARY_PATH_BYTES];
    struct error error = {.message = ""};
    if (!mkdtemp(directory)) return 2;
    snprintf(target, sizeof target, "%s/release", directory);
    EXPECT(place(target, "one", 0, 0, &error) == STATUS_OK);
    EXPECT(there(target, "one") && entries(directory) == 1);
    EXPECT(place(target, "two", 0, 0, &error) == STATUS_OK);
    EXPECT(there(target, "two") && !there(target, "one") && entries(directory) == 1);
    for (int step = 1; step <= 2; step++) {
        EXPECT(place(target, "three", step, 0, &error) == STATUS_ENVIRONMENT);
        EXPECT(strstr(error.message, "cannot be replaced: Permission denied") != NULL);
        EXPECT(there(target, "two") && !there(target, "three") && entries(directory) == 1);
    }
    EXPECT(place(target, "four", 2, 3, &error) == STATUS_ENVIRONMENT);
    const char *where = strstr(error.message, "what was there is ");
    EXPECT(where && there(where + strlen("what was there is "), "two"));
    char clean[sizeof directory + 16];
    snprintf(clean, sizeof clean, "rm -rf '%s'", directory);
    if (system(clean) != 0) return 2;
    printf("%d passed, %d failed\n", passed, failures);
    return failures != 0;
}
