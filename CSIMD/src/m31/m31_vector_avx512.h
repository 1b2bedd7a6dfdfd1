/// The vector operations of the AVX-512 level: sixteen lanes. For m31_kernels.h and the matrix kernels.
#include "m31.h"

#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni")))
#define LANES 16
#define LOG_LANES 4
#define INLINE static inline __attribute__((always_inline)) TARGET

typedef __m512i V;
/// Products take the low halves of 64-bit lanes: `e` has the even lanes there, `o` the odd ones. High halves are
/// anything.
typedef struct X {
    __m512i e, o;
} X;
/// 64-bit sums of the even and of the odd lanes.
typedef struct A {
    __m512i e, o;
} A;
/// In transposed order slot k of 128-bit lane l of every vector belongs to element 4k + l.
typedef struct Q {
    V c[4];
} Q;

#define ODD 0xaaaa
#define EVEN 0x5555

INLINE V v_set1(uint32_t a) { return _mm512_set1_epi32((int)a); }
INLINE V v_load(const uint32_t *p) { return _mm512_loadu_si512(p); }
INLINE void v_store(uint32_t *p, V a) { _mm512_storeu_si512(p, a); }
INLINE __mmask16 mask_of(size_t count) { return (__mmask16)((1u << count) - 1); }
INLINE V v_load_some(const uint32_t *p, size_t count) { return _mm512_maskz_loadu_epi32(mask_of(count), p); }
INLINE void v_store_some(uint32_t *p, V a, size_t count) { _mm512_mask_storeu_epi32(p, mask_of(count), a); }
/// [0, 2p) to [0, p): below p the difference wraps to above the value.
INLINE V v_once(V a) { return _mm512_min_epu32(a, _mm512_sub_epi32(a, v_set1(M31_P))); }
INLINE V v_add(V a, V b) { return v_once(_mm512_add_epi32(a, b)); }
INLINE V v_sub(V a, V b) {
    V d = _mm512_sub_epi32(a, b);
    return _mm512_min_epu32(d, _mm512_add_epi32(d, v_set1(M31_P)));
}
INLINE X x_of(V a) { return (X){a, _mm512_srli_epi64(a, 32)}; }
INLINE X x_set1(uint32_t a) { return (X){v_set1(a), v_set1(a)}; }
INLINE X x_negative(X a) {
    V p = v_set1(M31_P);
    return (X){_mm512_sub_epi32(p, a.e), _mm512_sub_epi32(p, a.o)};
}
INLINE A a_zero(void) { return (A){_mm512_setzero_si512(), _mm512_setzero_si512()}; }
INLINE A a_mul(X a, X b) { return (A){_mm512_mul_epu32(a.e, b.e), _mm512_mul_epu32(a.o, b.o)}; }
INLINE A a_add(A a, A b) { return (A){_mm512_add_epi64(a.e, b.e), _mm512_add_epi64(a.o, b.o)}; }
INLINE __m512i fold64(__m512i a) {
    return _mm512_add_epi64(_mm512_and_si512(a, _mm512_set1_epi64(M31_P)), _mm512_srli_epi64(a, 31));
}
INLINE A a_fold(A a) { return (A){fold64(a.e), fold64(a.o)}; }
/// The low halves of 64-bit lanes, as even and odd lanes.
INLINE V low_halves(__m512i e, __m512i o) { return _mm512_mask_shuffle_epi32(e, ODD, o, 0xa0); }
INLINE V high_halves(__m512i e, __m512i o) { return _mm512_mask_shuffle_epi32(o, EVEN, e, 0xf5); }
/// With x = 2^32 h + 2^31 b + l the value is 2h + b + l.
INLINE V a_canonical(A a) {
    V high = v_once(high_halves(a.e, a.o));  // x < 2^64 - 2^33, so h <= 2p - 1 and then in [0, p)
    V low = low_halves(a.e, a.o);
    V rest = _mm512_and_si512(low, v_set1(M31_P));  // [0, p]
    V twice = v_once(_mm512_or_si512(_mm512_add_epi32(high, high), _mm512_srli_epi32(low, 31)));  // 2p - 1, then [0, p)
    return v_once(_mm512_add_epi32(twice, rest));  // at most 2p - 1, then [0, p)
}
INLINE uint32_t a_sum(A a) {
    // Folded sums are below 2^34, so sixteen of them are below 2^38.
    a = a_fold(a);
    return (uint32_t)((uint64_t)_mm512_reduce_add_epi64(_mm512_add_epi64(a.e, a.o)) % M31_P);
}
/// A factor for v_mul: doubled, so that a product's halves are its quotient by 2^31 and twice its remainder.
INLINE V v_factor(V a) { return _mm512_add_epi32(a, a); }
INLINE V v_factor1(uint32_t a) { return v_set1(2 * a); }
/// Quotient and remainder, at most p - 2 and p, from doubled products at most 2(p-1)^2 < 2^63.
INLINE V v_from_doubled(__m512i e, __m512i o) {
    return v_once(_mm512_add_epi32(high_halves(e, o), _mm512_srli_epi32(low_halves(e, o), 1)));
}
INLINE V v_mul(V a, V factor) {
    return v_from_doubled(
        _mm512_mul_epu32(a, factor), _mm512_mul_epu32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(factor, 32)));
}
/// The same for a factor from `v_factor1`.
INLINE V v_mul1(V a, V factor) {
    return v_from_doubled(_mm512_mul_epu32(a, factor), _mm512_mul_epu32(_mm512_srli_epi64(a, 32), factor));
}
/// The same from memory, where there must be one element more: odd lanes are loaded from there instead of shifted.
INLINE V v_mul1_from(const uint32_t *a, V factor) {
    return v_from_doubled(_mm512_mul_epu32(v_load(a), factor), _mm512_mul_epu32(v_load(a + 1), factor));
}

