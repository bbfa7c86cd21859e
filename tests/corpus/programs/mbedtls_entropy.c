/* "Entropy" for the mbedTLS self test: a fixed sequence, so that runs repeat. */
#include <stddef.h>
#include <stdint.h>

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t size, size_t *written);

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t size, size_t *written) {
    static uint32_t state = 1;
    (void)data;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u;
        output[i] = (unsigned char)(state >> 24);
    }
    *written = size;
    return 0;
}
