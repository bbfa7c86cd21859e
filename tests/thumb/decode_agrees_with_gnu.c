/* The decoder agrees with the GNU disassembler on every instruction: its length, whether it
 * exists, where control goes, which place it refers to; and, for the operations that the
 * passes know by name, on operation, registers, register list and immediate.
 *
 *     decode_agrees_with_gnu --count N --seed S    all narrow and N seeded wide encodings
 *     decode_agrees_with_gnu --all --seed S        all narrow, 50 million wide: every first
 *                                                  half-word with every upper 12 bits of
 *                                                  the second, two lower nibbles each
 *
 *     ... --sabotage 1 to 7                        falsifies one field of one answer in 1,000,
 *                                                  and succeeds only if that is noticed
 *
 * The GNU disassembler knows more architectures than ARMv7E-M and is not always right.
 * Every difference is in the table below, with the encodings it holds for, what GNU prints
 * there, which side is right and why; any other ends the test.
 */
#include "firmware/arch/thumb/thumb.h"
#include "tests/thumb/gnu.h"
#include "tests/thumb/gnu_explanations.h"
#include "tests/thumb/random.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#ifndef DIFFERENCES_SHOWN
#define DIFFERENCES_SHOWN 100
#endif

enum { BASE_ADDRESS = 0x10000000, CHUNK_INSTRUCTIONS = 1 << 20 };

static const char *const difference_names[DIFFERENCES] = {
    "same",   "length", "only GNU", "only decoder", "unpredictable", "flow",
    "target", "op",     "regs",     "reg. list",    "immediate",     "pc use"};

static uint64_t explained[sizeof explanations / sizeof explanations[0]];
static uint64_t compared, unexplained;
static unsigned long sabotage; /* which field of the decoder's answers to falsify */

static bool contains(const char *text, const char *part) {
    return strstr(text, part) != NULL;
}

static bool gnu_is_undefined(const struct gnu_line *line) {
    return line->mnemonic[0] == '\0' || contains(line->operands, "undefined") ||
           contains(line->mnemonic, "??") || contains(line->mnemonic, "undefined");
}

/* The mnemonic without its width suffix. */
static void base_mnemonic(const struct gnu_line *line, char *out, size_t size) {
    snprintf(out, size, "%s", line->mnemonic);
    size_t length = strlen(out);
    if (length > 2 && (!strcmp(out + length - 2, ".n") || !strcmp(out + length - 2, ".w")))
        out[length - 2] = '\0';
}

static bool is_condition(const char *text) {
    static const char conditions[] = "eq ne cs cc mi pl vs vc hi ls ge lt gt le";
    return strlen(text) == 2 && contains(conditions, text);
}

/* Core registers in the operands, in order; those in braces go to *list instead. */
struct operands {
    uint8_t registers[8];
    size_t count;
    uint16_t list;
    bool has_list;
    bool has_immediate;
    int64_t immediate;
};

/* "{r0, r4-r7}": takes the list up to the closing brace. */
static const char *read_list(const char *text, struct operands *out) {
    unsigned first = 16;
    out->has_list = true;
    for (; *text && *text != '}'; text++) {
        if (*text != 'r') continue;
        unsigned number = (unsigned)strtoul(text + 1, NULL, 10) & 15;
        bool range = text[-1] == '-' && first < 16;
        for (unsigned r = range ? first : number; r <= number; r++)
            out->list |= (uint16_t)(1u << r);
        first = number;
    }
    return text;
}

/* The core register that a word names: "r0" to "r15", and "sp" and "pc" in the narrow forms
 * that can mean no other; THUMB_NO_REGISTER for anything else. */
static uint8_t register_at(const char *at) {
    if (at[0] == 's' && at[1] == 'p') return THUMB_SP;
    if (at[0] == 'p' && at[1] == 'c') return THUMB_PC;
    if (at[0] == 'r' && at[1] >= '0' && at[1] <= '9')
        return (uint8_t)(strtoul(at + 1, NULL, 10) & 15);
    return THUMB_NO_REGISTER;
}

static bool starts_word(const char *text, const char *at) {
    return at == text || at[-1] == ' ' || at[-1] == '[' || at[-1] == ',';
}

