/* See forms.h. */
#include "product/forms.h"

#include <string.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

static bool is_letter(char c) {
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Decodes one code point; 0 when the bytes are not the shortest form of one (RFC 3629). */
static uint32_t next_code_point(const char **text) {
    const uint8_t *p = (const uint8_t *)*text;
    uint32_t value = p[0];
    unsigned more = 0;
    uint32_t least = 0;
    if (value >= 0xF0 && value <= 0xF4) {
        more = 3, least = 0x10000, value &= 7;
    } else if (value >= 0xE0 && value < 0xF0) {
        more = 2, least = 0x800, value &= 15;
    } else if (value >= 0xC2 && value < 0xE0) {
        more = 1, least = 0x80, value &= 31;
    } else if (value >= 0x80) {
        return 0;
    }
    for (unsigned i = 1; i <= more; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
        value = value << 6 | (p[i] & 0x3F);
    }
    if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return 0;
    *text += 1 + more;
    return value;
}

static bool is_deceiving(uint32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0)          /* controls */
           || c == 0x061C || c == 0x200E || c == 0x200F /* direction marks */
           || (c >= 0x2028 && c <= 0x202E)              /* separators, embeddings, overrides */
           || (c >= 0x2066 && c <= 0x2069)              /* isolates */
           || c == 0xFEFF || (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF);
}

bool form_is_text(const char *text, size_t limit) {
    size_t length = strlen(text);
    if (length == 0 || length > limit) return false;
    if (text[0] == ' ' || text[length - 1] == ' ') return false;
    while (*text) {
        uint32_t c = next_code_point(&text);
        if (c == 0 || is_deceiving(c)) return false;
    }
    return true;
}

/* RFC 3986's characters without those that HTML or a shell would have to escape. */
static bool is_url_character(char c) {
    return is_letter(c) || is_digit(c) || (c && strchr("-._~:/?#[]@!$&()*+,;=%", c));
}

bool form_is_url(const char *text) {
    const char *rest = NULL;
    if (strncmp(text, "https://", 8) == 0) rest = text + 8;
    if (strncmp(text, "http://", 7) == 0) rest = text + 7;
    if (!rest || !(is_letter(*rest) || is_digit(*rest) || *rest == '[')) return false;
    for (const char *c = text; *c; c++)
        if (!is_url_character(*c)) return false;
    return strlen(text) <= 500;
}

bool form_is_email(const char *text) {
    const char *at = strchr(text, '@');
    if (!at || at == text || strchr(at + 1, '@') || strlen(text) > 254) return false;
    for (const char *c = text; c < at; c++)
        if (!is_letter(*c) && !is_digit(*c) && !strchr(".!#$%*+/=?^_{|}~-", *c)) return false;
    const char *dot = strrchr(at, '.');
    if (!dot || dot == at + 1 || !dot[1]) return false;
    for (const char *c = at + 1; *c; c++)
        if (!is_letter(*c) && !is_digit(*c) && *c != '.' && *c != '-') return false;
    return true;
}

bool form_is_symbol(const char *text) {
    if (!is_letter(*text) && (!*text || !strchr("_$.", *text))) return false;
    for (const char *c = text; *c; c++)
        if (!is_letter(*c) && !is_digit(*c) && !strchr("_$.@", *c)) return false;
    return strlen(text) <= 255;
}

bool form_is_id(const char *text) {
    size_t length = strlen(text);
    if (length == 0 || length > 40 || text[0] == '-' || text[length - 1] == '-') return false;
    for (const char *c = text; *c; c++)
        if (!is_lower(*c) && !is_digit(*c) && *c != '-') return false;
    return true;
}

bool form_is_version(const char *text) {
    if (!is_letter(*text) && !is_digit(*text)) return false;
    for (const char *c = text; *c; c++)
        if (!is_letter(*c) && !is_digit(*c) && !strchr("._+-", *c)) return false;
    return strlen(text) <= 32;
}

