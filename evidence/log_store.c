/* See log_store.h. */
#include "evidence/log_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "evidence/log.h"

static enum status fault(struct error *error, const char *what) {
    return error_environment(error, "%s: %s", what, strerror(errno));
}

void log_store_init(struct log_store *store) {
    *store = (struct log_store){-1, -1, -1, -1};
}

void log_store_close(struct log_store *store) {
    int *fds[] = {&store->leaves_fd, &store->envelopes_fd, &store->directory_fd, &store->lock_fd};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (*fds[i] >= 0) close(*fds[i]); /* the lock last: closing it releases it */
        *fds[i] = -1;
    }
}

static enum status lock(int fd, struct error *error) {
    enum { STEP_MS = 20 };
    for (int waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited_ms += STEP_MS) {
        const struct timespec pause = {.tv_nsec = STEP_MS * 1000000L};
        if (errno != EWOULDBLOCK && errno != EINTR) return fault(error, "lock");
        if (waited_ms >= LOG_LOCK_WAIT_MS) {
            return error_environment(error, "another process has held the log for %d seconds",
                                     LOG_LOCK_WAIT_MS / 1000);
        }
        nanosleep(&pause, NULL);
    }
    return STATUS_OK;
}

/* A log is only begun in a directory of its own. */
static enum status check_names(int directory_fd, struct error *error) {
    static const char *const ours[] = {
        ".", "..", "lock", "leaves", "checkpoint", "checkpoint.tmp", "envelopes",
    };
    enum status status = STATUS_OK;
    int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        status = fault(error, "its names cannot be read");
        if (fd >= 0) close(fd);
        return status;
    }
    for (const struct dirent *entry; status == STATUS_OK && (entry = readdir(directory));) {
        bool known = false;
        for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
            known = known || strcmp(entry->d_name, ours[i]) == 0;
        }
        if (!known) {
            status = error_input(error, "is not a log's directory: it holds %s", entry->d_name);
        }
    }
    closedir(directory);
    return status;
}

/* Syncs a directory and those above it, whose entries may be as new, until one cannot be
 * opened or is the root. */
static enum status sync_upwards(int directory_fd, struct error *error) {
    if (fsync(directory_fd) != 0) return fault(error, "sync");
    int fd = openat(directory_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int level = 0; fd >= 0 && level < 64; level++) {
        struct stat here, above;
        int next = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool root = fstat(fd, &here) != 0 || next < 0 || fstat(next, &above) != 0 ||
                    (here.st_ino == above.st_ino && here.st_dev == above.st_dev);
        enum status status = fsync(fd) == 0 ? STATUS_OK : fault(error, "sync");
        close(fd);
        fd = next;
        if (status != STATUS_OK) {
            if (fd >= 0) close(fd);
            return status;
        }
        if (root) break;
    }
    if (fd >= 0) close(fd);
    return STATUS_OK;
}

