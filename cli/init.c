/* proofmark init: a commented product.yaml, filled from a firmware's ELF.
 *
 * It states facts and makes proposals, and decides nothing: the random source is proposed
 * by the names of functions as comments, and what only the maker knows is left to be
 * filled in, so that `ship` refuses the file until it is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/file.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/proposals.h"
#include "cli/verbs.h"
#include "firmware/lift/lift.h"
#include "firmware/read/read.h"
#include "harden/harden.h"
#include "product/product.h"

enum { RANGES_MAXIMUM = 24, CANDIDATES_MAXIMUM = 6, NOTES_MAXIMUM = 8, TEXT_MAXIMUM = 1 << 16 };

/* ELF's numbers (System V gABI) that say what a section or symbol is. */
enum { SECTION_NOBITS = 8 };
enum { SECTION_WRITE = 1, SECTION_ALLOC = 2, SYMBOL_FUNCTION = 2 };

/* ARMv7-M's memory map (B3.1): below this lies the Code region. */
#define SRAM_REGION 0x20000000u

struct options {
    const char *output, *firmware;
    bool force;
};

static const struct options_row rows[] = {
    {"output", 'o', "PATH", offsetof(struct options, output), NULL,
     "the description (default product.yaml); - is standard output"},
    {"force", 0, NULL, offsetof(struct options, force), NULL, "replace an existing file"},
};

static const struct options_form form = {
    .verb = "init",
    .usage = "[-o product.yaml] [--force] FIRMWARE.elf",
    .about = "Writes a commented product.yaml for `proofmark ship`, filled with what the linked\n"
             "firmware says about itself. Fill in the values that begin with FILL.\n",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .exit_status = "0 done, 1 refused, 2 wrong use",
    .argument = "one firmware",
    .argument_offset = offsetof(struct options, firmware),
};

struct found {
    struct arena *arena;
    struct product_range flash[RANGES_MAXIMUM], ram[RANGES_MAXIMUM];
    size_t flash_count, ram_count;
    const char *candidates[CANDIDATES_MAXIMUM];
    unsigned ranks[CANDIDATES_MAXIMUM];
    size_t candidates_count;
    const char *notes[NOTES_MAXIMUM];
    size_t notes_count;
    const char *stack_limit;
    uint32_t stack_hint, stack_top;
    const char *stack_hint_from;
};

static void add_range(struct product_range *ranges, size_t *count, const char *name, uint32_t start,
                      uint32_t size_bytes) {
    if (size_bytes == 0 || *count == RANGES_MAXIMUM) return;
    ranges[(*count)++] = (struct product_range){name, start, size_bytes};
}

static void add_note(struct found *found, const char *note) {
    if (found->notes_count < NOTES_MAXIMUM) found->notes[found->notes_count++] = note;
}

static void find_ranges(const struct fw_model *model, struct found *found) {
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *section = &model->sections[i];
        if (!(section->flags & SECTION_ALLOC) || section->size_bytes == 0) continue;
        bool filled = section->type != SECTION_NOBITS;
        bool written = (section->flags & SECTION_WRITE) && !fw_is_constant_table(section);
        bool vectors = model->vector_table - section->address < section->size_bytes;
        bool in_ram = !filled || written || section->address != section->load_address;
        if (filled) {
            add_range(found->flash, &found->flash_count, section->name, section->load_address,
                      section->size_bytes);
        }
        if (in_ram) {
            add_range(found->ram, &found->ram_count, section->name, section->address,
                      section->size_bytes);
        }
        if (in_ram && section->address < SRAM_REGION && vectors) {
            add_note(found, arena_format(found->arena,
                                         "%s at 0x%08x holds the vector table and is flagged "
                                         "writable: declare the table const, if nothing writes it",
                                         section->name, section->address));
        } else if (in_ram && section->address < SRAM_REGION) {
            add_note(found, arena_format(found->arena,
                                         "%s at 0x%08x is written and lies in the code region: if "
                                         "it is flash, name it under harden.writable_flash",
                                         section->name, section->address));
        }
    }
}

static void add_candidate(struct found *found, const char *name) {
    unsigned rank = propose_key_function(name);
    size_t at = found->candidates_count;
    for (size_t i = 0; i < at; i++)
        if (strcmp(found->candidates[i], name) == 0) return;
    if (rank == 0) return;
    while (at > 0 && found->ranks[at - 1] < rank)
        at--;
    if (at == CANDIDATES_MAXIMUM) return;
    if (found->candidates_count < CANDIDATES_MAXIMUM) found->candidates_count++;
    for (size_t i = found->candidates_count - 1; i > at; i--) {
        found->candidates[i] = found->candidates[i - 1];
        found->ranks[i] = found->ranks[i - 1];
    }
    found->candidates[at] = name;
    found->ranks[at] = rank;
}

