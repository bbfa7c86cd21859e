/* The order of the steps of fw_write(), and what of them runs side by side. See write.h. */
#include "base/parallel.h"
#include "firmware/write/writing.h"

#include <stdlib.h>

enum { SECTION_ALIGNMENT = 8 };

static void add_overflow_section(struct writer *writer) {
    struct fw_model *model = writer->model;
    const struct fw_layout *layout = writer->layout;
    writer->overflow_section = FW_NONE;
    if (!layout->overflow_bytes) return;
    writer->overflow_section = (uint32_t)model->section_count;
    model->sections[model->section_count++] = (struct fw_section){
        .name = FW_OVERFLOW_SECTION,
        .type = SHT_PROGBITS,
        .flags = SHF_ALLOC | SHF_EXECINSTR,
        .address = layout->overflow_address,
        .load_address = layout->overflow_address,
        .size_bytes = layout->overflow_bytes,
        .alignment = SECTION_ALIGNMENT,
        .data = arena_alloc(&model->arena, layout->overflow_bytes, 1),
    };
}

static int by_start(const void *a, const void *b) {
    const struct write_placed *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

static void sort_placed(struct writer *writer) {
    const struct fw_model *model = writer->model;
    writer->placed = ARENA_ARRAY(&writer->scratch, struct write_placed, model->unit_count + 1);
    for (uint32_t u = 0; u < model->unit_count; u++) {
        const struct fw_unit *unit = &model->units[u];
        if (unit->status == FW_UNIT_DROPPED || unit->first == FW_NONE) continue;
        writer->placed[writer->placed_count++] =
            (struct write_placed){.start = model->items[unit->first].new_address, .unit = u};
    }
    qsort(writer->placed, writer->placed_count, sizeof *writer->placed, by_start);
}

static void note_mapping(struct write_part *part, uint32_t address, char kind) {
    part->mappings = arena_grow(&part->arena, part->mappings, part->mapping_count,
                                &part->mapping_capacity, sizeof *part->mappings);
    part->mappings[part->mapping_count++] = (struct write_mapping){address, kind};
}

static enum status write_unit(const struct writer *writer, struct write_part *part,
                              struct write_placed *placed) {
    const struct fw_model *model = writer->model;
    const struct fw_unit *unit = &model->units[placed->unit];
    placed->mapping_first = (uint32_t)part->mapping_count;
    placed->first_kind = model->items[unit->first].kind == FW_ITEM_INSN ? 't' : 'd';
    placed->last_kind = placed->first_kind;
    for (uint32_t i = unit->first; i != FW_NONE; i = model->items[i].next) {
        const struct fw_item *item = &model->items[i];
        char kind = item->kind == FW_ITEM_INSN ? 't' : 'd';
        if (kind != placed->last_kind) note_mapping(part, item->new_address, kind);
        placed->last_kind = kind;
        placed->end = item->new_address + item->size_bytes;
        write_note_references(writer, part, item);
        enum status status = unit->decoded ? write_item(writer, part, item) : STATUS_OK;
        if (status != STATUS_OK) return status;
    }
    placed->mapping_count = (uint32_t)part->mapping_count - placed->mapping_first;
    return STATUS_OK;
}

static void write_piece(void *context, size_t i) {
    struct writer *writer = context;
    if (i >= WRITE_PARTS) {
        write_carry_symbols(writer, i - WRITE_PARTS);
        return;
    }
    struct write_part *part = &writer->parts[i];
    struct write_run run = write_run(writer->placed_count, i);
    part->status = STATUS_OK;
    for (size_t k = run.first; k < run.end && part->status == STATUS_OK; k++)
        part->status = write_unit(writer, part, &writer->placed[k]);
}

/* What is left in memory, and beside it what describes it: neither looks at the other. */
struct ends {
    struct writer *data, *tables;
    enum status data_status, tables_status;
};

static void write_end(void *context, size_t i) {
    struct ends *ends = context;
    if (i == 0) {
        ends->tables_status = write_symbols(ends->tables);
        if (ends->tables_status == STATUS_OK) write_resolve_references(ends->tables);
    } else {
        write_data_references(ends->data->model);
        ends->data_status = write_unwind_index(ends->data);
    }
}

static enum status write_ends(struct writer *writer) {
    struct error error;
    struct writer data = {.model = writer->model, .error = &error};
    struct ends ends = {.data = &data, .tables = writer};
    parallel_run(2, write_end, &ends);
    arena_free(&data.scratch);
    if (ends.data_status != STATUS_OK) *writer->error = error;
    return ends.data_status != STATUS_OK ? ends.data_status : ends.tables_status;
}

static enum status write_parts(struct writer *writer) {
    size_t symbols = writer->model->symbol_count + 1;
    writer->carried = ARENA_ARRAY(&writer->scratch, Elf32_Sym, symbols);
    writer->left_out = ARENA_ARRAY(&writer->scratch, bool, symbols);
    sort_placed(writer);
    write_prepare(writer);
    parallel_run((size_t)2 * WRITE_PARTS, write_piece, writer);
    for (size_t i = 0; i < WRITE_PARTS; i++) {
        if (writer->parts[i].status == STATUS_OK) continue;
        *writer->error = writer->parts[i].error;
        return writer->parts[i].status;
    }
    return STATUS_OK;
}

enum status fw_write(struct fw_model *model, const struct fw_layout *layout, struct fw_written *out,
                     struct error *error) {
    struct writer writer = {.model = model, .layout = layout, .error = error};
    *out = (struct fw_written){.flash_bytes = 0};
    buffer_init(&writer.names, FW_NONE);
    add_overflow_section(&writer);
    enum status status = write_parts(&writer);
    arena_free(&writer.originals); /* before there is a file */
    if (status == STATUS_OK) status = write_ends(&writer);
    for (size_t i = 0; i < WRITE_PARTS; i++)
        arena_free(&writer.parts[i].arena);
    if (status == STATUS_OK) status = write_file(&writer, out);
    buffer_free(&writer.names);
    arena_free(&writer.scratch);
    return status;
}
