/// Eight elements of BN254's scalar field at a time with AVX-512 IFMA (Gueron, Krasnov, "Software implementation of
/// modular exponentiation, using advanced vector instructions architectures", 2012, for vectors of 52-bit digits).
///
/// In registers an element is five 52-bit limbs, least significant first, each below 2^52 (the top one below 2^48 or
/// so). Memory holds x * 2^256; five limbs reduce by 2^260. The missing 2^4 costs nothing: the left factor of every
/// product is shifted up by 4 bits, so (16 a b) / 2^260 = a b / 2^256 and Montgomery form is kept.
///
/// Values are *semi-reduced*: below a small multiple of r that each function states. A left factor must be below
/// 2^256 = 5.29 r, a right one below 2^260.
#ifndef CSIMD_BN254_AVX512_FIELD_H
#define CSIMD_BN254_AVX512_FIELD_H

#include "../goldilocks/avx512_field.h"
#include "scalar.h"

typedef struct {
    v8 l[5];
} bn8;
/// Ten columns of 52-bit weight each; after t products a column is below 10 t 2^52.
typedef struct {
    v8 c[10];
} bn8_wide;

#define BN_MASK52 ((1ull << 52) - 1)

/// A modulus m for functions that take one; they are inlined.
typedef struct {
    /// m, and 2m, in limbs.
    uint64_t m[5], twice[5];
    /// k = -1/m mod 2^52, and (k m + 1) / 2^52: adding a k m to a number that ends in the limb a clears that limb and
    /// adds a times this to the limbs above it.
    uint64_t k, km[5];
} bn8_modulus;

/// r, and 2r, in limbs.
static const uint64_t bn_r52[5] = {0x1f593f0000001, 0x4879b9709143e, 0x181585d2833e8, 0xa029b85045b68, 0x030644e72e131};
static const uint64_t bn_2r52[5] = {0x3eb27e0000002, 0x90f372e12287c, 0x302b0ba5067d0, 0x405370a08b6d0,
                                    0x060c89ce5c263};
/// -1/r mod 2^52; over 2^52 that is 0.1225.
static const uint64_t bn_k = 0x1f593efffffff;
static const bn8_modulus bn8_order = {
    {0x1f593f0000001, 0x4879b9709143e, 0x181585d2833e8, 0xa029b85045b68, 0x030644e72e131},
    {0x3eb27e0000002, 0x90f372e12287c, 0x302b0ba5067d0, 0x405370a08b6d0, 0x060c89ce5c263},
    0x1f593efffffff,
    {0x82e644ee4c3d2, 0xf93893c98b1de, 0xd46fe04d0a4c7, 0x8f0aad55e2a1f, 0x005ed0447de83}};

/// Words 0 to 3 of eight elements to limbs.
AVX512_INLINE bn8 bn8_from_words(v8 w0, v8 w1, v8 w2, v8 w3) {
    const v8 mask = gl8_set(BN_MASK52);
    bn8 x;
    x.l[0] = _mm512_and_si512(w0, mask);
    // (a | b) & mask in one instruction: truth table 0xa8 with the mask as the third operand.
    x.l[1] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(w0, 52), _mm512_slli_epi64(w1, 12), mask, 0xa8);
    x.l[2] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(w1, 40), _mm512_slli_epi64(w2, 24), mask, 0xa8);
    x.l[3] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(w2, 28), _mm512_slli_epi64(w3, 36), mask, 0xa8);
    x.l[4] = _mm512_srli_epi64(w3, 16);
    return x;
}

AVX512_INLINE void bn8_to_words(bn8 x, v8 *w) {
    w[0] = _mm512_or_si512(x.l[0], _mm512_slli_epi64(x.l[1], 52));
    w[1] = _mm512_or_si512(_mm512_srli_epi64(x.l[1], 12), _mm512_slli_epi64(x.l[2], 40));
    w[2] = _mm512_or_si512(_mm512_srli_epi64(x.l[2], 24), _mm512_slli_epi64(x.l[3], 28));
    w[3] = _mm512_or_si512(_mm512_srli_epi64(x.l[3], 36), _mm512_slli_epi64(x.l[4], 16));
}

