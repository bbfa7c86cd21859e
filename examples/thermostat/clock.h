/* Simulated time. Each tick is one second of the room's life and always runs in the
 * SysTick interrupt: in live time the timer raises it ten times a second, in held time
 * (the state after start) the console raises it, so that a script sees the same thing
 * on every run. */
#ifndef THERMOSTAT_CLOCK_H
#define THERMOSTAT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { CLOCK_DAY_S = 86400, CLOCK_DAYS_A_WEEK = 7 };

void clock_start(void);
void clock_set_live(bool live);
bool clock_is_live(void);

/* Raises one tick; it has run when this returns. */
void clock_tick(void);

/* Takes one tick that the main loop has not worked on yet; false when there is none. */
bool clock_take(void);
bool clock_has_ticks(void);

uint32_t clock_now_s(void); /* since Monday 00:00 of the first week */
uint32_t clock_second_of_day(void);
uint32_t clock_weekday(void); /* 0 is Monday */

void SysTick_Handler(void);

#endif
