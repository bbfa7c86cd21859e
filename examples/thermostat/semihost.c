/* Semihosting calls: operation in r0, argument block in r1, `bkpt 0xab`, result in r0. */
#include "semihost.h"

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_READ = 0x06,
    SYS_EXIT_EXTENDED = 0x20,
    OPEN_READ_BINARY = 1,
    STOPPED_APPLICATION_EXIT = 0x20026,
};

static uint32_t semihost_call(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void semihost_exit(uint32_t code) {
    const uint32_t block[2] = {STOPPED_APPLICATION_EXIT, code};
    for (;;)
        semihost_call(SYS_EXIT_EXTENDED, block);
}

static uint32_t string_length(const char *text) {
    uint32_t length = 0;
    while (text[length])
        length++;
    return length;
}

int semihost_read_file(const char *path, void *out, uint32_t size_bytes) {
    const uint32_t open[3] = {(uint32_t)path, OPEN_READ_BINARY, string_length(path)};
    uint32_t handle = semihost_call(SYS_OPEN, open);
    if (handle == UINT32_MAX) return -1;

    /* SYS_READ returns how many bytes are missing. */
    const uint32_t read[3] = {handle, (uint32_t)out, size_bytes};
    uint32_t missing = semihost_call(SYS_READ, read);
    const uint32_t close[1] = {handle};
    semihost_call(SYS_CLOSE, close);
    return missing == 0 ? 0 : -1;
}
