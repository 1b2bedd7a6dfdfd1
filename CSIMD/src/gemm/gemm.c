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
            const int8_t *a = t->a + i * t->k, *b = t->b + j * t->k;
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
            const int16_t *a = t->a + i * t->k, *b = t->b + j * t->k;
            int64_t sum = 0;
            for (size_t l = 0; l < t->k; l++) {
                sum += (int32_t)a[l] * b[l];
            }
            t->c[i * t->ldc + j] = sum;
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
    t.a += i * t.k;
    t.b += j * t.k;
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
    uint32_t *panel = t.panels == NULL ? allocate(4 * gemm_s8_panel_words(t.k)) : NULL;
    gemm_s8_avx512(&t, work->offsets + row, panel);
    free(panel);
}

typedef struct ThinWork {
    const int8_t *x, *y;
    const int32_t *offsets;
    int32_t *c;
    size_t few, many, k, ldx, ldy, piece;
} ThinWork;

static void s8_thin_task(void *context, size_t index) {
    const ThinWork *w = context;
    size_t start = index * w->piece;
    gemm_s8_thin_avx512(
        w->x, w->offsets, w->few, w->y + start * w->k, smaller(w->piece, w->many - start), w->k, w->c + start * w->ldy,
        w->ldx, w->ldy);
}

typedef struct OffsetWork {
    const int8_t *a;
    int32_t *offsets;
    size_t m, k, piece;
} OffsetWork;

static void s8_offset_task(void *context, size_t index) {
    const OffsetWork *w = context;
    size_t start = index * w->piece;
    gemm_s8_offsets_avx512(w->a + start * w->k, smaller(w->piece, w->m - start), w->k, w->offsets + start);
}

static void s8_avx512(
    const int8_t *a, const int8_t *b, const uint32_t *panels, int32_t *c, size_t m, size_t n, size_t k) {
    int32_t *offsets = allocate(4 * (m < THIN || n >= THIN ? m : n));
    size_t threads = m * n * k < 32768 ? 1 : (size_t)csimd_free_thread_count();
    if (smaller(m, n) < THIN) {
        int a_is_thin = m < THIN;
        ThinWork w = {.x = a_is_thin ? a : b, .y = a_is_thin ? b : a, .offsets = offsets, .c = c,
                      .few = a_is_thin ? m : n, .many = a_is_thin ? n : m, .k = k,
                      .ldx = a_is_thin ? n : 1, .ldy = a_is_thin ? 1 : n};
        gemm_s8_offsets_avx512(w.x, w.few, k, offsets);
        size_t pieces = threads == 1 ? 1 : 4 * threads;
        w.piece = ((w.many + pieces - 1) / pieces + 7) / 8 * 8;
        run((w.many + w.piece - 1) / w.piece, s8_thin_task, &w);
    } else {
        OffsetWork o = {a, offsets, m, k, threads == 1 || m * k < 65536 ? m : (m + 4 * threads - 1) / (4 * threads)};
        run((m + o.piece - 1) / o.piece, s8_offset_task, &o);
        S8Work work = {.whole = {a, b, c, m, n, k, n, panels}, .offsets = offsets};
        // A panel of columns is packed once a tile: tall tiles.
        work.split = split(m, n, k, 1024, 4 * GEMM_S8_PANEL, 128, GEMM_S8_PANEL);
        run(work.split.count, s8_packed_task, &work);
    }
    free(offsets);
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
        gemm_s8_pack_avx512(b, n, k, packed);
        return;
    }
#endif
    (void)b, (void)n, (void)k, (void)packed;
}

void csimd_gemm_s8(const int8_t *a, const int8_t *b, int32_t *c, size_t m, size_t n, size_t k) {
    csimd_gemm_s8_packed(a, b, NULL, c, m, n, k);
}

void csimd_gemm_s8_packed(
    const int8_t *a, const int8_t *b, const void *packed, int32_t *c, size_t m, size_t n, size_t k) {
    (void)packed;
    if (m == 0 || n == 0) {
        return;
    }
    S8Work work = {.whole = {a, b, c, m, n, k, n, NULL}, .kernel = gemm_s8_portable};
#if defined(__x86_64__)
    csimd_level level = csimd_current_level();
    if (level == CSIMD_LEVEL_AVX512) {
        s8_avx512(a, b, packed, c, m, n, k);
        return;
    }
    if (level == CSIMD_LEVEL_AVX2) {
        work.kernel = gemm_s8_avx2;
    }
#endif
    work.split = split(m, n, k, 64, 64, 4, 4);
    run(work.split.count, s8_task, &work);
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
    t.a += i * t.k;
    t.b += j * t.k;
    t.c += i * t.ldc + j;
    t.m = smaller(work->split.rows, t.m - i);
    t.n = smaller(work->split.columns, t.n - j);
    work->kernel(&t);
}

void csimd_gemm_s16(const int16_t *a, const int16_t *b, int64_t *c, size_t m, size_t n, size_t k) {
    if (m == 0 || n == 0) {
        return;
    }
    S16Work work = {.whole = {a, b, c, m, n, k, n, 1}, .kernel = gemm_s16_portable};
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
