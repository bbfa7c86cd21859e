/* Power is cut before, inside and after each flash operation of each scenario, on each geometry of
 * flash; and once more inside each recovery from that. Real boot, real client, real documents; only
 * flash is a model, and outlives a cut.
 *
 *   cut [--states N] [--every K] [--only SCENARIO] [--erases] [--seed S] [--caught]
 *
 * A scenario is first run whole, and its flash operations recorded. A state is then what flash
 * holds when operation n was cut: the operations before it, and the cut done by the model. (That
 * this is what a cut in the running program leaves is compared for every 499th state.) From each
 * state the unit lives on to the scenario's end; that run's operations are recorded as well and
 * cut in the same way. All first cuts are made (or every K-th, from one that the seed draws), of
 * the second ones as many as --states asks for, spread evenly over each recovery.
 *
 * What must hold at every power-on:
 *   - it boots, and what boots is whole and signed;
 *   - no floor went back, nor the root document in force;
 *   - the confirmed image is whole, and not below the floor;
 *   - a slot with a seal holds the image that the seal speaks of;
 *   - a patch for another base is refused before anything is written;
 *   - the scenario comes to its end, with nothing of an honest server refused.
 *
 * --erases: only erasures are cut the first time. --caught: this program has a seeded bug
 * (device/src/seeded.h); success is that it was found, and the first finding ends it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device/src/seeded.h"
#include "tests/device/update_world.h"

enum {
    CYCLES = 16,
    WAYS = 3,
    COMPARE_EVERY = 499,
    ROUNDS = 30,
    UNIT_MAXIMUM = 32,
    JOBS = 2,
    TEXT = 256
};
enum { SEEN_BITS = 22 };

struct scenario {
    const char *name;
    uint64_t sequence;     /* that runs and is confirmed in the end */
    uint32_t root_version; /* that is in force then */
    uint64_t unwell;       /* this image never confirms; 0: none */
    bool withdraws;        /* it says so itself */
    bool wrong_base;       /* the patch that the envelope names is for another image */
    void (*publish)(struct world *world, uint32_t image_bytes);
};

struct operation {
    enum flash_operation_kind kind;
    uint32_t address;
    uint8_t data[UNIT_MAXIMUM];
};

struct trace {
    struct operation *operations;
    size_t count, capacity;
};

struct counts {
    uint64_t first, second, fired, distinct, compared, operations, broken;
};

static struct trace *recording;
static bool (*model_write)(void *context, uint32_t address, const void *data, uint32_t size_bytes);
static bool (*model_erase)(void *context, uint32_t address);
static uint64_t *seen;
static struct counts counts;
static char complaint[TEXT];
static uint64_t states = 20000, every = 1, seed;
static const char *only = "";
static bool caught, erases_only;

static uint64_t mix(uint64_t value) {
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9U;
    value = (value ^ value >> 27) * 0x94d049bb133111ebU;
    return value ^ value >> 31;
}

/* Scenarios */

static void nothing_new(struct world *world, uint32_t image_bytes) {
    (void)image_bytes;
    world_channel(world, &(struct world_channel){.serial = 1});
}

static void publish(struct world *world, const struct world_release *release,
                    uint32_t root_version) {
    world_release(world, release);
    world_channel(world, &(struct world_channel){.serial = 5,
                                                 .sequence = release->sequence,
                                                 .key = release->key,
                                                 .root_version = root_version});
}

static void full(struct world *world, uint32_t image_bytes) {
    publish(world, &(struct world_release){.sequence = 2, .image_bytes = image_bytes, .fill = 5},
            1);
}

static void delta(struct world *world, uint32_t image_bytes) {
    publish(world,
            &(struct world_release){.sequence = 2, .image_bytes = image_bytes, .patch_from = 1}, 1);
}

