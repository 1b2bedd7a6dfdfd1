// The transform of ntt.h on vectors of eight columns. Shared with BN254. Define:
//
//   WORDS, SCRATCH_BITS    words in an element; log2 of the rows that fit the second-level cache
//   row                    eight elements, of any form and size that the functions below keep
//   row row_load(p, n), void row_store(p, row, n)     the first n neighbouring elements
//   void rows_load(p, row *), rows_store(p, row *)    eight rows of eight, transposed: entry e holds element e of each row
//   twiddle, tw_one(table, i)                         element i of the table, for all columns
//   tw_many(table, i, s)                              elements i, i + s, ..., i + 7 s
//   void butterflies(row *a, row *b, twiddle t, row *c, row *d, twiddle u)
//                          a, b = a + t b, a - t b and c, d = c + u d, c - u d, side by side

KERNEL void radix4(row *x, size_t quarter, twiddle t, twiddle left, twiddle right) {
    for (size_t i = 0; i < quarter; i++) {
        row a = x[i], b = x[i + quarter], c = x[i + 2 * quarter], d = x[i + 3 * quarter];
        butterflies(&a, &c, t, &b, &d, t);
        butterflies(&a, &b, left, &c, &d, right);
        x[i] = a, x[i + quarter] = b, x[i + 2 * quarter] = c, x[i + 3 * quarter] = d;
    }
}

// Depth first, so that from some depth on everything is in the first-level cache.
KERNEL void tree(row *x, int bits, size_t node, const u64 *table) {
    if (bits >= 2) {
        const size_t quarter = (size_t)1 << (bits - 2);
        radix4(x, quarter, tw_one(table, node), tw_one(table, 2 * node), tw_one(table, 2 * node + 1));
        if (bits > 2)
            for (size_t i = 0; i < 4; i++) tree(x + i * quarter, bits - 2, 4 * node + i, table);
    } else if (bits == 1) {
        const twiddle t = tw_one(table, node);
        row a = x[0], b = x[1]; // only one is there: done twice
        butterflies(&x[0], &x[1], t, &a, &b, t);
    }
}

// Rows of `columns` <= 8 columns from `from` to `to`, which may be the same. What does not fit the cache goes in two
// passes: the upper half of the levels on every 2^lower-th row, then the lower half on neighbouring rows.
KERNEL void transform(const u64 *from, u64 *to, size_t stride, size_t columns, int bits, size_t node, const u64 *table,
                      row *scratch) {
    const size_t step = WORDS * stride;
    const int upper = bits <= SCRATCH_BITS ? bits : bits / 2, lower = bits - upper;
    const size_t count = (size_t)1 << upper, gap = step << lower;
    for (size_t first = 0; first < (size_t)1 << lower; first++) {
        for (size_t i = 0; i < count; i++) scratch[i] = row_load(from + first * step + i * gap, columns);
        tree(scratch, upper, node, table);
        for (size_t i = 0; i < count; i++) row_store(to + first * step + i * gap, scratch[i], columns);
    }
    if (lower > 0)
        for (size_t i = 0; i < count; i++)
            transform(to + i * gap, to + i * gap, stride, columns, lower, (node << upper) + i, table, scratch);
}

// The last levels inside rows of 8 elements of `width` columns (1, 2 or 4), on eight rows at once.
KERNEL void finish_rows(u64 *rows, size_t count, size_t width, const u64 *table) {
    for (size_t r = 0; r < count; r += 8) {
        row x[8];
        rows_load(rows + WORDS * 8 * r, x);
        int level = 0;
        for (size_t half = 4; half >= width; half /= 2, level++)
            for (size_t i = 0; i < 4; i += 2) {
                // Butterflies i and i + 1 of four: of node i / half and its pair i % half.
                const size_t t = i / half, u = (i + 1) / half, a = 2 * half * t + i % half;
                const size_t b = 2 * half * u + (i + 1) % half;
                butterflies(&x[a], &x[a + half], tw_many(table, (r << level) + t, (size_t)1 << level), //
                            &x[b], &x[b + half], tw_many(table, (r << level) + u, (size_t)1 << level));
            }
        rows_store(rows + WORDS * 8 * r, x);
    }
}

KERNEL void encode_wide(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                        const u64 *table) {
    // A few neighbouring columns and nothing between: rows of eight elements, and the last levels inside them.
    const int small = stride == width && (width == 1 || width == 2 || width == 4);
    const int inside = !small ? 0 : width == 1 ? 3 : width == 2 ? 2 : 1;
    const int flat = small && message_bits >= inside + 3;
    const int bits = flat ? message_bits - inside : message_bits;
    const size_t step = flat ? 8 : stride, columns = flat ? 8 : width;
    const size_t copies = (size_t)1 << log_inverse_rate;
    const int kept = bits < SCRATCH_BITS ? bits : SCRATCH_BITS;
    row *scratch = aligned_alloc(64, sizeof(row) << kept);
    if (scratch == NULL) abort();
    for (size_t j = 0; j < columns; j += 8) {
        const size_t some = columns - j < 8 ? columns - j : 8;
        for (size_t c = copies; c-- > 0;)
            transform(values + WORDS * j, values + WORDS * (j + (step * c << bits)), step, some, bits, c, table, scratch);
    }
    free(scratch);
    if (flat) finish_rows(values, copies << bits, width, table);
}
