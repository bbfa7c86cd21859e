/* Start-up for QEMU mps2-an386: vector table, reset handler, fault report.
 *
 * A fault prints one line on the host's standard output and ends the run with exit code
 * 99, so that a wrong rewrite shows at once and never as a hang. */
#include <stdint.h>
#include <stdlib.h>

#include "semihosting.h"

extern uint32_t __data_start[], __data_end[], __data_load[];
extern uint32_t __bss_start[], __bss_end[];
extern uint32_t __StackTop[];

int main(int argc, char **argv);
void __libc_init_array(void);
void Reset_Handler(void);
void fault_report(const uint32_t *frame, uint32_t exception, uint32_t link);

enum { FAULT_EXIT_CODE = 99 };

/* CPACR: full access to coprocessors 10 and 11, the FPU (ARMv7-M ARM, B3.2.20). */
#define CPACR (*(volatile uint32_t *)0xE000ED88)

void Reset_Handler(void) {
#ifdef __ARM_FP
    CPACR |= 0xFu << 20;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    const uint32_t *from = __data_load;
    for (uint32_t *to = __data_start; to < __data_end;)
        *to++ = *from++;
    for (uint32_t *to = __bss_start; to < __bss_end;)
        *to++ = 0;
    __libc_init_array();
    static char name[] = "firmware";
    static char *arguments[] = {name, NULL};
    exit(main(1, arguments));
}

/* __libc_init_array() calls it; newlib's own stands in crti.o, which is not linked. */
void _init(void);
void _init(void) {}
void _fini(void);
void _fini(void) {}

static void put_hexadecimal(char *out, uint32_t value) {
    for (int i = 7; i >= 0; i--, value >>= 4)
        out[i] = "0123456789abcdef"[value & 15];
}

/* `frame` is the exception frame: r0-r3, r12, lr, pc, xPSR (ARMv7-M ARM, B1.5.6). */
void fault_report(const uint32_t *frame, uint32_t exception, uint32_t link) {
    char line[] = "\nfault 00000000 pc=00000000 lr=00000000 exc_return=00000000\n";
    put_hexadecimal(line + 7, exception);
    put_hexadecimal(line + 19, frame[6]);
    put_hexadecimal(line + 31, frame[5]);
    put_hexadecimal(line + 51, link);
    const uint32_t open[3] = {(uint32_t)(uintptr_t) ":tt", SEMIHOSTING_MODE_W, 3};
    const uint32_t write[3] = {(uint32_t)semihosting_call(SEMIHOSTING_OPEN, open),
                               (uint32_t)(uintptr_t)line, sizeof line - 1};
    semihosting_call(SEMIHOSTING_WRITE, write);
    semihosting_exit(FAULT_EXIT_CODE);
}

/* The stack may be what is broken, so the report runs on a fresh one from the top. */
__attribute__((naked)) static void fault_handler(void) {
    __asm__ volatile("tst lr, #4\n\t"
                     "ite eq\n\t"
                     "mrseq r0, msp\n\t"
                     "mrsne r0, psp\n\t"
                     "mrs r1, ipsr\n\t"
                     "mov r2, lr\n\t"
                     "ldm r0, {r3-r7, r8, r9, r10}\n\t"
                     "ldr r11, =__StackTop\n\t"
                     "mov sp, r11\n\t"
                     "push {r3-r7, r8, r9, r10}\n\t"
                     "mov r0, sp\n\t"
                     "bl fault_report\n\t");
}

static void no_handler(void) {
    semihosting_exit(98);
}

/* Programs that use them define their own. */
__attribute__((weak)) void SVC_Handler(void);
__attribute__((weak)) void PendSV_Handler(void);
__attribute__((weak)) void SysTick_Handler(void);
void SVC_Handler(void) {
    no_handler();
}
void PendSV_Handler(void) {
    no_handler();
}
void SysTick_Handler(void) {
    no_handler();
}

typedef void (*vector_function)(void);

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    vector_function entries[15];
} vectors = {
    __StackTop,
    {Reset_Handler, fault_handler /* NMI */, fault_handler /* HardFault */,
     fault_handler /* MemManage */, fault_handler /* BusFault */, fault_handler /* UsageFault */, 0,
     0, 0, 0, SVC_Handler, fault_handler /* DebugMon */, 0, PendSV_Handler, SysTick_Handler},
};
