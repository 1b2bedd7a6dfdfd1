/// Four elements of BN254's scalar field at a time with AVX2 and fused multiply-adds.
///
/// AVX2 multiplies integers of 32 bits only, but doubles of 53: for integers a, b < 2^52 and a b < 2^103,
/// fma(a, b, 2^103) is 2^103 + 2^51 h, h the product over 2^51 rounded, and a second multiply-add gives the rest, which
/// is exact (Emmart, Zheng, Weems, "Faster modular exponentiation using double precision floating point arithmetic on
/// the GPU", 2018; there with truncation and 52 bits, here with the rounding to nearest that programs run with). The
/// bits of the doubles are the integers plus a constant, so columns of a product are sums of integers.
///
/// In registers an element is five 51-bit limbs, least significant first. Five limbs reduce by 2^255 and memory holds
/// x * 2^256, so the last step of a reduction clears 52 bits and the result is halved.
///
/// Values are *semi-reduced*: below a small multiple of r that each function states. Factors must be below 2^256 =
/// 5.29 r, and the product of both below 13 r^2 (the top limbs' product must be below 2^103).
///
/// On Zen 4 a product of vectors takes 12.5 ns an element so. Scalar code takes 23.5 ns, whether or not the compiler
/// may use BMI2 and ADX, and IFMA 5.9 ns; a sum of products 5.4 ns against 13 and 2.0 ns.
#ifndef CSIMD_BN254_AVX2_FIELD_H
#define CSIMD_BN254_AVX2_FIELD_H

#include "../goldilocks/avx2_field.h"
#include "scalar.h"

typedef __m256d d4;

typedef struct {
    v4 l[5];
} bn4;
/// The limbs as doubles.
typedef struct {
    d4 l[5];
} bn4_factor;
/// Ten columns of 51-bit weight each; after t products a column is below 13 t 2^51.
typedef struct {
    v4 c[10];
} bn4_wide;

/// Columns live in registers only if every loop over them is unrolled, which the compiler stops doing at this size.
#define UNROLL _Pragma("clang loop unroll(full)")

#define BN_MASK51 ((1ull << 51) - 1)

/// Limbs of 51 bits: r; 2^256 - r and 2^256 - 2r; r and 2r with 2^52 lent to each limb by the one above.
static const uint64_t bn_r51[5] = {0x1f593f0000001, 0x10f372e12287c, 0x6056174a0cfa1, 0x014dc2822db40, 0x30644e72e131a};
static const uint64_t bn_minus_r51[5] = {0x60a6c0fffffff, 0x6f0c8d1edd783, 0x1fa9e8b5f305e, 0x7eb23d7dd24bf,
                                         0xcf9bb18d1ece5};
static const uint64_t bn_minus_2r51[5] = {0x414d81ffffffe, 0x5e191a3dbaf07, 0x3f53d16be60bd, 0x7d647afba497e,
                                          0x9f37631a3d9cb};
static const uint64_t bn_lent_r51[5] = {0x11f593f0000001, 0x110f372e12287a, 0x16056174a0cf9f, 0x1014dc2822db3e,
                                        0x30644e72e1318};
static const uint64_t bn_lent_2r51[5] = {0x13eb27e0000002, 0x121e6e5c2450f6, 0x140ac2e9419f40, 0x1029b85045b67f,
                                         0x60c89ce5c2632};
/// 1/2^51 and 1/2^102 modulo r, which are 0.245 r and 0.177 r, and -1/r modulo 2^52.
static const uint64_t bn_over51[5] = {0x05cc89dc987a4, 0x64e24f262c77a, 0x237f02685263f, 0x70aad55e2a1fd,
                                      0x0bda088fbd071};
static const uint64_t bn_over102[5] = {0x3459f4a69e5e7, 0x25faeea4c9ca7, 0x3e771def3ca40, 0x46003708f7bc8,
                                       0x088b040ada652};
static const uint64_t bn_k52 = 0x1f593efffffff;

AVX2_INLINE bn4 bn4_zero(void) {
    const v4 z = _mm256_setzero_si256();
    return (bn4){{z, z, z, z, z}};
}

/// Words 0 to 3 of four elements to limbs.
AVX2_INLINE bn4 bn4_from_words(v4 w0, v4 w1, v4 w2, v4 w3) {
    const v4 mask = gl4_set(BN_MASK51);
    bn4 x;
    x.l[0] = _mm256_and_si256(w0, mask);
    x.l[1] = _mm256_and_si256(_mm256_or_si256(_mm256_srli_epi64(w0, 51), _mm256_slli_epi64(w1, 13)), mask);
    x.l[2] = _mm256_and_si256(_mm256_or_si256(_mm256_srli_epi64(w1, 38), _mm256_slli_epi64(w2, 26)), mask);
    x.l[3] = _mm256_and_si256(_mm256_or_si256(_mm256_srli_epi64(w2, 25), _mm256_slli_epi64(w3, 39)), mask);
    x.l[4] = _mm256_srli_epi64(w3, 12);
    return x;
}

