/// Kernels over the scalar field of BN254. Elements are four little-endian words, the Montgomery form x * 2^256 mod r,
/// less than r. Pointers need no alignment.
#ifndef CSIMD_BN254_H
#define CSIMD_BN254_H

#include <stddef.h>
#include <stdint.h>

/// The inverse of an element, or zero for zero, in variable time.
void csimd_bn254_inverse(const void *element, void *out);

// Vectors of elements. What each operation does is said in `ProofField` (Sources/Fields/Field.swift); outputs
// may be inputs where it says so, and factors are elements.
void csimd_bn254_add(const void *a, const void *b, void *out, size_t count);
void csimd_bn254_multiply(const void *a, const void *b, void *out, size_t count);
void csimd_bn254_add_scaled(const void *a, const void *factor, void *out, size_t count);
void csimd_bn254_scale(const void *a, const void *factor, void *out, size_t count);
void csimd_bn254_fold(const void *in, const void *r, void *out, size_t pairs);
void csimd_bn254_fold_pairs(const void *in, const void *r, void *out, size_t quads);
void csimd_bn254_expand_eq(const void *point, size_t bits, const void *scale, void *table);
void csimd_bn254_add_fractions(const void *p, const void *q, void *p_out, void *q_out, size_t pairs);
void csimd_bn254_inner_product(const void *a, const void *b, size_t count, void *sum);
void csimd_bn254_round_product2(const void *a, const void *b, size_t pairs, void *two);
void csimd_bn254_round_product3(const void *a, const void *b, const void *c, size_t pairs, void *three);
void csimd_bn254_round_weighted_product2(const void *weights, const void *a, const void *b, size_t pairs, void *two);
void csimd_bn254_round_fractions(const void *weights, const void *p, const void *q, const void *lambda, size_t quads,
                                 void *two);

// Small integers: signed, of 1, 2, 4 or 8 bytes each.
void csimd_bn254_embed(const void *in, int bytes, size_t count, void *out);
void csimd_bn254_add_scaled_integers(const void *a, int bytes, size_t count, const void *factor, void *out);
void csimd_bn254_fold_integers(const void *in, int bytes, size_t pairs, const void *r, void *out);
void csimd_bn254_inner_product_integers(const void *a, int bytes, size_t count, const void *b, void *sum);

// Row-major matrices of small integers times vectors of weights, on all threads.
void csimd_bn254_combine_rows(const void *matrix, int bytes, size_t rows, size_t columns, const void *weights,
                              void *out);
void csimd_bn254_combine_columns(const void *matrix, int bytes, size_t rows, size_t columns, const void *weights,
                                 void *out);

// Encodes `width` interleaved messages in place, on one thread; see `ProofField.reedSolomonEncode`.
void csimd_bn254_reed_solomon_encode(void *values, size_t stride, size_t width, int message_bits, int log_inverse_rate);

#endif
