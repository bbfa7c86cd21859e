/* Writes an envelope (with and without a severed element), a channel document and the key to a
 * folder, for other implementations to read: write_examples FOLDER */
#include "support.h"

static void write_file(const char *folder, const char *name, const void *data, size_t size_bytes) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size_bytes, file) != size_bytes || fclose(file) != 0) {
        perror(path);
        exit(2);
    }
}

static void write_envelopes(struct unit *unit, const char *folder) {
    struct suit_patch patch = test_patch();
    struct suit_release release = test_release(&patch);
    struct buffer out;
    struct error error;
    for (int severed = 0; severed < 2; severed++) {
        release.sever_install = severed;
        buffer_init(&out, SUIT_ENVELOPE_MAXIMUM);
        assert_ok(suit_write_envelope(&release, &unit->signer, &out, &error));
        write_file(folder, severed ? "severed.suit" : "whole.suit", out.data, out.size_bytes);
        buffer_free(&out);
    }
}

static void write_channel(struct unit *unit, const char *folder) {
    struct channel_entry entry = {.sequence = 5,
                                  .minimum = 2,
                                  .path = "2/envelope.suit",
                                  .sha256 = {0x33},
                                  .size_bytes = 717,
                                  .rollout = 250,
                                  .salt = {1, 2, 3}};
    struct channel_document document = {.serial = 41,
                                        .issued_s = 1700000000,
                                        .expires_s = 1700600000,
                                        .root_version = 3,
                                        .root_path = "root/3.bin",
                                        .entry_count = 1,
                                        .entries = &entry};
    struct buffer out;
    struct error error;
    memset(document.vendor, 0x11, sizeof document.vendor);
    memset(document.class_id, 0x22, sizeof document.class_id);
    buffer_init(&out, CHANNEL_DOCUMENT_MAXIMUM);
    assert_ok(channel_write(&document, &unit->signer, &out, &error));
    write_file(folder, "channel.cose", out.data, out.size_bytes);
    buffer_free(&out);
}

int main(int argc, char **argv) {
    struct unit unit;
    if (argc != 2) return 2;
    unit_start(&unit);
    write_envelopes(&unit, argv[1]);
    write_channel(&unit, argv[1]);
    write_file(argv[1], "point", unit.key.point, sizeof unit.key.point);
    unit_end(&unit);
    return 0;
}