static struct operands read_operands(const char *text) {
    struct operands out = {0};
    for (const char *at = text; *at; at++) {
        if (*at == '{') {
            at = read_list(at + 1, &out);
            if (!*at) break;
        } else if (starts_word(text, at) && register_at(at) != THUMB_NO_REGISTER &&
                   out.count < sizeof out.registers) {
            out.registers[out.count++] = register_at(at);
        } else if (*at == '#' && !out.has_immediate) {
            out.has_immediate = true;
            out.immediate = strtoll(at + 1, NULL, 0);
        }
    }
    return out;
}

static bool first_is_destination(const char *mnemonic) {
    static const char *const sources[] = {"str*", "stm*", "stc*", "cmp*", "cmn*",  "tst*",
                                          "teq*", "bx*",  "blx*", "cbz*", "cbnz*", "tb[bh]",
                                          "pld*", "pli*", "msr*", "mcr*", "push*", "v*"};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        if (fnmatch(sources[i], mnemonic, 0) == 0) return false;
    return true;
}

static enum thumb_flow gnu_flow(const char *mnemonic, const struct gnu_line *line,
                                const struct operands *operands) {
    if (!strcmp(mnemonic, "b")) return THUMB_FLOW_BRANCH;
    if (mnemonic[0] == 'b' && is_condition(mnemonic + 1)) return THUMB_FLOW_BRANCH_COND;
    if (!strcmp(mnemonic, "bl")) return THUMB_FLOW_CALL;
    if (!strcmp(mnemonic, "blx"))
        return operands->count ? THUMB_FLOW_CALL_INDIRECT : THUMB_FLOW_CALL;
    if (!strcmp(mnemonic, "bx")) return THUMB_FLOW_JUMP_INDIRECT;
    if (!strcmp(mnemonic, "cbz") || !strcmp(mnemonic, "cbnz")) return THUMB_FLOW_BRANCH_COND;
    if (!strcmp(mnemonic, "tbb") || !strcmp(mnemonic, "tbh")) return THUMB_FLOW_TABLE;
    if (!strcmp(mnemonic, "udf")) return THUMB_FLOW_TRAP;
    bool loads_list = !strncmp(mnemonic, "ldm", 3) || !strcmp(mnemonic, "pop");
    bool starts_with_pc = register_at(line->operands) == THUMB_PC && !loads_list;
    if (loads_list && (operands->list >> THUMB_PC & 1)) return THUMB_FLOW_JUMP_INDIRECT;
    if (starts_with_pc && first_is_destination(mnemonic)) return THUMB_FLOW_JUMP_INDIRECT;
    return THUMB_FLOW_NEXT;
}

/* The place that GNU names: a branch's operand, a literal's comment, and for the wide ADR,
 * which it prints as an addition, the sum. False when it names none. */
static bool gnu_target(const char *mnemonic, const struct gnu_line *line,
                       const struct operands *operands, uint32_t *target) {
    bool branch = mnemonic[0] == 'b' && contains(line->operands, "0x") && strcmp(mnemonic, "bkpt");
    if (branch || !strncmp(mnemonic, "cb", 2)) {
        *target = (uint32_t)strtoul(strstr(line->operands, "0x"), NULL, 16);
        return true;
    }
    uint32_t pc = (line->address + 4) & ~3u;
    if (!strcmp(mnemonic, "addw") || !strcmp(mnemonic, "subw")) {
        uint32_t offset = (uint32_t)operands->immediate;
        if (operands->count != 2 || operands->registers[1] != THUMB_PC) return false;
        *target = mnemonic[0] == 'a' ? pc + offset : pc - offset;
        return true;
    }
    if (!strncmp(mnemonic, "tb", 2)) {
        if (operands->registers[0] != THUMB_PC) return false;
        *target = line->address + 4;
        return true;
    }
    const char *place = strstr(line->comment, "0x");
    bool relative = contains(line->operands, "[r15") || contains(line->operands, "[pc") ||
                    contains(line->comment, "(adr");
    if (!relative || !place) return false;
    *target = (uint32_t)strtoul(place, NULL, 16);
    return true;
}

