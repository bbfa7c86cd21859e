/* From a row of the table to a decoded instruction: finds the row, takes the fields out
 * as the row's form says, then works out registers, flags, target and predictability.
 *
 * Section numbers are those of ARM DDI 0403E. */
#include "firmware/arch/thumb/table.h"

#include <assert.h>

enum { SP_BIT = 1 << THUMB_SP, LR_BIT = 1 << THUMB_LR, PC_BIT = 1 << THUMB_PC };

static uint32_t field(uint32_t bits, unsigned low, unsigned width) {
    return (bits >> low) & ((1u << width) - 1);
}

static uint8_t reg(uint32_t bits, unsigned low) {
    return (uint8_t)(bits >> low & 15);
}

static uint8_t low_reg(uint32_t bits, unsigned low) {
    return (uint8_t)(bits >> low & 7);
}

static uint32_t sign_extend(uint32_t value, unsigned width) {
    uint32_t sign = 1u << (width - 1);
    return (value ^ sign) - sign;
}

static uint32_t pc_of(uint32_t address) {
    return address + 4;
}

static uint32_t aligned_pc_of(uint32_t address) {
    return pc_of(address) & ~3u;
}

static bool has_two_registers(uint32_t list) {
    return (list & (list - 1)) != 0;
}

/* A7.3.1: the flags that each condition looks at. */
static uint8_t flags_of_condition(unsigned cond) {
    enum { V = THUMB_FLAG_V, C = THUMB_FLAG_C, Z = THUMB_FLAG_Z, N = THUMB_FLAG_N };
    static const uint8_t flags[8] = {Z, C, N, V, C | Z, N | V, N | Z | V, 0};
    return flags[cond >> 1 & 7];
}

/* A5.3.2 ThumbExpandImm(). */
static uint32_t expand_immediate(uint32_t imm12) {
    uint32_t byte = imm12 & 0xff;
    if (imm12 >> 10 == 0) {
        switch (imm12 >> 8) {
        case 0:
            return byte;
        case 1:
            return byte << 16 | byte;
        case 2:
            return byte << 24 | byte << 8;
        default:
            return byte << 24 | byte << 16 | byte << 8 | byte;
        }
    }
    uint32_t rotation = imm12 >> 7; /* 8 to 31 */
    uint32_t value = 0x80 | (imm12 & 0x7f);
    return value >> rotation | value << (32 - rotation);
}

static uint32_t imm12_of(uint32_t bits) {
    return field(bits, 26, 1) << 11 | field(bits, 12, 3) << 8 | field(bits, 0, 8);
}

static void set_reference(struct thumb_insn *insn, enum thumb_reference kind, uint32_t target) {
    insn->reference = (uint8_t)kind;
    insn->target = target;
}

static void set_offset_reference(struct thumb_insn *insn, enum thumb_reference kind,
                                 uint32_t address) {
    uint32_t base = aligned_pc_of(address);
    set_reference(insn, kind, insn->subtract ? base - insn->imm : base + insn->imm);
}

/* P, U and W as they stand in the immediate-offset loads and stores. */
static void set_indexing(struct thumb_insn *insn, uint32_t p, uint32_t u, uint32_t w) {
    insn->index = p != 0;
    insn->subtract = u == 0;
    insn->writeback = w != 0;
}

