/* Shared by the steps of fw_lift(); no one else includes this. */
#ifndef FIRMWARE_LIFT_LIFT_PRIVATE_H
#define FIRMWARE_LIFT_LIFT_PRIVATE_H

#include "firmware/lift/lift.h"

struct mapping { /* a mapping symbol (IHI 0044, 5.5.5) */
    uint32_t address;
    char kind; /* 't', 'd' or 'a' */
};

struct lift_function {
    uint32_t address, end; /* extent; `end` grows to hold pools behind st_size */
    uint32_t limit;        /* the next function or the section's end */
    uint32_t symbol;
    uint32_t first_item, item_count; /* contiguous in model->items */
    uint32_t parent;                 /* union-find */
    uint16_t section;
    bool sized;
    const char *reason; /* why it cannot move, or NULL */
    bool undecoded;     /* its bytes are not understood */
};

struct lift {
    struct fw_model *model;
    struct error *error;
    struct arena scratch;
    struct mapping **mappings; /* by section */
    size_t *mapping_counts;
    struct lift_function *functions;
    size_t function_count;
    uint32_t *function_of_item; /* filled after decoding */
};

/* functions.c: starts and extents from the symbols. */
enum status lift_find_functions(struct lift *lift);
/* What the mapping symbols say about `address`; *next is where that ends. */
char lift_kind_at(const struct lift *lift, uint16_t section, uint32_t address, uint32_t limit,
                  uint32_t *next);
/* decode.c: items of one function. */
void lift_decode_function(struct lift *lift, struct lift_function *function);
/* references.c: targets of items and relocations. */
enum status lift_resolve_references(struct lift *lift);
/* units.c: group, number, refuse. */
void lift_join(struct lift *lift, uint32_t a, uint32_t b);
uint32_t lift_root(struct lift *lift, uint32_t function);
void lift_form_units(struct lift *lift);

static inline void lift_refuse(struct lift_function *function, const char *reason) {
    if (!function->reason) function->reason = reason;
}

#endif
