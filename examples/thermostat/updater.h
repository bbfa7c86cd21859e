/* The product's side of the update client: where it is, how it reaches the server, and what must
 * be well before a new version stays. A thermostat without network is built with no_updater.c. */
#ifndef THERMOSTAT_UPDATER_H
#define THERMOSTAT_UPDATER_H

#include <stdbool.h>

void updater_start(void);

/* A bounded piece of work; call it from the main loop. May reset the board. */
void updater_step(void);

/* It has more to do at once, so the main loop should not sleep. */
bool updater_is_busy(void);

/* The console's command `update`; false when there is none of that name. */
bool updater_command(const char *word, char *rest);

#endif
