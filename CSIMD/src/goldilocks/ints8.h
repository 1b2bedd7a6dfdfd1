// Eight small integers widened to 64-bit lanes.
#ifndef CSIMD_INTS8_H
#define CSIMD_INTS8_H

#include "avx512_field.h"
#include <string.h>

AVX512_INLINE v8 ints8(const void *p, int bytes, size_t i) {
    switch (bytes) {
    case 1:
        return _mm512_cvtepi8_epi64(_mm_loadl_epi64((const __m128i *)((const int8_t *)p + i)));
    case 2:
        return _mm512_cvtepi16_epi64(_mm_loadu_si128((const __m128i *)((const int16_t *)p + i)));
    default:
        return _mm512_cvtepi32_epi64(_mm256_loadu_si256((const __m256i *)((const int32_t *)p + i)));
    }
}

/// Calls the form for 1, 2 or 4 bytes; other sizes are left to the portable form.
#define BY_SIZE(bytes, function, one, two, four)                                                                       \
    switch (bytes) {                                                                                                   \
    case 1:                                                                                                            \
        return function one;                                                                                           \
    case 2:                                                                                                            \
        return function two;                                                                                           \
    case 4:                                                                                                            \
        return function four;                                                                                          \
    default:                                                                                                           \
        return 0;                                                                                                      \
    }

#endif
