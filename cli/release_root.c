/* proofmark release revoke, rotate and sign: the next root document, and its signatures, which two
 * people may give one after the other. It becomes root/N.bin once it is whole. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/release.h"
#include "cli/release_signer.h"
#include "release/tree.h"

struct arguments {
    const char *tree, *subject;
    const char *new_roots[PM_ROOT_KEYS], *keys[2 * PM_ROOT_KEYS], *releases[PM_RELEASE_KEYS];
    size_t new_root_count, key_count, release_count;
    int passphrase_fd;
    bool json;
};

static enum status take(const char **list, size_t *count, size_t maximum, const char *value,
                        struct error *error) {
    if (*count == maximum) return error_input(error, "more than %zu of them: %s", maximum, value);
    list[(*count)++] = value;
    return STATUS_OK;
}
static enum status take_new_root(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    return take(a->new_roots, &a->new_root_count, PM_ROOT_KEYS, value, error);
}
static enum status take_release(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    return take(a->releases, &a->release_count, PM_RELEASE_KEYS, value, error);
}
static enum status take_key(void *into, const char *value, struct error *error) {
    struct arguments *a = into;
    return take(a->keys, &a->key_count, sizeof a->keys / sizeof *a->keys, value, error);
}
static enum status take_descriptor(void *into, const char *value, struct error *error) {
    return options_descriptor(value, &((struct arguments *)into)->passphrase_fd, error);
}

#define ROW_TREE                                                           \
    {                                                                      \
        "tree", 't', "DIR", offsetof(struct arguments, tree), NULL,        \
            "the tree of files that devices update from (default release)" \
    }
#define ROW_KEY \
    { "root-key", 'k', "PATH", 0, take_key, "a root key to sign with; may be repeated" }
#define ROW_FD                                                        \
    {                                                                 \
        "passphrase-fd", 0, "N", 0, take_descriptor,                  \
            "read passphrases from descriptor N, a line for each key" \
    }
#define ROW_RELEASE \
    { "release", 0, "PUB", 0, take_release, "add this release key; may be repeated" }
#define ROW_JSON \
    { "json", 0, NULL, offsetof(struct arguments, json), NULL, "print what was made as JSON" }

static const struct options_row revoke_rows[] = {ROW_TREE, ROW_KEY, ROW_FD, ROW_RELEASE, ROW_JSON};
static const struct options_form revoke_form = {
    .verb = "release revoke",
    .usage = "--root-key root-1.key --root-key root-2.key [OPTIONS] KEY",
    .about =
        "Makes the next root document, without the release key that KEY (its id, or its public\n"
        "file) names. Units refuse what it signed once they have the document and an image that\n"
        "confirmed its health. With fewer than two root keys the document waits for\n"
        "`proofmark release sign`.\n",
    .rows = revoke_rows,
    .row_count = sizeof revoke_rows / sizeof *revoke_rows,
    .exit_status = "0 done, 1 refused, 2 wrong use",
    .argument = "one key",
    .argument_offset = offsetof(struct arguments, subject),
};

static const struct options_row rotate_rows[] = {
    ROW_TREE,
    ROW_KEY,
    ROW_FD,
    {"new-root", 0, "PUB", 0, take_new_root, "a root key of the next document; given three times"},
    ROW_RELEASE,
    ROW_JSON};
static const struct options_form rotate_form = {
    .verb = "release rotate",
    .usage = "--new-root PUB --new-root PUB --new-root PUB\n"
             "                                --root-key OLD.key ... [OPTIONS]",
    .about =
        "Makes the next root document: with other root keys, signed by two of the old and two of\n"
        "the new ones; or, with --release alone, with one more release key. What signatures are\n"
        "missing `proofmark release sign` adds.\n",
    .rows = rotate_rows,
    .row_count = sizeof rotate_rows / sizeof *rotate_rows,
    .exit_status = "0 done, 1 refused, 2 wrong use",
};

static const struct options_row sign_rows[] = {ROW_KEY, ROW_FD, ROW_JSON};
static const struct options_form sign_form = {
    .verb = "release sign",
    .usage = "--root-key PATH [OPTIONS] DIR/root/N.pending | DIGEST.digest",
    .about = "Signs where the key is: a root document that waits for signatures, by each root key\n"
             "given; or a digest that another verb left with --signatures, by a release key, to\n"
             "DIGEST.sig beside it.\n",
    .rows = sign_rows,
    .row_count = sizeof sign_rows / sizeof *sign_rows,
    .exit_status = "0 done, 1 refused, 2 wrong use",
    .argument = "one file",
    .argument_offset = offsetof(struct arguments, subject),
};

struct changing {
    const struct arguments *a;
    struct arena arena;
    const char *tree;
    struct pm_root before, next;
    struct error *error;
};

static const char *pending_path(struct changing *c) {
    return arena_format(&c->arena, "%s/root/%u.pending", c->tree, c->before.version + 1);
}

static enum status read_tree(struct changing *c) {
    enum status status = tree_newest_root(&c->arena, c->tree, &c->before, c->error);
    if (status == STATUS_OK && !c->before.version) {
        status = error_input(c->error, "%s: holds no root document; release build makes the first",
                             c->tree);
    }
    return status;
}

static enum status begin(struct changing *c) {
    c->tree = c->a->tree;
    enum status status = read_tree(c);
    if (status != STATUS_OK) return status;
    if (access(pending_path(c), F_OK) == 0) {
        return error_input(c->error, "%s: waits for signatures: sign it, or remove it",
                           pending_path(c));
    }
    root_next(&c->before, &c->next);
    for (size_t i = 0; status == STATUS_OK && i < c->a->release_count; i++) {
        struct release_key key;
        status = release_key_load_public(c->a->releases[i], &key, c->error);
        if (status == STATUS_OK) status = root_add_release(&c->next, &key, c->error);
        release_key_free(&key);
    }
    return status;
}

/* Signs with every key given; two signatures of each kind are enough. */
static enum status sign_all(struct changing *c) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < c->a->key_count; i++) {
        struct passphrase_source source = {.fd = c->a->passphrase_fd, .about = c->a->keys[i]};
        struct release_key key;
        status = release_key_load(c->a->keys[i], &source, &key, c->error);
        if (status == STATUS_OK) status = root_sign(&c->before, &c->next, &key, c->error);
        release_key_free(&key);
    }
    return status;
}

