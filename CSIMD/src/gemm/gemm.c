/// Splits matrix products into tiles, tiles between threads; and the portable kernels.
#include "gemm.h"

#include "csimd_cpu.h"
#include "csimd_parallel.h"
#include <stdlib.h>

/// Products with fewer rows or columns are made without panels.
enum { THIN = 25 };

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static void gemm_s8_portable(const gemm_s8_tile *t) {
    for (size_t i = 0; i < t->m; i++) {
        for (size_t j = 0; j < t->n; j++) {
            const int8_t *a = t->a + i * t->lda, *b = t->b + j * t->ldb;
            uint32_t sum = 0;  // wraps where partial sums leave 32 bits
            for (size_t l = 0; l < t->k; l++) {
                sum += (uint32_t)((int32_t)a[l] * b[l]);
            }
            t->c[i * t->ldc + j] = (int32_t)sum;
        }
    }
}

static void gemm_s16_portable(const gemm_s16_tile *t) {
    for (size_t i = 0; i < t->m; i++) {
        for (size_t j = 0; j < t->n; j++) {
            const int16_t *a = t->a + i * t->lda, *b = t->b + j * t->ldb;
            int64_t sum = 0;
            for (size_t l = 0; l < t->k; l++) {
                sum += (int32_t)a[l] * b[l];
            }
            t->c[i * t->ldc + j] = sum;
        }
    }
}

static void gemm_s16_s8_portable(const gemm_s16_s8_tile *t) {
    for (size_t i = 0; i < t->m; i++) {
        int32_t *c = t->c + i * t->ldc;
        for (size_t j = 0; j < t->n; j++) {
            c[j] = 0;
        }
        for (size_t l = 0; l < t->k; l++) {
            const uint32_t a = (uint32_t)t->a[i * t->lda + l];
            const int8_t *b = t->b + l * t->ldb;
            for (size_t j = 0; j < t->n; j++) {
                c[j] = (int32_t)((uint32_t)c[j] + a * (uint32_t)b[j]);
            }
        }
    }
}

/// Tiles of a product: `rows` by `columns`, `across` of them beside each other.
typedef struct Split {
    size_t rows, columns, across, count;
} Split;

/// Tiles of at most the given size, smaller where there would be too few for all threads.
static Split split(size_t m, size_t n, size_t k, size_t rows, size_t columns, size_t row_step, size_t column_step) {
    size_t threads = m * n * k < 32768 ? 1 : (size_t)csimd_free_thread_count();
    size_t wanted = threads == 1 ? 1 : 4 * threads;
    Split s = {rows, columns, 0, 0};
    for (;;) {
        s.across = (n + s.columns - 1) / s.columns;
        s.count = s.across * ((m + s.rows - 1) / s.rows);
        if (s.count >= wanted) {
            return s;
        }
        if (s.rows > row_step && smaller(s.rows, m) * column_step >= smaller(s.columns, n) * row_step) {
            s.rows = (smaller(s.rows, m) / 2 + row_step - 1) / row_step * row_step;
        } else if (s.columns > column_step) {
            s.columns = (smaller(s.columns, n) / 2 + column_step - 1) / column_step * column_step;
        } else if (s.rows > row_step) {
            s.rows = (smaller(s.rows, m) / 2 + row_step - 1) / row_step * row_step;
        } else {
            return s;
        }
    }
}

static void run(size_t count, void (*body)(void *, size_t), void *context) {
    if (count == 1) {
        body(context, 0);
    } else {
        csimd_parallel_for(count, body, context);
    }
}

typedef struct S8Work {
    gemm_s8_tile whole;
    Split split;
    void (*kernel)(const gemm_s8_tile *);
    int32_t *offsets;
} S8Work;

static gemm_s8_tile s8_tile(const S8Work *work, size_t index, size_t *row) {
    gemm_s8_tile t = work->whole;
    size_t i = index / work->split.across * work->split.rows;
    size_t j = index % work->split.across * work->split.columns;
    t.a += i * t.lda;
    t.b += j * t.ldb;
    t.c += i * t.ldc + j;
    t.m = smaller(work->split.rows, t.m - i);
    t.n = smaller(work->split.columns, t.n - j);
    if (t.panels != NULL) {
        t.panels += j / GEMM_S8_PANEL * gemm_s8_panel_words(t.k);
    }
    *row = i;
    return t;
}

static void s8_task(void *context, size_t index) {
    const S8Work *work = context;
    size_t row;
    gemm_s8_tile t = s8_tile(work, index, &row);
    work->kernel(&t);
}

