/* proofmark keygen: makes a maker's key pair.
 *
 * The private key is written first, whole and with mode 0600 from its first byte; the
 * public key follows. An existing file is kept unless --force is given, and both are
 * looked at before the passphrase is asked for. */
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/verbs.h"
#include "evidence/canonical.h"
#include "evidence/key.h"

enum { PATH_MAXIMUM = 4096, PASSPHRASE_MINIMUM = 8, PEM_MAXIMUM = 4096 };

struct options {
    const char *private_path, *public_given;
    char public_path[PATH_MAXIMUM];
    int passphrase_fd; /* or PASSPHRASE_PROMPT, PASSPHRASE_NONE */
    bool fd_given, none_given, force, json;
};

static enum status take_descriptor(void *into, const char *value, struct error *error) {
    struct options *options = into;
    options->fd_given = true;
    return options_descriptor(value, &options->passphrase_fd, error);
}

static const struct options_row rows[] = {
    {"output", 'o', "PATH", offsetof(struct options, private_path), NULL,
     "the private key, mode 0600 (default maker.key)"},
    {"public", 0, "PATH", offsetof(struct options, public_given), NULL,
     "the public key (default: beside it, ending in .pub)"},
    {"passphrase-fd", 0, "N", 0, take_descriptor,
     "read the passphrase from descriptor N, up to a newline,\n"
     "instead of asking for it on the terminal"},
    {"no-passphrase", 0, NULL, offsetof(struct options, none_given), NULL,
     "do not encrypt the private key"},
    {"force", 0, NULL, offsetof(struct options, force), NULL,
     "replace existing files; the old key is lost"},
    {"json", 0, NULL, offsetof(struct options, json), NULL, "print what was made as JSON"},
};

static const struct options_form form = {
    .verb = "keygen",
    .usage = "[-o maker.key] [--public maker.pub]\n"
             "                        [--passphrase-fd N | --no-passphrase] [--force] [--json]",
    .about = "Makes an Ed25519 key pair: the private key that signs your statements, and the\n"
             "public key that you hand to everyone who verifies them.\n",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .exit_status = "0 done, 1 refused, 2 wrong use",
};

/* maker.key -> maker.pub; any other name gets .pub behind it. */
static bool derive_public_path(struct options *options) {
    static const char ending[] = ".key";
    size_t length = strlen(options->private_path);
    if (length > 4 && strcmp(options->private_path + length - 4, ending) == 0) length -= 4;
    int written = snprintf(options->public_path, sizeof options->public_path, "%.*s.pub",
                           (int)length, options->private_path);
    return written > 0 && (size_t)written < sizeof options->public_path;
}

static int settle_paths(struct options *options) {
    if (options->public_given) {
        int length = snprintf(options->public_path, sizeof options->public_path, "%s",
                              options->public_given);
        if (length < 0 || length >= PATH_MAXIMUM) {
            return options_wrong_use(&form, "the public key's path is too long");
        }
    } else if (!derive_public_path(options)) {
        return options_wrong_use(&form, "the private key's path is too long");
    }
    if (strcmp(options->private_path, options->public_path) == 0) {
        return options_wrong_use(&form, "the two keys need two paths");
    }
    return 0;
}

/* What the rows cannot say alone; 0 or the exit code. */
static int settle(struct options *options) {
    if (options->fd_given && options->none_given) {
        return options_wrong_use(&form, "--passphrase-fd and --no-passphrase exclude each other");
    }
    if (options->none_given) options->passphrase_fd = PASSPHRASE_NONE;
    return settle_paths(options);
}

static enum status refuse_existing(const struct options *options, struct error *error) {
    const char *const paths[] = {options->private_path, options->public_path};
    enum status status = outputs_are_apart(paths, 2, NULL, 0, error);
    for (size_t i = 0; i < 2 && status == STATUS_OK; i++)
        status = file_may_write(paths[i], options->force, error);
    return status;
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
    if (status != STATUS_OK && !options->force) file_discard(options->private_path);
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
    struct options options = {.private_path = "maker.key", .passphrase_fd = PASSPHRASE_PROMPT};
    struct error error;
    int code = 0;
    if (!options_read(&form, argc, argv, &options, &code)) return code;
    code = settle(&options);
    if (code != 0) return code;
    file_remove_temporaries_on_signal();
    if (keygen(&options, &error) == STATUS_OK) return 0;
    fprintf(stderr, "proofmark keygen: %s\n", error.message);
    return 1;
}
