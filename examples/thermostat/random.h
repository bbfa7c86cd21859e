/* The product's random source. */
#ifndef THERMOSTAT_RANDOM_H
#define THERMOSTAT_RANDOM_H

#include <stdint.h>

/* 32 fresh random bits. Touches only its own stack frame and constants, so it may run
 * before .data and .bss are set up: the hardened image takes this boot's key from it
 * before the reset handler runs. Never returns a value that is not random: when the
 * source does not answer, the device stops. */
uint32_t random_seed(void);

#endif