/* Narrow loads and stores and shifts. */
static void decode_narrow_data(struct thumb_insn *insn, enum thumb_form form, uint32_t bits,
                               uint32_t address) {
    insn->rd = low_reg(bits, 0);
    switch (form) {
    case FORM_N_SHIFT:
        insn->rm = low_reg(bits, 3);
        insn->imm = field(bits, 6, 5);
        break;
    case FORM_N_THREE:
        insn->rn = low_reg(bits, 3);
        insn->rm = low_reg(bits, 6);
        break;
    case FORM_N_THREE_IMM:
        insn->rn = low_reg(bits, 3);
        insn->imm = field(bits, 6, 3);
        break;
    case FORM_N_IMM8:
        insn->rd = insn->rn = low_reg(bits, 8);
        insn->imm = bits & 0xff;
        break;
    case FORM_N_ALU:
        insn->rn = insn->rd;
        insn->rm = low_reg(bits, 3);
        break;
    case FORM_N_TWO:
        insn->rm = low_reg(bits, 3);
        break;
    case FORM_N_LITERAL:
    case FORM_N_ADR:
        insn->rd = low_reg(bits, 8);
        insn->imm = (bits & 0xff) << 2;
        set_offset_reference(
            insn, form == FORM_N_ADR ? THUMB_REFERENCE_ADR : THUMB_REFERENCE_LITERAL, address);
        insn->rn = form == FORM_N_LITERAL ? THUMB_PC : THUMB_NO_REGISTER;
        break;
    case FORM_N_MEMORY_WORD:
    case FORM_N_MEMORY_HALF:
    case FORM_N_MEMORY_BYTE:
        insn->rn = low_reg(bits, 3);
        insn->imm = field(bits, 6, 5) << (form == FORM_N_MEMORY_WORD   ? 2
                                          : form == FORM_N_MEMORY_HALF ? 1
                                                                       : 0);
        break;
    case FORM_N_MEMORY_SP:
    case FORM_N_ADD_SP:
        insn->rd = low_reg(bits, 8);
        insn->rn = THUMB_SP;
        insn->imm = (bits & 0xff) << 2;
        break;
    default:
        assert(form == FORM_N_ADJUST_SP);
        insn->rd = insn->rn = THUMB_SP;
        insn->imm = (bits & 0x7f) << 2;
    }
}

/* The high-register forms, A7.7.4 T2, A7.7.28 T2, A7.7.77 T1. */
static void decode_narrow_high(struct thumb_insn *insn, uint32_t bits) {
    insn->rd = insn->rn = (uint8_t)(field(bits, 7, 1) << 3 | field(bits, 0, 3));
    insn->rm = reg(bits, 3);
    bool add_two_pcs = insn->op == THUMB_ADD_REGISTER && insn->rd == 15 && insn->rm == 15;
    bool compare_two_low = insn->op == THUMB_OTHER && insn->rn < 8 && insn->rm < 8;
    insn->unpredictable |= add_two_pcs || compare_two_low;
}

/* Narrow PUSH, POP, STM and LDM. */
static void decode_narrow_list(struct thumb_insn *insn, enum thumb_form form, uint32_t bits) {
    uint32_t list = bits & 0xff;
    insn->rn = form == FORM_N_STM || form == FORM_N_LDM ? low_reg(bits, 8) : THUMB_SP;
    insn->writeback = true;
    if (form == FORM_N_PUSH) {
        list |= field(bits, 8, 1) << THUMB_LR;
        insn->decrement = true;
    } else if (form == FORM_N_POP) {
        list |= field(bits, 8, 1) << THUMB_PC;
    } else if (form == FORM_N_LDM) {
        insn->writeback = (list >> insn->rn & 1) == 0;
    } else {
        /* A7.7.159: the value stored for a written-back base is UNKNOWN unless it is the
         * lowest. */
        insn->unpredictable |= (list >> insn->rn & 1) && (list & ((1u << insn->rn) - 1));
    }
    insn->list = (uint16_t)list;
    insn->unpredictable |= list == 0;
}

