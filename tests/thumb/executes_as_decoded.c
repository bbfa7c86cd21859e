/* An emulated processor executes single instructions as the decoder describes them.
 *
 *     executes_as_decoded [--cpu m4|m7|max] [--count N] [--seed S]
 *
 * Encodings are drawn row by row from the instruction table, with random fields, at even and
 * odd word addresses, a quarter of them in an IT block. Each is executed by Unicorn (QEMU's
 * Arm translator) from a random state: registers, flags, floating-point registers, and a
 * memory whose every byte is a function of its address.
 *
 *  - a register or flag that the decoder does not list as written keeps its value;
 *  - when all registers and flags that it does not list as read get other values, the
 *    written ones, the memory traffic and the next pc stay the same;
 *  - control goes where the decoder says; a literal load reads the named place, ADR yields it;
 *  - what the decoder calls UNDEFINED the processor refuses, and the other way about;
 *  - and the lists are no larger than need be: every role and flag of every row must have
 *    been seen to matter at least once, or stand in the table of exceptions below.
 *
 * UNPREDICTABLE instructions are left out, and those of coprocessors, which the emulator
 * does not have. Its Cortex-M7 lacks double precision, so "max", an application processor
 * in Thumb state, where these encodings are the same, stands in for them alone.
 *
 * With --sabotage 1 to 5 an entry of the decoder's lists is lost, or its target falsified,
 * now and then: the program succeeds only if that is noticed.
 */
#include "tests/thumb/encodings.h"
#include "tests/thumb/execution_exceptions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicorn/unicorn.h>

enum {
    CODE_PAGE = 0x10000,
    CODE_SIZE = 0x40000,
    SLOT_SIZE = 32,               /* the code of one experiment */
    EXCLUSIVE_IN_SLOT = 16,       /* the LDREX before a STREX */
    REST = CODE_PAGE + CODE_SIZE, /* memory that answers from its address */
    CORE_REGISTERS = 15,          /* r0 to r14 */
    DOUBLES = 16,
};

#define REST_SIZE (0xfffff000u - REST)

/* What is set before and looked at after an instruction. */
struct state {
    uint32_t core[CORE_REGISTERS];
    uint32_t apsr;
    uint64_t doubles[DOUBLES];
    uint32_t fpscr;
    uint32_t system[4]; /* PRIMASK, BASEPRI, FAULTMASK, CONTROL */
    uint32_t pc;
    uint64_t traffic; /* hash of all loads and stores */
    uint32_t first_load;
    bool loaded;
    uc_err error;
};

/* What has been seen to matter of a row. */
struct row_use {
    uint64_t executed;
    uint16_t roles; /* R_*, W_*; W_N for write-back and LINKS for lr */
    uint8_t flags_read, flags_written;
    bool taken, not_taken;
};

enum { W_N = 1 << 15 };

struct machine {
    uc_engine *engine;
    uc_context *pristine;
    struct random random;
    enum { CPU_M4, CPU_M7, CPU_MAX } cpu;
    struct state *running; /* collects the memory traffic */
    uint32_t first, last;  /* the addresses that may execute: the IT and the instruction */
    unsigned steps;
    uint32_t slot; /* the next piece of code */
    unsigned long sabotage;
    struct encodings encodings;
    struct row_use uses[sizeof((struct encodings *)0)->rows / sizeof(struct thumb_row *)];
    uint64_t executed, in_it, faulted, refused, differences;
};

/* ---- memory ---- */

static uint64_t mix(uint64_t value) {
    struct random random = {value};
    return random_next(&random);
}

static uint8_t byte_at(uint32_t address) {
    return (uint8_t)mix(address);
}

static void note_load(struct state *state, uint32_t address, unsigned size) {
    if (!state->loaded) {
        state->first_load = address;
        state->loaded = true;
    }
    state->traffic = mix(state->traffic ^ mix(address) ^ size);
}

static uint64_t on_load(uc_engine *engine, uint64_t offset, unsigned size, void *user) {
    struct machine *machine = user;
    uint32_t address = REST + (uint32_t)offset;
    uint64_t value = 0;
    (void)engine;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)byte_at(address + i) << 8 * i;
    note_load(machine->running, address, size);
    return value;
}

