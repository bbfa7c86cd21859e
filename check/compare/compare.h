/* Shared by the steps of check_original(); no one else includes this.
 *
 * `in` is the original, lifted. Everything that is said of the output comes from its
 * bytes: units are found by their symbols, walked instruction by instruction beside the
 * original, and each byte of the output is claimed by exactly one part of it. References
 * are noted on the way and compared at the end, when all places are known. */
#ifndef CHECK_COMPARE_COMPARE_H
#define CHECK_COMPARE_COMPARE_H

#include <elf.h>

#include "check/state.h"
#include "firmware/analyse/liveness.h"

enum { FILLER = 0xdeff /* UDF #255 */ };

enum claim {
    CLAIM_FREE,
    CLAIM_CODE,
    CLAIM_DATA,
    CLAIM_SAME,         /* of no function, as in the original */
    CLAIM_KIND = 3,     /* mask of the above */
    CLAIM_IN_PLACE = 4, /* flag: of a function that is where it was */
};

/* What a byte of an original code section belonged to: nothing, a function that is where it was,
 * or one that is no longer there. */
enum extent { EXTENT_OUTSIDE, EXTENT_STAYED, EXTENT_LEFT };

enum reference_kind {
    REFERENCE_PLACE,   /* a branch, a load, a table's entry, a label's address */
    REFERENCE_POINTER, /* a Thumb address in data: a thunk may stand for it */
    REFERENCE_LOW,     /* MOVW: the low half of the address with its Thumb bit */
    REFERENCE_HIGH,    /* MOVT */
};

/* What a reference of the output means, to be compared when all places are known. */
struct reference {
    uint32_t item, delta; /* of the original */
    uint32_t place;       /* in the output: address of the instruction or word */
    uint32_t value;       /* in the output: the address it leads to, without the Thumb bit */
    uint8_t kind;         /* enum reference_kind */
    bool thumb;           /* LOW, HIGH: of a Thumb address */
};

/* A branch of the output that leaves its unit, or a call: it has a relocation. */
struct branch {
    uint32_t place, target;
    uint8_t type;
};

struct claimed { /* neighbours of one kind are one */
    uint32_t address, size_bytes;
    uint8_t claim;
};

struct section_claims {
    uint8_t *bytes; /* enum claim; NULL for sections without contents */
};

struct file_view { /* the output's file, parsed once more without the model */
    struct span bytes;
    Elf32_Ehdr header;
    Elf32_Shdr *sections;
    size_t section_count;
    Elf32_Sym *symbols;
    const char **names; /* of symbols */
    size_t symbol_count;
    uint32_t symtab, strtab, shstrtab; /* section indexes */
};

struct compare {
    struct check *check;
    struct fw_model *in;
    const struct fw_liveness *liveness;
    struct file_view file;
    struct section_claims *claims; /* by section of the output's model */

    /* By item of the original: where references to it lead (to a seal in front of it, if
     * there is one), and where what belongs to it ends; FW_NONE: not placed. */
    uint32_t *at, *end;
    bool *taken;            /* by item: a pointer that calls may use leads here */
    bool *half;             /* a table that the output reads as half-words */
    uint32_t *sizes;        /* by function, in the output; FW_NONE: not yet asked for */
    uint32_t *unit_start;   /* by unit, with its tag; FW_NONE: not in the output */
    uint32_t *symbol_map;   /* original symbol to output symbol; FW_NONE: left out */
    bool *mapping_used;     /* by original symbol: a mapping symbol that is still there */
    uint32_t *made_symbols; /* output symbols that are of no original */
    size_t made_symbol_count;

    struct reference *references;
    size_t reference_count, reference_capacity;
    struct branch *branches;
    size_t branch_count, branch_capacity;
    uint32_t *tags; /* addresses of tags, in the order of the walk */
    size_t tag_count, tag_capacity;
    struct claimed *claimed; /* not yet in claims */
    size_t claimed_count, claimed_capacity;
    uint32_t first_unit, end_unit; /* that are walked here; others may be under way */
    bool uses_call_routines, call_routine_clobbers_ip;
    uint32_t reached; /* where the last walk stopped */
    bool trying;      /* nothing is noted, claimed or found: is it there at all? */
    struct arena arena;
};

/* Behind us, and right: nothing is left to compare. */
static inline bool is_settled(const struct compare *compare, const struct reference *r) {
    uint32_t unit = compare->in->items[r->item].unit;
    bool here = unit >= compare->first_unit && unit < compare->end_unit;
    if (!here || r->kind > REFERENCE_POINTER || compare->at[r->item] == FW_NONE) return false;
    return compare->at[r->item] + r->delta == r->value;
}

