// BN254: small integers. Portable forms, and the choice between them and the vector forms.
#include "../../include/csimd_bn254.h"
#include "../../include/csimd_cpu.h"
#include "../goldilocks/integers_table.h"
#include "../goldilocks/ints.h"
#include "scalar.h"
#include <string.h>

typedef uint64_t u64;

extern const struct integer_table bn254_avx2_integers;
extern const struct integer_table bn254_avx512_integers;

/// The vector forms of the level in use, or NULL.
static inline const struct integer_table *vectors(void) {
#if defined(__x86_64__)
    switch (csimd_current_level()) {
    case CSIMD_LEVEL_AVX512:
        return &bn254_avx512_integers;
    case CSIMD_LEVEL_AVX2:
        return &bn254_avx2_integers;
    default:
        break;
    }
#endif
    return NULL;
}

/// How many items the vector form does.
#define WIDE(form, arguments) (forms != NULL ? forms->form arguments : 0)

static inline bn_scalar at(const u64 *p) { return (bn_scalar){{p[0], p[1], p[2], p[3]}}; }
static inline void put(u64 *p, bn_scalar x) { p[0] = x.w[0], p[1] = x.w[1], p[2] = x.w[2], p[3] = x.w[3]; }

/// The integer x times f / 2^256: callers pass 2^256 times the factor they mean.
static inline bn_scalar times(int64_t x, bn_scalar f) {
    const u64 size = x < 0 ? -(u64)x : (u64)x;
    const bn_scalar y = bn_mul((bn_scalar){{size, 0, 0, 0}}, f);
    return x < 0 ? bn_sub((bn_scalar){{0, 0, 0, 0}}, y) : y;
}

void csimd_bn254_embed(const void *in, int bytes, size_t count, void *out) {
    const struct integer_table *forms = vectors();
    u64 *z = out;
    for (size_t i = WIDE(embed, (in, bytes, count, z)); i < count; i++)
        put(z + 4 * i, times(int_at(in, bytes, i), bn_r_squared));
}

void csimd_bn254_add_scaled_integers(const void *a, int bytes, size_t count, const void *factor, void *out) {
    const struct integer_table *forms = vectors();
    const bn_scalar f = bn_mul(at(factor), bn_r_squared);
    u64 *z = out;
    for (size_t i = WIDE(add_scaled_integers, (a, bytes, count, factor, z)); i < count; i++)
        put(z + 4 * i, bn_add(at(z + 4 * i), times(int_at(a, bytes, i), f)));
}

void csimd_bn254_fold_integers(const void *in, int bytes, size_t pairs, const void *r, void *out) {
    const struct integer_table *forms = vectors();
    const bn_scalar f = bn_mul(at(r), bn_r_squared);
    u64 *z = out;
    for (size_t i = WIDE(fold_integers, (in, bytes, pairs, r, z)); i < pairs; i++) {
        // low + r (high - low) without the difference, which may not fit 64 bits.
        const int64_t low = int_at(in, bytes, 2 * i), high = int_at(in, bytes, 2 * i + 1);
        const bn_scalar d = bn_sub(times(high, f), times(low, f));
        put(z + 4 * i, bn_add(times(low, bn_r_squared), d));
    }
}

/// Sums of x times the four words of elements, in 128 bits each: |x| <= 2^31 leaves room for 2^30 products.
typedef struct {
    __int128 s[4];
} sums;

static inline void sums_mac(sums *t, int64_t x, const u64 *w) {
    for (int j = 0; j < 4; j++) t->s[j] += (__int128)x * w[j];
}

static bn_scalar sums_reduce(const sums *t) {
    bn_scalar low;
    __int128 carry = 0;
    for (int j = 0; j < 4; j++) {
        carry += (u64)t->s[j];
        low.w[j] = (u64)carry;
        carry = (carry >> 64) + (t->s[j] >> 64);
    }
    // |carry| < 2^63: 28 bits beside the low words, the rest as a factor of 2^284 (times 2^256, for `times`).
    const int64_t top = (int64_t)carry, high = top >> 28;
    bn_scalar x = bn_reduce_signed(low, top - high * ((int64_t)1 << 28));
    return bn_add(
        x, times(high, (bn_scalar){{0x7b1906bf1f4f2bf5, 0xb5cb163601acc096, 0x82948d04e7784eaf, 0x03b390bf76517296}}));
}