/* Of a part of a script that names the stack's size, or the heap's end. */
static void find_stack_hint(struct fw_model *model, struct found *found) {
    static const char *const sizes[][2] = {{"_estack", "_Min_Stack_Size"},
                                           {"__stack", "__stack_size"},
                                           {"__StackTop", "__STACK_SIZE"},
                                           {"__StackTop", "__stack_size__"},
                                           {"_estack", "__stack_size"}};
    static const char *const ends[] = {"__heap_end", "__HeapLimit", "__heap_limit", "_eheap"};
    if (found->stack_limit || !found->stack_top) return;
    for (size_t i = 0; i < sizeof ends / sizeof *ends && !found->stack_hint; i++) {
        uint32_t end = fw_symbol_named(model, ends[i]);
        if (end == FW_NONE || harden_cannot_end_stack(model, model->symbols[end].value)) continue;
        found->stack_hint = model->symbols[end].value;
        found->stack_hint_from = ends[i];
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && !found->stack_hint; i++) {
        uint32_t top = fw_symbol_named(model, sizes[i][0]);
        uint32_t least = fw_symbol_named(model, sizes[i][1]);
        if (top == FW_NONE || least == FW_NONE) continue;
        uint32_t limit = model->symbols[top].value - model->symbols[least].value;
        if (harden_cannot_end_stack(model, limit)) continue;
        found->stack_hint = limit;
        found->stack_hint_from = arena_format(found->arena, "%s less %s", sizes[i][0], sizes[i][1]);
    }
}

/* Where the code could be taken apart, only what may be the stack's end is taken for it. */
static bool may_end_stack(struct fw_model *model, const struct found *found, const char *name) {
    uint32_t symbol = fw_symbol_named(model, name);
    if (symbol == FW_NONE) return false;
    return !found->stack_top || model->symbols[symbol].value < found->stack_top;
}

static void find_symbols(struct fw_model *model, const struct fw_flow *flow, struct found *found) {
    static const char *const limits[] = {"__StackLimit", "__stack_limit", "__stack_start__",
                                         "_stack_start", "_sstack",       "__stack_bottom",
                                         "Stack_Mem",    "_stack_bottom", "__stack_limit__"};
    for (size_t i = 0; i < model->symbol_count; i++) {
        const struct fw_symbol *symbol = &model->symbols[i];
        bool function = (symbol->info & 15) == SYMBOL_FUNCTION;
        if (!function || propose_key_function(symbol->name) == 0) continue;
        if (flow && harden_cannot_make_a_key(model, flow, (uint32_t)i)) continue;
        add_candidate(found, symbol->name);
    }
    for (size_t i = 0; i < sizeof limits / sizeof *limits && !found->stack_limit; i++)
        if (may_end_stack(model, found, limits[i])) found->stack_limit = limits[i];
    find_stack_hint(model, found);
    if (!found->stack_limit) {
        add_note(found, "no symbol of the stack's lowest address was found by its usual names");
    }
    const struct fw_relocation *base = fw_base_relative(model);
    if (base) {
        add_note(found, arena_format(found->arena,
                                     "the code at 0x%08x is position-independent, which harden "
                                     "refuses: compile without -fpic and -fpie",
                                     base->place));
    }
    if (model->relocation_count == 0) {
        add_note(found, "the relocations are missing: link with -Wl,--emit-relocs before you ship");
    }
}

static void find_process_stack(struct fw_model *model, struct found *found) {
    uint32_t address = 0;
    if (!propose_needs_key_cell(model, &address)) return;
    const char *function = "";
    for (size_t i = 0; i < model->symbol_count && !*function; i++) {
        const struct fw_symbol *symbol = &model->symbols[i];
        if ((symbol->info & 15) == SYMBOL_FUNCTION &&
            address - (symbol->value & ~1U) < symbol->size_bytes) {
            function = arena_format(found->arena, " in %s", symbol->name);
        }
    }
    add_note(found, arena_format(found->arena,
                                 "code at 0x%08x%s sets the process stack pointer or CONTROL, as "
                                 "an RTOS does: harden.key_cell is needed",
                                 address, function));
}

/* "../fw/a.elf" for a file seen from the folder of another; absolute when that fails. */
static const char *relative_to(struct arena *arena, const char *output, const char *firmware) {
    const char *slash = strrchr(output, '/');
    const char *folder = slash ? arena_string(arena, output, (size_t)(slash - output) + 1) : ".";
    char *from = realpath(folder, NULL);
    char *to = realpath(firmware, NULL);
    const char *out = firmware;
    if (from && to) {
        size_t common = 0;
        for (size_t i = 0; from[i] && from[i] == to[i]; i++)
            if (to[i + 1] == '/' && (from[i + 1] == '/' || !from[i + 1])) common = i + 1;
        const char *up = "";
        for (const char *c = from + common; *c; c++)
            if (*c == '/' && c[1]) up = arena_format(arena, "%s../", up);
        bool root = common == 0 && from[1];
        out = root ? arena_string(arena, to, strlen(to))
                   : arena_format(arena, "%s%s", up, to + common + (to[common] == '/'));
    }
    free(from);
    free(to);
    return out;
}

