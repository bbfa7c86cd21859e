/* Errors of the host libraries.
 *
 * Three kinds, never mixed:
 *   - bad input: the caller's file, option or text is at fault (STATUS_BAD_INPUT);
 *   - environment: I/O, memory, a missing program (STATUS_ENVIRONMENT);
 *   - our own bug: assert().
 *
 * A function that can fail returns `enum status` and takes a `struct error *` whose
 * message says what, where and what to do, in one sentence without a final newline.
 * The message is only meaningful after a status other than STATUS_OK. Libraries
 * never print and never exit; main() does.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum status {
    STATUS_OK = 0,
    STATUS_BAD_INPUT = -1,
    STATUS_ENVIRONMENT = -2,
};

enum { ERROR_MESSAGE_BYTES = 512 };

struct error {
    char message[ERROR_MESSAGE_BYTES];
};

/* Write the message (truncated at the bound) and return the status, so that a refusal
 * is one statement: `return error_input(error, "%s: not an ELF file", path);` */
enum status error_input(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
enum status error_environment(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Put "prefix: " before the message that is there. */
void error_prefix(struct error *error, const char *prefix);

#endif
