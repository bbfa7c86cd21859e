/* The output file. See write.h for its one form. */
#include "firmware/write/writing.h"

#include <string.h>

enum { FILE_ALIGNMENT = 8, EXTRA_SECTIONS = 4, MAXIMUM_ALIGNMENT = 4096 };

struct image {
    struct writer *writer;
    struct buffer *file;
    Elf32_Shdr *headers;
    size_t header_count;
    struct buffer names;
    uint32_t *relocation_header; /* by model section: header index of its .rel, or 0 */
};

static void pad_bytes(struct buffer *file, size_t size_bytes) {
    static const uint8_t zeros[MAXIMUM_ALIGNMENT];
    for (size_t part; size_bytes; size_bytes -= part) {
        part = size_bytes < sizeof zeros ? size_bytes : sizeof zeros;
        buffer_append(file, zeros, part);
    }
}

static void pad_to(struct buffer *file, size_t alignment, size_t remainder) {
    size_t now = file->size_bytes % alignment;
    pad_bytes(file, (remainder + alignment - now) % alignment);
}

/* The loaded segment of the input that holds the section, or FW_NONE. */
static uint32_t segment_holding(const struct fw_model *model, const struct fw_section *s) {
    for (uint32_t i = 0; i < model->segment_count; i++) {
        const struct fw_segment *segment = &model->segments[i];
        uint32_t offset = s->address - segment->address;
        if (segment->type == PT_LOAD && (s->flags & SHF_ALLOC) && s->address >= segment->address &&
            offset < segment->memory_bytes && s->size_bytes <= segment->memory_bytes - offset) {
            return i;
        }
    }
    return FW_NONE;
}

static uint32_t add_name(struct image *image, const char *prefix, const char *name) {
    uint32_t offset = (uint32_t)image->names.size_bytes;
    buffer_text(&image->names, prefix);
    buffer_append(&image->names, name, strlen(name) + 1);
    return offset;
}

static Elf32_Shdr *add_header(struct image *image) {
    return &image->headers[image->header_count++];
}

/* The model sections that a loaded segment of the input holds, as a new segment: it starts
 * at the first of them, without file headers. */
static bool segment_of(const struct writer *writer, const struct fw_segment *segment,
                       const Elf32_Shdr *headers, Elf32_Phdr *out) {
    const struct fw_model *model = writer->model;
    bool any = false;
    uint32_t file_end = 0, memory_end = 0, alignment = 4;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        uint32_t offset = s->address - segment->address;
        bool inside = (s->flags & SHF_ALLOC) && s->address >= segment->address &&
                      offset <= segment->memory_bytes &&
                      s->size_bytes <= segment->memory_bytes - offset;
        bool empty_edge = s->size_bytes == 0;
        if (!inside || empty_edge || i == writer->overflow_section) continue;
        const Elf32_Shdr *header = &headers[i + 1];
        if (!any) {
            *out = (Elf32_Phdr){.p_type = segment->type,
                                .p_offset = header->sh_offset,
                                .p_vaddr = s->address,
                                .p_paddr = segment->load_address + offset,
                                .p_flags = segment->flags};
            any = true;
        }
        memory_end = s->address + s->size_bytes;
        if (s->data) file_end = memory_end;
        if (s->alignment > alignment && s->alignment <= MAXIMUM_ALIGNMENT) {
            alignment = s->alignment;
        }
    }
    if (!any) return false;
    out->p_filesz = file_end > out->p_vaddr ? file_end - out->p_vaddr : 0;
    out->p_memsz = memory_end - out->p_vaddr;
    out->p_align = alignment;
    return true;
}

/* Sections of one segment stand in the order of their addresses; thread-local .tbss takes no
 * place in it. */
static enum status check_order(const struct writer *writer) {
    const struct fw_model *model = writer->model;
    const struct fw_section *before = NULL;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        bool tbss = (s->flags & SHF_TLS) && !s->data;
        uint32_t segment = segment_holding(model, s);
        if (segment == FW_NONE || !s->size_bytes || tbss || i == writer->overflow_section) continue;
        if (before && segment == segment_holding(model, before) && s->address < before->address) {
            return error_input(writer->error,
                               "sections %s and %s are not in the order of their addresses",
                               before->name, s->name);
        }
        before = s;
    }
    return STATUS_OK;
}

/* Contents in section order. Sections of one loaded segment keep their distances, so that
 * the segment's bytes are one run of the file. */
