#include "clock.h"

#include "board.h"
#include "room.h"
#include "sensor.h"

enum { LIVE_TICKS_A_SECOND = 10, START_S = 6 * 3600 };

static volatile uint32_t now_s;
static volatile uint32_t ticks_pending;

void clock_start(void) {
    now_s = START_S;
    ticks_pending = 0;
    clock_set_live(false);
}

void clock_set_live(bool live) {
    BOARD_SYSTICK->control = 0;
    if (!live) return;
    BOARD_SYSTICK->reload = BOARD_CLOCK_HZ / LIVE_TICKS_A_SECOND - 1;
    BOARD_SYSTICK->value = 0;
    BOARD_SYSTICK->control = BOARD_SYSTICK_ON_WITH_INTERRUPT;
}

bool clock_is_live(void) {
    return BOARD_SYSTICK->control != 0;
}

void SysTick_Handler(void) {
    now_s++;
    room_step(clock_second_of_day());
    sensor_sample();
    ticks_pending++;
}

void clock_tick(void) {
    BOARD_ICSR = BOARD_ICSR_PEND_SYSTICK;
    board_barrier();
}

bool clock_has_ticks(void) {
    return ticks_pending != 0;
}

bool clock_take(void) {
    bool taken = false;
    board_interrupts_off();
    if (ticks_pending) {
        ticks_pending--;
        taken = true;
    }
    board_interrupts_on();
    return taken;
}

uint32_t clock_now_s(void) {
    return now_s;
}
uint32_t clock_second_of_day(void) {
    return now_s % CLOCK_DAY_S;
}
uint32_t clock_weekday(void) {
    return now_s / CLOCK_DAY_S % CLOCK_DAYS_A_WEEK;
}
