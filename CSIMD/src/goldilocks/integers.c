// Goldilocks: small integers and base-field vectors. Portable forms, and the choice between them and the vector forms.
#include "../../include/csimd_cpu.h"
#include "../../include/csimd_goldilocks.h"
#include "integers_table.h"
#include "ints.h"
#include "scalar.h"
#include <string.h>

typedef uint64_t u64;

extern const struct integer_table goldilocks_avx2_integers;
extern const struct integer_table goldilocks_avx512_integers;

/// The vector forms of the level in use, or NULL.
static inline const struct integer_table *vectors(void) {
#if defined(__x86_64__)
    switch (csimd_current_level()) {
    case CSIMD_LEVEL_AVX512:
        return &goldilocks_avx512_integers;
    case CSIMD_LEVEL_AVX2:
        return &goldilocks_avx2_integers;
    default:
        break;
    }
#endif
    return NULL;
}

/// How many items the vector form does.
#define WIDE(form, arguments) (forms != NULL ? forms->form arguments : 0)

void csimd_goldilocks_embed_base(const void *in, int bytes, size_t count, void *out) {
    const struct integer_table *forms = vectors();
    u64 *z = out;
    for (size_t i = WIDE(embed_base, (in, bytes, count, z)); i < count; i++)
        z[i] = gl_from_int(int_at(in, bytes, i));
}

void csimd_goldilocks_embed(const void *in, int bytes, size_t count, void *out) {
    const struct integer_table *forms = vectors();
    u64 *z = out;
    for (size_t i = WIDE(embed, (in, bytes, count, z)); i < count; i++) {
        z[2 * i] = gl_from_int(int_at(in, bytes, i));
        z[2 * i + 1] = 0;
    }
}

void csimd_goldilocks_add_scaled_integers(const void *a, int bytes, size_t count, const void *factor, void *out) {
    const struct integer_table *forms = vectors();
    const u64 *f = factor;
    u64 *z = out;
    for (size_t i = WIDE(add_scaled_integers, (a, bytes, count, f, z)); i < count; i++) {
        const u64 x = gl_from_int(int_at(a, bytes, i));
        for (int j = 0; j < 2; j++) z[2 * i + j] = gl_reduce128((unsigned __int128)x * f[j] + z[2 * i + j]);
    }
}

void csimd_goldilocks_fold_integers(const void *in, int bytes, size_t pairs, const void *r, void *out) {
    const struct integer_table *forms = vectors();
    const u64 *f = r;
    u64 *z = out;
    for (size_t i = WIDE(fold_integers, (in, bytes, pairs, f, z)); i < pairs; i++) {
        const u64 low = gl_from_int(int_at(in, bytes, 2 * i));
        const u64 d = gl_sub(gl_from_int(int_at(in, bytes, 2 * i + 1)), low);
        z[2 * i] = gl_reduce128((unsigned __int128)d * f[0] + low);
        z[2 * i + 1] = gl_mul(d, f[1]);
    }
}

// |x| <= 2^31: a sum of 2^30 products stays below 2^125.
static void dot(const void *a, int bytes, size_t start, size_t count, const u64 *b, u64 *sum) {
    u64 s[2] = {0, 0};
    if (bytes == 8) {
        for (size_t i = start; i < count; i++) {
            const u64 x = gl_from_int(int_at(a, bytes, i));
            for (int j = 0; j < 2; j++) s[j] = gl_reduce128((unsigned __int128)x * b[2 * i + j] + s[j]);
        }
    } else {
        for (size_t i = start; i < count;) {
            const size_t end = count - i > (size_t)1 << 30 ? i + ((size_t)1 << 30) : count;
            __int128 t0 = 0, t1 = 0;
            for (; i < end; i++) {
                const int64_t x = int_at(a, bytes, i);
                t0 += (__int128)x * b[2 * i];
                t1 += (__int128)x * b[2 * i + 1];
            }
            s[0] = gl_add(s[0], gl_from_int128(t0));
            s[1] = gl_add(s[1], gl_from_int128(t1));
        }
    }
    sum[0] = s[0], sum[1] = s[1];
}

void csimd_goldilocks_inner_product_integers(const void *a, int bytes, size_t count, const void *b, void *sum) {
    const struct integer_table *forms = vectors();
    u64 *s = sum;
    u64 first[2] = {0, 0};
    // The vector form's accumulators bear 2^26 items.
    size_t i = 0;
    while (forms != NULL && bytes < 8 && count - i >= 8) {
        const size_t piece = count - i < (size_t)1 << 26 ? count - i : (size_t)1 << 26;
        u64 part[2];
        i += forms->inner_product_integers((const char *)a + i * bytes, bytes, piece, (const u64 *)b + 2 * i, part);
        for (int j = 0; j < 2; j++) first[j] = gl_add(first[j], part[j]);
    }
    dot(a, bytes, i, count, b, s);
    for (int j = 0; j < 2; j++) s[j] = gl_add(s[j], first[j]);
}