static const char *name_of(struct arena *arena, const char *firmware) {
    const char *slash = strrchr(firmware, '/');
    const char *base = slash ? slash + 1 : firmware;
    const char *dot = strrchr(base, '.');
    return arena_string(arena, base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
}

/* What there is to propose. A firmware that cannot be lifted is described all the same. */
static void find_all(struct fw_model *model, struct found *found) {
    struct fw_flow flow = {.block_count = 0};
    struct error unread;
    bool lifted = model->relocation_count != 0 && fw_lift(model, &unread) == STATUS_OK;
    if (lifted) fw_flow_build(model, &flow);
    if (model->vector_table != FW_NONE) {
        const uint8_t *top = fw_bytes_at(model, model->vector_table, 4);
        if (top) (void)span_u32le((struct span){top, 4}, 0, &found->stack_top);
    }
    find_ranges(model, found);
    find_symbols(model, lifted ? &flow : NULL, found);
    fw_flow_free(&flow);
    find_process_stack(model, found);
}

static void write_found(struct fw_model *model, const struct found *found, const char *firmware,
                        const char *output, struct buffer *out) {
    time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    struct product_range part = {.size_bytes = 0}, settings = {.size_bytes = 0};
    propose_flash(model, found->flash, found->flash_count, &part, &settings);
    struct product_facts facts = {
        .firmware_file = relative_to(found->arena, output, firmware),
        .name = name_of(found->arena, firmware),
        .entry = model->entry,
        .flash = found->flash,
        .flash_count = found->flash_count,
        .ram = found->ram,
        .ram_count = found->ram_count,
        .part = part,
        .settings = settings,
        .key_cell = propose_key_cell(model),
        .key_functions = found->candidates,
        .key_functions_count = found->candidates_count,
        .stack_limit = found->stack_limit,
        .stack_hint = found->stack_hint,
        .stack_hint_from = found->stack_hint_from,
        .stack_top = found->stack_top,
        .notes = found->notes,
        .notes_count = found->notes_count,
        .today = {(unsigned)parts.tm_year + 1900, (unsigned)parts.tm_mon + 1,
                  (unsigned)parts.tm_mday},
    };
    product_write(out, &facts);
}

static enum status describe(struct arena *arena, const char *firmware, const char *output,
                            struct buffer *out, bool *without_relocations, struct error *error) {
    struct span file;
    struct fw_model model = {0};
    struct found found = {.arena = arena};
    enum status status = outputs_are_apart(&output, 1, &firmware, 1, error);
    if (status == STATUS_OK) {
        status = file_read(arena, firmware, FW_INPUT_MAXIMUM_BYTES, &file, error);
    }
    if (status != STATUS_OK) return status;
    status = fw_read(&model, file, false, error);
    if (status == STATUS_OK) {
        *without_relocations = model.relocation_count == 0;
        find_all(&model, &found);
        write_found(&model, &found, firmware, output, out);
        if (out->failed) status = error_environment(error, "product.yaml: no memory");
    } else {
        error_prefix(error, firmware);
    }
    arena_free(&model.arena);
    return status;
}

int verb_init(int argc, char **argv) {
    struct options options = {.output = "product.yaml"};
    int code = 0;
    if (!options_read(&form, argc, argv, &options, &code)) return code;
    const char *output = options.output;
    int replace = options.force ? FILE_REPLACE : FILE_KEEP;
    struct arena arena = {0};
    struct buffer text;
    struct error error;
    buffer_init(&text, TEXT_MAXIMUM);
    bool without_relocations = false;
    enum status status =
        describe(&arena, options.firmware, output, &text, &without_relocations, &error);
    bool to_output = strcmp(output, "-") == 0;
    if (status == STATUS_OK && to_output) {
        fwrite(text.data, 1, text.size_bytes, stdout);
    } else if (status == STATUS_OK) {
        status = file_write(output, buffer_span(&text), 0644, replace, &error);
    }
    if (status == STATUS_OK) {
        if (without_relocations) {
            fprintf(stderr,
                    "proofmark init: %s: the relocations are missing, so that nothing can be "
                    "hardened: link with -Wl,--emit-relocs\n",
                    options.firmware);
        }
        if (!to_output) {
            printf("%s  fill in the values that begin with FILL, then: proofmark ship %s\n", output,
                   output);
        }
    } else {
        fprintf(stderr, "proofmark init: %s\n", error.message);
    }
    buffer_free(&text);
    arena_free(&arena);
    return status == STATUS_OK ? 0 : 1;
}
