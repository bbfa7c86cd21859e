/* The update client against an honest server: full image, patch, trial, confirmation, revert, new
 * keys; and what holds it back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/device/update_world.h"

static struct world world;

static int set_up(void **state) {
    (void)state;
    world_init(&world, &flash_mps2);
    world_factory(&world, 3000);
    assert_int_equal(world_boot(&world), PM_BOOT_OK);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    assert_int_equal(world.model.violations, 0);
    world_free(&world);
    return 0;
}

static void offer(uint64_t serial, const struct world_release *release, uint32_t root_version) {
    world.uptime_s += 7200; /* the next poll is due */
    world_release(&world, release);
    world_channel(&world, &(struct world_channel){.serial = serial,
                                                  .sequence = release->sequence,
                                                  .key = release->key,
                                                  .root_version = root_version});
}

static void expect_trial_and_confirm(uint64_t sequence) {
    assert_int_equal(world_update(&world, 1), PM_UPDATE_READY);
    assert_int_equal(pm_update_step(world.update), PM_UPDATE_READY);
    uint32_t before = world.running;
    uint64_t floor = world_record(&world).floor;
    assert_int_equal(world_boot(&world), PM_BOOT_OK);
    assert_int_equal(world.running, 1 - before);
    assert_int_equal(world_sequence(&world, world.running), sequence);
    assert_int_equal(pm_update_step(world.update), PM_UPDATE_ON_TRIAL);
    assert_int_equal(world_record(&world).floor, floor);
    assert_true(pm_boot_confirm(&world.model.flash, &world.map));
    assert_int_equal(world_record(&world).floor, sequence);
    assert_int_equal(world_update(&world, 1), PM_UPDATE_IDLE);
}

static void full_images_follow_each_other(void **state) {
    (void)state;
    offer(1, &(struct world_release){.sequence = 2, .image_bytes = 5000, .fill = 9}, 1);
    expect_trial_and_confirm(2);
    offer(2, &(struct world_release){.sequence = 3, .image_bytes = 7900, .fill = 40}, 1);
    expect_trial_and_confirm(3);
    assert_int_equal(world.events[PM_EVENT_REFUSED], 0);
    assert_int_equal(world_record(&world).channel_floor, 2);
    assert_int_equal(world_record(&world).time_floor, WORLD_TIME_S);
}

static void a_patch_is_taken_where_it_fits(void **state) {
    (void)state;
    offer(1, &(struct world_release){.sequence = 2, .image_bytes = 3000, .patch_from = 1}, 1);
    server_lie_about(&world.server, SERVER_NOT_FOUND, "2/slot-1.bin", 0);
    expect_trial_and_confirm(2);
    assert_int_equal(world.server.lies_told, 0);
    offer(2, &(struct world_release){.sequence = 3, .image_bytes = 3200, .patch_from = 2}, 1);
    server_lie_about(&world.server, SERVER_NOT_FOUND, "3/slot-0.bin", 0);
    expect_trial_and_confirm(3);
    assert_int_equal(world.events[PM_EVENT_REFUSED], 0);
}

static void a_patch_for_another_base_is_not_even_fetched(void **state) {
    (void)state;
    world_release(&world, &(struct world_release){.sequence = 4, .image_bytes = 3000, .fill = 77});
    offer(1, &(struct world_release){.sequence = 5, .image_bytes = 3000, .patch_from = 4}, 1);
    server_lie_about(&world.server, SERVER_NOT_FOUND, "5/delta-1.pmp", 0);
    expect_trial_and_confirm(5);
    assert_int_equal(world.server.lies_told, 0);
    assert_int_equal(world.events[PM_EVENT_REFUSED], 0);
}

static void an_image_that_is_not_well_is_left_and_not_fetched_again(void **state) {
    (void)state;
    offer(1, &(struct world_release){.sequence = 2, .image_bytes = 5000}, 1);
    assert_int_equal(world_update(&world, 1), PM_UPDATE_READY);
    for (int boots = 0; boots < PM_TRIES; boots++) {
        assert_int_equal(world_boot(&world), PM_BOOT_OK);
        assert_int_equal(world_sequence(&world, world.running), 2);
    }
    assert_int_equal(world_boot(&world), PM_BOOT_OK);
    assert_int_equal(world_sequence(&world, world.running), 1);
    uint64_t sent_bytes = world.server.sent_bytes;
    assert_int_equal(world_update(&world, 1), PM_UPDATE_IDLE);
    assert_true(world.server.sent_bytes - sent_bytes < 1000);
    assert_int_equal(world_record(&world).floor, 1);
    offer(2, &(struct world_release){.sequence = 3, .image_bytes = 5200}, 1);
    expect_trial_and_confirm(3);
}

