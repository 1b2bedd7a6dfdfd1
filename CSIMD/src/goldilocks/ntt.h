// Reed-Solomon encoding by the number-theoretic transform. Shared with BN254; included once for each field by its
// portable form (see below for what to define) and, through ntt_wide.h, by the vector form.
//
// The transform is the tree of remainders: a polynomial modulo x^n - c^2 is split into its remainders modulo x^(n/2) -
// c and x^(n/2) + c, `low + c high` and `low - c high`. Node b of any level has c = T[b], where T[b] is the root of
// unity exp(reverse(b) / 2), reverse(b) the bits of b mirrored at the binary point: the square roots of T[b] and -T[b]
// are T[2b] and T[2b + 1]. So one table, in bit-reversed order, serves every size and every level, a twiddle is
// constant along a node, and leaf i is the value at exp(reverse(i)): the same places as decimation in frequency. On a
// zero-padded message the first levels only copy the message: node b of level `log_inverse_rate` starts from the
// message itself.
//
// Define: ELEMENT (a type), WORDS, element el_load(p), void el_store(p, e), el_add, el_sub, el_mul, el_root(bits).

/// T[0..2^bits], built on first use and kept.
static const u64 *twiddle_table(int bits) {
    static _Atomic(u64 *) tables[33];
    u64 *table = atomic_load_explicit(&tables[bits], memory_order_acquire);
    if (table != NULL) return table;
    table = malloc(((size_t)WORDS << bits) * sizeof(u64));
    if (table == NULL) abort();
    el_store(table, el_root(0));
    for (int k = 0; k < bits; k++) {
        // T[2^k + j] = T[j] times a root of order 2^(k + 2).
        const ELEMENT root = el_root(k + 2);
        const size_t size = (size_t)1 << k;
        for (size_t j = 0; j < size; j++)
            el_store(table + WORDS * (size + j), el_mul(el_load(table + WORDS * j), root));
    }
    u64 *expected = NULL;
    if (!atomic_compare_exchange_strong_explicit(&tables[bits], &expected, table, memory_order_acq_rel,
                                                 memory_order_acquire)) {
        free(table); // another thread was first
        return expected;
    }
    return table;
}

/// One node and all below it, in place: 2^bits rows.
static void tree_portable(u64 *rows, size_t stride, size_t width, int bits, size_t node, const u64 *table) {
    if (bits == 0) return;
    const ELEMENT c = el_load(table + WORDS * node);
    const size_t half = (size_t)1 << (bits - 1);
    for (size_t i = 0; i < half; i++) {
        u64 *low = rows + WORDS * stride * i, *high = low + WORDS * stride * half;
        for (size_t j = 0; j < WORDS * width; j += WORDS) {
            const ELEMENT a = el_load(low + j), b = el_mul(el_load(high + j), c);
            el_store(low + j, el_add(a, b));
            el_store(high + j, el_sub(a, b));
        }
    }
    tree_portable(rows, stride, width, bits - 1, 2 * node, table);
    tree_portable(rows + WORDS * stride * half, stride, width, bits - 1, 2 * node + 1, table);
}

static void encode_portable(u64 *values, size_t stride, size_t width, int message_bits, int log_inverse_rate,
                            const u64 *table) {
    const size_t rows = (size_t)1 << message_bits, copies = (size_t)1 << log_inverse_rate;
    for (size_t c = copies; c-- > 0;) {
        u64 *out = values + WORDS * stride * rows * c;
        if (c > 0)
            for (size_t i = 0; i < rows; i++)
                memcpy(out + WORDS * stride * i, values + WORDS * stride * i, WORDS * width * sizeof(u64));
        tree_portable(out, stride, width, message_bits, c, table);
    }
}
