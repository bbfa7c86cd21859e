/* See temporary.h.
 *
 * The signal handler may only call what POSIX lists as async-signal-safe, so all paths are
 * kept in static arrays, written before the file they name exists, and are removed by
 * unlink() and rmdir() alone. */
#include "cli/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char target_path[TEMPORARY_PATH_BYTES];
static char folder_path[TEMPORARY_PATH_BYTES];
static char above_path[TEMPORARY_PATH_BYTES]; /* the folder's, of which this made ... */
static size_t above_made_from;                /* ... those that end from here on; 0: none */
static char made_paths[TEMPORARY_FILES_MAXIMUM][TEMPORARY_PATH_BYTES];
static bool made_is_folder[TEMPORARY_FILES_MAXIMUM];
static volatile sig_atomic_t made_count;
static volatile sig_atomic_t active;
static volatile sig_atomic_t child_group;
static pid_t owner; /* what this process forks leaves the folder alone */

static struct sigaction before[FILE_SIGNALS];

/* The folders above that were made for this one, as far as they are empty. */
static void remove_above(void) {
    size_t length = above_made_from ? strlen(above_path) : 0;
    while (length > 0 && length >= above_made_from) {
        above_path[length] = '\0';
        if (rmdir(above_path) != 0) break;
        while (length > 0 && above_path[length] != '/')
            length--;
    }
    above_made_from = 0;
}

static void remove_all(void) {
    for (int i = (int)made_count - 1; i >= 0; i--) {
        if (made_is_folder[i]) rmdir(made_paths[i]);
        else unlink(made_paths[i]);
    }
    rmdir(folder_path);
    remove_above();
}

static void on_signal(int number) {
    int saved = errno;
    if (child_group > 0) kill(-(pid_t)child_group, SIGKILL);
    if (active) remove_all();
    active = 0;
    for (size_t i = 0; i < FILE_SIGNALS; i++) { /* who was there before goes on from here */
        if (file_signals[i] == number) sigaction(number, &before[i], NULL);
    }
    errno = saved;
    raise(number);
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    for (size_t i = 0; i < FILE_SIGNALS; i++) {
        sigaction(file_signals[i], NULL, &before[i]);
        /* What the caller's shell told us to ignore stays ignored. */
        if (before[i].sa_handler != SIG_IGN) sigaction(file_signals[i], &action, NULL);
    }
}

static void release_signals(void) {
    for (size_t i = 0; i < FILE_SIGNALS; i++)
        sigaction(file_signals[i], &before[i], NULL);
}

static sigset_t block_signals(void) {
    sigset_t set, old;
    sigemptyset(&set);
    for (size_t i = 0; i < FILE_SIGNALS; i++)
        sigaddset(&set, file_signals[i]);
    sigprocmask(SIG_BLOCK, &set, &old);
    return old;
}

/* exit() from wherever it is called: memory that ended, on any thread. */
static void on_exit_of_process(void) {
    if (getpid() != owner) return;
    if (active && child_group > 0) kill(-(pid_t)child_group, SIGKILL);
    temporary_end();
}

/* Makes the folders above, and notes which were not there. */
static enum status make_above(const char *target, int length, struct error *error) {
    struct stat facts;
    snprintf(above_path, sizeof above_path, "%.*s", length, target);
    size_t from = 0;
    for (size_t i = 1; i <= (size_t)length && from == 0; i++) {
        char next = above_path[i];
        if (next != '/' && next != '\0') continue;
        above_path[i] = '\0';
        if (lstat(above_path, &facts) != 0 && errno == ENOENT) from = i;
        above_path[i] = next;
    }
    enum status status = file_make_directories(above_path, error);
    above_made_from = from;
    if (status != STATUS_OK) remove_above();
    return status;
}

enum status temporary_begin(const char *target, struct error *error) {
    const char *slash = strrchr(target, '/');
    int front = slash ? (int)(slash - target) + 1 : 0;
    int length =
        snprintf(folder_path, sizeof folder_path, "%.*s.%s.XXXXXX", front, target, target + front);
    if (length < 0 || (size_t)length >= sizeof folder_path - FILENAME_MAX / 16) {
        return error_input(error, "%s: path is too long", target);
    }
    snprintf(target_path, sizeof target_path, "%s", target);
    above_made_from = 0;
    if (front > 1) {
        enum status status = make_above(target, front - 1, error);
        if (status != STATUS_OK) return status;
    }
    made_count = 0;
    child_group = 0;
    if (!owner && atexit(on_exit_of_process) != 0) {
        remove_above();
        return error_environment(error, "%s: no memory to begin it", target);
    }
    owner = getpid();
    sigset_t old = block_signals();
    bool made = mkdtemp(folder_path) != NULL;
    if (made) {
        catch_signals();
        active = 1;
    }
    int reason = errno;
    sigprocmask(SIG_SETMASK, &old, NULL);
    if (!made) {
        remove_above();
        return error_environment(error, "%s: cannot be created: %s", target, strerror(reason));
    }
    return STATUS_OK;
}

const char *temporary_path(void) {
    return folder_path;
}

