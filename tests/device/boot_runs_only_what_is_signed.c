/* pm_boot_choose() over the model of flash: which slot runs, and what is refused. Every refusal
 * starts from a state that runs and changes one thing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/little_endian.h"
#include "pm/boot.h"
#include "pm/root.h"
#include "tests/device/flash_model.h"
#include "tests/device/maker.h"

enum { BASE = 0x4000, SLOT_BYTES = 0x4000, IMAGE_BYTES = 5000, SIZE = 0x1c000 };

static const struct pm_flash_map map = {
    .slot_address = {0x14000, 0x18000},
    .slot_bytes = SLOT_BYTES,
    .record_address = {0x4000, 0x8000},
    .root_address = {0xc000, 0x10000},
};

static struct maker maker;
static struct flash_model model;
static struct pm_boot_choice choice;

static int make_keys(void **state) {
    (void)state;
    maker_init(&maker);
    return 0;
}

static int drop_keys(void **state) {
    (void)state;
    maker_free(&maker);
    return 0;
}

static int power_on(void **state) {
    (void)state;
    flash_model_init(&model, &flash_stm32f4, BASE, SIZE);
    return 0;
}

static int power_off(void **state) {
    (void)state;
    assert_int_equal(model.violations, 0);
    flash_model_free(&model);
    return 0;
}

static void put_signed(uint32_t slot, uint64_t sequence, const struct maker_key *key,
                       uint8_t sha256[PM_SHA256_BYTES]) {
    static uint8_t bytes[SLOT_BYTES];
    memset(bytes, 0xff, sizeof bytes);
    maker_image(bytes, IMAGE_BYTES, map.slot_address[slot], (uint8_t)(sequence + slot));
    maker_seal(&maker, key, bytes, IMAGE_BYTES, map.slot_address[slot], sequence,
               bytes + SLOT_BYTES - PM_SEAL_BYTES);
    flash_model_put(&model, map.slot_address[slot], bytes, SLOT_BYTES);
    if (sha256) maker_sha256(bytes, IMAGE_BYTES, sha256);
}

static void put(uint32_t slot, uint64_t sequence) {
    put_signed(slot, sequence, &maker.release[0], NULL);
}

static enum pm_boot_status boot(void) {
    return pm_boot_choose(&model.flash, &map, maker.factory_bytes, &choice);
}

static void runs(uint32_t slot) {
    assert_int_equal(boot(), PM_BOOT_OK);
    assert_int_equal(choice.slot, slot);
    assert_int_equal(choice.jump - PM_BOOT_FLOW, map.slot_address[slot]);
    struct pm_boot_record record;
    uint8_t in_flash[PM_BOOT_RECORD_BYTES], told[PM_BOOT_RECORD_BYTES];
    assert_true(pm_boot_record_load(&model.flash, &map, &record));
    pm_boot_record_write(&record, in_flash);
    pm_boot_record_write(&choice.record, told);
    assert_memory_equal(in_flash, told, sizeof told);
}

static void flip(uint32_t address) {
    model.bytes[address - BASE] ^= 0x10;
}

static struct pm_boot_record loaded(void) {
    struct pm_boot_record record;
    assert_true(pm_boot_record_load(&model.flash, &map, &record));
    return record;
}

/* Slot 0 runs with sequence 5 and is confirmed; slot 1 holds `sequence`, on trial. */
static void begin_trial(uint64_t sequence, const struct maker_key *key, uint32_t root_version) {
    uint8_t sha256[PM_SHA256_BYTES];
    put(0, 5);
    runs(0);
    put_signed(1, sequence, key, sha256);
    struct pm_boot_record record = loaded();
    record.trial = 1;
    record.tries_left = PM_TRIES;
    record.trial_root_version = root_version;
    memcpy(record.trial_sha256, sha256, sizeof sha256);
    assert_true(pm_boot_record_store(&model.flash, &map, &record));
}

static void factory_fresh_part_takes_the_newest(void **state) {
    (void)state;
    assert_int_equal(boot(), PM_BOOT_NO_IMAGE);
    put(0, 5);
    put(1, 6);
    runs(1);
    assert_int_equal(choice.record.number, 1);
    assert_int_equal(choice.record.floor, 6);
    assert_int_equal(choice.record.confirmed, 1);
    runs(1);
    assert_int_equal(choice.record.number, 1);
}

