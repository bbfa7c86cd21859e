/* See error.h. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum status error_input(struct error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return STATUS_BAD_INPUT;
}

enum status error_environment(struct error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return STATUS_ENVIRONMENT;
}

void error_prefix(struct error *error, const char *prefix) {
    struct error old = *error;
    int used = snprintf(error->message, sizeof error->message, "%s: ", prefix);
    if (used < 0 || (size_t)used >= sizeof error->message) return;
    size_t room = sizeof error->message - (size_t)used - 1;
    size_t length = strnlen(old.message, sizeof old.message);
    if (length > room) length = room;
    memcpy(error->message + used, old.message, length);
    error->message[(size_t)used + length] = '\0';
}
