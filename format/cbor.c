/* See cbor.h. */
#include "format/cbor.h"

#include <string.h>

/* An array, map or tag whose inside is being walked. */
struct level {
    uint32_t items_left;
    bool map;
    const uint8_t *key; /* the last one seen, encoded; NULL before the first */
};

void pm_cbor_fail(struct pm_cbor *in) {
    in->failed = true;
    in->at = in->end;
}

/* A head in its shortest form; the value of one that is not is 0, and `in` failed. */
static uint64_t take_head(struct pm_cbor *in, enum pm_cbor_major *major) {
    *major = PM_CBOR_END;
    if (in->at == in->end) goto refuse;
    unsigned first = *in->at++, info = first & 31;
    *major = (enum pm_cbor_major)(first >> 5);
    if (*major == PM_CBOR_SIMPLE && (info < PM_CBOR_FALSE || info > PM_CBOR_NULL)) goto refuse;
    if (info < 24) return info;
    if (info > 27) goto refuse;
    size_t size_bytes = (size_t)1 << (info - 24);
    if ((size_t)(in->end - in->at) < size_bytes) goto refuse;
    uint64_t value = 0;
    unsigned high = 0; /* the half that a shorter form would not have */
    for (size_t i = 0; i < size_bytes; i++) {
        if (i < size_bytes / 2) high |= in->at[i];
        value = value << 8 | in->at[i];
    }
    if (size_bytes == 1 ? value < 24 : high == 0) goto refuse;
    in->at += size_bytes;
    return value;
refuse:
    pm_cbor_fail(in);
    return 0;
}

/* A key from `start` to in->at is an integer or a string and stands behind the one before it. No
 * encoding is the beginning of another, so they differ within the shorter one; the longer one's
 * bytes are there for both, since the earlier one starts earlier. */
static bool is_next_key(const struct pm_cbor *in, const struct level *level, const uint8_t *start,
                        enum pm_cbor_major major) {
    return major <= PM_CBOR_TEXT &&
           (!level->key || memcmp(level->key, start, (size_t)(in->at - start)) < 0);
}

/* One item of `level`; returns whether it opens a level of its own, which is the one behind. */
static bool walk_item(struct pm_cbor *in, struct level *level) {
    const uint8_t *start = in->at;
    enum pm_cbor_major major;
    uint64_t value = take_head(in, &major);
    if (major == PM_CBOR_TAG) value = 1;
    /* Each byte of a string and each item of the others is a byte at least: more is a lie. */
    bool string = major == PM_CBOR_BYTES || major == PM_CBOR_TEXT;
    bool opens = major >= PM_CBOR_ARRAY && major <= PM_CBOR_TAG;
    if ((string || opens) && value > (size_t)(in->end - in->at)) {
        pm_cbor_fail(in);
        return false;
    }
    if (string) in->at += (size_t)value;
    if (level->map && level->items_left % 2 == 0) {
        if (!is_next_key(in, level, start, major)) pm_cbor_fail(in);
        level->key = start;
    }
    level->items_left--;
    level[1].map = major == PM_CBOR_MAP;
    level[1].items_left = (uint32_t)value << level[1].map;
    level[1].key = NULL;
    return opens;
}

void pm_cbor_skip(struct pm_cbor *in) {
    struct level levels[PM_CBOR_DEPTH + 2], *level = levels;
    *level = (struct level){1, false, NULL};
    while (!in->failed) {
        if (level->items_left == 0) {
            if (level-- == levels) break;
        } else if (walk_item(in, level) && ++level == levels + PM_CBOR_DEPTH + 1) {
            pm_cbor_fail(in);
        }
    }
}

void pm_cbor_open(struct pm_cbor *in, struct pm_bytes bytes) {
    /* NULL must not be moved, not even by nothing. */
    static const uint8_t nothing;
    const uint8_t *start = bytes.size_bytes > 0 ? bytes.data : &nothing;
    *in = (struct pm_cbor){start, start + bytes.size_bytes, false};
    pm_cbor_skip(in);
    if (in->at != in->end) pm_cbor_fail(in);
    if (!in->failed) in->at = start;
}

