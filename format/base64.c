/* See base64.h. */
#include "format/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void pm_base64_encode(struct pm_bytes bytes, char *out) {
    const uint8_t *p = bytes.data;
    size_t left = bytes.size_bytes;
    for (; left >= 3; left -= 3, p += 3, out += 4) {
        uint32_t bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        for (int i = 0; i < 4; i++) {
            out[i] = alphabet[bits >> (18 - 6 * i) & 63];
        }
    }
    if (left == 0) return;
    uint32_t bits = (uint32_t)p[0] << 16 | (left == 2 ? (uint32_t)p[1] << 8 : 0);
    out[0] = alphabet[bits >> 18 & 63];
    out[1] = alphabet[bits >> 12 & 63];
    out[2] = '=';
    if (left == 2) out[2] = alphabet[bits >> 6 & 63];
    out[3] = '=';
}

static bool value_of(uint8_t character, uint32_t *out) {
    if (character >= 'A' && character <= 'Z') {
        *out = (uint32_t)(character - 'A');
    } else if (character >= 'a' && character <= 'z') {
        *out = (uint32_t)(character - 'a' + 26);
    } else if (character >= '0' && character <= '9') {
        *out = (uint32_t)(character - '0' + 52);
    } else if (character == '+' || character == '/') {
        *out = character == '+' ? 62 : 63;
    } else {
        return false;
    }
    return true;
}

/* How many bytes `text` decodes to, from its length and padding alone. */
static bool decoded_size(struct pm_bytes text, size_t *out) {
    if (text.size_bytes % 4 != 0) return false;
    size_t padding = 0;
    while (padding < 2 && padding < text.size_bytes &&
           text.data[text.size_bytes - 1 - padding] == '=') {
        padding++;
    }
    *out = text.size_bytes / 4 * 3 - padding;
    return true;
}

bool pm_base64_decode(struct pm_bytes text, uint8_t *out, size_t capacity_bytes,
                      size_t *size_bytes) {
    size_t size;
    if (!decoded_size(text, &size) || (out && size > capacity_bytes)) return false;
    size_t done = 0;
    for (size_t i = 0; i < text.size_bytes; i += 4) {
        size_t in_group = size - done < 3 ? size - done : 3;
        uint32_t bits = 0;
        for (size_t j = 0; j < 4; j++) {
            uint32_t value = 0;
            if (j <= in_group && !value_of(text.data[i + j], &value)) return false;
            bits = bits << 6 | value;
        }
        for (size_t j = 0; j < in_group; j++) {
            if (out) out[done + j] = (uint8_t)(bits >> (16 - 8 * j));
        }
        /* Bits behind the last byte would give the same bytes a second spelling. */
        if ((bits & ((1u << (24 - 8 * in_group)) - 1)) != 0) return false;
        done += in_group;
    }
    *size_bytes = size;
    return true;
}