static enum status put_contents(struct image *image) {
    const struct fw_model *model = image->writer->model;
    struct buffer *file = image->file;
    const struct fw_section *before = NULL;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        Elf32_Shdr *header = add_header(image);
        /* Code behind the image has a segment of its own, whatever the input's claim. */
        bool own = i == image->writer->overflow_section;
        uint32_t segment = own ? FW_NONE : segment_holding(model, s);
        bool run = before && s->data && s->size_bytes && segment != FW_NONE &&
                   segment == segment_holding(model, before);
        uint32_t alignment = s->alignment && s->alignment <= MAXIMUM_ALIGNMENT &&
                                     (s->alignment & (s->alignment - 1)) == 0
                                 ? s->alignment
                                 : FILE_ALIGNMENT;
        if (run) {
            uint32_t end = before->address + before->size_bytes;
            if (s->address < end) {
                return error_input(image->writer->error,
                                   "sections %s and %s are not in the order of their addresses",
                                   before->name, s->name);
            }
            pad_bytes(file, s->address - end);
        } else if (s->data) {
            if (alignment < FILE_ALIGNMENT) alignment = FILE_ALIGNMENT;
            pad_to(file, alignment, s->address % alignment);
        }
        *header = (Elf32_Shdr){.sh_name = add_name(image, "", s->name),
                               .sh_type = s->type,
                               .sh_flags = s->flags,
                               .sh_addr = s->address,
                               .sh_offset = (Elf32_Off)file->size_bytes,
                               .sh_size = s->size_bytes,
                               .sh_addralign = s->alignment,
                               .sh_entsize = s->entry_bytes};
        if (s->type == SHT_ARM_EXIDX) {
            for (size_t t = 0; t < model->section_count; t++) {
                if (fw_is_code_section(&model->sections[t])) {
                    header->sh_link = (Elf32_Word)t + 1;
                    break;
                }
            }
        }
        if (s->data) buffer_append(file, s->data, s->size_bytes);
        if (s->data && s->size_bytes && (s->flags & SHF_ALLOC)) before = s;
    }
    return STATUS_OK;
}

static enum status put_relocations(struct image *image) {
    struct writer *writer = image->writer;
    const struct fw_model *model = writer->model;
    size_t room = writer->relocation_room, first = image->header_count;
    Elf32_Rel *entries = ARENA_ARRAY(&writer->scratch, Elf32_Rel, room);
    for (uint32_t i = 0; i < model->section_count; i++) {
        if (!(model->sections[i].flags & SHF_ALLOC)) continue;
        size_t count = write_relocations(writer, i, entries, room);
        if (count > room) return error_environment(writer->error, "too many relocations");
        if (!count) continue;
        pad_to(image->file, 4, 0);
        *add_header(image) =
            (Elf32_Shdr){.sh_name = add_name(image, ".rel", model->sections[i].name),
                         .sh_type = SHT_REL,
                         .sh_flags = SHF_INFO_LINK,
                         .sh_offset = (Elf32_Off)image->file->size_bytes,
                         .sh_size = (Elf32_Word)(count * sizeof *entries),
                         .sh_info = i + 1,
                         .sh_addralign = 4,
                         .sh_entsize = sizeof *entries};
        buffer_append(image->file, entries, count * sizeof *entries);
    }
    for (size_t h = first; h < image->header_count; h++) /* the symbol table is next */
        image->headers[h].sh_link = (Elf32_Word)image->header_count;
    return STATUS_OK;
}

static void put_tables(struct image *image) {
    const struct writer *writer = image->writer;
    struct buffer *file = image->file;
    pad_to(file, 4, 0);
    *add_header(image) =
        (Elf32_Shdr){.sh_name = add_name(image, "", ".symtab"),
                     .sh_type = SHT_SYMTAB,
                     .sh_offset = (Elf32_Off)file->size_bytes,
                     .sh_size = (Elf32_Word)(writer->symbol_count * sizeof(Elf32_Sym)),
                     .sh_link = (Elf32_Word)image->header_count,
                     .sh_info = (Elf32_Word)writer->local_count,
                     .sh_addralign = 4,
                     .sh_entsize = sizeof(Elf32_Sym)};
    buffer_append(file, writer->symbols, writer->symbol_count * sizeof(Elf32_Sym));
    *add_header(image) = (Elf32_Shdr){.sh_name = add_name(image, "", ".strtab"),
                                      .sh_type = SHT_STRTAB,
                                      .sh_offset = (Elf32_Off)file->size_bytes,
                                      .sh_size = (Elf32_Word)writer->names.size_bytes,
                                      .sh_addralign = 1};
    buffer_append(file, writer->names.data, writer->names.size_bytes);
    Elf32_Shdr *names = add_header(image);
    uint32_t name = add_name(image, "", ".shstrtab");
    *names = (Elf32_Shdr){.sh_name = name,
                          .sh_type = SHT_STRTAB,
                          .sh_offset = (Elf32_Off)file->size_bytes,
                          .sh_size = (Elf32_Word)image->names.size_bytes,
                          .sh_addralign = 1};
    buffer_append(file, image->names.data, image->names.size_bytes);
}

