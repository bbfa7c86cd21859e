/* The log after a crash: leaves behind the checkpoint are cut off, whatever their length;
 * a killed writer loses nothing that it had a receipt for; a full disk leaves the log as
 * it was; a damaged log is refused and not touched. */
#include "tests/evidence/support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "format/leaf.h"

static void path_in(const char *directory, const char *name, char out[4200]) {
    snprintf(out, 4200, "%s/%s", directory, name);
}

static size_t size_of(const char *path) {
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    return (size_t)facts.st_size;
}

static enum status append_one(struct log *log, const struct private_key *key, int number,
                              struct log_receipt *receipt, struct error *error) {
    struct buffer text;
    buffer_init(&text, DSSE_MAXIMUM_BYTES);
    test_envelope(key, number, &text);
    struct span span = buffer_span(&text);
    enum status status = log_append(log, &key->public_half, &span, 1, receipt, error);
    buffer_free(&text);
    return status;
}

/* A log of `count` statements. */
static char *make_log(const struct private_key *key, int count) {
    struct error error;
    struct log *log;
    struct log_receipt receipt;
    char *directory = make_scratch();
    assert_ok(log_open(directory, key, &log, &error));
    for (int i = 0; i < count; i++) {
        assert_ok(append_one(log, key, i, &receipt, &error));
    }
    log_close(log);
    return directory;
}

static void add_bytes(const char *path, size_t count) {
    int fd = open(path, O_WRONLY | O_APPEND);
    uint8_t bytes[2 * PM_LEAF_BYTES + 8];
    memset(bytes, 'x', sizeof bytes);
    assert_true(fd >= 0 && count <= sizeof bytes);
    assert_int_equal(write(fd, bytes, count), (ssize_t)count);
    close(fd);
}

/* A writer that died between leaves and checkpoint, at each byte of two records. */
static void torn_tail_is_cut_off(void **state) {
    (void)state;
    struct private_key key = test_key(4);
    char *directory = make_log(&key, 3), leaves[4200], temporary[4200];
    path_in(directory, "leaves", leaves);
    path_in(directory, "checkpoint.tmp", temporary);
    for (size_t tail = 1; tail <= 2 * PM_LEAF_BYTES + 1; tail += tail < 8 ? 1 : 31) {
        struct error error;
        struct log *log;
        struct log_receipt receipt;
        add_bytes(leaves, tail);
        int fd = open(temporary, O_WRONLY | O_CREAT, 0644);
        assert_int_equal(write(fd, "half a checkp", 13), 13);
        close(fd);
        assert_ok(log_open(directory, &key, &log, &error));
        uint64_t before = log_size(log);
        assert_int_equal(size_of(leaves), before * PM_LEAF_BYTES);
        assert_ok(append_one(log, &key, 100 + (int)tail, &receipt, &error));
        assert_int_equal(receipt.index, before);
        log_close(log);
    }
    remove_scratch(directory);
}

