/* proofmark keygen: makes a maker's key pair.
 *
 * The private key is written first, whole and with mode 0600 from its first byte; the
 * public key follows. An existing file is kept unless --force is given, and both are
 * looked at before the passphrase is asked for. */
#include <errno.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/verbs.h"
#include "evidence/canonical.h"
#include "evidence/key.h"

enum { PATH_MAXIMUM = 4096, PASSPHRASE_MINIMUM = 8, PEM_MAXIMUM = 4096 };

static const char usage[] =
    "usage: proofmark keygen [-o maker.key] [--public maker.pub]\n"
    "                        [--passphrase-fd N | --no-passphrase] [--force] [--json]\n"
    "\n"
    "Makes an Ed25519 key pair: the private key that signs your statements, and the\n"
    "public key that you hand to everyone who verifies them.\n"
    "\n"
    "  -o, --output PATH    the private key, mode 0600 (default maker.key)\n"
    "      --public PATH    the public key (default: beside it, ending in .pub)\n"
    "      --passphrase-fd N  read the passphrase from descriptor N, up to a newline,\n"
    "                       instead of asking for it on the terminal\n"
    "      --no-passphrase  do not encrypt the private key\n"
    "      --force          replace existing files; the old key is lost\n"
    "      --json           print what was made as JSON\n"
    "  -h, --help           print this\n"
    "\n"
    "Exit status: 0 done, 1 refused, 2 wrong use.\n";

struct options {
    const char *private_path;
    char public_path[PATH_MAXIMUM];
    int passphrase_fd; /* or PASSPHRASE_PROMPT, PASSPHRASE_NONE */
    bool force, json, help;
};

static bool parse_descriptor(const char *text, int *out) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 0 || value > 1 << 20) return false;
    *out = (int)value;
    return true;
}

/* maker.key -> maker.pub; any other name gets .pub behind it. */
static bool derive_public_path(struct options *options) {
    static const char ending[] = ".key";
    if (!options->private_path) return false;
    size_t length = strlen(options->private_path);
    if (length > 4 && strcmp(options->private_path + length - 4, ending) == 0) length -= 4;
    int written = snprintf(options->public_path, sizeof options->public_path, "%.*s.pub",
                           (int)length, options->private_path);
    return written > 0 && (size_t)written < sizeof options->public_path;
}

static int wrong_use(const char *sentence) {
    fprintf(stderr, "proofmark keygen: %s; see proofmark keygen --help\n", sentence);
    return 2;
}

/* public_path NULL: derive it. */
static int settle_paths(struct options *options, const char *public_path) {
    if (public_path) {
        int length = snprintf(options->public_path, sizeof options->public_path, "%s", public_path);
        if (length < 0 || length >= PATH_MAXIMUM)
            return wrong_use("the public key's path is too long");
    } else if (!derive_public_path(options)) {
        return wrong_use("the private key's path is too long");
    }
    if (strcmp(options->private_path, options->public_path) == 0) {
        return wrong_use("the two keys need two paths");
    }
    return 0;
}

static int parse(int argc, char **argv, struct options *options) {
    enum { OPTION_PUBLIC = 256, OPTION_FD, OPTION_NONE, OPTION_FORCE, OPTION_JSON };
    static const struct option names[] = {
        {"output", required_argument, NULL, 'o'},
        {"public", required_argument, NULL, OPTION_PUBLIC},
        {"passphrase-fd", required_argument, NULL, OPTION_FD},
        {"no-passphrase", no_argument, NULL, OPTION_NONE},
        {"force", no_argument, NULL, OPTION_FORCE},
        {"json", no_argument, NULL, OPTION_JSON},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *public_path = NULL;
    bool fd_given = false, none_given = false;
    *options = (struct options){.private_path = "maker.key", .passphrase_fd = PASSPHRASE_PROMPT};
    optind = 1;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "o:h", names, NULL)) != -1;) {
        switch (option) {
        case 'o':
            options->private_path = optarg;
            break;
        case OPTION_PUBLIC:
            public_path = optarg;
            break;
        case OPTION_FD:
            fd_given = true;
            if (!parse_descriptor(optarg, &options->passphrase_fd)) {
                return wrong_use("--passphrase-fd takes a descriptor's number");
            }
            break;
        case OPTION_NONE:
            none_given = true;
            break;
        case OPTION_FORCE:
            options->force = true;
            break;
        case OPTION_JSON:
            options->json = true;
            break;
        case 'h':
            options->help = true;
            return 0;
        default:
            return wrong_use("there is an option that is unknown or lacks its value");
        }
    }
    if (optind < argc) return wrong_use("it takes no arguments beside its options");
    if (fd_given && none_given) {
        return wrong_use("--passphrase-fd and --no-passphrase exclude each other");
    }
    if (none_given) options->passphrase_fd = PASSPHRASE_NONE;
    return settle_paths(options, public_path);
}

