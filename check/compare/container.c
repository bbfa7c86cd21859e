/* The file around the contents. Its one form, from the original's sections and segments:
 *
 *   ELF header | room for the original's program headers and one more | contents in the
 *   original's section order, those of one segment at the distances that they have in
 *   memory, others aligned to at least 8 | .rel sections | .symtab | .strtab | .shstrtab |
 *   section headers
 *
 * Every byte that belongs to none of these is zero. Source: gABI 4.1 and IHI 0044. */
#include <string.h>

#include "check/compare/compare.h"

enum { FILE_ALIGNMENT = 8, MAXIMUM_ALIGNMENT = 4096 };

static bool read_at(struct span bytes, uint32_t offset, void *out, size_t size_bytes) {
    struct span part;
    if (!span_sub(bytes, offset, size_bytes, &part)) return false;
    if (size_bytes) memcpy(out, part.data, size_bytes);
    return true;
}

static const char *text_at(const struct file_view *file, uint32_t section, uint32_t offset) {
    const Elf32_Shdr *s = &file->sections[section];
    struct span table;
    if (!span_sub(file->bytes, s->sh_offset, s->sh_size, &table)) return NULL;
    if (offset >= table.size_bytes) return NULL;
    if (!memchr(table.data + offset, 0, table.size_bytes - offset)) return NULL;
    return (const char *)table.data + offset;
}

static bool read_symbols(struct compare *compare) {
    struct file_view *file = &compare->file;
    const Elf32_Shdr *s = &file->sections[file->symtab];
    file->symbol_count = s->sh_size / sizeof(Elf32_Sym);
    file->symbols = ARENA_ARRAY(&compare->arena, Elf32_Sym, file->symbol_count + 1);
    file->names = ARENA_ARRAY(&compare->arena, const char *, file->symbol_count + 1);
    if (!read_at(file->bytes, s->sh_offset, file->symbols,
                 file->symbol_count * sizeof(Elf32_Sym))) {
        return false;
    }
    for (size_t i = 0; i < file->symbol_count; i++) {
        file->names[i] = text_at(file, file->strtab, file->symbols[i].st_name);
        if (!file->names[i]) return false;
    }
    return true;
}

bool compare_open_file(struct compare *compare, struct span bytes) {
    struct file_view *file = &compare->file;
    file->bytes = bytes;
    if (!read_at(bytes, 0, &file->header, sizeof file->header)) return false;
    file->section_count = file->header.e_shnum;
    file->sections = ARENA_ARRAY(&compare->arena, Elf32_Shdr, file->section_count + 1);
    size_t size_bytes = file->section_count * sizeof(Elf32_Shdr);
    if (file->section_count < 4 ||
        !read_at(bytes, file->header.e_shoff, file->sections, size_bytes)) {
        return false;
    }
    file->shstrtab = (uint32_t)file->section_count - 1;
    file->strtab = file->shstrtab - 1;
    file->symtab = file->strtab - 1;
    return file->sections[file->symtab].sh_type == SHT_SYMTAB && read_symbols(compare);
}

/* The form under construction, to be compared with the file. */
struct form {
    struct compare *compare;
    uint32_t offset; /* end of what was laid down */
    uint32_t names;  /* end of .shstrtab so far */
    uint32_t index;  /* next section header */
    Elf32_Shdr *expected;
};

static void differs(struct compare *compare, const char *what, const char *field, uint32_t is,
                    uint32_t should) {
    check_find(compare->check, "file", 0, "%s: %s is 0x%x and should be 0x%x", what, field, is,
               should);
}

/* The zeros from where the last part ended. */
static void need_zeros(struct form *form, uint32_t end) {
    struct span gap;
    if (end < form->offset ||
        !span_sub(form->compare->file.bytes, form->offset, end - form->offset, &gap)) {
        return; /* the offsets differ, which is told */
    }
    for (size_t i = 0; i < gap.size_bytes; i++) {
        if (!gap.data[i]) continue;
        check_find(form->compare->check, "file", 0, "padding at file offset 0x%x is not zero",
                   form->offset + (uint32_t)i);
        return;
    }
}

static void pad_to(struct form *form, uint32_t alignment, uint32_t remainder) {
    uint32_t gap = (remainder - form->offset) % alignment;
    need_zeros(form, form->offset + gap);
    form->offset += gap;
}

