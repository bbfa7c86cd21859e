/* See file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

/* The temporary file under way; empty when there is none. Read by the signal handler. */
static char temporary_path[PATH_BYTES];
static volatile sig_atomic_t temporary_active;
static bool on_terminal; /* standard error, when the handlers were installed */

const int file_signals[FILE_SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU};

static const char *name_of(int number) {
    static const char *const names[FILE_SIGNALS] = {"SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT",
                                                    "SIGXCPU"};
    size_t i = 0;
    while (i + 1 < FILE_SIGNALS && file_signals[i] != number)
        i++;
    return names[i];
}

/* From a handler, where little else may be called. A terminal's line may hold a bar, or ^C. */
static void say_that_it_ended(int number) {
    static const char ends[] = ": stopped before it was done; no half-written output is left\n";
    const char *name = name_of(number);
    const char *const parts[] = {on_terminal ? "\n" : "", "proofmark: ", name, ends};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        ssize_t ignored = write(STDERR_FILENO, parts[i], strlen(parts[i]));
        (void)ignored;
    }
}

static void on_signal(int number) {
    if (temporary_active) unlink(temporary_path);
    say_that_it_ended(number);
    signal(number, SIG_DFL);
    raise(number);
}

void file_remove_temporaries_on_signal(void) {
    on_terminal = isatty(STDERR_FILENO);
    for (size_t i = 0; i < FILE_SIGNALS; i++) {
        struct sigaction action = {.sa_handler = on_signal}, before;
        sigaction(file_signals[i], NULL, &before);
        if (before.sa_handler != SIG_IGN) sigaction(file_signals[i], &action, NULL);
    }
    /* A limit on file sizes then fails the write, like a full disk, and is told. */
    signal(SIGXFSZ, SIG_IGN);
}

enum status file_read(struct arena *arena, const char *path, size_t maximum_bytes, struct span *out,
                      struct error *error) {
    enum status status = STATUS_BAD_INPUT;
    struct stat facts;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return error_input(error, "%s: cannot be opened: %s", path, strerror(errno));
    if (fstat(fd, &facts) != 0) {
        status = error_environment(error, "%s: %s", path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(facts.st_mode)) {
        status = error_input(error, "%s: is not a regular file", path);
        goto out;
    }
    if ((uintmax_t)facts.st_size > maximum_bytes) {
        status = error_input(error, "%s: is %jd bytes long; at most %zu are read", path,
                             (intmax_t)facts.st_size, maximum_bytes);
        goto out;
    }
    size_t size = (size_t)facts.st_size;
    uint8_t *data = arena_alloc(arena, size + 1, 1);
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(fd, data + done, size - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            status = error_environment(error, "%s: cannot be read: %s", path, strerror(errno));
            goto out;
        }
        if (got == 0) {
            status = error_input(error, "%s: became shorter while it was read", path);
            goto out;
        }
        done += (size_t)got;
    }
    *out = (struct span){data, size};
    status = STATUS_OK;
out:
    close(fd);
    return status;
}

static enum status write_all(int fd, struct span bytes) {
    size_t done = 0;
    while (done < bytes.size_bytes) {
        ssize_t put = write(fd, bytes.data + done, bytes.size_bytes - done);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return STATUS_ENVIRONMENT;
        done += (size_t)put;
    }
    return fsync(fd) == 0 || errno == EINVAL ? STATUS_OK : STATUS_ENVIRONMENT;
}

/* Refuses an existing target atomically, where a check before rename() would race with another
 * writer. Some file systems know no hard links (FAT), some no RENAME_NOREPLACE (NFS). */
static int rename_to_new(const char *path) {
    int failed = renameat2(AT_FDCWD, temporary_path, AT_FDCWD, path, RENAME_NOREPLACE);
    if (!failed || (errno != EINVAL && errno != ENOSYS)) return failed;
    failed = link(temporary_path, path);
    if (!failed) unlink(temporary_path);
    return failed;
}

static enum status put_in_place(const char *path, int replace, struct error *error) {
    int failed = replace ? rename(temporary_path, path) : rename_to_new(path);
    if (failed && !replace && errno == EEXIST) {
        return error_input(error, "%s: exists already and is kept; use --force to replace it",
                           path);
    }
    if (failed) return error_environment(error, "%s: %s", path, strerror(errno));
    return STATUS_OK;
}