static inline void note_reference(struct compare *compare, struct reference reference) {
    if (compare->trying || is_settled(compare, &reference)) return;
    compare->references = arena_grow(&compare->arena, compare->references, compare->reference_count,
                                     &compare->reference_capacity, sizeof *compare->references);
    compare->references[compare->reference_count++] = reference;
}

static inline void note_branch(struct compare *compare, uint32_t place, uint32_t target,
                               uint8_t type) {
    if (compare->trying) return;
    compare->branches = arena_grow(&compare->arena, compare->branches, compare->branch_count,
                                   &compare->branch_capacity, sizeof *compare->branches);
    compare->branches[compare->branch_count++] = (struct branch){place, target, type};
}

static inline void compare_note_tag(struct compare *compare, uint32_t address) {
    if (compare->trying) return;
    compare->tags = arena_grow(&compare->arena, compare->tags, compare->tag_count,
                               &compare->tag_capacity, sizeof *compare->tags);
    compare->tags[compare->tag_count++] = address;
}

/* parts.c: a copy with findings (those of `part`) and memory of its own, for work on a thread;
 * compare_join() puts its findings behind the others and frees its memory. */
struct compare compare_part(const struct compare *compare, struct check *part);
void compare_join(struct compare *compare, struct compare *part);

/* claims.c: claim bytes of the output; when they are entered, a finding where they are not
 * there or taken already. */
void compare_claim(struct compare *compare, uint32_t address, uint32_t size_bytes, uint8_t claim);
void compare_claim_routines(struct compare *compare);
void compare_enter_claims(struct compare *compare);
/* Of the byte at the address, *room of them up to the section's end; NULL where no code is. */
uint8_t *compare_claims_at(const struct compare *compare, uint32_t address, uint32_t *room);
uint8_t *compare_bytes(const struct compare *compare, uint32_t address, uint32_t size_bytes);
bool compare_is_filler(const struct compare *compare, uint32_t address);

/* original.c: an enum extent for each byte of the section, as far as units have their place. */
uint8_t *compare_extents(const struct compare *compare, struct arena *scratch, size_t section);
/* units.c: find and walk every unit of the original, and enter its claims. */
void compare_all_units(struct compare *compare);
/* match.c: walk one unit from `start` in the output; false with a finding when the
 * original is not there. */
bool compare_unit(struct compare *compare, uint32_t unit, uint32_t start);
/* The same without a trace: does the unit at `start` have `item` at `address`? */
bool compare_try(struct compare *compare, uint32_t unit, uint32_t start, uint32_t item,
                 uint32_t address);
/* Is all of the unit there? */
bool compare_stands_at(struct compare *compare, uint32_t unit, uint32_t start);
/* match_return.c: the output's instructions at `address` do what the return `item` does but
 * unseal the address on the way; *end is behind the last of them that stands here. */
bool compare_return(struct compare *compare, uint32_t item, uint32_t address, uint32_t *end,
                    bool *clobbers_ip);
/* forms.c: is `out` the instruction of `item` with its reference at another distance?
 * *branch: what goes there, the last one of its instructions (a far form has two); *end:
 * behind it. */
bool compare_branch(struct compare *compare, const struct fw_item *item, uint32_t address,
                    struct thumb_insn *branch, uint32_t *end);
bool compare_pc_relative(const struct fw_item *item, const struct thumb_insn *out);
/* Note the relocation that a branch at `place` has when it leaves its unit. */
void compare_note_branch(struct compare *compare, uint32_t place, const struct thumb_insn *branch);

/* run_outs.c: where control may run out of a function's end, what lies behind is where it was. */
void compare_run_outs(struct compare *compare);

/* tables.c: jump tables moved whole. */
void compare_tables(struct compare *compare);

/* container.c: parse; then every field, and zeros between. */
bool compare_open_file(struct compare *compare, struct span bytes);
void compare_container(struct compare *compare);
/* names.c: which symbol of the output is which of the original's; then their fields. Both
 * that and the relocations need the made symbols sorted. */
void compare_match_symbols(struct compare *compare);
void compare_sort_made(struct compare *compare);
void compare_symbols(struct compare *compare);
/* Mapping symbols, for which the contents must have been compared. */
void compare_mappings(struct compare *compare);
/* relocations.c */
void compare_relocations(struct compare *compare);
/* unwind.c: contents of the unwind index, from the original's. */
void compare_unwind_index(struct compare *compare, const struct fw_section *in,
                          const struct fw_section *out);

#endif