/* Whole: root/N.bin. Else it waits. */
static enum status put(struct changing *c) {
    uint8_t bytes[PM_ROOT_BYTES];
    unsigned old_missing, own_missing;
    root_missing(&c->before, &c->next, &old_missing, &own_missing);
    pm_root_write(&c->next, bytes);
    struct span span = {bytes, sizeof bytes};
    const char *pending = pending_path(c);
    if (old_missing || own_missing) {
        enum status status = file_write(pending, span, 0644, FILE_REPLACE, c->error);
        if (status != STATUS_OK) return status;
        if (c->a->json) {
            printf("{\"new_missing\":%u,\"old_missing\":%u,\"version\":%u}\n", own_missing,
                   old_missing, c->next.version);
        } else {
            printf("%s  waits for %u signatures of the old root keys and %u of the new ones\n",
                   pending, old_missing, own_missing);
        }
        return STATUS_OK;
    }
    if (!root_follows(&c->before, &c->next)) {
        return error_input(
            c->error, "%s: a signature in it does not hold: remove it and begin anew", pending);
    }
    const char *path = arena_format(&c->arena, "%s/root/%u.bin", c->tree, c->next.version);
    enum status status = file_write(path, span, 0644, FILE_KEEP, c->error);
    if (status != STATUS_OK) return status;
    unlink(pending);
    if (c->a->json) {
        printf("{\"new_missing\":0,\"old_missing\":0,\"version\":%u}\n", c->next.version);
    } else {
        printf("%s  whole: publish it with proofmark release channel\n", path);
    }
    return STATUS_OK;
}

static enum status revoke_key(struct changing *c) {
    uint8_t id[PM_SHA256_BYTES];
    enum status status = begin(c);
    if (status == STATUS_OK && !digest_from_hex(c->a->subject, id)) {
        struct release_key key;
        status = release_key_load_public(c->a->subject, &key, c->error);
        memcpy(id, key.id, sizeof id);
        release_key_free(&key);
    }
    if (status == STATUS_OK) status = root_remove_release(&c->next, id, c->error);
    if (status == STATUS_OK) status = sign_all(c);
    return status == STATUS_OK ? put(c) : status;
}

