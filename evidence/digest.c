/* See digest.h. */
#include "evidence/digest.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

static bool hash_parts(void *context, const struct pm_bytes *parts, size_t count,
                       uint8_t out[PM_SHA256_BYTES]) {
    (void)context;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool done = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; done && i < count; i++) {
        done = EVP_DigestUpdate(md, parts[i].data, parts[i].size_bytes) == 1;
    }
    done = done && EVP_DigestFinal_ex(md, out, NULL) == 1;
    EVP_MD_CTX_free(md);
    return done;
}

const struct pm_sha256 digest_sha256 = {.hash = hash_parts};

void digest_of(struct span bytes, uint8_t out[DIGEST_BYTES]) {
    static const uint8_t nothing;
    SHA256(bytes.size_bytes ? bytes.data : &nothing, bytes.size_bytes, out);
}

void digest_to_hex(const uint8_t digest[DIGEST_BYTES], char out[DIGEST_HEX_BYTES]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[DIGEST_HEX_BYTES - 1] = '\0';
}

static int digit_of(char character) {
    if (character >= '0' && character <= '9') return character - '0';
    if (character >= 'a' && character <= 'f') return character - 'a' + 10;
    return -1;
}

bool digest_from_hex(const char *hex, uint8_t out[DIGEST_BYTES]) {
    uint8_t digest[DIGEST_BYTES];
    if (strnlen(hex, DIGEST_HEX_BYTES) != DIGEST_HEX_BYTES - 1) return false;
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        int high = digit_of(hex[2 * i]), low = digit_of(hex[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        digest[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(out, digest, sizeof digest);
    return true;
}