static size_t make_segments(struct image *image, Elf32_Phdr *out) {
    const struct fw_model *model = image->writer->model;
    size_t count = 0;
    for (size_t i = 0; i < model->segment_count; i++) {
        if (segment_of(image->writer, &model->segments[i], image->headers, &out[count])) count++;
    }
    if (image->writer->overflow_section != FW_NONE) {
        const Elf32_Shdr *header = &image->headers[image->writer->overflow_section + 1];
        out[count++] = (Elf32_Phdr){.p_type = PT_LOAD,
                                    .p_offset = header->sh_offset,
                                    .p_vaddr = header->sh_addr,
                                    .p_paddr = header->sh_addr,
                                    .p_filesz = header->sh_size,
                                    .p_memsz = header->sh_size,
                                    .p_flags = PF_R | PF_X,
                                    .p_align = FILE_ALIGNMENT};
    }
    return count;
}

static uint32_t new_entry(const struct fw_model *model) {
    uint32_t item = model->entry_item;
    if (item == FW_NONE) item = fw_item_at(model, model->entry & ~1U);
    if (item == FW_NONE || model->items[item].kind != FW_ITEM_INSN) return model->entry;
    return model->items[item].new_address | (model->entry & 1U);
}

static void put_headers(struct image *image, struct fw_written *out, size_t segment_room,
                        Elf32_Phdr *segments, size_t segment_count) {
    struct buffer *file = image->file;
    Elf32_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_ARM,
        .e_version = EV_CURRENT,
        .e_entry = new_entry(image->writer->model),
        .e_phoff = sizeof header,
        .e_flags = image->writer->model->elf_flags,
        .e_ehsize = sizeof header,
        .e_phentsize = sizeof(Elf32_Phdr),
        .e_phnum = (Elf32_Half)segment_count,
        .e_shentsize = sizeof(Elf32_Shdr),
        .e_shnum = (Elf32_Half)image->header_count,
        .e_shstrndx = (Elf32_Half)(image->header_count - 1)};
    pad_to(file, 4, 0);
    header.e_shoff = (Elf32_Off)file->size_bytes;
    buffer_append(file, image->headers, image->header_count * sizeof *image->headers);
    if (file->failed) return;
    memcpy(file->data, &header, sizeof header);
    memset(file->data + sizeof header, 0, segment_room * sizeof *segments);
    memcpy(file->data + sizeof header, segments, segment_count * sizeof *segments);
    for (size_t i = 0; i < segment_count; i++) {
        if (segments[i].p_type == PT_LOAD) out->flash_bytes += segments[i].p_filesz;
    }
}

enum status write_file(struct writer *writer, struct fw_written *out) {
    const struct fw_model *model = writer->model;
    struct image image = {.writer = writer, .file = &out->file};
    size_t segment_room = model->segment_count + 1;
    Elf32_Phdr *segments = ARENA_ARRAY(&writer->scratch, Elf32_Phdr, segment_room);
    Elf32_Shdr *headers =
        ARENA_ARRAY(&writer->scratch, Elf32_Shdr, 2 * model->section_count + EXTRA_SECTIONS + 1);
    uint8_t *front =
        arena_alloc(&writer->scratch, sizeof(Elf32_Ehdr) + segment_room * sizeof(Elf32_Phdr), 1);
    image.headers = headers;
    buffer_init(&image.names, FW_NONE);
    buffer_init(&out->file, FW_NONE);
    buffer_append(&out->file, front, sizeof(Elf32_Ehdr) + segment_room * sizeof(Elf32_Phdr));
    add_name(&image, "", "");
    add_header(&image);
    enum status status = check_order(writer);
    if (status == STATUS_OK) status = put_contents(&image);
    if (status == STATUS_OK) status = put_relocations(&image);
    if (status == STATUS_OK) {
        put_tables(&image);
        size_t count = make_segments(&image, segments);
        put_headers(&image, out, segment_room, segments, count);
        if (out->file.failed || image.names.failed) {
            status = error_environment(writer->error, "out of memory");
        }
    }
    buffer_free(&image.names);
    return status;
}
