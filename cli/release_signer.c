/* See release_signer.h. */
#include "cli/release_signer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "evidence/digest.h"

enum status release_take_descriptor(void *into, const char *value, struct error *error) {
    struct release_key_options *options = into;
    return options_descriptor(value, &options->passphrase_fd, error);
}

/* From DIGEST.sig; or the digest is left for whoever has the key. */
static enum status sign_elsewhere(void *context, const uint8_t digest[PM_SHA256_BYTES],
                                  uint8_t signature[PM_ES256_BYTES], struct error *error) {
    struct release_signer *signer = context;
    struct arena arena = {.chunk = NULL};
    char hex[DIGEST_HEX_BYTES];
    struct span bytes;
    digest_to_hex(digest, hex);
    const char *path = arena_format(&arena, "%s/%s.sig", signer->folder, hex);
    enum status status = STATUS_OK;
    memset(signature, 0, PM_ES256_BYTES);
    if (access(path, F_OK) != 0) {
        signer->waiting++;
        path = arena_format(&arena, "%s/%s.digest", signer->folder, hex);
        status = file_make_directories(signer->folder, error);
        if (status == STATUS_OK) {
            status =
                file_write(path, (struct span){digest, PM_SHA256_BYTES}, 0644, FILE_REPLACE, error);
        }
    } else {
        status = file_read(&arena, path, PM_ES256_BYTES, &bytes, error);
        if (status == STATUS_OK && (bytes.size_bytes != PM_ES256_BYTES ||
                                    !release_key_verify(signer->key.point, digest, bytes.data))) {
            status = error_input(error, "%s: is no signature of key %s for it", path,
                                 signer->key.id_hex);
        }
        if (status == STATUS_OK) memcpy(signature, bytes.data, PM_ES256_BYTES);
    }
    arena_free(&arena);
    return status;
}

enum status release_signer_open(const struct release_key_options *options,
                                struct release_signer *out, struct error *error) {
    struct passphrase_source source = {.fd = options->passphrase_fd, .about = options->key};
    *out = (struct release_signer){.folder = options->signatures};
    enum status status = out->folder ? release_key_load_public(options->key, &out->key, error)
                                     : release_key_load(options->key, &source, &out->key, error);
    out->signer = release_key_signer(&out->key);
    if (out->folder) {
        out->signer.context = out;
        out->signer.sign = sign_elsewhere;
    }
    return status;
}

void release_signer_close(struct release_signer *signer) {
    release_key_free(&signer->key);
}

enum status release_signer_settled(const struct release_signer *signer, struct error *error) {
    if (!signer->waiting) return STATUS_OK;
    return error_input(error,
                       "%zu signatures are missing: sign each .digest in %s with proofmark release "
                       "sign, then run this again",
                       signer->waiting, signer->folder);
}

enum status release_signer_known(const struct release_signer *signer, const struct pm_root *root,
                                 struct error *error) {
    if (root_release_index(root, signer->key.id) >= 0) return STATUS_OK;
    return error_input(error,
                       "key %s is no release key of root document %u: devices would refuse what it "
                       "signs",
                       signer->key.id_hex, root->version);
}
