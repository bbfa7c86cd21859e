/* UART 0: received bytes come by interrupt into a ring, bytes to send are waited for. */
#ifndef THERMOSTAT_UART_H
#define THERMOSTAT_UART_H

#include <stdbool.h>
#include <stdint.h>

void uart_start(void);

/* False when nothing has been received. Nothing is ever lost: while the ring is full the
 * byte stays in the UART, which then holds off the sender. */
bool uart_receive(uint8_t *out);
bool uart_has_input(void);

/* Usable at any time, in a fault handler too. */
void uart_send(char byte);

void UART0_RX_Handler(void);

#endif
