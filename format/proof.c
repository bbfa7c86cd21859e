/* See proof.h. */
#include "format/proof.h"

#include "format/lines.h"

#define INCLUSION_FIRST_LINE "c2sp.org/tlog-proof@v1"

enum { CONSISTENCY_HASHES_MAXIMUM = 63 };

/* Hash lines up to and with the empty line. */
static bool read_path(struct pm_bytes *rest, size_t maximum, struct pm_merkle_path *out) {
    struct pm_bytes line;
    for (out->count = 0; pm_lines_take(rest, &line); out->count++) {
        if (line.size_bytes == 0) return true;
        if (out->count == maximum || !pm_lines_hash(line, out->hashes[out->count])) return false;
    }
    return false;
}

static bool read_checkpoint(struct pm_bytes rest, struct pm_proof *out) {
    return pm_note_read(rest, &out->note) && pm_checkpoint_read(out->note.text, &out->checkpoint);
}

bool pm_proof_read_inclusion(struct pm_bytes proof, struct pm_proof *out) {
    struct pm_bytes line;
    if (!pm_lines_take(&proof, &line) || !pm_lines_skip(&line, INCLUSION_FIRST_LINE)) return false;
    if (line.size_bytes != 0) return false;
    if (!pm_lines_take(&proof, &line) || !pm_lines_skip(&line, "index ")) return false;
    return pm_lines_decimal(line, &out->index) &&
           read_path(&proof, PM_MERKLE_PATH_MAXIMUM, &out->path) && read_checkpoint(proof, out);
}

bool pm_proof_read_consistency(struct pm_bytes proof, struct pm_proof *out) {
    struct pm_bytes line;
    if (!pm_lines_take(&proof, &line) || !pm_lines_skip(&line, "old ")) return false;
    return pm_lines_decimal(line, &out->index) &&
           read_path(&proof, CONSISTENCY_HASHES_MAXIMUM, &out->path) && read_checkpoint(proof, out);
}

static size_t put_rest(char *out, size_t length, uint64_t number,
                       const struct pm_merkle_path *path) {
    length += pm_lines_put_decimal(out + length, number);
    out[length++] = '\n';
    for (size_t i = 0; i < path->count && i < PM_MERKLE_PATH_MAXIMUM; i++) {
        length += pm_lines_put_hash(out + length, path->hashes[i]);
        out[length++] = '\n';
    }
    out[length++] = '\n';
    return length;
}

size_t pm_proof_write_inclusion(uint64_t index, const struct pm_merkle_path *path,
                                char out[PM_PROOF_HEAD_MAXIMUM]) {
    size_t length = pm_lines_put_text(out, INCLUSION_FIRST_LINE "\nindex ");
    return put_rest(out, length, index, path);
}

size_t pm_proof_write_consistency(uint64_t old_size, const struct pm_merkle_path *path,
                                  char out[PM_PROOF_HEAD_MAXIMUM]) {
    return put_rest(out, pm_lines_put_text(out, "old "), old_size, path);
}
