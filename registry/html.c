/* See html.h. */
#include "registry/html.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/base64.h"

void html_text(struct buffer *out, const char *text) {
    static const char *const escapes[128] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;"};
    for (const char *c = text; c && *c; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte < 128 && escapes[byte]) {
            buffer_text(out, escapes[byte]);
        } else if (byte >= 0x20 && byte != 0x7F) {
            buffer_append(out, c, 1);
        }
    }
}

void html_link(struct buffer *out, const char *address, const char *text) {
    bool web =
        address && (strncmp(address, "https://", 8) == 0 || strncmp(address, "http://", 7) == 0);
    bool mail = address && !web && strchr(address, '@') && !strpbrk(address, ":/ \t");
    if (web || mail) {
        buffer_text(out, mail ? "<a href=\"mailto:" : "<a rel=\"noopener noreferrer\" href=\"");
        html_text(out, address);
        buffer_text(out, "\">");
    }
    html_text(out, text);
    if (web || mail) buffer_text(out, "</a>");
}

void html_data(struct buffer *out, const char *type, struct span bytes) {
    size_t length = PM_BASE64_CHARACTERS(bytes.size_bytes);
    char *text = malloc(length + 1);
    if (!text) {
        out->failed = true;
        return;
    }
    pm_base64_encode((struct pm_bytes){bytes.data, bytes.size_bytes}, text);
    text[length] = '\0';
    buffer_format(out, "data:%s;base64,", type);
    buffer_append(out, text, length);
    free(text);
}

void html_date(struct buffer *out, int64_t time_s) {
    time_t when = (time_t)time_s;
    struct tm parts;
    char text[32];
    if (gmtime_r(&when, &parts) && strftime(text, sizeof text, "%Y-%m-%d", &parts) > 0) {
        buffer_text(out, text);
    }
}
