/* Each command is a row of the table at the end. A command gets the rest of its line
 * and answers CONSOLE_OK, or one of the refusals, which the caller words. */
#include "console.h"

#include <stdint.h>

#include "clock.h"
#include "control.h"
#include "room.h"
#include "semihost.h"
#include "sensor.h"
#include "service.h"
#include "settings.h"
#include "text.h"
#include "uart.h"
#include "updater.h"

enum { LINE_BYTES = 240, RUN_MAXIMUM_S = 14 * CLOCK_DAY_S, BOOST_MAXIMUM_MINUTES = 120 };

enum console_result { CONSOLE_OK, CONSOLE_USAGE, CONSOLE_RANGE, CONSOLE_LOCKED, CONSOLE_EMPTY };

struct console_command {
    const char *name;
    const char *usage;
    const char *help;
    enum console_result (*run)(char *rest);
};

static const char *const day_names[CLOCK_DAYS_A_WEEK] = {"Mon", "Tue", "Wed", "Thu",
                                                         "Fri", "Sat", "Sun"};
static const char *const mode_names[] = {
    [MODE_OFF] = "off", [MODE_MANUAL] = "manual", [MODE_SCHEDULE] = "schedule"};

static char line[LINE_BYTES];
static unsigned line_length;

static void print_time(uint32_t time_s) {
    text_print("%s %2:%2:%2", day_names[time_s / CLOCK_DAY_S % CLOCK_DAYS_A_WEEK],
               time_s % CLOCK_DAY_S / 3600, time_s / 60 % 60, time_s % 60);
}

static enum console_result command_status(char *rest) {
    (void)rest;
    float celsius;
    bool good = sensor_temperature(&celsius);
    text_print("%s, ", settings.name);
    print_time(clock_now_s());
    text_print("\n  room     ");
    if (good) text_print("%h C by %s\n", text_hundredths(celsius), sensor_selected()->name);
    else text_print("unknown, %s does not answer\n", sensor_selected()->name);
    text_print("  outside  %h C\n", text_hundredths(room_outside()));
    text_print("  target   %h C, mode %s\n", control_target(), mode_names[settings.mode]);
    text_print("  heater   %h %%, state %s\n", text_hundredths(control_duty() * 100.0f),
               control_state_name(control_current()));
    return CONSOLE_OK;
}

static enum console_result command_set(char *rest) {
    int32_t target;
    if (!text_parse_hundredths(text_next_word(&rest), &target)) return CONSOLE_USAGE;
    if (target < SETTINGS_TARGET_MINIMUM || target > SETTINGS_TARGET_MAXIMUM) return CONSOLE_RANGE;
    settings.target = target;
    settings.mode = MODE_MANUAL;
    return CONSOLE_OK;
}

static enum console_result command_mode(char *rest) {
    const char *word = text_next_word(&rest);
    for (uint8_t mode = MODE_OFF; mode <= MODE_SCHEDULE; mode++) {
        if (!text_equal(word, mode_names[mode])) continue;
        settings.mode = mode;
        return CONSOLE_OK;
    }
    return CONSOLE_USAGE;
}

static enum console_result command_boost(char *rest) {
    uint32_t minutes;
    if (!text_parse_unsigned(text_next_word(&rest), &minutes)) return CONSOLE_USAGE;
    if (minutes == 0 || minutes > BOOST_MAXIMUM_MINUTES) return CONSOLE_RANGE;
    control_boost(minutes * 60);
    return CONSOLE_OK;
}

static enum console_result command_gain(char *rest) {
    int32_t proportional;
    uint32_t integral;
    if (!text_parse_hundredths(text_next_word(&rest), &proportional) ||
        !text_parse_unsigned(text_next_word(&rest), &integral))
        return CONSOLE_USAGE;
    if (proportional < 0 || proportional > 1000 || integral > 10000) return CONSOLE_RANGE;
    settings.gain_proportional = proportional;
    settings.gain_integral = (int32_t)integral;
    return CONSOLE_OK;
}

static enum console_result command_run(char *rest) {
    uint32_t seconds;
    if (!text_parse_unsigned(text_next_word(&rest), &seconds)) return CONSOLE_USAGE;
    if (seconds > RUN_MAXIMUM_S) return CONSOLE_RANGE;
    while (seconds--) {
        clock_tick();
        while (clock_take())
            control_step();
    }
    return CONSOLE_OK;
}

