/* ELF to model, by libelf; see read.h. Sources: the ELF specification (gABI 4.1) and
 * ELF for the Arm Architecture (IHI 0044), Addenda (IHI 0045) for build attributes. */
#include "firmware/read/read.h"

#include <elf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAXIMUM_SECTIONS = 4096,
    MAXIMUM_SEGMENTS = 256,
    TABLE_ALIGNMENT = 4, /* headers, symbols and relocations are read where they stand */
    TAG_FILE = 1,
    TAG_CPU_RAW_NAME = 4,
    TAG_CPU_NAME = 5,
    TAG_CPU_ARCH = 6,
    TAG_COMPATIBILITY = 32,
    ARCH_V7 = 10,
    ARCH_V7EM = 13,
};

struct reader {
    struct fw_model *model;
    struct span file;
    Elf *elf;
    Elf32_Ehdr *header;
    struct error *error;
    uint16_t *section_map; /* ELF section index to model index, 0xffff: left behind */
    uint32_t *symbol_map;  /* ELF symbol index to model index */
    size_t elf_section_count;
    size_t elf_symbol_count;
    size_t name_bytes; /* of the names copied so far */
    bool borrows;
};

/* Names may share their bytes in the file, and each is copied: a file of many headers or symbols
 * with one long name must not become memory that its size does not explain. */
static const char *copy_name(struct reader *reader, const char *name) {
    enum { COPIES = 4 }; /* linkers share the tails of names, and the names of equal locals */
    size_t length = strlen(name);
    reader->name_bytes += length + 1;
    if (reader->name_bytes / COPIES > reader->file.size_bytes) return NULL;
    return arena_string(&reader->model->arena, name, length);
}

static enum status check_identity(struct reader *reader) {
    const uint8_t *id = reader->file.data;
    struct error *error = reader->error;
    if (reader->file.size_bytes < sizeof(Elf32_Ehdr) || memcmp(id, ELFMAG, SELFMAG) != 0) {
        return error_input(error, "not an ELF file");
    }
    if (id[EI_CLASS] != ELFCLASS32) return error_input(error, "not a 32-bit ELF file");
    if (id[EI_DATA] != ELFDATA2LSB) return error_input(error, "not a little-endian ELF file");
    if (id[EI_VERSION] != EV_CURRENT) return error_input(error, "unknown ELF version");
    return STATUS_OK;
}

static enum status check_header(struct reader *reader) {
    const Elf32_Ehdr *header = reader->header;
    struct error *error = reader->error;
    if (header->e_machine != EM_ARM) {
        return error_input(error, "machine %u is not ARM (%u)", header->e_machine, EM_ARM);
    }
    if (header->e_type != ET_EXEC) {
        return error_input(error, "not a linked executable (ELF type %u); give the linker's output",
                           header->e_type);
    }
    if (header->e_shnum == 0 || header->e_shentsize != sizeof(Elf32_Shdr) ||
        header->e_shoff % TABLE_ALIGNMENT != 0 ||
        (header->e_phnum != 0 &&
         (header->e_phentsize != sizeof(Elf32_Phdr) || header->e_phoff % TABLE_ALIGNMENT != 0))) {
        return error_input(error, "section or program headers are missing or malformed");
    }
    if (header->e_shnum > MAXIMUM_SECTIONS) {
        return error_input(error,
                           "%u sections are more than the %u that are read: gather the functions' "
                           "in the linker script, by *(.text*) in .text",
                           header->e_shnum, MAXIMUM_SECTIONS);
    }
    if (header->e_phnum > MAXIMUM_SEGMENTS) {
        return error_input(error, "%u segments are more than the %u that are read", header->e_phnum,
                           MAXIMUM_SEGMENTS);
    }
    struct span part;
    if (!span_sub(reader->file, header->e_shoff, (size_t)header->e_shnum * sizeof(Elf32_Shdr),
                  &part)) {
        return error_input(error, "truncated: the section headers are not in the file");
    }
    if (header->e_phnum && !span_sub(reader->file, header->e_phoff,
                                     (size_t)header->e_phnum * sizeof(Elf32_Phdr), &part)) {
        return error_input(error, "truncated: the program headers are not in the file");
    }
    return STATUS_OK;
}

