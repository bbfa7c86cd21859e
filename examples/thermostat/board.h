/* The board: Arm MPS2 with FPGA image AN386 (one Cortex-M4 with FPU), as QEMU's
 * mps2-an386 models it. Register layouts: Arm DAI 0386 (AN386), Arm DDI 0479 (Cortex-M
 * System Design Kit, UART), Arm DDI 0403 (ARMv7-M, system control space). */
#ifndef THERMOSTAT_BOARD_H
#define THERMOSTAT_BOARD_H

#include <stdint.h>

enum { BOARD_CLOCK_HZ = 25000000 };

struct board_uart {
    volatile uint32_t data;
    volatile uint32_t state;     /* BOARD_UART_STATE_* */
    volatile uint32_t control;   /* BOARD_UART_CONTROL_* */
    volatile uint32_t interrupt; /* pending; write 1 to clear */
    volatile uint32_t divider;   /* clock / baud rate, at least 16 */
};

enum {
    BOARD_UART_STATE_TX_FULL = 1u << 0,
    BOARD_UART_STATE_RX_FULL = 1u << 1,
    BOARD_UART_CONTROL_TX = 1u << 0,
    BOARD_UART_CONTROL_RX = 1u << 1,
    BOARD_UART_CONTROL_RX_INTERRUPT = 1u << 3,
    BOARD_UART_INTERRUPT_RX = 1u << 1,
};

struct board_systick {
    volatile uint32_t control;
    volatile uint32_t reload;
    volatile uint32_t value;
};

enum { BOARD_SYSTICK_ON_WITH_INTERRUPT = 7 };

#define BOARD_UART0 ((struct board_uart *)0x40004000)
#define BOARD_SYSTICK ((struct board_systick *)0xe000e010)

/* DIP switches beside the debug connector, one bit each; inside the housing. */
#define BOARD_SWITCHES (*(volatile uint32_t *)0x4002f00c)

/* Counts 100 times a second from power-on (FPGA system control, CLK100HZ). */
#define BOARD_FPGAIO_100HZ (*(volatile uint32_t *)0x40028014)
#define BOARD_ETHERNET 0x40200000u

#define BOARD_NVIC_ENABLE (*(volatile uint32_t *)0xe000e100)
#define BOARD_ICSR (*(volatile uint32_t *)0xe000ed04)
#define BOARD_SHCSR (*(volatile uint32_t *)0xe000ed24)
#define BOARD_CFSR (*(volatile uint32_t *)0xe000ed28)
#define BOARD_CPACR (*(volatile uint32_t *)0xe000ed88)

enum {
    BOARD_IRQ_UART0_RX = 0,
    BOARD_ICSR_PEND_SYSTICK = 1u << 26,
    BOARD_ICSR_ACTIVE_MASK = 0x1ff,
    BOARD_SHCSR_ALL_FAULTS = 7u << 16,
    BOARD_CPACR_FPU = 0xfu << 20,
};

static inline void board_interrupts_off(void) {
    __asm__ volatile("cpsid i" ::: "memory");
}
static inline void board_interrupts_on(void) {
    __asm__ volatile("cpsie i" ::: "memory");
}
static inline void board_barrier(void) {
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}
/* Wakes for a pending interrupt even while interrupts are off. */
static inline void board_wait(void) {
    __asm__ volatile("wfi" ::: "memory");
}

#endif
