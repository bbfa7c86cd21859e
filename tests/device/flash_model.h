/* A flash part as a model: pages, write units, program-once bits, ECC, and power that goes away in
 * the middle of an operation.
 *
 *   struct flash_model model;
 *   flash_model_init(&model, &flash_stm32l4, base, size_bytes);     all erased
 *   model.flash is what the library takes.
 *   flash_model_cut(&model, n, when);   power goes at operation n from now (0 is the next)
 *   if (setjmp(model.power) == 0) { ... the library runs ... } else { ... power was cut ... }
 *   flash_model_power_on(&model);
 *
 * An operation is one write of a write unit or one erase of a page; reads are none. The cut is
 * a longjmp out of the library, so nothing of it runs on. What is torn is drawn from model.seed:
 * a torn unit has some of its bits programmed, and on a part with ECC reads as an error or as
 * those bits; a torn erase has cleared some of the page's bits, some bytes wholly. */
#ifndef TESTS_DEVICE_FLASH_MODEL_H
#define TESTS_DEVICE_FLASH_MODEL_H

#include <setjmp.h>

#include "pm/flash.h"

struct flash_geometry {
    const char *name;
    uint32_t page_bytes, write_bytes;
    bool program_once; /* a unit is written once between erases, else the operation fails */
    bool ecc;          /* a torn unit fails to read */
};

extern const struct flash_geometry flash_mps2;    /* 4 KiB, 8 B */
extern const struct flash_geometry flash_nrf51;   /* 1 KiB, 4 B; a word may be written twice */
extern const struct flash_geometry flash_stm32f4; /* 16 KiB sectors, 4 B */
extern const struct flash_geometry flash_stm32l4; /* 2 KiB, 8 B, program-once, ECC; also WB */

enum flash_cut { FLASH_BEFORE, FLASH_INSIDE, FLASH_AFTER };
enum flash_operation_kind { FLASH_WRITE, FLASH_ERASE };

struct flash_operation {
    enum flash_operation_kind kind;
    uint32_t address;
};

struct flash_model {
    struct pm_flash flash;
    const struct flash_geometry *geometry;
    uint32_t base, size_bytes;
    uint8_t *bytes;      /* as programmed */
    uint8_t *unit;       /* of each write unit: enum flash_unit */
    jmp_buf power;       /* where a cut goes */
    uint64_t seed;       /* what is torn and how */
    uint64_t operations; /* done since init or power on, whole ones */
    uint64_t cut_at;     /* UINT64_MAX: no cut planned */
    enum flash_cut cut_when;
    uint64_t cuts_fired;
    uint64_t violations; /* writes outside the window, twice to a unit, not aligned: our own bugs */
    uint32_t window, window_bytes;
    /* The last operations, for a report; and a digest-like count of those before. */
    struct flash_operation *log;
    size_t log_capacity, log_count;
};

enum flash_unit { FLASH_ERASED, FLASH_WRITTEN, FLASH_TORN };

/* Caller frees with flash_model_free. base is a multiple of the page. */
void flash_model_init(struct flash_model *model, const struct flash_geometry *geometry,
                      uint32_t base, uint32_t size_bytes);
void flash_model_free(struct flash_model *model);
/* Keeps the first `capacity` operations from now on in model->log. */
void flash_model_record(struct flash_model *model, size_t capacity);
void flash_model_cut(struct flash_model *model, uint64_t operation, enum flash_cut when);
/* After a cut: no cut is planned, the window is closed, operations count from 0. */
void flash_model_power_on(struct flash_model *model);
/* Contents and states only; both must have the same geometry and size. */
void flash_model_copy(struct flash_model *to, const struct flash_model *from);
/* FNV-1a over contents and states: tells states apart. */
uint64_t flash_model_digest(const struct flash_model *model);
/* What the factory puts there: no operation, no window, any size; erases the pages first. */
void flash_model_put(struct flash_model *model, uint32_t address, const void *data,
                     uint32_t size_bytes);

#endif
