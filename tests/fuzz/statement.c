/* Statements: what is read, written again, gives the same bytes; its predicate is judged
 * without harm, whatever it holds. */
#include <stdlib.h>
#include <string.h>

#include "evidence/predicate.h"
#include "evidence/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void check(const struct statement *statement, struct span input) {
    static const char *const types[] = {PREDICATE_HARDENING, PREDICATE_BUILD, PREDICATE_TEST,
                                        PREDICATE_RELEASE};
    struct buffer text;
    struct error error;
    buffer_init(&text, STATEMENT_MAXIMUM_BYTES);
    if (statement_write(statement, &text, &error) != STATUS_OK) abort();
    if (text.size_bytes != input.size_bytes) abort();
    if (memcmp(text.data, input.data, input.size_bytes) != 0) abort();
    buffer_free(&text);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (predicate_validate(types[i], statement->predicate, &error) == STATUS_OK) {
            predicate_age_at(statement->predicate, 1790000000);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    struct arena arena = {0};
    struct statement statement;
    struct error error;
    struct span input = {data, size_bytes};
    if (statement_read(&arena, input, &statement, &error) == STATUS_OK) check(&statement, input);
    statement_release(&statement);
    arena_free(&arena);
    return 0;
}
