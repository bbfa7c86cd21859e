/* Where this boot's key lives, and who must do without it.
 *
 * In firmware with a single stack the process stack pointer (PSP) is an unused register:
 * no store reaches it, start-up does not clear it, and reading it costs one instruction
 * (`mrs`). Firmware that writes PSP or CONTROL needs the register; it names a RAM word
 * instead (key_cell). PSP's two low bits read as zero (ARM DDI 0403E, B1.4.1), so the key
 * has 30 bits there and 32 in a cell. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/analyse/early.h"
#include "firmware/analyse/reach.h"
#include "harden/passes.h"

/* MSR PSP or MSR CONTROL anywhere in bytes that nobody decoded. */
static bool undecoded_bytes_write_psp(struct fw_model *model) {
    bool unknown = false;
    for (size_t u = 0; u < model->unit_count; u++) {
        if (!model->units[u].decoded) unknown = true;
    }
    for (size_t i = 0; unknown && i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!fw_is_code_section(s)) continue;
        for (uint32_t offset = 0; offset + 4 <= s->size_bytes; offset += 2) {
            struct thumb_insn insn;
            if (!thumb_decode(s->data + offset, 4, s->address + offset, &insn)) continue;
            if (insn.op == THUMB_MSR && (insn.imm == 9 || insn.imm == 20)) return true;
        }
    }
    return false;
}

static bool begins_function(const struct fw_model *model, uint32_t item) {
    const struct fw_unit *unit = &model->units[model->items[item].unit];
    for (uint32_t i = 0; i < unit->function_count; i++) {
        if (model->functions[unit->function_first + i].item == item) return true;
    }
    return false;
}

static enum status find_function(struct hardening *hardening, const char *name, uint32_t *entry) {
    const struct fw_model *model = hardening->model;
    uint32_t symbol = fw_symbol_named(model, name);
    uint32_t item =
        symbol == FW_NONE ? FW_NONE : fw_item_at(model, model->symbols[symbol].value & ~1U);
    if (item == FW_NONE || !begins_function(model, item)) {
        return error_input(hardening->error, "%s: there is no function of that name in the image",
                           name);
    }
    *entry = item;
    return STATUS_OK;
}

/* It runs before there is a variable, and its result is the key: what shows that it cannot be
 * such a function refuses it, since the image would not start or have no random key. */
static enum status judge_source(struct hardening *hardening, const char *name, uint32_t entry) {
    struct fw_model *model = hardening->model;
    struct fw_early_use use;
    const char *fault = fw_not_a_source(model, &hardening->flow, entry);
    if (fault) {
        return error_input(hardening->error,
                           "%s: a key function is uint32_t f(void), and this one %s", name, fault);
    }
    if (!fw_early_use(model, model->items[entry].unit, &use)) return STATUS_OK;
    const struct fw_unit *unit = &model->units[use.unit];
    return error_input(hardening->error,
                       "%s: it runs before start-up sets variables, and %s uses %s, at 0x%08x%s%s",
                       name, model->functions[unit->function_first].name, use.section, use.address,
                       use.object ? ": it is, or is near, " : "", use.object ? use.object : "");
}

const char *harden_cannot_make_a_key(struct fw_model *model, const struct fw_flow *flow,
                                     uint32_t symbol) {
    struct fw_early_use use;
    uint32_t item = fw_item_at(model, model->symbols[symbol].value & ~1U);
    if (item == FW_NONE || !begins_function(model, item)) return "is no function";
    const char *fault = fw_not_a_source(model, flow, item);
    if (fault) return fault;
    bool early = fw_early_use(model, model->items[item].unit, &use);
    return early ? "uses variables that start-up sets" : NULL;
}

static void exempt_closure(struct hardening *hardening, uint32_t unit) {
    struct fw_model *model = hardening->model;
    bool *marked = ARENA_ARRAY(&model->arena, bool, model->unit_count + 1);
    fw_reach_from(model, unit, marked);
    for (size_t u = 0; u < model->unit_count; u++) {
        if (!marked[u]) continue;
        model->units[u].exempt = true;
        model->units[u].returns_reason = "the key function calls it before there is a key";
    }
}

