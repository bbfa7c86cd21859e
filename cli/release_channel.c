/* proofmark release channel: says which version units should run now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/release.h"
#include "cli/release_signer.h"
#include "format/channel.h"
#include "format/cose.h"
#include "release/channel.h"
#include "release/tree.h"

enum { DAY_S = 86400, DAYS_MAXIMUM = 3650 };

struct arguments {
    struct release_key_options keys;
    const char *version;
    uint64_t rollout, expires_days, issued_s, minimum;
    bool only, json;
};

static enum status take_number(const char *value, uint64_t maximum, uint64_t *out,
                               struct error *error) {
    char *end;
    unsigned long long number = strtoull(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || number > maximum) {
        return error_input(error, "not a number from 0 to %llu: %s", (unsigned long long)maximum,
                           value);
    }
    *out = number;
    return STATUS_OK;
}

static enum status take_rollout(void *into, const char *value, struct error *error) {
    return take_number(value, PM_CHANNEL_WHOLE, &((struct arguments *)into)->rollout, error);
}
static enum status take_expires(void *into, const char *value, struct error *error) {
    return take_number(value, DAYS_MAXIMUM, &((struct arguments *)into)->expires_days, error);
}
static enum status take_issued(void *into, const char *value, struct error *error) {
    return take_number(value, UINT32_MAX, &((struct arguments *)into)->issued_s, error);
}
static enum status take_minimum(void *into, const char *value, struct error *error) {
    return take_number(value, INT64_MAX, &((struct arguments *)into)->minimum, error);
}

static const struct options_row rows[] = {
    RELEASE_KEY_ROWS,
    {"rollout", 0, "N", 0, take_rollout,
     "how many of 1000 units take it (default 1000); raise it by\nanother call"},
    {"expires", 0, "DAYS", 0, take_expires, "until when the document is current (default 30)"},
    {"issued", 0, "SECONDS", 0, take_issued, "the time it says, since 1970 (default: now)"},
    {"minimum", 0, "N", 0, take_minimum, "the least sequence number that may go on to it directly"},
    {"only", 0, NULL, offsetof(struct arguments, only), NULL,
     "drop the other versions: units outside the rollout stay"},
    {"json", 0, NULL, offsetof(struct arguments, json), NULL, "print what was made as JSON"},
};

static const struct options_form form = {
    .verb = "release channel",
    .usage = "--key release.key [OPTIONS] VERSION",
    .about = "Publishes a version of the tree: writes DIR/channel.cose, which units poll. Lower\n"
             "versions that it named stay behind it, for units outside the rollout.\n",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .exit_status = "0 done, 1 refused, 2 wrong use",
    .argument = "one version",
    .argument_offset = offsetof(struct arguments, version),
};

struct publishing {
    const struct arguments *a;
    struct arena arena;
    struct tree_version version;
    struct pm_root root;
    struct release_signer signer;
    struct channel_document document;
    struct channel_entry entries[PM_CHANNEL_ENTRIES_MAXIMUM];
    struct error *error;
};

/* The document that is published now, if any: its number, time and other entries go on. */
static enum status take_over(struct publishing *p) {
    const char *path = tree_path(&p->arena, p->a->keys.tree, "channel.cose");
    struct pm_cose_sign1 message;
    struct pm_channel before;
    struct span bytes;
    p->document.serial = 1;
    if (access(path, F_OK) != 0) return STATUS_OK;
    enum status status = file_read(&p->arena, path, CHANNEL_DOCUMENT_MAXIMUM, &bytes, p->error);
    if (status != STATUS_OK) return status;
    if (!pm_cose_sign1_read((struct pm_bytes){bytes.data, bytes.size_bytes}, &message) ||
        !pm_channel_read(message.payload, &before)) {
        return error_input(p->error,
                           "%s: is no channel document; remove it to begin anew, with a "
                           "higher serial than units have seen",
                           path);
    }
    p->document.serial = before.serial + 1;
    if (p->document.issued_s < before.issued_s) {
        return error_input(p->error,
                           "the time it would say is before that of the document in place, "
                           "%llu",
                           (unsigned long long)before.issued_s);
    }
    for (size_t i = 0; i < before.entry_count && !p->a->only; i++) {
        struct pm_channel_entry old;
        pm_channel_entry(&before, i, &old);
        if (old.sequence >= p->entries[0].sequence ||
            p->document.entry_count == PM_CHANNEL_ENTRIES_MAXIMUM) {
            continue;
        }
        struct channel_entry *entry = &p->entries[p->document.entry_count++];
        *entry = (struct channel_entry){.sequence = old.sequence,
                                        .minimum = old.minimum,
                                        .size_bytes = old.size_bytes,
                                        .rollout = old.rollout};
        entry->path = arena_string(&p->arena, (const char *)old.path.data, old.path.size_bytes);
        memcpy(entry->sha256, old.sha256, PM_SHA256_BYTES);
        memcpy(entry->salt, old.salt, PM_CHANNEL_SALT_BYTES);
    }
    return STATUS_OK;
}

