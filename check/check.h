/* Proof from the output: reads a firmware image anew, finds the protections in its code,
 * counts them, and says what is wrong with them. It knows nothing of the hardener: what it
 * counts it has proven from the instructions, not from names or reports.
 *
 *     struct check_result result;
 *     status = check_image(output, &original, NULL, &result, &error);
 *     if (status == STATUS_OK && result.holds) ... result.figures ...
 *     check_free(&result);
 *
 * Two kinds of short-coming are told apart. A protection that is absent or partial is
 * *counted*: figures say n of N, and a plain image has zero of everything. What is *wrong*
 * is a finding: a return address that is sealed and not unsealed, a check that passes
 * everything, a constant where the boot stub's key should be, writable memory that
 * executes, an instruction or a reference of the original that is missing or altered, a
 * field of the file that does not have its one form. An image with a finding does not hold.
 *
 * figures (integers, strings and booleans only; it becomes the predicate of a statement):
 *
 *   returns     sites         places where a function saves its return address
 *               sealed        of these: with the key and the stack pointer, proven to be
 *                             unsealed at the same stack pointer on every way out;
 *                             longjmp counts as one site: by what setjmp left, sealed
 *               exempt        of these: run before there is a key, or named by the caller
 *               unsealed      [{function, reason, sites}] for the rest, when any is sealed
 *   calls       sites, checked, exempt, targets (functions whose address is taken), tagged
 *               unchecked     [{reason, sites}] for the rest, one row a reason
 *   memory_map  applied, null_guard, stack_guard, regions_needed (the part must have so many,
 *               or the map stays off), regions [{base, size_bytes, eighths_off, access,
 *               executes}], executable_ram and writable_flash [{start, size_bytes}]; where
 *               functions of the flash driver's window are named: window {size_bytes_at_most,
 *               place_proven}: it never executes, its place is not proven
 *   key         made "at boot" | "fixed key" | "none"; place "psp" | "memory"; function
 *   original    compared; functions: moved, dropped, untouched (in place)
 *   findings    [{kind, function, address, what}]
 *
 * Background: DDI 0403E (ARMv7-M), IHI 0044 (ELF for Arm), IHI 0038 (unwinding). What check
 * demands of the file's form beyond those is said in compare/: container.c, names.c,
 * relocations.c and unwind.c. */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"

struct check_range {
    uint32_t start, size_bytes;
};

struct check_options {
    const char *const *exempt; /* functions that the product's description leaves unsealed */
    size_t exempt_count;
    /* Flash that the firmware writes itself. NULL: not known, so what the memory map leaves
     * writable is told, not judged; else it is these ranges and no other. */
    const struct check_range *writable_flash;
    size_t writable_flash_count;
    /* The functions that open and close the flash driver's window (firmware/analyse/mpu.h). */
    const char *const *flash_window;
    size_t flash_window_count;
    /* The stack's lowest address where no symbol or section of the image says it: the guard
     * begins in the 32 bytes there. 0: not told; then a guard below a stack without a section
     * is told, not judged. */
    uint32_t stack_limit;
};

struct check_result {
    json_t *figures; /* owned; check_free() */
    bool holds;      /* no finding */
};

/* original: the linker's output that was hardened, or NULL. options: NULL for none.
 * STATUS_BAD_INPUT when one of the two is no image that can be read at all; an image that
 * can be read but is wrong is STATUS_OK with holds false. */
enum status check_image(struct span output, const struct span *original,
                        const struct check_options *options, struct check_result *result,
                        struct error *error);
void check_free(struct check_result *result);

#endif