enum pm_cbor_major pm_cbor_peek(const struct pm_cbor *in) {
    return in->at == in->end ? PM_CBOR_END : (enum pm_cbor_major)(*in->at >> 5);
}

uint64_t pm_cbor_take(struct pm_cbor *in, enum pm_cbor_major major) {
    enum pm_cbor_major found;
    uint64_t value = take_head(in, &found);
    if (found == major) return value;
    pm_cbor_fail(in);
    return 0;
}

uint32_t pm_cbor_take_u32(struct pm_cbor *in, enum pm_cbor_major major, uint32_t maximum) {
    uint64_t value = pm_cbor_take(in, major);
    if (value <= maximum) return (uint32_t)value;
    pm_cbor_fail(in);
    return 0;
}

void pm_cbor_expect(struct pm_cbor *in, enum pm_cbor_major major, uint32_t value) {
    if (pm_cbor_take_u32(in, major, value) != value) pm_cbor_fail(in);
}

int32_t pm_cbor_take_int(struct pm_cbor *in) {
    enum pm_cbor_major major;
    uint64_t value = take_head(in, &major);
    if (major <= PM_CBOR_NINT && value <= INT32_MAX)
        return major == PM_CBOR_UINT ? (int32_t)value : -1 - (int32_t)value;
    pm_cbor_fail(in);
    return 0;
}

/* The bytes of a string whose head was taken. */
static void take_content(struct pm_cbor *in, uint64_t size_bytes, struct pm_bytes *out) {
    if (size_bytes > (size_t)(in->end - in->at)) {
        pm_cbor_fail(in);
        size_bytes = 0;
    }
    *out = (struct pm_bytes){in->at, (size_t)size_bytes};
    in->at += (size_t)size_bytes;
}

void pm_cbor_take_bytes(struct pm_cbor *in, struct pm_bytes *out) {
    uint64_t size_bytes = pm_cbor_take(in, PM_CBOR_BYTES);
    take_content(in, size_bytes, out);
}

void pm_cbor_unwrap(struct pm_cbor *in, struct pm_cbor *inner) {
    struct pm_bytes bytes;
    pm_cbor_take_bytes(in, &bytes);
    pm_cbor_open(inner, bytes);
}

const uint8_t *pm_cbor_take_exactly(struct pm_cbor *in, size_t size_bytes) {
    struct pm_bytes bytes;
    pm_cbor_take_bytes(in, &bytes);
    if (bytes.size_bytes == size_bytes && !in->failed) return bytes.data;
    pm_cbor_fail(in);
    return NULL;
}

void pm_cbor_take_path(struct pm_cbor *in, struct pm_bytes *out) {
    uint64_t size_bytes = pm_cbor_take(in, PM_CBOR_TEXT);
    take_content(in, size_bytes, out);
    if (out->size_bytes == 0 || out->size_bytes > 255) pm_cbor_fail(in);
    for (size_t i = 0; i < out->size_bytes; i++)
        if (out->data[i] <= ' ' || out->data[i] > '~') pm_cbor_fail(in);
    if (in->failed) out->size_bytes = 0;
}

bool pm_cbor_done(const struct pm_cbor *in) {
    return !in->failed && in->at == in->end;
}

size_t pm_cbor_put_head(uint8_t out[PM_CBOR_HEAD_MAXIMUM], enum pm_cbor_major major,
                        uint64_t value) {
    unsigned kind = (unsigned)major << 5;
    if (value < 24) {
        out[0] = (uint8_t)(kind | (unsigned)value);
        return 1;
    }
    unsigned power = 0; /* 2^power bytes follow the first */
    while (power < 3 && value >> (8u << power) != 0)
        power++;
    out[0] = (uint8_t)(kind | (24 + power));
    size_t size_bytes = (size_t)1 << power;
    for (size_t i = size_bytes; i > 0; i--) {
        out[i] = (uint8_t)value;
        value >>= 8;
    }
    return 1 + size_bytes;
}
