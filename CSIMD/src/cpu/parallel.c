#define _GNU_SOURCE
#include "csimd_parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

// A pool of our own and not OpenMP's: on a shared machine GCC's runtime spins at its barriers for so long that, with
// other work on the processors, a proof took twenty times its CPU time. Whoever waits here spins for some microseconds,
// which is what the gap between two loops of one sumcheck round needs; then offers its processor to others for two
// milliseconds, because to wake a sleeping thread takes 20 to 40 microseconds on a virtual machine; and then, or when
// somebody took the offer, sleeps: a thread that is woken comes before threads that have had their time, one that waits
// its turn does not.

enum { SPINS = 1024, MAX_THREADS = 256 };
static const int64_t AWAKE_NANOSECONDS = 2000000, TAKEN_NANOSECONDS = 50000;

static _Atomic int thread_count = 0;
static _Thread_local int inside = 0;

// Indices `first..<end` of a loop that are not yet taken, in one word. Each thread has a share of the range of indices, always
// the same part of it, and takes from its front; when it is empty, from the ends of the others'. So where one loop reads
// what the one before has written, as the rounds of a sumcheck do, each thread finds most of it in its own cache.
typedef struct Share {
    _Alignas(64) _Atomic uint64_t taken;
} Share;

#define SHARE(first, end) ((uint64_t)(first) | (uint64_t)(end) << 32)
#define FIRST(share) ((uint32_t)(share))
#define END(share) ((uint32_t)((share) >> 32))

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

// Held by the thread whose loop the pool runs; others that come meanwhile run theirs alone.
static pthread_mutex_t user = PTHREAD_MUTEX_INITIALIZER;

static struct {
    // The current loop in one word: a number that rises by one for each loop, whether workers may still join, how many
    // more may, and how many are inside. The caller ends a loop when it is out of indices and waits for workers that
    // are inside, not for those that are still waking up.
    _Atomic uint64_t state;
    // Guards sleeping and waking.
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_cond_t done;
    int workers;
    int sleeping;
    int caller_sleeps;
    // What is called for each index, or, where it is NULL, once on each thread.
    void (*body)(void *, size_t);
    void (*takers)(void *);
    void *context;
    int shares;
    Share share[MAX_THREADS];
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

#define INSIDE(state) ((state) & 0xffff)
#define ONE_PLACE ((uint64_t)1 << 16)
#define PLACES(state) ((state) >> 16 & 0x7fff)
#define OPEN ((uint64_t)1 << 31)
#define NUMBER(state) ((uint32_t)((state) >> 32))

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

typedef struct Waiting {
    int steps;
    int64_t since, last;
} Waiting;

static inline int64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// One step of waiting; 0 when it is time to sleep.
static inline int wait_awake(Waiting *waiting) {
    if (waiting->steps < SPINS) {
        if (++waiting->steps == SPINS) waiting->since = waiting->last = nanoseconds();
        relax();
        return 1;
    }
    sched_yield();
    int64_t before = waiting->last;
    waiting->last = nanoseconds();
    return waiting->last - before < TAKEN_NANOSECONDS && waiting->last - waiting->since < AWAKE_NANOSECONDS;
}

// Takes an index of a share, from its front or its end; 0 if it is empty.
static inline int take(Share *share, int front, uint32_t *index) {
    uint64_t now = atomic_load_explicit(&share->taken, memory_order_relaxed);
    while (FIRST(now) < END(now)) {
        uint64_t rest = front ? SHARE(FIRST(now) + 1, END(now)) : SHARE(FIRST(now), END(now) - 1);
        if (atomic_compare_exchange_weak_explicit(&share->taken, &now, rest, memory_order_relaxed,
                                                  memory_order_relaxed)) {
            *index = front ? FIRST(now) : END(now) - 1;
            return 1;
        }
    }
    return 0;
}

// Where the calling thread takes its indices: from the shares, of which it has emptied some, or from a range of its own.
// Loops inside others have their own.
typedef struct Source {
    int pooled, thread, emptied;
    size_t next, end;
} Source;
static _Thread_local Source source;

int csimd_next_index(size_t *index) {
    if (!source.pooled) {
        *index = source.next;
        return source.next++ < source.end;
    }
    int shares = pool.shares;
    for (; source.emptied < shares; source.emptied++) {
        uint32_t i;
        if (take(&pool.share[(source.thread + source.emptied) % shares], source.emptied == 0, &i)) {
            *index = i;
            return 1;
        }
    }
    return 0;
}

static void take_part(int thread) {
    Source outer = source;
    source = (Source){.pooled = 1, .thread = thread};
    inside++;
    if (pool.body == NULL) {
        pool.takers(pool.context);
    } else {
        size_t i;
        while (csimd_next_index(&i)) pool.body(pool.context, i);
    }
    inside--;
    source = outer;
}

// Joins the loop with this number, unless it has ended or is full.
static int join(uint32_t number) {
    uint64_t state = atomic_load_explicit(&pool.state, memory_order_acquire);
    while (NUMBER(state) == number && (state & OPEN) && PLACES(state) > 0) {
        if (atomic_compare_exchange_weak_explicit(&pool.state, &state, state - ONE_PLACE + 1, memory_order_acquire,
                                                  memory_order_acquire))
            return 1;
    }
    return 0;
}

static void *worker(void *own) {
    int thread = (int)(intptr_t)own;
    uint32_t seen = 0;
    for (;;) {
        Waiting waiting = {0};
        uint32_t number;
        while ((number = NUMBER(atomic_load_explicit(&pool.state, memory_order_acquire))) == seen) {
            if (wait_awake(&waiting)) continue;
            pthread_mutex_lock(&pool.lock);
            pool.sleeping++;
            while (NUMBER(atomic_load_explicit(&pool.state, memory_order_acquire)) == seen)
                pthread_cond_wait(&pool.wake, &pool.lock);
            pool.sleeping--;
            pthread_mutex_unlock(&pool.lock);
        }
        seen = number;
        if (!join(number)) continue;
        take_part(thread);
        uint64_t before = atomic_fetch_sub_explicit(&pool.state, 1, memory_order_acq_rel);
        if (!(before & OPEN) && INSIDE(before) == 1) {
            pthread_mutex_lock(&pool.lock);
            if (pool.caller_sleeps) pthread_cond_signal(&pool.done);
            pthread_mutex_unlock(&pool.lock);
        }
    }
    return NULL;
}

static void start_workers(int wanted) {
    while (pool.workers < wanted) {
        pthread_t thread;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attributes, 8 << 20);
        int failed = pthread_create(&thread, &attributes, worker, (void *)(intptr_t)(pool.workers + 1));
        pthread_attr_destroy(&attributes);
        if (failed) break;
        pool.workers++;
    }
}

