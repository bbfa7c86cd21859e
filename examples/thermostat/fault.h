/* How a run ends that cannot go on. */
#ifndef THERMOSTAT_FAULT_H
#define THERMOSTAT_FAULT_H

/* A part of the program found that it is wrong: says so on the console and ends the run. */
_Noreturn void fault_broken_promise(const char *sentence);

#endif
