/// Kernels over the base field of BN254 and over its curve, y^2 = x^3 + 3.
///
/// Elements of the base field are four little-endian words, the Montgomery form x * 2^256 mod p, less than p. A point
/// is affine, x and then y, 64 bytes; the identity is written as zeros, which is no point of the curve. No pointer
/// needs more alignment than its words do.
#ifndef CSIMD_BN254_CURVE_H
#define CSIMD_BN254_CURVE_H

#include <stddef.h>
#include <stdint.h>

/// The inverse of an element of the base field, or zero for zero, in variable time.
void csimd_bn254_base_inverse(const void *element, void *out);

/// a to the power of the integer in four words, least significant first.
void csimd_bn254_base_power(const void *a, const uint64_t *exponent, void *out);

/// The sum of two points, whatever they are.
void csimd_bn254_add_points(const void *a, const void *b, void *out);

/// A vector of scalars for the points from `first` on. `bytes` is 1, 2, 4 or 8 for signed integers, and 32 for
/// canonical integers below the order, each four little-endian words.
typedef struct {
    const void *scalars;
    int bytes;
    size_t count;
    size_t first;
} csimd_bn254_scalars;

/// out[i] = sum over j of scalars[i][j] * points[first of i + j], each a point. Runs on all threads. There may be up to
/// 2^31 points in a vector.
void csimd_bn254_multiply_points(const void *points, const csimd_bn254_scalars *vectors, size_t count, void *out);

/// out[i] = scalars[i] * point, for canonical scalars of four words. Runs on all threads.
void csimd_bn254_multiply_point(const void *point, const void *scalars, size_t count, void *out);

/// The number of the first point that is neither on the curve nor the identity, or `count`; coordinates must be below
/// p. Runs on all threads.
size_t csimd_bn254_first_off_curve(const void *points, size_t count);

#endif
