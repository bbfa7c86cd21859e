/* QEMU TCG plugin: count executed guest instructions exactly.
 *
 *   qemu-system-arm ... -plugin build/libcount_instructions.so,out=FILE
 *
 * At exit FILE holds the total as one decimal line. Counting is done once for each
 * execution of a translation block, by adding its length; so it costs nearly nothing
 * (hundreds of millions of instructions a second). A block that an exception leaves in
 * the middle is counted whole; the runner's self-test compares a run with one where every
 * block holds one instruction, where that cannot happen.
 *
 * Debian ships no qemu-plugin.h, so the few names used are declared here, after the
 * documentation of the plugin API, version 1 (QEMU 7.2, docs/devel/tcg-plugins). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_info;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*function)(qemu_plugin_id_t,
                                                            struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, enum qemu_plugin_op op,
                                              void *counter, uint64_t value);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*function)(qemu_plugin_id_t, void *),
                                    void *user);

#define EXPORT __attribute__((visibility("default")))

EXPORT extern int qemu_plugin_version;
int qemu_plugin_version = 1;

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
                               char **argv);

static uint64_t executed;
static char out_path[4096];

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &executed,
                                             qemu_plugin_tb_n_insns(block));
}

static void finished(qemu_plugin_id_t id, void *user) {
    (void)id, (void)user;
    FILE *out = fopen(out_path, "w");
    if (!out || fprintf(out, "%" PRIu64 "\n", executed) < 0 || fclose(out) != 0)
        fprintf(stderr, "count_instructions: cannot write %s\n", out_path);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv) {
    (void)info;
    if (argc != 1 || strncmp(argv[0], "out=", 4) != 0 || strlen(argv[0]) - 4 >= sizeof out_path) {
        fprintf(stderr, "count_instructions: the one argument is out=FILE\n");
        return 1;
    }
    strcpy(out_path, argv[0] + 4);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finished, NULL);
    return 0;
}
