/* The lifter that hardener and check share is made to be wrong: each jump table of an even number
 * of bytes loses its last entry, which then reads as filler. `check` finds it nevertheless, by
 * the original's bytes.
 *
 *     jump_tables_are_judged_anew IN.elf [short]
 *
 * Hardens, checks with the original, prints the findings; exit 0 where the image holds. Linked
 * with --wrap=fw_lift. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "check/check.h"
#include "firmware/lift/lift.h"
#include "firmware/read/read.h"
#include "harden/harden.h"

static bool shortens;

enum status __real_fw_lift(struct fw_model *model, struct error *error);
enum status __wrap_fw_lift(struct fw_model *model, struct error *error);

enum status __wrap_fw_lift(struct fw_model *model, struct error *error) {
    enum status status = __real_fw_lift(model, error);
    for (size_t i = 0; status == STATUS_OK && shortens && i < model->item_count; i++) {
        struct fw_item *item = &model->items[i];
        bool even = item->kind == FW_ITEM_TABLE && !item->table_half && item->table_count % 2 == 0;
        if (even) item->table_count--;
    }
    return status;
}

int main(int argc, char **argv) {
    struct arena arena = {0};
    struct error error;
    struct span input;
    struct harden_options options = {.profile = HARDEN_NULL, .seed = 1};
    struct harden_result hardened;
    struct check_result result;
    if (argc < 2) return 2;
    shortens = argc > 2 && strcmp(argv[2], "short") == 0;
    if (file_read(&arena, argv[1], FW_INPUT_MAXIMUM_BYTES, &input, &error) != STATUS_OK ||
        harden_image(input, &options, &hardened, &error) != STATUS_OK ||
        check_image(buffer_span(&hardened.elf), &input, NULL, &result, &error) != STATUS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    json_dumpf(json_object_get(result.figures, "findings"), stdout, JSON_INDENT(1));
    bool holds = result.holds;
    check_free(&result);
    harden_free(&hardened);
    arena_free(&arena);
    return !holds;
}
