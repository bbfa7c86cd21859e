/* Factory service: lifts the heater's limits. Meant for the test bench only, where a
 * switch inside the housing is set; no command reaches it otherwise. */
#ifndef THERMOSTAT_SERVICE_H
#define THERMOSTAT_SERVICE_H

#include <stdbool.h>

/* True when the switch was set and the limits are lifted now. */
bool service_request(void);
bool service_is_unlocked(void);

/* Lifts the limits without a question. This is what the attack wants to reach. */
void factory_unlock(void);

#endif
