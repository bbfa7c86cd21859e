/* The model: one linked firmware, taken apart so far as every reference is exactly known.
 *
 *   read/     fills sections, segments, symbols, relocations        (fw_read)
 *   lift/     finds functions, groups them into units, decodes their
 *             items and makes every reference symbolic              (fw_lift)
 *   analyse/  derives facts about units and items; changes nothing
 *   (passes)  edit the item lists, never addresses
 *   layout/   gives every item its new address                      (fw_layout)
 *   write/    model to ELF                                          (fw_write)
 *
 * Items keep the instruction's own bytes; only what refers to a place is symbolic. Data
 * sections never move; only the items of accepted units do. What is not fully understood
 * belongs to an untouched unit: it stays at its address, is counted, and says why.
 *
 * All arrays live in the model's arena. Indexes are stable, pointers only until something is
 * added; FW_NONE means "no such". */
#ifndef FIRMWARE_MODEL_H
#define FIRMWARE_MODEL_H

#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "firmware/arch/thumb/thumb.h"

#define FW_NONE UINT32_MAX

/* The object symbol of a word that belongs directly in front of a function (its tag). */
#define FW_TAG_SYMBOL "__pm_tag"

struct fw_section {
    const char *name;
    uint32_t type, flags;  /* sh_type, sh_flags */
    uint32_t address;      /* sh_addr: where it runs */
    uint32_t load_address; /* where it is flashed (from its segment); = address if none */
    uint32_t size_bytes;
    uint32_t link, info, alignment, entry_bytes;
    uint8_t *data;      /* the model's own copy, or borrowed (read.h); NULL for SHT_NOBITS */
    uint32_t *item_at;  /* fw_lift(), code sections: item covering each half-word, or FW_NONE;
                           an instruction only at its first half-word */
    bool vectors_alone; /* fw_lift(): the vector table and nothing else; no code names it but to
                           write its address to VTOR */
};

struct fw_segment {
    uint32_t type, flags, address, load_address, file_bytes, memory_bytes, alignment;
    uint32_t file_offset; /* in the input file */
};

struct fw_symbol {
    const char *name;
    uint32_t value; /* st_value as read, with the Thumb bit of functions */
    uint32_t size_bytes;
    uint8_t info, other; /* st_info, st_other */
    uint16_t section;    /* index into sections plus 1; 0 undefined; SHN_ABS etc. as read */
    uint32_t item;       /* of a function that a pass made: its first item; else FW_NONE */
};

/* A relocation that --emit-relocs kept. The linker has applied it: the bytes at the place
 * hold the final value and are trusted over symbol and addend. */
struct fw_relocation {
    uint32_t place;   /* r_offset: the address of the field */
    uint32_t symbol;  /* index into symbols */
    uint16_t section; /* index into sections: holds the place */
    uint8_t type;     /* R_ARM_* */
    /* Filled by fw_lift() for relocations whose value is an address in a unit: */
    uint32_t target_item;  /* FW_NONE: refers to data or nothing, value never changes */
    uint32_t target_delta; /* value (without the Thumb bit) minus the target item's address */
    bool target_thumb;     /* bit 0 of the value */
};

enum fw_item_kind {
    FW_ITEM_INSN,  /* one instruction */
    FW_ITEM_DATA,  /* literal pool, constants; bytes stay, relocated words follow */
    FW_ITEM_TABLE, /* table of a TBB or TBH: entries are targets */
};

struct fw_item {
    const struct thumb_insn *insn; /* shared by equal ones; of data: fw_no_insn */
    uint32_t address;              /* in the input; 0 for items that a pass made */
    uint32_t new_address;          /* after fw_layout() */
    uint32_t size_bytes;           /* now; may grow during layout, never shrink */
    uint32_t next;                 /* next item of the unit, or FW_NONE */
    uint32_t unit;
    uint32_t target;     /* what a PC-relative reference means: an item, or FW_NONE with
                            insn->target an absolute address outside the units */
    uint32_t relocation; /* first relocation at this item's bytes, or FW_NONE */
    union {
        uint32_t target_delta; /* INSN: bytes into the target item (literal pools) */
        uint32_t table_first;  /* TABLE: first entry in model->table_targets */
        uint32_t word;         /* DATA that a pass made: its value, unless it has a target */
    };
    uint16_t table_count;
    uint8_t kind;         /* enum fw_item_kind */
    uint8_t alignment;    /* 1, 2, 4 or 8: the new address is congruent to the input's */
    bool wide : 1;        /* layout chose the wide form of a PC-relative instruction */
    bool far : 1;         /* layout put the branch over an inverted condition */
    bool made : 1;        /* put in by a pass; no bytes of the input */
    bool entry : 1;       /* a function symbol, a BL target or a Thumb address is here */
    bool label : 1;       /* even address taken by a relocation: computed goto */
    bool block_start : 1; /* first of a basic block */
    bool table_half : 1;  /* TABLE: entries are half-words (TBH) */
    bool island : 1;      /* the target may be the same item of any unit in model->islands */
    uint8_t it_state;     /* ITSTATE before this instruction; 0 outside a block */
    uint8_t jump;         /* enum fw_jump, by analyse/flow */
    bool apart : 1;       /* what lies behind it in the input is not `next` */
    bool host_exit : 1;   /* analyse/host_exits: a block's last: a call in it ends the program */
};

