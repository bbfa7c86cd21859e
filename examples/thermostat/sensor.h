/* Temperature sensors: a table of drivers, one of which is in use. */
#ifndef THERMOSTAT_SENSOR_H
#define THERMOSTAT_SENSOR_H

#include <stdbool.h>
#include <stdint.h>

struct sensor_driver {
    const char *name;
    const char *description;
    bool (*read)(float *celsius); /* false: open, short, or no answer */
};

enum sensor_fault { SENSOR_FAULT_NONE, SENSOR_FAULT_OPEN, SENSOR_FAULT_SHORT };

enum { SENSOR_COUNT = 3 };
extern const struct sensor_driver sensor_drivers[SENSOR_COUNT];

bool sensor_select(const char *name);
const struct sensor_driver *sensor_selected(void);

/* Faults of the wiring, simulated on every driver's input. */
void sensor_inject(enum sensor_fault fault);

/* Called each second from the timer's interrupt; keeps a moving average. */
void sensor_sample(void);

/* The averaged temperature; false while the last sample was bad. */
bool sensor_temperature(float *celsius);

#endif
