/* See identity.h. */
#include "release/identity.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { UUID_TEXT = 36, SHA1_BYTES = 20 };

/* RFC 9562, 6.6. */
static const uint8_t dns_namespace[PM_UUID_BYTES] = {
    0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

static int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool read_uuid(const char *text, uint8_t out[PM_UUID_BYTES]) {
    size_t count = 0;
    if (strlen(text) != UUID_TEXT) return false;
    for (size_t i = 0; i < UUID_TEXT;) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i++] != '-') return false;
            continue;
        }
        int high = digit_of(text[i]), low = digit_of(text[i + 1]);
        if (high < 0 || low < 0) return false;
        out[count++] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    return true;
}

/* Version 5: SHA-1 of namespace and name (RFC 9562, 5.5). */
static enum status name_uuid(const uint8_t space[PM_UUID_BYTES], const char *name,
                             uint8_t out[PM_UUID_BYTES], struct error *error) {
    uint8_t digest[SHA1_BYTES];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && EVP_DigestInit_ex(context, EVP_sha1(), NULL) == 1 &&
                EVP_DigestUpdate(context, space, PM_UUID_BYTES) == 1 &&
                EVP_DigestUpdate(context, name, strlen(name)) == 1 &&
                EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    if (!done) return error_environment(error, "OpenSSL could not hash a name");
    memcpy(out, digest, PM_UUID_BYTES);
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x50);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
    return STATUS_OK;
}

static bool is_domain(const char *text) {
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-");
    return text[length] == '\0' && length >= 3 && length <= 253 && strchr(text, '.') &&
           text[0] != '.' && text[length - 1] != '.' && !strstr(text, "..");
}

enum status identity_vendor(const char *text, uint8_t out[PM_UUID_BYTES], struct error *error) {
    if (read_uuid(text, out)) return STATUS_OK;
    if (is_domain(text)) return name_uuid(dns_namespace, text, out, error);
    return error_input(error, "the vendor %s is neither a domain name in small letters nor a UUID",
                       text);
}

enum status identity_class(const uint8_t vendor[PM_UUID_BYTES], const char *text,
                           uint8_t out[PM_UUID_BYTES], struct error *error) {
    if (read_uuid(text, out)) return STATUS_OK;
    if (!*text) return error_input(error, "the class has no name");
    return name_uuid(vendor, text, out, error);
}

static bool read_number(const char **at, unsigned long maximum, unsigned long *out) {
    const char *start = *at;
    *out = 0;
    while (**at >= '0' && **at <= '9') {
        *out = *out * 10 + (unsigned long)(**at - '0');
        if (*out > maximum) return false;
        (*at)++;
    }
    return *at > start && (*start != '0' || *at == start + 1);
}

enum status identity_version(const char *text, struct identity_version *out, struct error *error) {
    const char *at = text;
    unsigned long major, minor, patch;
    bool fits = read_number(&at, 255, &major) && *at == '.' && (at++, true) &&
                read_number(&at, 255, &minor) && *at == '.' && (at++, true) &&
                read_number(&at, 65535, &patch) && !*at;
    if (!fits) {
        return error_input(error,
                           "the version %s is no MAJOR.MINOR.PATCH of at most 255.255.65535, "
                           "which a seal holds",
                           text);
    }
    *out = (struct identity_version){(uint8_t)major, (uint8_t)minor, (uint16_t)patch};
    return STATUS_OK;
}
