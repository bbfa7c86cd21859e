/* The files that a verb writes must not be those it reads: --force replaces what was made
 * before, never what it is made from. */
#ifndef CLI_OUTPUTS_H
#define CLI_OUTPUTS_H

#include <stddef.h>

#include "base/error.h"

/* Bad input when one of `written` is one of `read` or is named twice, by whatever path. NULL
 * among them is no file. */
enum status outputs_are_apart(const char *const *written, size_t written_count,
                              const char *const *read, size_t read_count, struct error *error);

/* Bad input when the file lies in the folder, which is to be replaced. */
enum status outputs_not_around(const char *folder, const char *read, struct error *error);

#endif
