/// Matrix kernels over dot products of pairs of 16-bit integers, written once over what the including file defines:
///
/// - `E`, the type of matrix entries; `LIMBS` of `LIMB_BITS` bits, and `FLUSH`, how many dot products the sums hold;
/// - `S`, a vector of LANES 32-bit sums, and `S s_dot(S, V, V)`, which adds products of pairs of 16-bit integers;
/// - `V load_rows(const E *a, const E *b)`: LANES columns of two rows as pairs; `V load_row(const E *)`: 2 LANES
///   columns; `load_rows_some`, `load_row_some`: the same of the first `count` columns, zeros beyond;
/// - `S64`: 64-bit sums by lane, `S64 s_join(const S *)`: limbs back together, |result| < 2^56; `S64 s64_add(S64,
///   S64)`, `S64 s64_fold(S64)`: a congruent value of size below 2^32 + 2^26.
///
/// Limbs are centred: w is taken from [-p/2, p/2] and each limb but the last from [-2^(b-1), 2^(b-1)). The last is no
/// larger, because 2^30 < 2^(b-1 + b (LIMBS - 1)).
#define GROUP (4 * LIMBS)

/// The limbs of one weight, coordinate by coordinate, least first.
static void split_weight(const uint32_t *w, int16_t *limbs) {
    for (int k = 0; k < 4; k++) {
        int32_t v = (int32_t)w[k];
        v = v > (int32_t)(M31_P / 2) ? v - (int32_t)M31_P : v;
        for (int l = 0; l < LIMBS; l++) {
            int32_t half = 1 << (LIMB_BITS - 1);
            int32_t limb = l == LIMBS - 1 ? v : ((v + half) & (2 * half - 1)) - half;
            limbs[LIMBS * k + l] = (int16_t)limb;
            v = (v - limb) >> LIMB_BITS;
        }
    }
}

/// Pairs of rows: GROUP pairs of 16-bit integers each.
static size_t row_limb_bytes(size_t count) { return (count + 1) / 2 * GROUP * 4; }

static void row_limbs(const uint32_t *w, size_t count, void *limbs) {
    int16_t *out = limbs;
    memset(limbs, 0, row_limb_bytes(count));
    for (size_t r = 0; r < count; r++) {
        int16_t parts[GROUP];
        split_weight(w + 4 * r, parts);
        for (int i = 0; i < GROUP; i++) {
            out[r / 2 * 2 * GROUP + 2 * (size_t)i + r % 2] = parts[i];
        }
    }
}

/// Blocks of 2 LANES columns: GROUP vectors each.
static size_t column_limb_bytes(size_t count) { return (count + 2 * LANES - 1) / (2 * LANES) * GROUP * 4 * LANES; }

static void column_limbs(const uint32_t *w, size_t count, void *limbs) {
    int16_t *out = limbs;
    memset(limbs, 0, column_limb_bytes(count));
    for (size_t c = 0; c < count; c++) {
        int16_t parts[GROUP];
        split_weight(w + 4 * c, parts);
        for (size_t i = 0; i < GROUP; i++) {
            out[(c / (2 * LANES) * GROUP + i) * 2 * LANES + c % (2 * LANES)] = parts[i];
        }
    }
}

/// `total` plus the product of up to 2 FLUSH rows with their weights; `count` columns, LANES or fewer.
TARGET static inline __attribute__((always_inline)) void rows_block(
    const E *m, size_t stride, size_t rows, size_t count, const int16_t *limbs, S64 *total) {
    S sum[GROUP];
    for (int i = 0; i < GROUP; i++) {
        sum[i] = s_zero();
    }
    for (size_t r = 0; r < rows; r += 2, limbs += 2 * GROUP) {
        const E *a = m + r * stride;
        const E *b = r + 1 < rows ? a + stride : a;  // the limbs of a missing row are zero
        V v = count == LANES ? load_rows(a, b) : load_rows_some(a, b, count);
        for (int i = 0; i < GROUP; i++) {
            uint32_t pair;
            memcpy(&pair, limbs + 2 * i, 4);
            sum[i] = s_dot(sum[i], v, v_set1(pair));
        }
    }
    for (int k = 0; k < 4; k++) {
        total[k] = s64_add(total[k], s64_fold(s_join(sum + LIMBS * k)));
    }
}

