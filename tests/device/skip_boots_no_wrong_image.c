/* Instruction skips over the boot stage's own binary, in an emulated Cortex-M4 (Unicorn).
 *
 * A fault attacker makes the processor leave out an instruction, or two neighbours. For flash that
 * holds an image which must not run, the stage is run once; from each executed instruction it is
 * run on with that instruction left out, then with that one and the next. No such run may fetch
 * from the wrong image's slot. Any other end is right: the good image, a refusal, a reset, a
 * fault, no end at all.
 *
 *   skip_boots_no_wrong_image STAGE.elf [--sample PERMILLE] [--inside PERMILLE] [--seed N]
 *                             [--part I/N] [--scenario N] [--blind]
 *
 * --sample draws from the instructions outside BearSSL, --inside from those that are wanted inside;
 * --part shares the work among processes.
 *
 * Two engines share one memory. The first walks; at each of its instructions the second gets its
 * registers, runs on with the skip, and memory is put back. What BearSSL's two heavy functions do
 * to registers and memory is a function of their inputs, so the second engine keeps each result and
 * gives it again for equal inputs (registers, stack pointer, the bytes that arguments point to);
 * other inputs are computed by the emulated code. Inside BearSSL the skipped instructions are each
 * static one's first and last execution and a drawn sample; there the rest runs for real.
 *
 * --blind tells the slot of the good image to be the wrong one: each run that boots it must be
 * reported, which proves that the detection works. */
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicorn/unicorn.h>
#include <unistd.h>

#include "format/boot_record.h"
#include "tests/device/maker.h"

enum {
    STAGE_END = 0x3000,
    FACTORY_ROOT = 0x3c00,
    RECORDS = 0x4000,
    RECORDS_END = 0x6000,
    ROOTS = 0x6000,
    SLOT_A = 0x10000,
    SLOT_B = 0x90000,
    SLOT_BYTES = 0x80000,
    FLASH_END = 0x110000,
    RAM = 0x20000000,
    RAM_BYTES = 0x2000,
    STACK_TOP = 0x20001400,
    SYSTEM = 0xe000e000,
    PAGE = 0x1000,
    REGISTERS = 17, /* r0 to r12, sp, lr, pc, xPSR */
    SP = 13,
    LR = 14,
    PC = 15,
    XPSR = 16,
    THUMB_BIT = 1 << 24,
    FILLER = 0xa5,
    BLOCKS_MAX = 400000, /* of the stage outside BearSSL: 30 times what any run needs */
    BLOCKS_MAX_CRYPTO = 8000000,
    IMAGE_BYTES = 256,
    BEARSSL_SAMPLE = 10000,
};

enum outcome { BOOTED_A, BOOTED_B, REFUSED, RESET, FAULT, ENDLESS, OUTCOMES };
static const char *const outcome_names[OUTCOMES] = {"slot A", "slot B", "refused",
                                                    "reset",  "fault",  "endless"};

/* A result of a heavy function: what it did to the stack below it, to its output and to r0. */
struct memo {
    uint64_t key;
    uint32_t registers[REGISTERS];
    uint8_t *below; /* RAM from its start up to sp; FILLER where nothing was written */
    uint8_t output[32];
    struct memo *next;
};

enum { MEMO_BUCKETS = 4096 };

struct machine {
    uc_engine *walker, *runner;
    uint8_t *flash, *ram, *system;
    uint32_t bearssl_start, bearssl_end, verify, round;
    enum outcome wrong;
    /* The runner. */
    uint64_t blocks, block_limit;
    uint32_t back; /* where a function that is computed comes back to */
    bool over_limit, at_function, exited, was_reset, real;
    struct memo *memos[MEMO_BUCKETS];
    uint64_t memo_hits, memo_misses;
    /* The walker. */
    uint8_t it;
    bool inside, stack_moved;
    uint32_t inside_return, inside_sp;
    uint64_t executed, inside_executed, lowest_sp;
    unsigned permille, inside_permille, part, parts;
    uint64_t seed, turn;
    /* Inside BearSSL: executions of each half-word's instruction in the first walk. */
    uint32_t *count, *seen;
    bool counting, look_inside;
    uint64_t inside_total, inside_chosen;
    /* Results. */
    uint64_t single, pairs, inside_skips, outcomes[OUTCOMES], wrong_boots;
    uint32_t last_instruction;
};

