/* See patch_stream.h and docs/patch.md. */
#include "format/patch_stream.h"

#include <string.h>

#include "format/little_endian.h"

/* What a correction may be like, for its cache of recent ones. */
enum { CLASS_BITS, CLASS_SHORT, CLASS_LONG, CLASS_WORD, CLASS_TARGET, CLASSES };

enum { MATCH_LONGEST = 4, RECENT_SHARE = 2 /* contexts for a half-word */ };

/* Contexts of a known place, in front of the hashed ones. */
enum {
    CONTEXT_MAP = 0,                 /* while the tables are read: all are reset behind them */
    CONTEXT_EXACT = 0,               /* by the last two answers */
    CONTEXT_HIT = CONTEXT_EXACT + 4, /* by kind and the last answers */
    CONTEXT_WORD = CONTEXT_HIT + PM_PATCH_FLASH * 4, /* words, by choice */
    CONTEXT_EDIT = CONTEXT_WORD + PM_PATCH_CHOICES,  /* by kind; then which */
    CONTEXT_RAW = CONTEXT_EDIT + PM_PATCH_KINDS + 1, /* by kind */
    CONTEXT_CACHED = CONTEXT_RAW + PM_PATCH_KINDS,   /* by class */
    CONTEXT_WHICH = CONTEXT_CACHED + CLASSES,        /* by class */
    CONTEXT_CALL = CONTEXT_WHICH + CLASSES * (PM_PATCH_CACHED - 1),
    CONTEXT_FORM = CONTEXT_CALL + 1,        /* by class */
    CONTEXT_COUNT = CONTEXT_FORM + CLASSES, /* 16 */
    CONTEXT_DELTA = CONTEXT_COUNT + 16,     /* 32 and a sign */
    CONTEXT_EXPECTED = CONTEXT_DELTA + 34,  /* by bit: differs, 0, 1 */
    CONTEXT_MATCH = CONTEXT_EXPECTED + 48,  /* by length and byte: differs, 0, 1 */
    CONTEXT_HASHED = CONTEXT_MATCH + MATCH_LONGEST * 6,

    FLAG_LIMIT = 250, /* how slow a probability may become */
    HALFWORD_LIMIT = 60,
    PRIME_BLOCK = 256, /* bytes; of code */
};

static uint16_t *probabilities(const struct pm_patch_stream *s) {
    return (uint16_t *)(void *)(s->memory + (s->segment_count + s->ram_count) * 8u);
}

/* The last inserted half-words, in a ring. */
static uint16_t *recent(const struct pm_patch_stream *s) {
    return probabilities(s) + CONTEXT_HASHED + s->context_count;
}

static uint32_t recent_mask(const struct pm_patch_stream *s) {
    return s->recent_mask;
}

static uint8_t *counts(const struct pm_patch_stream *s) {
    return (uint8_t *)(recent(s) + recent_mask(s) + 1);
}

static struct pm_patch_segment *segments(const struct pm_patch_stream *s) {
    return (struct pm_patch_segment *)(void *)s->memory;
}

static struct pm_patch_ram *ram(const struct pm_patch_stream *s) {
    return (struct pm_patch_ram *)(void *)(s->memory + s->segment_count * 8u);
}

static uint32_t segment_old(const struct pm_patch_segment *segment) {
    return segment->place[0] >> 10;
}

static uint32_t segment_new(const struct pm_patch_segment *segment) {
    return segment->place[1] >> 10;
}

static uint32_t segment_size(const struct pm_patch_segment *segment) {
    return (segment->place[0] & 0x3ff) << 10 | (segment->place[1] & 0x3ff);
}

/* --- front */

void pm_patch_front_write(const struct pm_patch_front *front, uint8_t out[PM_PATCH_FRONT_BYTES]) {
    pm_put_u32(out, front->body_bytes | front->ram << 24);
    pm_put_u32(out + 4, front->code_end / 2 | front->primes << 24);
    out[8] = (uint8_t)front->segments;
    out[9] = (uint8_t)(front->segments >> 8);
    out[10] = (uint8_t)(front->contexts / PM_PATCH_CONTEXTS_UNIT);
}

bool pm_patch_front_read(const uint8_t bytes[PM_PATCH_FRONT_BYTES], struct pm_patch_front *out) {
    out->body_bytes = pm_get_u32(bytes) & 0xffffff;
    out->ram = bytes[3];
    out->code_end = (pm_get_u32(bytes + 4) & 0xffffff) * 2;
    out->primes = bytes[7];
    out->segments = bytes[8] | (uint32_t)bytes[9] << 8;
    out->contexts = (uint32_t)bytes[10] * PM_PATCH_CONTEXTS_UNIT;
    return out->contexts != 0;
}

/* A power of two. */
static uint32_t recent_count(uint32_t contexts) {
    uint32_t count = 8;
    while (count * 2 <= contexts / RECENT_SHARE)
        count *= 2;
    return count;
}

uint32_t pm_patch_tables_bytes(const struct pm_patch_front *front) {
    uint32_t recent_bytes = recent_count(front->contexts) * 2;
    return (front->segments + front->ram) * 8 + (CONTEXT_HASHED + front->contexts) * 3 +
           recent_bytes;
}

/* --- probabilities */

