/// Four Goldilocks elements at a time with AVX2.
///
/// With halves of 32 bits a product is x + 2^32 y + 2^64 z, where x and z are one product of halves and y two. Sums of
/// products keep for each of the three the sum s of the 64-bit numbers modulo 2^64 and the sum h of their upper halves:
/// the sum of the lower halves is s - 2^32 h, exactly, as long as it is below 2^64. So a product costs 4
/// multiplications, 4 shifts and 8 additions, and no carries.
#ifndef CSIMD_GOLDILOCKS_AVX2_FIELD_H
#define CSIMD_GOLDILOCKS_AVX2_FIELD_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define AVX2 __attribute__((target("avx2,bmi2,fma")))
#define AVX2_INLINE static inline __attribute__((always_inline)) AVX2

typedef __m256i v4;
/// Sums of 64-bit products of weight 1, 2^32 and 2^64, and of their upper halves.
typedef struct {
    v4 s[3], h[3];
} wide4;

AVX2_INLINE v4 gl4_set(uint64_t x) { return _mm256_set1_epi64x((long long)x); }
AVX2_INLINE v4 gl4_words(const uint64_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
AVX2_INLINE void gl4_put(uint64_t *p, v4 x) { _mm256_storeu_si256((__m256i *)p, x); }
AVX2_INLINE v4 gl4_high(v4 x) { return _mm256_srli_epi64(x, 32); }

// Comparisons of 64-bit lanes are signed, so that unsigned ones come with the top bits flipped.
AVX2_INLINE v4 gl4_flip(v4 x) { return _mm256_xor_si256(x, gl4_set(1ull << 63)); }

/// Canonical a + b of canonical a, b: a - (p - b), and p again where that is negative.
AVX2_INLINE v4 gl4_add(v4 a, v4 b) {
    const v4 p = gl4_set(0xffffffff00000001ull), rest = _mm256_sub_epi64(p, b);
    const v4 negative = _mm256_cmpgt_epi64(gl4_flip(rest), gl4_flip(a));
    return _mm256_add_epi64(_mm256_sub_epi64(a, rest), _mm256_and_si256(negative, p));
}

AVX2_INLINE v4 gl4_sub(v4 a, v4 b) {
    const v4 negative = _mm256_cmpgt_epi64(gl4_flip(b), gl4_flip(a));
    return _mm256_add_epi64(_mm256_sub_epi64(a, b), _mm256_and_si256(negative, gl4_set(0xffffffff00000001ull)));
}

AVX2_INLINE wide4 wide4_zero(void) {
    const v4 z = _mm256_setzero_si256();
    return (wide4){{z, z, z}, {z, z, z}};
}

AVX2_INLINE void wide4_product(wide4 *s, int weight, v4 a, v4 b) {
    const v4 x = _mm256_mul_epu32(a, b);
    s->s[weight] = _mm256_add_epi64(s->s[weight], x);
    s->h[weight] = _mm256_add_epi64(s->h[weight], gl4_high(x));
}

/// Adds a * b for any 64-bit a, b.
AVX2_INLINE void wide4_mac(wide4 *s, v4 a, v4 b) {
    const v4 ah = gl4_high(a), bh = gl4_high(b);
    wide4_product(s, 0, a, b);
    wide4_product(s, 1, ah, b);
    wide4_product(s, 1, a, bh);
    wide4_product(s, 2, ah, bh);
}

/// Adds a * b for a < 2^32 and any 64-bit b.
AVX2_INLINE void wide4_mac_small(wide4 *s, v4 a, v4 b) {
    wide4_product(s, 0, a, b);
    wide4_product(s, 1, a, gl4_high(b));
}

/// Adds a 64-bit a.
AVX2_INLINE void wide4_add(wide4 *s, v4 a) {
    const v4 high = gl4_high(a);
    s->s[0] = _mm256_add_epi64(s->s[0], _mm256_sub_epi64(a, _mm256_slli_epi64(high, 32)));
    s->s[1] = _mm256_add_epi64(s->s[1], high);
}

/// s + 7 t.
AVX2_INLINE wide4 wide4_add7(wide4 s, wide4 t) {
    for (int i = 0; i < 3; i++) {
        s.s[i] = _mm256_add_epi64(s.s[i], _mm256_sub_epi64(_mm256_slli_epi64(t.s[i], 3), t.s[i]));
        s.h[i] = _mm256_add_epi64(s.h[i], _mm256_sub_epi64(_mm256_slli_epi64(t.h[i], 3), t.h[i]));
    }
    return s;
}

/// a + b, made canonical, for any a, which comes flipped, and b at most p.
AVX2_INLINE v4 gl4_add_to_flipped(v4 a, v4 b) {
    v4 r = _mm256_add_epi64(a, b); // the flipped sum
    const v4 over = _mm256_cmpgt_epi64(a, r);
    r = _mm256_add_epi64(r, gl4_high(over)); // 2^64 = 2^32 - 1, which does not go over again
    const v4 below = _mm256_cmpgt_epi64(gl4_flip(gl4_set(0xffffffff00000001ull)), r);
    return gl4_flip(_mm256_add_epi64(r, _mm256_andnot_si256(below, gl4_set(0xffffffffull))));
}

/// The canonical value of at most 2^24 products, counted with their multiplicity.
///
/// 2^64 = 2^32 - 1 and 2^96 = -1, so the value is u + 2^32 v with u = l0 - h1 - l2 - h2 and v = h0 + l1 + h1 + l2, of
/// the sums l and h of halves: |u| <= 2^58 and 0 <= v < 2^59. Adding 2^60 = 2^32 2^28, and p as 1 + 2^32 (2^32 - 1),
/// makes both positive.
AVX2_INLINE v4 wide4_reduce(wide4 s) {
    v4 l[3];
    for (int i = 0; i < 3; i++) l[i] = _mm256_sub_epi64(s.s[i], _mm256_slli_epi64(s.h[i], 32));
    const v4 both = _mm256_add_epi64(s.h[1], l[2]);
    v4 u = _mm256_sub_epi64(_mm256_sub_epi64(l[0], both), s.h[2]);
    v4 v = _mm256_add_epi64(_mm256_add_epi64(s.h[0], l[1]), both);
    u = _mm256_add_epi64(u, gl4_set((1ull << 60) + 1));
    v = _mm256_add_epi64(_mm256_add_epi64(v, gl4_high(u)), gl4_set(0xffffffffull - (1ull << 28)));
    // Now 32 bits of u, and 2^32 v = 2^32 v0 + (2^32 - 1) v1.
    const v4 low = _mm256_blend_epi32(u, _mm256_slli_epi64(v, 32), 0xaa), over = gl4_high(v);
    return gl4_add_to_flipped(gl4_flip(low), _mm256_sub_epi64(_mm256_slli_epi64(over, 32), over));
}

/// The canonical product of any 64-bit a, b.
AVX2_INLINE v4 gl4_mul(v4 a, v4 b) {
    const v4 ah = gl4_high(a), bh = gl4_high(b), epsilon = gl4_set(0xffffffffull);
    const v4 x = _mm256_mul_epu32(a, b), z = _mm256_mul_epu32(ah, bh);
    // Carried: none of these sums reaches 2^64.
    const v4 y = _mm256_add_epi64(_mm256_mul_epu32(ah, b), gl4_high(x));
    const v4 t = _mm256_add_epi64(_mm256_mul_epu32(a, bh), _mm256_and_si256(y, epsilon));
    const v4 high = _mm256_add_epi64(_mm256_add_epi64(z, gl4_high(y)), gl4_high(t));
    const v4 low = gl4_flip(_mm256_blend_epi32(x, _mm256_slli_epi64(t, 32), 0xaa));
    // low + 2^64 m + 2^96 h = low + (2^32 - 1) m - h.
    const v4 difference = _mm256_sub_epi64(low, gl4_high(high));
    const v4 borrow = _mm256_cmpgt_epi64(difference, low);
    const v4 d = _mm256_sub_epi64(difference, gl4_high(borrow));
    return gl4_add_to_flipped(d, _mm256_mul_epu32(high, epsilon));
}

#endif