/* What an indirect jump (THUMB_FLOW_JUMP_INDIRECT) is. */
enum fw_jump {
    FW_JUMP_NONE,
    FW_JUMP_RETURN, /* BX lr or of a copy, POP/LDM/LDR writing pc from the stack */
    FW_JUMP_TAIL,   /* BX register: to a function, lr is the caller's */
    FW_JUMP_GOTO,   /* to a label of this unit, read straight from a relocated table */
};

enum fw_unit_status { FW_UNIT_ACCEPTED, FW_UNIT_UNTOUCHED, FW_UNIT_DROPPED };

/* A unit: one function, or several that share code (branches into each other's inside,
 * falling through, a shared literal pool). It moves as one. */
struct fw_unit {
    uint32_t first;                          /* first item */
    uint32_t function_first, function_count; /* in model->functions, address order */
    uint8_t status;                          /* enum fw_unit_status */
    bool decoded : 1;       /* every instruction decoded; items and references are exact */
    bool address_taken : 1; /* a Thumb address of it is in data, a pool or MOVW/MOVT,
                               other than fw_is_vector_alone() */
    bool vector : 1;        /* a vector table entry points here */
    bool computed_jump : 1; /* has a computed goto inside */
    bool labels : 1;        /* has labels whose address is taken */
    bool loses_lr : 1;      /* analyse/flow: what calls it does not come back, as of longjmp */
    bool noreturn : 1;      /* analyse/flow: no path in it returns */
    bool runs_out : 1;      /* control leaves it by its end, to where nobody looked */
    bool host_end : 1;      /* analyse/flow: a semihosting call has nothing behind it */
    bool reachable : 1;     /* analyse/reach */
    bool made : 1;          /* by a pass: stubs */
    bool unwound : 1;       /* analyse/unwind: the image's unwinder may read its frame */
    bool exempt : 1;        /* never sealed: key function and what it calls, user's list */
    bool calls_exempt : 1;  /* on the user's list: its indirect calls stay as they are, too */
    bool flash_window : 1;  /* named as one that opens or closes the flash driver's window */
    bool reads_vtor : 1;    /* analyse/mpu: it asks the processor where the vector table is */
    uint8_t window_power;   /* analyse/mpu: the flash driver's window has at most so many bytes, as
                               a power of two; 0: the unit opens none */
    bool open_goto;         /* analyse/values: a computed goto in it may go anywhere */
    bool ip_reserved;       /* analyse/liveness: some caller keeps r12 live across */
    uint32_t keeps;         /* analyse/liveness: r12 and flags that some caller reads behind it */
    uint32_t entry_live;    /* analyse/liveness: r12 and flags live where its address is taken */
    const char *reason;     /* untouched: why */
    uint32_t bytes_before, bytes_after;
    uint32_t return_sites, return_sites_sealed;
    uint32_t call_sites, call_sites_checked;
    const char *returns_reason; /* why not all return sites are sealed */
    const char *calls_reason;   /* why not all call sites are checked, where it is these alone */
};

struct fw_function {
    const char *name;
    uint32_t symbol;              /* FW_NONE: code that no symbol names */
    uint32_t address, size_bytes; /* extent in the input, pools included */
    uint32_t unit;
    uint32_t item; /* its first; FW_NONE when undecoded */
    uint16_t section;
};

/* Control may run out of what ends at `end`, to the code at `address` behind it, past filler or
 * bytes that nobody understood: both stay as they are, and so does what lies between. */
struct fw_run_out {
    uint32_t end, address;
};

/* Bytes of an executable section that layout may fill. */
struct fw_window {
    uint32_t address, size_bytes;
    uint16_t section;
};

struct fw_model {
    struct arena arena;
    uint32_t entry;      /* e_entry */
    uint32_t entry_item; /* the output's entry when a pass changed it, else FW_NONE */
    uint32_t elf_flags;  /* e_flags */
    struct fw_section *sections;
    size_t section_count;
    struct fw_segment *segments;
    size_t segment_count;
    struct fw_symbol *symbols;
    size_t symbol_count, symbol_capacity;
    struct fw_relocation *relocations; /* sorted by place */
    size_t relocation_count;

