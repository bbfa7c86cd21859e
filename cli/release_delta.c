/* proofmark release delta: patches from one version to another, and the manifest anew. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/release.h"
#include "cli/release_signer.h"
#include "release/delta.h"
#include "release/tree.h"

struct arguments {
    struct release_key_options keys;
    const char *from, *to;
    bool large, force, json;
};

static const struct options_row rows[] = {
    {"from", 0, "OLD", offsetof(struct arguments, from), NULL, "the version that units run"},
    RELEASE_KEY_ROWS,
    {"large", 0, NULL, offsetof(struct arguments, large), NULL,
     "patches that need 12 KiB of RAM to decode, not 1.5 KiB"},
    {"force", 0, NULL, offsetof(struct arguments, force), NULL, "replace patches that are there"},
    {"json", 0, NULL, offsetof(struct arguments, json), NULL, "print what was made as JSON"},
};

static const struct options_form form = {
    .verb = "release delta",
    .usage = "--from OLD --key release.key [OPTIONS] NEW",
    .about =
        "Makes the two patches from version OLD to version NEW of the tree: a unit that runs OLD\n"
        "in one slot writes NEW to the other. The manifest of NEW is made and signed anew.\n",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .exit_status = "0 done, 1 refused, 2 wrong use",
    .argument = "one version",
    .argument_offset = offsetof(struct arguments, to),
};

struct making {
    const struct arguments *a;
    struct arena arena;
    struct tree_version old, new;
    struct pm_root root;
    struct release_signer signer;
    struct buffer patches[2], envelope;
    struct error *error;
};

static enum status judge(struct making *m) {
    const struct pm_seal *old = &m->old.seals[0], *new = &m->new.seals[0];
    enum status status = release_signer_known(&m->signer, &m->root, m->error);
    if (status != STATUS_OK) return status;
    if (new->sequence <= old->sequence) {
        return error_input(m->error, "version %s is not higher than %s: devices never go back",
                           m->new.name, m->old.name);
    }
    if (memcmp(old->vendor, new->vendor, PM_UUID_BYTES) != 0 ||
        memcmp(old->class_id, new->class_id, PM_UUID_BYTES) != 0) {
        return error_input(m->error, "the two versions are of different vendors or classes");
    }
    return STATUS_OK;
}

/* What runs in the other slot is the base. */
static enum status make_patch(struct making *m, size_t slot) {
    const struct pm_seal *base = &m->old.seals[1 - slot];
    struct delta_image old = {{m->old.payloads[1 - slot].data, base->image_bytes},
                              base->slot_address};
    struct delta_image new = {m->new.payloads[slot], m->new.seals[slot].slot_address};
    return delta_encode(old, new, m->a->large ? DELTA_MEMORY : DELTA_MEMORY_SMALL,
                        &m->patches[slot], m->error);
}

static const char *patch_path(struct making *m, size_t slot) {
    return arena_format(&m->arena, "%s/%s/delta-%c-%s.pmp", m->a->keys.tree, m->new.name,
                        (int)('a' + slot), m->old.name);
}

static enum status make(struct making *m) {
    const char *tree = m->a->keys.tree;
    enum status status = tree_read_version(&m->arena, tree, m->a->from, &m->old, m->error);
    if (status == STATUS_OK) {
        status = tree_read_version(&m->arena, tree, m->a->to, &m->new, m->error);
    }
    if (status == STATUS_OK) status = tree_newest_root(&m->arena, tree, &m->root, m->error);
    if (status == STATUS_OK) status = release_signer_open(&m->a->keys, &m->signer, m->error);
    if (status == STATUS_OK) status = judge(m);
    for (size_t slot = 0; status == STATUS_OK && slot < 2; slot++)
        status = make_patch(m, slot);
    int replace = m->a->force || m->a->keys.signatures ? FILE_REPLACE : FILE_KEEP;
    for (size_t slot = 0; status == STATUS_OK && slot < 2; slot++) {
        status = file_write(patch_path(m, slot), buffer_span(&m->patches[slot]), 0644, replace,
                            m->error);
    }
    if (status == STATUS_OK) {
        status =
            tree_make_envelope(&m->arena, tree, &m->new, &m->signer.signer, &m->envelope, m->error);
    }
    if (status == STATUS_OK) status = release_signer_settled(&m->signer, m->error);
    if (status == STATUS_OK) {
        status = file_write(arena_format(&m->arena, "%s/%s/envelope.suit", tree, m->new.name),
                            buffer_span(&m->envelope), 0644, FILE_REPLACE, m->error);
    }
    return status;
}

static void report(struct making *m) {
    if (m->a->json) {
        printf("{\"delta_a_bytes\":%zu,\"delta_b_bytes\":%zu,\"image_bytes\":%zu}\n",
               m->patches[0].size_bytes, m->patches[1].size_bytes, m->new.payloads[0].size_bytes);
        return;
    }
    for (size_t slot = 0; slot < 2; slot++) {
        double part =
            100.0 * (double)m->patches[slot].size_bytes / (double)m->new.payloads[slot].size_bytes;
        printf("%s  %zu bytes, %.2f %% of the payload\n", patch_path(m, slot),
               m->patches[slot].size_bytes, part);
    }
}

int release_delta(int argc, char **argv) {
    struct arguments a = {.keys = {.passphrase_fd = PASSPHRASE_PROMPT, .tree = "release"}};
    struct error error;
    struct making m = {.a = &a, .error = &error};
    int code = 0;
    if (!options_read(&form, argc, argv, &a, &code)) return code;
    if (!a.from) return options_wrong_use(&form, "--from is needed");
    if (!a.keys.key) return options_wrong_use(&form, "--key is needed");
    for (size_t i = 0; i < 2; i++)
        buffer_init(&m.patches[i], TREE_PAYLOAD_MAXIMUM);
    buffer_init(&m.envelope, SUIT_ENVELOPE_MAXIMUM);
    enum status status = make(&m);
    if (status == STATUS_OK) report(&m);
    for (size_t i = 0; i < 2; i++)
        buffer_free(&m.patches[i]);
    buffer_free(&m.envelope);
    release_signer_close(&m.signer);
    arena_free(&m.arena);
    if (status == STATUS_OK) return 0;
    fprintf(stderr, "proofmark release delta: %s\n", error.message);
    return 1;
}
