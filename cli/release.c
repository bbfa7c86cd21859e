/* proofmark release: the table of its own verbs. */
#include <stdio.h>
#include <string.h>

#include "cli/release.h"
#include "cli/verbs.h"

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} verbs[] = {
    {"keygen", release_keygen, "make root keys, or a release key"},
    {"build", release_build, "a version for both slots, sealed, with its manifest"},
    {"delta", release_delta, "patches from one version to another"},
    {"channel", release_channel, "say which version units should run"},
    {"revoke", release_revoke, "take a release key away"},
    {"rotate", release_rotate, "replace the root keys, or add a release key"},
    {"sign", release_sign, "sign a root document or a digest where the key is"},
    {"layout", release_layout, "lay a hardened ELF out for a slot"},
};

static const size_t verb_count = sizeof verbs / sizeof *verbs;

static void print_help(FILE *out) {
    fputs("usage: proofmark release VERB [OPTIONS] ...\n\nWhat a device needs to boot only what is "
          "signed and to keep itself up to date.\n\n",
          out);
    for (size_t i = 0; i < verb_count; i++)
        fprintf(out, "  %-8s %s\n", verbs[i].name, verbs[i].summary);
    fputs(
        "\nproofmark release VERB --help says more. Exit codes: 0 done, 1 refused, 2 wrong use.\n",
        out);
}

int verb_release(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return 0;
    }
    for (size_t i = 0; i < verb_count; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) return verbs[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr,
            "proofmark release: there is no verb '%s'; proofmark release --help lists them\n",
            argv[1]);
    return 2;
}
