/* HTTP/1.1 (RFC 9112), as much as fetches a file: one GET at a time, from an offset on.
 *
 *   error = pm_http_get(&http, port, path, offset, &remaining_bytes);
 *   while (!error && remaining_bytes > 0)
 *       error = pm_http_read(&http, out, capacity_bytes, &got_bytes), remaining_bytes -= got_bytes;
 *   pm_http_close(&http);
 *
 * Strict: status 200 for a whole file and 206 for the rest of one, a Content-Length that is there
 * once, a Content-Range that says exactly what was asked for, no transfer or content coding, no
 * bare LF, no folded lines, at most PM_HTTP_HEADER_BYTES before the body. Nothing here is believed
 * further: the length is the caller's to compare, and a digest decides about the content. */
#ifndef PM_HTTP_H
#define PM_HTTP_H

#include "pm/port.h"
#include "pm/update.h"

enum {
    PM_HTTP_HEADER_BYTES = 4096,
    PM_HTTP_LINE_BYTES = 80, /* longer lines are read over; not those that matter */
    PM_HTTP_RECEIVE_BYTES = 256,
    PM_HTTP_LIMIT_S = 60, /* a header, or what one pm_http_read() hands out, takes no longer */
};

struct pm_http {
    const struct pm_port *port;
    uint32_t remaining_bytes; /* of the body, not yet handed out */
    uint32_t at, used;        /* of `received` */
    uint32_t started_s;
    bool open;
    uint8_t received[PM_HTTP_RECEIVE_BYTES];
    char line[PM_HTTP_LINE_BYTES];
};

/* `path` is below the port's base_path and has no leading slash. `remaining_bytes` is what the
 * server says is to come. On an error the connection is closed. */
enum pm_update_error pm_http_get(struct pm_http *http, const struct pm_port *port,
                                 struct pm_bytes path, uint32_t offset, uint32_t *remaining_bytes);
/* At least one byte, or an error: the connection ended (PM_ERROR_HTTP_LENGTH), or stalled. */
enum pm_update_error pm_http_read(struct pm_http *http, void *out, uint32_t capacity_bytes,
                                  uint32_t *got_bytes);
/* May be called at any time, also twice. */
void pm_http_close(struct pm_http *http);

#endif
