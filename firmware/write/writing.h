/* Shared by the steps of fw_write(); no one else includes this. */
#ifndef FIRMWARE_WRITE_WRITING_H
#define FIRMWARE_WRITE_WRITING_H

#include "firmware/write/write.h"

#include <elf.h>

/* A unit in the output. What its items are, code or data, changes at its mappings. */
struct write_placed {
    uint32_t start, unit;
    uint32_t end;                          /* behind its last item */
    uint32_t mapping_first, mapping_count; /* of its part */
    char first_kind, last_kind;            /* 't' or 'd' */
};

struct write_mapping {
    uint32_t address;
    char kind;
};

/* A relocation at an item's new place. The output's symbols are numbered when all are known. */
struct write_reference {
    uint32_t place, symbol; /* of the model */
    uint8_t type;
    bool branch; /* made for a branch: only with a symbol */
};

/* Units next to each other in the output, written beside the other parts. */
struct write_part {
    struct arena arena;
    struct error error;
    enum status status;
    struct fw_section *near; /* that the item before was in */
    struct write_mapping *mappings;
    struct write_reference *references;
    size_t mapping_count, mapping_capacity, reference_count, reference_capacity;
};

enum { WRITE_PARTS = 8 };

struct writer {
    struct fw_model *model;
    const struct fw_layout *layout;
    struct error *error;
    struct arena scratch, originals;
    uint8_t **original;          /* by section: the code as it was, or NULL */
    uint32_t overflow_section;   /* model index of .text.proofmark, or FW_NONE */
    struct write_placed *placed; /* units with items that are kept, by new address */
    size_t placed_count;
    struct write_part parts[WRITE_PARTS]; /* runs of `placed`: write_run() */
    Elf32_Sym *carried;                   /* by model symbol: what it becomes */
    bool *left_out;                       /* by model symbol: it does not */
    uint32_t *symbol_map;                 /* model symbol to output symbol */
    Elf32_Sym *symbols;
    size_t symbol_count, symbol_capacity, local_count;
    struct buffer names;         /* .strtab */
    Elf32_Rel *item_relocations; /* at items' new places, in order of place */
    size_t item_relocation_count, relocation_room;
};

struct write_run {
    size_t first, end;
};

/* The i-th of WRITE_PARTS runs of `count`. */
static inline struct write_run write_run(size_t count, size_t i) {
    return (struct write_run){count * i / WRITE_PARTS, count * (i + 1) / WRITE_PARTS};
}

/* encode.c: keep what items are read from and fill the windows; then one item's bytes, by
 * several threads; then pointers in data. */
void write_prepare(struct writer *writer);
enum status write_item(const struct writer *writer, struct write_part *part,
                       const struct fw_item *item);
void write_data_references(struct fw_model *model);
/* exidx.c: the unwind index, re-sorted. */
enum status write_unwind_index(struct writer *writer);
/* symbols.c: what the model's symbols become, a run of them; then the table, once the units'
 * mappings are known. */
void write_carry_symbols(struct writer *writer, size_t i);
enum status write_symbols(struct writer *writer);
/* relocations.c: those of one item; then all of them, once symbols are made. Then the
 * relocations of one section, in order of place; more than `room`: they are not whole. */
void write_note_references(const struct writer *writer, struct write_part *part,
                           const struct fw_item *item);
void write_resolve_references(struct writer *writer);
size_t write_relocations(struct writer *writer, uint32_t section, Elf32_Rel *out, size_t room);
/* elf.c */
enum status write_file(struct writer *writer, struct fw_written *out);

uint32_t write_section_of(const struct writer *writer, uint32_t address);

#endif
