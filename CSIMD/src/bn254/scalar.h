/// Scalar arithmetic modulo the order r of BN254, and, with a modulus as the last parameter, modulo any prime of its
/// size. Elements are four little-endian words, x * 2^256 mod r, less than r.
#ifndef CSIMD_BN254_SCALAR_H
#define CSIMD_BN254_SCALAR_H

#include <stdint.h>

typedef unsigned __int128 bn_u128;

typedef struct {
    uint64_t w[4];
} bn_scalar;

/// A prime m of 254 bits whose top word is below 2^63 - 1. Functions that take one are inlined,
/// so that the words of a constant modulus become immediate operands.
typedef struct {
    uint64_t words[4];
    /// -1/m mod 2^64.
    uint64_t negative_inverse;
} bn_modulus;

#define BN_INLINE static inline __attribute__((always_inline))

static const uint64_t bn_r[4] = {0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029};
/// -1/r mod 2^64.
#define BN_NEGATIVE_INVERSE 0xc2e1f593efffffffull
static const bn_modulus bn_order = {{0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029},
                                    BN_NEGATIVE_INVERSE};

static inline uint64_t bn_adc(uint64_t a, uint64_t b, uint64_t *carry) {
    unsigned long long out;
    const uint64_t s = __builtin_addcll(a, b, *carry, &out);
    *carry = out;
    return s;
}

static inline uint64_t bn_sbb(uint64_t a, uint64_t b, uint64_t *borrow) {
    unsigned long long out;
    const uint64_t d = __builtin_subcll(a, b, *borrow, &out);
    *borrow = out;
    return d;
}

/// a * b + c + d, which fits two words.
static inline uint64_t bn_mac(uint64_t a, uint64_t b, uint64_t c, uint64_t *carry) {
    bn_u128 x = (bn_u128)a * b + c + *carry;
    *carry = (uint64_t)(x >> 64);
    return (uint64_t)x;
}

/// Takes m off if the value, less than 2m, is not less than m.
BN_INLINE bn_scalar bn_reduce_once_modulo(bn_scalar a, const bn_modulus *m) {
    uint64_t borrow = 0;
    bn_scalar d;
    for (int i = 0; i < 4; i++) d.w[i] = bn_sbb(a.w[i], m->words[i], &borrow);
    for (int i = 0; i < 4; i++) d.w[i] = borrow ? a.w[i] : d.w[i];
    return d;
}

BN_INLINE bn_scalar bn_add_modulo(bn_scalar a, bn_scalar b, const bn_modulus *m) {
    uint64_t carry = 0;
    for (int i = 0; i < 4; i++) a.w[i] = bn_adc(a.w[i], b.w[i], &carry);
    return bn_reduce_once_modulo(a, m);
}

BN_INLINE bn_scalar bn_sub_modulo(bn_scalar a, bn_scalar b, const bn_modulus *m) {
    uint64_t borrow = 0, carry = 0;
    for (int i = 0; i < 4; i++) a.w[i] = bn_sbb(a.w[i], b.w[i], &borrow);
    const uint64_t mask = 0 - borrow;
    for (int i = 0; i < 4; i++) a.w[i] = bn_adc(a.w[i], m->words[i] & mask, &carry);
    return a;
}

/// a * b / 2^256 modulo m, canonical, for any a < 2^256 and b < m (or the other way round): rows of the product with
/// Montgomery's reduction in between. The running sum stays below b + m < 2^255 whatever a is, so four words hold it
/// (Botrel et al., "Faster big-integer modular multiplication for most moduli", 2022).
BN_INLINE bn_scalar bn_mul_modulo(bn_scalar a, bn_scalar b, const bn_modulus *modulus) {
    uint64_t t[4] = {0, 0, 0, 0};
    for (int i = 0; i < 4; i++) {
        uint64_t c = 0, d = 0;
        const uint64_t x = a.w[i];
        const uint64_t low = bn_mac(b.w[0], x, t[0], &c);
        const uint64_t m = low * modulus->negative_inverse;
        bn_mac(m, modulus->words[0], low, &d);
        for (int j = 1; j < 4; j++) {
            const uint64_t s = bn_mac(b.w[j], x, t[j], &c);
            t[j - 1] = bn_mac(m, modulus->words[j], s, &d);
        }
        t[3] = c + d;
    }
    return bn_reduce_once_modulo((bn_scalar){{t[0], t[1], t[2], t[3]}}, modulus);
}

