/* Shared by the steps of check_image(); no one else includes this. */
#ifndef CHECK_STATE_H
#define CHECK_STATE_H

#include "check/check.h"
#include "check/sums.h"
#include "firmware/analyse/flow.h"
#include "firmware/analyse/liveness.h"

enum { FINDINGS_MAXIMUM = 200, REGIONS_MAXIMUM = 16 };

struct finding {
    const char *kind, *function, *what;
    uint32_t address;
};

enum routine_kind {
    ROUTINE_RETURN, /* unseals lr and returns; perhaps pops it first */
    ROUTINE_CALL,   /* goes to the address in a register if a tag is in front of it */
    ROUTINE_THUNK,  /* tagged jump to a function that could not be tagged itself */
    ROUTINE_BOOT,   /* makes the key, sets the memory map, goes on to the reset handler */
};

/* Code that was put in as a whole, known by what it does. */
struct routine {
    uint32_t address, end; /* entry, and end with its data */
    uint8_t kind;
    uint8_t reg; /* CALL: register of the target */
    bool clobbers_flags;
    uint16_t clobbers;    /* registers that it leaves changed */
    uint32_t tag;         /* CALL, THUNK */
    uint32_t target;      /* THUNK, BOOT: where it goes on */
    uint32_t jump, table; /* BOOT: its last instruction, and its table if it has one */
    bool pops;            /* RETURN: lr first */
};

enum jump_kind { JUMP_NONE, JUMP_SAVES, JUMP_RESTORES };

enum key_source { KEY_NONE, KEY_AT_BOOT, KEY_FIXED };

struct region {
    uint32_t base, log2_size, disabled; /* disabled: eighths switched off, one bit each */
    uint32_t access;                    /* AP field */
    uint32_t memory_type;               /* TEX, S, C, B */
    bool executes;
    uint32_t rbar, rasr;
};

/* Counts of one image. */
struct counts {
    unsigned return_sites, return_sealed, return_exempt;
    unsigned call_sites, call_checked, call_exempt, call_targets, call_tagged;
};

struct check {
    struct arena arena;
    const struct check_options *options;
    struct fw_model *model; /* the output */
    struct fw_flow flow;
    struct sums_context sums;

    const struct fw_section **contents; /* with bytes in memory, by address */
    size_t contents_count;
    const struct fw_function **by_address;

    struct finding findings[FINDINGS_MAXIMUM];
    size_t finding_count;
    bool more_findings;

    struct routine *routines; /* sorted by address */
    size_t routine_count;
    const struct routine *boot;
    bool has_call_routines;
    uint32_t tag; /* of the call routines */

    enum key_source key_source;
    uint32_t key_function; /* address; key at boot */
    uint32_t key_value;    /* fixed key */
    bool *exempt;          /* by unit */
    uint8_t *jump_of;      /* by unit: enum jump_kind; while the output is taken apart */
    uint32_t *jumps;       /* entries of those units */
    size_t jump_count;

    struct region regions[REGIONS_MAXIMUM];
    size_t region_count;
    bool map_applied, null_guard, stack_guard;
    bool map_in_faults; /* HFNMIENA: also for hard faults, NMIs and while FAULTMASK is set */
    uint32_t stack_guard_base;
    bool window_named;     /* functions of the flash driver's window are */
    uint8_t window_power;  /* it has at most so many bytes, as a power of two; 0: never opened */
    uint32_t boot_regions; /* that the stub asks the part for */

    struct counts counts;
    json_t *unsealed;       /* array */
    json_t *unchecked;      /* array */
    json_t *executable_ram; /* array */
    json_t *writable_flash; /* array */

    json_t *original; /* figures of the comparison, or NULL */
};

/* findings.c. A part is a copy of the check that looks at a part of the image on a thread
 * of its own: what it finds and allocates is its own until check_join(), which the caller
 * does in the order of the image. */
struct check check_part(const struct check *check);
void check_join(struct check *check, struct check *part);
void check_find(struct check *check, const char *kind, uint32_t address, const char *what, ...)
    __attribute__((format(printf, 4, 5)));
/* No further finding is kept, so none need be looked for. */
static inline bool check_is_full(const struct check *check) {
    return check->finding_count == FINDINGS_MAXIMUM;
}
/* Name of the function of the output that covers the address, or "". */
const char *check_function_at(const struct check *check, uint32_t address);
/* A name from the file, with what is not ASCII text replaced, as JSON wants it. */
const char *check_text(const struct check *check, const char *name);

