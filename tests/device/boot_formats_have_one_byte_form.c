/* Seal, boot record and root document: fields stand where the headers say, and what has another
 * form is refused. The bytes are put together here by hand; zlib makes the CRC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "format/boot_record.h"
#include "format/root.h"

static void put(uint8_t *bytes, size_t at, uint64_t value, size_t size_bytes) {
    for (size_t i = 0; i < size_bytes; i++)
        bytes[at + i] = (uint8_t)(value >> 8 * i);
}

static void seal_fields_are_where_they_are_said(void **state) {
    (void)state;
    uint8_t bytes[PM_SEAL_BYTES] = "PMSEAL\0\1", out[PM_SEAL_BYTES];
    struct pm_seal seal;
    put(bytes, 8, 0x90000, 4);
    put(bytes, 12, 0x1234, 4);
    put(bytes, 16, 0x1122334455667788, 8);
    put(bytes, 24, 0x00030201, 4);
    memset(bytes + 32, 0xd1, 32);
    memset(bytes + 64, 0xa1, 16);
    memset(bytes + 80, 0xc1, 16);
    memset(bytes + 96, 0x1d, 32);
    memset(bytes + 128, 0x51, 64);
    assert_true(pm_seal_read(bytes, &seal));
    assert_int_equal(seal.slot_address, 0x90000);
    assert_int_equal(seal.image_bytes, 0x1234);
    assert_true(seal.sequence == 0x1122334455667788);
    assert_int_equal(seal.major, 1);
    assert_int_equal(seal.minor, 2);
    assert_int_equal(seal.patch, 3);
    assert_int_equal(seal.image_sha256[31], 0xd1);
    assert_int_equal(seal.vendor[15], 0xa1);
    assert_int_equal(seal.class_id[15], 0xc1);
    assert_int_equal(seal.key_id[31], 0x1d);
    pm_seal_write(&seal, out);
    assert_memory_equal(bytes, out, sizeof out);
    static const size_t wrong[] = {0, 7, 12, 28, 31};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        bytes[wrong[i]] ^= 1;
        assert_false(pm_seal_read(bytes, &seal));
        bytes[wrong[i]] ^= 1;
    }
}

static bool record_reads(uint8_t bytes[PM_BOOT_RECORD_BYTES], struct pm_boot_record *record) {
    put(bytes, 124, crc32(0, bytes, 124), 4);
    return pm_boot_record_read(bytes, record);
}

static void record_fields_are_where_they_are_said(void **state) {
    (void)state;
    uint8_t bytes[PM_BOOT_RECORD_BYTES] = "PMBOOT\0\1", out[PM_BOOT_RECORD_BYTES];
    struct pm_boot_record record;
    put(bytes, 8, 77, 8);
    put(bytes, 16, 0x0203ff01, 4); /* confirmed 1, trial none, 3 tries, exhausted */
    put(bytes, 20, 5, 4);
    put(bytes, 24, 6, 4);
    put(bytes, 32, 0x0102030405060708, 8);
    memset(bytes + 40, 0x7a, 32);
    memset(bytes + 72, 0xc0, 32);
    put(bytes, 104, 1111, 8);
    put(bytes, 112, 2222, 8);
    assert_true(record_reads(bytes, &record));
    assert_int_equal(record.number, 77);
    assert_int_equal(record.confirmed, 1);
    assert_int_equal(record.trial, PM_SLOT_NONE);
    assert_int_equal(record.tries_left, 3);
    assert_int_equal(record.trial_end, PM_TRIAL_EXHAUSTED);
    assert_int_equal(record.root_version, 5);
    assert_int_equal(record.trial_root_version, 6);
    assert_true(record.floor == 0x0102030405060708);
    assert_int_equal(record.trial_sha256[0], 0x7a);
    assert_int_equal(record.confirmed_sha256[0], 0xc0);
    assert_int_equal(record.time_floor, 1111);
    assert_int_equal(record.channel_floor, 2222);
    pm_boot_record_write(&record, out);
    assert_memory_equal(bytes, out, sizeof out);
    for (size_t at = 0; at < sizeof bytes; at++) { /* no byte may tear unseen */
        bytes[at] ^= 0x80;
        assert_false(pm_boot_record_read(bytes, &record));
        bytes[at] ^= 0x80;
    }
    static const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {{16, 2}, {17, 7}, {19, PM_TRIAL_WITHDRAWN + 1}, {28, 1}, {123, 1}, {7, 2}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t kept = bytes[wrong[i].at];
        bytes[wrong[i].at] = wrong[i].value;
        assert_false(record_reads(bytes, &record));
        bytes[wrong[i].at] = kept;
    }
    assert_true(record_reads(bytes, &record));
}

static void root_fields_are_where_they_are_said(void **state) {
    (void)state;
    uint8_t bytes[PM_ROOT_BYTES] = "PMROOT\0\1", out[PM_ROOT_BYTES];
    struct pm_root root;
    put(bytes, 8, 9, 4);
    put(bytes, 12, 2, 4);
    for (size_t i = 0; i < 5; i++) /* three root keys, two release keys */
        memset(bytes + 16 + 64 * i, (int)(0x10 + i), 64);
    memset(bytes + 464, 0xa1, 16);
    memset(bytes + 480, 0xc1, 16);
    put(bytes, 528, 0xffff0200, 4);
    memset(bytes + 532, 0x51, 128);
    assert_true(pm_root_read(bytes, &root));
    assert_int_equal(root.version, 9);
    assert_int_equal(root.release_key_count, 2);
    assert_int_equal(root.root_keys[2][63], 0x12);
    assert_int_equal(root.release_keys[1][0], 0x14);
    assert_int_equal(root.vendor[0], 0xa1);
    assert_int_equal(root.class_id[15], 0xc1);
    assert_int_equal(root.signers[1], 2);
    assert_int_equal(root.signatures[1][63], 0x51);
    pm_root_write(&root, out);
    assert_memory_equal(bytes, out, sizeof out);
    static const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {{0, 'Q'}, {8, 0},   {12, 0},  {12, 5},  {336, 1},
                 {500, 1}, {528, 2}, {529, 3}, {530, 0}, {660, 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t kept = bytes[wrong[i].at];
        bytes[wrong[i].at] = wrong[i].value;
        assert_false(pm_root_read(bytes, &root));
        bytes[wrong[i].at] = kept;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seal_fields_are_where_they_are_said),
        cmocka_unit_test(record_fields_are_where_they_are_said),
        cmocka_unit_test(root_fields_are_where_they_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
