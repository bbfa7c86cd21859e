/* What newlib wants from an operating system, over semihosting: standard output and error,
 * a heap, and an exit code. There are no files, and standard input is at its end. */
#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>

#include "semihosting.h"

#undef errno
extern int errno;
extern char __HeapBase[], __HeapLimit[];

int _write(int file, const char *data, int size);
int _read(int file, char *data, int size);
int _open(const char *path, int flags, int mode);
int _close(int file);
int _lseek(int file, int offset, int whence);
int _fstat(int file, struct stat *status);
int _stat(const char *path, struct stat *status);
int _isatty(int file);
int _link(const char *from, const char *to);
int _unlink(const char *path);
int _getpid(void);
int _kill(int process, int signal_number);
clock_t _times(struct tms *times);
int _gettimeofday(struct timeval *time, void *zone);
void *_sbrk(ptrdiff_t increment);
void _exit(int code);

/* One handle for both streams, so that their order is kept. */
static int32_t console = -1;

int _write(int file, const char *data, int size) {
    if (file != 1 && file != 2) {
        errno = EBADF;
        return -1;
    }
    if (console < 0) {
        const uint32_t open[3] = {(uint32_t)(uintptr_t) ":tt", SEMIHOSTING_MODE_W, 3};
        console = semihosting_call(SEMIHOSTING_OPEN, open);
    }
    const uint32_t block[3] = {(uint32_t)console, (uint32_t)(uintptr_t)data, (uint32_t)size};
    return size - semihosting_call(SEMIHOSTING_WRITE, block);
}

void *_sbrk(ptrdiff_t increment) {
    static char *end = __HeapBase;
    char *old = end;
    if (increment > __HeapLimit - end || increment < __HeapBase - end) {
        errno = ENOMEM;
        return (void *)-1;
    }
    end += increment;
    return old;
}

void _exit(int code) {
    semihosting_exit((uint32_t)code);
}

static int refuse(int reason) {
    errno = reason;
    return -1;
}

int _read(int file, char *data, int size) {
    (void)data, (void)size;
    return file == 0 ? 0 : refuse(EBADF);
}

int _fstat(int file, struct stat *status) {
    if (file < 0 || file > 2) return refuse(EBADF);
    *status = (struct stat){.st_mode = S_IFIFO, .st_blksize = 1024};
    return 0;
}

int _isatty(int file) {
    (void)file;
    errno = ENOTTY;
    return 0;
}

int _open(const char *path, int flags, int mode) {
    (void)path, (void)flags, (void)mode;
    return refuse(ENOENT);
}
int _stat(const char *path, struct stat *status) {
    (void)path, (void)status;
    return refuse(ENOENT);
}
int _close(int file) {
    (void)file;
    return refuse(EBADF);
}
int _lseek(int file, int offset, int whence) {
    (void)file, (void)offset, (void)whence;
    return refuse(ESPIPE);
}
int _link(const char *from, const char *to) {
    (void)from, (void)to;
    return refuse(EMLINK);
}
int _unlink(const char *path) {
    (void)path;
    return refuse(ENOENT);
}
int _getpid(void) {
    return 1;
}

/* abort() and raise() come here: what a shell would report for a killed program. */
int _kill(int process, int signal_number) {
    (void)process;
    semihosting_exit(128u + (uint32_t)signal_number);
}

/* Time stands still: runs must repeat to the instruction. */
clock_t _times(struct tms *times) {
    *times = (struct tms){0};
    return 0;
}
int _gettimeofday(struct timeval *time, void *zone) {
    (void)zone;
    *time = (struct timeval){0};
    return 0;
}