static bool ranges_overlap(uint32_t a, uint32_t a_bytes, uint32_t b, uint32_t b_bytes) {
    return a_bytes && b_bytes && (a >= b ? a - b < b_bytes : b - a < a_bytes);
}

static enum status check_segment_overlaps(struct reader *reader) {
    const struct fw_model *model = reader->model;
    for (size_t i = 0; i < model->segment_count; i++) {
        const struct fw_segment *a = &model->segments[i];
        for (size_t k = 0; k < i; k++) {
            const struct fw_segment *b = &model->segments[k];
            if (a->type != PT_LOAD || b->type != PT_LOAD) continue;
            if (ranges_overlap(a->address, a->memory_bytes, b->address, b->memory_bytes)) {
                return error_input(reader->error, "segment %zu and segment %zu overlap in memory",
                                   k, i);
            }
            /* Which of the two is in flash then depends on who loads them. */
            if (ranges_overlap(a->load_address, a->file_bytes, b->load_address, b->file_bytes)) {
                return error_input(reader->error,
                                   "segment %zu and segment %zu overlap where they are loaded", k,
                                   i);
            }
        }
    }
    return STATUS_OK;
}

static enum status read_segments(struct reader *reader) {
    struct fw_model *model = reader->model;
    size_t count = reader->header->e_phnum;
    Elf32_Phdr *headers = count ? elf32_getphdr(reader->elf) : NULL;
    if (count && !headers) return error_input(reader->error, "program headers cannot be read");
    model->segments = ARENA_ARRAY(&model->arena, struct fw_segment, count);
    for (size_t i = 0; i < count; i++) {
        const Elf32_Phdr *h = &headers[i];
        struct span part;
        if (h->p_type == PT_LOAD &&
            (!span_sub(reader->file, h->p_offset, h->p_filesz, &part) || h->p_filesz > h->p_memsz ||
             h->p_memsz > UINT32_MAX - h->p_vaddr || h->p_filesz > UINT32_MAX - h->p_paddr)) {
            return error_input(reader->error, "segment %zu is truncated or malformed", i);
        }
        model->segments[i] = (struct fw_segment){h->p_type,   h->p_flags, h->p_vaddr, h->p_paddr,
                                                 h->p_filesz, h->p_memsz, h->p_align, h->p_offset};
    }
    model->segment_count = count;
    return check_segment_overlaps(reader);
}

/* A section lies inside a segment or apart from it, and contents in memory that a segment
 * holds are also among its bytes of the file. */
static bool agrees_with_segments(const struct fw_model *model, const Elf32_Shdr *header) {
    for (size_t i = 0; i < model->segment_count; i++) {
        const struct fw_segment *s = &model->segments[i];
        uint32_t room = header->sh_type == SHT_NOBITS ? s->memory_bytes : s->file_bytes;
        uint32_t offset = header->sh_addr - s->address;
        if (s->type != PT_LOAD || !s->memory_bytes) continue;
        if (header->sh_addr < s->address) {
            if (s->address - header->sh_addr < header->sh_size) return false;
        } else if (offset < s->memory_bytes) {
            if (offset > room || header->sh_size > room - offset) return false;
        }
    }
    return true;
}

/* The load address of a section: that of its segment, by the same distance. */
static uint32_t load_address_of(const struct fw_model *model, const Elf32_Shdr *header) {
    for (size_t i = 0; i < model->segment_count; i++) {
        const struct fw_segment *s = &model->segments[i];
        if (s->type != PT_LOAD || header->sh_addr < s->address) continue;
        uint32_t offset = header->sh_addr - s->address;
        if (offset < s->memory_bytes && header->sh_size <= s->memory_bytes - offset) {
            return s->load_address + offset;
        }
    }
    return header->sh_addr;
}

static bool has_contents(const Elf32_Shdr *header) {
    return header->sh_size && header->sh_type != SHT_NOBITS && header->sh_type != SHT_NULL;
}

static const char *section_name(struct reader *reader, const Elf32_Shdr *header) {
    size_t names;
    if (elf_getshdrstrndx(reader->elf, &names) != 0) return NULL;
    return elf_strptr(reader->elf, names, header->sh_name);
}