AVX2_INLINE bn4 bn4_broadcast(bn_scalar x) {
    return bn4_from_words(gl4_set(x.w[0]), gl4_set(x.w[1]), gl4_set(x.w[2]), gl4_set(x.w[3]));
}

AVX2_INLINE void bn4_transpose(v4 *a) {
    const v4 x0 = _mm256_unpacklo_epi64(a[0], a[1]), x1 = _mm256_unpackhi_epi64(a[0], a[1]);
    const v4 y0 = _mm256_unpacklo_epi64(a[2], a[3]), y1 = _mm256_unpackhi_epi64(a[2], a[3]);
    a[0] = _mm256_permute2x128_si256(x0, y0, 0x20);
    a[1] = _mm256_permute2x128_si256(x1, y1, 0x20);
    a[2] = _mm256_permute2x128_si256(x0, y0, 0x31);
    a[3] = _mm256_permute2x128_si256(x1, y1, 0x31);
}

/// Elements p[0], p[stride], p[2 stride], p[3 stride], the stride counted in elements.
AVX2_INLINE bn4 bn4_load_strided(const uint64_t *p, size_t stride) {
    v4 a[4];
    UNROLL for (int i = 0; i < 4; i++) a[i] = gl4_words(p + 4 * stride * i);
    bn4_transpose(a);
    return bn4_from_words(a[0], a[1], a[2], a[3]);
}

AVX2_INLINE bn4 bn4_load(const uint64_t *p) { return bn4_load_strided(p, 1); }

/// Limbs of canonical elements to words 0 to 3.
AVX2_INLINE void bn4_to_words(bn4 x, v4 *w) {
    w[0] = _mm256_or_si256(x.l[0], _mm256_slli_epi64(x.l[1], 51));
    w[1] = _mm256_or_si256(_mm256_srli_epi64(x.l[1], 13), _mm256_slli_epi64(x.l[2], 38));
    w[2] = _mm256_or_si256(_mm256_srli_epi64(x.l[2], 26), _mm256_slli_epi64(x.l[3], 25));
    w[3] = _mm256_or_si256(_mm256_srli_epi64(x.l[3], 39), _mm256_slli_epi64(x.l[4], 12));
}

/// Canonical elements only.
AVX2_INLINE void bn4_store_strided(uint64_t *p, bn4 x, size_t stride) {
    v4 a[4];
    bn4_to_words(x, a);
    bn4_transpose(a);
    UNROLL for (int i = 0; i < 4; i++) gl4_put(p + 4 * stride * i, a[i]);
}

AVX2_INLINE void bn4_store(uint64_t *p, bn4 x) { bn4_store_strided(p, x, 1); }

/// Carries upwards; no limb but the top one may be negative.
AVX2_INLINE bn4 bn4_carry(bn4 x) {
    const v4 mask = gl4_set(BN_MASK51);
    UNROLL for (int i = 0; i < 4; i++) {
        x.l[i + 1] = _mm256_add_epi64(x.l[i + 1], _mm256_srli_epi64(x.l[i], 51));
        x.l[i] = _mm256_and_si256(x.l[i], mask);
    }
    return x;
}

AVX2_INLINE bn4 bn4_add(bn4 a, bn4 b) {
    UNROLL for (int i = 0; i < 5; i++) a.l[i] = _mm256_add_epi64(a.l[i], b.l[i]);
    return bn4_carry(a);
}

/// a - b + m, for b at most m, where m is r or 2r with limbs lent.
AVX2_INLINE bn4 bn4_sub_lent(bn4 a, bn4 b, const uint64_t *lent) {
    UNROLL for (int i = 0; i < 5; i++) a.l[i] = _mm256_add_epi64(_mm256_sub_epi64(a.l[i], b.l[i]), gl4_set(lent[i]));
    return bn4_carry(a);
}

/// a - b + r, for b at most r: not negative, and less than r more than a.
AVX2_INLINE bn4 bn4_sub(bn4 a, bn4 b) { return bn4_sub_lent(a, b, bn_lent_r51); }

