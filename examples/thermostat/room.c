/* First-order model: C dT/dt = P duty - G (T - T_outside). With these figures the time
 * constant is two hours and full power holds 37 degrees above the outside. */
#include "room.h"

static const float heat_capacity_joule_per_kelvin = 300e3f;
static const float heater_watt = 1500.0f;
static const float loss_closed_watt_per_kelvin = 40.0f;
static const float loss_open_watt_per_kelvin = 400.0f;
static const float day_swing_kelvin = 4.0f;

static struct {
    float temperature;
    float outside_mean;
    float outside;
    float duty;
    bool window_open;
} room;

void room_start(void) {
    room.temperature = 16.0f;
    room.outside_mean = 4.0f;
    room.outside = 4.0f;
    room.duty = 0.0f;
    room.window_open = false;
}

/* A day's wave from -1 at midnight to +1 at noon: a parabola for each half, within
 * 6 % of a cosine and without a library. */
static float day_wave(uint32_t second_of_day) {
    float x = (float)second_of_day / 43200.0f - 0.5f; /* -0.5 .. 1.5, zero crossing at 0 and 1 */
    if (x < 0.0f) return 4.0f * x * (1.0f + x);
    if (x < 1.0f) return 4.0f * x * (1.0f - x);
    x -= 1.0f;
    return -4.0f * x * (1.0f - x);
}

void room_step(uint32_t second_of_day) {
    room.outside = room.outside_mean + day_swing_kelvin * day_wave(second_of_day);
    float loss = room.window_open ? loss_open_watt_per_kelvin : loss_closed_watt_per_kelvin;
    float watt = heater_watt * room.duty - loss * (room.temperature - room.outside);
    room.temperature += watt / heat_capacity_joule_per_kelvin;
}

void room_set_heater(float duty) {
    room.duty = duty;
}
void room_set_outside(float celsius) {
    room.outside_mean = celsius;
}
void room_set_window(bool open) {
    room.window_open = open;
}

float room_temperature(void) {
    return room.temperature;
}
float room_outside(void) {
    return room.outside;
}
