/* An image from anywhere, with and without an original: refused with a message, or judged;
 * never read out of bounds, never without end. The input is two files: a 32-bit length,
 * the image, and the rest is the original (nothing: there is none). */
#include <assert.h>
#include <string.h>

#include "check/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span whole = {data, size}, image, original;
    struct check_result result;
    struct error error = {""};
    uint32_t image_bytes;
    if (!span_u32le(whole, 0, &image_bytes) || !span_sub(whole, 4, image_bytes, &image)) return 0;
    bool has_original =
        span_sub(whole, 4 + (size_t)image_bytes, size - 4 - image_bytes, &original) &&
        original.size_bytes != 0;
    enum status status = check_image(image, has_original ? &original : NULL, NULL, &result, &error);
    if (status == STATUS_OK) {
        assert(json_is_object(result.figures));
        assert(result.holds == (json_array_size(json_object_get(result.figures, "findings")) == 0));
    } else {
        assert(error.message[0] && !result.figures && !result.holds);
    }
    check_free(&result);
    return 0;
}
