/* Text in and out: see text.h. Also what of memory and strings the compiler, lwIP and the device
 * library call by the C library's names. */
#include "text.h"

#include <stdarg.h>

#include "uart.h"

void *memcpy(void *restrict to, const void *restrict from, size_t size_bytes);
void *memset(void *to, int value, size_t size_bytes);
void *memmove(void *to, const void *from, size_t size_bytes);
int memcmp(const void *left, const void *right, size_t size_bytes);
void *memchr(const void *bytes, int wanted, size_t size_bytes);
size_t strlen(const char *text);

void *memcpy(void *restrict to, const void *restrict from, size_t size_bytes) {
    uint8_t *out = to;
    const uint8_t *in = from;
    while (size_bytes--)
        *out++ = *in++;
    return to;
}

void *memset(void *to, int value, size_t size_bytes) {
    uint8_t *out = to;
    while (size_bytes--)
        *out++ = (uint8_t)value;
    return to;
}

void *memmove(void *to, const void *from, size_t size_bytes) {
    uint8_t *out = to;
    const uint8_t *in = from;
    if (out < in) return memcpy(to, from, size_bytes);
    while (size_bytes--)
        out[size_bytes] = in[size_bytes];
    return to;
}

int memcmp(const void *left, const void *right, size_t size_bytes) {
    const uint8_t *l = left, *r = right;
    for (size_t i = 0; i < size_bytes; i++) {
        if (l[i] != r[i]) return l[i] < r[i] ? -1 : 1;
    }
    return 0;
}

void *memchr(const void *bytes, int wanted, size_t size_bytes) {
    uint8_t *at = (uint8_t *)bytes;
    for (; size_bytes--; at++) {
        if (*at == (uint8_t)wanted) return at;
    }
    return NULL;
}

size_t strlen(const char *text) {
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

static void print_text(const char *text) {
    while (*text)
        uart_send(*text++);
}

static void print_unsigned(uint32_t value, unsigned minimum_digits) {
    char digits[10];
    unsigned count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count < minimum_digits)
        digits[count++] = '0';
    while (count)
        uart_send(digits[--count]);
}

/* Sends the sign; the magnitude as unsigned, so that INT32_MIN is no special case. */
static uint32_t print_sign(int32_t value) {
    if (value >= 0) return (uint32_t)value;
    uart_send('-');
    return 0 - (uint32_t)value;
}

static void print_hundredths(int32_t value) {
    uint32_t magnitude = print_sign(value);
    print_unsigned(magnitude / 100, 1);
    uart_send('.');
    print_unsigned(magnitude % 100, 2);
}

static void print_hexadecimal(uint32_t value) {
    for (int shift = 28; shift >= 0; shift -= 4)
        uart_send("0123456789abcdef"[value >> shift & 15]);
}

void text_print(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    for (; *format; format++) {
        if (*format != '%') {
            if (*format == '\n') uart_send('\r');
            uart_send(*format);
            continue;
        }
        switch (*++format) {
        case 's':
            print_text(va_arg(arguments, const char *));
            break;
        case 'c':
            uart_send((char)va_arg(arguments, int));
            break;
        case 'd':
            print_unsigned(print_sign(va_arg(arguments, int)), 1);
            break;
        case 'u':
            print_unsigned(va_arg(arguments, unsigned), 1);
            break;
        case 'x':
            print_hexadecimal(va_arg(arguments, unsigned));
            break;
        case '2':
            print_unsigned(va_arg(arguments, unsigned), 2);
            break;
        case 'h':
            print_hundredths(va_arg(arguments, int));
            break;
        default:
            uart_send(*format);
            break;
        }
    }
    va_end(arguments);
}

int32_t text_hundredths(float value) {
    return (int32_t)(value * 100.0f + (value < 0.0f ? -0.5f : 0.5f));
}

bool text_equal(const char *left, const char *right) {
    while (*left && *left == *right)
        left++, right++;
    return *left == *right;
}

char *text_next_word(char **rest) {
    char *word = *rest;
    while (*word == ' ')
        word++;
    char *end = word;
    while (*end && *end != ' ')
        end++;
    *rest = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool text_parse_unsigned(const char *text, uint32_t *out) {
    uint32_t value = 0;
    if (!is_digit(*text)) return false;
    for (; is_digit(*text); text++) {
        if (value > (UINT32_MAX - 9) / 10) return false;
        value = value * 10 + (uint32_t)(*text - '0');
    }
    if (*text) return false;
    *out = value;
    return true;
}

bool text_parse_hundredths(const char *text, int32_t *out) {
    bool negative = *text == '-';
    if (negative) text++;
    if (!is_digit(*text)) return false;

    int32_t value = 0;
    for (; is_digit(*text); text++) {
        value = value * 10 + (*text - '0');
        if (value >= 1000000) return false;
    }
    int decimals = 0;
    if (*text == '.') {
        for (text++; is_digit(*text) && decimals < 2; text++, decimals++)
            value = value * 10 + (*text - '0');
    }
    if (*text) return false;
    for (; decimals < 2; decimals++)
        value *= 10;
    *out = negative ? -value : value;
    return true;
}

static int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

size_t text_decode_hex(const char *text, uint8_t *out, size_t maximum_bytes) {
    size_t size_bytes = 0;
    for (; *text; text += 2) {
        int high = hex_digit(text[0]);
        int low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0 || size_bytes == maximum_bytes) return 0;
        out[size_bytes++] = (uint8_t)(high << 4 | low);
    }
    return size_bytes;
}
