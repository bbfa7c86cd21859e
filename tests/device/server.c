/* See server.h. */
#include "tests/device/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char base_path[] = "/updates/";

void server_put(struct server *server, const char *path, const void *data, uint32_t size_bytes) {
    struct server_file *file = server_find(server, path);
    if (!file) {
        if (server->file_count == SERVER_FILES || strlen(path) >= SERVER_PATH_BYTES) abort();
        file = &server->files[server->file_count++];
        snprintf(file->path, sizeof file->path, "%s", path);
    }
    free(file->data);
    file->data = malloc(size_bytes ? size_bytes : 1);
    if (!file->data) abort();
    memcpy(file->data, data, size_bytes);
    file->size_bytes = size_bytes;
}

struct server_file *server_find(struct server *server, const char *path) {
    for (uint32_t i = 0; i < server->file_count; i++) {
        if (strcmp(server->files[i].path, path) == 0) return &server->files[i];
    }
    return NULL;
}

void server_lie_about(struct server *server, enum server_lie lie, const char *path, uint32_t at) {
    server->lie = lie;
    snprintf(server->lie_path, sizeof server->lie_path, "%s", path);
    server->lie_at = at;
    server->lies_told = 0;
}

void server_free(struct server *server) {
    for (uint32_t i = 0; i < server->file_count; i++)
        free(server->files[i].data);
    server->file_count = 0;
}

static bool server_connect(void *context) {
    struct server *server = context;
    if (server->connected) abort(); /* one at a time */
    if (server->lie == SERVER_REFUSES_CONNECTION) {
        server->lies_told++;
        return false;
    }
    server->connected = true;
    server->request_bytes = server->head_bytes = server->head_at = 0;
    server->answered = server->lying = false;
    server->file = NULL;
    server->at = server->end = 0;
    return true;
}

static void server_close(void *context) {
    struct server *server = context;
    if (!server->connected) abort();
    server->connected = false;
}

static int server_send(void *context, const void *data, uint32_t size_bytes) {
    struct server *server = context;
    if (!server->connected || size_bytes >= SERVER_REQUEST_BYTES - server->request_bytes) return -1;
    memcpy(server->request + server->request_bytes, data, size_bytes);
    server->request_bytes += size_bytes;
    server->request[server->request_bytes] = 0;
    return (int)size_bytes;
}

static bool lies(const struct server *server, enum server_lie lie) {
    return server->lying && server->lie == lie;
}

static void head(struct server *server, const char *text) {
    int size = snprintf(server->head, sizeof server->head, "%s", text);
    server->head_bytes = (uint32_t)size;
}

/* Which lies have an effect on an answer of this kind. */
static bool may_lie(const struct server *server, bool ranged) {
    bool about_range = server->lie == SERVER_IGNORES_RANGE || server->lie == SERVER_OTHER_RANGE;
    return server->lie != SERVER_HONEST && (!about_range || ranged) &&
           (server->lie_path[0] == 0 ||
            (server->file && strcmp(server->lie_path, server->file->path) == 0));
}

static void answer_file(struct server *server, bool ranged, uint32_t offset) {
    const struct server_file *file = server->file;
    if (lies(server, SERVER_IGNORES_RANGE)) ranged = false;
    server->at = ranged ? offset : 0;
    server->end = file->size_bytes;
    uint32_t length = server->end - server->at;
    if (lies(server, SERVER_LENGTH_TOO_LARGE)) length += server->lie_at;
    if (lies(server, SERVER_LENGTH_TOO_SMALL)) {
        length -= server->lie_at;
        server->end -= server->lie_at;
    }
    char lines[384] = "Server: test\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                      "Content-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\n";
    size_t used = strlen(lines);
    if (ranged) {
        uint32_t first = server->at;
        if (lies(server, SERVER_OTHER_RANGE)) first = server->at = 0;
        used +=
            (size_t)snprintf(lines + used, sizeof lines - used, "Content-Range: bytes %u-%u/%u\r\n",
                             first, file->size_bytes - 1, file->size_bytes);
    }
    if (lies(server, SERVER_CHUNKED))
        used +=
            (size_t)snprintf(lines + used, sizeof lines - used, "Transfer-Encoding: chunked\r\n");
    if (lies(server, SERVER_COMPRESSED))
        used += (size_t)snprintf(lines + used, sizeof lines - used, "Content-Encoding: gzip\r\n");
    if (!lies(server, SERVER_NO_LENGTH))
        snprintf(lines + used, sizeof lines - used, "Content-Length: %u\r\n", length);
    char all[512];
    snprintf(all, sizeof all, "HTTP/1.1 %s\r\n%s\r\n", ranged ? "206 Partial Content" : "200 OK",
             lines);
    head(server, all);
}

