/* Envelopes: what is read is the one form of what it says. Putting the payload, type, key
 * id and signature together by hand must give the input's bytes. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/dsse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void check(const struct dsse_envelope *envelope, struct span input) {
    struct buffer text;
    /* OpenSSL's base64, so that ours does not judge itself */
    size_t length = envelope->payload.size_bytes;
    char *payload = malloc(length * 2 + 8), signature[128];
    EVP_EncodeBlock((unsigned char *)payload, envelope->payload.data, (int)length);
    EVP_EncodeBlock((unsigned char *)signature, envelope->signature, KEY_SIGNATURE_BYTES);
    buffer_init(&text, DSSE_MAXIMUM_BYTES + 1024);
    buffer_format(&text,
                  "{\"payload\":\"%s\",\"payloadType\":\"%s\",\"signatures\":[{\"keyid\":\"%s\","
                  "\"sig\":\"%s\"}]}",
                  payload, envelope->payload_type, envelope->key_id_hex, signature);
    if (text.size_bytes != input.size_bytes) abort();
    if (memcmp(text.data, input.data, input.size_bytes) != 0) abort();
    buffer_free(&text);
    free(payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    struct arena arena = {0};
    struct dsse_envelope envelope;
    struct error error;
    struct span input = {data, size_bytes};
    if (dsse_read(&arena, input, &envelope, &error) == STATUS_OK) check(&envelope, input);
    arena_free(&arena);
    return 0;
}
