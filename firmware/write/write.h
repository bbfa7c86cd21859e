/* Model to ELF: the hardened executable with symbols, mapping symbols and relocations that
 * describe it, as --emit-relocs would, so that fw_read() takes it again.
 *
 * The file has one form for one model: header, program headers, the contents of memory in
 * section order, build attributes, .rel sections, .symtab, .strtab, .shstrtab, section
 * headers; every byte between them is zero. Debug sections are left out.
 *
 * Requires: fw_layout(). The bytes of windows that no unit takes are filled with UDF, so
 * that a wrong jump into them traps. */
#ifndef FIRMWARE_WRITE_WRITE_H
#define FIRMWARE_WRITE_WRITE_H

#include "firmware/layout/layout.h"

enum { FW_FILLER_HALF = 0xdeff }; /* UDF #255 (A7.7.194) */
#define FW_OVERFLOW_SECTION ".text.proofmark"

struct fw_written {
    struct buffer file;
    uint32_t flash_bytes; /* sum of the loaded segments' file sizes */
};

/* The caller frees out->file. */
enum status fw_write(struct fw_model *model, const struct fw_layout *layout, struct fw_written *out,
                     struct error *error);

#endif
