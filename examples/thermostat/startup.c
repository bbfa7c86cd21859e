/* Vector table, start-up and the fault report. */
#include <stdint.h>

#include "board.h"
#include "clock.h"
#include "fault.h"
#include "random.h"
#include "semihost.h"
#include "text.h"
#include "uart.h"

int main(void);
void Reset_Handler(void);
void Fault_Handler(void);
void Default_Handler(void);
void fault_report(const uint32_t *frame);

/* From link.ld; only their addresses mean something. */
extern uint32_t __data_start, __data_end, __bss_start, __bss_end, __StackLimit, __StackTop;
extern const uint32_t __data_load;
extern void (*const __init_array_start[])(void);
extern void (*const __init_array_end[])(void);

enum { EXIT_FAULT = 3, EXIT_BROKEN_PROMISE = 5, FAULT_STACK_WORDS = 128 };

/* The stack may be what broke, so the report has its own. */
__attribute__((used)) static uint64_t fault_stack[FAULT_STACK_WORDS / 2];

struct vector_table {
    uint32_t *stack_top;
    void (*system[15])(void);
    void (*interrupts[32])(void);
};

__attribute__((section(".vectors"), used)) static const struct vector_table vectors = {
    .stack_top = &__StackTop,
    .system =
        {
            [0] = Reset_Handler,
            [1] = Default_Handler,  /* NMI */
            [2] = Fault_Handler,    /* HardFault */
            [3] = Fault_Handler,    /* MemManage */
            [4] = Fault_Handler,    /* BusFault */
            [5] = Fault_Handler,    /* UsageFault */
            [10] = Default_Handler, /* SVCall */
            [11] = Default_Handler, /* DebugMonitor */
            [13] = Default_Handler, /* PendSV */
            [14] = SysTick_Handler,
        },
    .interrupts = {[BOARD_IRQ_UART0_RX] = UART0_RX_Handler},
};

void Reset_Handler(void) {
    BOARD_CPACR |= BOARD_CPACR_FPU;
    BOARD_SHCSR |= BOARD_SHCSR_ALL_FAULTS;
    board_barrier();

    const uint32_t *from = &__data_load;
    for (uint32_t *to = &__data_start; to < &__data_end;)
        *to++ = *from++;
    for (uint32_t *to = &__bss_start; to < &__bss_end;)
        *to++ = 0;
    for (void (*const *function)(void) = __init_array_start; function < __init_array_end;)
        (*function++)();
    main();
}

static const char *fault_name(uint32_t exception) {
    switch (exception) {
    case 3:
        return "HardFault";
    case 4:
        return "MemManage";
    case 5:
        return "BusFault";
    case 6:
        return "UsageFault";
    default:
        return "exception";
    }
}

/* Prints "fault NAME pc=... lr=... cfsr=..." and ends the run. The frame is what the
 * processor stacked (ARMv7-M, B1.5.6): r0-r3, r12, lr, pc, xPSR. */
__attribute__((used)) void fault_report(const uint32_t *frame) {
    uint32_t pc = 0, lr = 0;
    if (frame >= &__StackLimit && frame + 8 <= &__StackTop) {
        lr = frame[5];
        pc = frame[6];
    }
    text_print("\nfault %s pc=%x lr=%x cfsr=%x\n", fault_name(BOARD_ICSR & BOARD_ICSR_ACTIVE_MASK),
               pc, lr, BOARD_CFSR);
    semihost_exit(EXIT_FAULT);
}

__attribute__((naked)) void Fault_Handler(void) {
    __asm__ volatile("mrs r0, msp\n\t"
                     "ldr r1, =fault_stack\n\t"
                     "add r1, r1, %0\n\t"
                     "mov sp, r1\n\t"
                     "b fault_report\n\t"
                     ".ltorg"
                     :
                     : "i"(FAULT_STACK_WORDS * 4));
}

/* An exception that nothing was meant to raise. */
void Default_Handler(void) {
    fault_report(&__StackTop);
}

void fault_broken_promise(const char *sentence) {
    text_print("\nbroken promise: %s\n", sentence);
    semihost_exit(EXIT_BROKEN_PROMISE);
}