/// -128 ... 127 and so on: add p where negative.
INLINE V v_from_small(V a) { return _mm512_min_epu32(a, _mm512_add_epi32(a, v_set1(M31_P))); }
INLINE V v_from_s8(const int8_t *p) { return v_from_small(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p))); }
INLINE V v_from_s16(const int16_t *p) {
    return v_from_small(_mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)p)));
}
INLINE V plus_p_where_negative(V a) {
    return _mm512_add_epi32(a, _mm512_and_si512(_mm512_srai_epi32(a, 31), v_set1(M31_P)));
}
INLINE V v_from_s32(const int32_t *p) {
    // In [-1, p] after the first step, as -2^31 + p = -1; in [0, p] after the second.
    return v_once(plus_p_where_negative(plus_p_where_negative(_mm512_loadu_si512(p))));
}
INLINE V v_from_s64(const int64_t *p) {
    // a + 2^63, less 2^63 = 2 (mod p): fold(unsigned) is below 2^34, so adding p - 2 keeps it small.
    __m512i top = _mm512_set1_epi64(INT64_MIN), back = _mm512_set1_epi64(M31_P - 2);
    __m512i a = _mm512_xor_si512(_mm512_loadu_si512(p), top);
    __m512i b = _mm512_xor_si512(_mm512_loadu_si512(p + 8), top);
    a = fold64(_mm512_add_epi64(fold64(a), back));  // at most p + 8
    b = fold64(_mm512_add_epi64(fold64(b), back));
    return v_once(_mm512_inserti64x4(
        _mm512_castsi256_si512(_mm512_cvtepi64_epi32(a)), _mm512_cvtepi64_epi32(b), 1));
}

