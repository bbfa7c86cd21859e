/* proofmark: the table of verbs. Exit codes: 0 done, 1 refused or found wanting, 2 wrong
 * use. Each verb is a file of its own (verbs.h). */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "cli/verbs.h"

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} verbs[] = {
    {"check", verb_check, "prove from an image what protects it"},
    {"harden", verb_harden, "protect a linked firmware against exploitation"},
    {"init", verb_init, "write a commented product.yaml from a firmware"},
    {"keygen", verb_keygen, "make a maker's signing key"},
    {"release", verb_release, "what a device boots and updates from: slots, keys, envelopes"},
    {"ship", verb_ship, "harden, check, test, sign and label a product"},
    {"verify", verb_verify, "check a shipped folder, claim by claim"},
};

static const size_t verb_count = sizeof verbs / sizeof *verbs;

static void print_help(FILE *out) {
    fputs("usage: proofmark VERB [OPTIONS] ...\n\n", out);
    for (size_t i = 0; i < verb_count; i++) {
        fprintf(out, "  %-8s %s\n", verbs[i].name, verbs[i].summary);
    }
    fputs("\nproofmark VERB --help says more, proofmark --version which one this is. Exit codes:\n"
          "0 done, 1 refused or found wanting, 2 wrong use.\n",
          out);
}

/* Leaves by exit(), which takes away what is under way (temporary.h). */
static void out_of_memory(size_t wanted_bytes) {
    static atomic_flag leaving = ATOMIC_FLAG_INIT;
    (void)wanted_bytes;
    while (atomic_flag_test_and_set(&leaving))
        pause(); /* another thread ends the process, and only one may */
    fputs("proofmark: the input needs more memory than the tool is built for\n", stderr);
    exit(1);
}

/* A verb that could not say all it had to is not done: who reads a part of its output must know. */
static int after_output(const char *verb, int code) {
    if (!ferror(stdout) && fflush(stdout) == 0) return code;
    fprintf(stderr, "proofmark%s%s: standard output could not be written to its end\n",
            verb ? " " : "", verb ? verb : "");
    return code ? code : 1;
}

/* What the caller left behind must not change what a verb says or writes. */
static void settle_process(void) {
    /* Keys and passphrases do not end in a core file. */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    /* Ignored, it would keep how a test ended from us. */
    signal(SIGCHLD, SIG_DFL);
    /* A file that is opened must not become standard output or standard error. */
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_WRONLY : O_RDONLY) != fd) _exit(1);
    }
}

int main(int argc, char **argv) {
    settle_process();
    arena_set_exhausted(out_of_memory);
    file_remove_temporaries_on_signal();
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return after_output(NULL, 0);
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("proofmark " PROOFMARK_VERSION);
        return after_output(NULL, 0);
    }
    for (size_t i = 0; i < verb_count; i++) {
        if (strcmp(argv[1], verbs[i].name) != 0) continue;
        return after_output(verbs[i].name, verbs[i].run(argc - 1, argv + 1));
    }
    fprintf(stderr, "proofmark: there is no verb '%s'; proofmark --help lists them\n", argv[1]);
    return 2;
}
