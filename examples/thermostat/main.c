/* Thermostat: an example product for Proofmark. Sensor, controller and console on a
 * bare Cortex-M4; time and the room are simulated. */
#include "board.h"
#include "clock.h"
#include "console.h"
#include "control.h"
#include "room.h"
#include "settings.h"
#include "uart.h"
#include "updater.h"

int main(void) {
    uart_start();
    room_start();
    settings_reset();
    settings_load();
    control_start();
    clock_start();
    console_start();
    updater_start();
    for (;;) {
        while (clock_take())
            control_step();
        console_poll();
        updater_step();

        /* With interrupts off nothing can come between the look and the sleep. */
        board_interrupts_off();
        if (!clock_has_ticks() && !uart_has_input() && !updater_is_busy()) board_wait();
        board_interrupts_on();
    }
}
