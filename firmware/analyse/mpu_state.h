/* What a place of the code knows of its registers: constants, addresses in the system control
 * space, and single bits. Only for analyse/mpu.
 *
 * A register holds nothing known, one number, or an address in the system control space from
 * `low` to `high`. Numbers are known where all ways agree. An address is one that *some* way
 * brings: where ways meet it stays, and reaches from the lowest to the highest.
 *
 * Bits (`ones`, `zeros`) and `selected` are facts on every way; they are for what is written to
 * the flash driver's window. */
#ifndef FIRMWARE_ANALYSE_MPU_STATE_H
#define FIRMWARE_ANALYSE_MPU_STATE_H

#include "firmware/model.h"

#define MPU_FIRST 0xe000ed90U
#define MPU_END 0xe000edc0U
/* The system control space, and in front of it what a store's 4,095 bytes of offset bring there. */
#define MPU_SYSTEM_FIRST 0xe000d000U
#define MPU_SYSTEM_END 0xe000f000U

enum { MPU_REGISTERS = 15 };

struct mpu_state {
    bool reached;
    bool selected;   /* MPU_RNR is FW_FLASH_WINDOW_REGION */
    uint16_t known;  /* one bit a register */
    uint16_t system; /* those of them that hold an address in the system control space */
    uint16_t spent;  /* those of them that a load or an allowed store has used since */
    uint32_t low[MPU_REGISTERS], high[MPU_REGISTERS]; /* 0 where nothing is known */
    uint32_t ones[MPU_REGISTERS], zeros[MPU_REGISTERS];
};

struct mpu_range {
    uint32_t low, high;
};

bool mpu_is_known(const struct mpu_state *state, unsigned reg, struct mpu_range *out);
/* May the register hold the address of an MPU register? */
bool mpu_may_be(const struct mpu_state *state, unsigned reg);
void mpu_forget(struct mpu_state *state, uint32_t registers);

/* The instruction's effect on what is known, as if it always ran. False: what it computes of
 * known values is not followed. `lost`: an address of an MPU register becomes another number. */
bool mpu_follow(struct fw_model *model, struct mpu_state *state, const struct fw_item *item,
                bool *lost);

/* `state` is what holds behind both; has it changed? */
bool mpu_meet(struct mpu_state *state, const struct mpu_state *other);

/* Could the unit make an address in the system control space at all? Cheap; each such address
 * is taken to be made from a constant at most 256 MiB away. */
bool mpu_may_reach(struct fw_model *model, uint32_t unit);

#endif
