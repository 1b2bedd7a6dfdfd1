/// The vector operations of the AVX2 level: eight lanes. For m31_kernels.h and the matrix kernels.
#include "m31.h"

#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx2")))
#define LANES 8
#define LOG_LANES 3
#define INLINE static inline __attribute__((always_inline)) TARGET

typedef __m256i V;
/// Products take the low halves of 64-bit lanes: `e` has the even lanes there, `o` the odd ones. High halves are
/// anything.
typedef struct X {
    __m256i e, o;
} X;
/// 64-bit sums of the even and of the odd lanes.
typedef struct A {
    __m256i e, o;
} A;
/// In transposed order slot k of 128-bit lane l of every vector belongs to element 2k + l.
typedef struct Q {
    V c[4];
} Q;

INLINE V v_set1(uint32_t a) { return _mm256_set1_epi32((int)a); }
INLINE V v_load(const uint32_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE void v_store(uint32_t *p, V a) { _mm256_storeu_si256((__m256i *)p, a); }
INLINE V lane_numbers(void) { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
INLINE V mask_of(size_t count) { return _mm256_cmpgt_epi32(v_set1((uint32_t)count), lane_numbers()); }
INLINE V v_load_some(const uint32_t *p, size_t count) { return _mm256_maskload_epi32((const int *)p, mask_of(count)); }
INLINE void v_store_some(uint32_t *p, V a, size_t count) { _mm256_maskstore_epi32((int *)p, mask_of(count), a); }
/// [0, 2p) to [0, p): below p the difference wraps to above the value.
INLINE V v_once(V a) { return _mm256_min_epu32(a, _mm256_sub_epi32(a, v_set1(M31_P))); }
INLINE V v_add(V a, V b) { return v_once(_mm256_add_epi32(a, b)); }
INLINE V v_sub(V a, V b) {
    V d = _mm256_sub_epi32(a, b);
    return _mm256_min_epu32(d, _mm256_add_epi32(d, v_set1(M31_P)));
}
INLINE X x_of(V a) { return (X){a, _mm256_srli_epi64(a, 32)}; }
INLINE X x_set1(uint32_t a) { return (X){v_set1(a), v_set1(a)}; }
INLINE X x_negative(X a) {
    V p = v_set1(M31_P);
    return (X){_mm256_sub_epi32(p, a.e), _mm256_sub_epi32(p, a.o)};
}
INLINE A a_zero(void) { return (A){_mm256_setzero_si256(), _mm256_setzero_si256()}; }
INLINE A a_mul(X a, X b) { return (A){_mm256_mul_epu32(a.e, b.e), _mm256_mul_epu32(a.o, b.o)}; }
INLINE A a_add(A a, A b) { return (A){_mm256_add_epi64(a.e, b.e), _mm256_add_epi64(a.o, b.o)}; }
INLINE __m256i fold64(__m256i a) {
    return _mm256_add_epi64(_mm256_and_si256(a, _mm256_set1_epi64x(M31_P)), _mm256_srli_epi64(a, 31));
}
INLINE A a_fold(A a) { return (A){fold64(a.e), fold64(a.o)}; }
/// The low halves of 64-bit lanes, as even and odd lanes.
INLINE V low_halves(__m256i e, __m256i o) { return _mm256_blend_epi32(e, _mm256_slli_epi64(o, 32), 0xaa); }
INLINE V high_halves(__m256i e, __m256i o) { return _mm256_blend_epi32(_mm256_srli_epi64(e, 32), o, 0xaa); }
/// With x = 2^32 h + 2^31 b + l the value is 2h + b + l.
INLINE V a_canonical(A a) {
    V high = v_once(high_halves(a.e, a.o));  // x < 2^64 - 2^33, so h <= 2p - 1 and then in [0, p)
    V low = low_halves(a.e, a.o);
    V rest = _mm256_and_si256(low, v_set1(M31_P));  // [0, p]
    V twice = v_once(_mm256_or_si256(_mm256_add_epi32(high, high), _mm256_srli_epi32(low, 31)));  // 2p - 1, then [0, p)
    return v_once(_mm256_add_epi32(twice, rest));  // at most 2p - 1, then [0, p)
}
INLINE uint32_t a_sum(A a) {
    // Folded sums are below 2^34, so eight of them are below 2^37.
    a = a_fold(a);
    uint64_t lanes[4];
    _mm256_storeu_si256((__m256i *)lanes, _mm256_add_epi64(a.e, a.o));
    return (uint32_t)((lanes[0] + lanes[1] + lanes[2] + lanes[3]) % M31_P);
}
/// A factor for v_mul: doubled, so that a product's halves are its quotient by 2^31 and twice its remainder.
INLINE V v_factor(V a) { return _mm256_add_epi32(a, a); }
INLINE V v_factor1(uint32_t a) { return v_set1(2 * a); }
/// Quotient and remainder, at most p - 2 and p, from doubled products at most 2(p-1)^2 < 2^63.
INLINE V v_from_doubled(__m256i e, __m256i o) {
    return v_once(_mm256_add_epi32(high_halves(e, o), _mm256_srli_epi32(low_halves(e, o), 1)));
}
INLINE V v_mul(V a, V factor) {
    return v_from_doubled(
        _mm256_mul_epu32(a, factor), _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(factor, 32)));
}
/// The same for a factor from `v_factor1`.
INLINE V v_mul1(V a, V factor) {
    return v_from_doubled(_mm256_mul_epu32(a, factor), _mm256_mul_epu32(_mm256_srli_epi64(a, 32), factor));
}
/// The same from memory, where there must be one element more: odd lanes are loaded from there instead of shifted.
INLINE V v_mul1_from(const uint32_t *a, V factor) {
    return v_from_doubled(_mm256_mul_epu32(v_load(a), factor), _mm256_mul_epu32(v_load(a + 1), factor));
}

/// -128 ... 127 and so on: add p where negative.
INLINE V v_from_small(V a) { return _mm256_min_epu32(a, _mm256_add_epi32(a, v_set1(M31_P))); }
INLINE V v_from_s8(const int8_t *p) { return v_from_small(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p))); }
INLINE V v_from_s16(const int16_t *p) {
    return v_from_small(_mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)p)));
}
INLINE V plus_p_where_negative(V a) {
    return _mm256_add_epi32(a, _mm256_and_si256(_mm256_srai_epi32(a, 31), v_set1(M31_P)));
}
INLINE V v_from_s32(const int32_t *p) {
    // In [-1, p] after the first step, as -2^31 + p = -1; in [0, p] after the second.
    return v_once(plus_p_where_negative(plus_p_where_negative(v_load((const uint32_t *)p))));
}
INLINE V v_from_s64(const int64_t *p) {
    // a + 2^63, less 2^63 = 2 (mod p): fold(unsigned) is below 2^34, so adding p - 2 keeps it small.
    __m256i top = _mm256_set1_epi64x(INT64_MIN), back = _mm256_set1_epi64x(M31_P - 2);
    __m256i a = _mm256_xor_si256(v_load((const uint32_t *)p), top);
    __m256i b = _mm256_xor_si256(v_load((const uint32_t *)(p + 4)), top);
    a = fold64(_mm256_add_epi64(fold64(a), back));  // at most p + 8
    b = fold64(_mm256_add_epi64(fold64(b), back));
    // Low halves in the order a0 b0 a1 b1 a2 ..., then sorted.
    return v_once(_mm256_permutevar8x32_epi32(low_halves(a, b), _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7)));
}

