/* The GNU disassembler's view of instructions: feeds code to objdump as one flat binary
 * and reads its listing back line by line.
 *
 *     struct gnu_listing listing;
 *     gnu_open(&listing, code, size, address);
 *     while (gnu_next(&listing, &line)) ...
 *     gnu_close(&listing);   ends the test program if objdump failed
 */
#ifndef TESTS_THUMB_GNU_H
#define TESTS_THUMB_GNU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct gnu_listing {
    FILE *pipe;
    pid_t child;
    int code_file;
    char text[512]; /* the line that the last gnu_next() took apart */
};

/* Pointers into the listing's line: valid until the next call. */
struct gnu_line {
    uint32_t address;
    const char *mnemonic; /* "" where objdump says UNDEFINED */
    const char *operands; /* "" when there are none */
    const char *comment;  /* after '@', "" when there is none */
};

void gnu_open(struct gnu_listing *listing, const uint8_t *code, size_t size_bytes,
              uint32_t address);
bool gnu_next(struct gnu_listing *listing, struct gnu_line *line);
void gnu_close(struct gnu_listing *listing);

#endif
