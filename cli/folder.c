/* See folder.h. */
#include "cli/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "registry/label.h"
#include "registry/page.h"

const char *folder_statement_name(struct arena *arena, const char *name) {
    return arena_format(arena, "statements/%s.json", name);
}

const char *folder_proof_name(struct arena *arena, const char *name) {
    return arena_format(arena, "proofs/%s.tlog-proof", name);
}

const struct folder_file *folder_find(const struct folder *folder, const char *name) {
    for (size_t i = 0; i < folder->count; i++)
        if (strcmp(folder->files[i].name, name) == 0) return &folder->files[i];
    return NULL;
}

enum status folder_add(struct folder *folder, const char *name, struct span bytes,
                       struct error *error) {
    if (folder->count == FOLDER_FILES_MAXIMUM) {
        return error_input(error, "%s: a release has at most %d files", name, FOLDER_FILES_MAXIMUM);
    }
    folder->files[folder->count++] = (struct folder_file){name, bytes};
    return STATUS_OK;
}

static bool name_is_plain(const char *name) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "._-";
    return strspn(name, plain) == strlen(name) && strlen(name) <= FOLDER_NAME_MAXIMUM_BYTES;
}

static enum status load_level(struct arena *arena, const char *path, const char *prefix,
                              struct folder *out, struct error *error);

static enum status load_entry(struct arena *arena, const char *path, const char *prefix,
                              const char *entry, struct folder *out, struct error *error) {
    const char *full = arena_format(arena, "%s/%s", path, entry);
    const char *name = arena_format(arena, "%s%s", prefix, entry);
    struct stat facts;
    if (!name_is_plain(entry)) {
        return error_input(error, "%s: holds a file with a name that no release has", path);
    }
    if (lstat(full, &facts) != 0) {
        return error_environment(error, "%s: %s", full, strerror(errno));
    }
    if (S_ISDIR(facts.st_mode) && !*prefix) {
        return load_level(arena, full, arena_format(arena, "%s/", entry), out, error);
    }
    if (!S_ISREG(facts.st_mode)) {
        return error_input(error, "%s: is not a plain file; a release has no other", full);
    }
    struct span bytes;
    enum status status = file_read(arena, full, FOLDER_FILE_MAXIMUM_BYTES, &bytes, error);
    return status == STATUS_OK ? folder_add(out, name, bytes, error) : status;
}

static enum status load_level(struct arena *arena, const char *path, const char *prefix,
                              struct folder *out, struct error *error) {
    DIR *directory = opendir(path);
    if (!directory) return error_input(error, "%s: cannot be opened: %s", path, strerror(errno));
    enum status status = STATUS_OK;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (!entry) break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        status = load_entry(arena, path, prefix, entry->d_name, out, error);
        if (status != STATUS_OK) break;
    }
    if (status == STATUS_OK && errno != 0) {
        status = error_environment(error, "%s: cannot be read: %s", path, strerror(errno));
    }
    closedir(directory);
    return status;
}

static bool is_release(struct arena *arena, const char *path) {
    struct stat facts;
    return lstat(arena_format(arena, "%s/%s", path, FOLDER_RECORD), &facts) == 0 ||
           lstat(arena_format(arena, "%s/statements", path), &facts) == 0;
}

static const char *release_below(struct arena *arena, const char *path, unsigned depth,
                                 size_t *count) {
    struct dirent **entries = NULL;
    const char *found = NULL;
    int entry_count = scandir(path, &entries, NULL, versionsort);
    for (int i = 0; i < entry_count; i++) {
        const char *name = entries[i]->d_name;
        const char *full = arena_format(arena, "%s/%s", path, name), *deeper = NULL;
        struct stat facts;
        if (*name != '.' && lstat(full, &facts) == 0 && S_ISDIR(facts.st_mode)) {
            if (is_release(arena, full)) {
                deeper = full;
                ++*count;
            } else if (depth > 1) {
                deeper = release_below(arena, full, depth - 1, count);
            }
        }
        if (deeper) found = deeper;
        free(entries[i]);
    }
    free(entries);
    return found;
}

const char *folder_release_below(struct arena *arena, const char *path, size_t *count) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    *count = 0;
    if (is_release(arena, path)) return NULL;
    return release_below(arena, arena_string(arena, path, length), 2, count);
}

enum status folder_load(struct arena *arena, const char *path, struct folder *out,
                        struct error *error) {
    out->count = 0;
    return load_level(arena, path, "", out, error);
}

json_t *folder_renderer(struct arena *arena) {
    return json_pack("{s:i, s:i, s:s}", "page", PAGE_TEMPLATE, "label", LABEL_TEMPLATE, "picture",
                     drawing_png_engine(arena));
}

static struct span kept(struct arena *arena, const struct buffer *buffer) {
    const char *copy = arena_string(arena, (const char *)buffer->data, buffer->size_bytes);
    return (struct span){(const uint8_t *)copy, buffer->size_bytes};
}

enum status folder_render(struct arena *arena, const struct record *record,
                          const struct span artwork[RECORD_SCHEMES_MAXIMUM],
                          struct folder_pictures *out, struct error *error) {
    struct buffer page, svg, png;
    struct drawing *drawing = ARENA_NEW(arena, struct drawing);
    buffer_init(&page, PAGE_MAXIMUM_BYTES);
    buffer_init(&svg, LABEL_MAXIMUM_BYTES);
    buffer_init(&png, LABEL_MAXIMUM_BYTES);
    enum status status = page_write(arena, record, artwork, &page, error);
    if (status == STATUS_OK) status = label_lay_out(arena, record, artwork, drawing, error);
    if (status == STATUS_OK) {
        drawing_svg(drawing, &svg);
        status = drawing_png(drawing, &png, error);
    }
    if (status == STATUS_OK && (page.failed || svg.failed || png.failed)) {
        status = error_environment(error, "page and label: no memory for them");
    }
    if (status == STATUS_OK) {
        *out = (struct folder_pictures){kept(arena, &page), kept(arena, &svg), kept(arena, &png)};
    }
    buffer_free(&page);
    buffer_free(&svg);
    buffer_free(&png);
    return status;
}
