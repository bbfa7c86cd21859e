/* See http.h. Lines are read one at a time into a small buffer: what a header field is called and
 * what it says stands at its front, and only three of them matter. */
#include "http.h"

#include <string.h>

struct response {
    uint32_t status;
    uint32_t length_bytes, range_first, range_last, range_total;
    bool has_length, has_range;
};

void pm_http_close(struct pm_http *http) {
    if (http->open) http->port->network->close(http->port->network->context);
    http->open = false;
    http->remaining_bytes = 0;
}

static enum pm_update_error refill(struct pm_http *http) {
    const struct pm_network *network = http->port->network;
    if (http->port->uptime(http->port->context) - http->started_s > PM_HTTP_LIMIT_S)
        return PM_ERROR_STALLED;
    int got = network->receive(network->context, http->received, sizeof http->received);
    if (got < 0 || got > (int)sizeof http->received) return PM_ERROR_STALLED;
    if (got == 0) return PM_ERROR_HTTP_LENGTH;
    http->at = 0;
    http->used = (uint32_t)got;
    return PM_ERROR_NONE;
}

/* Request */

static bool send_bytes(const struct pm_http *http, const void *data, size_t size_bytes) {
    const struct pm_network *network = http->port->network;
    const uint8_t *bytes = data;
    while (size_bytes > 0) {
        int sent = network->send(network->context, bytes, (uint32_t)size_bytes);
        if (sent <= 0 || (size_t)sent > size_bytes) return false;
        bytes += sent;
        size_bytes -= (size_t)sent;
    }
    return true;
}

static bool send_text(const struct pm_http *http, const char *text) {
    size_t size_bytes = 0;
    while (text[size_bytes] != 0)
        size_bytes++;
    return send_bytes(http, text, size_bytes);
}

static bool send_number(const struct pm_http *http, uint32_t number) {
    char digits[10];
    size_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return send_bytes(http, digits + first, sizeof digits - first);
}

/* A path ends the request line's target: nothing in it may end the line. */
static bool is_path(struct pm_bytes path) {
    for (size_t i = 0; i < path.size_bytes; i++) {
        if (path.data[i] <= ' ' || path.data[i] > '~') return false;
    }
    return path.size_bytes > 0;
}

static bool send_request(const struct pm_http *http, struct pm_bytes path, uint32_t offset) {
    const struct pm_network *network = http->port->network;
    if (!send_text(http, "GET ") || !send_text(http, network->base_path) || !send_text(http, "/") ||
        !send_bytes(http, path.data, path.size_bytes) || !send_text(http, " HTTP/1.1\r\nHost: ") ||
        !send_text(http, network->host)) {
        return false;
    }
    if (offset > 0 && (!send_text(http, "\r\nRange: bytes=") || !send_number(http, offset) ||
                       !send_text(http, "-"))) {
        return false;
    }
    return send_text(http, "\r\nConnection: close\r\n\r\n");
}

/* Response */

/* One line up to CR LF, without them; its end is cut off when it is longer than the buffer. */
static enum pm_update_error read_line(struct pm_http *http, uint32_t *size_bytes,
                                      uint32_t *left_bytes) {
    *size_bytes = 0;
    for (bool after_cr = false; *left_bytes > 0; --*left_bytes) {
        if (http->at == http->used) {
            enum pm_update_error error = refill(http);
            if (error) return error;
        }
        char c = (char)http->received[http->at++];
        if (after_cr != (c == '\n')) return PM_ERROR_HTTP_FORM;
        if (after_cr) {
            --*left_bytes;
            return PM_ERROR_NONE;
        }
        if (c == 0) return PM_ERROR_HTTP_FORM;
        after_cr = c == '\r';
        if (after_cr) continue;
        if (*size_bytes < PM_HTTP_LINE_BYTES) http->line[*size_bytes] = c;
        ++*size_bytes;
    }
    return PM_ERROR_HTTP_FORM;
}

/* The front of `line` is `name` (lower case), without regard to case; `at` moves behind it. */
static bool take(const char *line, uint32_t size_bytes, uint32_t *at, const char *name) {
    uint32_t i = *at;
    for (; *name != 0; i++, name++) {
        if (i >= size_bytes) return false;
        char c = line[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c + 'a' - 'A');
        if (c != *name) return false;
    }
    *at = i;
    return true;
}

