/* Fuzzes what `proofmark release` reads back from its tree: payloads with their seals, root
 * documents whose signatures are being collected, identifiers and versions. */
#include <stdlib.h>
#include <string.h>

#include "release/identity.h"
#include "release/root.h"
#include "release/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_text(const uint8_t *data, size_t size) {
    struct identity_version version;
    uint8_t vendor[PM_UUID_BYTES], class_id[PM_UUID_BYTES];
    struct error error;
    char text[256];
    if (size >= sizeof text) return;
    memcpy(text, data, size);
    text[size] = '\0';
    identity_version(text, &version, &error);
    if (identity_vendor(text, vendor, &error) == STATUS_OK) {
        identity_class(vendor, text, class_id, &error);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct pm_seal seal;
    struct pm_root root;
    struct error error;
    uint8_t again[PM_ROOT_BYTES];
    seal_of_payload((struct span){data, size}, &seal, &error);
    read_text(data, size);
    if (size < PM_ROOT_BYTES || !root_read_pending(data, &root)) return 0;
    pm_root_write(&root, again);
    if (memcmp(again, data, PM_ROOT_SIGNED_BYTES + ROOT_SIGNATURES) != 0) abort();
    struct pm_root before = root;
    before.version--;
    if (root_follows(&before, &root) && root.version == before.version) abort();
    return 0;
}