static void decode_narrow_control(struct thumb_insn *insn, enum thumb_form form, uint32_t bits,
                                  uint32_t address) {
    switch (form) {
    case FORM_N_BRANCH_REG:
        insn->rm = reg(bits, 3);
        break;
    case FORM_N_CBZ:
        insn->rn = low_reg(bits, 0);
        set_reference(insn, THUMB_REFERENCE_BRANCH,
                      pc_of(address) + (field(bits, 9, 1) << 6 | field(bits, 3, 5) << 1));
        break;
    case FORM_N_CPS:
        insn->unpredictable |= (bits & 3) == 0;
        break;
    case FORM_N_CODE8:
        insn->imm = bits & 0xff;
        break;
    case FORM_N_IT: /* A7.7.38 */
        insn->imm = bits & 0xff;
        insn->unpredictable |= (bits & 0xf0) == 0xf0;
        insn->unpredictable |= (bits & 0xf0) == 0xe0 && has_two_registers(bits & 15);
        break;
    case FORM_N_BRANCH_COND:
        insn->cond = (uint8_t)field(bits, 8, 4);
        insn->flags_read = flags_of_condition(insn->cond);
        set_reference(insn, THUMB_REFERENCE_BRANCH,
                      pc_of(address) + (sign_extend(bits & 0xff, 8) << 1));
        break;
    default:
        assert(form == FORM_N_BRANCH);
        set_reference(insn, THUMB_REFERENCE_BRANCH,
                      pc_of(address) + (sign_extend(bits & 0x7ff, 11) << 1));
    }
}

/* A7.4.2 shifts: what C depends on, and whether it is written at all. */
static void decode_shifted(struct thumb_insn *insn, uint32_t bits) {
    uint32_t amount = field(bits, 12, 3) << 2 | field(bits, 6, 2);
    uint32_t type = field(bits, 4, 2);
    bool arithmetic = (insn->flags_written & THUMB_FLAG_V) != 0;
    insn->rd = reg(bits, 8);
    insn->rn = reg(bits, 16);
    insn->rm = reg(bits, 0);
    insn->imm = amount;
    insn->shift = type == 0 ? (uint8_t)amount : 255;
    if (type == 0 && amount == 0 && !arithmetic) insn->flags_written &= (uint8_t)~THUMB_FLAG_C;
    if (type == 3 && amount == 0) /* RRX */
        insn->flags_read |= THUMB_FLAG_C;
    if (insn->op == THUMB_ADD_REGISTER || insn->op == THUMB_SUB_REGISTER)
        insn->unpredictable |=
            insn->rd == THUMB_SP && (insn->rn != THUMB_SP || type != 0 || amount > 3);
    if (insn->op == THUMB_MOV_REGISTER) { /* A7.7.77 T3 */
        bool sets_flags = (bits & 0x00100000) != 0;
        bool d = insn->rd == THUMB_SP, m = insn->rm == THUMB_SP;
        insn->unpredictable |= sets_flags ? d || m : d && m;
    }
}

static void decode_modified(struct thumb_insn *insn, uint32_t bits) {
    uint32_t imm12 = imm12_of(bits);
    bool arithmetic = (insn->flags_written & THUMB_FLAG_V) != 0;
    insn->rd = reg(bits, 8);
    insn->rn = reg(bits, 16);
    insn->imm = expand_immediate(imm12);
    if (imm12 >> 10 == 0) {
        insn->unpredictable |= imm12 >> 8 != 0 && (imm12 & 0xff) == 0;
        if (!arithmetic) insn->flags_written &= (uint8_t)~THUMB_FLAG_C;
    }
    if (insn->op == THUMB_ADD_IMMEDIATE || insn->op == THUMB_SUB_IMMEDIATE)
        insn->unpredictable |= insn->rd == THUMB_SP && insn->rn != THUMB_SP;
}

/* Data processing with an immediate and no S bit (A5.3.3). */
static void decode_plain_immediate(struct thumb_insn *insn, enum thumb_form form, uint32_t bits,
                                   uint32_t address) {
    uint32_t low = field(bits, 12, 3) << 2 | field(bits, 6, 2), high = field(bits, 0, 5);
    insn->rd = reg(bits, 8);
    insn->rn = reg(bits, 16);
    switch (form) {
    case FORM_IMM12:
        insn->imm = imm12_of(bits);
        insn->unpredictable |= insn->rd == THUMB_SP && insn->rn != THUMB_SP;
        break;
    case FORM_ADR:
        insn->imm = imm12_of(bits);
        insn->subtract = field(bits, 23, 1) != 0;
        insn->rn = THUMB_NO_REGISTER;
        set_offset_reference(insn, THUMB_REFERENCE_ADR, address);
        break;
    case FORM_IMM16:
        insn->imm = field(bits, 16, 4) << 12 | imm12_of(bits);
        insn->rn = THUMB_NO_REGISTER;
        break;
    case FORM_BITFIELD:
        insn->unpredictable |= low + high > 31;
        break;
    default:
        assert(form == FORM_BIT_INSERT);
        insn->unpredictable |= high < low;
    }
}

