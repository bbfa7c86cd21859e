/* Does code read what stands at address 0 as data, as a checksum over flash from its start does, or
 * a copy of the vector table there? A guard on address 0 would make it fault.
 *
 * Followed, over a unit's blocks, are registers that hold a number below FW_LOW_BYTES or one that
 * counts up from it, on every way. A load whose address is such a number counts, unless the number
 * was compared with 0 on the way to it, or what comes behind it is a trap: that is what GCC makes
 * of a null pointer (-fisolate-erroneous-paths-dereference). A 0 in r0 to r3 is followed into the
 * function that is called, where loads count whose address counts up from it; not those of single
 * words, which functions guard by conditions of all kinds.
 *
 * Not seen is a number that comes from memory (a variable, a local one of code that is not
 * optimised), as an argument on the stack, beside one or through an indirect call, and one that
 * only some ways bring. Code that asks the processor where the table is: fw_unit.reads_vtor, by
 * analyse/mpu.
 */
#ifndef FIRMWARE_ANALYSE_LOW_READS_H
#define FIRMWARE_ANALYSE_LOW_READS_H

#include "firmware/analyse/flow.h"

enum { FW_LOW_BYTES = 32 };

/* The first place in units that are not dropped where code reads [0, FW_LOW_BYTES), or passes such
 * an address to what reads there; FW_NONE. The instructions from `stub` up to `stub_end` are left
 * out: they are known. Requires fw_flow_build(). */
uint32_t fw_low_read(struct fw_model *model, const struct fw_flow *flow, uint32_t stub,
                     uint32_t stub_end);

#endif