static void reset_contexts(struct pm_patch_stream *s) {
    uint32_t all = CONTEXT_HASHED + s->context_count;
    for (uint32_t i = 0; i < all; i++)
        probabilities(s)[i] = 0x8000;
    memset(counts(s), 0, all);
}

/* The more is known the less one bit changes. */
static void learn(struct pm_patch_stream *s, uint32_t context, uint32_t bit, uint32_t limit) {
    uint16_t *probability = &probabilities(s)[context];
    uint8_t *count = &counts(s)[context];
    int32_t wanted = bit ? 0xffff : 0;
    int32_t next = *probability + (wanted - *probability) * 2 / (2 * *count + 3);
    *probability = (uint16_t)next;
    if (*count < limit) (*count)++;
}

static uint32_t code_flag(struct pm_patch_stream *s, uint32_t context, uint32_t actual) {
    uint32_t probability = probabilities(s)[context];
    if (probability < 32) probability = 32;
    if (probability > 0x10000 - 32) probability = 0x10000 - 32;
    uint32_t bit = s->bit(s, probability, actual & 1);
    learn(s, context, bit, FLAG_LIMIT);
    return bit;
}

static uint32_t hashed(const struct pm_patch_stream *s, uint32_t a, uint32_t b) {
    uint32_t hash = (a * 0x9e3779b1u + b * 0x85ebca6bu) ^ (a >> 7);
    hash = (hash ^ hash >> 15) * 0x2c1b3c6du;
    return CONTEXT_HASHED + (uint32_t)((uint64_t)hash * s->context_count >> 32);
}

/* How many bits (a tree of `tree` bits), then those below the top one. */
static uint32_t code_number(struct pm_patch_stream *s, uint32_t base, uint32_t tree,
                            uint32_t actual) {
    uint32_t length = 0, node = 1;
    while (actual >> length && length < 31)
        length++;
    for (uint32_t i = tree; i-- > 0;)
        node = node << 1 | code_flag(s, base + node, length >> i);
    length = node - (1u << tree);
    if (length < 2) return length;
    uint32_t value = 1;
    for (uint32_t i = length - 1; i-- > 0;)
        value = value << 1 | s->bit(s, 0x8000, actual >> i & 1);
    return value;
}

static uint32_t code_signed(struct pm_patch_stream *s, uint32_t base, uint32_t actual) {
    uint32_t negative = actual >> 31;
    uint32_t size = code_number(s, base, 5, negative ? ~actual : actual);
    negative = code_flag(s, base + 32, negative);
    return negative ? ~size : size;
}

/* --- half-words: several contexts, mixed in the logistic domain */

static const uint16_t log2_table[17] = {0,   22,  43,  63,  82,  100, 118, 134, 150,
                                        165, 179, 193, 207, 220, 232, 244, 256};

/* 256 * log2(x) for 0 < x < 65536. */
static int32_t log2_of(uint32_t x) {
    uint32_t whole = 0;
    for (uint32_t step = 8; step != 0; step >>= 1)
        if (x >> (whole + step)) whole += step;
    uint32_t fraction = (x << (15 - whole)) & 0x7fff;
    uint32_t low = log2_table[fraction >> 11], high = log2_table[(fraction >> 11) + 1];
    return (int32_t)(whole * 256 + low + ((high - low) * (fraction & 0x7ff) >> 11));
}

/* 256 * ln(p / (1 - p)), p in 1/65536. */
static int32_t stretch(uint32_t p) {
    if (p < 16) p = 16;
    if (p > 65520) p = 65520;
    return (log2_of(p) - log2_of(65536 - p)) * 177 / 256;
}

/* Its inverse, in 1/4096. */
static int32_t squash(int32_t x) {
    static const uint16_t table[33] = {1,    2,    3,    6,    10,   16,   27,   45,   73,
                                       120,  194,  310,  488,  747,  1101, 1546, 2047, 2549,
                                       2994, 3348, 3607, 3785, 3901, 3975, 4024, 4050, 4068,
                                       4079, 4085, 4089, 4092, 4093, 4094};
    if (x > 2047) return 4094;
    if (x < -2047) return 1;
    int32_t fraction = x & 127, place = (x >> 7) + 16;
    return (table[place] * (128 - fraction) + table[place + 1] * fraction + 64) >> 7;
}

static uint32_t code_mixed(struct pm_patch_stream *s, const uint32_t *contexts, uint32_t set,
                           uint32_t actual) {
    int32_t inputs[PM_PATCH_INPUTS], sum = 0;
    int32_t *weights = s->weights[set];
    for (uint32_t i = 0; i < PM_PATCH_INPUTS; i++) {
        inputs[i] = i == PM_PATCH_INPUTS - 1 ? 256 : stretch(probabilities(s)[contexts[i]]);
        sum += inputs[i] * (weights[i] >> 4) / 4096;
    }
    int32_t probability = squash(sum);
    if (probability < 3) probability = 3;
    if (probability > 4093) probability = 4093;
    uint32_t bit = s->bit(s, (uint32_t)probability << 4, actual & 1);
    int32_t miss = (bit ? 4095 : 0) - probability;
    for (uint32_t i = 0; i < PM_PATCH_INPUTS; i++) {
        int32_t weight = weights[i] + inputs[i] * miss / 8192;
        if (weight > -(1 << 20) && weight < 1 << 20) weights[i] = weight;
        if (i != PM_PATCH_INPUTS - 1) learn(s, contexts[i], bit, HALFWORD_LIMIT);
    }
    return bit;
}

