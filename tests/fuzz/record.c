/* record.json from anywhere: refused, or read to a record whose bytes are the input. */
#include <assert.h>
#include <string.h>

#include "registry/page.h"
#include "registry/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct span no_artwork[RECORD_SCHEMES_MAXIMUM];
    struct arena arena = {0};
    struct record record;
    struct error error;
    if (record_read(&arena, (struct span){data, size}, &record, &error) == STATUS_OK) {
        struct buffer again, page;
        buffer_init(&again, RECORD_MAXIMUM_BYTES);
        buffer_init(&page, PAGE_MAXIMUM_BYTES);
        assert(record_write(&record, &again, &error) == STATUS_OK);
        assert(again.size_bytes == size && memcmp(again.data, data, size) == 0);
        record.schemes_count = 0; /* their artwork is in files of their own */
        if (page_write(&arena, &record, no_artwork, &page, &error) == STATUS_OK) {
            assert(!strstr((const char *)page.data, "<script"));
        }
        buffer_free(&again);
        buffer_free(&page);
    }
    arena_free(&arena);
    return 0;
}
