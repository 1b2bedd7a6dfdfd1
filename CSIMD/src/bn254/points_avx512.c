// Sums of many pairs of affine points, eight at a time.
//
// Coordinates in memory are canonical. Bounds below are multiples of p; a product of factors below a and b is below
// 0.189 a b + 1.127, for p^2 / 2^256 = 0.189 p and k / 2^52 = 0.127.
#if defined(__x86_64__)
#include "avx512_field.h"
#include "base.h"

static const bn8_modulus fq8_modulus = {
    {0x08c16d87cfd47, 0x916871ca8d3c2, 0x181585d97816a, 0xa029b85045b68, 0x030644e72e131},
    {0x1182db0f9fa8e, 0x22d0e3951a784, 0x302b0bb2f02d5, 0x405370a08b6d0, 0x060c89ce5c263},
    0x20782e4866389,
    {0xc93a3dee22c55, 0xe15f4ea250777, 0x37f0b49e7cd63, 0x2079e650a0895, 0x06234192d7a1}};

/// Vectors of pairs for each inversion. That each product needs the one before costs nothing: the processor works on
/// the rest of the addition meanwhile (two to four independent chains measured the same or slower).
enum { BATCH = 192 };

AVX512_INLINE bn8 fq8_mul(bn8 a, bn8 b) {
    bn8_wide s = bn8_wide_zero();
    bn8_mac(&s, bn8_left(a), b);
    return bn8_wide_reduce_modulo(&s, &fq8_modulus);
}

/// a - b + p, for b at most 1.
AVX512_INLINE bn8 fq8_sub(bn8 a, bn8 b) {
    for (int i = 0; i < 5; i++) a.l[i] = _mm512_add_epi64(_mm512_sub_epi64(a.l[i], b.l[i]), gl8_set(fq8_modulus.m[i]));
    return bn8_carry(a);
}

AVX512_INLINE bn8 fq8_canon2(bn8 x) { return bn8_reduce_once(x, fq8_modulus.m); }
AVX512_INLINE bn8 fq8_canon4(bn8 x) { return bn8_reduce_once(bn8_reduce_once(x, fq8_modulus.twice), fq8_modulus.m); }

AVX512_INLINE bn8 fq8_blend(bn8 a, __mmask8 m, bn8 b) {
    for (int i = 0; i < 5; i++) a.l[i] = _mm512_mask_mov_epi64(a.l[i], m, b.l[i]);
    return a;
}

AVX512_INLINE __mmask8 fq8_zero_mask(bn8 a) {
    v8 any = a.l[0];
    for (int i = 1; i < 5; i++) any = _mm512_or_si512(any, a.l[i]);
    return _mm512_testn_epi64_mask(any, any);
}

AVX512_INLINE __mmask8 fq8_equal_mask(bn8 a, bn8 b) {
    v8 any = _mm512_xor_si512(a.l[0], b.l[0]);
    for (int i = 1; i < 5; i++) any = _mm512_or_si512(any, _mm512_xor_si512(a.l[i], b.l[i]));
    return _mm512_testn_epi64_mask(any, any);
}

AVX512_INLINE const uint64_t *address(reference r) { return (const uint64_t *)(r & ~(reference)1); }

/// A coordinate (word offset 0 or 4) of eight points, references two apart.
AVX512_INLINE bn8 load_coordinate(const reference *r, int offset) {
    return bn8_transpose(bn8_two(address(r[0]) + offset, address(r[2]) + offset),
                         bn8_two(address(r[4]) + offset, address(r[6]) + offset),
                         bn8_two(address(r[8]) + offset, address(r[10]) + offset),
                         bn8_two(address(r[12]) + offset, address(r[14]) + offset));
}