INLINE Q r_load(const uint32_t *p) { return (Q){{v_load(p), v_load(p + 8), v_load(p + 16), v_load(p + 24)}}; }
INLINE void r_store(uint32_t *p, Q a) {
    for (int i = 0; i < 4; i++) {
        v_store(p + 8 * i, a.c[i]);
    }
}
/// 4x4 transposition in both 128-bit lanes.
INLINE Q q_transpose(Q a) {
    V t0 = _mm256_unpacklo_epi32(a.c[0], a.c[1]), t1 = _mm256_unpackhi_epi32(a.c[0], a.c[1]);
    V t2 = _mm256_unpacklo_epi32(a.c[2], a.c[3]), t3 = _mm256_unpackhi_epi32(a.c[2], a.c[3]);
    return (Q){{_mm256_unpacklo_epi64(t0, t2), _mm256_unpackhi_epi64(t0, t2), _mm256_unpacklo_epi64(t1, t3),
                _mm256_unpackhi_epi64(t1, t3)}};
}
INLINE void r_load_pairs(const uint32_t *p, Q *low, Q *high) {
    for (int i = 0; i < 4; i++) {
        V a = v_load(p + 16 * i), b = v_load(p + 16 * i + 8);
        low->c[i] = _mm256_permute2x128_si256(a, b, 0x20);
        high->c[i] = _mm256_permute2x128_si256(a, b, 0x31);
    }
}
INLINE void r_load_quads(const uint32_t *p, Q out[4]) {
    for (int i = 0; i < 4; i++) {
        V a01 = v_load(p + 32 * i), a23 = v_load(p + 32 * i + 8);
        V b01 = v_load(p + 32 * i + 16), b23 = v_load(p + 32 * i + 24);
        out[0].c[i] = _mm256_permute2x128_si256(a01, b01, 0x20);
        out[1].c[i] = _mm256_permute2x128_si256(a01, b01, 0x31);
        out[2].c[i] = _mm256_permute2x128_si256(a23, b23, 0x20);
        out[3].c[i] = _mm256_permute2x128_si256(a23, b23, 0x31);
    }
}
INLINE void r_load_pairs_of_pairs(const uint32_t *p, Q low[2], Q high[2]) {
    for (int i = 0; i < 8; i++) {
        low[i / 4].c[i % 4] = v_load(p + 16 * i);
        high[i / 4].c[i % 4] = v_load(p + 16 * i + 8);
    }
}
/// Slot k of lane l holds element 2k + l.
INLINE V v_load_as_q(const uint32_t *p) {
    return _mm256_permutevar8x32_epi32(v_load(p), _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
}
INLINE void v_load_pairs_as_q(const uint32_t *p, V *low, V *high) {
    // Slot k of lane l of `low` is word 2 (2k + l): 0 4 8 12 | 2 6 10 14.
    V order = _mm256_setr_epi32(0, 4, 2, 6, 1, 5, 3, 7);
    V a = _mm256_permutevar8x32_epi32(v_load(p), order);      // 0 4 2 6 | 1 5 3 7
    V b = _mm256_permutevar8x32_epi32(v_load(p + 8), order);  // 8 12 10 14 | 9 13 11 15
    V s = _mm256_unpacklo_epi64(a, b);                        // 0 4 8 12 | 1 5 9 13
    V t = _mm256_unpackhi_epi64(a, b);                        // 2 6 10 14 | 3 7 11 15
    *low = _mm256_permute2x128_si256(s, t, 0x20);
    *high = _mm256_permute2x128_si256(s, t, 0x31);
}
INLINE Q r_widen(const uint32_t *p) {
    Q q;
    for (int i = 0; i < 4; i++) {
        uint64_t pair;
        memcpy(&pair, p + 2 * i, 8);
        q.c[i] = _mm256_setr_epi64x((long long)(pair & 0xffffffffu), 0, (long long)(pair >> 32), 0);
    }
    return q;
}

INLINE void v_exchange(V *a, V *b, int bit) {
    V x = *a, y = *b;
    switch (bit) {
    case 2:
        *a = _mm256_permute2x128_si256(x, y, 0x20);
        *b = _mm256_permute2x128_si256(x, y, 0x31);
        break;
    case 1:
        *a = _mm256_unpacklo_epi64(x, y);
        *b = _mm256_unpackhi_epi64(x, y);
        break;
    default:
        *a = low_halves(x, y);
        *b = high_halves(x, y);
    }
}
INLINE void v_interleave(V *a, V *b) {
    V low = _mm256_unpacklo_epi32(*a, *b), high = _mm256_unpackhi_epi32(*a, *b);
    *a = _mm256_permute2x128_si256(low, high, 0x20);
    *b = _mm256_permute2x128_si256(low, high, 0x31);
}
INLINE V v_load_spread(const uint32_t *p, int shift) {
    V index = _mm256_srli_epi32(lane_numbers(), shift);
    return _mm256_permutevar8x32_epi32(v_load_some(p, (size_t)(8 >> shift)), index);
}
/// Blocks i >> shift of stage 0, the twiddle of block j being number (j >> 1) ^ 1.
INLINE V v_load_spread_swapped(const uint32_t *p, int shift) {
    V index = _mm256_xor_si256(_mm256_srli_epi32(lane_numbers(), shift + 1), v_set1(1));
    return _mm256_permutevar8x32_epi32(v_load_some(p, (size_t)(8 >> shift) / 2), index);
}
