/* The decoder's core registers and flags agree with Capstone's access lists.
 *
 *     agrees_with_capstone [--count N] [--seed S] [--sabotage 1-4]
 *
 * Encodings are drawn row by row from the instruction table. Capstone 4.0.2 lists registers
 * per operand and the flags as one register without Q and GE, so flags are compared as "some
 * of N, Z, C, V".
 * It knows pc of a branch as read and written, the decoder does not; r15 is left to the
 * comparison with the GNU disassembler. Every other difference is in the table of
 * capstone_differences.h. --sabotage loses entries of the decoder's lists: the program
 * then succeeds only if that is noticed.
 */
#include "tests/thumb/capstone_differences.h"
#include "tests/thumb/encodings.h"

#include <capstone/capstone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CORE = 0x7fff };

struct comparison {
    csh capstone;
    struct encodings encodings;
    struct random random;
    unsigned long sabotage;
    uint64_t compared_of_row[sizeof((struct encodings *)0)->rows / sizeof(struct thumb_row *)];
    uint64_t explained[sizeof capstone_differences / sizeof capstone_differences[0]];
    uint64_t compared, unknown, differences;
};

struct access {
    uint16_t reads, writes;
    bool reads_flags, writes_flags;
};

static unsigned core_number(unsigned reg) {
    switch (reg) {
    case ARM_REG_SP:
        return 13;
    case ARM_REG_LR:
        return 14;
    case ARM_REG_PC:
        return 15;
    default:
        return reg >= ARM_REG_R0 && reg <= ARM_REG_R12 ? reg - ARM_REG_R0 : THUMB_NO_REGISTER;
    }
}

static uint16_t core_set(const uint16_t *registers, unsigned count, bool *flags) {
    uint16_t set = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned number = core_number(registers[i]);
        if (number != THUMB_NO_REGISTER) set |= (uint16_t)(1u << number);
        *flags |= registers[i] == ARM_REG_CPSR || registers[i] == ARM_REG_APSR ||
                  registers[i] == ARM_REG_APSR_NZCV;
    }
    return set & CORE;
}

/* False when Capstone does not know the instruction. */
static bool capstone_access(struct comparison *comparison, const uint8_t *bytes, size_t size,
                            struct access *out, char *text, size_t text_size) {
    cs_insn *insn;
    cs_regs reads, writes;
    uint8_t read_count, write_count;
    if (cs_disasm(comparison->capstone, bytes, size, 0x1000, 1, &insn) != 1) return false;
    bool known = insn->size == size && cs_regs_access(comparison->capstone, insn, reads,
                                                      &read_count, writes, &write_count) == 0;
    if (known) {
        const cs_arm *arm = &insn->detail->arm;
        memset(out, 0, sizeof *out);
        out->reads = core_set(reads, read_count, &out->reads_flags);
        out->writes = core_set(writes, write_count, &out->writes_flags);
        out->writes_flags |= arm->update_flags;
        out->reads_flags |= arm->cc != ARM_CC_AL && arm->cc != ARM_CC_INVALID;
        snprintf(text, text_size, "%s %s", insn->mnemonic, insn->op_str);
    }
    cs_free(insn, 1);
    return known;
}

static void falsify(struct thumb_insn *insn, unsigned long sabotage) {
    switch (sabotage) {
    case 1:
        insn->reads &= (uint16_t)(insn->reads - 1);
        break;
    case 2:
        insn->writes &= (uint16_t)(insn->writes - 1);
        break;
    case 3:
        insn->flags_read = 0;
        break;
    default:
        insn->flags_written = 0;
    }
}

static bool is_explained(struct comparison *comparison, const struct thumb_insn *insn,
                         enum access_kind kind, uint16_t extra, uint16_t missing) {
    for (size_t i = 0; i < sizeof capstone_differences / sizeof capstone_differences[0]; i++) {
        const struct capstone_difference *d = &capstone_differences[i];
        if (d->size_bytes != insn->size_bytes || ((insn->bits ^ d->value) & d->mask) != 0 ||
            d->kind != kind)
            continue;
        uint16_t named = 0;
        named |= d->registers & OF_RD && insn->rd < 16 ? (uint16_t)(1u << insn->rd) : 0;
        named |= d->registers & OF_RN && insn->rn < 16 ? (uint16_t)(1u << insn->rn) : 0;
        named |= d->registers & OF_RM && insn->rm < 16 ? (uint16_t)(1u << insn->rm) : 0;
        named |= d->registers & OF_RA && insn->ra < 16 ? (uint16_t)(1u << insn->ra) : 0;
        named |= d->registers & OF_LIST ? insn->list : 0;
        named |= d->registers & OF_SP ? 1u << THUMB_SP : 0;
        named |= d->registers & OF_LR ? 1u << THUMB_LR : 0;
        bool flags = kind == FLAGS_READ || kind == FLAGS_WRITTEN;
        if (!flags && ((extra | missing) & ~named)) continue;
        if (extra ? d->side == ONLY_CAPSTONE : d->side == ONLY_DECODER) {
            comparison->explained[i]++;
            return true;
        }
    }
    return false;
}

