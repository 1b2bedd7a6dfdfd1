/// Operations with vectors and matrices of small integers, and on base-field vectors: vector forms. `bytes` is the size
/// of an integer, 1, 2 or 4 (8 too in the matrix operations). The vector operations do whole groups of 8 and return how
/// many.
#ifndef CSIMD_INTEGERS_TABLE_H
#define CSIMD_INTEGERS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define INTEGER_KERNELS(field)                                                                                         \
    size_t field##_avx512_embed_base(const void *in, int bytes, size_t count, uint64_t *out);                          \
    size_t field##_avx512_embed(const void *in, int bytes, size_t count, uint64_t *out);                               \
    size_t field##_avx512_add_scaled_integers(const void *a, int bytes, size_t count, const uint64_t *factor,          \
                                              uint64_t *out);                                                          \
    size_t field##_avx512_fold_integers(const void *in, int bytes, size_t pairs, const uint64_t *r, uint64_t *out);    \
    size_t field##_avx512_inner_product_integers(const void *a, int bytes, size_t count, const uint64_t *b,            \
                                                 uint64_t *sum);                                                       \
    size_t field##_avx512_inner_product_base(const uint64_t *a, const uint64_t *b, size_t count, uint64_t *sum);       \
    size_t field##_avx512_add_scaled_base(const uint64_t *a, const uint64_t *factor, uint64_t *out, size_t count);     \
    void field##_avx512_combine_rows(const void *matrix, int bytes, size_t rows, size_t columns,                       \
                                     const uint64_t *weights, const uint64_t *constant, uint64_t *out);                \
    void field##_avx512_combine_columns(const void *matrix, int bytes, size_t rows, size_t columns,                    \
                                        const uint64_t *weights, const uint64_t *constant, uint64_t *out);

#endif
