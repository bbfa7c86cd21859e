/* A small seeded generator for the tests: SplitMix64 (Steele, Lea, Flood 2014). The same
 * seed gives the same samples on every machine. */
#ifndef TESTS_THUMB_RANDOM_H
#define TESTS_THUMB_RANDOM_H

#include <stdint.h>
#include <stdlib.h>

/* PROOFMARK_SEED, or else the one of every `make check`: what one run passes, each does. */
static inline uint64_t random_seed(void) {
    const char *given = getenv("PROOFMARK_SEED");
    return given ? strtoull(given, NULL, 0) : 1;
}

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random) {
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint32_t random_below(struct random *random, uint32_t limit) {
    return (uint32_t)((random_next(random) >> 32) * limit >> 32);
}

#endif
