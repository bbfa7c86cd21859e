/* Does code reach for the registers of the memory protection unit (ARM DDI 0403E, B3.5.4)?
 *
 * Constants are followed in the order of a unit's instructions and along branches down; along
 * branches up where they bring such an address. Counted are stores there from any base in the
 * system control space, and every use of an MPU register's address but to load from it: kept,
 * passed on in r0 to r3, to a callee or the caller, or computed with, it is one that a store may
 * have (r1 to r3, and what leaves the unit: unless a load has used it). An address that no such
 * constant leads to is not seen.
 *
 * The functions that a flash driver opens and closes its write window with are named by the
 * product: they may store single words to MPU_RBAR and MPU_RASR, and the constant
 * FW_FLASH_WINDOW_REGION to MPU_RNR, and nothing else of the above. */
#ifndef FIRMWARE_ANALYSE_MPU_H
#define FIRMWARE_ANALYSE_MPU_H

#include "firmware/model.h"

enum { FW_FLASH_WINDOW_REGION = 7 };

/* Marks the units of the functions so named. Returns the first name that is not one function in a
 * unit of its own, or NULL. */
const char *fw_mark_flash_window(struct fw_model *model, const char *const *names, size_t count);

/* The first item of the unit that may change the MPU, or FW_NONE. The instructions from `stub`
 * up to `stub_end` are left out: they are known. */
uint32_t fw_mpu_use(struct fw_model *model, uint32_t unit, uint32_t stub, uint32_t stub_end);

/* The first item of the unit that may set FAULTMASK (CPSID f; MSR FAULTMASK), or FW_NONE: while it
 * is set the MPU is off unless MPU_CTRL.HFNMIENA is 1 (ARM DDI 0403E, B3.5.3). */
uint32_t fw_faultmask_use(const struct fw_model *model, uint32_t unit);

#endif