/// x - m if that is not negative, else x; `minus` is 2^256 - m. The sum with it reaches 2^256 if x is at least m.
AVX2_INLINE bn4 bn4_reduce_once(bn4 x, const uint64_t *minus) {
    bn4 d;
    UNROLL for (int i = 0; i < 5; i++) d.l[i] = _mm256_add_epi64(x.l[i], gl4_set(minus[i]));
    d = bn4_carry(d);
    const d4 reached = _mm256_castsi256_pd(_mm256_slli_epi64(d.l[4], 11));
    d.l[4] = _mm256_and_si256(d.l[4], gl4_set((1ull << 52) - 1));
    UNROLL for (int i = 0; i < 5; i++)
        d.l[i] = _mm256_castpd_si256(
            _mm256_blendv_pd(_mm256_castsi256_pd(x.l[i]), _mm256_castsi256_pd(d.l[i]), reached));
    return d;
}

AVX2_INLINE bn4 bn4_canon2(bn4 x) { return bn4_reduce_once(x, bn_minus_r51); }
AVX2_INLINE bn4 bn4_canon4(bn4 x) { return bn4_reduce_once(bn4_reduce_once(x, bn_minus_2r51), bn_minus_r51); }

/// Integers below 2^52 as doubles.
AVX2_INLINE d4 bn4_double(v4 x) {
    const v4 exponent = _mm256_castpd_si256(_mm256_set1_pd(0x1p52));
    return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(x, exponent)), _mm256_set1_pd(0x1p52));
}

AVX2_INLINE bn4_factor bn4_to_factor(bn4 x) {
    bn4_factor f;
    UNROLL for (int i = 0; i < 5; i++) f.l[i] = bn4_double(x.l[i]);
    return f;
}

/// Adds a b to two neighbouring columns, and to each the constant that bn4_bias takes away.
AVX2_INLINE void bn4_product(v4 *column, d4 a, d4 b) {
    const d4 high = _mm256_fmadd_pd(a, b, _mm256_set1_pd(0x1p103));
    const d4 low = _mm256_fmadd_pd(a, b, _mm256_sub_pd(_mm256_set1_pd(0x1p103 + 0x1.8p52), high));
    column[0] = _mm256_add_epi64(column[0], _mm256_castpd_si256(low));
    column[1] = _mm256_add_epi64(column[1], _mm256_castpd_si256(high));
    // Products stay in this order: left to itself the compiler makes many first and keeps them in memory.
    __asm__ volatile("" : "+x"(column[0]), "+x"(column[1]));
}

/// What a column needs where `lows` and `highs` halves of products are added to it. The bits of 1.5 2^52 and 2^103 go
/// away, and 2^51 comes to each lower half from the column above, for these are in -2^50...2^50: no column but the last
/// is negative.
AVX2_INLINE v4 bn4_bias(uint64_t lows, uint64_t highs) {
    return gl4_set(lows * ((1ull << 51) - 0x4338000000000000) - highs * (0x4660000000000000 + 1));
}

AVX2_INLINE bn4_wide bn4_wide_zero(void) {
    bn4_wide s;
    UNROLL for (int i = 0; i < 10; i++) s.c[i] = _mm256_setzero_si256();
    return s;
}

AVX2_INLINE void bn4_mac(bn4_wide *s, bn4_factor a, bn4_factor b) {
    UNROLL for (int k = 0; k < 10; k++) {
        const uint64_t lows = k < 5 ? k + 1 : 9 - k, highs = k < 5 ? k : 10 - k;
        s->c[k] = _mm256_add_epi64(s->c[k], bn4_bias(lows, highs));
    }
    // Column by column, for there are too few registers to keep all of them.
    UNROLL for (int k = 0; k < 9; k++) {
        v4 column[2] = {s->c[k], s->c[k + 1]};
        UNROLL for (int i = k < 5 ? 0 : k - 4; i < (k < 5 ? k + 1 : 5); i++) bn4_product(column, a.l[i], b.l[k - i]);
        s->c[k] = column[0], s->c[k + 1] = column[1];
    }
}

/// Adds 2^256 a, which the reduction divides by 2^256 again.
AVX2_INLINE void bn4_wide_add(bn4_wide *s, bn4 a) {
    UNROLL for (int i = 0; i < 5; i++) s->c[5 + i] = _mm256_add_epi64(s->c[5 + i], _mm256_add_epi64(a.l[i], a.l[i]));
}

/// x / 2 for an even x.
AVX2_INLINE bn4 bn4_half(bn4 x) {
    UNROLL for (int i = 0; i < 5; i++) {
        x.l[i] = _mm256_srli_epi64(x.l[i], 1);
        if (i == 4) break;
        const v4 odd = _mm256_and_si256(x.l[i + 1], gl4_set(1));
        x.l[i] = _mm256_or_si256(x.l[i], _mm256_slli_epi64(odd, 50));
    }
    return x;
}

