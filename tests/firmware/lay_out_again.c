/* Lays an ELF out again with the units in another order, by the model alone:
 *
 *     lay_out_again SEED|same IN.elf OUT.elf
 *
 * "same" keeps the order. The driver lays_out_again_what_was_hardened.py runs the results. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "firmware/analyse/flow.h"
#include "firmware/analyse/unwind.h"
#include "firmware/analyse/values.h"
#include "firmware/lift/lift.h"
#include "firmware/read/read.h"
#include "firmware/write/write.h"

static enum status lay_out(struct fw_model *model, struct span input, const char *seed,
                           struct fw_written *written, struct error *error) {
    struct fw_layout_options options = {.seed = strtoull(seed, NULL, 0),
                                        .keep_order = strcmp(seed, "same") == 0};
    struct fw_layout layout;
    struct fw_flow flow = {.block_count = 0};
    struct fw_values values = {.frames = NULL};
    enum status status = fw_read(model, input, true, error);
    if (status == STATUS_OK) status = fw_lift(model, error);
    if (status != STATUS_OK) return status;
    fw_flow_build(model, &flow);
    fw_values(model, &flow, &values);
    fw_unwind_pin(model);
    status = fw_layout(model, &options, &layout, error);
    if (status == STATUS_OK) status = fw_write(model, &layout, written, error);
    fw_values_free(&values);
    fw_flow_free(&flow);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    struct fw_model model = {.entry = 0};
    struct fw_written written = {.flash_bytes = 0};
    struct error error;
    struct span input;
    size_t untouched = 0;
    enum status status = file_read(&model.arena, argv[2], FW_INPUT_MAXIMUM_BYTES, &input, &error);
    if (status == STATUS_OK) status = lay_out(&model, input, argv[1], &written, &error);
    if (status == STATUS_OK) {
        status = file_write(argv[3], buffer_span(&written.file), 0644, FILE_REPLACE, &error);
    }
    if (status != STATUS_OK) fprintf(stderr, "%s\n", error.message);
    for (size_t u = 0; u < model.unit_count; u++) {
        struct fw_unit *unit = &model.units[u];
        if (unit->status != FW_UNIT_UNTOUCHED) continue;
        untouched++;
        fprintf(stderr, "untouched: %s: %s\n", model.functions[unit->function_first].name,
                unit->reason);
    }
    printf("%zu units, %zu untouched\n", model.unit_count, untouched);
    buffer_free(&written.file);
    arena_free(&model.arena);
    return status == STATUS_OK ? 0 : 1;
}