static inline bn_scalar bn_reduce_once(bn_scalar a) { return bn_reduce_once_modulo(a, &bn_order); }
static inline bn_scalar bn_add(bn_scalar a, bn_scalar b) { return bn_add_modulo(a, b, &bn_order); }
static inline bn_scalar bn_sub(bn_scalar a, bn_scalar b) { return bn_sub_modulo(a, b, &bn_order); }
static inline bn_scalar bn_mul(bn_scalar a, bn_scalar b) { return bn_mul_modulo(a, b, &bn_order); }

static const bn_scalar bn_r_squared = {
    {0x1bb8e645ae216da7, 0x53fe3ab1e35c59e3, 0x8c49833d53bb8085, 0x0216d0b17f4e44a5}};

/// low + 2^256 top modulo r, canonical, for |top| < 2^36, by Barrett's division: r 2^38 > 2^291 is added to make the
/// integer v positive; then v < 2^294 and floor(floor(v / 2^240) floor(2^304 / r) / 2^64) is the quotient or less by at
/// most 2, for the two roundings inside are off by less than 2^-9 and each floor by less than 1.
static inline bn_scalar bn_reduce_signed(bn_scalar low, int64_t top) {
    uint64_t v[5], carry = 0, previous = 0;
    for (int i = 0; i < 4; i++) {
        v[i] = bn_adc(low.w[i], bn_r[i] << 38 | previous, &carry);
        previous = bn_r[i] >> 26;
    }
    v[4] = (uint64_t)top + previous + carry;
    const uint64_t q = (uint64_t)((bn_u128)(v[3] >> 48 | v[4] << 16) * 0x54a47462623a0 >> 64);
    uint64_t product = 0, borrow = 0;
    bn_scalar d;
    for (int i = 0; i < 4; i++) d.w[i] = bn_sbb(v[i], bn_mac(q, bn_r[i], 0, &product), &borrow);
    // The rest is below 3r < 2^256.
    return bn_reduce_once(bn_reduce_once(d));
}

/// The integer given by nine words, modulo r.
static inline bn_scalar bn_reduce9(const uint64_t *t) {
    static const bn_scalar r1 = {{0xac96341c4ffffffb, 0x36fc76959f60cd29, 0x666ea36f7879462e, 0x0e0a77c19a07df2f}};
    static const bn_scalar r2 = {{0x1bb8e645ae216da7, 0x53fe3ab1e35c59e3, 0x8c49833d53bb8085, 0x0216d0b17f4e44a5}};
    static const bn_scalar r3 = {{0x5e94d8e1b4bf0040, 0x2a489cbe1cfbb6b8, 0x893cc664a19fcfed, 0x0cf8594b7fcc657c}};
    bn_scalar sum = bn_mul((bn_scalar){{t[0], t[1], t[2], t[3]}}, r1);
    sum = bn_add(sum, bn_mul((bn_scalar){{t[4], t[5], t[6], t[7]}}, r2));
    return bn_add(sum, bn_mul((bn_scalar){{t[8], 0, 0, 0}}, r3));
}

/// 2^-256 times the integer given by nine words, modulo r.
static inline bn_scalar bn_montgomery_reduce9(const uint64_t *t) {
    static const bn_scalar one = {{1, 0, 0, 0}};
    static const bn_scalar r1 = {{0xac96341c4ffffffb, 0x36fc76959f60cd29, 0x666ea36f7879462e, 0x0e0a77c19a07df2f}};
    static const bn_scalar r2 = {{0x1bb8e645ae216da7, 0x53fe3ab1e35c59e3, 0x8c49833d53bb8085, 0x0216d0b17f4e44a5}};
    bn_scalar sum = bn_mul((bn_scalar){{t[0], t[1], t[2], t[3]}}, one);
    sum = bn_add(sum, bn_mul((bn_scalar){{t[4], t[5], t[6], t[7]}}, r1));
    return bn_add(sum, bn_mul((bn_scalar){{t[8], 0, 0, 0}}, r2));
}

#endif
