/* Signed notes and the checkpoints in them: text, empty line and signature lines make up
 * the whole input, and a checkpoint writes back to its bytes. */
#include <stdlib.h>
#include <string.h>

#include "format/checkpoint.h"
#include "format/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void check_line(const struct pm_note_signature *signature, const uint8_t *end) {
    char line[PM_NOTE_LINE_MAXIMUM];
    if (!pm_note_name_valid(signature->name)) abort();
    if (signature->signature_size_bytes != PM_NOTE_ED25519_BYTES) return;
    size_t length =
        pm_note_write_signature(signature->name, signature->key_id, signature->signature, line);
    const uint8_t *start = signature->name.data - 4; /* dash and space */
    if (length == 0 || (size_t)(end - start) < length) abort();
    if (memcmp(start, line, length) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    static struct pm_note note;
    struct pm_checkpoint checkpoint;
    char text[PM_CHECKPOINT_TEXT_MAXIMUM];
    struct pm_bytes input = {data, size_bytes};
    if (!pm_note_read(input, &note)) return 0;
    if (note.text.data != data || data[note.text.size_bytes] != '\n') abort();
    if (note.signature_count < 1 || note.signature_count > PM_NOTE_SIGNATURES_MAXIMUM) abort();
    for (size_t i = 0; i < note.signature_count; i++) {
        check_line(&note.signatures[i], data + size_bytes);
    }
    if (!pm_checkpoint_read(note.text, &checkpoint)) return 0;
    size_t length = pm_checkpoint_write(&checkpoint, text);
    if (!pm_bytes_equal((struct pm_bytes){(uint8_t *)text, length}, note.text)) abort();
    return 0;
}
