/* Escaping for HTML and SVG text and attributes in double quotes. */
#ifndef REGISTRY_HTML_H
#define REGISTRY_HTML_H

#include "base/buffer.h"

/* & < > " ' and control characters; a NULL text is nothing. */
void html_text(struct buffer *out, const char *text);

/* The text, as a link when it is a web address or e-mail address, and as text otherwise:
 * never a javascript: or data: address. */
void html_link(struct buffer *out, const char *address, const char *text);

/* A data: address of an image. */
void html_data(struct buffer *out, const char *type, struct span bytes);

/* 0 when there is none; "2026-11-22" in UTC otherwise. */
void html_date(struct buffer *out, int64_t time_s);

#endif
