/* What was found, as JSON of integers, strings and booleans. */
#include "check/state.h"

static json_t *returns_figures(const struct check *check) {
    const struct counts *c = &check->counts;
    return json_pack("{s:i, s:i, s:i, s:O}", "sites", (int)c->return_sites, "sealed",
                     (int)c->return_sealed, "exempt", (int)c->return_exempt, "unsealed",
                     check->unsealed);
}

static json_t *calls_figures(const struct check *check) {
    const struct counts *c = &check->counts;
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:O}", "sites", (int)c->call_sites, "checked",
                     (int)c->call_checked, "exempt", (int)c->call_exempt, "targets",
                     (int)c->call_targets, "tagged", (int)c->call_tagged, "unchecked",
                     check->unchecked);
}

static const char *access_word(uint32_t access) {
    return access == 0 ? "none" : access == 3 ? "read and write" : access == 6 ? "read" : "other";
}

static json_t *memory_figures(const struct check *check) {
    json_t *regions = json_array();
    for (size_t i = 0; i < check->region_count; i++) {
        const struct region *r = &check->regions[i];
        json_array_append_new(regions,
                              json_pack("{s:I, s:I, s:i, s:s, s:b}", "base", (json_int_t)r->base,
                                        "size_bytes", (json_int_t)1 << r->log2_size, "eighths_off",
                                        (int)r->disabled, "access", access_word(r->access),
                                        "executes", r->executes));
    }
    json_t *out =
        json_pack("{s:b, s:o, s:i, s:b, s:b, s:O, s:O}", "applied", check->map_applied, "regions",
                  regions, "regions_needed", (int)check->boot_regions, "null_guard",
                  check->null_guard, "stack_guard", check->stack_guard, "executable_ram",
                  check->executable_ram, "writable_flash", check->writable_flash);
    if (check->window_named && check->map_applied) {
        json_object_set_new(
            out, "window",
            json_pack("{s:I, s:b}", "size_bytes_at_most",
                      check->window_power ? (json_int_t)1 << check->window_power : (json_int_t)0,
                      "place_proven", 0));
    }
    return out;
}

static json_t *key_figures(const struct check *check) {
    static const char *const made[] = {"none", "at boot", "fixed key"};
    json_t *out = json_pack("{s:s}", "made", made[check->key_source]);
    if (check->key_source == KEY_NONE) return out;
    json_object_set_new(out, "place", json_string(check->sums.key_in_psp ? "psp" : "memory"));
    if (check->key_source == KEY_AT_BOOT) {
        json_object_set_new(
            out, "function",
            json_string(check_text(check, check_function_at(check, check->key_function))));
    }
    return out;
}

static json_t *findings_figures(const struct check *check) {
    json_t *out = json_array();
    for (size_t i = 0; i < check->finding_count; i++) {
        const struct finding *f = &check->findings[i];
        json_array_append_new(out, json_pack("{s:s, s:s, s:I, s:s}", "kind", f->kind, "function",
                                             f->function, "address", (json_int_t)f->address, "what",
                                             f->what));
    }
    return out;
}

json_t *check_figures(const struct check *check) {
    json_t *original =
        check->original ? json_incref(check->original) : json_pack("{s:b}", "compared", 0);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "returns", returns_figures(check), "calls",
                     calls_figures(check), "memory_map", memory_figures(check), "key",
                     key_figures(check), "original", original, "findings", findings_figures(check));
}
