/* Shared by the steps of fw_lift(); no one else includes this. */
#ifndef FIRMWARE_LIFT_LIFTING_H
#define FIRMWARE_LIFT_LIFTING_H

#include "firmware/lift/lift.h"

struct mapping { /* a mapping symbol (IHI 0044, 5.5.5) */
    uint32_t address;
    char kind; /* 't', 'd' or 'a' */
};

struct lift_function {
    uint32_t address, end; /* extent; `end` grows to hold pools behind st_size */
    uint32_t limit;        /* the next function or the section's end */
    uint32_t symbol;
    uint32_t first_item, item_count;    /* contiguous in model->items */
    uint32_t parent;                    /* union-find */
    uint32_t first_linked, last_linked; /* items, but for filler that was left out; FW_NONE */
    uint16_t section;
    bool sized;
    const char *reason; /* why it cannot move, or NULL */
    bool undecoded;     /* its bytes are not understood */
    bool labels;        /* has items whose address is taken */
    bool runs_out;      /* control runs out of its end, or into data */
    bool shares_code;   /* others branch into it, or it into others */
};

/* Functions next to each other, decoded and resolved beside the other parts. */
struct lift_part {
    struct lift *lift;
    size_t first_function, end_function;
    struct fw_item *items; /* in model->items: behind all that the parts in front may need,
                              until they are joined */
    uint32_t item_count, item_room;
    uint32_t first_item; /* the index of items[0], once joined */
    uint32_t *table_targets;
    size_t table_target_count, table_target_capacity;
    uint32_t first_table_target; /* once joined */
    struct fw_forms *forms;
    struct arena *arena; /* for forms: the model's, or `own`, which becomes the model's */
    struct arena own, scratch;
    struct finding *findings; /* about other functions and items; references.c */
    size_t finding_count, finding_capacity;
    bool hidden_addresses, relative_addresses, reads_vtor;
};

struct lift {
    struct fw_model *model;
    struct error *error;
    struct arena scratch;
    struct mapping **mappings; /* by section */
    size_t *mapping_counts;
    struct lift_function *functions;
    size_t function_count;
    struct lift_part *parts;
    size_t part_count;
    uint32_t *veneers; /* items that load straight into pc from a literal */
    size_t veneer_count, veneer_capacity;
    uint32_t *tables; /* items */
    size_t table_count, table_capacity;
    bool reads_vtor; /* code asks the processor where the vector table is */
};

/* functions.c: starts and extents from the symbols. */
enum status lift_find_functions(struct lift *lift);
/* What the mapping symbols say about `address`; *next is where that ends. */
char lift_kind_at(const struct lift *lift, uint16_t section, uint32_t address, uint32_t limit,
                  uint32_t *next);
/* Nothing but alignment in [address, end)? */
bool lift_is_filler(const struct fw_section *section, uint32_t address, uint32_t end);
/* forms.c: fw_decode() with what one part knows, into its memory. */
struct fw_forms *lift_new_forms(struct arena *arena);
const struct thumb_insn *lift_form(struct fw_forms *forms, struct arena *arena,
                                   const uint8_t *bytes, size_t available_bytes, uint32_t address,
                                   uint8_t it_state);
/* decode.c: items of one function, and a bound for how many. */
void lift_decode_function(struct lift_part *part, struct lift_function *function);
uint32_t lift_items_at_most(const struct lift *lift, const struct lift_function *function);
/* parts.c: items of all functions, in model->items. */
void lift_decode_functions(struct lift *lift);
/* references.c: targets of items and relocations. */
enum status lift_resolve_references(struct lift *lift);
/* tables.c: a table whose length is not proven is data, and its function is refused. Requires
 * references. */
void lift_prove_tables(struct lift *lift);
/* vectors.c: the vector table, and which of its words only the processor uses. Requires
 * references. */
void lift_find_vectors(struct lift *lift);
/* Does the item make an address of the system control space, from which VTOR is read? */
bool lift_reads_vtor(const struct lift *lift, uint32_t index);
/* units.c: group, number, refuse. */
void lift_join(struct lift *lift, uint32_t a, uint32_t b);
uint32_t lift_root(struct lift *lift, uint32_t function);
void lift_form_units(struct lift *lift);
/* Does control run out of the function's end? Of a call there in a function that has a size, be
 * it of another function or of the host, fw_flow_build() says, which knows what comes back:
 * compilers end functions in calls that do not. */
bool lift_falls_out(const struct lift *lift, const struct lift_function *function);

static inline void lift_refuse(struct lift_function *function, const char *reason) {
    if (!function->reason) function->reason = reason;
}

#endif
