/* Memory that ends while a folder is under way, on the main thread or on another, leaves neither
 * the folder nor the tests' process; a fork that exits leaves both alone.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "cli/temporary.h"
#include "tests/ship/entries.h"

enum { EXHAUSTED = 3 };

static void out_of_memory(size_t wanted_bytes) {
    (void)wanted_bytes;
    exit(EXHAUSTED);
}

static void *exhaust(void *arena) {
    arena_alloc(arena, 1, 1 << 20);
    return NULL;
}

static void begin(const char *directory) {
    char target[TEMPORARY_PATH_BYTES];
    struct error error;
    struct span bytes = {(const uint8_t *)"half", 4};
    snprintf(target, sizeof target, "%s/release", directory);
    if (temporary_begin(target, &error) != STATUS_OK ||
        temporary_write("log/checkpoint", bytes, &error) != STATUS_OK ||
        temporary_write("firmware.elf", bytes, &error) != STATUS_OK || entries(directory) != 1) {
        _exit(2);
    }
}

/* Never comes back. */
static void ends_halfway(const char *directory, int alive, bool thread) {
    struct arena arena = {.maximum_bytes = 1 << 10};
    begin(directory);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        alarm(120);
        for (;;)
            pause(); /* holds `alive` open until it is killed */
    }
    setpgid(child, child);
    temporary_child(child);
    close(alive);
    arena_set_exhausted(out_of_memory);
    pthread_t other;
    if (thread && pthread_create(&other, NULL, exhaust, &arena) == 0) pthread_join(other, NULL);
    exhaust(&arena);
    _exit(2);
}

static int told(const char *what, int wanted, int found) {
    if (wanted == found) return 0;
    printf("FAILED: %s: %d, not %d\n", what, found, wanted);
    return 1;
}

static int exhausted_leaves_nothing(const char *directory, bool thread) {
    int alive[2], state = 0;
    char byte;
    if (pipe(alive) != 0) return 1;
    pid_t child = fork();
    if (child == 0) {
        close(alive[0]);
        ends_halfway(directory, alive[1], thread);
    }
    close(alive[1]);
    waitpid(child, &state, 0);
    int failed = told("exit code", EXHAUSTED, WIFEXITED(state) ? WEXITSTATUS(state) : -1);
    failed += told("left behind", 0, entries(directory));
    failed += told("read from the killed process", 0, (int)read(alive[0], &byte, 1));
    close(alive[0]);
    return failed;
}

static int fork_leaves_it_alone(const char *directory) {
    int state = 0;
    begin(directory);
    pid_t child = fork();
    if (child == 0) exit(0);
    waitpid(child, &state, 0);
    int failed = told("a fork's exit took the folder", 1, entries(directory));
    temporary_end();
    return failed + told("left behind", 0, entries(directory));
}

int main(void) {
    char directory[] = "/tmp/proofmark-exit-XXXXXX";
    if (!mkdtemp(directory)) return 1;
    alarm(60); /* a process that is not killed would be waited for without an end */
    fflush(stdout);
    int failed = exhausted_leaves_nothing(directory, false);
    failed += exhausted_leaves_nothing(directory, true);
    failed += fork_leaves_it_alone(directory);
    failed += told("the test's own directory", 0, rmdir(directory));
    printf("%d failed\n", failed);
    return failed ? 1 : 0;
}
