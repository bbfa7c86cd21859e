/* What liveness calls dead in front of an instruction may be anything there.
 *
 *     liveness_says_what_is_dead [--seed S] [--samples N] [--sabotage] IN.elf...
 *
 * Functions of linked programs are entered in an emulated Cortex-M4 (Unicorn) with random
 * registers, arguments that often point at random memory, and a random stack. A run that comes
 * back within 2,000 instructions is the reference. Then it is run again, and in front of one of
 * its instructions, in whatever function that is, one of r0-r3, r12, lr, N, Z, C, V that
 * fw_liveness() calls dead there gets another value: it must take the same way, write the same
 * memory, and come back with the same r0-r11, stack pointer and floating-point registers.
 *
 * What a callee must bring back beyond results is not in its own sets: it is in its unit's
 * .ip_reserved and .keeps, and flags are live behind the call in the sets of the caller.
 *
 * With --sabotage one live register or flag in each set is called dead, and only those get other
 * values: the program succeeds if a part of them, as large as may be expected, is noticed. (All
 * cannot be: what is live on one way on need not be read on the way that is taken.) */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicorn/unicorn.h>

#include "base/file.h"
#include "firmware/analyse/liveness.h"
#include "firmware/lift/lift.h"
#include "firmware/read/read.h"
#include "tests/thumb/random.h"

enum {
    FLASH_BYTES = 4 << 20,
    RAM = 0x20000000,
    RAM_BYTES = 4 << 20,
    SCRATCH = RAM + (3 << 20), /* random words, arguments point here */
    SCRATCH_BYTES = 64 << 10,
    STACK = RAM + RAM_BYTES - (64 << 10), /* and the stack is here, random as well */
    STACK_BYTES = 32 << 10,
    BACK = 0x1fff0000, /* where functions return to */
    STEPS_MAXIMUM = 2000,
    WRITES_MAXIMUM = 8 * STEPS_MAXIMUM,
    PLACES = 10, /* r0-r3, r12, lr, V, C, Z, N */
    SAMPLES_A_RUN = 12,
    DOUBLES = 16,
};

static const char *const place_names[PLACES] = {"r0", "r1", "r2", "r3", "r12",
                                                "lr", "V",  "C",  "Z",  "N"};
static const uint32_t place_bits[PLACES] = {
    1U << 0,
    1U << 1,
    1U << 2,
    1U << 3,
    FW_LIVE_IP,
    FW_LIVE_LR,
    (uint32_t)THUMB_FLAG_V << FW_LIVE_FLAG_SHIFT,
    (uint32_t)THUMB_FLAG_C << FW_LIVE_FLAG_SHIFT,
    (uint32_t)THUMB_FLAG_Z << FW_LIVE_FLAG_SHIFT,
    (uint32_t)THUMB_FLAG_N << FW_LIVE_FLAG_SHIFT,
};
static const int place_registers[6] = {UC_ARM_REG_R0, UC_ARM_REG_R1,  UC_ARM_REG_R2,
                                       UC_ARM_REG_R3, UC_ARM_REG_R12, UC_ARM_REG_LR};

/* What a run came to. */
struct outcome {
    uint64_t way, writes; /* hashes of addresses executed, and of stores */
    uint32_t core[13];    /* r0-r11, sp */
    uint64_t doubles[DOUBLES];
    unsigned steps;
    bool back;
};

struct entry {
    uint32_t core[15], flags;
    uint64_t doubles[DOUBLES];
    uint32_t address;
};

struct old_bytes {
    uint32_t address, size_bytes;
    uint64_t value;
};

struct machine {
    uc_engine *engine;
    uc_context *pristine;
    uint8_t *flash, *ram;
    struct random random;
    struct outcome *running;
    uint32_t way[STEPS_MAXIMUM]; /* of the reference */
    struct old_bytes old[WRITES_MAXIMUM];
    unsigned old_count;
    unsigned change_at, change_place; /* at this step, this place; change_at FW_NONE: nowhere */
    bool recording, changed;

    struct fw_model model;
    struct fw_flow flow;
    struct fw_liveness liveness;
    uint32_t *brought_back; /* by unit: flags that callers read behind a call of it */
    uint32_t *falsified;    /* with --sabotage: by item, the bit that was cleared */
    bool sabotage;
    uint64_t samples, noticed, runs, of_place[PLACES], noticed_of[PLACES];
};