/// Two elements a vector, [a, b], [c, d], [e, f], [g, h], to words of a, c, b, d, e, g, f, h: any order does that is
/// the same everywhere.
AVX512_INLINE bn8 bn8_transpose(v8 ab, v8 cd, v8 ef, v8 gh) {
    const v8 x0 = _mm512_unpacklo_epi64(ab, cd), x1 = _mm512_unpackhi_epi64(ab, cd);
    const v8 y0 = _mm512_unpacklo_epi64(ef, gh), y1 = _mm512_unpackhi_epi64(ef, gh);
    return bn8_from_words(_mm512_shuffle_i64x2(x0, y0, 0x88), _mm512_shuffle_i64x2(x1, y1, 0x88),
                          _mm512_shuffle_i64x2(x0, y0, 0xdd), _mm512_shuffle_i64x2(x1, y1, 0xdd));
}

/// The inverse: vectors of two elements each.
AVX512_INLINE void bn8_untranspose(bn8 x, v8 *out) {
    v8 w[4];
    bn8_to_words(x, w);
    const v8 a = _mm512_unpacklo_epi64(w[0], w[1]), b = _mm512_unpackhi_epi64(w[0], w[1]);
    const v8 c = _mm512_unpacklo_epi64(w[2], w[3]), d = _mm512_unpackhi_epi64(w[2], w[3]);
    const v8 first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11),
             second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    out[0] = _mm512_permutex2var_epi64(a, first, c);
    out[1] = _mm512_permutex2var_epi64(b, first, d);
    out[2] = _mm512_permutex2var_epi64(a, second, c);
    out[3] = _mm512_permutex2var_epi64(b, second, d);
}

AVX512_INLINE bn8 bn8_load(const uint64_t *p) {
    return bn8_transpose(_mm512_loadu_si512(p), _mm512_loadu_si512(p + 8), _mm512_loadu_si512(p + 16),
                         _mm512_loadu_si512(p + 24));
}

AVX512_INLINE v8 bn8_two(const uint64_t *p, const uint64_t *q) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)p)),
                              _mm256_loadu_si256((const __m256i *)q), 1);
}

/// Elements p[0], p[stride], ..., p[7 stride], the stride counted in elements.
AVX512_INLINE bn8 bn8_load_strided(const uint64_t *p, size_t stride) {
    const size_t s = 4 * stride;
    return bn8_transpose(bn8_two(p, p + s), bn8_two(p + 2 * s, p + 3 * s), bn8_two(p + 4 * s, p + 5 * s),
                         bn8_two(p + 6 * s, p + 7 * s));
}

/// Canonical elements only.
AVX512_INLINE void bn8_store(uint64_t *p, bn8 x) {
    v8 v[4];
    bn8_untranspose(x, v);
    for (int i = 0; i < 4; i++) _mm512_storeu_si512(p + 8 * i, v[i]);
}

AVX512_INLINE void bn8_store_strided(uint64_t *p, bn8 x, size_t stride) {
    v8 v[4];
    bn8_untranspose(x, v);
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_si256((__m256i *)(p + 8 * i * stride), _mm512_castsi512_si256(v[i]));
        _mm256_storeu_si256((__m256i *)(p + 8 * i * stride + 4 * stride), _mm512_extracti64x4_epi64(v[i], 1));
    }
}

/// Carries of signed limbs upwards; the value as a whole is not negative, or the top limb comes out negative.
AVX512_INLINE bn8 bn8_carry(bn8 x) {
    const v8 mask = gl8_set(BN_MASK52);
    for (int i = 0; i < 4; i++) {
        x.l[i + 1] = _mm512_add_epi64(x.l[i + 1], _mm512_srai_epi64(x.l[i], 52));
        x.l[i] = _mm512_and_si512(x.l[i], mask);
    }
    return x;
}

