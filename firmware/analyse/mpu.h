/* Does code reach for the registers of the memory protection unit (ARM DDI 0403E, B3.5.4)?
 *
 * Numbers and addresses in the system control space are followed over a unit's blocks, on every
 * way (mpu_state.h). Counted are stores to the MPU from any such address, and every use of an MPU
 * register's address but to load from it or to compare: kept in memory or in a register that is
 * none of the core's, computed with, or in any register over a call, an SVC or a jump to other
 * code. In front of a return it counts in r0 and r1, and elsewhere unless a load was the last that
 * used it: there it is left over, and the ABI has no caller look.
 *
 * Not seen is an address that no constant within 256 MiB of it leads to, or that comes about by
 * an unknown index or by counting up from another register's.
 *
 * On the way loads of VTOR are noted (fw_unit.reads_vtor).
 *
 * The functions that a flash driver opens and closes its write window with are named by the
 * product: they may store FW_FLASH_WINDOW_REGION to MPU_RNR, and with that region selected on
 * every way single words to MPU_RBAR (or a word there that names the region itself) and MPU_RASR.
 * What they write to MPU_RASR is off or never executes. Where the region lies and how large it is
 * may come from arguments: that is not judged here. */
#ifndef FIRMWARE_ANALYSE_MPU_H
#define FIRMWARE_ANALYSE_MPU_H

#include "firmware/analyse/flow.h"

enum { FW_FLASH_WINDOW_REGION = 7 };

/* Marks the units of the functions so named. Returns the first name that is not one function in a
 * unit of its own, or NULL. */
const char *fw_mark_flash_window(struct fw_model *model, const char *const *names, size_t count);

/* The first item of the unit that may change the MPU, or FW_NONE. The instructions from `stub`
 * up to `stub_end` are left out: they are known. Requires fw_flow_build(). */
uint32_t fw_mpu_use(struct fw_model *model, const struct fw_flow *flow, uint32_t unit,
                    uint32_t stub, uint32_t stub_end);

/* The first item of the unit that may set FAULTMASK (CPSID f; MSR FAULTMASK), or FW_NONE: while it
 * is set the MPU is off unless MPU_CTRL.HFNMIENA is 1 (ARM DDI 0403E, B3.5.3). */
uint32_t fw_faultmask_use(const struct fw_model *model, uint32_t unit);

#endif