static void decode_registers(struct thumb_insn *insn, enum thumb_form form, uint32_t bits) {
    insn->rd = reg(bits, 8);
    insn->rn = reg(bits, 16);
    insn->rm = reg(bits, 0);
    insn->ra = reg(bits, 12);
    if (form == FORM_LONG) insn->unpredictable |= insn->rd == insn->ra;
    if (form == FORM_TWICE) /* A7.7.31: Rm is encoded twice */
        insn->unpredictable |= insn->rn != insn->rm;
}

static bool base_is_loaded_or_stored(const struct thumb_insn *insn) {
    return insn->writeback && (insn->rn == insn->rd || insn->rn == insn->ra);
}

/* One-register loads and stores with a base register. */
static void decode_memory(struct thumb_insn *insn, enum thumb_form form, uint32_t bits,
                          uint32_t address) {
    insn->rd = reg(bits, 12);
    insn->rn = reg(bits, 16);
    switch (form) {
    case FORM_MEMORY12:
        insn->imm = bits & 0xfff;
        break;
    case FORM_MEMORY8:
        insn->imm = bits & 0xff;
        set_indexing(insn, bits & 0x400, bits & 0x200, bits & 0x100);
        insn->unpredictable |= base_is_loaded_or_stored(insn);
        break;
    case FORM_MEMORY_REG:
        insn->rm = reg(bits, 0);
        insn->shift = (uint8_t)field(bits, 4, 2);
        break;
    default:
        assert(form == FORM_LITERAL);
        insn->imm = bits & 0xfff;
        insn->subtract = (bits & 0x00800000) == 0;
        set_offset_reference(insn, THUMB_REFERENCE_LITERAL, address);
    }
    if (insn->op == THUMB_PUSH || insn->op == THUMB_POP) {
        insn->list = (uint16_t)(1u << insn->rd);
        insn->decrement = insn->op == THUMB_PUSH;
    }
}

/* LDRD, STRD and the exclusives (A5.3.6). */
static void decode_dual(struct thumb_insn *insn, enum thumb_form form, uint32_t bits,
                        uint32_t address, uint16_t roles) {
    insn->rd = reg(bits, 12);
    insn->rn = reg(bits, 16);
    insn->ra = reg(bits, form == FORM_EXCLUSIVE_SMALL ? 0 : 8);
    if (form != FORM_EXCLUSIVE_SMALL) insn->imm = (bits & 0xff) << 2;
    if (form != FORM_DUAL) {
        bool has_status = (roles & W_A) != 0;
        insn->unpredictable |= has_status && (insn->ra == insn->rn || insn->ra == insn->rd);
        return;
    }
    set_indexing(insn, bits & 0x01000000, bits & 0x00800000, bits & 0x00200000);
    insn->unpredictable |= base_is_loaded_or_stored(insn);
    if (insn->op == THUMB_LOAD) insn->unpredictable |= insn->rd == insn->ra;
    if (insn->op == THUMB_LOAD && insn->rn == THUMB_PC) {
        insn->unpredictable |= insn->writeback;
        set_offset_reference(insn, THUMB_REFERENCE_LITERAL, address);
    }
}

/* Wide LDM, STM, PUSH and POP (A7.7.41, A7.7.159). */
static void decode_list(struct thumb_insn *insn, enum thumb_form form, uint32_t bits) {
    uint32_t list = bits & 0xffff;
    insn->rn = reg(bits, 16);
    insn->list = (uint16_t)list;
    insn->writeback = (bits & 0x00200000) != 0;
    insn->decrement = (bits & 0x01000000) != 0;
    insn->unpredictable |= !has_two_registers(list);
    insn->unpredictable |= insn->writeback && (list >> insn->rn & 1);
    if (form == FORM_LDM) insn->unpredictable |= (list & LR_BIT) && (list & PC_BIT);
}

