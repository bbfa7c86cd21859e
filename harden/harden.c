/* The list of passes. See harden.h. */
#include "harden/harden.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "firmware/analyse/mpu.h"
#include "firmware/analyse/unwind.h"
#include "firmware/lift/lift.h"
#include "firmware/read/read.h"
#include "firmware/write/write.h"
#include "harden/passes.h"

/* What does not fit is found in a few attempts, as all such units are pinned together. A chain of
 * branches, where each pinned unit shows the next, would take one a link: it is pinned whole after
 * the first attempts. */
enum { ATTEMPTS = 64, ATTEMPTS_BEFORE_CHAINS = 8, SEED_DIGITS_MAXIMUM = 64 };

/* Functions (by address in the input) that attempts before could not lay out. */
struct pinned {
    struct arena arena;
    uint32_t *addresses; /* sorted */
    size_t count, capacity;
    size_t attempts;
};

bool harden_profile_named(const char *name, enum harden_profile *out) {
    if (strcmp(name, "null") == 0) {
        *out = HARDEN_NULL;
    } else if (strcmp(name, "exploit") == 0) {
        *out = HARDEN_EXPLOIT;
    } else {
        return false;
    }
    return true;
}

bool harden_seed_from_hex(const char *text, uint64_t *out) {
    size_t length = strlen(text);
    uint64_t seed = 0;
    if (length < 1 || length > SEED_DIGITS_MAXIMUM) return false;
    for (size_t i = 0; i < length; i++) {
        static const char digits[] = "0123456789abcdefABCDEF";
        const char *found = memchr(digits, text[i], sizeof digits - 1);
        if (!found) return false;
        uint64_t digit = (uint64_t)(found - digits);
        if (digit > 15) digit -= 6;
        /* Each digit stirs the whole state, so that long seeds keep all their bits' effect. */
        uint64_t state = seed ^ digit;
        seed = length <= 16 ? seed << 4 | digit : fw_random(&state);
    }
    *out = seed;
    return true;
}

static uint32_t flash_bytes(const struct fw_model *model) {
    uint32_t bytes = 0;
    for (size_t i = 0; i < model->segment_count; i++) {
        if (model->segments[i].type == PT_LOAD) bytes += model->segments[i].file_bytes;
    }
    return bytes;
}

static enum status refuse_hardened(const struct hardening *hardening) {
    if (fw_symbol_named(hardening->model, "__pm_boot") == FW_NONE) return STATUS_OK;
    return error_input(hardening->error, "the image is hardened already; give the linker's output");
}

static const char *function_around(const struct fw_model *model, uint32_t place) {
    for (size_t i = 0; i < model->symbol_count; i++) {
        const struct fw_symbol *s = &model->symbols[i];
        bool function = ELF32_ST_TYPE(s->info) == STT_FUNC && s->section != SHN_UNDEF;
        if (function && place - (s->value & ~1U) < s->size_bytes) return s->name;
    }
    return "code without a name";
}

/* Such code takes addresses apart from relocations, nearly all of it would stay as it is. */
static enum status refuse_position_independent(const struct hardening *hardening) {
    const struct fw_relocation *r = fw_base_relative(hardening->model);
    if (!r) return STATUS_OK;
    return error_input(hardening->error,
                       "it is position-independent code, which is not supported yet (%s at 0x%08x "
                       "goes by a global offset table or a static base): compile without -fpic, "
                       "-fpie and -frwpi",
                       function_around(hardening->model, r->place), r->place);
}

static enum status mark_flash_window(struct hardening *hardening) {
    const struct harden_options *options = hardening->options;
    const char *unknown =
        fw_mark_flash_window(hardening->model, options->flash_window, options->flash_window_count);
    if (!unknown) return STATUS_OK;
    return error_input(hardening->error,
                       "%s: the flash driver's window is opened by functions that share no code "
                       "with others, and there is none such of that name",
                       unknown);
}

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void pin_unit(struct fw_model *model, uint32_t unit) {
    fw_refuse(&model->units[unit], "a reference would not reach from its new place");
}

/* What pinned units branch to stays as well, and what that branches to; not what they call,
 * as BL reaches nearly always. */
