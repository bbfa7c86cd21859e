/* What `release build` writes, and sequences that it never writes: each runs as the draft says. */
#include "support.h"

static struct pm_suit_manifest open_release(struct unit *unit, const struct suit_release *release,
                                            struct buffer *envelope) {
    struct pm_suit_manifest manifest;
    struct error error;
    buffer_init(envelope, SUIT_ENVELOPE_MAXIMUM);
    assert_ok(suit_write_envelope(release, &unit->signer, envelope, &error));
    assert_int_equal(pm_suit_open(&unit->host, bytes_of(*envelope), 0, &manifest), PM_ERROR_NONE);
    return manifest;
}

static enum pm_update_error install_release(struct unit *unit, const struct suit_release *release) {
    struct buffer envelope;
    struct pm_suit_manifest manifest = open_release(unit, release, &envelope);
    enum pm_update_error error = pm_suit_run(&unit->host, &manifest, PM_SUIT_INSTALL);
    if (error == PM_ERROR_NONE) error = pm_suit_run(&unit->host, &manifest, PM_SUIT_VALIDATE);
    buffer_free(&envelope);
    return error;
}

static void the_patch_is_taken_where_its_base_runs(void **state) {
    (void)state;
    struct unit unit;
    struct suit_patch patch = test_patch();
    struct suit_release release = test_release(&patch);
    unit_start(&unit);
    assert_int_equal(install_release(&unit, &release), PM_ERROR_NONE);
    assert_string_equal(unit.log, "running= patch:2/delta-1-a.pmp target= target= ");
    unit_end(&unit);
}

static void the_image_is_taken_where_another_base_runs(void **state) {
    (void)state;
    struct unit unit;
    struct suit_patch patch = test_patch();
    struct suit_release release = test_release(&patch);
    unit_start(&unit);
    unit.image[PM_SUIT_RUNNING][0] ^= 1;
    assert_int_equal(install_release(&unit, &release), PM_ERROR_NONE);
    assert_string_equal(unit.log, "running! fetch:2/slot-a.bin target= target= ");
    unit_end(&unit);
}

static void the_image_is_taken_after_a_patch_that_went_wrong(void **state) {
    (void)state;
    struct unit unit;
    struct suit_patch patch = test_patch();
    struct suit_release release = test_release(&patch);
    unit_start(&unit);
    unit.patch_goes_wrong = true;
    assert_int_equal(install_release(&unit, &release), PM_ERROR_NONE);
    assert_string_equal(
        unit.log, "running= patch:2/delta-1-a.pmp target! fetch:2/slot-a.bin target= target= ");
    unit_end(&unit);
}

static void each_slot_takes_its_own(void **state) {
    (void)state;
    struct unit unit;
    struct suit_patch patch = test_patch();
    struct suit_release release = test_release(&patch);
    for (int severed = 0; severed < 2; severed++) {
        unit_start(&unit);
        unit.host.slot[PM_SUIT_TARGET] = 1;
        unit.host.slot[PM_SUIT_RUNNING] = 0;
        release.sever_install = severed;
        assert_int_equal(install_release(&unit, &release), PM_ERROR_NONE);
        assert_string_equal(unit.log, "fetch:2/slot-b.bin target= target= ");
        assert_int_equal(unit.image[PM_SUIT_TARGET][0], 0xb0);
        unit_end(&unit);
    }
    unit_start(&unit);
    unit.host.slot[PM_SUIT_TARGET] = 2;
    assert_int_equal(install_release(&unit, &release), PM_ERROR_SLOT);
    assert_int_equal(unit.fetches, 0);
    unit_end(&unit);
}

static void other_vendors_and_classes_are_refused(void **state) {
    (void)state;
    struct unit unit;
    struct suit_patch patch = test_patch();
    struct suit_release release = test_release(&patch);
    unit_start(&unit);
    unit.vendor[15] ^= 1;
    assert_int_equal(install_release(&unit, &release), PM_ERROR_VENDOR);
    unit.vendor[15] ^= 1;
    unit.class_id[0] ^= 1;
    assert_int_equal(install_release(&unit, &release), PM_ERROR_CLASS);
    assert_string_equal(unit.log, "");
    unit_end(&unit);
}