static void compare_header(struct form *form, const Elf32_Shdr *should, const char *name) {
    struct compare *compare = form->compare;
    const struct file_view *file = &compare->file;
    if (form->index >= file->section_count) return;
    const Elf32_Shdr *is = &file->sections[form->index];
    form->expected[form->index++] = *should;
    const char *there = text_at(file, file->shstrtab, is->sh_name);
    if (!there || strcmp(there, name) != 0) {
        check_find(compare->check, "file", 0, "section %u is named %s and should be %s",
                   form->index - 1, there ? there : "outside the table", name);
    }
    static const char *const fields[] = {"name", "type", "flags", "address",   "offset",
                                         "size", "link", "info",  "alignment", "entry size"};
    const uint32_t pairs[][2] = {
        {is->sh_name, should->sh_name},           {is->sh_type, should->sh_type},
        {is->sh_flags, should->sh_flags},         {is->sh_addr, should->sh_addr},
        {is->sh_offset, should->sh_offset},       {is->sh_size, should->sh_size},
        {is->sh_link, should->sh_link},           {is->sh_info, should->sh_info},
        {is->sh_addralign, should->sh_addralign}, {is->sh_entsize, should->sh_entsize}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (pairs[i][0] != pairs[i][1]) differs(compare, name, fields[i], pairs[i][0], pairs[i][1]);
    }
}

static uint32_t next_name(struct form *form, const char *name) {
    uint32_t offset = form->names;
    form->names += (uint32_t)strlen(name) + 1;
    return offset;
}

static uint32_t segment_of(const struct fw_model *in, const struct fw_section *s) {
    for (uint32_t i = 0; i < in->segment_count; i++) {
        const struct fw_segment *segment = &in->segments[i];
        uint32_t offset = s->address - segment->address;
        if (segment->type == PT_LOAD && s->address >= segment->address &&
            offset < segment->memory_bytes && s->size_bytes <= segment->memory_bytes - offset) {
            return i;
        }
    }
    return FW_NONE;
}

static uint32_t first_code_section(const struct fw_model *model) {
    for (uint32_t i = 0; i < model->section_count; i++) {
        if (fw_is_code_section(&model->sections[i])) return i + 1;
    }
    return 0;
}

/* `s`: the output's section. The original has the same ones, and perhaps not the last:
 * code that did not fit where the old code was. */
static void place_section(struct form *form, const struct fw_section *s, bool original,
                          const struct fw_section **before) {
    const struct fw_model *in = form->compare->in;
    bool in_memory = original && (s->flags & SHF_ALLOC); /* others have address 0 */
    uint32_t segment = in_memory ? segment_of(in, s) : FW_NONE;
    bool loaded = *before && s->data && s->size_bytes && segment != FW_NONE &&
                  segment == segment_of(in, *before);
    bool power = s->alignment && s->alignment <= MAXIMUM_ALIGNMENT &&
                 (s->alignment & (s->alignment - 1)) == 0;
    uint32_t alignment = power ? s->alignment : FILE_ALIGNMENT;
    if (loaded) {
        uint32_t end = (*before)->address + (*before)->size_bytes;
        need_zeros(form, form->offset + (s->address - end));
        form->offset += s->address - end;
    } else if (s->data) {
        if (alignment < FILE_ALIGNMENT) alignment = FILE_ALIGNMENT;
        pad_to(form, alignment, s->address % alignment);
    }
    Elf32_Shdr should = {.sh_name = next_name(form, s->name),
                         .sh_type = s->type,
                         .sh_flags = s->flags,
                         .sh_addr = s->address,
                         .sh_offset = form->offset,
                         .sh_size = s->size_bytes,
                         .sh_addralign = s->alignment,
                         .sh_entsize = s->entry_bytes};
    if (s->type == SHT_ARM_EXIDX) should.sh_link = first_code_section(form->compare->check->model);
    compare_header(form, &should, s->name);
    if (s->data) form->offset += s->size_bytes;
    if (s->data && s->size_bytes && (s->flags & SHF_ALLOC)) *before = s;
}

/* The section as it should be: the original's, or the output's own for added code. */
static void place_sections(struct form *form) {
    struct compare *compare = form->compare;
    const struct fw_model *in = compare->in, *out = compare->check->model;
    const struct fw_section *before = NULL;
    for (size_t i = 0; i < in->section_count; i++) {
        place_section(form, &in->sections[i], true, &before);
    }
    if (out->section_count <= in->section_count) return;
    struct fw_section added = out->sections[in->section_count];
    added.name = ".text.proofmark";
    added.type = SHT_PROGBITS;
    added.flags = SHF_ALLOC | SHF_EXECINSTR;
    added.alignment = FILE_ALIGNMENT;
    added.entry_bytes = 0;
    place_section(form, &added, false, &before);
}