/* The longest of the latest places where the same half-words were inserted before: how many (0
 * to MATCH_LONGEST), and what came behind them. */
static uint32_t find_match(const struct pm_patch_stream *s, uint32_t *expected) {
    const uint16_t *ring = recent(s);
    uint32_t mask = recent_mask(s), at = s->recent_at, best = 0;
    uint32_t kept = at < mask + 1 ? at : mask + 1;
    for (uint32_t back = 2; back + MATCH_LONGEST <= kept && best < MATCH_LONGEST; back++) {
        uint32_t length = 0;
        while (length < MATCH_LONGEST &&
               ring[(at - back - length) & mask] == ring[(at - 1 - length) & mask])
            length++;
        if (length > best) best = length, *expected = ring[(at - back + 1) & mask];
    }
    return best;
}

/* `expected` is what the old image says; inserted half-words have none. */
static uint32_t code_halfword(struct pm_patch_stream *s, bool is_copy, uint32_t expected,
                              uint32_t actual) {
    uint32_t match = is_copy ? 0 : find_match(s, &expected), base = CONTEXT_MATCH + match * 6 - 6;
    uint32_t node = 1, equal = is_copy || match != 0;
    uint32_t before = s->previous[0], two = s->previous[1];
    for (uint32_t i = 16; i-- > 0;) {
        uint32_t low = i < 8, shown = equal ? 1 + (expected >> i & 1) : 0;
        uint32_t contexts[PM_PATCH_INPUTS] = {
            is_copy ? CONTEXT_EXPECTED + i * 3 + shown : hashed(s, node, 0x100 + (before >> 8)),
            hashed(s, node, is_copy ? 0x200 : 0x300),
            hashed(s, node, (low ? 0x10000u : 0x20000u) + before * 4),
            is_copy ? hashed(s, node, 0x40000001u + expected * 2)
            : match ? base + low * 3 + shown
                    : hashed(s, node, 0x1000000u + (before >> 9) * 256 + (two >> 9) + 1),
            0,
        };
        uint32_t bit = code_mixed(s, contexts, (is_copy ? 4 : 0) + low * 2 + equal, actual >> i);
        if (equal && bit != (expected >> i & 1)) equal = 0;
        node = node << 1 | bit;
    }
    if (!is_copy) recent(s)[s->recent_at++ & recent_mask(s)] = (uint16_t)node;
    s->previous[1] = before;
    return s->previous[0] = node & 0xffff;
}

/* --- addresses */

/* Where an old offset went: by the last segment that begins at or before it. */
static uint32_t map_offset(const struct pm_patch_stream *s, uint32_t old) {
    const struct pm_patch_segment *table = segments(s);
    uint32_t low = 0, high = s->mapped;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (segment_old(&table[middle]) <= old) low = middle + 1;
        else high = middle;
    }
    if (low == 0) return old;
    return old - segment_old(&table[low - 1]) + segment_new(&table[low - 1]);
}

/* Within the segment and behind its last edit nearer knowledge is at hand. */
static uint32_t map_near(const struct pm_patch_stream *s, uint32_t old, uint32_t distance,
                         uint32_t segment_end) {
    uint32_t moved = old - distance;
    if (old >= s->edited_from && moved < segment_end && old < s->old_bytes) return moved;
    return map_offset(s, old);
}

static uint32_t map_ram(const struct pm_patch_stream *s, uint32_t address) {
    const struct pm_patch_ram *table = ram(s);
    uint32_t delta = 0;
    for (uint32_t i = 0; i < s->ram_read && table[i].address <= address; i++)
        delta = table[i].delta;
    return address + delta;
}

static bool is_ram(const struct pm_patch_stream *s, uint32_t word) {
    return s->ram_read > 1 && word >= ram(s)[0].address && word <= ram(s)[s->ram_read - 1].address;
}

/* A branch's distance and the bits that say which it is: Arm ARM DDI 0403E, A7.7.12 (B), A7.7.18
 * (BL). Bits are the first half-word in 31..16, the second in 15..0. */
static bool is_conditional(uint32_t bits) {
    return (bits & 0xd000) == 0x8000;
}

static uint32_t long_get(uint32_t bits) {
    uint32_t sign = bits >> 26 & 1, j1 = bits >> 13 & 1, j2 = bits >> 11 & 1;
    uint32_t low = (bits & 0x7ff) << 1;
    if (is_conditional(bits)) {
        uint32_t offset = sign << 20 | j2 << 19 | j1 << 18 | (bits >> 16 & 0x3f) << 12 | low;
        return sign ? offset | 0xffe00000 : offset;
    }
    uint32_t offset = sign << 24 | (j1 ^ sign ^ 1) << 23 | (j2 ^ sign ^ 1) << 22 |
                      (bits >> 16 & 0x3ff) << 12 | low;
    return sign ? offset | 0xfe000000 : offset;
}

