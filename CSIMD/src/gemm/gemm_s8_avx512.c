/// 8-bit products at AVX-512 VNNI. `vpdpbusd` multiplies unsigned by signed bytes, so one factor is taken plus 128
/// (its top bit flipped) and 128 times the sum of the other's row is taken off. Sums wrap, and the result is right
/// modulo 2^32.
#if defined(__x86_64__)
#include "../cpu/avx512_sums.h"
#include "gemm.h"

#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define INLINE static inline __attribute__((always_inline)) TARGET

typedef __m512i V;

enum {
    ROWS = 8,      ///< of a register tile
    VECTORS = GEMM_S8_PANEL / 16,
    DEPTH = 512,   ///< summed entries of a packed panel, which then fits the first-level cache
};

INLINE V flipped(V a) { return _mm512_xor_si512(a, _mm512_set1_epi8((char)0x80)); }
INLINE __mmask64 mask_of(size_t count) { return count >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << count) - 1; }

TARGET void gemm_s8_offsets_avx512(const int8_t *a, size_t lda, size_t m, size_t k, int32_t *sums) {
    const V ones = _mm512_set1_epi8(1);
    for (size_t i = 0; i < m; i++) {
        V sum = _mm512_setzero_si512();
        for (size_t l = 0; l < k; l += 64) {
            sum = _mm512_dpbusd_epi32(sum, ones, _mm512_maskz_loadu_epi8(mask_of(k - l), a + i * lda + l));
        }
        sums[i] = (int32_t)((uint32_t)_mm512_reduce_add_epi32(sum) * 0xffffff80u);
    }
}

/// 16 rows of 16 words, transposed.
INLINE void transpose16(V r[16]) {
    V t[16];
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    // u[4g + w]: word w of each 128-bit lane, of rows 4g ... 4g + 3.
    V u[16];
    for (int g = 0; g < 4; g++) {
        u[4 * g] = _mm512_unpacklo_epi64(t[4 * g], t[4 * g + 2]);
        u[4 * g + 1] = _mm512_unpackhi_epi64(t[4 * g], t[4 * g + 2]);
        u[4 * g + 2] = _mm512_unpacklo_epi64(t[4 * g + 1], t[4 * g + 3]);
        u[4 * g + 3] = _mm512_unpackhi_epi64(t[4 * g + 1], t[4 * g + 3]);
    }
    for (int w = 0; w < 4; w++) {
        V a = _mm512_shuffle_i64x2(u[w], u[4 + w], 0x44), b = _mm512_shuffle_i64x2(u[w], u[4 + w], 0xee);
        V c = _mm512_shuffle_i64x2(u[8 + w], u[12 + w], 0x44), d = _mm512_shuffle_i64x2(u[8 + w], u[12 + w], 0xee);
        r[w] = _mm512_shuffle_i64x2(a, c, 0x88);
        r[4 + w] = _mm512_shuffle_i64x2(a, c, 0xdd);
        r[8 + w] = _mm512_shuffle_i64x2(b, d, 0x88);
        r[12 + w] = _mm512_shuffle_i64x2(b, d, 0xdd);
    }
}

/// Packs `n` <= 48 rows of b: four bytes of each of 48 rows, the next four, and so on; zeros beyond the ends, then
/// flipped.
TARGET static void pack(const int8_t *b, size_t ldb, size_t n, size_t k, uint32_t *panel) {
    for (size_t l = 0; l < k; l += 64) {
        __mmask64 mask = mask_of(k - l);
        for (size_t v = 0; v < VECTORS; v++) {
            V r[16];
            for (size_t i = 0; i < 16; i++) {
                size_t row = 16 * v + i;
                r[i] = row < n ? _mm512_maskz_loadu_epi8(mask, b + row * ldb + l) : _mm512_setzero_si512();
            }
            transpose16(r);
            for (size_t i = 0; i < 16; i++) {
                _mm512_storeu_si512(panel + (l / 4 + i) * 16 * VECTORS + 16 * v, flipped(r[i]));
            }
        }
    }
}