static int by_offset(const void *a, const void *b) {
    const Elf32_Shdr *const *x = a, *const *y = b;
    return (*x)->sh_offset < (*y)->sh_offset ? -1 : (*x)->sh_offset > (*y)->sh_offset;
}

/* Before anything is copied: sections that share no byte of the file hold no more than it. */
static enum status check_places_in_file(struct reader *reader) {
    struct arena scratch = {0};
    const Elf32_Shdr **order =
        ARENA_ARRAY(&scratch, const Elf32_Shdr *, reader->elf_section_count + 1);
    enum status status = STATUS_OK;
    size_t count = 0;
    for (size_t i = 0; i < reader->elf_section_count && status == STATUS_OK; i++) {
        Elf_Scn *scn = elf_getscn(reader->elf, i);
        const Elf32_Shdr *header = scn ? elf32_getshdr(scn) : NULL;
        const char *name = header ? section_name(reader, header) : NULL;
        struct span content;
        if (!name) {
            status = error_input(reader->error, "section %zu has no readable %s", i,
                                 header ? "name" : "header");
        } else if (has_contents(header)) {
            order[count++] = header;
            if (!span_sub(reader->file, header->sh_offset, header->sh_size, &content)) {
                status =
                    error_input(reader->error, "truncated: section %s is not in the file", name);
            }
        }
    }
    if (status == STATUS_OK) qsort(order, count, sizeof(void *), by_offset);
    for (size_t i = 1; i < count && status == STATUS_OK; i++) {
        if (order[i]->sh_offset - order[i - 1]->sh_offset >= order[i - 1]->sh_size) continue;
        status = error_input(reader->error, "sections %s and %s overlap in the file at 0x%x",
                             section_name(reader, order[i - 1]), section_name(reader, order[i]),
                             order[i]->sh_offset);
    }
    arena_free(&scratch);
    return status;
}

static enum status check_section(struct reader *reader, const Elf32_Shdr *header,
                                 const char *name) {
    if (header->sh_size > UINT32_MAX - header->sh_addr) {
        return error_input(reader->error, "section %s ends beyond the address space", name);
    }
    if (header->sh_type != SHT_NOBITS && (header->sh_flags & SHF_EXECINSTR) &&
        header->sh_addr % 2 != 0) {
        return error_input(reader->error, "code section %s is at an odd address", name);
    }
    bool tbss = (header->sh_flags & SHF_TLS) && header->sh_type == SHT_NOBITS;
    if ((header->sh_flags & SHF_ALLOC) && header->sh_size && !tbss &&
        !agrees_with_segments(reader->model, header)) {
        return error_input(reader->error, "section %s is not whole in its segment", name);
    }
    return STATUS_OK;
}

/* Requires: check_places_in_file(). */
static uint8_t *contents_of(struct reader *reader, const Elf32_Shdr *header) {
    const uint8_t *bytes = header->sh_size ? &reader->file.data[header->sh_offset] : NULL;
    if (bytes && reader->borrows) return (uint8_t *)(uintptr_t)bytes; /* read.h: never edited */
    uint8_t *copy = arena_alloc(&reader->model->arena, header->sh_size, 1);
    if (bytes) memcpy(copy, bytes, header->sh_size);
    return copy;
}

/* Requires: check_places_in_file(). */
static enum status read_section(struct reader *reader, size_t index, const Elf32_Shdr *header) {
    struct fw_model *model = reader->model;
    bool kept = (header->sh_flags & SHF_ALLOC) || header->sh_type == SHT_ARM_ATTRIBUTES;
    if (!kept || header->sh_type == SHT_NULL) {
        return STATUS_OK;
    }
    const char *name = copy_name(reader, section_name(reader, header));
    if (!name) return error_input(reader->error, "names are longer than a file of this size holds");
    enum status status = check_section(reader, header, name);
    if (status != STATUS_OK) return status;
    struct fw_section *section = &model->sections[model->section_count];
    *section = (struct fw_section){
        .name = name,
        .type = header->sh_type,
        .flags = header->sh_flags,
        .address = header->sh_addr,
        .load_address = load_address_of(model, header),
        .size_bytes = header->sh_size,
        .link = header->sh_link,
        .info = header->sh_info,
        .alignment = header->sh_addralign,
        .entry_bytes = header->sh_entsize,
    };
    if (header->sh_type != SHT_NOBITS) section->data = contents_of(reader, header);
    reader->section_map[index] = (uint16_t)model->section_count++;
    return STATUS_OK;
}

