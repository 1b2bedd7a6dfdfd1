// Small integers of 1, 2, 4 or 8 bytes read one at a time.
#ifndef CSIMD_INTS_H
#define CSIMD_INTS_H

#include "../../include/csimd_parallel.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline int64_t int_at(const void *p, int bytes, size_t i) {
    // By copies, which need no alignment.
    const char *at = (const char *)p + i * (size_t)bytes;
    int16_t two;
    int32_t four;
    int64_t eight;
    switch (bytes) {
    case 1:
        return *(const int8_t *)at;
    case 2:
        memcpy(&two, at, 2);
        return two;
    case 4:
        memcpy(&four, at, 4);
        return four;
    default:
        memcpy(&eight, at, 8);
        return eight;
    }
}

/// The flip that makes digits of the bytes of an integer (byte_planes.h), repeated through a word.
static inline uint64_t digits_flip(int bytes) {
    return bytes == 1   ? 0
           : bytes == 2 ? 0x0080008000800080
           : bytes == 4 ? 0x0080808000808080
                        : 0x0080808080808080;
}

/// csimd_parallel_for, or a plain loop where the work is not worth threads.
static inline void parallel_if(int worth, size_t count, void (*body)(void *context, size_t index), void *context) {
    if (worth)
        csimd_parallel_for(count, body, context);
    else
        for (size_t i = 0; i < count; i++) body(context, i);
}

#endif