/* Between two symbols of a pair: what start-up code clears or fills. */
static bool lies_between(const struct fw_model *model, const char *const (*names)[2], size_t count,
                         uint32_t address) {
    for (size_t i = 0; i < count; i++) {
        uint32_t first = fw_symbol_named(model, names[i][0]);
        uint32_t end = fw_symbol_named(model, names[i][1]);
        if (first == FW_NONE || end == FW_NONE) continue;
        uint32_t start = model->symbols[first].value;
        if (address >= start && address < model->symbols[end].value) return true;
    }
    return false;
}

/* Memory of the map of ARMv7-M (ARM DDI 0403E, B3.1) that may be RAM. */
static bool may_be_ram(uint32_t address) {
    enum { PERIPHERAL = 2, DEVICE = 5 }; /* by half gigabyte */
    uint32_t part = address >> 29;
    return part != PERIPHERAL && part < DEVICE;
}

/* The image has RAM in this range of the architecture: a section that is written, or the stack. */
static bool has_ram_near(struct fw_model *model, uint32_t address) {
    uint32_t top = 0;
    const uint8_t *vectors =
        model->vector_table == FW_NONE ? NULL : fw_bytes_at(model, model->vector_table, 4);
    bool stack = vectors && span_u32le((struct span){vectors, 4}, 0, &top) && top != 0;
    if (stack && (top - 1) >> 29 == address >> 29) return true;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        bool ram = (s->flags & SHF_ALLOC) && s->size_bytes && fw_is_ram_section(s) &&
                   !fw_is_constant_table(s);
        if (ram && s->address >> 29 == address >> 29) return true;
    }
    return false;
}

/* Heap or stack: from the last section below the initial stack pointer up to it. */
static bool is_below_stack_top(struct fw_model *model, uint32_t address) {
    uint32_t top = 0;
    const uint8_t *vectors =
        model->vector_table == FW_NONE ? NULL : fw_bytes_at(model, model->vector_table, 4);
    if (!vectors || !span_u32le((struct span){vectors, 4}, 0, &top)) return false;
    if (address >= top || address >> 29 != (top - 1) >> 29) return false;
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!(s->flags & SHF_ALLOC) || !s->size_bytes) continue;
        if (s->address <= address && address - s->address < s->size_bytes) return false;
        if (s->address > address && s->address < top) return false;
    }
    return true;
}

const char *harden_cannot_keep_a_key(struct fw_model *model, struct fw_range flash,
                                     uint32_t address) {
    static const char *const cleared[][2] = {{"__bss_start__", "__bss_end__"},
                                             {"__bss_start", "__bss_end"},
                                             {"__bss_start", "__bss_end__"},
                                             {"__bss_start__", "_bss_end__"},
                                             {"__bss_start", "_ebss"},
                                             {"__bss_start", "__ebss"},
                                             {"_sbss", "_ebss"},
                                             {"__sbss", "__ebss"},
                                             {"_bss_start", "_bss_end"},
                                             {"_bss", "_ebss"},
                                             {"__bss_start", "_end"}};
    static const char *const copied[][2] = {
        {"__data_start__", "__data_end__"}, {"__data_start", "__data_end"}, {"_sdata", "_edata"}};
    bool placed = false; /* by the linker, in memory without contents */
    if (address % 4) return "it is not aligned to 4";
    if (!may_be_ram(address)) return "no RAM is there, but devices";
    if (address - flash.address < flash.size_bytes) return "it is in flash";
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!(s->flags & SHF_ALLOC) || !s->size_bytes) continue;
        if (s->data && address - s->load_address < s->size_bytes) return "it is in flash";
        if (address - s->address >= s->size_bytes) continue;
        if (s->data) return "start-up copies contents of the image there";
        if (strncmp(s->name, ".bss", 4) == 0 || strncmp(s->name, ".sbss", 5) == 0) {
            return "start-up clears it";
        }
        if (!(s->flags & SHF_WRITE)) return "it is not written";
        if (strstr(s->name, "stack") || strstr(s->name, "heap")) return "it is stack or heap";
        placed = true;
    }
    if (lies_between(model, cleared, sizeof cleared / sizeof *cleared, address)) {
        return "start-up clears it";
    }
    if (lies_between(model, copied, sizeof copied / sizeof *copied, address)) {
        return "start-up copies contents of the image there";
    }
    if (address >> 29 == 0 && !placed) return "that is flash, as far as the ELF says";
    if (!has_ram_near(model, address)) return "the image has no RAM there";
    return is_below_stack_top(model, address) ? "it is stack or heap" : NULL;
}

