/* See run_test.h. */
#include "cli/run_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/temporary.h"

static const char placeholder[] = "{firmware}";

static const char *filled_in(struct arena *arena, const char *word, const char *firmware) {
    const char *place = strstr(word, placeholder);
    if (!place) return word;
    const char *rest = filled_in(arena, place + strlen(placeholder), firmware);
    return arena_format(arena, "%.*s%s%s", (int)(place - word), word, firmware, rest);
}

/* A path within a shell's line is one word whatever characters it has. */
static const char *shell_word(struct arena *arena, const char *text) {
    struct buffer out;
    buffer_init(&out, 1 << 16);
    buffer_text(&out, "'");
    for (const char *c = text; *c; c++)
        if (*c == '\'') buffer_text(&out, "'\\''");
        else buffer_append(&out, c, 1);
    buffer_text(&out, "'");
    const char *kept = arena_string(arena, (const char *)out.data, out.size_bytes);
    buffer_free(&out);
    return kept;
}

static char **arguments(struct arena *arena, const struct product_texts *command,
                        const char *firmware) {
    char **out = ARENA_ARRAY(arena, char *, command->count + 1);
    bool shell = command->count == 3 && strcmp(command->items[0], "/bin/sh") == 0;
    const char *path = shell ? shell_word(arena, firmware) : firmware;
    for (size_t i = 0; i < command->count; i++) {
        const char *word = filled_in(arena, command->items[i], path);
        out[i] = arena_string(arena, word, strlen(word));
    }
    return out;
}

