/* The report: every function, accepted or untouched with the reason, protections with
 * n of N, bytes before and after. */
#include <elf.h>

#include "harden/passes.h"

static const char *status_word(const struct fw_unit *unit) {
    static const char *const words[] = {"accepted", "untouched", "dropped"};
    return words[unit->status];
}

static json_t *counts(unsigned sites, unsigned protected) {
    return json_pack("{s:i, s:i}", "sites", (int)sites, "protected", (int)protected);
}

/* From the function's first item to the next function's of its unit. */
static uint32_t bytes_after(const struct fw_model *model, const struct fw_function *f) {
    const struct fw_unit *unit = &model->units[f->unit];
    const struct fw_function *lead = &model->functions[unit->function_first];
    const struct fw_function *behind = f + 1, *end = lead + unit->function_count;
    uint32_t bytes = 0;
    if (unit->status == FW_UNIT_DROPPED) return 0;
    if (unit->status == FW_UNIT_UNTOUCHED || f->item == FW_NONE) return f->size_bytes;
    while (behind < end && behind->item == FW_NONE)
        behind++;
    uint32_t i = f == lead ? unit->first : f->item, stop = behind < end ? behind->item : FW_NONE;
    for (; i != stop && i != FW_NONE; i = model->items[i].next)
        bytes += model->items[i].size_bytes;
    return bytes;
}

static const char *why_unchecked(const struct hardening *hardening, const struct fw_unit *unit) {
    if (hardening->calls_reason) return hardening->calls_reason;
    if (unit->calls_exempt) return "it is exempt";
    if (unit->status == FW_UNIT_UNTOUCHED) return unit->reason;
    if (unit->calls_reason) return unit->calls_reason;
    return "a jump in it goes to an address that no table of its own holds";
}

/* Protections of one unit go to its first function; the others say which that is. */
static json_t *function_report(const struct hardening *hardening, const struct fw_function *f) {
    const struct fw_model *model = hardening->model;
    const struct fw_unit *unit = &model->units[f->unit];
    const struct fw_function *lead = &model->functions[unit->function_first];
    json_t *out = json_pack("{s:s, s:i, s:s}", "name", f->name, "address", (int)f->address,
                            "status", status_word(unit));
    if (unit->reason) json_object_set_new(out, "reason", json_string(unit->reason));
    json_object_set_new(out, "bytes_before", json_integer(f->size_bytes));
    json_object_set_new(out, "bytes_after", json_integer(bytes_after(model, f)));
    if (f != lead) {
        json_object_set_new(out, "moves_with", json_string(lead->name));
        return out;
    }
    bool kept = unit->status == FW_UNIT_ACCEPTED;
    uint32_t after = kept                              ? unit->bytes_after
                     : unit->status == FW_UNIT_DROPPED ? 0
                                                       : unit->bytes_before;
    json_object_set_new(out, "unit_bytes_before", json_integer(unit->bytes_before));
    json_object_set_new(out, "unit_bytes_after", json_integer(after));
    if (hardening->options->profile == HARDEN_NULL || unit->status == FW_UNIT_DROPPED) return out;
    json_t *protections = json_object();
    if (unit->return_sites) {
        json_t *returns = counts(unit->return_sites, unit->return_sites_sealed);
        if (unit->returns_reason) {
            json_object_set_new(returns, "reason", json_string(unit->returns_reason));
        }
        if (unit->exempt) json_object_set_new(returns, "exempt", json_true());
        json_object_set_new(protections, "returns", returns);
    }
    if (unit->call_sites) {
        json_t *calls = counts(unit->call_sites, unit->call_sites_checked);
        if (unit->call_sites_checked < unit->call_sites) {
            json_object_set_new(calls, "reason", json_string(why_unchecked(hardening, unit)));
        }
        json_object_set_new(protections, "calls", calls);
    }
    json_object_set_new(out, "protections", protections);
    return out;
}

static json_t *memory_report(const struct hardening *hardening) {
    json_t *out = json_object(), *regions = json_array();
    json_object_set_new(out, "applied", json_boolean(!hardening->memory_reason));
    if (hardening->memory_reason) {
        json_object_set_new(out, "reason", json_string(hardening->memory_reason));
    }
    for (size_t i = 0; i < hardening->region_count; i++) {
        const struct memory_region *r = &hardening->regions[i];
        char size[16];
        snprintf(size, sizeof size, "%u", r->size_bytes);
        json_array_append_new(
            regions, json_pack("{s:s, s:I, s:I, s:I}", "role", r->role, "base", (json_int_t)r->base,
                               "size_bytes", r->size_bytes ? (json_int_t)r->size_bytes : 1LL << 32,
                               "rasr", (json_int_t)r->rasr));
    }
    json_object_set_new(out, "regions", regions);
    if (hardening->null_guard_reason) {
        json_object_set_new(out, "no_null_guard", json_string(hardening->null_guard_reason));
    }
    if (hardening->stack_guard_reason) {
        json_object_set_new(out, "no_stack_guard", json_string(hardening->stack_guard_reason));
    }
    return out;
}