static void pin_chain(struct fw_model *model, uint32_t *work, size_t count) {
    while (count) {
        const struct fw_unit *unit = &model->units[work[--count]];
        for (uint32_t i = unit->first; i != FW_NONE; i = model->items[i].next) {
            const struct fw_item *item = &model->items[i];
            if (item->kind != FW_ITEM_INSN || item->target == FW_NONE) continue;
            uint32_t target = model->items[item->target].unit;
            if (item->insn->reference != THUMB_REFERENCE_BRANCH || item->insn->op == THUMB_BL ||
                model->units[target].status == FW_UNIT_UNTOUCHED) {
                continue;
            }
            pin_unit(model, target);
            work[count++] = target; /* each unit once: it is untouched from here on */
        }
    }
}

static void pin(struct fw_model *model, const struct pinned *pinned) {
    if (!pinned->count) return;
    uint32_t *work = ARENA_ARRAY(&model->arena, uint32_t, model->unit_count + 1);
    size_t count = 0;
    for (size_t f = 0; f < model->function_count; f++) {
        const struct fw_function *function = &model->functions[f];
        if (!bsearch(&function->address, pinned->addresses, pinned->count,
                     sizeof *pinned->addresses, by_value) ||
            model->units[function->unit].status == FW_UNIT_UNTOUCHED) {
            continue;
        }
        pin_unit(model, function->unit);
        work[count++] = function->unit;
    }
    if (pinned->attempts >= ATTEMPTS_BEFORE_CHAINS) pin_chain(model, work, count);
}

/* The units that layout named, by their addresses; whether there are new ones. What a pass made
 * has no address to pin: trying again would change nothing. */
static bool note_unfit(struct pinned *pinned, const struct fw_model *model,
                       const struct fw_layout *layout) {
    size_t before = pinned->count;
    for (size_t i = 0; i < layout->unfit_count; i++) {
        const struct fw_unit *unit = &model->units[layout->unfit[i]];
        uint32_t address = model->functions[unit->function_first].address;
        if (!address) continue;
        pinned->addresses = arena_grow(&pinned->arena, pinned->addresses, pinned->count,
                                       &pinned->capacity, sizeof *pinned->addresses);
        pinned->addresses[pinned->count++] = address;
    }
    if (pinned->count == before) return false;
    qsort(pinned->addresses, pinned->count, sizeof *pinned->addresses, by_value);
    return ++pinned->attempts < ATTEMPTS;
}

static enum status pin_named(struct hardening *hardening) {
    struct fw_model *model = hardening->model;
    for (size_t i = 0; i < hardening->options->pin_count; i++) {
        const char *name = hardening->options->pin[i];
        uint32_t symbol = fw_symbol_named(model, name);
        bool found = false;
        for (size_t f = 0; symbol != FW_NONE && f < model->function_count; f++) {
            if (model->functions[f].address != (model->symbols[symbol].value & ~1U)) continue;
            fw_refuse(&model->units[model->functions[f].unit],
                      "pinned by the product's description");
            found = true;
        }
        if (found) continue;
        return error_input(hardening->error, "%s: there is no function of that name in the image",
                           name);
    }
    return STATUS_OK;
}

static enum status protect(struct hardening *hardening) {
    enum status status = protect_find_stack_limit(hardening);
    if (status == STATUS_OK) status = protect_choose_key(hardening);
    if (status != STATUS_OK) return status;
    shrink_dead(hardening);
    /* From here on nothing asks the analyses about what a pass made. */
    protect_plan_memory(hardening, NULL);
    if (hardening->memory_fault) {
        return error_input(hardening->error, "%s", hardening->memory_fault);
    }
    protect_calls(hardening);
    protect_returns(hardening);
    protect_jump_buffers(hardening);
    return protect_boot(hardening);
}

static void free_analyses(struct hardening *hardening) {
    fw_flow_free(&hardening->flow);
    fw_liveness_free(&hardening->liveness);
    fw_values_free(&hardening->values);
}

static void analyse(void *context, size_t piece) {
    struct hardening *hardening = context;
    if (piece == 0) {
        fw_values(hardening->model, &hardening->flow, &hardening->values);
    } else {
        fw_liveness(hardening->model, &hardening->flow, &hardening->liveness);
    }
}