static void damage_is_refused_and_left_alone(void **state) {
    (void)state;
    struct error error;
    struct log *log;
    struct private_key key = test_key(4), other = test_key(5);
    char *directory = make_log(&key, 3), leaves[4200], checkpoint[4200];
    path_in(directory, "leaves", leaves);
    path_in(directory, "checkpoint", checkpoint);
    assert_refused(log_open(directory, &other, &log, &error), "the checkpoint is of the log");

    int fd = open(leaves, O_RDWR);
    for (off_t at = 0; at < 3 * PM_LEAF_BYTES; at += 37) {
        uint8_t byte;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        assert_refused(log_open(directory, &key, &log, &error), "damaged");
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    assert_int_equal(ftruncate(fd, 3 * PM_LEAF_BYTES - 1), 0);
    close(fd);
    assert_refused(log_open(directory, &key, &log, &error), "fewer leaves");
    assert_int_equal(size_of(leaves), 3 * PM_LEAF_BYTES - 1);
    assert_int_equal(unlink(checkpoint), 0);
    assert_refused(log_open(directory, &key, &log, &error), "leaves and no checkpoint");
    remove_scratch(directory);
}

static void only_an_own_directory_becomes_a_log(void **state) {
    (void)state;
    struct error error;
    struct log *log;
    struct private_key key = test_key(4);
    char *directory = make_scratch(), path[4200];
    path_in(directory, "thesis.txt", path);
    close(open(path, O_WRONLY | O_CREAT, 0644));
    assert_refused(log_open(directory, &key, &log, &error), "thesis.txt");
    assert_int_equal(unlink(path), 0);
    path_in(directory, "a/b/log", path);
    assert_ok(log_open(path, &key, &log, &error));
    assert_int_equal(log_size(log), 0);
    log_close(log);
    remove_scratch(directory);
}

/* Writes until the file size limit stops it, at many limits: each failure leaves a log
 * that opens with what was receipted, and goes on. */
static void a_full_disk_loses_nothing(void **state) {
    (void)state;
    struct private_key key = test_key(4);
    struct rlimit unlimited, small;
    size_t failures = 0, broken = 0;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    signal(SIGXFSZ, SIG_IGN);
    char *directory = make_log(&key, 5); /* leaves are 960 bytes, an envelope about 900 */
    for (rlim_t limit = 0; limit < 2000; limit += 50) {
        struct error error;
        struct log *log;
        struct log_receipt receipt;
        assert_ok(log_open(directory, &key, &log, &error));
        uint64_t before = log_size(log);
        small = unlimited;
        small.rlim_cur = limit;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        enum status status = append_one(log, &key, 1000 + (int)limit, &receipt, &error);
        enum status status_after = STATUS_BAD_INPUT;
        setrlimit(RLIMIT_FSIZE, &unlimited);
        if (status != STATUS_OK) {
            failures++;
            assert_int_equal(status, STATUS_ENVIRONMENT);
            assert_int_equal(log_size(log), before);
            /* Only opening it again tells what reached the disk. When the envelope
             * itself did not fit, nothing of the log was touched. */
            bool touched = strstr(error.message, ".json") == NULL;
            broken += touched;
            status_after = append_one(log, &key, 5000 + (int)limit, &receipt, &error);
            assert_int_equal(status_after, touched ? STATUS_ENVIRONMENT : STATUS_OK);
            if (touched) assert_non_null(strstr(error.message, "open it again"));
        }
        log_close(log);
        assert_ok(log_open(directory, &key, &log, &error));
        assert_int_equal(log_size(log),
                         before + (status == STATUS_OK || status_after == STATUS_OK));
        log_close(log);
    }
    assert_true(failures > broken && broken > 3); /* both places were hit */
    signal(SIGXFSZ, SIG_DFL);
    remove_scratch(directory);
}

/* The child appends and reports each receipt; some time after the first it is killed. */
static uint64_t run_and_kill(const char *directory, const struct private_key *key, int from,
                             long delay_us) {
    int ends[2];
    uint64_t receipted = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct error error;
        struct log *log;
        struct log_receipt receipt;
        if (log_open(directory, key, &log, &error) != STATUS_OK) _exit(1);
        for (int i = from;; i++) {
            if (append_one(log, key, i, &receipt, &error) != STATUS_OK) _exit(2);
            if (write(ends[1], &receipt.tree_size, sizeof receipt.tree_size) < 0) _exit(3);
        }
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &receipted, sizeof receipted), sizeof receipted);
    usleep((useconds_t)delay_us);
    kill(child, SIGKILL);
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
    for (uint64_t size; read(ends[0], &size, sizeof size) == sizeof size;) {
        receipted = size;
    }
    close(ends[0]);
    return receipted;
}

static void a_killed_writer_keeps_what_it_receipted(void **state) {
    (void)state;
    struct private_key key = test_key(4);
    char *directory = make_log(&key, 0);
    struct buffer before;
    buffer_init(&before, 1 << 16);
    for (int round = 0; round < 40; round++) {
        struct error error;
        struct log *log;
        struct buffer proof;
        uint64_t receipted = run_and_kill(directory, &key, round * 100000, round * 311);
        assert_ok(log_open(directory, &key, &log, &error));
        assert_true(log_size(log) >= receipted);
        if (before.size_bytes > 0) {
            uint64_t size;
            uint8_t root[DIGEST_BYTES];
            assert_ok(evidence_verify_checkpoint(buffer_span(&before), &key.public_half, NULL,
                                                 &size, root, &error));
            buffer_init(&proof, 1 << 16);
            assert_ok(log_prove_consistency(log, size, &proof, &error));
            assert_ok(evidence_verify_consistency(buffer_span(&before), buffer_span(&proof),
                                                  &key.public_half, NULL, &error));
            buffer_free(&proof);
        }
        buffer_free(&before);
        struct span head = log_checkpoint(log);
        buffer_append(&before, head.data, head.size_bytes);
        log_close(log);
    }
    buffer_free(&before);
    remove_scratch(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(torn_tail_is_cut_off),
        cmocka_unit_test(damage_is_refused_and_left_alone),
        cmocka_unit_test(only_an_own_directory_becomes_a_log),
        cmocka_unit_test(a_full_disk_loses_nothing),
        cmocka_unit_test(a_killed_writer_keeps_what_it_receipted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