static enum status refuse_existing(const struct options *options, struct error *error) {
    const char *paths[] = {options->private_path, options->public_path};
    for (size_t i = 0; i < 2 && !options->force; i++) {
        if (access(paths[i], F_OK) == 0) {
            return error_input(error, "%s: exists already and is kept; use --force to replace it",
                               paths[i]);
        }
    }
    return STATUS_OK;
}

/* The private key's PEM, encrypted unless the user said not to. */
static enum status encode(const struct options *options, const struct private_key *key,
                          struct buffer *pem, struct error *error) {
    struct passphrase passphrase;
    struct passphrase_source source = {
        .fd = options->passphrase_fd, .about = options->private_path, .twice = true};
    if (options->passphrase_fd == PASSPHRASE_NONE) return key_private_to_pem(key, NULL, pem, error);
    enum status status = passphrase_read(&source, &passphrase, error);
    if (status == STATUS_OK && passphrase.size_bytes < PASSPHRASE_MINIMUM) {
        status = error_input(error, "the passphrase is shorter than %d bytes", PASSPHRASE_MINIMUM);
    }
    if (status == STATUS_OK) status = key_private_to_pem(key, &passphrase, pem, error);
    passphrase_wipe(&passphrase);
    return status;
}

static enum status write_pair(const struct options *options, struct span private_pem,
                              struct span public_pem, struct error *error) {
    int replace = options->force ? FILE_REPLACE : FILE_KEEP;
    enum status status = file_write(options->private_path, private_pem, 0600, replace, error);
    if (status != STATUS_OK) return status;
    status = file_write(options->public_path, public_pem, 0644, replace, error);
    /* Half a pair is not left behind, but a key that replaced another one is kept. */
    if (status != STATUS_OK && !options->force) unlink(options->private_path);
    return status;
}

static enum status report(const struct options *options, const struct private_key *key,
                          struct error *error) {
    bool encrypted = options->passphrase_fd != PASSPHRASE_NONE;
    enum status status = STATUS_OK;
    if (options->json) {
        struct buffer text;
        json_t *value =
            json_pack("{s:s, s:s, s:s, s:b}", "private", options->private_path, "public",
                      options->public_path, "id", key->public_half.id_hex, "encrypted", encrypted);
        if (!value) return error_input(error, "a path is not UTF-8 and cannot be printed as JSON");
        buffer_init(&text, 4 * PATH_MAXIMUM);
        status = canonical_write(value, &text, error);
        if (status == STATUS_OK) printf("%s\n", (const char *)text.data);
        buffer_free(&text);
        json_decref(value);
    } else {
        printf("%s  private key, %s; keep it to yourself\n", options->private_path,
               encrypted ? "encrypted" : "NOT encrypted");
        printf("%s  public key; give it to everyone who verifies\n", options->public_path);
        printf("key id %s\n", key->public_half.id_hex);
    }
    if (status == STATUS_OK && fflush(stdout) != 0) {
        status = error_environment(error, "standard output: %s", strerror(errno));
    }
    return status;
}

static enum status keygen(const struct options *options, struct error *error) {
    struct private_key key;
    struct buffer private_pem, public_pem;
    buffer_init(&private_pem, PEM_MAXIMUM);
    buffer_init(&public_pem, PEM_MAXIMUM);
    memset(&key, 0, sizeof key);
    enum status status = refuse_existing(options, error);
    if (status == STATUS_OK) status = key_generate(&key, error);
    if (status == STATUS_OK) status = encode(options, &key, &private_pem, error);
    if (status == STATUS_OK) status = key_public_to_pem(&key.public_half, &public_pem, error);
    if (status == STATUS_OK) {
        status = write_pair(options, buffer_span(&private_pem), buffer_span(&public_pem), error);
    }
    if (status == STATUS_OK) status = report(options, &key, error);
    if (private_pem.data) OPENSSL_cleanse(private_pem.data, private_pem.capacity_bytes);
    buffer_free(&private_pem);
    buffer_free(&public_pem);
    key_wipe(&key);
    return status;
}

int verb_keygen(int argc, char **argv) {
    struct options options;
    struct error error;
    int wrong = parse(argc, argv, &options);
    if (wrong) return wrong;
    if (options.help) {
        fputs(usage, stdout);
        return 0;
    }
    file_remove_temporaries_on_signal();
    if (keygen(&options, &error) == STATUS_OK) return 0;
    fprintf(stderr, "proofmark keygen: %s\n", error.message);
    return 1;
}