    struct fw_item *items;
    size_t item_count, item_capacity;
    struct fw_forms *forms; /* lift/forms: what items' `insn` points to */
    struct fw_unit *units;
    size_t unit_count, unit_capacity;
    struct fw_function *functions; /* sorted by unit, then address */
    size_t function_count, function_capacity;
    uint32_t *islands; /* equal units that passes made, to be spread over the code */
    size_t island_count;
    uint32_t *table_targets; /* item indexes */
    size_t table_target_count, table_target_capacity;

    struct fw_run_out *run_outs; /* by fw_lift() and analyse/flow */
    size_t run_out_count, run_out_capacity;

    uint32_t vector_table;        /* address of the vector table, or FW_NONE */
    uint32_t vector_table_bytes;  /* up to where its symbols say, or relocated words and zeros */
    uint32_t vectors_alone_bytes; /* of these, from the front: what code never calls through */
    uint32_t rival_vector_table;  /* load address of another that a processor might start by, or
                                     FW_NONE */
    bool hidden_addresses;        /* code makes a function's address without a relocated word
                                     or pair of its own that could name it (a difference) */
    bool relative_addresses;      /* code makes a function's address by ADR: fw_takes_entry() */
    bool has_trampoline;          /* a nested-function template is in the image */
    bool own_mpu;                 /* analyse/mpu: code may change the MPU's registers */
    bool uses_psp;                /* analyse/flow: code writes PSP or CONTROL */
    bool unwinder;                /* analyse/unwind: code that can run reads .ARM.exidx */
};

/* The section that holds `address` in memory (SHF_ALLOC), or NULL. */
struct fw_section *fw_section_at(struct fw_model *model, uint32_t address);
/* size_bytes of content at `address`, or NULL when not there (NOBITS, outside). */
uint8_t *fw_bytes_at(struct fw_model *model, uint32_t address, uint32_t size_bytes);
/* First relocation with place >= address (index, may be relocation_count). */
size_t fw_relocation_from(const struct fw_model *model, uint32_t address);
/* Bytes of the field that a relocation of the type (R_ARM_*) is about. */
uint32_t fw_relocation_bytes(uint32_t type);
/* The first relocation that takes an address from the place of a global offset table or from a
 * static base (-fpic, -fpie, -frwpi), or NULL: code is position-independent then. */
const struct fw_relocation *fw_base_relative(const struct fw_model *model);
/* The symbol of that name (global before local), or FW_NONE. */
uint32_t fw_symbol_named(const struct fw_model *model, const char *name);
/* Does a direct branch of the item go to data of its own unit? The unit is untouched then: what the
 * branch reaches may be code that nobody looked at. */
bool fw_branches_into_data(const struct fw_model *model, const struct fw_item *item);
/* Does one of the unit's? */
bool fw_has_branch_into_data(const struct fw_model *model, uint32_t unit);
/* The item at the input address: an instruction that starts there, or data that covers
 * it; else FW_NONE. */
uint32_t fw_item_at(const struct fw_model *model, uint32_t address);

/* Writable, or copied to where it runs. The flag alone does not say: ld leaves SHF_WRITE
 * away from a .data that also holds functions. */
static inline bool fw_is_ram_section(const struct fw_section *section) {
    return (section->flags & 1 /* SHF_WRITE */) ||
           (section->data && section->load_address != section->address);
}

/* Flagged writable, but constant from the link on, in flash where it is loaded: the tables of
 * constructors and destructors (SHT_INIT_ARRAY to SHT_PREINIT_ARRAY, or by their old names), and
 * a vector table that was declared without `const`, below SRAM (ARM DDI 0403E, B3.1), where no
 * code can have its address to write there. */
static inline bool fw_is_constant_table(const struct fw_section *section) {
    bool named = strcmp(section->name, ".ctors") == 0 || strcmp(section->name, ".dtors") == 0;
    bool typed = section->type >= 14 && section->type <= 16;
    bool vectors = section->vectors_alone && section->address < 0x20000000U;
    return section->data && section->load_address == section->address &&
           (typed || named || vectors);
}

/* A word that only the processor takes a function's address from. Where code may call through
 * the table all others are pointers like any; the reset vector leads to the boot stub. */
static inline bool fw_is_vector_alone(const struct fw_model *model, uint32_t place) {
    uint32_t offset = place - model->vector_table;
    return model->vector_table != FW_NONE && (offset < model->vectors_alone_bytes || offset == 4);
}

/* ADR of a function's first item, with the Thumb bit. */
static inline bool fw_takes_entry(const struct fw_model *model, const struct fw_item *item) {
    return item->kind == FW_ITEM_INSN && item->insn->reference == THUMB_REFERENCE_ADR &&
           item->target != FW_NONE && model->items[item->target].kind == FW_ITEM_INSN;
}

static inline bool fw_is_code_section(const struct fw_section *section) {
    return section->data && (section->flags & 2 /* SHF_ALLOC */) &&
           (section->flags & 4 /* SHF_EXECINSTR */);
}

#endif