/* What GNU calls the operations that passes ask about. */
static const struct {
    enum thumb_op op;
    const char *mnemonics; /* between spaces */
} op_mnemonics[] = {
    {THUMB_B, " b "},
    {THUMB_BL, " bl "},
    {THUMB_BLX_REGISTER, " blx "},
    {THUMB_BX, " bx "},
    {THUMB_CBZ, " cbz "},
    {THUMB_CBNZ, " cbnz "},
    {THUMB_TBB, " tbb "},
    {THUMB_TBH, " tbh "},
    {THUMB_IT, " it itt ite ittt itte itet itee itttt ittte ittet ittee itett itete iteet iteee "},
    {THUMB_PUSH, " push stmdb str "},
    {THUMB_POP, " pop ldmia ldr "},
    {THUMB_STM, " stmia stmdb "},
    {THUMB_LDM, " ldmia ldmdb "},
    {THUMB_LDR, " ldr "},
    {THUMB_STR, " str "},
    {THUMB_LOAD, " ldrb ldrh ldrsb ldrsh ldrbt ldrht ldrsbt ldrsht ldrt ldrd ldrex ldrexb ldrexh "},
    {THUMB_STORE, " strb strh strbt strht strt strd strex strexb strexh "},
    {THUMB_ADR, " add addw subw "},
    {THUMB_MOV_REGISTER, " mov movs nop "},
    {THUMB_MOV_IMMEDIATE, " mov movs movw "},
    {THUMB_MOVT, " movt "},
    {THUMB_MVN_IMMEDIATE, " mvn mvns "},
    {THUMB_ADD_IMMEDIATE, " add adds addw "},
    {THUMB_SUB_IMMEDIATE, " sub subs subw "},
    {THUMB_ADD_REGISTER, " add adds "},
    {THUMB_SUB_REGISTER, " sub subs "},
    {THUMB_CMP_IMMEDIATE, " cmp "},
    {THUMB_MRS, " mrs "},
    {THUMB_MSR, " msr "},
    {THUMB_CPS, " cpsie cpsid "},
    {THUMB_SVC, " svc "},
    {THUMB_BKPT, " bkpt "},
    {THUMB_UDF, " udf "},
    {THUMB_NOP, " nop "},
};

/* Mnemonics that the decoder must name in all their forms. (Register comparisons, shifts
 * written as MOV, and the like are no operation of their own.) */
static const char always_named[] =
    " b bl blx bx cbz cbnz tbb tbh push pop stmia stmdb ldmia ldmdb ldr str ldrb ldrh ldrsb ldrsh "
    "ldrd strd strb strh movw movt addw subw mrs msr cpsie cpsid svc bkpt udf ";

static bool operation_agrees(const struct thumb_insn *insn, const char *mnemonic) {
    char word[64];
    snprintf(word, sizeof word, " %s ", mnemonic);
    if (insn->op == THUMB_OTHER) return !contains(always_named, word);
    if (insn->op == THUMB_B_COND) return mnemonic[0] == 'b' && is_condition(mnemonic + 1);
    for (size_t i = 0; i < sizeof op_mnemonics / sizeof op_mnemonics[0]; i++)
        if (op_mnemonics[i].op == insn->op) return contains(op_mnemonics[i].mnemonics, word);
    return false;
}

static bool has_register_order(unsigned op) {
    switch (op) {
    case THUMB_CBZ:
    case THUMB_CBNZ:
    case THUMB_BX:
    case THUMB_BLX_REGISTER:
    case THUMB_TBB:
    case THUMB_TBH:
    case THUMB_LDR:
    case THUMB_STR:
    case THUMB_LOAD:
    case THUMB_STORE:
    case THUMB_MOV_REGISTER:
    case THUMB_MOV_IMMEDIATE:
    case THUMB_MOVT:
    case THUMB_MVN_IMMEDIATE:
    case THUMB_ADD_IMMEDIATE:
    case THUMB_SUB_IMMEDIATE:
    case THUMB_ADD_REGISTER:
    case THUMB_SUB_REGISTER:
    case THUMB_CMP_IMMEDIATE:
    case THUMB_MRS:
    case THUMB_MSR:
        return true;
    default:
        return false;
    }
}

static bool same_sequence(const struct operands *operands, const uint8_t *expected, size_t count) {
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (expected[i] == THUMB_NO_REGISTER) continue;
        if (used >= operands->count || operands->registers[used++] != expected[i]) return false;
    }
    return used == operands->count;
}

/* rd, rn, rm in the order of assembly; STREX writes its status first; LDRD and STRD have a
 * second register; two-operand forms print rd = rn once. */