static void any_changed_byte_is_refused(void **state) {
    (void)state;
    put(0, 5);
    runs(0);
    uint32_t seal = map.slot_address[0] + SLOT_BYTES - PM_SEAL_BYTES;
    for (uint32_t at = 0; at < PM_SEAL_BYTES; at++) {
        flip(seal + at);
        assert_int_equal(boot(), PM_BOOT_NO_IMAGE);
        flip(seal + at);
    }
    for (uint32_t at = 0; at < IMAGE_BYTES; at += 97) {
        flip(map.slot_address[0] + at);
        assert_int_equal(boot(), PM_BOOT_NO_IMAGE);
        flip(map.slot_address[0] + at);
    }
    runs(0);
}

static void another_makers_image_is_refused(void **state) {
    (void)state;
    put_signed(0, 5, &maker.release[1], NULL);
    assert_int_equal(boot(), PM_BOOT_NO_IMAGE);
}

static void image_of_the_other_slot_is_refused(void **state) {
    (void)state;
    put(1, 5);
    memcpy(model.bytes + map.slot_address[0] - BASE, model.bytes + map.slot_address[1] - BASE,
           SLOT_BYTES);
    flip(map.slot_address[1]);
    assert_int_equal(boot(), PM_BOOT_NO_IMAGE);
}

static void insane_vectors_are_refused(void **state) {
    (void)state;
    static const uint32_t bad[][2] = {
        {0x20008004, 0x14009},
        {0x40000008, 0x14009},
        {0x00008000, 0x14009},
        {0x20008000, 0x14008},
        {0x20008000, 0x13fff},
        {0x20008000, 0x14001},
        {0x20008000, 0x14000 + IMAGE_BYTES + 1},
    };
    static uint8_t bytes[SLOT_BYTES];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        memset(bytes, 0xff, sizeof bytes);
        maker_image(bytes, IMAGE_BYTES, map.slot_address[0], 1);
        pm_put_u32(bytes, bad[i][0]);
        pm_put_u32(bytes + 4, bad[i][1]);
        maker_seal(&maker, &maker.release[0], bytes, IMAGE_BYTES, map.slot_address[0], 5,
                   bytes + SLOT_BYTES - PM_SEAL_BYTES);
        flash_model_put(&model, map.slot_address[0], bytes, SLOT_BYTES);
        assert_int_equal(boot(), PM_BOOT_NO_IMAGE);
    }
}

static void trial_reverts_when_nobody_confirms(void **state) {
    (void)state;
    begin_trial(6, &maker.release[0], 1);
    for (unsigned left = PM_TRIES; left-- > 0;) {
        runs(1);
        assert_int_equal(choice.record.tries_left, left);
        assert_int_equal(choice.record.floor, 5);
    }
    runs(0);
    assert_int_equal(choice.record.trial, PM_SLOT_NONE);
    assert_int_equal(choice.record.trial_end, PM_TRIAL_EXHAUSTED);
    runs(0);
}

static void confirmed_trial_raises_the_floor(void **state) {
    (void)state;
    begin_trial(6, &maker.release[0], 1);
    assert_false(pm_boot_confirm(&model.flash, &map)); /* it has not run yet */
    runs(1);
    assert_true(pm_boot_confirm(&model.flash, &map));
    runs(1);
    assert_int_equal(choice.record.floor, 6);
    assert_int_equal(choice.record.trial_end, PM_TRIAL_CONFIRMED);
    flip(map.slot_address[1]); /* the old one is below the floor now */
    assert_int_equal(boot(), PM_BOOT_NO_IMAGE);
}

static void withdrawn_trial_goes_back_at_once(void **state) {
    (void)state;
    begin_trial(6, &maker.release[0], 1);
    runs(1);
    assert_true(pm_boot_withdraw(&model.flash, &map));
    runs(0);
    assert_int_equal(choice.record.trial_end, PM_TRIAL_WITHDRAWN);
}

