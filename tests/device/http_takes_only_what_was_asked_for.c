/* The device's HTTP client: whole files and the rest of one; each way in which a response may be
 * wrong has its error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "device/src/http.h"
#include "device/src/schedule.h"
#include "tests/device/server.h"

static struct server server;
static struct pm_network network;
static uint32_t now_s, second_each_call;

static uint32_t uptime(void *context) {
    (void)context;
    return now_s += second_each_call;
}

static const struct pm_port port = {.network = &network, .uptime = uptime};

static enum pm_update_error get(const char *path, uint32_t offset, uint8_t *out,
                                uint32_t *size_bytes) {
    static struct pm_http http;
    uint32_t remaining_bytes, got_bytes;
    struct pm_bytes name = {(const uint8_t *)path, strlen(path)};
    *size_bytes = 0;
    enum pm_update_error error = pm_http_get(&http, &port, name, offset, &remaining_bytes);
    while (!error && remaining_bytes > 0) {
        error = pm_http_read(&http, out + *size_bytes, remaining_bytes, &got_bytes);
        *size_bytes += got_bytes;
        remaining_bytes -= got_bytes;
    }
    pm_http_close(&http);
    pm_http_close(&http);
    assert_false(server.connected);
    return error;
}

static int set_up(void **state) {
    (void)state;
    uint8_t file[3000];
    for (uint32_t i = 0; i < sizeof file; i++)
        file[i] = (uint8_t)(i * 31 + (i >> 8));
    memset(&server, 0, sizeof server);
    server_put(&server, "file", file, sizeof file);
    server_put(&server, "empty", file, 0);
    network = server_network(&server);
    now_s = second_each_call = 0;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    server_free(&server);
    return 0;
}

static void a_file_comes_whole_and_from_any_offset(void **state) {
    (void)state;
    static uint8_t out[4096];
    static const uint32_t pieces[] = {0, 1, 7, 255, 256, 257};
    const struct server_file *file = server_find(&server, "file");
    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
        server.piece_bytes = pieces[p];
        for (uint32_t offset = 0; offset < file->size_bytes; offset += 599) {
            uint32_t size_bytes;
            assert_int_equal(get("file", offset, out, &size_bytes), PM_ERROR_NONE);
            assert_int_equal(size_bytes, file->size_bytes - offset);
            assert_memory_equal(out, file->data + offset, size_bytes);
        }
    }
    uint32_t size_bytes;
    assert_int_equal(get("empty", 0, out, &size_bytes), PM_ERROR_NONE);
    assert_int_equal(size_bytes, 0);
    assert_true(server.range_requests > 20);
}

static void each_lie_has_its_error(void **state) {
    (void)state;
    static uint8_t out[8192];
    static const struct {
        enum server_lie lie;
        uint32_t at, offset;
        enum pm_update_error error;
    } rows[] = {
        {SERVER_REFUSES_CONNECTION, 0, 0, PM_ERROR_NETWORK},
        {SERVER_NOT_FOUND, 0, 0, PM_ERROR_HTTP_STATUS},
        {SERVER_NOT_FOUND, 0, 100, PM_ERROR_HTTP_STATUS},
        {SERVER_NO_HTTP, 0, 0, PM_ERROR_HTTP_FORM},
        {SERVER_NO_LENGTH, 0, 0, PM_ERROR_HTTP_LENGTH},
        {SERVER_CHUNKED, 0, 0, PM_ERROR_HTTP_FORM},
        {SERVER_COMPRESSED, 0, 0, PM_ERROR_HTTP_FORM},
        {SERVER_ENDLESS_HEADER, 0, 0, PM_ERROR_HTTP_FORM},
        {SERVER_LENGTH_TOO_LARGE, 1, 0, PM_ERROR_HTTP_LENGTH},
        {SERVER_LENGTH_TOO_LARGE, 1, 64, PM_ERROR_HTTP_LENGTH},
        {SERVER_LENGTH_TOO_SMALL, 1, 64, PM_ERROR_HTTP_LENGTH},
        {SERVER_CLOSES_AT, 1000, 0, PM_ERROR_HTTP_LENGTH},
        {SERVER_STALLS_AT, 1000, 0, PM_ERROR_STALLED},
        {SERVER_IGNORES_RANGE, 0, 64, PM_ERROR_HTTP_RANGE_IGNORED},
        {SERVER_OTHER_RANGE, 0, 64, PM_ERROR_HTTP_LENGTH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t size_bytes;
        server_lie_about(&server, rows[i].lie, "", rows[i].at);
        assert_int_equal(get("file", rows[i].offset, out, &size_bytes), rows[i].error);
        assert_int_equal(server.lies_told, 1);
        server_lie_about(&server, SERVER_HONEST, "", 0);
        assert_int_equal(get("file", rows[i].offset, out, &size_bytes), PM_ERROR_NONE);
    }
}

static void a_trickle_ends_by_the_clock(void **state) {
    (void)state;
    static uint8_t out[4096];
    uint32_t size_bytes;
    server.piece_bytes = 1;
    second_each_call = 1;
    assert_int_equal(get("file", 0, out, &size_bytes), PM_ERROR_STALLED);
}

/* A server that sends exactly these bytes. */
static const char *script;

static int scripted_receive(void *context, void *out, uint32_t capacity_bytes) {
    (void)context;
    size_t size = strlen(script);
    if (size > capacity_bytes) size = capacity_bytes;
    memcpy(out, script, size);
    script += size;
    return (int)size;
}

static enum pm_update_error exchange(const char *response, uint32_t offset) {
    uint8_t out[64];
    uint32_t size_bytes;
    script = response;
    network.receive = scripted_receive;
    return get("file", offset, out, &size_bytes);
}