static bool take_number(const char *line, uint32_t size_bytes, uint32_t *at, uint32_t *number) {
    uint32_t first = *at, value = 0;
    for (; *at < size_bytes && line[*at] >= '0' && line[*at] <= '9'; ++*at) {
        uint32_t digit = (uint32_t)(line[*at] - '0');
        if (value > (UINT32_MAX - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *number = value;
    return *at > first;
}

static void skip_blanks(const char *line, uint32_t size_bytes, uint32_t *at) {
    while (*at < size_bytes && (line[*at] == ' ' || line[*at] == '\t'))
        ++*at;
}

/* HTTP/1.x SP three digits SP, whatever reason behind it (RFC 9112, 4). */
static bool read_status(const char *line, uint32_t size_bytes, struct response *out) {
    uint32_t at = 0, first;
    if (size_bytes > PM_HTTP_LINE_BYTES) size_bytes = PM_HTTP_LINE_BYTES;
    if (!take(line, size_bytes, &at, "http/1.0 ") && !take(line, size_bytes, &at, "http/1.1 "))
        return false;
    first = at;
    return take_number(line, size_bytes, &at, &out->status) && at - first == 3 &&
           (at == size_bytes || line[at] == ' ');
}

/* "bytes first-last/total" (RFC 9110, 14.4). */
static bool read_range(const char *line, uint32_t size_bytes, uint32_t *at, struct response *out) {
    if (out->has_range) return false;
    out->has_range = true;
    return take(line, size_bytes, at, "bytes ") &&
           take_number(line, size_bytes, at, &out->range_first) &&
           take(line, size_bytes, at, "-") && take_number(line, size_bytes, at, &out->range_last) &&
           take(line, size_bytes, at, "/") && take_number(line, size_bytes, at, &out->range_total);
}

static bool is_token_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != 0 && memchr("!#$%&'*+-.^_`|~", c, 15) != NULL);
}

/* A field's name is a token and has its colon right behind it; a line that starts with a blank
 * would be a folded one (RFC 9112, 5). */
static bool is_field(const char *line, uint32_t size_bytes) {
    uint32_t at = 0;
    if (size_bytes > PM_HTTP_LINE_BYTES) size_bytes = PM_HTTP_LINE_BYTES;
    while (at < size_bytes && is_token_character(line[at]))
        at++;
    return at > 0 && (at == size_bytes ? size_bytes == PM_HTTP_LINE_BYTES : line[at] == ':');
}

static bool read_field(const char *line, uint32_t size_bytes, struct response *out) {
    uint32_t at = 0, kept_bytes = size_bytes;
    if (kept_bytes > PM_HTTP_LINE_BYTES) kept_bytes = PM_HTTP_LINE_BYTES;
    if (!is_field(line, size_bytes) || take(line, kept_bytes, &at, "transfer-encoding:") ||
        take(line, kept_bytes, &at, "content-encoding:")) {
        return false;
    }
    bool length = take(line, kept_bytes, &at, "content-length:");
    bool range = !length && take(line, kept_bytes, &at, "content-range:");
    if (!length && !range) return true;
    if (size_bytes != kept_bytes) return false;
    skip_blanks(line, size_bytes, &at);
    if (range && !read_range(line, size_bytes, &at, out)) return false;
    if (length) {
        if (out->has_length || !take_number(line, size_bytes, &at, &out->length_bytes))
            return false;
        out->has_length = true;
    }
    skip_blanks(line, size_bytes, &at);
    return at == size_bytes;
}

static enum pm_update_error read_header(struct pm_http *http, struct response *out) {
    uint32_t left_bytes = PM_HTTP_HEADER_BYTES, size_bytes;
    enum pm_update_error error = read_line(http, &size_bytes, &left_bytes);
    if (error) return error;
    if (!read_status(http->line, size_bytes, out)) return PM_ERROR_HTTP_FORM;
    for (;;) {
        error = read_line(http, &size_bytes, &left_bytes);
        if (error) return error;
        if (size_bytes == 0) return PM_ERROR_NONE;
        if (!read_field(http->line, size_bytes, out)) return PM_ERROR_HTTP_FORM;
    }
}

static enum pm_update_error judge(const struct response *response, uint32_t offset) {
    if (offset > 0 && response->status == 200) return PM_ERROR_HTTP_RANGE_IGNORED;
    if (response->status != (offset > 0 ? 206u : 200u)) return PM_ERROR_HTTP_STATUS;
    if (!response->has_length) return PM_ERROR_HTTP_LENGTH;
    if (offset == 0) return response->has_range ? PM_ERROR_HTTP_FORM : PM_ERROR_NONE;
    if (!response->has_range) return PM_ERROR_HTTP_FORM;
    if (response->range_first != offset || response->range_last < offset ||
        response->range_total <= response->range_last ||
        response->range_total - response->range_last != 1 ||
        response->length_bytes != response->range_total - offset) {
        return PM_ERROR_HTTP_LENGTH;
    }
    return PM_ERROR_NONE;
}

static enum pm_update_error exchange(struct pm_http *http, struct pm_bytes path, uint32_t offset,
                                     struct response *response) {
    const struct pm_network *network = http->port->network;
    if (!is_path(path)) return PM_ERROR_HTTP_FORM;
    if (!network->connect(network->context)) return PM_ERROR_NETWORK;
    http->open = true;
    if (!send_request(http, path, offset)) return PM_ERROR_NETWORK;
    enum pm_update_error error = read_header(http, response);
    return error ? error : judge(response, offset);
}

enum pm_update_error pm_http_get(struct pm_http *http, const struct pm_port *port,
                                 struct pm_bytes path, uint32_t offset, uint32_t *remaining_bytes) {
    struct response response = {0};
    http->port = port;
    http->open = false;
    http->at = http->used = 0;
    http->started_s = port->uptime(port->context);
    *remaining_bytes = 0;
    enum pm_update_error error = exchange(http, path, offset, &response);
    if (error) {
        pm_http_close(http);
        return error;
    }
    http->remaining_bytes = *remaining_bytes = response.length_bytes;
    return PM_ERROR_NONE;
}

enum pm_update_error pm_http_read(struct pm_http *http, void *out, uint32_t capacity_bytes,
                                  uint32_t *got_bytes) {
    *got_bytes = 0;
    if (!http->open || http->remaining_bytes == 0 || capacity_bytes == 0)
        return PM_ERROR_HTTP_LENGTH;
    http->started_s = http->port->uptime(http->port->context);
    if (http->at == http->used) {
        enum pm_update_error error = refill(http);
        if (error) return error;
    }
    uint32_t part = http->used - http->at;
    if (part > http->remaining_bytes) part = http->remaining_bytes;
    if (part > capacity_bytes) part = capacity_bytes;
    memcpy(out, http->received + http->at, part);
    http->at += part;
    http->remaining_bytes -= part;
    *got_bytes = part;
    return PM_ERROR_NONE;
}
