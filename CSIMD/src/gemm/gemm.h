/// What the files of this folder share.
#ifndef CSIMD_SRC_GEMM_H
#define CSIMD_SRC_GEMM_H

#include "csimd_gemm.h"

/// The kernel for 8-bit factors at AVX-512 reads `b` in panels of so many rows.
enum { GEMM_S8_PANEL = 48 };

/// 32-bit words of a panel.
static inline size_t gemm_s8_panel_words(size_t k) { return (size_t)GEMM_S8_PANEL * ((k + 63) / 64 * 16); }

/// One tile: rows of `a` and of `b` into `c`, so many entries apart.
typedef struct gemm_s8_tile {
    const int8_t *a, *b;
    int32_t *c;
    size_t m, n, k, lda, ldb, ldc;
    /// The rows of `b` as panels, or null.
    const uint32_t *panels;
} gemm_s8_tile;

typedef struct gemm_s16_tile {
    const int16_t *a, *b;
    int64_t *c;
    size_t m, n, k, lda, ldb, ldc;
    /// Products of pairs that a 32-bit sum holds beside -1; at least 1.
    size_t flush;
} gemm_s16_tile;

/// Rows of `a`, and rows of `b` that lie by the summed index.
typedef struct gemm_s16_s8_tile {
    const int16_t *a;
    const int8_t *b;
    int32_t *c;
    size_t m, n, k, lda, ldb, ldc;
} gemm_s16_s8_tile;

#if defined(__x86_64__)
void gemm_s8_avx2(const gemm_s8_tile *tile);
void gemm_s16_avx2(const gemm_s16_tile *tile);
void gemm_s16_avx512(const gemm_s16_tile *tile);
void gemm_s16_s8_avx2(const gemm_s16_s8_tile *tile);
void gemm_s16_s8_avx512(const gemm_s16_s8_tile *tile);
/// The larger of the sizes of all entries; `count` of them.
int gemm_largest_s16_avx2(const int16_t *a, size_t count);

/// `sums[i]` = -128 times the sum of row i, modulo 2^32.
void gemm_s8_offsets_avx512(const int8_t *a, size_t lda, size_t m, size_t k, int32_t *sums);
/// Arranges `n` rows of b as panels; what is beyond the last row is zero.
void gemm_s8_pack_avx512(const int8_t *b, size_t ldb, size_t n, size_t k, uint32_t *panels);
/// Many rows of `a` and of `b`; `offsets` are those of the tile's rows of `a`, `panel` has room for one panel, aligned
/// to 64, if the tile has none.
void gemm_s8_avx512(const gemm_s8_tile *tile, const int32_t *offsets, uint32_t *panel);
/// One factor with few rows, `x`, and one with any number, `y`: `c[i * cx + j * cy]` takes row i of x times row j of y.
/// `offsets` are those of x.
typedef struct gemm_s8_thin {
    const int8_t *x, *y;
    const int32_t *offsets;
    int32_t *c;
    size_t few, many, k, ldx, ldy, cx, cy;
} gemm_s8_thin;
void gemm_s8_thin_avx512(const gemm_s8_thin *thin);
#endif

#endif
