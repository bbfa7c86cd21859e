/* What boot.c needs of the records besides pm/boot.h. */
#ifndef PM_RECORD_H
#define PM_RECORD_H

#include "pm/boot.h"

enum { PM_RECORD_NONE = 2 };

/* The sector, 0 or 1, of the record that counts, which goes to `out`; or PM_RECORD_NONE. */
uint32_t pm_record_newest(const struct pm_flash *flash, const struct pm_flash_map *map,
                          struct pm_boot_record *out);
/* For when there is no record: may a first one be written? */
bool pm_record_is_fresh(const struct pm_flash *flash, const struct pm_flash_map *map);

#endif
