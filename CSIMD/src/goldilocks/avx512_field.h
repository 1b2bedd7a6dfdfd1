/// Eight Goldilocks elements at a time with AVX-512 IFMA.
///
/// A 64-bit factor is 52 bits and 12 bits, which the 52-bit multiplier reads without masking (it ignores the upper
/// bits), so a product costs 7 multiply-adds and no other instruction, and sums of products are free until the lanes
/// fill up: s0 + 2^52 s1 + 2^104 s2 with s0 < 2^52 t, s1 < 3 * 2^52 t, s2 < 2^26 t after t products.
#ifndef CSIMD_GOLDILOCKS_AVX512_FIELD_H
#define CSIMD_GOLDILOCKS_AVX512_FIELD_H

#include <immintrin.h>
#include <stdint.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,avx512vbmi,avx512vnni,bmi2")))
#define AVX512_INLINE static inline __attribute__((always_inline)) AVX512

typedef __m512i v8;
typedef struct {
    v8 s0, s1, s2;
} wide8;

AVX512_INLINE v8 gl8_set(uint64_t x) { return _mm512_set1_epi64((long long)x); }

/// Canonical a + b of canonical a, b: a - (p - b), or a + b where that is negative.
AVX512_INLINE v8 gl8_add(v8 a, v8 b) {
    const v8 rest = _mm512_sub_epi64(gl8_set(0xffffffff00000001ull), b);
    return _mm512_mask_add_epi64(_mm512_sub_epi64(a, rest), _mm512_cmplt_epu64_mask(a, rest), a, b);
}

AVX512_INLINE v8 gl8_sub(v8 a, v8 b) {
    const v8 d = _mm512_sub_epi64(a, b);
    return _mm512_mask_add_epi64(d, _mm512_cmplt_epu64_mask(a, b), d, gl8_set(0xffffffff00000001ull));
}

AVX512_INLINE wide8 wide8_zero(void) {
    const v8 z = _mm512_setzero_si512();
    return (wide8){z, z, z};
}

/// Adds a * b for any 64-bit a, b.
AVX512_INLINE void wide8_mac(wide8 *s, v8 a, v8 b) {
    const v8 ah = _mm512_srli_epi64(a, 52), bh = _mm512_srli_epi64(b, 52);
    s->s0 = _mm512_madd52lo_epu64(s->s0, a, b);
    s->s1 = _mm512_madd52hi_epu64(s->s1, a, b);
    s->s2 = _mm512_madd52hi_epu64(s->s2, a, bh);
    s->s1 = _mm512_madd52lo_epu64(s->s1, a, bh);
    s->s2 = _mm512_madd52hi_epu64(s->s2, ah, b);
    s->s1 = _mm512_madd52lo_epu64(s->s1, ah, b);
    s->s2 = _mm512_madd52lo_epu64(s->s2, ah, bh);
}

/// Adds a * b for a < 2^52 and any 64-bit b.
AVX512_INLINE void wide8_mac_small(wide8 *s, v8 a, v8 b, v8 bh) {
    s->s0 = _mm512_madd52lo_epu64(s->s0, a, b);
    s->s1 = _mm512_madd52hi_epu64(s->s1, a, b);
    s->s1 = _mm512_madd52lo_epu64(s->s1, a, bh);
    s->s2 = _mm512_madd52hi_epu64(s->s2, a, bh);
}

/// Adds a 64-bit a.
AVX512_INLINE void wide8_add(wide8 *s, v8 a) {
    s->s0 = _mm512_add_epi64(s->s0, _mm512_and_si512(a, gl8_set((1ull << 52) - 1)));
    s->s1 = _mm512_add_epi64(s->s1, _mm512_srli_epi64(a, 52));
}

/// s + 7 t.
AVX512_INLINE wide8 wide8_add7(wide8 s, wide8 t) {
    s.s0 = _mm512_add_epi64(s.s0, _mm512_sub_epi64(_mm512_slli_epi64(t.s0, 3), t.s0));
    s.s1 = _mm512_add_epi64(s.s1, _mm512_sub_epi64(_mm512_slli_epi64(t.s1, 3), t.s1));
    s.s2 = _mm512_add_epi64(s.s2, _mm512_sub_epi64(_mm512_slli_epi64(t.s2, 3), t.s2));
    return s;
}

/// Carries, so that s0, s1 < 2^52.
AVX512_INLINE void wide8_normalise(wide8 *s) {
    const v8 mask = gl8_set((1ull << 52) - 1);
    s->s1 = _mm512_add_epi64(s->s1, _mm512_srli_epi64(s->s0, 52));
    s->s0 = _mm512_and_si512(s->s0, mask);
    s->s2 = _mm512_add_epi64(s->s2, _mm512_srli_epi64(s->s1, 52));
    s->s1 = _mm512_and_si512(s->s1, mask);
}

/// The canonical value, for any s0, s1 < 2^63, s2 < 2^54.
///
/// With t = s1 + (s0 >> 52) = a + 2^12 m + 2^44 h (12, 32 and at most 20 bits) the value is
/// ((s0 + 2^52 s1) mod 2^64) + 2^64 m + 2^96 h + 2^104 s2, and 2^64 = 2^32 - 1, 2^96 = -1.
AVX512_INLINE v8 wide8_reduce(wide8 s) {
    const v8 t = _mm512_add_epi64(s.s1, _mm512_srli_epi64(s.s0, 52));
    const v8 low = _mm512_add_epi64(s.s0, _mm512_slli_epi64(s.s1, 52));
    const v8 m32 = _mm512_and_si512(_mm512_slli_epi64(t, 20), gl8_set(0xffffffff00000000ull));
    const v8 mid = _mm512_sub_epi64(m32, _mm512_srli_epi64(m32, 32));                        // at most (2^32 - 1)^2
    const v8 minus = _mm512_add_epi64(_mm512_srli_epi64(t, 44), _mm512_slli_epi64(s.s2, 8)); // below 2^63
    const v8 epsilon = gl8_set(0xffffffffull);
    v8 d = _mm512_sub_epi64(low, minus);
    d = _mm512_mask_sub_epi64(d, _mm512_cmplt_epu64_mask(low, minus), d, epsilon);
    v8 r = _mm512_add_epi64(d, mid);
    r = _mm512_mask_add_epi64(r, _mm512_cmplt_epu64_mask(r, mid), r, epsilon);
    return _mm512_min_epu64(r, _mm512_sub_epi64(r, gl8_set(0xffffffff00000001ull)));
}

AVX512_INLINE v8 gl8_mul(v8 a, v8 b) {
    // wide8_mac, with short chains: a single product waits for each of its multiplications.
    const v8 ah = _mm512_srli_epi64(a, 52), bh = _mm512_srli_epi64(b, 52), zero = _mm512_setzero_si512();
    const v8 x = _mm512_madd52lo_epu64(_mm512_madd52hi_epu64(zero, a, b), a, bh),
             y = _mm512_madd52lo_epu64(zero, ah, b);
    const v8 z = _mm512_madd52lo_epu64(_mm512_madd52hi_epu64(zero, a, bh), ah, bh),
             w = _mm512_madd52hi_epu64(zero, ah, b);
    return wide8_reduce((wide8){_mm512_madd52lo_epu64(zero, a, b), _mm512_add_epi64(x, y), _mm512_add_epi64(z, w)});
}

#endif