static enum status find_cell(struct hardening *hardening) {
    const struct fw_model *model = hardening->model;
    const char *text = hardening->options->key_cell, *reason = NULL;
    uint32_t symbol = fw_symbol_named(model, text);
    char *end;
    unsigned long value = strtoul(text, &end, 0);
    if (symbol != FW_NONE) {
        value = model->symbols[symbol].value;
    } else if (*end != '\0' || end == text || value > UINT32_MAX) {
        reason = "there is no symbol of that name";
    }
    if (!reason) {
        reason =
            harden_cannot_keep_a_key(hardening->model, hardening->options->flash, (uint32_t)value);
    }
    if (reason) {
        return error_input(hardening->error,
                           "%s: a key cell is the symbol or address of a word in RAM that "
                           "start-up does not write: %s",
                           text, reason);
    }
    hardening->key_cell = (uint32_t)value;
    return STATUS_OK;
}

enum status protect_choose_key(struct hardening *hardening) {
    struct fw_model *model = hardening->model;
    const struct harden_options *options = hardening->options;
    uint64_t state = options->seed ^ 0x6b6579U;
    hardening->key_unit = FW_NONE;
    hardening->fixed_key = (uint32_t)fw_random(&state) & ~3U;
    if (options->key_function) {
        uint32_t entry = FW_NONE;
        enum status status = find_function(hardening, options->key_function, &entry);
        if (status == STATUS_OK) status = judge_source(hardening, options->key_function, entry);
        if (status != STATUS_OK) return status;
        hardening->key_unit = model->items[entry].unit;
        exempt_closure(hardening, hardening->key_unit);
    }
    for (size_t i = 0; i < options->exempt_count; i++) {
        uint32_t entry = 0;
        enum status status = find_function(hardening, options->exempt[i], &entry);
        if (status != STATUS_OK) return status;
        uint32_t unit = model->items[entry].unit;
        model->units[unit].exempt = model->units[unit].calls_exempt = true;
        model->units[unit].returns_reason = "exempt by the product's description";
    }
    hardening->key_in_psp = !options->key_cell;
    if (options->key_cell) return find_cell(hardening);
    if (model->uses_psp || undecoded_bytes_write_psp(model)) {
        return error_input(
            hardening->error,
            "the firmware uses the process stack pointer itself: name a RAM word "
            "that start-up does not clear, with --key-cell SYMBOL or harden.key_cell, such as "
            "__attribute__((section(\".noinit\"), aligned(32))) uint32_t boot_key[8] with .noinit "
            "as a (NOLOAD) section outside .bss");
    }
    return STATUS_OK;
}

size_t protect_load_key(const struct hardening *hardening, unsigned reg, uint32_t *bits) {
    if (hardening->key_in_psp) {
        bits[0] = 0xf3ef8009U | reg << 8; /* mrs reg, psp */
        return 1;
    }
    uint8_t code[4];
    uint32_t halves[2] = {hardening->key_cell & 0xffff, hardening->key_cell >> 16};
    for (int i = 0; i < 2; i++) {
        if (i) {
            thumb_encode_movt(code, reg, halves[i]);
        } else {
            thumb_encode_movw(code, reg, halves[i]);
        }
        bits[i] = (uint32_t)(code[0] | code[1] << 8) << 16 | (uint32_t)(code[2] | code[3] << 8);
    }
    bits[2] = 0xf8d00000U | reg << 16 | reg << 12; /* ldr.w reg, [reg] */
    return 3;
}