/// y of the first (0) or second (1) points of eight pairs, negated where the reference says so: at most 1, and 1 itself
/// only for a negated identity.
AVX512_INLINE bn8 load_y(const reference *r, int which) {
    const bn8 y = load_coordinate(r + which, 4);
    // The lanes of bn8_transpose.
    const v8 lanes = _mm512_add_epi64(_mm512_setr_epi64(0, 4, 2, 6, 8, 12, 10, 14), gl8_set((uint64_t)which));
    const v8 tags = _mm512_permutex2var_epi64(_mm512_loadu_si512(r), lanes, _mm512_loadu_si512(r + 8));
    const __mmask8 negative = _mm512_test_epi64_mask(tags, gl8_set(1));
    bn8 n;
    for (int i = 0; i < 5; i++) n.l[i] = _mm512_sub_epi64(gl8_set(fq8_modulus.m[i]), y.l[i]);
    return fq8_blend(y, negative, bn8_carry(n));
}

/// What the lanes of a vector of pairs are if not two points of different x.
typedef struct {
    __mmask8 any, doubled, opposite, first_is_identity, second_is_identity;
} exceptions;

AVX512_INLINE bn8 fq8_broadcast_one(void) {
    return bn8_from_words(gl8_set(fq_one.w[0]), gl8_set(fq_one.w[1]), gl8_set(fq_one.w[2]), gl8_set(fq_one.w[3]));
}

/// Finds the exceptions and puts in place the denominators that they need.
AVX512 static __attribute__((noinline)) void classify(const reference *r, bn8 *d, exceptions *e) {
    const bn8 x1 = load_coordinate(r, 0), x2 = load_coordinate(r + 1, 0);
    const bn8 y1 = fq8_canon2(load_y(r, 0)), y2 = fq8_canon2(load_y(r, 1));
    e->first_is_identity = fq8_zero_mask(x1) & fq8_zero_mask(y1);
    e->second_is_identity = fq8_zero_mask(x2) & fq8_zero_mask(y2);
    const __mmask8 identity = e->first_is_identity | e->second_is_identity;
    const __mmask8 same = fq8_equal_mask(x1, x2) & ~identity;
    e->doubled = same & fq8_equal_mask(y1, y2);
    e->opposite = same & ~e->doubled;
    e->any = same | identity;
    *d = fq8_blend(*d, e->doubled, bn8_add(y1, y1));
    *d = fq8_blend(*d, identity | e->opposite, fq8_broadcast_one());
}

AVX512 static __attribute__((noinline)) void numerators(bn8 x1, const exceptions *e, bn8 *numerator) {
    const bn8 square = fq8_canon2(fq8_mul(x1, x1));
    *numerator = fq8_blend(*numerator, e->doubled, bn8_add(bn8_add(square, square), square)); // below 3
}

AVX512 static __attribute__((noinline)) void settle(const reference *r, const exceptions *e, bn8 *x, bn8 *y) {
    const bn8 x1 = load_coordinate(r, 0), x2 = load_coordinate(r + 1, 0);
    const bn8 y1 = fq8_canon2(load_y(r, 0)), y2 = fq8_canon2(load_y(r, 1));
    const v8 zero = _mm512_setzero_si512();
    const bn8 nothing = {{zero, zero, zero, zero, zero}};
    *x = fq8_blend(fq8_blend(fq8_blend(*x, e->second_is_identity, x1), e->first_is_identity, x2), e->opposite, nothing);
    *y = fq8_blend(fq8_blend(fq8_blend(*y, e->second_is_identity, y1), e->first_is_identity, y2), e->opposite, nothing);
}

/// Replaces each lane, not zero and below 2, by its inverse, below 1.
AVX512 static __attribute__((noinline)) bn8 fq8_invert(bn8 a) {
    fq lanes[8], products[8];
    bn8_store((uint64_t *)lanes, fq8_canon2(a));
    products[0] = lanes[0];
    for (int i = 1; i < 8; i++) products[i] = fq_mul(products[i - 1], lanes[i]);
    fq inverse = fq_inverse(products[7]);
    for (int i = 7; i > 0; i--) {
        const fq own = fq_mul(inverse, products[i - 1]);
        inverse = fq_mul(inverse, lanes[i]);
        lanes[i] = own;
    }
    lanes[0] = inverse;
    return bn8_load((const uint64_t *)lanes);
}

