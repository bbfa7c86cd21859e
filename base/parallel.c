/* See parallel.h. */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { THREADS_MAXIMUM = 16 };

struct work {
    parallel_task task;
    void *context;
    size_t count;
    atomic_size_t next;
    cpu_set_t cores; /* that the process may use */
};

static bool find_cores(cpu_set_t *cores) {
    return sched_getaffinity(0, sizeof *cores, cores) == 0;
}

static size_t count_cores(const cpu_set_t *cores) {
    int count = CPU_COUNT(cores);
    return count < 1 ? 1 : count > THREADS_MAXIMUM ? THREADS_MAXIMUM : (size_t)count;
}

size_t parallel_cores(void) {
    cpu_set_t cores;
    return find_cores(&cores) ? count_cores(&cores) : 1;
}

static void *run(void *argument) {
    struct work *work = argument;
    for (size_t i; (i = atomic_fetch_add(&work->next, 1)) < work->count;)
        work->task(work->context, i);
    return NULL;
}

/* From here on the scheduler may move the thread to where it thinks best. */
static void *run_placed(void *argument) {
    struct work *work = argument;
    (void)sched_setaffinity(0, sizeof work->cores, &work->cores);
    return run(argument);
}

/* The scheduler often starts a thread on the core of the one that made it, and takes longer to
 * find the idle core beside it than most of our work lasts. So it starts elsewhere; where that
 * is refused, anywhere. */
static bool start(pthread_t *thread, struct work *work) {
    pthread_attr_t attributes;
    cpu_set_t elsewhere = work->cores;
    int here = sched_getcpu();
    bool placed = false;
    if (here >= 0 && here < CPU_SETSIZE) CPU_CLR((size_t)here, &elsewhere);
    if (CPU_COUNT(&elsewhere) > 0 && pthread_attr_init(&attributes) == 0) {
        placed = pthread_attr_setaffinity_np(&attributes, sizeof elsewhere, &elsewhere) == 0 &&
                 pthread_create(thread, &attributes, run_placed, work) == 0;
        pthread_attr_destroy(&attributes);
    }
    return placed || pthread_create(thread, NULL, run, work) == 0;
}

void parallel_run(size_t count, parallel_task task, void *context) {
    struct work work = {.task = task, .context = context, .count = count};
    pthread_t threads[THREADS_MAXIMUM];
    size_t cores = find_cores(&work.cores) ? count_cores(&work.cores) : 1, started = 0;
    while (started + 1 < cores && started + 1 < count && start(&threads[started], &work))
        started++;
    run(&work);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}