static void must(uc_err error, const char *what) {
    if (error == UC_ERR_OK) return;
    fprintf(stderr, "%s: %s\n", what, uc_strerror(error));
    exit(2);
}

static uint64_t mix(uint64_t value) { /* splitmix64 */
    value += 0x9e3779b97f4a7c15U;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9U;
    value = (value ^ value >> 27) * 0x94d049bb133111ebU;
    return value ^ value >> 31;
}

static const int register_ids[REGISTERS] = {
    UC_ARM_REG_R0,  UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3, UC_ARM_REG_R4,  UC_ARM_REG_R5,
    UC_ARM_REG_R6,  UC_ARM_REG_R7, UC_ARM_REG_R8, UC_ARM_REG_R9, UC_ARM_REG_R10, UC_ARM_REG_R11,
    UC_ARM_REG_R12, UC_ARM_REG_SP, UC_ARM_REG_LR, UC_ARM_REG_PC, UC_ARM_REG_XPSR};

static void get_registers(uc_engine *engine, uint32_t out[REGISTERS]) {
    void *values[REGISTERS];
    for (int i = 0; i < REGISTERS; i++)
        values[i] = &out[i];
    must(uc_reg_read_batch(engine, (int *)register_ids, values, REGISTERS), "read registers");
}

/* All but the program counter, which uc_emu_start sets. */
static void set_registers(uc_engine *engine, const uint32_t from[REGISTERS]) {
    for (int i = 0; i < REGISTERS; i++) {
        if (i != PC) must(uc_reg_write(engine, register_ids[i], &from[i]), "write registers");
    }
}

static uint16_t half_word(const struct machine *machine, uint32_t address) {
    if (address >= FLASH_END - 1) return 0;
    return (uint16_t)(machine->flash[address] | machine->flash[address + 1] << 8);
}

static uint32_t instruction_bytes(const struct machine *machine, uint32_t address) {
    return half_word(machine, address) >> 11 >= 0x1d ? 4 : 2;
}

/* ITSTATE of the next instruction (ARMv7-M, A7.3.3). */
static uint8_t it_after(const struct machine *machine, uint32_t address, uint8_t it) {
    uint16_t first = half_word(machine, address);
    if (first >> 8 == 0xbf && (first & 0xf) != 0) return (uint8_t)first;
    if ((it & 7) == 0) return 0;
    return (uint8_t)((it & 0xe0) | ((it << 1) & 0x1f));
}

static uint32_t xpsr_with_it(uint32_t xpsr, uint8_t it) {
    xpsr &= ~(0x0600fc00U);
    return xpsr | THUMB_BIT | (uint32_t)(it >> 2) << 10 | (uint32_t)(it & 3) << 25;
}

/* ---- the memory of the board ---- */

static uint64_t system_read(uc_engine *engine, uint64_t offset, unsigned size, void *user) {
    (void)engine, (void)offset, (void)size, (void)user;
    return 0;
}

static void system_write(uc_engine *engine, uint64_t offset, unsigned size, uint64_t value,
                         void *user) {
    struct machine *machine = user;
    (void)size;
    if (offset != 0xd0c || value != 0x05fa0004) return; /* AIRCR.SYSRESETREQ */
    machine->was_reset = true;
    uc_emu_stop(engine);
}

static void on_semihosting(uc_engine *engine, uint32_t number, void *user) {
    struct machine *machine = user;
    uint32_t registers[REGISTERS], zero = 0;
    (void)number;
    get_registers(engine, registers);
    if (registers[0] == 0x20 || half_word(machine, registers[PC] & ~1U) != 0xbeab) {
        machine->exited = true;
        uc_emu_stop(engine);
        return;
    }
    /* The file has the same bytes as the memory: every transfer succeeds. */
    must(uc_reg_write(engine, UC_ARM_REG_R0, &zero), "semihosting result");
    uint32_t next = (registers[PC] & ~1U) + 2;
    next |= 1;
    must(uc_reg_write(engine, UC_ARM_REG_PC, &next), "semihosting return");
}