static void must(uc_err error, const char *what) {
    if (error == UC_ERR_OK) return;
    fprintf(stderr, "%s: %s\n", what, uc_strerror(error));
    exit(2);
}

static uint64_t mix(uint64_t hash, uint64_t value) {
    struct random random = {hash ^ value * UINT64_C(0x9e3779b97f4a7c15)};
    return random_next(&random);
}

/* ---- the processor ---- */

static void change(struct machine *machine) {
    unsigned place = machine->change_place;
    if (place < 6) {
        uint32_t value, junk = (uint32_t)random_next(&machine->random);
        must(uc_reg_read(machine->engine, place_registers[place], &value), "read a register");
        if (random_below(&machine->random, 4) == 0) junk = value ^ 1U << junk % 32;
        if (junk == value) junk = ~value;
        must(uc_reg_write(machine->engine, place_registers[place], &junk), "write a register");
        return;
    }
    uint32_t flags;
    must(uc_reg_read(machine->engine, UC_ARM_REG_APSR, &flags), "read flags");
    flags ^= 1U << (28 + place - 6);
    must(uc_reg_write(machine->engine, UC_ARM_REG_APSR_NZCVQG, &flags), "write flags");
}

static void on_instruction(uc_engine *engine, uint64_t address, uint32_t size, void *user) {
    struct machine *machine = user;
    struct outcome *running = machine->running;
    (void)size;
    if (address == BACK || running->steps == STEPS_MAXIMUM) {
        running->back = address == BACK;
        uc_emu_stop(engine);
        return;
    }
    if (running->steps == machine->change_at && !machine->changed) {
        machine->changed = true; /* once it has stopped, when registers and flags are in place */
        uc_emu_stop(engine);
        return;
    }
    if (machine->recording) machine->way[running->steps] = (uint32_t)address;
    running->way = mix(running->way, address);
    running->steps++;
}

static void on_write(uc_engine *engine, uc_mem_type type, uint64_t address, int size, int64_t value,
                     void *user) {
    struct machine *machine = user;
    (void)type;
    uint64_t offset = address - RAM, bytes = (unsigned)size;
    if (offset > RAM_BYTES - bytes || machine->old_count == WRITES_MAXIMUM) {
        uc_emu_stop(engine);
        return;
    }
    struct old_bytes *old = &machine->old[machine->old_count++];
    *old = (struct old_bytes){.address = (uint32_t)offset, .size_bytes = (uint32_t)size};
    memcpy(&old->value, machine->ram + offset, bytes);
    uint64_t mask = bytes == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * bytes) - 1;
    machine->running->writes =
        mix(mix(machine->running->writes, address << 4 | bytes), (uint64_t)value & mask);
}

static void undo_writes(struct machine *machine) {
    while (machine->old_count) {
        const struct old_bytes *old = &machine->old[--machine->old_count];
        memcpy(machine->ram + old->address, &old->value, old->size_bytes);
    }
}

static void open_machine(struct machine *machine) {
    uc_hook hook;
    machine->flash = calloc(1, FLASH_BYTES);
    machine->ram = calloc(1, RAM_BYTES);
    if (!machine->flash || !machine->ram) exit(2);
    must(uc_open(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS, &machine->engine), "uc_open");
    must(uc_ctl_set_cpu_model(machine->engine, UC_CPU_ARM_CORTEX_M4), "cpu model");
    must(uc_mem_map_ptr(machine->engine, 0, FLASH_BYTES, UC_PROT_READ | UC_PROT_EXEC,
                        machine->flash),
         "flash");
    must(
        uc_mem_map_ptr(machine->engine, RAM, RAM_BYTES, UC_PROT_READ | UC_PROT_WRITE, machine->ram),
        "ram");
    must(uc_mem_map(machine->engine, BACK, 0x1000, UC_PROT_READ | UC_PROT_EXEC), "return");
    must(uc_hook_add(machine->engine, &hook, UC_HOOK_CODE, (void *)on_instruction, machine, 1, 0),
         "hook");
    must(uc_hook_add(machine->engine, &hook, UC_HOOK_MEM_WRITE, (void *)on_write, machine, 1, 0),
         "hook");
    must(uc_context_alloc(machine->engine, &machine->pristine), "context");
    must(uc_context_save(machine->engine, machine->pristine), "context");
}

static void close_machine(struct machine *machine) {
    uc_context_free(machine->pristine);
    uc_close(machine->engine);
    free(machine->flash);
    free(machine->ram);
}

