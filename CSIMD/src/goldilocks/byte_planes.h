// Matrices of small integers times vectors of elements with the byte dot product of AVX-512 VNNI. Shared with BN254.
//
// Weights are integers of WEIGHT_BYTES bytes in all, COORDINATES of COORDINATE_BYTES each. Plane k is byte k of every
// weight. The matrix is a matrix of signed bytes: an integer of several bytes is x = c + sum over t of 256^t d_t with
// signed digits d_t, which are its own bytes with the top bit of all but the last flipped, and the constant
// c = 0x80, 0x808080, ... (0 for int8), which the caller adds for all rows or columns at once. `vpdpbusd` multiplies 64
// unsigned bytes of a plane by 64 digits and sums fours into 32-bit lanes: WEIGHT_BYTES instructions for 64 int8
// entries, no reduction before the end.
//
// Included after WEIGHT_BYTES, COORDINATES, COORDINATE_BYTES, and
//   void finish(const int64_t *sums, int exponents, u64 *out, const u64 *constant, int add)
// which writes constant + sum over e of 256^e sums[c * exponents + e] for each coordinate c, plus `out` if `add`.

#include "../cpu/avx512_sums.h"
#include "ints.h"
#include <stdlib.h>
#include <string.h>

#define WEIGHT_WORDS (WEIGHT_BYTES / 8)
#define PLANES_WORTH_THREADS 200000 /* instructions, 50 us: waking a thread costs some 10 us */

AVX512_INLINE v8 planes_load(const uint8_t *p, size_t bytes) {
    return bytes >= 64 ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi8(((__mmask64)1 << bytes) - 1, p);
}

// Indices that gather byte k of four neighbouring weights into the 32-bit lane k. Weights are 16 bytes (four to a
// vector) or 32 (two to a vector, two vectors).
AVX512_INLINE void planes_of_four(const uint8_t *weights, size_t count, v8 *out) {
    uint8_t index[64];
    for (int half = 0; half < WEIGHT_BYTES / 16; half++) {
        for (int k = 0; k < 16; k++)
            for (int i = 0; i < 4; i++) index[4 * k + i] = (uint8_t)(i * WEIGHT_BYTES + half * 16 + k);
        const v8 order = _mm512_loadu_si512(index);
        const v8 a = planes_load(weights, count >= 4 ? 64 : count * WEIGHT_BYTES < 64 ? count * WEIGHT_BYTES : 64);
#if WEIGHT_BYTES == 16
        out[half] = _mm512_permutexvar_epi8(order, a);
#else
        const v8 b =
            count > 2 ? planes_load(weights + 64, (count >= 4 ? 2 : count - 2) * WEIGHT_BYTES) : _mm512_setzero_si512();
        out[half] = _mm512_permutex2var_epi8(a, order, b);
#endif
    }
}

// MARK: Rows: output[c] += sum over r of weights[r] matrix[r, c]

#define ROW_BLOCK 256   /* rows whose digits are packed at once: 16 KiB for 64 columns of bytes */
#define ROW_LIMIT 65536 /* times 255 * 128 is below 2^31 */

struct planes_rows {
    const uint8_t *matrix;
    const uint8_t *weights;
    uint64_t *output;
    const uint64_t *constant;
    size_t rows, row_bytes, panels;
    int entry_bytes;
};

