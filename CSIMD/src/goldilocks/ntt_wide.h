// The transform of ntt.h on vectors of columns. Shared with BN254. Define:
//
//   LANES                 columns in a vector: 4 or 8
//   WORDS                 words in an element
//   CACHE_BITS            log2 of the rows that fit the second-level cache with room to spare
//   SCRATCH_BITS          log2 of the rows that are copied and transformed in one pass, at least CACHE_BITS
//   row                   LANES elements, of any form and size that the functions below keep
//   row row_load(p, n), void row_store(p, row, n)     the first n neighbouring elements
//   void rows_load(p, row *), rows_store(p, row *)    LANES rows of LANES, transposed: entry e holds element e of each
//   twiddle tw_one(table, i)                          element i of the table, for all columns
//   twiddle tw_many(table, i, s)                      elements i, i + s, ..., i + (LANES - 1) s
//   void butterfly(row *a, row *b, twiddle)           a, b = a + t b, a - t b

// Two levels on two groups of four rows at distance `gap` in each. Two groups, because a butterfly is a long chain of
// dependent instructions: the processor needs independent ones nearby.
#define RADIX4(x, y, gap, t, left, right, u, left_u, right_u)                                                          \
    do {                                                                                                               \
        row a0 = (x)[0], a1 = (x)[gap], a2 = (x)[2 * (gap)], a3 = (x)[3 * (gap)];                                      \
        row b0 = (y)[0], b1 = (y)[gap], b2 = (y)[2 * (gap)], b3 = (y)[3 * (gap)];                                      \
        butterfly(&a0, &a2, t), butterfly(&a1, &a3, t), butterfly(&b0, &b2, u), butterfly(&b1, &b3, u);                \
        butterfly(&a0, &a1, left), butterfly(&a2, &a3, right);                                                         \
        butterfly(&b0, &b1, left_u), butterfly(&b2, &b3, right_u);                                                     \
        (x)[0] = a0, (x)[gap] = a1, (x)[2 * (gap)] = a2, (x)[3 * (gap)] = a3;                                          \
        (y)[0] = b0, (y)[gap] = b1, (y)[2 * (gap)] = b2, (y)[3 * (gap)] = b3;                                          \
    } while (0)

// Depth first, so that from some depth on everything is in the first-level cache.
KERNEL void tree(row *x, int bits, size_t node, const u64 *table) {
    if (bits == 0) return;
    const twiddle t = tw_one(table, node);
    if (bits == 1) {
        butterfly(&x[0], &x[1], t);
        return;
    }
    const twiddle left = tw_one(table, 2 * node), right = tw_one(table, 2 * node + 1);
    if (bits == 2) {
        butterfly(&x[0], &x[2], t), butterfly(&x[1], &x[3], t);
        butterfly(&x[0], &x[1], left), butterfly(&x[2], &x[3], right);
        return;
    }
    const size_t quarter = (size_t)1 << (bits - 2);
    for (size_t i = 0; i < quarter; i += 2) RADIX4(x + i, x + i + 1, quarter, t, left, right, t, left, right);
    for (size_t i = 0; i < 4; i += bits == 4 ? 2 : 1) {
        const size_t child = 4 * node + i;
        row *y = x + i * quarter;
        if (bits == 4)
            RADIX4(y, y + 4, 1, tw_one(table, child), tw_one(table, 2 * child), tw_one(table, 2 * child + 1),
                   tw_one(table, child + 1), tw_one(table, 2 * child + 2), tw_one(table, 2 * child + 3));
        else
            tree(y, bits - 2, child, table);
    }
}

