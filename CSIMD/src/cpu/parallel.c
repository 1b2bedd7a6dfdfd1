#define _GNU_SOURCE
#include "csimd_parallel.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

// The OpenMP runtime's own entry points: calling them needs no compiler flag.
extern void GOMP_parallel(void (*fn)(void *), void *data, unsigned threads, unsigned flags);

static _Atomic int thread_count = 0;
static _Thread_local int inside = 0;

int csimd_thread_count(void) {
    int count = atomic_load_explicit(&thread_count, memory_order_relaxed);
    if (count > 0) {
        return count;
    }
    const char *asked = getenv("OMP_NUM_THREADS");
    if (asked != NULL && atoi(asked) > 0) {
        count = atoi(asked);
    } else {
        cpu_set_t set;
        count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    }
    if (count < 1) count = 1;
    if (count > 1024) count = 1024;
    atomic_store_explicit(&thread_count, count, memory_order_relaxed);
    return count;
}

void csimd_set_thread_count(int threads) {
    if (threads < 1) threads = 1;
    if (threads > 1024) threads = 1024;
    atomic_store_explicit(&thread_count, threads, memory_order_relaxed);
}

struct job {
    size_t count;
    void (*body)(void *, size_t);
    void *context;
    _Atomic size_t next;
};

static void work(void *data) {
    struct job *job = data;
    inside++;
    for (;;) {
        size_t i = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);
        if (i >= job->count) break;
        job->body(job->context, i);
    }
    inside--;
}

void csimd_parallel_for(size_t count, void (*body)(void *, size_t), void *context) {
    int threads = csimd_thread_count();
    if (threads == 1 || count < 2 || inside) {
        for (size_t i = 0; i < count; i++) body(context, i);
        return;
    }
    struct job job = {.count = count, .body = body, .context = context};
    atomic_init(&job.next, 0);
    if ((size_t)threads > count) threads = (int)count;
    GOMP_parallel(work, &job, (unsigned)threads, 0);
}
