/* A folder under way: built beside its place, put there whole, or gone.
 *
 * temporary_begin() makes an empty folder beside the target; files are added to it; and
 * temporary_place() renames it to the target in one step. Until then the target is
 * untouched. Whatever ends the process on the way there (an error, exit(), SIGINT, SIGTERM,
 * SIGHUP) takes the folder away, with those above that were made for it and are empty, says
 * so in a sentence where it is a signal, and kills the program that temporary_child() named, with
 * its process group.
 *
 * One folder at a time in a process, since a signal handler has to find it. */
#ifndef CLI_TEMPORARY_H
#define CLI_TEMPORARY_H

#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"

enum { TEMPORARY_PATH_BYTES = 4096, TEMPORARY_FILES_MAXIMUM = 80 };

/* `target` must not end in '/'; the folders above it are made. */
enum status temporary_begin(const char *target, struct error *error);

/* The folder's path while it is under way. */
const char *temporary_path(void);

/* name may hold one '/', whose folder is made. Synced to disk. */
enum status temporary_write(const char *name, struct span bytes, struct error *error);

/* The process group to kill on a signal; 0: none. */
void temporary_child(pid_t group);

/* replace: an existing target changes places with the new folder and is then removed;
 * otherwise it is kept, and that is bad input. */
enum status temporary_place(bool replace, struct error *error);

/* Takes the folder away when it was not placed; does nothing otherwise. */
void temporary_end(void);

#endif