static void map_memory(struct machine *machine, uc_engine *engine) {
    uint8_t *flash = machine->flash;
    /* As flash behaves: only the driver's operations change it, and those reach the records alone
     * here. What the images' slots hold is never fetched: the attempt ends the run. */
    must(uc_mem_map_ptr(engine, 0, RECORDS, UC_PROT_READ | UC_PROT_EXEC, flash), "map");
    must(uc_mem_map_ptr(engine, RECORDS, RECORDS_END - RECORDS, UC_PROT_ALL, flash + RECORDS),
         "map");
    must(uc_mem_map_ptr(engine, RECORDS_END, SLOT_A - RECORDS_END, UC_PROT_READ | UC_PROT_EXEC,
                        flash + RECORDS_END),
         "map");
    must(uc_mem_map_ptr(engine, SLOT_A, FLASH_END - SLOT_A, UC_PROT_READ, flash + SLOT_A), "map");
    must(uc_mem_map_ptr(engine, RAM, RAM_BYTES, UC_PROT_ALL, machine->ram), "map");
    must(uc_mmio_map(engine, SYSTEM, PAGE, system_read, machine, system_write, machine), "map");
}

static uc_engine *new_engine(struct machine *machine) {
    uc_engine *engine;
    uc_hook hook;
    must(uc_open(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS, &engine), "uc_open");
    must(uc_ctl_set_cpu_model(engine, UC_CPU_ARM_CORTEX_M4), "cpu model");
    map_memory(machine, engine);
    must(uc_hook_add(engine, &hook, UC_HOOK_INTR, (void *)on_semihosting, machine, 1, 0), "hook");
    return engine;
}

/* ---- the runner ---- */

static void on_block(uc_engine *engine, uint64_t address, uint32_t size, void *user) {
    struct machine *machine = user;
    (void)size;
    if (++machine->blocks > machine->block_limit) {
        machine->over_limit = true;
        uc_emu_stop(engine);
    } else if (machine->real ? address == machine->back
                             : address == machine->verify || address == machine->round) {
        machine->at_function = true;
        uc_emu_stop(engine);
    }
}

static const uint8_t *host(const struct machine *machine, uint32_t address, uint32_t size_bytes) {
    if (address < FLASH_END && size_bytes <= FLASH_END - address) return machine->flash + address;
    if (address - RAM < RAM_BYTES && size_bytes <= RAM_BYTES - (address - RAM))
        return machine->ram + (address - RAM);
    return NULL;
}

static uint64_t digest(uint64_t hash, const void *bytes, size_t size_bytes) {
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size_bytes; i++)
        hash = (hash ^ at[i]) * 0x100000001b3U;
    return mix(hash);
}

