/* See parallel.h. */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { THREADS_MAXIMUM = 16 };

struct work {
    parallel_task task;
    void *context;
    size_t count;
    atomic_size_t next;
};

size_t parallel_cores(void) {
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
    int count = CPU_COUNT(&cores);
    return count < 1 ? 1 : count > THREADS_MAXIMUM ? THREADS_MAXIMUM : (size_t)count;
}

static void *run(void *argument) {
    struct work *work = argument;
    for (size_t i; (i = atomic_fetch_add(&work->next, 1)) < work->count;)
        work->task(work->context, i);
    return NULL;
}

void parallel_run(size_t count, parallel_task task, void *context) {
    struct work work = {.task = task, .context = context, .count = count};
    pthread_t threads[THREADS_MAXIMUM];
    size_t cores = parallel_cores(), started = 0;
    while (started + 1 < cores && started + 1 < count &&
           pthread_create(&threads[started], NULL, run, &work) == 0) {
        started++;
    }
    run(&work);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}