/* Loads from the code: literals. */
static void on_code_load(uc_engine *engine, uc_mem_type type, uint64_t address, int size,
                         int64_t value, void *user) {
    struct machine *machine = user;
    (void)engine, (void)type, (void)value;
    note_load(machine->running, (uint32_t)address, (unsigned)size);
}

static void on_store(uc_engine *engine, uint64_t offset, unsigned size, uint64_t value,
                     void *user) {
    struct machine *machine = user;
    struct state *state = machine->running;
    (void)engine;
    state->traffic = mix(state->traffic ^ mix(REST + offset) ^ size ^ mix(value + 1));
}

/* ---- the processor ---- */

/* Before each instruction: stops at the first that is not under test, or the second time
 * around when it branches to itself. (The engine's own instruction count drops all
 * translations at each change.) */
static void on_instruction(uc_engine *engine, uint64_t address, uint32_t size, void *user) {
    struct machine *machine = user;
    (void)size;
    bool under_test = address >= machine->first && address <= machine->last;
    if (!under_test || machine->steps++ > (machine->last != machine->first)) {
        uc_emu_stop(engine);
    }
}

static void must(uc_err error, const char *what) {
    if (error != UC_ERR_OK) {
        fprintf(stderr, "%s: %s\n", what, uc_strerror(error));
        exit(2);
    }
}

static void choose_processor(struct machine *machine) {
    static const int models[] = {[CPU_M4] = UC_CPU_ARM_CORTEX_M4,
                                 [CPU_M7] = UC_CPU_ARM_CORTEX_M7,
                                 [CPU_MAX] = UC_CPU_ARM_MAX};
    uc_mode mode = machine->cpu == CPU_MAX ? UC_MODE_THUMB : UC_MODE_THUMB | UC_MODE_MCLASS;
    must(uc_open(UC_ARCH_ARM, mode, &machine->engine), "uc_open");
    must(uc_ctl_set_cpu_model(machine->engine, models[machine->cpu]), "cpu model");
    if (machine->cpu == CPU_MAX) { /* CPACR and FPEXC: the floating-point unit on */
        uint32_t access = 0xf << 20, enable = 1 << 30;
        must(uc_reg_write(machine->engine, UC_ARM_REG_C1_C0_2, &access), "CPACR");
        must(uc_reg_write(machine->engine, UC_ARM_REG_FPEXC, &enable), "FPEXC");
    }
}

static void open_machine(struct machine *machine) {
    choose_processor(machine);
    machine->slot = CODE_PAGE;
    must(uc_mem_map(machine->engine, CODE_PAGE, CODE_SIZE, UC_PROT_READ | UC_PROT_EXEC), "map");
    must(uc_mmio_map(machine->engine, REST, REST_SIZE, on_load, machine, on_store, machine),
         "mmio");
    uc_hook hook;
    must(uc_hook_add(machine->engine, &hook, UC_HOOK_CODE, (void *)on_instruction, machine, 1, 0),
         "hook");
    must(uc_hook_add(machine->engine, &hook, UC_HOOK_MEM_READ, (void *)on_code_load, machine,
                     CODE_PAGE, CODE_PAGE + CODE_SIZE - 1),
         "hook");
    must(uc_context_alloc(machine->engine, &machine->pristine), "context");
    must(uc_context_save(machine->engine, machine->pristine), "context");
}

static void close_machine(struct machine *machine) {
    uc_context_free(machine->pristine);
    uc_close(machine->engine);
}

enum { BATCH = CORE_REGISTERS + DOUBLES + 1 };

static void register_batch(struct state *state, int *ids, void **values) {
    static const int core[CORE_REGISTERS] = {
        UC_ARM_REG_R0,  UC_ARM_REG_R1,  UC_ARM_REG_R2,  UC_ARM_REG_R3, UC_ARM_REG_R4,
        UC_ARM_REG_R5,  UC_ARM_REG_R6,  UC_ARM_REG_R7,  UC_ARM_REG_R8, UC_ARM_REG_R9,
        UC_ARM_REG_R10, UC_ARM_REG_R11, UC_ARM_REG_R12, UC_ARM_REG_SP, UC_ARM_REG_LR};
    int n = 0;
    for (int i = 0; i < CORE_REGISTERS; i++, n++) {
        ids[n] = core[i];
        values[n] = &state->core[i];
    }
    for (int i = 0; i < DOUBLES; i++, n++) {
        ids[n] = UC_ARM_REG_D0 + i;
        values[n] = &state->doubles[i];
    }
    ids[n] = UC_ARM_REG_FPSCR;
    values[n] = &state->fpscr;
}

