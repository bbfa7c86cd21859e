/* The maker's tests: one command, run on the hardened image. */
#ifndef CLI_RUN_TEST_H
#define CLI_RUN_TEST_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "product/product.h"

enum { RUN_TEST_LOG_MAXIMUM_BYTES = 8 << 20 };

struct run_test_result {
    const char *command; /* as product.yaml gives it */
    int exit_code;       /* 128 and the signal's number when one ended it, as shells say */
    int64_t duration_ms;
    struct span log; /* its standard output and error; cut at the maximum, which is said */
    bool late;       /* it was stopped: nothing else is set */
};

/* Runs product->test.command in the description's folder, with "{firmware}" in its words
 * replaced by `firmware` (an absolute path) and in the environment as PROOFMARK_FIRMWARE;
 * standard input is empty. A command that cannot be started, or takes longer than its
 * time, is bad input; one that fails is not: look at exit_code. Its process group is
 * killed at the end, so nothing that it started stays behind. */
enum status run_test(struct arena *arena, const struct product *product, const char *firmware,
                     struct run_test_result *out, struct error *error);

#endif
