/* See proposals.h. */
#include "cli/proposals.h"

#include <ctype.h>
#include <elf.h>
#include <string.h>
#include <strings.h>

#include "harden/harden.h"

static bool is_one_of(const char *word, size_t length, const char *const *words) {
    for (; *words; words++)
        if (strlen(*words) == length && strncasecmp(word, *words, length) == 0) return true;
    return false;
}

/* The end of the word that begins here: words end at what is no letter, and where a small
 * letter or a capital is followed by a capitalised word (HAL_RNGGetNumber). */
static const char *end_of_word(const char *c) {
    const char *start = c++;
    while (isalpha((unsigned char)*c)) {
        bool upper = isupper((unsigned char)*c);
        if (upper && islower((unsigned char)c[-1])) break;
        if (upper && c > start && islower((unsigned char)c[1])) break;
        c++;
    }
    return c;
}

unsigned propose_key_function(const char *name) {
    static const char *const devices[] = {"trng", "hwrng", "rng", NULL};
    static const char *const sources[] = {"entropy", "random", "rand", "seed", NULL};
    static const char *const reads[] = {"read",   "get",  "generate", "next", "word",
                                        "number", "poll", "value",    NULL};
    /* Something else is done with a source, or its numbers are of another kind. */
    static const char *const others[] = {
        "is",      "valid",    "find",   "update", "add",   "reseed",  "file",    "register",
        "set",     "init",     "deinit", "free",   "done",  "test",    "start",   "stop",
        "export",  "import",   "prime",  "mp",     "bn",    "bits",    "bytes",   "upto",
        "handler", "callback", "irq",    "error",  "state", "enable",  "disable", "clear",
        "flag",    "prng",     "drbg",   "srand",  "msp",   "srandom", "config",  NULL};
    unsigned device = 0, source = 0, read = 0, count = 0;
    bool last = false;
    for (const char *c = name; *c;) {
        if (!isalpha((unsigned char)*c)) {
            c++;
            continue;
        }
        const char *end = end_of_word(c);
        size_t length = (size_t)(end - c);
        if (is_one_of(c, length, others)) return 0;
        device |= is_one_of(c, length, devices);
        last = is_one_of(c, length, sources);
        source += last;
        read |= is_one_of(c, length, reads);
        count++;
        c = end;
    }
    /* `rand` alone is the C library's generator, which is no random source. */
    bool named = source && (read || source > 1 || (last && count > 1));
    return device ? 4 + read : named ? 2 + read : 0;
}

const char *propose_key_cell(struct fw_model *model) {
    const char *found = NULL;
    for (size_t i = 0; i < model->symbol_count; i++) {
        const struct fw_symbol *s = &model->symbols[i];
        if (ELF32_ST_TYPE(s->info) != STT_OBJECT || (s->size_bytes != 4 && s->size_bytes != 32))
            continue;
        /* A word that something else keeps would be lost: only one that says what it is for. */
        if (!strcasestr(s->name, "key") || s->section == SHN_UNDEF) continue;
        if (harden_cannot_keep_a_key(model, (struct fw_range){.size_bytes = 0}, s->value)) continue;
        if (!found || strcmp(s->name, found) < 0) found = s->name;
    }
    return found;
}

bool propose_needs_key_cell(const struct fw_model *model, uint32_t *address) {
    /* MSR PSP and MSR CONTROL (ARM DDI 0403E, B5.2.3): 1111 0011 1000 Rn, 1000 1000 SYSm. */
    enum { MSR = 0xf380, MSR_MASK = 0xfff0, TO_PSP = 0x8809, TO_CONTROL = 0x8814 };
    for (size_t i = 0; i < model->section_count; i++) {
        const struct fw_section *s = &model->sections[i];
        if (!fw_is_code_section(s)) continue;
        for (uint32_t offset = 0; s->size_bytes >= 4 && offset <= s->size_bytes - 4; offset += 2) {
            const uint8_t *p = s->data + offset;
            unsigned first = (unsigned)(p[0] | p[1] << 8), second = (unsigned)(p[2] | p[3] << 8);
            if ((first & MSR_MASK) != MSR || (second != TO_PSP && second != TO_CONTROL)) continue;
            *address = s->address + offset;
            return true;
        }
    }
    return false;
}

bool propose_flash(const struct fw_model *model, const struct product_range *loaded, size_t count,
                   struct product_range *flash, struct product_range *behind) {
    enum { LEAST_BYTES = 0x10000, SECTOR_BYTES = 0x1000, MEMORY_SHIFT = 28 };
    uint64_t start = UINT32_MAX, end = 0, size_bytes = LEAST_BYTES;
    for (size_t i = 0; i < count; i++) {
        const struct product_range *range = &loaded[i];
        if (range->start >> MEMORY_SHIFT != model->entry >> MEMORY_SHIFT) continue;
        if (range->start < start) start = range->start;
        uint64_t behind_it = (uint64_t)range->start + range->size_bytes;
        if (behind_it > end) end = behind_it;
    }
    if (end <= start) return false;
    uint64_t sector = (end + SECTOR_BYTES - 1) & ~(uint64_t)(SECTOR_BYTES - 1);
    while (start + size_bytes < sector + SECTOR_BYTES)
        size_bytes *= 2;
    if (start + size_bytes > UINT32_MAX) return false;
    *flash = (struct product_range){"flash", (uint32_t)start, (uint32_t)size_bytes};
    *behind = (struct product_range){"settings", (uint32_t)sector, SECTOR_BYTES};
    return true;
}