/// `rows` rows of a by `vectors` vectors of packed columns, which hold `n`, and `depth` entries, added to `c` or, in
/// the first pass, to the offsets.
INLINE void micro(
    const int8_t *a, size_t lda, const int rows, size_t depth, const uint32_t *panel, int32_t *c, size_t ldc,
    const int vectors, size_t n, const int32_t *offsets, int first) {
    V sum[ROWS][VECTORS];
    __mmask16 mask[VECTORS];
    for (int v = 0; v < vectors; v++) {
        mask[v] = (__mmask16)(n >= 16 * (size_t)v ? mask_of(n - 16 * (size_t)v) : 0);
    }
    for (int i = 0; i < rows; i++) {
        for (int v = 0; v < vectors; v++) {
            sum[i][v] = first ? _mm512_set1_epi32(offsets[i])
                              : _mm512_maskz_loadu_epi32(mask[v], c + (size_t)i * ldc + 16 * (size_t)v);
        }
    }
    size_t l = 0;
    for (; l + 4 <= depth; l += 4, panel += 16 * VECTORS) {
        V y[VECTORS];
        for (int v = 0; v < vectors; v++) {
            y[v] = _mm512_loadu_si512(panel + 16 * v);
        }
        for (int i = 0; i < rows; i++) {
            int32_t word;
            memcpy(&word, a + (size_t)i * lda + l, 4);
            V x = _mm512_set1_epi32(word);
            for (int v = 0; v < vectors; v++) {
                sum[i][v] = _mm512_dpbusd_epi32(sum[i][v], y[v], x);
            }
        }
    }
    if (l < depth) {
        for (int i = 0; i < rows; i++) {
            int32_t word = 0;
            memcpy(&word, a + (size_t)i * lda + l, depth - l);
            V x = _mm512_set1_epi32(word);
            for (int v = 0; v < vectors; v++) {
                sum[i][v] = _mm512_dpbusd_epi32(sum[i][v], _mm512_loadu_si512(panel + 16 * v), x);
            }
        }
    }
    for (int i = 0; i < rows; i++) {
        for (int v = 0; v < vectors; v++) {
            _mm512_mask_storeu_epi32(c + (size_t)i * ldc + 16 * (size_t)v, mask[v], sum[i][v]);
        }
    }
}

TARGET void gemm_s8_pack_avx512(const int8_t *b, size_t ldb, size_t n, size_t k, uint32_t *panels) {
    for (size_t j = 0; j < n; j += GEMM_S8_PANEL) {
        pack(b + j * ldb, ldb, n - j < GEMM_S8_PANEL ? n - j : GEMM_S8_PANEL, k, panels);
        panels += gemm_s8_panel_words(k);
    }
}

/// All rows of a tile by some columns of it, `depth` entries from `l` on.
INLINE void columns(
    const gemm_s8_tile *t, size_t j, const int vectors, size_t n, size_t l, size_t depth, const uint32_t *panel,
    const int32_t *offsets) {
    const int8_t *a = t->a + l;
    int32_t *c = t->c + j;
    size_t i = 0;
    for (; i + ROWS <= t->m; i += ROWS) {
        micro(a + i * t->lda, t->lda, ROWS, depth, panel, c + i * t->ldc, t->ldc, vectors, n, offsets + i, l == 0);
    }
    for (; i + 2 <= t->m; i += 2) {
        micro(a + i * t->lda, t->lda, 2, depth, panel, c + i * t->ldc, t->ldc, vectors, n, offsets + i, l == 0);
    }
    for (; i < t->m; i++) {
        micro(a + i * t->lda, t->lda, 1, depth, panel, c + i * t->ldc, t->ldc, vectors, n, offsets + i, l == 0);
    }
}

