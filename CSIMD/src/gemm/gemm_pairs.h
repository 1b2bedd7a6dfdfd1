/// Products by dot products of pairs of 16-bit integers, both factors read as they lie. Written once over what the
/// including file defines: `TILE`, `NAME`, `E` (entries), `OUT`; `V` with WIDTH 16-bit integers, `load`, `load_some`;
/// `S`, 32-bit sums, with `s_minus_one`, `s_dot` and `s_total`, the sum of all lanes as 64 bits; FLUSH(tile).
///
/// A 32-bit sum starts at -1: two products of the least 16-bit integers make 2^31, which alone would not fit.
INLINE void block(const TILE *t, const E *a, const E *b, OUT *c, const int rows, const int columns) {
    int64_t total[4][4] = {{0}};
    const size_t k = t->k, step = FLUSH(t) * WIDTH;
    for (size_t start = 0; start < k; start += step) {
        const size_t end = k - start < step ? k : start + step;
        S sum[4][4];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                sum[i][j] = s_minus_one();
            }
        }
        size_t l = start;
        for (; l + WIDTH <= end; l += WIDTH) {
            V y[4];
            for (int j = 0; j < columns; j++) {
                y[j] = load(b + (size_t)j * t->ldb + l);
            }
            for (int i = 0; i < rows; i++) {
                V x = load(a + (size_t)i * t->lda + l);
                for (int j = 0; j < columns; j++) {
                    sum[i][j] = s_dot(sum[i][j], x, y[j]);
                }
            }
        }
        if (l < end) {
            V y[4];
            for (int j = 0; j < columns; j++) {
                y[j] = load_some(b + (size_t)j * t->ldb + l, end - l);
            }
            for (int i = 0; i < rows; i++) {
                V x = load_some(a + (size_t)i * t->lda + l, end - l);
                for (int j = 0; j < columns; j++) {
                    sum[i][j] = s_dot(sum[i][j], x, y[j]);
                }
            }
        }
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                total[i][j] += s_total(sum[i][j]) + WIDTH / 2;
            }
        }
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            c[(size_t)i * t->ldc + (size_t)j] = (OUT)total[i][j];
        }
    }
}

TARGET void NAME(const TILE *t) {
    for (size_t i = 0; i < t->m;) {
        const E *a = t->a + i * t->lda;
        OUT *c = t->c + i * t->ldc;
        const int rows = t->m - i >= ROWS ? ROWS : 1;
        size_t j = 0;
        if (rows == ROWS) {
            for (; j + 4 <= t->n; j += 4) {
                block(t, a, t->b + j * t->ldb, c + j, ROWS, 4);
            }
            for (; j < t->n; j++) {
                block(t, a, t->b + j * t->ldb, c + j, ROWS, 1);
            }
        } else {
            for (; j + 4 <= t->n; j += 4) {
                block(t, a, t->b + j * t->ldb, c + j, 1, 4);
            }
            for (; j < t->n; j++) {
                block(t, a, t->b + j * t->ldb, c + j, 1, 1);
            }
        }
        i += (size_t)rows;
    }
}
