/* Independent pieces of work on the machine's cores.
 *
 * parallel_run() calls task(context, i) once for each i below `count` and comes back when
 * all are done. On one core, or where no thread can be started, the caller's thread does
 * them in order. Which thread does which piece, and when, is not said: results stay the
 * same from run to run only when each piece writes what is its own, and the caller puts
 * the pieces together in the order of i.
 *
 * Memory of a piece comes from an arena of its own. A piece may call parallel_run(). */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include <stddef.h>

typedef void (*parallel_task)(void *context, size_t i);

void parallel_run(size_t count, parallel_task task, void *context);
/* Cores that this process may use, at least 1: into how many pieces to cut. */
size_t parallel_cores(void);

#endif