static void a_fetch_that_is_not_finished_leaves_the_run(void **state) {
    (void)state;
    struct unit unit;
    struct suit_patch patch = test_patch();
    struct suit_release release = test_release(&patch);
    unit_start(&unit);
    unit.fetch_error = PM_ERROR_STALLED;
    assert_int_equal(install_release(&unit, &release), PM_ERROR_STALLED);
    assert_string_equal(unit.log, "running= patch:2/delta-1-a.pmp ");
    unit_end(&unit);
}

static void the_same_release_gives_the_same_bytes(void **state) {
    (void)state;
    struct unit unit;
    struct suit_patch patch = test_patch();
    struct suit_release release = test_release(&patch);
    struct buffer first, second;
    unit_start(&unit);
    open_release(&unit, &release, &first);
    open_release(&unit, &release, &second);
    struct pm_suit_envelope envelope;
    assert_int_equal(pm_suit_read_envelope(&digest_sha256, bytes_of(first), &envelope),
                     PM_SUIT_WELL_FORMED);
    size_t signature = (size_t)(envelope.signature.signature - first.data);
    assert_int_equal(first.size_bytes, second.size_bytes);
    assert_memory_equal(first.data, second.data, signature);
    assert_memory_equal(first.data + signature + 64, second.data + signature + 64,
                        first.size_bytes - signature - 64);
    buffer_free(&first);
    buffer_free(&second);
    unit_end(&unit);
}

/* A sequence given by its bytes, run as validate with the unit's own components. */
static enum pm_update_error run(struct unit *unit, size_t component_count, const char *shared,
                                const char *sequence) {
    uint8_t raw[4096], shared_bytes[1024], bytes[4096];
    struct pm_suit_manifest manifest = {.component_count = component_count};
    struct pm_cbor_writer wrapped = {.out = shared_bytes, .capacity_bytes = sizeof shared_bytes};
    unit->log[0] = '\0';
    if (*shared) pm_cbor_put_bytes(&wrapped, raw, unhex(shared, raw, sizeof raw));
    manifest.shared = (struct pm_bytes){shared_bytes, wrapped.size_bytes};
    wrapped = (struct pm_cbor_writer){.out = bytes, .capacity_bytes = sizeof bytes};
    if (*sequence) pm_cbor_put_bytes(&wrapped, raw, unhex(sequence, raw, sizeof raw));
    manifest.sections[pm_suit_section(PM_SUIT_VALIDATE)] =
        (struct pm_bytes){bytes, wrapped.size_bytes};
    return pm_suit_run(&unit->host, &manifest, PM_SUIT_VALIDATE);
}

/* image-match needs digest and size: 20 {3: << [-16, 7777...] >>, 14: 7000}. */
#define SEVENS "77777777777777777777777777777777"
#define RUNS "14a2035824822f5820" SEVENS SEVENS "0e191b58"