static void decode_wide_branch(struct thumb_insn *insn, enum thumb_form form, uint32_t bits,
                               uint32_t address) {
    uint32_t s = field(bits, 26, 1), j1 = field(bits, 13, 1), j2 = field(bits, 11, 1);
    uint32_t offset;
    if (form == FORM_BRANCH_COND) {
        insn->cond = (uint8_t)field(bits, 22, 4);
        insn->flags_read = flags_of_condition(insn->cond);
        offset = s << 19 | j2 << 18 | j1 << 17 | field(bits, 16, 6) << 11 | (bits & 0x7ff);
        offset = sign_extend(offset, 20) << 1;
    } else {
        offset = s << 23 | (j1 ^ s ^ 1) << 22 | (j2 ^ s ^ 1) << 21 | field(bits, 16, 10) << 11 |
                 (bits & 0x7ff);
        offset = sign_extend(offset, 24) << 1;
    }
    set_reference(insn, THUMB_REFERENCE_BRANCH, pc_of(address) + offset);
}

/* B5.2.2 MRS and B5.2.3 MSR: which SYSm exist, and that MSP, PSP and CONTROL mean sp. */
static void decode_system(struct thumb_insn *insn, uint32_t bits) {
    uint32_t sysm = bits & 0xff;
    bool known = sysm <= 3 || (sysm >= 5 && sysm <= 9) || (sysm >= 16 && sysm <= 20);
    insn->imm = sysm;
    insn->unpredictable |= !known;
    if (insn->op == THUMB_MRS) {
        insn->rd = reg(bits, 8);
        if (sysm <= 3) insn->flags_read = THUMB_FLAGS_NZCV | THUMB_FLAG_Q | THUMB_FLAG_GE;
        if (sysm == 8 || sysm == 9) insn->reads |= SP_BIT;
        return;
    }
    uint32_t mask = field(bits, 10, 2);
    insn->rn = reg(bits, 16);
    insn->unpredictable |= mask == 0 || (mask != 2 && sysm > 3);
    if (sysm <= 3) {
        insn->flags_written = (uint8_t)((mask & 2 ? THUMB_FLAGS_NZCV | THUMB_FLAG_Q : 0) |
                                        (mask & 1 ? THUMB_FLAG_GE : 0));
    }
    if (sysm == 8 || sysm == 9 || sysm == 20) {
        insn->writes |= SP_BIT; /* only when it is the stack in use: so it may stay */
        insn->reads |= SP_BIT;
    }
}

/* LDC, STC, VLDR, VSTR and the floating-point load and store multiple. */
static void decode_coprocessor_memory(struct thumb_insn *insn, enum thumb_form form, uint32_t bits,
                                      uint32_t address) {
    insn->rn = reg(bits, 16);
    insn->imm = (bits & 0xff) << 2;
    set_indexing(insn, bits & 0x01000000, bits & 0x00800000, bits & 0x00200000);
    if (form == FORM_COPRO_MEMORY) {
        if (insn->loads && insn->rn == THUMB_PC) {
            insn->unpredictable |= insn->writeback || !insn->index;
            set_offset_reference(insn, THUMB_REFERENCE_LITERAL, address);
        }
        return;
    }
    /* A7.7.248, A7.7.259: D and S numbers end at 15 and 31, a list is not empty; the odd
     * count of words for doubles is FLDMX, which ARMv7-M does not have. */
    uint32_t words = bits & 0xff, first = field(bits, 12, 4);
    uint32_t last = field(bits, 22, 1) * 16 + first + words / 2;
    insn->decrement = insn->index;
    if (bits & 0x100) insn->unpredictable |= words == 0 || words % 2 != 0 || last > 16;
    else insn->unpredictable |= words == 0 || first * 2 + field(bits, 22, 1) + words > 32;
}