void csimd_goldilocks_inner_product_base(const void *a, const void *b, size_t count, void *sum) {
    const struct integer_table *forms = vectors();
    const u64 *x = a, *y = b;
    u64 *s = sum;
    size_t i = 0;
    s[0] = s[1] = 0;
    while (forms != NULL && count - i >= 8) {
        const size_t piece = count - i < (size_t)1 << 26 ? count - i : (size_t)1 << 26;
        u64 part[2];
        i += forms->inner_product_base(x + i, y + 2 * i, piece, part);
        for (int j = 0; j < 2; j++) s[j] = gl_add(s[j], part[j]);
    }
    unsigned __int128 low[2] = {0, 0};
    u64 over[2] = {0, 0}; // carries out of 128 bits: 2^128 = -2^32
    for (; i < count; i++) {
        for (int j = 0; j < 2; j++) {
            const unsigned __int128 t = (unsigned __int128)x[i] * y[2 * i + j];
            low[j] += t;
            over[j] += low[j] < t;
        }
    }
    for (int j = 0; j < 2; j++) {
        const u64 rest = gl_sub(gl_reduce128(low[j]), gl_reduce128((unsigned __int128)over[j] << 32));
        s[j] = gl_add(s[j], rest);
    }
}

void csimd_goldilocks_add_scaled_base(const void *a, const void *factor, void *out, size_t count) {
    const struct integer_table *forms = vectors();
    const u64 *x = a, f = *(const u64 *)factor;
    u64 *z = out;
    for (size_t i = WIDE(add_scaled_base, (x, factor, z, count)); i < count; i++)
        z[i] = gl_reduce128((unsigned __int128)x[i] * f + z[i]);
}

// The digits' constant (byte_planes.h) times the sum of the weights.
static void digit_constant(int bytes, size_t count, const u64 *weights, u64 *constant) {
    const u64 c = bytes == 1 ? 0 : bytes == 2 ? 0x80 : bytes == 4 ? 0x808080 : 0x80808080808080;
    u64 s[2] = {0, 0};
    if (c != 0)
        for (size_t i = 0; i < count; i++)
            for (int j = 0; j < 2; j++) s[j] = gl_add(s[j], weights[2 * i + j]);
    for (int j = 0; j < 2; j++) constant[j] = gl_mul(s[j], c);
}

struct matrix {
    const char *entries;
    int bytes;
    size_t rows, columns;
    const u64 *weights;
    u64 *out;
};

#define CHUNK 128 /* columns whose sums are kept in 128-bit accumulators together */

static void rows_chunk(void *context, size_t index) {
    const struct matrix *m = context;
    const size_t first = index * CHUNK, count = m->columns - first < CHUNK ? m->columns - first : CHUNK;
    u64 *out = m->out + 2 * first;
    if (m->bytes == 8) {
        for (size_t r = 0; r < m->rows; r++)
            csimd_goldilocks_add_scaled_integers(m->entries + (r * m->columns + first) * 8, 8, count,
                                                 m->weights + 2 * r, out);
        return;
    }
    for (size_t r = 0; r < m->rows;) {
        const size_t end = m->rows - r > (size_t)1 << 30 ? r + ((size_t)1 << 30) : m->rows;
        __int128 sums[CHUNK][2];
        memset(sums, 0, sizeof sums);
        for (; r < end; r++) {
            const char *row = m->entries + (r * m->columns + first) * m->bytes;
            const u64 w0 = m->weights[2 * r], w1 = m->weights[2 * r + 1];
            for (size_t c = 0; c < count; c++) {
                const int64_t x = int_at(row, m->bytes, c);
                sums[c][0] += (__int128)x * w0;
                sums[c][1] += (__int128)x * w1;
            }
        }
        for (size_t c = 0; c < count; c++)
            for (int j = 0; j < 2; j++) out[2 * c + j] = gl_add(out[2 * c + j], gl_from_int128(sums[c][j]));
    }
}

void csimd_goldilocks_combine_rows(const void *matrix, int bytes, size_t rows, size_t columns, const void *weights,
                                   void *out) {
    const struct integer_table *forms = vectors();
    if (rows == 0 || columns == 0) return;
    if (forms != NULL) {
        // 2^16 rows at a time: the limit of the 32-bit sums.
        for (size_t r = 0; r < rows; r += 65536) {
            const size_t piece = rows - r < 65536 ? rows - r : 65536;
            const u64 *w = (const u64 *)weights + 2 * r;
            u64 constant[2];
            digit_constant(bytes, piece, w, constant);
            forms->combine_rows((const char *)matrix + r * columns * bytes, bytes, piece, columns, w, constant, out);
        }
        return;
    }
    struct matrix m = {matrix, bytes, rows, columns, weights, out};
    parallel_if(rows * columns > 20000, (columns + CHUNK - 1) / CHUNK, rows_chunk, &m);
}

static void columns_row(void *context, size_t index) {
    const struct matrix *m = context;
    const size_t end = (index + 1) * 16 < m->rows ? (index + 1) * 16 : m->rows;
    for (size_t r = index * 16; r < end; r++)
        dot(m->entries + r * m->columns * m->bytes, m->bytes, 0, m->columns, m->weights, m->out + 2 * r);
}

void csimd_goldilocks_combine_columns(const void *matrix, int bytes, size_t rows, size_t columns, const void *weights,
                                      void *out) {
    const struct integer_table *forms = vectors();
    if (rows == 0) return;
    if (forms != NULL && columns > 0) {
        u64 constant[2];
        digit_constant(bytes, columns, weights, constant);
        forms->combine_columns(matrix, bytes, rows, columns, weights, constant, out);
        return;
    }
    struct matrix m = {matrix, bytes, rows, columns, weights, out};
    parallel_if(rows * columns > 20000, (rows + 15) / 16, columns_row, &m);
}
