/* Where the stack ends, for the guard of 32 bytes that the memory map puts there: what the
 * maker names (a symbol, or an address with nothing of the image between it and the stack's
 * top), else the symbols and sections that linker scripts use. A script that knows only the
 * top (`_estack`) does not say how deep the stack may go; nothing is guessed then. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "harden/passes.h"

enum { GUARD_BYTES = 32 };

bool protect_stack_top(struct fw_model *model, uint32_t *top) {
    const uint8_t *vectors =
        model->vector_table == FW_NONE ? NULL : fw_bytes_at(model, model->vector_table, 4);
    return vectors && span_u32le((struct span){vectors, 4}, 0, top);
}

/* No contents, and no variables that are not the stack's own, from `limit` to `top`. */
static bool is_free(const struct fw_model *model, uint32_t limit, uint32_t top) {
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        bool stack = s->type == SHT_NOBITS && strstr(s->name, "stack");
        if (!(s->flags & SHF_ALLOC) || !s->size_bytes || stack) continue;
        if (s->address < top && s->address + s->size_bytes > limit) return false;
    }
    return true;
}

/* Where `end` is and the image has newlib's _sbrk(), which begins there by its convention. */
static bool is_heaps_first(const struct fw_model *model, uint32_t limit) {
    static const char *const ends[] = {"end", "_end", "__end__"};
    if (fw_symbol_named(model, "_sbrk") == FW_NONE) return false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        uint32_t end = fw_symbol_named(model, ends[i]);
        if (end != FW_NONE && limit - model->symbols[end].value < GUARD_BYTES) return true;
    }
    return false;
}

/* In a heap that the image's symbols show: its first variables would be the guard. */
static bool is_in_heap(const struct fw_model *model, uint32_t limit, uint32_t top) {
    static const char *const heaps[][2] = {
        {"__heap_start", "__heap_end"},      {"__HeapBase", "__HeapLimit"},
        {"__heap_start__", "__heap_end__"},  {"__heap_base", "__heap_limit"},
        {"__heap_base__", "__heap_limit__"}, {"_sheap", "_eheap"},
        {"_heap_start", "_heap_end"},        {"end", "__HeapLimit"}};
    for (size_t i = 0; i < sizeof heaps / sizeof *heaps; i++) {
        uint32_t first = fw_symbol_named(model, heaps[i][0]);
        uint32_t end = fw_symbol_named(model, heaps[i][1]);
        if (first == FW_NONE || end == FW_NONE || model->symbols[end].value > top) continue;
        if (limit >= model->symbols[first].value && limit < model->symbols[end].value) return true;
    }
    return is_heaps_first(model, limit);
}

const char *harden_cannot_end_stack(struct fw_model *model, uint32_t limit) {
    uint32_t top = 0;
    if (!protect_stack_top(model, &top)) return "the image has no vector table that says its top";
    if (limit >= top || limit >> 29 != (top - 1) >> 29) return "it is not below the stack's top";
    if (top - limit < 2 * GUARD_BYTES) return "no guard of 32 bytes fits between it and the top";
    if (is_in_heap(model, limit, top)) return "the heap is there, by the image's symbols";
    return is_free(model, limit, top) ? NULL : "something of the image lies between it and the top";
}

static enum status take_named(struct hardening *hardening, const char *text) {
    struct fw_model *model = hardening->model;
    uint32_t symbol = fw_symbol_named(model, text);
    char *end;
    unsigned long value = strtoul(text, &end, 0);
    if (symbol != FW_NONE) {
        value = model->symbols[symbol].value;
    } else if (end == text || *end != '\0') {
        return error_input(hardening->error, "%s: no symbol of that name says where the stack ends",
                           text);
    }
    const char *reason = value > UINT32_MAX ? "it is no address of 32 bits"
                                            : harden_cannot_end_stack(model, (uint32_t)value);
    if (reason) {
        return error_input(hardening->error,
                           "%s (0x%lx) cannot be where the stack ends, its lowest address: %s",
                           text, value, reason);
    }
    hardening->stack_limit = (uint32_t)value;
    hardening->has_stack_limit = true;
    return STATUS_OK;
}

enum status protect_find_stack_limit(struct hardening *hardening) {
    static const char *const names[] = {"__StackLimit", "__stack_limit", "__stack_limit__",
                                        "_sstack", "__stack_start__"};
    struct fw_model *model = hardening->model;
    uint32_t top = 0, symbol = FW_NONE;
    bool has_top = protect_stack_top(model, &top);
    if (hardening->options->stack_limit) {
        return take_named(hardening, hardening->options->stack_limit);
    }
    if (!has_top) return STATUS_OK;
    for (size_t i = 0; symbol == FW_NONE && i < sizeof names / sizeof *names; i++)
        symbol = fw_symbol_named(model, names[i]);
    if (symbol != FW_NONE) {
        hardening->stack_limit = model->symbols[symbol].value;
        hardening->has_stack_limit = hardening->stack_limit < top;
        return STATUS_OK;
    }
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        bool stack = s->type == SHT_NOBITS && s->size_bytes && s->address + s->size_bytes == top &&
                     strstr(s->name, "stack");
        if (!stack) continue;
        hardening->stack_limit = s->address;
        hardening->has_stack_limit = true;
        break;
    }
    return STATUS_OK;
}