static void load_state(struct machine *machine, struct state *state) {
    int ids[BATCH];
    void *values[BATCH];
    register_batch(state, ids, values);
    must(uc_reg_write_batch(machine->engine, ids, values, BATCH), "write registers");
    uint32_t cpsr = state->apsr | 0x1f3; /* Thumb, interrupts off, supervisor */
    if (machine->cpu == CPU_MAX)
        must(uc_reg_write(machine->engine, UC_ARM_REG_CPSR, &cpsr), "write flags");
    else must(uc_reg_write(machine->engine, UC_ARM_REG_APSR_NZCVQG, &state->apsr), "write flags");
}

static void save_state(struct machine *machine, struct state *state) {
    static const int system[4] = {UC_ARM_REG_PRIMASK, UC_ARM_REG_BASEPRI, UC_ARM_REG_FAULTMASK,
                                  UC_ARM_REG_CONTROL};
    int ids[BATCH];
    void *values[BATCH];
    register_batch(state, ids, values);
    must(uc_reg_read_batch(machine->engine, ids, values, BATCH), "read registers");
    must(uc_reg_read(machine->engine, UC_ARM_REG_APSR, &state->apsr), "read flags");
    must(uc_reg_read(machine->engine, UC_ARM_REG_PC, &state->pc), "read pc");
    for (int i = 0; i < 4 && machine->cpu != CPU_MAX; i++)
        must(uc_reg_read(machine->engine, system[i], &state->system[i]), "read system");
}

/* One instruction to execute, with the IT and the exclusive load that must precede it. */
struct experiment {
    struct thumb_insn insn;
    const struct thumb_row *row;
    uint32_t address;   /* of the instruction */
    uint32_t start;     /* of the IT before it, or the same */
    uint32_t exclusive; /* an LDREX to arm the monitor first; 0 for none */
};

static uc_err step(struct machine *machine, uint32_t first, uint32_t last) {
    machine->first = first;
    machine->last = last;
    machine->steps = 0;
    return uc_emu_start(machine->engine, first | 1, 0xffffffff, 0, 0);
}

static void put_code(struct machine *machine, uint32_t address, uint32_t bits, unsigned size) {
    uint8_t code[4];
    encodings_bytes(bits, size == 4, code);
    must(uc_mem_write(machine->engine, address, code, size), "write code");
}

static struct state execute(struct machine *machine, const struct experiment *experiment,
                            const struct state *before) {
    struct state after = *before;
    machine->running = &after;
    must(uc_context_restore(machine->engine, machine->pristine), "context");
    if (experiment->exclusive) {
        load_state(machine, &after);
        uint32_t at = (experiment->start & ~(SLOT_SIZE - 1u)) + EXCLUSIVE_IN_SLOT;
        after.error = step(machine, at, at);
        after.traffic = 0;
        after.loaded = false;
    }
    load_state(machine, &after);
    after.error = step(machine, experiment->start, experiment->address);
    save_state(machine, &after);
    return after;
}

/* ---- random states ---- */

static uint32_t any_word(struct random *random) {
    static const uint32_t special[8] = {0,          1,          31,         0x7fffffff,
                                        0x80000000, 0xffffffff, 0x80008000, 32};
    uint64_t bits = random_next(random);
    return (bits >> 60) < 3 ? special[bits & 7] : (uint32_t)bits;
}

/* Values that a memory instruction can use as addresses are aligned, and far from the
 * code and from the top of memory. */
static uint32_t any_register(struct random *random, unsigned number, bool memory) {
    uint32_t value = any_word(random);
    if (memory) value = 0x20000000 + (value & 0x3ffffff8);
    return number == THUMB_SP ? value & ~3u : value;
}

static uint32_t any_flags(struct random *random) {
    return (uint32_t)random_next(random) & 0xf80f0000;
}

static bool touches_memory(const struct thumb_insn *insn) {
    return insn->loads || insn->stores;
}