static bn_scalar dot(const void *a, int bytes, size_t start, size_t count, const u64 *b) {
    bn_scalar sum = {{0, 0, 0, 0}};
    if (bytes == 8) {
        // Each product is off by 2^-256.
        for (size_t i = start; i < count; i++) sum = bn_add(sum, times(int_at(a, bytes, i), at(b + 4 * i)));
        return bn_mul(sum, bn_r_squared);
    }
    for (size_t i = start; i < count;) {
        const size_t end = count - i > (size_t)1 << 30 ? i + ((size_t)1 << 30) : count;
        sums t = {{0, 0, 0, 0}};
        for (; i < end; i++) sums_mac(&t, int_at(a, bytes, i), b + 4 * i);
        sum = bn_add(sum, sums_reduce(&t));
    }
    return sum;
}

void csimd_bn254_inner_product_integers(const void *a, int bytes, size_t count, const void *b, void *sum) {
    const struct integer_table *forms = vectors();
    u64 first[4] = {0, 0, 0, 0};
    const size_t i = WIDE(inner_product_integers, (a, bytes, count, b, first));
    put(sum, bn_add(at(first), dot(a, bytes, i, count, b)));
}

// The digits' constant (byte_planes.h) times the sum of the weights.
static void digit_constant(int bytes, size_t count, const u64 *weights, u64 *constant) {
    const int64_t c = bytes == 1 ? 0 : bytes == 2 ? 0x80 : bytes == 4 ? 0x808080 : 0x80808080808080;
    bn_scalar s = {{0, 0, 0, 0}};
    if (c != 0)
        for (size_t i = 0; i < count; i++) s = bn_add(s, at(weights + 4 * i));
    put(constant, times(c, bn_mul(s, bn_r_squared)));
}

struct matrix {
    const char *entries;
    int bytes;
    size_t rows, columns;
    const u64 *weights;
    u64 *out;
};

#define CHUNK 64 /* columns whose sums are kept in 128-bit accumulators together */

static void rows_chunk(void *context, size_t index) {
    const struct matrix *m = context;
    const size_t first = index * CHUNK, count = m->columns - first < CHUNK ? m->columns - first : CHUNK;
    u64 *out = m->out + 4 * first;
    if (m->bytes == 8) {
        for (size_t r = 0; r < m->rows; r++)
            csimd_bn254_add_scaled_integers(m->entries + (r * m->columns + first) * 8, 8, count, m->weights + 4 * r,
                                            out);
        return;
    }
    for (size_t r = 0; r < m->rows;) {
        const size_t end = m->rows - r > (size_t)1 << 30 ? r + ((size_t)1 << 30) : m->rows;
        sums t[CHUNK];
        memset(t, 0, sizeof t);
        for (; r < end; r++) {
            const char *row = m->entries + (r * m->columns + first) * m->bytes;
            for (size_t c = 0; c < count; c++) sums_mac(&t[c], int_at(row, m->bytes, c), m->weights + 4 * r);
        }
        for (size_t c = 0; c < count; c++) put(out + 4 * c, bn_add(at(out + 4 * c), sums_reduce(&t[c])));
    }
}

void csimd_bn254_combine_rows(const void *matrix, int bytes, size_t rows, size_t columns, const void *weights,
                              void *out) {
    const struct integer_table *forms = vectors();
    if (rows == 0 || columns == 0) return;
    if (forms != NULL) {
        // 2^16 rows at a time: the limit of the 32-bit sums.
        for (size_t r = 0; r < rows; r += 65536) {
            const size_t piece = rows - r < 65536 ? rows - r : 65536;
            const u64 *w = (const u64 *)weights + 4 * r;
            u64 constant[4];
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
        put(m->out + 4 * r, dot(m->entries + r * m->columns * m->bytes, m->bytes, 0, m->columns, m->weights));
}

void csimd_bn254_combine_columns(const void *matrix, int bytes, size_t rows, size_t columns, const void *weights,
                                 void *out) {
    const struct integer_table *forms = vectors();
    if (rows == 0) return;
    if (forms != NULL && columns > 0) {
        u64 constant[4];
        digit_constant(bytes, columns, weights, constant);
        forms->combine_columns(matrix, bytes, rows, columns, weights, constant, out);
        return;
    }
    struct matrix m = {matrix, bytes, rows, columns, weights, out};
    parallel_if(rows * columns > 20000, (rows + 15) / 16, columns_row, &m);
}