static const int core_ids[15] = {UC_ARM_REG_R0,  UC_ARM_REG_R1, UC_ARM_REG_R2,  UC_ARM_REG_R3,
                                 UC_ARM_REG_R4,  UC_ARM_REG_R5, UC_ARM_REG_R6,  UC_ARM_REG_R7,
                                 UC_ARM_REG_R8,  UC_ARM_REG_R9, UC_ARM_REG_R10, UC_ARM_REG_R11,
                                 UC_ARM_REG_R12, UC_ARM_REG_SP, UC_ARM_REG_LR};

static void run(struct machine *machine, const struct entry *entry, struct outcome *out) {
    uc_engine *engine = machine->engine;
    *out = (struct outcome){.steps = 0};
    machine->running = out;
    machine->changed = false;
    must(uc_context_restore(engine, machine->pristine), "context");
    for (int i = 0; i < 15; i++)
        must(uc_reg_write(engine, core_ids[i], &entry->core[i]), "write registers");
    for (int i = 0; i < DOUBLES; i++)
        must(uc_reg_write(engine, UC_ARM_REG_D0 + i, &entry->doubles[i]), "write registers");
    must(uc_reg_write(engine, UC_ARM_REG_APSR_NZCVQG, &entry->flags), "write flags");
    uc_err error = uc_emu_start(engine, entry->address | 1, BACK + 0x800, 0, 0);
    if (error == UC_ERR_OK && machine->changed) {
        uint32_t pc;
        must(uc_reg_read(engine, UC_ARM_REG_PC, &pc), "read pc");
        change(machine);
        error = uc_emu_start(engine, pc | 1, BACK + 0x800, 0, 0);
    }
    if (error != UC_ERR_OK) out->back = false;
    for (int i = 0; i < 13; i++)
        must(uc_reg_read(engine, core_ids[i < 12 ? i : 13], &out->core[i]), "read registers");
    for (int i = 0; i < DOUBLES; i++)
        must(uc_reg_read(engine, UC_ARM_REG_D0 + i, &out->doubles[i]), "read registers");
    undo_writes(machine);
}

/* ---- a program ---- */

static void put_sections(struct machine *machine) {
    memset(machine->flash, 0, FLASH_BYTES);
    memset(machine->ram, 0, RAM_BYTES);
    for (size_t i = 0; i < machine->model.section_count; i++) {
        const struct fw_section *s = &machine->model.sections[i];
        if (!s->data || !(s->flags & 2)) continue;
        if (s->address < FLASH_BYTES && s->size_bytes <= FLASH_BYTES - s->address)
            memcpy(machine->flash + s->address, s->data, s->size_bytes);
        else if (s->address - RAM < RAM_BYTES && s->size_bytes <= RAM_BYTES - (s->address - RAM))
            memcpy(machine->ram + (s->address - RAM), s->data, s->size_bytes);
    }
    for (uint32_t at = 0; at < SCRATCH_BYTES; at += 4) {
        uint64_t bits = random_next(&machine->random);
        uint32_t word = bits >> 62 ? (uint32_t)bits : SCRATCH + ((uint32_t)bits & 0xfff8);
        memcpy(machine->ram + (SCRATCH - RAM) + at, &word, 4);
        if (at < STACK_BYTES) memcpy(machine->ram + (STACK - RAM) + at, &word, 4);
    }
    /* Translations of the program before. */
    must(uc_ctl_remove_cache(machine->engine, 0, FLASH_BYTES), "cache");
}

static uint32_t any_argument(struct random *random) {
    uint64_t bits = random_next(random);
    switch (bits >> 60) {
    case 0:
    case 1:
    case 2:
        return (uint32_t)bits;
    case 3:
    case 4:
    case 5:
        return (uint32_t)bits & 0xff;
    case 6:
        return 0;
    default:
        return SCRATCH + ((uint32_t)bits & 0x7ff8);
    }
}

static struct entry any_entry(struct machine *machine, uint32_t address) {
    struct entry entry = {.address = address};
    for (int i = 0; i < 13; i++)
        entry.core[i] = any_argument(&machine->random);
    entry.core[THUMB_SP] = STACK + STACK_BYTES / 2;
    entry.core[THUMB_LR] = BACK | 1;
    entry.flags = (uint32_t)random_next(&machine->random) & 0xf8000000;
    for (int i = 0; i < DOUBLES; i++)
        entry.doubles[i] = random_next(&machine->random);
    return entry;
}