static void bad_trials_are_refused(void **state) {
    (void)state;
    begin_trial(4, &maker.release[0], 1); /* below the floor */
    runs(0);
    assert_int_equal(choice.record.trial_end, PM_TRIAL_REFUSED);
    power_off(NULL);
    power_on(NULL);
    begin_trial(6, &maker.release[0], 1);
    flip(map.slot_address[1] + 500);
    runs(0);
    assert_int_equal(choice.record.trial_end, PM_TRIAL_REFUSED);
    power_off(NULL);
    power_on(NULL);
    begin_trial(6, &maker.release[0], 1);
    put(1, 7); /* signed, but not the one whose trial it is */
    runs(0);
    assert_int_equal(choice.record.trial_end, PM_TRIAL_REFUSED);
}

static void one_record_is_enough_and_none_is_told(void **state) {
    (void)state;
    begin_trial(6, &maker.release[0], 1); /* records 1 and 2 */
    flip(map.record_address[1] + 60);
    runs(0);
    flip(map.record_address[0] + 60);
    assert_int_equal(boot(), PM_BOOT_NO_RECORD);
}

static void records_do_not_go_back(void **state) {
    (void)state;
    begin_trial(6, &maker.release[0], 1);
    struct pm_boot_record old = loaded(), record = old;
    record.floor--;
    assert_false(pm_boot_record_store(&model.flash, &map, &record));
    record = old;
    record.root_version = 0;
    assert_false(pm_boot_record_store(&model.flash, &map, &record));
    assert_true(pm_boot_record_store(&model.flash, &map, &old));
    assert_false(pm_boot_record_store(&model.flash, &map, &old)); /* it is an older one now */
}

/* Version 2 with release key 1 in the place of key 0; new root keys when `own` is not NULL. */
static void root_two(const struct maker_key *by, const struct maker_key *own,
                     uint8_t out[PM_ROOT_BYTES]) {
    struct pm_root two = maker.factory;
    two.version = 2;
    memcpy(two.release_keys[0], maker.release[1].point, PM_POINT_BYTES);
    for (unsigned i = 0; own && i < PM_ROOT_KEYS; i++)
        memcpy(two.root_keys[i], own[i].point, PM_POINT_BYTES);
    maker_sign_root(&two, by, own, out);
}

static void revocation_comes_with_the_confirmation(void **state) {
    (void)state;
    uint8_t two[PM_ROOT_BYTES];
    root_two(maker.root, NULL, two);
    begin_trial(6, &maker.release[1], 2);
    assert_true(pm_root_store(&model.flash, &map, maker.factory_bytes, 1, two));
    assert_true(pm_root_store(&model.flash, &map, maker.factory_bytes, 1, two));
    runs(1);
    assert_int_equal(choice.record.root_version, 1);
    assert_true(pm_boot_confirm(&model.flash, &map));
    runs(1);
    assert_int_equal(choice.record.root_version, 2);
    put(0, 9); /* by the key that is revoked now */
    flip(map.slot_address[1]);
    assert_int_equal(boot(), PM_BOOT_NO_IMAGE);
}

static void root_keys_rotate_by_two_of_three(void **state) {
    (void)state;
    struct maker_key next[PM_ROOT_KEYS];
    struct pm_root root = {0};
    uint8_t two[PM_ROOT_BYTES], three[PM_ROOT_BYTES];
    for (unsigned i = 0; i < PM_ROOT_KEYS; i++)
        maker_key_init(&next[i]);
    const struct pm_flash *flash = &model.flash;

    root_two(next, next, two); /* the new keys alone */
    assert_false(pm_root_store(flash, &map, maker.factory_bytes, 1, two));
    root_two(maker.root, next, two);
    assert_true(pm_root_store(flash, &map, maker.factory_bytes, 1, two));
    assert_true(pm_root_load(flash, &map, maker.factory_bytes, 2, &root));
    assert_memory_equal(root.root_keys[2], next[2].point, PM_POINT_BYTES);

    struct pm_root changed = root;
    changed.version = 3;
    maker_sign_root(&changed, maker.root, NULL, three); /* by keys that were replaced */
    assert_false(pm_root_store(flash, &map, maker.factory_bytes, 1, three));
    assert_false(pm_root_store(flash, &map, maker.factory_bytes, 2, three));
    maker_sign_root(&changed, next, NULL, three);
    assert_true(pm_root_store(flash, &map, maker.factory_bytes, 1, three)); /* behind 2 */
    assert_true(pm_root_load(flash, &map, maker.factory_bytes, 3, &root));
    changed.version = 4;
    maker_sign_root(&changed, next, NULL, three);
    assert_true(pm_root_store(flash, &map, maker.factory_bytes, 3, three)); /* the other page */
    assert_true(pm_root_load(flash, &map, maker.factory_bytes, 3, &root));
    assert_true(pm_root_load(flash, &map, maker.factory_bytes, 4, &root));
    assert_true(pm_root_load(flash, &map, maker.factory_bytes, 2, &root));
    for (unsigned i = 0; i < PM_ROOT_KEYS; i++)
        maker_key_free(&next[i]);
}