enum status log_store_open(struct log_store *store, const char *directory, struct error *error) {
    struct stat facts;
    enum status status = file_make_directories(directory, error);
    if (status != STATUS_OK) return status;
    store->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->directory_fd < 0) return fault(error, "cannot be opened");
    bool begun = fstatat(store->directory_fd, "checkpoint", &facts, 0) == 0;
    if (!begun) status = check_names(store->directory_fd, error);
    if (status != STATUS_OK) return status;
    store->lock_fd = openat(store->directory_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (store->lock_fd < 0) return fault(error, "lock");
    status = lock(store->lock_fd, error);
    if (status != STATUS_OK) return status;
    if (mkdirat(store->directory_fd, "envelopes", 0777) != 0 && errno != EEXIST) {
        return fault(error, "envelopes");
    }
    store->envelopes_fd =
        openat(store->directory_fd, "envelopes", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->envelopes_fd < 0) return fault(error, "envelopes");
    store->leaves_fd = openat(store->directory_fd, "leaves", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (store->leaves_fd < 0) return fault(error, "leaves");
    return begun ? STATUS_OK : sync_upwards(store->directory_fd, error);
}

static enum status read_fd(int fd, size_t maximum_bytes, struct buffer *out, struct error *error) {
    uint8_t block[1 << 14];
    size_t offset = 0;
    while (offset < maximum_bytes) {
        size_t wanted =
            maximum_bytes - offset < sizeof block ? maximum_bytes - offset : sizeof block;
        ssize_t got = pread(fd, block, wanted, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fault(error, "cannot be read");
        if (got == 0) break;
        buffer_append(out, block, (size_t)got);
        offset += (size_t)got;
    }
    if (out->failed) return error_environment(error, "no memory for the log");
    return STATUS_OK;
}

static enum status write_fd(int fd, struct span bytes, off_t offset, const char *what,
                            struct error *error) {
    while (bytes.size_bytes > 0) {
        ssize_t put = pwrite(fd, bytes.data, bytes.size_bytes, offset);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return fault(error, what);
        bytes.data += put;
        bytes.size_bytes -= (size_t)put;
        offset += put;
    }
    return fsync(fd) == 0 ? STATUS_OK : fault(error, what);
}

/* Temporary file, sync, rename, sync the directory. The lock is held, so the temporary
 * name is ours, and one that a crash left behind is overwritten. */
static enum status replace(int directory_fd, const char *name, struct span bytes,
                           struct error *error) {
    char temporary[96];
    snprintf(temporary, sizeof temporary, "%s.tmp", name);
    int fd = openat(directory_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return fault(error, temporary);
    enum status status = write_fd(fd, bytes, 0, name, error);
    if (close(fd) != 0 && status == STATUS_OK) status = fault(error, name);
    if (status == STATUS_OK && renameat(directory_fd, temporary, directory_fd, name) != 0) {
        status = fault(error, name);
    }
    if (status != STATUS_OK) {
        unlinkat(directory_fd, temporary, 0);
        return status;
    }
    return fsync(directory_fd) == 0 ? STATUS_OK : fault(error, name);
}

enum status log_store_read_checkpoint(const struct log_store *store, struct buffer *out,
                                      bool *there, struct error *error) {
    struct stat facts;
    int fd = openat(store->directory_fd, "checkpoint", O_RDONLY | O_CLOEXEC);
    *there = fd >= 0;
    if (fd >= 0) {
        enum status status = read_fd(fd, out->maximum_bytes, out, error);
        close(fd);
        return status;
    }
    if (errno != ENOENT) return fault(error, "checkpoint");
    if (fstat(store->leaves_fd, &facts) != 0) return fault(error, "leaves");
    if (facts.st_size != 0) {
        return error_input(error, "the log is damaged: it has leaves and no checkpoint; "
                                  "restore it from a copy");
    }
    return STATUS_OK;
}

enum status log_store_replace_checkpoint(const struct log_store *store, struct span text,
                                         struct error *error) {
    return replace(store->directory_fd, "checkpoint", text, error);
}

enum status log_store_read_leaves(const struct log_store *store, size_t size_bytes,
                                  struct buffer *out, struct error *error) {
    enum status status = read_fd(store->leaves_fd, size_bytes, out, error);
    if (status == STATUS_OK && out->size_bytes != size_bytes) {
        return error_input(error, "the log is damaged: it has fewer leaves than its checkpoint "
                                  "says; restore it from a copy");
    }
    return status;
}

enum status log_store_cut_leaves(const struct log_store *store, size_t size_bytes,
                                 struct error *error) {
    struct stat facts;
    if (fstat(store->leaves_fd, &facts) != 0) return fault(error, "leaves");
    if ((uintmax_t)facts.st_size <= size_bytes) return STATUS_OK;
    if (ftruncate(store->leaves_fd, (off_t)size_bytes) != 0 || fsync(store->leaves_fd) != 0) {
        return fault(error, "leaves");
    }
    return STATUS_OK;
}

enum status log_store_append_leaves(const struct log_store *store, struct span records,
                                    struct error *error) {
    struct stat facts;
    if (fstat(store->leaves_fd, &facts) != 0) return fault(error, "leaves");
    return write_fd(store->leaves_fd, records, facts.st_size, "leaves", error);
}

enum status log_store_write_envelope(const struct log_store *store,
                                     const uint8_t digest[DIGEST_BYTES], struct span envelope,
                                     struct error *error) {
    char name[DIGEST_HEX_BYTES + 5], hex[DIGEST_HEX_BYTES];
    digest_to_hex(digest, hex);
    snprintf(name, sizeof name, "%s.json", hex);
    return replace(store->envelopes_fd, name, envelope, error);
}
