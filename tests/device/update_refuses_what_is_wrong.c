/* Bad input from maker and server: each is refused with its own error and an event, the running
 * slot and the records' floors stay, and the next poll, when the server is honest, works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/device/update_world.h"

static struct world world;
static uint8_t *slot_before;

static const struct world_release good = {.sequence = 3, .image_bytes = 5000, .fill = 3};
static const uint8_t another[PM_UUID_BYTES] = {1};

static int set_up(void **state) {
    (void)state;
    world_init(&world, &flash_mps2);
    world_factory(&world, 3000);
    assert_int_equal(world_boot(&world), PM_BOOT_OK);
    slot_before = malloc(world.map.slot_bytes);
    assert_non_null(slot_before);
    memcpy(slot_before, world.model.bytes + (world.map.slot_address[0] - world.model.base),
           world.map.slot_bytes);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    free(slot_before);
    assert_int_equal(world.model.violations, 0);
    world_free(&world);
    return 0;
}

static void publish(uint64_t serial, const struct world_release *release) {
    world_release(&world, release);
    world_channel(&world, &(struct world_channel){.serial = serial,
                                                  .sequence = release->sequence,
                                                  .key = release->key});
}

static void expect_refusal(enum pm_update_error error) {
    struct pm_update_status status;
    assert_int_not_equal(world_update(&world, 1), PM_UPDATE_READY);
    pm_update_status(world.update, &status);
    assert_int_equal(status.last_error, error);
    assert_int_equal(world.refused[error], 1);
    assert_memory_equal(slot_before,
                        world.model.bytes + (world.map.slot_address[0] - world.model.base),
                        world.map.slot_bytes);
    assert_int_equal(world_record(&world).floor, 1);
    assert_int_equal(world_record(&world).trial, PM_SLOT_NONE);
}

/* The same client, without a reset. */
static void expect_that_the_next_poll_works(uint64_t serial) {
    server_lie_about(&world.server, SERVER_HONEST, "", 0);
    publish(serial, &good);
    world.uptime_s += 7200;
    assert_int_equal(world_update(&world, 1), PM_UPDATE_READY);
    assert_int_equal(world_boot(&world), PM_BOOT_OK);
    assert_int_equal(world_sequence(&world, world.running), 3);
}

static void flip(const char *path, uint32_t offset) {
    struct server_file *file = server_find(&world.server, path);
    assert_true(file && offset < file->size_bytes);
    file->data[offset] ^= 1;
}

static void a_channel_with_a_wrong_signature(void **state) {
    (void)state;
    publish(1, &good);
    flip("channel.cose", server_find(&world.server, "channel.cose")->size_bytes - 1);
    expect_refusal(PM_ERROR_CHANNEL_SIGNATURE);
    expect_that_the_next_poll_works(1);
}

static void a_channel_that_is_none(void **state) {
    (void)state;
    server_put(&world.server, "channel.cose", "<html>", 6);
    expect_refusal(PM_ERROR_CHANNEL_FORM);
    expect_that_the_next_poll_works(1);
}

static void a_key_that_nobody_named(void **state) {
    (void)state;
    struct world_release release = good;
    release.key = 1;
    publish(1, &release);
    expect_refusal(PM_ERROR_KEY_UNKNOWN);
    expect_that_the_next_poll_works(1);
}

static void an_older_channel(void **state) {
    (void)state;
    world_channel(&world, &(struct world_channel){.serial = 7});
    assert_int_equal(world_update(&world, 1), PM_UPDATE_IDLE);
    world.uptime_s += 7200;
    publish(6, &good);
    expect_refusal(PM_ERROR_CHANNEL_ROLLBACK);
    expect_that_the_next_poll_works(8);
}

static void an_expired_channel(void **state) {
    (void)state;
    world_release(&world, &good);
    world_channel(&world, &(struct world_channel){.serial = 1,
                                                  .sequence = 3,
                                                  .issued_s = WORLD_TIME_S - 100,
                                                  .expires_s = WORLD_TIME_S - 1});
    expect_refusal(PM_ERROR_CHANNEL_EXPIRED);
    expect_that_the_next_poll_works(2);
}

static void a_channel_of_another_class(void **state) {
    (void)state;
    world_release(&world, &good);
    world_channel(&world, &(struct world_channel){.serial = 1, .sequence = 3, .class_id = another});
    expect_refusal(PM_ERROR_CLASS);
    expect_that_the_next_poll_works(1);
}

static void an_envelope_that_the_channel_does_not_name(void **state) {
    (void)state;
    publish(1, &good);
    flip("3/envelope.suit", 60);
    expect_refusal(PM_ERROR_ENVELOPE_DIGEST);
    expect_that_the_next_poll_works(1);
}

static void an_envelope_for_another_vendor_or_class(void **state) {
    (void)state;
    struct world_release release = good;
    release.vendor = another;
    publish(1, &release);
    expect_refusal(PM_ERROR_VENDOR);
    release = good;
    release.class_id = another;
    publish(2, &release);
    world.uptime_s += 7200;
    expect_refusal(PM_ERROR_CLASS);
    expect_that_the_next_poll_works(3);
}