static enum console_result command_clock(char *rest) {
    const char *word = text_next_word(&rest);
    bool live = text_equal(word, "live");
    if (!live && !text_equal(word, "hold")) return CONSOLE_USAGE;
    clock_set_live(live);
    return CONSOLE_OK;
}

static enum console_result command_sensor(char *rest) {
    const char *word = text_next_word(&rest);
    if (*word) return sensor_select(word) ? CONSOLE_OK : CONSOLE_USAGE;
    for (unsigned i = 0; i < SENSOR_COUNT; i++) {
        float celsius;
        const struct sensor_driver *driver = &sensor_drivers[i];
        text_print("%c %s: ", driver == sensor_selected() ? '*' : ' ', driver->name);
        if (driver->read(&celsius)) text_print("%h C", text_hundredths(celsius));
        else text_print("fault");
        text_print(" (%s)\n", driver->description);
    }
    return CONSOLE_OK;
}

static enum console_result command_wire(char *rest) {
    static const char *const names[] = {
        [SENSOR_FAULT_NONE] = "good", [SENSOR_FAULT_OPEN] = "open", [SENSOR_FAULT_SHORT] = "short"};
    const char *word = text_next_word(&rest);
    for (unsigned fault = SENSOR_FAULT_NONE; fault <= SENSOR_FAULT_SHORT; fault++) {
        if (!text_equal(word, names[fault])) continue;
        sensor_inject((enum sensor_fault)fault);
        return CONSOLE_OK;
    }
    return CONSOLE_USAGE;
}

static enum console_result command_outside(char *rest) {
    int32_t celsius;
    if (!text_parse_hundredths(text_next_word(&rest), &celsius)) return CONSOLE_USAGE;
    if (celsius < -5000 || celsius > 5000) return CONSOLE_RANGE;
    room_set_outside((float)celsius * 0.01f);
    return CONSOLE_OK;
}

static enum console_result command_window(char *rest) {
    const char *word = text_next_word(&rest);
    bool open = text_equal(word, "open");
    if (!open && !text_equal(word, "closed")) return CONSOLE_USAGE;
    room_set_window(open);
    return CONSOLE_OK;
}

static void print_schedule(void) {
    for (unsigned i = 0; i < SCHEDULE_ENTRIES; i++) {
        const struct schedule_entry *entry = &settings.schedule[i];
        if (!entry->days) continue;
        text_print("%u  %2:%2  %h C ", i, entry->minute / 60u, entry->minute % 60u, entry->target);
        for (unsigned day = 0; day < CLOCK_DAYS_A_WEEK; day++)
            if (entry->days >> day & 1) text_print(" %s", day_names[day]);
        text_print("\n");
    }
}

static enum console_result command_schedule(char *rest) {
    const char *word = text_next_word(&rest);
    if (!*word) {
        print_schedule();
        return CONSOLE_OK;
    }
    uint32_t index, days, hour, minute;
    int32_t target;
    if (!text_parse_unsigned(word, &index) || !text_parse_unsigned(text_next_word(&rest), &days) ||
        !text_parse_unsigned(text_next_word(&rest), &hour) ||
        !text_parse_unsigned(text_next_word(&rest), &minute) ||
        !text_parse_hundredths(text_next_word(&rest), &target))
        return CONSOLE_USAGE;
    if (index >= SCHEDULE_ENTRIES || days > SCHEDULE_ALL_DAYS || hour > 23 || minute > 59 ||
        target < SETTINGS_TARGET_MINIMUM || target > SETTINGS_TARGET_MAXIMUM)
        return CONSOLE_RANGE;
    struct schedule_entry *entry = &settings.schedule[index];
    entry->days = (uint8_t)days;
    entry->minute = (uint16_t)(hour * 60 + minute);
    entry->target = (int16_t)target;
    return CONSOLE_OK;
}

/* The name may be in any script, so it comes as the hexadecimal digits of its UTF-8. */
static enum console_result command_name(char *rest) {
    uint8_t name[SETTINGS_NAME_BYTES];
#ifdef CONSOLE_OVERFLOW
    /* The hole that the attack uses: the bound is the line's length, not the array's. */
    size_t size_bytes = text_decode_hex(text_next_word(&rest), name, LINE_BYTES);
#else
    size_t size_bytes = text_decode_hex(text_next_word(&rest), name, sizeof name);
#endif
    if (size_bytes == 0) return CONSOLE_USAGE;
    if (size_bytes > SETTINGS_NAME_BYTES) size_bytes = SETTINGS_NAME_BYTES;
    for (size_t i = 0; i < size_bytes; i++)
        settings.name[i] = (char)name[i];
    settings.name[size_bytes] = '\0';
    return CONSOLE_OK;
}