int csimd_free_thread_count(void) { return inside ? 1 : csimd_thread_count(); }

// Runs a loop on the pool; 0 where that is not to be, or others have it.
static int run_on_pool(size_t count, void (*body)(void *, size_t), void (*takers)(void *), void *context) {
    int threads = csimd_free_thread_count();
    if (threads == 1 || count < 2 || count > UINT32_MAX || pthread_mutex_trylock(&user) != 0) return 0;
    start_workers(threads - 1);
    uint64_t places = count - 1 < (size_t)(threads - 1) ? count - 1 : (size_t)(threads - 1);
    pool.body = body;
    pool.takers = takers;
    pool.context = context;
    pool.shares = threads;
    for (int k = 0; k < threads; k++) {
        uint64_t share = SHARE(count * (size_t)k / (size_t)threads, count * (size_t)(k + 1) / (size_t)threads);
        atomic_store_explicit(&pool.share[k].taken, share, memory_order_relaxed);
    }
    uint64_t number = NUMBER(atomic_load_explicit(&pool.state, memory_order_relaxed)) + (uint64_t)1;
    pthread_mutex_lock(&pool.lock);
    atomic_store_explicit(&pool.state, number << 32 | OPEN | places * ONE_PLACE, memory_order_release);
    int wakes = pool.sleeping < (int)places ? pool.sleeping : (int)places;
    while (wakes-- > 0) pthread_cond_signal(&pool.wake);
    pthread_mutex_unlock(&pool.lock);

    take_part(0);
    uint64_t left = INSIDE(atomic_fetch_and_explicit(&pool.state, ~OPEN, memory_order_acq_rel));
    Waiting waiting = {0};
    while (left > 0 && wait_awake(&waiting)) left = INSIDE(atomic_load_explicit(&pool.state, memory_order_acquire));
    if (left > 0) {
        pthread_mutex_lock(&pool.lock);
        pool.caller_sleeps = 1;
        while (INSIDE(atomic_load_explicit(&pool.state, memory_order_acquire)) > 0)
            pthread_cond_wait(&pool.done, &pool.lock);
        pool.caller_sleeps = 0;
        pthread_mutex_unlock(&pool.lock);
    }
    pthread_mutex_unlock(&user);
    return 1;
}

void csimd_parallel_for(size_t count, void (*body)(void *, size_t), void *context) {
    if (run_on_pool(count, body, NULL, context)) return;
    for (size_t i = 0; i < count; i++) body(context, i);
}

void csimd_parallel_takers(size_t count, void (*body)(void *), void *context) {
    if (run_on_pool(count, NULL, body, context)) return;
    Source outer = source;
    source = (Source){.end = count};
    body(context);
    source = outer;
}
