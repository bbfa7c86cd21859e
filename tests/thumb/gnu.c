#include "tests/thumb/gnu.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void give_up(const char *what) {
    perror(what);
    exit(2);
}

static void run_objdump(int code_file, int out, uint32_t address) {
    const char *program = getenv("OBJDUMP");
    char file[64], vma[64];
    snprintf(file, sizeof file, "/proc/self/fd/%d", code_file);
    snprintf(vma, sizeof vma, "--adjust-vma=0x%x", address);
    if (dup2(out, STDOUT_FILENO) < 0) give_up("dup2");
    execlp(program ? program : "arm-none-eabi-objdump", "objdump", "-D", "-z", "-b", "binary", "-m",
           "arm", "-Mforce-thumb,reg-names-raw", "--no-show-raw-insn", vma, file, (char *)NULL);
    give_up("arm-none-eabi-objdump");
}

static int file_in_memory(const uint8_t *code, size_t size_bytes) {
    int file = memfd_create("code", 0);
    if (file < 0) give_up("memfd_create");
    while (size_bytes > 0) {
        ssize_t done = write(file, code, size_bytes);
        if (done <= 0) give_up("write");
        code += done;
        size_bytes -= (size_t)done;
    }
    return file;
}

void gnu_open(struct gnu_listing *listing, const uint8_t *code, size_t size_bytes,
              uint32_t address) {
    int ends[2];
    listing->code_file = file_in_memory(code, size_bytes);
    if (pipe(ends) != 0) give_up("pipe");
    fflush(stdout);
    listing->child = fork();
    if (listing->child < 0) give_up("fork");
    if (listing->child == 0) {
        close(ends[0]);
        run_objdump(listing->code_file, ends[1], address);
    }
    close(ends[1]);
    listing->pipe = fdopen(ends[0], "r");
    if (!listing->pipe) give_up("fdopen");
    setvbuf(listing->pipe, NULL, _IOFBF, 1 << 18);
}

/* Ends the text at `separator` and returns what follows, "" when it does not occur. */
static char *split(char *text, char separator) {
    char *at = strchr(text, separator);
    if (!at) return text + strlen(text);
    *at = '\0';
    return at + 1;
}

/* "10000000:\tldr.w\tr15, [r15, #-4]\t@ 0x10000038" */
bool gnu_next(struct gnu_listing *listing, struct gnu_line *line) {
    while (fgets_unlocked(listing->text, sizeof listing->text, listing->pipe)) {
        char *end;
        unsigned long address = strtoul(listing->text, &end, 16);
        if (end == listing->text || end[0] != ':' || end[1] != '\t') continue;
        split(end, '\n');
        line->address = (uint32_t)address;
        line->mnemonic = end + 2;
        line->comment = split(end + 2, '@');
        line->operands = split(end + 2, '\t');
        return true;
    }
    return false;
}

void gnu_close(struct gnu_listing *listing) {
    int status = 0;
    fclose(listing->pipe);
    close(listing->code_file);
    if (waitpid(listing->child, &status, 0) < 0 || status != 0) {
        fprintf(stderr, "objdump failed\n");
        exit(2);
    }
}