static void *allocate(size_t bytes) {
    void *p = aligned_alloc(64, bytes / 64 * 64 + 64);
    if (p == NULL) {
        abort();
    }
    return p;
}

#if defined(__x86_64__)
static void s8_packed_task(void *context, size_t index) {
    const S8Work *work = context;
    size_t row;
    gemm_s8_tile t = s8_tile(work, index, &row);
    _Alignas(64) uint32_t own[GEMM_S8_PANEL * 128];
    uint32_t *large = NULL;
    if (t.panels == NULL && gemm_s8_panel_words(t.k) > sizeof own / sizeof own[0]) {
        large = allocate(4 * gemm_s8_panel_words(t.k));
    }
    gemm_s8_avx512(&t, work->offsets + row, large != NULL ? large : own);
    free(large);
}

typedef struct ThinWork {
    gemm_s8_thin whole;
    size_t piece;
} ThinWork;

static void s8_thin_task(void *context, size_t index) {
    const ThinWork *w = context;
    size_t start = index * w->piece;
    gemm_s8_thin t = w->whole;
    t.y += start * t.ldy;
    t.c += start * t.cy;
    t.many = smaller(w->piece, t.many - start);
    gemm_s8_thin_avx512(&t);
}

typedef struct OffsetWork {
    const gemm_s8_tile *tile;
    int32_t *offsets;
    size_t piece;
} OffsetWork;

static void s8_offset_task(void *context, size_t index) {
    const OffsetWork *w = context;
    const gemm_s8_tile *t = w->tile;
    size_t start = index * w->piece;
    gemm_s8_offsets_avx512(
        t->a + start * t->lda, t->lda, smaller(w->piece, t->m - start), t->k, w->offsets + start);
}

static void s8_avx512(const gemm_s8_tile *t) {
    int is_thin = smaller(t->m, t->n) < THIN, a_is_thin = t->m < THIN;
    size_t threads = t->m * t->n * t->k < 32768 ? 1 : (size_t)csimd_free_thread_count();
    size_t rows = is_thin && !a_is_thin ? t->n : t->m;
    int32_t few[512], *large = rows > 512 ? allocate(4 * rows) : NULL, *offsets = large != NULL ? large : few;
    if (is_thin) {
        ThinWork w = {.whole = a_is_thin ? (gemm_s8_thin){t->a, t->b, offsets, t->c, t->m, t->n, t->k, t->lda, t->ldb,
                                                          .cx = t->ldc, .cy = 1}
                                         : (gemm_s8_thin){t->b, t->a, offsets, t->c, t->n, t->m, t->k, t->ldb, t->lda,
                                                          .cx = 1, .cy = t->ldc}};
        gemm_s8_offsets_avx512(w.whole.x, w.whole.ldx, w.whole.few, t->k, offsets);
        size_t pieces = threads == 1 ? 1 : 4 * threads, many = w.whole.many;
        w.piece = ((many + pieces - 1) / pieces + 7) / 8 * 8;
        run((many + w.piece - 1) / w.piece, s8_thin_task, &w);
    } else {
        OffsetWork o = {
            t, offsets, threads == 1 || t->m * t->k < 65536 ? t->m : (t->m + 4 * threads - 1) / (4 * threads)};
        run((t->m + o.piece - 1) / o.piece, s8_offset_task, &o);
        // A panel of columns is packed once a tile: tall tiles.
        S8Work work = {.whole = *t, .offsets = offsets,
                       .split = split(t->m, t->n, t->k, 1024, 4 * GEMM_S8_PANEL, 128, GEMM_S8_PANEL)};
        run(work.split.count, s8_packed_task, &work);
    }
    free(large);
}
#endif

size_t csimd_gemm_s8_packed_bytes(size_t m, size_t n, size_t k) {
#if defined(__x86_64__)
    if (csimd_current_level() == CSIMD_LEVEL_AVX512 && smaller(m, n) >= THIN) {
        return (n + GEMM_S8_PANEL - 1) / GEMM_S8_PANEL * 4 * gemm_s8_panel_words(k);
    }
#endif
    (void)m, (void)n, (void)k;
    return 0;
}

void csimd_gemm_s8_pack(const int8_t *b, size_t n, size_t k, void *packed) {
#if defined(__x86_64__)
    if (csimd_current_level() == CSIMD_LEVEL_AVX512) {
        gemm_s8_pack_avx512(b, k, n, k, packed);
        return;
    }
#endif
    (void)b, (void)n, (void)k, (void)packed;
}