static bool same(const struct outcome *a, const struct outcome *b) {
    return a->back == b->back && a->steps == b->steps && a->way == b->way &&
           a->writes == b->writes && memcmp(a->core, b->core, sizeof a->core) == 0 &&
           memcmp(a->doubles, b->doubles, sizeof a->doubles) == 0;
}

/* The item executed at that step, where the model has it and it is in no IT block: there
 * flags decide what is executed, and writing them would change the block's state. */
static uint32_t item_at_step(const struct machine *machine, unsigned step) {
    uint32_t item = fw_item_at(&machine->model, machine->way[step]);
    if (item == FW_NONE || machine->model.items[item].kind != FW_ITEM_INSN) return FW_NONE;
    const struct fw_item *at = &machine->model.items[item];
    const struct fw_unit *unit = &machine->model.units[at->unit];
    return unit->status == FW_UNIT_ACCEPTED && at->it_state == 0 ? item : FW_NONE;
}

static void note_brought_back(struct machine *machine) {
    const struct fw_model *model = &machine->model;
    machine->brought_back = ARENA_ARRAY(&machine->model.arena, uint32_t, model->unit_count + 1);
    memset(machine->brought_back, 0, (model->unit_count + 1) * sizeof(uint32_t));
    for (size_t i = 0; i < model->item_count; i++) {
        const struct fw_item *item = &model->items[i];
        if (item->kind != FW_ITEM_INSN || item->insn->flow != THUMB_FLOW_CALL) continue;
        if (item->target == FW_NONE) continue;
        uint32_t unit = model->items[item->target].unit;
        machine->brought_back[unit] |= machine->liveness.after[i] & FW_LIVE_FLAGS;
    }
}

static bool is_dead(const struct machine *machine, uint32_t item, uint32_t bit) {
    uint32_t unit = machine->model.items[item].unit;
    uint32_t live = machine->liveness.before[item] | machine->brought_back[unit];
    live |= machine->model.units[unit].keeps;
    if (machine->model.units[unit].ip_reserved) live |= FW_LIVE_IP;
    return !(live & bit);
}

static void complain(const struct machine *machine, const struct entry *entry, uint32_t item,
                     const struct outcome *expected, const struct outcome *got) {
    const struct fw_item *at = &machine->model.items[item];
    const char *what = !got->back                        ? "does not come back"
                       : got->way != expected->way       ? "takes another way"
                       : got->writes != expected->writes ? "writes other memory"
                                                         : "has another result";
    printf("%s: %s is called dead at %#x, but with another value there the run from %#x %s\n",
           machine->model.functions[machine->model.units[at->unit].function_first].name,
           place_names[machine->change_place], at->address, entry->address, what);
}

static void sample(struct machine *machine, const struct entry *entry,
                   const struct outcome *expected) {
    struct outcome got;
    unsigned step = random_below(&machine->random, expected->steps);
    unsigned place = random_below(&machine->random, PLACES);
    uint32_t item = item_at_step(machine, step);
    if (item == FW_NONE) return;
    if (!is_dead(machine, item, place_bits[place]) ||
        (machine->sabotage && machine->falsified[item] != place_bits[place]))
        return;
    machine->change_at = step;
    machine->change_place = place;
    run(machine, entry, &got);
    machine->change_at = FW_NONE;
    if (!machine->changed) {
        printf("step %u was not reached again: nothing is compared\n", step);
        exit(2);
    }
    machine->samples++;
    machine->of_place[place]++;
    if (same(expected, &got)) return;
    machine->noticed_of[place]++;
    if (machine->noticed++ < 20 && !machine->sabotage)
        complain(machine, entry, item, expected, &got);
}

/* One function from one random entry; false where it does not come back, or differs by itself. */
static bool try_function(struct machine *machine, uint32_t address) {
    struct entry entry = any_entry(machine, address);
    struct outcome expected, again;
    machine->recording = true;
    run(machine, &entry, &expected);
    machine->recording = false;
    if (!expected.back || expected.steps < 2) return false;
    run(machine, &entry, &again);
    if (!same(&expected, &again)) {
        printf("the run from %#x is not the same twice\n", address);
        exit(2);
    }
    machine->runs++;
    for (int i = 0; i < SAMPLES_A_RUN * (machine->sabotage ? 8 : 2); i++)
        sample(machine, &entry, &expected);
    return true;
}

