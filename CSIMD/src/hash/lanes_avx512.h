// 16 lanes of 32-bit words in AVX-512 registers: what blake3_lanes.h and sha256_lanes.h are written over.
#ifndef CSIMD_LANES_AVX512_H
#define CSIMD_LANES_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LANES 16
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
typedef uint32_t vec __attribute__((vector_size(64)));
#define splat(x) ((vec)_mm512_set1_epi32((int)(x)))
/// base + i in lane i.
#define ascending(base)                                                                                                \
    ((vec)_mm512_add_epi32(_mm512_set1_epi32((int)(base)),                                                             \
                           _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)))

/// Transposes the 4 x 4 words in each 128-bit part: word i of part k of out[j] is word j of part k of in[i].
TARGET static inline __attribute__((always_inline)) void transpose_parts(__m512i out[4], const __m512i in[4]) {
    __m512i a = _mm512_unpacklo_epi32(in[0], in[1]), b = _mm512_unpackhi_epi32(in[0], in[1]);
    __m512i c = _mm512_unpacklo_epi32(in[2], in[3]), d = _mm512_unpackhi_epi32(in[2], in[3]);
    out[0] = _mm512_unpacklo_epi64(a, c);
    out[1] = _mm512_unpackhi_epi64(a, c);
    out[2] = _mm512_unpacklo_epi64(b, d);
    out[3] = _mm512_unpackhi_epi64(b, d);
}

/// m[j] = word j of the 64-byte block at lane[i] + offset, in lane i, in the byte order of memory.
TARGET static inline __attribute__((always_inline)) void load_blocks(vec m[16], const uint8_t *const *lane,
                                                                     size_t offset) {
    // Part k of a vector takes four words of message 4k + i, so that only the transposition inside the parts is left:
    // masked loads cost no shuffle.
#pragma clang loop unroll(full)
    for (int q = 0; q < 4; q++) {
        __m512i x[4], t[4];
#pragma clang loop unroll(full)
        for (int i = 0; i < 4; i++) {
            size_t at = offset + 16 * (size_t)q;
            x[i] = _mm512_castsi128_si512(_mm_loadu_si128((const void *)(lane[i] + at)));
            x[i] = _mm512_mask_broadcast_i32x4(x[i], 0x00f0, _mm_loadu_si128((const void *)(lane[4 + i] + at)));
            x[i] = _mm512_mask_broadcast_i32x4(x[i], 0x0f00, _mm_loadu_si128((const void *)(lane[8 + i] + at)));
            x[i] = _mm512_mask_broadcast_i32x4(x[i], 0xf000, _mm_loadu_si128((const void *)(lane[12 + i] + at)));
        }
        transpose_parts(t, x);
#pragma clang loop unroll(full)
        for (int i = 0; i < 4; i++) m[4 * q + i] = (vec)t[i];
    }
}

/// The reverse for 32-byte digests, one after the other.
TARGET static inline __attribute__((always_inline)) void store_digests(const vec h[8], uint8_t *out) {
    __m512i x[8], low[4], high[4];
    for (int i = 0; i < 8; i++) x[i] = (__m512i)h[i];
    transpose_parts(low, x);
    transpose_parts(high, x + 4);
    // Part k of low[i] and high[i] are the halves of digest 4k + i.
    const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const __m512i second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
        __m512i a = _mm512_permutex2var_epi64(low[i], first, high[i]);
        __m512i b = _mm512_permutex2var_epi64(low[i], second, high[i]);
        _mm256_storeu_si256((void *)(out + 32 * i), _mm512_castsi512_si256(a));
        _mm256_storeu_si256((void *)(out + 32 * (4 + i)), _mm512_extracti64x4_epi64(a, 1));
        _mm256_storeu_si256((void *)(out + 32 * (8 + i)), _mm512_castsi512_si256(b));
        _mm256_storeu_si256((void *)(out + 32 * (12 + i)), _mm512_extracti64x4_epi64(b, 1));
    }
}

/// Reverses the bytes of each word.
TARGET static inline __attribute__((always_inline, unused)) vec swap_bytes(vec x) {
    const __m128i order = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    return (vec)_mm512_shuffle_epi8((__m512i)x, _mm512_broadcast_i32x4(order));
}

#endif
