/* What spreads from unit to unit: a mark that some units have from the start, and that others get
 * from those which lead to them. Each unit is gone over once, so that the time is linear, however
 * the units are ordered in memory, and the outcome does not depend on that order.
 *
 *     struct fw_spread spread;
 *     fw_spread_start(&spread, model->unit_count);
 *     fw_spread_edge(&spread, from, to);           for each way on which the mark goes
 *     fw_spread_run(&spread, marked);
 *     fw_spread_end(&spread);
 */
#ifndef FIRMWARE_ANALYSE_SPREAD_H
#define FIRMWARE_ANALYSE_SPREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct fw_spread_edge {
    uint32_t to, next; /* next: of the same unit */
};

struct fw_spread {
    struct arena arena; /* the caller may keep the marks in it */
    size_t unit_count;
    uint32_t *first; /* by unit: its edge that was noted last, or FW_NONE */
    struct fw_spread_edge *edges;
    size_t edge_count, edge_capacity;
};

/* Numbers in front of unit_count are units, or whatever else the caller counts with them. */
void fw_spread_start(struct fw_spread *spread, size_t unit_count);

/* Once `from` is marked, `to` is. */
void fw_spread_edge(struct fw_spread *spread, uint32_t from, uint32_t to);

/* Marks, in the caller's array of unit_count flags, all that the marked ones lead to. */
void fw_spread_run(struct fw_spread *spread, bool *marked);

void fw_spread_end(struct fw_spread *spread);

#endif
