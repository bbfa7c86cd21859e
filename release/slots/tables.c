/* The tables that describe the file: program and section headers, symbols, relocations. */
#include <elf.h>
#include <stddef.h>
#include <string.h>

#include "format/little_endian.h"
#include "release/slots/moving.h"

/* A loop over one of the file's tables: the entry's bytes, by index. */
static uint8_t *entry_at(struct moving *moving, uint32_t offset, uint32_t entry_bytes, size_t i) {
    return moving->file->data + offset + i * entry_bytes;
}

static void move_if_inside(const struct moving *moving, uint8_t *field) {
    uint32_t value = pm_get_u32(field);
    if (moving_in_image(moving, value)) pm_put_u32(field, value + moving->shift);
}

static enum status move_symbols(struct moving *moving, const Elf32_Shdr *table,
                                const Elf32_Shdr *names) {
    size_t count = table->sh_size / sizeof(Elf32_Sym);
    for (size_t i = 1; i < count; i++) {
        uint8_t *entry = entry_at(moving, table->sh_offset, sizeof(Elf32_Sym), i);
        Elf32_Sym symbol;
        memcpy(&symbol, entry, sizeof symbol);
        if (symbol.st_shndx == SHN_UNDEF || ELF32_ST_TYPE(symbol.st_info) == STT_FILE) continue;
        bool follows = symbol.st_shndx < SHN_LORESERVE;
        if (symbol.st_shndx == SHN_ABS) {
            const char *name = (const char *)moving->file->data + names->sh_offset + symbol.st_name;
            const struct slot_options *given = moving->options;
            follows = moving_is_load_edge(moving->model, symbol.st_value);
            if (given && moving_is_listed(given->addresses, given->address_count, name))
                follows = true;
            if (given && moving_is_listed(given->numbers, given->number_count, name))
                follows = false;
        }
        if (follows && ELF32_ST_TYPE(symbol.st_info) != STT_TLS) move_if_inside(moving, entry + 4);
    }
    return STATUS_OK;
}

/* Section headers; then what they lead to that holds addresses. fw_read() has checked bounds. */
enum status moving_tables(struct moving *moving) {
    Elf32_Ehdr header;
    memcpy(&header, moving->file->data, sizeof header);
    move_if_inside(moving, moving->file->data + offsetof(Elf32_Ehdr, e_entry));
    for (size_t i = 0; i < header.e_phnum; i++) {
        uint8_t *entry = entry_at(moving, header.e_phoff, header.e_phentsize, i);
        move_if_inside(moving, entry + offsetof(Elf32_Phdr, p_vaddr));
        move_if_inside(moving, entry + offsetof(Elf32_Phdr, p_paddr));
    }
    for (size_t i = 1; i < header.e_shnum; i++) {
        uint8_t *entry = entry_at(moving, header.e_shoff, header.e_shentsize, i);
        Elf32_Shdr s, other;
        memcpy(&s, entry, sizeof s);
        if ((s.sh_flags & SHF_ALLOC) && moving_in_image(moving, s.sh_addr)) {
            pm_put_u32(entry + offsetof(Elf32_Shdr, sh_addr), s.sh_addr + moving->shift);
        }
        bool table = s.sh_type == SHT_SYMTAB || s.sh_type == SHT_REL;
        uint32_t link = s.sh_type == SHT_REL ? s.sh_info : s.sh_link;
        if (!table || link >= header.e_shnum) continue;
        memcpy(&other, entry_at(moving, header.e_shoff, header.e_shentsize, link), sizeof other);
        if (s.sh_type == SHT_SYMTAB) {
            enum status status = move_symbols(moving, &s, &other);
            if (status != STATUS_OK) return status;
            continue;
        }
        if (!(other.sh_flags & SHF_ALLOC)) {
            return error_input(moving->error,
                               "it has debug sections, which would be wrong at the new place: "
                               "harden it, or strip them");
        }
        for (size_t r = 0; r < s.sh_size / sizeof(Elf32_Rel); r++)
            move_if_inside(moving, entry_at(moving, s.sh_offset, sizeof(Elf32_Rel), r));
    }
    return STATUS_OK;
}