static void place_relocations(struct form *form) {
    const struct file_view *file = &form->compare->file;
    const struct fw_model *out = form->compare->check->model;
    char name[160];
    while (form->index < file->symtab) {
        const Elf32_Shdr *is = &file->sections[form->index];
        /* Which ones there are, and how long, is judged by their contents. */
        uint32_t target = is->sh_info;
        if (target == 0 || target > out->section_count) target = 1;
        snprintf(name, sizeof name, ".rel%s", out->sections[target - 1].name);
        pad_to(form, 4, 0);
        Elf32_Shdr should = {.sh_name = next_name(form, name),
                             .sh_type = SHT_REL,
                             .sh_flags = SHF_INFO_LINK,
                             .sh_offset = form->offset,
                             .sh_size = is->sh_size,
                             .sh_link = file->symtab,
                             .sh_info = target,
                             .sh_addralign = 4,
                             .sh_entsize = sizeof(Elf32_Rel)};
        compare_header(form, &should, name);
        form->offset += is->sh_size;
    }
}

static uint32_t first_global(const struct file_view *file) {
    uint32_t i = 0;
    while (i < file->symbol_count && ELF32_ST_BIND(file->symbols[i].st_info) == STB_LOCAL)
        i++;
    return i;
}

static void place_tables(struct form *form) {
    const struct file_view *file = &form->compare->file;
    pad_to(form, 4, 0);
    Elf32_Shdr symtab = {.sh_name = next_name(form, ".symtab"),
                         .sh_type = SHT_SYMTAB,
                         .sh_offset = form->offset,
                         .sh_size = (uint32_t)(file->symbol_count * sizeof(Elf32_Sym)),
                         .sh_link = file->strtab,
                         .sh_info = first_global(file),
                         .sh_addralign = 4,
                         .sh_entsize = sizeof(Elf32_Sym)};
    compare_header(form, &symtab, ".symtab");
    form->offset += symtab.sh_size;
    uint32_t text_bytes = 1;
    for (size_t i = 0; i < file->symbol_count; i++) {
        size_t length = strlen(file->names[i]);
        if (length) text_bytes += (uint32_t)length + 1;
    }
    Elf32_Shdr strtab = {.sh_name = next_name(form, ".strtab"),
                         .sh_type = SHT_STRTAB,
                         .sh_offset = form->offset,
                         .sh_size = text_bytes,
                         .sh_addralign = 1};
    compare_header(form, &strtab, ".strtab");
    form->offset += text_bytes;
    uint32_t name = next_name(form, ".shstrtab");
    Elf32_Shdr shstrtab = {.sh_name = name,
                           .sh_type = SHT_STRTAB,
                           .sh_offset = form->offset,
                           .sh_size = form->names,
                           .sh_addralign = 1};
    compare_header(form, &shstrtab, ".shstrtab");
    form->offset += form->names;
}

/* The sections that a loaded segment of the original holds, from the first of them on. */
static bool expect_segment(const struct form *form, const struct fw_segment *segment,
                           Elf32_Phdr *out) {
    const struct fw_model *in = form->compare->in;
    bool any = false;
    uint32_t file_end = 0, memory_end = 0, alignment = 4;
    for (size_t i = 0; i < in->section_count; i++) {
        const struct fw_section *s = &in->sections[i];
        uint32_t offset = s->address - segment->address;
        bool inside = (s->flags & SHF_ALLOC) && s->size_bytes && s->address >= segment->address &&
                      offset <= segment->memory_bytes &&
                      s->size_bytes <= segment->memory_bytes - offset;
        if (!inside) continue;
        if (!any) {
            *out = (Elf32_Phdr){.p_type = segment->type,
                                .p_offset = form->expected[i + 1].sh_offset,
                                .p_vaddr = s->address,
                                .p_paddr = segment->load_address + offset,
                                .p_flags = segment->flags};
        }
        any = true;
        memory_end = s->address + s->size_bytes;
        if (s->data) file_end = memory_end;
        if (s->alignment > alignment && s->alignment <= MAXIMUM_ALIGNMENT) alignment = s->alignment;
    }
    if (!any) return false;
    out->p_filesz = file_end > out->p_vaddr ? file_end - out->p_vaddr : 0;
    out->p_memsz = memory_end - out->p_vaddr;
    out->p_align = alignment;
    return true;
}