INLINE Q r_load(const uint32_t *p) {
    return (Q){{v_load(p), v_load(p + 16), v_load(p + 32), v_load(p + 48)}};
}
INLINE void r_store(uint32_t *p, Q a) {
    for (int i = 0; i < 4; i++) {
        v_store(p + 16 * i, a.c[i]);
    }
}
/// 4x4 transposition in every 128-bit lane.
INLINE Q q_transpose(Q a) {
    V t0 = _mm512_unpacklo_epi32(a.c[0], a.c[1]), t1 = _mm512_unpackhi_epi32(a.c[0], a.c[1]);
    V t2 = _mm512_unpacklo_epi32(a.c[2], a.c[3]), t3 = _mm512_unpackhi_epi32(a.c[2], a.c[3]);
    return (Q){{_mm512_unpacklo_epi64(t0, t2), _mm512_unpackhi_epi64(t0, t2), _mm512_unpacklo_epi64(t1, t3),
                _mm512_unpackhi_epi64(t1, t3)}};
}
INLINE void r_load_pairs(const uint32_t *p, Q *low, Q *high) {
    for (int i = 0; i < 4; i++) {
        V a = v_load(p + 32 * i), b = v_load(p + 32 * i + 16);
        low->c[i] = _mm512_shuffle_i64x2(a, b, 0x88);
        high->c[i] = _mm512_shuffle_i64x2(a, b, 0xdd);
    }
}
INLINE void r_load_quads(const uint32_t *p, Q out[4]) {
    for (int i = 0; i < 4; i++) {
        V a = v_load(p + 64 * i), b = v_load(p + 64 * i + 16), c = v_load(p + 64 * i + 32), d = v_load(p + 64 * i + 48);
        V ab02 = _mm512_shuffle_i64x2(a, b, 0x88), ab13 = _mm512_shuffle_i64x2(a, b, 0xdd);
        V cd02 = _mm512_shuffle_i64x2(c, d, 0x88), cd13 = _mm512_shuffle_i64x2(c, d, 0xdd);
        // ab02 has elements a0 a2 b0 b2.
        out[0].c[i] = _mm512_shuffle_i64x2(ab02, cd02, 0x88);
        out[1].c[i] = _mm512_shuffle_i64x2(ab13, cd13, 0x88);
        out[2].c[i] = _mm512_shuffle_i64x2(ab02, cd02, 0xdd);
        out[3].c[i] = _mm512_shuffle_i64x2(ab13, cd13, 0xdd);
    }
}
INLINE void r_load_pairs_of_pairs(const uint32_t *p, Q low[2], Q high[2]) {
    for (int i = 0; i < 8; i++) {
        V a = v_load(p + 32 * i), b = v_load(p + 32 * i + 16);
        low[i / 4].c[i % 4] = _mm512_shuffle_i64x2(a, b, 0x44);
        high[i / 4].c[i % 4] = _mm512_shuffle_i64x2(a, b, 0xee);
    }
}
/// Slot k of lane l holds element 4k + l: a 4x4 transposition of the sixteen words.
INLINE V to_q_order(V a) {
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), a);
}
INLINE V v_load_as_q(const uint32_t *p) { return to_q_order(v_load(p)); }
INLINE void v_load_pairs_as_q(const uint32_t *p, V *low, V *high) {
    V a = v_load(p), b = v_load(p + 16);
    V even = _mm512_setr_epi32(0, 8, 16, 24, 2, 10, 18, 26, 4, 12, 20, 28, 6, 14, 22, 30);
    *low = _mm512_permutex2var_epi32(a, even, b);
    *high = _mm512_permutex2var_epi32(a, _mm512_add_epi32(even, v_set1(1)), b);
}
INLINE Q r_widen(const uint32_t *p) {
    V a = v_load(p);
    Q q;
    for (int i = 0; i < 4; i++) {
        V index = _mm512_setr_epi32(4 * i, 0, 0, 0, 4 * i + 1, 0, 0, 0, 4 * i + 2, 0, 0, 0, 4 * i + 3, 0, 0, 0);
        q.c[i] = _mm512_maskz_permutexvar_epi32(0x1111, index, a);
    }
    return q;
}

INLINE void v_exchange(V *a, V *b, int bit) {
    V x = *a, y = *b;
    switch (bit) {
    case 3:
        *a = _mm512_shuffle_i64x2(x, y, 0x44);
        *b = _mm512_shuffle_i64x2(x, y, 0xee);
        break;
    case 2:
        *a = _mm512_permutex2var_epi64(x, _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), y);
        *b = _mm512_permutex2var_epi64(x, _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15), y);
        break;
    case 1:
        *a = _mm512_unpacklo_epi64(x, y);
        *b = _mm512_unpackhi_epi64(x, y);
        break;
    default:
        *a = low_halves(x, y);
        *b = high_halves(x, y);
    }
}
INLINE void v_interleave(V *a, V *b) {
    V x = *a, y = *b;
    *a = _mm512_permutex2var_epi32(x, _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), y);
    *b = _mm512_permutex2var_epi32(
        x, _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), y);
}
INLINE V lane_numbers(void) { return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
INLINE V v_load_spread(const uint32_t *p, int shift) {
    V index = _mm512_srli_epi32(lane_numbers(), (unsigned)shift);
    return _mm512_permutexvar_epi32(index, v_load_some(p, (size_t)(16 >> shift)));
}
/// Blocks i >> shift of stage 0, the twiddle of block j being number (j >> 1) ^ 1.
INLINE V v_load_spread_swapped(const uint32_t *p, int shift) {
    V index = _mm512_xor_si512(_mm512_srli_epi32(lane_numbers(), (unsigned)shift + 1), v_set1(1));
    return _mm512_permutexvar_epi32(index, v_load_some(p, (size_t)(16 >> shift) / 2));
}
