#include "sensor.h"

#include "room.h"
#include "text.h"

enum { ADC_FULL_SCALE = 4095, ADC_OPEN = 4080, ADC_SHORT = 16, AVERAGE_SHIFT = 3 };

/* Divider of a 10 kOhm NTC (B = 3950) over 10 kOhm, 12 bits: one entry each 10 degrees
 * from -20, counts = 4096 R / (R + 10 kOhm), R = 10 kOhm exp(B (1/T - 1/298.15 K)). */
static const uint16_t ntc_counts[] = {3741, 3496, 3157, 2739, 2278, 1825, 1419, 1082, 816};
enum { NTC_ENTRIES = sizeof ntc_counts / sizeof ntc_counts[0] };
static const float ntc_first_celsius = -20.0f;
static const float ntc_step_celsius = 10.0f;

/* A version that must not stay is built with another (make SICK=1). */
#ifndef SENSOR_FAULT_AT_START
#define SENSOR_FAULT_AT_START SENSOR_FAULT_NONE
#endif

static struct {
    const struct sensor_driver *driver;
    enum sensor_fault fault;
    uint32_t noise;
    float average;
    bool primed;
    bool good;
} sensor = {.driver = &sensor_drivers[0], .fault = SENSOR_FAULT_AT_START, .noise = 0x2545f491};

/* xorshift32 (Marsaglia, 2003): repeatable noise of at most 0.05 degrees. */
static float sensor_noise(void) {
    uint32_t x = sensor.noise;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    sensor.noise = x;
    return ((float)(x >> 16) / 65536.0f - 0.5f) * 0.1f;
}

/* What the converter would see; the inverse of ntc_celsius(). */
static uint32_t adc_counts(void) {
    if (sensor.fault == SENSOR_FAULT_OPEN) return ADC_FULL_SCALE;
    if (sensor.fault == SENSOR_FAULT_SHORT) return 0;

    float place = (room_temperature() + sensor_noise() - ntc_first_celsius) / ntc_step_celsius;
    if (place < 0.0f) return ntc_counts[0];
    uint32_t entry = (uint32_t)place;
    if (entry >= NTC_ENTRIES - 1) return ntc_counts[NTC_ENTRIES - 1];
    float fraction = place - (float)entry;
    float drop = (float)(ntc_counts[entry] - ntc_counts[entry + 1]);
    return ntc_counts[entry] - (uint32_t)(fraction * drop);
}

static bool ntc_read(float *celsius) {
    uint32_t counts = adc_counts();
    if (counts > ADC_OPEN || counts < ADC_SHORT) return false;

    unsigned entry = 0;
    while (entry < NTC_ENTRIES - 2 && counts < ntc_counts[entry + 1])
        entry++;
    float drop = (float)(ntc_counts[entry] - ntc_counts[entry + 1]);
    float fraction = (float)((int32_t)ntc_counts[entry] - (int32_t)counts) / drop;
    *celsius = ntc_first_celsius + ntc_step_celsius * ((float)entry + fraction);
    return true;
}

/* A digital part's register: two's complement, 1/16 degree. */
static bool digital_read(float *celsius) {
    if (sensor.fault != SENSOR_FAULT_NONE) return false;
    int16_t temperature_register = (int16_t)((room_temperature() + sensor_noise()) * 16.0f);
    *celsius = (float)temperature_register / 16.0f;
    return true;
}

/* Both; a disagreement of more than two degrees is a fault. */
static bool pair_read(float *celsius) {
    float first, second;
    if (!ntc_read(&first) || !digital_read(&second)) return false;
    float difference = first - second;
    if (difference > 2.0f || difference < -2.0f) return false;
    *celsius = (first + second) * 0.5f;
    return true;
}

const struct sensor_driver sensor_drivers[SENSOR_COUNT] = {
    {"ntc", "thermistor on the converter", ntc_read},
    {"digital", "12-bit part on the bus", digital_read},
    {"pair", "both, compared", pair_read},
};

bool sensor_select(const char *name) {
    for (unsigned i = 0; i < SENSOR_COUNT; i++) {
        if (!text_equal(sensor_drivers[i].name, name)) continue;
        sensor.driver = &sensor_drivers[i];
        sensor.primed = false;
        return true;
    }
    return false;
}

const struct sensor_driver *sensor_selected(void) {
    return sensor.driver;
}

void sensor_inject(enum sensor_fault fault) {
    sensor.fault = fault;
}

void sensor_sample(void) {
    float celsius;
    sensor.good = sensor.driver->read(&celsius);
    if (!sensor.good) {
        sensor.primed = false;
        return;
    }
    if (!sensor.primed) sensor.average = celsius;
    sensor.primed = true;
    sensor.average += (celsius - sensor.average) / (float)(1 << AVERAGE_SHIFT);
}

bool sensor_temperature(float *celsius) {
    *celsius = sensor.average;
    return sensor.good;
}