static void wrong_base(struct world *world, uint32_t image_bytes) {
    world_release(world,
                  &(struct world_release){.sequence = 4, .image_bytes = image_bytes, .fill = 99});
    publish(world,
            &(struct world_release){
                .sequence = 5, .image_bytes = image_bytes, .fill = 99, .patch_from = 4},
            1);
}

static void lying_base(struct world *world, uint32_t image_bytes) {
    publish(
        world,
        &(struct world_release){
            .sequence = 2, .image_bytes = image_bytes, .patch_from = 1, .patch_base_lies = true},
        1);
}

static void revocation(struct world *world, uint32_t image_bytes) {
    world_root_revokes(world);
    publish(world, &(struct world_release){.sequence = 2, .image_bytes = image_bytes, .key = 1}, 2);
}

static void rotation(struct world *world, uint32_t image_bytes) {
    world_root_rotates(world);
    publish(world, &(struct world_release){.sequence = 2, .image_bytes = image_bytes}, 2);
}

static const struct scenario scenarios[] = {
    {"first install", 1, 1, 0, false, false, nothing_new},
    {"full update, trial, confirm", 2, 1, 0, false, false, full},
    {"delta update", 2, 1, 0, false, false, delta},
    {"revert after the last try", 1, 1, 2, false, false, full},
    {"revert, withdrawn", 1, 1, 2, true, false, full},
    {"key revocation", 2, 2, 0, false, false, revocation},
    {"root rotation", 2, 2, 0, false, false, rotation},
    {"patch for another image", 5, 1, 0, false, true, wrong_base},
    {"patch whose base is not what was said", 2, 1, 0, false, true, lying_base},
};

static const struct flash_geometry *const geometries[] = {&flash_mps2, &flash_nrf51, &flash_stm32f4,
                                                          &flash_stm32l4};

enum {
    SCENARIOS = sizeof scenarios / sizeof *scenarios,
    GEOMETRIES = sizeof geometries / sizeof *geometries
};

/* Recording */

static void record(enum flash_operation_kind kind, uint32_t address, const uint8_t *data,
                   uint32_t size_bytes) {
    if (!recording) return;
    if (recording->count == recording->capacity) {
        recording->capacity = recording->capacity ? 2 * recording->capacity : 1024;
        recording->operations =
            realloc(recording->operations, recording->capacity * sizeof *recording->operations);
        if (!recording->operations) abort();
    }
    struct operation *operation = &recording->operations[recording->count++];
    operation->kind = kind;
    operation->address = address;
    if (data) memcpy(operation->data, data, size_bytes);
}

static bool recorded_write(void *context, uint32_t address, const void *data, uint32_t size_bytes) {
    const struct flash_model *model = context;
    uint32_t unit = model->geometry->write_bytes;
    for (uint32_t at = 0; at + unit <= size_bytes; at += unit)
        record(FLASH_WRITE, address + at, (const uint8_t *)data + at, unit);
    return model_write(context, address, data, size_bytes);
}

static bool recorded_erase(void *context, uint32_t address) {
    record(FLASH_ERASE, address, NULL, 0);
    return model_erase(context, address);
}

/* Does one operation; with the power cut when `cut` says so. */
static void replay(struct flash_model *model, const struct operation *operation, bool cut,
                   enum flash_cut when) {
    uint32_t unit = model->geometry->write_bytes;
    bool erases = operation->kind == FLASH_ERASE;
    flash_model_power_on(model);
    if (cut) flash_model_cut(model, 0, when);
    if (setjmp(model->power) == 0) {
        model->flash.open(model, operation->address, erases ? model->geometry->page_bytes : unit);
        if (erases) model_erase(model, operation->address);
        else model_write(model, operation->address, operation->data, unit);
    }
    flash_model_power_on(model);
}

/* What must hold */

static bool complain(const char *what) {
    if (complaint[0] == 0) snprintf(complaint, sizeof complaint, "%s", what);
    return false;
}

