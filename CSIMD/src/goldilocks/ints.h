// Small integers of 1, 2, 4 or 8 bytes read one at a time.
#ifndef CSIMD_INTS_H
#define CSIMD_INTS_H

#include "../../include/csimd_parallel.h"
#include <stddef.h>
#include <stdint.h>

static inline int64_t int_at(const void *p, int bytes, size_t i) {
    switch (bytes) {
    case 1:
        return ((const int8_t *)p)[i];
    case 2:
        return ((const int16_t *)p)[i];
    case 4:
        return ((const int32_t *)p)[i];
    default:
        return ((const int64_t *)p)[i];
    }
}

/// csimd_parallel_for, or a plain loop where the work is not worth threads.
static inline void parallel_if(int worth, size_t count, void (*body)(void *context, size_t index), void *context) {
    if (worth)
        csimd_parallel_for(count, body, context);
    else
        for (size_t i = 0; i < count; i++) body(context, i);
}

#endif
