/* The simulated room: one heat capacity, a heater, losses to a day that gets warmer and
 * colder. Replace it by the real world and nothing else changes. */
#ifndef THERMOSTAT_ROOM_H
#define THERMOSTAT_ROOM_H

#include <stdbool.h>
#include <stdint.h>

void room_start(void);

/* One second passes; `second_of_day` moves the outside temperature. */
void room_step(uint32_t second_of_day);

void room_set_heater(float duty); /* 0.0 to 1.0 */
void room_set_outside(float celsius);
void room_set_window(bool open);

float room_temperature(void);
float room_outside(void);

#endif