bool form_is_seed(const char *text) {
    size_t length = strlen(text);
    if (length < 2 || length > 64 || length % 2) return false;
    for (const char *c = text; *c; c++)
        if (!is_hex(*c)) return false;
    return true;
}

bool form_number(const char *text, uint32_t *out) {
    unsigned base = 10;
    uint64_t value = 0;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    if (!*text) return false;
    for (; *text; text++) {
        char c = *text;
        if (base == 10 ? !is_digit(c) : !is_hex(c)) return false;
        unsigned digit = is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
        value = value * base + digit;
        if (value > UINT32_MAX) return false;
    }
    *out = (uint32_t)value;
    return true;
}

static bool digits(const char *text, size_t count, unsigned *out) {
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_digit(text[i])) return false;
        *out = *out * 10 + (unsigned)(text[i] - '0');
    }
    return true;
}

bool form_month(const char *text, struct product_month *out) {
    if (strlen(text) != 7 || text[4] != '-') return false;
    if (!digits(text, 4, &out->year) || !digits(text + 5, 2, &out->month)) return false;
    return out->year >= 2000 && out->month >= 1 && out->month <= 12;
}

bool form_date(const char *text, struct product_date *out) {
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-') return false;
    if (!digits(text, 4, &out->year) || !digits(text + 5, 2, &out->month)) return false;
    if (!digits(text + 8, 2, &out->day) || out->year < 2000) return false;
    if (out->month < 1 || out->month > 12) return false;
    bool leap = (out->year % 4 == 0 && out->year % 100 != 0) || out->year % 400 == 0;
    unsigned last = days[out->month - 1] + (out->month == 2 && leap ? 1u : 0u);
    return out->day >= 1 && out->day <= last;
}

/* Letters of Latin-1 (U+00C0 to U+00FF) as they are written without accents. */
static const char *plain_letters(uint32_t code) {
    static const char *const plain[] = {
        "a", "a", "a", "a", "ae", "a", "ae", "c", "e",  "e", "e", "e", "i",  "i", "i",  "i",
        "d", "n", "o", "o", "o",  "o", "oe", "-", "oe", "u", "u", "u", "ue", "y", "th", "ss",
        "a", "a", "a", "a", "ae", "a", "ae", "c", "e",  "e", "e", "e", "i",  "i", "i",  "i",
        "d", "n", "o", "o", "o",  "o", "oe", "-", "oe", "u", "u", "u", "ue", "y", "th", "y"};
    if (code >= 0xc0 && code <= 0xff) return plain[code - 0xc0];
    if (code == 0x1e9e) return "ss"; /* a capital sharp s */
    bool sign = (code >= 0xa0 && code < 0xc0) || (code >= 0x2000 && code < 0x2c00);
    return sign ? "-" : NULL; /* a letter that this does not know */
}

/* The next character in a form that an id may hold ("-" for what separates), or NULL. The
 * text is UTF-8, as the YAML reader saw to. */
static const char *id_letters(const char **at, char one[2]) {
    unsigned char c = (unsigned char)*(*at)++;
    if (c >= 0x80) {
        uint32_t code = c >= 0xf0 ? c & 7U : c >= 0xe0 ? c & 15U : c & 31U;
        for (; ((unsigned char)**at & 0xc0) == 0x80; (*at)++)
            code = code << 6 | ((unsigned char)**at & 63U);
        return plain_letters(code);
    }
    if (is_letter((char)c)) c |= 0x20;
    one[0] = is_lower((char)c) || is_digit((char)c) ? (char)c : '-';
    one[1] = '\0';
    return one;
}

const char *form_id_of(struct arena *arena, const char *name) {
    char id[41], one[2];
    size_t length = 0;
    while (*name) {
        const char *letters = id_letters(&name, one);
        if (!letters) return NULL;
        for (; *letters && length < sizeof id - 1; letters++) {
            if (*letters == '-' && (length == 0 || id[length - 1] == '-')) continue;
            id[length++] = *letters;
        }
    }
    while (length > 0 && id[length - 1] == '-')
        length--;
    return length ? arena_string(arena, id, length) : NULL;
}
