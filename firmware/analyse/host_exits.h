/* Semihosting calls that do not come back (Arm, "Semihosting for AArch32 and AArch64": BKPT 0xab
 * with the operation in r0; SYS_EXIT and SYS_EXIT_EXTENDED end the program).
 *
 * A compiler ends a function in such a call where the source says that it does not return
 * (newlib's _kill_shared). That it is one is proven: on every way from the unit's entries r0
 * holds one of the two operations, as a constant that was moved there. A wrapper that takes the
 * operation as an argument, or any other operation, comes back, and control goes on behind it.
 *
 * Sets fw_item.host_exit in the last item of each block that such a call ends. Of a unit with
 * `host_end` only: elsewhere something lies behind the call, and a debugger may go on there. */
#ifndef FIRMWARE_ANALYSE_HOST_EXITS_H
#define FIRMWARE_ANALYSE_HOST_EXITS_H

#include "firmware/analyse/flow.h"

/* Requires blocks and labels; calls are taken to come back. */
void fw_find_host_exits(struct fw_model *model, const struct fw_flow *flow);

#endif
