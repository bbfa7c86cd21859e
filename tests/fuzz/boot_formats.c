/* Fuzz harness: what a device reads from its flash at boot. The first byte chooses: a seal, a boot
 * record (whose CRC is put right, so that what lies behind it is reached), a root document. Each
 * has one byte form: what is read is written back as the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "format/boot_record.h"
#include "format/crc32.h"
#include "format/little_endian.h"
#include "format/root.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void seal(const uint8_t *in, uint8_t *out) {
    struct pm_seal read;
    if (!pm_seal_read(in, &read)) return;
    pm_seal_write(&read, out);
    if (memcmp(in, out, PM_SEAL_BYTES) != 0) abort();
}

static void record(uint8_t *in, uint8_t *out) {
    struct pm_boot_record read;
    if (pm_get_u32(in + 124) != pm_crc32(in, 124) && pm_boot_record_read(in, &read)) abort();
    pm_put_u32(in + 124, pm_crc32(in, 124));
    if (!pm_boot_record_read(in, &read)) return;
    pm_boot_record_write(&read, out);
    if (memcmp(in, out, PM_BOOT_RECORD_BYTES) != 0) abort();
}

static void root(const uint8_t *in, uint8_t *out) {
    struct pm_root read;
    if (!pm_root_read(in, &read)) return;
    if (read.release_key_count == 0 || read.release_key_count > PM_RELEASE_KEYS) abort();
    pm_root_write(&read, out);
    if (memcmp(in, out, PM_ROOT_BYTES) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    uint8_t in[PM_ROOT_BYTES] = {0}, out[PM_ROOT_BYTES];
    if (size_bytes == 0) return 0;
    size_t rest = size_bytes - 1 < sizeof in ? size_bytes - 1 : sizeof in;
    memcpy(in, data + 1, rest);
    if (data[0] % 3 == 0) seal(in, out);
    else if (data[0] % 3 == 1) record(in, out);
    else root(in, out);
    return 0;
}