static uint32_t long_put(uint32_t bits, uint32_t offset) {
    uint32_t sign = offset >> 31, low = offset >> 1 & 0x7ff;
    if (is_conditional(bits))
        return (bits & 0xfbc0d000) | sign << 26 | (offset >> 12 & 0x3f) << 16 |
               (offset >> 18 & 1) << 13 | (offset >> 19 & 1) << 11 | low;
    return (bits & 0xf800d000) | sign << 26 | (offset >> 12 & 0x3ff) << 16 |
           ((offset >> 23 & 1) ^ sign ^ 1) << 13 | ((offset >> 22 & 1) ^ sign ^ 1) << 11 | low;
}

static uint32_t short_get(uint32_t bits) {
    if ((bits & 0xf800) == 0xe000) /* B */
        return (bits & 0x400 ? 0xfffff800u : 0) | (bits & 0x7ff) << 1;
    if ((bits & 0xf000) == 0xd000) /* B<c> */
        return (bits & 0x80 ? 0xffffff00u : 0) | (bits & 0xff) << 1;
    return (bits >> 9 & 1) << 6 | (bits >> 3 & 0x1f) << 1; /* CBZ, CBNZ */
}

static uint32_t short_put(uint32_t bits, uint32_t offset) {
    if ((bits & 0xf800) == 0xe000) return (bits & 0xf800) | (offset >> 1 & 0x7ff);
    if ((bits & 0xf000) == 0xd000) return (bits & 0xff00) | (offset >> 1 & 0xff);
    return (bits & 0xfd07) | (offset >> 6 & 1) << 9 | (offset >> 1 & 0x1f) << 3;
}

/* LDR.W and VLDR count up or down (bit 23 of the instruction), in bytes or words. */
static uint32_t wide_get(uint32_t bits) {
    uint32_t size = (bits >> 24 & 0xff) == 0xed ? (bits & 0xff) << 2 : bits & 0xfff;
    return bits >> 23 & 1 ? size : 0u - size;
}

static uint32_t wide_put(uint32_t bits, uint32_t offset) {
    uint32_t up = ~offset >> 31, size = up ? offset : 0u - offset;
    bits = (bits & ~(1u << 23)) | up << 23;
    if ((bits >> 24 & 0xff) == 0xed) return (bits & ~0xffu) | (size >> 2 & 0xff);
    return (bits & ~0xfffu) | (size & 0xfff);
}

static uint32_t offset_get(uint32_t kind, uint32_t bits) {
    switch (kind) {
    case PM_PATCH_SHORT:
        return short_get(bits) + 4;
    case PM_PATCH_LITERAL:
        return ((bits & 0xff) << 2) + 4;
    case PM_PATCH_LONG:
        return long_get(bits) + 4;
    default:
        return wide_get(bits) + 4;
    }
}

static uint32_t offset_put(uint32_t kind, uint32_t bits, uint32_t offset) {
    switch (kind) {
    case PM_PATCH_SHORT:
        return short_put(bits, offset - 4);
    case PM_PATCH_LITERAL:
        return (bits & 0xff00) | ((offset - 4) >> 2 & 0xff);
    case PM_PATCH_LONG:
        return long_put(bits, offset - 4);
    default:
        return wide_put(bits, offset - 4);
    }
}

/* Units lie in flash as half-words, the first in front; `bits` has an instruction's first one on
 * top and a word as it is. */
static uint32_t bits_of(uint32_t kind, uint32_t little_endian) {
    if (kind == PM_PATCH_LONG || kind == PM_PATCH_WIDE)
        return little_endian << 16 | little_endian >> 16;
    return little_endian;
}

static bool is_relative(uint32_t kind) {
    return kind >= PM_PATCH_SHORT && kind <= PM_PATCH_WIDE;
}

bool pm_patch_value(const struct pm_patch_unit *unit, uint32_t little_endian, uint32_t *value) {
    *value = little_endian;
    if (!is_relative(unit->kind)) return true;
    uint32_t bits = bits_of(unit->kind, little_endian);
    *value = unit->place + offset_get(unit->kind, bits);
    uint32_t same = bits_of(unit->kind, unit->predicted);
    return offset_put(unit->kind, bits, 0) == offset_put(unit->kind, same, 0) &&
           offset_put(unit->kind, bits, *value - unit->place) == bits;
}

static uint32_t with_value(const struct pm_patch_unit *unit, uint32_t value) {
    if (!is_relative(unit->kind)) return value;
    uint32_t bits = bits_of(unit->kind, unit->predicted);
    return bits_of(unit->kind, offset_put(unit->kind, bits, value - unit->place));
}

/* --- prediction */

static uint32_t old_byte(struct pm_patch_stream *s, uint32_t offset) {
    if (offset >= s->old_bytes) return 0;
    uint32_t first = offset & ~(uint32_t)(PM_PATCH_WINDOW - 1);
    if (s->window_at != first) {
        uint32_t size = s->old_bytes - first;
        if (size > PM_PATCH_WINDOW) size = PM_PATCH_WINDOW;
        if (!s->read_old(s, first, s->window, size)) s->failed = 1;
        s->window_at = first;
    }
    return s->window[offset - first];
}

static uint32_t old_halfword(struct pm_patch_stream *s, uint32_t offset) {
    return old_byte(s, offset) | old_byte(s, offset + 1) << 8;
}

