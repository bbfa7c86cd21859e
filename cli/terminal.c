/* See terminal.h. */
#include "cli/terminal.h"

#include <stdlib.h>
#include <unistd.h>

bool terminal_has_colours(void) {
    const char *refused = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(refused && *refused);
}