static void decode_coprocessor(struct thumb_insn *insn, enum thumb_form form, uint32_t bits,
                               uint16_t roles) {
    insn->rd = reg(bits, 12);
    if (form == FORM_COPRO_ONE_IN && insn->rd == THUMB_PC) {
        insn->rd = THUMB_NO_REGISTER;
        insn->flags_written = THUMB_FLAGS_NZCV; /* A7.7.81: Rt = 15 is the flags */
    }
    if (form == FORM_COPRO_TWO || form == FORM_VMOV_TWO) {
        insn->ra = reg(bits, 16);
        insn->unpredictable |= (roles & W_D) && insn->ra == insn->rd;
    }
    if (form == FORM_VMOV_TWO && !(bits & 0x100)) /* S31 and S32 */
        insn->unpredictable |= (bits & 0x2f) == 0x2f;
}

/* A7.7.233: more fraction bits than the number has. */
static bool fixed_point_too_wide(uint32_t bits) {
    uint32_t size = bits & 0x80 ? 32 : 16;
    return (field(bits, 0, 4) << 1 | field(bits, 5, 1)) > size;
}

static void decode_fields(struct thumb_insn *insn, const struct thumb_row *row, uint32_t bits,
                          uint32_t address) {
    enum thumb_form form = row->form;
    switch (form) {
    case FORM_PLAIN:
        return;
    case FORM_N_HIGH:
        decode_narrow_high(insn, bits);
        return;
    case FORM_N_PUSH:
    case FORM_N_POP:
    case FORM_N_STM:
    case FORM_N_LDM:
        decode_narrow_list(insn, form, bits);
        return;
    case FORM_N_BRANCH_REG:
    case FORM_N_CBZ:
    case FORM_N_CPS:
    case FORM_N_CODE8:
    case FORM_N_IT:
    case FORM_N_BRANCH_COND:
    case FORM_N_BRANCH:
        decode_narrow_control(insn, form, bits, address);
        return;
    case FORM_SHIFTED:
        decode_shifted(insn, bits);
        break;
    case FORM_MODIFIED:
        decode_modified(insn, bits);
        break;
    case FORM_IMM12:
    case FORM_ADR:
    case FORM_IMM16:
    case FORM_BITFIELD:
    case FORM_BIT_INSERT:
        decode_plain_immediate(insn, form, bits, address);
        return;
    case FORM_SHIFT_REG:
    case FORM_FOUR:
    case FORM_LONG:
    case FORM_TWICE:
        decode_registers(insn, form, bits);
        break;
    case FORM_MEMORY12:
    case FORM_MEMORY8:
    case FORM_MEMORY_REG:
    case FORM_LITERAL:
        decode_memory(insn, form, bits, address);
        return;
    case FORM_DUAL:
    case FORM_EXCLUSIVE:
    case FORM_EXCLUSIVE_SMALL:
        decode_dual(insn, form, bits, address, row->roles);
        return;
    case FORM_TABLE:
        insn->rn = reg(bits, 16);
        insn->rm = reg(bits, 0);
        if (insn->rn == THUMB_PC) set_reference(insn, THUMB_REFERENCE_TABLE, pc_of(address));
        return;
    case FORM_STM:
    case FORM_LDM:
        decode_list(insn, form, bits);
        return;
    case FORM_BRANCH_COND:
    case FORM_BRANCH:
        decode_wide_branch(insn, form, bits, address);
        return;
    case FORM_CODE16:
        insn->imm = field(bits, 16, 4) << 12 | (bits & 0xfff);
        return;
    case FORM_MRS:
    case FORM_MSR:
        decode_system(insn, bits);
        return;
    case FORM_COPRO_MEMORY:
    case FORM_VMEMORY_LIST:
        decode_coprocessor_memory(insn, form, bits, address);
        return;
    case FORM_COPRO_ONE:
    case FORM_COPRO_ONE_IN:
    case FORM_COPRO_TWO:
    case FORM_VMOV_TWO:
        decode_coprocessor(insn, form, bits, row->roles);
        return;
    case FORM_VCVT_FIXED:
        insn->unpredictable |= fixed_point_too_wide(bits);
        return;
    default:
        decode_narrow_data(insn, form, bits, address);
        return;
    }
    bool sets_flags = (bits & 0x00100000) != 0;
    if ((form == FORM_SHIFTED || form == FORM_MODIFIED || form == FORM_SHIFT_REG) && !sets_flags) {
        insn->flags_written = 0;
        if (form == FORM_SHIFT_REG) insn->flags_read = 0;
    }
}

