/* The MPS2 board has no random number generator, so the host's is read. On a real part
 * this file reads the TRNG and its health tests instead. */
#include "random.h"

#include "semihost.h"

enum { EXIT_NO_RANDOM_SOURCE = 4 };

uint32_t random_seed(void) {
    uint32_t seed;
    if (semihost_read_file("/dev/urandom", &seed, sizeof seed) != 0)
        semihost_exit(EXIT_NO_RANDOM_SOURCE);
    return seed;
}
