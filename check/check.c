/* The list of steps. See check.h. */
#include "check/check.h"

#include "base/parallel.h"
#include "check/state.h"
#include "firmware/analyse/unwind.h"
#include "firmware/analyse/values.h"
#include "firmware/lift/lift.h"
#include "firmware/read/read.h"

static enum status take_apart(struct check *check, struct error *error) {
    enum status status = fw_lift(check->model, error);
    if (status != STATUS_OK) return status;
    fw_flow_build(check->model, &check->flow);
    /* What an unwinder in the image reads cannot be sealed. */
    fw_unwind_pin(check->model);
    fw_prove_gotos(check->model, &check->flow);
    return STATUS_OK;
}

/* The steps that look at every instruction, and need nothing of each other: first those that
 * are not cut into pieces. */
enum {
    CALLS,
    CONSISTENCY,
    LOW_READS,
    FOLLOW,
    OTHER_MAPS = FOLLOW + CHECK_PIECES,
    LONG_STEPS = OTHER_MAPS + CHECK_PIECES,
};

struct long_steps {
    struct arena arena;
    struct unit_facts *facts;
    struct check parts[LONG_STEPS];
};

static void check_long_step(void *context, size_t step) {
    struct long_steps *steps = context;
    struct check *part = &steps->parts[step];
    if (step == CALLS) {
        check_calls(part);
    } else if (step == CONSISTENCY) {
        check_consistency(part);
    } else if (step == LOW_READS) {
        check_low_reads(part);
    } else if (step < OTHER_MAPS) {
        check_follow(part, step - FOLLOW, steps->facts);
    } else {
        check_other_maps(part, step - OTHER_MAPS);
    }
}

static struct long_steps *check_long_steps(struct check *check) {
    struct long_steps *steps = ARENA_NEW(&check->arena, struct long_steps);
    steps->facts = check_new_facts(check, &steps->arena);
    for (size_t i = 0; i < LONG_STEPS; i++)
        steps->parts[i] = check_part(check);
    parallel_run(LONG_STEPS, check_long_step, steps);
    return steps;
}

static void check_protections(struct check *check, struct span output) {
    check_prepare_places(check);
    check_boot(check);
    check_find_routines(check);
    check_key(check);
    check_flash_window(check);
    check_jump_buffers(check);
    /* From here on every routine of the protection is known. */
    struct long_steps *steps = check_long_steps(check);
    for (size_t i = 0; i < CHECK_PIECES; i++)
        check_join(check, &steps->parts[FOLLOW + i]);
    check_returns(check, steps->facts);
    arena_free(&steps->arena);
    check_join(check, &steps->parts[CALLS]);
    check_join(check, &steps->parts[LOW_READS]);
    check_memory_map(check);
    for (size_t i = 0; i < CHECK_PIECES; i++)
        check_join(check, &steps->parts[OTHER_MAPS + i]);
    check_key_cell(check);
    check_vectors(check);
    check_segments(check, output);
    check_join(check, &steps->parts[CONSISTENCY]);
}

struct images {
    struct check *check;
    struct span files[2];
    size_t count; /* 1: there is no original */
    struct original original;
    enum status status[2]; /* of reading */
    struct error errors[2];
};

enum { OUTPUT, ORIGINAL };

static void read_image(void *context, size_t which) {
    struct images *images = context;
    struct error *error = &images->errors[which];
    if (which == OUTPUT) {
        images->status[OUTPUT] =
            fw_read_borrowing(images->check->model, images->files[OUTPUT], false, error);
    } else {
        images->status[ORIGINAL] =
            check_read_original(&images->original, images->files[ORIGINAL], error);
    }
}

/* Afterwards the output is as it was read: what it was taken apart into is given back. */
static enum status look_at_output(struct check *check, struct span output, struct error *error) {
    struct fw_model *model = check->model, as_read = *model;
    model->arena = (struct arena){.chunk = NULL};
    enum status status = take_apart(check, error);
    if (status == STATUS_OK) check_protections(check, output);
    fw_flow_free(&check->flow);
    arena_free(&model->arena);
    *model = as_read;
    for (size_t i = 0; i < model->section_count; i++)
        model->sections[i].item_at = NULL;
    return status;
}

/* One image at a time is taken apart: both would be twice the memory, for an image of a MiB
 * more than 64 MiB. */
static enum status look(struct images *images, struct error *error) {
    parallel_run(images->count, read_image, images);
    enum status status = images->status[OUTPUT];
    if (status != STATUS_OK) {
        *error = images->errors[OUTPUT];
        return status;
    }
    status = look_at_output(images->check, images->files[OUTPUT], error);
    if (status != STATUS_OK || images->count == 1) return status;
    status = images->status[ORIGINAL];
    if (status != STATUS_OK) {
        *error = images->errors[ORIGINAL];
        return status;
    }
    status = check_take_apart(&images->original, error);
    if (status != STATUS_OK) return status;
    check_prepare_places(images->check);
    check_original(images->check, images->files[OUTPUT], &images->original);
    return STATUS_OK;
}

enum status check_image(struct span output, const struct span *original,
                        const struct check_options *options, struct check_result *result,
                        struct error *error) {
    struct fw_model model = {.entry = 0};
    struct check check = {.options = options,
                          .model = &model,
                          .unsealed = json_array(),
                          .unchecked = json_array(),
                          .executable_ram = json_array(),
                          .writable_flash = json_array()};
    *result = (struct check_result){.figures = NULL};
    struct images images = {.check = &check, .files = {output}, .count = 1};
    if (original) images.files[images.count++] = *original;
    enum status status = look(&images, error);
    check_free_original(&images.original);
    if (status == STATUS_OK) {
        result->figures = check_figures(&check);
        if (!result->figures) status = error_environment(error, "out of memory");
    }
    result->holds = status == STATUS_OK && check.finding_count == 0;
    json_decref(check.unsealed);
    json_decref(check.unchecked);
    json_decref(check.executable_ram);
    json_decref(check.writable_flash);
    json_decref(check.original);
    arena_free(&check.arena);
    arena_free(&model.arena);
    return status;
}

void check_free(struct check_result *result) {
    json_decref(result->figures);
    result->figures = NULL;
}