static const char *command_text(struct arena *arena, const struct product_texts *command) {
    if (command->count == 3 && strcmp(command->items[0], "/bin/sh") == 0) return command->items[2];
    const char *text = "";
    for (size_t i = 0; i < command->count; i++) {
        text = arena_format(arena, "%s%s%s", text, i ? " " : "", command->items[i]);
    }
    return text;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* From here until the child is named no signal may end this process, or the child outlives it. */
static sigset_t hold_signals(void) {
    sigset_t held, before;
    sigemptyset(&held);
    for (size_t i = 0; i < FILE_SIGNALS; i++)
        sigaddset(&held, file_signals[i]);
    sigprocmask(SIG_BLOCK, &held, &before);
    return before;
}

/* In the child, which must not take away what is its parent's. What is ignored stays so. */
static void take_signals_as_they_come(const sigset_t *before) {
    struct sigaction action;
    for (size_t i = 0; i < FILE_SIGNALS; i++) {
        if (sigaction(file_signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            signal(file_signals[i], SIG_DFL);
        }
    }
    sigprocmask(SIG_SETMASK, before, NULL);
}

/* In the child; an error is told through `report`, which closes by itself on success. */
static void become(char **words, const char *folder, const char *firmware, int output, int report,
                   const sigset_t *before) {
    int nothing = open("/dev/null", O_RDONLY);
    setpgid(0, 0);
    take_signals_as_they_come(before);
    bool good = nothing >= 0 && dup2(nothing, 0) >= 0 && dup2(output, 1) >= 0 &&
                dup2(output, 2) >= 0 && chdir(folder) == 0 &&
                setenv("PROOFMARK_FIRMWARE", firmware, 1) == 0;
    if (good) execvp(words[0], words);
    int reason = errno;
    ssize_t ignored = write(report, &reason, sizeof reason);
    (void)ignored;
    _exit(127);
}

/* Reads until the end of the output or the deadline; false at the deadline. */
static bool read_output(int fd, int64_t deadline_ms, struct buffer *log, bool *cut) {
    for (;;) {
        int64_t left_ms = deadline_ms - now_ms();
        if (left_ms <= 0) return false;
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = poll(&wait, 1, left_ms > 1000 ? 1000 : (int)left_ms);
        if (ready < 0 && errno != EINTR) return true;
        if (ready <= 0) continue;
        uint8_t part[4096];
        ssize_t got = read(fd, part, sizeof part);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return true;
        size_t room = RUN_TEST_LOG_MAXIMUM_BYTES - log->size_bytes;
        if ((size_t)got > room) *cut = true;
        buffer_append(log, part, (size_t)got < room ? (size_t)got : room);
    }
}

/* The output may be closed before the program ends, so its end has the deadline too. The child
 * is left to be reaped: until then its group's number is nobody else's. */
static bool wait_for(pid_t child, int64_t deadline_ms) {
    for (;;) {
        siginfo_t facts = {.si_pid = 0};
        int failed = waitid(P_PID, (id_t)child, &facts, WEXITED | WNOHANG | WNOWAIT);
        if (!failed && facts.si_pid == child) return true;
        if (failed && errno != EINTR) return true; /* reap() tells */
        if (now_ms() >= deadline_ms) return false;
        struct timespec pause = {0, 5000000};
        nanosleep(&pause, NULL);
    }
}

/* How the child ended; false where the system does not tell, which is no success. */
static bool reap(pid_t child, int *state) {
    pid_t ended;
    do {
        ended = waitpid(child, state, 0);
    } while (ended < 0 && errno == EINTR);
    return ended == child;
}

static enum status start(char **words, const char *folder, const char *firmware,
                         const sigset_t *before, pid_t *child, int *output, struct error *error) {
    int log[2], report[2], reason = 0;
    if (pipe2(log, O_CLOEXEC) != 0) return error_environment(error, "test: %s", strerror(errno));
    if (pipe2(report, O_CLOEXEC) != 0) {
        close(log[0]);
        close(log[1]);
        return error_environment(error, "test: %s", strerror(errno));
    }
    *child = fork();
    if (*child == 0) become(words, folder, firmware, log[1], report[1], before);
    close(log[1]);
    close(report[1]);
    if (*child > 0) setpgid(*child, *child); /* whichever of the two comes first */
    ssize_t got = *child > 0 ? read(report[0], &reason, sizeof reason) : 0;
    close(report[0]);
    if (*child > 0 && got <= 0) {
        *output = log[0];
        return STATUS_OK;
    }
    close(log[0]);
    if (*child < 0) return error_environment(error, "test: %s", strerror(errno));
    waitpid(*child, NULL, 0);
    return error_input(error, "test.command: %s cannot be run in %s: %s", words[0], folder,
                       strerror(reason));
}

static const char *folder_of(struct arena *arena, const struct product *product) {
    const char *slash = strrchr(product->file, '/');
    if (!slash) return ".";
    return arena_string(arena, product->file, (size_t)(slash - product->file) + 1);
}

enum status run_test(struct arena *arena, const struct product *product, const char *firmware,
                     struct run_test_result *out, struct error *error) {
    char **words = arguments(arena, &product->test.command, firmware);
    int64_t begin_ms = now_ms(), deadline_ms = begin_ms + (int64_t)product->test.timeout_s * 1000;
    pid_t child = -1;
    int output = -1, state = 0;
    bool cut = false;
    sigset_t before = hold_signals();
    enum status status =
        start(words, folder_of(arena, product), firmware, &before, &child, &output, error);
    if (status == STATUS_OK) temporary_child(child);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (status != STATUS_OK) return status;
    struct buffer log;
    buffer_init(&log, RUN_TEST_LOG_MAXIMUM_BYTES + 64);
    bool ended = read_output(output, deadline_ms, &log, &cut) && wait_for(child, deadline_ms);
    kill(-child, SIGKILL);
    bool told = reap(child, &state);
    int reason = errno;
    temporary_child(0);
    close(output);
    if (cut) buffer_text(&log, "\n[cut: the output is longer]\n");
    out->late = !ended;
    if (!ended) {
        status = error_input(error, "test.command: took longer than its %u s and was stopped",
                             product->test.timeout_s);
    } else if (!told) {
        status =
            error_environment(error, "test: how it ended cannot be told: %s", strerror(reason));
    } else if (log.failed) {
        status = error_environment(error, "test: no memory for its output");
    } else {
        out->command = command_text(arena, &product->test.command);
        out->exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
        out->duration_ms = now_ms() - begin_ms;
        const char *kept = arena_string(arena, (const char *)log.data, log.size_bytes);
        out->log = (struct span){(const uint8_t *)kept, log.size_bytes};
    }
    buffer_free(&log);
    return status;
}
