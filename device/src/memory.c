/* The four functions that a freestanding compiler calls on its own (ISO C 5.1.2.1, GCC's manual),
 * a byte at a time: what they move here is small, and the C library's cost 800 bytes. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size_bytes);
void *memmove(void *to, const void *from, size_t size_bytes);
void *memset(void *to, int value, size_t size_bytes);
int memcmp(const void *a, const void *b, size_t size_bytes);

void *memcpy(void *restrict to, const void *restrict from, size_t size_bytes) {
    for (size_t i = 0; i < size_bytes; i++)
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    return to;
}

void *memmove(void *to, const void *from, size_t size_bytes) {
    if ((uintptr_t)to - (uintptr_t)from >= size_bytes) return memcpy(to, from, size_bytes);
    while (size_bytes-- > 0)
        ((uint8_t *)to)[size_bytes] = ((const uint8_t *)from)[size_bytes];
    return to;
}

void *memset(void *to, int value, size_t size_bytes) {
    for (size_t i = 0; i < size_bytes; i++)
        ((uint8_t *)to)[i] = (uint8_t)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t size_bytes) {
    const uint8_t *left = a, *right = b;
    for (size_t i = 0; i < size_bytes; i++) {
        if (left[i] != right[i]) return left[i] - right[i];
    }
    return 0;
}
