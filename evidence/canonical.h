/* JSON with one byte form.
 *
 * It is RFC 8785 (JSON Canonicalization Scheme) on a subset where that is simple: no
 * white space, members sorted by name, the shortest escapes, UTF-8; numbers are integers
 * within +-(2^53 - 1) and never floats; member names are printable ASCII; no U+0000; at
 * most 64 levels deep. A reader accepts exactly the bytes that the writer makes: it
 * parses, writes again and compares, so duplicate names, escapes with two spellings, -0
 * and 1e3 are all refused. */
#ifndef EVIDENCE_CANONICAL_H
#define EVIDENCE_CANONICAL_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"

enum { CANONICAL_DEPTH_MAXIMUM = 64 };

/* Bad input when the value lies outside the subset. */
enum status canonical_write(const json_t *value, struct buffer *out, struct error *error);

/* *out is the caller's: json_decref() it. */
enum status canonical_read(struct span text, json_t **out, struct error *error);

#endif