/* Calls one register or flag dead that is live, in each set that has one. */
static void falsify(struct machine *machine) {
    machine->falsified = ARENA_ARRAY(&machine->model.arena, uint32_t, machine->model.item_count);
    for (size_t i = 0; i < machine->model.item_count; i++) {
        unsigned first = random_below(&machine->random, PLACES);
        machine->falsified[i] = 0;
        for (unsigned k = 0; k < PLACES && machine->falsified[i] == 0; k++)
            machine->falsified[i] = machine->liveness.before[i] & place_bits[(first + k) % PLACES];
        machine->liveness.before[i] &= ~machine->falsified[i];
    }
}

static void run_functions(struct machine *machine, uint64_t samples) {
    const struct fw_model *model = &machine->model;
    uint64_t end = machine->samples + samples;
    for (uint64_t tries = 0; machine->samples < end && tries < samples * 20; tries++) {
        uint32_t which = random_below(&machine->random, (uint32_t)model->function_count);
        const struct fw_function *function = &model->functions[which];
        if (model->units[function->unit].status != FW_UNIT_ACCEPTED) continue;
        if (function->address < FLASH_BYTES) try_function(machine, function->address & ~1U);
    }
}

static void try_program(struct machine *machine, const char *path, uint64_t samples) {
    struct error error;
    struct span file;
    struct fw_model *model = &machine->model;
    *model = (struct fw_model){.entry = 0};
    machine->flow = (struct fw_flow){.block_count = 0};
    machine->liveness = (struct fw_liveness){.before = NULL};
    enum status status = file_read(&model->arena, path, FW_INPUT_MAXIMUM_BYTES, &file, &error);
    if (status == STATUS_OK) status = fw_read(model, file, true, &error);
    if (status == STATUS_OK) status = fw_lift(model, &error);
    if (status != STATUS_OK) {
        fprintf(stderr, "%s: %s\n", path, error.message);
        exit(2);
    }
    fw_flow_build(model, &machine->flow);
    fw_liveness(model, &machine->flow, &machine->liveness);
    note_brought_back(machine);
    if (machine->sabotage) falsify(machine);
    put_sections(machine);
    uint64_t runs = machine->runs, before = machine->samples;
    run_functions(machine, samples);
    printf("%s: %" PRIu64 " runs, %" PRIu64 " samples\n", path, machine->runs - runs,
           machine->samples - before);
    fw_liveness_free(&machine->liveness);
    fw_flow_free(&machine->flow);
    arena_free(&model->arena);
}

/* Each register and flag must have been tried, or the sample says nothing of it. */
static int verdict(const struct machine *machine, uint64_t samples) {
    bool enough = machine->samples >= samples;
    for (int i = 0; i < PLACES; i++) {
        printf("%s %" PRIu64 "/%" PRIu64 "  ", place_names[i], machine->noticed_of[i],
               machine->of_place[i]);
        enough = enough && machine->of_place[i] >= samples / (machine->sabotage ? 2000 : 200);
    }
    printf("\n%" PRIu64 " samples in %" PRIu64 " runs, %" PRIu64 " noticed\n", machine->samples,
           machine->runs, machine->noticed);
    if (!enough) printf("too few samples\n");
    bool found = machine->noticed * 3 >= machine->samples * 2;
    return enough && (machine->sabotage ? found : machine->noticed == 0) ? 0 : 1;
}

int main(int argc, char **argv) {
    static struct machine machine = {.change_at = FW_NONE};
    uint64_t samples = 20000, seed = random_seed();
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strcmp(argv[i], "--sabotage")) machine.sabotage = true;
        else if (!strcmp(argv[i], "--seed") && i + 1 < argc) seed = strtoull(argv[++i], NULL, 0);
        else if (!strcmp(argv[i], "--samples") && i + 1 < argc)
            samples = strtoull(argv[++i], NULL, 0);
        else return 2;
    }
    if (i == argc) return 2;
    machine.random.state = seed;
    printf("seed %" PRIu64 "\n", seed);
    open_machine(&machine);
    uint64_t each = (samples + (uint64_t)(argc - i) - 1) / (uint64_t)(argc - i);
    for (; i < argc; i++)
        try_program(&machine, argv[i], each);
    close_machine(&machine);
    return verdict(&machine, samples);
}
