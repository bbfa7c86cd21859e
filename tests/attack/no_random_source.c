/* Preloaded into QEMU: a host whose random source cannot be opened. Everything else opens
 * as ever. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/types.h>

typedef int (*open_function)(const char *path, int flags, mode_t mode);

static int open_unless_random(const char *next_name, const char *path, int flags, mode_t mode) {
    if (strcmp(path, "/dev/urandom") == 0) {
        errno = EACCES;
        return -1;
    }
    open_function next;
    *(void **)&next = dlsym(RTLD_NEXT, next_name);
    return next(path, flags, mode);
}

static mode_t mode_of(int flags, va_list arguments) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_unless_random("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_unless_random("open64", path, flags, mode);
}
