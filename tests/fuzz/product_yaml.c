/* product.yaml from anywhere: refused with a message, or a whole description. */
#include <assert.h>
#include <string.h>

#include "product/product.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct product_date today = {2026, 11, 22};
    struct arena arena = {0};
    struct product product;
    struct error error = {""};
    struct span text = {data, size};
    if (product_read(&arena, "product.yaml", text, today, &product, &error) == STATUS_OK) {
        assert(product.product.name && product.product.id && product.firmware.file);
        assert(product.support.ends.year >= 2026);
        assert(strlen(product_record_url(&arena, &product)) <= PRODUCT_URL_MAXIMUM_BYTES);
    } else {
        assert(strncmp(error.message, "product.yaml", 12) == 0);
    }
    arena_free(&arena);
    return 0;
}
