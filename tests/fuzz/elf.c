/* Fuzzes the whole way of an ELF file through the hardener: fw_read(), fw_lift(), the
 * analyses, each pass, layout and writer.
 *
 * The input is an ELF file as it is; the padding bytes of e_ident choose the options, so
 * that any linker's output is a seed. Byte 9: bit 0 the profile, bit 1 no memory map, bit 2
 * a key function, bit 3 a key cell, bit 4 a limit of flash, bit 5 a writable range, bit 6 an
 * exempt function; byte 10: the layout's seed.
 *
 * What is written must be read again by the same reader. */
#include <stdio.h>
#include <stdlib.h>

#include "firmware/lift/lift.h"
#include "firmware/read/read.h"
#include "harden/harden.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAXIMUM_BYTES = 1 << 16, OPTIONS_AT = 9, SEED_AT = 10 };

/* An output that our own reader and lifter refuse is not an ELF that describes itself. */
static void read_again(struct span output) {
    struct fw_model model = {.entry = 0};
    struct error error;
    enum status status = fw_read(&model, output, false, &error);
    if (status == STATUS_OK) status = fw_lift(&model, &error);
    if (status != STATUS_OK) {
        fprintf(stderr, "the output is refused: %s\n", error.message);
        abort();
    }
    arena_free(&model.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const exempt[] = {"main"};
    static const struct fw_range page = {0x2000, 0x100, "settings"};
    if (size > INPUT_MAXIMUM_BYTES) return 0;
    uint8_t choice = size > SEED_AT ? data[OPTIONS_AT] : 0;
    struct harden_options options = {
        .profile = choice & 1 ? HARDEN_EXPLOIT : HARDEN_NULL,
        .seed = size > SEED_AT ? data[SEED_AT] : 0,
        .no_mpu = choice & 2,
        .key_function = choice & 4 ? "pm_random" : NULL,
        .key_cell = choice & 8 ? "0x20000ffc" : NULL,
        .flash = choice & 16 ? (struct fw_range){0, 0x4000, "flash"} : (struct fw_range){0, 0, ""},
        .writable_flash = &page,
        .writable_flash_count = choice & 32 ? 1 : 0,
        .exempt = exempt,
        .exempt_count = choice & 64 ? 1 : 0,
    };
    struct harden_result result;
    struct error error;
    enum status status = harden_image((struct span){data, size}, &options, &result, &error);
    if (status == STATUS_OK) read_again(buffer_span(&result.elf));
    if (status == STATUS_ENVIRONMENT) { /* memory it was given; "internal:" is our own bug */
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    harden_free(&result);
    return 0;
}