static int by_address(const void *a, const void *b) {
    const struct fw_section *const *x = a, *const *y = b;
    if ((*x)->address != (*y)->address) return (*x)->address < (*y)->address ? -1 : 1;
    return (*x)->size_bytes < (*y)->size_bytes ? -1 : (*x)->size_bytes > (*y)->size_bytes;
}

static enum status check_overlaps(struct reader *reader) {
    struct fw_model *model = reader->model;
    struct fw_section **order =
        ARENA_ARRAY(&model->arena, struct fw_section *, model->section_count);
    size_t count = 0;
    for (size_t i = 0; i < model->section_count; i++) {
        struct fw_section *section = &model->sections[i];
        /* Thread-local .tbss takes no place in memory (gABI, SHF_TLS). */
        bool tbss = (section->flags & SHF_TLS) && section->type == SHT_NOBITS;
        bool memory = section->flags & SHF_ALLOC;
        if (memory && section->size_bytes && !tbss) order[count++] = section;
    }
    qsort(order, count, sizeof(void *), by_address);
    for (size_t i = 1; i < count; i++) {
        if (order[i]->address - order[i - 1]->address < order[i - 1]->size_bytes) {
            return error_input(reader->error, "sections %s and %s overlap at 0x%08x",
                               order[i - 1]->name, order[i]->name, order[i]->address);
        }
    }
    return STATUS_OK;
}

/* The contents of a section are those bytes of the file that its segment loads there. */
static bool loads_contents(const struct fw_model *model, const Elf32_Shdr *header) {
    for (size_t i = 0; i < model->segment_count; i++) {
        const struct fw_segment *s = &model->segments[i];
        uint32_t offset = header->sh_addr - s->address;
        if (s->type != PT_LOAD || header->sh_addr < s->address || offset >= s->memory_bytes) {
            continue;
        }
        if (header->sh_offset - s->file_offset != offset) return false;
    }
    return true;
}

static enum status check_contents(struct reader *reader) {
    for (size_t i = 0; i < reader->elf_section_count; i++) {
        const Elf32_Shdr *header = elf32_getshdr(elf_getscn(reader->elf, i));
        bool contents = header && (header->sh_flags & SHF_ALLOC) && has_contents(header);
        if (!contents || loads_contents(reader->model, header)) continue;
        const struct fw_section *section = &reader->model->sections[reader->section_map[i]];
        return error_input(reader->error, "section %s holds other bytes than its segment loads",
                           section->name);
    }
    return STATUS_OK;
}

static enum status read_sections(struct reader *reader) {
    struct fw_model *model = reader->model;
    size_t count = reader->header->e_shnum;
    reader->elf_section_count = count;
    model->sections =
        ARENA_ARRAY(&model->arena, struct fw_section, count + 1); /* and one that is made */
    reader->section_map = ARENA_ARRAY(&model->arena, uint16_t, count);
    memset(reader->section_map, 0xff, count * sizeof *reader->section_map);
    enum status status = check_places_in_file(reader);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < count; i++) {
        status = read_section(reader, i, elf32_getshdr(elf_getscn(reader->elf, i)));
        if (status != STATUS_OK) return status;
    }
    status = check_overlaps(reader);
    return status == STATUS_OK ? check_contents(reader) : status;
}

static enum status read_symbol(struct reader *reader, const Elf32_Shdr *table,
                               const Elf32_Sym *entries, size_t index) {
    struct fw_model *model = reader->model;
    const Elf32_Sym *entry = &entries[index];
    const char *name = elf_strptr(reader->elf, table->sh_link, entry->st_name);
    if (!name) return error_input(reader->error, "symbol %zu has no readable name", index);
    uint16_t section = entry->st_shndx;
    if (section != SHN_UNDEF && section < SHN_LORESERVE) {
        if (section >= reader->elf_section_count) {
            return error_input(reader->error, "symbol %s is in section %u of %zu", name, section,
                               reader->elf_section_count);
        }
        if (reader->section_map[section] == 0xffff) {
            reader->symbol_map[index] = FW_NONE; /* of a section left behind */
            return STATUS_OK;
        }
        /* Model symbols count sections from 1, so that 0 stays SHN_UNDEF. */
        section = (uint16_t)(reader->section_map[section] + 1);
    }
    name = copy_name(reader, name);
    if (!name) {
        return error_input(reader->error, "names are longer than a file of this size holds");
    }
    reader->symbol_map[index] = (uint32_t)model->symbol_count;
    model->symbols[model->symbol_count++] = (struct fw_symbol){
        name, entry->st_value, entry->st_size, entry->st_info, entry->st_other, section, FW_NONE};
    return STATUS_OK;
}

