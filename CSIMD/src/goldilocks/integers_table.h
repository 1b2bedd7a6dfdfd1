/// Operations with vectors and matrices of small integers, and on base-field vectors: vector forms, one table for each
/// field and instruction set. Shared with BN254. `bytes` is the size of an integer, 1, 2 or 4 (8 too in the matrix
/// operations). The vector operations do whole groups of their width and return how many items.
#ifndef CSIMD_INTEGERS_TABLE_H
#define CSIMD_INTEGERS_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct integer_table {
    size_t (*embed)(const void *in, int bytes, size_t count, uint64_t *out);
    size_t (*add_scaled_integers)(const void *a, int bytes, size_t count, const uint64_t *factor, uint64_t *out);
    size_t (*fold_integers)(const void *in, int bytes, size_t pairs, const uint64_t *r, uint64_t *out);
    size_t (*inner_product_integers)(const void *a, int bytes, size_t count, const uint64_t *b, uint64_t *sum);
    // Over a base field of its own only.
    size_t (*embed_base)(const void *in, int bytes, size_t count, uint64_t *out);
    size_t (*inner_product_base)(const uint64_t *a, const uint64_t *b, size_t count, uint64_t *sum);
    size_t (*add_scaled_base)(const uint64_t *a, const uint64_t *factor, uint64_t *out, size_t count);
    // `constant` is the digits' constant (byte_planes.h) times the sum of the weights; at most 2^16 rows.
    void (*combine_rows)(const void *matrix, int bytes, size_t rows, size_t columns, const uint64_t *weights,
                         const uint64_t *constant, uint64_t *out);
    void (*combine_columns)(const void *matrix, int bytes, size_t rows, size_t columns, const uint64_t *weights,
                            const uint64_t *constant, uint64_t *out);
};

/// Calls the form for 1, 2 or 4 bytes; other sizes are left to the portable form.
#define BY_SIZE(bytes, function, one, two, four)                                                                       \
    switch (bytes) {                                                                                                   \
    case 1:                                                                                                            \
        return function one;                                                                                           \
    case 2:                                                                                                            \
        return function two;                                                                                           \
    case 4:                                                                                                            \
        return function four;                                                                                          \
    default:                                                                                                           \
        return 0;                                                                                                      \
    }

#endif
