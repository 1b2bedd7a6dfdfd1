// Small integers of 1, 2, 4 or 8 bytes read one at a time.
#ifndef CSIMD_INTS_H
#define CSIMD_INTS_H

#include <stddef.h>
#include <stdint.h>

static inline int64_t int_at(const void *p, int bytes, size_t i) {
    switch (bytes) {
    case 1: return ((const int8_t *)p)[i];
    case 2: return ((const int16_t *)p)[i];
    case 4: return ((const int32_t *)p)[i];
    default: return ((const int64_t *)p)[i];
    }
}

#endif
