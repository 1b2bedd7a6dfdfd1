/// Splits the products of m31_combine.h between threads.
#include "m31_combine.h"

#include "csimd_parallel.h"
#include <stdlib.h>
#include <string.h>

static const m31_combine *kernels(int bytes) {
#if defined(__x86_64__)
    switch (csimd_current_level()) {
    case CSIMD_LEVEL_AVX512:
        return bytes == 1 ? &m31_combine_s8_avx512 : &m31_combine_s16_avx512;
    case CSIMD_LEVEL_AVX2:
        return bytes == 1 ? &m31_combine_s8_avx2 : &m31_combine_s16_avx2;
    default:
        break;
    }
#endif
    (void)bytes;
    return NULL;
}

static size_t round_up(size_t a, size_t b) { return (a + b - 1) / b * b; }
static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/// Aligned to cache lines. The callers' matrices are larger than this, so that running out of memory ends the process.
static void *allocate(size_t bytes) {
    void *p = aligned_alloc(64, round_up(bytes + 1, 64));
    if (p == NULL) {
        abort();
    }
    return p;
}

typedef struct Work {
    const m31_combine *kernels;
    const char *m;
    size_t bytes, rows, columns;
    /// Rows and columns of a task, and how many tasks lie beside each other.
    size_t task_rows, task_columns, across;
    const char *limbs;
    uint32_t *out;
    /// Where rows are split: one vector of sums for each further slice of rows.
    uint32_t *partial;
} Work;

static void rows_task(void *context, size_t index) {
    const Work *work = context;
    size_t slice = index / work->across;
    size_t r = slice * work->task_rows, c = index % work->across * work->task_columns;
    uint32_t *out = slice == 0 ? work->out : work->partial + 4 * (slice - 1) * work->columns;
    work->kernels->rows(
        work->m + work->bytes * (r * work->columns + c), work->columns, smaller(work->task_rows, work->rows - r),
        smaller(work->task_columns, work->columns - c), work->limbs + work->kernels->row_limb_bytes(r), out + 4 * c);
}

static int combine_rows(const void *m, size_t bytes, size_t rows, size_t columns, const void *w, void *out) {
    const m31_combine *k = kernels((int)bytes);
    if (k == NULL) {
        return 0;
    }
    if (rows == 0 || columns == 0) {
        return 1;
    }
    void *limbs = allocate(k->row_limb_bytes(round_up(rows, k->row_step)));
    k->row_limbs(w, rows, limbs);
    size_t threads = rows * columns < 16384 ? 1 : (size_t)csimd_free_thread_count();
    Work work = {.kernels = k, .m = m, .bytes = bytes, .rows = rows, .columns = columns, .limbs = limbs, .out = out};
    // Columns first: slices of rows have sums of their own to add up in the end.
    size_t blocks = (columns + k->block - 1) / k->block;
    size_t pieces = threads == 1 ? 1 : smaller(blocks, 4 * threads);
    work.task_columns = (blocks + pieces - 1) / pieces * k->block;
    work.across = (columns + work.task_columns - 1) / work.task_columns;
    size_t slices = work.across >= threads ? 1 : (2 * threads + work.across - 1) / work.across;
    slices = smaller(slices, rows / 256 + 1);
    work.task_rows = round_up((rows + slices - 1) / slices, k->row_step);
    slices = (rows + work.task_rows - 1) / work.task_rows;
    if (slices > 1) {
        size_t size = 16 * (slices - 1) * columns;
        work.partial = allocate(size);
        memset(work.partial, 0, size);
    }
    if (slices * work.across == 1) {
        rows_task(&work, 0);
    } else {
        csimd_parallel_for(slices * work.across, rows_task, &work);
    }
    for (size_t i = 1; i < slices; i++) {
        csimd_qm31_add(out, work.partial + 4 * (i - 1) * columns, out, columns);
    }
    free(work.partial);
    free(limbs);
    return 1;
}

static void columns_task(void *context, size_t index) {
    const Work *work = context;
    size_t r = index * work->task_rows;
    work->kernels->columns(
        work->m + work->bytes * r * work->columns, work->columns, smaller(work->task_rows, work->rows - r),
        work->columns, work->limbs, work->out + 4 * r);
}

static int combine_columns(const void *m, size_t bytes, size_t rows, size_t columns, const void *w, void *out) {
    const m31_combine *k = kernels((int)bytes);
    if (k == NULL) {
        return 0;
    }
    if (rows == 0) {
        return 1;
    }
    void *limbs = allocate(k->column_limb_bytes(columns));
    k->column_limbs(w, columns, limbs);
    size_t threads = rows * columns < 16384 ? 1 : (size_t)csimd_free_thread_count();
    Work work = {.kernels = k, .m = m, .bytes = bytes, .rows = rows, .columns = columns, .limbs = limbs, .out = out};
    size_t pieces = threads == 1 ? 1 : 4 * threads;
    work.task_rows = round_up((rows + pieces - 1) / pieces, 4);
    pieces = (rows + work.task_rows - 1) / work.task_rows;
    if (pieces == 1) {
        columns_task(&work, 0);
    } else {
        csimd_parallel_for(pieces, columns_task, &work);
    }
    free(limbs);
    return 1;
}

int csimd_qm31_combine_rows_s8(const int8_t *m, size_t rows, size_t columns, const void *w, void *out) {
    return combine_rows(m, 1, rows, columns, w, out);
}
int csimd_qm31_combine_rows_s16(const int16_t *m, size_t rows, size_t columns, const void *w, void *out) {
    return combine_rows(m, 2, rows, columns, w, out);
}
int csimd_qm31_combine_columns_s8(const int8_t *m, size_t rows, size_t columns, const void *w, void *out) {
    return combine_columns(m, 1, rows, columns, w, out);
}
int csimd_qm31_combine_columns_s16(const int16_t *m, size_t rows, size_t columns, const void *w, void *out) {
    return combine_columns(m, 2, rows, columns, w, out);
}
