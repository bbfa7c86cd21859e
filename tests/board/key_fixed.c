/* A key function for benches: always the same value, so that runs repeat to the
 * instruction. Never for a product. */
#include <stdint.h>

uint32_t pm_random(void);

uint32_t pm_random(void) {
    return 0x5eed1e55;
}
