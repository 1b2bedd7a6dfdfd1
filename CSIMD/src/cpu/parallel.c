#define _GNU_SOURCE
#include "csimd_parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

// A pool of our own and not OpenMP's: on a shared machine GCC's runtime spins at its barriers for so long that, with other
// work on the processors, a proof took twenty times its CPU time. Workers here spin for some microseconds, which is what
// the gap between two loops of one sumcheck round needs, and then sleep.

enum { SPINS = 2000, MAX_THREADS = 256 };

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
    csimd_set_thread_count(count);
    return csimd_thread_count();
}

void csimd_set_thread_count(int threads) {
    if (threads < 1) threads = 1;
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    atomic_store_explicit(&thread_count, threads, memory_order_relaxed);
}

static struct {
    // Held by the thread whose loop the pool runs; others that come meanwhile run theirs alone.
    pthread_mutex_t user;
    // Guards sleeping and waking.
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_cond_t done;
    int workers;
    // Rises by one for each loop; a worker that sees a new value takes part.
    _Atomic unsigned generation;
    // Workers that have not finished with the current loop.
    _Atomic int busy;
    int sleeping;
    int caller_sleeps;
    size_t count;
    void (*body)(void *, size_t);
    void *context;
    _Atomic size_t next;
} pool = {.user = PTHREAD_MUTEX_INITIALIZER,
          .lock = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER};

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void take_part(void) {
    inside++;
    for (;;) {
        size_t i = atomic_fetch_add_explicit(&pool.next, 1, memory_order_relaxed);
        if (i >= pool.count) break;
        pool.body(pool.context, i);
    }
    inside--;
}

static void *worker(void *unused) {
    (void)unused;
    unsigned seen = 0;
    for (;;) {
        int spins = 0;
        while (atomic_load_explicit(&pool.generation, memory_order_acquire) == seen) {
            if (++spins < SPINS) {
                relax();
                continue;
            }
            pthread_mutex_lock(&pool.lock);
            pool.sleeping++;
            while (atomic_load_explicit(&pool.generation, memory_order_acquire) == seen)
                pthread_cond_wait(&pool.wake, &pool.lock);
            pool.sleeping--;
            pthread_mutex_unlock(&pool.lock);
        }
        seen++;
        take_part();
        if (atomic_fetch_sub_explicit(&pool.busy, 1, memory_order_acq_rel) == 1) {
            pthread_mutex_lock(&pool.lock);
            if (pool.caller_sleeps) pthread_cond_signal(&pool.done);
            pthread_mutex_unlock(&pool.lock);
        }
    }
    return NULL;
}

void csimd_parallel_for(size_t count, void (*body)(void *, size_t), void *context) {
    int threads = csimd_thread_count();
    if (threads == 1 || count < 2 || inside || pthread_mutex_trylock(&pool.user) != 0) {
        for (size_t i = 0; i < count; i++) body(context, i);
        return;
    }
    // Workers are started once, at generation zero, before the first loop that wants them.
    while (pool.workers < threads - 1 && atomic_load(&pool.generation) == 0) {
        pthread_t thread;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attributes, 8 << 20);
        int failed = pthread_create(&thread, &attributes, worker, NULL);
        pthread_attr_destroy(&attributes);
        if (failed) break;
        pool.workers++;
    }
    if (pool.workers == 0) {
        pthread_mutex_unlock(&pool.user);
        for (size_t i = 0; i < count; i++) body(context, i);
        return;
    }
    pool.count = count;
    pool.body = body;
    pool.context = context;
    atomic_store_explicit(&pool.next, 0, memory_order_relaxed);
    atomic_store_explicit(&pool.busy, pool.workers, memory_order_relaxed);
    pthread_mutex_lock(&pool.lock);
    atomic_fetch_add_explicit(&pool.generation, 1, memory_order_release);
    if (pool.sleeping > 0) pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);

    take_part();
    for (int spins = 0; spins < SPINS && atomic_load_explicit(&pool.busy, memory_order_acquire) > 0; spins++) relax();
    if (atomic_load_explicit(&pool.busy, memory_order_acquire) > 0) {
        pthread_mutex_lock(&pool.lock);
        pool.caller_sleeps = 1;
        while (atomic_load_explicit(&pool.busy, memory_order_acquire) > 0) pthread_cond_wait(&pool.done, &pool.lock);
        pool.caller_sleeps = 0;
        pthread_mutex_unlock(&pool.lock);
    }
    pthread_mutex_unlock(&pool.user);
}