static enum console_result command_history(char *rest) {
    (void)rest;
    struct control_event event;
    for (unsigned i = 0; control_event(i, &event); i++) {
        print_time(event.time_s);
        text_print("  %s -> %s\n", control_state_name((enum control_state)event.from),
                   control_state_name((enum control_state)event.to));
    }
    return CONSOLE_OK;
}

static enum console_result command_save(char *rest) {
    (void)rest;
    settings_save();
    return CONSOLE_OK;
}

static enum console_result command_load(char *rest) {
    (void)rest;
    return settings_load() ? CONSOLE_OK : CONSOLE_EMPTY;
}

static enum console_result command_reset(char *rest) {
    (void)rest;
    settings_reset();
    return CONSOLE_OK;
}

static enum console_result command_service(char *rest) {
    (void)rest;
    return service_request() ? CONSOLE_OK : CONSOLE_LOCKED;
}

static enum console_result command_quit(char *rest) {
    (void)rest;
    text_print("bye\n");
    semihost_exit(0);
}

static enum console_result command_help(char *rest);

static const struct console_command commands[] = {
    {"help", "", "this list", command_help},
    {"status", "", "what the room and the heater do", command_status},
    {"set", "<5..30>", "hold this temperature", command_set},
    {"mode", "off|manual|schedule", "who decides the temperature", command_mode},
    {"boost", "<minutes>", "full power for a while", command_boost},
    {"gain", "<kp> <ki>", "controller gains", command_gain},
    {"schedule", "[<n> <days> <hour> <minute> <celsius>]", "show or change", command_schedule},
    {"sensor", "[ntc|digital|pair]", "show or select", command_sensor},
    {"history", "", "last changes of state", command_history},
    {"name", "<hex of UTF-8>", "name of this device", command_name},
    {"save", "", "settings to flash", command_save},
    {"load", "", "settings from flash", command_load},
    {"reset", "", "factory settings", command_reset},
    {"run", "<seconds>", "let simulated time pass", command_run},
    {"clock", "live|hold", "time passes by itself or by run", command_clock},
    {"outside", "<celsius>", "simulate the weather", command_outside},
    {"window", "open|closed", "simulate a window", command_window},
    {"wire", "good|open|short", "simulate the sensor's wire", command_wire},
    {"service", "", "factory service, needs the switch inside", command_service},
    {"quit", "", "end the run", command_quit},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static enum console_result command_help(char *rest) {
    (void)rest;
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        const struct console_command *command = &commands[i];
        text_print("%s%s%s: %s\n", command->name, *command->usage ? " " : "", command->usage,
                   command->help);
    }
    return CONSOLE_OK;
}

static void print_result(const struct console_command *command, enum console_result result) {
    switch (result) {
    case CONSOLE_OK:
        text_print("ok\n");
        break;
    case CONSOLE_USAGE:
        text_print("usage: %s %s\n", command->name, command->usage);
        break;
    case CONSOLE_RANGE:
        text_print("out of range\n");
        break;
    case CONSOLE_LOCKED:
        text_print("refused: the service switch is off\n");
        break;
    case CONSOLE_EMPTY:
        text_print("nothing saved\n");
        break;
    default:
        break;
    }
}

static void run_line(void) {
    char *rest = line;
    const char *word = text_next_word(&rest);
    if (!*word) return;
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        if (!text_equal(word, commands[i].name)) continue;
        print_result(&commands[i], commands[i].run(rest));
        return;
    }
    if (updater_command(word, rest)) return;
    text_print("unknown command %s, try help\n", word);
}

static void prompt(void) {
    text_print("> ");
}

static void take_byte(char byte) {
    switch (byte) {
    case '\r':
    case '\n':
        text_print("\n");
        line[line_length] = '\0';
        line_length = 0;
        run_line();
        prompt();
        return;
    case '\b':
    case 0x7f:
        if (line_length == 0) return;
        line_length--;
        text_print("\b \b");
        return;
    default:
        if (byte < ' ' || line_length == LINE_BYTES - 1) return;
        line[line_length++] = byte;
        uart_send(byte);
    }
}

void console_start(void) {
    line_length = 0;
    text_print("Proofmark example thermostat\n");
    prompt();
}

void console_poll(void) {
    uint8_t byte;
    while (uart_receive(&byte))
        take_byte((char)byte);
}
