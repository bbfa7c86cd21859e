/* A shipped folder: what `ship` writes and `verify` looks at.
 *
 *   firmware.elf                    the hardened image
 *   record.json index.html          the record and its page
 *   label.svg label.png             the label for print
 *   scheme-N.png                    artwork that a scheme gave to the maker
 *   test.log                        output of the maker's tests, when there are any
 *   statements/NAME.json            DSSE envelopes: hardening, build, test
 *   proofs/NAME.tlog-proof          that each of them is in the log
 *   statements/release.json         names every file above with its SHA-256
 *   proofs/release.tlog-proof       that the release is in the log
 *
 * The release statement closes the folder: a file that it does not name, and a name that
 * has no file, are refused, so each byte of the folder is under the maker's signature or
 * is a proof that has one byte form.
 *
 * The maker's public key is not in it: whoever verifies brings it from elsewhere.
 *
 * A folder is held in memory as a list of files, so that verification is a function of
 * bytes: folder_verify() does no I/O. */
#ifndef CLI_FOLDER_H
#define CLI_FOLDER_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "evidence/digest.h"
#include "evidence/key.h"
#include "registry/record.h"

#define FOLDER_FIRMWARE "firmware.elf"
#define FOLDER_RECORD "record.json"
#define FOLDER_PAGE "index.html"
#define FOLDER_LABEL_SVG "label.svg"
#define FOLDER_LABEL_PNG "label.png"
#define FOLDER_TEST_LOG "test.log"
#define FOLDER_RELEASE "release"

enum {
    FOLDER_FILES_MAXIMUM = 64,
    FOLDER_FILE_MAXIMUM_BYTES = 256 << 20,
    FOLDER_NAME_MAXIMUM_BYTES = 100,
};

struct folder_file {
    const char *name; /* with '/' between folder and file */
    struct span bytes;
};

struct folder {
    struct folder_file files[FOLDER_FILES_MAXIMUM];
    size_t count;
};

const char *folder_statement_name(struct arena *arena, const char *name);
const char *folder_proof_name(struct arena *arena, const char *name);

/* NULL when there is none. */
const struct folder_file *folder_find(const struct folder *folder, const char *name);

/* Bad input when the folder is full. */
enum status folder_add(struct folder *folder, const char *name, struct span bytes,
                       struct error *error);

/* A release at most two folders further down, of several the one with the highest version, and
 * how many there are: whoever gave `path` may have meant it. NULL: `path` is a release itself,
 * or leads to none. */
const char *folder_release_below(struct arena *arena, const char *path, size_t *count);

/* Reads a folder and the folders in it. Anything but plain files with plain names is bad
 * input, and so are more or larger files than a release can have. */
enum status folder_load(struct arena *arena, const char *path, struct folder *out,
                        struct error *error);

/* What stands beside the folder: the page's and label's makers, signed with the release. */
json_t *folder_renderer(struct arena *arena);

/* Page and label of a record; NULL for those that the caller does not want. */
struct folder_pictures {
    struct span page, svg, png;
};
enum status folder_render(struct arena *arena, const struct record *record,
                          const struct span artwork[RECORD_SCHEMES_MAXIMUM],
                          struct folder_pictures *out, struct error *error);

#endif
