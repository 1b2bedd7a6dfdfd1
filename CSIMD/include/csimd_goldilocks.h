/// Kernels over Goldilocks, p = 2^64 - 2^32 + 1, and its extension F[x]/(x^2 - 7). Elements are canonical 64-bit words;
/// extension elements are two words, the constant coordinate first. Pointers need no alignment.
#ifndef CSIMD_GOLDILOCKS_H
#define CSIMD_GOLDILOCKS_H

#include <stddef.h>
#include <stdint.h>

// Vectors of extension elements. What each operation does is said in `ProofField` (Sources/Fields/Field.swift); outputs
// may be inputs where it says so, and factors are extension elements.
void csimd_goldilocks_add(const void *a, const void *b, void *out, size_t count);
void csimd_goldilocks_multiply(const void *a, const void *b, void *out, size_t count);
void csimd_goldilocks_add_scaled(const void *a, const void *factor, void *out, size_t count);
void csimd_goldilocks_scale(const void *a, const void *factor, void *out, size_t count);
void csimd_goldilocks_fold(const void *in, const void *r, void *out, size_t pairs);
void csimd_goldilocks_fold_pairs(const void *in, const void *r, void *out, size_t quads);
void csimd_goldilocks_expand_eq(const void *point, size_t bits, const void *scale, void *table);
void csimd_goldilocks_add_fractions(const void *p, const void *q, void *p_out, void *q_out, size_t pairs);
void csimd_goldilocks_inner_product(const void *a, const void *b, size_t count, void *sum);
void csimd_goldilocks_round_product2(const void *a, const void *b, size_t pairs, void *two);
void csimd_goldilocks_round_product3(const void *a, const void *b, const void *c, size_t pairs, void *three);
void csimd_goldilocks_round_weighted_product2(const void *weights, const void *a, const void *b, size_t pairs,
                                              void *two);
void csimd_goldilocks_round_fractions(const void *weights, const void *p, const void *q, const void *lambda,
                                      size_t quads, void *two);

// Small integers: signed, of 1, 2, 4 or 8 bytes each. `embed_base` and the functions on base vectors are over the prime
// field, where an element is one word.
void csimd_goldilocks_embed_base(const void *in, int bytes, size_t count, void *out);
void csimd_goldilocks_embed(const void *in, int bytes, size_t count, void *out);
void csimd_goldilocks_add_scaled_integers(const void *a, int bytes, size_t count, const void *factor, void *out);
void csimd_goldilocks_fold_integers(const void *in, int bytes, size_t pairs, const void *r, void *out);
void csimd_goldilocks_inner_product_integers(const void *a, int bytes, size_t count, const void *b, void *sum);
void csimd_goldilocks_inner_product_base(const void *a, const void *b, size_t count, void *sum);
void csimd_goldilocks_add_scaled_base(const void *a, const void *factor, void *out, size_t count);

// Row-major matrices of small integers times vectors of weights, on all threads.
void csimd_goldilocks_combine_rows(const void *matrix, int bytes, size_t rows, size_t columns, const void *weights,
                                   void *out);
void csimd_goldilocks_combine_columns(const void *matrix, int bytes, size_t rows, size_t columns, const void *weights,
                                      void *out);

// Encodes `width` interleaved messages of base elements in place, on one thread; see `ProofField.reedSolomonEncode`.
void csimd_goldilocks_reed_solomon_encode(void *values, size_t stride, size_t width, int message_bits,
                                          int log_inverse_rate);

#endif