static bool registers_agree(const struct thumb_insn *insn, const struct operands *operands) {
    if (!has_register_order(insn->op)) return true;
    bool status_first = insn->op == THUMB_STORE && !insn->writeback &&
                        insn->ra != THUMB_NO_REGISTER && (insn->writes >> insn->ra & 1);
    uint8_t order[4] = {insn->rd, insn->ra, insn->rn, insn->rm};
    if (status_first) {
        order[0] = insn->ra;
        order[1] = insn->rd;
    }
    if (same_sequence(operands, order, 4)) return true;
    order[2] = THUMB_NO_REGISTER;
    return insn->rd == insn->rn && same_sequence(operands, order, 4);
}

static bool immediate_agrees(const struct thumb_insn *insn, const struct operands *operands) {
    int64_t expected = insn->imm;
    switch (insn->op) {
    case THUMB_LDR:
    case THUMB_STR:
    case THUMB_LOAD:
    case THUMB_STORE:
        if (insn->rm != THUMB_NO_REGISTER)
            return (operands->has_immediate ? operands->immediate : 0) == insn->shift;
        expected = insn->subtract ? -expected : expected;
        return operands->has_immediate ? operands->immediate == expected : expected == 0;
    case THUMB_MOV_IMMEDIATE:
    case THUMB_MOVT:
    case THUMB_MVN_IMMEDIATE:
    case THUMB_ADD_IMMEDIATE:
    case THUMB_SUB_IMMEDIATE:
    case THUMB_CMP_IMMEDIATE:
    case THUMB_ADR:
        return operands->has_immediate && (uint32_t)operands->immediate == insn->imm;
    case THUMB_ADD_REGISTER:
    case THUMB_SUB_REGISTER:
        return insn->shift == 255 ||
               (operands->has_immediate ? operands->immediate : 0) == insn->shift;
    default:
        return true;
    }
}

static bool list_agrees(const struct thumb_insn *insn, const struct operands *operands) {
    switch (insn->op) {
    case THUMB_PUSH:
    case THUMB_POP:
        if (!operands->has_list) /* STR and LDR of one register */
            return insn->list == 1u << operands->registers[0];
        return insn->list == operands->list;
    case THUMB_STM:
    case THUMB_LDM:
        return insn->list == operands->list && operands->count == 1 &&
               insn->rn == operands->registers[0];
    default:
        return true;
    }
}

/* pc as a base or source is a reference, as a destination a jump. */
static bool pc_use_agrees(const struct thumb_insn *insn, const struct operands *operands) {
    bool gnu = (operands->list >> THUMB_PC & 1) != 0;
    for (size_t i = 0; i < operands->count; i++)
        gnu |= operands->registers[i] == THUMB_PC;
    bool own = (insn->writes >> THUMB_PC & 1) || insn->reference == THUMB_REFERENCE_PC_READ ||
               insn->reference == THUMB_REFERENCE_LITERAL ||
               insn->reference == THUMB_REFERENCE_ADR || insn->reference == THUMB_REFERENCE_TABLE;
    return gnu == own;
}

static enum difference compare_operands(const struct thumb_insn *insn, const char *mnemonic,
                                        const struct operands *operands) {
    if (!operation_agrees(insn, mnemonic)) return OPERATION;
    if (!list_agrees(insn, operands)) return LIST;
    if (!registers_agree(insn, operands)) return REGISTERS;
    if (!immediate_agrees(insn, operands)) return IMMEDIATE;
    return SAME;
}

static enum difference compare(const struct thumb_insn *insn, const struct gnu_line *line) {
    if (gnu_is_undefined(line) || insn->op == THUMB_UNDEFINED) {
        if (gnu_is_undefined(line) && insn->op == THUMB_UNDEFINED) return SAME;
        return gnu_is_undefined(line) ? ONLY_DECODER : ONLY_GNU;
    }
    if (contains(line->comment, "UNPREDICTABLE") && !insn->unpredictable) return UNPREDICTABLE;
    char mnemonic[64];
    base_mnemonic(line, mnemonic, sizeof mnemonic);
    struct operands operands = read_operands(line->operands);
    if (gnu_flow(mnemonic, line, &operands) != (enum thumb_flow)insn->flow) return FLOW;
    uint32_t target = 0;
    bool has_target = gnu_target(mnemonic, line, &operands, &target);
    if (has_target != (insn->reference != THUMB_REFERENCE_NONE &&
                       insn->reference != THUMB_REFERENCE_PC_READ) ||
        target != insn->target)
        return TARGET;
    if (!pc_use_agrees(insn, &operands)) return PC_USE;
    return compare_operands(insn, mnemonic, &operands);
}

