/* The board's Ethernet controller, an SMSC LAN9118 on the expansion port (datasheet rev. 1.5),
 * polled: whole frames in and out, without their check sequence. */
#ifndef THERMOSTAT_ETHERNET_H
#define THERMOSTAT_ETHERNET_H

#include <stdbool.h>
#include <stdint.h>

enum { ETHERNET_ADDRESS_BYTES = 6, ETHERNET_FRAME_BYTES = 1514 };

/* False when the controller does not answer. */
bool ethernet_start(const uint8_t address[ETHERNET_ADDRESS_BYTES]);

/* The next frame received, its size in bytes; 0 when there is none. A damaged frame or one that
 * does not fit is dropped. `out` is aligned to 4. */
uint32_t ethernet_receive(void *out, uint32_t capacity_bytes);

/* False when the controller has no room for the frame now. */
bool ethernet_send(const void *frame, uint32_t size_bytes);

#endif
