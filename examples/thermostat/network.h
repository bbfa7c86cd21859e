/* The way to the update server: lwIP on the board's Ethernet. All runs in the main loop. */
#ifndef THERMOSTAT_NETWORK_H
#define THERMOSTAT_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "pm/port.h"

/* False when the board has no Ethernet controller; connecting then fails. */
bool network_start(void);

/* Takes what came and lets TCP's timers run; call it from the main loop. */
void network_poll(void);

/* TCP to the server; every call returns within NETWORK_LIMIT_MS. */
enum { NETWORK_LIMIT_MS = 5000 };
extern struct pm_network network;

/* Milliseconds since the board was switched on, in steps of ten; wraps. */
uint32_t network_now_ms(void);

#endif
