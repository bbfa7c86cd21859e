/* What depends on whether somebody looks. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>

/* May standard output be coloured? It is a terminal, and NO_COLOR is not set to anything
 * (no-color.org). */
bool terminal_has_colours(void);

#endif
