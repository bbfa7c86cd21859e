/* See flash_model.h. */
#include "tests/device/flash_model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const struct flash_geometry flash_mps2 = {"mps2", 4096, 8, false, false};
const struct flash_geometry flash_nrf51 = {"nrf51", 1024, 4, false, false};
const struct flash_geometry flash_stm32f4 = {"stm32f4", 16384, 4, false, false};
const struct flash_geometry flash_stm32l4 = {"stm32l4", 2048, 8, true, true};

static uint64_t draw(struct flash_model *model) { /* splitmix64 */
    uint64_t value = model->seed += 0x9e3779b97f4a7c15U;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9U;
    value = (value ^ value >> 27) * 0x94d049bb133111ebU;
    return value ^ value >> 31;
}

static bool inside(const struct flash_model *model, uint32_t address, uint32_t size_bytes) {
    uint32_t offset = address - model->base;
    return offset <= model->size_bytes && size_bytes <= model->size_bytes - offset;
}

static uint8_t *unit_of(const struct flash_model *model, uint32_t offset) {
    return &model->unit[offset / model->geometry->write_bytes];
}

static void log_operation(struct flash_model *model, enum flash_operation_kind kind,
                          uint32_t address) {
    if (model->log_count < model->log_capacity)
        model->log[model->log_count] = (struct flash_operation){kind, address};
    if (model->log_capacity > 0) model->log_count++;
}

static void tear_unit(struct flash_model *model, uint32_t offset, const uint8_t *data) {
    for (uint32_t i = 0; i < model->geometry->write_bytes; i++)
        model->bytes[offset + i] &= (uint8_t)(data[i] | draw(model));
    *unit_of(model, offset) = FLASH_TORN;
}

/* Some words are blank already, some as before, some in between; how many depends on how early
 * the cut came. */
static void tear_page(struct flash_model *model, uint32_t offset) {
    static const uint64_t touched[] = {31, 1, 0}; /* a word in 32, in two, or each may be */
    uint64_t mask = touched[draw(model) % 3];
    uint32_t units = model->geometry->page_bytes / model->geometry->write_bytes;
    for (uint32_t unit = 0; unit < units; unit++) {
        uint32_t at = offset + unit * model->geometry->write_bytes;
        uint64_t how = draw(model);
        if (how % 4 == 0 || (how >> 8 & mask) != 0) continue;
        for (uint32_t i = 0; i < model->geometry->write_bytes; i++)
            model->bytes[at + i] |= (uint8_t)(how % 4 == 1 ? draw(model) : 0xff);
        if (how % 4 == 1) *unit_of(model, at) = FLASH_TORN;
        if (how % 4 != 1) *unit_of(model, at) = FLASH_ERASED;
    }
}

static void write_unit(struct flash_model *model, uint32_t offset, const uint8_t *data) {
    for (uint32_t i = 0; i < model->geometry->write_bytes; i++)
        model->bytes[offset + i] &= data[i];
    *unit_of(model, offset) = FLASH_WRITTEN;
}

static void erase_page(struct flash_model *model, uint32_t offset) {
    memset(model->bytes + offset, 0xff, model->geometry->page_bytes);
    memset(unit_of(model, offset), FLASH_ERASED,
           model->geometry->page_bytes / model->geometry->write_bytes);
}

static void cut_if(struct flash_model *model, enum flash_cut when) {
    if (model->operations != model->cut_at || model->cut_when != when) return;
    model->cuts_fired++;
    longjmp(model->power, 1);
}

static void one_operation(struct flash_model *model, enum flash_operation_kind kind,
                          uint32_t offset, const uint8_t *data) {
    log_operation(model, kind, model->base + offset);
    cut_if(model, FLASH_BEFORE);
    if (model->operations == model->cut_at && model->cut_when == FLASH_INSIDE) {
        if (kind == FLASH_WRITE) tear_unit(model, offset, data);
        else tear_page(model, offset);
        cut_if(model, FLASH_INSIDE);
    }
    if (kind == FLASH_WRITE) write_unit(model, offset, data);
    else erase_page(model, offset);
    cut_if(model, FLASH_AFTER);
    model->operations++;
}

static bool model_read(void *context, uint32_t address, void *out, uint32_t size_bytes) {
    struct flash_model *model = context;
    if (!inside(model, address, size_bytes)) return false;
    uint32_t offset = address - model->base;
    if (size_bytes > 0 && model->geometry->ecc) {
        uint32_t unit = model->geometry->write_bytes;
        for (uint32_t at = offset / unit; at <= (offset + size_bytes - 1) / unit; at++) {
            if (model->unit[at] == FLASH_TORN) return false;
        }
    }
    memcpy(out, model->bytes + offset, size_bytes);
    return true;
}

static bool violation(struct flash_model *model) {
    model->violations++;
    return false;
}