static void component_indices_select(void **state) {
    (void)state;
    struct unit unit;
    unit_start(&unit);
    /* One component needs no index, two do. */
    assert_int_equal(run(&unit, 1, "", "82 170f"), PM_ERROR_NONE);
    assert_string_equal(unit.log, "invoke:target ");
    assert_int_equal(run(&unit, 2, "", "82 170f"), PM_ERROR_COMMAND);
    assert_int_equal(run(&unit, 2, "", "84 0c01 170f"), PM_ERROR_NONE);
    assert_string_equal(unit.log, "invoke:running ");
    assert_int_equal(run(&unit, 2, "", "84 0cf5 170f"), PM_ERROR_NONE);
    assert_string_equal(unit.log, "invoke:target invoke:running ");
    assert_int_equal(run(&unit, 2, "", "84 0c820001 170f"), PM_ERROR_NONE);
    assert_string_equal(unit.log, "invoke:target invoke:running ");
    assert_int_equal(run(&unit, 2, "", "84 0c8101 170f"), PM_ERROR_NONE);
    assert_string_equal(unit.log, "invoke:running ");
    /* Out of range, twice, backwards, none, false, null, a string. */
    const char *wrong[] = {"84 0c02 170f", "84 0c820000 170f", "84 0c820100 170f", "84 0c80 170f",
                           "84 0cf4 170f", "84 0cf6 170f",     "84 0c4100 170f"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(run(&unit, 2, "", wrong[i]), PM_ERROR_COMMAND);
    /* Parameters belong to a component: set for one, the other has none. */
    assert_int_equal(run(&unit, 2, "", "86 0c01 " RUNS " 0300"), PM_ERROR_NONE);
    assert_int_equal(run(&unit, 2, "", "88 0c00 " RUNS " 0c01 0300"), PM_ERROR_PAYLOAD_DIGEST);
    assert_string_equal(unit.log, "");
    assert_int_equal(run(&unit, 2, "", "86 0cf5 " RUNS " 0300"), PM_ERROR_PAYLOAD_DIGEST);
    assert_string_equal(unit.log, "target! ");
    /* What the shared sequence selected does not last, what it set does. */
    assert_int_equal(run(&unit, 2, "84 0c01 " RUNS, "82 0300"), PM_ERROR_COMMAND);
    assert_int_equal(run(&unit, 2, "84 0c01 " RUNS, "84 0c01 0300"), PM_ERROR_NONE);
    unit_end(&unit);
}

static void try_each_goes_on_after_conditions_only(void **state) {
    (void)state;
    struct unit unit;
    unit_start(&unit);
    /* [abort], [invoke] */
    assert_int_equal(run(&unit, 1, "", "82 0f82 43 820e00 43 821700"), PM_ERROR_NONE);
    assert_string_equal(unit.log, "invoke:target ");
    /* [invoke], [abort]: the first that holds ends it */
    assert_int_equal(run(&unit, 1, "", "82 0f82 43 821700 43 820e00"), PM_ERROR_NONE);
    /* none holds; none holds, and null */
    assert_int_equal(run(&unit, 1, "", "82 0f82 43 820e00 43 820e00"), PM_ERROR_ABORT);
    assert_int_equal(run(&unit, 1, "", "84 0f82 43 820e00 f6 1700"), PM_ERROR_NONE);
    assert_string_equal(unit.log, "invoke:target ");
    /* null not at the end, another simple value, no sequence at all */
    assert_int_equal(run(&unit, 1, "", "82 0f82 f6 43 820e00"), PM_ERROR_COMMAND);
    assert_int_equal(run(&unit, 1, "", "82 0f82 43 820e00 f5"), PM_ERROR_COMMAND);
    assert_int_equal(run(&unit, 1, "", "82 0f80"), PM_ERROR_COMMAND);
    /* A directive that fails, an unknown command, a broken sequence: nothing goes on. */
    assert_int_equal(run(&unit, 1, "", "82 0f82 43 821500 43 821700"), PM_ERROR_COMMAND);
    assert_int_equal(run(&unit, 1, "", "82 0f82 43 821600 43 821700"), PM_ERROR_COMMAND);
    assert_int_equal(run(&unit, 1, "", "82 0f82 42 8217 43 821700"), PM_ERROR_COMMAND);
    assert_string_equal(unit.log, "");
    /* Soft failure set to false in the sequence: its condition ends all. */
    assert_int_equal(run(&unit, 1, "", "82 0f82 47 8414a10df40e00 43 821700"), PM_ERROR_ABORT);
    assert_string_equal(unit.log, "");
    /* It does not outlive the sequence. */
    assert_int_equal(run(&unit, 1, "", "82 0f82 4b 841820458214a10df40e00 43 821700"),
                     PM_ERROR_NONE);
    assert_string_equal(unit.log, "invoke:target ");
    unit_end(&unit);
}

static void run_sequence_forwards_its_result(void **state) {
    (void)state;
    struct unit unit;
    unit_start(&unit);
    assert_int_equal(run(&unit, 1, "", "82 1820 43 821700"), PM_ERROR_NONE);
    assert_string_equal(unit.log, "invoke:target ");
    assert_int_equal(run(&unit, 1, "", "84 1820 43 820e00 1700"), PM_ERROR_ABORT);
    assert_string_equal(unit.log, "");
    /* Soft failure: it halts without an effect on what follows. */
    assert_int_equal(run(&unit, 1, "", "84 1820 49 86 14a10df5 0e00 1700 1700"), PM_ERROR_NONE);
    assert_string_equal(unit.log, "invoke:target ");
    /* It is soft for conditions only. */
    assert_int_equal(run(&unit, 1, "", "84 1820 47 8414a10df50700 1700"), PM_ERROR_COMMAND);
    assert_string_equal(unit.log, "");
    /* A try-each in it leaves its soft failure as it was. */
    assert_int_equal(run(&unit, 1, "", "82 1820 49 84 0f81 43 821700 0e00"), PM_ERROR_ABORT);
    /* Once for each component. */
    assert_int_equal(run(&unit, 2, "", "84 0cf5 1820 43 821700"), PM_ERROR_NONE);
    assert_string_equal(unit.log, "invoke:target invoke:running ");
    /* Soft failure outside of both is an abort. */
    assert_int_equal(run(&unit, 1, "", "82 14a10df5"), PM_ERROR_COMMAND);
    unit_end(&unit);
}

static void what_is_not_known_aborts(void **state) {
    (void)state;
    struct unit unit;
    unit_start(&unit);
    const char *wrong[] = {
        "82 0700",                                   /* no such command */
        "82 1600",                                   /* copy, */
        "82 1200",                                   /* write, */
        "82 181f00",                                 /* swap, */
        "82 0600",                                   /* check content, */
        "82 181800",                                 /* device identifier: not here */
        "82 3901000a",                               /* a command for private use */
        "82 1710",                                   /* reporting policy beyond its four bits */
        "82 1720",                                   /* and below 0 */
        "82 1740",                                   /* or no number */
        "81 17",                                     /* a command without its argument */
        "80",                                        /* no command */
        "82 14a0",                                   /* no parameter */
        "82 14a11200",                               /* a parameter that is not known: content, */
        "82 14a11600",                               /* source component */
        "82 14a139010000f4",                         /* trailing inside the item */
        "82 14a1390102f4",                           /* private, not ours */
        "82 14a10e00",                               /* image size 0 */
        "82 14a10e1b0000000100000000",               /* and beyond 32 bits */
        "82 14a1014f111111111111111111111111111111", /* 15 bytes of vendor */
        "82 14a10341a0",                             /* no digest */
        "82 14a1156161",                             /* fine, but see below */
        "82 14a11563610d0a",                         /* a path with a line's end */
        "82 14a11560",                               /* an empty one */
        "82 14a205010500",                           /* twice */
        "82 14a20e010500",                           /* keys out of order */
        "82 1817 00",                                /* not the shortest form */
        "82 1700 00",                                /* bytes behind the end */
        "82 14a115617f",                             /* a path beyond '~' */
        "a1 1700",                                   /* a map */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        enum pm_update_error expected = i == 21 ? PM_ERROR_NONE : PM_ERROR_COMMAND;
        if (run(&unit, 1, "", wrong[i]) != expected) fail_msg("%s", wrong[i]);
        assert_string_equal(unit.log, "");
    }
    /* Private parameters are for sections, not for what all share. */
    assert_int_equal(run(&unit, 1, "", "82 14a1390100f4"), PM_ERROR_NONE);
    assert_int_equal(run(&unit, 1, "82 14a1390100f4", ""), PM_ERROR_COMMAND);
    assert_int_equal(run(&unit, 1, "", "82 14a139010101"), PM_ERROR_NONE);
    assert_int_equal(run(&unit, 1, "82 14a139010101", ""), PM_ERROR_COMMAND);
    unit_end(&unit);
}

static void what_runs_is_not_written(void **state) {
    (void)state;
    struct unit unit;
    unit_start(&unit);
    /* digest, size and URI are there */
    assert_int_equal(run(&unit, 2, "", "88 0c00 " RUNS " 14a1156161 1500"), PM_ERROR_NONE);
    assert_string_equal(unit.log, "fetch:a ");
    assert_int_equal(run(&unit, 2, "", "88 0c01 " RUNS " 14a1156161 1500"), PM_ERROR_COMMAND);
    assert_string_equal(unit.log, "");
    /* without a digest, a size, or both; a patch without its size */
    assert_int_equal(
        run(&unit, 2, "", "88 0c00 14a1035824822f5820" SEVENS SEVENS "14a1156161 1500"),
        PM_ERROR_COMMAND);
    assert_int_equal(run(&unit, 2, "", "88 0c00 14a10e05 14a1156161 1500"), PM_ERROR_COMMAND);
    assert_int_equal(run(&unit, 2, "", "86 0c00 14a1156161 1500"), PM_ERROR_COMMAND);
    assert_int_equal(run(&unit, 2, "", "88 0c00 " RUNS " 14a2156161390100 01 1500"),
                     PM_ERROR_COMMAND);
    assert_int_equal(run(&unit, 2, "", "88 0c00 " RUNS " 14a3156161390100 01390101 0a 1500"),
                     PM_ERROR_NONE);
    assert_string_equal(unit.log, "patch:a ");
    unit_end(&unit);
}

static void records_follow_the_policy(void **state) {
    (void)state;
    struct unit unit;
    static const struct {
        const char *sequence;
        size_t records;
    } rows[] = {{"82 1700", 0}, {"82 1701", 1}, {"82 1702", 0}, {"82 170f", 1},
                {"82 0e00", 0}, {"82 0e01", 0}, {"82 0e02", 1}, {"82 0e0c", 0}};
    unit_start(&unit);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unit.records = 0;
        run(&unit, 1, "", rows[i].sequence);
        assert_int_equal(unit.records, rows[i].records);
    }
    unit.host.record = NULL;
    assert_int_equal(run(&unit, 1, "", "82 170f"), PM_ERROR_NONE);
    unit.host.invoke = NULL;
    assert_int_equal(run(&unit, 1, "", "82 170f"), PM_ERROR_COMMAND);
    unit_end(&unit);
}