static void a_new_root_document_revokes_with_the_confirmation(void **state) {
    (void)state;
    world_root_revokes(&world);
    offer(1, &(struct world_release){.sequence = 2, .image_bytes = 5000, .key = 1}, 2);
    assert_int_equal(world_update(&world, 1), PM_UPDATE_READY);
    assert_int_equal(world_record(&world).root_version, 1);
    assert_int_equal(world_record(&world).trial_root_version, 2);
    assert_int_equal(world_boot(&world), PM_BOOT_OK);
    assert_int_equal(world_sequence(&world, world.running), 2);
    assert_true(pm_boot_confirm(&world.model.flash, &world.map));
    assert_int_equal(world_record(&world).root_version, 2);
    assert_int_equal(world.events[PM_EVENT_ROOT], 1);
    /* From now on the old key signs nothing. */
    offer(2, &(struct world_release){.sequence = 3, .image_bytes = 5000, .key = 0}, 2);
    world_update(&world, 1);
    assert_int_equal(world.refused[PM_ERROR_KEY_REVOKED], 1);
    assert_int_equal(world_record(&world).trial, PM_SLOT_NONE);
}

static void root_keys_change(void **state) {
    (void)state;
    world_root_rotates(&world);
    offer(1, &(struct world_release){.sequence = 2, .image_bytes = 5000}, 2);
    expect_trial_and_confirm(2);
    assert_int_equal(world_record(&world).root_version, 2);
}

static void a_rollout_takes_its_part_of_the_units(void **state) {
    (void)state;
    unsigned taken = 0;
    world_release(&world, &(struct world_release){.sequence = 2, .image_bytes = 5000});
    for (unsigned unit = 0; unit < 200; unit++) {
        world_channel(
            &world, &(struct world_channel){.serial = unit + 1, .sequence = 2, .rollout = 300 + 1});
        world.unit_id[0] = (uint8_t)unit;
        assert_int_equal(world_boot(&world), PM_BOOT_OK);
        taken += pm_update_step(world.update) == PM_UPDATE_WAITING;
    }
    assert_in_range(taken, 40, 80);
}

static void the_owner_postpones_within_the_bound(void **state) {
    (void)state;
    offer(1, &(struct world_release){.sequence = 2, .image_bytes = 5000}, 1);
    world.time_s = PM_TIME_UNKNOWN;
    assert_int_equal(pm_update_step(world.update), PM_UPDATE_WAITING);
    pm_update_postpone(world.update, UINT32_MAX);
    uint32_t began_s = world.uptime_s;
    while (pm_update_step(world.update) != PM_UPDATE_FETCHING && world.uptime_s < 40 * WORLD_DAY_S)
        world.uptime_s += 600;
    assert_in_range(world.uptime_s - began_s, 7 * WORLD_DAY_S, 7 * WORLD_DAY_S + 1200);
    assert_int_equal(world_update(&world, 1), PM_UPDATE_READY);
}

static void freshness_is_told_and_never_better_than_known(void **state) {
    (void)state;
    struct pm_update_status status;
    pm_update_status(world.update, &status);
    assert_int_equal(status.freshness, PM_FRESHNESS_UNKNOWN);
    world_channel(&world, &(struct world_channel){.serial = 1});
    assert_int_equal(world_update(&world, 1), PM_UPDATE_IDLE);
    pm_update_status(world.update, &status);
    assert_int_equal(status.freshness, PM_FRESH);
    world.time_s = PM_TIME_UNKNOWN;
    pm_update_status(world.update, &status);
    assert_int_equal(status.freshness, PM_FRESHNESS_UNKNOWN);
    world.time_s = WORLD_TIME_S + WORLD_DAY_S;
    pm_update_status(world.update, &status);
    assert_int_equal(status.freshness, PM_STALE);
    /* The clock says less than what was signed: the signed time counts. */
    world_channel(&world, &(struct world_channel){.serial = 2,
                                                  .issued_s = WORLD_TIME_S + 3 * WORLD_DAY_S,
                                                  .expires_s = WORLD_TIME_S + 4 * WORLD_DAY_S});
    world.uptime_s += 7200;
    pm_update_step(world.update);
    assert_int_equal(world_record(&world).time_floor, WORLD_TIME_S + 3 * WORLD_DAY_S);
    world_channel(
        &world, &(struct world_channel){.serial = 3, .expires_s = WORLD_TIME_S + 2 * WORLD_DAY_S});
    world.time_s = PM_TIME_UNKNOWN;
    world.uptime_s += 7200;
    pm_update_step(world.update);
    assert_int_equal(world.refused[PM_ERROR_CHANNEL_EXPIRED], 1);
    pm_update_status(world.update, &status);
    assert_int_equal(status.freshness, PM_STALE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(full_images_follow_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_patch_is_taken_where_it_fits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_patch_for_another_base_is_not_even_fetched, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_image_that_is_not_well_is_left_and_not_fetched_again,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_root_document_revokes_with_the_confirmation, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(root_keys_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rollout_takes_its_part_of_the_units, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_owner_postpones_within_the_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(freshness_is_told_and_never_better_than_known, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
