/* One writer of `head` (the interrupt) and one of `tail` (the main loop), both wrap by
 * themselves; the ring is empty when they are equal and full when they are RING_BYTES
 * apart. */
#include "uart.h"

#include "board.h"

enum { RING_BYTES = 128, BAUD_RATE = 115200 };

static uint8_t ring[RING_BYTES];
static volatile uint32_t ring_head;
static volatile uint32_t ring_tail;

void uart_start(void) {
    BOARD_UART0->divider = BOARD_CLOCK_HZ / BAUD_RATE;
    BOARD_UART0->control =
        BOARD_UART_CONTROL_TX | BOARD_UART_CONTROL_RX | BOARD_UART_CONTROL_RX_INTERRUPT;
    /* Drops what line noise left; in QEMU this read also wakes the sender at once. */
    (void)BOARD_UART0->data;
    BOARD_NVIC_ENABLE = 1u << BOARD_IRQ_UART0_RX;
}

static void uart_receive_interrupt(bool on) {
    uint32_t control = BOARD_UART0->control & ~(uint32_t)BOARD_UART_CONTROL_RX_INTERRUPT;
    BOARD_UART0->control = on ? control | BOARD_UART_CONTROL_RX_INTERRUPT : control;
}

/* The interrupt is raised by a byte's arrival, so each byte that waits is taken here. */
static void uart_take_waiting(void) {
    while (BOARD_UART0->state & BOARD_UART_STATE_RX_FULL) {
        if (ring_head - ring_tail == RING_BYTES) {
            uart_receive_interrupt(false);
            return;
        }
        ring[ring_head % RING_BYTES] = (uint8_t)BOARD_UART0->data;
        ring_head++;
    }
}

void UART0_RX_Handler(void) {
    BOARD_UART0->interrupt = BOARD_UART_INTERRUPT_RX;
    uart_take_waiting();
}

bool uart_has_input(void) {
    return ring_head != ring_tail;
}

bool uart_receive(uint8_t *out) {
    if (!uart_has_input()) return false;
    *out = ring[ring_tail % RING_BYTES];
    ring_tail++;

    /* A full ring switched the interrupt off and left a byte behind. */
    if (!(BOARD_UART0->control & BOARD_UART_CONTROL_RX_INTERRUPT)) {
        board_interrupts_off();
        uart_receive_interrupt(true);
        uart_take_waiting();
        board_interrupts_on();
    }
    return true;
}

void uart_send(char byte) {
    while (BOARD_UART0->state & BOARD_UART_STATE_TX_FULL) {
    }
    BOARD_UART0->data = (uint8_t)byte;
}