AVX512_INLINE bn8 bn8_add(bn8 a, bn8 b) {
    for (int i = 0; i < 5; i++) a.l[i] = _mm512_add_epi64(a.l[i], b.l[i]);
    return bn8_carry(a);
}

/// a - b + r, for b at most r: not negative, and less than r more than a.
AVX512_INLINE bn8 bn8_sub(bn8 a, bn8 b) {
    for (int i = 0; i < 5; i++) a.l[i] = _mm512_add_epi64(_mm512_sub_epi64(a.l[i], b.l[i]), gl8_set(bn_r52[i]));
    return bn8_carry(a);
}

/// x - m if that is not negative, else x.
AVX512_INLINE bn8 bn8_reduce_once(bn8 x, const uint64_t *m) {
    bn8 d;
    for (int i = 0; i < 5; i++) d.l[i] = _mm512_sub_epi64(x.l[i], gl8_set(m[i]));
    d = bn8_carry(d);
    const __mmask8 negative = _mm512_movepi64_mask(d.l[4]);
    for (int i = 0; i < 5; i++) d.l[i] = _mm512_mask_mov_epi64(d.l[i], negative, x.l[i]);
    return d;
}

AVX512_INLINE bn8 bn8_canon2(bn8 x) { return bn8_reduce_once(x, bn_r52); }
AVX512_INLINE bn8 bn8_canon4(bn8 x) { return bn8_reduce_once(bn8_reduce_once(x, bn_2r52), bn_r52); }

/// 16 x, for x < 2^256; limbs may have bits above 52, which the multiplier ignores.
AVX512_INLINE bn8 bn8_left(bn8 x) {
    bn8 y;
    y.l[0] = _mm512_slli_epi64(x.l[0], 4);
    for (int i = 1; i < 5; i++)
        y.l[i] = _mm512_or_si512(_mm512_slli_epi64(x.l[i], 4), _mm512_srli_epi64(x.l[i - 1], 48));
    return y;
}

AVX512_INLINE bn8_wide bn8_wide_zero(void) {
    bn8_wide s;
    for (int i = 0; i < 10; i++) s.c[i] = _mm512_setzero_si512();
    return s;
}

/// Adds the product; `a` comes from bn8_left.
AVX512_INLINE void bn8_mac(bn8_wide *s, bn8 a, bn8 b) {
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 5; j++) s->c[i + j] = _mm512_madd52lo_epu64(s->c[i + j], a.l[i], b.l[j]);
        for (int j = 0; j < 5; j++) s->c[i + j + 1] = _mm512_madd52hi_epu64(s->c[i + j + 1], a.l[i], b.l[j]);
    }
}

/// Adds 2^260 a, which the reduction divides by 2^260 again.
AVX512_INLINE void bn8_wide_add(bn8_wide *s, bn8 a) {
    for (int i = 0; i < 5; i++) s->c[5 + i] = _mm512_add_epi64(s->c[5 + i], a.l[i]);
}

