/* One unit, its maker and a server: real boot, real client, real formats, on a model of flash.
 *
 *   world_init(&world, &flash_mps2);
 *   world_release(&world, &(struct world_release){.sequence = 2, .patch_from = 1, ...});
 *   world_channel(&world, ...);
 *   world_live(&world, &plan);      boots, polls, updates, confirms, until nothing is left to do
 *
 * Only flash outlives a power cut, so what is in this struct besides the model is the outside:
 * server, clock, and what the tests have seen. */
#ifndef TESTS_DEVICE_UPDATE_WORLD_H
#define TESTS_DEVICE_UPDATE_WORLD_H

#include "pm/boot.h"
#include "pm/update.h"
#include "tests/device/flash_model.h"
#include "tests/device/maker.h"
#include "tests/device/server.h"

enum { WORLD_SEQUENCES = 8, WORLD_BASE = 0x10000, WORLD_TIME_S = 1800000000, WORLD_DAY_S = 86400 };

struct world_image {
    uint8_t *payload[2]; /* by slot: image and seal; owned */
    uint32_t size_bytes; /* of a payload; 0: there is none of this sequence */
};

/* What is published. Zeros are the usual. */
struct world_release {
    uint64_t sequence;
    uint32_t image_bytes;
    uint8_t fill;         /* images with the same are the same but for a few bytes */
    unsigned key;         /* the maker's release key that signs seal and envelope */
    uint64_t patch_from;  /* 0: no patch */
    bool patch_base_lies; /* the envelope says that the patch fits what runs; it does not */
    const uint8_t *vendor, *class_id; /* NULL: the maker's */
    uint64_t envelope_sequence;       /* 0: the same */
    uint64_t seal_sequence;           /* 0: the same */
};

struct world_channel {
    uint64_t serial, issued_s, expires_s; /* 0: WORLD_TIME_S, a day later */
    uint64_t sequence;                    /* of the only entry; 0: none */
    uint64_t minimum;
    uint32_t rollout; /* 0: the whole; else thousandths less one */
    unsigned key;
    uint32_t root_version; /* 0: 1 */
    const uint8_t *class_id;
};

struct world {
    const struct flash_geometry *geometry;
    struct flash_model model;
    struct pm_flash_map map;
    struct maker maker;
    struct server server;
    struct pm_network network;
    struct pm_port port;
    struct world_image images[WORLD_SEQUENCES];
    uint64_t time_s; /* PM_TIME_UNKNOWN too */
    uint32_t uptime_s, chance;
    uint8_t unit_id[8];
    uint32_t running;                                       /* the slot that the last boot chose */
    uint32_t refused[PM_ERRORS], events[PM_EVENT_ROOT + 1]; /* counted */
    uint64_t memory[PM_UPDATE_BYTES / 8];
    uint8_t *page;
    struct pm_update *update;
    struct pm_update_policy policy;
};

/* The power-cut harness wants the same keys again and again; all else is made anew. */
void world_init(struct world *world, const struct flash_geometry *geometry);
void world_free(struct world *world);

void world_release(struct world *world, const struct world_release *release);
void world_channel(struct world *world, const struct world_channel *channel);
/* Version 2 of the root document: with release key 1 in place of key 0, or with new root keys. */
void world_root_revokes(struct world *world);
void world_root_rotates(struct world *world);

/* Sequence 1 of this size in slot A, as the factory leaves it; no records. */
void world_factory(struct world *world, uint32_t image_bytes);
/* A reset: boots, notes which slot runs, starts the client. */
enum pm_boot_status world_boot(struct world *world);
/* Which image runs: its sequence number when slot and seal are whole and the maker's; else 0. */
uint64_t world_sequence(const struct world *world, uint32_t slot);
/* Steps until the state is not one of waiting and fetching, or polls_that_fail polls failed; lets
 * time pass. */
enum pm_update_state world_update(struct world *world, uint32_t polls_that_fail);
struct pm_boot_record world_record(const struct world *world);

#endif