/* Which of rd, rn, rm, ra is `number`, as bits 0 to 3. */
static unsigned fields_equal(const struct thumb_insn *insn, unsigned number) {
    return (unsigned)(insn->rd == number) | (unsigned)(insn->rn == number) << 1 |
           (unsigned)(insn->rm == number) << 2 | (unsigned)(insn->ra == number) << 3;
}

/* The register's bit when the role is there; a field without a role has none. */
static unsigned bit_of(unsigned r, unsigned role) {
    return (unsigned)(role != 0) << (r & 15);
}

/* `r`, or no register without a role. */
static uint8_t present(unsigned r, unsigned roles) {
    return (uint8_t)(r | (roles ? 0 : THUMB_NO_REGISTER));
}

/* From the roles to the register sets. Most instructions are decoded by the same few
 * arithmetic steps here: branches would cost more than they save. */
static void apply_roles(struct thumb_insn *insn, const struct thumb_row *row) {
    unsigned roles = row->roles;
    unsigned d = insn->rd, n = insn->rn, m = insn->rm, a = insn->ra;
    if (d == THUMB_NO_REGISTER) /* decode_coprocessor() when it means the flags */
        roles &= ~(unsigned)(R_D | W_D);
    unsigned reads = bit_of(d, roles & R_D) | bit_of(n, roles & R_N) | bit_of(m, roles & R_M) |
                     bit_of(a, roles & R_A);
    unsigned writes = bit_of(d, roles & W_D) | bit_of(a, roles & W_A) | bit_of(n, insn->writeback) |
                      bit_of(THUMB_LR, roles & LINKS);
    reads |= roles & LOADS ? 0 : insn->list;
    writes |= roles & LOADS ? insn->list : 0;
    insn->reads |= (uint16_t)reads;
    insn->writes |= (uint16_t)writes;
    insn->rd = present(d, roles & (R_D | W_D));
    insn->rn = present(n, roles & R_N);
    insn->rm = present(m, roles & R_M);
    insn->ra = present(a, roles & (R_A | W_A));
    if (row->bad) {
        unsigned found = fields_equal(insn, THUMB_PC) | fields_equal(insn, THUMB_SP) << 4;
        insn->unpredictable |= (found & row->bad) != 0;
    }
}

/* A read of pc is a reference; a write of it is a jump. */
static void apply_pc(struct thumb_insn *insn) {
    if (insn->reference == THUMB_REFERENCE_LITERAL) insn->rn = THUMB_PC;
    if (insn->reference == THUMB_REFERENCE_LITERAL || insn->reference == THUMB_REFERENCE_TABLE)
        insn->reads &= (uint16_t)~PC_BIT;
    if (insn->reads & PC_BIT) insn->reference = THUMB_REFERENCE_PC_READ;
    if ((insn->writes & PC_BIT) && insn->flow == THUMB_FLOW_NEXT)
        insn->flow = THUMB_FLOW_JUMP_INDIRECT;
}

/* A7.7.158 and the like: stores relative to pc are UNDEFINED. */
static bool is_undefined_store(uint32_t bits) {
    return (bits & 0xff1f0000) == 0xf80f0000;
}

const struct thumb_row *thumb_find_row(uint32_t bits, bool wide) {
    const struct thumb_group *group = wide ? thumb_wide_group(bits) : thumb_narrow_group(bits);
    if (wide && is_undefined_store(bits)) return NULL;
    for (size_t i = bits >> group->first_shift & group->first_mask; i < group->count; i++) {
        const struct thumb_row *row = &group->rows[i];
        if (((bits ^ row->value) & row->mask) == 0) return row;
    }
    return NULL;
}

