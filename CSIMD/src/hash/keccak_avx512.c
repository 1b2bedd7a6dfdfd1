#include "keccak_internal.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define LANES 8
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
typedef uint64_t vec __attribute__((vector_size(64)));
#define splat(x) ((vec)_mm512_set1_epi64((long long)(x)))

/// Word i of out[j] is word j of in[i].
TARGET static inline __attribute__((always_inline)) void transpose(__m512i out[8], const __m512i in[8]) {
    __m512i a[8], b[8];
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm512_unpacklo_epi64(in[2 * i], in[2 * i + 1]);
        a[2 * i + 1] = _mm512_unpackhi_epi64(in[2 * i], in[2 * i + 1]);
    }
    // Part k of a[2i] and a[2i + 1] has words 2k and 2k + 1 of inputs 2i and 2i + 1.
#pragma clang loop unroll(full)
    for (int i = 0; i < 2; i++) {
        b[i] = _mm512_shuffle_i64x2(a[i], a[i + 2], 0x88);
        b[i + 2] = _mm512_shuffle_i64x2(a[i], a[i + 2], 0xdd);
        b[i + 4] = _mm512_shuffle_i64x2(a[i + 4], a[i + 6], 0x88);
        b[i + 6] = _mm512_shuffle_i64x2(a[i + 4], a[i + 6], 0xdd);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
        out[i] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0x88);
        out[i + 4] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0xdd);
    }
}

TARGET static inline __attribute__((always_inline)) void load_words(vec m[8], const uint8_t *const *lane,
                                                                    size_t offset) {
    __m512i rows[8], words[8];
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) rows[i] = _mm512_loadu_si512(lane[i] + offset);
    transpose(words, rows);
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) m[i] = (vec)words[i];
}

TARGET static inline __attribute__((always_inline)) vec load_word(const uint8_t *const *lane, size_t offset) {
    uint64_t words[8];
    for (int i = 0; i < 8; i++) __builtin_memcpy(&words[i], lane[i] + offset, 8);
    return (vec)_mm512_loadu_si512(words);
}

TARGET static inline __attribute__((always_inline)) void store_digests(const vec h[4], uint8_t *out) {
    __m512i rows[8], digests[8];
    // The upper half of the words is not used.
    for (int i = 0; i < 8; i++) rows[i] = (__m512i)h[i % 4];
    transpose(digests, rows);
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) _mm256_storeu_si256((void *)(out + 32 * i), _mm512_castsi512_si256(digests[i]));
}

#include "keccak_lanes.h"

const struct csimd_lane_hash csimd_keccak256_avx512 = {LANES, messages, pairs};

#endif