/// `vectors`, at most BATCH, times eight pairs.
///
/// Bounds in multiples of p: a product of factors below a and b comes out below ab 0.189 + 1.127, at most. So prefixes and inverses stay
/// below 1.8118, reciprocals below 1.7474, the slope of a doubling (numerator below 3) below 2.1178, and what x3 is reduced
/// from below 0.189 2.1178^2 + 1.127 + 2 = 3.975: `fq8_canon4` takes less than 4, so no numerator may be larger.
AVX512 static void add_batch(const reference *refs, size_t vectors, point *out) {
    bn8 denominators[BATCH], prefixes[BATCH];
    exceptions special[BATCH];
    bn8 product = fq8_broadcast_one();
    for (size_t i = 0; i < vectors; i++) {
        const reference *r = refs + 16 * i;
        const bn8 x1 = load_coordinate(r, 0), x2 = load_coordinate(r + 1, 0);
        bn8 d = fq8_sub(x2, x1); // below 2
        special[i].any = fq8_equal_mask(x1, x2) | fq8_zero_mask(x1) | fq8_zero_mask(x2);
        if (special[i].any) classify(r, &d, special + i);
        denominators[i] = d;
        prefixes[i] = product;
        product = fq8_mul(product, d); // below 1.9
    }
    bn8 inverse = fq8_invert(product);
    for (size_t i = vectors; i-- > 0;) {
        const reference *r = refs + 16 * i;
        const bn8 reciprocal = fq8_mul(inverse, prefixes[i]); // below 1.9
        inverse = fq8_mul(inverse, denominators[i]);
        const bn8 x1 = load_coordinate(r, 0), x2 = load_coordinate(r + 1, 0), y1 = load_y(r, 0);
        bn8 numerator = fq8_sub(load_y(r, 1), y1);                   // below 2
        if (special[i].any) numerators(x1, special + i, &numerator); // below 3
        const bn8 slope = fq8_mul(numerator, reciprocal);            // below 2.12

        bn8_wide s = bn8_wide_zero();
        bn8_mac(&s, bn8_left(slope), slope);
        bn8 rest;
        for (int k = 0; k < 5; k++)
            rest.l[k] = _mm512_sub_epi64(gl8_set(fq8_modulus.twice[k]), _mm512_add_epi64(x1.l[k], x2.l[k]));
        bn8_wide_add(&s, bn8_carry(rest));
        bn8 x3 = fq8_canon4(bn8_wide_reduce_modulo(&s, &fq8_modulus)); // below 3.975 before

        s = bn8_wide_zero();
        bn8_mac(&s, bn8_left(fq8_sub(x1, x3)), slope);
        for (int k = 0; k < 5; k++) rest.l[k] = _mm512_sub_epi64(gl8_set(fq8_modulus.m[k]), y1.l[k]);
        bn8_wide_add(&s, bn8_carry(rest));
        bn8 y3 = fq8_canon4(bn8_wide_reduce_modulo(&s, &fq8_modulus)); // below 2.93 before

        if (special[i].any) settle(r, special + i, &x3, &y3);
        uint64_t *z = (uint64_t *)(out + 8 * i);
        bn8_store_strided(z, x3, 2);
        bn8_store_strided(z + 4, y3, 2);
    }
}

void bn254_avx512_add_pairs(const reference *pairs, size_t count, point *out) {
    size_t first = 0;
    while (count - first >= 8) {
        const size_t vectors = (count - first) / 8 < BATCH ? (count - first) / 8 : BATCH;
        add_batch(pairs + 2 * first, vectors, out + first);
        first += 8 * vectors;
    }
    if (first == count) return;
    static const point identity;
    reference refs[16];
    point sums[8];
    for (size_t i = 0; i < 16; i++) refs[i] = i < 2 * (count - first) ? pairs[2 * first + i] : refer(&identity, 0);
    add_batch(refs, 1, sums);
    for (size_t i = first; i < count; i++) out[i] = sums[i - first];
}
#endif