TARGET static void rows_kernel(
    const void *matrix, size_t stride, size_t rows, size_t columns, const void *limbs, uint32_t *out) {
    // Totals of a few hundred columns at a time stay in the first-level cache while the rows pass by.
    enum { WIDE = 32 };
    S64 total[WIDE][4];
    for (size_t start = 0; start < columns; start += WIDE * LANES) {
        size_t width = columns - start < WIDE * LANES ? columns - start : WIDE * LANES;
        memset(total, 0, sizeof total);
        for (size_t r = 0; r < rows; r += 2 * FLUSH) {
            size_t height = rows - r < 2 * FLUSH ? rows - r : 2 * FLUSH;
            const E *m = (const E *)matrix + r * stride + start;
            const int16_t *panel = (const int16_t *)limbs + r * GROUP;
            size_t c = 0;
            for (; c + LANES <= width; c += LANES) {
                rows_block(m + c, stride, height, LANES, panel, total[c / LANES]);
            }
            if (c < width) {
                rows_block(m + c, stride, height, width - c, panel, total[c / LANES]);
            }
        }
        for (size_t c = 0; c < width; c++) {
            uint32_t *o = out + 4 * (start + c);
            for (int k = 0; k < 4; k++) {
                // Below 2^33 a flush: no number of rows fills it.
                int64_t v = (s64_lane(&total[c / LANES][k], c % LANES) + (int64_t)o[k]) % (int64_t)M31_P;
                o[k] = (uint32_t)(v < 0 ? v + (int64_t)M31_P : v);
            }
        }
    }
}

TARGET static inline __attribute__((always_inline)) void columns_block(
    const E *m, size_t columns, const int16_t *limbs, S64 *total) {
    S sum[GROUP];
    for (int i = 0; i < GROUP; i++) {
        sum[i] = s_zero();
    }
    for (size_t c = 0; c < columns; c += 2 * LANES, limbs += GROUP * 2 * LANES) {
        V v = columns - c >= 2 * LANES ? load_row(m + c) : load_row_some(m + c, columns - c);
        for (int i = 0; i < GROUP; i++) {
            sum[i] = s_dot(sum[i], v, v_load((const uint32_t *)(const void *)(limbs + 2 * LANES * i)));
        }
    }
    for (int k = 0; k < 4; k++) {
        total[k] = s64_add(total[k], s64_fold(s_join(sum + LIMBS * k)));
    }
}

TARGET static void columns_kernel(
    const void *matrix, size_t stride, size_t rows, size_t columns, const void *limbs, uint32_t *out) {
    enum { TALL = 32, PANEL = 2 * LANES * FLUSH };
    S64 total[TALL][4];
    for (size_t start = 0; start < rows; start += TALL) {
        size_t height = rows - start < TALL ? rows - start : TALL;
        memset(total, 0, sizeof total);
        for (size_t c = 0; c < columns; c += PANEL) {
            size_t width = columns - c < PANEL ? columns - c : PANEL;
            for (size_t r = 0; r < height; r++) {
                columns_block(
                    (const E *)matrix + (start + r) * stride + c, width, (const int16_t *)limbs + c * GROUP, total[r]);
            }
        }
        for (size_t r = 0; r < height; r++) {
            for (int k = 0; k < 4; k++) {
                int64_t v = s64_sum(&total[r][k]) % (int64_t)M31_P;
                out[4 * (start + r) + (size_t)k] = (uint32_t)(v < 0 ? v + (int64_t)M31_P : v);
            }
        }
    }
}

const m31_combine COMBINE = {
    .block = 2 * LANES,
    .row_limb_bytes = row_limb_bytes,
    .column_limb_bytes = column_limb_bytes,
    .row_limbs = row_limbs,
    .column_limbs = column_limbs,
    .rows = rows_kernel,
    .columns = columns_kernel,
    .row_step = 2,
};