static enum status rotate_keys(struct changing *c) {
    enum status status = begin(c);
    struct pm_root *next = &c->next;
    if (status == STATUS_OK && c->a->new_root_count)
        memset(next->root_keys, 0, sizeof next->root_keys);
    for (size_t i = 0; status == STATUS_OK && i < c->a->new_root_count; i++) {
        struct release_key key;
        status = release_key_load_public(c->a->new_roots[i], &key, c->error);
        if (status == STATUS_OK &&
            (root_key_index(next, key.point) >= 0 || root_release_index(next, key.id) >= 0)) {
            status = error_input(c->error, "%s: the same key a second time", c->a->new_roots[i]);
        }
        memcpy(next->root_keys[i], key.point, PM_POINT_BYTES);
        release_key_free(&key);
    }
    if (status == STATUS_OK) status = sign_all(c);
    return status == STATUS_OK ? put(c) : status;
}

/* DIR/root/N.pending: the tree is two folders up. */
static enum status sign_root(struct changing *c, struct span bytes) {
    const char *path = c->a->subject, *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    c->tree = slash ? arena_format(&c->arena, "%.*s/..", (int)length, path) : "..";
    enum status status = read_tree(c);
    if (status != STATUS_OK) return status;
    if (!root_read_pending(bytes.data, &c->next) || c->next.version != c->before.version + 1) {
        return error_input(c->error, "%s: is no document that follows root document %u", path,
                           c->before.version);
    }
    status = sign_all(c);
    return status == STATUS_OK ? put(c) : status;
}

static enum status sign_digest(struct changing *c, struct span digest) {
    struct passphrase_source source = {.fd = c->a->passphrase_fd, .about = c->a->keys[0]};
    struct release_key key;
    uint8_t signature[PM_ES256_BYTES];
    const char *path = c->a->subject;
    size_t length = strlen(path);
    if (c->a->key_count != 1) return error_input(c->error, "a digest is signed by one key");
    enum status status = release_key_load(c->a->keys[0], &source, &key, c->error);
    if (status == STATUS_OK) status = release_key_sign(&key, digest.data, signature, c->error);
    release_key_free(&key);
    if (status != STATUS_OK) return status;
    if (length > 7 && strcmp(path + length - 7, ".digest") == 0) length -= 7;
    const char *out = arena_format(&c->arena, "%.*s.sig", (int)length, path);
    status =
        file_write(out, (struct span){signature, sizeof signature}, 0644, FILE_REPLACE, c->error);
    if (status == STATUS_OK && c->a->json) printf("{\"signature\":\"%s\"}\n", out);
    if (status == STATUS_OK && !c->a->json) printf("%s\n", out);
    return status;
}

static enum status sign(struct changing *c) {
    struct span bytes;
    enum status status = file_read(&c->arena, c->a->subject, PM_ROOT_BYTES, &bytes, c->error);
    if (status != STATUS_OK) return status;
    if (bytes.size_bytes == PM_ROOT_BYTES) return sign_root(c, bytes);
    if (bytes.size_bytes == PM_SHA256_BYTES) return sign_digest(c, bytes);
    return error_input(c->error, "%s: neither a root document that waits nor a digest",
                       c->a->subject);
}

static int run(const struct options_form *form, enum status (*verb)(struct changing *), int argc,
               char **argv) {
    struct arguments a = {.tree = "release", .passphrase_fd = PASSPHRASE_PROMPT};
    struct error error;
    struct changing c = {.a = &a, .error = &error};
    int code = 0;
    if (!options_read(form, argc, argv, &a, &code)) return code;
    if (verb == sign && !a.key_count) return options_wrong_use(form, "--root-key is needed");
    if (verb == rotate_keys && a.new_root_count != PM_ROOT_KEYS &&
        (a.new_root_count || !a.release_count)) {
        return options_wrong_use(form, "three --new-root are needed, or a --release");
    }
    enum status status = verb(&c);
    arena_free(&c.arena);
    if (status == STATUS_OK) return 0;
    fprintf(stderr, "proofmark %s: %s\n", form->verb, error.message);
    return 1;
}

int release_revoke(int argc, char **argv) {
    return run(&revoke_form, revoke_key, argc, argv);
}
int release_rotate(int argc, char **argv) {
    return run(&rotate_form, rotate_keys, argc, argv);
}
int release_sign(int argc, char **argv) {
    return run(&sign_form, sign, argc, argv);
}