static uint32_t word(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* The inputs of the function at pc, 0 when it is called with anything but whole arguments. */
static uint64_t key_of(const struct machine *machine, const uint32_t registers[REGISTERS]) {
    uint64_t key = digest(1, registers, sizeof(uint32_t) * (PC + 1));
    if (registers[SP] <= RAM || registers[SP] > STACK_TOP) return 0;
    if (registers[PC] == machine->round) {
        const uint8_t *block = host(machine, registers[0], 64),
                      *state = host(machine, registers[1], 32);
        if (!block || !state || registers[1] < registers[SP]) return 0;
        return digest(digest(key, block, 64), state, 32) | 1;
    }
    const uint8_t *hash = host(machine, registers[1], 32),
                  *key_struct = host(machine, registers[3], 12);
    const uint8_t *stack = host(machine, registers[SP], 8);
    if (registers[2] != 32 || !hash || !key_struct || !stack || word(stack + 4) != 64) return 0;
    const uint8_t *point = host(machine, word(key_struct + 4), 65);
    const uint8_t *signature = host(machine, word(stack), 64);
    if (!point || !signature || word(key_struct + 8) != 65) return 0;
    key = digest(digest(key, hash, 32), key_struct, 12);
    key = digest(digest(key, stack, 8), point, 65);
    return digest(key, signature, 64) | 1;
}

static void apply(struct machine *machine, const struct memo *memo, uint32_t registers[REGISTERS]) {
    uint32_t size = registers[SP] - RAM;
    for (uint32_t i = 0; i < size; i++) {
        if (memo->below[i] != FILLER) machine->ram[i] = memo->below[i];
    }
    if (registers[PC] == machine->round)
        memcpy(machine->ram + (registers[1] - RAM), memo->output, sizeof memo->output);
    memcpy(registers, memo->registers, sizeof memo->registers);
}

/* Computes the function by running it; false when it does not come back. */
static bool compute(struct machine *machine, uint64_t key, uint32_t registers[REGISTERS]) {
    static uint8_t before[RAM_BYTES];
    uint32_t sp = registers[SP], size = sp - RAM, back = registers[LR] & ~1U;
    machine->back = back;
    memcpy(before, machine->ram, size);
    memset(machine->ram, FILLER, size);
    struct memo *memo = calloc(1, sizeof *memo);
    if (!memo || !(memo->below = malloc(size))) exit(2);
    bool is_round = registers[PC] == machine->round;
    uint32_t output = registers[1] - RAM;
    uint64_t limit = machine->block_limit, blocks = machine->blocks;
    machine->real = true;
    machine->block_limit = blocks + BLOCKS_MAX_CRYPTO;
    uc_err error = uc_emu_start(machine->runner, registers[PC] | 1, 0xfffffffe, 0, 0);
    machine->real = false;
    machine->block_limit = limit;
    machine->blocks = blocks;
    get_registers(machine->runner, registers);
    memcpy(memo->below, machine->ram, size);
    for (uint32_t i = 0; i < size; i++) {
        if (machine->ram[i] == FILLER) machine->ram[i] = before[i];
    }
    if (error != UC_ERR_OK || registers[PC] != back || registers[SP] != sp) {
        free(memo->below);
        free(memo);
        return false;
    }
    memo->key = key;
    if (is_round) memcpy(memo->output, machine->ram + output, sizeof memo->output);
    memcpy(memo->registers, registers, sizeof memo->registers);
    memo->next = machine->memos[key % MEMO_BUCKETS];
    machine->memos[key % MEMO_BUCKETS] = memo;
    machine->memo_misses++;
    return true;
}

static bool finish_function(struct machine *machine, uint32_t registers[REGISTERS]) {
    uint64_t key = key_of(machine, registers);
    if (key == 0) {
        machine->real = true; /* to the end */
        machine->back = UINT32_MAX;
        machine->block_limit = machine->blocks + BLOCKS_MAX_CRYPTO;
        return true;
    }
    for (struct memo *memo = machine->memos[key % MEMO_BUCKETS]; memo; memo = memo->next) {
        if (memo->key == key) {
            apply(machine, memo, registers);
            set_registers(machine->runner, registers);
            machine->memo_hits++;
            return true;
        }
    }
    return compute(machine, key, registers);
}

static enum outcome outcome_at(uint32_t pc) {
    if (pc - SLOT_A < SLOT_BYTES) return BOOTED_A;
    if (pc - SLOT_B < SLOT_BYTES) return BOOTED_B;
    return FAULT;
}

/* Runs on from these registers to an end. */
static enum outcome run(struct machine *machine, uint32_t registers[REGISTERS], bool in_crypto) {
    machine->blocks = 0;
    machine->block_limit = in_crypto ? BLOCKS_MAX_CRYPTO : BLOCKS_MAX;
    machine->over_limit = machine->exited = machine->was_reset = machine->real = false;
    set_registers(machine->runner, registers);
    for (;;) {
        machine->at_function = false;
        uc_err error = uc_emu_start(machine->runner, registers[PC] | 1, 0xfffffffe, 0, 0);
        get_registers(machine->runner, registers);
        registers[PC] &= ~1U;
        enum outcome place = outcome_at(registers[PC]);
        if (place != FAULT) return place;
        if (machine->was_reset) return RESET;
        if (machine->exited) return REFUSED;
        if (machine->over_limit) return ENDLESS;
        if (error != UC_ERR_OK || !machine->at_function) return FAULT;
        if (!finish_function(machine, registers)) return FAULT;
    }
}

/* ---- the walker ---- */

static bool chosen(struct machine *machine, uint64_t salt, unsigned permille) {
    if (machine->turn++ % machine->parts != machine->part) return false;
    return mix(machine->seed ^ mix(machine->turn ^ salt << 48)) % 1000 < permille;
}

/* One run with `count` instructions left out; memory is as before afterwards. */
static void skip(struct machine *machine, unsigned count, bool in_crypto) {
    static uint8_t ram[RAM_BYTES], records[RECORDS_END - RECORDS];
    uint32_t registers[REGISTERS];
    memcpy(ram, machine->ram, sizeof ram);
    memcpy(records, machine->flash + RECORDS, sizeof records);
    get_registers(machine->walker, registers);
    uint32_t at = registers[PC] & ~1U, from = at;
    uint8_t it = machine->it;
    for (unsigned i = 0; i < count; i++) {
        it = it_after(machine, at, it);
        if (half_word(machine, at) >> 8 == 0xbf && i + 1 <= count) it = 0;
        at += instruction_bytes(machine, at);
    }
    registers[PC] = at;
    registers[XPSR] = xpsr_with_it(registers[XPSR], it);
    enum outcome outcome = run(machine, registers, in_crypto);
    machine->outcomes[outcome]++;
    if (outcome == machine->wrong) {
        if (machine->wrong_boots++ < 20) {
            printf("  WRONG: %u instruction(s) left out at 0x%x, instruction %llu of the run\n",
                   count, (unsigned)from, (unsigned long long)machine->executed);
        }
    }
    memcpy(machine->ram, ram, sizeof ram);
    memcpy(machine->flash + RECORDS, records, sizeof records);
}

static void skip_inside(struct machine *machine, uint32_t address) {
    uint32_t at = address / 2;
    machine->inside_executed++;
    if (!machine->look_inside) return;
    if (machine->counting) {
        machine->count[at]++;
        return;
    }
    uint32_t turn = machine->seen[at]++;
    bool edge = turn == 0 || turn + 1 == machine->count[at];
    bool drawn =
        mix(machine->seed ^ mix(machine->inside_executed)) % machine->inside_total < BEARSSL_SAMPLE;
    if ((!edge && !drawn) || !chosen(machine, 1, machine->inside_permille)) return;
    machine->inside_skips++;
    skip(machine, 1, true);
}

/* PUSH, SUB of sp, and the wide STMDB, STR and SUB with sp as their base: what a frame begins
 * with. Reading the register after each instruction would take most of a walk's time. */
static bool moves_stack(uint16_t first) {
    uint16_t high = first >> 8;
    return high == 0xb4 || high == 0xb5 || high == 0xb0 || first == 0xe92d || first == 0xf84d ||
           first == 0xf1ad || first == 0xf2ad || first == 0xf5ad;
}

static void on_instruction(uc_engine *engine, uint64_t pc, uint32_t size, void *user) {
    struct machine *machine = user;
    uint32_t address = (uint32_t)pc, sp, lr;
    (void)size;
    bool enters =
        !machine->inside && address >= machine->bearssl_start && address < machine->bearssl_end;
    bool leaves = machine->inside && address == machine->inside_return;
    if (enters || leaves || machine->stack_moved) {
        must(uc_reg_read(engine, UC_ARM_REG_SP, &sp), "sp");
        if (sp < machine->lowest_sp && sp > RAM) machine->lowest_sp = sp;
        if (leaves && sp == machine->inside_sp) machine->inside = false;
        if (enters) {
            must(uc_reg_read(engine, UC_ARM_REG_LR, &lr), "lr");
            machine->inside = true;
            machine->inside_return = lr & ~1U;
            machine->inside_sp = sp;
        }
    }
    machine->stack_moved = moves_stack(half_word(machine, address));
    machine->executed++;
    if (machine->inside) {
        skip_inside(machine, address);
    } else if (!machine->counting && chosen(machine, 0, machine->permille)) {
        machine->single++;
        skip(machine, 1, false);
        machine->pairs++;
        skip(machine, 2, false);
    }
    machine->it = it_after(machine, address, machine->it);
}

/* ---- what is in flash ---- */

enum scenario {
    TAMPERED,
    WRONG_KEY,
    STOLEN_KEY_ID,
    ROLLED_BACK,
    FORGED_ROOT,
    LONE_TAMPERED,
    LONE_WRONG_KEY,
    GOOD_TRIAL,
    GOOD_NEW_ROOT,
    SCENARIOS
};
static const struct {
    const char *name;
    enum outcome right, wrong;
    bool inside; /* skipped inside BearSSL as well */
} scenarios[SCENARIOS] = {
    {"tampered image on trial", BOOTED_A, BOOTED_B, true},
    {"trial signed by another key", BOOTED_A, BOOTED_B, false},
    {"the same with the release key's id", BOOTED_A, BOOTED_B, true},
    {"trial below the floor", BOOTED_A, BOOTED_B, false},
    {"trial under a forged root document", BOOTED_A, BOOTED_B, false},
    {"a tampered image alone", REFUSED, BOOTED_A, false},
    {"an image of another key alone", REFUSED, BOOTED_A, false},
    {"a good trial", BOOTED_B, OUTCOMES, false},
    {"a good trial under new root keys", BOOTED_B, OUTCOMES, false},
};

static void put_image(struct machine *machine, const struct maker *maker,
                      const struct maker_key *key, uint32_t slot, uint64_t sequence,
                      uint8_t sha256[PM_SHA256_BYTES]) {
    uint8_t *image = machine->flash + slot;
    maker_image(image, IMAGE_BYTES, slot, (uint8_t)sequence);
    maker_seal(maker, key, image, IMAGE_BYTES, slot, sequence, image + SLOT_BYTES - PM_SEAL_BYTES);
    memcpy(sha256, image + SLOT_BYTES - PM_SEAL_BYTES + 32, PM_SHA256_BYTES);
}

static void forge_root(struct machine *machine, const struct maker *maker) {
    struct pm_root root = maker->factory;
    root.version = 2;
    memcpy(root.release_keys[0], maker->release[1].point, PM_POINT_BYTES);
    struct maker_key nobody[PM_ROOT_KEYS];
    for (unsigned i = 0; i < PM_ROOT_KEYS; i++)
        nobody[i] = maker->release[1];
    maker_sign_root(&root, nobody, NULL, machine->flash + ROOTS);
}

static void new_root(struct machine *machine, const struct maker *maker) {
    struct pm_root root = maker->factory;
    struct maker_key next[PM_ROOT_KEYS];
    root.version = 2;
    for (unsigned i = 0; i < PM_ROOT_KEYS; i++) {
        maker_key_init(&next[i]);
        memcpy(root.root_keys[i], next[i].point, PM_POINT_BYTES);
    }
    maker_sign_root(&root, maker->root, next, machine->flash + ROOTS);
    for (unsigned i = 0; i < PM_ROOT_KEYS; i++)
        maker_key_free(&next[i]);
}

static void put_records(struct machine *machine, const uint8_t confirmed[PM_SHA256_BYTES],
                        const uint8_t trial[PM_SHA256_BYTES], uint32_t trial_root_version) {
    struct pm_boot_record record = {.number = 3,
                                    .confirmed = 0,
                                    .trial = PM_SLOT_NONE,
                                    .root_version = 1,
                                    .trial_root_version = 1,
                                    .floor = 5};
    memcpy(record.confirmed_sha256, confirmed, PM_SHA256_BYTES);
    pm_boot_record_write(&record, machine->flash + RECORDS);
    record.number = 4;
    record.trial = 1;
    record.tries_left = 3;
    record.trial_root_version = trial_root_version;
    memcpy(record.trial_sha256, trial, PM_SHA256_BYTES);
    pm_boot_record_write(&record, machine->flash + RECORDS + PAGE);
}

static void prepare(struct machine *machine, const struct maker *maker, enum scenario scenario) {
    static uint8_t a[PM_SHA256_BYTES], b[PM_SHA256_BYTES];
    bool lone = scenario == LONE_TAMPERED || scenario == LONE_WRONG_KEY;
    const struct maker_key *other = &maker->release[1], *own = &maker->release[0];
    struct maker_key impostor = *other;
    memcpy(impostor.id, own->id, sizeof impostor.id);
    memset(machine->ram, 0, RAM_BYTES);
    memset(machine->flash + FACTORY_ROOT, 0xff, FLASH_END - FACTORY_ROOT);
    memcpy(machine->flash + FACTORY_ROOT, maker->factory_bytes, PM_ROOT_BYTES);
    put_image(machine, maker, scenario == LONE_WRONG_KEY ? other : own, SLOT_A, 5, a);
    if (scenario == LONE_TAMPERED) machine->flash[SLOT_A + 100] ^= 1;
    if (lone) return;
    put_image(machine, maker,
              scenario == WRONG_KEY || scenario == FORGED_ROOT ? other
              : scenario == STOLEN_KEY_ID                      ? &impostor
                                                               : own,
              SLOT_B, scenario == ROLLED_BACK ? 4 : 6, b);
    if (scenario == TAMPERED) machine->flash[SLOT_B + 100] ^= 1;
    if (scenario == FORGED_ROOT) forge_root(machine, maker);
    if (scenario == GOOD_NEW_ROOT) new_root(machine, maker);
    put_records(machine, a, b, scenario == FORGED_ROOT || scenario == GOOD_NEW_ROOT ? 2 : 1);
}

/* ---- the stage's ELF ---- */

static uint32_t symbol(Elf *elf, const char *name) {
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        GElf_Shdr header;
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB) continue;
        Elf_Data *data = elf_getdata(section, NULL);
        for (size_t i = 0; i < header.sh_size / header.sh_entsize; i++) {
            GElf_Sym found;
            gelf_getsym(data, (int)i, &found);
            const char *its = elf_strptr(elf, header.sh_link, found.st_name);
            if (its && strcmp(its, name) == 0) return (uint32_t)found.st_value & ~1U;
        }
    }
    fprintf(stderr, "no symbol %s in the stage\n", name);
    exit(2);
}

