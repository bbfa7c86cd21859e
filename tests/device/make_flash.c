/* Makes flash.bin of the MPS2 board for the tests: a maker's root document and sealed images.
 *
 *   make_flash OUT [a=IMAGE:SEQUENCE] [b=IMAGE:SEQUENCE] [trial] [flip=ADDRESS] [other-key]
 *
 * trial: records that confirm slot A (floor: its sequence) and have slot B on trial. flip changes
 * a bit of the finished file. other-key signs with a key that no root document names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/boot_record.h"
#include "tests/device/maker.h"

enum {
    ROOT_ADDRESS = 0x3c00,
    RECORD_ADDRESS = 0x4000,
    SLOT_BYTES = 0x80000,
    FLASH_BYTES = 0x110000,
};
static const uint32_t slot_address[2] = {0x10000, 0x90000};
static uint8_t flash[FLASH_BYTES];

static void put_image(const struct maker *maker, const struct maker_key *key, unsigned slot,
                      char *text) {
    char *sequence = strchr(text, ':');
    if (!sequence) abort();
    *sequence++ = 0;
    FILE *file = fopen(text, "rb");
    if (!file) abort();
    uint8_t *image = flash + slot_address[slot];
    uint32_t size = (uint32_t)fread(image, 1, SLOT_BYTES - PM_SEAL_BYTES, file);
    fclose(file);
    maker_seal(maker, key, image, size & ~3U, slot_address[slot], strtoull(sequence, NULL, 0),
               image + SLOT_BYTES - PM_SEAL_BYTES);
}

static void put_trial(void) {
    struct pm_boot_record record = {
        .number = 1, .trial = 1, .tries_left = 3, .root_version = 1, .trial_root_version = 1};
    struct pm_seal seal;
    for (unsigned slot = 0; slot < 2; slot++) {
        if (!pm_seal_read(flash + slot_address[slot] + SLOT_BYTES - PM_SEAL_BYTES, &seal)) abort();
        memcpy(slot ? record.trial_sha256 : record.confirmed_sha256, seal.image_sha256,
               PM_SHA256_BYTES);
        if (slot == 0) record.floor = seal.sequence;
    }
    pm_boot_record_write(&record, flash + RECORD_ADDRESS);
}

int main(int argc, char **argv) {
    struct maker maker;
    maker_init(&maker);
    const struct maker_key *key = &maker.release[0];
    memset(flash, 0xff, sizeof flash);
    memcpy(flash + ROOT_ADDRESS, maker.factory_bytes, PM_ROOT_BYTES);
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "other-key") == 0) key = &maker.release[1];
        else if (strncmp(argv[i], "a=", 2) == 0) put_image(&maker, key, 0, argv[i] + 2);
        else if (strncmp(argv[i], "b=", 2) == 0) put_image(&maker, key, 1, argv[i] + 2);
        else if (strcmp(argv[i], "trial") == 0) put_trial();
        else if (strncmp(argv[i], "flip=", 5) == 0)
            flash[strtoul(argv[i] + 5, NULL, 0) % FLASH_BYTES] ^= 1;
        else return 2;
    }
    FILE *file = argc > 1 ? fopen(argv[1], "wb") : NULL;
    if (!file || fwrite(flash, sizeof flash, 1, file) != 1 || fclose(file) != 0) return 2;
    maker_free(&maker);
    return 0;
}
