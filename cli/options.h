/* The options of a verb: one table says how each is written, what it fills and what --help
 * prints of it, so that all verbs read, refuse and explain in the same way.
 *
 *     struct given { const char *output; bool force; const char *input; };
 *     static const struct options_row rows[] = {
 *         {"output", 'o', "FILE", offsetof(struct given, output), NULL, "where it goes"},
 *         {"force", 0, NULL, offsetof(struct given, force), NULL, "replace what exists"},
 *     };
 *     static const struct options_form form = {...};
 *     if (!options_read(&form, argc, argv, &given, &code)) return code;
 *
 * Options and arguments may be mixed; `--` ends the options. Every verb has --help and -h. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* One option. What it fills is at `offset` of the verb's own struct, which holds the
 * defaults before: a bool for an option without a value, a const char * for one with. */
struct options_row {
    const char *name;  /* behind "--" */
    char letter;       /* behind "-", or 0 */
    const char *value; /* what --help calls the value; NULL: it takes none */
    size_t offset;
    /* Instead of the offset, for a value that is not any text: reads it into the verb's
     * struct, or says in one sentence what is wrong with it. */
    enum status (*take)(void *into, const char *value, struct error *error);
    const char *help; /* its lines, split by '\n' */
};

struct options_form {
    const char *verb;
    const char *usage; /* behind "usage: proofmark VERB "; further lines have their own indent */
    const char *about; /* paragraphs in front of the options */
    const struct options_row *rows;
    size_t row_count;
    const char *notes;       /* paragraphs behind them, or NULL */
    const char *exit_status; /* "0 done, 1 refused, 2 wrong use" */
    const char *argument;    /* the one that is no option, as in "one firmware"; NULL: none */
    size_t argument_offset;  /* its const char * */
};

enum { OPTIONS_ROWS_MAXIMUM = 24 };

/* True: `into` is filled, go on. False: the verb ends with *code, help or the refusal is
 * printed. */
bool options_read(const struct options_form *form, int argc, char **argv, void *into, int *code);

/* For what no row can say alone, such as options that exclude each other: prints one
 * sentence that points to --help; returns the exit code of wrong use. */
int options_wrong_use(const struct options_form *form, const char *sentence);

/* "START:SIZE", both decimal or 0x...: not empty, and its end is an address too. */
bool options_range(const char *text, uint32_t *start, uint32_t *size_bytes);
/* An address other than 0. */
bool options_address(const char *text, uint32_t *out);
/* For an option that may be repeated: one more name in a list with room for `maximum`; `what`
 * are its members, as in "pins". */
enum status options_append(const char **names, size_t *count, size_t maximum, const char *value,
                           const char *what, struct error *error);
/* The number of a file descriptor. */
enum status options_descriptor(const char *text, int *out, struct error *error);

#endif
