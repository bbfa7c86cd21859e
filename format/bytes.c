/* See bytes.h. */
#include "format/bytes.h"

bool pm_bytes_equal(struct pm_bytes a, struct pm_bytes b) {
    if (a.size_bytes != b.size_bytes) return false;
    uint8_t difference = 0;
    for (size_t i = 0; i < a.size_bytes; i++) {
        difference = (uint8_t)(difference | (a.data[i] ^ b.data[i]));
    }
    return difference == 0;
}
