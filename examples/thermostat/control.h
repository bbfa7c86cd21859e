/* The controller: a state machine that decides what kind of heating is wanted, and a
 * PI controller (proportional and integral) that sets the power in the holding state. */
#ifndef THERMOSTAT_CONTROL_H
#define THERMOSTAT_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

enum control_state {
    CONTROL_OFF,    /* the owner wants no heat */
    CONTROL_IDLE,   /* warm enough */
    CONTROL_HEAT,   /* far below the target: full power */
    CONTROL_HOLD,   /* near the target: PI */
    CONTROL_BOOST,  /* full power for a while, on request */
    CONTROL_WINDOW, /* a window seems open: no heat for a while */
    CONTROL_FROST,  /* near freezing: heat whatever the mode */
    CONTROL_FAULT,  /* no believable temperature: no heat */
    CONTROL_STATES,
};

void control_start(void);

/* One second's work; call once for each tick. */
void control_step(void);

void control_boost(uint32_t seconds);

enum control_state control_current(void);
const char *control_state_name(enum control_state state);
float control_duty(void);
int32_t control_target(void); /* hundredths of a degree */

/* The last changes of state, newest first; false behind the oldest. */
struct control_event {
    uint32_t time_s;
    uint8_t from, to; /* enum control_state */
};
bool control_event(unsigned index, struct control_event *out);

#endif
