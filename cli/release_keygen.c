/* proofmark release keygen: three root keys, or a release key. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/options.h"
#include "cli/release.h"
#include "evidence/key_pem.h"
#include "release/keys.h"

enum { PASSPHRASE_MINIMUM = 8, PEM_MAXIMUM = 4096, KEYS_MAXIMUM = PM_ROOT_KEYS };

struct arguments {
    const char *kind, *name, *out;
    int passphrase_fd;
    bool none, force, json;
};

static enum status take_descriptor(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    return options_descriptor(value, &a->passphrase_fd, error);
}

static const struct options_row rows[] = {
    {"out", 'o', "DIR", offsetof(struct arguments, out), NULL,
     "where the keys go (default: the current folder)"},
    {"name", 0, "NAME", offsetof(struct arguments, name), NULL,
     "a release key's file name without its ending (default release)"},
    {"passphrase-fd", 0, "N", 0, take_descriptor,
     "read the passphrase from descriptor N, up to a newline,\n"
     "instead of asking for it; a line for each key"},
    {"no-passphrase", 0, NULL, offsetof(struct arguments, none), NULL,
     "do not encrypt the private keys"},
    {"force", 0, NULL, offsetof(struct arguments, force), NULL,
     "replace existing files; the old keys are lost"},
    {"json", 0, NULL, offsetof(struct arguments, json), NULL, "print what was made as JSON"},
};

static const struct options_form form = {
    .verb = "release keygen",
    .usage = "[-o DIR] [--name NAME] [--passphrase-fd N | --no-passphrase]\n"
             "                                [--force] [--json] root|release",
    .about = "Makes keys on P-256 that devices believe: `root` makes three, of which any two\n"
             "decide who may sign releases; `release` makes one that signs them.\n",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .notes =
        "Give the three root keys to three people. Whoever holds two of them holds the fleet.\n",
    .exit_status = "0 done, 1 refused, 2 wrong use",
    .argument = "root or release",
    .argument_offset = offsetof(struct arguments, kind),
};

struct made {
    struct release_key key;
    struct buffer private_pem, public_pem;
    const char *private_path, *public_path;
};

static enum status make(const struct arguments *a, struct made *made, struct error *error) {
    struct passphrase passphrase;
    struct passphrase_source source = {
        .fd = a->passphrase_fd, .about = made->private_path, .twice = true};
    enum status status = release_key_generate(&made->key, error);
    if (status == STATUS_OK && a->none) {
        status = key_pem_write_private(made->key.pkey, NULL, &made->private_pem, error);
    } else if (status == STATUS_OK) {
        status = passphrase_read(&source, &passphrase, error);
        if (status == STATUS_OK && passphrase.size_bytes < PASSPHRASE_MINIMUM) {
            status =
                error_input(error, "the passphrase is shorter than %d bytes", PASSPHRASE_MINIMUM);
        }
        if (status == STATUS_OK) {
            status = key_pem_write_private(made->key.pkey, &passphrase, &made->private_pem, error);
        }
        passphrase_wipe(&passphrase);
    }
    if (status != STATUS_OK) return status;
    return key_pem_write_public(made->key.pkey, &made->public_pem, error);
}

static enum status write_keys(const struct arguments *a, struct made *made, size_t count,
                              struct error *error) {
    int replace = a->force ? FILE_REPLACE : FILE_KEEP;
    enum status status = file_make_directories(a->out, error);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        status = file_write(made[i].private_path, buffer_span(&made[i].private_pem), 0600, replace,
                            error);
        if (status == STATUS_OK) {
            status = file_write(made[i].public_path, buffer_span(&made[i].public_pem), 0644,
                                replace, error);
        }
    }
    return status;
}

static enum status name_keys(const struct arguments *a, struct arena *arena, struct made *made,
                             size_t count, struct error *error) {
    for (size_t i = 0; i < count; i++) {
        const char *name = count > 1 ? arena_format(arena, "root-%zu", i + 1) : a->name;
        made[i].private_path = arena_format(arena, "%s/%s.key", a->out, name);
        made[i].public_path = arena_format(arena, "%s/%s.pub", a->out, name);
        const char *paths[] = {made[i].private_path, made[i].public_path};
        for (size_t k = 0; k < 2; k++) {
            enum status status = file_may_write(paths[k], a->force, error);
            if (status != STATUS_OK) return status;
        }
    }
    return STATUS_OK;
}

static void report(const struct arguments *a, const struct made *made, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (a->json) {
            printf("%s{\"id\":\"%s\",\"private\":\"%s\",\"public\":\"%s\"}%s", i ? "," : "[",
                   made[i].key.id_hex, made[i].private_path, made[i].public_path,
                   i + 1 == count ? "]\n" : "");
        } else {
            printf("%s  private key, %s\n%s  public key, id %s\n", made[i].private_path,
                   a->none ? "NOT encrypted" : "encrypted", made[i].public_path,
                   made[i].key.id_hex);
        }
    }
}

int release_keygen(int argc, char **argv) {
    struct arguments a = {.passphrase_fd = PASSPHRASE_PROMPT, .out = ".", .name = "release"};
    struct made made[KEYS_MAXIMUM];
    struct arena arena = {.chunk = NULL};
    struct error error;
    int code = 0;
    if (!options_read(&form, argc, argv, &a, &code)) return code;
    bool root = strcmp(a.kind, "root") == 0;
    if (!root && strcmp(a.kind, "release") != 0) {
        return options_wrong_use(&form, "it takes root or release");
    }
    if (!*a.name || strpbrk(a.name, "/\"\\")) {
        return options_wrong_use(&form, "--name is a file's name, without a folder");
    }
    size_t count = root ? PM_ROOT_KEYS : 1;
    memset(made, 0, sizeof made);
    for (size_t i = 0; i < count; i++) {
        buffer_init(&made[i].private_pem, PEM_MAXIMUM);
        buffer_init(&made[i].public_pem, PEM_MAXIMUM);
    }
    enum status status = name_keys(&a, &arena, made, count, &error);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = make(&a, &made[i], &error);
    if (status == STATUS_OK) status = write_keys(&a, made, count, &error);
    if (status == STATUS_OK) report(&a, made, count);
    for (size_t i = 0; i < count; i++) {
        struct buffer *pem = &made[i].private_pem;
        if (pem->data) OPENSSL_cleanse(pem->data, pem->capacity_bytes);
        buffer_free(pem);
        buffer_free(&made[i].public_pem);
        release_key_free(&made[i].key);
    }
    arena_free(&arena);
    if (status == STATUS_OK) return 0;
    fprintf(stderr, "proofmark release keygen: %s\n", error.message);
    return 1;
}