static bool in_window(const struct flash_model *model, uint32_t address, uint32_t size_bytes) {
    uint32_t offset = address - model->window;
    return offset <= model->window_bytes && size_bytes <= model->window_bytes - offset;
}

static bool model_write(void *context, uint32_t address, const void *data, uint32_t size_bytes) {
    struct flash_model *model = context;
    uint32_t unit = model->geometry->write_bytes;
    if (!inside(model, address, size_bytes) || !in_window(model, address, size_bytes) ||
        address % unit != 0 || size_bytes % unit != 0) {
        return violation(model);
    }
    uint32_t offset = address - model->base;
    for (uint32_t at = 0; at < size_bytes; at += unit) {
        /* Nothing relies on a second write, so it is a bug on parts that allow one, too. */
        if (*unit_of(model, offset + at) != FLASH_ERASED) {
            violation(model);
            if (model->geometry->program_once) return false;
        }
        one_operation(model, FLASH_WRITE, offset + at, (const uint8_t *)data + at);
    }
    return true;
}

static bool model_erase(void *context, uint32_t address) {
    struct flash_model *model = context;
    if (!inside(model, address, model->geometry->page_bytes) ||
        !in_window(model, address, model->geometry->page_bytes) ||
        address % model->geometry->page_bytes != 0) {
        return violation(model);
    }
    one_operation(model, FLASH_ERASE, address - model->base, NULL);
    return true;
}

static void model_open(void *context, uint32_t address, uint32_t size_bytes) {
    struct flash_model *model = context;
    if (model->window_bytes != 0) violation(model);
    model->window = address;
    model->window_bytes = size_bytes;
}

static void model_close(void *context) {
    struct flash_model *model = context;
    model->window_bytes = 0;
}

static void *allocate(size_t size_bytes) {
    void *memory = calloc(1, size_bytes);
    if (!memory) abort();
    return memory;
}

void flash_model_init(struct flash_model *model, const struct flash_geometry *geometry,
                      uint32_t base, uint32_t size_bytes) {
    assert(base % geometry->page_bytes == 0 && size_bytes % geometry->page_bytes == 0);
    *model = (struct flash_model){
        .flash = {.page_bytes = geometry->page_bytes,
                  .write_bytes = geometry->write_bytes,
                  .read = model_read,
                  .write = model_write,
                  .erase = model_erase,
                  .open = model_open,
                  .close = model_close},
        .geometry = geometry,
        .base = base,
        .size_bytes = size_bytes,
        .bytes = allocate(size_bytes),
        .unit = allocate(size_bytes / geometry->write_bytes),
        .cut_at = UINT64_MAX,
        .seed = 1,
    };
    model->flash.context = model;
    memset(model->bytes, 0xff, size_bytes);
}

void flash_model_free(struct flash_model *model) {
    free(model->bytes);
    free(model->unit);
    free(model->log);
    *model = (struct flash_model){0};
}

void flash_model_record(struct flash_model *model, size_t capacity) {
    free(model->log);
    model->log = capacity ? allocate(capacity * sizeof *model->log) : NULL;
    model->log_capacity = capacity;
    model->log_count = 0;
}

void flash_model_cut(struct flash_model *model, uint64_t operation, enum flash_cut when) {
    model->cut_at = model->operations + operation;
    model->cut_when = when;
}

void flash_model_power_on(struct flash_model *model) {
    model->cut_at = UINT64_MAX;
    model->operations = 0;
    model->window_bytes = 0;
}

void flash_model_copy(struct flash_model *to, const struct flash_model *from) {
    assert(to->geometry == from->geometry && to->size_bytes == from->size_bytes);
    memcpy(to->bytes, from->bytes, from->size_bytes);
    memcpy(to->unit, from->unit, from->size_bytes / from->geometry->write_bytes);
}

static uint64_t fnv(uint64_t hash, const uint8_t *bytes, size_t size_bytes) {
    for (size_t i = 0; i < size_bytes; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3U;
    return hash;
}

uint64_t flash_model_digest(const struct flash_model *model) {
    uint64_t hash = fnv(0xcbf29ce484222325U, model->bytes, model->size_bytes);
    return fnv(hash, model->unit, model->size_bytes / model->geometry->write_bytes);
}

void flash_model_put(struct flash_model *model, uint32_t address, const void *data,
                     uint32_t size_bytes) {
    assert(inside(model, address, size_bytes));
    uint32_t offset = address - model->base, page = model->geometry->page_bytes;
    for (uint32_t at = offset - offset % page; at < offset + size_bytes; at += page)
        erase_page(model, at);
    memcpy(model->bytes + offset, data, size_bytes);
    if (size_bytes > 0) {
        uint32_t unit = model->geometry->write_bytes;
        uint32_t first = offset / unit, last = (offset + size_bytes - 1) / unit;
        memset(model->unit + first, FLASH_WRITTEN, last - first + 1);
    }
}
