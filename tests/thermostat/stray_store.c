/* A store to flash outside of the driver's window, as a bug or an attacker would make it; linked
 * into the thermostat by its test in the place of room_start(). It goes to the address that is in
 * the host's file stray.bin. */
#include <stdint.h>

#include "examples/thermostat/semihost.h"
#include "examples/thermostat/text.h"

enum { EXIT_STORED = 7, EXIT_NO_ADDRESS = 8 };

void __wrap_room_start(void);

void __wrap_room_start(void) {
    uint32_t address;
    if (semihost_read_file("stray.bin", &address, sizeof address) != 0)
        semihost_exit(EXIT_NO_ADDRESS);
    volatile uint32_t *place = (uint32_t *)address;
    *place = 0x57a7;
    text_print("stored %x\n", *place);
    semihost_exit(EXIT_STORED);
}