/// The sum over 2^260 modulo m: below (sum / 2^260) + (1 + k / 2^52) m, carried, where that is below 2^260.
///
/// Four limbs are cleared by adding multiples of k m, whose lowest limb is -1: the multiplier is the limb itself. That
/// adds less than k m / 2^52 to the result. The fifth is cleared by a multiple of m itself, which adds less than m.
AVX512_INLINE bn8 bn8_wide_reduce_modulo(bn8_wide *s, const bn8_modulus *modulus) {
    v8 *c = s->c;
    for (int i = 0; i < 4; i++) {
        const v8 m = c[i];
        c[i + 1] = _mm512_add_epi64(c[i + 1], _mm512_srli_epi64(m, 52));
        for (int j = 0; j < 5; j++) c[i + 1 + j] = _mm512_madd52lo_epu64(c[i + 1 + j], m, gl8_set(modulus->km[j]));
        for (int j = 0; j < 5; j++) c[i + 2 + j] = _mm512_madd52hi_epu64(c[i + 2 + j], m, gl8_set(modulus->km[j]));
    }
    const v8 m = _mm512_madd52lo_epu64(_mm512_setzero_si512(), c[4], gl8_set(modulus->k));
    for (int j = 0; j < 5; j++) c[4 + j] = _mm512_madd52lo_epu64(c[4 + j], m, gl8_set(modulus->m[j]));
    for (int j = 0; j < 5; j++) c[5 + j] = _mm512_madd52hi_epu64(c[5 + j], m, gl8_set(modulus->m[j]));
    bn8 x;
    x.l[0] = _mm512_add_epi64(c[5], _mm512_srli_epi64(c[4], 52));
    for (int i = 1; i < 5; i++) x.l[i] = c[5 + i];
    return bn8_carry(x);
}

/// Below (sum / 2^260) + 1.1225 r.
AVX512_INLINE bn8 bn8_wide_reduce(bn8_wide *s) { return bn8_wide_reduce_modulo(s, &bn8_order); }

AVX512_INLINE void bn8_wide_normalise(bn8_wide *s) {
    const v8 mask = gl8_set(BN_MASK52);
    for (int i = 0; i < 9; i++) {
        s->c[i + 1] = _mm512_add_epi64(s->c[i + 1], _mm512_srli_epi64(s->c[i], 52));
        s->c[i] = _mm512_and_si512(s->c[i], mask);
    }
}

/// The sum of all lanes as an integer in nine words; the columns are carried, and the top one is below 2^61 because of
/// CHALLENGE_SUM_LIMIT (2^12 products of less than 2^516).
AVX512_INLINE void bn8_wide_sum(const bn8_wide *s, uint64_t *words) {
    uint64_t columns[10];
    for (int i = 0; i < 10; i++) {
        uint64_t lanes[8], sum = 0;
        _mm512_storeu_si512(lanes, s->c[i]);
        for (int j = 0; j < 8; j++) sum += lanes[j];
        columns[i] = sum;
    }
    for (int i = 0; i < 9; i++) words[i] = 0;
    for (int i = 0; i < 10; i++) {
        // Adds columns[i] 2^(52 i).
        const int word = 52 * i / 64, shift = 52 * i % 64;
        const bn_u128 x = (bn_u128)columns[i] << shift;
        uint64_t carry = 0;
        words[word] = bn_adc(words[word], (uint64_t)x, &carry);
        if (word + 1 < 9) words[word + 1] = bn_adc(words[word + 1], (uint64_t)(x >> 64), &carry);
        for (int j = word + 2; j < 9; j++) words[j] = bn_adc(words[j], 0, &carry);
    }
}

/// The integer in nine words over 2^260, modulo r.
static inline bn_scalar bn_reduce260(const uint64_t *t) {
    // 2^-4, 2^252 and 2^508 modulo r, as factors of Montgomery products with words 0-3, 4-7 and 8.
    static const bn_scalar f0 = {{0x2fa3d63ab1000001, 0x55b0a9c3f21dd988, 0x1ccb415b196942d7, 0x2d5e098bb31e8627}};
    static const bn_scalar f1 = {{0, 0, 0, 0x1000000000000000}};
    static const bn_scalar f2 = {{0xe7eaa88791e216db, 0xbbdd1653e2ae14ef, 0xd071bf6a7e1479bc, 0x1b59d92bb6a0ce61}};
    bn_scalar sum = bn_mul((bn_scalar){{t[0], t[1], t[2], t[3]}}, f0);
    sum = bn_add(sum, bn_mul((bn_scalar){{t[4], t[5], t[6], t[7]}}, f1));
    return bn_add(sum, bn_mul((bn_scalar){{t[8], 0, 0, 0}}, f2));
}

#endif
