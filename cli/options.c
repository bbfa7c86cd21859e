/* See options.h. */
#include "cli/options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What getopt_long() returns: rows count from ROW on, so that none is a letter. */
enum { WRONG_USE = 2, HELP = 256, ROW, HELP_COLUMN_MAXIMUM = 25 };

static const struct options_row help_row = {"help", 'h', NULL, 0, NULL, "print this"};

/* "  -o, --output FILE": returns how wide it is. */
static int print_name(const struct options_row *row, FILE *out) {
    char letter[] = {'-', row->letter, ',', '\0'};
    return fprintf(out, "  %-3s --%s%s%s", row->letter ? letter : "", row->name,
                   row->value ? " " : "", row->value ? row->value : "");
}

static size_t name_width(const struct options_row *row) {
    return strlen("  -x, --") + strlen(row->name) + (row->value ? 1 + strlen(row->value) : 0);
}

static void print_row(const struct options_row *row, size_t column) {
    int width = print_name(row, stdout);
    int gap = width < 0 || (size_t)width > column ? 0 : (int)column - width;
    printf("%*s  ", gap, "");
    for (const char *line = row->help; *line;) {
        size_t length = strcspn(line, "\n");
        printf("%.*s\n", (int)length, line);
        line += length;
        if (*line++ == '\0') break;
        printf("%*s", (int)column + 2, "");
    }
}

static int print_help(const struct options_form *form) {
    size_t column = name_width(&help_row);
    for (size_t i = 0; i < form->row_count; i++) {
        size_t width = name_width(&form->rows[i]);
        if (width > column && width <= HELP_COLUMN_MAXIMUM) column = width;
    }
    printf("usage: proofmark %s %s\n\n%s\n", form->verb, form->usage, form->about);
    for (size_t i = 0; i < form->row_count; i++)
        print_row(&form->rows[i], column);
    print_row(&help_row, column);
    if (form->notes) printf("\n%s", form->notes);
    printf("\nExit status: %s.\n", form->exit_status);
    return ferror(stdout) || fflush(stdout) != 0;
}

static void begin_sentence(const struct options_form *form) {
    fprintf(stderr, "proofmark %s: ", form->verb);
}

static int end_sentence(const struct options_form *form) {
    fprintf(stderr, "; see proofmark %s --help\n", form->verb);
    return WRONG_USE;
}

int options_wrong_use(const struct options_form *form, const char *sentence) {
    begin_sentence(form);
    fputs(sentence, stderr);
    return end_sentence(form);
}

static int wrong_option(const struct options_form *form, const char *before, const char *option,
                        const char *behind) {
    begin_sentence(form);
    fprintf(stderr, "%s%s%s", before, option, behind);
    return end_sentence(form);
}

/* getopt_long() refused: it left the letter, the row of a long option, or 0 in optopt. */
static int refuse(const struct options_form *form, char **argv, bool lacks_value) {
    char letter[] = {'-', (char)optopt, '\0'}, name[64];
    if (optopt >= HELP) {
        const struct options_row *row =
            optopt == HELP ? &help_row : &form->rows[(size_t)optopt - ROW];
        snprintf(name, sizeof name, "--%s", row->name);
        return wrong_option(form, "", name, lacks_value ? " needs a value" : " takes no value");
    }
    if (lacks_value) return wrong_option(form, "", letter, " needs a value");
    return wrong_option(form, "there is no option ", optopt ? letter : argv[optind - 1], "");
}

static bool take(const struct options_form *form, const struct options_row *row, void *into,
                 int *code) {
    struct error error;
    char *place = (char *)into + row->offset;
    if (row->take) {
        if (row->take(into, optarg, &error) == STATUS_OK) return true;
        *code = options_wrong_use(form, error.message);
        return false;
    }
    if (row->value) memcpy(place, &optarg, sizeof optarg);
    else *(bool *)place = true;
    return true;
}

static bool take_argument(const struct options_form *form, int argc, char **argv, void *into,
                          int *code) {
    int wanted = form->argument ? 1 : 0;
    if (argc - optind != wanted) {
        *code = wrong_option(form, "it takes ", form->argument ? form->argument : "no arguments",
                             " beside its options");
        return false;
    }
    if (wanted) memcpy((char *)into + form->argument_offset, &argv[optind], sizeof *argv);
    return true;
}

/* The table in getopt_long()'s words. The leading ':' has it tell a missing value apart. */
static void translate(const struct options_form *form, struct option *names, char *letters) {
    *letters++ = ':';
    *letters++ = help_row.letter;
    *names++ = (struct option){help_row.name, no_argument, NULL, HELP};
    for (size_t i = 0; i < form->row_count; i++) {
        const struct options_row *row = &form->rows[i];
        int argument = row->value ? required_argument : no_argument;
        *names++ = (struct option){row->name, argument, NULL, ROW + (int)i};
        if (!row->letter) continue;
        *letters++ = row->letter;
        if (row->value) *letters++ = ':';
    }
    *names = (struct option){NULL, 0, NULL, 0};
    *letters = '\0';
}

static const struct options_row *row_of(const struct options_form *form, int option) {
    if (option >= ROW) return &form->rows[(size_t)option - ROW];
    const struct options_row *row = form->rows;
    while (row->letter != option)
        row++;
    return row;
}

bool options_read(const struct options_form *form, int argc, char **argv, void *into, int *code) {
    struct option names[OPTIONS_ROWS_MAXIMUM + 2];
    char letters[2 * OPTIONS_ROWS_MAXIMUM + 3];
    assert(form->row_count <= OPTIONS_ROWS_MAXIMUM);
    translate(form, names, letters);
    optind = 1;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, letters, names, NULL)) != -1;) {
        if (option == HELP || option == help_row.letter) {
            *code = print_help(form);
            return false;
        }
        if (option == '?' || option == ':') {
            *code = refuse(form, argv, option == ':');
            return false;
        }
        if (!take(form, row_of(form, option), into, code)) return false;
    }
    return take_argument(form, argc, argv, into, code);
}

/* A number from `text` up to `stop`. strtoul() alone takes signs and blanks as well. */
static const char *number(const char *text, char stop, uint32_t *out) {
    char *end;
    if (*text < '0' || *text > '9') return NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 0);
    if (errno != 0 || *end != stop || value > UINT32_MAX) return NULL;
    *out = (uint32_t)value;
    return end;
}

bool options_range(const char *text, uint32_t *start, uint32_t *size_bytes) {
    const char *colon = number(text, ':', start);
    if (!colon || !number(colon + 1, '\0', size_bytes)) return false;
    return *size_bytes != 0 && *size_bytes <= UINT32_MAX - *start;
}

bool options_address(const char *text, uint32_t *out) {
    return number(text, '\0', out) && *out != 0;
}

enum status options_append(const char **names, size_t *count, size_t maximum, const char *value,
                           const char *what, struct error *error) {
    if (*count == maximum) return error_input(error, "too many %s", what);
    names[(*count)++] = value;
    return STATUS_OK;
}

enum status options_descriptor(const char *text, int *out, struct error *error) {
    enum { DESCRIPTOR_MAXIMUM = 1 << 20 };
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 0 || value > DESCRIPTOR_MAXIMUM) {
        return error_input(error, "--passphrase-fd takes a descriptor's number");
    }
    *out = (int)value;
    return STATUS_OK;
}