static struct state any_state(struct machine *machine, const struct thumb_insn *insn) {
    struct state state = {0};
    static const uint32_t extremes[4] = {0x80008000, 0x7fff7fff, 0x80000000, 0x7fffffff};
    bool memory = touches_memory(insn);
    bool extreme = !memory && random_below(&machine->random, 8) == 0; /* for saturation */
    for (unsigned i = 0; i < CORE_REGISTERS; i++) {
        state.core[i] = any_register(&machine->random, i, memory);
        if (extreme && i != THUMB_SP) state.core[i] = extremes[random_below(&machine->random, 4)];
    }
    for (int i = 0; i < DOUBLES; i++)
        state.doubles[i] = random_next(&machine->random);
    state.apsr = any_flags(&machine->random);
    if (insn->flow == THUMB_FLOW_BRANCH_COND && insn->rn != THUMB_NO_REGISTER &&
        random_below(&machine->random, 2))
        state.core[insn->rn] = 0; /* CBZ, CBNZ */
    return state;
}

/* The decoder's flags as bits of APSR. */
static uint32_t apsr_mask(unsigned flags) {
    uint32_t mask = 0;
    mask |= flags & THUMB_FLAG_N ? 1u << 31 : 0;
    mask |= flags & THUMB_FLAG_Z ? 1u << 30 : 0;
    mask |= flags & THUMB_FLAG_C ? 1u << 29 : 0;
    mask |= flags & THUMB_FLAG_V ? 1u << 28 : 0;
    mask |= flags & THUMB_FLAG_Q ? 1u << 27 : 0;
    mask |= flags & THUMB_FLAG_GE ? 0xfu << 16 : 0;
    return mask;
}

/* ---- checks ---- */

static void complain(struct machine *machine, const struct experiment *experiment, const char *what,
                     unsigned which) {
    const struct thumb_insn *insn = &experiment->insn;
    if (machine->differences++ < 100)
        printf("%0*x at %x%s: %s %u (reads %04x writes %04x flags %02x -> %02x flow %u)\n",
               insn->size_bytes * 2, insn->bits, experiment->address, insn->in_it ? " in IT" : "",
               what, which, insn->reads, insn->writes, insn->flags_read, insn->flags_written,
               insn->flow);
}

static void check_unwritten(struct machine *machine, const struct experiment *experiment,
                            const struct state *before, const struct state *after) {
    const struct thumb_insn *insn = &experiment->insn;
    for (unsigned r = 0; r < CORE_REGISTERS; r++)
        if (!(insn->writes >> r & 1) && before->core[r] != after->core[r])
            complain(machine, experiment, "writes register", r);
    uint32_t kept = ~apsr_mask(insn->flags_written);
    if ((before->apsr ^ after->apsr) & kept)
        complain(machine, experiment, "writes flags", (before->apsr ^ after->apsr) >> 16);
}

static void check_place(struct machine *machine, const struct experiment *experiment,
                        const struct state *after) {
    const struct thumb_insn *insn = &experiment->insn;
    uint32_t next = experiment->address + insn->size_bytes;
    switch (insn->flow) {
    case THUMB_FLOW_NEXT:
        if (after->pc != next)
            complain(machine, experiment, "does not fall through but to", after->pc);
        break;
    case THUMB_FLOW_BRANCH:
    case THUMB_FLOW_CALL:
        if (after->pc != insn->target)
            complain(machine, experiment, "goes to another place:", after->pc);
        break;
    case THUMB_FLOW_BRANCH_COND:
        if (after->pc != insn->target && after->pc != next)
            complain(machine, experiment, "goes to another place:", after->pc);
        break;
    default:
        break;
    }
    bool executed = !insn->in_it;
    if (insn->reference == THUMB_REFERENCE_ADR && executed && after->core[insn->rd] != insn->target)
        complain(machine, experiment, "yields another address:", after->core[insn->rd]);
    /* Unaligned loads are seen as the aligned ones that the emulator makes of them. */
    bool literal = insn->reference == THUMB_REFERENCE_LITERAL;
    if (literal && after->loaded && insn->target - after->first_load > 3)
        complain(machine, experiment, "reads another place:", after->first_load);
    if (literal && !insn->loads && after->loaded)
        complain(machine, experiment, "reads memory:", after->first_load);
    if (literal && insn->loads && executed && !after->loaded)
        complain(machine, experiment, "reads no memory", 0);
    if (insn->reference == THUMB_REFERENCE_TABLE && after->loaded) {
        uint32_t index = after->core[insn->rm] << (insn->op == THUMB_TBH);
        if (insn->target + index != after->first_load)
            complain(machine, experiment, "reads another table:", after->first_load);
    }
}

