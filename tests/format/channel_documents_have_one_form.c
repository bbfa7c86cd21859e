/* A channel document is read back as it was written, every change is refused, and the part of
 * units that takes a release is the part that was signed. */
#include "support.h"

static struct channel_entry entries[2];

static struct channel_document test_document(void) {
    struct channel_document document = {.serial = 41,
                                        .issued_s = 1700000000,
                                        .expires_s = 1700600000,
                                        .root_version = 3,
                                        .root_path = "root/3.bin",
                                        .entry_count = 2,
                                        .entries = entries};
    memset(document.vendor, 0x11, sizeof document.vendor);
    memset(document.class_id, 0x22, sizeof document.class_id);
    for (size_t i = 0; i < 2; i++) {
        entries[i] = (struct channel_entry){.sequence = 9 - i,
                                            .minimum = i,
                                            .path = i ? "8/envelope.suit" : "9/envelope.suit",
                                            .size_bytes = 700 + (uint32_t)i,
                                            .rollout = i ? 1000 : 250};
        memset(entries[i].sha256, (int)(0x90 + i), PM_SHA256_BYTES);
        memset(entries[i].salt, (int)(0x50 + i), PM_CHANNEL_SALT_BYTES);
    }
    return document;
}

static struct buffer write_document(struct unit *unit, const struct channel_document *document) {
    struct buffer out;
    struct error error;
    buffer_init(&out, CHANNEL_DOCUMENT_MAXIMUM);
    assert_ok(channel_write(document, &unit->signer, &out, &error));
    return out;
}

static void what_was_written_is_read(void **state) {
    (void)state;
    struct unit unit;
    struct pm_channel channel;
    struct pm_channel_entry entry;
    struct channel_document document = test_document();
    unit_start(&unit);
    struct buffer bytes = write_document(&unit, &document);
    assert_int_equal(pm_channel_open(&unit.host, bytes_of(bytes), &channel), PM_ERROR_NONE);
    assert_int_equal(channel.serial, 41);
    assert_int_equal(channel.issued_s, 1700000000);
    assert_int_equal(channel.expires_s, 1700600000);
    assert_int_equal(channel.root_version, 3);
    assert_memory_equal(channel.root_path.data, "root/3.bin", channel.root_path.size_bytes);
    assert_int_equal(channel.entry_count, 2);
    for (size_t i = 0; i < 2; i++) {
        pm_channel_entry(&channel, i, &entry);
        assert_int_equal(entry.sequence, entries[i].sequence);
        assert_int_equal(entry.minimum, entries[i].minimum);
        assert_int_equal(entry.path.size_bytes, strlen(entries[i].path));
        assert_memory_equal(entry.path.data, entries[i].path, entry.path.size_bytes);
        assert_memory_equal(entry.sha256, entries[i].sha256, PM_SHA256_BYTES);
        assert_int_equal(entry.size_bytes, entries[i].size_bytes);
        assert_int_equal(entry.rollout, entries[i].rollout);
        assert_memory_equal(entry.salt, entries[i].salt, PM_CHANNEL_SALT_BYTES);
    }
    buffer_free(&bytes);
    document.entry_count = 0; /* nothing to offer is a document, too */
    bytes = write_document(&unit, &document);
    assert_int_equal(pm_channel_open(&unit.host, bytes_of(bytes), &channel), PM_ERROR_NONE);
    assert_int_equal(channel.entry_count, 0);
    buffer_free(&bytes);
    unit_end(&unit);
}

static void every_change_is_refused(void **state) {
    (void)state;
    struct unit unit;
    struct pm_channel channel;
    struct channel_document document = test_document();
    unit_start(&unit);
    struct buffer bytes = write_document(&unit, &document);
    for (size_t bit = 0; bit < 8 * bytes.size_bytes; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum pm_update_error error = pm_channel_open(&unit.host, bytes_of(bytes), &channel);
        if (error != PM_ERROR_CHANNEL_FORM && error != PM_ERROR_CHANNEL_SIGNATURE &&
            error != PM_ERROR_KEY_UNKNOWN)
            fail_msg("bit %zu: %d", bit, (int)error);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size_bytes = 0; size_bytes < bytes.size_bytes; size_bytes++) {
        struct pm_bytes part = {bytes.data, size_bytes};
        assert_int_equal(pm_channel_open(&unit.host, part, &channel), PM_ERROR_CHANNEL_FORM);
    }
    unit.vendor[3] ^= 1;
    assert_int_equal(pm_channel_open(&unit.host, bytes_of(bytes), &channel), PM_ERROR_VENDOR);
    unit.vendor[3] ^= 1;
    unit.class_id[3] ^= 1;
    assert_int_equal(pm_channel_open(&unit.host, bytes_of(bytes), &channel), PM_ERROR_CLASS);
    buffer_free(&bytes);
    unit_end(&unit);
}

