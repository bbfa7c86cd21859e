/* The console on the UART: one command a line, `help` lists them. Characters are echoed,
 * backspace works. */
#ifndef THERMOSTAT_CONSOLE_H
#define THERMOSTAT_CONSOLE_H

void console_start(void);

/* Works on the bytes that have come; returns when there are none. */
void console_poll(void);

#endif