static json_t *key_report(const struct hardening *hardening) {
    const char *source = hardening->options->key_function;
    json_t *out = json_object();
    json_object_set_new(out, "made", json_string(source ? "at boot" : "fixed key"));
    if (source) json_object_set_new(out, "function", json_string(source));
    json_object_set_new(out, "place", json_string(hardening->key_in_psp ? "psp" : "memory"));
    if (!hardening->key_in_psp) {
        json_object_set_new(out, "address", json_integer(hardening->key_cell));
    }
    return out;
}

struct totals {
    json_int_t functions, accepted, dropped, made, returns, sealed, exempt, calls, checked;
    json_int_t code_before, code_after;
};

/* Of a unit, at its first function. */
static void add_unit(struct totals *totals, const struct fw_unit *unit) {
    bool dropped = unit->status == FW_UNIT_DROPPED;
    totals->code_before += unit->made ? 0 : unit->bytes_before;
    if (unit->status == FW_UNIT_ACCEPTED) totals->code_after += unit->bytes_after;
    else totals->code_after += dropped ? 0 : unit->bytes_before;
    if (unit->made || dropped) return;
    totals->returns += unit->return_sites;
    totals->sealed += unit->return_sites_sealed;
    totals->exempt += unit->exempt ? unit->return_sites : 0;
    totals->calls += unit->call_sites;
    totals->checked += unit->call_sites_checked;
}

static void add_function(struct totals *totals, const struct fw_unit *unit) {
    totals->made += unit->made;
    if (unit->made) return;
    totals->functions++;
    totals->accepted += unit->status != FW_UNIT_UNTOUCHED;
    totals->dropped += unit->status == FW_UNIT_DROPPED;
}

static json_t *totals_report(const struct totals *totals, const struct fw_layout *layout) {
    json_t *out = json_object();
    json_object_set_new(out, "functions_total", json_integer(totals->functions));
    json_object_set_new(out, "functions_accepted", json_integer(totals->accepted));
    json_object_set_new(out, "functions_dropped", json_integer(totals->dropped));
    json_object_set_new(out, "functions_made", json_integer(totals->made));
    json_object_set_new(out, "return_sites", json_integer(totals->returns));
    json_object_set_new(out, "return_sites_protected", json_integer(totals->sealed));
    json_object_set_new(out, "return_sites_exempt", json_integer(totals->exempt));
    json_object_set_new(out, "indirect_calls", json_integer(totals->calls));
    json_object_set_new(out, "indirect_calls_protected", json_integer(totals->checked));
    json_object_set_new(out, "code_bytes_before", json_integer(totals->code_before));
    json_object_set_new(out, "code_bytes_after", json_integer(totals->code_after));
    json_object_set_new(out, "overflow_bytes", json_integer(layout->overflow_bytes));
    return out;
}

json_t *harden_report(const struct hardening *hardening, const struct fw_layout *layout) {
    const struct fw_model *model = hardening->model;
    bool exploit = hardening->options->profile == HARDEN_EXPLOIT;
    json_t *out = json_object();
    json_t *functions = hardening->options->report_functions ? json_array() : NULL;
    struct totals totals = {.functions = 0};
    for (size_t i = 0; i < model->function_count; i++) {
        const struct fw_function *f = &model->functions[i];
        const struct fw_unit *unit = &model->units[f->unit];
        add_function(&totals, unit);
        if (i == unit->function_first) add_unit(&totals, unit);
        if (functions && !unit->made) {
            json_array_append_new(functions, function_report(hardening, f));
        }
    }
    json_object_set_new(out, "profile", json_string(exploit ? "exploit" : "null"));
    if (functions) json_object_set_new(out, "functions", functions);
    if (exploit) {
        json_object_set_new(out, "key", key_report(hardening));
        json_object_set_new(out, "memory_map", memory_report(hardening));
        if (hardening->calls_reason) {
            json_object_set_new(out, "calls_reason", json_string(hardening->calls_reason));
        }
    }
    json_object_set_new(out, "totals", totals_report(&totals, layout));
    return out;
}

void harden_report_flash(const struct harden_result *result) {
    json_t *totals = json_object_get(result->report, "totals");
    json_object_set_new(totals, "flash_bytes_before", json_integer(result->flash_bytes_before));
    json_object_set_new(totals, "flash_bytes_after", json_integer(result->flash_bytes_after));
}
