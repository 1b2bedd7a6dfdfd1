/// Products of 16-bit integers and 8-bit ones that lie by rows of the summed index, of which two at a time are brought
/// together: a pair of a row of `a` then goes to all columns. Written once over what the including file defines:
/// `NAME`; `V` with LANES 32-bit integers; ROWS of a register tile; `v_zero`, `v_word`, `v_dot`, `v_load`, `v_store`
/// and `v_pair`, entries of two rows beside each other.
///
/// Sums wrap. That of a pair does not: it is 2^23 at most.
enum { VECTORS = 2, PAIRS = 128 };

/// `rows` rows of `a` by `vectors` vectors of columns, the last of which has `last` of them; `k` summed entries.
INLINE void rows_block(
    const gemm_s16_s8_tile *t, const int16_t *a, const int rows, size_t k, const V *panel, int32_t *c,
    const int vectors, size_t last, int first) {
    V sum[ROWS][VECTORS];
    for (int i = 0; i < rows; i++) {
        for (int v = 0; v < vectors; v++) {
            const int32_t *from = c + (size_t)i * t->ldc + (size_t)v * LANES;
            sum[i][v] = first ? v_zero() : v_load(from, v + 1 < vectors ? LANES : last);
        }
    }
    for (size_t l = 0; l < k; l += 2, panel += VECTORS) {
        for (int i = 0; i < rows; i++) {
            uint32_t word = 0;
            if (l + 1 < k) {
                memcpy(&word, a + (size_t)i * t->lda + l, 4);
            } else {
                memcpy(&word, a + (size_t)i * t->lda + l, 2);
            }
            V x = v_word(word);
            for (int v = 0; v < vectors; v++) {
                sum[i][v] = v_dot(sum[i][v], x, panel[v]);
            }
        }
    }
    for (int i = 0; i < rows; i++) {
        for (int v = 0; v < vectors; v++) {
            v_store(c + (size_t)i * t->ldc + (size_t)v * LANES, sum[i][v], v + 1 < vectors ? LANES : last);
        }
    }
}

INLINE void rows_panel(
    const gemm_s16_s8_tile *t, size_t l, size_t k, const V *panel, int32_t *c, const int vectors, size_t last) {
    size_t i = 0;
    for (; i + ROWS <= t->m; i += ROWS) {
        rows_block(t, t->a + i * t->lda + l, ROWS, k, panel, c + i * t->ldc, vectors, last, l == 0);
    }
    for (; i < t->m; i++) {
        rows_block(t, t->a + i * t->lda + l, 1, k, panel, c + i * t->ldc, vectors, last, l == 0);
    }
}

TARGET void NAME(const gemm_s16_s8_tile *t) {
    V panel[PAIRS * VECTORS];
    for (size_t j = 0; j < t->n; j += VECTORS * LANES) {
        const size_t n = t->n - j < VECTORS * LANES ? t->n - j : VECTORS * LANES;
        size_t l = 0;
        do {
            const size_t k = t->k - l < 2 * PAIRS ? t->k - l : 2 * PAIRS;
            for (size_t p = 0; p < k; p += 2) {
                const int8_t *b = t->b + (l + p) * t->ldb + j;
                for (size_t v = 0; v < VECTORS; v++) {
                    size_t first = v * LANES, count = n <= first ? 0 : n - first < LANES ? n - first : LANES;
                    // The row after the last counts as zero.
                    panel[p / 2 * VECTORS + v] = v_pair(b + first, count, b + t->ldb + first, p + 1 < k ? count : 0);
                }
            }
            int32_t *c = t->c + j;
            if (n > LANES) {
                rows_panel(t, l, k, panel, c, 2, n - LANES);
            } else {
                rows_panel(t, l, k, panel, c, 1, n);
            }
            l += k;
        } while (l < t->k);
    }
}
