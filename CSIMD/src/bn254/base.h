/// Scalar arithmetic in the base field of BN254, modulo p, as in scalar.h; and affine points.
#ifndef CSIMD_BN254_BASE_H
#define CSIMD_BN254_BASE_H

#include "../../include/csimd_bn254_curve.h"
#include "scalar.h"

typedef bn_scalar fq;

static const bn_modulus fq_modulus = {{0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029},
                                      0x87d20782e4866389};
static const fq fq_zero = {{0, 0, 0, 0}};
/// 2^256 mod p.
static const fq fq_one = {{0xd35d438dc58f0d9d, 0x0a78eb28f5c70b3d, 0x666ea36f7879462c, 0x0e0a77c19a07df2f}};
/// The curve's constant, 3.
static const fq fq_three = {{0x7a17caa950ad28d7, 0x1f6ac17ae15521b9, 0x334bea4e696bd284, 0x2a1f6744ce179d8e}};

static inline fq fq_add(fq a, fq b) { return bn_add_modulo(a, b, &fq_modulus); }
static inline fq fq_sub(fq a, fq b) { return bn_sub_modulo(a, b, &fq_modulus); }
static inline fq fq_mul(fq a, fq b) { return bn_mul_modulo(a, b, &fq_modulus); }
static inline fq fq_square(fq a) { return bn_mul_modulo(a, a, &fq_modulus); }
static inline fq fq_negate(fq a) { return fq_sub(fq_zero, a); }
static inline int fq_is_zero(fq a) { return (a.w[0] | a.w[1] | a.w[2] | a.w[3]) == 0; }
static inline int fq_equal(fq a, fq b) {
    return ((a.w[0] ^ b.w[0]) | (a.w[1] ^ b.w[1]) | (a.w[2] ^ b.w[2]) | (a.w[3] ^ b.w[3])) == 0;
}
static inline fq fq_inverse(fq a) {
    fq z;
    csimd_bn254_base_inverse(&a, &z);
    return z;
}

/// An affine point; zeros are the identity.
typedef struct {
    fq x, y;
} point;

static inline int point_is_identity(const point *p) { return fq_is_zero(p->x) && fq_is_zero(p->y); }

/// A point, or its negative if bit 0 of the address is set.
typedef uintptr_t reference;

static inline reference refer(const point *p, int negative) { return (reference)p | (reference)negative; }
static inline point dereference(reference r) {
    point p = *(const point *)(r & ~(reference)1);
    if (r & 1) p.y = fq_negate(p.y);
    return p;
}

/// out[i] = pairs[2i] + pairs[2i + 1], with one inversion for many sums (Montgomery's trick). `out[i]` may be an
/// operand of sum i, of no other.
typedef void add_pairs(const reference *pairs, size_t count, point *out);
add_pairs bn254_portable_add_pairs, bn254_avx512_add_pairs;

#endif