AVX512 static void planes_rows_panel(const struct planes_rows *job, size_t panel, const v8 *planes, v8 *scratch) {
    const size_t start = 64 * panel, width = job->row_bytes - start < 64 ? job->row_bytes - start : 64;
    const v8 flip = gl8_set(digits_flip(job->entry_bytes));
    const __mmask64 mask = width == 64 ? ~(__mmask64)0 : ((__mmask64)1 << width) - 1;
    // sums[k][lane]: one 64-byte vector for each quarter of the panel.
    v8 sums[WEIGHT_BYTES][4];
    for (int k = 0; k < WEIGHT_BYTES; k++)
        for (int j = 0; j < 4; j++) sums[k][j] = _mm512_setzero_si512();
    for (size_t block = 0; block < job->rows; block += ROW_BLOCK) {
        const size_t rows = job->rows - block < ROW_BLOCK ? job->rows - block : ROW_BLOCK;
        const size_t groups = (rows + 3) / 4;
        const uint8_t *row = job->matrix + block * job->row_bytes + start;
        for (size_t g = 0; g < groups; g++, row += 4 * job->row_bytes) {
            v8 x[4];
            for (size_t i = 0; i < 4; i++) {
                // Rows past the end have zero weights.
                x[i] = 4 * g + i < rows
                           ? _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, row + i * job->row_bytes), flip)
                           : _mm512_setzero_si512();
            }
            // Digits of four rows side by side: quarter j has the columns 16 l + 4 j + i in lane 4 l + i.
            const v8 ab0 = _mm512_unpacklo_epi8(x[0], x[1]), ab1 = _mm512_unpackhi_epi8(x[0], x[1]);
            const v8 cd0 = _mm512_unpacklo_epi8(x[2], x[3]), cd1 = _mm512_unpackhi_epi8(x[2], x[3]);
            scratch[4 * g] = _mm512_unpacklo_epi16(ab0, cd0);
            scratch[4 * g + 1] = _mm512_unpackhi_epi16(ab0, cd0);
            scratch[4 * g + 2] = _mm512_unpacklo_epi16(ab1, cd1);
            scratch[4 * g + 3] = _mm512_unpackhi_epi16(ab1, cd1);
        }
        const int32_t *words = (const int32_t *)(planes + block / 4 * (WEIGHT_BYTES / 16));
        for (int k = 0; k < WEIGHT_BYTES; k += 4) {
            v8 s[4][4];
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++) s[i][j] = sums[k + i][j];
            for (size_t g = 0; g < groups; g++) {
                for (int i = 0; i < 4; i++) {
                    const v8 w = _mm512_set1_epi32(words[g * WEIGHT_BYTES + k + i]);
                    for (int j = 0; j < 4; j++) s[i][j] = _mm512_dpbusd_epi32(s[i][j], w, scratch[4 * g + j]);
                }
            }
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++) sums[k + i][j] = s[i][j];
        }
    }
    const int32_t *lanes = (const int32_t *)sums;
    const size_t first = start / job->entry_bytes, count = width / job->entry_bytes;
    const int exponents = COORDINATE_BYTES + job->entry_bytes - 1;
    for (size_t c = 0; c < count; c++) {
        int64_t total[COORDINATES * (COORDINATE_BYTES + 7)];
        for (int i = 0; i < COORDINATES * exponents; i++) total[i] = 0;
        for (int t = 0; t < job->entry_bytes; t++) {
            const size_t b = c * job->entry_bytes + t;
            const size_t lane = 16 * (b / 4 % 4) + 4 * (b / 16) + b % 4;
            for (int coordinate = 0; coordinate < COORDINATES; coordinate++)
                for (int k = 0; k < COORDINATE_BYTES; k++)
                    total[coordinate * exponents + k + t] += lanes[64 * (coordinate * COORDINATE_BYTES + k) + lane];
        }
        finish(total, exponents, job->output + WEIGHT_WORDS * (first + c), job->constant, 1);
    }
}

struct planes_rows_context {
    struct planes_rows job;
    const v8 *planes;
    size_t chunk;
};

AVX512 static void planes_rows_chunk(void *context, size_t index) {
    const struct planes_rows_context *c = context;
    v8 scratch[ROW_BLOCK];
    const size_t end = (index + 1) * c->chunk;
    for (size_t panel = index * c->chunk; panel < end && panel < c->job.panels; panel++)
        planes_rows_panel(&c->job, panel, c->planes, scratch);
}

AVX512 static void combine_rows(const void *matrix, int bytes, size_t rows, size_t columns, const u64 *weights,
                                const u64 *constant, u64 *out) {
    struct planes_rows job = {.matrix = matrix,
                              .weights = (const uint8_t *)weights,
                              .output = out,
                              .constant = constant,
                              .rows = rows,
                              .row_bytes = columns * (size_t)bytes,
                              .entry_bytes = bytes};
    job.panels = (job.row_bytes + 63) / 64;
    const size_t groups = (job.rows + 3) / 4;
    v8 *planes = aligned_alloc(64, groups * 4 * WEIGHT_BYTES);
    if (planes == NULL) abort();
    for (size_t g = 0; g < groups; g++)
        planes_of_four(job.weights + 4 * g * WEIGHT_BYTES, job.rows - 4 * g, planes + g * (WEIGHT_BYTES / 16));
    struct planes_rows_context context = {.job = job, .planes = planes};
    const size_t pieces = 4 * (size_t)csimd_free_thread_count();
    context.chunk = (job.panels + pieces - 1) / pieces;
    parallel_if(job.rows * job.row_bytes / 64 * WEIGHT_BYTES > PLANES_WORTH_THREADS,
                (job.panels + context.chunk - 1) / context.chunk, planes_rows_chunk, &context);
    free(planes);
}

