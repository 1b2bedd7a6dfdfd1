/// One parallel-for over one pool of threads, used by C and Swift alike.
#ifndef CSIMD_PARALLEL_H
#define CSIMD_PARALLEL_H

#include <stddef.h>

/// Calls `body(context, i)` once for each `i` in `0..<count`, on up to `csimd_thread_count()` threads; returns when all
/// calls have returned. Indices are handed out one at a time, in rising order. Nested calls, and calls
/// while another thread's loop has the pool, run on the calling thread alone.
void csimd_parallel_for(size_t count, void (*body)(void *context, size_t index), void *context);

/// The number of threads in use: `csimd_set_thread_count`'s, else `OMP_NUM_THREADS`, else the processors allowed.
int csimd_thread_count(void);

/// The number of threads for a loop that the calling thread would start: 1 inside another loop.
int csimd_free_thread_count(void);

/// Sets the number of threads (1 to 256), from the next loop on.
void csimd_set_thread_count(int threads);

#endif
