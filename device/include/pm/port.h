/* What a product gives the update client: one struct of callbacks. */
#ifndef PM_PORT_H
#define PM_PORT_H
#include "pm/flash.h"

enum { PM_TIME_UNKNOWN = 0 };

/* A connection is one at a time. All calls return within the port's own time limit. */
struct pm_network {
    void *context;
    bool (*connect)(void *context); /* to the product's update server */
    int (*send)(void *context, const void *data, uint32_t size_bytes); /* bytes taken, <0 failed */
    int (*receive)(void *context, void *out,
                   uint32_t capacity_bytes); /* 0 closed, <0 failed or stalled */
    void (*close)(void *context);
    const char *host, *base_path; /* Host header; path under which the release tree is served */
};

enum pm_debug_state { PM_DEBUG_UNKNOWN, PM_DEBUG_LOCKED, PM_DEBUG_OPEN };

struct pm_port {
    const struct pm_flash *flash;
    const struct pm_flash_map *map;
    struct pm_network *network;
    void *context;
    bool (*random)(void *context, void *out, uint32_t size_bytes);
    uint64_t (*time)(void *context);   /* seconds since 1970, or PM_TIME_UNKNOWN */
    uint32_t (*uptime)(void *context); /* seconds since power-on */
    void (*event)(void *context, unsigned event, unsigned detail); /* enum pm_event */
    const uint8_t *unit_id; /* the unit's own identity: decides its part in a staged rollout */
    uint32_t unit_id_bytes;
};
#endif
