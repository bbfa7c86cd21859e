/* See outputs.h. */
#include "cli/outputs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A device takes any number of outputs. */
static bool is_same_file(const char *one, const char *two) {
    struct stat first, second;
    if (stat(one, &first) != 0) return strcmp(one, two) == 0; /* not there yet */
    return S_ISREG(first.st_mode) && stat(two, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

enum status outputs_are_apart(const char *const *written, size_t written_count,
                              const char *const *read, size_t read_count, struct error *error) {
    for (size_t i = 0; i < written_count; i++) {
        for (size_t k = 0; written[i] && k < read_count; k++) {
            if (!read[k] || !is_same_file(written[i], read[k])) continue;
            return error_input(error, "%s: is the input and is not replaced by what is made of it",
                               written[i]);
        }
        for (size_t k = 0; written[i] && k < i; k++) {
            if (!written[k] || !is_same_file(written[i], written[k])) continue;
            return error_input(error, "%s: is named for two outputs; each needs a file of its own",
                               written[i]);
        }
    }
    return STATUS_OK;
}

enum status outputs_not_around(const char *folder, const char *read, struct error *error) {
    char *outer = realpath(folder, NULL), *inner = realpath(read, NULL);
    size_t length = outer ? strlen(outer) : 0;
    bool within = outer && inner && strncmp(inner, outer, length) == 0 && inner[length] == '/';
    free(outer);
    free(inner);
    if (!within) return STATUS_OK;
    return error_input(error, "%s: lies in the folder %s, which would be replaced, and is needed",
                       read, folder);
}