/* No signal may come between the file's creation and the note that it is there. */
static int create_temporary(void) {
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    int fd = mkostemp(temporary_path, O_CLOEXEC);
    temporary_active = fd >= 0;
    int reason = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = reason;
    return fd;
}

enum target { TARGET_ABSENT, TARGET_FILE, TARGET_STREAM, TARGET_LINK, TARGET_OTHER };

static enum target target_at(const char *path) {
    struct stat facts, meant;
    if (lstat(path, &facts) != 0) return TARGET_ABSENT; /* or not seen: creating it tells why */
    if (S_ISREG(facts.st_mode)) return TARGET_FILE;
    bool link = S_ISLNK(facts.st_mode), led = link && stat(path, &meant) == 0;
    mode_t mode = led ? meant.st_mode : facts.st_mode;
    if (S_ISCHR(mode) || S_ISFIFO(mode)) return TARGET_STREAM;
    return link ? TARGET_LINK : TARGET_OTHER;
}

enum status file_may_write(const char *path, int replace, struct error *error) {
    enum target target = target_at(path);
    if (target == TARGET_LINK) {
        return error_input(error, "%s: is a symbolic link and is kept; name what it leads to",
                           path);
    }
    if (target == TARGET_OTHER) {
        return error_input(error, "%s: is not a regular file and is not replaced", path);
    }
    if (target != TARGET_FILE || replace) return STATUS_OK;
    return error_input(error, "%s: exists already and is kept; use --force to replace it", path);
}

void file_discard(const char *path) {
    if (target_at(path) == TARGET_FILE) unlink(path);
}

enum status file_fill(int fd, struct span bytes, const char *path, struct error *error) {
    bool good = fd >= 0 && write_all(fd, bytes) == STATUS_OK;
    int reason = errno;
    if (fd >= 0 && close(fd) != 0 && good) {
        good = false;
        reason = errno;
    }
    if (good) return STATUS_OK;
    return error_environment(error, "%s: cannot be written: %s", path, strerror(reason));
}

/* What has readers of its own cannot be renamed over. */
static enum status write_stream(const char *path, struct span bytes, struct error *error) {
    struct stat facts;
    int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    bool known = fd >= 0 && fstat(fd, &facts) == 0;
    if (fd >= 0 && !(known && (S_ISCHR(facts.st_mode) || S_ISFIFO(facts.st_mode)))) {
        close(fd);
        return error_input(error, "%s: was replaced while it was opened", path);
    }
    return file_fill(fd, bytes, path, error);
}

enum status file_write(const char *path, struct span bytes, unsigned mode, int replace,
                       struct error *error) {
    enum status allowed = file_may_write(path, replace, error);
    if (allowed != STATUS_OK) return allowed;
    if (target_at(path) == TARGET_STREAM) return write_stream(path, bytes, error);
    int length = snprintf(temporary_path, sizeof temporary_path, "%s.tmp-XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof temporary_path) {
        return error_input(error, "%s: path is too long", path);
    }
    int fd = create_temporary();
    if (fd < 0) return error_environment(error, "%s: cannot be created: %s", path, strerror(errno));
    enum status status = write_all(fd, bytes);
    if (status != STATUS_OK || fchmod(fd, (mode_t)mode) != 0) {
        status = error_environment(error, "%s: cannot be written: %s", path, strerror(errno));
    }
    if (close(fd) != 0 && status == STATUS_OK) {
        status = error_environment(error, "%s: cannot be written: %s", path, strerror(errno));
    }
    if (status == STATUS_OK) status = put_in_place(path, replace, error);
    if (status != STATUS_OK) unlink(temporary_path);
    temporary_active = 0;
    return status;
}

enum status file_make_directories(const char *path, struct error *error) {
    char part[PATH_BYTES];
    size_t length = strlen(path);
    if (length >= sizeof part) return error_input(error, "%s: path is too long", path);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST) {
            return error_environment(error, "%s: cannot be created: %s", part, strerror(errno));
        }
    }
    return STATUS_OK;
}
