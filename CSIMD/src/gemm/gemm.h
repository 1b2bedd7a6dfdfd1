/// What the files of this folder share.
#ifndef CSIMD_SRC_GEMM_H
#define CSIMD_SRC_GEMM_H

#include "csimd_gemm.h"

/// The kernel for 8-bit factors at AVX-512 reads `b` in panels of so many rows.
enum { GEMM_S8_PANEL = 48 };

/// 32-bit words of a panel.
static inline size_t gemm_s8_panel_words(size_t k) { return (size_t)GEMM_S8_PANEL * ((k + 63) / 64 * 16); }

/// One tile: rows of `a` and of `b`, both `k` apart, into `c`, `ldc` apart.
typedef struct gemm_s8_tile {
    const int8_t *a, *b;
    int32_t *c;
    size_t m, n, k, ldc;
    /// The rows of `b` as panels, or null.
    const uint32_t *panels;
} gemm_s8_tile;

typedef struct gemm_s16_tile {
    const int16_t *a, *b;
    int64_t *c;
    size_t m, n, k, ldc;
    /// Products of pairs that a 32-bit sum holds beside -1; at least 1.
    size_t flush;
} gemm_s16_tile;

#if defined(__x86_64__)
void gemm_s8_avx2(const gemm_s8_tile *tile);
void gemm_s16_avx2(const gemm_s16_tile *tile);
void gemm_s16_avx512(const gemm_s16_tile *tile);
/// The larger of the sizes of all entries; `count` of them.
int gemm_largest_s16_avx2(const int16_t *a, size_t count);

/// `sums[i]` = -128 times the sum of row i, modulo 2^32.
void gemm_s8_offsets_avx512(const int8_t *a, size_t m, size_t k, int32_t *sums);
/// Arranges `n` rows of b as panels; what is beyond the last row is zero.
void gemm_s8_pack_avx512(const int8_t *b, size_t n, size_t k, uint32_t *panels);
/// Many rows of `a` and of `b`; `offsets` are those of the tile's rows of `a`, `panel` has room for one panel, aligned
/// to 64, if the tile has none.
void gemm_s8_avx512(const gemm_s8_tile *tile, const int32_t *offsets, uint32_t *panel);
/// Few rows of `x`, any number of `y`; `c[i * ldx + j * ldy]` takes row i of x times row j of y. `offsets` are those
/// of x.
void gemm_s8_thin_avx512(
    const int8_t *x, const int32_t *offsets, size_t few, const int8_t *y, size_t many, size_t k, int32_t *c, size_t ldx,
    size_t ldy);
#endif

#endif