static enum status read_symbols(struct reader *reader) {
    struct fw_model *model = reader->model;
    for (size_t i = 0; i < reader->elf_section_count; i++) {
        Elf_Scn *scn = elf_getscn(reader->elf, i);
        const Elf32_Shdr *header = elf32_getshdr(scn);
        if (header->sh_type != SHT_SYMTAB) continue;
        if (reader->symbol_map) return error_input(reader->error, "two symbol tables");
        Elf_Data *data = elf_getdata(scn, NULL);
        if (!data || header->sh_entsize != sizeof(Elf32_Sym) ||
            header->sh_offset % TABLE_ALIGNMENT != 0 || data->d_size % sizeof(Elf32_Sym) != 0) {
            return error_input(reader->error, "the symbol table is malformed");
        }
        size_t count = data->d_size / sizeof(Elf32_Sym);
        reader->elf_symbol_count = count;
        reader->symbol_map = ARENA_ARRAY(&model->arena, uint32_t, count + 1);
        model->symbol_capacity = count + 1;
        model->symbols = ARENA_ARRAY(&model->arena, struct fw_symbol, model->symbol_capacity);
        for (size_t s = 0; s < count; s++) {
            enum status status = read_symbol(reader, header, data->d_buf, s);
            if (status != STATUS_OK) return status;
        }
    }
    if (!model->symbol_count) {
        return error_input(reader->error, "no symbol table: give the linker's output unstripped");
    }
    return STATUS_OK;
}

static int by_place(const void *a, const void *b) {
    const struct fw_relocation *x = a, *y = b;
    if (x->place != y->place) return x->place < y->place ? -1 : 1;
    return x->type < y->type ? -1 : x->type > y->type;
}

static enum status read_relocation_section(struct reader *reader, const Elf32_Shdr *header,
                                           Elf_Scn *scn, uint16_t target) {
    struct fw_model *model = reader->model;
    const struct fw_section *section = &model->sections[target];
    Elf_Data *data = elf_getdata(scn, NULL);
    if (!data || header->sh_entsize != sizeof(Elf32_Rel) ||
        header->sh_offset % TABLE_ALIGNMENT != 0 || data->d_size % sizeof(Elf32_Rel) != 0) {
        return error_input(reader->error, "the relocations of %s are malformed", section->name);
    }
    const Elf32_Rel *entries = data->d_buf;
    for (size_t i = 0; i < data->d_size / sizeof(Elf32_Rel); i++) {
        uint32_t type = ELF32_R_TYPE(entries[i].r_info);
        uint32_t symbol = ELF32_R_SYM(entries[i].r_info);
        uint32_t offset = entries[i].r_offset - section->address;
        uint32_t width = fw_relocation_bytes(type);
        if (type == R_ARM_NONE || type == R_ARM_V4BX) continue;
        bool outside = entries[i].r_offset < section->address || section->size_bytes < width ||
                       offset > section->size_bytes - width;
        /* ld merges entries of the unwind index and leaves their relocations as they were;
         * the index is read as a table, not by them. */
        if (outside && section->type == SHT_ARM_EXIDX) continue;
        if (symbol >= reader->elf_symbol_count || outside) {
            return error_input(reader->error, "relocation %zu of %s points outside", i,
                               section->name);
        }
        uint32_t mapped = reader->symbol_map[symbol];
        if (mapped == FW_NONE) mapped = 0; /* the null symbol: the value is trusted anyway */
        model->relocations[model->relocation_count++] = (struct fw_relocation){
            .place = entries[i].r_offset,
            .symbol = mapped,
            .section = target,
            .type = (uint8_t)type,
            .target_item = FW_NONE,
        };
    }
    return STATUS_OK;
}