static bool word_kind(const struct pm_patch_stream *s, uint32_t word, uint32_t *kind) {
    *kind = PM_PATCH_RAM;
    if (is_ram(s, word)) return true;
    *kind = PM_PATCH_FLASH;
    return word - s->old_address <= s->old_bytes && word != 0;
}

/* What the half-word at the old place begins; `next` is the one behind it. */
static uint32_t instruction_kind(uint32_t first, uint32_t next) {
    uint32_t top = first >> 11;
    if (top == 0x1e && (next & 0xc000) == 0x8000) /* B<c>.W has conditions below 14 */
        return (next & 0x1000) || (first >> 6 & 0xf) < 14 ? PM_PATCH_LONG : PM_PATCH_PLAIN;
    if (top == 0x1e && (next & 0xd000) == 0xd000) return PM_PATCH_LONG;
    if ((first & 0xff7f) == 0xf85f || (first & 0xff3f) == 0xed1f) return PM_PATCH_WIDE;
    if (top == 0x09 || top == 0x14) return PM_PATCH_LITERAL;
    if (top == 0x1c || ((first >> 12) == 0xd && (first >> 8 & 0xf) < 14) ||
        (first & 0xf500) == 0xb100)
        return PM_PATCH_SHORT;
    return PM_PATCH_PLAIN;
}

static void predict_relative(struct pm_patch_stream *s, uint32_t at, uint32_t distance,
                             uint32_t segment_end, struct pm_patch_unit *out) {
    uint32_t aligned = out->kind == PM_PATCH_LITERAL || out->kind == PM_PATCH_WIDE ? ~3u : ~0u;
    uint32_t bits = bits_of(out->kind, out->raw);
    uint32_t target = ((at + distance) & aligned) + offset_get(out->kind, bits);
    out->place = at & aligned;
    uint32_t moved = map_near(s, target, distance, segment_end);
    uint32_t predicted = offset_put(out->kind, bits, moved - out->place);
    if (target >= s->old_bytes || out->place + offset_get(out->kind, predicted) != moved)
        predicted = bits; /* it is no such instruction, or leads out of the image */
    out->predicted = bits_of(out->kind, predicted);
    out->value = out->place + offset_get(out->kind, predicted);
}

static void predict_word(struct pm_patch_stream *s, struct pm_patch_unit *out) {
    uint32_t odd = out->raw & 1;
    if (out->kind == PM_PATCH_FLASH) out->choice = out->choice * 4 + odd + (out->raw >> 16 ? 0 : 2);
    else out->choice += 12;
    if (out->kind == PM_PATCH_RAM) out->predicted = map_ram(s, out->raw);
    else out->predicted = map_offset(s, out->raw - odd - s->old_address) + odd + s->new_address;
    out->value = out->predicted;
    if (s->choices[out->choice] < 4) out->predicted = out->raw;
}

static uint32_t pool_bit(uint32_t old) {
    return 1u << (old >> 2 & 31);
}

static uint32_t *pool_word(struct pm_patch_stream *s, uint32_t old) {
    return &s->pools[old / 128 % (PM_PATCH_POOLS / 32)];
}

void pm_patch_note(struct pm_patch_stream *s, const struct pm_patch_unit *unit, uint32_t old) {
    s->second = unit->kind == PM_PATCH_PLAIN && unit->raw >= 0xe800;
    if ((old & 2) != 0 || unit->size == 4) *pool_word(s, old) &= ~pool_bit(old);
    if (unit->kind != PM_PATCH_LITERAL && unit->kind != PM_PATCH_WIDE) return;
    if (unit->raw >> 12 == 0xa) return; /* ADR */
    uint32_t pool = (old & ~3u) + offset_get(unit->kind, bits_of(unit->kind, unit->raw));
    if (pool - old < PM_PATCH_POOLS * 4) *pool_word(s, pool) |= pool_bit(pool);
}

void pm_patch_predict(struct pm_patch_stream *s, uint32_t at, uint32_t distance,
                      uint32_t segment_end, uint32_t second, struct pm_patch_unit *out) {
    uint32_t old = at + distance, left = segment_end - at;
    out->size = left < 2 || (at & 1) ? 1 : 2;
    out->kind = out->size == 1 || (old & 1) ? PM_PATCH_DATA : PM_PATCH_PLAIN;
    out->raw = out->size == 1 ? old_byte(s, old) : old_halfword(s, old);
    out->predicted = out->raw;
    if (out->kind == PM_PATCH_DATA) return;
    uint32_t is_pool = (*pool_word(s, old) & pool_bit(old)) != 0;
    if (second && !is_pool) {
        out->kind = PM_PATCH_SECOND;
        return;
    }
    uint32_t kind = PM_PATCH_PLAIN, next = left < 4 ? 0 : old_halfword(s, old + 2);
    uint32_t word = out->raw | next << 16;
    if (left >= 4 && ((old | at) & 3) == 0 && word_kind(s, word, &kind)) {
        *out = (struct pm_patch_unit){.kind = kind, .size = 4, .raw = word};
        out->choice = old >= s->code_end ? 2 : is_pool;
        predict_word(s, out);
        return;
    }
    out->kind = PM_PATCH_DATA;
    if (is_pool || old >= s->code_end) return;
    out->kind = kind = instruction_kind(out->raw, next);
    if (kind == PM_PATCH_PLAIN) return;
    if (kind >= PM_PATCH_LONG) {
        if (left < 4) {
            out->kind = PM_PATCH_PLAIN;
            return;
        }
        out->raw = word, out->size = 4;
    }
    predict_relative(s, at, distance, segment_end, out);
}

