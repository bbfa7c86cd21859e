/* Boot records, root documents and seals from flash: what is read is what would be written, byte
 * for byte. The first half of the input's last byte says whether its CRC is made right. */
#include <stdlib.h>
#include <string.h>

#include "format/boot_record.h"
#include "format/crc32.h"
#include "format/little_endian.h"
#include "format/root.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void record(const uint8_t *data, bool right_crc) {
    uint8_t bytes[PM_BOOT_RECORD_BYTES], again[PM_BOOT_RECORD_BYTES];
    struct pm_boot_record out;
    memcpy(bytes, data, sizeof bytes);
    if (right_crc) pm_put_u32(bytes + 124, pm_crc32(bytes, 124));
    if (!pm_boot_record_read(bytes, &out)) return;
    pm_boot_record_write(&out, again);
    if (memcmp(bytes, again, sizeof bytes) != 0) abort();
}

static void seal(const uint8_t *data) {
    uint8_t again[PM_SEAL_BYTES];
    struct pm_seal out;
    if (!pm_seal_read(data, &out)) return;
    pm_seal_write(&out, again);
    if (memcmp(data, again, sizeof again) != 0) abort();
}

static void root(const uint8_t *data) {
    uint8_t again[PM_ROOT_BYTES];
    struct pm_root out;
    if (!pm_root_read(data, &out)) return;
    pm_root_write(&out, again);
    if (memcmp(data, again, sizeof again) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    if (size_bytes >= PM_BOOT_RECORD_BYTES) record(data, data[size_bytes - 1] < 0x80);
    if (size_bytes >= PM_SEAL_BYTES) seal(data);
    if (size_bytes >= PM_ROOT_BYTES) root(data);
    return 0;
}
