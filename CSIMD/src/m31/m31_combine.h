/// Matrices of small integers times vectors of QM31: what the files share.
///
/// A weight coordinate w < p = 2^31 - 1 is cut into limbs narrow enough for the processor's integer dot products,
/// whose 32-bit sums stay exact for thousands of entries; limbs meet again only when these are full. One product of
/// an entry with a whole QM31 then costs as many narrow multiplications as it has limbs, and no reduction.
#ifndef CSIMD_SRC_M31_COMBINE_H
#define CSIMD_SRC_M31_COMBINE_H

#include "m31.h"

/// The kernels of one element type at one level.
typedef struct m31_combine {
    /// Elements of one column block (rows kernel), by whose multiples callers split columns.
    size_t block;
    /// Bytes of the prepared weights of `count` rows, and of `count` columns.
    size_t (*row_limb_bytes)(size_t count);
    size_t (*column_limb_bytes)(size_t count);
    void (*row_limbs)(const uint32_t *w, size_t count, void *limbs);
    void (*column_limbs)(const uint32_t *w, size_t count, void *limbs);
    /// `out[c] += sum of w[r] m[r * stride + c]` for `c < columns`, `r < rows`.
    void (*rows)(const void *m, size_t stride, size_t rows, size_t columns, const void *limbs, uint32_t *out);
    /// `out[r] = sum of w[c] m[r * stride + c]`.
    void (*columns)(const void *m, size_t stride, size_t rows, size_t columns, const void *limbs, uint32_t *out);
    /// `rows` may start at any multiple of this many rows, at the limbs of that row.
    size_t row_step;
} m31_combine;

#if defined(__x86_64__)
extern const m31_combine m31_combine_s8_avx2, m31_combine_s16_avx2, m31_combine_s8_avx512, m31_combine_s16_avx512;
#endif

#endif