static void the_form_is_strict(void **state) {
    (void)state;
    static const char *const good[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.0 200\r\ncontent-LENGTH:2\r\n\r\nab",
        "HTTP/1.1 200 \r\nContent-Length: \t2 \t\r\nX: \xff\r\n\r\nab",
    };
    static const char *const bad[] = {
        "HTTP/1.1 200 OK\nContent-Length: 2\n\nab",
        "HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 0200 OK\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 4294967298\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n X: folded\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno colon\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n: no name\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\rX: y\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Range: bytes 0-1/2\r\nContent-Length: 2\r\n\r\nab",
        "",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(exchange(good[i], 0), PM_ERROR_NONE);
    for (size_t i = 0; i + 1 < sizeof bad / sizeof *bad; i++)
        assert_int_equal(exchange(bad[i], 0), PM_ERROR_HTTP_FORM);
    assert_int_equal(exchange("", 0), PM_ERROR_HTTP_LENGTH);
    assert_int_equal(exchange("HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n", 0),
                     PM_ERROR_HTTP_STATUS);
}

static void a_range_is_exactly_what_was_asked_for(void **state) {
    (void)state;
    static const struct {
        const char *range;
        enum pm_update_error error;
    } rows[] = {
        {"Content-Range: bytes 8-9/10\r\n", PM_ERROR_NONE},
        {"", PM_ERROR_HTTP_FORM},
        {"Content-Range: bytes 8-9/*\r\n", PM_ERROR_HTTP_FORM},
        {"Content-Range: items 8-9/10\r\n", PM_ERROR_HTTP_FORM},
        {"Content-Range: bytes 8-9/10 \r\nContent-Range: bytes 8-9/10\r\n", PM_ERROR_HTTP_FORM},
        {"Content-Range: bytes 7-9/10\r\n", PM_ERROR_HTTP_LENGTH},
        {"Content-Range: bytes 8-8/10\r\n", PM_ERROR_HTTP_LENGTH},
        {"Content-Range: bytes 8-9/11\r\n", PM_ERROR_HTTP_LENGTH},
        {"Content-Range: bytes 8-10/11\r\n", PM_ERROR_HTTP_LENGTH},
        {"Content-Range: bytes 8-4294967295/0\r\n", PM_ERROR_HTTP_LENGTH},
        {"Content-Range: bytes 8-7/8\r\n", PM_ERROR_HTTP_LENGTH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char response[256];
        snprintf(response, sizeof response,
                 "HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n%s\r\nab", rows[i].range);
        assert_int_equal(exchange(response, 8), rows[i].error);
    }
}

static void a_path_cannot_end_its_line(void **state) {
    (void)state;
    uint8_t out[16];
    uint32_t size_bytes;
    assert_int_equal(get("file HTTP/1.1\r\nX: y", 0, out, &size_bytes), PM_ERROR_HTTP_FORM);
    assert_int_equal(get("", 0, out, &size_bytes), PM_ERROR_HTTP_FORM);
    assert_int_equal(server.requests, 0);
}

/* schedule.h: never before the window nor while postponed, never later than the bound. */
static void the_window_and_the_owner_hold_back_within_a_bound(void **state) {
    (void)state;
    struct pm_update_policy policy = {
        .poll_s = 3600, .wait_maximum_s = 5000, .window_start_s = 82800, .window_length_s = 7200};
    const uint64_t midnight = 86400ull * 20000;
    assert_false(pm_schedule_may_begin(&policy, 0, 0, midnight + 82799));
    assert_true(pm_schedule_may_begin(&policy, 0, 0, midnight + 82800));
    assert_true(pm_schedule_may_begin(&policy, 0, 0, midnight + 3599));
    assert_false(pm_schedule_may_begin(&policy, 0, 0, midnight + 3600));
    assert_false(pm_schedule_may_begin(&policy, 0, 10, midnight));
    assert_true(pm_schedule_may_begin(&policy, 10, 10, midnight));
    assert_false(pm_schedule_may_begin(&policy, 4999, 0, PM_TIME_UNKNOWN));
    assert_true(pm_schedule_may_begin(&policy, 5000, 5000, PM_TIME_UNKNOWN));
    policy.window_length_s = 0;
    assert_true(pm_schedule_may_begin(&policy, 0, 0, PM_TIME_UNKNOWN));
}

static void polls_spread_and_back_off(void **state) {
    (void)state;
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t chance = 0; chance < 10000; chance++) {
        uint32_t next_s = pm_schedule_next_s(3600, 0, chance * 2654435761u);
        if (next_s < least) least = next_s;
        if (next_s > most) most = next_s;
    }
    assert_true(least >= 2700 && least < 2750 && most <= 4500 && most > 4450);
    static const uint32_t longest[] = {60, 120, 240, 480, 960, 1920, 3600, 3600};
    for (uint32_t failures = 1; failures <= 8; failures++) {
        for (uint32_t chance = 0; chance < 5000; chance++) {
            uint32_t next_s = pm_schedule_next_s(3600, failures, chance);
            assert_in_range(next_s, longest[failures - 1] / 2, longest[failures - 1]);
        }
    }
    assert_in_range(pm_schedule_next_s(86400, UINT32_MAX, UINT32_MAX), 43200, 86400);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_comes_whole_and_from_any_offset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_lie_has_its_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_trickle_ends_by_the_clock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_form_is_strict, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_range_is_exactly_what_was_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_path_cannot_end_its_line, set_up, tear_down),
        cmocka_unit_test(the_window_and_the_owner_hold_back_within_a_bound),
        cmocka_unit_test(polls_spread_and_back_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
