/* HTTP responses: the first byte chooses offset and piece size, the rest is what a server sends.
 * Whatever it is, the client hands out no more than it said, and comes to an end. */
#include <stdlib.h>
#include <string.h>

#include "device/src/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

struct script {
    const uint8_t *at;
    size_t left_bytes, piece_bytes;
};

static bool script_connect(void *context) {
    return context != NULL;
}
static void script_close(void *context) {
    (void)context;
}
static uint32_t no_time(void *context) {
    return context != NULL;
}

static int script_send(void *context, const void *data, uint32_t size_bytes) {
    (void)context;
    (void)data;
    return (int)size_bytes;
}

static int script_receive(void *context, void *out, uint32_t capacity_bytes) {
    struct script *script = context;
    size_t part = script->left_bytes;
    if (part > capacity_bytes) part = capacity_bytes;
    if (part > script->piece_bytes) part = script->piece_bytes;
    memcpy(out, script->at, part);
    script->at += part;
    script->left_bytes -= part;
    return (int)part;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    static struct pm_http http;
    if (size_bytes == 0) return 0;
    struct script script = {data + 1, size_bytes - 1, (size_t)(data[0] & 15) * 20 + 1};
    struct pm_network network = {&script,      script_connect, script_send, script_receive,
                                 script_close, "host",         ""};
    const struct pm_port port = {.network = &network, .uptime = no_time};
    const struct pm_bytes path = {(const uint8_t *)"x", 1};
    uint32_t offset = data[0] >> 4, remaining_bytes, got_bytes;
    enum pm_update_error error = pm_http_get(&http, &port, path, offset, &remaining_bytes);
    if (error && remaining_bytes != 0) abort();
    while (!error && remaining_bytes > 0) {
        uint8_t out[100];
        error = pm_http_read(&http, out, sizeof out, &got_bytes);
        if ((error == PM_ERROR_NONE) != (got_bytes > 0) || got_bytes > remaining_bytes) abort();
        remaining_bytes -= got_bytes;
    }
    pm_http_close(&http);
    return 0;
}
