// Small integers of 1, 2 or 4 bytes widened to 64-bit lanes. Shared with BN254. For AVX2 or AVX-512, whichever field
// header was included before.
#ifndef CSIMD_INTS_WIDE_H
#define CSIMD_INTS_WIDE_H

#include <string.h>

#if defined(AVX512)
AVX512_INLINE v8 ints8(const void *p, int bytes, size_t i) {
    switch (bytes) {
    case 1:
        return _mm512_cvtepi8_epi64(_mm_loadl_epi64((const __m128i *)((const char *)p + i)));
    case 2:
        return _mm512_cvtepi16_epi64(_mm_loadu_si128((const __m128i *)((const char *)p + 2 * i)));
    default:
        return _mm512_cvtepi32_epi64(_mm256_loadu_si256((const __m256i *)((const char *)p + 4 * i)));
    }
}
#else
AVX2_INLINE v4 ints4(const void *p, int bytes, size_t i) {
    int four;
    switch (bytes) {
    case 1:
        memcpy(&four, (const char *)p + i, 4);
        return _mm256_cvtepi8_epi64(_mm_cvtsi32_si128(four));
    case 2:
        return _mm256_cvtepi16_epi64(_mm_loadl_epi64((const __m128i *)((const char *)p + 2 * i)));
    default:
        return _mm256_cvtepi32_epi64(_mm_loadu_si128((const __m128i *)((const char *)p + 4 * i)));
    }
}

/// The even and the odd ones of eight integers.
AVX2_INLINE void ints4_pairs(const void *p, int bytes, size_t i, v4 *even, v4 *odd) {
    const v4 a = ints4(p, bytes, i), b = ints4(p, bytes, i + 4);
    *even = _mm256_permute4x64_epi64(_mm256_unpacklo_epi64(a, b), 0xd8);
    *odd = _mm256_permute4x64_epi64(_mm256_unpackhi_epi64(a, b), 0xd8);
}
#endif

#endif
