/* A thermostat that an installer updates: see updater.h. */
#include "updater.h"

void updater_start(void) {}

void updater_step(void) {}

bool updater_is_busy(void) {
    return false;
}

bool updater_command(const char *word, char *rest) {
    (void)word, (void)rest;
    return false;
}