static struct pm_boot_record floors_of(const struct world *world) {
    struct pm_boot_record record = {0};
    pm_boot_record_load(&world->model.flash, &world->map, &record);
    return record;
}

static bool nothing_went_back(const struct pm_boot_record *before,
                              const struct pm_boot_record *after) {
    if (after->floor < before->floor) return complain("the floor went down");
    if (after->root_version < before->root_version) return complain("the root document went back");
    if (after->time_floor < before->time_floor) return complain("the time floor went down");
    if (after->channel_floor < before->channel_floor)
        return complain("the channel floor went down");
    return true;
}

/* All of a seal that the maker made: one that a cut ended is none. */
static bool slot_has_seal(const struct world *world, uint32_t slot) {
    const uint8_t *end = world->model.bytes + (world->map.slot_address[slot] - world->model.base) +
                         world->map.slot_bytes;
    for (unsigned sequence = 1; sequence < WORLD_SEQUENCES; sequence++) {
        const struct world_image *image = &world->images[sequence];
        if (image->size_bytes > 0 &&
            memcmp(end - PM_SEAL_BYTES, image->payload[slot] + image->size_bytes - PM_SEAL_BYTES,
                   PM_SEAL_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

static bool flash_is_sound(const struct world *world, const struct pm_boot_record *before) {
    struct pm_boot_record after;
    for (uint32_t slot = 0; slot < 2; slot++) {
        if (slot_has_seal(world, slot) && world_sequence(world, slot) == 0)
            return complain("a seal without its image");
    }
    if (!pm_boot_record_load(&world->model.flash, &world->map, &after))
        return before->number == 0 || complain("both records are gone");
    if (!nothing_went_back(before, &after)) return false;
    if (after.confirmed > 1) return true; /* a first image that nobody confirmed yet */
    uint64_t confirmed = world_sequence(world, after.confirmed);
    if (confirmed == 0) return complain("the confirmed image is lost");
    return confirmed >= after.floor || complain("the confirmed image is below the floor");
}

/* Living */

static bool refusals_are_right(const struct world *world, const struct scenario *scenario) {
    uint32_t of_the_base = world->refused[PM_ERROR_PATCH_BASE];
    uint32_t all = world->events[PM_EVENT_REFUSED];
    if (all - of_the_base > 0) {
        for (unsigned error = 1; error < PM_ERRORS; error++) {
            if (world->refused[error] == 0 || error == PM_ERROR_PATCH_BASE) continue;
            char text[TEXT];
            snprintf(text, sizeof text, "an honest server is refused, error %u", error);
            return complain(text);
        }
    }
    return of_the_base == 0 || scenario->wrong_base || complain("a good base is refused");
}

static bool is_the_end(const struct world *world, const struct scenario *scenario) {
    struct pm_boot_record record = floors_of(world);
    return world_sequence(world, world->running) == scenario->sequence &&
           record.confirmed == world->running && record.trial == PM_SLOT_NONE &&
           record.floor == scenario->sequence && record.root_version == scenario->root_version;
}

/* True: the trial goes on to the client; false: another reset. */
static bool is_well(struct world *world, const struct scenario *scenario) {
    uint64_t sequence = world_sequence(world, world->running);
    if (sequence == scenario->unwell) {
        if (scenario->withdraws) pm_boot_withdraw(&world->model.flash, &world->map);
        return false;
    }
    if (!pm_boot_confirm(&world->model.flash, &world->map)) complain("a trial does not confirm");
    return true;
}

static bool live(struct world *world, const struct scenario *scenario) {
    memset(world->refused, 0, sizeof world->refused);
    memset(world->events, 0, sizeof world->events);
    world->uptime_s = world->chance = 0;
    world->time_s = WORLD_TIME_S;
    for (int cycle = 0; cycle < CYCLES; cycle++) {
        if (world_boot(world) != PM_BOOT_OK) return complain("it does not boot");
        if (world_sequence(world, world->running) == 0) return complain("what boots is not whole");
        if (floors_of(world).trial == world->running && !is_well(world, scenario)) continue;
        enum pm_update_state state = world_update(world, 3);
        if (!refusals_are_right(world, scenario)) return false;
        if (state == PM_UPDATE_READY) continue;
        return is_the_end(world, scenario) || complain("it does not come to the end");
    }
    return complain("it resets without an end");
}

static bool live_and_record(struct world *world, const struct scenario *scenario,
                            struct trace *trace) {
    struct pm_boot_record before = floors_of(world);
    flash_model_power_on(&world->model);
    trace->count = 0;
    recording = trace;
    world->model.violations = 0;
    bool lived = live(world, scenario);
    recording = NULL;
    if (!lived) return false;
    if (world->model.violations > 0) return complain("flash was written against its rules");
    return flash_is_sound(world, &before);
}

static void count_distinct(const struct flash_model *model) {
    uint64_t digest = flash_model_digest(model) | 1;
    for (uint64_t at = mix(digest);; at++) {
        uint64_t *place = &seen[at & ((1u << SEEN_BITS) - 1)];
        if (*place == digest) return;
        if (*place != 0) continue;
        *place = digest;
        counts.distinct++;
        return;
    }
}

/* Cutting */

struct run {
    struct world *world;
    const struct scenario *scenario;
    uint64_t seed, second_of_each;
    struct flash_model begin;         /* before the first operation of the scenario */
    struct flash_model first, second; /* up to the operation that is cut next */
    struct trace trace, recovery;
};

static void broken(const struct run *run, size_t n, unsigned way, size_t m, unsigned second_way) {
    if (counts.broken++ > 0) return;
    printf("cut: %s on %s: operation %zu, %s", run->scenario->name, run->world->geometry->name, n,
           way == FLASH_BEFORE   ? "before"
           : way == FLASH_INSIDE ? "inside"
                                 : "after");
    if (m != SIZE_MAX)
        printf("; in the recovery operation %zu, %s", m,
               second_way == FLASH_BEFORE   ? "before"
               : second_way == FLASH_INSIDE ? "inside"
                                            : "after");
    printf(": %s\n", complaint);
    fflush(stdout);
}

/* From `from`, which stands at the operation, to the world's flash, with the cut. */
static bool cut(struct run *run, const struct flash_model *from, const struct operation *operation,
                enum flash_cut when, uint64_t torn) {
    struct flash_model *model = &run->world->model;
    flash_model_copy(model, from);
    struct pm_boot_record before = floors_of(run->world);
    uint64_t fired = model->cuts_fired;
    model->seed = torn;
    replay(model, operation, true, when);
    counts.fired += model->cuts_fired - fired;
    count_distinct(model);
    return flash_is_sound(run->world, &before);
}

/* The same cut in the running program leaves the same flash. */
static void compare(struct run *run, size_t n, enum flash_cut when, uint64_t torn) {
    struct flash_model *model = &run->world->model;
    uint64_t expected = flash_model_digest(model);
    struct flash_model kept;
    flash_model_init(&kept, model->geometry, model->base, model->size_bytes);
    flash_model_copy(&kept, model);
    flash_model_copy(model, &run->begin);
    flash_model_power_on(model);
    model->seed = torn;
    flash_model_cut(model, n, when);
    if (setjmp(model->power) == 0) {
        live(run->world, run->scenario);
        complain("a planned cut did not fire");
        broken(run, n, when, SIZE_MAX, 0);
    } else if (flash_model_digest(model) != expected) {
        complain("a cut left something else than expected");
        broken(run, n, when, SIZE_MAX, 0);
    }
    counts.compared++;
    flash_model_copy(model, &kept);
    flash_model_power_on(model);
    flash_model_free(&kept);
}

/* Second cuts, spread over the recovery from the state that `second` holds. */
static void cut_again(struct run *run, size_t n, unsigned way) {
    uint64_t all = (uint64_t)run->recovery.count * WAYS, take = run->second_of_each;
    uint64_t offset = mix(run->seed ^ mix(n * WAYS + way));
    struct trace unused = {0};
    size_t done = 0;
    if (take > all) take = all;
    for (uint64_t i = 0; i < take; i++) {
        uint64_t at = (i * all + offset % all) / take; /* rising, and none twice */
        if (at >= all) break;
        size_t m = (size_t)(at / WAYS);
        unsigned second_way = (unsigned)(at % WAYS);
        for (; done < m; done++)
            replay(&run->second, &run->recovery.operations[done], false, FLASH_BEFORE);
        complaint[0] = 0;
        counts.second++;
        if (!cut(run, &run->second, &run->recovery.operations[m], (enum flash_cut)second_way,
                 mix(offset + at)) ||
            !live_and_record(run->world, run->scenario, &unused)) {
            broken(run, n, way, m, second_way);
        }
    }
    free(unused.operations);
}

static void cut_each(struct run *run) {
    for (size_t n = 0; n < run->trace.count; n++) {
        const struct operation *operation = &run->trace.operations[n];
        for (unsigned way = 0; way < WAYS; way++) {
            if (erases_only && operation->kind != FLASH_ERASE) continue;
            if ((n * WAYS + way) % every != run->seed % every) continue;
            uint64_t torn = mix(run->seed + n * WAYS + way);
            complaint[0] = 0;
            counts.first++;
            bool sound = cut(run, &run->first, operation, (enum flash_cut)way, torn);
            if ((n * WAYS + way) % COMPARE_EVERY == 7) compare(run, n, (enum flash_cut)way, torn);
            flash_model_copy(&run->second, &run->world->model);
            if (!sound || !live_and_record(run->world, run->scenario, &run->recovery)) {
                broken(run, n, way, SIZE_MAX, 0);
                continue;
            }
            if (run->recovery.count > 0) cut_again(run, n, way);
        }
        if (caught && counts.broken > 0) return;
        replay(&run->first, operation, false, FLASH_BEFORE);
    }
}

static uint32_t image_bytes_of(const struct flash_geometry *geometry) {
    return geometry == &flash_nrf51 ? 2400 : geometry == &flash_stm32f4 ? 1800 : 4600;
}

static void run_scenario(const struct scenario *scenario, const struct flash_geometry *geometry,
                         uint64_t own_seed, uint64_t own_states) {
    static struct world world;
    struct run run = {.world = &world, .scenario = scenario, .seed = mix(own_seed)};
    world_init(&world, geometry);
    model_write = world.model.flash.write;
    model_erase = world.model.flash.erase;
    world.model.flash.write = recorded_write;
    world.model.flash.erase = recorded_erase;
    world_factory(&world, image_bytes_of(geometry));
    scenario->publish(&world, image_bytes_of(geometry));

    struct flash_model *const copies[] = {&run.begin, &run.first, &run.second};
    for (int i = 0; i < 3; i++) {
        flash_model_init(copies[i], geometry, world.model.base, world.model.size_bytes);
        flash_model_copy(copies[i], &world.model);
    }
    complaint[0] = 0;
    if (!live_and_record(&world, scenario, &run.trace)) {
        broken(&run, 0, FLASH_BEFORE, SIZE_MAX, 0);
    } else {
        uint64_t first = (uint64_t)run.trace.count * WAYS / every + 1;
        counts.operations += run.trace.count;
        run.second_of_each = own_states > first ? (own_states - first) / first + 1 : 0;
        struct counts before = counts;
        cut_each(&run);
        printf("cut: %-38s %-8s %6zu operations, %7lu + %7lu cuts, %7lu distinct\n", scenario->name,
               geometry->name, run.trace.count, (unsigned long)(counts.first - before.first),
               (unsigned long)(counts.second - before.second),
               (unsigned long)(counts.distinct - before.distinct));
        fflush(stdout);
    }
    for (int i = 0; i < 3; i++)
        flash_model_free(copies[i]);
    free(run.trace.operations);
    free(run.recovery.operations);
    world_free(&world);
}

/* Every JOBS-th pair of scenario and geometry; the counts go to the pipe. */
static void run_job(unsigned job, int out) {
    seen = calloc((size_t)1 << SEEN_BITS, sizeof *seen);
    if (!seen) abort();
    unsigned rounds = caught ? ROUNDS : 1;
    for (unsigned pair = job; pair < rounds * SCENARIOS * GEOMETRIES; pair += JOBS) {
        if (!strstr(scenarios[pair / GEOMETRIES % SCENARIOS].name, only)) continue;
        if (caught && counts.broken > 0) break;
        run_scenario(&scenarios[pair / GEOMETRIES % SCENARIOS], geometries[pair % GEOMETRIES],
                     seed + (uint64_t)pair * 1000003, states / (SCENARIOS * GEOMETRIES));
    }
    free(seen);
    if (write(out, &counts, sizeof counts) != (ssize_t)sizeof counts) abort();
}

static bool collect(const int pipes[JOBS], const pid_t children[JOBS], struct counts *all) {
    bool whole = true;
    for (unsigned job = 0; job < JOBS; job++) {
        struct counts one;
        int status;
        if (read(pipes[job], &one, sizeof one) != (ssize_t)sizeof one) whole = false;
        if (waitpid(children[job], &status, 0) < 0 || status != 0) whole = false;
        if (!whole) return false;
        all->first += one.first;
        all->second += one.second;
        all->fired += one.fired;
        all->distinct += one.distinct;
        all->compared += one.compared;
        all->operations += one.operations;
        all->broken += one.broken;
    }
    return whole;
}

static int report(const struct counts *all) {
    uint64_t planned = all->first + all->second;
    printf("cut: seed %lu: %lu operations cut, %lu states (%lu first cuts, %lu second ones), "
           "%lu distinct contents of flash\n"
           "cut: %lu of %lu planned cuts fired; %lu compared with the running program; "
           "%lu states went wrong\n",
           (unsigned long)seed, (unsigned long)all->operations, (unsigned long)planned,
           (unsigned long)all->first, (unsigned long)all->second, (unsigned long)all->distinct,
           (unsigned long)all->fired, (unsigned long)planned, (unsigned long)all->compared,
           (unsigned long)all->broken);
    printf("figure cut_states %lu\nfigure cut_distinct_states %lu\nfigure cut_wrong_states %lu\n",
           (unsigned long)planned, (unsigned long)all->distinct, (unsigned long)all->broken);
    if (caught) return all->broken == 0;
    return all->fired != planned || planned == 0 || all->broken != 0;
}

int main(int argc, char **argv) {
    seed = (uint64_t)getpid();
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--caught") == 0) caught = true;
        else if (strcmp(argv[i], "--erases") == 0) erases_only = true;
        else if (strcmp(argv[i], "--states") == 0 && i + 1 < argc)
            states = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--every") == 0 && i + 1 < argc)
            every = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) only = argv[++i];
        else return 2;
    }
    if (every == 0) return 2;
    int pipes[JOBS];
    pid_t children[JOBS];
    for (unsigned job = 0; job < JOBS; job++) {
        int ends[2];
        if (pipe(ends) != 0) return 1;
        fflush(stdout);
        children[job] = fork();
        if (children[job] < 0) return 1;
        if (children[job] == 0) {
            run_job(job, ends[1]);
            exit(0);
        }
        close(ends[1]);
        pipes[job] = ends[0];
    }
    struct counts all = {0};
    if (!collect(pipes, children, &all)) {
        printf("cut: a job ended early (seed %lu)\n", (unsigned long)seed);
        return caught ? 0 : 1;
    }
    return report(&all);
}