/* --- steps */

static uint32_t ask(struct pm_patch_stream *s, enum pm_patch_question question) {
    return s->ask ? s->ask(s, question) : 0;
}

static void put(struct pm_patch_stream *s, uint32_t bytes, uint32_t size) {
    uint8_t word[4];
    pm_put_u32(word, bytes);
    memcpy(s->piece + s->piece_bytes, word, size);
    s->piece_bytes += size;
    s->at += size;
}

/* One segment of the map, kept in the order of the old image. */
static bool step_map(struct pm_patch_stream *s) {
    uint32_t base = CONTEXT_MAP;
    uint32_t gap = code_number(s, base, 5, ask(s, PM_PATCH_ASK_GAP));
    uint32_t size = code_number(s, base + 32, 5, ask(s, PM_PATCH_ASK_SIZE));
    s->distance += code_signed(s, base + 64, ask(s, PM_PATCH_ASK_MOVE));
    if (gap > s->new_bytes - s->at) return false;
    uint32_t at = s->at + gap, old = at + s->distance;
    if (size == 0 || size > PM_PATCH_SEGMENT_LIMIT || size > s->new_bytes - at) return false;
    if (old >= s->old_bytes) return false;
    bool mapped = code_flag(s, base + 97, ask(s, PM_PATCH_ASK_MAPPED));
    struct pm_patch_segment *table = segments(s);
    uint32_t place = s->segments_read++;
    if (mapped) {
        table[place] = table[s->mapped];
        place = s->mapped++;
    }
    for (; mapped && place > 0 && segment_old(&table[place - 1]) > old; place--)
        table[place] = table[place - 1];
    table[place] = (struct pm_patch_segment){{old << 10 | size >> 10, at << 10 | (size & 0x3ff)}};
    s->at = at + size;
    return true;
}

static bool step_ram(struct pm_patch_stream *s) {
    uint32_t base = CONTEXT_MAP + 32;
    uint32_t last = s->ram_read ? ram(s)[s->ram_read - 1].address : 0;
    uint32_t gap = code_number(s, base - 32, 5, ask(s, PM_PATCH_ASK_RAM_ADDRESS));
    if (gap > ~last) return false;
    uint32_t delta = code_signed(s, base, ask(s, PM_PATCH_ASK_RAM_DELTA));
    ram(s)[s->ram_read++] = (struct pm_patch_ram){last + gap, delta};
    return true;
}

/* In place of a patch's bytes: the bit is known. */
static uint32_t known_bit(struct pm_patch_stream *s, uint32_t probability, uint32_t actual) {
    (void)s, (void)probability;
    return actual;
}

/* A call in inserted code is told by its target: the caller's place does not matter then. Its
 * first half-word is coded as this one. */
enum { CALL = 0xf000 };

static bool is_call(uint32_t first, uint32_t next) {
    return first >> 11 == 0x1e && (next & 0xd000) == 0xd000;
}

/* Half-words of the old image, from places all over it, teach the contexts of inserted ones. */
static bool step_prime(struct pm_patch_stream *s) {
    uint32_t (*bit)(struct pm_patch_stream *, uint32_t, uint32_t) = s->bit;
    uint32_t blocks = s->code_end / PRIME_BLOCK;
    if (s->prime_count > blocks) return false;
    uint32_t from = blocks / s->prime_count * s->primes_done * PRIME_BLOCK;
    s->bit = known_bit;
    for (uint32_t i = 0; i < PRIME_BLOCK; i += 2) {
        uint32_t first = old_halfword(s, from + i);
        bool call = is_call(first, old_halfword(s, from + i + 2));
        (void)code_halfword(s, false, 0, call ? CALL : first);
        i += call ? 2 : 0;
    }
    s->bit = bit;
    s->primes_done++;
    return !s->failed;
}

/* The first segment of the new image at or behind `at`. */
static void find_next_segment(struct pm_patch_stream *s) {
    s->next_segment = s->new_bytes;
    s->pending = 1;
    for (uint32_t i = 0; i < s->segment_count; i++) {
        const struct pm_patch_segment *segment = &segments(s)[i];
        uint32_t begin = segment_new(segment);
        if (begin < s->at || begin >= s->next_segment) continue;
        s->next_segment = begin;
        s->unit.place = i;
    }
}

static void enter_segment(struct pm_patch_stream *s) {
    const struct pm_patch_segment *segment = &segments(s)[s->unit.place];
    s->distance = segment_old(segment) - s->at;
    s->segment_end = s->at + segment_size(segment);
    s->edited_from = segment_old(segment);
    s->chunk_end = s->at;
    s->second = 0;
}

static uint32_t cache_class(uint32_t kind) {
    if (kind < PM_PATCH_SHORT) return CLASS_BITS;
    if (kind < PM_PATCH_LONG || kind == PM_PATCH_WIDE) return CLASS_SHORT;
    return kind == PM_PATCH_LONG ? CLASS_LONG : CLASS_WORD;
}