/* One salt a release: whoever is among 100 of 1000 is among 200 as well. */
static void make_salt(const struct pm_seal *seal, uint8_t out[PM_CHANNEL_SALT_BYTES]) {
    uint8_t bytes[PM_UUID_BYTES + 8], digest[PM_SHA256_BYTES];
    memcpy(bytes, seal->class_id, PM_UUID_BYTES);
    for (int i = 0; i < 8; i++)
        bytes[PM_UUID_BYTES + i] = (uint8_t)(seal->sequence >> 8 * i);
    digest_of((struct span){bytes, sizeof bytes}, digest);
    memcpy(out, digest, PM_CHANNEL_SALT_BYTES);
}

static enum status describe(struct publishing *p) {
    const struct arguments *a = p->a;
    struct channel_entry *entry = &p->entries[0];
    struct span envelope;
    const char *path = arena_format(&p->arena, "%s/envelope.suit", p->version.name);
    enum status status = file_read(&p->arena, tree_path(&p->arena, a->keys.tree, path),
                                   SUIT_ENVELOPE_MAXIMUM, &envelope, p->error);
    if (status != STATUS_OK) return status;
    *entry = (struct channel_entry){.sequence = p->version.seals[0].sequence,
                                    .minimum = a->minimum,
                                    .path = path,
                                    .size_bytes = (uint32_t)envelope.size_bytes,
                                    .rollout = (uint32_t)a->rollout};
    digest_of(envelope, entry->sha256);
    make_salt(&p->version.seals[0], entry->salt);
    struct channel_document *document = &p->document;
    document->issued_s = a->issued_s;
    document->expires_s = a->issued_s + a->expires_days * DAY_S;
    memcpy(document->vendor, p->root.vendor, PM_UUID_BYTES);
    memcpy(document->class_id, p->root.class_id, PM_UUID_BYTES);
    document->root_version = p->root.version;
    document->root_path = arena_format(&p->arena, "root/%u.bin", p->root.version);
    document->entries = p->entries;
    document->entry_count = 1;
    status = take_over(p);
    if (status == STATUS_OK && document->expires_s <= (uint64_t)time(NULL)) {
        status = error_input(p->error, "it would expire in the past: units would refuse it");
    }
    return status;
}

/* The seals of what is published must hold under the root document that units will have. */
static enum status judge(struct publishing *p) {
    enum status status = release_signer_known(&p->signer, &p->root, p->error);
    for (size_t slot = 0; status == STATUS_OK && slot < 2; slot++) {
        if (root_release_index(&p->root, p->version.seals[slot].key_id) >= 0) continue;
        status = error_input(p->error,
                             "version %s is sealed by a key that root document %u does not hold: "
                             "build it anew",
                             p->version.name, p->root.version);
    }
    return status;
}

static enum status publish(struct publishing *p) {
    const char *tree = p->a->keys.tree;
    struct buffer out;
    buffer_init(&out, CHANNEL_DOCUMENT_MAXIMUM);
    enum status status = tree_read_version(&p->arena, tree, p->a->version, &p->version, p->error);
    if (status == STATUS_OK) status = tree_newest_root(&p->arena, tree, &p->root, p->error);
    if (status == STATUS_OK) status = release_signer_open(&p->a->keys, &p->signer, p->error);
    if (status == STATUS_OK) status = judge(p);
    if (status == STATUS_OK) status = describe(p);
    if (status == STATUS_OK) {
        status = channel_write(&p->document, &p->signer.signer, &out, p->error);
    }
    if (status == STATUS_OK && out.size_bytes > TREE_DOCUMENT_MAXIMUM) {
        status = error_input(p->error,
                             "the document would have %zu bytes, and units read at most %d: drop "
                             "old versions with --only",
                             out.size_bytes, TREE_DOCUMENT_MAXIMUM);
    }
    if (status == STATUS_OK) status = release_signer_settled(&p->signer, p->error);
    if (status == STATUS_OK) {
        status = file_write(tree_path(&p->arena, tree, "channel.cose"), buffer_span(&out), 0644,
                            FILE_REPLACE, p->error);
    }
    buffer_free(&out);
    return status;
}

int release_channel(int argc, char **argv) {
    struct arguments a = {.keys = {.passphrase_fd = PASSPHRASE_PROMPT, .tree = "release"},
                          .rollout = PM_CHANNEL_WHOLE,
                          .expires_days = 30,
                          .issued_s = (uint64_t)time(NULL)};
    struct error error;
    struct publishing p = {.a = &a, .error = &error};
    int code = 0;
    if (!options_read(&form, argc, argv, &a, &code)) return code;
    if (!a.keys.key) return options_wrong_use(&form, "--key is needed");
    enum status status = publish(&p);
    if (status == STATUS_OK && a.json) {
        printf("{\"entries\":%zu,\"expires_s\":%llu,\"root_version\":%u,\"serial\":%llu}\n",
               p.document.entry_count, (unsigned long long)p.document.expires_s,
               p.document.root_version, (unsigned long long)p.document.serial);
    } else if (status == STATUS_OK) {
        printf(
            "%s/channel.cose  document %llu: version %s for %llu of 1000 units, current for %llu "
            "days\n",
            a.keys.tree, (unsigned long long)p.document.serial, a.version,
            (unsigned long long)a.rollout, (unsigned long long)a.expires_days);
    }
    release_signer_close(&p.signer);
    arena_free(&p.arena);
    if (status == STATUS_OK) return 0;
    fprintf(stderr, "proofmark release channel: %s\n", error.message);
    return 1;
}