/* run-sequence around `inner`, as hexadecimal digits. */
static void nest(char *out, size_t capacity, const char *inner) {
    char text[2048];
    size_t size_bytes = strlen(inner) / 2;
    assert_true(size_bytes < 24);
    snprintf(text, sizeof text, "821820%02zx%s", 0x40 + size_bytes, inner);
    snprintf(out, capacity, "%s", text);
}

static void bounds_hold(void **state) {
    (void)state;
    struct unit unit;
    char sequence[8192] = "821700", once[8192];
    unit_start(&unit);
    for (int depth = 1; depth <= PM_SUIT_NESTING + 1; depth++) {
        enum pm_update_error expected = depth > PM_SUIT_NESTING ? PM_ERROR_COMMAND : PM_ERROR_NONE;
        assert_int_equal(run(&unit, 1, "", sequence), expected);
        snprintf(once, sizeof once, "%s", sequence);
        nest(sequence, sizeof sequence, once);
    }
    for (size_t commands = PM_SUIT_COMMANDS; commands <= PM_SUIT_COMMANDS + 1; commands++) {
        size_t used = (size_t)snprintf(sequence, sizeof sequence, "99%04zx", 2 * commands);
        for (size_t i = 0; i < commands; i++)
            used += (size_t)snprintf(sequence + used, sizeof sequence - used, "1700");
        unit.invocations = 0;
        assert_int_equal(run(&unit, 1, "", sequence),
                         commands > PM_SUIT_COMMANDS ? PM_ERROR_COMMAND : PM_ERROR_NONE);
        assert_int_equal(unit.invocations, PM_SUIT_COMMANDS);
    }
    unit_end(&unit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_patch_is_taken_where_its_base_runs),
        cmocka_unit_test(the_image_is_taken_where_another_base_runs),
        cmocka_unit_test(the_image_is_taken_after_a_patch_that_went_wrong),
        cmocka_unit_test(each_slot_takes_its_own),
        cmocka_unit_test(other_vendors_and_classes_are_refused),
        cmocka_unit_test(a_fetch_that_is_not_finished_leaves_the_run),
        cmocka_unit_test(the_same_release_gives_the_same_bytes),
        cmocka_unit_test(component_indices_select),
        cmocka_unit_test(try_each_goes_on_after_conditions_only),
        cmocka_unit_test(run_sequence_forwards_its_result),
        cmocka_unit_test(what_is_not_known_aborts),
        cmocka_unit_test(what_runs_is_not_written),
        cmocka_unit_test(records_follow_the_policy),
        cmocka_unit_test(bounds_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
