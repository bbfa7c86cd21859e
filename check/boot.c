/* The stub in front of the reset handler, found through the vector table's reset word and
 * known by its code: it gets the key, puts it where the seals read it, perhaps sets the
 * memory protection unit (ARM DDI 0403E, B3.5), and goes on.
 *
 *     bl    key function            or: movw r0, #..; movt r0, #..   (a fixed key)
 *     msr   psp, r0                 or: movw r1, #..; movt r1, #..; str r0, [r1]
 *     movw  r0, #0xed90 ; movt r0, #0xe000        MPU_TYPE
 *     ldr   r1, [r0] ; ubfx r1, r1, #8, #8 ; cmp r1, #n ; bcc end
 *                                                 the part has enough regions
 *     adr   r1, table ; add.w r0, r0, #12         MPU_RBAR
 *     (ldmia.w r1!, {r2-r9} ; stmia.w r0, {r2-r9})  for each four regions
 *     movs  r1, #5 ; str.w r1, [r0, #-8]          MPU_CTRL: enable, default map behind
 *     dsb ; isb
 *   end: b.w reset handler */
#include "check/state.h"

#define MPU_TYPE 0xe000ed90U
enum { REGIONS_AT_ONCE = 4, SYSM_PSP = 9 };

struct cursor {
    struct check *check;
    uint32_t address;
    struct thumb_insn insn;
};

static bool peek(struct cursor *c) {
    return check_decode(c->check, c->address, &c->insn) && !c->insn.unpredictable;
}

static bool take(struct cursor *c, enum thumb_op op) {
    if (!peek(c) || c->insn.op != op) return false;
    c->address += c->insn.size_bytes;
    return true;
}

static bool take_bits(struct cursor *c, uint32_t bits) {
    if (!peek(c) || c->insn.bits != bits) return false;
    c->address += c->insn.size_bytes;
    return true;
}

/* movw reg, #low; movt reg, #high */
static bool take_word(struct cursor *c, unsigned reg, uint32_t *word) {
    uint32_t start = c->address;
    if (take(c, THUMB_MOV_IMMEDIATE) && c->insn.rd == reg && c->insn.size_bytes == 4 &&
        !c->insn.flags_written && (c->insn.bits & 0xfbf08000U) == 0xf2400000U) {
        *word = c->insn.imm;
        if (take(c, THUMB_MOVT) && c->insn.rd == reg) {
            *word |= c->insn.imm << 16;
            return true;
        }
    }
    c->address = start;
    return false;
}

static bool take_key(struct cursor *c) {
    struct check *check = c->check;
    if (take(c, THUMB_BL)) {
        check->key_source = KEY_AT_BOOT;
        check->key_function = c->insn.target;
    } else if (take_word(c, 0, &check->key_value)) {
        check->key_source = KEY_FIXED;
    } else {
        return false;
    }
    if (take(c, THUMB_MSR)) {
        check->sums.key_in_psp = true;
        return c->insn.imm == SYSM_PSP && c->insn.rn == 0;
    }
    return take_word(c, 1, &check->sums.key_cell) && take_bits(c, 0x6008);
}

static void add_region(struct check *check, uint32_t rbar, uint32_t rasr) {
    struct region *region = &check->regions[check->region_count++];
    *region = (struct region){.base = rbar & ~31U,
                              .log2_size = (rasr >> 1 & 31) + 1,
                              .disabled = rasr >> 8 & 255,
                              .access = rasr >> 24 & 7,
                              .memory_type = rasr >> 16 & 63,
                              .executes = !(rasr >> 28 & 1),
                              .rbar = rbar,
                              .rasr = rasr};
}

/* The table: regions 0 to n-1 in order; the rest of the last four repeats the last. */
static bool take_table(struct check *check, uint32_t address, uint32_t count, uint32_t rounded) {
    uint32_t last_rbar = 0, last_rasr = 0;
    for (uint32_t i = 0; i < rounded; i++) {
        uint32_t rbar, rasr;
        if (!check_word(check, address + 8 * i, &rbar) ||
            !check_word(check, address + 8 * i + 4, &rasr)) {
            return false;
        }
        if (i < count) {
            if ((rbar & 31) != (16 | i)) return false; /* VALID, and its own number */
            add_region(check, rbar, rasr);
        } else if (rbar != last_rbar || rasr != last_rasr) {
            return false;
        }
        last_rbar = rbar;
        last_rasr = rasr;
    }
    return true;
}

