/* See tree.h. */
#include "release/tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "evidence/digest.h"
#include "format/patch.h"
#include "release/root.h"
#include "release/seal.h"

static const char *const slot_files[2] = {"slot-a.bin", "slot-b.bin"};

const char *tree_path(struct arena *arena, const char *tree, const char *name) {
    return arena_format(arena, "%s/%s", tree, name);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Entries of a folder that `wanted` accepts, sorted; none when it is not there. */
static enum status list(struct arena *arena, const char *path,
                        bool (*wanted)(struct arena *, const char *path, const char *name),
                        const char ***names, size_t *count, struct error *error) {
    *names = ARENA_ARRAY(arena, const char *, TREE_VERSIONS_MAXIMUM);
    *count = 0;
    DIR *folder = opendir(path);
    if (!folder) {
        return errno == ENOENT ? STATUS_OK : error_input(error, "%s: %s", path, strerror(errno));
    }
    enum status status = STATUS_OK;
    for (struct dirent *entry; status == STATUS_OK && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.' || !wanted(arena, path, entry->d_name)) continue;
        if (*count == TREE_VERSIONS_MAXIMUM) {
            status = error_input(error, "%s: more than %d entries", path, TREE_VERSIONS_MAXIMUM);
        } else {
            (*names)[(*count)++] = arena_string(arena, entry->d_name, strlen(entry->d_name));
        }
    }
    closedir(folder);
    qsort(*names, *count, sizeof **names, by_name);
    return status;
}

static bool is_version(struct arena *arena, const char *path, const char *name) {
    return access(arena_format(arena, "%s/%s/%s", path, name, slot_files[0]), F_OK) == 0;
}

enum status tree_versions(struct arena *arena, const char *tree, const char ***names, size_t *count,
                          struct error *error) {
    return list(arena, tree, is_version, names, count, error);
}

enum status tree_read_version(struct arena *arena, const char *tree, const char *name,
                              struct tree_version *out, struct error *error) {
    *out = (struct tree_version){.name = name};
    if (!*name || *name == '.' || strchr(name, '/')) {
        return error_input(error, "%s: not the name of a version", name);
    }
    for (size_t i = 0; i < 2; i++) {
        const char *path = arena_format(arena, "%s/%s/%s", tree, name, slot_files[i]);
        enum status status = file_read(arena, path, TREE_PAYLOAD_MAXIMUM, &out->payloads[i], error);
        if (status != STATUS_OK) return status;
        status = seal_of_payload(out->payloads[i], &out->seals[i], error);
        if (status != STATUS_OK) {
            error_prefix(error, path);
            return status;
        }
    }
    const struct pm_seal *a = &out->seals[0], *b = &out->seals[1];
    if (a->sequence != b->sequence || a->slot_address == b->slot_address ||
        memcmp(a->vendor, b->vendor, 16) != 0 || memcmp(a->class_id, b->class_id, 16) != 0) {
        return error_input(error, "%s/%s: its two payloads are not of one release", tree, name);
    }
    return STATUS_OK;
}

enum status tree_read_root(struct arena *arena, const char *path, struct pm_root *out,
                           struct error *error) {
    struct span bytes;
    enum status status = file_read(arena, path, PM_ROOT_BYTES, &bytes, error);
    if (status != STATUS_OK) return status;
    if (bytes.size_bytes != PM_ROOT_BYTES || !pm_root_read(bytes.data, out)) {
        return error_input(error, "%s: is no root document", path);
    }
    return STATUS_OK;
}

enum status tree_newest_root(struct arena *arena, const char *tree, struct pm_root *out,
                             struct error *error) {
    struct pm_root next;
    out->version = 0;
    for (uint32_t version = 1;; version++) {
        const char *path = arena_format(arena, "%s/root/%u.bin", tree, version);
        if (access(path, F_OK) != 0) return STATUS_OK;
        enum status status = tree_read_root(arena, path, &next, error);
        if (status != STATUS_OK) return status;
        if (next.version != version || (version > 1 && !root_follows(out, &next))) {
            return error_input(error, "%s: does not follow root document %u", path, version - 1);
        }
        *out = next;
    }
}

static bool is_patch(struct arena *arena, const char *path, const char *name) {
    size_t length = strlen(name);
    (void)arena;
    (void)path;
    return length > 12 &&
           (strncmp(name, "delta-a-", 8) == 0 || strncmp(name, "delta-b-", 8) == 0) &&
           strcmp(name + length - 4, ".pmp") == 0;
}

static void describe_image(const struct tree_version *version, size_t slot, struct arena *arena,
                           struct suit_payload *out) {
    out->uri = arena_format(arena, "%s/%s", version->name, slot_files[slot]);
    out->size_bytes = (uint32_t)version->payloads[slot].size_bytes;
    digest_of(version->payloads[slot], out->sha256);
}

static enum status describe_patch(struct arena *arena, const char *tree,
                                  const struct tree_version *version, const char *name,
                                  struct suit_patch *patches, struct suit_slot *slot, size_t index,
                                  struct error *error) {
    const char *path = arena_format(arena, "%s/%s/%s", tree, version->name, name);
    struct pm_patch_header header;
    struct span bytes;
    enum status status = file_read(arena, path, TREE_PAYLOAD_MAXIMUM, &bytes, error);
    if (status != STATUS_OK) return status;
    if (bytes.size_bytes < PM_PATCH_HEADER_BYTES || !pm_patch_header_read(bytes.data, &header) ||
        header.new_bytes != version->payloads[index].size_bytes ||
        header.new_address != version->seals[index].slot_address) {
        return error_input(error, "%s: is no patch to this version", path);
    }
    if (slot->patch_count == SUIT_PATCHES_MAXIMUM) {
        return error_input(error, "%s: more than %d patches for a slot; remove old ones", path,
                           SUIT_PATCHES_MAXIMUM);
    }
    struct suit_patch *patch = &patches[slot->patch_count++];
    *patch = (struct suit_patch){.base_bytes = header.old_bytes};
    patch->payload.uri = arena_format(arena, "%s/%s", version->name, name);
    patch->payload.size_bytes = (uint32_t)bytes.size_bytes;
    memcpy(patch->base_sha256, header.old_sha256, sizeof patch->base_sha256);
    return STATUS_OK;
}

enum status tree_describe(struct arena *arena, const char *tree, const struct tree_version *version,
                          struct suit_release *out, struct error *error) {
    const char **names;
    size_t count;
    const struct pm_seal *seal = &version->seals[0];
    *out = (struct suit_release){.sequence = seal->sequence};
    memcpy(out->vendor, seal->vendor, sizeof out->vendor);
    memcpy(out->class_id, seal->class_id, sizeof out->class_id);
    enum status status =
        list(arena, tree_path(arena, tree, version->name), is_patch, &names, &count, error);
    for (size_t slot = 0; status == STATUS_OK && slot < 2; slot++) {
        struct suit_patch *patches = ARENA_ARRAY(arena, struct suit_patch, SUIT_PATCHES_MAXIMUM);
        describe_image(version, slot, arena, &out->slots[slot].image);
        out->slots[slot].patches = patches;
        for (size_t i = 0; status == STATUS_OK && i < count; i++) {
            if (names[i][6] != "ab"[slot]) continue;
            status = describe_patch(arena, tree, version, names[i], patches, &out->slots[slot],
                                    slot, error);
        }
    }
    return status;
}

enum status tree_make_envelope(struct arena *arena, const char *tree,
                               const struct tree_version *version,
                               const struct es256_signer *signer, struct buffer *out,
                               struct error *error) {
    struct suit_release release;
    enum status status = tree_describe(arena, tree, version, &release, error);
    if (status == STATUS_OK) status = suit_write_envelope(&release, signer, out, error);
    if (status == STATUS_OK && out->size_bytes > TREE_DOCUMENT_MAXIMUM) {
        status = error_input(error,
                             "%s/%s: its manifest would have %zu bytes, and units read at most %d: "
                             "remove old patches",
                             tree, version->name, out->size_bytes, TREE_DOCUMENT_MAXIMUM);
    }
    return status;
}
