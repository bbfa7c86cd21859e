/* Fuzzes an ELF file's way to another slot, slot_lay_out(), and the proof that it is the same
 * firmware, check_moved(): of what was laid out, and of the input beside itself with a byte
 * changed. Byte 9 of the input (padding of e_ident) chooses the slot. */
#include <stdlib.h>
#include <string.h>

#include "check/moved.h"
#include "release/slots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAXIMUM_BYTES = 1 << 16, SLOT_AT = 9, SLOT_BYTES = 0x80000, FAR = 0x100 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint32_t addresses[] = {0x90000, 0x10000, 0, 0x08004000, 0x1000, 0xfff80000};
    if (size > INPUT_MAXIMUM_BYTES || size <= SLOT_AT) return 0;
    struct span input = {data, size};
    struct slot_layout layout;
    struct check_move move;
    struct error error;
    uint32_t address = addresses[data[SLOT_AT] % (sizeof addresses / sizeof *addresses)];
    if (slot_lay_out(input, address, SLOT_BYTES, NULL, &layout, &error) == STATUS_OK) {
        if (layout.image.size_bytes > SLOT_BYTES || layout.elf.size_bytes != size) abort();
        check_moved(input, buffer_span(&layout.elf), NULL, &move, &error);
        check_move_free(&move);
    }
    slot_layout_free(&layout);
    uint8_t *changed = malloc(size);
    if (!changed) return 0;
    memcpy(changed, data, size);
    changed[(data[SLOT_AT] * FAR + data[size - 1]) % size] ^= 1;
    check_moved(input, (struct span){changed, size}, NULL, &move, &error);
    check_move_free(&move);
    free(changed);
    return 0;
}