static bool take_mpu(struct cursor *c, struct routine *boot) {
    struct check *check = c->check;
    uint32_t word, end, table, rounded = 0;
    if (!take_word(c, 0, &word) || word != MPU_TYPE || !take_bits(c, 0x6801) ||
        !take_bits(c, 0xf3c12107U)) {
        return false;
    }
    if (!take(c, THUMB_CMP_IMMEDIATE) || c->insn.rn != 1 || c->insn.size_bytes != 2) return false;
    uint32_t count = c->insn.imm;
    if (!take(c, THUMB_B_COND) || c->insn.cond != 3) return false;
    end = c->insn.target;
    if (!take(c, THUMB_ADR) || c->insn.rd != 1) return false;
    table = c->insn.target;
    if (!take_bits(c, 0xf100000cU)) return false;
    while (take_bits(c, 0xe8b103fcU)) {
        if (!take_bits(c, 0xe88003fcU)) return false;
        rounded += REGIONS_AT_ONCE;
    }
    check->map_in_faults = take_bits(c, 0x2107); /* MPU_CTRL with HFNMIENA; else without */
    if ((!check->map_in_faults && !take_bits(c, 0x2105)) || !take_bits(c, 0xf8401c08U) ||
        !take_bits(c, 0xf3bf8f4fU) || !take_bits(c, 0xf3bf8f6fU) || c->address != end) {
        return false;
    }
    uint32_t wanted = (count + REGIONS_AT_ONCE - 1) / REGIONS_AT_ONCE * REGIONS_AT_ONCE;
    if (count == 0 || rounded != wanted || rounded > REGIONS_MAXIMUM) return false;
    /* The table stands behind the jump, aligned to words. */
    uint32_t behind = (end + 4 + 3) & ~3U;
    if (table != behind) return false;
    check->boot_regions = count;
    boot->table = table;
    boot->end = table + 8 * rounded;
    return take_table(check, table, count, rounded);
}

static bool take_stub(struct cursor *c, struct routine *boot) {
    if (!take_key(c)) return false;
    if (peek(c) && c->insn.op == THUMB_MOV_IMMEDIATE) {
        if (!take_mpu(c, boot)) return false;
        c->check->map_applied = true;
    }
    if (!take(c, THUMB_B) || c->insn.size_bytes != 4) return false;
    boot->target = c->insn.target;
    boot->jump = c->address - c->insn.size_bytes;
    if (!boot->table) boot->end = c->address;
    return true;
}

void check_boot(struct check *check) {
    struct fw_model *model = check->model;
    uint32_t reset = 0, named = fw_symbol_named(model, "__pm_boot");
    bool claims = named != FW_NONE;
    check->sums = (struct sums_context){.model = model, .key_in_psp = true};
    if (model->vector_table == FW_NONE || !check_word(check, model->vector_table + 4, &reset)) {
        if (claims)
            check_find(check, "boot", 0, "a boot stub is named, but no vector table leads to it");
        return;
    }
    reset &= ~1U;
    struct cursor cursor = {.check = check, .address = reset};
    struct routine *boot = ARENA_NEW(&check->arena, struct routine);
    *boot = (struct routine){.address = reset, .kind = ROUTINE_BOOT};
    check->sums.key_in_psp = false;
    if (take_stub(&cursor, boot)) {
        check->boot = boot;
        if (claims && (model->symbols[named].value & ~1U) != reset) {
            check_find(check, "boot", reset, "the reset vector does not lead to __pm_boot");
        }
        if (claims && model->symbols[named].size_bytes != boot->end - reset) {
            check_find(check, "boot", reset, "__pm_boot has %u bytes, and its symbol says %u",
                       boot->end - reset, model->symbols[named].size_bytes);
        }
        return;
    }
    check->key_source = KEY_NONE;
    check->map_applied = false;
    check->region_count = 0;
    check->sums = (struct sums_context){.model = model, .key_in_psp = true};
    if (claims) {
        check_find(check, "boot", reset,
                   "the boot stub is not what it should be: its code at 0x%08x is altered",
                   cursor.address);
    }
}