struct relocation_section {
    const Elf32_Shdr *header;
    Elf_Scn *scn;
    uint16_t target; /* index of the model's section */
    uint32_t address;
};

static int by_target_address(const void *a, const void *b) {
    const struct relocation_section *x = a, *y = b;
    if (x->address != y->address) return x->address < y->address ? -1 : 1;
    return x->target < y->target ? -1 : x->target > y->target;
}

/* Those about what is in memory, in the order of the addresses: relocations are seldom out of
 * order then. */
static enum status find_relocation_sections(struct reader *reader, struct relocation_section *out,
                                            size_t *count, size_t *maximum) {
    *count = *maximum = 0;
    for (size_t i = 0; i < reader->elf_section_count; i++) {
        Elf_Scn *scn = elf_getscn(reader->elf, i);
        const Elf32_Shdr *header = elf32_getshdr(scn);
        if (header->sh_type == SHT_RELA) {
            return error_input(reader->error,
                               "relocations with addends (RELA) are not of the ARM ABI");
        }
        if (header->sh_type != SHT_REL || header->sh_info >= reader->elf_section_count ||
            reader->section_map[header->sh_info] == 0xffff) {
            continue;
        }
        uint16_t target = reader->section_map[header->sh_info];
        uint32_t address = reader->model->sections[target].address;
        out[(*count)++] = (struct relocation_section){header, scn, target, address};
        *maximum += header->sh_size / sizeof(Elf32_Rel);
    }
    if (*count) qsort(out, *count, sizeof *out, by_target_address);
    return STATUS_OK;
}

static enum status read_relocations(struct reader *reader, bool needed) {
    struct fw_model *model = reader->model;
    struct arena scratch = {0};
    struct relocation_section *sections =
        ARENA_ARRAY(&scratch, struct relocation_section, reader->elf_section_count + 1);
    size_t count, maximum;
    enum status status = find_relocation_sections(reader, sections, &count, &maximum);
    model->relocations = ARENA_ARRAY(&model->arena, struct fw_relocation, maximum + 1);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = read_relocation_section(reader, sections[i].header, sections[i].scn,
                                         sections[i].target);
    }
    arena_free(&scratch);
    if (status != STATUS_OK) return status;
    if (!count && needed) {
        return error_input(reader->error, "no relocations in the file: link it with the flag "
                                          "-Wl,--emit-relocs (ld -q) and give that output");
    }
    for (size_t i = 1; i < model->relocation_count; i++) {
        if (by_place(&model->relocations[i - 1], &model->relocations[i]) <= 0) continue;
        qsort(model->relocations, model->relocation_count, sizeof *model->relocations, by_place);
        break;
    }
    return STATUS_OK;
}

static bool read_uleb(struct span span, size_t *offset, uint32_t *out) {
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 32; shift += 7) {
        if (*offset >= span.size_bytes) return false;
        uint8_t byte = span.data[(*offset)++];
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out = value;
            return true;
        }
    }
    return false;
}

static bool skip_string(struct span span, size_t *offset) {
    const uint8_t *end = memchr(span.data + *offset, 0, span.size_bytes - *offset);
    if (!end) return false;
    *offset = (size_t)(end - span.data) + 1;
    return true;
}

/* Tag_CPU_arch of the file scope, or 0 when the attributes do not say (IHI 0045, 2.5). */
static uint32_t cpu_architecture(struct span attributes) {
    static const char vendor[] = "aeabi";
    uint32_t length, tag, value = 0, architecture = 0;
    struct span part;
    if (attributes.size_bytes < 5 || attributes.data[0] != 'A') return 0;
    if (!span_u32le(attributes, 1, &length) || !span_sub(attributes, 1, length, &part) ||
        length < 4 + sizeof vendor + 5 || memcmp(part.data + 4, vendor, sizeof vendor) != 0) {
        return 0;
    }
    size_t offset = 4 + sizeof vendor;
    if (part.data[offset] != TAG_FILE) return 0;
    offset += 5;
    while (offset < part.size_bytes && read_uleb(part, &offset, &tag)) {
        bool text = tag == TAG_CPU_RAW_NAME || tag == TAG_CPU_NAME ||
                    (tag > TAG_COMPATIBILITY && (tag & 1));
        if (!text && !read_uleb(part, &offset, &value)) break;
        if ((text || tag == TAG_COMPATIBILITY) &&
            (offset >= part.size_bytes || !skip_string(part, &offset))) {
            break;
        }
        if (tag == TAG_CPU_ARCH) architecture = value;
    }
    return architecture;
}

