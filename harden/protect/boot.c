/* The stub in front of the reset handler: makes this boot's key and sets the MPU, then
 * goes on to where the vector table pointed before.
 *
 *     bl    key function          r0 = key (or the fixed key)
 *     msr   psp, r0               (or: a store to the key cell)
 *     MPU: skipped when the part has fewer regions than the image needs
 *     b.w   reset handler
 *
 * Runs on the initial stack, before .data and .bss exist; no register but sp has to keep
 * a value here (ARM DDI 0403E, B1.5.5). The regions are written through the alias registers,
 * four at a time (B3.5.11). */
#include <elf.h>

#include "firmware/analyse/mpu.h"
#include "harden/passes.h"

enum {
    MPU_TYPE_LOW = 0xed90,
    SCS_HIGH = 0xe000,
    MPU_ENABLE_PRIVDEFENA = 5,
    MPU_HFNMIENA = 2,
    REGIONS_AT_ONCE = 4,
    RBAR_VALID = 1 << 4,
};

static void append_word_load(struct fw_model *model, uint32_t unit, unsigned reg, uint32_t value) {
    uint8_t code[4];
    thumb_encode_movw(code, reg, value & 0xffff);
    fw_append(model, unit,
              (uint32_t)(code[0] | code[1] << 8) << 16 | (uint32_t)(code[2] | code[3] << 8));
    thumb_encode_movt(code, reg, value >> 16);
    fw_append(model, unit,
              (uint32_t)(code[0] | code[1] << 8) << 16 | (uint32_t)(code[2] | code[3] << 8));
}

static void append_key(struct hardening *hardening, uint32_t unit) {
    struct fw_model *model = hardening->model;
    if (hardening->key_unit != FW_NONE) {
        uint32_t symbol = fw_symbol_named(model, hardening->options->key_function);
        uint32_t item = fw_item_at(model, model->symbols[symbol].value & ~1U);
        fw_append_branch(model, unit, THUMB_BL, 0, item);
    } else {
        append_word_load(model, unit, 0, hardening->fixed_key);
    }
    if (hardening->key_in_psp) {
        fw_append(model, unit, 0xf3808809U); /* msr psp, r0 (A7.7.82) */
    } else {
        append_word_load(model, unit, 1, hardening->key_cell);
        fw_append(model, unit, 0x6008); /* str r0, [r1] */
    }
}

/* Regions beyond the image's own repeat the last one: writing it twice changes nothing. */
static size_t rounded_regions(const struct hardening *hardening) {
    return (hardening->region_count + REGIONS_AT_ONCE - 1) / REGIONS_AT_ONCE * REGIONS_AT_ONCE;
}

static void fill_words(struct hardening *hardening) {
    for (size_t i = 0; i < rounded_regions(hardening); i++) {
        size_t from = i < hardening->region_count ? i : hardening->region_count - 1;
        struct fw_item *items = hardening->model->items;
        items[hardening->region_words[2 * i]].word = hardening->regions[from].rbar;
        items[hardening->region_words[2 * i + 1]].word = hardening->regions[from].rasr;
    }
}

/* While FAULTMASK is set the map holds only if it also holds for the handlers of hard faults and
 * NMIs. Elsewhere those are left without it: a hard fault that follows on a stack that ran into
 * its guard goes on on that stack, and its first push would lock the processor up. */
static bool sets_faultmask(const struct fw_model *model) {
    for (uint32_t u = 0; u < model->unit_count; u++) {
        if (model->units[u].status == FW_UNIT_DROPPED) continue;
        if (fw_faultmask_use(model, u) != FW_NONE) return true;
    }
    return false;
}

