/* See checkpoint.h. */
#include "format/checkpoint.h"

#include <string.h>

#include "format/lines.h"

bool pm_checkpoint_read(struct pm_bytes text, struct pm_checkpoint *out) {
    struct pm_bytes origin, size, root;
    if (!pm_lines_take(&text, &origin) || !pm_note_name_valid(origin)) return false;
    if (!pm_lines_take(&text, &size) || !pm_lines_decimal(size, &out->tree_size)) return false;
    if (!pm_lines_take(&text, &root) || !pm_lines_hash(root, out->root)) return false;
    out->origin = origin;
    return text.size_bytes == 0;
}

size_t pm_checkpoint_write(const struct pm_checkpoint *checkpoint,
                           char out[PM_CHECKPOINT_TEXT_MAXIMUM]) {
    if (!pm_note_name_valid(checkpoint->origin) || checkpoint->tree_size > INT64_MAX) return 0;
    size_t length = checkpoint->origin.size_bytes;
    memcpy(out, checkpoint->origin.data, length);
    out[length++] = '\n';
    length += pm_lines_put_decimal(out + length, checkpoint->tree_size);
    out[length++] = '\n';
    length += pm_lines_put_hash(out + length, checkpoint->root);
    out[length++] = '\n';
    return length;
}
