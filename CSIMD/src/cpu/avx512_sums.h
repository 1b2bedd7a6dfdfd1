/// Sums across the lanes of AVX-512 vectors, for the kernels that end in many dot products at a time.
#ifndef CSIMD_SRC_CPU_AVX512_SUMS_H
#define CSIMD_SRC_CPU_AVX512_SUMS_H

#include <immintrin.h>

/// Lane i of the result is the sum of the 16 lanes of `a[i]`, for 16 vectors, modulo 2^32.
__attribute__((always_inline, target("avx512f"))) static inline __m512i avx512_sum_lanes(const __m512i *a) {
    __m512i b[8], c[4], d[2];
    for (int i = 0; i < 8; i++) {
        b[i] = _mm512_add_epi32(
            _mm512_unpacklo_epi32(a[2 * i], a[2 * i + 1]), _mm512_unpackhi_epi32(a[2 * i], a[2 * i + 1]));
    }
    // Words 0, 2 and 1, 3 of each 128 bits of b[i] are partial sums of a[2i] and a[2i + 1].
    for (int i = 0; i < 4; i++) {
        c[i] = _mm512_add_epi32(
            _mm512_unpacklo_epi64(b[2 * i], b[2 * i + 1]), _mm512_unpackhi_epi64(b[2 * i], b[2 * i + 1]));
    }
    for (int i = 0; i < 2; i++) {
        d[i] = _mm512_add_epi32(
            _mm512_shuffle_i64x2(c[2 * i], c[2 * i + 1], 0x88), _mm512_shuffle_i64x2(c[2 * i], c[2 * i + 1], 0xdd));
    }
    return _mm512_add_epi32(_mm512_shuffle_i64x2(d[0], d[1], 0x88), _mm512_shuffle_i64x2(d[0], d[1], 0xdd));
}

#endif
