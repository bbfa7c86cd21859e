/* What the passes share: the image under work with its analyses, and how it went. Each
 * pass edits the model and notes in `struct hardening` what it did and did not do. */
#ifndef HARDEN_PASSES_H
#define HARDEN_PASSES_H

#include "firmware/analyse/liveness.h"
#include "firmware/analyse/values.h"
#include "firmware/edit/edit.h"
#include "harden/harden.h"

enum { MEMORY_REGIONS_MAXIMUM = 8 };

struct memory_region {
    const char *role;
    uint32_t base, size_bytes; /* size 0: 4 GiB */
    uint32_t rbar, rasr;
};

struct hardening {
    struct fw_model *model;
    const struct harden_options *options;
    struct error *error;
    struct fw_flow flow;
    struct fw_liveness liveness;
    struct fw_values values;

    bool key_in_psp;
    uint32_t key_cell;        /* address, when not in PSP */
    uint32_t fixed_key;       /* when there is no key function */
    uint32_t key_unit;        /* unit of the key function, or FW_NONE */
    uint32_t return_stub;     /* item: unseal lr and return */
    uint32_t return_pop_stub; /* item: pop lr, unseal it and return */
    uint32_t call_stubs[16];  /* by register: item, or FW_NONE */
    uint32_t tag;             /* the word in front of functions that may be called */
    uint32_t tag_count;       /* how many there are */
    unsigned first_tag;       /* which of the tags to begin with; those before are of no use */
    unsigned tag_choice;      /* which it is */
    const char *calls_reason, *memory_reason; /* why not at all, or NULL */

    struct memory_region regions[MEMORY_REGIONS_MAXIMUM];
    size_t region_count;
    uint32_t region_words[2 * MEMORY_REGIONS_MAXIMUM]; /* items of the stub's table */
    const char *null_guard_reason, *stack_guard_reason;
    uint32_t stack_guard; /* address, or 0 */
    uint32_t stack_limit; /* lowest address of the stack, where it is known */
    bool has_stack_limit;
    const char *memory_fault; /* the map cannot be as the image or its maker wants it, or NULL */
};

/* shrink/dead.c: drop accepted units that nothing reaches. Invalidates nothing. */
void shrink_dead(struct hardening *hardening);
/* protect/key.c: where the key lives and which code is exempt. */
enum status protect_choose_key(struct hardening *hardening);
/* Bits that load the key into `reg`; returns how many (at most 3). */
size_t protect_load_key(const struct hardening *hardening, unsigned reg, uint32_t *bits);
/* protect/calls.c: check each indirect call. Requires analyses of the input. */
void protect_calls(struct hardening *hardening);
/* Does the tag stand anywhere in the output but where it was put? */
bool protect_tag_is_ambiguous(const struct hardening *hardening, struct span output);
/* protect/returns.c: seal each saved return address. Requires analyses of the input. */
void protect_returns(struct hardening *hardening);
/* protect/jump_buffers.c: seal what setjmp stores for longjmp. Requires that the return sites are
 * counted. */
void protect_jump_buffers(struct hardening *hardening);
/* protect/stack_guard.c: where the stack ends. */
enum status protect_find_stack_limit(struct hardening *hardening);
/* The initial stack pointer, when there is a vector table. */
bool protect_stack_top(struct fw_model *model, uint32_t *top);
/* protect/memory_map.c: the MPU regions for this image; layout is NULL before there is one.
 * The number of regions does not depend on it. */
void protect_plan_memory(struct hardening *hardening, const struct fw_layout *layout);
/* protect/boot.c: the stub in front of the reset handler. */
enum status protect_boot(struct hardening *hardening);
/* Write the regions into the stub, once layout has said where code ends. */
enum status protect_finish_boot(struct hardening *hardening, const struct fw_layout *layout);
/* report.c: the report, and the sizes of input and output put into it when both are known. */
json_t *harden_report(const struct hardening *hardening, const struct fw_layout *layout);
void harden_report_flash(const struct harden_result *result);

#endif
