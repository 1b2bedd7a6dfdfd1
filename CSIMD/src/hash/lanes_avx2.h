// Eight lanes of 32-bit words in AVX2 registers: what blake3_lanes.h and sha256_lanes.h are written over.
#ifndef CSIMD_LANES_AVX2_H
#define CSIMD_LANES_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LANES 8
#define TARGET __attribute__((target("avx2")))
typedef uint32_t vec __attribute__((vector_size(32)));
#define splat(x) ((vec)_mm256_set1_epi32((int)(x)))
/// base + i in lane i.
#define ascending(base)                                                                                                \
    ((vec)_mm256_add_epi32(_mm256_set1_epi32((int)(base)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)))

/// Transposes the 4 x 4 words in each 128-bit part: word i of part k of out[j] is word j of part k of in[i].
TARGET static inline __attribute__((always_inline)) void transpose_parts(__m256i out[4], const __m256i in[4]) {
    __m256i a = _mm256_unpacklo_epi32(in[0], in[1]), b = _mm256_unpackhi_epi32(in[0], in[1]);
    __m256i c = _mm256_unpacklo_epi32(in[2], in[3]), d = _mm256_unpackhi_epi32(in[2], in[3]);
    out[0] = _mm256_unpacklo_epi64(a, c);
    out[1] = _mm256_unpackhi_epi64(a, c);
    out[2] = _mm256_unpacklo_epi64(b, d);
    out[3] = _mm256_unpackhi_epi64(b, d);
}

/// m[j] = word j of the 64-byte block at lane[i] + offset, in lane i, in the byte order of memory.
TARGET static inline __attribute__((always_inline)) void load_blocks(vec m[16], const uint8_t *const *lane,
                                                                     size_t offset) {
    // Part k of a vector takes four words of message 4k + i, so that only the transposition inside the parts is left.
#pragma clang loop unroll(full)
    for (int q = 0; q < 4; q++) {
        __m256i x[4], t[4];
#pragma clang loop unroll(full)
        for (int i = 0; i < 4; i++) {
            size_t at = offset + 16 * (size_t)q;
            x[i] = _mm256_castsi128_si256(_mm_loadu_si128((const void *)(lane[i] + at)));
            x[i] = _mm256_inserti128_si256(x[i], _mm_loadu_si128((const void *)(lane[4 + i] + at)), 1);
        }
        transpose_parts(t, x);
#pragma clang loop unroll(full)
        for (int i = 0; i < 4; i++) m[4 * q + i] = (vec)t[i];
    }
}

/// The reverse for 32-byte digests, one after the other.
TARGET static inline __attribute__((always_inline)) void store_digests(const vec h[8], uint8_t *out) {
    __m256i x[8], low[4], high[4];
    for (int i = 0; i < 8; i++) x[i] = (__m256i)h[i];
    transpose_parts(low, x);
    transpose_parts(high, x + 4);
    // Part k of low[i] and high[i] are the halves of digest 4k + i.
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_si256((void *)(out + 32 * i), _mm256_permute2x128_si256(low[i], high[i], 0x20));
        _mm256_storeu_si256((void *)(out + 32 * (4 + i)), _mm256_permute2x128_si256(low[i], high[i], 0x31));
    }
}

/// Reverses the bytes of each word.
TARGET static inline __attribute__((always_inline, unused)) vec swap_bytes(vec x) {
    const __m128i order = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    return (vec)_mm256_shuffle_epi8((__m256i)x, _mm256_broadcastsi128_si256(order));
}

#endif