/* Signed, and yet refused: the form is judged whoever signed it. */
static void signed_nonsense_is_refused(void **state) {
    (void)state;
    struct unit unit;
    struct pm_channel channel;
    struct error error;
    struct buffer bytes, message;
    struct channel_document document = test_document();
    static const struct {
        size_t offset; /* in the payload */
        uint8_t from, to;
    } changes[] = {{0, 0xa8, 0xa7}, {1, 1, 2}, {2, 1, 2}, {3, 2, 1}};
    unit_start(&unit);
    bytes = write_document(&unit, &document);
    struct pm_cose_sign1 read;
    assert_true(pm_cose_sign1_read(bytes_of(bytes), &read));
    uint8_t payload[1024];
    size_t size_bytes = read.payload.size_bytes;
    for (size_t i = 0; i <= sizeof changes / sizeof *changes; i++) {
        memcpy(payload, read.payload.data, size_bytes);
        if (i < sizeof changes / sizeof *changes) {
            assert_int_equal(payload[changes[i].offset], changes[i].from);
            payload[changes[i].offset] = changes[i].to;
        }
        buffer_init(&message, CHANNEL_DOCUMENT_MAXIMUM);
        assert_ok(cose_write_sign1(&unit.signer, (struct span){payload, size_bytes}, false,
                                   &message, &error));
        bool changed = i < sizeof changes / sizeof *changes;
        assert_int_equal(pm_channel_open(&unit.host, bytes_of(message), &channel),
                         changed ? PM_ERROR_CHANNEL_FORM : PM_ERROR_NONE);
        buffer_free(&message);
    }
    /* A document that is not in its message. */
    buffer_init(&message, CHANNEL_DOCUMENT_MAXIMUM);
    assert_ok(
        cose_write_sign1(&unit.signer, (struct span){payload, size_bytes}, true, &message, &error));
    assert_int_equal(pm_channel_open(&unit.host, bytes_of(message), &channel),
                     PM_ERROR_CHANNEL_FORM);
    buffer_free(&message);
    buffer_free(&bytes);
    unit_end(&unit);
}

static void what_units_refuse_is_not_written(void **state) {
    (void)state;
    struct unit unit;
    struct error error;
    struct buffer out;
    unit_start(&unit);
    for (int i = 0; i < 8; i++) {
        struct channel_document document = test_document();
        static struct channel_entry many[PM_CHANNEL_ENTRIES_MAXIMUM + 1];
        switch (i) {
        case 0:
            document.expires_s = document.issued_s;
            break;
        case 1:
            entries[1].sequence = entries[0].sequence;
            break;
        case 2:
            entries[0].rollout = 1001;
            break;
        case 3:
            entries[0].path = "with space";
            break;
        case 4:
            document.root_path = "";
            break;
        case 5:
            document.root_version = 0;
            break;
        case 6:
            entries[1].size_bytes = 0;
            break;
        default:
            for (size_t k = 0; k <= PM_CHANNEL_ENTRIES_MAXIMUM; k++) {
                many[k] = entries[0];
                many[k].sequence = 100 - k;
            }
            document.entries = many;
            document.entry_count = PM_CHANNEL_ENTRIES_MAXIMUM + 1;
        }
        buffer_init(&out, CHANNEL_DOCUMENT_MAXIMUM);
        assert_int_equal(channel_write(&document, &unit.signer, &out, &error), STATUS_BAD_INPUT);
        assert_int_equal(out.size_bytes, 0);
        buffer_free(&out);
    }
    unit_end(&unit);
}

/* SHA-256(salt || identity) as a big number modulo 1000, here by long division in another way:
 * the shares of 5,000 units are within four standard deviations, and a larger fraction holds
 * everyone of a smaller one. */
static void the_rollout_takes_its_share(void **state) {
    (void)state;
    struct pm_channel_entry entry = {.salt = (const uint8_t *)"\1\2\3\4\5\6\7\10"};
    static const uint32_t rollouts[] = {0, 1, 10, 250, 500, 999, 1000};
    enum { UNITS = 5000 };
    for (size_t i = 0; i < sizeof rollouts / sizeof *rollouts; i++) {
        size_t inside = 0;
        for (uint32_t unit = 0; unit < UNITS; unit++) {
            struct pm_bytes id = {(const uint8_t *)&unit, sizeof unit};
            uint8_t parts[8 + sizeof unit], digest[PM_SHA256_BYTES];
            memcpy(parts, entry.salt, 8);
            memcpy(parts + 8, &unit, sizeof unit);
            digest_of((struct span){parts, sizeof parts}, digest);
            uint64_t number = 0;
            for (int k = 0; k < 8; k++)
                number = number << 8 | digest[k];
            entry.rollout = rollouts[i];
            bool in = pm_channel_in_rollout(&digest_sha256, &entry, id);
            assert_int_equal(in, number % 1000 < rollouts[i]);
            inside += in;
        }
        double share = rollouts[i] / 1000.0, expected = UNITS * share;
        double variance = expected * (1 - share), off = (double)inside - expected;
        assert_true(off * off <= 16 * variance);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(every_change_is_refused),
        cmocka_unit_test(signed_nonsense_is_refused),
        cmocka_unit_test(what_units_refuse_is_not_written),
        cmocka_unit_test(the_rollout_takes_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