/* The output, and the report about it, which needs nothing of it but its size. */
struct ending {
    struct hardening *hardening;
    const struct fw_layout *layout;
    struct harden_result *result;
    enum status status; /* of writing */
};

static void end(void *context, size_t piece) {
    struct ending *ending = context;
    struct hardening *hardening = ending->hardening;
    if (piece == 1) {
        ending->result->report = harden_report(hardening, ending->layout);
        return;
    }
    struct fw_written written;
    ending->status = fw_write(hardening->model, ending->layout, &written, hardening->error);
    if (ending->status != STATUS_OK) {
        buffer_free(&written.file);
        return;
    }
    ending->result->elf = written.file;
    ending->result->flash_bytes_after = written.flash_bytes;
}

/* One attempt; layout->unfit names units that must be pinned before the next. */
static enum status attempt(struct hardening *hardening, struct span input,
                           const struct pinned *pinned, struct harden_result *result,
                           struct fw_layout *layout) {
    struct fw_model *model = hardening->model;
    const struct harden_options *options = hardening->options;
    enum status status = fw_read(model, input, true, hardening->error);
    if (status == STATUS_OK) status = refuse_hardened(hardening);
    if (status == STATUS_OK) status = refuse_position_independent(hardening);
    if (status == STATUS_OK) status = fw_lift(model, hardening->error);
    if (status == STATUS_OK) status = mark_flash_window(hardening);
    if (status != STATUS_OK) return status;
    result->flash_bytes_before = flash_bytes(model);
    fw_flow_build(model, &hardening->flow);
    fw_unwind_pin(model);
    parallel_run(2, analyse, hardening); /* neither looks at what the other finds out */
    pin(model, pinned);
    status = pin_named(hardening);
    if (status == STATUS_OK && options->profile == HARDEN_EXPLOIT) status = protect(hardening);
    if (status != STATUS_OK) return status;
    free_analyses(hardening);
    struct fw_layout_options place = {.seed = options->seed,
                                      .flash = options->flash,
                                      .reserved = options->writable_flash,
                                      .reserved_count = options->writable_flash_count};
    status = fw_layout(model, &place, layout, hardening->error);
    if (status != STATUS_OK) return status;
    if (options->profile == HARDEN_EXPLOIT) status = protect_finish_boot(hardening, layout);
    if (status != STATUS_OK) return status;
    struct ending ending = {.hardening = hardening, .layout = layout, .result = result};
    parallel_run(2, end, &ending);
    if (ending.status != STATUS_OK) {
        json_decref(result->report);
        result->report = NULL;
        return ending.status;
    }
    harden_report_flash(result);
    return STATUS_OK;
}

enum status harden_image(struct span input, const struct harden_options *options,
                         struct harden_result *result, struct error *error) {
    struct pinned pinned = {.count = 0};
    bool again = true;
    enum status status = STATUS_OK;
    unsigned first_tag = 0;
    *result = (struct harden_result){.report = NULL};
    while (again) {
        struct fw_model model = {.entry = 0};
        struct hardening hardening = {.model = &model, .options = options, .error = error};
        memset(hardening.call_stubs, 0xff, sizeof hardening.call_stubs);
        hardening.first_tag = hardening.tag_choice = first_tag;
        struct fw_layout layout = {.unfit_count = 0};
        status = attempt(&hardening, input, &pinned, result, &layout);
        bool other_tag =
            status == STATUS_OK && protect_tag_is_ambiguous(&hardening, buffer_span(&result->elf));
        first_tag = hardening.tag_choice;
        again = other_tag || (status != STATUS_OK && note_unfit(&pinned, &model, &layout));
        free_analyses(&hardening);
        arena_free(&model.arena);
        if (other_tag) { /* bounded: there are few tags, and without one no call is checked */
            first_tag++;
            harden_free(result);
        }
    }
    arena_free(&pinned.arena);
    return status;
}

void harden_free(struct harden_result *result) {
    buffer_free(&result->elf);
    json_decref(result->report);
    result->report = NULL;
}