/* One of the corrections that were made last; the one used goes to the front. */
static bool code_cached(struct pm_patch_stream *s, uint32_t class, uint32_t wanted,
                        uint32_t *delta) {
    uint32_t *cache = s->cache[class], found = PM_PATCH_CACHED;
    for (uint32_t i = PM_PATCH_CACHED; i-- > 0;)
        if (cache[i] == wanted) found = i;
    if (!code_flag(s, CONTEXT_CACHED + class, found < PM_PATCH_CACHED)) return false;
    uint32_t place = 0;
    while (place < PM_PATCH_CACHED - 1 &&
           code_flag(s, CONTEXT_WHICH + class * (PM_PATCH_CACHED - 1) + place, found > place))
        place++;
    *delta = cache[place];
    for (; place > 0; place--)
        cache[place] = cache[place - 1];
    cache[0] = *delta;
    return true;
}

static void remember(struct pm_patch_stream *s, uint32_t class, uint32_t delta) {
    uint32_t *cache = s->cache[class];
    memmove(cache + 1, cache, (PM_PATCH_CACHED - 1) * sizeof *cache);
    cache[0] = delta;
}

static uint32_t code_target(struct pm_patch_stream *s, uint32_t actual) {
    uint32_t target = 0, length = 0;
    if (code_cached(s, CLASS_TARGET, actual, &target)) return target;
    while (s->new_bytes >> length > 1)
        length++;
    for (uint32_t i = length; i-- > 0;)
        target = target << 1 | s->bit(s, 0x8000, actual >> (i + 1) & 1);
    remember(s, CLASS_TARGET, target * 2);
    return target * 2;
}

static void insert_call(struct pm_patch_stream *s, uint32_t target) {
    uint32_t bits = long_put(0xf000d000, target - s->at - 4);
    put(s, bits << 16 | bits >> 16, 4);
}

static void step_insert(struct pm_patch_stream *s, uint32_t end) {
    uint32_t actual = ask(s, PM_PATCH_ASK_VALUE), first = actual & 0xffff, left = end - s->at;
    if (left < 2 || (s->at & 1)) {
        uint32_t value = code_halfword(s, false, 0, (actual & 0xff) << 8 | s->previous[0] >> 8);
        put(s, value >> 8, 1);
        return;
    }
    uint32_t target = s->at + 4 + long_get(first << 16 | actual >> 16);
    bool call = left >= 4 && is_call(first, actual >> 16) && target < s->new_bytes;
    first = code_halfword(s, false, 0, call ? CALL : first);
    if (first == CALL && left >= 4 && code_flag(s, CONTEXT_CALL, call))
        insert_call(s, code_target(s, target));
    else put(s, first, 2);
}

static uint32_t code_halves(struct pm_patch_stream *s, uint32_t actual) {
    const struct pm_patch_unit *unit = &s->unit;
    uint32_t value = code_halfword(s, true, unit->predicted & 0xffff, actual & 0xffff);
    if (unit->size == 4) value |= code_halfword(s, true, unit->predicted >> 16, actual >> 16) << 16;
    return unit->size == 1 ? value & 0xff : value;
}

/* The unit is not as predicted. */
static uint32_t code_correction(struct pm_patch_stream *s, uint32_t actual) {
    const struct pm_patch_unit *unit = &s->unit;
    uint32_t class = cache_class(unit->kind), delta = 0, value = 0;
    if (class == 0) {
        if (code_cached(s, 0, (actual - unit->predicted) & 0xffff, &delta))
            return (unit->predicted + delta) & 0xffff;
        value = code_halves(s, actual);
        remember(s, 0, (value - unit->predicted) & 0xffff);
        return value;
    }
    uint32_t other = unit->predicted == unit->raw ? with_value(unit, unit->value) : unit->raw;
    if (other != unit->predicted && code_flag(s, CONTEXT_RAW + unit->kind, actual == other))
        return other;
    bool same_form = pm_patch_value(unit, actual, &value);
    if (!code_flag(s, CONTEXT_FORM + class, same_form)) return code_halves(s, actual);
    if (!code_cached(s, class, value - unit->value, &delta)) {
        delta = code_signed(s, CONTEXT_DELTA, value - unit->value);
        remember(s, class, delta);
    }
    return with_value(unit, unit->value + delta);
}

/* Bytes are inserted or old ones skipped, and the two images are another distance apart. */
static bool code_edit(struct pm_patch_stream *s, uint32_t edit) {
    uint32_t skip = code_flag(s, CONTEXT_EDIT + PM_PATCH_KINDS, edit == 2);
    uint32_t size = ask(s, PM_PATCH_ASK_COUNT);
    if (skip) {
        size = code_signed(s, CONTEXT_DELTA, size);
        s->distance += size;
        s->inserting = 0;
    } else {
        size = 2 * code_number(s, CONTEXT_COUNT, 4, size / 2);
        if (size == 0 || size >= s->segment_end - s->at) return false;
        s->distance -= size;
        s->inserting = size;
    }
    s->edited_from = s->at + s->inserting + s->distance;
    s->chunk_end = s->at;
    s->second = 0;
    return true;
}

