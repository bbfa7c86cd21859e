/* The memory map that the boot stage leaves behind (docs/boot.md, "The memory protection unit").
 * PMSAv7: ARMv7-M Architecture Reference Manual, B3.5. */
#ifndef PM_MEMORY_MAP_H
#define PM_MEMORY_MAP_H

#include <stdint.h>

/* Flash from 0 is code that nobody writes, RAM does not execute, region 7 stays free for the flash
 * driver's window. What no region names keeps the architecture's default map. */
void pm_memory_map_lock(void);

#endif