static void any_changed_byte_of_a_root_document_is_refused(void **state) {
    (void)state;
    uint8_t two[PM_ROOT_BYTES];
    root_two(maker.root, NULL, two);
    for (uint32_t at = 0; at < PM_ROOT_BYTES; at += 5) {
        two[at] ^= 1;
        assert_false(pm_root_store(&model.flash, &map, maker.factory_bytes, 1, two));
        two[at] ^= 1;
    }
    assert_true(pm_root_store(&model.flash, &map, maker.factory_bytes, 1, two));
}

/* A factory root that is none (erased flash, for one). */
static void stage_without_a_root_runs_nothing(void **state) {
    (void)state;
    uint8_t erased[PM_ROOT_BYTES];
    memset(erased, 0xff, sizeof erased);
    put(0, 5);
    assert_int_equal(pm_boot_choose(&model.flash, &map, erased, &choice), PM_BOOT_ROOT);
}

/* Power goes at every operation of a first boot, a counted try, a confirmation: the next boot runs
 * an image, and the floor is the old one or the new one. */
static void cuts_leave_the_old_record_or_the_new(void **state) {
    (void)state;
    static const struct flash_geometry *const geometries[] = {&flash_stm32f4, &flash_stm32l4};
    uint64_t fired = 0;
    for (size_t g = 0; g < 2; g++) {
        for (unsigned step = 0; step < 3; step++) {
            for (unsigned cut = 0; cut < 3 * 17; cut++) {
                flash_model_free(&model);
                flash_model_init(&model, geometries[g], BASE, SIZE);
                model.seed = cut + 1000 * step;
                if (step == 0) put(0, 5);
                else begin_trial(6, &maker.release[0], 1);
                if (step == 2) runs(1);
                flash_model_cut(&model, cut / 3, (enum flash_cut)(cut % 3));
                if (setjmp(model.power) == 0) {
                    if (step == 2) (void)pm_boot_confirm(&model.flash, &map);
                    else boot();
                }
                fired += model.cuts_fired;
                flash_model_power_on(&model);
                assert_int_equal(boot(), PM_BOOT_OK);
                uint64_t floor = loaded().floor;
                assert_true(floor == 5 || (step == 2 && floor == 6));
            }
        }
    }
    assert_true(fired >= 3 * 51); /* a record is an erase and 16 or more units */
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)
        TEST(factory_fresh_part_takes_the_newest),
        TEST(any_changed_byte_is_refused),
        TEST(another_makers_image_is_refused),
        TEST(image_of_the_other_slot_is_refused),
        TEST(insane_vectors_are_refused),
        TEST(trial_reverts_when_nobody_confirms),
        TEST(confirmed_trial_raises_the_floor),
        TEST(withdrawn_trial_goes_back_at_once),
        TEST(bad_trials_are_refused),
        TEST(one_record_is_enough_and_none_is_told),
        TEST(records_do_not_go_back),
        TEST(revocation_comes_with_the_confirmation),
        TEST(root_keys_rotate_by_two_of_three),
        TEST(any_changed_byte_of_a_root_document_is_refused),
        TEST(stage_without_a_root_runs_nothing),
        TEST(cuts_leave_the_old_record_or_the_new),
#undef TEST
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