/* `own` and `other` as sets; both a surplus and a lack are looked up. */
static void compare_sets(struct comparison *comparison, const struct thumb_insn *insn,
                         enum access_kind kind, uint16_t own, uint16_t other, const char *text) {
    static const char *const names[] = {"reads", "writes", "reads flags", "writes flags"};
    uint16_t extra = (uint16_t)(other & ~own), missing = (uint16_t)(own & ~other);
    bool ok = (!extra || is_explained(comparison, insn, kind, extra, 0)) &&
              (!missing || is_explained(comparison, insn, kind, 0, missing));
    if (!ok && comparison->differences++ < DIFFERENCES_SHOWN)
        printf("%0*x %-12s only Capstone %04x, only decoder %04x | %s\n", insn->size_bytes * 2,
               insn->bits, names[kind], extra, missing, text);
}

static void compare_one(struct comparison *comparison, uint32_t bits, bool wide) {
    uint8_t bytes[4];
    struct thumb_insn insn;
    struct access access;
    char text[256] = "";
    encodings_bytes(bits, wide, bytes);
    if (!thumb_decode(bytes, 4, 0x1000, &insn)) abort();
    if (insn.unpredictable || insn.op == THUMB_UNDEFINED) return;
    if (!capstone_access(comparison, bytes, insn.size_bytes, &access, text, sizeof text)) {
        comparison->unknown++;
        return;
    }
    comparison->compared++;
    size_t row = encodings_index(&comparison->encodings, thumb_find_row(bits, wide));
    comparison->compared_of_row[row]++;
    if (comparison->sabotage && comparison->compared % 50 == 0)
        falsify(&insn, comparison->sabotage);
    compare_sets(comparison, &insn, READS, insn.reads & CORE, access.reads, text);
    compare_sets(comparison, &insn, WRITES, insn.writes & CORE, access.writes, text);
    compare_sets(comparison, &insn, FLAGS_READ, (insn.flags_read & THUMB_FLAGS_NZCV) != 0,
                 access.reads_flags, text);
    compare_sets(comparison, &insn, FLAGS_WRITTEN, (insn.flags_written & THUMB_FLAGS_NZCV) != 0,
                 access.writes_flags, text);
}

/* Each row must have been compared at least once. */
static void check_rows(struct comparison *comparison) {
    for (size_t i = 0; i < comparison->encodings.count; i++) {
        const struct thumb_row *row = comparison->encodings.rows[i];
        if (comparison->compared_of_row[i] || (row->roles & HINT)) continue;
        comparison->differences++;
        printf("row %08x: none of its encodings compared\n", row->value);
    }
}

static void print_explained(const struct comparison *comparison) {
    printf("explained differences:\n");
    for (size_t i = 0; i < sizeof capstone_differences / sizeof capstone_differences[0]; i++) {
        const struct capstone_difference *d = &capstone_differences[i];
        printf("%9llu  %08x/%08x %s\n", (unsigned long long)comparison->explained[i], d->value,
               d->mask, d->reason);
    }
}

int main(int argc, char **argv) {
    static struct comparison comparison = {.random = {1}};
    uint64_t count = 200000;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--count")) count = strtoull(argv[i + 1], NULL, 0);
        else if (!strcmp(argv[i], "--seed"))
            comparison.random.state = strtoull(argv[i + 1], NULL, 0);
        else if (!strcmp(argv[i], "--sabotage"))
            comparison.sabotage = strtoul(argv[i + 1], NULL, 0);
    }
    uint64_t seed = comparison.random.state;
    if (cs_open(CS_ARCH_ARM, CS_MODE_THUMB | CS_MODE_MCLASS, &comparison.capstone) ||
        cs_option(comparison.capstone, CS_OPT_DETAIL, CS_OPT_ON))
        return 2;
    encodings_collect(&comparison.encodings);
    for (uint64_t i = 0; i < count; i++) {
        const struct thumb_row *row = comparison.encodings.rows[i % comparison.encodings.count];
        compare_one(&comparison, encodings_draw(row, &comparison.random), encodings_is_wide(row));
    }
    check_rows(&comparison);
    cs_close(&comparison.capstone);
    print_explained(&comparison);
    printf("seed %llu: %llu instructions compared, %llu unknown to Capstone, %llu differences\n",
           (unsigned long long)seed, (unsigned long long)comparison.compared,
           (unsigned long long)comparison.unknown, (unsigned long long)comparison.differences);
    return comparison.sabotage ? comparison.differences == 0 : comparison.differences != 0;
}