/* Values of Tag_CPU_arch (Addenda to the Arm ABI, 2.3.5.2). */
static const char *architecture_name(uint32_t tag) {
    static const char *const names[] = {"pre-v4",
                                        "v4",
                                        "v4T",
                                        "v5T",
                                        "v5TE",
                                        "v5TEJ",
                                        "v6",
                                        "v6KZ",
                                        "v6T2",
                                        "v6K",
                                        "v7",
                                        "v6-M",
                                        "v6S-M",
                                        "v7E-M",
                                        "v8-A",
                                        "v8-R",
                                        "v8-M Baseline",
                                        "v8-M Mainline",
                                        "v8.1-A",
                                        "v8.2-A",
                                        "v8.3-A",
                                        "v8.1-M Mainline",
                                        "v9-A"};
    return tag < sizeof names / sizeof *names ? names[tag] : "of a later revision";
}

static enum status check_architecture(struct reader *reader) {
    bool found = false;
    for (size_t i = 0; i < reader->elf_section_count; i++) {
        Elf_Scn *scn = elf_getscn(reader->elf, i);
        const Elf32_Shdr *header = elf32_getshdr(scn);
        struct span content;
        if (header->sh_type != SHT_ARM_ATTRIBUTES) continue;
        if (found) return error_input(reader->error, "two sections of build attributes");
        found = true;
        if (!span_sub(reader->file, header->sh_offset, header->sh_size, &content)) continue;
        uint32_t architecture = cpu_architecture(content);
        if (architecture != 0 && architecture != ARCH_V7 && architecture != ARCH_V7EM) {
            return error_input(reader->error,
                               "built for Arm architecture %s (tag %u); ARMv7-M and ARMv7E-M "
                               "(Cortex-M3, M4, M7) are supported",
                               architecture_name(architecture), architecture);
        }
    }
    return STATUS_OK;
}

static enum status read_all(struct reader *reader, bool need_relocations) {
    enum status status = check_header(reader);
    if (status == STATUS_OK) status = check_architecture(reader);
    if (status == STATUS_OK) status = read_segments(reader);
    if (status == STATUS_OK) status = read_sections(reader);
    if (status == STATUS_OK) status = read_symbols(reader);
    if (status == STATUS_OK) status = read_relocations(reader, need_relocations);
    return status;
}

static enum status read_file(struct fw_model *model, struct span file, bool need_relocations,
                             bool borrows, struct error *error) {
    struct reader reader = {.model = model, .file = file, .error = error, .borrows = borrows};
    enum status status = check_identity(&reader);
    if (status != STATUS_OK) return status;
    if (elf_version(EV_CURRENT) == EV_NONE) {
        return error_environment(error, "libelf: %s", elf_errmsg(-1));
    }
    /* libelf takes a mutable pointer but does not write to an image it only reads. */
    reader.elf = elf_memory((char *)(uintptr_t)file.data, file.size_bytes);
    if (!reader.elf) return error_input(error, "not a readable ELF file: %s", elf_errmsg(-1));
    reader.header = elf32_getehdr(reader.elf);
    if (!reader.header) {
        status = error_input(error, "ELF header cannot be read: %s", elf_errmsg(-1));
    } else {
        model->entry = reader.header->e_entry;
        model->elf_flags = reader.header->e_flags;
        model->vector_table = model->rival_vector_table = model->entry_item = FW_NONE;
        /* check_architecture() needs the section count before the sections are read. */
        reader.elf_section_count = reader.header->e_shnum;
        status = read_all(&reader, need_relocations);
    }
    elf_end(reader.elf);
    return status;
}

enum status fw_read(struct fw_model *model, struct span file, bool need_relocations,
                    struct error *error) {
    return read_file(model, file, need_relocations, false, error);
}

enum status fw_read_borrowing(struct fw_model *model, struct span file, bool need_relocations,
                              struct error *error) {
    return read_file(model, file, need_relocations, true, error);
}