static void compare_segment(const struct form *form, uint32_t index, const Elf32_Phdr *should) {
    struct compare *compare = form->compare;
    Elf32_Phdr is;
    char name[32];
    snprintf(name, sizeof name, "segment %u", index);
    if (!read_at(compare->file.bytes, (uint32_t)(sizeof(Elf32_Ehdr) + index * sizeof is), &is,
                 sizeof is)) {
        return;
    }
    static const char *const fields[] = {"type",      "offset",      "address", "load address",
                                         "file size", "memory size", "flags",   "alignment"};
    const uint32_t pairs[][2] = {{is.p_type, should->p_type},     {is.p_offset, should->p_offset},
                                 {is.p_vaddr, should->p_vaddr},   {is.p_paddr, should->p_paddr},
                                 {is.p_filesz, should->p_filesz}, {is.p_memsz, should->p_memsz},
                                 {is.p_flags, should->p_flags},   {is.p_align, should->p_align}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (pairs[i][0] != pairs[i][1]) differs(compare, name, fields[i], pairs[i][0], pairs[i][1]);
    }
}

static uint32_t compare_segments(const struct form *form) {
    const struct compare *compare = form->compare;
    const struct fw_model *in = compare->in, *out = compare->check->model;
    uint32_t count = 0;
    for (size_t i = 0; i < in->segment_count; i++) {
        Elf32_Phdr should;
        if (!expect_segment(form, &in->segments[i], &should)) continue;
        compare_segment(form, count++, &should);
    }
    if (out->section_count > in->section_count) {
        const struct fw_section *s = &out->sections[in->section_count];
        Elf32_Phdr should = {.p_type = PT_LOAD,
                             .p_offset = form->expected[in->section_count + 1].sh_offset,
                             .p_vaddr = s->address,
                             .p_paddr = s->address,
                             .p_filesz = s->size_bytes,
                             .p_memsz = s->size_bytes,
                             .p_flags = PF_R | PF_X,
                             .p_align = FILE_ALIGNMENT};
        compare_segment(form, count++, &should);
    }
    return count;
}

static uint32_t expected_entry(const struct compare *compare) {
    const struct fw_model *in = compare->in;
    if (compare->check->boot) return compare->check->boot->address | (in->entry & 1U);
    uint32_t item = fw_item_at((struct fw_model *)in, in->entry & ~1U);
    if (item == FW_NONE || compare->at[item] == FW_NONE) return in->entry;
    return compare->at[item] | (in->entry & 1U);
}

static void compare_elf_header(struct form *form, uint32_t segments) {
    struct compare *compare = form->compare;
    const struct file_view *file = &compare->file;
    Elf32_Ehdr should = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_ARM,
        .e_version = EV_CURRENT,
        .e_entry = expected_entry(compare),
        .e_phoff = sizeof should,
        .e_shoff = form->offset,
        .e_flags = compare->in->elf_flags,
        .e_ehsize = sizeof should,
        .e_phentsize = sizeof(Elf32_Phdr),
        .e_phnum = (Elf32_Half)segments,
        .e_shentsize = sizeof(Elf32_Shdr),
        .e_shnum = (Elf32_Half)file->section_count,
        .e_shstrndx = (Elf32_Half)file->shstrtab};
    const uint8_t *a = (const uint8_t *)&file->header, *b = (const uint8_t *)&should;
    for (uint32_t i = 0; i < sizeof should; i++) {
        if (a[i] != b[i]) {
            check_find(compare->check, "file", 0,
                       "the ELF header's byte %u is 0x%02x and should be 0x%02x", i, a[i], b[i]);
        }
    }
}

void compare_container(struct compare *compare) {
    struct file_view *file = &compare->file;
    struct form form = {.compare = compare,
                        .expected =
                            ARENA_ARRAY(&compare->arena, Elf32_Shdr, file->section_count + 2)};
    Elf32_Shdr none = {.sh_name = next_name(&form, "")};
    uint32_t room = (uint32_t)(compare->in->segment_count + 1);
    form.offset = (uint32_t)(sizeof(Elf32_Ehdr) + room * sizeof(Elf32_Phdr));
    compare_header(&form, &none, "");
    place_sections(&form);
    place_relocations(&form);
    place_tables(&form);
    pad_to(&form, 4, 0);
    uint32_t segments = compare_segments(&form);
    compare_elf_header(&form, segments);
    uint32_t end = form.offset + (uint32_t)(file->section_count * sizeof(Elf32_Shdr));
    if (file->bytes.size_bytes != end) {
        check_find(compare->check, "file", 0, "the file has %zu bytes and should have %u",
                   file->bytes.size_bytes, end);
    }
    form.offset = (uint32_t)(sizeof(Elf32_Ehdr) + segments * sizeof(Elf32_Phdr));
    need_zeros(&form, (uint32_t)(sizeof(Elf32_Ehdr) + room * sizeof(Elf32_Phdr)));
}
