/// One parallel-for over one pool of threads, used by C and Swift alike.
#ifndef CSIMD_PARALLEL_H
#define CSIMD_PARALLEL_H

#include <stddef.h>

/// Calls `body(context, i)` once for each `i` in `0..<count`, on up to `csimd_thread_count()` threads; returns when all
/// calls have returned. Each thread takes indices from the front of a part of the range that is always its own, then
/// from the ends of the others' parts. Nested calls, and calls while another thread's loop has the pool, run on the
/// calling thread alone.
void csimd_parallel_for(size_t count, void (*body)(void *context, size_t index), void *context);

/// The same loop for those who keep something from one index to the next: calls `body(context)` once on each thread that
/// takes part, which is to call `csimd_next_index` until there is none. A thread may find none left.
void csimd_parallel_takers(size_t count, void (*body)(void *context), void *context);

/// The next index for the calling thread, which is in `body` of the loop above; 0 if there is none.
int csimd_next_index(size_t *index);

/// The number of threads in use: `csimd_set_thread_count`'s, else `OMP_NUM_THREADS`, else the processors allowed.
int csimd_thread_count(void);

/// The number of threads for a loop that the calling thread would start: 1 inside another loop.
int csimd_free_thread_count(void);

/// Sets the number of threads (1 to 256), from the next loop on.
void csimd_set_thread_count(int threads);

#endif
