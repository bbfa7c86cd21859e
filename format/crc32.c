/* See crc32.h. By bits: a record is 128 bytes, a table would cost more than it saves. */
#include "format/crc32.h"

uint32_t pm_crc32(const uint8_t *bytes, size_t size_bytes) {
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size_bytes; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320U & -(crc & 1));
    }
    return ~crc;
}
