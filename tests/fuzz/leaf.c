/* Leaf records: what is read writes back to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "format/leaf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    struct pm_leaf leaf;
    uint8_t record[PM_LEAF_BYTES];
    if (!pm_leaf_read((struct pm_bytes){data, size_bytes}, &leaf)) return 0;
    if (size_bytes != PM_LEAF_BYTES || !pm_leaf_write(&leaf, record)) abort();
    if (memcmp(record, data, sizeof record) != 0) abort();
    return 0;
}