// Rows of `columns` columns from `from` to `to`, which may be the same. What does not fit the scratch goes in two
// passes: the upper half of the levels on every 2^lower-th row, then the lower half on neighbouring rows. The scratch
// may be larger than the second-level cache: its first levels stream, and distant rows never do.
//
// A piece is LANES columns of such a set of rows. Several are copied at a time, neighbours in memory: rows that lie a
// power of two apart share their few places in a cache, so all that is wanted of a line must be taken at once.
KERNEL void transform(const u64 *from, u64 *to, size_t stride, size_t columns, int bits, size_t node, const u64 *table,
                      row *scratch) {
    const size_t step = WORDS * stride;
    const int half = bits / 2 < SCRATCH_BITS ? bits / 2 : SCRATCH_BITS;
    const int upper = bits <= SCRATCH_BITS ? bits : half, lower = bits - upper;
    const size_t count = (size_t)1 << upper, gap = step << lower;
    const size_t blocks = (columns + LANES - 1) / LANES, pieces = blocks << lower;
    const size_t most = upper + 4 <= CACHE_BITS ? 16 : upper < CACHE_BITS ? (size_t)1 << (CACHE_BITS - upper) : 1;
    for (size_t q = 0; q < pieces; q += most) {
        size_t offset[16], size[16];
        const size_t group = pieces - q < most ? pieces - q : most;
        for (size_t g = 0; g < group; g++) {
            const size_t first = (q + g) / blocks, column = LANES * ((q + g) % blocks);
            offset[g] = first * step + WORDS * column;
            size[g] = columns - column < LANES ? columns - column : LANES;
        }
        for (size_t i = 0; i < count; i++)
            for (size_t g = 0; g < group; g++)
                scratch[(g << upper) + i] = row_load(from + offset[g] + i * gap, size[g]);
        for (size_t g = 0; g < group; g++) tree(scratch + (g << upper), upper, node, table);
        for (size_t i = 0; i < count; i++)
            for (size_t g = 0; g < group; g++)
                row_store(to + offset[g] + i * gap, scratch[(g << upper) + i], size[g]);
    }
    if (lower > 0)
        for (size_t i = 0; i < count; i++)
            transform(to + i * gap, to + i * gap, stride, columns, lower, (node << upper) + i, table, scratch);
}

// The last levels inside rows of LANES elements of `width` columns (1, 2 or 4), on LANES rows at once.
KERNEL void finish_rows(u64 *rows, size_t count, size_t width, const u64 *table) {
    for (size_t r = 0; r < count; r += LANES) {
        row x[LANES];
        rows_load(rows + WORDS * LANES * r, x);
        int level = 0;
        for (size_t half = LANES / 2; half >= width; half /= 2, level++)
            for (size_t t = 0; t < (size_t)1 << level; t++) {
                const twiddle w = tw_many(table, (r << level) + t, (size_t)1 << level);
                for (size_t i = 0; i < half; i++) butterfly(&x[2 * half * t + i], &x[2 * half * t + i + half], w);
            }
        rows_store(rows + WORDS * LANES * r, x);
    }
}

KERNEL void encode_wide(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                        const u64 *table) {
    // A few neighbouring columns and nothing between: rows of LANES elements, and the last levels inside them.
    const int small = stride == width && width < LANES && (width & (width - 1)) == 0;
    int inside = 0;
    while (small && width << inside < LANES) inside++;
    const int flat = small && (size_t)1 << message_bits >= (size_t)LANES << inside;
    const int bits = flat ? message_bits - inside : message_bits;
    const size_t step = flat ? LANES : stride, columns = flat ? LANES : width;
    const size_t copies = (size_t)1 << log_inverse_rate;
    const int some = bits + 4 < CACHE_BITS ? bits + 4 : CACHE_BITS, all = bits < SCRATCH_BITS ? bits : SCRATCH_BITS;
    row *scratch = aligned_alloc(_Alignof(row), sizeof(row) << (some > all ? some : all));
    if (scratch == NULL) abort();
    for (size_t c = copies; c-- > 0;)
        transform(values, values + WORDS * (step * c << bits), step, columns, bits, c, table, scratch);
    free(scratch);
    if (flat) finish_rows(values, copies << bits, width, table);
}
