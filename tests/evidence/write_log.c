/* Writes a log for another_implementation_verifies_the_log.py to check: usage
 *   write_log DIRECTORY COUNT
 * leaves in DIRECTORY: maker.pub, log/, and for each statement N.json and N.tlog-proof,
 * proved against the last checkpoint; old-M.consistency from each earlier size M. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "tests/evidence/support.h"

static void write_to(const char *directory, const char *name, struct span bytes) {
    struct error error;
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_ok(file_write(path, bytes, 0644, FILE_REPLACE, &error));
}

int main(int argc, char **argv) {
    struct error error;
    struct private_key key;
    struct log *log;
    struct buffer text;
    char name[64], path[4200];
    if (argc != 3) return 2;
    int count = atoi(argv[2]);
    assert_ok(key_generate(&key, &error));
    buffer_init(&text, DSSE_MAXIMUM_BYTES);
    assert_ok(key_public_to_pem(&key.public_half, &text, &error));
    write_to(argv[1], "maker.pub", buffer_span(&text));
    buffer_free(&text);
    snprintf(path, sizeof path, "%s/log", argv[1]);
    assert_ok(log_open(path, &key, &log, &error));
    for (int i = 0; i < count; i++) {
        struct log_receipt receipt;
        test_envelope(&key, i, &text);
        struct span span = buffer_span(&text);
        assert_ok(log_append(log, &key.public_half, &span, 1, &receipt, &error));
        snprintf(name, sizeof name, "%d.json", i);
        write_to(argv[1], name, span);
        snprintf(name, sizeof name, "checkpoint-%d", i + 1);
        write_to(argv[1], name, log_checkpoint(log));
        buffer_free(&text);
    }
    for (int i = 0; i < count; i++) {
        assert_ok(log_prove_inclusion(log, (uint64_t)i, &text, &error));
        snprintf(name, sizeof name, "%d.tlog-proof", i);
        write_to(argv[1], name, buffer_span(&text));
        buffer_free(&text);
        if (i == 0) continue;
        assert_ok(log_prove_consistency(log, (uint64_t)i, &text, &error));
        snprintf(name, sizeof name, "old-%d.consistency", i);
        write_to(argv[1], name, buffer_span(&text));
        buffer_free(&text);
    }
    log_close(log);
    key_wipe(&key);
    return 0;
}
