/* Whole files, read with a bound and written so that no reader ever sees half of one.
 *
 * file_write() writes to a temporary file beside the target, syncs it and renames it
 * into place. Until the rename the target is untouched; on any error, and on a signal of
 * file_signals when file_remove_temporaries_on_signal() was called, the temporary file is
 * removed. An existing file is kept unless FILE_REPLACE is given, and only a file is
 * ever replaced: a character device or FIFO (/dev/null, /dev/stdout, a pipe of the shell, by
 * way of links or not) is written to and stays, also without FILE_REPLACE, since nothing is lost
 * there; a folder, block device, socket or link to a file is refused. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

enum { FILE_KEEP = 0, FILE_REPLACE = 1 };

/* Read all of `path` into the arena. Larger than maximum_bytes is bad input; not there
 * or not readable is STATUS_BAD_INPUT as well, since the caller named it. */
enum status file_read(struct arena *arena, const char *path, size_t maximum_bytes, struct span *out,
                      struct error *error);

/* mode: permission bits of a new file, e.g. 0644 or 0600. */
enum status file_write(const char *path, struct span bytes, unsigned mode, int replace,
                       struct error *error);

/* Writes all to what was opened for it (or not: fd is -1, errno says why), syncs and closes it. */
enum status file_fill(int fd, struct span bytes, const char *path, struct error *error);

/* Refuses what file_write() would refuse because of what is at `path`, before there is anything
 * to write. */
enum status file_may_write(const char *path, int replace, struct error *error);

/* Takes back what file_write() made; what is no file stays. */
void file_discard(const char *path);

/* mkdir -p. */
enum status file_make_directories(const char *path, struct error *error);

/* The signals that end a command before it is done: SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU. */
enum { FILE_SIGNALS = 5 };
extern const int file_signals[FILE_SIGNALS];

/* Installs handlers that unlink the temporary file under way, say in a sentence on standard
 * error that it ended, then die of the signal. A signal that is ignored (nohup) stays so. */
void file_remove_temporaries_on_signal(void);

#endif