// MARK: Columns: output[r] = sum over c of weights[c] matrix[r, c]

#define COLUMN_BLOCK 4096 /* bytes of a row taken at once */
#define ROW_TILE 32       /* rows that pass over the planes of a block together */
#define MOST_EXPONENTS (COORDINATES * (COORDINATE_BYTES + 7) + 3)

struct planes_columns {
    const uint8_t *matrix;
    const uint8_t *weights;
    uint64_t *output;
    const uint64_t *constant;
    size_t rows, columns, row_bytes, blocks;
    int entry_bytes;
    /// Exponents of 256 in a coordinate's sums; planes in all, rounded up to a multiple of 4.
    int exponents, planes;
    /// For each block of columns and plane, so many bytes; zero past the last column.
    size_t plane_bytes;
    uint8_t *expanded;
};

// Transposes 16 by 16 words of 32 bits.
AVX512_INLINE void planes_transpose(v8 *a) {
    v8 b[16];
    for (int i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        // Lanes of 128 bits: words 4 l + 0, 1, 2, 3 of rows i to i + 3.
        a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
        a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
        a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
        a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        const v8 p = _mm512_shuffle_i64x2(a[i], a[i + 4], 0x88), q = _mm512_shuffle_i64x2(a[i], a[i + 4], 0xdd);
        const v8 r = _mm512_shuffle_i64x2(a[i + 8], a[i + 12], 0x88),
                 s = _mm512_shuffle_i64x2(a[i + 8], a[i + 12], 0xdd);
        b[i] = _mm512_shuffle_i64x2(p, r, 0x88);      // word i
        b[i + 8] = _mm512_shuffle_i64x2(p, r, 0xdd);  // word 8 + i
        b[i + 4] = _mm512_shuffle_i64x2(q, s, 0x88);  // word 4 + i
        b[i + 12] = _mm512_shuffle_i64x2(q, s, 0xdd); // word 12 + i
    }
    for (int i = 0; i < 16; i++) a[i] = b[i];
}

AVX512 static void planes_expand(void *context, size_t block) {
    const struct planes_columns *job = context;
    uint8_t *out = job->expanded + block * job->planes * job->plane_bytes;
    const int e = job->entry_bytes;
    const size_t per_block = COLUMN_BLOCK / e, first = block * per_block;
    const size_t count = job->columns - first < per_block ? job->columns - first : per_block;
    memset(out, 0, job->planes * job->plane_bytes);
    for (size_t c = 0; c < count; c += 64) {
        v8 bytes[WEIGHT_BYTES];
        for (int half = 0; half < WEIGHT_BYTES / 16; half++) {
            for (size_t g = 0; g < 16; g++) {
                v8 four[WEIGHT_BYTES / 16];
                if (c + 4 * g < count) {
                    planes_of_four(job->weights + (first + c + 4 * g) * WEIGHT_BYTES, count - c - 4 * g, four);
                    bytes[16 * half + g] = four[half];
                } else {
                    bytes[16 * half + g] = _mm512_setzero_si512();
                }
            }
            planes_transpose(bytes + 16 * half);
        }
        for (int coordinate = 0; coordinate < COORDINATES; coordinate++) {
            for (int k = 0; k < COORDINATE_BYTES; k++) {
                const v8 plane = bytes[coordinate * COORDINATE_BYTES + k];
                // Digit t of an entry is worth 256^t: it meets byte k of the weight in the sum for 256^(k + t).
                if (e == 1) {
                    _mm512_storeu_si512(out + (coordinate * job->exponents + k) * job->plane_bytes + c, plane);
                    continue;
                }
                uint8_t one[64];
                _mm512_storeu_si512(one, plane);
                for (int t = 0; t < e; t++) {
                    uint8_t *to = out + (coordinate * job->exponents + k + t) * job->plane_bytes + c * e + t;
                    for (size_t i = 0; i < 64 && c + i < count; i++) to[i * e] = one[i];
                }
            }
        }
    }
}

