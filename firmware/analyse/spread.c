/* See spread.h. */
#include "firmware/analyse/spread.h"

#include <string.h>

#include "firmware/model.h"

void fw_spread_start(struct fw_spread *spread, size_t unit_count) {
    *spread = (struct fw_spread){.unit_count = unit_count};
    spread->first = ARENA_ARRAY(&spread->arena, uint32_t, unit_count + 1);
    memset(spread->first, 0xff, (unit_count + 1) * sizeof *spread->first); /* FW_NONE */
}

void fw_spread_edge(struct fw_spread *spread, uint32_t from, uint32_t to) {
    uint32_t first = spread->first[from];
    if (first != FW_NONE && spread->edges[first].to == to) return;
    spread->edges = arena_grow(&spread->arena, spread->edges, spread->edge_count,
                               &spread->edge_capacity, sizeof *spread->edges);
    spread->edges[spread->edge_count] = (struct fw_spread_edge){to, first};
    spread->first[from] = (uint32_t)spread->edge_count++;
}

void fw_spread_run(struct fw_spread *spread, bool *marked) {
    uint32_t *stack = ARENA_ARRAY(&spread->arena, uint32_t, spread->unit_count + 1);
    size_t depth = 0;
    for (uint32_t u = 0; u < spread->unit_count; u++) {
        if (marked[u]) stack[depth++] = u;
    }
    while (depth) {
        uint32_t edge = spread->first[stack[--depth]];
        for (; edge != FW_NONE; edge = spread->edges[edge].next) {
            uint32_t to = spread->edges[edge].to;
            if (marked[to]) continue;
            marked[to] = true;
            stack[depth++] = to;
        }
    }
}

void fw_spread_end(struct fw_spread *spread) {
    arena_free(&spread->arena);
}