static bool same_effects(const struct state *a, const struct state *b) {
    return a->traffic == b->traffic && a->pc == b->pc && a->error == b->error &&
           a->fpscr == b->fpscr && memcmp(a->doubles, b->doubles, sizeof a->doubles) == 0 &&
           memcmp(a->system, b->system, sizeof a->system) == 0;
}

/* The state with other values wherever the decoder says that they are not read. In an IT
 * block a register that is written may also be kept, so it stays as it is. */
static struct state perturbed(struct machine *machine, const struct thumb_insn *insn,
                              const struct state *before) {
    struct state other = *before;
    for (unsigned r = 0; r < CORE_REGISTERS; r++) {
        bool kept = insn->in_it && (insn->writes >> r & 1);
        if (!(insn->reads >> r & 1) && !kept)
            other.core[r] = any_register(&machine->random, r, touches_memory(insn));
    }
    uint32_t fixed = apsr_mask(insn->flags_read);
    if (insn->in_it) fixed |= apsr_mask(insn->flags_written);
    other.apsr = (before->apsr & fixed) | (any_flags(&machine->random) & ~fixed);
    return other;
}

static void check_unread(struct machine *machine, const struct experiment *experiment,
                         const struct state *before, const struct state *after) {
    const struct thumb_insn *insn = &experiment->insn;
    struct state other = perturbed(machine, insn, before);
    struct state result = execute(machine, experiment, &other);
    if (!same_effects(after, &result))
        complain(machine, experiment, "reads something: other effects, error", result.error);
    for (unsigned r = 0; r < CORE_REGISTERS; r++) {
        uint32_t expected = insn->writes >> r & 1 ? after->core[r] : other.core[r];
        if (result.core[r] != expected)
            complain(machine, experiment, "reads something: other result in register", r);
    }
    uint32_t written = apsr_mask(insn->flags_written);
    uint32_t expected = (after->apsr & written) | (other.apsr & ~written);
    if (result.apsr != expected)
        complain(machine, experiment, "reads something: other flags",
                 (result.apsr ^ expected) >> 16);
}

/* ---- what has been seen to matter ---- */

/* Roles of register `r` in the instruction, out of `roles`. */
static uint16_t roles_of(const struct thumb_insn *insn, unsigned r, unsigned roles) {
    uint16_t found = 0;
    found |= insn->rd == r ? roles & (R_D | W_D) : 0;
    found |= insn->rn == r ? roles & (R_N | W_N) : 0;
    found |= insn->rm == r ? roles & R_M : 0;
    found |= insn->ra == r ? roles & (R_A | W_A) : 0;
    return found;
}

static bool one_bit(uint16_t bits) {
    return bits != 0 && (bits & (bits - 1)) == 0;
}

static bool same_result(const struct thumb_insn *insn, const struct state *a, const struct state *b,
                        unsigned changed) {
    for (unsigned r = 0; r < CORE_REGISTERS; r++)
        if ((r != changed || (insn->writes >> r & 1)) && a->core[r] != b->core[r]) return false;
    return same_effects(a, b);
}

static void witness_reads(struct machine *machine, const struct experiment *experiment,
                          struct row_use *use, const struct state *before,
                          const struct state *after) {
    const struct thumb_insn *insn = &experiment->insn;
    for (unsigned r = 0; r < CORE_REGISTERS; r++) {
        uint16_t role = roles_of(insn, r, experiment->row->roles & (R_D | R_N | R_M | R_A));
        if (!one_bit(role) || (use->roles & role)) continue;
        struct state other = *before;
        other.core[r] = any_register(&machine->random, r, touches_memory(insn));
        struct state result = execute(machine, experiment, &other);
        if (!same_result(insn, after, &result, r) || result.apsr != after->apsr) use->roles |= role;
    }
    for (unsigned flag = 1; flag <= THUMB_FLAG_GE; flag <<= 1) {
        if (!(insn->flags_read & flag) || (use->flags_read & flag)) continue;
        struct state other = *before;
        other.apsr ^= apsr_mask(flag);
        struct state result = execute(machine, experiment, &other);
        uint32_t looked_at = ~apsr_mask(flag) | apsr_mask(insn->flags_written);
        if (!same_result(insn, after, &result, CORE_REGISTERS) ||
            ((result.apsr ^ after->apsr) & looked_at))
            use->flags_read |= (uint8_t)flag;
    }
}

