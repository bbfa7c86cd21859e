/* Flip one bit of a hardened image, at seeded places all over the file: `check` with the
 * original finds each one (or refuses the file). There is no padding to hide in: bytes
 * that mean nothing must be zero.
 *
 *     any_flipped_bit_is_found OUT.elf IN.elf [COUNT [SEED]]
 *
 * The flips are shared out over two processes; those that nobody found are printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "check/check.h"
#include "firmware/read/read.h"
#include "tests/thumb/random.h"

enum { WORKERS = 2, DEFAULT_COUNT = 10000 };

static uint64_t next_random(uint64_t *state) {
    uint64_t x = *state += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93U;
    return x ^ (x >> 32);
}

static int is_found(struct span image, const struct span *original) {
    struct check_result result;
    struct error error;
    enum status status = check_image(image, original, NULL, &result, &error);
    int found = status == STATUS_BAD_INPUT || (status == STATUS_OK && !result.holds);
    check_free(&result);
    return found;
}

/* The flips of one worker: every WORKERS-th of the sequence. Returns how many were missed. */
static int flip(struct span image, const struct span *original, uint64_t seed, unsigned long count,
                unsigned worker) {
    uint8_t *copy = malloc(image.size_bytes);
    int missed = 0;
    if (!copy) return 1;
    memcpy(copy, image.data, image.size_bytes);
    for (unsigned long i = 0; i < count; i++) {
        uint64_t place = next_random(&seed) % (image.size_bytes * 8);
        if (i % WORKERS != worker) continue;
        copy[place / 8] ^= (uint8_t)(1U << place % 8);
        if (!is_found((struct span){copy, image.size_bytes}, original)) {
            printf("missed: bit %u of byte 0x%llx\n", (unsigned)(place % 8),
                   (unsigned long long)(place / 8));
            missed++;
        }
        copy[place / 8] ^= (uint8_t)(1U << place % 8);
    }
    free(copy);
    return missed;
}

int main(int argc, char **argv) {
    struct arena arena = {0};
    struct error error;
    struct span image, original;
    if (argc < 3) return 2;
    unsigned long count = argc > 3 ? strtoul(argv[3], NULL, 0) : DEFAULT_COUNT;
    uint64_t seed = argc > 4 ? (uint64_t)strtoull(argv[4], NULL, 0) : random_seed();
    if (file_read(&arena, argv[1], FW_INPUT_MAXIMUM_BYTES, &image, &error) != STATUS_OK ||
        file_read(&arena, argv[2], FW_INPUT_MAXIMUM_BYTES, &original, &error) != STATUS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    printf("%lu flips, seed %llu\n", count, (unsigned long long)seed);
    if (is_found(image, &original)) {
        printf("the image does not hold as it is\n");
        return 1;
    }
    fflush(stdout);
    pid_t workers[WORKERS];
    for (unsigned w = 0; w < WORKERS; w++) {
        workers[w] = fork();
        if (workers[w] == 0) {
            int missed = flip(image, &original, seed, count, w);
            fflush(stdout);
            _exit(missed != 0);
        }
    }
    int failed = 0, status;
    for (unsigned w = 0; w < WORKERS; w++) {
        if (waitpid(workers[w], &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            failed = 1;
        }
    }
    arena_free(&arena);
    return failed;
}