static void append_mpu(struct hardening *hardening, uint32_t unit, uint32_t reset) {
    struct fw_model *model = hardening->model;
    uint32_t regions = (uint32_t)hardening->region_count;
    append_word_load(model, unit, 0, (uint32_t)SCS_HIGH << 16 | MPU_TYPE_LOW);
    fw_append(model, unit, 0x6801);                 /* ldr  r1, [r0]: words only here (B3.1.1) */
    fw_append(model, unit, 0xf3c12107U);            /* ubfx r1, r1, #8, #8: DREGION */
    fw_append(model, unit, 0x2900 | regions);       /* cmp  r1, #regions */
    uint32_t skip = fw_append(model, unit, 0xd300); /* bcc  to the end */
    uint32_t adr = fw_append(model, unit, 0xa100);  /* adr  r1, table */
    fw_append(model, unit, 0xf100000cU);            /* add.w r0, r0, #12: MPU_RBAR */
    for (size_t i = 0; i < rounded_regions(hardening); i += REGIONS_AT_ONCE) {
        fw_append(model, unit, 0xe8b103fcU); /* ldmia.w r1!, {r2-r9} */
        fw_append(model, unit, 0xe88003fcU); /* stmia.w r0, {r2-r9} */
    }
    uint32_t control = MPU_ENABLE_PRIVDEFENA | (sets_faultmask(model) ? MPU_HFNMIENA : 0);
    fw_append(model, unit, 0x2100 | control); /* movs r1, #5 or #7 */
    fw_append(model, unit, 0xf8401c08U);      /* str.w r1, [r0, #-8]: MPU_CTRL */
    fw_append(model, unit, 0xf3bf8f4fU);      /* dsb */
    fw_append(model, unit, 0xf3bf8f6fU);      /* isb */
    uint32_t end = fw_append_branch(model, unit, THUMB_B, 0, reset);
    fw_replace_branch(model, skip, THUMB_B_COND, 3, end);
    for (size_t i = 0; i < 2 * rounded_regions(hardening); i++) {
        hardening->region_words[i] = fw_append_word(model, unit, 0, FW_NONE);
    }
    model->items[adr].target = hardening->region_words[0];
    fill_words(hardening);
}

/* The relocation of the vector table's reset entry, or NULL. */
static struct fw_relocation *reset_vector(struct fw_model *model) {
    if (model->vector_table == FW_NONE) return NULL;
    uint32_t place = model->vector_table + 4;
    size_t r = fw_relocation_from(model, place);
    if (r == model->relocation_count || model->relocations[r].place != place) return NULL;
    return model->relocations[r].target_item == FW_NONE ? NULL : &model->relocations[r];
}

enum status protect_boot(struct hardening *hardening) {
    struct fw_model *model = hardening->model;
    struct fw_relocation *vector = reset_vector(model);
    if (!vector) {
        return error_input(hardening->error,
                           "no vector table with the reset handler's address was found, so no "
                           "key can be made before the firmware starts");
    }
    if (model->rival_vector_table != FW_NONE) {
        return error_input(hardening->error,
                           "two vector tables, at 0x%08x and at 0x%08x, and the processor may "
                           "start by either: link one program with one table at the start of a "
                           "section (another as an image of its own)",
                           model->vector_table, model->rival_vector_table);
    }
    uint32_t reset = vector->target_item;
    uint32_t unit = fw_add_unit(model, "__pm_boot");
    append_key(hardening, unit);
    if (hardening->memory_reason) {
        fw_append_branch(model, unit, THUMB_B, 0, reset);
    } else {
        append_mpu(hardening, unit, reset);
    }
    uint32_t start = model->units[unit].first;
    vector->target_item = start;
    vector->target_delta = 0;
    vector->symbol = model->functions[model->units[unit].function_first].symbol;
    model->entry_item = start;
    return STATUS_OK;
}

enum status protect_finish_boot(struct hardening *hardening, const struct fw_layout *layout) {
    if (hardening->memory_reason || !hardening->region_count) return STATUS_OK;
    size_t count = hardening->region_count;
    protect_plan_memory(hardening, layout);
    if (hardening->region_count != count) {
        return error_environment(hardening->error, "internal: the memory map changed after layout");
    }
    fill_words(hardening);
    return STATUS_OK;
}