static void witness_writes(const struct experiment *experiment, struct row_use *use,
                           const struct state *before, const struct state *after) {
    const struct thumb_insn *insn = &experiment->insn;
    uint32_t next = experiment->address + insn->size_bytes;
    for (unsigned r = 0; r < CORE_REGISTERS; r++) {
        if (before->core[r] == after->core[r]) continue;
        uint16_t role = roles_of(insn, r, experiment->row->roles & (W_D | W_A));
        if (insn->writeback && insn->rn == r && !(insn->list >> r & 1)) role |= W_N;
        if (r == THUMB_LR && (experiment->row->roles & LINKS)) role |= LINKS;
        if (one_bit(role)) use->roles |= role;
    }
    for (unsigned flag = 1; flag <= THUMB_FLAG_GE; flag <<= 1)
        if ((insn->flags_written & flag) && ((before->apsr ^ after->apsr) & apsr_mask(flag)))
            use->flags_written |= (uint8_t)flag;
    *(after->pc == next ? &use->not_taken : &use->taken) = true;
}

/* ---- experiments ---- */

/* STREX does nothing unless a load has claimed its address: the same registers' LDREX,
 * LDREXB or LDREXH, into a register that the store does not use. */
static uint32_t exclusive_before(const struct thumb_insn *insn) {
    unsigned into = 0;
    while (into == insn->rd || into == insn->rn || into == insn->ra)
        into++;
    if ((insn->bits & 0xfff00000) == 0xe8400000)
        return 0xe8500f00 | (uint32_t)insn->rn << 16 | into << 12 | insn->imm >> 2;
    if ((insn->bits & 0xfff00fe0) == 0xe8c00f40)
        return 0xe8d00f4f | (uint32_t)insn->rn << 16 | into << 12 | (insn->bits & 0x10);
    return 0;
}

/* Loses the lowest entry of one list of the decoder. */
static void falsify(struct thumb_insn *insn, unsigned long sabotage) {
    switch (sabotage) {
    case 1:
        insn->reads &= (uint16_t)(insn->reads - 1);
        break;
    case 2:
        insn->writes &= (uint16_t)(insn->writes - 1);
        break;
    case 3:
        insn->flags_read &= (uint8_t)(insn->flags_read - 1);
        break;
    case 4:
        insn->flags_written &= (uint8_t)(insn->flags_written - 1);
        break;
    default:
        insn->target ^= 4;
    }
}

/* A fresh processor when the code is full: the engine does not survive many more
 * invalidations. A branch that was tried earlier may have led here, so what was translated
 * then is dropped. */
static uint32_t next_slot(struct machine *machine) {
    if (machine->slot == CODE_PAGE + CODE_SIZE) {
        close_machine(machine);
        open_machine(machine);
    }
    uint32_t slot = machine->slot;
    machine->slot += SLOT_SIZE;
    return slot;
}

static bool prepare(struct machine *machine, uint32_t bits, bool wide, bool in_it,
                    struct experiment *experiment) {
    uint32_t odd = (random_next(&machine->random) >> 40 & 1) * 2;
    uint8_t bytes[4];
    encodings_bytes(bits, wide, bytes);
    uint32_t slot = next_slot(machine);
    experiment->start = slot + odd;
    experiment->address = experiment->start + (in_it ? 2 : 0);
    experiment->row = thumb_find_row(bits, wide);
    if (!thumb_decode(bytes, 4, experiment->address, &experiment->insn)) abort();
    if (machine->sabotage && random_below(&machine->random, 4) == 0)
        falsify(&experiment->insn, machine->sabotage);
    experiment->exclusive = exclusive_before(&experiment->insn);
    uint32_t it = 0xbf08 | random_below(&machine->random, 15) << 4;
    if (in_it) {
        thumb_apply_it(&experiment->insn, thumb_it_start(it & 0xff));
        put_code(machine, experiment->start, it, 2);
    }
    put_code(machine, experiment->address, bits, wide ? 4 : 2);
    put_code(machine, experiment->address + (wide ? 4 : 2), 0xbf00, 2);
    if (experiment->exclusive)
        put_code(machine, slot + EXCLUSIVE_IN_SLOT, experiment->exclusive, 4);
    must(uc_ctl_remove_cache(machine->engine, slot, slot + SLOT_SIZE), "cache");
    return !experiment->insn.unpredictable;
}

