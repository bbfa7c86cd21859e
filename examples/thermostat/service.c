#include "service.h"

#include "board.h"
#include "text.h"

enum { SWITCH_SERVICE = 1u << 7 };

static bool unlocked;

bool service_is_unlocked(void) {
    return unlocked;
}

__attribute__((noinline)) void factory_unlock(void) {
    unlocked = true;
    text_print("UNLOCKED: the heater has no limits\n");
}

bool service_request(void) {
    if (!(BOARD_SWITCHES & SWITCH_SERVICE)) return false;
    factory_unlock();
    return true;
}