/// The multiple of r that clears the lowest 52 bits of low + 2^51 high.
AVX2_INLINE d4 bn4_last_multiple(v4 low, v4 high) {
    const v4 sum = _mm256_add_epi64(low, _mm256_slli_epi64(high, 51));
    const d4 x = bn4_double(_mm256_and_si256(sum, gl4_set((1ull << 52) - 1)));
    const d4 k = _mm256_set1_pd((double)bn_k52), split = _mm256_set1_pd(0x1p104);
    // The product modulo 2^52, in -2^51...2^51.
    const d4 m = _mm256_fmadd_pd(x, k, _mm256_sub_pd(split, _mm256_fmadd_pd(x, k, split)));
    return _mm256_blendv_pd(m, _mm256_add_pd(m, _mm256_set1_pd(0x1p52)), m);
}

/// The sum over 2^256 modulo r: below (sum / 2^256) + 1.22 r, carried, where that is below 2^256.
///
/// Limbs go in pairs: x + 2^51 y becomes x / 2^102 + y / 2^51 modulo r, 102 bits further up. Unlike Montgomery's steps
/// of one limb, the two do not wait for each other: what limits this code is the latency. Each pair adds less than
/// 0.43 2^51 r, the second one alone counts, and the last step adds less than r.
AVX2_INLINE bn4 bn4_wide_reduce(bn4_wide *s) {
    v4 *c = s->c;
    UNROLL for (int k = 2; k < 10; k++) {
        // Two rows from column 2, two from column 4.
        const uint64_t lows = (k < 7 ? 2 : 0) + (k >= 4 && k < 9 ? 2 : 0);
        const uint64_t highs = (k >= 3 && k < 8 ? 2 : 0) + (k >= 5 ? 2 : 0);
        c[k] = _mm256_add_epi64(c[k], bn4_bias(lows, highs));
    }
    UNROLL for (int i = 0; i < 4; i += 2) {
        c[i + 1] = _mm256_add_epi64(c[i + 1], _mm256_srli_epi64(c[i], 51));
        c[i + 2] = _mm256_add_epi64(c[i + 2], _mm256_srli_epi64(c[i + 1], 51));
        const d4 x = bn4_double(_mm256_and_si256(c[i], gl4_set(BN_MASK51)));
        const d4 y = bn4_double(_mm256_and_si256(c[i + 1], gl4_set(BN_MASK51)));
        UNROLL for (int j = 0; j < 5; j++) {
            v4 column[2] = {c[i + 2 + j], c[i + 3 + j]};
            bn4_product(column, x, _mm256_set1_pd((double)bn_over102[j]));
            bn4_product(column, y, _mm256_set1_pd((double)bn_over51[j]));
            c[i + 2 + j] = column[0], c[i + 3 + j] = column[1];
        }
    }
    const d4 m = bn4_last_multiple(c[4], c[5]);
    UNROLL for (int k = 4; k < 10; k++) c[k] = _mm256_add_epi64(c[k], bn4_bias(k < 9, k > 4));
    UNROLL for (int j = 0; j < 5; j++) bn4_product(c + 4 + j, m, _mm256_set1_pd((double)bn_r51[j]));
    bn4 x;
    x.l[0] = _mm256_add_epi64(c[5], _mm256_srli_epi64(c[4], 51));
    UNROLL for (int i = 1; i < 5; i++) x.l[i] = c[5 + i];
    return bn4_half(bn4_carry(x));
}

AVX2_INLINE void bn4_wide_normalise(bn4_wide *s) {
    UNROLL for (int i = 0; i < 9; i++) {
        s->c[i + 1] = _mm256_add_epi64(s->c[i + 1], _mm256_srli_epi64(s->c[i], 51));
        s->c[i] = _mm256_and_si256(s->c[i], gl4_set(BN_MASK51));
    }
}

/// The sum of all lanes of carried columns as an integer in nine words; the top lanes are below 2^63 because of
/// CHALLENGE_SUM_LIMIT (2^11 products of less than 13 r^2 < 2^511).
AVX2_INLINE void bn4_wide_sum(const bn4_wide *s, uint64_t *words) {
    UNROLL for (int i = 0; i < 9; i++) words[i] = 0;
    UNROLL for (int i = 0; i < 10; i++) {
        uint64_t lanes[4];
        _mm256_storeu_si256((__m256i *)lanes, s->c[i]);
        UNROLL for (int j = 0; j < 4; j++) {
            // Adds lanes[j] 2^(51 i).
            const int word = 51 * i / 64, shift = 51 * i % 64;
            const bn_u128 x = (bn_u128)lanes[j] << shift;
            uint64_t carry = 0;
            words[word] = bn_adc(words[word], (uint64_t)x, &carry);
            words[word + 1] = bn_adc(words[word + 1], (uint64_t)(x >> 64), &carry);
            UNROLL for (int k = word + 2; k < 9; k++) words[k] = bn_adc(words[k], 0, &carry);
        }
    }
}

#endif