/* Not to be seen by executing alone: exceptions; IT, which is tried with what follows it. */
static bool is_left_out(const struct machine *machine, const struct thumb_row *row) {
    if (!row) return machine->cpu == CPU_MAX;
    bool raises = row->op == THUMB_SVC || row->op == THUMB_BKPT || row->op == THUMB_UDF;
    bool wrong_cpu = machine->cpu == CPU_MAX  ? row->architecture != THUMB_ARCHITECTURE_FPV5_DOUBLE
                     : machine->cpu == CPU_M7 ? row->architecture == THUMB_ARCHITECTURE_FPV5_DOUBLE
                                              : row->architecture >= THUMB_ARCHITECTURE_FPV5;
    return raises || wrong_cpu || row->op == THUMB_IT || (row->roles & HINT) ||
           row->architecture == THUMB_ARCHITECTURE_COPRO;
}

/* Control went where nothing is mapped, or left Thumb state: the instruction itself was
 * executed. */
static bool only_the_target_faults(const struct experiment *experiment, const struct state *after) {
    return after->error != UC_ERR_OK && experiment->insn.flow != THUMB_FLOW_NEXT &&
           after->pc != experiment->address;
}

static bool existence_is_explained(const struct thumb_insn *insn) {
    for (size_t i = 0; i < sizeof existence_exceptions / sizeof existence_exceptions[0]; i++) {
        const struct existence_exception *e = &existence_exceptions[i];
        if (e->size_bytes == insn->size_bytes && ((insn->bits ^ e->value) & e->mask) == 0)
            return true;
    }
    return false;
}

static void run_one(struct machine *machine, const struct experiment *experiment) {
    const struct thumb_insn *insn = &experiment->insn;
    struct state before = any_state(machine, insn);
    struct state after = execute(machine, experiment, &before);
    machine->executed++;
    if (insn->op == THUMB_UNDEFINED) {
        machine->refused++;
        if (after.error != UC_ERR_INSN_INVALID && after.error != UC_ERR_EXCEPTION &&
            !existence_is_explained(insn))
            complain(machine, experiment, "is no instruction, yet executes: error", after.error);
        return;
    }
    if (after.error == UC_ERR_INSN_INVALID && !only_the_target_faults(experiment, &after)) {
        if (!existence_is_explained(insn)) complain(machine, experiment, "does not exist", 0);
        return;
    }
    if (after.error != UC_ERR_OK && !only_the_target_faults(experiment, &after)) {
        machine->faulted++;
        return;
    }
    machine->in_it += insn->in_it;
    check_unwritten(machine, experiment, &before, &after);
    check_place(machine, experiment, &after);
    check_unread(machine, experiment, &before, &after);
    if (!insn->in_it) {
        struct row_use *use = &machine->uses[encodings_index(&machine->encodings, experiment->row)];
        use->executed++;
        witness_writes(experiment, use, &before, &after);
        witness_reads(machine, experiment, use, &before, &after);
    }
}

/* One encoding of the row, in an IT block or not; false when it is not for execution. */
static bool try_bits(struct machine *machine, uint32_t bits, bool wide, bool in_it) {
    struct experiment experiment;
    if (is_left_out(machine, thumb_find_row(bits, wide)) ||
        !prepare(machine, bits, wide, in_it, &experiment))
        return false;
    if (in_it && experiment.insn.flow != THUMB_FLOW_NEXT) return false;
    run_one(machine, &experiment);
    return true;
}

