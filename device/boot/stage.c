/* The boot stage of the MPS2 board: reset, choose (pm/boot.h), lock the memory, jump.
 *
 * It uses no interrupt and has no state but its stack. What it ends with when nothing may run is
 * the emulator's exit code, REFUSED + enum pm_boot_status; a fault ends it as well. */
#include "device/boot/memory_map.h"
#include "device/port/mps2/flash.h"
#include "pm/boot.h"

enum { REFUSED = 40, FAULT = 50, NO_FILE = 51 };

#define VTOR (*(volatile uint32_t *)0xe000ed08)

void Reset_Handler(void);
void Fault_Handler(void);

extern uint32_t __StackTop;

/* Up to the last exception that can happen here: no interrupt, SVC or PendSV is used. */
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack_top;
    void (*system[6])(void);
} vectors = {
    &__StackTop,
    {Reset_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler},
};

void Fault_Handler(void) {
    mps2_exit(FAULT);
}

/* As a reset would leave the registers: nothing of the stage but where the image begins. */
__attribute__((naked, noreturn, noinline)) static void jump(__attribute__((unused))
                                                            uint32_t image) {
    __asm__ volatile("ldr r1, [r0]\n\t"
                     "ldr r12, [r0, #4]\n\t"
                     "msr msp, r1\n\t"
                     "movs r0, #0\n\t"
                     "mov r1, r0\n\t"
                     "mov r2, r0\n\t"
                     "mov r3, r0\n\t"
                     "mov r4, r0\n\t"
                     "mov r5, r0\n\t"
                     "mov r6, r0\n\t"
                     "mov r7, r0\n\t"
                     "mov r8, r0\n\t"
                     "mov r9, r0\n\t"
                     "mov r10, r0\n\t"
                     "mov r11, r0\n\t"
                     "mvn lr, r0\n\t"
                     "bx r12\n\t"
                     "udf #0\n\t"
                     "udf #0");
}

void Reset_Handler(void) {
    struct pm_boot_choice choice;
    if (!mps2_flash_load()) mps2_exit(NO_FILE);
    enum pm_boot_status status =
        pm_boot_choose(&mps2_flash, &mps2_flash_map, (const uint8_t *)MPS2_ROOT_ADDRESS, &choice);
    if (status == PM_BOOT_DISTURBED) mps2_reset();
    if (status != PM_BOOT_OK) mps2_exit(REFUSED + (uint32_t)status);

    /* Not the choice's slot: this is an image's address only if every step of the boot ran. */
    uint32_t image = choice.jump - PM_BOOT_FLOW;
    if (image != mps2_flash_map.slot_address[0] && image != mps2_flash_map.slot_address[1])
        mps2_reset();
    pm_memory_map_lock();
    VTOR = image;
    __asm__ volatile("dsb\n\tisb" : : : "memory");
    jump(image);
}