static void load(struct machine *machine, const char *path) {
    elf_version(EV_CURRENT);
    int file = open(path, O_RDONLY);
    Elf *elf = file < 0 ? NULL : elf_begin(file, ELF_C_READ, NULL);
    size_t count = 0;
    if (!elf || elf_getphdrnum(elf, &count) != 0) {
        fprintf(stderr, "%s: no ELF file\n", path);
        exit(2);
    }
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr header;
        gelf_getphdr(elf, (int)i, &header);
        if (header.p_type != PT_LOAD || header.p_filesz == 0) continue;
        if (header.p_paddr + header.p_filesz > STAGE_END ||
            pread(file, machine->flash + header.p_paddr, header.p_filesz, (off_t)header.p_offset) !=
                (ssize_t)header.p_filesz) {
            fprintf(stderr, "%s: not a stage\n", path);
            exit(2);
        }
    }
    machine->bearssl_start = symbol(elf, "__bearssl_start");
    machine->bearssl_end = symbol(elf, "__bearssl_end");
    machine->verify = symbol(elf, "br_ecdsa_i31_vrfy_raw");
    machine->round = symbol(elf, "br_sha2small_round");
    elf_end(elf);
    close(file);
}

/* Walks once from reset; skips on the way unless counting. */
static enum outcome walk(struct machine *machine, bool counting) {
    machine->counting = counting;
    machine->inside = machine->exited = machine->was_reset = false;
    machine->it = 0;
    machine->executed = machine->inside_executed = machine->turn = 0;
    machine->lowest_sp = STACK_TOP;
    uint32_t registers[REGISTERS] = {[SP] = STACK_TOP, [LR] = 0xffffffff, [XPSR] = THUMB_BIT};
    set_registers(machine->walker, registers);
    uint32_t reset = word(machine->flash + 4);
    uc_emu_start(machine->walker, reset | 1, 0xfffffffe, 0, 0);
    get_registers(machine->walker, registers);
    enum outcome place = outcome_at(registers[PC] & ~1U);
    if (place != FAULT) return place;
    return machine->exited ? REFUSED : machine->was_reset ? RESET : FAULT;
}