static void an_envelope_of_an_older_sequence(void **state) {
    (void)state;
    struct world_release release = good;
    release.envelope_sequence = 2;
    publish(1, &release);
    expect_refusal(PM_ERROR_SEQUENCE);
    expect_that_the_next_poll_works(2);
}

static void a_seal_that_no_boot_would_run(void **state) {
    (void)state;
    struct world_release release = good;
    release.seal_sequence = 2;
    publish(1, &release);
    expect_refusal(PM_ERROR_SEAL);
    expect_that_the_next_poll_works(2);
}

static void payloads_that_are_not_what_was_signed(void **state) {
    (void)state;
    publish(1, &good);
    flip("3/slot-1.bin", 4000);
    expect_refusal(PM_ERROR_PAYLOAD_DIGEST);
    expect_that_the_next_poll_works(1);
}

static void each_lie_of_the_server(void **state) {
    (void)state;
    static const struct {
        enum server_lie lie;
        uint32_t at;
        enum pm_update_error error;
    } rows[] = {
        {SERVER_REFUSES_CONNECTION, 0, PM_ERROR_NETWORK},
        {SERVER_NOT_FOUND, 0, PM_ERROR_HTTP_STATUS},
        {SERVER_NO_HTTP, 0, PM_ERROR_HTTP_FORM},
        {SERVER_CHUNKED, 0, PM_ERROR_HTTP_FORM},
        {SERVER_NO_LENGTH, 0, PM_ERROR_HTTP_LENGTH},
        {SERVER_LENGTH_TOO_LARGE, 8, PM_ERROR_PAYLOAD_SIZE},
        {SERVER_LENGTH_TOO_SMALL, 8, PM_ERROR_PAYLOAD_SIZE},
        {SERVER_CLOSES_AT, 4500, PM_ERROR_HTTP_LENGTH},
        {SERVER_STALLS_AT, 4500, PM_ERROR_STALLED},
        {SERVER_OTHER_FILE_AT, 2000, PM_ERROR_PAYLOAD_DIGEST},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (i > 0) set_up(state);
        publish(1, &good);
        const char *path = rows[i].lie == SERVER_REFUSES_CONNECTION ? "" : "3/slot-1.bin";
        server_lie_about(&world.server, rows[i].lie, path, rows[i].at);
        expect_refusal(rows[i].error);
        assert_true(world.server.lies_told > 0);
        expect_that_the_next_poll_works(1);
        if (i + 1 < sizeof rows / sizeof *rows) tear_down(state);
    }
}

static void a_range_that_is_ignored(void **state) {
    (void)state;
    publish(1, &good);
    server_lie_about(&world.server, SERVER_STALLS_AT, "3/slot-1.bin", 4500);
    expect_refusal(PM_ERROR_STALLED);
    server_lie_about(&world.server, SERVER_IGNORES_RANGE, "3/slot-1.bin", 0);
    world.uptime_s += 7200;
    expect_refusal(PM_ERROR_HTTP_RANGE_IGNORED);
    assert_int_equal(world.server.lies_told, 1);
    /* Even from a server that never knew ranges: it starts over. */
    world.uptime_s += 7200;
    assert_int_equal(world_update(&world, 1), PM_UPDATE_READY);
}

static void a_patch_that_lies_leads_to_the_full_image(void **state) {
    (void)state;
    struct world_release release = good;
    release.patch_from = 1;
    publish(1, &release);
    struct server_file *file = server_find(&world.server, "3/delta-1.pmp");
    assert_non_null(file);
    file->data[file->size_bytes / 2] ^= 0x10;
    assert_int_equal(world_update(&world, 2), PM_UPDATE_READY);
    assert_int_equal(world.events[PM_EVENT_REFUSED], 1);
    assert_int_equal(world.refused[PM_ERROR_PATCH] + world.refused[PM_ERROR_PAYLOAD_DIGEST] +
                         world.refused[PM_ERROR_PAYLOAD_SIZE],
                     1);
    assert_int_equal(world_boot(&world), PM_BOOT_OK);
    assert_int_equal(world_sequence(&world, world.running), 3);
}

int main(void) {
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROW(a_channel_with_a_wrong_signature),
        ROW(a_channel_that_is_none),
        ROW(a_key_that_nobody_named),
        ROW(an_older_channel),
        ROW(an_expired_channel),
        ROW(a_channel_of_another_class),
        ROW(an_envelope_that_the_channel_does_not_name),
        ROW(an_envelope_for_another_vendor_or_class),
        ROW(an_envelope_of_an_older_sequence),
        ROW(a_seal_that_no_boot_would_run),
        ROW(payloads_that_are_not_what_was_signed),
        ROW(each_lie_of_the_server),
        ROW(a_range_that_is_ignored),
        ROW(a_patch_that_lies_leads_to_the_full_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
