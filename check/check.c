/* The list of steps. See check.h. */
#include "check/check.h"

#include "check/check_private.h"
#include "firmware/analyse/unwind.h"
#include "firmware/lift/lift.h"
#include "firmware/read/read.h"

static enum status read_image(struct check *check, struct span output) {
    enum status status = fw_read(check->model, output, false, check->error);
    if (status == STATUS_OK) status = fw_lift(check->model, check->error);
    if (status != STATUS_OK) return status;
    fw_flow_build(check->model, &check->flow);
    /* What an unwinder in the image reads cannot be sealed. */
    fw_unwind_pin(check->model);
    return STATUS_OK;
}

static void check_protections(struct check *check) {
    walk_prepare(check);
    check_boot(check);
    check_find_routines(check);
    check_key(check);
    /* From here on every routine of the protection is known. */
    check_returns(check);
    check_calls(check);
    check_memory_map(check);
    check_consistency(check);
}

/* The comparison needs the output's bytes only: both images taken apart would be twice the
 * memory. */
static enum status compare_with(struct check *check, struct span output, struct span original) {
    fw_flow_free(&check->flow);
    arena_free(&check->model->arena);
    *check->model = (struct fw_model){.entry = 0};
    enum status status = fw_read(check->model, output, false, check->error);
    return status == STATUS_OK ? check_original(check, output, original) : status;
}

enum status check_image(struct span output, const struct span *original,
                        const struct check_options *options, struct check_result *result,
                        struct error *error) {
    struct fw_model model = {.entry = 0};
    struct check check = {.options = options,
                          .error = error,
                          .model = &model,
                          .unsealed = json_array(),
                          .executable_ram = json_array(),
                          .writable_flash = json_array()};
    *result = (struct check_result){.figures = NULL};
    enum status status = read_image(&check, output);
    if (status == STATUS_OK) {
        check_protections(&check);
        if (original) status = compare_with(&check, output, *original);
    }
    if (status == STATUS_OK) {
        result->figures = check_figures(&check);
        if (!result->figures) status = error_environment(error, "out of memory");
    }
    result->holds = status == STATUS_OK && check.finding_count == 0;
    json_decref(check.unsealed);
    json_decref(check.executable_ram);
    json_decref(check.writable_flash);
    json_decref(check.original);
    fw_flow_free(&check.flow);
    arena_free(&check.arena);
    arena_free(&model.arena);
    return status;
}

void check_free(struct check_result *result) {
    json_decref(result->figures);
    result->figures = NULL;
}
