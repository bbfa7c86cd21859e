/* Little-endian integers in byte arrays, as our fixed records have them. */
#ifndef FORMAT_LITTLE_ENDIAN_H
#define FORMAT_LITTLE_ENDIAN_H

#include <stdint.h>

static inline void pm_put_u16(uint8_t *out, uint16_t value) {
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
}

static inline void pm_put_u32(uint8_t *out, uint32_t value) {
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

static inline void pm_put_u64(uint8_t *out, uint64_t value) {
    pm_put_u32(out, (uint32_t)value);
    pm_put_u32(out + 4, (uint32_t)(value >> 32));
}

static inline uint16_t pm_get_u16(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static inline uint32_t pm_get_u32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static inline uint64_t pm_get_u64(const uint8_t *bytes) {
    return pm_get_u32(bytes) | (uint64_t)pm_get_u32(bytes + 4) << 32;
}

#endif