AVX512 static void planes_columns_tile(void *context, size_t tile) {
    const struct planes_columns *job = context;
    const size_t first = tile * ROW_TILE, rows = job->rows - first < ROW_TILE ? job->rows - first : ROW_TILE;
    const v8 flip = gl8_set(digits_flip(job->entry_bytes));
    int64_t sums[ROW_TILE][MOST_EXPONENTS];
    memset(sums, 0, sizeof sums);
    for (size_t block = 0; block < job->blocks; block++) {
        const uint8_t *planes = job->expanded + block * job->planes * job->plane_bytes;
        const size_t start = block * COLUMN_BLOCK;
        const size_t width = job->row_bytes - start < COLUMN_BLOCK ? job->row_bytes - start : COLUMN_BLOCK;
        for (int k = 0; k < job->planes; k += 4) {
            const uint8_t *p = planes + k * job->plane_bytes;
            for (size_t r = 0; r < rows; r += 4) {
                const uint8_t *row[4];
                for (size_t i = 0; i < 4; i++) // past the last row the last again; its sums are not used
                    row[i] = job->matrix + (first + (r + i < rows ? r + i : rows - 1)) * job->row_bytes + start;
                v8 s[16];
                for (int i = 0; i < 16; i++) s[i] = _mm512_setzero_si512();
                size_t b = 0;
                for (; b + 64 <= width; b += 64) {
                    v8 w[4];
                    for (int j = 0; j < 4; j++) w[j] = _mm512_load_si512(p + j * job->plane_bytes + b);
                    for (int i = 0; i < 4; i++) {
                        const v8 x = _mm512_xor_si512(_mm512_loadu_si512(row[i] + b), flip);
                        for (int j = 0; j < 4; j++) s[4 * i + j] = _mm512_dpbusd_epi32(s[4 * i + j], w[j], x);
                    }
                }
                if (b < width) {
                    for (int i = 0; i < 4; i++) {
                        const v8 x = _mm512_xor_si512(planes_load(row[i] + b, width - b), flip);
                        for (int j = 0; j < 4; j++)
                            s[4 * i + j] =
                                _mm512_dpbusd_epi32(s[4 * i + j], _mm512_load_si512(p + j * job->plane_bytes + b), x);
                    }
                }
                int32_t lanes[16];
                _mm512_storeu_si512(lanes, avx512_sum_lanes(s));
                for (size_t i = 0; i < 4 && r + i < rows; i++)
                    for (int j = 0; j < 4; j++) sums[r + i][k + j] += lanes[4 * i + j];
            }
        }
    }
    for (size_t r = 0; r < rows; r++)
        finish(sums[r], job->exponents, job->output + WEIGHT_WORDS * (first + r), job->constant, 0);
}

AVX512 static void combine_columns(const void *matrix, int bytes, size_t rows, size_t columns, const u64 *weights,
                                   const u64 *constant, u64 *out) {
    struct planes_columns job = {.matrix = matrix,
                                 .weights = (const uint8_t *)weights,
                                 .output = out,
                                 .constant = constant,
                                 .rows = rows,
                                 .columns = columns,
                                 .entry_bytes = bytes};
    job.row_bytes = job.columns * job.entry_bytes;
    job.blocks = (job.row_bytes + COLUMN_BLOCK - 1) / COLUMN_BLOCK;
    job.exponents = COORDINATE_BYTES + job.entry_bytes - 1;
    job.planes = (COORDINATES * job.exponents + 3) / 4 * 4;
    job.plane_bytes = job.blocks > 1 ? COLUMN_BLOCK : (job.row_bytes + 63) / 64 * 64;
    job.expanded = aligned_alloc(64, job.blocks * job.planes * job.plane_bytes);
    if (job.expanded == NULL) abort();
    parallel_if(job.row_bytes * job.planes > PLANES_WORTH_THREADS, job.blocks, planes_expand, &job);
    parallel_if(job.rows * job.row_bytes / 64 * job.planes > PLANES_WORTH_THREADS, (job.rows + ROW_TILE - 1) / ROW_TILE,
                planes_columns_tile, &job);
    free(job.expanded);
}
