/* See note.h. */
#include "format/note.h"

#include <string.h>

#include "format/base64.h"
#include "format/lines.h"

#define SIGNATURE_PREFIX "\xe2\x80\x94 " /* U+2014, space */

enum { ED25519_LINE_BYTES = 4 + PM_NOTE_ED25519_BYTES, SIGNATURE_TYPE_ED25519 = 0x01 };

/* The code point at the front of `text` (not empty) and its length: the well-formed
 * sequences of Unicode's table 3-7, so neither overlong forms nor surrogates. */
static bool utf8_decode(struct pm_bytes text, uint32_t *point, size_t *length) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t lead = text.data[0];
    size_t bytes = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (bytes == 0 || lead > 0xf4 || bytes > text.size_bytes) return false;
    uint32_t value = bytes == 1 ? lead : lead & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((text.data[i] & 0xc0) != 0x80) return false;
        value = value << 6 | (text.data[i] & 0x3f);
    }
    if (value < least[bytes] || value > 0x10ffff) return false;
    if (value >= 0xd800 && value <= 0xdfff) return false;
    *point = value;
    *length = bytes;
    return true;
}

/* Unicode's White_Space. */
static bool is_space(uint32_t point) {
    return (point >= 0x09 && point <= 0x0d) || point == 0x20 || point == 0x85 || point == 0xa0 ||
           point == 0x1680 || (point >= 0x2000 && point <= 0x200a) || point == 0x2028 ||
           point == 0x2029 || point == 0x202f || point == 0x205f || point == 0x3000;
}

static bool text_valid(struct pm_bytes text) {
    while (text.size_bytes > 0) {
        uint32_t point;
        size_t length;
        if (!utf8_decode(text, &point, &length)) return false;
        if (point < 0x20 && point != '\n') return false;
        text.data += length;
        text.size_bytes -= length;
    }
    return true;
}

bool pm_note_name_valid(struct pm_bytes name) {
    if (name.size_bytes == 0 || name.size_bytes > PM_NOTE_NAME_MAXIMUM) return false;
    while (name.size_bytes > 0) {
        uint32_t point;
        size_t length;
        if (!utf8_decode(name, &point, &length)) return false;
        if (point < 0x20 || point == '+' || is_space(point)) return false;
        name.data += length;
        name.size_bytes -= length;
    }
    return true;
}

static bool read_signature(struct pm_bytes line, struct pm_note_signature *out) {
    uint8_t decoded[ED25519_LINE_BYTES];
    size_t size, length = 0;
    if (!pm_lines_skip(&line, SIGNATURE_PREFIX)) return false;
    while (length < line.size_bytes && line.data[length] != ' ') {
        length++;
    }
    if (length == line.size_bytes) return false;
    out->name = (struct pm_bytes){line.data, length};
    if (!pm_note_name_valid(out->name)) return false;
    struct pm_bytes text = {line.data + length + 1, line.size_bytes - length - 1};
    if (!pm_base64_decode(text, NULL, 0, &size) || size < 5) return false;
    out->signature_size_bytes = size - 4;
    memset(out->signature, 0, sizeof out->signature);
    if (size == ED25519_LINE_BYTES) {
        if (!pm_base64_decode(text, decoded, sizeof decoded, &size)) return false;
        memcpy(out->signature, decoded + 4, PM_NOTE_ED25519_BYTES);
    } else {
        struct pm_bytes beginning = {text.data, 8}; /* five bytes take eight characters */
        if (!pm_base64_decode(beginning, decoded, sizeof decoded, &size)) return false;
    }
    out->key_id = (uint32_t)decoded[0] << 24 | (uint32_t)decoded[1] << 16 |
                  (uint32_t)decoded[2] << 8 | decoded[3];
    return true;
}

bool pm_note_read(struct pm_bytes note, struct pm_note *out) {
    if (note.size_bytes < 2 || note.size_bytes > PM_NOTE_MAXIMUM_BYTES) return false;
    if (!text_valid(note)) return false;
    /* The last empty line ends the text: signature lines are never empty. */
    size_t end = note.size_bytes - 1;
    while (end > 0 && !(note.data[end] == '\n' && note.data[end - 1] == '\n')) {
        end--;
    }
    if (end == 0) return false;
    out->text = (struct pm_bytes){note.data, end};
    out->signature_count = 0;
    struct pm_bytes rest = {note.data + end + 1, note.size_bytes - end - 1};
    while (rest.size_bytes > 0) {
        struct pm_bytes line;
        if (out->signature_count == PM_NOTE_SIGNATURES_MAXIMUM) return false;
        if (!pm_lines_take(&rest, &line)) return false;
        if (!read_signature(line, &out->signatures[out->signature_count])) return false;
        out->signature_count++;
    }
    return out->signature_count > 0;
}

bool pm_note_key_id_ed25519(const struct pm_sha256 *sha256, struct pm_bytes name,
                            const uint8_t public_key[32], uint32_t *out) {
    static const uint8_t middle[] = {'\n', SIGNATURE_TYPE_ED25519};
    struct pm_bytes parts[] = {name, {middle, sizeof middle}, {public_key, 32}};
    uint8_t hash[PM_SHA256_BYTES];
    if (!sha256->hash(sha256->context, parts, 3, hash)) return false;
    *out = (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
    return true;
}

size_t pm_note_write_signature(struct pm_bytes name, uint32_t key_id,
                               const uint8_t signature[PM_NOTE_ED25519_BYTES],
                               char out[PM_NOTE_LINE_MAXIMUM]) {
    uint8_t bytes[ED25519_LINE_BYTES] = {(uint8_t)(key_id >> 24), (uint8_t)(key_id >> 16),
                                         (uint8_t)(key_id >> 8), (uint8_t)key_id};
    if (!pm_note_name_valid(name)) return 0;
    memcpy(bytes + 4, signature, PM_NOTE_ED25519_BYTES);
    size_t length = pm_lines_put_text(out, SIGNATURE_PREFIX);
    memcpy(out + length, name.data, name.size_bytes);
    length += name.size_bytes;
    out[length++] = ' ';
    pm_base64_encode((struct pm_bytes){bytes, sizeof bytes}, out + length);
    length += PM_BASE64_CHARACTERS(sizeof bytes);
    out[length++] = '\n';
    return length;
}