static void report(const struct machine *machine, enum scenario scenario) {
    printf("%s: %llu instructions, %llu outside BearSSL; skipped one %llu, two %llu, inside "
           "BearSSL %llu; ended",
           scenarios[scenario].name, (unsigned long long)machine->executed,
           (unsigned long long)(machine->executed - machine->inside_executed),
           (unsigned long long)machine->single, (unsigned long long)machine->pairs,
           (unsigned long long)machine->inside_skips);
    for (int i = 0; i < OUTCOMES; i++)
        printf("%s %s %llu", i ? "," : "", outcome_names[i],
               (unsigned long long)machine->outcomes[i]);
    printf("; stack %llu bytes; wrong image %llu\n",
           (unsigned long long)(STACK_TOP - machine->lowest_sp),
           (unsigned long long)machine->wrong_boots);
    fflush(stdout);
}

static bool test(struct machine *machine, const struct maker *maker, enum scenario scenario,
                 bool blind) {
    machine->wrong = blind ? scenarios[scenario].right : scenarios[scenario].wrong;
    machine->single = machine->pairs = machine->inside_skips = machine->wrong_boots = 0;
    memset(machine->outcomes, 0, sizeof machine->outcomes);
    memset(machine->count, 0, STAGE_END / 2 * sizeof *machine->count);
    memset(machine->seen, 0, STAGE_END / 2 * sizeof *machine->seen);
    enum outcome outcome = OUTCOMES;
    machine->look_inside = machine->inside_permille > 0 && scenarios[scenario].inside;
    if (machine->look_inside || scenario >= GOOD_TRIAL) { /* to know first and last */
        prepare(machine, maker, scenario);
        outcome = walk(machine, true);
        machine->inside_total = machine->inside_executed;
    }
    if (scenario >= GOOD_TRIAL) {
        printf("%s: %llu instructions, %llu outside BearSSL; stack %llu bytes\n",
               scenarios[scenario].name, (unsigned long long)machine->executed,
               (unsigned long long)(machine->executed - machine->inside_executed),
               (unsigned long long)(STACK_TOP - machine->lowest_sp));
        return outcome == scenarios[scenario].right;
    }
    prepare(machine, maker, scenario);
    outcome = walk(machine, false);
    if (outcome != scenarios[scenario].right) {
        printf("%s: without a skip it ends with %s\n", scenarios[scenario].name,
               outcome_names[outcome]);
        return false;
    }
    report(machine, scenario);
    return blind ? machine->wrong_boots > 0 : machine->wrong_boots == 0;
}

