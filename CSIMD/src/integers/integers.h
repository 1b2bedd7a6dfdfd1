/// Loops over vectors of small integers, which a compiler makes fast for the level that they are compiled for.
#ifndef INTEGERS_H
#define INTEGERS_H

#include "csimd_integers.h"

typedef struct split_task {
    const void *x;
    size_t count;
    int32_t add, offset, low, high;
    int shift;
    void *limb, *quotient;
} split_task;

/// For widths of x (2, 4), of limbs and of quotients (1, 2, 4): the loops by the widths' binary logarithms.
typedef int split_loop(const split_task *task);
typedef split_loop *split_loops[2][3][3];

extern const split_loops split_portable;
#if defined(__x86_64__)
extern const split_loops split_avx2, split_avx512;
#endif

#endif