/* The word is seen to be an address, or a number. */
static void learn_choice(struct pm_patch_stream *s, uint32_t bits) {
    const struct pm_patch_unit *unit = &s->unit;
    if ((unit->kind != PM_PATCH_FLASH && unit->kind != PM_PATCH_RAM) || unit->raw == unit->value)
        return;
    uint8_t *choice = &s->choices[unit->choice];
    if (bits == unit->value && *choice < 7) ++*choice;
    if (bits == unit->raw && *choice > 0) --*choice;
}

static void advance(struct pm_patch_stream *s, uint32_t bits) {
    const struct pm_patch_unit *unit = &s->unit;
    pm_patch_note(s, unit, s->at + s->distance);
    if (unit->size > 1) {
        s->previous[1] = unit->size == 4 ? bits & 0xffff : s->previous[0];
        s->previous[0] = unit->size == 4 ? bits >> 16 : bits;
    }
    put(s, bits, unit->size);
}

static bool step_copy(struct pm_patch_stream *s) {
    if (s->at >= s->chunk_end) {
        uint32_t left = s->segment_end - s->at;
        s->chunk_end = s->at + (left < PM_PATCH_PIECE ? left : PM_PATCH_PIECE);
        s->exact = code_flag(s, CONTEXT_EXACT + s->exact_history, ask(s, PM_PATCH_ASK_EXACT));
        s->exact_history = (uint8_t)(((uint32_t)s->exact_history << 1 | s->exact) & 3);
    }
    pm_patch_predict(s, s->at, s->distance, s->segment_end, s->second, &s->unit);
    if (s->failed) return false;
    if (s->exact) {
        advance(s, s->unit.predicted);
        return true;
    }
    uint32_t actual = ask(s, PM_PATCH_ASK_VALUE), edit = ask(s, PM_PATCH_ASK_EDIT);
    if (s->unit.size < 4) actual &= s->unit.size == 1 ? 0xff : 0xffff;
    bool is_word = s->unit.kind == PM_PATCH_FLASH || s->unit.kind == PM_PATCH_RAM;
    uint32_t hit = code_flag(
        s, is_word ? CONTEXT_WORD + s->unit.choice : CONTEXT_HIT + s->unit.kind * 4 + s->history,
        !edit && actual == s->unit.predicted);
    s->history = (uint8_t)(((uint32_t)s->history << 1 | hit) & 3);
    if (hit) {
        learn_choice(s, s->unit.predicted);
        advance(s, s->unit.predicted);
        return true;
    }
    if (code_flag(s, CONTEXT_EDIT + s->unit.kind, edit != 0)) return code_edit(s, edit);
    uint32_t bits = code_correction(s, actual);
    learn_choice(s, bits);
    advance(s, bits);
    return true;
}

static bool step_body(struct pm_patch_stream *s) {
    if (s->inserting != 0) {
        uint32_t before = s->at;
        step_insert(s, s->at + s->inserting);
        s->inserting -= s->at - before;
        return true;
    }
    if (s->at < s->segment_end) return step_copy(s);
    if (!s->pending) find_next_segment(s);
    if (s->at < s->next_segment) {
        step_insert(s, s->next_segment);
        return true;
    }
    s->pending = 0;
    enter_segment(s);
    return true;
}

bool pm_patch_stream_is_done(const struct pm_patch_stream *s) {
    return s->state == 3 && s->at == s->new_bytes;
}

static void start_body(struct pm_patch_stream *s) {
    reset_contexts(s);
    s->at = 0;
    s->distance = 0;
    s->state = 2;
}

bool pm_patch_stream_step(struct pm_patch_stream *s) {
    switch (s->state) {
    case 0:
        if (s->segments_read < s->segment_count) return step_map(s);
        s->state = 1;
        return true;
    case 1:
        if (s->ram_read < s->ram_count) return step_ram(s);
        start_body(s);
        return true;
    case 2:
        if (s->primes_done < s->prime_count) return step_prime(s);
        s->state = 3;
        return true;
    default:
        return s->at < s->new_bytes && step_body(s);
    }
}

void pm_patch_stream_start(struct pm_patch_stream *s, const struct pm_patch_header *header,
                           const struct pm_patch_front *front, uint8_t *memory) {
    memset(s, 0, sizeof *s);
    s->memory = memory;
    s->old_address = header->old_address, s->old_bytes = header->old_bytes;
    s->new_address = header->new_address, s->new_bytes = header->new_bytes;
    s->segment_count = (uint16_t)front->segments;
    s->ram_count = (uint16_t)front->ram;
    s->prime_count = (uint16_t)front->primes;
    s->context_count = (uint16_t)front->contexts;
    s->recent_mask = (uint16_t)(recent_count(front->contexts) - 1);
    s->code_end = front->code_end;
    s->window_at = ~(uint32_t)0;
    memset(s->choices, 5, sizeof s->choices);
    memset(s->choices, 0, 4); /* in code, and not loaded by it: instructions */
    for (uint32_t set = 0; set < PM_PATCH_SETS; set++)
        for (uint32_t i = 0; i < PM_PATCH_INPUTS - 1; i++)
            s->weights[set][i] = 22000;
    reset_contexts(s);
}
