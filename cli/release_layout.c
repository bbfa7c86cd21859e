/* proofmark release layout: the same firmware at another address, proven to be the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "check/moved.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/release.h"
#include "firmware/read/read.h"
#include "format/seal.h"
#include "product/product.h"
#include "release/slots.h"

enum { SLOT_MAXIMUM_BYTES = 1 << 30 };

struct arguments {
    const char *input, *output, *image;
    const char *addresses[PRODUCT_LIST_MAXIMUM], *numbers[PRODUCT_LIST_MAXIMUM];
    struct slot_options options;
    uint32_t address, slot_bytes;
    bool force, json;
};

static enum status take_slot(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    if (options_range(value, &a->address, &a->slot_bytes) && a->slot_bytes > PM_SEAL_BYTES) {
        return STATUS_OK;
    }
    return error_input(error, "not a slot START:SIZE: %s", value);
}

static enum status take_symbol(const char **names, size_t *count, const char *value,
                               struct error *error) {
    if (*count == PRODUCT_LIST_MAXIMUM) return error_input(error, "too many symbols");
    names[(*count)++] = value;
    return STATUS_OK;
}

static enum status take_address(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    return take_symbol(a->addresses, &a->options.address_count, value, error);
}

static enum status take_number(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    return take_symbol(a->numbers, &a->options.number_count, value, error);
}

static const struct options_row rows[] = {
    {"slot", 0, "START:SIZE", 0, take_slot,
     "where it is to run; the last 192 bytes are the seal's"},
    {"output", 'o', "OUT.elf", offsetof(struct arguments, output), NULL,
     "the ELF at its new place"},
    {"image", 0, "OUT.bin", offsetof(struct arguments, image), NULL, "the bytes to flash there"},
    {"address", 0, "SYMBOL", 0, take_address,
     "an absolute symbol that means a place in the image;\nmay be repeated"},
    {"number", 0, "SYMBOL", 0, take_number, "one that means a number; may be repeated"},
    {"force", 0, NULL, offsetof(struct arguments, force), NULL, "replace existing files"},
    {"json", 0, NULL, offsetof(struct arguments, json), NULL, "print what was done as JSON"},
};

static const struct options_form form = {
    .verb = "release layout",
    .usage = "--slot START:SIZE -o OUT.elf [OPTIONS] HARDENED.elf",
    .about =
        "Lays a hardened ELF out for a slot: everything that is flashed moves by one constant.\n"
        "The output is proven to be the same firmware before it is written, as\n"
        "`proofmark check --moved-from HARDENED.elf OUT.elf` proves it again.\n",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .exit_status = "0 done, 1 refused, 2 wrong use",
    .argument = "one hardened ELF",
    .argument_offset = offsetof(struct arguments, input),
};

static enum status report(const struct arguments *a, const struct slot_layout *layout,
                          const struct check_move *move) {
    if (!a->json) {
        printf("%s: 0x%08x to 0x%08x, %zu bytes; %u words, %u pairs and %u MPU regions followed\n",
               a->output, layout->from, layout->to, layout->image.size_bytes, layout->words,
               layout->pairs, layout->regions);
        if (layout->look_alikes) {
            printf("  %u words without a relocation count as numbers, and would be addresses in "
                   "the image\n",
                   layout->look_alikes);
        }
        return STATUS_OK;
    }
    json_t *value =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "from", (json_int_t)layout->from,
                  "to", (json_int_t)layout->to, "bytes", (json_int_t)layout->image.size_bytes,
                  "words", (json_int_t)layout->words, "pairs", (json_int_t)layout->pairs, "regions",
                  (json_int_t)layout->regions, "look_alikes", (json_int_t)layout->look_alikes,
                  "references", (json_int_t)move->references);
    json_dumpf(value, stdout, JSON_SORT_KEYS);
    putchar('\n');
    json_decref(value);
    return STATUS_OK;
}

static enum status lay_out(const struct arguments *a, struct slot_layout *layout,
                           struct error *error) {
    struct arena arena = {.chunk = NULL};
    struct span input;
    struct check_move move = {.from = 0};
    const char *const written[] = {a->output, a->image};
    enum status status = outputs_are_apart(written, 2, &a->input, 1, error);
    if (status == STATUS_OK) {
        status = file_read(&arena, a->input, FW_INPUT_MAXIMUM_BYTES, &input, error);
    }
    if (status == STATUS_OK) {
        status = slot_lay_out(input, a->address, a->slot_bytes - PM_SEAL_BYTES, &a->options, layout,
                              error);
        if (status != STATUS_OK) error_prefix(error, a->input);
    }
    if (status == STATUS_OK) {
        struct check_move_options numbers = {a->options.numbers, a->options.number_count};
        status = check_moved(input, buffer_span(&layout->elf), &numbers, &move, error);
        if (status != STATUS_OK) error_prefix(error, "check does not find it the same firmware");
    }
    int replace = a->force ? FILE_REPLACE : FILE_KEEP;
    if (status == STATUS_OK) {
        status = file_write(a->output, buffer_span(&layout->elf), 0644, replace, error);
    }
    if (status == STATUS_OK && a->image) {
        status = file_write(a->image, buffer_span(&layout->image), 0644, replace, error);
    }
    if (status == STATUS_OK) status = report(a, layout, &move);
    check_move_free(&move);
    arena_free(&arena);
    return status;
}

int release_layout(int argc, char **argv) {
    struct arguments a = {.json = false};
    struct slot_layout layout = {.from = 0};
    struct error error;
    int code = 0;
    if (!options_read(&form, argc, argv, &a, &code)) return code;
    if (!a.slot_bytes) return options_wrong_use(&form, "--slot is needed");
    if (!a.output) return options_wrong_use(&form, "-o is needed");
    a.options.addresses = a.addresses;
    a.options.numbers = a.numbers;
    enum status status = lay_out(&a, &layout, &error);
    slot_layout_free(&layout);
    if (status == STATUS_OK) return 0;
    fprintf(stderr, "proofmark release layout: %s\n", error.message);
    return 1;
}
