/* Semihosting: the debugger's (here QEMU's) services for a program without an operating
 * system. Arm IHI 0100 (Semihosting for AArch32 and AArch64). The product uses it for two
 * things only that this board lacks: a random source and a way to end a run. */
#ifndef THERMOSTAT_SEMIHOST_H
#define THERMOSTAT_SEMIHOST_H

#include <stdint.h>

/* Ends the run; the host's emulator exits with this code. */
_Noreturn void semihost_exit(uint32_t code);

/* Reads `size_bytes` from a file of the host; 0 when all of them were read. */
int semihost_read_file(const char *path, void *out, uint32_t size_bytes);

#endif