/* Row after row; one in eight is any wide encoding. */
static void run_sample(struct machine *machine, uint64_t count) {
    for (size_t next = 0; machine->executed < count; next++) {
        uint64_t choice = random_next(&machine->random);
        const struct thumb_row *row = machine->encodings.rows[next % machine->encodings.count];
        uint32_t any = (uint32_t)(choice >> 32);
        if (choice % 8 == 0 && any >> 16 >= 0xe800) try_bits(machine, any, true, false);
        else
            try_bits(machine, encodings_draw(row, &machine->random), encodings_is_wide(row),
                     (choice >> 8) % 4 == 0);
    }
}

static bool role_is_explained(const struct unseen *unseen) {
    for (size_t i = 0; i < sizeof unseen_exceptions / sizeof unseen_exceptions[0]; i++) {
        const struct unseen *e = &unseen_exceptions[i];
        if (e->value == unseen->value && e->roles == unseen->roles &&
            e->flags_read == unseen->flags_read && e->flags_written == unseen->flags_written)
            return true;
    }
    return false;
}

/* Whether all that the row lists has been seen to matter; what has not, in *unseen. */
static bool row_is_seen(const struct machine *machine, size_t i, struct unseen *unseen) {
    const struct row_use *use = &machine->uses[i];
    const struct thumb_row *row = machine->encodings.rows[i];
    unsigned roles = row->roles & (R_D | W_D | R_N | R_M | R_A | W_A | LINKS);
    *unseen = (struct unseen){row->value, (uint16_t)(roles & ~use->roles),
                              (uint8_t)(row->flags_read & ~use->flags_read),
                              (uint8_t)(row->flags_written & ~use->flags_written), NULL};
    bool one_way = row->flow == THUMB_FLOW_BRANCH_COND && !(use->taken && use->not_taken);
    bool complete = !unseen->roles && !unseen->flags_read && !unseen->flags_written;
    return use->executed && !one_way && (complete || role_is_explained(unseen));
}

/* Rows whose lists are larger than what was seen get more tries: saturation is rare. */
static void check_rows(struct machine *machine) {
    enum { MORE_TRIES = 3000 };
    for (size_t i = 0; i < machine->encodings.count; i++) {
        struct unseen unseen;
        const struct thumb_row *row = machine->encodings.rows[i];
        if (is_left_out(machine, row)) continue;
        for (int k = 0; k < MORE_TRIES && !row_is_seen(machine, i, &unseen); k++)
            try_bits(machine, encodings_draw(row, &machine->random), encodings_is_wide(row), false);
        if (row_is_seen(machine, i, &unseen)) continue;
        machine->differences++;
        printf("row %08x: executed %llu times, unseen roles %03x, flags read %02x, written %02x\n",
               row->value, (unsigned long long)machine->uses[i].executed, unseen.roles,
               unseen.flags_read, unseen.flags_written);
    }
}

static const char usage[] = "usage: %s [--cpu m4|m7|max] [--count N] [--seed S] [--sabotage 1-5]\n";

int main(int argc, char **argv) {
    static struct machine machine = {.cpu = CPU_M7, .random = {1}};
    uint64_t count = 30000;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--cpu"))
            machine.cpu = !strcmp(argv[i + 1], "m4")    ? CPU_M4
                          : !strcmp(argv[i + 1], "max") ? CPU_MAX
                                                        : CPU_M7;
        else if (!strcmp(argv[i], "--count")) count = strtoull(argv[i + 1], NULL, 0);
        else if (!strcmp(argv[i], "--seed")) machine.random.state = strtoull(argv[i + 1], NULL, 0);
        else if (!strcmp(argv[i], "--sabotage")) machine.sabotage = strtoul(argv[i + 1], NULL, 0);
        else return fprintf(stderr, usage, argv[0]), 2;
    }
    uint64_t seed = machine.random.state;
    open_machine(&machine);
    encodings_collect(&machine.encodings);
    run_sample(&machine, count);
    check_rows(&machine);
    close_machine(&machine);
    printf("seed %llu: %llu instructions, %llu in IT blocks, %llu refused as they should, "
           "%llu faulted, %zu rows, %llu differences\n",
           (unsigned long long)seed, (unsigned long long)machine.executed,
           (unsigned long long)machine.in_it, (unsigned long long)machine.refused,
           (unsigned long long)machine.faulted, machine.encodings.count,
           (unsigned long long)machine.differences);
    return machine.sabotage ? machine.differences == 0 : machine.differences != 0;
}
