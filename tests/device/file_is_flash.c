/* The posix port: a boot record stored in a file is there for who opens the file again; writes
 * only clear bits, and only inside the window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "device/port/posix/flash.h"
#include "pm/boot.h"

enum { BASE = 0x4000, SIZE = 0x4000, PAGE = 0x1000, UNIT = 8 };

static const struct pm_flash_map map = {.record_address = {0x4000, 0x5000}};
static char path[] = "/tmp/pm_flash_XXXXXX";

static int make_name(void **state) {
    (void)state;
    int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int drop_file(void **state) {
    (void)state;
    return unlink(path);
}

static void file_keeps_what_was_written(void **state) {
    (void)state;
    struct posix_flash flash;
    struct pm_boot_record record = {.confirmed = 1, .trial = PM_SLOT_NONE, .floor = 7}, read;
    assert_true(posix_flash_open(&flash, path, BASE, SIZE, PAGE, UNIT));
    assert_true(pm_flash_is_blank(&flash.flash, BASE, SIZE));
    assert_true(pm_boot_record_store(&flash.flash, &map, &record));
    posix_flash_close(&flash);
    assert_true(posix_flash_open(&flash, path, BASE, SIZE, PAGE, UNIT));
    assert_true(pm_boot_record_load(&flash.flash, &map, &read));
    assert_int_equal(read.floor, 7);
    posix_flash_close(&flash);
    assert_false(posix_flash_open(&flash, path, BASE, 2 * SIZE, PAGE, UNIT));
}

static void write_clears_bits_inside_the_window(void **state) {
    (void)state;
    struct posix_flash flash;
    const uint8_t first[UNIT] = {0xf0, 1, 2, 3, 4, 5, 6, 7}, second[UNIT] = {0x3c};
    uint8_t read[UNIT];
    assert_true(posix_flash_open(&flash, path, BASE, SIZE, PAGE, UNIT));
    const struct pm_flash *port = &flash.flash;
    assert_false(port->write(port->context, 0x6000, first, UNIT)); /* no window */
    assert_true(pm_flash_write(port, 0x6000, first, UNIT));
    assert_false(pm_flash_write(port, 0x6000, second, UNIT)); /* does not read back */
    assert_true(port->read(port->context, 0x6000, read, UNIT));
    assert_int_equal(read[0], 0x30);
    assert_true(pm_flash_erase(port, 0x6000));
    assert_false(pm_flash_write(port, BASE + SIZE, first, UNIT));
    assert_false(pm_flash_erase(port, BASE - PAGE));
    posix_flash_close(&flash);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_keeps_what_was_written),
        cmocka_unit_test(write_clears_bits_inside_the_window),
    };
    return cmocka_run_group_tests(tests, make_name, drop_file);
}