/* What no row takes. */
static const struct thumb_row undefined = {
    .form = FORM_PLAIN, .op = THUMB_UNDEFINED, .flow = THUMB_FLOW_TRAP};

bool thumb_fetch(const uint8_t *bytes, size_t available_bytes, uint32_t *bits) {
    if (available_bytes < 2) return false;
    *bits = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
    if (*bits < 0xe800) return true;
    if (available_bytes < 4) return false;
    *bits = *bits << 16 | (uint32_t)bytes[2] | (uint32_t)bytes[3] << 8;
    return true;
}

bool thumb_is_filler(const uint8_t *bytes, size_t size_bytes) {
    enum { NOP = 0xbf00, MOV_R8_R8 = 0x46c0, UDF_255 = 0xdeff };
    static const uint32_t nop_wide = 0xf3af8000;
    uint32_t bits;
    for (size_t i = 0; i < size_bytes; i += bits == nop_wide ? 4 : 2) {
        if (!thumb_fetch(bytes + i, size_bytes - i, &bits)) return false;
        bool known = bits == 0 || bits == NOP || bits == MOV_R8_R8 || bits == nop_wide ||
                     bits == UDF_255 || bits == THUMB_FILLER_OF_LLD;
        if (!known) return false;
    }
    return true;
}

bool thumb_decode(const uint8_t *bytes, size_t available_bytes, uint32_t address,
                  struct thumb_insn *out) {
    uint32_t bits;
    if (!thumb_fetch(bytes, available_bytes, &bits)) return false;
    bool wide = bits >> 16 != 0;
    const struct thumb_row *row = thumb_find_row(bits, wide);
    if (!row) row = &undefined;
    *out = (struct thumb_insn){.bits = bits,
                               .size_bytes = wide ? 4 : 2,
                               .op = row->op,
                               .flow = row->flow,
                               .architecture = row->architecture,
                               .flags_read = row->flags_read,
                               .flags_written = row->flags_written,
                               .cond = THUMB_COND_AL,
                               .rd = THUMB_NO_REGISTER,
                               .rn = THUMB_NO_REGISTER,
                               .rm = THUMB_NO_REGISTER,
                               .ra = THUMB_NO_REGISTER,
                               .index = true,
                               .loads = (row->roles & LOADS) != 0,
                               .stores = (row->roles & STORES) != 0,
                               .coprocessor = row->architecture >= THUMB_ARCHITECTURE_COPRO,
                               .not_in_it = (row->roles & NOT_IN_IT) != 0,
                               .sets_flags_outside_it = (row->roles & OUTSIDE) != 0,
                               .unpredictable = ((bits ^ row->value) & row->should) != 0 ||
                                                (row->roles & HINT) != 0};
    decode_fields(out, row, bits, address);
    apply_roles(out, row);
    apply_pc(out);
    return true;
}

/* LSL, LSR, ASR, ROR by register: they read C only to keep it. */
static bool is_narrow_register_shift(const struct thumb_insn *insn) {
    uint32_t opcode = insn->bits & 0xffc0;
    return insn->size_bytes == 2 &&
           (opcode == 0x4080 || opcode == 0x40c0 || opcode == 0x4100 || opcode == 0x41c0);
}

void thumb_apply_it(struct thumb_insn *insn, uint8_t state) {
    if (!thumb_it_active(state)) return;
    insn->in_it = true;
    insn->it_last = thumb_it_is_last(state);
    insn->unpredictable |= insn->not_in_it;
    bool goes_on = insn->flow == THUMB_FLOW_NEXT || insn->flow == THUMB_FLOW_TRAP;
    insn->unpredictable |= !goes_on && !insn->it_last; /* A7.3.3 */
    if (insn->sets_flags_outside_it) {
        insn->flags_written = 0;
        if (is_narrow_register_shift(insn)) insn->flags_read = 0;
    }
    if (insn->op == THUMB_BKPT || insn->not_in_it) /* A7.7.17: always executes */
        return;
    insn->cond = thumb_it_cond(state);
    insn->flags_read |= flags_of_condition(insn->cond);
}
