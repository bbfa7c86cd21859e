/* A unit that lives on trees that `proofmark release` wrote: the device's own boot and update
 * client, on the model of flash.
 *
 *     update_unit FACTORY.bin TREE...
 *
 * The factory's slot A is flashed and the root document 1 of the first tree built in; then each
 * tree is served in turn, and the unit polls it until nothing is left to do. A line for each boot
 * and refusal; units_update_from_the_tree.py reads them. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pm/boot.h"
#include "pm/update.h"
#include "tests/device/flash_model.h"
#include "tests/device/server.h"

enum {
    BASE = 0x4000,
    END = 0x110000,
    SLOT_BYTES = 0x80000,
    FILE_MAXIMUM = 1 << 20,
    STEPS = 100000
};

static const struct pm_flash_map map = {
    .slot_address = {0x10000, 0x90000},
    .slot_bytes = SLOT_BYTES,
    .record_address = {0x4000, 0x5000},
    .root_address = {0x6000, 0x7000},
    .progress_address = {0x8000, 0x9000},
};

static struct flash_model model;
static struct server server;
static struct pm_network network;
static uint32_t uptime_s, chance;
static uint8_t factory_root[PM_ROOT_BYTES], bytes[FILE_MAXIMUM], page[4096];
static uint64_t memory[PM_UPDATE_BYTES / 8];

static void need(bool condition, const char *what) {
    if (condition) return;
    fprintf(stderr, "update_unit: %s\n", what);
    exit(1);
}

static uint32_t load(const char *path) {
    FILE *file = fopen(path, "rb");
    need(file != NULL, path);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    need(feof(file) || size < sizeof bytes, "a file is too large");
    fclose(file);
    return (uint32_t)size;
}

/* Every file of the tree, by its path from there. */
static void serve(const char *tree, const char *below) {
    char folder[1024], path[2048], name[512];
    snprintf(folder, sizeof folder, "%s/%s", tree, below);
    DIR *list = opendir(folder);
    need(list != NULL, folder);
    for (struct dirent *entry; (entry = readdir(list));) {
        if (entry->d_name[0] == '.') continue;
        snprintf(name, sizeof name, "%.200s%s%.255s", below, *below ? "/" : "", entry->d_name);
        if (entry->d_type == DT_DIR) {
            serve(tree, name);
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", tree, name);
        server_put(&server, name, bytes, load(path));
    }
    closedir(list);
}

static bool give_chance(void *context, void *out, uint32_t size_bytes) {
    (void)context;
    memset(out, (int)(chance++ * 37), size_bytes);
    return true;
}
static uint64_t give_time(void *context) {
    (void)context;
    return (uint64_t)time(NULL) + 1;
}
static uint32_t give_uptime(void *context) {
    (void)context;
    return uptime_s;
}
static void take_event(void *context, unsigned event, unsigned detail) {
    (void)context;
    if (event == PM_EVENT_REFUSED) printf("refused %u\n", detail);
    if (event == PM_EVENT_ROOT) printf("root %u stored\n", detail);
}

static const uint8_t unit_id[] = "unit 1";
static struct pm_port port = {.flash = &model.flash,
                              .map = &map,
                              .network = &network,
                              .random = give_chance,
                              .time = give_time,
                              .uptime = give_uptime,
                              .event = take_event,
                              .unit_id = unit_id,
                              .unit_id_bytes = sizeof unit_id};

static struct pm_update *boot(void) {
    struct pm_boot_choice choice;
    enum pm_boot_status status = pm_boot_choose(&model.flash, &map, factory_root, &choice);
    if (status != PM_BOOT_OK) printf("does not boot: %u\n", (unsigned)status);
    need(status == PM_BOOT_OK, "the unit does not boot");
    printf("boots slot %c, %u.%u.%u, sequence %llu\n", (int)('A' + choice.slot), choice.seal.major,
           choice.seal.minor, choice.seal.patch, (unsigned long long)choice.seal.sequence);
    const struct pm_update_setup setup = {.port = &port,
                                          .factory_root = factory_root,
                                          .running_slot = choice.slot,
                                          .buffer = page,
                                          .buffer_bytes = sizeof page,
                                          .policy = {.poll_s = 3600, .wait_maximum_s = 86400}};
    struct pm_update *update = pm_update_start(memory, &setup);
    need(update != NULL, "the client does not start");
    return update;
}

/* Until an image is ready, or a poll found nothing to do. */
static enum pm_update_state poll(struct pm_update *update) {
    uint32_t failures = 0;
    for (int step = 0; step < STEPS; step++) {
        struct pm_update_status status;
        enum pm_update_state state = pm_update_step(update);
        pm_update_status(update, &status);
        if (state == PM_UPDATE_READY) return state;
        if (state == PM_UPDATE_IDLE) {
            if (status.polls > 0 && status.last_error == PM_ERROR_NONE) return state;
            if (status.last_error != PM_ERROR_NONE && ++failures > 40) return state;
        }
        if (state == PM_UPDATE_IDLE || state == PM_UPDATE_WAITING) uptime_s += 300;
    }
    need(false, "the client goes round without an end");
    return PM_UPDATE_IDLE;
}

static struct pm_update *live(struct pm_update *update, const char *tree) {
    struct pm_boot_record record;
    server_free(&server);
    memset(&server, 0, sizeof server);
    network = server_network(&server);
    serve(tree, "");
    uptime_s += 2 * 3600;
    if (poll(update) == PM_UPDATE_READY) {
        printf("ready, %llu bytes came\n", (unsigned long long)server.sent_bytes);
        update = boot();
        need(pm_boot_confirm(&model.flash, &map), "the image is not confirmed");
    }
    need(pm_boot_record_load(&model.flash, &map, &record), "no boot record");
    printf("floor %llu, root %u\n", (unsigned long long)record.floor, record.root_version);
    return update;
}

int main(int argc, char **argv) {
    char path[1024];
    need(argc >= 3, "wants FACTORY.bin TREE...");
    flash_model_init(&model, &flash_mps2, BASE, END - BASE);
    snprintf(path, sizeof path, "%s/root/1.bin", argv[2]);
    need(load(path) == PM_ROOT_BYTES, "no root document 1");
    memcpy(factory_root, bytes, sizeof factory_root);
    need(load(argv[1]) == SLOT_BYTES, "no whole slot");
    flash_model_put(&model, map.slot_address[0], bytes, SLOT_BYTES);
    network = server_network(&server);
    struct pm_update *update = boot();
    for (int i = 2; i < argc; i++)
        update = live(update, argv[i]);
    need(model.violations == 0, "the flash was not used as it must be");
    server_free(&server);
    flash_model_free(&model);
    return 0;
}