static void answer(struct server *server) {
    char path[256] = "";
    unsigned offset = 0;
    server->answered = true;
    server->requests++;
    const char *range = strstr(server->request, "\r\nRange: bytes=");
    bool ranged = range && sscanf(range, "\r\nRange: bytes=%u-\r\n", &offset) == 1;
    server->range_requests += ranged;
    if (sscanf(server->request, "GET %255s HTTP/1.1\r\n", path) == 1 &&
        strncmp(path, base_path, sizeof base_path - 1) == 0) {
        server->file = server_find(server, path + sizeof base_path - 1);
    }
    server->lying = may_lie(server, ranged);
    server->lies_told += server->lying;
    if (lies(server, SERVER_NO_HTTP)) {
        head(server, "220 mail.example ESMTP\r\n\r\n");
        server->file = NULL;
    } else if (lies(server, SERVER_ENDLESS_HEADER)) {
        head(server, "HTTP/1.1 200 OK\r\n");
    } else if (!server->file || lies(server, SERVER_NOT_FOUND) ||
               offset > server->file->size_bytes) {
        head(server, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        server->file = NULL;
    } else {
        answer_file(server, ranged, offset);
    }
}

static int give(struct server *server, void *out, const void *data, uint32_t size_bytes,
                uint32_t capacity_bytes) {
    if (size_bytes > capacity_bytes) size_bytes = capacity_bytes;
    if (server->piece_bytes > 0 && size_bytes > server->piece_bytes)
        size_bytes = server->piece_bytes;
    memcpy(out, data, size_bytes);
    server->sent_bytes += size_bytes;
    return (int)size_bytes;
}

static int give_body(struct server *server, void *out, uint32_t capacity_bytes) {
    uint32_t end = server->end;
    bool closes = lies(server, SERVER_CLOSES_AT), stalls = lies(server, SERVER_STALLS_AT);
    if ((closes || stalls) && end > server->lie_at) end = server->lie_at;
    if (server->at >= end) return stalls ? -1 : 0;
    const uint8_t *data = server->file->data;
    int given = give(server, out, data + server->at, end - server->at, capacity_bytes);
    if (lies(server, SERVER_OTHER_FILE_AT)) {
        for (uint32_t i = 0; i < (uint32_t)given; i++) {
            if (server->at + i >= server->lie_at) ((uint8_t *)out)[i] ^= 0x5a;
        }
    }
    server->at += (uint32_t)given;
    return given;
}

static int server_receive(void *context, void *out, uint32_t capacity_bytes) {
    struct server *server = context;
    if (!server->connected || !strstr(server->request, "\r\n\r\n")) return -1;
    if (!server->answered) answer(server);
    if (server->head_at == server->head_bytes && lies(server, SERVER_ENDLESS_HEADER)) {
        head(server, "X-More: and more\r\n");
        server->head_at = 0;
    }
    if (server->head_at < server->head_bytes) {
        int given = give(server, out, server->head + server->head_at,
                         server->head_bytes - server->head_at, capacity_bytes);
        server->head_at += (uint32_t)given;
        return given;
    }
    return server->file ? give_body(server, out, capacity_bytes) : 0;
}

struct pm_network server_network(struct server *server) {
    return (struct pm_network){.context = server,
                               .connect = server_connect,
                               .send = server_send,
                               .receive = server_receive,
                               .close = server_close,
                               .host = "updates.example",
                               .base_path = "/updates"};
}