/* What the table says of the difference; NULL when nothing. */
static const struct explanation *explain(const struct thumb_insn *insn, enum difference difference,
                                         const struct gnu_line *line) {
    for (size_t i = 0; i < sizeof explanations / sizeof explanations[0]; i++) {
        const struct explanation *e = &explanations[i];
        if (e->difference == difference && ((insn->bits ^ e->value) & e->mask) == 0 &&
            e->size_bytes == insn->size_bytes && (!e->only_unpredictable || insn->unpredictable) &&
            fnmatch(e->mnemonic, line->mnemonic, 0) == 0) {
            explained[i]++;
            return e;
        }
    }
    return NULL;
}

static void report(const struct thumb_insn *insn, enum difference difference,
                   const struct gnu_line *line) {
    if (unexplained++ >= DIFFERENCES_SHOWN) return;
    printf("%-13s %0*x  op %u flow %u unpredictable %u target %08x imm %x list %04x "
           "rd %u rn %u rm %u | %s %s @%s\n",
           difference_names[difference], insn->size_bytes * 2, insn->bits, insn->op, insn->flow,
           insn->unpredictable, insn->target, insn->imm, insn->list, insn->rd, insn->rn, insn->rm,
           line->mnemonic, line->operands, line->comment);
}

/* Code for one run of objdump, and which of its places are under test. */
struct batch {
    uint8_t *code;
    size_t size_bytes;
    uint32_t *offsets;
    size_t count;
};

static void put(struct batch *batch, uint32_t half_word) {
    batch->code[batch->size_bytes++] = (uint8_t)half_word;
    batch->code[batch->size_bytes++] = (uint8_t)(half_word >> 8);
}

/* GNU tracks IT blocks and, in code without symbols, looks back for one: no-ops follow
 * whatever looks like an IT instruction, so that it conditions none of those under test. */
static void add(struct batch *batch, uint32_t bits, bool wide) {
    batch->offsets[batch->count++] = (uint32_t)batch->size_bytes;
    if (wide) put(batch, bits >> 16);
    put(batch, bits & 0xffff);
    bool like_it = (bits & 0xff00) == 0xbf00 && (bits & 15) != 0;
    for (int i = 0; i < 5 && like_it; i++)
        put(batch, 0xbf00);
}

static void falsify(struct thumb_insn *insn) {
    switch (sabotage) {
    case 1:
        insn->size_bytes = (uint8_t)(6 - insn->size_bytes);
        break;
    case 2:
        insn->op = insn->op == THUMB_UNDEFINED ? THUMB_OTHER : THUMB_UNDEFINED;
        break;
    case 3:
        insn->flow = insn->flow == THUMB_FLOW_NEXT ? THUMB_FLOW_CALL : THUMB_FLOW_NEXT;
        break;
    case 4:
        insn->target ^= insn->reference == THUMB_REFERENCE_NONE ? 0 : 2;
        break;
    case 5:
        insn->list ^= 2;
        break;
    case 6:
        insn->imm ^= 4;
        break;
    default:
        insn->rd ^= 1;
    }
}

static void check_one(const struct batch *batch, size_t i, const struct gnu_line *line,
                      uint32_t gnu_end) {
    struct thumb_insn insn;
    uint32_t offset = batch->offsets[i];
    if (!thumb_decode(batch->code + offset, batch->size_bytes - offset, BASE_ADDRESS + offset,
                      &insn))
        abort();
    compared++;
    if (sabotage && compared % 1000 == 0) falsify(&insn);
    enum difference difference = compare(&insn, line);
    if (gnu_end - line->address != insn.size_bytes) difference = LENGTH;
    if (difference != SAME && !explain(&insn, difference, line)) report(&insn, difference, line);
}

/* Runs objdump over the batch and empties it. The end of an instruction is where the next
 * line begins, so a line is kept until its successor is there. */
