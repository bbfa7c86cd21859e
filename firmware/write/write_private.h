/* Shared by the steps of fw_write(); no one else includes this. */
#ifndef FIRMWARE_WRITE_WRITE_PRIVATE_H
#define FIRMWARE_WRITE_WRITE_PRIVATE_H

#include "firmware/write/write.h"

#include <elf.h>

struct writer {
    struct fw_model *model;
    const struct fw_layout *layout;
    struct error *error;
    struct arena scratch;
    uint32_t overflow_section; /* model index of .text.proofmark, or FW_NONE */
    uint32_t *placed;          /* units with items that are kept, by new address */
    size_t placed_count;
    uint32_t *symbol_map; /* model symbol to output symbol */
    Elf32_Sym *symbols;
    size_t symbol_count, symbol_capacity, local_count;
    struct buffer names;         /* .strtab */
    Elf32_Rel *item_relocations; /* at items' new places, in order of place */
    size_t item_relocation_count, relocation_room;
    uint32_t *unit_symbol; /* by function: output symbol of its start */
};

/* encode.c: every item's bytes into the sections, fill what is left. */
enum status write_items(struct writer *writer);
/* exidx.c: the unwind index, re-sorted. */
enum status write_unwind_index(struct writer *writer);
/* symbols.c */
enum status write_symbols(struct writer *writer);
/* relocations.c: those of all items, once symbols are made; more than relocation_room: they
 * are not whole. Then the relocations of one section, in order of place. */
void write_collect_relocations(struct writer *writer);
size_t write_relocations(struct writer *writer, uint32_t section, Elf32_Rel *out, size_t room);
/* elf.c */
enum status write_file(struct writer *writer, struct fw_written *out);

uint32_t write_section_of(const struct writer *writer, uint32_t address);

#endif