/* The first function of a unit that is code (a tag in front of one has a symbol too). */
const struct fw_function *check_first_function(const struct fw_model *model, uint32_t unit);
/* Is the unit an added routine, and nothing else? */
bool check_is_routine_unit(const struct check *check, uint32_t unit);

/* code.c: instructions of the output, from its bytes. */
void check_prepare_places(struct check *check);
/* The section whose contents are at the address, or NULL. */
const struct fw_section *check_contents_at(const struct check *check, uint32_t address);
/* The last function that begins in front of `end`, or NULL. */
const struct fw_function *check_function_before(const struct check *check, uint64_t end);
bool check_decode(const struct check *check, uint32_t address, struct thumb_insn *out);
bool check_word(const struct check *check, uint32_t address, uint32_t *out);

/* seal.c: the instructions at `address`, when they mix KEY + SP + distance into lr or take
 * it off again, and change nothing else but (where `clobbers_ip`) ip. */
struct seal {
    uint32_t end;
    uint32_t distance;
    bool clobbers_ip;
    bool unseals;      /* it takes a seal off */
    struct sum lr, ip; /* behind it */
};
bool check_seal_at(const struct check *check, uint32_t address, struct seal *out);
/* Cheap: false where check_seal_at() would be. */
bool check_may_start_seal(const struct check *check, const struct thumb_insn *insn);
/* Instructions right behind a sealed save that make lr plain again, by what ip holds. */
bool check_unseal_after(const struct check *check, const struct seal *seal, uint32_t address,
                        uint32_t *end);

/* boot.c: the stub in front of the reset handler; fills key and regions. */
void check_boot(struct check *check);
/* routines.c: what was put in as a whole. Requires check_boot(). */
void check_find_routines(struct check *check);
const struct routine *check_routine_at(const struct check *check, uint32_t address);
/* The routine whose code or data is at the address, or NULL. */
const struct routine *check_routine_around(const struct check *check, uint32_t address);
/* key.c: is the key function's result a constant; which functions run before the key. */
void check_key(struct check *check);
/* key_cell.c: a key in memory stays what it is. Requires check_memory_map(). */
void check_key_cell(struct check *check);
/* jump_buffers.c: which code seals and unseals jump buffers, proven of all together. Requires
 * check_key(). */
void check_jump_buffers(struct check *check);
bool check_is_jump(const struct check *check, uint32_t address);
/* vectors.c: the entry and the vector table. Requires check_boot(). */
void check_vectors(struct check *check);
/* segments.c: what the program headers load is what the sections hold. */
void check_segments(struct check *check, struct span file);
/* consistency.c: relocations against instructions. */
void check_consistency(struct check *check);
/* calls.c, memory_map.c: count and judge. */
void check_calls(struct check *check);
void check_memory_map(struct check *check);
/* What looks at every instruction of a unit does so a piece at a time: neighbours, on any
 * thread, with a part of their own. */
enum { CHECK_PIECES = 16 };
static inline uint32_t check_piece_first(const struct check *check, size_t piece) {
    return (uint32_t)(check->model->unit_count * piece / CHECK_PIECES);
}
/* returns.c: the units of a piece are followed; when all are, they are counted and judged. */
struct unit_facts; /* by unit */
struct unit_facts *check_new_facts(const struct check *check, struct arena *arena);
void check_follow(struct check *part, size_t piece, struct unit_facts *facts);
void check_returns(struct check *check, struct unit_facts *facts);
/* memory_map.c: the map stays what the boot stub made it: nothing else writes the MPU's
 * registers; and what code reads at address 0, where that faults. */
void check_flash_window(struct check *check);
void check_other_maps(struct check *part, size_t piece);
void check_low_reads(struct check *part);
/* compare/original.c: read the original (on any thread) and take it apart, then: is it still
 * in the output, of which the bytes are enough? */
struct original {
    struct fw_model model;
    struct fw_liveness liveness;
};
enum status check_read_original(struct original *original, struct span file, struct error *error);
enum status check_take_apart(struct original *original, struct error *error);
void check_free_original(struct original *original);
void check_original(struct check *check, struct span file, struct original *original);
/* figures.c */
json_t *check_figures(const struct check *check);

#endif