int main(int argc, char **argv) {
    static struct machine machine = {
        .permille = 1000, .inside_permille = 1000, .seed = 1, .parts = 1};
    struct maker maker;
    uc_hook hook;
    bool blind = false, good = true;
    int only = -1;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--blind") == 0) blind = true;
        else if (i + 1 == argc) return 2;
        else if (strcmp(argv[i], "--sample") == 0) machine.permille = (unsigned)atoi(argv[++i]);
        else if (strcmp(argv[i], "--inside") == 0)
            machine.inside_permille = (unsigned)atoi(argv[++i]);
        else if (strcmp(argv[i], "--seed") == 0) machine.seed = strtoull(argv[++i], NULL, 0);
        else if (strcmp(argv[i], "--scenario") == 0) only = atoi(argv[++i]);
        else if (strcmp(argv[i], "--part") != 0 ||
                 sscanf(argv[++i], "%u/%u", &machine.part, &machine.parts) != 2)
            return 2;
    }
    if (argc < 2 || machine.parts == 0) return 2;
    machine.flash = aligned_alloc(PAGE, FLASH_END);
    machine.ram = aligned_alloc(PAGE, RAM_BYTES);
    machine.count = calloc(STAGE_END / 2, sizeof *machine.count);
    machine.seen = calloc(STAGE_END / 2, sizeof *machine.seen);
    if (!machine.flash || !machine.ram || !machine.count || !machine.seen) return 2;
    memset(machine.flash, 0xff, FLASH_END);
    load(&machine, argv[1]);
    machine.walker = new_engine(&machine);
    machine.runner = new_engine(&machine);
    must(uc_hook_add(machine.walker, &hook, UC_HOOK_CODE, (void *)on_instruction, &machine, 1, 0),
         "hook");
    must(uc_hook_add(machine.runner, &hook, UC_HOOK_BLOCK, (void *)on_block, &machine, 1, 0),
         "hook");
    maker_init(&maker);
    printf("seed %llu, %u of 1000 outside and %u inside BearSSL, part %u of %u\n",
           (unsigned long long)machine.seed, machine.permille, machine.inside_permille,
           machine.part, machine.parts);
    for (int scenario = 0; scenario < SCENARIOS; scenario++) {
        if (only < 0 || only == scenario)
            good &= test(&machine, &maker, (enum scenario)scenario, blind);
    }
    printf("%s\n", good ? "no wrong image was booted" : "FAILED");
    maker_free(&maker);
    return good ? 0 : 1;
}