TARGET void gemm_s8_avx512(const gemm_s8_tile *t, const int32_t *offsets, uint32_t *panel) {
    for (size_t j = 0; j < t->n; j += GEMM_S8_PANEL) {
        size_t n = t->n - j < GEMM_S8_PANEL ? t->n - j : GEMM_S8_PANEL;
        const uint32_t *packed = panel;
        if (t->panels != NULL) {
            packed = t->panels + j / GEMM_S8_PANEL * gemm_s8_panel_words(t->k);
        } else {
            pack(t->b + j * t->ldb, t->ldb, n, t->k, panel);
        }
        size_t l = 0;
        do {
            size_t depth = t->k - l < DEPTH ? t->k - l : DEPTH;
            const uint32_t *p = packed + l / 4 * 16 * VECTORS;
            if (n > 32) {
                columns(t, j, 3, n, l, depth, p, offsets);
            } else if (n > 16) {
                columns(t, j, 2, n, l, depth, p, offsets);
            } else {
                columns(t, j, 1, n, l, depth, p, offsets);
            }
            l += depth;
        } while (l < t->k);
    }
}

/// `rows` rows of x from `i` on by `columns` rows of y from `j` on, all summed to the end.
INLINE void thin(const gemm_s8_thin *t, size_t i0, const int rows, size_t j0, const int columns, const int fetch) {
    const int8_t *x = t->x + i0 * t->ldx, *y = t->y + j0 * t->ldy;
    const int32_t *offsets = t->offsets + i0;
    int32_t *c = t->c + i0 * t->cx + j0 * t->cy;
    V sum[4][8];
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            sum[i][j] = _mm512_setzero_si512();
        }
    }
    for (size_t l = 0; l < t->k; l += 64) {
        __mmask64 mask = mask_of(t->k - l);
        V right[8];
        for (int j = 0; j < columns; j++) {
            const int8_t *from = y + (size_t)j * t->ldy + l;
            right[j] = flipped(_mm512_maskz_loadu_epi8(mask, from));
            if (fetch) {
                // Of the next rows of y, if there are any: an address and not yet a pointer.
                _mm_prefetch((const char *)((uintptr_t)from + (size_t)columns * t->ldy), _MM_HINT_T0);
            }
        }
        for (int i = 0; i < rows; i++) {
            // Zero where `right` is 128.
            V left = _mm512_maskz_loadu_epi8(mask, x + (size_t)i * t->ldx + l);
            for (int j = 0; j < columns; j++) {
                sum[i][j] = _mm512_dpbusd_epi32(sum[i][j], right[j], left);
            }
        }
    }
    if (rows == 4 && columns == 4) {
        V all[16];
        for (int i = 0; i < 16; i++) {
            all[i] = sum[i / 4][i % 4];
        }
        int32_t sums[16];
        _mm512_storeu_si512(sums, avx512_sum_lanes(all));
        for (int i = 0; i < 16; i++) {
            c[(size_t)(i / 4) * t->cx + (size_t)(i % 4) * t->cy] =
                (int32_t)((uint32_t)sums[i] + (uint32_t)offsets[i / 4]);
        }
        return;
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            c[(size_t)i * t->cx + (size_t)j * t->cy] =
                (int32_t)((uint32_t)_mm512_reduce_add_epi32(sum[i][j]) + (uint32_t)offsets[i]);
        }
    }
}

TARGET void gemm_s8_thin_avx512(const gemm_s8_thin *t) {
    size_t j = 0;
    for (; j + 4 <= t->many; j += 4) {
        size_t i = 0;
        for (; i + 4 <= t->few; i += 4) {
            thin(t, i, 4, j, 4, i == 0);
        }
        for (; i < t->few; i++) {
            thin(t, i, 1, j, 4, i == 0);
        }
    }
    for (; j < t->many; j++) {
        for (size_t i = 0; i < t->few; i++) {
            thin(t, i, 1, j, 1, 0);
        }
    }
}
#endif