static void check_batch(struct batch *batch) {
    struct gnu_listing listing, *kept = malloc(sizeof *kept);
    struct gnu_line line, held = {0};
    size_t next = 0;
    bool holding = false;
    put(batch, 0xbf00);
    gnu_open(&listing, batch->code, batch->size_bytes, BASE_ADDRESS);
    while (kept && gnu_next(&listing, &line)) {
        if (holding) check_one(batch, next++, &held, line.address);
        holding = next < batch->count && line.address == BASE_ADDRESS + batch->offsets[next];
        if (holding) {
            memcpy(kept->text, listing.text, sizeof kept->text);
            held = line;
            held.mnemonic = kept->text + (line.mnemonic - listing.text);
            held.operands = kept->text + (line.operands - listing.text);
            held.comment = kept->text + (line.comment - listing.text);
        }
    }
    gnu_close(&listing);
    free(kept);
    if (next != batch->count) {
        printf("objdump lost step at instruction %zu of %zu\n", next, batch->count);
        unexplained++;
    }
    batch->size_bytes = batch->count = 0;
}

static void add_wide(struct batch *batch, uint32_t first, uint32_t second) {
    add(batch, first << 16 | second, true);
    if (batch->count == CHUNK_INSTRUCTIONS) check_batch(batch);
}

static void check_narrow(struct batch *batch) {
    for (uint32_t bits = 0; bits < 0xe800; bits++)
        add(batch, bits, false);
    check_batch(batch);
}

static void check_sample(struct batch *batch, uint64_t count, struct random *random) {
    for (uint64_t i = 0; i < count; i++) {
        uint32_t first = 0xe800 + random_below(random, 0x10000 - 0xe800);
        add_wide(batch, first, random_below(random, 0x10000));
    }
    check_batch(batch);
}

/* Second half-words: all upper 12 bits, one random lower nibble and one of those that name
 * special registers. */
static void check_all(struct batch *batch, struct random *random) {
    static const uint8_t special[4] = {15, 13, 0, 14};
    for (uint32_t first = 0xe800; first <= 0xffff; first++) {
        for (uint32_t upper = 0; upper <= 0xfff; upper++) {
            uint32_t low = random_below(random, 16);
            uint32_t other = special[random_below(random, 4)];
            add_wide(batch, first, upper << 4 | low);
            add_wide(batch, first, upper << 4 | (other == low ? low ^ 1 : other));
        }
    }
    check_batch(batch);
}

static void print_explanations(void) {
    printf("explained differences:\n");
    for (size_t i = 0; i < sizeof explanations / sizeof explanations[0]; i++) {
        const struct explanation *e = &explanations[i];
        printf("%9llu  %08x/%08x %-13s %-14s %s\n", (unsigned long long)explained[i], e->value,
               e->mask, difference_names[e->difference], e->mnemonic, e->reason);
    }
}

int main(int argc, char **argv) {
    uint64_t count = 1000000, seed = 1;
    bool all = false;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--all")) all = true;
        else if (!strcmp(argv[i], "--count") && i + 1 < argc) count = strtoull(argv[++i], NULL, 0);
        else if (!strcmp(argv[i], "--seed") && i + 1 < argc) seed = strtoull(argv[++i], NULL, 0);
        else if (!strcmp(argv[i], "--sabotage") && i + 1 < argc)
            sabotage = strtoul(argv[++i], NULL, 0);
        else
            return fprintf(stderr, "usage: %s [--all | --count N] [--seed S] [--sabotage 1-7]\n",
                           argv[0]),
                   2;
    }
    struct batch batch = {.code = malloc((size_t)CHUNK_INSTRUCTIONS * 14 + 2),
                          .offsets = malloc((size_t)CHUNK_INSTRUCTIONS * 4)};
    struct random random = {seed};
    if (!batch.code || !batch.offsets) return 2;
    check_narrow(&batch);
    if (all) check_all(&batch, &random);
    else check_sample(&batch, count, &random);
    free(batch.code);
    free(batch.offsets);
    print_explanations();
    printf("seed %llu: %llu instructions compared, %llu differences without an explanation\n",
           (unsigned long long)seed, (unsigned long long)compared, (unsigned long long)unexplained);
    return sabotage ? unexplained == 0 : unexplained != 0;
}
