/* A server of files in memory that speaks HTTP/1.1 with ranges, and lies when it is told to. */
#ifndef TESTS_DEVICE_SERVER_H
#define TESTS_DEVICE_SERVER_H

#include "pm/port.h"

enum server_lie {
    SERVER_HONEST,
    SERVER_REFUSES_CONNECTION,
    SERVER_NOT_FOUND,
    SERVER_NO_HTTP, /* answers in another language */
    SERVER_NO_LENGTH,
    SERVER_CHUNKED,
    SERVER_COMPRESSED,
    SERVER_ENDLESS_HEADER,
    SERVER_LENGTH_TOO_LARGE, /* says `at` bytes more, and closes where the file ends */
    SERVER_LENGTH_TOO_SMALL, /* says and sends `at` bytes less */
    SERVER_CLOSES_AT,        /* after `at` bytes of the file */
    SERVER_STALLS_AT,        /* the same, but stays silent */
    SERVER_OTHER_FILE_AT,    /* from byte `at` on, another file's bytes */
    SERVER_IGNORES_RANGE,
    SERVER_OTHER_RANGE, /* 206, of another range */
    SERVER_LIES,
};

enum { SERVER_FILES = 24, SERVER_PATH_BYTES = 64, SERVER_REQUEST_BYTES = 1024 };

struct server_file {
    char path[SERVER_PATH_BYTES];
    uint8_t *data; /* owned */
    uint32_t size_bytes;
};

struct server {
    struct server_file files[SERVER_FILES];
    uint32_t file_count;
    enum server_lie lie;
    char lie_path[SERVER_PATH_BYTES]; /* which file it lies about; empty: any */
    uint32_t lie_at;
    uint32_t piece_bytes; /* a receive gives at most that many; 0: any */
    /* What it saw. */
    uint32_t requests, lies_told, range_requests;
    uint64_t sent_bytes;
    /* The connection. */
    char request[SERVER_REQUEST_BYTES];
    uint32_t request_bytes;
    char head[512];
    uint32_t head_bytes, head_at;
    const struct server_file *file;
    uint32_t at, end;
    bool connected, answered, lying;
};

/* The file's bytes are copied; a file of this name is replaced. */
void server_put(struct server *server, const char *path, const void *data, uint32_t size_bytes);
struct server_file *server_find(struct server *server, const char *path);
void server_lie_about(struct server *server, enum server_lie lie, const char *path, uint32_t at);
void server_free(struct server *server);
struct pm_network server_network(struct server *server);

#endif
