/* See lines.h. */
#include "format/lines.h"

#include <string.h>

#include "format/base64.h"

bool pm_lines_take(struct pm_bytes *rest, struct pm_bytes *line) {
    size_t length = 0;
    while (length < rest->size_bytes && rest->data[length] != '\n') {
        length++;
    }
    if (length == rest->size_bytes) return false;
    *line = (struct pm_bytes){rest->data, length};
    rest->data += length + 1;
    rest->size_bytes -= length + 1;
    return true;
}

bool pm_lines_skip(struct pm_bytes *line, const char *prefix) {
    size_t length = strlen(prefix);
    if (line->size_bytes < length || memcmp(line->data, prefix, length) != 0) return false;
    line->data += length;
    line->size_bytes -= length;
    return true;
}

bool pm_lines_decimal(struct pm_bytes line, uint64_t *out) {
    uint64_t value = 0;
    if (line.size_bytes == 0 || line.size_bytes > LINES_DECIMAL_MAXIMUM) return false;
    if (line.size_bytes > 1 && line.data[0] == '0') return false;
    for (size_t i = 0; i < line.size_bytes; i++) {
        if (line.data[i] < '0' || line.data[i] > '9') return false;
        value = value * 10 + (uint64_t)(line.data[i] - '0'); /* 19 digits fit in 64 bits */
    }
    if (value > INT64_MAX) return false;
    *out = value;
    return true;
}

bool pm_lines_hash(struct pm_bytes line, uint8_t out[PM_SHA256_BYTES]) {
    size_t size;
    return line.size_bytes == LINES_HASH_CHARACTERS &&
           pm_base64_decode(line, out, PM_SHA256_BYTES, &size) && size == PM_SHA256_BYTES;
}

size_t pm_lines_put_text(char *out, const char *text) {
    size_t length = strlen(text);
    memcpy(out, text, length);
    return length;
}

size_t pm_lines_put_decimal(char *out, uint64_t value) {
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    for (size_t i = 0; i < count; i++) {
        out[i] = digits[count - 1 - i];
    }
    return count;
}

size_t pm_lines_put_hash(char *out, const uint8_t hash[PM_SHA256_BYTES]) {
    pm_base64_encode((struct pm_bytes){hash, PM_SHA256_BYTES}, out);
    return LINES_HASH_CHARACTERS;
}
