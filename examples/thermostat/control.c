#include "control.h"

#include "clock.h"
#include "room.h"
#include "sensor.h"
#include "service.h"
#include "settings.h"

enum { EVENTS = 8, WINDOW_PERIOD_S = 60, WINDOW_PAUSE_S = 15 * 60 };

static const float near_kelvin = 1.0f;   /* below this distance PI takes over */
static const float above_kelvin = 0.5f;  /* above the target by this: idle */
static const float window_kelvin = 0.6f; /* lost within WINDOW_PERIOD_S: a window is open */
static const float frost_celsius = 4.0f;
static const float frost_clear_celsius = 6.0f;
static const float limit_celsius = 32.0f; /* never heats above, unless unlocked */

static struct {
    enum control_state state;
    uint32_t timer_s; /* left of a boost or of a window's pause */
    uint32_t window_age_s;
    float window_reference;
    float integral;
    float duty;
    struct control_event events[EVENTS];
    unsigned event_count;
} control;

static const char *const state_names[CONTROL_STATES] = {
    [CONTROL_OFF] = "off",     [CONTROL_IDLE] = "idle",   [CONTROL_HEAT] = "heat",
    [CONTROL_HOLD] = "hold",   [CONTROL_BOOST] = "boost", [CONTROL_WINDOW] = "window",
    [CONTROL_FROST] = "frost", [CONTROL_FAULT] = "fault",
};

const char *control_state_name(enum control_state state) {
    return state_names[state];
}
enum control_state control_current(void) {
    return control.state;
}
float control_duty(void) {
    return control.duty;
}

void control_start(void) {
    control.state = CONTROL_IDLE;
    control.timer_s = 0;
    control.window_age_s = 0;
    control.window_reference = 0.0f;
    control.integral = 0.0f;
    control.duty = 0.0f;
    control.event_count = 0;
}

int32_t control_target(void) {
    if (settings.mode != MODE_SCHEDULE) return settings.target;
    return schedule_target(settings.schedule, clock_weekday(), clock_second_of_day() / 60,
                           settings.target);
}

static void enter(enum control_state next) {
    if (next == control.state) return;
    struct control_event *event = &control.events[control.event_count++ % EVENTS];
    event->time_s = clock_now_s();
    event->from = (uint8_t)control.state;
    event->to = (uint8_t)next;
    control.state = next;
    control.integral = 0.0f;
}

bool control_event(unsigned index, struct control_event *out) {
    if (index >= EVENTS || index >= control.event_count) return false;
    *out = control.events[(control.event_count - 1 - index) % EVENTS];
    return true;
}

void control_boost(uint32_t seconds) {
    control.timer_s = seconds;
    enter(CONTROL_BOOST);
}

/* Compares with the temperature a minute ago; to be asked every second. */
static bool window_opened(float celsius) {
    if (++control.window_age_s < WINDOW_PERIOD_S) return false;
    float lost = control.window_reference - celsius;
    control.window_reference = celsius;
    control.window_age_s = 0;
    return lost > window_kelvin;
}

static bool timer_ended(void) {
    if (control.timer_s) control.timer_s--;
    return control.timer_s == 0;
}

static enum control_state wanted(float error) {
    if (settings.mode == MODE_OFF) return CONTROL_OFF;
    if (error < -above_kelvin) return CONTROL_IDLE;
    return error > near_kelvin ? CONTROL_HEAT : CONTROL_HOLD;
}

/* Power from the error in kelvin; the integral stops growing while the output is at a
 * limit (anti-windup). */
static float hold_duty(float error) {
    float proportional = (float)settings.gain_proportional * 0.01f * error;
    float step = (float)settings.gain_integral * 1e-6f * error;
    float duty = proportional + control.integral + step;
    if (duty > 1.0f) return 1.0f;
    if (duty < 0.0f) return 0.0f;
    control.integral += step;
    return duty;
}

static void change_state(float celsius, float error) {
    bool opened = window_opened(celsius);
    switch (control.state) {
    case CONTROL_OFF:
    case CONTROL_IDLE:
        if (celsius < frost_celsius) return enter(CONTROL_FROST);
        return enter(wanted(error));
    case CONTROL_HEAT:
        if (opened) {
            control.timer_s = WINDOW_PAUSE_S;
            return enter(CONTROL_WINDOW);
        }
        return enter(wanted(error));
    case CONTROL_HOLD:
        if (opened) {
            control.timer_s = WINDOW_PAUSE_S;
            return enter(CONTROL_WINDOW);
        }
        /* Wider than the way in, so that noise does not switch to and fro. */
        if (settings.mode != MODE_OFF && error > 0.0f && error < 2.0f * near_kelvin) return;
        return enter(wanted(error));
    case CONTROL_BOOST:
        if (timer_ended() || celsius > limit_celsius) enter(wanted(error));
        return;
    case CONTROL_WINDOW:
        if (celsius < frost_celsius) return enter(CONTROL_FROST);
        if (timer_ended()) enter(wanted(error));
        return;
    case CONTROL_FROST:
        if (celsius > frost_clear_celsius) enter(wanted(error));
        return;
    case CONTROL_FAULT:
        return enter(wanted(error));
    default:
        return enter(CONTROL_FAULT);
    }
}

static float duty_of_state(float error) {
    switch (control.state) {
    case CONTROL_HEAT:
    case CONTROL_BOOST:
        return 1.0f;
    case CONTROL_FROST:
        return 0.3f;
    case CONTROL_HOLD:
        return hold_duty(error);
    default:
        return 0.0f;
    }
}

void control_step(void) {
    float celsius;
    float error = 0.0f;
    if (sensor_temperature(&celsius)) {
        error = (float)control_target() * 0.01f - celsius;
        change_state(celsius, error);
    } else {
        enter(CONTROL_FAULT);
    }
    control.duty = duty_of_state(error);
    if (celsius > limit_celsius && !service_is_unlocked()) control.duty = 0.0f;
    room_set_heater(control.duty);
}
