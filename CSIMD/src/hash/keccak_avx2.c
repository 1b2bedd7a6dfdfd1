#include "keccak_internal.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define LANES 4
#define TARGET __attribute__((target("avx2")))
typedef uint64_t vec __attribute__((vector_size(32)));
#define splat(x) ((vec)_mm256_set1_epi64x((long long)(x)))

/// Word i of out[j] is word j of in[i].
TARGET static inline __attribute__((always_inline)) void transpose(__m256i out[4], const __m256i in[4]) {
    __m256i a = _mm256_unpacklo_epi64(in[0], in[1]), b = _mm256_unpackhi_epi64(in[0], in[1]);
    __m256i c = _mm256_unpacklo_epi64(in[2], in[3]), d = _mm256_unpackhi_epi64(in[2], in[3]);
    out[0] = _mm256_permute2x128_si256(a, c, 0x20);
    out[1] = _mm256_permute2x128_si256(b, d, 0x20);
    out[2] = _mm256_permute2x128_si256(a, c, 0x31);
    out[3] = _mm256_permute2x128_si256(b, d, 0x31);
}

TARGET static inline __attribute__((always_inline)) void load_words(vec m[8], const uint8_t *const *lane,
                                                                    size_t offset) {
#pragma clang loop unroll(full)
    for (int half = 0; half < 2; half++) {
        __m256i rows[4], words[4];
        for (int i = 0; i < 4; i++) rows[i] = _mm256_loadu_si256((const void *)(lane[i] + offset + 32 * half));
        transpose(words, rows);
        for (int i = 0; i < 4; i++) m[4 * half + i] = (vec)words[i];
    }
}

TARGET static inline __attribute__((always_inline)) vec load_word(const uint8_t *const *lane, size_t offset) {
    uint64_t words[4];
    for (int i = 0; i < 4; i++) __builtin_memcpy(&words[i], lane[i] + offset, 8);
    return (vec)_mm256_loadu_si256((const void *)words);
}

TARGET static inline __attribute__((always_inline)) void store_digests(const vec h[4], uint8_t *out) {
    __m256i rows[4], digests[4];
    for (int i = 0; i < 4; i++) rows[i] = (__m256i)h[i];
    transpose(digests, rows);
    for (int i = 0; i < 4; i++) _mm256_storeu_si256((void *)(out + 32 * i), digests[i]);
}

#include "keccak_lanes.h"

const struct csimd_lane_hash csimd_keccak256_avx2 = {LANES, messages, pairs};

#endif