/* The next free path; it is counted before the file exists. */
static enum status next_path(const char *name, size_t name_length, bool folder, const char **out,
                             struct error *error) {
    int index = (int)made_count;
    if (index == TEMPORARY_FILES_MAXIMUM) {
        return error_input(error, "%s: a release has too many files", name);
    }
    char *path = made_paths[index];
    int length =
        snprintf(path, TEMPORARY_PATH_BYTES, "%s/%.*s", folder_path, (int)name_length, name);
    if (length < 0 || length >= TEMPORARY_PATH_BYTES) {
        return error_input(error, "%s: path is too long", name);
    }
    made_is_folder[index] = folder;
    made_count = index + 1;
    *out = path;
    return STATUS_OK;
}

static enum status make_folder_of(const char *name, struct error *error) {
    const char *slash = strchr(name, '/');
    const char *path = NULL;
    char wanted[TEMPORARY_PATH_BYTES];
    struct stat facts;
    if (!slash) return STATUS_OK;
    int length = snprintf(wanted, sizeof wanted, "%s/%.*s", folder_path, (int)(slash - name), name);
    if (length < 0 || (size_t)length >= sizeof wanted) {
        return error_input(error, "%s: path is too long", name);
    }
    if (stat(wanted, &facts) == 0) return STATUS_OK;
    enum status status = next_path(name, (size_t)(slash - name), true, &path, error);
    if (status != STATUS_OK || !path) return status;
    if (mkdir(path, 0777) != 0) {
        status = error_environment(error, "%s: cannot be created: %s", path, strerror(errno));
    }
    return status;
}

enum status temporary_write(const char *name, struct span bytes, struct error *error) {
    const char *path = NULL;
    enum status status = make_folder_of(name, error);
    if (status == STATUS_OK) status = next_path(name, strlen(name), false, &path, error);
    if (status != STATUS_OK || !path) return status;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return file_fill(fd, bytes, path, error);
}

void temporary_child(pid_t group) {
    child_group = (sig_atomic_t)group;
}

static int remove_entry(const char *path, const struct stat *facts, int kind, struct FTW *place) {
    (void)facts, (void)kind, (void)place;
    return remove(path);
}

/* Where the file system cannot exchange two names. What was there goes back to its place when the
 * new folder does not come to it. */
static enum status exchange_by_steps(const char **old, struct error *error) {
    static char aside[TEMPORARY_PATH_BYTES + 8];
    snprintf(aside, sizeof aside, "%s.old", folder_path);
    *old = aside;
    if (rename(target_path, aside) != 0) {
        return error_environment(error, "%s: cannot be replaced: %s", target_path, strerror(errno));
    }
    if (rename(folder_path, target_path) == 0) return STATUS_OK;
    int reason = errno;
    if (rename(aside, target_path) != 0) {
        return error_environment(error, "%s: cannot be replaced: %s; what was there is %s",
                                 target_path, strerror(reason), aside);
    }
    return error_environment(error, "%s: cannot be replaced: %s", target_path, strerror(reason));
}

/* One step where the file system can exchange two names. What was there is removed then; a rest
 * of it does not make this fail. */
static enum status exchange(struct error *error) {
    const char *old = folder_path;
    if (renameat2(AT_FDCWD, folder_path, AT_FDCWD, target_path, RENAME_EXCHANGE) != 0) {
        if (errno != EINVAL && errno != ENOSYS) {
            return error_environment(error, "%s: cannot be replaced: %s", target_path,
                                     strerror(errno));
        }
        enum status status = exchange_by_steps(&old, error);
        if (status != STATUS_OK) return status;
    }
    nftw(old, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return STATUS_OK;
}

static enum status place_new(struct error *error) {
    int failed = renameat2(AT_FDCWD, folder_path, AT_FDCWD, target_path, RENAME_NOREPLACE);
    if (failed && (errno == EINVAL || errno == ENOSYS)) failed = rename(folder_path, target_path);
    if (!failed) return STATUS_OK;
    if (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR) {
        return error_input(error, "%s: exists already and is kept; use --force to replace it",
                           target_path);
    }
    return error_environment(error, "%s: %s", target_path, strerror(errno));
}

static void sync_folder(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd); /* what can be done for durability; the folder is in place either way */
    close(fd);
}

enum status temporary_place(bool replace, struct error *error) {
    struct stat facts;
    chmod(folder_path, 0755); /* mkdtemp() made it for the owner alone */
    sync_folder(folder_path);
    sigset_t old = block_signals();
    bool there = lstat(target_path, &facts) == 0;
    enum status status = replace && there ? exchange(error) : place_new(error);
    if (status == STATUS_OK) {
        active = 0;
        release_signals();
        char above[TEMPORARY_PATH_BYTES];
        const char *slash = strrchr(target_path, '/');
        snprintf(above, sizeof above, "%.*s", slash ? (int)(slash - target_path) : 1,
                 slash ? target_path : ".");
        if (*above) sync_folder(above);
    }
    sigprocmask(SIG_SETMASK, &old, NULL);
    return status;
}

void temporary_end(void) {
    sigset_t old = block_signals();
    if (active) {
        remove_all();
        active = 0;
        release_signals();
    }
    sigprocmask(SIG_SETMASK, &old, NULL);
}