static void s8(const gemm_s8_tile *tile) {
    if (tile->m == 0 || tile->n == 0) {
        return;
    }
    S8Work work = {.whole = *tile, .kernel = gemm_s8_portable};
#if defined(__x86_64__)
    csimd_level level = csimd_current_level();
    if (level == CSIMD_LEVEL_AVX512) {
        s8_avx512(tile);
        return;
    }
    if (level == CSIMD_LEVEL_AVX2) {
        work.kernel = gemm_s8_avx2;
    }
#endif
    work.split = split(tile->m, tile->n, tile->k, 64, 64, 4, 4);
    run(work.split.count, s8_task, &work);
}

void csimd_gemm_s8(const int8_t *a, const int8_t *b, int32_t *c, size_t m, size_t n, size_t k) {
    csimd_gemm_s8_packed(a, b, NULL, c, m, n, k);
}

void csimd_gemm_s8_packed(
    const int8_t *a, const int8_t *b, const void *packed, int32_t *c, size_t m, size_t n, size_t k) {
    s8(&(gemm_s8_tile){a, b, c, m, n, k, .lda = k, .ldb = k, .ldc = n, .panels = packed});
}

void csimd_gemm_s8_strided(
    const int8_t *a, size_t lda, const int8_t *b, size_t ldb, int32_t *c, size_t ldc, size_t m, size_t n, size_t k) {
    s8(&(gemm_s8_tile){a, b, c, m, n, k, lda, ldb, ldc, NULL});
}

typedef struct S16Work {
    gemm_s16_tile whole;
    Split split;
    void (*kernel)(const gemm_s16_tile *);
} S16Work;

static void s16_task(void *context, size_t index) {
    const S16Work *work = context;
    gemm_s16_tile t = work->whole;
    size_t i = index / work->split.across * work->split.rows;
    size_t j = index % work->split.across * work->split.columns;
    t.a += i * t.lda;
    t.b += j * t.ldb;
    t.c += i * t.ldc + j;
    t.m = smaller(work->split.rows, t.m - i);
    t.n = smaller(work->split.columns, t.n - j);
    work->kernel(&t);
}

void csimd_gemm_s16(const int16_t *a, const int16_t *b, int64_t *c, size_t m, size_t n, size_t k) {
    if (m == 0 || n == 0) {
        return;
    }
    S16Work work = {.whole = {a, b, c, m, n, k, k, k, n, 1}, .kernel = gemm_s16_portable};
#if defined(__x86_64__)
    csimd_level level = csimd_current_level();
    if (level != CSIMD_LEVEL_PORTABLE) {
        work.kernel = level == CSIMD_LEVEL_AVX512 ? gemm_s16_avx512 : gemm_s16_avx2;
        // A product of pairs has size 2 |a| |b| at most; 2^31 itself, which only two products of the least integers
        // make, still fits beside -1.
        int64_t pair = 2 * (int64_t)gemm_largest_s16_avx2(a, m * k) * gemm_largest_s16_avx2(b, n * k);
        work.whole.flush = pair == 0 ? (size_t)1 << 20 : pair > INT32_MAX ? 1 : (size_t)(INT32_MAX / pair);
    }
#endif
    work.split = split(m, n, k, 64, 64, 4, 4);
    run(work.split.count, s16_task, &work);
}

typedef struct S16S8Work {
    gemm_s16_s8_tile whole;
    void (*kernel)(const gemm_s16_s8_tile *);
    size_t piece;
} S16S8Work;

static void s16_s8_task(void *context, size_t index) {
    const S16S8Work *work = context;
    gemm_s16_s8_tile t = work->whole;
    size_t i = index * work->piece;
    t.a += i * t.lda;
    t.c += i * t.ldc;
    t.m = smaller(work->piece, t.m - i);
    work->kernel(&t);
}

void csimd_gemm_s16_s8(
    const int16_t *a, size_t lda, const int8_t *b, size_t ldb, int32_t *c, size_t ldc, size_t m, size_t n, size_t k) {
    if (m == 0 || n == 0) {
        return;
    }
    S16S8Work work = {.whole = {a, b, c, m, n, k, lda, ldb, ldc}, .kernel = gemm_s16_s8_portable};
#if defined(__x86_64__)
    csimd_level level = csimd_current_level();
    if (level != CSIMD_LEVEL_PORTABLE) {
        work.kernel = level == CSIMD_LEVEL_AVX512 ? gemm_s16_s8_avx512 : gemm_s16_s8_avx2;
    }
#endif
    size_t threads = m * n * k < 32768 ? 1 : (size_t)csimd_free_thread_count();
    // Each piece brings the rows of `b` together anew.
    work.piece = threads == 1 ? m : ((m + 2 * threads - 1) / (2 * threads) + 7) / 8 * 8;
    run((m + work.piece - 1) / work.piece, s16_s8_task, &work);
}
