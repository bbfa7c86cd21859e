/* The hardener: a linked ELF in, a hardened ELF and a report of what was done out.
 *
 *     struct harden_options options = {.profile = HARDEN_EXPLOIT, .key_function = "trng_read"};
 *     status = harden_image(input, &options, &result, &error);
 *     ... file_write(path, buffer_span(&result.elf), ...) ...
 *     harden_free(&result);
 *
 * Same input, options and seed give the same bytes. What it counts in the report is its
 * own word; the evidence is made from what check/ finds in the output. */
#ifndef HARDEN_HARDEN_H
#define HARDEN_HARDEN_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"
#include "firmware/analyse/flow.h"
#include "firmware/layout/layout.h"

enum harden_profile {
    HARDEN_NULL,    /* move every function in a seeded order, protect nothing */
    HARDEN_EXPLOIT, /* returns, calls, memory map; drop what cannot run */
};

struct harden_options {
    enum harden_profile profile;
    uint64_t seed;
    const char *key_function;  /* uint32_t (*)(void): this boot's random key; NULL: fixed key */
    const char *key_cell;      /* "0x..." or symbol of a RAM word that start-up leaves alone,
                                  for firmware that uses PSP itself; NULL: the key is in PSP */
    const char *const *exempt; /* functions whose returns and calls stay as they are; they move */
    size_t exempt_count;
    const char *const *pin; /* functions that stay at their address, with no protection in them;
                               what they refer to may move, and the reference follows */
    size_t pin_count;
    const struct fw_range *writable_flash; /* stays writable and is never placed into */
    size_t writable_flash_count;
    const char *const *flash_window; /* functions that open and close the flash driver's window:
                                        region 7 is theirs (firmware/analyse/mpu.h) */
    size_t flash_window_count;
    struct fw_range flash;   /* size 0: as much as needed behind the image */
    bool no_mpu;             /* leave the memory map alone */
    bool no_null_guard;      /* the firmware reads address 0 in a way that is not seen */
    const char *stack_limit; /* the stack's lowest address ("0x...") or its symbol; NULL: found,
                                if it can be */
    bool report_functions;   /* the report lists each function, not the totals alone */
};

struct harden_result {
    struct buffer elf;
    json_t *report;
    uint32_t flash_bytes_before, flash_bytes_after;
};

enum status harden_image(struct span input, const struct harden_options *options,
                         struct harden_result *result, struct error *error);
void harden_free(struct harden_result *result);

/* Why the word cannot keep a key over start-up, or NULL. `flash` of size 0: not known. */
const char *harden_cannot_keep_a_key(struct fw_model *model, struct fw_range flash,
                                     uint32_t address);

/* Why the stack cannot end at this address, or NULL. Requires: fw_lift(). */
const char *harden_cannot_end_stack(struct fw_model *model, uint32_t limit);
/* Why what begins at the symbol cannot be the key function, or NULL. Requires: fw_flow_build(). */
const char *harden_cannot_make_a_key(struct fw_model *model, const struct fw_flow *flow,
                                     uint32_t symbol);

/* "null" or "exploit". */
bool harden_profile_named(const char *name, enum harden_profile *out);
/* 1 to 64 hex digits, folded to the seed; false when it is not that. */
bool harden_seed_from_hex(const char *text, uint64_t *out);

#endif
